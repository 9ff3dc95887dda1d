"""Markov chains of the next base: counts of words of a genome's training letters, and the perplexity that they reach.

A word of k + 1 letters is a context of k and the base behind it. All orders score the same bases, those with ``most``
letters before them in their block, so that they can be compared. Memory is a few tables of 4^(k+1) numbers, whatever the
genome's length. NumPy only; no files.

Interpolation: a context's counts are joined by ``weight`` virtual ones that are spread as the next shorter context says
(MacKay & Peto 1995, Natural Language Engineering 1:289), down to a quarter for each base.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specgen.errors import InputError
from specgen.sequences import DIGITS, Codes

__all__ = [
    "MOST",
    "Counts",
    "Fit",
    "Score",
    "bits",
    "choose",
    "count_words",
    "of_order",
    "other_strand",
    "probabilities",
]

MOST = 12
"""Highest order: 4^13 counts are half a gigabyte."""

PIECE = 1 << 20
"""Letters whose words are counted at once."""

Counts = NDArray[np.int64]


def count_words(codes: Codes, order: int) -> Counts:
    """How often each word of ``order`` + 1 letters occurs.

    Parameters
    ----------
    codes
        uint8 (n,). Words with an ambiguous letter are left out.
    order
        0 to ``MOST``.

    Returns
    -------
    NDArray
        int64 (4,) * (order + 1), axes from the first letter to the last, A, C, G, T along each.
    """
    if not 0 <= order <= MOST:
        raise InputError(f"order of a Markov chain: expected 0 to {MOST}, got {order}")
    size = 4 ** (order + 1)
    counts = np.zeros(size, dtype=np.int64)
    for low in range(0, max(0, len(codes) - order), PIECE):
        digits = DIGITS[codes[low : low + PIECE + order]]
        n = len(digits) - order
        words, known = np.zeros(n, dtype=np.int64), np.ones(n, dtype=bool)
        for place in range(order + 1):
            letters = digits[place : place + n]
            words = 4 * words + letters
            known &= letters < 4
        counts += np.bincount(words[known], minlength=size)
    return counts.reshape((4,) * (order + 1))


def other_strand(counts: Counts) -> Counts:
    """The counts of the same letters read from the other strand: words backwards, each letter complemented."""
    turned: Counts = np.flip(counts.transpose())  # A, C, G, T backwards are their complements
    return turned


def of_order(counts: Counts, order: int) -> Counts:
    """Counts of words of ``order`` + 1 letters from those of longer ones: sums over the letters furthest away."""
    shorter: Counts = counts.sum(axis=tuple(range(counts.ndim - 1 - order)))
    return shorter


def probabilities(counts: Counts, weight: float, *, interpolated: bool) -> NDArray[np.float64]:
    """Probability of each base behind each context, in the shape of ``counts``; sums to 1 along the last axis.

    Parameters
    ----------
    weight
        Above 0. Plain: virtual counts of each base behind each context (additive smoothing). Interpolated: of all four
        together, spread as the next shorter context says.
    """
    if not interpolated:
        found: NDArray[np.float64] = (counts + weight) / (counts.sum(axis=-1, keepdims=True) + 4 * weight)
        return found
    table = np.full(4, 0.25)
    for order in range(counts.ndim):
        words = of_order(counts, order)
        table = (words + weight * table) / (words.sum(axis=-1, keepdims=True) + weight)
    return table


def bits(table: NDArray[np.float64], counts: Counts) -> float:
    """Bits that a chain of the given probabilities needs for all bases that ``counts`` counts."""
    words = of_order(counts, table.ndim - 1)
    seen = words > 0
    return float(-(words[seen] * np.log2(table[seen])).sum())


@dataclass(frozen=True)
class Fit:
    """How a chain is smoothed: its order, and the weight of ``probabilities``."""

    order: int
    weight: float
    interpolated: bool

    def table(self, training: Counts) -> NDArray[np.float64]:
        """Its probabilities, from counts of at least its order."""
        return probabilities(of_order(training, self.order), self.weight, interpolated=self.interpolated)


@dataclass(frozen=True)
class Score:
    """Of one chain: bits a base on validation and on test letters."""

    fit: Fit
    validation: float
    test: float

    @property
    def perplexity(self) -> float:
        """On the test letters: 2 to the bits a base, 1 to 4 and above."""
        return math.pow(2.0, self.test)


def choose(
    training: Counts,
    validation: Counts,
    test: Counts,
    orders: Iterable[int],
    weights: Sequence[float],
    *,
    interpolated: bool,
) -> list[Score]:
    """Each order with the weight that is best on validation, scored once on the test letters.

    Parameters
    ----------
    training, validation, test
        Counts of words of one length, that of the highest order or longer.

    Raises
    ------
    InputError
        Nothing to score: validation or test hold no whole word.
    """
    n_validation, n_test = int(validation.sum()), int(test.sum())
    if not n_validation or not n_test:
        raise InputError(
            f"Markov chains: no base has {training.ndim - 1} known letters before it in the validation or test blocks"
        )
    found = []
    for order in orders:
        fits = [Fit(order, weight, interpolated) for weight in weights]
        needed = [bits(fit.table(training), validation) / n_validation for fit in fits]
        best = int(np.argmin(needed))
        found.append(Score(fits[best], needed[best], bits(fits[best].table(training), test) / n_test))
    return found
