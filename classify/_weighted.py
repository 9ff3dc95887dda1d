"""Every test metric, written once, for a whole block of resamples at a time.

A resample is a row of weights, how often each example was drawn: counts, log loss and calibration become
matrix products, and the ranking metrics need one sort for all rows. NumPy alone. Where the weights come from is
the business of ``bootstrap``, what is made of the numbers that of ``metrics``, the public face of this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specgen.errors import InputError

__all__ = [
    "BINS",
    "Floats",
    "Ints",
    "Sample",
    "bin_of",
    "check",
    "confidence",
    "divide",
    "indices",
    "ranking",
    "weighted_metrics",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 15
"""Equal-width bins of the calibration error (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""

SMALLEST = float(np.finfo(np.float32).eps)
"""Floor of a probability in the log loss: models compute in float32, where 1 - p equals 1 below it."""


class Sample(NamedTuple):
    """Checked input: labels (n,), probabilities (n, k), and the positive class (None for k > 2)."""

    labels: Ints
    probabilities: Floats
    positive: int | None


def check(labels: ArrayLike, probabilities: ArrayLike, positive: int | None) -> Sample:
    """The one gate of this module: shapes, ranges and rows that sum to one."""
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] == 0 or rows.shape[1] < 2:
        raise InputError(f"probabilities: expected (n >= 1, k >= 2), got shape {rows.shape}")
    truth = indices(labels, rows.shape[1], "labels")
    if len(truth) != len(rows):
        raise InputError(f"probabilities: {len(rows)} rows for {len(truth)} labels")
    # The tolerance lets through probabilities that were written to CSV with four digits.
    wrong = ~np.isfinite(rows).all(axis=1) | (rows < 0).any(axis=1) | (np.abs(rows.sum(axis=1) - 1) > 1e-3)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"probabilities: row {row} is no distribution (>= 0, sum 1): {rows[row].tolist()}")
    if positive is not None and not 0 <= positive < rows.shape[1]:
        raise InputError(f"positive: class {positive} is not one of 0..{rows.shape[1] - 1}")
    if rows.shape[1] > 2:
        return Sample(truth, rows, None)
    return Sample(truth, rows, 1 if positive is None else positive)


def indices(labels: ArrayLike, k: int, what: str) -> Ints:
    """Class indices (n,) in 0..k-1, checked; ``what`` names them in an error message."""
    values = np.asarray(labels)
    if values.ndim != 1 or values.dtype.kind not in "iub":
        raise InputError(f"{what}: expected class indices (n,), got {values.dtype} of shape {values.shape}")
    if values.size and not (int(values.min()) >= 0 and int(values.max()) < k):
        raise InputError(f"{what}: expected indices 0..{k - 1}, got {int(values.min())}..{int(values.max())}")
    return values.astype(np.int64)


def divide(top: Any, bottom: Any) -> Floats:
    """``top / bottom`` with nan, and no warning, where ``bottom`` is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)


def _nanmean(values: Floats) -> Floats:
    """Mean over the last axis of what is not nan; nan, and no warning, where nothing is left."""
    kept = ~np.isnan(values)
    return divide(np.where(kept, values, 0).sum(axis=-1), kept.sum(axis=-1))


def ranking(truth: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Area under the ROC curve and average precision, for many weightings of one sample at once.

    Parameters
    ----------
    truth
        bool (n,): is it the positive class.
    scores
        float (n,), higher for the positive class; ties count half in the AUROC and share one threshold in the
        average precision, as in scikit-learn.
    weights
        float (r, n), >= 0; default one row of ones.

    Returns
    -------
    tuple
        AUROC (r,) and average precision (r,); both nan where the positives or the negatives weigh nothing.
    """
    rank = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    ranked = np.asarray(scores)[rank]
    positive = np.asarray(truth, dtype=np.float64)[rank]
    weighted = np.ones((1, len(rank))) if weights is None else np.asarray(weights, dtype=np.float64)[:, rank]
    thresholds = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    hits = np.add.reduceat(weighted * positive, thresholds, axis=1)
    everything = np.add.reduceat(weighted, thresholds, axis=1)
    true_positives = hits.cumsum(axis=1)
    called = everything.cumsum(axis=1)
    positives, total = true_positives[:, -1], called[:, -1]
    # A negative loses to every positive above it, and to half of those at its own threshold.
    lost = np.einsum("rt,rt->r", everything - hits, true_positives - hits / 2)
    precision = np.divide(true_positives, called, out=np.zeros_like(called), where=called > 0)
    auroc = divide(lost, positives * (total - positives))
    auprc = divide(np.einsum("rt,rt->r", hits, precision), positives)
    return auroc, np.where(positives < total, auprc, np.nan)


