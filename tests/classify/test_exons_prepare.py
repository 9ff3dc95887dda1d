"""Prepared files of made-up genomes, checked letter by letter; the rules one at a time; real genomes by their counts."""

import gzip
import itertools
import os
from collections import Counter

import h5py
import numpy as np
import pysam
import pytest
from genome_toys import fasta, gtf, random_genes, random_genome, window, write
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from classify.__main__ import main
from classify.exons.annotation import read_annotation
from classify.exons.prepared import KINDS, PreparedSet
from classify.exons.preparing import prepare
from classify.exons.settings import PrepareSettings
from classify.exons.starts import exon_starts, find_loci, gene_spans
from classify.splits import SplitSettings
from specgen.errors import InputError
from specgen.sequences import decode

EVERY = ["intragenic", "decoy", "gc", "shuffled"]
WIDE = SplitSettings(test_fraction=0.3, val_fraction=0.3)
LENGTHS = {"c1": 30000, "c2": 12000, "c3": 400}


def prepared(folder, contigs, genes, name="out.h5", **more):
    genome, annotation = write(folder, contigs, genes)
    out = str(folder / name)
    counts = prepare(PrepareSettings(genome, annotation, out, **{"split": WIDE, **more}), progress=False)
    found = PreparedSet(out)
    assert found.counts == counts
    return found


def toy(seed=0, n=60, unknown=0.0, **more):
    rng = np.random.default_rng(seed)
    contigs = random_genome(rng, LENGTHS, unknown)
    inhabited = [name for name, length in LENGTHS.items() if length > 1000]
    return contigs, random_genes(rng, {name: contigs[name] for name in inhabited}, n, **more)


def letters(found, rows=None, start=0, width=None):
    rows = np.arange(len(found)) if rows is None else rows
    width = width or found.width
    return [decode(row) for row in found.gather(rows, np.full(len(rows), start), width)]


def pairs(text):
    return Counter(itertools.pairwise(text))


