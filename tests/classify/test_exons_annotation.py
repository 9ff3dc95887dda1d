"""Exons as every dialect tells them, read the same; mistakes, each in one line that names the line of the file."""

import gzip

import numpy as np
import pysam
import pytest

from classify.exons.annotation import read_annotation
from classify.exons.rows import line_of
from specgen.errors import InputError

# Gene A on the forward strand with two transcripts, gene B on the other.
EXONS = {
    ("c", 101, 200, 1, "A"), ("c", 301, 400, 1, "A"), ("c", 501, 600, 1, "A"),
    ("c", 151, 200, 1, "A"), ("c", 301, 450, 1, "A"),
    ("c", 801, 850, -1, "B"), ("c", 901, 950, -1, "B"),
}  # fmt: skip


def rows(text):
    """Lines of columns separated by blanks, the ninth being the rest, as a table."""
    return "".join(
        "\t".join(line.split(None, 8)) + "\n" if not line.startswith("#") else line + "\n"
        for line in text.strip().splitlines()
    )


ENSEMBL_GTF = rows("""
#!genome-build GRCh38.p14
c havana gene 101 600 . + . gene_id "A"; gene_version "5"; gene_name "ABC"; gene_source "havana"; gene_biotype "protein_coding";
c havana transcript 101 600 . + . gene_id "A"; gene_version "5"; transcript_id "A1"; transcript_version "2"; tag "basic";
c havana exon 101 200 . + . gene_id "A"; gene_version "5"; transcript_id "A1"; transcript_version "2"; exon_number "1";
c havana exon 301 400 . + . gene_id "A"; gene_version "5"; transcript_id "A1"; transcript_version "2"; exon_number "2";
c havana exon 501 600 . + . gene_id "A"; gene_version "5"; transcript_id "A1"; transcript_version "2"; exon_number "3";
c havana CDS 310 400 . + 0 gene_id "A"; gene_version "5"; transcript_id "A1"; protein_id "P1";
c havana exon 151 200 . + . gene_id "A"; gene_version "5"; transcript_id "A2"; exon_number "1";
c havana exon 301 450 . + . gene_id "A"; gene_version "5"; transcript_id "A2"; exon_number "2";
c ensembl exon 901 950 . - . gene_id "B"; gene_version "1"; transcript_id "B1"; exon_number "1";
c ensembl exon 801 850 . - . gene_id "B"; gene_version "1"; transcript_id "B1"; exon_number "2";
""")

NCBI_GTF = rows("""
#gtf-version 2.2
c BestRefSeq gene 101 600 . + . gene_id "A"; transcript_id ""; db_xref "GeneID:1"; description "copy; of exon 1";
c BestRefSeq exon 101 200 . + . gene_id "A"; transcript_id "NM_1.1"; note "ends; here"; exon_number "1";
c BestRefSeq exon 301 400 . + . gene_id "A"; transcript_id "NM_1.1"; exon_number "2";
c BestRefSeq exon 501 600 . + . gene_id "A"; transcript_id "NM_1.1"; exon_number "3";
c Gnomon exon 151 200 . + . gene_id "A"; transcript_id "unknown_transcript_1"; exon_number "1";
c Gnomon exon 301 450 . + . gene_id "A"; transcript_id "unknown_transcript_1"; exon_number "2";
c Gnomon exon 901 950 . - . gene_id "B"; transcript_id "unknown_transcript_1"; exon_number "1";
c Gnomon exon 801 850 . - . gene_id "B"; transcript_id "unknown_transcript_1"; exon_number "2";
""")

GENCODE_GTF = rows("""
##description: evidence-based annotation
c HAVANA exon 101 200 . + . transcript_id "A1.2"; gene_id "A"; gene_type "protein_coding"; level 2; tag "basic";
c HAVANA exon 301 400 . + . transcript_id "A1.2"; gene_id "A"; level 2;
c HAVANA exon 501 600 . + . transcript_id "A1.2"; gene_id "A"; level 2;
c HAVANA UTR 101 120 . + . transcript_id "A1.2"; gene_id "A"; level 2;
c HAVANA exon 151 200 . + . transcript_id "A2.1"; gene_id "A"; level 2;
c HAVANA exon 301 450 . + . transcript_id "A2.1"; gene_id "A"; level 2;
c HAVANA exon 901 950 . - . transcript_id "B1.1"; gene_id "B"; level 2;
c HAVANA exon 801 850 . - . transcript_id "B1.1"; gene_id "B"; level 2;
""")

