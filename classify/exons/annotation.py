"""The exons of a GTF or GFF3 file as columns: Ensembl, GENCODE, NCBI, WormBase, FlyBase, PomBase and their like.

Streamed a few MB at a time; only rows of exons, of their parts and (GFF3) of what has an ID are looked into, by regular
expressions over bytes. Which gene an exon belongs to is a GTF attribute, and in GFF3 the end of a chain of parents.
Nothing is known of the genome here. Coordinates are as in the files: 1-based, both ends included.

Sources: GFF3 1.26 (Sequence Ontology); GTF2.2 (Brent lab).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from classify.exons.rows import Rows, line_of, read_rows
from specgen.errors import InputError

__all__ = ["Annotation", "read_annotation"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Annotation:
    """One row an exon of a transcript; n rows.

    Attributes
    ----------
    path, features
        Of the file, and the types of its rows that are exons.
    contigs, genes
        Names, sorted, that columns index.
    contig, gene, transcript
        int32 (n,).
    start, end
        int64 (n,) 1-based, both included.
    strand
        int8 (n,) +1 or -1.
    counts
        What was read: lines, exon rows, transcripts, those put together from parts.
    """

    path: str
    features: Sequence[str]
    contigs: list[str]
    genes: list[str]
    contig: NDArray[np.int32]
    gene: NDArray[np.int32]
    transcript: NDArray[np.int32]
    start: Ints
    end: Ints
    strand: NDArray[np.int8]
    counts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: NDArray[Any]) -> Annotation:
        """The rows at ``index`` (indices or mask); names stay."""
        columns = ("contig", "gene", "transcript", "start", "end", "strand")
        return replace(self, **{name: getattr(self, name)[index] for name in columns})


def read_annotation(path: str, features: Sequence[str] = ("exon",)) -> Annotation:
    """The exons of every transcript.

    Parameters
    ----------
    path
        GTF or GFF3, plain, gzip or bgzip, in any order of rows.
    features
        Types of rows that are exons. A transcript without any gets the union of its CDS, UTR and stop-codon rows.

    Returns
    -------
    Annotation
        Exons of a transcript that overlap or touch are one. Sorted by contig, strand, transcript and start.

    Raises
    ------
    InputError
        No such file, truncated, not a table; a row without gene, transcript or strand, with a start beyond its end; rows
        of both formats; no exons. Names the line.
    """
    return _merged(_annotation(path, features))


def _annotation(path: str, features: Sequence[str]) -> Annotation:
    """Every exon row, and every part of a transcript without any."""
    rows = read_rows(path, tuple(feature.encode() for feature in features))
    gene_names, gene = _genes(path, rows)
    keep, from_parts = _wanted(rows)
    known = gene[rows.transcript] >= 0
    if (unknown := keep & ~known & ~rows.part).any():
        _fail_without_gene(path, features, rows, unknown)
    keep &= known
    if not keep.any():
        what = " or ".join(map(repr, features))
        among = f"among its {rows.lines:,} lines" if rows.lines else "nor any other"
        raise InputError(f"{path}: holds no rows of feature {what}, nor CDS rows of transcripts, {among}")
    contigs, contig = _sorted_names(rows, path, rows.contigs, rows.contig[keep])
    transcript = rows.transcript[keep]
    genes, gene_of = _sorted_names(rows, path, gene_names, gene[transcript])
    used = np.unique(transcript)
    counts = {
        "annotation_lines": rows.lines,
        "exon_rows": int((~rows.part).sum()),
        "transcripts": len(used),
        "transcripts_from_parts": int(np.isin(used, from_parts).sum()),
        "genes": len(genes),
    }
    return Annotation(
        path, features, contigs, genes, contig, gene_of, transcript, rows.start[keep], rows.end[keep], rows.strand[keep],
        counts,
    )  # fmt: skip


def _wanted(rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Which rows to keep: exons, and parts of what has none; and the transcripts that are made of parts."""
    has_exon = np.zeros(len(rows.transcripts), dtype=bool)
    has_exon[rows.transcript[~rows.part]] = True
    # A part may name several parents, of which one is no transcript (TAIR's proteins): one with exons speaks for all.
    covered = np.zeros(rows.parts, dtype=bool)
    part = np.flatnonzero(rows.part)
    covered[rows.group[part[has_exon[rows.transcript[part]]]]] = True
    used = part[~covered[rows.group[part]]]
    keep = ~rows.part
    keep[used] = True
    return keep, np.unique(rows.transcript[used])


