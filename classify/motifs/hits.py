"""Where motifs lie in windows: log odds at every place of both strands, with exact p-values.

FIMO's question (Grant et al. 2011, Bioinformatics 27:1017), for many equal windows at once. Weights are rounded to a grid, so
that a score is a whole number, its distribution over random letters is counted exactly by dynamic programming (Staden 1989,
Comput. Appl. Biosci. 5:89), and threshold and p-value hold for the very scores that are computed. memelite's FIMO knows
equal base frequencies only and scores an N like an average letter, which is why it is not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import int64
from numba.typed import List
from numpy.typing import NDArray

from classify.motifs.matrices import PSEUDOCOUNT, UNIFORM, Floats, Motif
from specgen.errors import InputError
from specgen.sequences import INDICATORS, Codes
from specgen.sliding import compiled

__all__ = ["STEP", "Hits", "scan_windows", "score_tail"]

STEP = 0.01
"""Bits of one step of the grid."""

BARRED = -(1 << 24)
"""Weight of a block with a letter that is none of A, C, G, T, in steps: no score with one reaches any threshold."""

BLOCK = 5
"""Letters that are looked up together."""


@dataclass(frozen=True)
class Hits:
    """Places that score as only ``threshold`` of random ones do; columns of equal length, ordered by motif, window, start.

    Attributes
    ----------
    motif, window, start
        int64: index of the motif and of the window, and 0-based place in the window of the site's first letter on the given
        strand's left end.
    strand
        int8: +1, or -1 where the site reads on the other strand.
    score
        float64: log odds, bits.
    p
        float64: chance of such a score at one place of one strand.
    """

    motif: NDArray[np.int64]
    window: NDArray[np.int64]
    start: NDArray[np.int64]
    strand: NDArray[np.int8]
    score: Floats
    p: Floats

    def __len__(self) -> int:
        """Hits."""
        return len(self.motif)


def score_tail(weights: NDArray[np.int64], background: Floats = UNIFORM) -> tuple[int, Floats]:
    """The exact chance of reaching each score with random letters.

    Parameters
    ----------
    weights
        int64 (w, 4).
    background
        Chances of the letters, independent of each other.

    Returns
    -------
    int, float64 (n,)
        The smallest score, and at index i the chance of that plus i or more.
    """
    lowest = int(weights.min(axis=1).sum())
    chances = np.ones(1)
    for row in weights - weights.min(axis=1, keepdims=True):
        wider = np.zeros(len(chances) + int(row.max()))
        for shift, share in zip(row.tolist(), background, strict=True):
            wider[shift : shift + len(chances)] += share * chances
        chances = wider
    tail: Floats = np.cumsum(chances[::-1])[::-1]
    return lowest, np.minimum(tail, 1.0)


def scan_windows(
    windows: Codes, motifs: Sequence[Motif], *, threshold: float = 1e-4, background: Floats = UNIFORM,
    pseudocount: float = PSEUDOCOUNT, both: bool = True,
) -> Hits:  # fmt: skip
    """Every place of every window that a motif scores with a p-value of at most ``threshold``.

    Parameters
    ----------
    windows
        uint8 (n, L). A site with an ambiguity letter or padding in it is none.
    background
        Of the log odds and of the p-values.
    both
        Score the other strand, too. A palindrome is hit on both.

    Raises
    ------
    InputError
        A threshold outside 0 to 1, a background without all four bases.
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold: expected above 0 and at most 1, got {threshold}")
    if not (background > 0).all():
        raise InputError(f"background: expected shares above 0 of all four bases, got {background.tolist()}")
    groups: dict[int, list[_Strand]] = {}
    for number, motif in enumerate(motifs):
        weights = np.rint(motif.log_odds(background, pseudocount) / STEP).astype(np.int64)
        if len(motif) > windows.shape[1]:
            continue
        for strand, matrix in ((1, weights), (-1, weights[::-1, ::-1])) if both else ((1, weights),):
            # Each strand has its own distribution where the bases are not as frequent as their complements.
            groups.setdefault(len(motif), []).append(_Strand(number, strand, matrix, *score_tail(matrix, background)))
    codes = {block: _block_codes(windows, block) for block in {min(BLOCK, width) for width in groups}}
    found = [
        part
        for width, group in groups.items()
        for part in _scan(codes[min(BLOCK, width)], windows.shape[1], group, threshold)
    ]
    columns = [np.concatenate(column) for column in zip(*found, strict=True)] if found else [np.zeros(0)] * 6
    motif_of, window, start, strands, score, p = columns
    order = np.lexsort((-strands, start, window, motif_of))
    return Hits(
        motif_of[order].astype(np.int64), window[order].astype(np.int64), start[order].astype(np.int64),
        strands[order].astype(np.int8), score[order] * STEP, p[order],
    )  # fmt: skip


