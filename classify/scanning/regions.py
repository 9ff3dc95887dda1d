"""Regions where alone a scan looks: those on the contigs that are scanned, and those on contigs that the genome does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from classify.contigs import missing_sequences
from classify.peaks.places import Intervals
from classify.peaks.reading import by_contig, read_peaks
from classify.scanning.parts import Contig
from specgen.errors import InputError
from specgen.files import expand

__all__ = ["Regions", "read_scan_regions"]


class Regions(NamedTuple):
    """Regions of a file.

    Attributes
    ----------
    inside
        Their union on each of the contigs that are scanned; contigs without any are not there.
    intervals
        How many the file holds.
    missing
        How many lie on each contig that the genome does not have.
    """

    inside: dict[str, Intervals]
    intervals: int
    missing: dict[str, int]


def read_scan_regions(path: str, every: Sequence[Contig], wanted: Sequence[Contig], genome: str) -> Regions:
    """The regions of a BED, narrowPeak or broadPeak file.

    Parameters
    ----------
    every, wanted
        The contigs of the genome, with which names are compared, and those that are scanned.
    genome
        What messages call it.

    Raises
    ------
    InputError
        As ``read_peaks``; a file of another genome, a region that ends past its contig, or none on the contigs that are scanned.
    """
    intervals = read_peaks(expand(path))
    lengths: Mapping[str, int] = {contig.name: contig.length for contig in every}
    of = Counter(one.contig for one in intervals)
    missing = missing_sequences(path, list(of), lengths, genome, "regions")
    found = by_contig(intervals, lengths, genome)
    inside = {contig.name: Intervals.of(found[contig.name]) for contig in wanted if contig.name in found}
    if not inside:
        raise InputError(
            f"{path}: has no region on {_some([contig.name for contig in wanted])}, which alone is scanned; its regions lie on "
            f"{_some(list(of))}"
        )
    return Regions(inside, len(intervals), {name: of[name] for name in missing})


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:3], *(["..."] if len(names) > 3 else [])])
