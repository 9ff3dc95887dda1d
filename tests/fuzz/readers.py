"""Every reader of files from outside, with small files that are right: what the fuzz tests damage.

A reader is one decorated function ``make(folder) -> Case``: it lays out what stands beside the file, and gives good contents of
it and a function that reads it as the commands do.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from damage import bgzip, bomb
from scipy.io import savemat

from classify.chromatin.arrays import ArrayFile
from classify.chromatin.features import read_features
from classify.chromatin.settings import ArraySettings
from classify.chromatin.tables import column_names, table_examples
from classify.clusters import read_clusters, read_seen
from classify.effects.variants import read_vcf, variant_rows
from classify.exons.annotation import read_annotation
from classify.exons.prepared import COLUMNS, FORMAT, VERSION, PreparedSet
from classify.headers import read_table
from classify.interpretation.sites import read_cds
from classify.labelled.formats import Columns, read_rows
from classify.labelled.settings import Part
from classify.motifs.formats import read_motifs
from classify.peaks.reading import by_contig, chosen, read_peaks
from classify.runs import RunFolder
from classify.splits import SplitSettings
from specgen.arrays import as_fixed
from specgen.genome import Genome
from specgen.intervals import read_regions
from specgen.records import read_records
from specgen.selection import RegionSettings

__all__ = ["AGAIN", "READERS", "Case"]


@dataclass(frozen=True)
class Case:
    """One reader, laid out in a folder.

    Attributes
    ----------
    path
        Where the file is to stand.
    seeds
        Contents that can be read.
    read
        Reads the file; raises ``InputError`` and nothing else.
    text
        Whether edits are those of text.
    pack
        What is done to a damaged text, or before the packed bytes are damaged.
    bombs
        What is small and wants to be large.
    """

    path: Path
    seeds: Sequence[bytes]
    read: Callable[[Path], object]
    text: bool = True
    pack: Callable[[bytes], bytes] | None = None
    bombs: Callable[[], Sequence[bytes]] = tuple


READERS: dict[str, Callable[[Path], Case]] = {}
AGAIN = {"sweep_config", "gff3_regions", "resumed_config", "uploaded"}
"""Those that share nearly all with another, or differ in what the file is packed with alone: `make test` leaves them out."""


def reader(make: Callable[[Path], Case]) -> Callable[[Path], Case]:
    """Decorator: add one under its function's name."""
    READERS[make.__name__] = make
    return make


def packed(make: Callable[[Path], Case]) -> Callable[[Path], Case]:
    """Decorator: the same reader of gzip and of bgzip, besides."""
    for ending, pack in (("gzip", gzip.compress), ("bgzip", bgzip)):

        def also(folder: Path, pack: Callable[[bytes], bytes] = pack) -> Case:
            case = make(folder)
            bombs = _bombs(case.seeds[0]) if pack is gzip.compress else tuple
            return dataclasses.replace(case, path=Path(f"{case.path}.gz"), pack=pack, bombs=bombs)

        READERS[f"{make.__name__}_{ending}"] = also
        if make.__name__ != "fasta" and (ending == "bgzip" or make.__name__ not in ("gtf", "vcf", "csv_labelled")):
            AGAIN.add(f"{make.__name__}_{ending}")
    return make


BOMB = 1 << 31
"""Bytes that a bomb wants to be."""


def _bombs(seed: bytes) -> Callable[[], Sequence[bytes]]:
    """A good file that goes on as one line, as blank lines, as its last line again and again, or as nothing that is text."""
    last = seed.rstrip(b"\n").rpartition(b"\n")[2] + b"\n"
    return lambda: [bomb(seed, piece, BOMB) for piece in (b"A", b"\n", last, b"\0")]


