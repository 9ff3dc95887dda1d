"""How well several labels are told: thresholds from validation, metrics of each label, of groups of labels, and of all together.

Arrays in, numbers out. A label that is not known (-1) is left out wherever it stands; a label that is 1 everywhere or
nowhere has no AUROC, and no part in averages over labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.bootstrap import LEAST_GROUPS, interval_of
from classify.chromatin.features import GROUPS
from classify.chromatin.measures import (
    Chance,
    Scores,
    as_they_are,
    columns,
    measured,
    of_all_pairs,
    once,
    over_labels,
    resampled,
)
from classify.features import Feature
from classify.metrics import ranking
from classify.targets import UNKNOWN, Labels
from specgen.errors import InputError
from specgen.files import finite

__all__ = ["DEFAULT_THRESHOLD", "affordable", "best_thresholds", "feature_summary", "label_aurocs", "label_draws"]

Floats = NDArray[np.float64]

DEFAULT_THRESHOLD = 0.5
"""Of a label that validation says nothing about."""

WORK = 100_000_000_000
"""Weighted labels that resampling may look at, some minutes: with more test examples and labels there are fewer resamples."""

TIMES = 500_000_000
"""Bytes of the table of how often each group was drawn in each resample."""

FEWEST = 200
"""Resamples below which there is no interval: its ends are the fifth of them from either side."""

STEADY = 0.95
"""Share of the resamples in which a label has to have both kinds: an average over labels has to be of the same ones in each."""

MOST_LABELS = 0.99
"""Share of the scored labels that have to be such, or the average over these would be something else than that over all."""


def label_aurocs(targets: Labels, scores: Floats) -> Floats:
    """AUROC (k,) of each label; nan where the known examples are of one kind.

    Parameters
    ----------
    targets
        int8 (n, k): 1, 0, -1 = not known.
    scores
        float64 (n, k), higher for 1.
    """
    found = [ranking(truth, some)[0][0] if len(truth) else math.nan for truth, some in columns(targets, scores)]
    return np.array(found, dtype=np.float64)


def best_thresholds(targets: Labels, probabilities: Floats) -> Floats:
    """(k,) the probability from which calling a label 1 gives the best F1; of equals the highest.

    Parameters
    ----------
    targets, probabilities
        (n, k) of validation. A label without examples of both kinds gets ``DEFAULT_THRESHOLD``.
    """
    found = np.full(targets.shape[1], DEFAULT_THRESHOLD)
    for i, (truth, score) in enumerate(columns(targets, probabilities)):
        if truth.any() and not truth.all():
            order = np.argsort(-score, kind="stable")
            ranked = score[order]
            last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
            hits = np.cumsum(truth[order])[last]
            f1 = 2 * hits / (last + 1 + truth.sum())
            found[i] = ranked[last[f1.argmax()]]
    return found


def _all_metrics(scores: Scores, scored: NDArray[np.bool_]) -> dict[str, Floats]:
    hits, called, true = scores.counts.T
    micro = np.divide(2 * hits, called + true, out=np.full(len(hits), math.nan), where=called + true > 0)
    return {**over_labels(scores, scored), "micro_f1": micro, "log_loss": scores.log_loss}


def _drawn_over_labels(draws: Scores, whole: Scores, members: NDArray[np.bool_]) -> tuple[dict[str, Floats], int]:
    """Draws (r,) of means and medians over some labels, and how many of the labels they were drawn of.

    A label that is of one kind in a resample would leave its average, which would then be of other, commoner labels than the
    value is. So only steady ones move, which stand still where they are undefined, and the value moves as they do. What the
    others would add is lost, so that they may be very few: a tenth of them made intervals that held the truth in 40 to 60 %.
    """
    steady = members & ((~np.isnan(draws.auroc)).mean(axis=0) >= STEADY)
    told, own = over_labels(whole, members), over_labels(whole, steady)
    if not steady.any() or steady.sum() < MOST_LABELS * members.sum():
        return {name: np.full(len(draws.auroc), math.nan) for name in told}, 0
    auroc, auprc, f1 = (np.where(np.isnan(ours), all_, ours) for ours, all_ in zip(draws[:3], whole[:3], strict=True))
    moved = over_labels(draws._replace(auroc=auroc, auprc=auprc, f1=f1), steady)
    return {name: moved[name] + (told[name] - own[name]) for name in told}, int(steady.sum())


def affordable(resamples: int, examples: int, labels: int, groups: int) -> int:
    """How many resamples are made of those asked for: as many where none can be made, which are then undefined."""
    return _resamples(examples * labels, groups, resamples)[0] or resamples


def label_draws(
    targets: Labels,
    scores: NDArray[Any],
    thresholds: Floats,
    groups: Sequence[Any] | NDArray[Any],
    *,
    resamples: int,
    seed: int,
    chance: Chance = as_they_are,
) -> tuple[dict[str, float], dict[str, Floats]]:
    """Metrics over all labels that have examples of both kinds, on the whole test and on resamples of its groups.

    Parameters
    ----------
    targets, scores, thresholds, chance
        As for ``feature_summary``.
    groups
        (n,) what is drawn together; draws of two models on the same examples are paired.

    Returns
    -------
    values, draws
        auroc, auprc and f1 (means over labels), their medians, micro_f1 and log_loss [nats]; and (r,) of each, nan where it is
        undefined, or where ``feature_summary`` would tell no interval. ``affordable`` tells r.
    """
    found = _drawn(targets, scores, chance, thresholds, groups, resamples, seed)
    values = {name: float(value[0]) for name, value in _all_metrics(found.whole, found.scored).items()}
    return values, found.of_all or {name: np.full(resamples, math.nan) for name in values}


class _Draws(NamedTuple):
    """Scores of the test, which labels (k,) have both kinds, how many ``groups`` and ``resamples`` were drawn, their scores (None
    without any), metrics over all labels by resample, of how many ``labels`` these are, and why there are none."""

    whole: Scores
    scored: NDArray[np.bool_]
    groups: int
    resamples: int
    found: Scores | None
    of_all: dict[str, Floats]
    labels: int
    note: str


def _drawn(
    targets: Labels,
    scores: NDArray[Any],
    chance: Chance,
    thresholds: Floats,
    groups: Sequence[Any] | NDArray[Any],
    resamples: int,
    seed: int,
) -> _Draws:
    whole = measured(targets, scores, chance, thresholds, 1, once)
    scored = ~np.isnan(whole.auroc[0])
    names, which = np.unique(np.asarray(groups), return_inverse=True)
    resamples, note = _resamples(targets.size, len(names), resamples)
    if not resamples:
        return _Draws(whole, scored, 0, 0, None, {}, 0, note)
    measure = resampled(which.reshape(-1), resamples, seed)
    found = measured(targets, scores, chance, thresholds, resamples, measure)
    over, steady = _drawn_over_labels(found, whole, scored)
    if not steady:
        note = (
            f"no intervals of means over labels: fewer than {100 * MOST_LABELS:g} % of the {scored.sum()} labels have both "
            f"kinds in {100 * STEADY:g} % of the resamples"
        )
    return _Draws(whole, scored, len(names), resamples, found, {**_all_metrics(found, scored), **over}, steady, note)


def feature_summary(
    targets: Labels,
    scores: NDArray[Any],
    thresholds: Floats,
    features: Sequence[Feature],
    groups: Sequence[str],
    seed: int,
    *,
    chance: Chance = as_they_are,
    resamples: int = 1000,
    level: float = 0.95,
) -> dict[str, Any]:
    """Everything that ``metrics.json`` says of the quality of predicted labels; undefined numbers are None.

    Parameters
    ----------
    targets
        int8 (n, k) of the test.
    scores, chance
        (n, k), and what makes float64 probabilities of some of these, rising with them; as they are, if they are probabilities.
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
        ``by_group``: the same means and medians for each of ``GROUPS``; ``features``: a row for each label; ``bootstrap``: also
        ``groups`` and ``labels`` that the intervals of means and medians were drawn of, and in ``note`` why there are none.
    """
    n, k = targets.shape
    drawn = _drawn(targets, scores, chance, thresholds, groups, resamples, seed)
    whole, scored = drawn.whole, drawn.scored
    own = np.array([feature.group for feature in features])
    members = {name: scored & (own == name) for name in GROUPS if (own == name).any()}
    draws = {"": drawn.of_all}
    if drawn.found is not None:
        draws |= {name: _drawn_over_labels(drawn.found, whole, some)[0] for name, some in members.items()}
    undefined: dict[str, int] = {}

    def told(of: str, values: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
        found = {}
        for name, value in values.items():
            some = draws[of][name] if drawn.resamples else np.full(1, math.nan)
            interval = interval_of(float(value[0]), some, level)
            found[name] = {"value": interval.value, "low": interval.low, "high": interval.high}
            if not of and 0 < interval.undefined < len(some):
                undefined[name] = interval.undefined
        return found

    metrics = told("", _all_metrics(whole, scored))
    for name, value in zip(("micro_auroc", "micro_auprc"), of_all_pairs(targets, scores, chance), strict=True):
        metrics[name] = {"value": value, "low": math.nan, "high": math.nan}
    bootstrap = {"resamples": drawn.resamples, "level": level, "undefined": undefined, "note": drawn.note}
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
                **told(name, over_labels(whole, some)),
            }
            for name, some in members.items()
        ],
        "features": _rows(targets, whole, thresholds, features),
        "bootstrap": {"unit": "group", "groups": drawn.groups, "labels": drawn.labels, **bootstrap},
    }
    result: dict[str, Any] = finite(body)
    return result


def _resamples(pairs: int, groups: int, most: int) -> tuple[int, str]:
    """How many resamples, 0 for no interval, and why there is none."""
    if most < 1:
        raise InputError(f"bootstrap: expected resamples >= 1, got {most}")
    if groups < LEAST_GROUPS:
        return 0, f"no intervals: {groups} groups, expected {LEAST_GROUPS} or more"
    resamples = min(most, WORK // max(1, pairs), TIMES // groups)
    if resamples < min(most, FEWEST):
        return 0, f"no intervals: {pairs:,} labels in {groups:,} groups are too many to be resampled {FEWEST} times"
    return resamples, ""


def _rows(targets: Labels, whole: Scores, thresholds: Floats, features: Sequence[Feature]) -> list[dict[str, Any]]:
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
