"""Rows of a GTF or GFF3 file that tell of exons, read in chunks of bytes. What they mean together is in ``annotation``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from classify.exons.lines import line_chunks
from specgen.errors import InputError

__all__ = ["Rows", "line_of", "read_rows"]

_PARTS = (
    *(b"CDS", b"stop_codon", b"UTR", b"5UTR", b"3UTR"),
    *(b"five_prime_utr", b"three_prime_utr", b"five_prime_UTR", b"three_prime_UTR"),
)
"""Rows whose union is the exons of a transcript; Ensembl's GTF leaves the stop codon out of CDS and UTR."""

_CHILDLESS = (*_PARTS, b"start_codon", b"intron", b"protein", b"polypeptide", b"region", b"biological_region")
"""GFF3 rows that no exon has as its parent; alignments (``*match``) are left out as well."""

_COMMENT = rb"#|track[ \t]|browser[ \t]"
_NO_ROW = re.compile(rb"(?m)^(?!" + _COMMENT + rb"|[ \t\r]*$)(?!(?:[^\t\n]*\t){8})")
_ATTRIBUTES = re.compile(rb"(?m)^(?!" + _COMMENT + rb")(?:[^\t\n]*\t){8}([^\r\n]*)")
_LIKE_GFF3 = re.compile(rb"\s*[^\s\"=;]+=")
_LIKE_GTF = re.compile(rb"\s*\w+ +[^\s=]")
_GTF_GENE = re.compile(rb'\bgene_id +"?([^";]+)')
_GTF_TRANSCRIPT = re.compile(rb'\btranscript_id +"?([^";]+)')
_ID = re.compile(rb"(?:^|;) *ID=([^;]+)")
_PARENT = re.compile(rb"(?:^|;) *Parent=([^;]+)")
_GFF3_GENE = re.compile(rb"(?:^|;) *gene_id=([^;]+)")
_PREFIX = re.compile(rb"^[Gg]ene[:-]")
"""Of the IDs of genes: Ensembl's and WormBase's gene:, NCBI's gene-; their GTF files have the rest of the name."""

LARGEST = 10**11
"""Of a position: no contig is as long, and the sums that tell transcripts apart have room for all below."""

_STRANDS = {b"+": 1, b"-": -1}


@dataclass(frozen=True)
class Rows:
    """Columns of n rows; a GFF3 row of several parents comes once for each.

    Attributes
    ----------
    contigs
        Names that ``contig`` indexes.
    transcripts
        Keys that ``transcript`` indexes: gene and transcript (GTF), the Parent's ID (GFF3).
    told
        Gene that the first row of each transcript names; empty = none.
    parents
        ID -> Parent (empty = none) of the other rows of a GFF3 file; None for GTF.
    names
        ID -> name of the rows without a parent.
    contig, transcript
        int32 (n,).
    start, end
        int64 (n,) 1-based, both included.
    strand
        int8 (n,) +1 or -1.
    part
        bool (n,): CDS, UTR or stop codon.
    group
        int32 (n,): number of the part's row; 0 for exons.
    parts, lines
        Part rows (one more than there are), and lines of the file.
    """

    contigs: list[bytes]
    transcripts: list[bytes]
    told: list[bytes]
    parents: dict[bytes, bytes] | None
    names: dict[bytes, bytes]
    contig: NDArray[np.int32]
    transcript: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.int8]
    part: NDArray[np.bool_]
    group: NDArray[np.int32]
    parts: int
    lines: int


def read_rows(path: str, features: tuple[bytes, ...]) -> Rows:
    """Read a whole file. See ``annotation.read_annotation`` for what is refused."""
    reader = _Reader(path, features)
    for first_line, chunk in line_chunks(path):
        reader.read(first_line, chunk)
    return reader.rows()


