"""What is the same sequence on either strand, what shares a long stretch, how much of a test training has seen. Letters only.

Neither knows of labels. Sequences are compared as the smaller of their two strands, so that a record and its reverse
complement are one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classify.digests import digest
from specgen.sequences import Codes, reverse_complement

__all__ = ["linked", "sharing", "strandless_digest"]

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


def linked(sequences: Sequence[Codes], k: int) -> list[str]:
    """Names (n,), one for sequences that share a stretch of ``k`` letters on either strand, directly or through others.

    Stretches are compared as in ``sharing``; empty where a sequence has none.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(sequences)
    found = [_strandless_hashes(codes, k) for codes in sequences]
    owners = np.repeat(np.arange(n), [len(hashes) for hashes in found])
    if not len(owners):
        return [""] * n
    distinct, number = np.unique(np.concatenate(found), return_inverse=True)
    size = n + len(distinct)
    links = coo_array((np.ones(len(owners), dtype=np.int8), (owners, n + number)), shape=(size, size))
    _, component = connected_components(links, directed=False)
    return [str(component[i]) if len(found[i]) else "" for i in range(n)]


def _strandless_hashes(codes: Codes, k: int) -> NDArray[np.uint64]:
    """Of every stretch of one sequence that holds no padding the smaller hash of its two strands, each once."""
    turned = np.ascontiguousarray(reverse_complement(codes))
    return np.unique(np.minimum(_hashes(codes, k), _hashes(turned, k)[::-1]))


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