FASTA = b">a gene:G1 chromosome:c1\nACGTNNACGTACGTAAGGT\nACGT\n\n>b\nTTTTGGGGCCCCAAAAT\n>c|x\nACGUryswkm\n"
FASTQ = b"@a one\nACGT\n+\nIIII\n@b\nGGNN\n+b\n!!!!\n"
GENOME = ">c1\n" + "ACGTACGTAGGT" * 20 + "\n>c2\n" + "TTGACAGTCCAG" * 20 + "\n"
GTF = b"""#!genome-build x
c1\tsrc\tgene\t1\t200\t.\t+\t.\tgene_id "G1"; gene_name "x";
c1\tsrc\texon\t10\t60\t.\t+\t.\tgene_id "G1"; transcript_id "T1";
c1\tsrc\tCDS\t12\t60\t.\t+\t0\tgene_id "G1"; transcript_id "T1";
c1\tsrc\texon\t90\t150\t.\t+\t.\tgene_id "G1"; transcript_id "T1";
c1\tsrc\tCDS\t90\t120\t.\t+\t2\tgene_id "G1"; transcript_id "T1";
c2\tsrc\tCDS\t20\t70\t.\t-\t0\tgene_id "G2"; transcript_id "T2";
"""
GFF3 = b"""##gff-version 3
c1\tsrc\tgene\t1\t200\t.\t+\t.\tID=gene:G1;Name=x
c1\tsrc\tmRNA\t1\t200\t.\t+\t.\tID=T1;Parent=gene:G1
c1\tsrc\texon\t10\t60\t.\t+\t.\tID=e1;Parent=T1
c1\tsrc\tCDS\t12\t60\t.\t+\t0\tID=c1;Parent=T1;gene_id=G%201
c1\tsrc\texon\t90\t150\t.\t+\t.\tParent=T1,T1b
c1\tsrc\tmRNA\t1\t200\t.\t+\t.\tID=T1b;Parent=gene:G1
##FASTA
>c1
ACGT
"""
BED = b"track name=x\nc1\t5\t60\tCTCF_K562\t900\t+\t5\t60\t0\t2\t10,20\t0,35\nc2\t0\t240\t.\t0\t-\t0\t240\t0\t1\t240,\t0,\n"
NARROW = b"c1\t5\t60\tp1\t900\t.\t12.5\t3.1\t-1\t20\nc2\t0\t240\t.\t0\t.\t1e2\t3\t2\t-1\n"
BROAD = b"c1\t5\t60\tp1\t900\t.\t12.5\t3.1\t-1\nc2\t0\t240\t.\t0\t.\t1e2\t3\t2\n"
VCF = b"""##fileformat=VCFv4.2
##contig=<ID=c1,length=240>
##INFO=<ID=DP,Number=1,Type=Integer,Description="x, y">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1
c1\t1\trs1\tA\tG,<DEL>,*\t.\tPASS\tDP=3\tGT\t0/1
c1\t5\t.\tACG\tA\t10\tq\t.\tGT\t1|1
c1\t9\t.\tA\tAAC,A[c2:3[\t.\t.\t.\tGT\t./.
c2\t2\t.\tT\t.\t.\t.\t.\tGT\t0/0
"""


def _all(path: Path | str) -> int:
    return sum(len(record.codes) for record in read_records(path))


@reader
@packed
def fasta(folder: Path) -> Case:
    """``read_records``."""
    return Case(folder / "x.fa", [FASTA, b"\xef\xbb\xbf#c\n" + FASTA.replace(b"\n", b"\r\n")], _all)


@reader
@packed
def fastq(folder: Path) -> Case:
    return Case(folder / "x.fq", [FASTQ], _all)


@reader
@packed
def uploaded(folder: Path) -> Case:
    """``classify app``: what a browser sends."""
    from classify.app.inputs import read_input

    return Case(folder / "x.fa", [FASTA, FASTQ], lambda path: read_input("", path.read_bytes(), path.name))


