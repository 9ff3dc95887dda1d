"""Bits that each base costs a network of the next base, given the letters before it.

A region, or a contig where no regions are asked for, is read as tests read a block: windows of the run's own length overlap by
``context`` letters, which are only read, so each base is told once, behind ``context`` to window - 1 letters. The first window
begins ``context`` letters before the region, or where the contig begins. So a value does not depend on how a contig is cut into
blocks, and the mean over the blocks of a test is the bits a base that the test told.

A base has no value where fewer than ``context`` letters of the contig stand before it on its strand, and where it is not A, C, G
or T. Behind ambiguous letters bases have values as anywhere: networks read those letters as in training, as the mean of their
bases. On the minus strand all of this is seen from the other end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import Self

from classify.evaluation import Loaded, predict_logits
from classify.exons.windows import cut_windows
from classify.peaks.places import Intervals
from classify.scanning.settings import ScanSettings
from classify.scanning.values import NONE, Floats, Scored
from specgen.errors import InputError
from specgen.sequences import Codes

__all__ = ["Bases"]

Ints = NDArray[np.int64]

LETTERS = 1 << 18
"""Letters of windows that are read together."""

OF_CALLS = ("labels", "step", "behind", "threshold", "apart", "floor", "max_ambiguous")
"""Settings that say nothing of bits a base."""


@dataclass(frozen=True)
class Bases(Scored):
    """-log2 of the probability of the base that is there; nothing is called. See the module's docstring."""

    calls: ClassVar[bool] = False
    decimals: ClassVar[int] = 4

    @classmethod
    def of(cls, loaded: Loaded, settings: ScanSettings, run: Path) -> Self:
        """See ``Scored.of``."""
        usual = ScanSettings()
        for name in OF_CALLS:
            if getattr(settings, name) != getattr(usual, name):
                raise InputError(
                    f"{name}: says nothing of {run}, a run of the next base: every base has its bits, and none is a call; "
                    "expected strands, contigs, regions or context alone"
                )
        if settings.context >= loaded.task.window:
            raise InputError(
                f"context: expected at most {loaded.task.window - 1} nt, one less than the windows of {run}, "
                f"got {settings.context}"
            )
        chosen = replace(settings, strands=settings.strands or "+", context=settings.context or loaded.task.context)
        return cls(loaded, chosen, (0,))

    @property
    def floor(self) -> float:
        """Every value is told."""
        return 0.0

    def of_strand(
        self, codes: Codes, begin: int, end: int, regions: Intervals | None, strand: int, done: Callable[[int], Any]
    ) -> Floats:
        """See ``Scored.values``."""
        task, window, length = self.loaded.task, self.loaded.task.window, len(codes)
        values = np.full((1, end - begin), NONE)
        # Places count from where the strand begins.
        first = begin if strand > 0 else length - end
        starts, lows, highs = self._windows(length, first, first + end - begin, regions, strand)
        size = max(1, LETTERS // window)
        for i in range(0, len(starts), size):
            at = starts[i : i + size]
            places = (at if strand > 0 else length - window - at) + window // 2 + 1
            inputs = torch.from_numpy(cut_windows(codes, places, np.full(len(at), strand, dtype=np.int8), window))
            truth = task.truth(inputs, torch.zeros(len(at)), training=True)
            costs = task.costs(torch.from_numpy(predict_logits(self.loaded, inputs)), truth).numpy()
            # Place t of an answer is of the letter behind letter t.
            of = at[:, None] + np.arange(1, window + 1)
            told = (of >= lows[i : i + size, None]) & (of < highs[i : i + size, None]) & (truth.numpy() >= 0)
            values[0, of[told] - first] = costs[told] / math.log(2)
        done(end - begin)
        return values[:, ::strand]

    def _windows(
        self, length: int, low: int, high: int, regions: Intervals | None, strand: int
    ) -> tuple[Ints, Ints, Ints]:
        """Starts of the windows that tell bases from ``low`` to before ``high``, and from where to where each does.

        All count from where the strand begins.
        """
        context = self.settings.context
        stride = self.loaded.task.window - context
        columns = [np.zeros((3, 0), dtype=np.int64)]
        for start, end in _spans(length, low, high, regions, strand):
            anchor = max(0, start - context)
            first, last = max(low, anchor + context), min(high, end)
            if first < last:
                at = anchor + stride * np.arange(
                    (first - context - anchor) // stride, -((anchor + context - last) // stride)
                )
                columns.append(np.stack([at, np.maximum(at + context, first), np.minimum(at + context + stride, last)]))
        starts, lows, highs = np.concatenate(columns, axis=1)
        return starts, lows, highs


def _spans(length: int, low: int, high: int, regions: Intervals | None, strand: int) -> list[tuple[int, int]]:
    """The regions that reach into the stretch from ``low`` to before ``high``, or the contig; see ``Bases._windows``."""
    if regions is None:
        return [(0, length)]
    starts, ends = (
        (regions.starts, regions.ends) if strand > 0 else (length - regions.ends[::-1], length - regions.starts[::-1])
    )
    some = slice(int(np.searchsorted(ends, low, side="right")), int(np.searchsorted(starts, high, side="left")))
    return list(zip(starts[some].tolist(), ends[some].tolist(), strict=True))
