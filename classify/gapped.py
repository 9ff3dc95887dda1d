"""Counts of letter words that do not depend on the strand: k-mers and gapped k-mers. Numbers of windows; nothing is fitted.

A gapped k-mer is k letters at fixed places within a span of l, the others being free (Ghandi et al. 2014, PLoS Comput. Biol.
10:e1003711). Here they are plain features, of which those that differ most between classes are kept: gkm-like, and not
gkm-SVM, whose kernel takes them all with mismatches weighted, and whose machine is a support vector one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from classify.coding_potential import kmer_numbers
from specgen.sequences import Codes

__all__ = ["canonical_kmers", "gapped_words", "most_different", "patterns", "word_shares"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AT_ONCE = 1 << 16
"""Letters whose words are held together: 21 words a letter are 11 MB."""

LEAST = 20
"""A word that occurs less often than this in training is not looked at."""


def canonical_kmers(k: int) -> tuple[Ints, Ints]:
    """The k-mers that are no larger than their reverse complement, as base-4 numbers, and the reverse complement of all.

    int64 ((4**k + p) / 2,) with p palindromes, and int64 (4**k,).
    """
    numbers = np.arange(4**k)
    turned = np.zeros_like(numbers)
    for place in range(k):
        turned = turned * 4 + 3 - numbers // 4**place % 4
    return np.flatnonzero(numbers <= turned), turned


def patterns(span: int, k: int) -> list[tuple[int, ...]]:
    """The ways to place ``k`` letters within ``span`` places, the first at 0: those that are shifted are the same pattern."""
    return [(0, *rest) for rest in combinations(range(1, span), k - 1)]


def gapped_words(windows: Codes, span: int, k: int) -> Ints:
    """The gapped k-mers of windows, every one as a number that is the same on both strands.

    Parameters
    ----------
    windows
        uint8 (B, L).
    span, k
        Places of a word at most, and letters in it.

    Returns
    -------
    Ints
        int64 (B, m), from 0 to ``len(patterns(span, k)) * 4**k`` - 1; -1 where a letter is ambiguous or padding.
    """
    digits = kmer_numbers(windows, 1)
    forms = patterns(span, k)
    number = {form: i * 4**k for i, form in enumerate(forms)}
    weights = 4 ** np.arange(k - 1, -1, -1)
    found = []
    for form in forms:
        places = max(0, digits.shape[1] - form[-1])
        letters = np.stack([digits[:, offset : offset + places] for offset in form])
        clean = (letters >= 0).all(axis=0)
        other = tuple(form[-1] - offset for offset in reversed(form))
        here = number[form] + np.tensordot(weights, letters, 1)
        there = number[other] + np.tensordot(weights, 3 - letters[::-1], 1)
        found.append(np.where(clean, np.minimum(here, there), -1))
    return np.concatenate(found, axis=1)


def word_shares(words: Ints, columns: Ints, count: int) -> Floats:
    """(B, count) how often each kept word occurs, as a share of all words of the window.

    Parameters
    ----------
    words
        int64 (B, m), -1 = none.
    columns
        int64 (number of words,) the column of each, -1 for one that is not kept.
    """
    rows = np.broadcast_to(np.arange(len(words))[:, None], words.shape)
    column = np.where(words >= 0, columns[words], -1)
    kept = column >= 0
    counts = np.bincount(rows[kept] * count + column[kept], minlength=len(words) * count).reshape(len(words), count)
    shares: Floats = counts / np.maximum((words >= 0).sum(axis=1), 1)[:, None]
    return shares


def most_different(sequences: Sequence[Codes], positive: NDArray[np.bool_], span: int, k: int, most: int) -> list[int]:
    """The words whose mean counts in the two classes lie most standard deviations apart; ascending, ``most`` at most.

    Two passes of sums, so memory does not grow with the number of sequences. The standard deviation is that of counts
    over all sequences.
    """
    size = len(patterns(span, k)) * 4**k
    sums, squares = np.zeros((2, size)), np.zeros(size)
    for label, windows in _batches(sequences, positive):
        words = gapped_words(windows, span, k)
        rows = np.broadcast_to(np.arange(len(words))[:, None], words.shape)
        pairs, counts = np.unique((rows * size + words)[words >= 0], return_counts=True)
        which = pairs % size
        sums[label] += np.bincount(which, counts, minlength=size)
        squares += np.bincount(which, counts.astype(np.float64) ** 2, minlength=size)
    n = np.maximum(np.array([(~positive).sum(), positive.sum()]), 1)
    total = max(1, len(positive))
    variance = squares / total - (sums.sum(axis=0) / total) ** 2
    apart = np.abs(sums[1] / n[1] - sums[0] / n[0]) / np.sqrt(np.maximum(variance, 1e-12))
    apart[sums.sum(axis=0) < LEAST] = 0
    order = np.argsort(-apart, kind="stable")[:most]
    kept: list[int] = np.sort(order[apart[order] > 0]).tolist()
    return kept


def _batches(sequences: Sequence[Codes], positive: NDArray[np.bool_]) -> Iterator[tuple[int, Codes]]:
    """Label and letters (B, longest) of sequences of one class, the shorter ones padded; ``AT_ONCE`` letters, or one record."""
    lengths = np.array([len(codes) for codes in sequences], dtype=np.int64)
    for label in (0, 1):
        own = np.flatnonzero(positive == bool(label))
        own = own[np.argsort(lengths[own], kind="stable")]
        while len(own):
            # Ascending lengths: the longest of the first n is the n-th.
            fits = np.flatnonzero(lengths[own] * np.arange(1, len(own) + 1) <= AT_ONCE)
            count = int(fits[-1]) + 1 if len(fits) else 1
            table = np.zeros((count, int(lengths[own[count - 1]])), dtype=np.uint8)
            for row, i in zip(table, own[:count].tolist(), strict=True):
                row[: lengths[i]] = sequences[i]
            own = own[count:]
            yield label, table
