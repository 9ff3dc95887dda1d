"""Exon starts as examples: windows against the genome written out, kinds, splits, several genomes, traps, and a whole run."""

import csv
import json
import pickle

import numpy as np
import pytest

from classify.datasets import TileDataset, TrainDataset
from classify.examples import StoredLetters
from classify.exons.negatives import NEGATIVES
from classify.exons.prepared import PreparedSet
from classify.exons.preparing import prepare
from classify.exons.settings import PrepareSettings
from classify.splits import SplitSettings
from classify.tasks.exon_start import ExonStartSettings, ExonStartTask
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement

GENES, LENGTH = 40, 60_000


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    """Two contigs of random letters with genes of two exons on both strands; contig -> letters."""
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    texts = {name: "".join(rng.choice(list("ACGT"), LENGTH)) for name in ("chr1", "chr2")}
    (folder / "genome.fa").write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    rows = []
    for i in range(GENES):
        contig, strand = ("chr1", "chr2")[i % 2], "+-"[i // 2 % 2]
        low = 500 + 2800 * (i // 2)
        for start, end in ((low, low + 300), (low + 500, low + 900)):
            rows.append(f'{contig}\tx\texon\t{start}\t{end}\t.\t{strand}\t.\tgene_id "g{i}"; transcript_id "t{i}";\n')
    (folder / "genes.gtf").write_text("".join(rows))
    return folder, texts


def made(genome, name, **change):
    folder, _ = genome
    out = folder / f"{name}.h5"
    if not out.exists():
        files = {"genome": str(folder / "genome.fa"), "annotation": str(folder / "genes.gtf"), "out": str(out)}
        prepare(PrepareSettings(**{**files, "width": 121, **change}))
    return str(out)


@pytest.fixture(scope="module")
def strict(genome):
    return made(genome, "strict")


def load(*prepared, **change):
    return ExonStartTask(ExonStartSettings(prepared=list(prepared), **{"window": 51, **change})).load()


def place(name):
    """Contig, 0-based position and strand of an id."""
    contig, middle, _ = name.split("#")[0].split(":")
    return contig, int(middle[:-1]) - 1, middle[-1]


def written_out(texts, name, window):
    contig, position, strand = place(name)
    name, length = contig.split("/")
    assert int(length) == len(texts[name])
    letters = texts[name][position - window // 2 : position + window // 2 + 1]
    return letters if strand == "+" else decode(reverse_complement(encode(letters)))


@pytest.mark.parametrize("window", [51, 3, 121])
def test_every_window_is_the_genome_around_its_place(genome, strict, window):
    examples = load(strict, window=window)
    assert isinstance(examples.sequences, StoredLetters)
    for i, name in enumerate(examples.ids):
        assert decode(examples.sequences[i]) == written_out(genome[1], name, window)
    assert [decode(codes) for codes in examples.sequences] == [
        decode(examples.sequences[i]) for i in range(len(examples))
    ]


def test_what_there_is(strict):
    examples = load(strict, balance=False)
    kinds = [(int(label), kind) for label, kind in zip(examples.labels, examples.kinds, strict=True)]
    assert set(kinds) == {(1, "acceptor"), (1, "first"), (0, "intragenic"), (0, "decoy")}
    assert kinds.count((1, "acceptor")) == kinds.count((1, "first")) == GENES
    for split in ("train", "val", "test"):
        others = {g for g, s in zip(examples.groups, examples.split, strict=True) if s != split}
        assert not others & set(examples.part(split).groups)
    decoys = examples.take(np.array(examples.kinds) == "decoy")
    assert all(decode(codes)[23:25] == "AG" for codes in decoys.sequences)


def test_balanced_means_as_many_of_each_class(strict):
    examples = load(strict)
    for split in ("val", "test"):
        assert len(set(examples.part(split).per_class().values())) == 1
    assert examples.part("train").per_class()["background"] > examples.part("train").per_class()["exon_start"]


def test_kinds_can_be_chosen(strict):
    assert set(load(strict, positives=["acceptor"], negatives=["decoy"]).kinds) == {"acceptor", "decoy"}
    with pytest.raises(InputError, match=r"kind of background in .*: 'gc'; known: decoy, intragenic"):
        load(strict, negatives=["gc"])


def test_jitter_moves_the_windows_of_training_alone(genome, strict):
    examples = load(strict, jitter=10)
    train, test = examples.part("train"), examples.part("test")
    crops, _, rows = TrainDataset(train, 0).__getitems__(range(len(train)))
    shifts = set()
    for crop, row in zip(crops.numpy(), rows.tolist(), strict=True):
        shifts.add(written_out(genome[1], train.ids[row], 71).find(decode(crop)))
    assert shifts <= set(range(21))
    assert len(shifts) > 10
    for most in (1, 8):
        dataset = TileDataset(test, most)
        tiles, _, rows = dataset.__getitems__(range(len(dataset)))
        assert rows.tolist() == list(range(len(test)))
        for tile, row in zip(tiles.numpy(), rows.tolist(), strict=True):
            assert decode(tile) == written_out(genome[1], test.ids[row], 51)


def test_several_genomes_are_joined(genome, strict):
    other = made(genome, "other", seed=1, negatives=["intragenic"])
    both, one, two = load(strict, other, balance=False), load(strict, balance=False), load(other, balance=False)
    # Starts are the same letters under two names: those of the second file are duplicates.
    assert len(both) == len(one) + len(two) - int(both.counts["duplicates_dropped"])
    assert both.counts["duplicates_dropped"] >= 2 * GENES
    for i in range(len(both)):
        assert decode(both.sequences[i]) == written_out(genome[1], both.ids[i], 51)
    # Ids and groups are those of the genome, wherever it stands in the list: a locus of one file is that of the other.
    assert set(both.groups) == set(one.groups) | set(two.groups)
    assert {name.split("#")[0] for name in both.ids} <= set(one.ids) | set(two.ids)
    turned = load(other, strict, balance=False)
    assert set(turned.groups) == set(both.groups)


def test_negatives_are_of_genes_with_a_wanted_start(genome):
    """Where first exons are not asked for, a gene without introns has no positive: its negatives would tell the gene."""
    folder, _ = genome
    lines = (folder / "genes.gtf").read_text().splitlines(keepends=True)
    (folder / "some.gtf").write_text(
        "".join(line for i, line in enumerate(lines) if i % 4 != 1)
    )  # one exon in every other
    strict = made(genome, "some", annotation=str(folder / "some.gtf"))
    examples = load(strict, balance=False, positives=["acceptor"])
    store = PreparedSet(strict)
    kinds = np.array(store.kinds)[store.kind]
    with_acceptor = set(store.gene[kinds == "acceptor"].tolist())
    assert with_acceptor < set(store.gene.tolist())
    expected = sum(
        kind == "acceptor" or (kind in NEGATIVES and gene in with_acceptor)
        for kind, gene in zip(kinds, store.gene.tolist(), strict=True)
    )
    assert int(examples.counts["of_no_wanted_kind_or_gene"]) == len(store) - expected
    assert len(examples) == expected - int(examples.counts["duplicates_dropped"])


def test_a_split_that_would_be_ignored_is_refused(strict):
    with pytest.raises(InputError, match="the split is that of the prepared file"):
        load(strict, split=SplitSettings(test_fraction=0.4))


def test_matched_negatives_cannot_be_divided_anew(genome):
    matched = made(genome, "matched", negatives=["gc"])
    with pytest.raises(InputError, match="its gc negatives lie in other loci"):
        load(matched, split=SplitSettings(strategy="gene"))
    assert set(load(matched, split=SplitSettings().all_test()).split) == {"test"}


def test_another_split_than_the_prepared_one(strict):
    held = load(strict, split=SplitSettings(test_chromosomes=["2"]))
    assert set(held.part("test").chromosomes) == {"2"}
    assert set(held.part("train").chromosomes) == {"1"}
    everything = load(strict, split=SplitSettings().all_test())
    assert set(everything.split) == {"test"}


def test_the_known_system_and_its_trap(genome):
    theirs = made(genome, "theirs", protocol="exonsearch")
    with pytest.raises(InputError, match="validate_on_test true"):
        load(theirs)
    examples = load(theirs, validate_on_test=True)
    val, test = examples.part("val"), examples.part("test")
    assert [decode(codes) for codes in val.sequences] == [decode(codes) for codes in test.sequences]
    assert (val.labels == test.labels).all()
    assert len(set(examples.ids)) == len(examples)
    # Groups are genes, and what is read is always the forward strand.
    assert all(name.startswith("g") for name in examples.groups)
    assert {place(name)[2] for name in examples.ids} == {"+"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 123}, r"holds windows of 121 nt.*takes 123; prepare it with --width 123"),
        ({"jitter": 36}, r"data.jitter 36 takes 123"),
        ({"window": 50}, "odd number"),
        ({"jitter": -1}, "jitter"),
    ],
)
def test_what_cannot_be(strict, change, message):
    with pytest.raises(InputError, match=message):
        load(strict, **change)


