"""Values along a contig, on either strand or the mean of both: of networks that answer for windows, probabilities.

A window is read around the middle of each step. Networks that answer for positions are in ``bases``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import Self

from classify.evaluation import Loaded, predict_logits
from classify.peaks.places import Intervals
from classify.scanning.settings import MOST_LABELS, STRANDS, ScanSettings
from classify.tasks import Task
from specgen.errors import InputError, UnknownName
from specgen.sequences import INDICATORS, Codes, reverse_complement

__all__ = ["BLANK", "NONE", "Scored", "Windows", "middles_of", "outputs_of"]

Floats = NDArray[np.float32]

NONE, BLANK = np.float32(-1), np.float32(-2)
"""In the place of a value: there is none; there is none for the blank letters of its window alone."""

_AMBIGUOUS = INDICATORS.astype(bool).sum(axis=1) > 1
"""Whether a code stands for several bases."""

AT_ONCE = 2048
"""Windows that are cut together."""


def middles_of(begin: int, end: int, step: int) -> NDArray[np.int64]:
    """0-based places in the middle of the steps from ``begin`` to before ``end``."""
    return step * np.arange(begin, end, dtype=np.int64) + step // 2


def outputs_of(task: Task, labels: Sequence[str], run: Path) -> tuple[int, ...]:
    """Places in the task's classes of what is scored: the second of two, or the labels that are named, in the task's order.

    Raises
    ------
    InputError
        A task that tells no probability of a window, a label that it does not have, or too many labels.
    """
    known = {task.classes[i]: i for i in task.barcoded.tolist()}
    if not known:
        raise InputError(f"{run}: tells no probability of a class for a window, which is what tracks hold")
    for name in labels:
        if name not in known:
            raise UnknownName(f"label of {run}:", name, known)
    wanted = tuple(i for name, i in known.items() if not labels or name in labels)
    if len(wanted) > MOST_LABELS:
        raise InputError(f"{run}: has {len(wanted)} labels; expected at most {MOST_LABELS} at once, named by --labels")
    return wanted


@dataclass(frozen=True)
class Scored:
    """What is asked of a network; what its answers are the values of, is said by the kinds that derive from this.

    Attributes
    ----------
    loaded
        The network.
    settings
        ``strands`` is one of ``STRANDS``.
    outputs
        Places in the task's classes of those whose values are told; 0 where classes have none.
    calls
        Whether peaks of the values are calls.
    decimals
        Of the values in tracks.
    """

    loaded: Loaded
    settings: ScanSettings
    outputs: Sequence[int]
    calls: ClassVar[bool] = True
    decimals: ClassVar[int] = 3

    @classmethod
    def of(cls, loaded: Loaded, settings: ScanSettings, run: Path) -> Self:
        """What a run is asked, with the strands that are meant where the settings name none.

        Raises
        ------
        InputError
            Settings that say nothing of such a run; names the run or the setting.
        """
        raise NotImplementedError

    @property
    def floor(self) -> float:
        """Least value that tracks hold."""
        return self.settings.floor

    @property
    def averaged(self) -> bool:
        """Whether the network's answer is the mean of a window's strands already."""
        return bool(self.loaded.settings.training.both_strands)

    @property
    def blanks(self) -> int:
        """Blank letters of a window [nt] that say nothing against it: as many as training windows may hold."""
        return 0

    @property
    def passes(self) -> int:
        """How often the letters are gone through."""
        return sum(2 if not strand and not self.averaged else 1 for strand in STRANDS[self.settings.strands])

    def values(
        self, codes: Codes, begin: int, end: int, regions: Intervals | None, strand: int, done: Callable[[int], Any]
    ) -> Floats:
        """(outputs, n) values of the steps from ``begin`` to before ``end``, 0 or more, or ``NONE`` or ``BLANK``.

        Parameters
        ----------
        codes
            uint8 (m,): of the whole contig. Letters beyond it are blank.
        regions
            Where alone there are values; None = everywhere.
        strand
            1, -1, or 0 for the mean of both, of what has a value on both.
        done
            Told how many nt are.
        """
        if not strand and self.averaged:
            return self.values(codes, begin, end, regions, 1, done)
        if not strand:
            plus, minus = (self.values(codes, begin, end, regions, side, done) for side in (1, -1))
            return np.where((plus >= 0) & (minus >= 0), (plus + minus) / 2, np.minimum(plus, minus))
        return self.of_strand(codes, begin, end, regions, strand, done)

    def of_strand(
        self, codes: Codes, begin: int, end: int, regions: Intervals | None, strand: int, done: Callable[[int], Any]
    ) -> Floats:
        """As ``values``, of strand 1 or -1."""
        raise NotImplementedError


@dataclass(frozen=True)
class Windows(Scored):
    """Probabilities of classes with the middle of each step in the middle of the window.

    There is none where ambiguous letters are too many, with which blank ones count that are more than training windows hold: of
    windows that were never cut at the end of a record, half a blank one is another kind of input.
    """

    @classmethod
    def of(cls, loaded: Loaded, settings: ScanSettings, run: Path) -> Self:
        """See ``Scored.of``."""
        if settings.context:
            raise InputError(f"context: is of runs of the next base; {run} answers for windows, which have one length")
        if not settings.strands:
            settings = replace(settings, strands="mean" if loaded.settings.training.both_strands else "both")
        if len(settings.letters) > (half := loaded.task.window // 2):
            raise InputError(
                f"behind: expected at most the {half} nt that the windows of {run} have before their middle, "
                f"got {len(settings.letters)}"
            )
        return cls(loaded, settings, outputs_of(loaded.task, settings.labels, run))

    @property
    def blanks(self) -> int:
        """See ``Scored.blanks``."""
        return self.loaded.task.blanks + self.loaded.settings.augment.shift

    def of_strand(
        self, codes: Codes, begin: int, end: int, regions: Intervals | None, strand: int, done: Callable[[int], Any]
    ) -> Floats:
        """See ``Scored.values``."""
        wanted = np.ones(end - begin, dtype=bool)
        if regions is not None:
            middles = middles_of(begin, end, self.settings.step)
            wanted = regions.meet(middles, middles + 1)
        pieces = [
            self._piece(codes, begin + low, wanted[low : low + AT_ONCE], strand, done)
            for low in range(0, len(wanted), AT_ONCE)
        ]
        none: Floats = np.zeros((len(self.outputs), 0), dtype=np.float32)
        return np.concatenate([none, *pieces], axis=1)

    def _piece(
        self, codes: Codes, begin: int, wanted: NDArray[np.bool_], strand: int, done: Callable[[int], Any]
    ) -> Floats:
        settings, window, letters = self.settings, self.loaded.task.window, self.settings.letters
        n, step = len(wanted), settings.step
        half = window // 2
        back = half if strand > 0 else window - 1 - half
        first = step * begin + step // 2 - back
        size = (n - 1) * step + window
        left, right = max(0, first), min(len(codes), first + size)
        piece = np.zeros(size, dtype=np.uint8)
        if left < right:
            piece[left - first : right - first] = codes[left:right]
        piece = piece if strand > 0 else reverse_complement(piece)
        windows = np.lib.stride_tricks.sliding_window_view(piece, window)[::step]
        unclear = _of_windows(_AMBIGUOUS[piece], window, step)
        blank = np.maximum(_of_windows(piece == 0, window, step) - self.blanks, 0)
        most = settings.max_ambiguous * window
        # The last step of a contig may be cut off before its middle.
        there = middles_of(begin, begin + n, step) < len(codes)
        asked = (wanted & there)[::strand] & (unclear <= most)
        asked &= (windows[:, half - len(letters) : half] == letters).all(axis=1)
        rows = np.flatnonzero(asked & (unclear + blank <= most))
        done(n * step)
        values = np.full((len(self.outputs), n), NONE)
        values[:, asked] = BLANK
        if len(rows):
            logits = predict_logits(self.loaded, torch.from_numpy(windows[rows])).astype(np.float64)
            values[:, rows] = self.loaded.task.probabilities(logits)[:, self.outputs].T
        return values[:, ::strand]


def _of_windows(marked: NDArray[np.bool_], window: int, step: int) -> NDArray[np.int64]:
    """How many letters are marked in each window of those that begin ``step`` nt apart."""
    before = np.cumsum(np.append(0, marked))
    return (before[window:] - before[:-window])[::step]