class _Reader:
    """Columns as lists of arrays, one a chunk, and the names met so far."""

    def __init__(self, path: str, features: tuple[bytes, ...]) -> None:
        self.path, self.features, self.lines, self.parts = path, frozenset(features), 0, 0
        self.contigs: dict[bytes, int] = {}
        self.transcripts: dict[bytes, int] = {}
        self.told: list[bytes] = []
        self.parents: dict[bytes, bytes] = {}
        self.names: dict[bytes, bytes] = {}
        self.gff3: bool | None = None
        self.columns: list[tuple[NDArray[Any], ...]] = []
        wanted = b"|".join(re.escape(name) for name in (*features, *_PARTS))
        self.wanted = re.compile(
            rb"(?m)^(?!#)([^\t\n]*)\t[^\t\n]*\t("
            + wanted
            + rb")\t([^\t\n]*)\t([^\t\n]*)\t[^\t\n]*\t([^\t\n]*)\t[^\t\n]*\t"
            rb"([^\r\n]*)"
        )
        childless = b"|".join(re.escape(name) for name in (*features, *_CHILDLESS))
        self.others = re.compile(
            rb"(?m)^(?!#)[^\t\n]*\t[^\t\n]*\t(?!(?:"
            + childless
            + rb"|\w*match)\t)(?:[^\t\n]*\t){6}([^\r\n]*\bID=[^\r\n]*)"
        )

    def read(self, first_line: int, chunk: bytes) -> None:
        """Take what a chunk tells."""
        self.lines = first_line + chunk.count(b"\n")
        # Nearly every chunk is as many rows of nine columns as it has lines, which is seen without looking at each.
        if chunk.count(b"\t") != 8 * (self.lines - first_line + 1) and (bad := _NO_ROW.search(chunk)):
            got = chunk[bad.start() : bad.start() + 200].split(b"\n")[0].decode(errors="replace").strip()
            self._fail(chunk, first_line, bad.start(), f"expected nine columns separated by tabs, got {got[:60]!r}")
        if self.gff3 is None:
            self.gff3 = _format(chunk)
        if self.gff3:
            for other in self.others.finditer(chunk):
                self._named(other[1])
        self._take(first_line, chunk)

    def _named(self, told: bytes) -> None:
        """A GFF3 row that an exon may descend from."""
        if found := _ID.search(told):
            name, parent = found[1], _PARENT.search(told)
            self.parents.setdefault(name, parent[1].split(b",", 1)[0] if parent else b"")
            if not parent:
                gene = _GFF3_GENE.search(told)
                self.names.setdefault(name, gene[1] if gene else _PREFIX.sub(b"", name))

    def _take(self, first_line: int, chunk: bytes) -> None:
        """The rows of exons and parts."""
        rows: list[tuple[bytes, ...]] = self.wanted.findall(chunk)
        if not rows:
            return

        def fail(row: int, what: str) -> NoReturn:
            place = next(islice(self.wanted.finditer(chunk), row, None)).start()
            self._fail(chunk, first_line, place, what)

        names, features, lows, highs, signs, told = zip(*rows, strict=True)
        part = np.array([feature not in self.features for feature in features])
        group = np.where(part, self.parts + np.cumsum(part), 0).astype(np.int32)
        self.parts += int(part.sum())
        # Of each transcript of a row, the row.
        index, keys = self._gff3_keys(told, part, fail) if self.gff3 else self._gtf_keys(told, fail)
        contig = [self.contigs.setdefault(name, len(self.contigs)) for name in names]
        start, end = _numbers(lows, fail), _numbers(highs, fail)
        strand = np.array([_STRANDS.get(sign, 0) for sign in signs], dtype=np.int8)
        for wrong, what in (
            (strand == 0, "strand: expected + or -, got something else"),
            (start < 1, "start: expected a position from 1 on, got less"),
            (start > end, "start: expected at most the end, got more"),
        ):
            if wrong.any():
                row = int(wrong.argmax())
                fail(row, f"{what}: " + " ".join(text.decode(errors="replace") for text in rows[row][:5]))
        columns = (np.array(contig, dtype=np.int32), start, end, strand, part, group)
        self.columns.append((np.array(keys, dtype=np.int32), *(column[index] for column in columns)))

    def _gtf_keys(self, told: Sequence[bytes], fail: Callable[[int, str], NoReturn]) -> tuple[slice, list[int]]:
        try:
            genes, transcripts = (
                [found[1] for found in map(wanted.search, told)]  # type: ignore[index]
                for wanted in (_GTF_GENE, _GTF_TRANSCRIPT)
            )
        except TypeError:  # None is no match; asking each row first would take longer
            for row, text in enumerate(told):
                if _GTF_GENE.search(text) is None or _GTF_TRANSCRIPT.search(text) is None:
                    fail(row, self._why(text))
            raise
        # NCBI calls the transcripts of many genes unknown_transcript_1.
        keys = [self._number(gene + b"\t" + name, gene) for gene, name in zip(genes, transcripts, strict=True)]
        return slice(None), keys

    def _gff3_keys(
        self, told: Sequence[bytes], part: NDArray[np.bool_], fail: Callable[[int, str], NoReturn]
    ) -> tuple[list[int], list[int]]:
        index, keys = [], []
        for row, text in enumerate(told):
            parents = _PARENT.search(text)
            if parents is None:
                if not part[row] or _LIKE_GTF.match(text):
                    fail(row, self._why(text))
                continue  # predictions of others, which belong to no gene
            gene = _GFF3_GENE.search(text)
            for name in parents[1].split(b","):
                index.append(row)
                keys.append(self._number(name, gene[1] if gene else b""))
        return index, keys

    def _number(self, key: bytes, gene: bytes) -> int:
        number = self.transcripts.get(key)
        if number is None:
            number = self.transcripts[key] = len(self.transcripts)
            self.told.append(gene)
        return number

    def _why(self, told: bytes) -> str:
        """What is wrong with the attributes of a row that names no gene or transcript."""
        if self.gff3:
            if _LIKE_GTF.match(told):
                return 'has attributes of GTF (key "value") in a GFF3 file (key=value); expected one format'
            return "the exon has no Parent"
        if _LIKE_GFF3.match(told):
            return 'has attributes of GFF3 (key=value) in a GTF file (key "value"); expected one format'
        return "has no gene_id" if _GTF_GENE.search(told) is None else "has no transcript_id"

    def _fail(self, chunk: bytes, first_line: int, place: int, what: str) -> NoReturn:
        line = first_line + chunk.count(b"\n", 0, place)
        raise InputError(f"{self.path}: line {line}: {what}")

    def rows(self) -> Rows:
        """All of it."""
        kinds = (np.int32, np.int32, np.int64, np.int64, np.int8, np.bool_, np.int32)
        columns = self.columns or [tuple(np.zeros(0, dtype=kind) for kind in kinds)]
        transcript, contig, start, end, strand, part, group = map(np.concatenate, zip(*columns, strict=True))
        return Rows(
            list(self.contigs), list(self.transcripts), self.told, self.parents if self.gff3 else None, self.names,
            contig, transcript, start, end, strand, part, group, self.parts + 1, self.lines,
        )  # fmt: skip


