"""What to take: chosen by validation, then set beside everything cheaper on the very same test windows.

A rule, not a judgement. Of all models the one with the best mean validation score is chosen. Every model that trained in less CPU
time is compared with it on the test, once, by a paired bootstrap of whole groups of windows, with Holm's correction for the
number of these comparisons. To take is the cheapest that is not worse beyond chance. Not to be shown worse is not to be as
good: the interval of the difference, which is told, says how much worse it may be at these seeds.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from costs import Costs
from numpy.typing import NDArray

from classify.bootstrap import values_and_draws
from classify.chromatin.scoring import DEFAULT_THRESHOLD, label_draws
from classify.language.scoring import ratios
from classify.paired import difference
from classify.reporting.answered import read_labels, read_sums
from classify.significance import holm
from specgen.errors import InputError

__all__ = ["LEVEL", "Contrast", "Recommendation", "contrasts", "draws", "recommended", "told"]

Floats = NDArray[np.float64]
Drawn = tuple[dict[str, float], dict[str, Floats]]

RESAMPLES = 2000
LEVEL = 0.05
"""Holm's p below which a difference is beyond chance."""


@dataclass(frozen=True)
class Contrast:
    """A model against the chosen one: difference of their scores (its own minus that), interval, p, and p by Holm."""

    row: Costs
    difference: float
    low: float
    high: float
    p: float
    holm: float

    def worse(self, higher: bool) -> bool:
        """Beyond chance; so is what cannot be tested, since nothing speaks for it."""
        behind = self.difference < 0 if higher else self.difference > 0
        return math.isnan(self.holm) or (self.holm < LEVEL and behind)


@dataclass(frozen=True)
class Recommendation:
    """What to take, what validation chose, and everything cheaper, cheapest first."""

    take: Costs
    chosen: Costs
    cheaper: tuple[Contrast, ...]


def _labels(folder: Path, groups: Sequence[str], seed: int) -> Drawn:
    """Means over the labels that have both classes."""
    truth, chances = read_labels(folder)
    # No threshold has a part in rankings.
    thresholds = np.full(truth.shape[1], DEFAULT_THRESHOLD)
    return label_draws(truth, chances, thresholds, groups, resamples=RESAMPLES, seed=seed)


def _bases(folder: Path, groups: Sequence[str], seed: int) -> Drawn:
    """Of the bases of all windows together."""
    sums = read_sums(pd.read_csv(folder / "predictions.csv").fillna({"bits_per_base": 0.0, "accuracy": 0.0}))
    return values_and_draws(lambda weights: ratios(weights @ sums), groups, resamples=RESAMPLES, seed=seed)


DRAWN: dict[str, Callable[[Path, Sequence[str], int], Drawn]] = {"auroc": _labels, "bits_per_base": _bases}
"""Scores of a run's test windows and of resamples of their groups, of the metrics that a recommendation may rest on."""


