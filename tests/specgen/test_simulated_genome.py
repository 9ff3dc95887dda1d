"""The made-up genome: splicing its genes gives back the transcripts, introns have their marks, files say the same."""

from itertools import pairwise

import pytest

from specgen.__main__ import main
from specgen.records import read_records
from specgen.sequences import decode, reverse_complement
from specgen.simulate import SimulationSettings, simulate
from specgen.simulated_genome import simulate_genome

SETTINGS = SimulationSettings(n=24, min_length=300, max_length=900, seed=5)


@pytest.fixture(scope="module")
def contigs():
    return list(simulate_genome(SETTINGS))


def pieces(contig, gene):
    """Letters of exons and of introns, in transcript direction."""
    cuts = [place for low, high in gene.exons for place in (low - 1, high)]
    found = [contig.codes[low:high] for low, high in pairwise(cuts)]
    if gene.strand == "-":
        found = [reverse_complement(piece) for piece in reversed(found)]
    letters = [decode(piece) for piece in found]
    return letters[::2], letters[1::2]


def test_splicing_gives_the_transcripts(contigs):
    expected = {record.gene: decode(record.codes) for record in simulate(SETTINGS) if record.coding}
    spliced = {gene.name: "".join(pieces(contig, gene)[0]) for contig in contigs for gene in contig.genes}
    assert spliced == expected


def test_introns_have_their_marks(contigs):
    introns = [intron for contig in contigs for gene in contig.genes for intron in pieces(contig, gene)[1]]
    assert len(introns) > 2 * SETTINGS.n - 1
    assert all(intron.startswith("GTAAGT") and intron.endswith("CAG") for intron in introns)
    tracts = "".join(intron[-21:-3] for intron in introns)
    share = sum(letter in "CT" for letter in tracts) / len(tracts)
    # .85 with a standard error of .36 / sqrt(n).
    assert abs(share - 0.85) < 5 * 0.36 / len(tracts) ** 0.5


def test_genes_lie_apart_on_both_strands(contigs):
    assert [contig.name for contig in contigs] == [f"sim{i}" for i in range(1, 11)]
    assert {gene.strand for contig in contigs for gene in contig.genes} == {"+", "-"}
    for contig in contigs:
        edges = [place for gene in contig.genes for exon in gene.exons for place in exon]
        assert edges == sorted(edges)
        assert edges[0] >= 1
        assert edges[-1] <= len(contig.codes)


def test_the_command_writes_the_same(contigs, tmp_path, capsys):
    options = ["--records.n", "24", "--records.min_length", "300", "--records.max_length", "900", "--records.seed", "5"]
    assert main(["simulate", "genome", "--out", str(tmp_path), *options]) == 0
    assert "genome.fa: 10 contigs" in capsys.readouterr().out
    written = {record.name: decode(record.codes) for record in read_records(tmp_path / "genome.fa")}
    assert written == {contig.name: decode(contig.codes) for contig in contigs}
    rows = [line.split("\t") for line in (tmp_path / "genes.gtf").read_text().splitlines()]
    told = [(row[0], int(row[3]), int(row[4]), row[6]) for row in rows]
    assert told == [(c.name, low, high, g.strand) for c in contigs for g in c.genes for low, high in g.exons]


def test_transcripts_and_what_is_refused(tmp_path, capsys):
    assert main(["simulate", "transcripts", "--out", str(tmp_path), "--records.n", "3"]) == 0
    expected = list(simulate(SimulationSettings(n=3)))
    for name, coding in (("coding.fa", True), ("noncoding.fa", False)):
        written = [(record.name, decode(record.codes)) for record in read_records(tmp_path / name)]
        assert written == [(r.name, decode(r.codes)) for r in expected if r.coding == coding]
    capsys.readouterr()
    for arguments, match in (
        (["transcripts", "--out", str(tmp_path)], "coding.fa: is there already"),
        (["letters", "--out", str(tmp_path)], "expected transcripts or genome, got 'letters'"),
        (["genome", "--out", str(tmp_path), "--records.n", "0"], "n: expected a whole number from 1"),
    ):
        assert main(["simulate", *arguments]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert match in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["coding.fa", "noncoding.fa"]