def line_of(path: str, features: Sequence[str], contig: bytes, end: int, parent: bytes = b"") -> str:
    """Where the first exon or part is that ends at a place of a contig (and has a parent), as "line N: "; else empty.

    For messages: reads the file again, so that no line has to be remembered.
    """
    kinds = b"|".join(re.escape(name) for name in (*(feature.encode() for feature in features), *_PARTS))
    wanted = rb"(?m)^%s\t[^\t\n]*\t(?:%s)\t\d+\t%d\t" % (re.escape(contig), kinds, end)
    if parent:
        wanted += rb"[^\n]*\bParent=(?:[^;\n]*,)?%s(?![^,;\r\n])" % re.escape(parent)
    for first_line, chunk in line_chunks(path):
        if found := re.search(wanted, chunk):
            return f"line {first_line + chunk.count(bytes([10]), 0, found.start())}: "
    return ""


def _numbers(texts: Sequence[bytes], fail: Callable[[int, str], NoReturn]) -> NDArray[np.int64]:
    try:
        found = np.array(list(map(int, texts)), dtype=np.int64)
        if not len(found) or int(found.max()) < LARGEST:
            return found
    except (ValueError, OverflowError):
        pass
    row = next((i for i, text in enumerate(texts) if not text.isdigit() or int(text[:99]) >= LARGEST), 0)
    fail(row, f"expected a position in whole numbers, got {texts[row].decode(errors='replace')!r}")


def _format(chunk: bytes) -> bool | None:
    """Whether the first row with attributes is GFF3; None where no row says."""
    for row in _ATTRIBUTES.finditer(chunk):
        if _LIKE_GFF3.match(row[1]):
            return True
        if _LIKE_GTF.match(row[1]):
            return False
    return None
