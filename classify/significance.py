"""Whether two sets of predictions on the same examples differ by more than chance: p values, and their correction.

Arrays in, numbers out. DeLong's and McNemar's tests take examples as independent, which crops of one gene are not; the
bootstrap over whole groups (``bootstrap.group_draws``) is the one to go by where groups hold several examples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, norm, rankdata

from specgen.errors import InputError

__all__ = ["Contrast", "Discordant", "bootstrap_p", "delong", "delong_test", "holm", "mcnemar"]

Floats = NDArray[np.float64]

NOTHING = 1e-12
"""Differences and standard errors of areas below this are rounding."""


class Contrast(NamedTuple):
    """A difference of areas, its standard error and two-sided p value (nan where it has no error)."""

    difference: float
    error: float
    p: float


class Discordant(NamedTuple):
    """Examples that only we, and only they, called rightly, and the exact two-sided p value."""

    ours: int
    theirs: int
    p: float


def bootstrap_p(draws: Floats) -> float:
    """Two-sided p value of "no difference" from paired draws of a difference (r,): twice the smaller tail beyond zero.

    This is the level at which the percentile interval just reaches zero (Efron & Tibshirani 1993, An Introduction to
    the Bootstrap, chapter 15). One is added to both counts, so that r draws never give less than 2 / (r + 1). Draws
    that are nan are left out; nan when none is left.
    """
    kept = draws[~np.isnan(draws)]
    if not kept.size:
        return math.nan
    tail = min(int((kept <= NOTHING).sum()), int((kept >= -NOTHING).sum()))
    return min(1.0, 2 * (tail + 1) / (len(kept) + 1))


def delong(truth: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """Areas under the ROC curves of several scores on the same examples, and the covariance of those areas.

    DeLong, DeLong & Clarke-Pearson 1988 (Biometrics 44:837), by the midranks of Sun & Xu 2014 (IEEE Signal Process.
    Lett. 21:1389): n log n instead of positives times negatives.

    Parameters
    ----------
    truth
        bool (n,): is it the positive class.
    scores
        float (m, n), higher for the positive class; ties count half.

    Returns
    -------
    tuple
        Areas (m,) and their covariance (m, m); nan without a positive or a negative, and the covariance with only one.
    """
    positive = np.asarray(truth, dtype=bool)
    rows = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if rows.shape[1] != len(positive):
        raise InputError(f"delong: {rows.shape[1]} scores for {len(positive)} labels")
    p, n, m = int(positive.sum()), int((~positive).sum()), len(rows)
    if not p or not n:
        return np.full(m, math.nan), np.full((m, m), math.nan)
    together = rankdata(rows, axis=1)
    # The share of negatives below each positive, and of positives above each negative.
    above = (together[:, positive] - rankdata(rows[:, positive], axis=1)) / n
    below = 1 - (together[:, ~positive] - rankdata(rows[:, ~positive], axis=1)) / p
    areas: Floats = above.mean(axis=1)
    if p < 2 or n < 2:
        return areas, np.full((m, m), math.nan)
    return areas, np.cov(above).reshape(m, m) / p + np.cov(below).reshape(m, m) / n


def delong_test(truth: ArrayLike, scores: ArrayLike, contrast: ArrayLike) -> Contrast:
    """DeLong's test of a weighted sum of areas against zero: weights (1, -1) compare two scores.

    Areas are as in ``delong``. Weights of 1/r for r runs of one model and -1/s for s of another compare their means.
    """
    areas, covariance = delong(truth, scores)
    weights = np.asarray(contrast, dtype=np.float64)
    difference = float(weights @ areas)
    error = math.sqrt(max(0.0, float(weights @ covariance @ weights))) if np.isfinite(covariance).all() else math.nan
    if math.isnan(error) or math.isnan(difference):
        return Contrast(difference, error, math.nan)
    if error < NOTHING:
        return Contrast(difference, 0.0, 1.0 if abs(difference) < NOTHING else math.nan)
    return Contrast(difference, error, float(2 * norm.sf(abs(difference) / error)))


def mcnemar(ours: ArrayLike, theirs: ArrayLike) -> Discordant:
    """McNemar's exact test of two rows of bool (n,), right or wrong: are the examples that differ split evenly?"""
    us, them = np.asarray(ours, dtype=bool), np.asarray(theirs, dtype=bool)
    b, c = int((us & ~them).sum()), int((them & ~us).sum())
    return Discordant(b, c, float(binomtest(b, b + c).pvalue) if b + c else 1.0)


def holm(values: Sequence[float]) -> list[float]:
    """P values corrected for their number (Holm 1979, Scand. J. Stat. 6:65); nan stays nan and does not count."""
    p = np.asarray(values, dtype=np.float64)
    corrected = np.full(len(p), math.nan)
    order = [i for i in np.argsort(p, kind="stable") if not math.isnan(p[i])]
    least = 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, float(p[i]) * (len(order) - rank)))
        corrected[i] = least
    return corrected.tolist()
