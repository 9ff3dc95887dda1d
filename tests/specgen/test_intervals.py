"""Intervals against sequences cut by hand; the index and the stream give the same; real annotation gives real genes."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pysam
import pytest

from specgen.errors import InputError
from specgen.intervals import is_interval_file, read_regions
from specgen.records import Record
from specgen.selection import RegionSettings
from specgen.sequences import decode

# Positions are easy to read off: each ten letters differ from the next ten.
ONE = "AAAAAAAAAACCCCCCCCCCGGGGGGGGGGTTTTTTTTTTACGTACGTAC"
TWO = "TTTTTGGGGGCCCCCAAAAAACGTNNACGT"


@pytest.fixture
def genome(tmp_path: Path) -> str:
    path = tmp_path / "genome.fa"
    path.write_text(f">one first\n{ONE[:30]}\n{ONE[30:]}\n>unused\nACGT\n>two\n{TWO}\n")
    return str(path)


def read(tmp_path: Path, name: str, text: str, genome: str, **more: object) -> list[Record]:
    path = tmp_path / name
    path.write_text(text)
    return list(read_regions(str(path), RegionSettings(genome, **more)))  # type: ignore[arg-type]


def plain(records: list[Record]) -> list[tuple[str, str]]:
    return [(record.name, decode(record.codes)) for record in records]


GTF = """#!genome
one\tx\tgene\t1\t40\t.\t+\t.\tgene_id "g1";
one\tx\tCDS\t9\t12\t.\t+\t0\tgene_id "g1"; transcript_id "t1";
one\tx\tCDS\t29\t32\t.\t+\t0\tgene_id "g1"; transcript_id "t1";
two\tx\tCDS\t4\t6\t.\t-\t0\tgene_id "g2"; transcript_id "t2";
two\tx\tCDS\t14\t16\t.\t-\t0\tgene_id "g2"; transcript_id "t2";
one\tx\tCDS\t1\t3\t.\t+\t0\tgene_id "g1"; transcript_id "t3";
"""

GFF = """##gff-version 3
one\tx\tmRNA\t1\t40\t.\t+\t.\tID=t1;Parent=g1
one\tx\tCDS\t9\t12\t.\t+\t0\tID=c1;Parent=t1;gene=abc
one\tx\tCDS\t29\t32\t.\t+\t0\tID=c1;Parent=t1;gene=abc
"""


class TestForms:
    def test_bed(self, tmp_path: Path, genome: str) -> None:
        text = "track name=x\n# said\ntwo\t3\t6\none\t28\t32\tpeak\t0\t+\none\t8\t12\tother peak\t0\t-\n"
        text = "two\t3\t6\t.\t0\t.\n" + "\n".join(text.splitlines()[3:]) + "\n"
        found = read(tmp_path, "a.bed", text, genome)
        assert plain(found) == [("other", "GGTT"), ("peak", "GGTT"), ("two:4-6(.)", "TTG")]
        assert found[0].header == "other range=one:9-12 strand=-"

    def test_bed_of_three_columns(self, tmp_path: Path, genome: str) -> None:
        assert plain(read(tmp_path, "a.bed", "one\t0\t3\ntwo\t0\t2\n", genome)) == [
            ("one:1-3(.)", "AAA"),
            ("two:1-2(.)", "TT"),
        ]

    def test_bed_blocks(self, tmp_path: Path, genome: str) -> None:
        row = "one\t8\t32\tt1\t0\t-\t8\t32\t0\t2\t4,4,\t0,20,\n"
        assert plain(read(tmp_path, "a.bed", row, genome)) == [("t1", "AACCGGTT")]
        ((_, whole),) = plain(read(tmp_path, "a.bed", row, genome, splice=False))
        assert whole == "AA" + "C" * 10 + "G" * 10 + "TT"  # its own reverse complement

    def test_narrow_peak(self, tmp_path: Path, genome: str) -> None:
        row = "one\t8\t12\tp1\t100\t.\t1.5\t2\t3\t1\n"
        assert plain(read(tmp_path, "a.narrowPeak", row, genome)) == [("p1", "AACC")]

    def test_a_width_around_summits_and_middles(self, tmp_path: Path, genome: str) -> None:
        peaks = (
            "one\t8\t12\tp1\t0\t.\t1\t2\t3\t3\none\t0\t4\tp2\t0\t-\t1\t2\t3\t-1\none\t48\t50\tp3\t0\t+\t1\t2\t3\t1\n"
        )
        found = read(tmp_path, "a.narrowPeak", peaks, genome, width=10)
        assert plain(found) == [("p2", "TTTTTTTTTT"), ("p1", ONE[6:16]), ("p3", ONE[40:50])]
        assert found[1].header == "p1 range=one:7-16 strand=."
        assert plain(read(tmp_path, "a.bed", "one\t20\t30\n", genome, width=4)) == [("one:21-30(.)", "GGGG")]
        assert plain(read(tmp_path, "a.bed", "two\t3\t6\n", genome, width=99)) == [("two:4-6(.)", TWO)]
        assert len(read(tmp_path, "a.gtf", GTF, genome, width=4)) == 5
        with pytest.raises(InputError, match=r"regions\.width: expected 0 or more"):
            RegionSettings(width=-1)

    def test_gtf_spliced(self, tmp_path: Path, genome: str) -> None:
        found = read(tmp_path, "a.gtf", GTF, genome)
        assert plain(found) == [("t3", "AAA"), ("t1", "AACCGGTT"), ("t2", "TGGCAA")]
        assert found[1].header == "t1 gene:g1 range=one:9-32 strand=+"

    def test_gtf_row_by_row(self, tmp_path: Path, genome: str) -> None:
        found = plain(read(tmp_path, "a.gtf", GTF, genome, splice=False))
        assert [letters for _, letters in found] == ["AAA", "AACC", "GGTT", "CAA", "TGG"]
        assert plain(read(tmp_path, "a.gtf", GTF, genome, feature="gene")) == [("g1", ONE[:40])]

    def test_gff3(self, tmp_path: Path, genome: str) -> None:
        found = read(tmp_path, "a.gff3", GFF, genome)
        assert plain(found) == [("t1", "AACCGGTT")]
        assert "gene:abc" in found[0].header

    def test_a_row_given_twice_counts_once(self, tmp_path: Path, genome: str) -> None:
        again = GTF + GTF.splitlines(keepends=True)[2]
        assert plain(read(tmp_path, "a.gtf", again, genome)) == plain(read(tmp_path, "b.gtf", GTF, genome))

    def test_signs_that_mean_nothing_here(self, tmp_path: Path, genome: str) -> None:
        """'#' within a line, quotes, NA, blanks, Windows line ends, no newline at the end, headers in between."""
        text = 'track x\none\t0\t3\tp#1\t0\t-\r\none\t3\t6\t"q\t0\t+\r\n# r\none\t6\t9\tNA\t0\t\r\none\t9\t12\t  \t0\t+'
        found = read(tmp_path, "a.bed", text, genome)
        assert plain(found) == [("p#1", "TTT"), ('"q', "AAA"), ("NA", "AAA"), ("one:10-12(+)", "ACC")]

    def test_attributes_as_people_write_them(self, tmp_path: Path, genome: str) -> None:
        text = (
            'one\tx\tCDS\t1\t3\t.\t\t0\tnote "copy #2; x"; gene_id "g1"; transcript_id "t1"\n'
            "one\tx\tCDS\t11\t13\t.\t+\t0\tgene_id g2; transcript_id t2;\n"
            'one\tx\tCDS\t21\t23\t.\t+\t0\tgene_id "g3";\none\tx\tCDS\t25\t27\t.\t+\t0\tgene_id "g3";\n'
        )
        found = plain(read(tmp_path, "a.gtf", text, genome))
        assert found == [("t1", "AAA"), ("t2", "CCC"), ("g3", "GGG"), ("g3", "GGG")]

    def test_gff3_of_shared_exons_and_isoforms(self, tmp_path: Path, genome: str) -> None:
        text = (
            "one\tx\tmRNA\t1\t30\t.\t+\t.\tID=t1;Parent=g\none\tx\tmRNA\t1\t20\t.\t+\t.\tID=t2;Parent=g\n"
            "one\tx\texon\t9\t12\t.\t+\t.\tParent=t1,t2\none\tx\texon\t21\t23\t.\t+\t.\tParent=t1\n"
            "##FASTA\n>one\nACGT\n"
        )
        assert plain(read(tmp_path, "a.gff3", text, genome, feature="exon")) == [("t2", "AACC"), ("t1", "AACCGGG")]
        assert plain(read(tmp_path, "a.gff3", text, genome, feature="mRNA")) == [("t2", ONE[:20]), ("t1", ONE[:30])]

    def test_compressed_whatever_its_name(self, tmp_path: Path, genome: str) -> None:
        for name in ("a.bed", "a.bed.gz", "a.bed.bgz"):
            (tmp_path / name).write_bytes(gzip.compress(b"one\t0\t3\n"))
            assert plain(list(read_regions(str(tmp_path / name), RegionSettings(genome)))) == [("one:1-3(.)", "AAA")]
        (tmp_path / "a.bed").write_bytes(gzip.compress(b"one\t0\t3\n" * 99)[:-9])
        with pytest.raises(InputError, match="cannot be read as bed"):
            list(read_regions(str(tmp_path / "a.bed"), RegionSettings(genome)))

    @pytest.mark.parametrize("name", ["a.bed", "A.BED.gz", "x.gtf.bgz", "x.narrowPeak", "x.broadPeak.gz", "y.gff3"])
    def test_told_by_the_ending(self, name: str) -> None:
        assert is_interval_file(name)
        assert not is_interval_file(name + ".fa")


class TestIndex:
    def test_the_same_with_an_index_and_compressed(self, tmp_path: Path, genome: str) -> None:
        streamed = read(tmp_path, "a.gtf", GTF, genome)
        packed = tmp_path / "plain.fa.gz"
        packed.write_bytes(gzip.compress(Path(genome).read_bytes()))
        block = str(tmp_path / "block.fa.gz")
        pysam.tabix_compress(genome, block)
        pysam.faidx(block)
        pysam.faidx(genome)
        for path in (genome, str(packed), block):
            again = read(tmp_path, "a.gtf", GTF, path)
            assert [(r.name, r.header) for r in again] == [(r.name, r.header) for r in streamed]
            for a, b in zip(again, streamed, strict=True):
                np.testing.assert_array_equal(a.codes, b.codes)

    def test_only_the_wanted_letters_are_read(self, tmp_path: Path, genome: str) -> None:
        """What lies elsewhere may be no nucleotide, which the stream would refuse."""
        Path(genome).write_text(Path(genome).read_text().replace(">unused\nACGT", ">unused\nEFIL"))
        with pytest.raises(InputError, match="a protein sequence"):
            read(tmp_path, "a.gtf", GTF, genome)
        pysam.faidx(genome)
        assert len(read(tmp_path, "a.gtf", GTF, genome)) == 3

    def test_an_index_older_than_the_genome(self, tmp_path: Path, genome: str) -> None:
        pysam.faidx(genome)
        os.utime(f"{genome}.fai", (1, 1))
        with pytest.raises(InputError, match=r"genome\.fa\.fai: is older than the genome"):
            read(tmp_path, "a.bed", "one\t0\t3\n", genome)

    def test_a_damaged_index(self, tmp_path: Path, genome: str) -> None:
        Path(f"{genome}.fai").write_text("nonsense\n")
        with pytest.raises(InputError, match="cannot be read by its index"):
            read(tmp_path, "a.bed", "one\t0\t3\n", genome)


class TestMistakes:
    @pytest.mark.parametrize(
        ("name", "text", "match"),
        [
            ("a.bed", "one\t0\t60\n", r"interval one:0-60 \(0-based\) does not lie in the 50 nt"),
            ("a.bed", "one\t9\t9\n", r"interval one:9-9 \(0-based\) does not lie"),
            ("a.bed", "three\t0\t3\n", "has no sequence named three, which .*a.bed asks for"),
            ("a.bed", "one\tx\ty\n", "cannot be read as bed"),
            ("a.bed", "", "holds no intervals"),
            ("a.bed", "one\t0\n", "cannot be read as bed"),
            ("a.bed", "one\t0.7\t3\n", "cannot be read as bed"),
            ("a.bed", "one\t0\t99999999999999999999\n", "cannot be read as bed"),
            ("a.narrowPeak", "one\t0\t9\tx\t0\t.\t1\t1\t1\tx\n", "cannot be read as narrowPeak"),
            ("a.narrowPeak", "one\t0\t9\tx\t0\t.\t1\t1\t1\t99999999999999999999\n", "cannot be read as narrowPeak"),
            ("a.bed", "# nothing\n", "holds no intervals"),
            ("a.bed", "one\t8\t32\tt\t0\t+\t8\t32\t0\t2\t4,4\t0\n", "is no BED12 row: 4,4 and 0"),
            ("a.gtf", GTF.replace("CDS", "exon"), "holds no rows of feature 'CDS' among its 6"),
            ("a.txt", "one\t0\t3\n", r"expected a file ending in \.bed"),
        ],
    )
    def test_one_line(self, tmp_path: Path, genome: str, name: str, text: str, match: str) -> None:
        with pytest.raises(InputError, match=match) as error:
            read(tmp_path, name, text, genome)
        assert "\n" not in str(error.value)

    def test_no_such_file(self, tmp_path: Path, genome: str) -> None:
        with pytest.raises(InputError, match="no such file"):
            list(read_regions(str(tmp_path / "none.bed"), RegionSettings(genome)))
        with pytest.raises(InputError, match=r"none\.fa: no such file"):
            read(tmp_path, "a.bed", "one\t0\t3\n", str(tmp_path / "none.fa"))


@pytest.mark.data
def test_real_genes_are_open_reading_frames(data_dir: Path) -> None:
    """Nearly every CDS of E. coli starts with a start codon and ends with a stop."""
    folder = data_dir / "genomes"
    found = list(
        read_regions(str(folder / "ecoli_K12_MG1655.gff3.gz"), RegionSettings(str(folder / "ecoli_K12_MG1655.fa.gz")))
    )
    texts = [decode(record.codes) for record in found]
    whole = [t for t in texts if t[:3] in ("ATG", "GTG", "TTG") and t[-3:] in ("TAA", "TAG", "TGA") and len(t) % 3 == 0]
    assert len(found) == 4305
    assert len(whole) > 0.99 * len(found)