FLYBASE_GTF = ENSEMBL_GTF.replace("gene_id", " gene_id").replace('"A"', "A").replace('"B"', "B")

ENSEMBL_GFF3 = rows("""
##gff-version 3
c GRCh38 chromosome 1 2000 . . . ID=chromosome:c;Alias=x
c havana gene 101 600 . + . ID=gene:A;Name=ABC;biotype=protein_coding;description=exon%3B one;gene_id=A;version=5
c havana mRNA 101 600 . + . ID=transcript:A1;Parent=gene:A;Name=ABC-201;transcript_id=A1
c havana exon 101 200 . + . Parent=transcript:A1;Name=E1;constitutive=0;exon_id=E1;rank=1
c havana exon 301 400 . + . Parent=transcript:A1;Name=E2;exon_id=E2;rank=2
c havana exon 501 600 . + . Parent=transcript:A1;Name=E3;exon_id=E3;rank=3
c havana CDS 310 400 . + 0 ID=CDS:P1;Parent=transcript:A1;protein_id=P1
c havana exon 151 200 . + . Parent=transcript:A2;Name=E4;rank=1
c havana exon 301 450 . + . Parent=transcript:A2;Name=E5;rank=2
c havana lnc_RNA 151 450 . + . ID=transcript:A2;Parent=gene:A
###
c havana ncRNA_gene 801 950 . - . ID=gene:B;biotype=lncRNA;gene_id=B
c havana lnc_RNA 801 950 . - . ID=transcript:B1;Parent=gene:B
c havana exon 801 850 . - . Parent=transcript:B1;rank=2
c havana exon 901 950 . - . Parent=transcript:B1;rank=1
""")

GENCODE_GFF3 = rows("""
##gff-version 3
c HAVANA gene 101 600 . + . ID=A;gene_id=A;gene_type=protein_coding
c HAVANA transcript 101 600 . + . ID=A1;Parent=A;gene_id=A;transcript_id=A1
c HAVANA exon 101 200 . + . ID=exon:A1:1;Parent=A1;gene_id=A;transcript_id=A1
c HAVANA exon 301 400 . + . ID=exon:A1:2;Parent=A1;gene_id=A;transcript_id=A1
c HAVANA exon 501 600 . + . ID=exon:A1:3;Parent=A1;gene_id=A;transcript_id=A1
c HAVANA exon 151 200 . + . ID=exon:A2:1;Parent=A2;gene_id=A;transcript_id=A2
c HAVANA exon 301 450 . + . ID=exon:A2:2;Parent=A2;gene_id=A;transcript_id=A2
c HAVANA exon 901 950 . - . ID=exon:B1:1;Parent=B1;gene_id=B;transcript_id=B1
c HAVANA exon 801 850 . - . ID=exon:B1:2;Parent=B1;gene_id=B;transcript_id=B1
""")

NCBI_GFF3 = rows("""
##gff-version 3
c RefSeq region 1 2000 . + . ID=c:1..2000;Dbxref=taxon:9606;gbkey=Src
c BestRefSeq gene 101 600 . + . ID=gene-A;Dbxref=GeneID:1;Name=A;gbkey=Gene;gene=ABC;locus_tag=A
c BestRefSeq mRNA 101 600 . + . ID=rna-NM_1.1;Parent=gene-A;gene=ABC;product=a%2C b;transcript_id=NM_1.1
c BestRefSeq exon 101 200 . + . ID=exon-NM_1.1-1;Parent=rna-NM_1.1;Dbxref=GeneID:1;gene=ABC;transcript_id=NM_1.1
c BestRefSeq exon 301 400 . + . ID=exon-NM_1.1-2;Parent=rna-NM_1.1;gene=ABC
c BestRefSeq exon 501 600 . + . ID=exon-NM_1.1-3;Parent=rna-NM_1.1;gene=ABC
c RefSeq cDNA_match 1 90 . + . ID=m1;Target=NM_1.1 1 90 +
c Gnomon primary_transcript 151 450 . + . ID=rna-NR_1.1;Parent=gene-A
c Gnomon miRNA 151 450 . + . ID=rna-MIR1;Parent=rna-NR_1.1
c Gnomon exon 151 200 . + . ID=exon-MIR1-1;Parent=rna-MIR1
c Gnomon exon 301 450 . + . ID=exon-MIR1-2;Parent=rna-MIR1
c Gnomon gene 801 950 . - . ID=gene-B;Name=B;pseudo=true
c Gnomon exon 801 850 . - . ID=id-B;Parent=gene-B
c Gnomon exon 901 950 . - . ID=id-B-2;Parent=gene-B
""")

