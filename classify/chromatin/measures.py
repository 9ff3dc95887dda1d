"""What is measured of one label after the other, for all examples once or for resamples of their groups. Arrays in, arrays out.

Labels are looked at one by one, so that besides what is given no table of examples and labels is held.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify._weighted import SMALLEST
from classify.bootstrap import resampled_weights
from classify.metrics import ranking
from classify.targets import UNKNOWN, Labels

if TYPE_CHECKING:
    from classify.chromatin.resampling import Drawn

__all__ = ["Chance", "Scores", "as_they_are", "columns", "measured", "of_all_pairs", "once", "over_labels", "resampled"]

Floats = NDArray[np.float64]
Chance = Callable[[NDArray[Any]], Floats]
"""Probabilities of scores that rise with them."""


def as_they_are(scores: NDArray[Any]) -> Floats:
    """Of scores that are probabilities already."""
    return scores.astype(np.float64)


PAIRS = 1 << 24
"""Examples and labels that are ranked together as pairs."""


def columns(targets: Labels, scores: NDArray[Any]) -> Iterator[tuple[NDArray[np.bool_], NDArray[Any]]]:
    """Truth (m,) and score (m,) of the m known examples of each label."""
    for column, score in zip(targets.T, scores.T, strict=True):
        known = column != UNKNOWN
        yield column[known] == 1, score[known]


class Scores(NamedTuple):
    """Of r weightings: auroc, auprc and f1 (r, k); right calls, calls and truths summed over labels, and mean loss (r,)."""

    auroc: Floats
    auprc: Floats
    f1: Floats
    counts: Floats
    log_loss: Floats


Measure = Callable[[NDArray[np.bool_], NDArray[np.bool_], Floats, float, Floats], "Drawn"]
"""Of one label by which examples are known (n,), and the truth, score, threshold and losses of these."""


def measured(
    targets: Labels, scores: NDArray[Any], chance: Chance, thresholds: Floats, r: int, measure: Measure
) -> Scores:
    """Scores of r weightings, as ``measure`` has them of a label: ``once``, or what ``resampled`` gives.

    Parameters
    ----------
    targets
        int8 (n, k).
    scores, chance
        (n, k), and what makes float64 probabilities of a column.
    thresholds
        (k,) a label is called from this probability on.
    """
    k = targets.shape[1]
    auroc, auprc, f1 = (np.full((r, k), math.nan) for _ in range(3))
    counts, losses, every = np.zeros((r, 3)), np.zeros(r), np.zeros(r)
    for i in range(k):
        known = targets[:, i] != UNKNOWN
        if not known.any():
            continue
        truth, chances = targets[known, i] == 1, chance(scores[known, i])
        loss = -np.log(np.clip(np.where(truth, chances, 1 - chances), SMALLEST, 1))
        auroc[:, i], auprc[:, i], *sums, weight, lost = measure(known, truth, chances, thresholds[i], loss)
        right, called, true = sums
        f1[:, i] = np.divide(2 * right, called + true, out=np.full(r, math.nan), where=called + true > 0)
        counts += np.stack(sums, axis=1)
        losses += lost
        every += weight
    return Scores(auroc, auprc, f1, counts, np.divide(losses, every, out=np.full(r, math.nan), where=every > 0))


def once(known: NDArray[np.bool_], truth: NDArray[np.bool_], chances: Floats, threshold: float, loss: Floats) -> Drawn:
    """A ``Measure`` of every example once."""
    from classify.chromatin.resampling import Drawn  # Numba, which no command's --help waits for

    called = chances >= threshold
    sums = (truth & called).sum(), called.sum(), truth.sum(), len(truth), loss.sum()
    right, calls, true, every, lost = (np.array([float(number)]) for number in sums)
    return Drawn(*ranking(truth, chances), right, calls, true, every, lost)


def resampled(members: NDArray[np.int64], resamples: int, seed: int) -> Measure:
    """Measures of resamples of the groups of examples, ``members`` (n,)."""
    from classify.chromatin.resampling import drawn

    groups = int(members.max()) + 1
    # A byte each: a group is drawn once on average, and 256 times by none of as many groups as would fill the memory.
    times, start = np.empty((groups, resamples), dtype=np.uint8), 0
    for block in resampled_weights(np.arange(groups), resamples, np.random.default_rng(seed)):
        times[:, start : start + len(block)] = np.minimum(block, 255).T
        start += len(block)

    def measure(
        known: NDArray[np.bool_], truth: NDArray[np.bool_], chances: Floats, threshold: float, loss: Floats
    ) -> Drawn:
        return drawn(truth, chances, threshold, loss, members[known], times)

    return measure


def of_all_pairs(targets: Labels, scores: NDArray[Any], chance: Chance) -> tuple[float, float]:
    """AUROC and average precision of all known pairs of example and label as one ranking; nan without both kinds.

    Negatives are counted between the positives, some at a time: sorted together they would be a table of several times its size.
    """
    positive = [chance(score[truth]) for truth, score in columns(targets, scores)]
    thresholds, counts = np.unique(np.concatenate([np.zeros(0), *positive]), return_counts=True)
    below, ties = np.zeros(len(thresholds) + 1), np.zeros(len(thresholds) + 1)
    step = max(1, PAIRS // max(1, len(targets)))
    for low in range(0, targets.shape[1], step):
        part = slice(low, low + step)
        some = np.sort(
            np.concatenate([chance(score[~truth]) for truth, score in columns(targets[:, part], scores[:, part])])
        )
        left, right = (np.searchsorted(thresholds, some, side=side) for side in ("left", "right"))
        below += np.bincount(right, minlength=len(below))
        ties += np.bincount(left[left < right], minlength=len(ties))
    negatives, positives = below.sum(), counts.sum()
    if not positives or not negatives:
        return math.nan, math.nan
    under, hits = below.cumsum()[:-1], counts[::-1].cumsum()[::-1]
    auroc = float(counts @ (under + ties[:-1] / 2)) / (positives * negatives)
    return auroc, float(counts @ (hits / (hits + negatives - under))) / positives


def _mean(values: Floats) -> Floats:
    """(r,) over labels that are defined; nan without any."""
    kept = ~np.isnan(values)
    total, n = np.where(kept, values, 0).sum(axis=1), kept.sum(axis=1)
    return np.divide(total, n, out=np.full(len(values), math.nan), where=n > 0)


def _median(values: Floats) -> Floats:
    """(r,) of the labels that are defined; nan without any."""
    if not values.shape[1]:
        return np.full(len(values), math.nan)
    ordered, n = np.sort(values, axis=1), (~np.isnan(values)).sum(axis=1)  # nan comes last
    low, high = (np.take_along_axis(ordered, np.maximum(at, 0)[:, None], 1)[:, 0] for at in ((n - 1) // 2, n // 2))
    return np.where(n > 0, (low + high) / 2, math.nan)


def over_labels(scores: Scores, members: NDArray[np.bool_]) -> dict[str, Floats]:
    """Means and medians (r,) over some labels."""
    found = {}
    for name, values in (("auroc", scores.auroc), ("auprc", scores.auprc), ("f1", scores.f1)):
        found[name] = _mean(values[:, members])
        found[f"median_{name}"] = _median(values[:, members])
    return found
