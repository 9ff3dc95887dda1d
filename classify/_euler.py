"""The compiled Euler shuffle behind ``controls``. Nothing but arithmetic on letters.

Random numbers are SplitMix64's (Steele et al. 2014, OOPSLA, 453): numba takes half a minute to compile NumPy's generators.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specgen.sequences import Codes, between_blanks
from specgen.sliding import compiled

__all__ = ["euler_shuffle", "shuffled_anew"]

LETTERS = 16


def euler_shuffle(codes: Codes, rng: np.random.Generator) -> Codes:
    """A sequence with the same counts of every pair of neighbours, drawn uniformly; its first and last letter stay.

    Parameters
    ----------
    codes
        uint8 (n,), values below 16; an ambiguity letter is a letter of its own.
    rng
        Moves by one number.

    Returns
    -------
    Codes
        uint8 (n,). Sequences of up to two letters come back as they are.
    """
    state = rng.integers(2**64, size=1, dtype=np.uint64)
    return _shuffled(np.ascontiguousarray(codes), state) if len(codes) > 2 else codes.copy()


def shuffled_anew(windows: Codes, numbers: NDArray[np.uint64]) -> Codes:
    """Each window's letters between the blanks at its ends by ``euler_shuffle``.

    Parameters
    ----------
    windows
        uint8 (B, L).
    numbers
        uint64 (B,) what each shuffle is drawn by.

    Returns
    -------
    Codes
        uint8 (B, L).
    """
    shuffled = windows.copy()
    for row, number in zip(shuffled, numbers, strict=True):
        inner = between_blanks(row)
        if inner.stop - inner.start > 2:
            row[inner] = _shuffled(row[inner].copy(), np.array([number], dtype=np.uint64))
    return shuffled


@compiled
def _below(count: int, state: NDArray[np.uint64]) -> int:
    """A number from 0 to ``count`` - 1, and the state (1,) moved on."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    mixed = state[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return int(float(mixed >> np.uint64(11)) * 2.0**-53 * count)


@compiled
def _shuffled(codes: Codes, state: NDArray[np.uint64]) -> Codes:
    n = len(codes)
    # Edges by the letter they leave: followers[starts[a] : starts[a + 1]] are the letters after each a.
    starts = np.zeros(LETTERS + 1, dtype=np.int64)
    for i in range(n - 1):
        starts[codes[i] + 1] += 1
    for letter in range(LETTERS):
        starts[letter + 1] += starts[letter]
    filled = starts[:LETTERS].copy()
    followers = np.empty(n - 1, dtype=np.uint8)
    for i in range(n - 1):
        followers[filled[codes[i]]] = codes[i + 1]
        filled[codes[i]] += 1

    last: NDArray[np.int64] = _last_edges(starts, followers, codes[n - 1], state)
    for letter in range(LETTERS):
        low, high = starts[letter], starts[letter + 1]
        if last[letter] >= 0:
            high -= 1
            followers[last[letter]], followers[high] = followers[high], followers[last[letter]]
        for i in range(high - 1, low, -1):  # Fisher-Yates, all but the last edge
            j = low + _below(i + 1 - low, state)
            followers[i], followers[j] = followers[j], followers[i]

    shuffled = np.empty(n, dtype=np.uint8)
    shuffled[0] = codes[0]
    used = starts[:LETTERS].copy()
    for i in range(1, n):
        letter = shuffled[i - 1]
        shuffled[i] = followers[used[letter]]
        used[letter] += 1
    return shuffled


@compiled
def _last_edges(
    starts: NDArray[np.int64], followers: NDArray[np.uint8], root: int, state: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """(16,) the edge by which each letter is left for the last time: a uniform spanning tree into ``root``; -1 = none.

    Wilson's algorithm: from each letter walk at random until the tree is met; the last exits of the walk join the tree.
    """
    last = np.full(LETTERS, -1, dtype=np.int64)
    done = np.zeros(LETTERS, dtype=np.bool_)
    done[root] = True
    for letter in range(LETTERS):
        if starts[letter] == starts[letter + 1]:
            continue
        at = letter
        while not done[at]:
            last[at] = starts[at] + _below(starts[at + 1] - starts[at], state)
            at = followers[last[at]]
        at = letter
        while not done[at]:
            done[at] = True
            at = followers[last[at]]
    return last
