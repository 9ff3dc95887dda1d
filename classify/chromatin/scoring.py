"""How well several labels are told: thresholds from validation, metrics of each label, of groups of labels, and of all together.

Arrays in, numbers out. A label that is not known (-1) is left out wherever it stands; a label that is 1 everywhere or
nowhere has no AUROC, and no part in averages over labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.chromatin.features import GROUPS
from classify.features import Feature
from classify.metrics import group_draws, paired_difference, ranking
from classify.targets import UNKNOWN, Labels
from specgen.files import finite

__all__ = ["DEFAULT_THRESHOLD", "affordable", "best_thresholds", "feature_summary", "label_aurocs", "label_metrics"]

Floats = NDArray[np.float64]

DEFAULT_THRESHOLD = 0.5
"""Of a label that validation says nothing about."""

WORK = 1_000_000_000
"""Weighted labels that resampling may look at: with more test examples and labels there are fewer resamples."""

FEWEST = 20
"""Resamples at least."""

SMALLEST = float(np.finfo(np.float32).eps)


def label_aurocs(targets: Labels, scores: Floats) -> Floats:
    """AUROC (k,) of each label; nan where the known examples are of one kind.

    Parameters
    ----------
    targets
        int8 (n, k): 1, 0, -1 = not known.
    scores
        float64 (n, k), higher for 1.
    """
    found = [ranking(truth, some)[0][0] if len(truth) else math.nan for truth, some in _columns(targets, scores)]
    return np.array(found, dtype=np.float64)


def _columns(targets: Labels, scores: Floats) -> Iterator[tuple[NDArray[np.bool_], Floats]]:
    """Truth and score of the known examples of each label."""
    for column, score in zip(targets.T, scores.T, strict=True):
        known = column != UNKNOWN
        yield column[known] == 1, score[known]


def best_thresholds(targets: Labels, probabilities: Floats) -> Floats:
    """(k,) the probability from which calling a label 1 gives the best F1; of equals the highest.

    Parameters
    ----------
    targets, probabilities
        (n, k) of validation. A label without examples of both kinds gets ``DEFAULT_THRESHOLD``.
    """
    found = np.full(targets.shape[1], DEFAULT_THRESHOLD)
    for i, (truth, score) in enumerate(_columns(targets, probabilities)):
        if truth.any() and not truth.all():
            order = np.argsort(-score, kind="stable")
            ranked = score[order]
            last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
            hits = np.cumsum(truth[order])[last]
            f1 = 2 * hits / (last + 1 + truth.sum())
            found[i] = ranked[last[f1.argmax()]]
    return found


class _Scores(NamedTuple):
    """Of r weightings: auroc, auprc and f1 (r, k); right calls, calls and truths summed over labels, and mean loss (r,)."""

    auroc: Floats
    auprc: Floats
    f1: Floats
    counts: Floats
    log_loss: Floats


def _scores(targets: Labels, probabilities: NDArray[np.floating], thresholds: Floats, weights: Floats) -> _Scores:
    """``weights`` (r, n): how often each example was drawn."""
    r, k = len(weights), targets.shape[1]
    auroc, auprc, f1 = (np.full((r, k), math.nan) for _ in range(3))
    counts, losses, known_weight = np.zeros((r, 3)), np.zeros(r), np.zeros(r)
    for i in range(k):
        known = targets[:, i] != UNKNOWN
        if not known.any():
            continue
        truth, chance = targets[known, i] == 1, probabilities[known, i].astype(np.float64)
        own = weights if known.all() else weights[:, known]
        called = chance >= thresholds[i]
        loss = -np.log(np.clip(np.where(truth, chance, 1 - chance), SMALLEST, 1))
        sums = own @ np.column_stack([truth & called, called, truth, loss, np.ones(len(truth))])
        auroc[:, i], auprc[:, i] = ranking(truth, chance, own)
        bottom = sums[:, 1] + sums[:, 2]
        f1[:, i] = np.divide(2 * sums[:, 0], bottom, out=np.full(r, math.nan), where=bottom > 0)
        counts += sums[:, :3]
        losses += sums[:, 3]
        known_weight += sums[:, 4]
    return _Scores(auroc, auprc, f1, counts, losses / np.maximum(known_weight, 1))


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


def _over_labels(scores: _Scores, members: NDArray[np.bool_]) -> dict[str, Floats]:
    """Means and medians (r,) over some labels."""
    found = {}
    for name, values in (("auroc", scores.auroc), ("auprc", scores.auprc), ("f1", scores.f1)):
        found[name] = _mean(values[:, members])
        found[f"median_{name}"] = _median(values[:, members])
    return found


def _all_metrics(scores: _Scores, scored: NDArray[np.bool_]) -> dict[str, Floats]:
    hits, called, true = scores.counts.T
    micro = np.divide(2 * hits, called + true, out=np.full(len(hits), math.nan), where=called + true > 0)
    return {**_over_labels(scores, scored), "micro_f1": micro, "log_loss": scores.log_loss}


def affordable(resamples: int, examples: int, labels: int) -> int:
    """How many of the resamples asked for are made."""
    return int(np.clip(WORK // max(1, examples * labels), min(FEWEST, resamples), resamples))


def label_metrics(
    targets: Labels, probabilities: NDArray[np.floating], thresholds: Floats
) -> Callable[[Floats], dict[str, Floats]]:
    """What tells, by weights (r, n) of the examples, the metrics (r,) over all labels that have examples of both kinds.

    Parameters
    ----------
    targets, probabilities, thresholds
        As for ``feature_summary``.

    Returns
    -------
    callable
        Gives auroc, auprc and f1 (means over labels), their medians, micro_f1 and log_loss [nats].
    """
    whole = _scores(targets, probabilities, thresholds, np.ones((1, len(targets))))
    scored = ~np.isnan(whole.auroc[0])
    return lambda weights: _all_metrics(_scores(targets, probabilities, thresholds, weights), scored)


def feature_summary(
    targets: Labels,
    probabilities: Floats,
    thresholds: Floats,
    features: Sequence[Feature],
    groups: Sequence[str],
    seed: int,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> dict[str, Any]:
    """Everything that ``metrics.json`` says of the quality of predicted labels; undefined numbers are None.

    Parameters
    ----------
    targets, probabilities
        int8 and float64 (n, k) of the test.
    thresholds
        (k,) chosen on validation: a label is called where its probability is this or more.
    features
        (k,) what the labels are.
    groups
        (n,) what is resampled together.

    Returns
    -------
    dict
        ``metrics``: means over labels of AUROC, average precision and F1 (auroc, auprc, f1) and their medians, each with a
        percentile interval, and micro averages over all pairs of example and label, of which the rankings have none;
        ``by_group``: the same means and medians for each of ``GROUPS``; ``features``: a row for each label.
    """
    n, k = targets.shape
    resamples = affordable(resamples, n, k)
    whole = _scores(targets, probabilities, thresholds, np.ones((1, n)))
    scored = ~np.isnan(whole.auroc[0])
    own = np.array([feature.group for feature in features])
    members = {name: scored & (own == name) for name in GROUPS if (own == name).any()}

    def every(weights: Floats) -> dict[str, Floats]:
        drawn = _scores(targets, probabilities, thresholds, weights)
        some = {of: _over_labels(drawn, own) for of, own in members.items()}
        parts = {"": _all_metrics(drawn, scored), **some}
        return {f"{of}/{name}": values for of, part in parts.items() for name, values in part.items()}

    draws = group_draws(every, groups, resamples=resamples, rng=np.random.default_rng(seed))
    undefined: dict[str, int] = {}

    def told(of: str, values: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
        found = {}
        for name, value in values.items():
            interval = paired_difference(draws[f"{of}/{name}"], np.zeros(1), float(value[0]), level=level)
            found[name] = {"value": interval.value, "low": interval.low, "high": interval.high}
            if not of and interval.undefined:
                undefined[name] = interval.undefined
        return found

    metrics = told("", _all_metrics(whole, scored))
    known = targets != UNKNOWN
    micro = ranking(targets[known] == 1, probabilities[known]) if known.any() else (np.array([math.nan]),) * 2
    for name, found in zip(("micro_auroc", "micro_auprc"), micro, strict=True):
        metrics[name] = {"value": float(found[0]), "low": math.nan, "high": math.nan}
    body = {
        "n": n,
        "groups": len(set(groups)),
        "labels_in_all": k,
        "labels_scored": int(scored.sum()),
        "metrics": metrics,
        "by_group": [
            {
                "group": name,
                "labels": int((own == name).sum()),
                "scored": int(some.sum()),
                **told(name, _over_labels(whole, some)),
            }
            for name, some in members.items()
        ],
        "features": _rows(targets, whole, thresholds, features),
        "bootstrap": {"unit": "group", "resamples": resamples, "level": level, "undefined": undefined},
    }
    result: dict[str, Any] = finite(body)
    return result


def _rows(targets: Labels, whole: _Scores, thresholds: Floats, features: Sequence[Feature]) -> list[dict[str, Any]]:
    positives, known = (targets == 1).sum(axis=0), (targets != UNKNOWN).sum(axis=0)
    return [
        {
            "name": feature.name,
            "cell": feature.cell,
            "factor": feature.factor,
            "treatment": feature.treatment,
            "group": feature.group,
            "known": int(known[i]),
            "positives": int(positives[i]),
            "auroc": float(whole.auroc[0, i]),
            "auprc": float(whole.auprc[0, i]),
            "f1": float(whole.f1[0, i]),
            "threshold": float(thresholds[i]),
        }
        for i, feature in enumerate(features)
    ]
