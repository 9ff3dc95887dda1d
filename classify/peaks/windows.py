"""Peaks and a genome to labelled, divided windows: contig by contig, positives and the negatives beside them.

What is drawn depends on the seed and the contig's name; the order of files, lines and contigs changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.exons.windows import AmbiguousRuns, cut_windows
from classify.headers import normalise_chromosome
from classify.labelled.rows import Window
from classify.peaks.ground import Ground, on_genome
from classify.peaks.negatives import NEGATIVES, PeakGround, peak_ground
from classify.peaks.places import Intervals, good_peaks
from classify.peaks.reading import chosen, read_peaks
from classify.peaks.settings import PeakSettings
from classify.splits import SPLITS, SplitSettings, stable_number
from specgen.errors import InputError
from specgen.files import expand
from specgen.genome import read_contigs
from specgen.sequences import Codes

__all__ = ["peak_windows"]


def peak_windows(
    settings: PeakSettings, root: Path, width: int, negatives: Sequence[str], each: int, split: SplitSettings
) -> tuple[list[Window], dict[str, Any]]:
    """Windows around summits, and around or from them those that are not bound.

    Parameters
    ----------
    root
        Folder that relative file names start from.
    width
        nt of a window; the summit stands at index ``width // 2``.
    negatives
        Kinds of ``NEGATIVES``.
    each
        Negatives of every kind for a positive.

    Returns
    -------
    windows, counts
        In the order of the genome; what was read, and what was left out and why.

    Raises
    ------
    InputError
        A file that cannot be read, names of peaks or contigs that are not there, a peak past its contig's end, or no
        peak that is left.
    """
    files = [root / expand(path) for path in settings.files]
    shown = ", ".join(map(str, files))
    every = [peak for path in files for peak in read_peaks(path)]
    peaks = chosen(every, settings.names, shown)
    ground = on_genome(settings, root, peaks, shown, split)
    counts: Counter[str] = Counter(peaks_read=len(every), peaks_of_other_names=len(every) - len(peaks))
    windows: list[Window] = []
    for contig, length, fetch in read_contigs(ground.genome, set(ground.peaks)):
        part = _Contig(contig, fetch(0, length), ground, width, settings)
        windows += part.windows(negatives, each, split.seed, counts)
    if not any(window.label for window in windows):
        told = ", ".join(f"{key.replace('_', ' ')} {n}" for key, n in counts.items() if n)
        raise InputError(f"{shown}: no peak is left to make a window of ({told})")
    return windows, {**counts, **ground.counts}


class _Contig:
    """One contig's share of the work."""

    def __init__(self, name: str, codes: Codes, ground: Ground, width: int, settings: PeakSettings) -> None:
        self.name, self.codes, self.peaks, self.width = name, codes, ground.peaks[name], width
        self.stretches, self.settings = ground.stretches[name], settings
        self.chromosome = normalise_chromosome(name)
        self.ambiguous = AmbiguousRuns.of(codes)
        self.known = Intervals.of(self.peaks), Intervals.of(ground.forbidden.get(name, []))

    def windows(self, negatives: Sequence[str], each: int, seed: int, counts: Counter[str]) -> Iterator[Window]:
        """Positives by place, then their negatives; ``counts`` gets what was left out."""
        kept, split, dropped = good_peaks(
            self.peaks, len(self.codes), self.ambiguous, self.known[1], self.stretches, self.width, self.settings
        )
        counts.update(dropped)
        positions = np.array([peak.summit + 1 for peak in kept], dtype=np.int64)
        kinds = [peak.name if self.settings.names else "peak" for peak in kept]
        yield from self._cut(positions, split, kinds, 1)
        ground = peak_ground(
            self.codes, positions, split, self.width, self.ambiguous, self.known, self.stretches, self.settings
        )
        for kind in negatives:
            for turn in range(each):
                made = list(self._negatives(ground, kind, turn, seed))
                counts[f"{kind}_negatives_not_found"] += len(kept) - len(made)
                yield from made

    def _negatives(self, ground: PeakGround, kind: str, turn: int, seed: int) -> Iterator[Window]:
        negative = NEGATIVES[kind]
        places, beside = negative.draw(
            ground, np.random.default_rng(stable_number(f"{kind}\0{turn}\0{self.name}", seed))
        )
        order = np.argsort(places, kind="stable")
        for window in self._cut(places[order], ground.split[beside[order]], [kind] * len(order), 0):
            if negative.change is None:
                yield window
            else:
                rng = np.random.default_rng(stable_number(f"{kind}\0{turn}\0{window.name}", seed))
                yield window._replace(codes=negative.change(window.codes, rng))

    def _cut(
        self, places: NDArray[np.int64], split: NDArray[np.uint8], kinds: Sequence[str], label: int
    ) -> Iterator[Window]:
        forward = np.ones(len(places), dtype=np.int8)
        letters = cut_windows(self.codes, places, forward, self.width)
        for codes, place, part, kind in zip(letters, places.tolist(), split.tolist(), kinds, strict=True):
            low = place - self.width // 2
            yield Window(
                f"{self.name}:{low}-{low + self.width - 1}:{kind}",
                label,
                codes,
                self.width,
                f"{self.name}:block_{(place - 1) // self.stretches.block}",
                SPLITS[part],
                self.chromosome,
                kind,
            )
