"""Where windows may lie: contigs divided between splits, and the peaks of a contig that are good for a window.

Places are 1-based, of the letter at index ``width // 2`` of a window, as in ``exons.windows``. Everything is counted that
is left out. No negatives here.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.exons.windows import AmbiguousRuns
from classify.headers import normalise_chromosome
from classify.peaks.reading import Peak
from classify.peaks.settings import PeakFiles, PeakSettings
from classify.splits import SPLITS, SplitSettings, assign_splits

__all__ = ["NOBODYS", "Intervals", "Territory", "divide", "good_peaks"]

Ints = NDArray[np.int64]
NOBODYS = len(SPLITS)


@dataclass(frozen=True)
class Intervals:
    """Ascending stretches of a contig that do not overlap: int64 (n,) 0-based starts and exclusive ends."""

    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, peaks: Sequence[Peak]) -> Intervals:
        """The union of some peaks of one contig."""
        merged: list[list[int]] = []
        for start, end in sorted((peak.start, peak.end) for peak in peaks):
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(end, merged[-1][1])
            else:
                merged.append([start, end])
        table = np.array(merged, dtype=np.int64).reshape(-1, 2)
        return cls(table[:, 0], table[:, 1])

    def meet(self, low: Ints, high: Ints) -> NDArray[np.bool_]:
        """(n,) which of the stretches from ``low`` to before ``high`` share a place with one of these."""
        if not len(self.starts):
            return np.zeros(len(low), dtype=bool)
        last = np.searchsorted(self.starts, high, side="left") - 1  # the last that begins before the end
        return (last >= 0) & (self.ends[np.maximum(last, 0)] > low)

    def covered(self, low: Ints, high: Ints) -> Ints:
        """(n,) nt of the stretches from ``low`` to before ``high`` that lie in one of these."""
        return self._before(high) - self._before(low)

    def _before(self, places: Ints) -> Ints:
        """(n,) nt of these that lie before each place."""
        sizes = np.cumsum(self.ends - self.starts)
        last = np.searchsorted(self.starts, places, side="right") - 1
        # Of the stretch that begins last, what lies behind the place is too much.
        whole = np.where(last >= 0, sizes[np.maximum(last, 0)] if len(sizes) else 0, 0)
        beyond = np.where(last >= 0, self.ends[np.maximum(last, 0)] - places if len(sizes) else 0, 0)
        found: Ints = whole - np.maximum(beyond, 0)
        return found


@dataclass(frozen=True)
class Territory:
    """One contig, divided.

    Attributes
    ----------
    cuts
        int64 (k - 1,) ascending 1-based places, the last of each stretch but the last.
    splits
        uint8 (k,) index of each stretch's split in ``SPLITS``; 3 = nobody's.
    block
        nt of the blocks that are the groups.
    """

    cuts: Ints
    splits: NDArray[np.uint8]
    block: int

    def of(self, places: Ints, width: int) -> NDArray[np.uint8]:
        """(n,) the split whose stretches a window lies in wholly; 3 where there is none."""
        low = np.searchsorted(self.cuts, places - width // 2)
        high = np.searchsorted(self.cuts, places - width // 2 + width - 1)
        # Between two stretches of one split may lie another's, where blocks are shorter than windows.
        same = np.array(
            [len(np.unique(self.splits[a : b + 1])) == 1 for a, b in zip(low, high, strict=True)], dtype=bool
        )
        return np.where(same, self.splits[low], NOBODYS).astype(np.uint8)


def divide(lengths: Mapping[str, int], settings: PeakFiles, split: SplitSettings) -> dict[str, Territory]:
    """The territory of every contig.

    Contigs are cut into blocks, and a split draws blocks, or takes contigs whole. Where stretches of two splits meet,
    ``gap`` nt around the border belong to nobody.

    Parameters
    ----------
    lengths
        nt of each contig that has peaks.
    """
    block, names, chromosomes = settings.block, [], []
    for contig, length in lengths.items():
        count = max(1, -(-length // block))
        names += [f"{contig}:block_{i}" for i in range(count)]
        chromosomes += [normalise_chromosome(contig)] * count
    assigned = assign_splits(names, chromosomes, names, split)
    codes = np.array([SPLITS.index(name) if name else NOBODYS for name in assigned], dtype=np.uint8)
    found, at = {}, 0
    for contig, length in lengths.items():
        count = max(1, -(-length // block))
        found[contig] = _territory(codes[at : at + count], length, settings)
        at += count
    return found


def _territory(splits: NDArray[np.uint8], length: int, settings: PeakFiles) -> Territory:
    borders = np.flatnonzero(splits[1:] != splits[:-1]) + 1
    cuts: list[int] = []
    stretches = [int(splits[0])]
    for border in borders.tolist():
        middle, half = border * settings.block, settings.gap // 2
        low, high = middle - half, min(middle + settings.gap - half, length)
        if settings.gap:
            cuts += [max(low, cuts[-1] if cuts else 0), high]
            stretches += [NOBODYS, int(splits[border])]
        else:
            cuts.append(middle)
            stretches.append(int(splits[border]))
    return Territory(np.array(cuts, dtype=np.int64), np.array(stretches, dtype=np.uint8), settings.block)


def good_peaks(
    peaks: Sequence[Peak],
    length: int,
    ambiguous: AmbiguousRuns,
    blacklist: Intervals,
    territory: Territory,
    width: int,
    settings: PeakSettings,
) -> tuple[list[Peak], NDArray[np.uint8], Counter[str]]:
    """The peaks of a contig that become windows, by place, the split of each, and how many were left out and why.

    First goes what cannot be a window: past an end of the contig, on the blacklist, or rich in N. Of what is left the
    strongest of every crowd is kept, and then what lies too near to where splits meet is taken away.
    """
    counts: Counter[str] = Counter()

    def without(kept: list[Peak], bad: NDArray[np.bool_], why: str) -> list[Peak]:
        counts[why] += int(bad.sum())
        return [peak for peak, drop in zip(kept, bad.tolist(), strict=True) if not drop]

    kept = list(peaks)
    low, high = _windows(kept, width)
    kept = without(kept, (low < 0) | (high > length), "windows_past_a_contigs_end_dropped")
    low, high = _windows(kept, width)
    starts, ends = (np.array([edge[i] for edge in kept], dtype=np.int64) for i in (1, 2))
    kept = without(kept, blacklist.meet(np.minimum(low, starts), np.maximum(high, ends)), "blacklisted_dropped")
    share = ambiguous.share(_places(kept), width)
    kept = without(kept, share > settings.max_ambiguous, "rich_in_ambiguous_letters_dropped")
    kept = without(kept, ~_strongest(kept, settings.merge), "overlapping_a_stronger_peak_dropped")
    split = territory.of(_places(kept), width)
    kept = without(kept, split == NOBODYS, "where_splits_meet_dropped")
    return kept, split[split != NOBODYS], counts


def _places(peaks: Sequence[Peak]) -> Ints:
    return np.array([peak.summit + 1 for peak in peaks], dtype=np.int64)


def _windows(peaks: Sequence[Peak], width: int) -> tuple[Ints, Ints]:
    low = _places(peaks) - 1 - width // 2
    return low, low + width


def _strongest(peaks: Sequence[Peak], distance: int) -> NDArray[np.bool_]:
    """(n,) which peaks have no kept one with as much signal or more whose summit is nearer than ``distance``.

    The strongest first, ties by place: a peak that is dropped drops no other.
    """
    keep = np.ones(len(peaks), dtype=bool)
    taken: list[int] = []
    order = sorted(range(len(peaks)), key=lambda i: (-peaks[i].strength, peaks[i].summit, peaks[i].name))
    for i in order:
        summit = peaks[i].summit
        at = bisect_left(taken, summit)
        near = taken[max(0, at - 1) : at + 1]
        keep[i] = not any(abs(summit - other) < distance for other in near)
        if keep[i]:
            insort(taken, summit)
    return keep
