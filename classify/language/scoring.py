"""Perplexity of predicted bases, with intervals from whole stretches of a genome. Arrays in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify._weighted import divide
from classify.bootstrap import paired_difference
from specgen.files import finite

__all__ = ["perplexity_summary", "ratios"]

Floats = NDArray[np.float64]


def ratios(sums: Floats) -> dict[str, Floats]:
    """Metrics of summed scores.

    Parameters
    ----------
    sums
        float64 (..., 3): nats, right answers and bases, each summed over what is scored together.

    Returns
    -------
    dict
        perplexity (1 and above), bits_per_base, log_loss [nats a base] and accuracy, each (...); nan without bases.
    """
    nats, right = divide(sums[..., 0], sums[..., 2]), divide(sums[..., 1], sums[..., 2])
    return {"perplexity": np.exp(nats), "bits_per_base": nats / math.log(2), "log_loss": nats, "accuracy": right}


def perplexity_summary(
    sums: Floats, groups: Sequence[str], seed: int, *, resamples: int = 1000, level: float = 0.95
) -> dict[str, Any]:
    """The body of ``metrics.json`` of a model that predicts bases.

    Parameters
    ----------
    sums
        float64 (n, 3) of each window, as for ``ratios``.
    groups
        (n,) the stretch that each window is of; whole stretches are resampled, since neighbours resemble one another.
    """
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    grouped = np.zeros((len(names), 3))
    np.add.at(grouped, members.reshape(-1), sums)
    values = ratios(sums.sum(axis=0))
    draws: dict[str, Floats] = {name: np.full(resamples, math.nan) for name in values}
    if len(names) > 1:
        rng = np.random.default_rng(seed)
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
        draws = ratios(times @ grouped)
    none = np.zeros(resamples)
    intervals = {name: paired_difference(draws[name], none, float(values[name]), level=level) for name in values}
    body = {
        "n": len(sums),
        "bases": int(sums[:, 2].sum()),
        "groups": len(names),
        "metrics": {name: {"value": i.value, "low": i.low, "high": i.high} for name, i in intervals.items()},
        "bootstrap": {
            "unit": "group",
            "resamples": resamples,
            "level": level,
            "undefined": {name: i.undefined for name, i in intervals.items() if i.undefined},
        },
    }
    result: dict[str, Any] = finite(body)
    return result
