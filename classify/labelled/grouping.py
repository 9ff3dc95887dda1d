"""What is the same sequence on either strand, and how much of a test set a training set has seen. Letters only.

Neither knows of labels. Sequences are compared as the smaller of their two strands, so that a record and its reverse
complement are one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classify.digests import digest
from specgen.sequences import Codes, reverse_complement

__all__ = ["sharing", "strandless_digest"]

_BASE = np.uint64(0x9E3779B97F4A7C15)


def strandless_digest(codes: Codes) -> bytes:
    """16-byte hash of the letters (n,), the same for the reverse complement."""
    other = np.ascontiguousarray(reverse_complement(codes))
    return digest(min(codes, other, key=lambda strand: strand.tobytes()))


def sharing(queries: Sequence[Codes], others: Sequence[Codes], k: int) -> NDArray[np.bool_]:
    """(len(queries),) which sequences share a stretch of ``k`` letters, on either strand, with one of ``others``.

    Stretches are compared by 64-bit polynomial hashes: a chance hit among n x m stretches has probability n m / 2^64.
    Padding matches nothing. A sequence shorter than ``k`` shares nothing.
    """
    seen = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *(_hashes(codes, k) for codes in others)]))
    found = np.zeros(len(queries), dtype=bool)
    for i, codes in enumerate(queries):
        turned = np.ascontiguousarray(reverse_complement(codes))
        found[i] = any(_any_in(_hashes(strand, k), seen) for strand in (codes, turned))
    return found


def _any_in(values: NDArray[np.uint64], ascending: NDArray[np.uint64]) -> bool:
    """Whether any value is in a sorted array."""
    if not len(ascending):
        return False
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return bool((ascending[at] == values).any())


def _hashes(codes: Codes, k: int) -> NDArray[np.uint64]:
    """Hash of every stretch of ``k`` letters of one sequence that holds no padding."""
    if len(codes) < k:
        return np.zeros(0, dtype=np.uint64)
    powers = np.full(k, _BASE, dtype=np.uint64)
    with np.errstate(over="ignore"):
        powers = np.cumprod(powers)
        stretches = np.lib.stride_tricks.sliding_window_view(codes, k)
        hashes: NDArray[np.uint64] = stretches.astype(np.uint64) @ powers
    return hashes[(stretches > 0).all(axis=1)]