@cache
def _windows(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Test windows of a run and their groups."""
    table = pd.read_csv(folder / "predictions.csv", usecols=["id", "group"], dtype=str, keep_default_na=False)
    return tuple(table["id"]), tuple(table["group"])


@cache
def draws(folder: Path, metric: str) -> tuple[Floats, float]:
    """A run's score on resamples of whole groups (RESAMPLES,), and on all of its windows.

    Groups are drawn by their names and the name of the run without its seed alone, so draws of two models are paired, and those
    of different sets are not.
    """
    seed = zlib.crc32(folder.name.rpartition("_s")[0].encode())
    values, drawn = DRAWN[metric](folder, _windows(folder)[1], seed)
    if len(drawn[metric]) != RESAMPLES:
        raise InputError(f"{folder}: has too many labels of too many windows to be resampled {RESAMPLES} times")
    return drawn[metric], values[metric]


def _whole(row: Costs, metric: str) -> tuple[Floats, float]:
    """Draws of the mean over the seeds of each set, every set as heavy as another."""
    sets = [[draws(folder.resolve(), metric) for folder in folders] for folders in row.sets]
    drawn: Floats = np.mean([np.mean([some for some, _ in runs], axis=0) for runs in sets], axis=0)
    return drawn, float(np.mean([np.mean([value for _, value in runs]) for runs in sets]))


def contrasts(rows: Sequence[Costs], chosen: Costs, metric: str) -> list[Contrast]:
    """Each row against the chosen one, on the same windows.

    Raises
    ------
    InputError
        Runs of one set that were tested on other windows.
    """
    for row in (*rows, chosen):
        for ours, theirs in zip(row.sets, chosen.sets, strict=True):
            for folder in ours:
                if _windows(folder.resolve()) != _windows(theirs[0].resolve()):
                    raise InputError(f"{folder}: was tested on other windows than {theirs[0]}; make both again")
    drawn, value = _whole(chosen, metric)
    found = []
    for row in rows:
        other, theirs_value = _whole(row, metric)
        found.append(difference(other, drawn, theirs_value - value))
    corrected = holm([one.p for one in found])
    return [Contrast(row, *one, adjusted) for row, one, adjusted in zip(rows, found, corrected, strict=True)]


def recommended(rows: Sequence[Costs], metric: str, *, higher: bool = True) -> Recommendation | None:
    """See the module's docstring; None where no run tells both its validation score and its CPU time."""
    seconds = {row.model: row.costs.get("cpu_seconds") for row in rows}
    known = [row for row in rows if row.validation is not None and seconds[row.model] is not None]
    if not known:
        return None
    chosen = (max if higher else min)(known, key=lambda row: row.validation or 0.0)
    most = seconds[chosen.model] or 0.0
    cheaper = [row for row in rows if (spent := seconds[row.model]) is not None and spent < most]
    cheaper.sort(key=lambda row: seconds[row.model] or 0.0)
    compared = contrasts(cheaper, chosen, metric)
    take = next((one.row for one in compared if not one.worse(higher)), chosen)
    return Recommendation(take, chosen, tuple(compared))


def told(rows: Sequence[Costs], metric: str, *, higher: bool = True, unit: str = "") -> str:
    """The recommendation as a sentence; ``unit`` of the scores."""
    found = recommended(rows, metric, higher=higher)
    if found is None:
        return "not made yet: no finished run tells both its validation score and its CPU time."
    take, chosen, cheaper = found.take, found.chosen, found.cheaper
    scores = {row.model: f"{row.score}{f' {unit}' if unit else ''} in {_seconds(row)}" for row in (take, chosen)}
    text = f"validation chooses `{chosen.model}` of {len(rows)}: {scores[chosen.model]}"
    if not cheaper:
        return f"take `{chosen.model}`; {text}, and nothing is cheaper."
    if any(math.isnan(one.p) for one in cheaper):
        return f"take `{chosen.model}`; {text}. Cheaper ones cannot be compared: the test has too few groups or too rare labels."
    if take is chosen:
        return f"take `{chosen.model}`; {text}. {_all_worse(len(cheaper))}."
    one = next(one for one in cheaper if one.row is take)
    n = f"{len(cheaper)} comparisons" if len(cheaper) > 1 else "one comparison"
    return (
        f"take `{take.model}`, {scores[take.model]}: the cheapest that is not worse beyond chance; {text}. "
        f"Difference {one.difference:+.3f} [{one.low:+.3f}, {one.high:+.3f}], p = {one.p:.2g}, {one.holm:.2g} by Holm for {n}."
    )


def _seconds(row: Costs) -> str:
    spent = row.costs["cpu_seconds"] or 0.0
    return f"{spent:,.0f} CPU s" if spent >= 10 else f"{spent:.1f} CPU s"


def _all_worse(n: int) -> str:
    if n == 1:
        return f"The one cheaper model is worse beyond chance (p < {LEVEL})"
    return f"All {n} cheaper models are worse beyond chance (Holm's p < {LEVEL})"
