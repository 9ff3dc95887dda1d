"""Starts, kinds, spans and loci against values worked out by hand, and against plain loops over made-up genes."""

import numpy as np
import pytest
from genome_toys import gtf, random_genes, random_genome
from hypothesis import given
from hypothesis import strategies as st

from classify.exons.annotation import read_annotation
from classify.exons.starts import ACCEPTOR, FIRST, exon_starts, find_loci, gene_spans, islands

# Both strands; B's second transcript begins inside its first, whose second exon is then a first exon, too.
GENES = {
    "A": ("c", "+", {"A1": [(11, 20), (31, 40)], "A2": [(31, 40), (51, 60)]}),
    "B": ("c", "-", {"B1": [(15, 25), (35, 45)], "B2": [(15, 25)]}),
    "C": ("c", "+", {"C1": [(31, 35)]}),
    "D": ("d", "-", {"D1": [(5, 9)]}),
}


def annotated(tmp_path, genes):
    path = tmp_path / "genes.gtf"
    path.write_text(genes if isinstance(genes, str) else gtf(genes))
    return read_annotation(str(path))


def told(exons, starts):
    kinds = {ACCEPTOR: "acceptor", FIRST: "first"}
    return [
        (exons.contigs[c], int(p), int(s), exons.genes[g], kinds[int(k)])
        for c, p, s, g, k in zip(starts.contig, starts.position, starts.strand, starts.gene, starts.kind, strict=True)
    ]


class TestByHand:
    def test_starts_in_transcript_direction(self, tmp_path):
        exons = annotated(tmp_path, GENES)
        starts = exon_starts(exons)
        assert told(exons, starts) == [
            ("c", 11, 1, "A", "first"),
            ("c", 25, -1, "B", "acceptor"),
            ("c", 31, 1, "A", "acceptor"),  # after an intron in A1, though first in A2
            ("c", 31, 1, "C", "acceptor"),  # the place is one in A
            ("c", 45, -1, "B", "first"),
            ("c", 51, 1, "A", "acceptor"),
            ("d", 9, -1, "D", "first"),
        ]
        assert told(exons, starts.distinct()) == [row for row in told(exons, starts) if row[3] != "C"]

    def test_starts_of_the_forward_strand(self, tmp_path):
        exons = annotated(tmp_path, GENES)
        assert told(exons, exon_starts(exons, strand_aware=False)) == [
            ("c", 11, 1, "A", "first"),
            ("c", 15, 1, "B", "first"),
            ("c", 31, 1, "A", "acceptor"),
            ("c", 31, 1, "C", "acceptor"),
            ("c", 35, 1, "B", "acceptor"),
            ("c", 51, 1, "A", "acceptor"),
            ("d", 5, 1, "D", "first"),
        ]

    def test_spans(self, tmp_path):
        exons = annotated(tmp_path, GENES)
        spans = gene_spans(exons)
        assert list(zip(spans.contig, spans.gene, spans.strand, spans.low, spans.high, strict=True)) == [
            (0, 0, 1, 11, 60), (0, 1, -1, 15, 45), (0, 2, 1, 31, 35), (1, 3, -1, 5, 9),
        ]  # fmt: skip
        assert spans.of(exon_starts(exons)).tolist() == [0, 1, 0, 2, 1, 0, 3]
        blind = gene_spans(exons, strand_aware=False)
        assert blind.strand.tolist() == [1, 1, 1, 1]
        assert blind.of(exon_starts(exons, strand_aware=False)).tolist() == [0, 1, 0, 2, 1, 0, 3]

    @pytest.mark.parametrize(("margin", "loci"), [(4, [0, 1, 2, 3]), (5, [0, 0, 2, 3]), (20, [0, 0, 0, 3])])
    def test_loci_are_overlaps_with_a_margin_at_both_sides(self, tmp_path, margin, loci):
        """The gaps are 9 and 39 nt: margins of 5 meet over the first, of 20 over the second."""
        genes = {
            "A": ("c", "+", {"A1": [(11, 20)]}),
            "B": ("c", "-", {"B1": [(30, 40)]}),
            "C": ("c", "+", {"C1": [(80, 90)]}),
            "D": ("d", "+", {"D1": [(11, 20)]}),
        }
        spans = gene_spans(annotated(tmp_path, genes))
        found, names = find_loci(spans, margin)
        assert names[found].tolist() == loci
        assert names.tolist() == sorted(set(loci))
        assert islands(spans, margin).tolist() == np.unique(loci, return_inverse=True)[1].tolist()

    def test_a_gene_in_two_places_joins_them(self, tmp_path):
        """As pseudoautosomal genes do; between contigs, and on both strands of one."""
        text = gtf({"M": ("x", "+", {"1": [(100, 200)]}), "A": ("x", "+", {"2": [(150, 160)]})})
        text += gtf({"M": ("y", "+", {"3": [(9000, 9100)]}), "B": ("y", "-", {"4": [(9050, 9060)]})})
        text += gtf({"C": ("y", "-", {"5": [(1, 50)]})})
        exons = annotated(tmp_path, text)
        spans = gene_spans(exons)
        found, names = find_loci(spans, 10)
        by_gene = {exons.genes[g]: exons.genes[names[i]] for g, i in zip(spans.gene, found, strict=True)}
        assert by_gene == {"A": "A", "B": "A", "M": "A", "C": "C"}
        assert len(set(islands(spans, 10).tolist())) == 3