WORMBASE_GFF3 = rows("""
##gff-version 3
c WormBase gene 101 600 . + . ID=Gene:A;Name=A;locus=abc-1
c WormBase mRNA 101 600 . + . ID=Transcript:A.1;Parent=Gene:A;Name=A.1
c WormBase exon 101 200 . + . Parent=Transcript:A.1
c WormBase exon 301 400 . + . Parent=Transcript:A.1
c WormBase exon 501 600 . + . Parent=Transcript:A.1
c WormBase five_prime_UTR 101 150 . + . Parent=Transcript:A.1
c WormBase CDS 310 400 . + 0 ID=CDS:A;Parent=Transcript:A.1,Transcript:A.2;Name=CDS:A
c WormBase mRNA 151 450 . + . ID=Transcript:A.2;Parent=Gene:A
c WormBase exon 151 200 . + . Parent=Transcript:A.2
c WormBase exon 301 450 . + . Parent=Transcript:A.2
c twinscan CDS 1 99 . + 0 ID=CDS:other
c WormBase gene 801 950 . - . ID=Gene:B
c WormBase pseudogenic_transcript 801 950 . - . ID=Pseudogene:B;Parent=Gene:B
c WormBase exon 901 950 . - . Parent=Pseudogene:B
c WormBase exon 801 850 . - . Parent=Pseudogene:B
""")

FLYBASE_GFF3 = rows("""
##gff-version 3
c FlyBase exon 301 400 . + . Name=abc:3;Parent=FBtr1,FBtr3;parent_type=mRNA
c FlyBase exon 101 200 . + . ID=abc:1;Name=abc:1;Parent=FBtr1,FBtr3;parent_type=mRNA
c FlyBase exon 501 600 . + . ID=abc:4;Parent=FBtr3,FBtr1;parent_type=mRNA
c FlyBase exon 151 200 . + . ID=abc:5;Parent=FBtr2
c FlyBase exon 301 450 . + . ID=abc:6;Parent=FBtr2
c FlyBase exon 901 950 . - . Parent=FBtr4
c FlyBase exon 801 850 . - . Parent=FBtr4
c FlyBase mRNA 101 600 . + . ID=FBtr1;Name=abc-RA;Parent=A;Dbxref=REFSEQ:NM_1
c FlyBase mRNA 101 600 . + . ID=FBtr3;Name=abc-RC;Parent=A
c FlyBase mRNA 151 450 . + . ID=FBtr2;Name=abc-RB;Parent=A
c FlyBase gene 101 600 . + . ID=A;Name=abc
c FlyBase tRNA 801 950 . - . ID=FBtr4;Parent=B
c FlyBase gene 801 950 . - . ID=B;Name=def
##FASTA
>c
ACGT
""")

# Exons are the union of parts that overlap or touch.
POMBASE_GFF3 = rows("""
##gff-version 3
c PomBase gene 101 600 . + . ID=A;Name=abc1
c PomBase mRNA 101 600 . + . ID=A.1;Parent=A
c PomBase five_prime_UTR 101 150 . + . ID=A.1:five_prime_UTR:1;Parent=A.1
c PomBase CDS 151 200 . + 0 ID=A.1:exon:1;Parent=A.1
c PomBase intron 201 300 . + . ID=A.1:intron:1;Parent=A.1
c PomBase CDS 301 400 . + . ID=A.1:exon:2;Parent=A.1
c PomBase CDS 501 580 . + 0 ID=A.1:exon:3;Parent=A.1
c PomBase three_prime_UTR 575 600 . + . ID=A.1:three_prime_UTR:1;Parent=A.1
c PomBase mRNA 151 450 . + . ID=A.2;Parent=A
c PomBase CDS 151 200 . + 0 Parent=A.2
c PomBase CDS 301 450 . + 0 Parent=A.2
c PomBase gene 801 950 . - . ID=B
c PomBase ncRNA 801 950 . - . ID=B.1;Parent=B
c PomBase CDS 801 850 . - . ID=B.1:exon:2;Parent=B.1
c PomBase CDS 901 950 . - . ID=B.1:exon:1;Parent=B.1
""")

