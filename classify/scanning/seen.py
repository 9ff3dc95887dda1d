"""Which scanned contigs a run has learnt from. No network here, and of the run's table a row at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classify.headers import chromosomes_of, normalise_chromosome
from classify.peaks.places import Intervals
from classify.runs import RunFolder
from classify.scanning.parts import Contig

__all__ = ["seen_in_training"]

_START = re.compile(r"/(\d{1,15}):(\d{1,15})[+-]:\w+(?:#\d+)?$")
"""Of an exon-start example's id: the length of its contig, and the 1-based place in the middle of its window."""

_PLACE = re.compile(r"^(?:\d+/)?(.+):(\d{1,15})-(\d{1,15})[+-]?$")
"""Of an id: contig, first and last nt of the example, behind the number of the genome where there are several. Ids are names of
records, too, and no contig has more than 15 digits."""

_GENOME = re.compile(r"^\d+/")


def _key(name: str) -> str:
    """A contig's name by which those of run and genome are compared."""
    return normalise_chromosome(name) or name


class _Learnt(NamedTuple):
    """What a row tells: what its contig is called, its length (0 = not told), and where the example lies (None = not told)."""

    key: str
    length: int
    place: tuple[int, int] | None


def _learnt(row: Mapping[str, str], window: int) -> _Learnt:
    place = _PLACE.match(row["id"])
    # Else it is the name of a record, such as a gene's.
    if place and _key(place[1]) == _key(_GENOME.sub("", row["chromosome"])):
        return _Learnt(_key(place[1]), 0, (int(place[2]) - 1, int(place[3])))
    if start := _START.search(row["id"]):
        low = int(start[2]) - 1 - window // 2
        return _Learnt(row["chromosome"], int(start[1]), (low, low + window))
    return _Learnt(row["chromosome"], 0, None)


def seen_in_training(
    run: Path, contigs: Sequence[Contig], regions: Mapping[str, Intervals] | None, window: int
) -> list[str]:
    """Scanned contigs on which the run has training or validation examples: figures on them flatter.

    Names of chromosomes are those of many genomes: where the ids of the run tell lengths, these have to agree, too. Where
    regions alone are scanned, a contig without any is not met, and where ids tell places, one of these has to lie in a region.

    Parameters
    ----------
    window
        nt of an example.

    Raises
    ------
    InputError
        As ``RunFolder.split_rows``.
    """
    known: dict[str, list[Contig]] = {}
    names = chromosomes_of([contig.name for contig in contigs])
    for contig, name in zip(contigs, names, strict=True):
        if regions is None or contig.name in regions:
            for key in {name, name or contig.name}:  # examples of no known chromosome may be of any that has no name
                known.setdefault(key, []).append(contig)
    seen: set[str] = set()
    for row in RunFolder(run).split_rows():
        if row["split"] == "test":
            continue
        key, length, place = _learnt(row, window)
        for contig in known.get(key, []):
            if contig.name in seen or length not in (0, contig.length):
                continue
            if regions is None or place is None or _meet(regions[contig.name], *place):
                seen.add(contig.name)
    return [contig.name for contig in contigs if contig.name in seen]


def _meet(regions: Intervals, low: int, high: int) -> bool:
    return bool(regions.meet(np.array([low]), np.array([high]))[0])
