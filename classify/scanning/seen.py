"""Which scanned contigs a run has learnt from. No network here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from classify.headers import chromosomes_of, normalise_chromosome
from classify.peaks.places import Intervals
from classify.runs import RunFolder
from classify.scanning.parts import Contig

__all__ = ["seen_in_training"]

_LENGTH = re.compile(r"/(\d{1,15}):\d+[+-]:\w+(?:#\d+)?$")
"""Of an exon-start example's id: the length of its contig."""

_PLACE = re.compile(r"^(?:\d+/)?(.+):(\d{1,15})-(\d{1,15})[+-]?$")
"""Of an id: contig, first and last nt of the example, behind the number of the genome where there are several. Ids are names of
records, too, and no contig has more than 15 digits."""

_GENOME = re.compile(r"^\d+/")


def _key(name: str) -> str:
    """A contig's name by which those of run and genome are compared."""
    return normalise_chromosome(name) or name


def seen_in_training(run: Path, contigs: Sequence[Contig], regions: Mapping[str, Intervals] | None) -> list[str]:
    """Scanned contigs on which the run has training or validation examples: figures on them flatter.

    Names of chromosomes are those of many genomes: where the ids of the run tell lengths, these have to agree, too. Where
    regions alone are scanned and ids tell places, one of these has to lie in a region.
    """
    known: dict[str, set[int]] = {}
    places: dict[str, list[tuple[int, int]]] = {}
    for row in RunFolder(run).split_rows():
        if row["split"] == "test":
            continue
        place = _PLACE.match(row["id"])
        if place and _key(place[1]) == _key(
            _GENOME.sub("", row["chromosome"])
        ):  # else the name of a record, such as a gene's
            places.setdefault(_key(place[1]), []).append((int(place[2]) - 1, int(place[3])))
        else:
            length = _LENGTH.search(row["id"])
            known.setdefault(row["chromosome"], set()).add(int(length[1]) if length else 0)
    names = chromosomes_of([contig.name for contig in contigs])

    def met(contig: Contig, name: str) -> bool:
        if known.get(name, set()) & {0, contig.length}:
            return True
        found = places.get(name or contig.name, [])
        if not found or regions is None:
            return bool(found)
        lows, highs = np.array(found, dtype=np.int64).T
        return contig.name in regions and bool(regions[contig.name].meet(lows, highs).any())

    return [contig.name for contig, name in zip(contigs, names, strict=True) if met(contig, name)]