# TAIR's CDS rows name a protein beside the transcript; the transcript of B has no exon rows.
TAIR_GFF3 = rows("""
c TAIR10 protein_coding_gene 101 600 . + . ID=A;Note=protein_coding_gene;Name=A
c TAIR10 mRNA 101 600 . + . ID=A.1;Parent=A;Index=1
c TAIR10 protein 310 400 . + . ID=A.1-Protein;Name=A.1;Derives_from=A.1
c TAIR10 exon 101 200 . + . Parent=A.1
c TAIR10 exon 301 400 . + . Parent=A.1
c TAIR10 exon 501 600 . + . Parent=A.1
c TAIR10 CDS 310 400 . + 0 Parent=A.1,A.1-Protein;
c TAIR10 mRNA 151 450 . + . ID=A.2;Parent=A
c TAIR10 exon 151 200 . + . Parent=A.2
c TAIR10 exon 301 450 . + . Parent=A.2
c TAIR10 gene 801 950 . - . ID=B
c TAIR10 mRNA 801 950 . - . ID=B.1;Parent=B
c TAIR10 CDS 901 950 . - 0 Parent=B.1,B.1-Protein;
c TAIR10 CDS 801 850 . - 0 Parent=B.1,B.1-Protein;
""")

DIALECTS = {name.lower(): text for name, text in list(globals().items()) if name.endswith(("_GTF", "_GFF3"))}


def read(tmp_path, text, name="genes.gtf", **more):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_annotation(str(path), **more)


