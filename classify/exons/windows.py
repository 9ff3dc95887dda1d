"""Windows of a contig around places on both strands, cut in slices, and what is known of them without cutting.

Positions are 1-based places of the letter in the middle. NumPy only; what the windows are examples of is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specgen.sequences import Codes, encode, gather_windows, reverse_complement

__all__ = ["ACCEPTOR_END", "LEAST_BEHIND_AG", "SLICE", "AmbiguousRuns", "cut_windows", "gc_counts", "preceded"]

SLICE = 4096
"""Windows held in memory at once."""

_PIECE = 1 << 24
_GC = np.array([code in (2, 4, 6) for code in range(16)], dtype=np.uint8)
"""C, G, and S, which is one of them."""

ACCEPTOR_END = encode("AG")
"""How some 99 % of the introns of animals, plants and yeasts end (Burset, Seledtsov & Solovyev 2000, Nucleic Acids Res.
28:4364)."""

LEAST_BEHIND_AG = 0.8
"""Share of acceptors behind AG below which annotation and genome are doubted to be of one species and release; of all places 6 %
are."""


def cut_windows(codes: Codes, positions: NDArray[np.int64], strands: NDArray[np.int8], width: int) -> Codes:
    """The window of each place, read on its strand.

    Parameters
    ----------
    codes
        uint8 (length,) of the forward strand.
    positions
        int64 (n,) 1-based, each within the contig; stands at index ``width // 2``.
    strands
        int8 (n,); -1 = the reverse complement.
    width
        nt, odd.

    Returns
    -------
    Codes
        uint8 (n, width); 0 beyond the ends of the contig.
    """
    starts = positions - 1 - width // 2
    windows = np.zeros((len(starts), width), dtype=np.uint8)
    inside = (starts >= 0) & (starts + width <= len(codes))
    if inside.any():
        windows[inside] = gather_windows(codes, starts[inside], width)
    for row in np.flatnonzero(~inside):
        low, high = max(0, starts[row]), min(len(codes), starts[row] + width)
        windows[row, low - starts[row] : high - starts[row]] = codes[low:high]
    minus = strands < 0
    windows[minus] = reverse_complement(windows[minus])
    return windows


def gc_counts(codes: Codes, positions: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """int64 (n,) letters C, G or S in the window of each place; the same on both strands."""
    forward = np.ones(min(len(positions), SLICE), dtype=np.int8)
    found = np.zeros(len(positions), dtype=np.int64)
    for low in range(0, len(positions), SLICE):
        some = positions[low : low + SLICE]
        found[low : low + SLICE] = _GC[cut_windows(codes, some, forward[: len(some)], width)].sum(axis=1)
    return found


def preceded(windows: Codes, letters: Codes) -> NDArray[np.bool_]:
    """(n,) whether ``letters`` (k,) stand right before the middle of windows (n, width), width of 2 k + 1 or more."""
    half = windows.shape[1] // 2
    found: NDArray[np.bool_] = (windows[:, half - len(letters) : half] == letters).all(axis=1)
    return found


@dataclass(frozen=True)
class AmbiguousRuns:
    """Runs of letters other than A, C, G and T of one contig, so that those of a window are counted without cutting it.

    Attributes
    ----------
    edges
        int64 (2 k,) 0-based start and end of each run, ascending.
    before
        int64 (2 k,) ambiguous letters before each edge.
    """

    edges: NDArray[np.int64]
    before: NDArray[np.int64]

    @classmethod
    def of(cls, codes: Codes) -> AmbiguousRuns:
        """Of the letters (length,) of a contig."""
        found, last = [], False
        for low in range(0, len(codes), _PIECE):  # a mask of a whole chromosome is not needed
            bases = np.bitwise_count(codes[low : low + _PIECE])
            if not last and bases.max() < 2:
                continue
            mask = bases > 1
            found.append(low + np.flatnonzero(np.diff(mask, prepend=last)))
            last = bool(mask[-1])
        edges = np.concatenate([*found, np.full(int(last), len(codes))]).astype(np.int64)
        lengths = np.zeros(len(edges), dtype=np.int64)
        lengths[1::2] = edges[1::2] - edges[::2]
        return cls(edges, np.cumsum(lengths))

    def share(self, positions: NDArray[np.int64], width: int) -> NDArray[np.float64]:
        """(n,) share of ambiguous letters, 0 to 1, in the window of each place; what is beyond the contig counts as none."""
        low = positions - 1 - width // 2
        return (self._until(low + width) - self._until(low)) / width

    def _until(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) ambiguous letters before each 0-based place."""
        if not len(self.edges):
            return np.zeros(len(places), dtype=np.int64)
        edge = np.searchsorted(self.edges, places, side="right") - 1
        known = np.where(edge >= 0, self.before[edge], 0)
        # After an odd number of edges the place lies in a run.
        inside = (edge >= 0) & (edge % 2 == 0)
        return known + np.where(inside, places - self.edges[edge], 0)
