"""Windows that are not bound, for sets that hold positives only: one entry a kind, all of the shape of ``exons.negatives``.

A kind with a ``change`` needs the positive's letters alone; the others draw places of a contig and need a genome.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classify.exons.negatives import NEGATIVES as OF_EXONS
from classify.exons.negatives import Drawn, Ground, Negative
from classify.exons.windows import AmbiguousRuns
from classify.peaks.places import Intervals, Territory
from classify.peaks.settings import PeakSettings
from classify.splits import SPLITS
from specgen.registry import Registry
from specgen.sequences import Codes

__all__ = ["NEGATIVES", "PeakGround", "flanks", "peak_ground"]

Ints = NDArray[np.int64]

_STEPS = 20
"""Places that are tried on either side of a peak, a window's width apart."""


@dataclass(kw_only=True)
class PeakGround(Ground):
    """What there is on a contig: ``Ground``'s letters and positives, all on the forward strand, and what is not free.

    Attributes
    ----------
    peaks, blacklist
        Of the contig, whether they became windows or not.
    stretches
        The contig divided between splits.
    length
        nt of the contig.
    """

    peaks: Intervals
    blacklist: Intervals
    stretches: Territory
    length: int
    low: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    high: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    span: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    starts: dict[int, Ints] = field(default_factory=dict)

    def free(self, places: Ints, strands: NDArray[np.int8]) -> NDArray[np.bool_]:
        """(k,) which windows lie inside the contig and one split, away from peaks and blacklist, with letters, not taken."""
        low = places - 1 - self.width // 2
        high = low + self.width
        fit = (low >= 0) & (high <= self.length)
        fit &= ~self.peaks.meet(low - self.min_distance, high + self.min_distance) & ~self.blacklist.meet(low, high)
        fit[fit] &= self.stretches.of(places[fit], self.width) < len(SPLITS)
        return fit & super().free(places, strands)


def peak_ground(
    codes: Codes,
    positions: Ints,
    split: NDArray[np.uint8],
    width: int,
    ambiguous: AmbiguousRuns,
    known: tuple[Intervals, Intervals],
    stretches: Territory,
    settings: PeakSettings,
) -> PeakGround:
    """The ground of one contig.

    Parameters
    ----------
    codes
        uint8 (length,).
    positions, split
        Of the positives: int64 (p,) 1-based places, and the index of each one's split in ``SPLITS``.
    known
        All peaks of the contig, and its blacklist.
    """
    return PeakGround(
        codes=codes,
        ambiguous=ambiguous,
        position=positions,
        strand=np.ones(len(positions), dtype=np.int8),
        split=split,
        territory=(stretches.cuts, stretches.splits),
        width=width,
        min_distance=settings.distance,
        max_ambiguous=settings.max_ambiguous,
        peaks=known[0],
        blacklist=known[1],
        stretches=stretches,
        length=len(codes),
    )


NEGATIVES: Registry[Negative] = Registry("kind of negative")
for _name in ("shuffled", "gc"):
    NEGATIVES.add(_name, OF_EXONS[_name])


def flanks(ground: Ground, rng: np.random.Generator) -> Drawn:
    """For each positive the nearest free window on a side drawn at random, else on the other, in its split.

    Tried are places a window's width and ``min_distance`` away from the positive, then a width farther, and so on.
    """
    count, step = len(ground.position), ground.width + ground.min_distance
    places, beside = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    sides = rng.choice(np.array([-1, 1]), count)
    open_ = np.arange(count)
    for turn in range(2 * _STEPS):
        side = sides[open_] * (1 if turn % 2 == 0 else -1)
        tried = ground.position[open_] + side * (step + turn // 2 * ground.width)
        _, first = np.unique(tried, return_index=True)  # two peaks do not get the same window
        fit = np.zeros(len(open_), dtype=bool)
        fit[first] = ground.free(tried[first], ground.strand[open_[first]])
        if ground.territory is not None:
            cuts, splits = ground.territory
            fit &= splits[np.searchsorted(cuts, tried)] == ground.split[open_]
        ground.take(tried[fit], ground.strand[open_[fit]])
        places.append(tried[fit])
        beside.append(open_[fit])
        open_ = open_[~fit]
        if not len(open_):
            break
    return np.concatenate(places), np.concatenate(beside)


NEGATIVES.add("flanks", Negative(flanks, "the nearest free window beside a peak, at a distance from all peaks"))