def exons(found):
    return [
        (found.contigs[c], int(a), int(b), int(s), found.genes[g])
        for c, a, b, s, g in zip(found.contig, found.start, found.end, found.strand, found.gene, strict=True)
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
class TestDialects:
    def test_the_same_exons(self, tmp_path, dialect):
        found = read(tmp_path, DIALECTS[dialect])
        assert set(exons(found)) == EXONS
        doubled = dialect == "flybase_gff3"  # one transcript there has a twin
        assert len(found) == (10 if doubled else 7)
        assert found.counts["transcripts"] == (4 if doubled else 3)
        assert found.counts["transcripts_from_parts"] == {"pombase_gff3": 3, "tair_gff3": 1}.get(dialect, 0)
        assert found.counts["genes"] == 2
        assert found.counts["annotation_lines"] == len(DIALECTS[dialect].split("##FASTA")[0].splitlines())

    def test_in_any_order_with_any_line_ends(self, tmp_path, dialect):
        text = DIALECTS[dialect]
        lines = text.split("##FASTA")[0].splitlines()
        rng = np.random.default_rng(0)
        # Comments may say "##FASTA", so they stay where they are.
        head, rest = [x for x in lines if x.startswith("#")], [x for x in lines if not x.startswith("#")]
        mixed = "\r\n".join([*head, *(rest[i] for i in rng.permutation(len(rest)))])
        first, again = read(tmp_path, text), read(tmp_path, b"\xef\xbb\xbf" + mixed.encode())
        assert sorted(exons(again)) == sorted(exons(first))
        for column in ("contig", "start", "end", "strand", "gene"):
            assert getattr(again, column).dtype == getattr(first, column).dtype

    def test_compressed(self, tmp_path, dialect):
        text = DIALECTS[dialect].encode()
        (tmp_path / "plain").write_bytes(text)
        pysam.tabix_compress(str(tmp_path / "plain"), str(tmp_path / "block.gz"))
        for again in (read(tmp_path, gzip.compress(text)), read_annotation(str(tmp_path / "block.gz"))):
            assert set(exons(again)) == EXONS


def test_chunks_do_not_matter(tmp_path, monkeypatch):
    whole = {name: exons(read(tmp_path, text)) for name, text in DIALECTS.items()}
    for size in (97, 1000):
        monkeypatch.setattr("classify.exons.lines._CHUNK", size)
        assert {name: exons(read(tmp_path, text)) for name, text in DIALECTS.items()} == whole


def test_lines_are_found_again(tmp_path, monkeypatch):
    read(tmp_path, ENSEMBL_GTF)
    path = str(tmp_path / "genes.gtf")
    for size in (60, 1 << 20):
        monkeypatch.setattr("classify.exons.lines._CHUNK", size)
        assert line_of(path, ["exon"], b"c", 600) == "line 6: "  # gene and transcript end there, too
        assert line_of(path, ["exon"], b"c", 850) == "line 11: "
        assert line_of(path, ["gene"], b"c", 600) == "line 2: "
        assert line_of(path, ["exon"], b"d", 600) == ""


def test_rows_of_a_transcript_that_touch_are_one_exon(tmp_path):
    row = 'c\tx\texon\t{}\t{}\t.\t{}\t.\tgene_id "A"; transcript_id "{}";\n'
    spans = [(10, 20, "+", 1), (21, 30, "+", 1), (12, 18, "+", 1), (32, 40, "+", 1), (32, 40, "+", 1)]
    spans += [(21, 30, "-", 1), (31, 40, "+", 2)]
    found = read(tmp_path, "".join(row.format(*span) for span in spans))
    assert sorted(exons(found)) == [
        ("c", 10, 30, 1, "A"), ("c", 21, 30, -1, "A"), ("c", 31, 40, 1, "A"), ("c", 32, 40, 1, "A"),
    ]  # fmt: skip


def test_the_stop_codon_belongs_to_a_transcript_of_parts(tmp_path):
    """Ensembl's CDS ends before it, and its UTR begins after it."""
    text = ""
    for feature, start, end in (("CDS", 10, 19), ("CDS", 30, 35), ("stop_codon", 36, 38), ("three_prime_utr", 39, 50)):
        text += f'c\tx\t{feature}\t{start}\t{end}\t.\t+\t0\tgene_id "A"; transcript_id "t";\n'
    assert [row[1:3] for row in exons(read(tmp_path, text))] == [(10, 19), (30, 50)]


def test_other_rows_may_be_the_exons(tmp_path):
    text = DIALECTS["ensembl_gtf"]
    assert [row[1:3] for row in exons(read(tmp_path, text, features=["CDS"]))] == [
        # Of transcripts without CDS, the parts, of which there are none.
        (310, 400)
    ]
    both = text.replace("ensembl\texon", "ensembl\tpseudogenic_exon")
    assert set(exons(read(tmp_path, both, features=["exon", "pseudogenic_exon"]))) == EXONS


def test_what_is_escaped_in_gff3_alone(tmp_path):
    text = rows("""
c%20d x gene 1 9 . + . ID=gene:A%2CB
c%20d x mRNA 1 9 . + . ID=t;Parent=gene:A%2CB
c%20d x exon 1 9 . + . Parent=t
""")
    assert exons(read(tmp_path, text)) == [("c d", 1, 9, 1, "A,B")]
    same = 'c%20d\tx\texon\t1\t9\t.\t+\t.\tgene_id "A%2CB"; transcript_id "t";\n'
    assert exons(read(tmp_path, same)) == [("c%20d", 1, 9, 1, "A%2CB")]


def test_comments_and_headers_are_no_rows(tmp_path):
    line = ENSEMBL_GTF.splitlines()[3]
    text = f"track name=x\nbrowser position c:1-2\n#{line}\n\n  \n{line}"
    assert len(read(tmp_path, text)) == 1


GOOD = 'c\tx\texon\t1\t9\t.\t+\t.\tgene_id "A"; transcript_id "t";\n'
GFF3 = (
    "c\tx\tgene\t1\t9\t.\t+\t.\tID=A\nc\tx\tmRNA\t1\t9\t.\t+\t.\tID=t;Parent=A\nc\tx\texon\t1\t9\t.\t+\t.\tParent=t\n"
)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "holds no rows of feature 'exon', nor CDS rows of transcripts, nor any other"),
        ("# nothing\n\n", "holds no rows of feature 'exon'"),
        (GOOD.replace("exon", "gene"), "holds no rows of feature 'exon'"),
        (GOOD * 2 + GOOD.replace("\t9", "\t0"), r"line 3: start: expected at most the end, got more: c exon 1 0"),
        (GOOD + GOOD.replace("\t1\t", "\t0\t"), "line 2: start: expected a position from 1 on"),
        (GOOD + GOOD.replace("\t1\t", "\tone\t"), "line 2: expected a position in whole numbers, got 'one'"),
        (GOOD + GOOD.replace("\t1\t", "\t-1\t"), "line 2: start: expected a position from 1 on"),
        (GOOD + GOOD.replace("\t9\t", "\t9999999999999999999999\t"), "line 2: expected a position in whole numbers"),
        (GOOD + GOOD.replace("+", "."), "line 2: strand: expected . or -, got something else: c exon 1 9 ."),
        (GOOD + GOOD.replace("+", "?"), "line 2: strand"),
        (GOOD + "\n" + GOOD.replace('gene_id "A";', ""), "line 3: has no gene_id"),
        (GOOD + GOOD.replace('"A"', '""'), "line 2: has no gene_id"),
        (GOOD + GOOD.replace("gene_id", "ref_gene_id"), "line 2: has no gene_id"),
        (GOOD + GOOD.replace('transcript_id "t"', ""), "line 2: has no transcript_id"),
        (GOOD + GFF3, "line 4: has attributes of GFF3 .* in a GTF file .*; expected one format"),
        (GFF3 + GOOD, "line 4: has attributes of GTF .* in a GFF3 file .*; expected one format"),
        (GFF3 + GFF3.replace("Parent=t", "Name=t"), "line 6: the exon has no Parent"),
        (GFF3 + GFF3.splitlines()[2].replace("=t", "=u"), "line 4: the exon belongs to no gene: its parent 'u' is not"),
        (GFF3.replace("ID=A", "ID=A;Parent=t"), "'t' is its own ancestor|'A' is its own ancestor"),
        (GOOD + "c x exon 1 9 . + . gene_id A\n", "line 2: expected nine columns separated by tabs, got 'c x exon"),
        (GOOD + "c\tx\texon\t1\t9\n", "line 2: expected nine columns separated by tabs"),
        (GOOD + GOOD.replace("\t9\t", f"\t{10**11}\t"), "line 2: expected a position in whole numbers"),
        (GOOD.replace('"A"', '"A\0"'), "holds a name with a null character"),
        (GFF3.replace("ID=A", "ID=A%00").replace("Parent=A", "Parent=A%00"), "holds a name with a null character"),
        (GOOD.replace("A", "\udcff").encode("utf-8", "surrogateescape"), "names that are not text in UTF-8"),
        (gzip.compress((GOOD * 5000).encode())[:-20], "the compressed data is truncated or damaged, after line"),
        (b"\x00\x01\x02" * 99, "line 1: expected nine columns"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, text, match):
    with pytest.raises(InputError, match=match) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)
    assert str(tmp_path / "genes.gtf") in str(error.value)


