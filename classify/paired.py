"""The numbers of a comparison: metrics over the seeds of a model, differences from a reference, metrics by length and GC.

Every model is resampled with the same draws of groups, so that differences are paired. An interval speaks of the test
set at the seeds that were run; how far other seeds would lie is what the spread over seeds is for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classify.metrics import bootstrap_draws, classification_metrics, paired_difference
from classify.reporting.finished import Contender, FinishedRun
from classify.significance import bootstrap_p, delong_test, holm, mcnemar

__all__ = ["Estimate", "Resampling", "Scored", "binned", "score", "versus"]

Floats = NDArray[np.float64]

BINS = 5
"""Bins of length and of GC, with about as many test examples each."""

FEWEST = 20
"""Test examples that a bin should hold: a small test set gets fewer bins."""

COMPARED = ("auroc", "accuracy")
"""Metrics whose differences are tested."""


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


@dataclass(frozen=True, eq=False)
class Scored:
    """A row with its metrics, and the draws (resamples,) of the mean over its seeds."""

    row: Contender
    estimates: dict[str, Estimate]
    draws: dict[str, Floats]


def score(row: Contender, how: Resampling, keep: NDArray[np.bool_] | None = None) -> Scored:
    """Every metric of ``classification_metrics`` of a row, on all test examples or those in ``keep`` (n,)."""
    kept = np.ones(len(row.first.labels), dtype=bool) if keep is None else keep
    values = [
        classification_metrics(run.labels[kept], run.probabilities[kept], positive=run.positive) for run in row.runs
    ]
    drawn = [_draws(run, kept, how) for run in row.runs]
    estimates, draws = {}, {}
    for name in values[0]:
        seeds = np.array([value[name] for value in values])
        # The same groups are drawn for every seed, so the mean of draws is a draw of the mean.
        draws[name] = np.mean([item[name] for item in drawn], axis=0)
        value, low, high, _ = paired_difference(draws[name], np.zeros(1), float(seeds.mean()), level=how.level)
        spread = float(seeds.std(ddof=1)) if len(seeds) > 1 else math.nan
        estimates[name] = Estimate(value, low, high, spread, float(seeds.min()), float(seeds.max()))
    return Scored(row, estimates, draws)


def _draws(run: FinishedRun, kept: NDArray[np.bool_], how: Resampling) -> dict[str, Floats]:
    return bootstrap_draws(
        run.labels[kept],
        run.probabilities[kept],
        run.groups[kept],
        resamples=how.resamples,
        seed=how.seed,
        positive=run.positive,
    )


def versus(scored: Sequence[Scored], reference: Scored, how: Resampling) -> list[dict[str, Any] | None]:
    """Each row against the reference; None for the reference itself and for rows tested on other examples.

    Returns
    -------
    list
        For auroc and accuracy: ``value`` (row minus reference), ``low``, ``high``, ``p`` (bootstrap over groups,
        two-sided). ``delong``: ``p`` and ``error`` of the difference in AUROC, of the means over seeds, for two classes.
        ``mcnemar``: ``ours``, ``theirs`` and ``p``, where both sides are single runs. Every ``p`` has a ``holm``,
        corrected for the rows of this list.
    """
    found: list[dict[str, Any] | None] = []
    for item in scored:
        paired = item is not reference and item.row.first.examples == reference.row.first.examples
        found.append(_against(item, reference, how) if paired else None)
    for test in (*COMPARED, "delong", "mcnemar"):
        present = [entry[test] for entry in found if entry is not None and test in entry]
        for result, corrected in zip(present, holm([result["p"] for result in present]), strict=True):
            result["holm"] = corrected
    return found


def _against(item: Scored, reference: Scored, how: Resampling) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for name in COMPARED:
        value = item.estimates[name].value - reference.estimates[name].value
        ours, theirs = item.draws[name], reference.draws[name]
        _, low, high, _ = paired_difference(ours, theirs, value, level=how.level)
        entry[name] = {"value": value, "low": low, "high": high, "p": bootstrap_p(ours - theirs)}
    us, them = item.row.runs, reference.row.runs
    positive = us[0].positive
    if positive is not None:
        contrast = [1 / len(us)] * len(us) + [-1 / len(them)] * len(them)
        scores = np.stack([run.probabilities[:, positive] for run in (*us, *them)])
        _, error, p = delong_test(us[0].labels == positive, scores, contrast)
        entry["delong"] = {"error": error, "p": p}
    if len(us) == len(them) == 1:
        entry["mcnemar"] = mcnemar(_right(us[0]), _right(them[0]))._asdict()
    return entry


def _right(run: FinishedRun) -> NDArray[np.bool_]:
    return run.probabilities.argmax(axis=1) == run.labels


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
            for metric in COMPARED:
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
