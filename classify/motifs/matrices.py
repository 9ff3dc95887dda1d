"""A motif as a matrix of counts, and what is read off it: probabilities, information, consensus, log odds, its core.

NumPy only; no file, network or figure. Columns of letters are in the order A, C, G, T. Sources: Stormo 2000
(Bioinformatics 16:16) for weight matrices, Schneider & Stephens 1990 (Nucleic Acids Res. 18:6097) for the information of a
place, Cavener 1987 (Nucleic Acids Res. 15:1353) for the consensus.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from specgen.errors import InputError
from specgen.sequences import BASES, INDICATORS, LETTERS, Codes, encode

__all__ = ["PSEUDOCOUNT", "UNIFORM", "Motif", "background_of", "motif_of_consensus"]

Floats = NDArray[np.float64]

PSEUDOCOUNT = 1.0
"""Letters added to each place, shared out by the background."""

UNIFORM: Floats = np.full(4, 0.25)
"""The background in which all four bases are as frequent."""


@dataclass(frozen=True)
class Motif:
    """Counts of letters at each place of a set of aligned sites.

    Attributes
    ----------
    name
        Unique in its set: a database's accession, or the name of a filter.
    counts
        float64 (w, 4), at least 0; a place of which nothing is known is all zero.
    label
        What people call it, as the name of a factor.
    family, group
        Structural family and class of the factor, where the database tells.
    """

    name: str
    counts: Floats
    label: str = ""
    family: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        counts = np.asarray(self.counts, dtype=np.float64)
        if counts.ndim != 2 or counts.shape[1] != 4 or not len(counts):
            raise InputError(f"motif {self.name!r}: expected counts of shape (places, 4), got {counts.shape}")
        if not (np.isfinite(counts).all() and (counts >= 0).all()):
            raise InputError(f"motif {self.name!r}: expected counts of at least 0, got {counts.min()}")
        object.__setattr__(self, "counts", counts)

    def __len__(self) -> int:
        """Places."""
        return len(self.counts)

    @property
    def sites(self) -> float:
        """Sites behind the counts: the most that any place has."""
        return float(self.counts.sum(axis=1).max())

    def probabilities(self, background: Floats = UNIFORM, pseudocount: float = PSEUDOCOUNT) -> Floats:
        """float64 (w, 4), rows summing to 1: shares of the letters with ``pseudocount`` letters of the background added."""
        counts = self.counts + pseudocount * background
        total = counts.sum(axis=1, keepdims=True)
        return np.where(total > 0, counts / np.where(total > 0, total, 1), background)

    def information(self, background: Floats = UNIFORM, pseudocount: float = PSEUDOCOUNT) -> Floats:
        """(w,) bits that each place tells: relative entropy to the background; 2 - H with the uniform one, 0 to 2."""
        shares = self.probabilities(background, pseudocount)
        ratios = np.log2(np.where(shares > 0, shares, 1) / np.where(shares > 0, background, 1))
        return np.maximum((shares * ratios).sum(axis=1), 0.0)

    def heights(self, background: Floats = UNIFORM, pseudocount: float = PSEUDOCOUNT) -> Floats:
        """(w, 4) bits: heights of the letters of a logo, the share of each times the information of its place."""
        shares = self.probabilities(background, pseudocount)
        return shares * self.information(background, pseudocount)[:, None]

    def log_odds(self, background: Floats = UNIFORM, pseudocount: float = PSEUDOCOUNT) -> Floats:
        """(w, 4) bits: log2 of share over background.

        Raises
        ------
        InputError
            No pseudocount, and a letter that never occurs: its weight is no number.
        """
        shares = self.probabilities(background, pseudocount)
        if not (shares > 0).all():
            raise InputError(f"motif {self.name!r}: a letter with no count needs a pseudocount above 0")
        return np.log2(shares / background)

    @property
    def letters(self) -> str:
        """The most frequent base of each place (the first of equals)."""
        return "".join(BASES[i] for i in self.counts.argmax(axis=1))

    @property
    def consensus(self) -> str:
        """IUPAC letters by Cavener's rules.

        A base with more than half of the place and more than twice the second; else two bases with more than three
        quarters together; else N.
        """
        return "".join(_cavener(row) for row in self.counts)

    def reverse_complement(self) -> Motif:
        """The same motif on the other strand."""
        return replace(self, counts=self.counts[::-1, ::-1].copy())

    def core(self, least: float, background: Floats = UNIFORM, pseudocount: float = PSEUDOCOUNT) -> tuple[int, int]:
        """0-based half-open places that remain when flanks below ``least`` bits are cut; (0, 0) where none has as many."""
        told = np.flatnonzero(self.information(background, pseudocount) >= least)
        return (int(told[0]), int(told[-1]) + 1) if len(told) else (0, 0)

    def cut(self, start: int, stop: int) -> Motif:
        """The places from ``start`` up to ``stop``, 0-based half-open."""
        return replace(self, counts=self.counts[start:stop].copy())


def _cavener(row: Floats) -> str:
    total = row.sum()
    order = np.argsort(-row, kind="stable")
    first, second = row[order[0]], row[order[1]]
    if total > 0 and first > total / 2 and first > 2 * second:
        return BASES[order[0]]
    if total > 0 and first + second > 0.75 * total:
        return LETTERS[(1 << int(order[0])) | (1 << int(order[1]))]
    return "N"


def motif_of_consensus(text: str, name: str = "", sites: float = 100.0) -> Motif:
    """The motif of ``sites`` equal sites; an IUPAC letter is shared out evenly among its bases.

    Raises
    ------
    InputError
        No letters, or one that is no nucleotide.
    """
    codes = encode(text, name=f"motif {name or text!r}")
    return Motif(name or text, sites * INDICATORS[codes].astype(np.float64))


def background_of(windows: Codes, pseudocount: float = 4 * PSEUDOCOUNT) -> Floats:
    """Shares (4,) of the bases in letters uint8 of any shape, ambiguity shared out, ``pseudocount`` letters added evenly."""
    counts = np.bincount(windows.ravel(), minlength=16) @ INDICATORS.astype(np.float64) + pseudocount / 4
    background: Floats = counts / counts.sum()
    return background