def _genes(path: str, rows: Rows) -> tuple[list[bytes], NDArray[np.int32]]:
    """Names of genes, and the gene of each transcript; -1 = not known."""
    names: dict[bytes, int] = {}
    found = np.full(len(rows.transcripts), -1, dtype=np.int32)
    for i, (transcript, told) in enumerate(zip(rows.transcripts, rows.told, strict=True)):
        gene = told if rows.parents is None else _root(path, transcript, rows.parents, rows.names) or told
        if gene:
            found[i] = names.setdefault(gene, len(names))
    return list(names), found


def _root(path: str, name: bytes, parents: dict[bytes, bytes], names: dict[bytes, bytes]) -> bytes:
    """The gene at the end of a chain of parents; empty where a link is missing."""
    seen = set()
    while name in parents:
        if name in seen:
            raise InputError(f"{path}: {name.decode(errors='replace')!r} is its own ancestor by its Parent attributes")
        seen.add(name)
        if not parents[name]:
            return names[name]
        name = parents[name]
    return b""


def _fail_without_gene(path: str, features: Sequence[str], rows: Rows, unknown: NDArray[np.bool_]) -> NoReturn:
    row = int(unknown.argmax())
    parent = rows.transcripts[rows.transcript[row]]
    line = line_of(path, features, rows.contigs[rows.contig[row]], int(rows.end[row]), parent)
    raise InputError(
        f"{path}: {line}the exon belongs to no gene: its parent {parent.decode(errors='replace')!r} is not in the file, "
        "or leads to none, and the line has no gene_id"
    )


def _sorted_names(
    rows: Rows, path: str, names: list[bytes], index: NDArray[np.int32]
) -> tuple[list[str], NDArray[np.int32]]:
    """The names that occur, sorted, and ``index`` into them."""
    used, inverse = np.unique(index, return_inverse=True)
    try:
        plain = [names[i] if rows.parents is None else unquote_to_bytes(names[i]) for i in used]
        text = [name.decode("utf-8") for name in plain]
    except UnicodeDecodeError:
        raise InputError(f"{path}: holds names that are not text in UTF-8") from None
    if bad := [name for name in text if "\0" in name]:  # which HDF5 ends a text with
        raise InputError(f"{path}: holds a name with a null character: {bad[0][:200]!r}")
    ordered = sorted(set(text))
    place = {name: i for i, name in enumerate(ordered)}
    return ordered, np.array([place[name] for name in text], dtype=np.int32)[inverse.ravel()]


def _merged(rows: Annotation) -> Annotation:
    """Sorted; rows of one transcript that overlap or touch become one."""
    # Under one name, so that no more than two of these tables are held at a time.
    rows = rows.take(np.lexsort((rows.end, rows.start, rows.transcript, rows.strand, rows.contig)))
    apart = np.zeros(len(rows), dtype=np.int64)
    for column in (rows.contig, rows.strand, rows.transcript):
        apart[1:] |= column[1:] != column[:-1]
    # Groups are moved apart, so that the largest end so far is never one of another group.
    np.cumsum(apart, out=apart)
    apart *= int(rows.end.max()) + 2
    reached = np.maximum.accumulate(rows.end + apart)
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (rows.start + apart)[1:] > reached[:-1] + 1
    first = np.flatnonzero(begins)
    reached -= apart
    ends = reached[np.append(first[1:], len(rows)) - 1]
    return replace(rows.take(first), end=ends, counts={**rows.counts, "exons": len(first)})