def check(found, contigs, genes):
    """Every promise of the file's format."""
    told = found.settings
    width, least = told["width"], told["min_distance"]
    ends = letters(found, np.flatnonzero(found.kind == 0), width // 2 - 2, 2)
    assert found.counts["acceptors_behind_ag"] == ends.count("AG")
    places = {}  # (contig, strand) -> all starts
    spans, strands = {}, {}
    for gene, (contig, strand, transcripts) in genes.items():
        exons = [exon for some in transcripts.values() for exon in some]
        spans[gene], strands[gene] = (min(a for a, _ in exons), max(b for _, b in exons)), strand
        for start, end in exons:
            forward = strand == "+" or not told["strand_aware"]
            places.setdefault((contig, 1 if forward else -1), set()).add(start if forward else end)

    names = [found.contigs[i] for i in found.contig]
    kinds = [found.kinds[i] for i in found.kind]
    texts = letters(found)
    beside = {}
    for row in range(len(found)):
        contig, position, strand = names[row], int(found.position[row]), int(found.strand[row])
        gene, kind = found.genes[found.gene[row]], kinds[row]
        assert genes[gene][0] == contig
        assert found.label[row] == (kind in ("acceptor", "first"))
        assert strand == (1 if strands[gene] == "+" or not told["strand_aware"] else -1)
        cut = window(contigs[contig], position, strand, width)
        if kind == "shuffled":
            assert pairs(texts[row]) == pairs(cut)
        else:
            assert texts[row] == cut
            assert sum(letter not in "ACGT=" for letter in cut) / width <= told["max_ambiguous"]
        starts = places[contig, strand]
        if found.label[row]:
            assert position in starts
        elif kind != "shuffled":
            assert min(abs(position - start) for start in starts) >= least
            beside.setdefault((contig, strand), []).append(position)
        if kind in ("intragenic", "decoy"):
            assert spans[gene][0] <= position < spans[gene][1]
        if kind == "decoy":
            assert cut[width // 2 - 2 : width // 2] == "AG"
    assert all(len(set(some)) == len(some) for some in beside.values())

    shared = found.locus if told["position_disjoint"] else found.gene
    for group in np.unique(shared):
        assert len(set(found.split[shared == group].tolist())) == 1
    for contig in range(len(found.contigs)):
        rows = np.flatnonzero(found.contig == contig)
        if told["order"] == "gene":  # gene by gene, and the genes in no order of place
            of_gene = found.gene[rows]
            assert (np.diff(of_gene) != 0).sum() == len(set(of_gene.tolist())) - 1
        else:
            assert (np.diff(found.position[rows]) >= 0).all()
        if told["position_disjoint"]:
            order = rows[np.argsort(found.position[rows], kind="stable")]
            apart = found.split[order[1:]] != found.split[order[:-1]]
            assert (np.diff(found.position[order])[apart] >= width).all()


def gc_of(text):
    return sum(letter in "GC" for letter in text)


@settings(max_examples=6)
@given(st.integers(0, 2**32 - 1), st.sampled_from([51, 101, 301]), st.sampled_from([0.0, 0.1]))
def test_every_window_is_what_the_columns_say(tmp_path_factory, seed, width, unknown):
    contigs, genes = toy(seed, unknown=unknown)
    _, annotation = write(folder := tmp_path_factory.mktemp("toy"), contigs, genes)
    exons = read_annotation(annotation)
    loci = len(find_loci(gene_spans(exons), width // 2)[1])
    assume(loci > 12)  # wide windows join near genes, and few loci are not always in every split
    found = prepared(folder, contigs, genes, width=width, negatives=EVERY, seed=seed % 7)
    check(found, contigs, genes)


@settings(max_examples=6)
@given(st.integers(0, 2**32 - 1))
def test_the_published_protocol(tmp_path_factory, seed):
    contigs, genes = toy(seed)
    found = prepared(tmp_path_factory.mktemp("toy"), contigs, genes, protocol="exonsearch", split=None)
    check(found, contigs, genes)
    assert set(found.strand.tolist()) == {1}
    assert set(found.split.tolist()) == {0, 2}
    starts = {
        (contig, start, gene)
        for gene, (contig, _, transcripts) in genes.items()
        for exons in transcripts.values()
        for start, _ in exons
    }
    rows = np.flatnonzero(found.label)
    got = [(found.contigs[found.contig[i]], int(found.position[i]), found.genes[found.gene[i]]) for i in rows]
    assert set(got) == starts
    assert len(got) == len(starts)
    wanted, drawn = Counter(gene for *_, gene in starts), Counter(found.genes[i] for i in found.gene[found.label == 0])
    assert all(drawn[gene] <= number for gene, number in wanted.items())
    assert sum(drawn.values()) + found.counts["negatives_missing"]["intragenic"] == len(starts)


def test_by_hand(tmp_path):
    """One gene on each strand, its windows written out; N beyond the limit drops a start and is counted."""
    contig = "CCAGGTACCTTAGCA" + "N" * 12 + "TTACCGATTGCATGCAAGT"
    genes = {"P": ("c", "+", {"P1": [(1, 3), (6, 9), (13, 16)]}), "M": ("c", "-", {"M1": [(32, 36), (38, 44)]})}
    options = {"width": 7, "negatives": ["intragenic"], "min_distance": 1, "split": SplitSettings("test")}
    found = prepared(tmp_path, {"c": contig}, genes, **options)
    rows = np.flatnonzero(found.label)
    got = [
        (int(found.position[i]), int(found.strand[i]), KINDS[found.kind[i]], found.genes[found.gene[i]], text)
        for i, text in zip(rows, letters(found, rows), strict=True)
    ]
    assert got == [
        (1, 1, "first", "P", "===CCAG"),
        (6, 1, "acceptor", "P", "AGGTACC"),
        # 13 has TTAGCAN around it: one N of seven letters is more than .1.
        (36, -1, "acceptor", "M", "TGCAATC"),
        (44, -1, "first", "M", "=ACTTGC"),
    ]
    assert found.counts["dropped"] == {"ambiguous": 1, "without_split": 0}
    assert set(found.split.tolist()) == {2}
    every = prepared(tmp_path, {"c": contig}, genes, max_ambiguous=1, **options)
    assert every.counts["starts"] == {"acceptor": 3, "first": 2}


def test_windows_narrower_than_what_stands_before_them(tmp_path):
    contigs, genes = toy(1)
    narrow = prepared(tmp_path, contigs, genes, "narrow.h5", width=3, negatives=["intragenic"])
    wide = prepared(tmp_path, contigs, genes, "wide.h5", width=7, negatives=["intragenic"])
    assert narrow.counts["acceptors_behind_ag"] == wide.counts["acceptors_behind_ag"] > 0


def contents(path):
    """Everything in a file but where it came from."""
    with h5py.File(path) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
        names = [file[f"contigs/{i}"].attrs["name"] for i in range(len(file["contigs"]))]
        return names, found, file.attrs["counts"]


def same(one, other):
    (names, first, counts), (others, second, more) = contents(one), contents(other)
    assert names == others
    assert counts == more
    assert set(first) == set(second)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


class TestRepeatable:
    def test_same_input_same_bytes(self, tmp_path):
        contigs, genes = toy()
        for name in ("a.h5", "b.h5"):
            prepared(tmp_path, contigs, genes, name, negatives=EVERY)
        assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
        prepared(tmp_path, contigs, genes, "c.h5", negatives=EVERY, seed=1)
        first, other = PreparedSet(tmp_path / "a.h5"), PreparedSet(tmp_path / "c.h5")
        assert first.position[first.label == 1].tolist() == other.position[other.label == 1].tolist()
        assert first.position[first.kind == 2].tolist() != other.position[other.kind == 2].tolist()

    def test_the_order_of_lines_does_not_matter(self, tmp_path):
        contigs, genes = toy()
        text = gtf(genes).splitlines(keepends=True)
        mixed = [text[i] for i in np.random.default_rng(1).permutation(len(text))]
        prepared(tmp_path / "a", contigs, genes, negatives=EVERY)
        prepared(tmp_path / "b", contigs, "".join(mixed), negatives=EVERY)
        same(tmp_path / "a" / "out.h5", tmp_path / "b" / "out.h5")

    def test_nor_do_other_contigs_and_their_order(self, tmp_path):
        contigs, genes = toy()
        found = prepared(tmp_path / "a", contigs, genes, negatives=EVERY)
        turned = prepared(tmp_path / "b", dict(reversed(contigs.items())), genes, negatives=EVERY)
        one = {gene: entry for gene, entry in genes.items() if entry[0] == "c1"}
        alone = prepared(tmp_path / "c", contigs, one, negatives=EVERY)
        assert found.contigs == ["c1", "c2"]
        assert turned.contigs == ["c2", "c1"]

        def rows(some):
            mine = np.flatnonzero(np.array(some.contigs)[some.contig] == "c1")
            columns = [some.position[mine], some.strand[mine], some.kind[mine], some.split[mine]]
            return [column.tolist() for column in columns], letters(some, mine)

        assert rows(found) == rows(turned) == rows(alone)

    def test_index_and_compression_do_not_matter(self, tmp_path):
        contigs, genes = toy(unknown=0.05)
        prepared(tmp_path / "a", contigs, genes)
        for name in ("indexed", "packed", "block"):
            folder = tmp_path / name
            genome, annotation = write(folder, contigs, genes, packed=name == "packed")
            if name == "block":
                pysam.tabix_compress(genome, genome + ".gz")
                genome += ".gz"
            if name != "packed":
                pysam.faidx(genome)
            out = str(folder / "out.h5")
            prepare(PrepareSettings(genome, annotation, out, split=WIDE), progress=False)
            same(tmp_path / "a" / "out.h5", out)


@pytest.fixture(scope="module")
def crowded():
    """Short genes that overlap."""
    return toy(3, n=70, longest=500)


class TestRulesOneAtATime:
    def one(self, tmp_path, crowded, **rule):
        found = prepared(tmp_path, *crowded, width=51, negatives=["intragenic"], **rule)
        check(found, *crowded)
        return found

    def test_strands(self, tmp_path, crowded):
        right, wrong = self.one(tmp_path, crowded), self.one(tmp_path, crowded, strand_aware=False)
        assert set(right.strand.tolist()) == {1, -1}
        assert set(wrong.strand.tolist()) == {1}
        assert wrong.settings["min_distance"] == 20
        assert wrong.settings["position_disjoint"]

    def test_distance(self, tmp_path, crowded):
        near = self.one(tmp_path, crowded, min_distance=1)
        starts = near.position[(near.label == 1) & (near.contig == 0) & (near.strand == 1)]
        others = near.position[(near.label == 0) & (near.contig == 0) & (near.strand == 1)]
        assert 1 <= np.abs(others[:, None] - starts).min() < 20  # ``check`` shows 20 and more under strict

    def test_positions(self, tmp_path, crowded):
        """Overlapping genes on both sides of the split: the same letters in training and test."""
        found = self.one(tmp_path, crowded, position_disjoint=False)
        order = np.lexsort((found.position, found.contig))
        near = (np.diff(found.position[order]) < 51) & (np.diff(found.contig[order]) == 0)
        assert (near & (np.diff(found.split[order].astype(int)) != 0)).any()
        assert any(len(set(found.split[found.locus == locus].tolist())) > 1 for locus in np.unique(found.locus))

    def test_validation(self, tmp_path, crowded):
        with_, without = self.one(tmp_path, crowded), self.one(tmp_path, crowded, validation=False)
        assert set(with_.split.tolist()) == {0, 1, 2}
        expected = np.where(with_.split == 1, 0, with_.split)
        assert without.split.tolist() == expected.tolist()

    def test_negatives(self, tmp_path, crowded):
        for kind in EVERY:
            found = prepared(tmp_path, *crowded, width=51, negatives=[kind])
            check(found, *crowded)
            assert set(found.counts["negatives"]) == {kind}
            there = found.counts["negatives"][kind] + found.counts["negatives_missing"][kind]
            assert there == int(found.label.sum())

    def test_chromosomes(self, tmp_path, crowded):
        found = prepared(tmp_path, *crowded, split=SplitSettings(test_chromosomes=["c2"]))
        assert {found.contigs[i] for i in found.contig[found.split == 2]} == {"c2"}
        assert {found.contigs[i] for i in found.contig[found.split < 2]} == {"c1"}
        with pytest.raises(InputError, match="no record lies on chromosome 9; found: c1, c2"):
            prepared(tmp_path, *crowded, split=SplitSettings(test_chromosomes=["chr9"]))

    def test_a_gene_on_both_sides_is_left_out(self, tmp_path, crowded):
        contigs, genes = crowded
        text = (
            gtf(genes) + gtf({"M": ("c1", "+", {"1": [(5, 9)]})}) + gtf({"M": ("c2", "+", {"2": [(5, 9), (15, 19)]})})
        )
        found = prepared(tmp_path, contigs, text, split=SplitSettings(test_chromosomes=["c2"], strategy="chromosome"))
        assert found.counts["dropped"]["without_split"] >= 3
        assert "M" not in {found.genes[i] for i in found.gene}


def test_gc_stands_beside_a_positive_of_its_share(tmp_path):
    contigs, genes = toy(5)
    found = prepared(tmp_path, contigs, genes, width=51, negatives=["gc"])
    texts = letters(found)
    for split in range(3):
        mine = [
            Counter(gc_of(texts[i]) for i in np.flatnonzero((found.split == split) & (found.label == label)))
            for label in (0, 1)
        ]
        # As many of each count, but for the few that were only matched within 2 % of 51 letters.
        assert sum((mine[0] - mine[1]).values()) <= 0.1 * sum(mine[1].values())
    assert found.counts["negatives"]["gc"] > 0.9 * found.label.sum()


def test_small_genes_are_searched_whole(tmp_path):
    """Ten places to choose from, of which nine are too near: the one that is left is found, and no place comes twice."""
    contig = "".join(np.random.default_rng(0).choice(list("ACGT"), 400))
    genes = {"A": ("c", "+", {"1": [(100, 100 + 9)], "2": [(103, 103 + 7)]})}
    found = prepared(
        tmp_path, {"c": contig}, genes, width=51, negatives=["intragenic"], min_distance=6, split=SplitSettings("test")
    )
    assert found.position[found.label == 0].tolist() == [109]
    assert found.counts["negatives_missing"] == {"intragenic": 1}


class TestMistakes:
    @pytest.fixture
    def files(self, tmp_path):
        return write(tmp_path / "in", *toy())

    def fails(self, tmp_path, genome, annotation, match, **more):
        out = tmp_path / "made" / "out.h5"
        with pytest.raises(InputError, match=match) as error:
            prepare(PrepareSettings(genome, annotation, str(out), **{"split": WIDE, **more}), progress=False)
        assert "\n" not in str(error.value)
        assert not out.exists()
        assert not out.parent.exists() or not list(out.parent.iterdir())

    def annotated(self, files, change):
        path = files[1] + ".other"
        with open(files[1], encoding="utf-8") as old, open(path, "w", encoding="utf-8") as new:
            new.write(change(old.read()))
        return path

    def test_another_naming(self, tmp_path, files):
        other = self.annotated(files, lambda text: text.replace("c1\t", "chrc1\t"))
        self.fails(
            tmp_path,
            files[0],
            other,
            r"names 1 sequences otherwise than .*: 'chrc1' here is 'c1' there \(chr, capitals\)",
        )
        other = self.annotated(files, lambda text: text.replace("c1\t", "ChrC1\t").replace("c2\t", "Chrc2\t"))
        self.fails(tmp_path, files[0], other, r"names 2 sequences otherwise than .*: 'ChrC1' here is 'c1' there")
        other = self.annotated(files, lambda text: text.replace("c1\t", "x1\t").replace("c2\t", "x2\t"))
        self.fails(tmp_path, files[0], other, "no sequence in common with .*: x1, x2 here, c1, c2, c3 there$")
        other = self.annotated(
            files, lambda text: text.replace("c1\t", "NC_000001.11\t").replace("c2\t", "NC_000002.12\t")
        )
        self.fails(tmp_path, files[0], other, "the annotation has NCBI accessions")

    def test_one_sequence_missing_is_counted(self, tmp_path, files):
        other = self.annotated(files, lambda text: text + gtf({"X": ("x", "+", {"1": [(1, 9), (20, 29)]})}))
        out = str(tmp_path / "out.h5")
        counts = prepare(PrepareSettings(files[0], other, out, split=WIDE), progress=False)
        assert counts["contigs_missing"] == ["x"]
        assert counts["exons_on_missing_contigs"] == 2
        found = PreparedSet(out)
        assert "X" not in {found.genes[i] for i in found.gene}

    def test_past_the_end(self, tmp_path, files):
        other = self.annotated(files, lambda text: gtf({"X": ("c3", "+", {"1": [(390, 401)]})}) + text)
        self.fails(tmp_path, files[0], other, r"line 1: the exon c3:390-401 ends past the 400 nt of that sequence")

    def test_a_damaged_genome(self, tmp_path, files):
        contigs, _ = toy()
        whole = gzip.compress(fasta(contigs).encode())
        path = tmp_path / "in" / "cut.fa.gz"
        path.write_bytes(whole[: len(whole) // 2])
        self.fails(tmp_path, str(path), files[1], r"cut\.fa\.gz: the compressed data is truncated or damaged")

    def test_an_index_that_does_not_serve(self, tmp_path, files):
        contigs, _ = toy()
        path = tmp_path / "in" / "plain.fa.gz"
        path.write_bytes(gzip.compress(fasta(contigs).encode()))
        (tmp_path / "in" / "plain.fa.gz.fai").write_text("c1\t30000\t4\t60\t61\n")
        self.fails(tmp_path, str(path), files[1], r"is gzip and not bgzip, so plain\.fa\.gz\.fai cannot serve")
        pysam.faidx(files[0])
        os.utime(files[0] + ".fai", (1, 1))
        self.fails(tmp_path, files[0], files[1], r"genome\.fa\.fai: is older than the genome")

    def test_no_letters_left(self, tmp_path, files):
        contigs = {name: "N" * length for name, length in LENGTHS.items()}
        genome, _ = write(tmp_path / "n", contigs, {})
        self.fails(tmp_path, genome, files[1], "no exon starts for train")

    def test_too_few_genes(self, tmp_path, files):
        few = self.annotated(files, lambda text: "".join(text.splitlines(keepends=True)[:1]))
        self.fails(
            tmp_path, files[0], few, r"no exon starts for \w+ \(train \d, val \d, test \d\); give larger fractions"
        )

    @pytest.mark.parametrize(
        ("more", "match"),
        [
            ({"width": 300}, "width: expected an odd number of nt from 3 on, got 300"),
            ({"width": 1}, "width"),
            ({"min_distance": 0}, "min_distance: expected at least 1 nt, got 0"),
            ({"max_ambiguous": 1.5}, "max_ambiguous"),
            ({"max_ambiguous": float("nan")}, "max_ambiguous"),
            ({"seed": -1}, "seed"),
            ({"features": []}, "features"),
            ({"negatives": []}, "negatives: expected different kinds of intragenic, decoy, gc, shuffled"),
            ({"negatives": ["gc", "gc"]}, "negatives"),
            ({"negatives": ["decoys"]}, "unknown kind of negative 'decoys'; did you mean 'decoy'"),
            ({"protocol": "strickt"}, "unknown protocol 'strickt'; did you mean 'strict'"),
            ({"split": SplitSettings("record")}, "split.strategy: expected auto, chromosome, gene or test"),
        ],
    )
    def test_settings(self, tmp_path, files, more, match):
        self.fails(tmp_path, *files, match, **more)

    def test_files(self, tmp_path, files):
        genome, annotation = files
        for paths, match in (
            (("", annotation, "out"), "genome: expected a file, got nothing"),
            ((genome, "", "out"), "annotation: expected a file"),
            ((genome, annotation, ""), "out: expected a file"),
            ((genome + "x", annotation, "out"), "genome.fax: no such file"),
            ((str(tmp_path), annotation, "out"), "which can be read twice"),
            (("-", annotation, "out"), "-: no such file"),
            ((genome, annotation, genome), "out: .* is the genome; expected another file"),
            ((genome, annotation, annotation), "out: .* is the annotation"),
            ((genome, annotation, str(tmp_path)), "out: .* is a folder"),
        ):
            with pytest.raises(InputError, match=match):
                prepare(PrepareSettings(*paths), progress=False)

    def test_no_room(self, tmp_path, files, monkeypatch):
        monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
        self.fails(tmp_path, *files, r"needs about [\d,]+ bytes, of which the disk has 1,000")

    def test_a_failure_while_writing_leaves_what_was_there(self, tmp_path, files, monkeypatch):
        out = tmp_path / "out.h5"
        out.write_bytes(b"before")

        def broken(*arguments):
            raise OSError(28, "a long story\nof HDF5")

        monkeypatch.setattr("classify.exons.preparing.cut_windows", broken)
        with pytest.raises(InputError, match=r"out\.h5: cannot be written \(No space left on device\)"):
            prepare(PrepareSettings(*files, str(out), split=WIDE), progress=False)
        assert out.read_bytes() == b"before"
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.h5"]


class TestCommand:
    @pytest.fixture
    def files(self, tmp_path):
        contigs, genes = toy(2)
        return write(tmp_path / "in", contigs, gtf(genes) + gtf({"X": ("x", "+", {"1": [(1, 9)]})}))

    def say(self, capsys, *arguments, code=0):
        capsys.readouterr()
        assert main(["prepare", *map(str, arguments)]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    def test_what_it_prints(self, tmp_path, files, capsys):
        out = tmp_path / "out.h5"
        given = ["--genome", files[0], "--annotation", files[1], "--out", out, "--progress", "false"]
        said = self.say(capsys, *given, "--negatives", "intragenic", "shuffled", "--split.test_fraction", ".3")
        counts = PreparedSet(out).counts
        lines = [line.split() for line in said.splitlines()]
        assert lines[0][:4] == ["2", "contigs,", str(counts["genes"]), "genes"]
        assert lines[1] == ["train", "val", "test", "all"]
        kinds = ("acceptor", "first", "intragenic", "shuffled")
        for line, kind in zip(lines[2:6], kinds, strict=True):
            numbers = [counts["splits"][split][kind] for split in ("train", "val", "test")]
            assert line == [kind, *map(str, [*numbers, sum(numbers)])]
        assert "left out: 1 exons on sequences that the genome lacks (x)" in said
        assert (
            f"{counts['acceptors_behind_ag'] / counts['starts']['acceptor']:.1%} of the acceptors stand behind AG"
            in said
        )
        assert "WARNING: about 99 % do in most genomes" in said  # this one is random
        assert said.splitlines()[-1].startswith(f"{out}: written in ")

    def test_what_it_takes_for_granted(self, tmp_path, capsys):
        """Introns that end in AG raise no doubt; transcripts made of CDS rows are told."""
        genes = {f"g{i}": ("c", "+", {"1": [(low, low + 30), (low + 60, low + 90)]}) for i, low in enumerate((50, 450))}
        contig = list("C" * 800)
        for low in (50, 450):
            contig[low + 60 - 3 : low + 60 - 1] = "AG"
        genome, annotation = write(tmp_path / "in", {"c": "".join(contig)}, gtf(genes).replace("\texon\t", "\tCDS\t"))
        given = ["--genome", genome, "--annotation", annotation, "--out", tmp_path / "x.h5", "--width", "11"]
        said = self.say(capsys, *given, "--split.strategy", "test", "--progress", "false", "--negatives", "intragenic")
        assert "100.0% of the acceptors stand behind AG" in said
        assert "WARNING" not in said
        assert "note: 2 transcripts have no exon rows; their parts, such as CDS, were taken" in said

    def test_a_file_of_settings(self, tmp_path, files, capsys):
        config = tmp_path / "prepare.yaml"
        config.write_text(f"genome: {files[0]}\nannotation: {files[1]}\nprotocol: exonsearch\nsplit: {{seed: 3}}\n")
        out = tmp_path / "out.h5"
        self.say(capsys, "--out", out, "--min_distance", "5", "--config", config, "--progress", "false")
        told = PreparedSet(out).settings
        assert (told["protocol"], told["min_distance"], told["strand_aware"]) == ("exonsearch", 5, False)
        assert (told["split"]["seed"], told["split"]["test_fraction"]) == (3, 0.2)

    @pytest.mark.parametrize(
        ("arguments", "match"),
        [
            (["--genome", "none.fa", "--annotation", "none.gtf", "--out", "x.h5"], "none.fa: no such file (genome)"),
            ([], "genome: expected a file, got nothing"),
            (["--protocol", "exonserach"], "unknown protocol 'exonserach'; did you mean 'exonsearch'?"),
            (["--min_distanse", "3"], "did you mean min_distance?"),
            (["--width", "wide"], "width"),
            (["--width", "200"], "width: expected an odd number of nt"),
            (["--negatives", "gc", "decoi"], "unknown kind of negative 'decoi'"),
        ],
    )
    def test_one_line_and_exit_code_2(self, capsys, arguments, match):
        said = self.say(capsys, *arguments, code=2)
        assert match in said
        assert len(said.strip().splitlines()) == 1


@pytest.mark.data
@pytest.mark.parametrize(
    ("genome", "annotation", "starts"),
    [
        ("spombe_ASM294v2_I-III.fa.gz", "spombe_ASM294v2_I-III.gtf.gz", (5377, 6959)),
        ("celegans_1pct_WS282.fa.gz", "celegans_1pct_WS282.gtf.gz", (950, 347)),
        ("athaliana_1pct_TAIR10.fa.gz", "athaliana_1pct_TAIR10.gtf.gz", (1488, 717)),
        ("human_chr22_20-21M_GRCh37.fa.gz", "human_chr22_20-21M_GRCh37.gencode_v38_lifted.gtf.gz", (115, 57)),
    ],
)
def test_real_genomes(data_dir, tmp_path, genome, annotation, starts):
    """The counts in the notes on the data, and the letters before exons that follow introns."""
    folder = data_dir / "exon_start"
    out = str(tmp_path / "out.h5")
    split = SplitSettings("test")
    more = {"max_ambiguous": 1.0, "negatives": ["intragenic", "decoy"], "split": split}
    counts = prepare(PrepareSettings(str(folder / genome), str(folder / annotation), out, **more), progress=False)
    assert (counts["starts"]["acceptor"], counts["starts"]["first"]) == starts
    assert counts["negatives"]["intragenic"] >= 0.99 * sum(starts)
    assert counts["negatives"]["decoy"] >= 0.98 * sum(starts)
    found = PreparedSet(out)
    before = Counter(letters(found, np.flatnonzero(found.kind == 0), 148, 2))
    assert before["AG"] == counts["acceptors_behind_ag"] >= 0.97 * starts[0]
    assert set(letters(found, np.flatnonzero(found.kind == 3), 148, 2)) == {"AG"}
    exons = read_annotation(str(folder / annotation))
    assert int(found.label.sum()) == len(exon_starts(exons).distinct())