class _Strand(NamedTuple):
    """A matrix as it reads on one strand, in steps, and the distribution of its scores (see ``score_tail``)."""

    number: int
    strand: int
    weights: NDArray[np.int64]
    lowest: int
    tail: Floats

    def cutoff(self, threshold: float) -> int | None:
        """The smallest score whose chance is at most ``threshold``; None where none is."""
        fine = np.flatnonzero(self.tail <= threshold)
        return self.lowest + int(fine[0]) if len(fine) else None


def _scan(
    codes: NDArray[np.int16], length: int, group: Sequence[_Strand], threshold: float
) -> Iterator[tuple[NDArray[np.generic], ...]]:
    """Hits of matrices of one width in ``_block_codes`` of windows: motif, window, start, strand, score in steps, p."""
    width = len(group[0].weights)
    for one in group:
        cutoff = one.cutoff(threshold)
        if cutoff is None:
            continue
        tables, starts, rest = _tables(one.weights, min(BLOCK, width))
        rows, places, values = _passing(codes, length - width + 1, tables, starts, rest, cutoff)
        n = len(rows)
        yield np.full(n, one.number), rows, places, np.full(n, one.strand), values, one.tail[values - one.lowest]


def _block_codes(windows: Codes, block: int) -> NDArray[np.int16]:
    """(n, L - block + 1): the letters of a block as a number of base 4, ``4**block`` where one is none of A, C, G, T."""
    plain = INDICATORS.max(axis=1) == 1
    digit = np.where(plain, INDICATORS.argmax(axis=1), 0).astype(np.int16)
    digits, barred = digit[windows], ~plain[windows]
    places = windows.shape[1] - block + 1
    codes = np.zeros((len(windows), places), dtype=np.int16)
    other = np.zeros(codes.shape, dtype=bool)
    for i in range(block):
        codes *= 4
        codes += digits[:, i : i + places]
        other |= barred[:, i : i + places]
    codes[other] = 4**block
    return codes


def _tables(weights: NDArray[np.int64], block: int) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Sums of the weights of blocks of columns, by the number of their letters; where the blocks begin; what is to come.

    The block that tells most comes first, so that most places are given up after one look. The last one may overlap the
    one before, whose columns then count nothing in it.
    """
    width = len(weights)
    pieces = []
    for start in range(0, width, block):
        begin = min(start, width - block)
        columns = np.where(np.arange(begin, begin + block)[:, None] >= start, weights[begin : begin + block], 0)
        table = np.zeros(1, dtype=np.int64)
        for row in columns:
            table = (table[:, None] + row).ravel()
        pieces.append((begin, np.append(table, BARRED).astype(np.int32)))
    pieces.sort(key=lambda piece: piece[1][:-1].mean() - piece[1][:-1].max())
    best = np.array([table.max() for _, table in pieces], dtype=np.int32)
    rest = (best.sum() - np.cumsum(best)).astype(np.int32)
    return np.stack([table for _, table in pieces]), np.array([begin for begin, _ in pieces]), rest


@compiled
def _passing(
    codes: NDArray[np.int16],
    places: int,
    tables: NDArray[np.int32],
    starts: NDArray[np.int64],
    rest: NDArray[np.int32],
    cutoff: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, place and score of all places that reach the cutoff; one is given up once the best of the rest would not."""
    rows, found, values = List.empty_list(int64), List.empty_list(int64), List.empty_list(int64)
    first, begin, least = tables[0], starts[0], cutoff - rest[0]
    for row in range(codes.shape[0]):
        of = codes[row]
        for place in range(places):
            total = first[of[place + begin]]
            if total < least:
                continue
            index = 1
            while index < len(starts):
                total += tables[index, of[place + starts[index]]]
                if total + rest[index] < cutoff:
                    break
                index += 1
            if index == len(starts):
                rows.append(row)
                found.append(place)
                values.append(total)
    n = len(rows)
    told = np.empty((3, n), dtype=np.int64)
    for i in range(n):
        told[0, i], told[1, i], told[2, i] = rows[i], found[i], values[i]
    return told[0], told[1], told[2]