def test_no_file(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"none\.gtf: no such file"):
        read_annotation(str(tmp_path / "none.gtf"))
    with pytest.raises(InputError, match="is a folder"):
        read_annotation(str(tmp_path))
    monkeypatch.setattr("classify.exons.lines._CHUNK", 100)
    monkeypatch.setattr("classify.exons.lines._LONGEST", 1000)
    with pytest.raises(InputError, match="holds a line of more than 1000 bytes"):
        read(tmp_path, b"\x00" * 2000)


def test_line_numbers_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("classify.exons.lines._CHUNK", 200)
    with pytest.raises(InputError, match="line 51: has no gene_id"):
        read(tmp_path, GOOD * 50 + GOOD.replace("gene_id", "x"))
    with pytest.raises(InputError, match="line 13: the exon belongs to no gene"):
        read(tmp_path, GFF3 * 4 + GFF3.splitlines()[2].replace("=t", "=u") + "\n" + GFF3 * 4)


REAL = {
    # file: exons of transcripts, transcripts, genes
    "spombe_ASM294v2_I-III.gtf.gz": (12368, 6967, 6952),
    "celegans_1pct_WS282.gtf.gz": (2606, 417, 259),
    "athaliana_1pct_TAIR10.gtf.gz": (5047, 953, 833),
    "human_chr22_full_GRCh38.gencode_v38_basic.gtf.gz": (16782, 2428, 1388),
}


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_real_files(data_dir, name):
    found = read_annotation(str(data_dir / "exon_start" / name))
    assert (len(found), found.counts["transcripts"], found.counts["genes"]) == REAL[name]


@pytest.mark.data
def test_gff3_of_parts_gives_the_exons_of_the_derived_gtf(data_dir):
    """PomBase's GFF3 has no exon rows; the GTF was made of it by merging parts."""
    folder = data_dir / "exon_start"
    here = set(exons(read_annotation(str(folder / "spombe_ASM294v2_I-III.gtf.gz"))))
    there = {
        row
        for row in exons(read_annotation(str(folder / "spombe_pombase_all_chromosomes.gff3.gz")))
        if row[0] in ("I", "II", "III")
    }
    assert there == here
