"""Markov chains of long contexts: every order from 0 to 20 at once, so that repeats of a genome are told by what followed before.

Tables of all words end at a dozen letters. Here the learnt letters lie sorted by what stands before them, the nearest letter
first, so that the contexts of any order are one stretch of that list, and two searches count what followed one. Memory is 24
bytes a learnt letter and strand. NumPy and SciPy only; no files.

The orders are interpolated as in ``classify.language.markov``, but each has a weight of its own: behind twelve letters a
count says little, behind twenty the first one says nearly all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specgen.errors import InputError
from specgen.sequences import DIGITS, Codes

__all__ = ["LONGEST", "Contexts", "Followers", "bits_of", "choose_weights"]

LONGEST = 20
"""Highest order: letters of three bits, the blank among them, in a word of 64."""

FITTED = 200_000
"""Bases that weights are chosen on at most, evenly spread."""

_COMPLEMENT = np.array([3, 2, 1, 0, 4])


@dataclass(frozen=True)
class Followers:
    """What was seen behind the contexts of some bases, for each order from 0 up.

    Attributes
    ----------
    right
        float32 (orders, n): how often the base itself.
    total
        float32 (orders, n): how often any; 0 behind a context that is not known whole.
    """

    right: NDArray[np.float32]
    total: NDArray[np.float32]

    def thinned(self, most: int) -> Followers:
        """At most so many of the bases, evenly spread."""
        step = -(-self.right.shape[1] // most)
        return Followers(self.right[:, ::step], self.total[:, ::step])


class Contexts:
    """Letters that are learnt from, sorted by what stands before them.

    Parameters
    ----------
    learnt
        Stretches of letters, uint8 codes, each with whether it is its other strand that is learnt. No context reaches over
        the end of a stretch or an ambiguous letter, and no ambiguous letter is learnt.
    """

    def __init__(self, learnt: Iterable[tuple[Codes, bool]]) -> None:
        parts = [np.zeros(0, dtype=np.int64)]
        for codes, turned in learnt:
            digits = DIGITS[codes]
            digits = _COMPLEMENT[digits[::-1]] if turned else digits
            known = digits < 4
            parts.append(4 * _words(digits)[known] + digits[known])
        words = np.sort(np.concatenate(parts))
        self._words = words >> 2
        self._before = np.zeros((len(words) + 1, 4), dtype=np.int32)
        for base in range(4):
            np.cumsum(words & 3 == base, out=self._before[1:, base])

    def __len__(self) -> int:
        return len(self._words)

    def followers(self, stretches: Sequence[Codes], least: int, most: int = LONGEST) -> Followers:
        """What was learnt behind the contexts of all known bases with at least ``least`` known letters before them.

        Raises
        ------
        InputError
            An order above ``LONGEST``, or no such base.
        """
        if not 0 <= least <= most <= LONGEST:
            raise InputError(f"orders of contexts: expected 0 to {LONGEST}, got {least} to {most}")
        asked = [_asked(DIGITS[codes], least) for codes in (np.zeros(0, dtype=np.uint8), *stretches)]
        words, bases, lengths = (np.concatenate(some) for some in zip(*asked, strict=True))
        n = len(bases)
        if not n:
            raise InputError(f"contexts: no known base has {least} known letters before it")
        found = Followers(*(np.zeros((most + 1, n), dtype=np.float32) for _ in range(2)))
        order = np.argsort(words, kind="stable")  # neighbours are found near each other
        words, bases, lengths = words[order], bases[order], lengths[order]
        for letters in range(most + 1):
            whole = lengths >= letters
            counts = self._behind(words[whole], letters)
            places = order[whole]
            found.right[letters, places] = counts[np.arange(len(places)), bases[whole]]
            found.total[letters, places] = counts.sum(axis=1)
        return found

    def _behind(self, words: NDArray[np.int64], letters: int) -> NDArray[np.int32]:
        """(n, 4) bases behind all contexts that end like each word."""
        step = 1 << 3 * (LONGEST - letters)
        low = words & -step
        first, last = (np.searchsorted(self._words, edge) for edge in (low, low + step))
        counts: NDArray[np.int32] = self._before[last] - self._before[first]
        return counts


def _words(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ``LONGEST`` letters before each place, the nearest in the highest bits, blanks before the first."""
    padded = np.concatenate([np.full(LONGEST, 4, dtype=np.int64), digits])
    n = len(digits)
    words = np.zeros(n, dtype=np.int64)
    for back in range(1, LONGEST + 1):
        words = 8 * words + padded[LONGEST - back : LONGEST - back + n]
    return words


def _asked(digits: NDArray[np.int64], least: int) -> tuple[NDArray[np.int64], ...]:
    """Words, bases and known letters before them, of the bases that are to be told."""
    places = np.arange(len(digits))
    unknown = np.where(digits == 4, places, -1)
    nearest = np.concatenate([[-1], np.maximum.accumulate(unknown)[:-1]]) if len(digits) else places
    lengths = places - nearest - 1
    kept = (digits < 4) & (lengths >= least)
    return _words(digits)[kept], digits[kept], lengths[kept]


def bits_of(found: Followers, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) bits of each base under the chain of all orders.

    Parameters
    ----------
    weights
        (orders,): virtual counts of each order, spread as the next shorter context says.
    """
    return -np.log2(_chain(found, weights)[-1])


def _chain(found: Followers, weights: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Probability of each base without any letter, and with contexts of each order."""
    chain = [np.full(found.right.shape[1], 0.25)]
    for right, total, weight in zip(found.right, found.total, weights, strict=True):
        chain.append((right + weight * chain[-1]) / (total + weight))
    return chain


def choose_weights(validation: Followers) -> NDArray[np.float64]:
    """(orders,) the weights that need the fewest bits on validation bases, found by L-BFGS in their logarithms."""
    from scipy.optimize import minimize  # settings of this task are read without SciPy

    found = validation.thinned(FITTED)

    def cost(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = np.exp(logs)
        chain = _chain(found, weights)
        slope = -1 / chain[-1]  # of nats, by each order's probability
        gradient = np.zeros_like(weights)
        for order in range(len(weights) - 1, -1, -1):
            slope = slope * weights[order] / (found.total[order] + weights[order])
            gradient[order] = slope @ (chain[order] - chain[order + 1])
        return float(-np.log(chain[-1]).mean()), gradient / len(slope)

    orders = len(found.right)
    edges = [(np.log(1e-3), np.log(1e5))] * orders
    best = minimize(cost, np.full(orders, np.log(16.0)), jac=True, method="L-BFGS-B", bounds=edges)
    weights: NDArray[np.float64] = np.exp(best.x)
    return weights
