"""The numbers of a comparison: metrics over the seeds of a model, differences from a reference, metrics by length and GC.

Every model is resampled with the same draws of groups, so that differences are paired. An interval speaks of the test
set at the seeds that were run; how far other seeds would lie is what the spread over seeds is for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classify.bootstrap import interval_of, paired_difference
from classify.reporting.contenders import Contender, FinishedRun
from classify.significance import bootstrap_p, delong_test, holm, mcnemar

__all__ = ["Difference", "Estimate", "Resampling", "Scored", "binned", "difference", "score", "versus"]

Floats = NDArray[np.float64]

BINS = 5
"""Bins of length and of GC, with about as many test examples each."""

FEWEST = 20
"""Test examples that a bin should hold: a small test set gets fewer bins."""


class Resampling(NamedTuple):
    """How intervals are made: number of resamples of whole groups, share inside the interval, seed of the draws."""

    resamples: int = 2000
    level: float = 0.95
    seed: int = 0


class Estimate(NamedTuple):
    """Mean of a metric over seeds, its interval over groups, and its spread over seeds (sd nan with one seed)."""

    value: float
    low: float
    high: float
    sd: float
    least: float
    most: float


class Difference(NamedTuple):
    """A difference of two scores, its interval, and its two-sided p value, from paired draws."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, eq=False)
class Scored:
    """A row with its metrics, and the draws (resamples,) of the mean over its seeds."""

    row: Contender
    estimates: dict[str, Estimate]
    draws: dict[str, Floats]


def score(row: Contender, how: Resampling, keep: NDArray[np.bool_] | None = None) -> Scored:
    """Every metric of a row that its kind of run tells, on all test examples or those in ``keep`` (n,)."""
    kept = np.ones(len(row.first.groups), dtype=bool) if keep is None else keep
    values, drawn = [], []
    for run in row.runs:
        whole, resampled = run.drawn(kept, how.resamples, how.seed)
        values.append(whole)
        drawn.append(resampled)
    estimates, draws = {}, {}
    for name in values[0]:
        seeds = np.array([value[name] for value in values])
        # The same groups are drawn for every seed, so the mean of draws is a draw of the mean.
        draws[name] = np.mean([item[name] for item in drawn], axis=0)
        value, low, high, _ = interval_of(float(seeds.mean()), draws[name], how.level)
        spread = float(seeds.std(ddof=1)) if len(seeds) > 1 else math.nan
        estimates[name] = Estimate(value, low, high, spread, float(seeds.min()), float(seeds.max()))
    return Scored(row, estimates, draws)


def difference(ours: Floats, theirs: Floats, value: float, level: float = 0.95) -> Difference:
    """Ours minus theirs: ``value`` on the whole test, and what the paired draws (resamples,) of both say of it."""
    _, low, high, _ = paired_difference(ours, theirs, value, level=level)
    return Difference(value, low, high, bootstrap_p(ours - theirs))


def versus(scored: Sequence[Scored], reference: Scored, how: Resampling) -> list[dict[str, Any] | None]:
    """Each row against the reference; None for the reference itself and for rows tested on other examples.

    Returns
    -------
    list
        Of the metrics that the runs' kind compares: ``value`` (row minus reference), ``low``, ``high``, ``p`` (bootstrap over
        groups, two-sided). Of windows with classes besides: ``delong``, ``p`` and ``error`` of the difference in AUROC, of the
        means over seeds, for two classes; ``mcnemar``, ``ours``, ``theirs`` and ``p``, where both sides are single runs. Every
        ``p`` has a ``holm``, corrected for the rows of this list.
    """
    found: list[dict[str, Any] | None] = []
    for item in scored:
        paired = item is not reference and item.row.first.examples == reference.row.first.examples
        found.append(_against(item, reference, how) if paired else None)
    for test in (*reference.row.first.compared, *reference.row.first.tests):
        present = [entry[test] for entry in found if entry is not None and test in entry]
        for result, corrected in zip(present, holm([result["p"] for result in present]), strict=True):
            result["holm"] = corrected
    return found


def _against(item: Scored, reference: Scored, how: Resampling) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for name in item.row.first.compared:
        value = item.estimates[name].value - reference.estimates[name].value
        entry[name] = difference(item.draws[name], reference.draws[name], value, how.level)._asdict()
    for name in item.row.first.tests:
        if (found := TESTS[name](item.row.runs, reference.row.runs)) is not None:
            entry[name] = found
    return entry


def _delong(us: Sequence[Any], them: Sequence[Any]) -> dict[str, Any] | None:
    """Of the means over seeds; None for more than two classes."""
    positive = us[0].positive
    if positive is None:
        return None
    contrast = [1 / len(us)] * len(us) + [-1 / len(them)] * len(them)
    scores = np.stack([run.probabilities[:, positive] for run in (*us, *them)])
    _, error, p = delong_test(us[0].labels == positive, scores, contrast)
    return {"error": error, "p": p}


def _mcnemar(us: Sequence[Any], them: Sequence[Any]) -> dict[str, Any] | None:
    """Of single runs; None for several seeds."""
    right = [run.probabilities.argmax(axis=1) == run.labels for run in (*us, *them)]
    return mcnemar(*right)._asdict() if len(us) == len(them) == 1 else None


TESTS: dict[str, Callable[[Sequence[Any], Sequence[Any]], dict[str, Any] | None]] = {
    "delong": _delong,
    "mcnemar": _mcnemar,
}
"""Tests of runs on the same examples that a kind of run may name."""


def binned(scored: Sequence[Scored], reference: Scored, column: str, how: Resampling) -> list[dict[str, Any]]:
    """Metrics of each row in bins of a column of predictions.csv ("length" or "gc").

    Edges are quantiles of the reference's test examples; the outermost bins hold what lies beyond, too.

    Returns
    -------
    list
        Rows with quantity, bin, low and high (edges), label, n, groups, metric, value, interval_low and interval_high;
        rows whose runs do not have the column are left out, and all when the reference has it not.
    """
    own = _numbers(reference.row.first, column)
    if own is None:
        return []
    count = int(np.clip(len(own) // FEWEST, 1, BINS))
    edges = np.unique(np.quantile(own, np.linspace(0, 1, count + 1), method="higher"))
    found = []
    for item in scored:
        values = _numbers(item.row.first, column)
        if values is None:
            continue
        where = np.searchsorted(edges[1:-1], values, side="right")
        for index in range(max(1, len(edges) - 1)):
            inside = where == index
            if not inside.any():
                continue
            part = score(item.row, how, inside)
            for metric in item.row.first.binned:
                value, low, high = part.estimates[metric][:3]
                found.append(
                    {
                        "quantity": column,
                        "bin": index + 1,
                        "low": float(edges[index]),
                        "high": float(edges[min(index + 1, len(edges) - 1)]),
                        "label": item.row.label,
                        "n": int(inside.sum()),
                        "groups": len(np.unique(item.row.first.groups[inside])),
                        "metric": metric,
                        "value": value,
                        "interval_low": low,
                        "interval_high": high,
                    }
                )
    return found


def _numbers(run: FinishedRun, column: str) -> Floats | None:
    """A column as numbers (n,); None where it is not there, or says nothing (pictures have no length)."""
    if column not in run.table:
        return None
    values: Floats = pd.to_numeric(run.table[column], errors="coerce").to_numpy(np.float64)
    return None if np.isnan(values).any() or not values.any() else values
