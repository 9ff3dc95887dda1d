"""Resampling of whole groups: weights, draws of any metric, percentile intervals of values and of paired differences.

Numbers in, numbers out, whatever is measured: formulas of metrics are in ``metrics`` and each kind's ``scoring``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify._weighted import Floats, Ints
from specgen.errors import InputError

__all__ = [
    "LEAST_GROUPS",
    "Interval",
    "group_draws",
    "interval_of",
    "interval_text",
    "paired_difference",
    "resampled_weights",
    "values_and_draws",
]

_BLOCK = 2_000_000
"""Weights held at once while resampling: 16 MB of float64, however many examples there are."""

LEAST_GROUPS = 8
"""Groups below which some tasks tell no interval: of two or three, resampling shows but the same few again."""


class Interval(NamedTuple):
    """A metric on the whole sample, its percentile interval, and how many resamples left it undefined."""

    value: float
    low: float
    high: float
    undefined: int = 0


def resampled_weights(members: Ints, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Blocks (rows, n) of weights: how often the group of each example, ``members`` (n,), was drawn."""
    groups = int(members.max()) + 1
    rows = max(1, _BLOCK // len(members))
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = rng.integers(groups, size=(count, groups)) + groups * np.arange(count)[:, None]
        times = np.bincount(drawn.ravel(), minlength=count * groups).reshape(count, groups)
        yield times[:, members].astype(np.float64)


def group_draws(
    score: Callable[[Floats], Mapping[str, Floats]],
    groups: Sequence[Any] | NDArray[Any],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Each metric on every resample of whole groups, (resamples,); nan where undefined, and with a single group.

    The groups drawn depend on the names of the groups and ``rng`` alone, so the draws of two models on the same examples are
    paired: the quantiles of their difference are the interval of the difference.

    Parameters
    ----------
    score
        Metrics (r,) by weights (r, n): how often each example counts.
    groups
        (n,) what is drawn together; anything that sorts.
    """
    if resamples < 1:
        raise InputError(f"bootstrap: expected resamples >= 1, got {resamples}")
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        return {name: np.full(resamples, math.nan) for name in score(np.ones((1, len(members))))}
    parts = [score(weights) for weights in resampled_weights(members.reshape(-1), resamples, rng)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def values_and_draws(
    score: Callable[[Floats], Mapping[str, Floats]], groups: Sequence[Any] | NDArray[Any], *, resamples: int, seed: int
) -> tuple[dict[str, float], dict[str, Floats]]:
    """Each metric on the whole sample, and ``group_draws``."""
    values = {name: float(value[0]) for name, value in score(np.ones((1, len(groups)))).items()}
    return values, group_draws(score, groups, resamples=resamples, rng=np.random.default_rng(seed))


def interval_of(value: float, draws: Floats, level: float) -> Interval:
    """Percentiles of draws (r,) around ``value``; nan where no draw is defined."""
    kept = draws[~np.isnan(draws)]
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(kept, tails) if kept.size else (math.nan, math.nan)
    return Interval(value, float(low), float(high), len(draws) - len(kept))


def paired_difference(ours: Floats, theirs: Floats, value: float, *, level: float = 0.95) -> Interval:
    """Interval of a difference from paired draws (see ``group_draws``); ``value`` is the observed difference."""
    return interval_of(value, ours - theirs, level)


def interval_text(entry: Mapping[str, Any], form: str = ".4f") -> str:
    """ "0.9530 [0.9400, 0.9650]" from the JSON of an ``Interval``; the value alone where no interval is defined (a single
    group), and nothing where no value is."""
    if entry["value"] is None:
        return ""
    around = "" if None in (entry["low"], entry["high"]) else f" [{entry['low']:{form}}, {entry['high']:{form}}]"
    return f"{entry['value']:{form}}{around}"
