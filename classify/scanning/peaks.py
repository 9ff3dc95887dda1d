"""Positions and their probabilities: peaks, runs of equal values, and precision and recall at the real prevalence.

Arrays in, arrays out: no network, no file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from classify.bootstrap import LEAST_GROUPS

__all__ = ["Calls", "call_quality", "local_peaks", "runs"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK = 100_000
"""nt that are resampled together: neighbouring genes are no independent examples."""

RESAMPLES = 500


def local_peaks(values: NDArray[np.float32], apart: int, least: float) -> Ints:
    """Indices of the values that are at least ``least``, above all ``apart`` before them, and not below the ``apart`` behind.

    Of a plateau the first is taken. The rule looks no further than ``apart``, so pieces that overlap by as much give
    the peaks of the whole. ``values`` (n,) hold -1 where there is none.
    """
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    if not apart:
        return np.flatnonzero(values >= least)
    edge = np.full(apart, -2, np.float32)
    # Entry j is the maximum of the ``apart`` values from j - apart // 2 on.
    highest = maximum_filter1d(np.concatenate([edge, values, edge]), apart)
    first = np.arange(len(values)) + apart // 2
    before, behind = highest[first], highest[first + apart + 1]
    return np.flatnonzero((values >= least) & (values > before) & (values >= behind))


def runs(values: NDArray[np.float32], least: float, decimals: int = 3) -> tuple[Ints, Ints, NDArray[np.float32]]:
    """0-based starts, ends and values of the runs of neighbours with one value (to so many decimals) of ``least`` or more."""
    rounded = np.round(values, decimals).astype(np.float32)
    starts = np.flatnonzero(np.diff(rounded, prepend=-np.inf))
    ends = np.append(starts[1:], len(rounded))[: len(starts)]
    kept = rounded[starts] >= np.float32(max(0.0, least))
    return starts[kept], ends[kept], rounded[starts[kept]]


class Calls(NamedTuple):
    """Peaks, or true sites: columns of equal length."""

    contig: Ints
    position: Ints
    strand: Ints
    value: Floats

    def keys(self) -> Ints:
        """One number for each place and strand."""
        return (self.contig << 40) + (self.position << 1) + (self.strand > 0)

    def blocks(self) -> Ints:
        """One number for each stretch of ``BLOCK`` nt."""
        return (self.contig << 24) + self.position // BLOCK


def call_quality(peaks: Calls, truth: Calls, threshold: float, scored: int, seed: int = 0) -> dict[str, Any]:
    """Peaks against true sites, which must be met to the base.

    Parameters
    ----------
    peaks
        All of them, also those below ``threshold``: the average precision runs through them.
    truth
        Every true site of what was scanned; ``value`` is not used.
    scored
        Positions and strands that were looked at: sites over ``scored`` is the prevalence, which guessing reaches; 0 =
        not told.

    Returns
    -------
    dict
        n_true, n_peaks, prevalence; average_precision, precision, recall, f1 (at ``threshold``) and top_k (precision
        among as many of the highest peaks as there are true sites), each with value, low and high: 95 % percentiles
        over resampled stretches of ``BLOCK`` nt, nan where they are fewer than ``bootstrap.LEAST_GROUPS``.
    """
    order = np.argsort(-peaks.value, kind="stable")
    hit = np.isin(peaks.keys(), truth.keys())[order].astype(np.float64)
    value = peaks.value[order]
    blocks, members = np.unique(np.concatenate([peaks.blocks()[order], truth.blocks()]), return_inverse=True)
    of_peak, of_truth = members[: len(order)], members[len(order) :]
    called = value >= threshold

    def measured(weights: Floats) -> dict[str, float]:
        peak, sites = weights[of_peak], float(weights[of_truth].sum())
        true, all_ = np.cumsum(peak * hit), np.cumsum(peak)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(all_ > 0, true / all_, 0.0)
            found, calls = float((peak * hit)[called].sum()), float(peak[called].sum())
            top = int(np.searchsorted(all_, sites, side="right"))
            recall = found / sites if sites else np.nan
            exact = found / calls if calls else np.nan
            return {
                "average_precision": float((peak * hit * precision).sum() / sites) if sites else np.nan,
                "precision": exact,
                "recall": recall,
                "f1": 2 * found / (calls + sites) if calls + sites else np.nan,
                "top_k": float(true[top - 1] / all_[top - 1]) if top else np.nan,
            }

    whole = measured(np.ones(len(blocks)))
    rng = np.random.default_rng(seed)
    drawn = [
        measured(np.bincount(rng.integers(len(blocks), size=len(blocks)), minlength=len(blocks)).astype(np.float64))
        for _ in range(RESAMPLES if len(blocks) >= LEAST_GROUPS else 0)
    ]
    told: dict[str, Any] = {
        "n_true": len(truth.position),
        "n_peaks": int(called.sum()),
        "scored": scored,
        "prevalence": len(truth.position) / scored if scored else None,
    }
    for name, number in whole.items():
        values = np.array([item[name] for item in drawn])
        values = values[~np.isnan(values)]
        low, high = np.quantile(values, [0.025, 0.975]) if len(values) else (np.nan, np.nan)
        told[name] = {"value": number, "low": float(low), "high": float(high)}
    return told
