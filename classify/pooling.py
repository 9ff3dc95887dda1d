"""One verdict from the tiles of a record: logits (T, k) of its tiles, left to right, to logits (k,) of the record.

``mean`` says what a record is like all along, which suits records that are of one kind from end to end. A transcript
is coding as soon as one stretch of it is: the others look for the tiles that speak most for the positive class, the last
one. NumPy only; which tiles there are is decided in ``tiling``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specgen.errors import InputError, UnknownName
from specgen.registry import Registry

__all__ = ["POOLS", "Pool", "log_odds", "longest_run", "register_pool"]

Floats = NDArray[np.float64]
Rule = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Pool:
    """A rule, and what it can be used for.

    Attributes
    ----------
    rule
        ``logits float64 (T, k), T > 0 -> (k,)``.
    note
        One line for reports.
    ranks
        Whether tiles are ranked by how much they speak for the positive class, which only two classes have.
    """

    rule: Rule
    note: str
    ranks: bool = True

    def __call__(self, logits: NDArray[np.floating]) -> Floats:
        """Logits (k,) of a record from those of its tiles (T, k), T > 0."""
        return self.rule(np.asarray(logits, dtype=np.float64))

    def check(self, outputs: int) -> None:
        """Refuse a rule that ranks tiles where there are not two classes.

        Raises
        ------
        InputError
            There are not.
        """
        if self.ranks and outputs != 2:
            raise InputError(f"pool: {self.note} needs two classes, got {outputs}; expected mean or median")


POOLS: Registry[Pool] = Registry("pool", plugins=False)


def register_pool(name: str, note: str, *, ranks: bool = True) -> Callable[[Rule], Rule]:
    """Decorator: add a rule under ``name``."""

    def register(rule: Rule) -> Rule:
        POOLS.add(name, Pool(rule, note, ranks))
        return rule

    return register


def log_odds(logits: NDArray[np.floating]) -> Floats:
    """(T,) log odds [nats] of the last of two classes from logits (T, 2)."""
    values = np.asarray(logits, dtype=np.float64)
    odds: Floats = values[:, 1] - values[:, 0]
    return odds


def longest_run(marks: NDArray[np.bool_]) -> int:
    """Length of the longest run of True in (T,)."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8)))
    return int((ends[1::2] - ends[::2]).max(initial=0))


@register_pool("mean", "mean over all tiles", ranks=False)
def mean(logits: Floats) -> Floats:
    """Mean logits: the tiles vote with their sureness."""
    pooled: Floats = logits.mean(0)
    return pooled


@register_pool("median", "median over all tiles, class by class", ranks=False)
def median(logits: Floats) -> Floats:
    """Median of each class's logit, indifferent to a few tiles unlike the rest."""
    pooled: Floats = np.median(logits, axis=0)
    return pooled


def _top(count: int) -> Pool:
    def rule(logits: Floats) -> Floats:
        best = np.argsort(-log_odds(logits), kind="stable")[:count]
        pooled: Floats = logits[best].mean(0)
        return pooled

    return Pool(rule, "the surest tile" if count == 1 else f"mean over the {count} surest tiles")


def _run(count: int) -> Pool:
    def rule(logits: Floats) -> Floats:
        size = min(count, len(logits))
        sums = np.cumsum(np.concatenate([np.zeros((1, logits.shape[1])), logits]), axis=0)
        means = (sums[size:] - sums[:-size]) / size
        pooled: Floats = means[log_odds(means).argmax()]
        return pooled

    return Pool(rule, f"mean over the surest {count} neighbouring tiles")


@register_pool("soft", "logarithm of the mean odds: a soft maximum")
def soft(logits: Floats) -> Floats:
    """Logits 0 and log of the mean over tiles of the odds of the positive class."""
    odds = log_odds(logits)
    return np.array([0.0, float(np.logaddexp.reduce(odds) - np.log(len(odds)))])


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise UnknownName("number of tiles", text, ["1", "2", "3"])
    return int(text)


POOLS.add("max", _top(1))
POOLS.add("top3", _top(3))
POOLS.add_family("top", lambda text: _top(_count(text)))
POOLS.add_family("run", lambda text: _run(_count(text)))