def naive_starts(genes):
    """Place -> kind, and places of each gene, by plain loops."""
    kinds, places = {}, set()
    for gene, (contig, strand, transcripts) in genes.items():
        for exons in transcripts.values():
            ordered = sorted(exons, reverse=strand == "-")
            for i, (start, end) in enumerate(ordered):
                place = (contig, start if strand == "+" else end, 1 if strand == "+" else -1)
                places.add((*place, gene))
                if i:
                    kinds[place] = "acceptor"
                kinds.setdefault(place, "first")
    return kinds, places


def naive_loci(genes, margin):
    """Sets of genes, joined while any two overlap."""
    spans = {}
    for gene, (contig, _, transcripts) in genes.items():
        exons = [exon for found in transcripts.values() for exon in found]
        spans[gene] = contig, min(a for a, _ in exons) - margin, max(b for _, b in exons) + margin
    loci = [{gene} for gene in spans]
    joined = True
    while joined:
        joined = False
        for i, one in enumerate(loci):
            for other in loci[i + 1 :]:
                touching = any(
                    spans[a][0] == spans[b][0] and spans[a][1] <= spans[b][2] and spans[b][1] <= spans[a][2]
                    for a in one
                    for b in other
                )
                if touching:
                    one |= other
                    loci.remove(other)
                    joined = True
                    break
            if joined:
                break
    return {frozenset(locus) for locus in loci}


@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.integers(0, 400))
def test_as_plain_loops_have_it(tmp_path_factory, seed, n, margin):
    rng = np.random.default_rng(seed)
    genes = random_genes(rng, random_genome(rng, {"c": 6000, "d": 3000}), n)
    exons = annotated(tmp_path_factory.mktemp("genes"), genes)
    kinds, places = naive_starts(genes)
    starts = exon_starts(exons)
    rows = told(exons, starts)
    assert {row[:4] for row in rows} == places
    assert len(rows) == len(places)
    assert all(kinds[row[:3]] == row[4] for row in rows)
    assert rows == sorted(rows, key=lambda row: (row[0], row[1], row[2], exons.genes.index(row[3])))
    assert [row[:3] for row in told(exons, starts.distinct())] == sorted(kinds)

    spans = gene_spans(exons)
    locus, names = find_loci(spans, margin)
    members = {}
    for gene, number in zip(spans.gene, locus, strict=True):
        members.setdefault(int(number), set()).add(exons.genes[gene])
    assert {frozenset(found) for found in members.values()} == naive_loci(genes, margin)
    assert all(exons.genes[names[number]] == min(found) for number, found in members.items())


COUNTS = {
    # file: distinct strand-aware starts, of them after an intron; as in the notes on the data
    "spombe_ASM294v2_I-III.gtf.gz": (12336, 5377),
    "celegans_1pct_WS282.gtf.gz": (1297, 950),
    "athaliana_1pct_TAIR10.gtf.gz": (2205, 1488),
    "human_chr22_20-21M_GRCh37.gencode_v38_lifted.gtf.gz": (172, 115),
}


@pytest.mark.data
@pytest.mark.parametrize("name", COUNTS)
def test_real_starts(data_dir, name):
    starts = exon_starts(read_annotation(str(data_dir / "exon_start" / name))).distinct()
    assert (len(starts), int((starts.kind == ACCEPTOR).sum())) == COUNTS[name]
