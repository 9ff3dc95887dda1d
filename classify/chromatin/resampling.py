"""The ranking and the sums of one label on many resamples of groups at once, compiled. Nothing but arithmetic.

A row of the sorted scores is read once for all resamples, so that hundreds of them cost little more than the sort. What comes
out is that of ``metrics.ranking`` with as many rows of weights.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specgen.sliding import compiled

__all__ = ["Drawn", "drawn"]

Floats = NDArray[np.float64]


class Drawn(NamedTuple):
    """Of r resamples, each (r,): AUROC and average precision, nan where one of two kinds is missing; weights of what is called
    rightly, called, true, and known; and the sum of the losses."""

    auroc: Floats
    auprc: Floats
    right: Floats
    called: Floats
    true: Floats
    known: Floats
    loss: Floats


def drawn(
    truth: NDArray[np.bool_],
    scores: Floats,
    threshold: float,
    losses: Floats,
    groups: NDArray[np.int64],
    times: NDArray[np.uint8],
) -> Drawn:
    """One label on all resamples.

    Parameters
    ----------
    truth, scores, losses
        (n,) of the known examples; higher scores for what is true.
    threshold
        What scores this or more is called.
    groups
        (n,) number of the group of each.
    times
        (groups, r) how often each group was drawn.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.r_[ranked[1:] != ranked[:-1], True]
    called = int((scores >= threshold).sum())
    lost, precision, *sums = _sums(truth[order], last, called, losses[order], groups[order], times)
    right, calls, true, known, loss = sums
    pairs = true * (known - true)
    defined = pairs > 0
    auroc, auprc = (np.full(len(pairs), np.nan) for _ in range(2))
    np.divide(lost, pairs, out=auroc, where=defined)
    np.divide(precision, true, out=auprc, where=defined)
    return Drawn(auroc, auprc, right, calls, true, known, loss)


@compiled
def _sums(
    truth: NDArray[np.bool_],
    last: NDArray[np.bool_],
    called: int,
    losses: Floats,
    groups: NDArray[np.int64],
    times: NDArray[np.uint8],
) -> Floats:
    """float64 (7, r): pairs in order, precisions times hits, right calls, calls, truths, everything, losses.

    Highest scores first; ``last`` (n,) marks the last of equal ones, and the first ``called`` are called, which no equals are
    divided by.
    """
    r = times.shape[1]
    sums = np.zeros((7, r))
    hits, tied, tied_hits = np.zeros(r), np.zeros(r), np.zeros(r)
    for i in range(len(truth)):
        weights = times[groups[i]]
        loss = losses[i]
        for j in range(r):
            weight = float(weights[j])
            tied[j] += weight
            sums[6, j] += loss * weight
        if truth[i]:
            for j in range(r):
                tied_hits[j] += float(weights[j])
        if last[i]:
            # A negative loses to every positive above it, and to half of those at its own threshold.
            for j in range(r):
                sums[0, j] += (tied[j] - tied_hits[j]) * (hits[j] + tied_hits[j] / 2)
                hits[j] += tied_hits[j]
                sums[5, j] += tied[j]
                if tied_hits[j] > 0:
                    sums[1, j] += tied_hits[j] * hits[j] / sums[5, j]
                tied[j] = 0
                tied_hits[j] = 0
        if i == called - 1:
            sums[2] = hits
            sums[3] = sums[5]
    sums[4] = hits
    return sums
