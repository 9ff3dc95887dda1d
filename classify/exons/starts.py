"""Where exons begin, after what, in which gene and locus; from columns of exons alone. No letters and no splits here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.exons.annotation import Annotation

__all__ = ["ACCEPTOR", "FIRST", "Spans", "Starts", "exon_starts", "find_loci", "gene_spans", "islands"]

ACCEPTOR, FIRST = 0, 1
"""Kinds of starts: after an intron in at least one transcript; first exon of its transcripts only."""


@dataclass(frozen=True)
class Starts:
    """Exon starts, n rows, sorted by contig, position, strand and gene.

    Attributes
    ----------
    contig, gene
        int32 (n,), indices of the annotation's names.
    position
        int64 (n,) 1-based place of the exon's first base.
    strand
        int8 (n,) +1 or -1.
    kind
        uint8 (n,) ``ACCEPTOR`` or ``FIRST``.
    """

    contig: NDArray[np.int32]
    gene: NDArray[np.int32]
    position: NDArray[np.int64]
    strand: NDArray[np.int8]
    kind: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.position)

    def take(self, index: Any) -> Starts:
        """The rows at ``index`` (indices, mask or slice)."""
        return Starts(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def distinct(self) -> Starts:
        """Each place once, with the first of the genes that share it."""
        return self.take(np.flatnonzero(_news(self.contig, self.position, self.strand)))


@dataclass(frozen=True)
class Spans:
    """From the first to the last base of a gene's exons on one strand of a contig, n rows, sorted by all columns.

    Attributes
    ----------
    contig, gene
        int32 (n,), indices of the annotation's names.
    strand
        int8 (n,).
    low, high
        int64 (n,) 1-based, both included.
    """

    contig: NDArray[np.int32]
    gene: NDArray[np.int32]
    strand: NDArray[np.int8]
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.low)

    def take(self, index: Any) -> Spans:
        """The rows at ``index`` (indices, mask or slice)."""
        return Spans(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def of(self, starts: Starts) -> NDArray[np.int64]:
        """(len(starts),) row of the span that each start lies in."""
        genes = max(int(self.gene.max(initial=0)), int(starts.gene.max(initial=0))) + 1

        def key(table: Any) -> NDArray[np.int64]:
            whole: NDArray[np.int64] = (table.contig.astype(np.int64) * genes + table.gene) * 2 + (table.strand > 0)
            return whole

        return np.searchsorted(key(self), key(starts))


def _forward_only(exons: Annotation) -> Annotation:
    """The exons as if all lay on the forward strand."""
    return replace(exons, strand=np.ones_like(exons.strand))


def exon_starts(exons: Annotation, *, strand_aware: bool = True) -> Starts:
    """The distinct starts of every gene.

    Parameters
    ----------
    strand_aware
        An exon of the minus strand starts at its end coordinate; off: every exon starts at its start coordinate, and
        follows an intron if another exon of the transcript lies before it in coordinates.
    """
    rows = exons if strand_aware else _forward_only(exons)
    rows = rows.take(np.lexsort((rows.start, rows.transcript, rows.strand, rows.contig)))
    news = _news(rows.contig, rows.strand, rows.transcript)
    ends = np.append(news[1:], True) if len(news) else news
    plus = rows.strand > 0
    first = np.where(plus, news, ends)
    position = np.where(plus, rows.start, rows.end)
    order = np.lexsort((rows.gene, rows.strand, position, rows.contig))
    contig, strand, gene = rows.contig[order], rows.strand[order], rows.gene[order]
    position, first = position[order], first[order]
    place = np.cumsum(_news(contig, position, strand)) - 1
    acceptor = np.bincount(place, weights=~first) > 0
    kind = np.where(acceptor[place], ACCEPTOR, FIRST).astype(np.uint8)
    found = Starts(contig, gene, position, strand, kind)
    return found.take(np.flatnonzero(_news(contig, position, strand, gene)))


def gene_spans(exons: Annotation, *, strand_aware: bool = True) -> Spans:
    """The spans of every gene; without strands, one a contig."""
    rows = exons if strand_aware else _forward_only(exons)
    order = np.lexsort((rows.strand, rows.gene, rows.contig))
    contig, gene, strand = rows.contig[order], rows.gene[order], rows.strand[order]
    first = np.flatnonzero(_news(contig, gene, strand))
    low, high = np.minimum.reduceat(rows.start[order], first), np.maximum.reduceat(rows.end[order], first)
    return Spans(contig[first], gene[first], strand[first], low, high)


def islands(spans: Spans, margin: int) -> NDArray[np.int64]:
    """(len(spans),) number of the stretch of its contig that each span lies in.

    A stretch is the union of spans of both strands that overlap once ``margin`` nt are added at each side; numbers ascend
    with contig and place.
    """
    order = np.lexsort((spans.low, spans.contig))
    contig, low, high = spans.contig[order].astype(np.int64), spans.low[order], spans.high[order]
    # Contigs are moved apart, so that the farthest end so far is never one of another contig.
    apart = contig * (int(high.max(initial=0)) + 2 * margin + 2)
    reached = np.maximum.accumulate(high + apart) + margin
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (low + apart)[1:] - margin > reached[:-1]
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(begins) - 1
    return number


def find_loci(spans: Spans, margin: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What must not be torn apart: genes connected by overlap, regardless of strand, on any contig.

    Parameters
    ----------
    margin
        nt added at both sides of a span: half a window, so that no letter lies in windows of two loci.

    Returns
    -------
    tuple
        int32 (len(spans),) number of each span's locus, and int32 (loci,) the gene that names each, the first of its
        genes. Loci are in the order of those genes.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    island = islands(spans, margin)
    genes = int(spans.gene.max(initial=-1)) + 1
    size = genes + int(island.max(initial=-1)) + 1
    edges = coo_array((np.ones(len(spans), dtype=np.int8), (spans.gene, genes + island)), shape=(size, size))
    _, component = connected_components(edges, directed=False)
    of_span = component[spans.gene]
    first = np.full(size, genes, dtype=np.int64)
    np.minimum.at(first, of_span, spans.gene)
    names, locus = np.unique(first[of_span], return_inverse=True)
    return locus.astype(np.int32), names.astype(np.int32)


def _news(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) where a row differs from the one before; the first does."""
    new = np.ones(len(columns[0]), dtype=bool)
    new[1:] = False
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return new