def confidence(sample: Sample) -> tuple[Floats, NDArray[np.bool_]]:
    """What calibration is about, both (n,): a probability, and whether what it promised came true."""
    if sample.positive is not None:
        return sample.probabilities[:, sample.positive], sample.labels == sample.positive
    return sample.probabilities.max(axis=1), sample.probabilities.argmax(axis=1) == sample.labels


def bin_of(confidence: Floats, bins: int) -> Ints:
    """Bin of each probability (n,): [low, high), the last one closed."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def _from_counts(hits: Floats, true: Floats, called: Floats, positive: int | None) -> dict[str, Floats]:
    """Metrics (r,) that need only counts (r, k) of each class: called rightly, true, and called at all."""
    total = true.sum(axis=1)
    two_classes = (true > 0).sum(axis=1) > 1
    f1 = divide(2 * hits, true + called)
    # Gorodkin (2004), "Comparing two K-category assignments by a K-category correlation coefficient".
    spread_true = total**2 - (true**2).sum(axis=1)
    spread_called = total**2 - (called**2).sum(axis=1)
    covariance = hits.sum(axis=1) * total - (true * called).sum(axis=1)
    # A constant prediction correlates with nothing: 0 by convention, as in scikit-learn.
    mcc = np.where(spread_called > 0, divide(covariance, np.sqrt(spread_true * spread_called)), 0.0)
    return {
        "accuracy": divide(hits.sum(axis=1), total),
        "balanced_accuracy": np.where(two_classes, _nanmean(divide(hits, true)), np.nan),
        "mcc": np.where(two_classes, mcc, np.nan),
        "f1": _nanmean(f1) if positive is None else f1[:, positive],
    }


def weighted_metrics(sample: Sample, blocks: Iterator[Floats]) -> dict[str, Floats]:
    """Every metric (r,) for every row of weights; ``blocks`` yields them as (rows, n)."""
    labels, probabilities, positive = sample
    n, k = probabilities.shape
    true, called = np.eye(k)[labels], np.eye(k)[probabilities.argmax(axis=1)]
    losses = -np.log(np.clip(probabilities[np.arange(n), labels], SMALLEST, 1))
    squares = (probabilities - true) ** 2
    brier = squares.sum(axis=1) if positive is None else squares[:, positive]
    chance, came_true = confidence(sample)
    # |sum of probability - sum of outcomes| in each bin, over n, is the calibration error.
    gaps = np.eye(BINS)[bin_of(chance, BINS)] * (chance - came_true)[:, None]
    design = np.column_stack([true * called, true, called, losses, brier, gaps])
    found: dict[str, list[Floats]] = {}
    for weights in blocks:
        total = weights.sum(axis=1)
        sums = weights @ design
        block = _from_counts(sums[:, :k], sums[:, k : 2 * k], sums[:, 2 * k : 3 * k], positive)
        against_rest = range(k) if positive is None else [positive]
        curves = [ranking(labels == c, probabilities[:, c], weights) for c in against_rest]
        # A plain mean: a class that is absent leaves the macro average undefined rather than easier.
        block["auroc"], block["auprc"] = np.mean(curves, axis=0)
        block["log_loss"] = sums[:, 3 * k] / total
        block["brier"] = sums[:, 3 * k + 1] / total
        block["ece"] = np.abs(sums[:, 3 * k + 2 :]).sum(axis=1) / total
        for name, values in block.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(parts) for name, parts in found.items()}
