"""Position weight matrices around the centre of a window: what a splice site looks like, one place at a time.

NumPy on whole batches of windows. Log odds in bits, as Staden 1984 (Nucleic Acids Res. 12:505) has them and Shapiro &
Senapathy 1987 (Nucleic Acids Res. 15:7155) used them for splice sites. The window's centre, index L // 2, is the site: the
exon's first letter. What learns from which examples lives in ``baselines``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specgen.sequences import INDICATORS, Codes

__all__ = ["FIRST", "LAST", "matrix_score", "weight_matrix"]

Floats = NDArray[np.float64]

FIRST, LAST = -40, 20
"""Places of the matrix, relative to the exon's first letter, both included. An acceptor site's branch point lies within about
40 nt of the intron's end, its pyrimidines and AG between; past 20 letters of exon there is no more site to see."""

PSEUDOCOUNT = 4.0
"""Letters added to each place, shared out by the background: a base never seen at a place of n sequences weighs about
log2(4 / n) bits and not minus infinity."""


def weight_matrix(
    positives: Sequence[Codes], negatives: Sequence[Codes], first: int = FIRST, last: int = LAST
) -> dict[str, Any]:
    """The matrix of records with the site at their centre, against the letters of other records.

    Parameters
    ----------
    positives
        uint8 (L,) each, L of any size; a place outside a record is not counted.
    negatives
        All their letters make the background, with ``PSEUDOCOUNT`` letters of equal bases added.

    Returns
    -------
    dict
        ``first`` and ``weights``: for each place log2 of share over background of A, C, G, T, in bits.
    """
    letters = np.full(4, PSEUDOCOUNT / 4)
    for codes in negatives:
        letters += np.bincount(codes, minlength=16) @ INDICATORS.astype(np.float64)
    background = letters / letters.sum()
    counts = np.tile(PSEUDOCOUNT * background, (last - first + 1, 1))
    for codes in positives:
        begin, end, skipped = _span(len(codes), first, last - first + 1)
        counts[skipped : skipped + end - begin] += INDICATORS[codes[begin:end]]
    weights = np.log2(counts / counts.sum(axis=1, keepdims=True) / background)
    return {"first": first, "weights": weights.tolist()}


def matrix_score(windows: Codes, matrix: Mapping[str, Any]) -> Floats:
    """(B,) log odds [bits] of windows uint8 (B, L) with the would-be site at their centre.

    An ambiguity letter gets the mean of its bases' weights; padding, and a place outside the window, none.
    """
    weights = np.array(matrix["weights"], dtype=np.float64)
    begin, end, skipped = _span(windows.shape[1], int(matrix["first"]), len(weights))
    of_codes = weights[skipped : skipped + end - begin] @ INDICATORS.T.astype(np.float64)
    score: Floats = of_codes[np.arange(end - begin), windows[:, begin:end]].sum(axis=1)
    return score


def _span(length: int, first: int, places: int) -> tuple[int, int, int]:
    """Begin and end in a window of ``length`` letters of the places that lie in it, and how many come before them."""
    begin = length // 2 + first
    end = max(0, min(length, begin + places))
    return min(max(0, begin), end), end, max(0, -begin)