def test_nothing_prepared(tmp_path):
    with pytest.raises(InputError, match="python -m classify prepare makes one"):
        load()
    with pytest.raises(InputError, match="no such file"):
        load(str(tmp_path / "none.h5"))


def test_the_examples_can_go_to_another_process(strict):
    examples = load(strict)
    again = pickle.loads(pickle.dumps(examples))  # as a spawned loader process gets them
    assert (again.sequences[3] == examples.sequences[3]).all()


def test_a_whole_run_tells_the_kinds_apart(strict, tmp_path):
    from classify.__main__ import main

    options = ["--task", "exon_start", "--model", "dilated_cnn", "--data.prepared", strict, "--data.window", "51"]
    options += [
        "--model_options",
        '{"width": 8, "blocks": 2}',
        "--training.epochs",
        "1",
        "--training.progress",
        "false",
    ]
    options += [
        "--runs",
        str(tmp_path),
        "--training.order",
        "slices",
        "--training.steps",
        "3",
        "--training.threads",
        "1",
    ]
    assert main(["train", *options]) == 0
    run = tmp_path / "exon_start" / "dilated_cnn" / "default"
    body = json.loads((run / "metrics.json").read_text())
    pairs = {(row["positives"], row["negatives"]) for row in body["by_kind"]}
    assert {("acceptor", "decoy"), ("first", "intragenic"), ("all", "decoy")} <= pairs
    with (run / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["kind"] for row in rows} == {"acceptor", "first", "decoy", "intragenic"}
    page = (run / "report.html").read_text()
    assert "By kind" in page
    assert "acceptor" in page


def test_the_split_of_the_file_is_told(genome, strict):
    asked = SplitSettings(test_chromosomes=["chr2"], val_fraction=0.2, seed=5)
    held = made(genome, "held_out", split=asked)
    told = load(held).counts["split_as_prepared"]
    assert told == "strict protocol, by locus: test chromosomes chr2, val fraction 0.2, seed 5"
    both = load(strict, held).counts
    assert both["1/split_as_prepared"].startswith("strict protocol, by locus: test fraction ")
    assert both["2/split_as_prepared"] == told
    assert "split_as_prepared" not in load(held, split=SplitSettings("gene", test_fraction=0.3)).counts
