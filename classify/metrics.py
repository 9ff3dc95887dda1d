"""How good predictions are: test metrics, their intervals over resampled groups, and the JSON body of a test.

Arrays in, numbers out: no model, no file, no torch. Evaluation calls ``summary`` and writes what it returns.
The formulas are in ``_weighted``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classify._weighted import (
    BINS,
    Floats,
    bin_of,
    check,
    confidence,
    divide,
    indices,
    ranking,
    weighted_metrics,
)
from classify.bootstrap import Interval, group_draws, interval_of
from specgen.errors import InputError
from specgen.files import finite

__all__ = [
    "bootstrap_draws",
    "calibration_bins",
    "classification_metrics",
    "confusion",
    "grouped_bootstrap",
    "per_class",
    "ranking",
    "summary",
]


def classification_metrics(labels: ArrayLike, probabilities: ArrayLike, *, positive: int | None) -> dict[str, float]:
    """The test metrics of one set of predictions; the predicted class is the most probable one.

    Parameters
    ----------
    labels
        int (n,), true classes 0..k-1.
    probabilities
        float (n, k), rows that sum to 1.
    positive
        The positive class of a two-class task (None: class 1). Not used for k > 2.

    Returns
    -------
    dict
        accuracy, balanced_accuracy, mcc, f1, auroc, auprc (average precision), log_loss (nats), brier, ece.
        For k = 2, f1, auprc, brier and ece are those of the positive class; otherwise f1, auroc and auprc are
        macro averages (the last two one against the rest), brier sums over classes (0..2), and ece looks at
        the most probable class. A metric that the sample leaves undefined (AUROC of one class) is nan.

    Raises
    ------
    InputError
        For shapes, class indices or rows that cannot be used.
    """
    sample = check(labels, probabilities, positive)
    ones = np.ones((1, len(sample.labels)))
    return {name: float(values[0]) for name, values in weighted_metrics(sample, iter([ones])).items()}


def grouped_bootstrap(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: Sequence[Any] | NDArray[Any],
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    positive: int | None,
) -> dict[str, Interval]:
    """Percentile intervals of ``classification_metrics``, drawing whole groups with replacement.

    Crops of one gene are no independent examples, so that resampling them one by one gives intervals that are
    too narrow. ``ece`` is a sum of absolute values, which resampling noise only raises: its interval lies
    high and may leave its value out.

    Parameters
    ----------
    labels, probabilities, positive
        As in ``classification_metrics``.
    groups
        (n,) the gene, locus or cluster of each example; anything that sorts.
    resamples
        How often to draw; a resample on which a metric is undefined is left out of that metric and counted.
    level
        Share of the resamples inside the interval, 0..1.

    Returns
    -------
    dict
        An ``Interval`` for each metric; low and high are nan with a single group or where none was defined.
    """
    if not 0 < level < 1:
        raise InputError(f"bootstrap: expected 0 < level < 1, got {level}")
    values = classification_metrics(labels, probabilities, positive=positive)
    draws = bootstrap_draws(labels, probabilities, groups, resamples=resamples, seed=seed, positive=positive)
    return {name: interval_of(value, draws[name], level) for name, value in values.items()}


def bootstrap_draws(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: Sequence[Any] | NDArray[Any],
    *,
    resamples: int,
    seed: int,
    positive: int | None,
) -> dict[str, Floats]:
    """``group_draws`` of ``classification_metrics``."""
    sample = check(labels, probabilities, positive)
    if len(groups) != len(sample.labels):
        raise InputError(f"groups: {len(groups)} for {len(sample.labels)} labels")
    rng = np.random.default_rng(seed)
    return group_draws(lambda rows: weighted_metrics(sample, iter([rows])), groups, resamples=resamples, rng=rng)


def confusion(labels: ArrayLike, predicted: ArrayLike, k: int) -> list[list[int]]:
    """Counts, k rows of k: rows are true classes, columns predicted ones."""
    truth, called = indices(labels, k, "labels"), indices(predicted, k, "predicted")
    if len(truth) != len(called):
        raise InputError(f"predicted: {len(called)} for {len(truth)} labels")
    counts: list[list[int]] = np.bincount(truth * k + called, minlength=k * k).reshape(k, k).tolist()
    return counts


def per_class(labels: ArrayLike, predicted: ArrayLike, names: Sequence[str]) -> dict[str, dict[str, float | int]]:
    """Precision, recall and F1 (nan where nothing was predicted or true) and support (examples), by class."""
    matrix = np.array(confusion(labels, predicted, len(names)), dtype=np.float64)
    hits, true, called = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = divide(2 * hits, true + called)
    table = zip(names, divide(hits, called), divide(hits, true), f1, true, strict=True)
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(count)}
        for name, p, r, f, count in table
    }


def calibration_bins(
    labels: ArrayLike, probabilities: ArrayLike, *, positive: int | None, bins: int = BINS
) -> list[dict[str, float | int]]:
    """The reliability diagram behind ``ece``, in bins of equal width.

    Each bin has low, high, n, mean_probability (of the positive class; for k > 2 of the most probable class)
    and observed (share of examples where it came true); the last two are nan in an empty bin.
    """
    chance, came_true = confidence(check(labels, probabilities, positive))
    where = bin_of(chance, bins)
    counts = np.bincount(where, minlength=bins)
    mean = divide(np.bincount(where, chance, minlength=bins), counts)
    observed = divide(np.bincount(where, came_true, minlength=bins), counts)
    return [
        {
            "low": i / bins,
            "high": (i + 1) / bins,
            "n": int(counts[i]),
            "mean_probability": float(mean[i]),
            "observed": float(observed[i]),
        }
        for i in range(bins)
    ]


def summary(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: Sequence[Any] | NDArray[Any],
    names: Sequence[str],
    positive: int | None,
    seed: int = 0,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> dict[str, Any]:
    """Everything that ``metrics.json`` says about the quality of the predictions, ready for ``json.dump``.

    ``names`` (k,) are the class names in the order of the columns of ``probabilities``; the rest is as in
    ``grouped_bootstrap``. Undefined numbers are None.
    """
    sample = check(labels, probabilities, positive)
    n, k = sample.probabilities.shape
    if len(names) != k or len(set(names)) != k:
        raise InputError(f"names: expected {k} different class names, got {list(names)}")
    predicted = sample.probabilities.argmax(axis=1)
    intervals = grouped_bootstrap(
        labels, probabilities, groups, resamples=resamples, level=level, seed=seed, positive=positive
    )
    called = np.bincount(predicted, minlength=k).tolist()
    body = {
        "n": n,
        "groups": len(np.unique(np.asarray(groups))),
        "labels": list(names),
        "positive": None if sample.positive is None else names[sample.positive],
        "metrics": {
            name: {"value": item.value, "low": item.low, "high": item.high} for name, item in intervals.items()
        },
        "per_class": per_class(sample.labels, predicted, names),
        "confusion": confusion(sample.labels, predicted, k),
        "calibration": calibration_bins(labels, probabilities, positive=positive),
        "predicted_counts": dict(zip(names, called, strict=True)),
        "bootstrap": {
            "unit": "group",
            "resamples": resamples,
            "level": level,
            "undefined": {name: item.undefined for name, item in intervals.items() if item.undefined},
        },
    }
    result: dict[str, Any] = finite(body)
    return result
