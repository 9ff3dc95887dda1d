"""The three forward reading frames of a window: stop codons, ATG, and the longest open reading frame. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specgen.sequences import Codes, encode

__all__ = ["Frames", "read_frames"]

STOPS = tuple(encode(codon) for codon in ("TAA", "TAG", "TGA"))
START = encode("ATG")


@dataclass(frozen=True)
class Frames:
    """What stands in the frames of a window of L nt; frame f begins at letters f, f + 3, ...

    Attributes
    ----------
    stops, starts
        int (n,) each: 0-based first letters of TAA, TAG or TGA, and of ATG, in all frames, ascending. An ambiguity letter
        is in none.
    longest
        0-based half-open interval of the longest stretch from an ATG to the first stop codon in frame, that one included, or
        to the last whole codon where the window ends before; (0, 0) where there is no ATG.
    """

    stops: NDArray[np.int64]
    starts: NDArray[np.int64]
    longest: tuple[int, int]


def read_frames(codes: Codes) -> Frames:
    """Codons of a window, uint8 (L,); see ``Frames``."""
    starts = _places(codes, START)
    stops = np.sort(np.concatenate([_places(codes, stop) for stop in STOPS]))
    longest = (0, 0)
    for frame in range(3):
        begins, ends = (places[places % 3 == frame] for places in (starts, stops))
        last = frame + (len(codes) - frame) // 3 * 3
        following = np.append(ends + 3, last)[np.searchsorted(ends, begins)]
        for begin, end in zip(begins.tolist(), following.tolist(), strict=True):
            if end - begin > longest[1] - longest[0]:
                longest = begin, end
    return Frames(stops, starts, longest)


def _places(codes: Codes, codon: Codes) -> NDArray[np.int64]:
    if len(codes) < 3:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero((np.lib.stride_tricks.sliding_window_view(codes, 3) == codon).all(axis=1))