@reader
def standard_input(folder: Path) -> Case:
    """``read_records("-")``."""

    def read(path: Path) -> int:
        before = sys.stdin
        with path.open("rb") as raw:
            sys.stdin = io.TextIOWrapper(raw)
            try:
                return _all("-")
            finally:
                sys.stdin = before

    return Case(folder / "stdin", [FASTA, FASTQ, gzip.compress(FASTA), bgzip(FASTQ)], read)


def _genome(folder: Path, *, index: bool) -> Path:
    path = folder / "genome.fa"
    path.write_text(GENOME)
    if index:
        Path(f"{path}.fai").write_bytes(_FAI)
    return path


_FAI = b"c1\t240\t4\t240\t241\nc2\t240\t249\t240\t241\n"


def _fetched(path: Path) -> None:
    with Genome(str(path)) as genome:
        for name, length in genome.lengths.items():
            fetch = genome.sequence(name)
            for low in (0, length // 2, max(0, length - 7)):
                fetch(low, min(low + 7, length))


@reader
def genome_index(folder: Path) -> Case:
    """A ``.fai`` beside a genome."""
    genome = _genome(folder, index=True)
    return Case(Path(f"{genome}.fai"), [_FAI], lambda path: _fetched(genome))


@reader
def indexed_genome(folder: Path) -> Case:
    """A genome beside a ``.fai``, made no later than it."""
    genome = _genome(folder, index=True)

    def read(path: Path) -> None:
        Path(f"{path}.fai").touch()
        _fetched(path)

    return Case(genome, [GENOME.encode()], read)


@reader
def bgzip_genome(folder: Path) -> Case:
    """A bgzip genome beside its ``.fai`` and ``.gzi``, both good."""
    import pysam

    genome = folder / "genome.fa.gz"
    genome.write_bytes(bgzip(GENOME.encode(), 200))
    pysam.faidx(str(genome))

    def read(path: Path) -> None:
        Path(f"{path}.fai").touch()
        _fetched(path)

    return Case(genome, [genome.read_bytes()], read, text=False)


@reader
@packed
def gtf(folder: Path) -> Case:
    return Case(folder / "x.gtf", [GTF], lambda path: read_annotation(str(path)))


@reader
@packed
def gff3(folder: Path) -> Case:
    return Case(folder / "x.gff3", [GFF3], lambda path: read_annotation(str(path)))


def _regions(folder: Path, name: str, seed: bytes, **options: Any) -> Case:
    settings = RegionSettings(genome=str(_genome(folder, index=False)), **options)
    return Case(folder / name, [seed], lambda path: list(read_regions(str(path), settings)))


@reader
def gtf_regions(folder: Path) -> Case:
    return _regions(folder, "x.gtf", GTF)


@reader
def gff3_regions(folder: Path) -> Case:
    return _regions(folder, "x.gff3", GFF3.partition(b"##FASTA")[0].replace(b",T1b", b""))


@reader
@packed
def bed_regions(folder: Path) -> Case:
    return _regions(folder, "x.bed", BED)


@reader
def narrow_regions(folder: Path) -> Case:
    return _regions(folder, "x.narrowPeak", NARROW, width=50)


def _peaks(folder: Path, name: str, seed: bytes) -> Case:
    def read(path: Path) -> None:
        by_contig(chosen(read_peaks(path), [], str(path)), {"c1": 240, "c2": 240}, "genome.fa")

    return Case(folder / name, [seed], read)


@reader
@packed
def bed_peaks(folder: Path) -> Case:
    return _peaks(folder, "x.bed", BED)


@reader
@packed
def narrow_peaks(folder: Path) -> Case:
    return _peaks(folder, "x.narrowPeak", NARROW)


@reader
def broad_peaks(folder: Path) -> Case:
    return _peaks(folder, "x.broadPeak", BROAD)


@reader
def bed_sites(folder: Path) -> Case:
    """``explain --cds`` and ``dashboard --sites``."""
    return Case(folder / "x.bed", [b"#a\nr1\t0\t9\tm\nr2\t3\t90\n"], lambda path: read_cds(str(path)))


@reader
@packed
def vcf(folder: Path) -> Case:
    genome = _genome(folder, index=False)

    def read(path: Path) -> None:
        _, lines = read_vcf(str(path))
        with Genome(str(genome)) as opened:
            for _ in variant_rows(str(path), lines, opened):
                pass

    return Case(folder / "x.vcf", [VCF], read)


LABELLED = b'name,sequence,label\nr1,ACGTACGT,1\n"r,2",acgtnn,0\nchr1:5-20(+),GGGG,1\n'
SEQ = b"FoldID\tEventID\tseq\tBound\nA\tseq_1\tACGTACGT\t1\nB\tseq_2_shuf\tGGGGACGT\t0\n"
MANY = b"id\tsequence\tCTCF\tDNase\nr1\tACGTACGT\t1\t0\nr2\tAAAACCCC\tNA\t1.0\nr3\tGGGGACGA\t0\t\n"


def _labelled(folder: Path, name: str, seed: bytes) -> Case:
    return Case(folder / name, [seed], lambda path: list(read_rows(path, 1, Columns())))


@reader
@packed
def csv_labelled(folder: Path) -> Case:
    return _labelled(folder, "x.csv", LABELLED)


@reader
@packed
def deepbind_labelled(folder: Path) -> Case:
    return _labelled(folder, "x.seq", SEQ)


@reader
@packed
def tsv_many_labels(folder: Path) -> Case:
    """A table of task ``chromatin``."""

    def read(path: Path) -> None:
        names = column_names(path, "sequence", [])
        table_examples([Part("", [str(path)], [])], folder, "sequence", names, 8, "pad", SplitSettings())

    return Case(folder / "x.tsv", [MANY, MANY.replace(b"\t", b",")], read)


@reader
def label_names(folder: Path) -> Case:
    seeds = [
        b"K562|CTCF|None\nH1|H3K4me3|None\n",
        b"cell,factor,treatment\nK562,CTCF,None\nH1,DNase,\n",
        b"1\ta\n2\tb\n",
    ]
    return Case(folder / "names.txt", seeds, read_features)


@reader
def origins(folder: Path) -> Case:
    """``data.table``."""
    seeds = [b"id,gene,chromosome\nr1,G1,1\nr2,G2,chrX\n", b"id\tgene\nr1\tG1\n"]
    return Case(folder / "x.csv", seeds, read_table)


@reader
def clusters(folder: Path) -> Case:
    return Case(folder / "x.csv", [b"id,cluster\nr1,0\nr2,0\nr3,1\n"], read_clusters)


@reader
def seen_split(folder: Path) -> Case:
    """``split.csv`` of a run, for ``data.unseen`` and ``evaluate --on``."""

    def read(path: Path) -> None:
        read_seen(path)
        list(RunFolder(folder).split_rows())

    return Case(folder / "split.csv", [b"id,group,chromosome,label,split\nr1,G1,1,CDN,train\nr2,G2,,LNSD,test\n"], read)


def _arrays(path: Path) -> None:
    file = ArrayFile(path, ArraySettings())
    rows = np.arange(min(len(file), 64))
    file.gather(rows, np.zeros(len(rows), dtype=np.int64), min(file.length, 8))
    file.targets(rows)


def _hot() -> tuple[Any, Any]:
    hot = np.zeros((6, 4, 9), dtype=np.uint8)
    hot[np.arange(6)[:, None], np.arange(9) % 4, np.arange(9)] = 1
    return hot, (np.arange(18).reshape(6, 3) % 2).astype(np.uint8)


@reader
def matlab_5(folder: Path) -> Case:
    hot, labels = _hot()
    seeds = []
    for compress in (False, True):
        out = io.BytesIO()
        savemat(out, {"testxdata": hot, "testdata": labels}, do_compression=compress)
        seeds.append(out.getvalue())

    def bombs() -> list[bytes]:
        out = io.BytesIO()
        savemat(
            out,
            {"x": np.zeros((20_000, 4, 1000), np.uint8), "y": np.zeros((20_000, 3), np.uint8)},
            do_compression=True,
        )
        return [out.getvalue()]

    return Case(folder / "x.mat", seeds, _arrays, text=False, bombs=bombs)


def _hdf5(write: Callable[[h5py.File], None]) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        write(file)
    return out.getvalue()


@reader
def matlab_73(folder: Path) -> Case:
    """HDF5: contiguous, and chunked and packed."""
    hot, labels = _hot()

    def contiguous(file: h5py.File) -> None:
        file["testxdata"], file["testdata"] = hot, labels

    def chunked(file: h5py.File) -> None:
        file.create_dataset("trainxdata", data=hot.transpose(2, 1, 0), chunks=(3, 4, 2), compression="gzip")
        file.create_dataset("traindata", data=labels.T.astype(np.float64), chunks=(3, 2), compression="gzip")

    def large(file: h5py.File) -> None:
        file.create_dataset("x", shape=(1 << 20, 4, 1 << 20), chunks=(1, 4, 1 << 20), dtype="u1", compression="gzip")
        file.create_dataset("y", shape=(1 << 20, 2), chunks=(1 << 20, 2), dtype="u1", compression="gzip")

    return Case(
        folder / "x.mat", [_hdf5(contiguous), _hdf5(chunked)], _arrays, text=False, bombs=lambda: [_hdf5(large)]
    )


def _prepared(file: h5py.File, rows: int = 5, stored: bool = True) -> None:
    kinds = json.dumps(["acceptor", "first", "intragenic"])
    texts = {"format": FORMAT, "protocol": "strict", "settings": "{}", "counts": "{}", "kinds": kinds}
    file.attrs.update({key: as_fixed([text])[0] for key, text in texts.items()}, version=VERSION, width=7)
    file.create_dataset("genes", data=as_fixed(["G1", "G2"]))
    group = file.create_group("contigs/0")
    group.attrs.update(name=as_fixed(["c1"])[0], length=240)
    codes = group.create_dataset("codes", (rows, 7), np.uint8)
    if stored:
        codes[...] = 1
    for name, dtype in COLUMNS.items():
        if stored:
            group[name] = np.ones(rows, dtype=dtype)
        else:
            group.create_dataset(name, (rows,), dtype, chunks=(1 << 20,), compression="gzip")


@reader
def prepared_set(folder: Path) -> Case:
    """What ``classify prepare`` writes."""

    def read(path: Path) -> None:
        found = PreparedSet(path)
        rows = np.arange(min(len(found), 64))
        found.gather(rows, np.zeros(len(rows), dtype=np.int64), min(found.width, 7))

    def bombs() -> list[bytes]:
        return [_hdf5(lambda file: _prepared(file, 1 << 40, stored=False))]

    return Case(folder / "x.h5", [_hdf5(_prepared)], read, text=False, bombs=bombs)


JASPAR = b">MA1.1 CTCF\nA [ 1 2 3 ]\nC [ 0 4 1 ]\nG [ 5 0 0.5 ]\nT [ 1 1 1 ]\n>MA2\n1 2\n3 4\n5 6\n7 8\n"
MEME = b"""MEME version 4

ALPHABET= ACGT

MOTIF M1 first
letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0
0.25 0.25 0.25 0.25
1 0 0 0
URL http://x
MOTIF M2
letter-probability matrix: w= 1
.1 .2 .3 .4
"""
TRANSFAC = b"""VV  x
XX
AC MA1
ID CTCF
P0 A C G T
01 1 2 3 4 N
02 0 0 0 9 T
XX
CC tf_family: zinc
//
NA x
PO\tA\tC\tG\tT
1\t1\t2\t3\t4
//
"""


@reader
@packed
def motifs(folder: Path) -> Case:
    """JASPAR, MEME and TRANSFAC: told apart by content."""
    return Case(folder / "x.txt", [JASPAR, MEME, TRANSFAC], read_motifs)
