"""How a genome is scanned. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from specgen.errors import InputError, UnknownName
from specgen.sequences import Codes, encode

__all__ = ["STRANDS", "ScanSettings"]

STRANDS = {"both": (1, -1), "+": (1,), "-": (-1,)}


@dataclass(frozen=True)
class ScanSettings:
    """What is scored, and what is called.

    Attributes
    ----------
    strands
        both, + or -.
    contigs
        Names of the contigs to scan; empty = all of the file.
    behind
        Score only positions right behind these letters on their strand, such as AG of splice acceptors: about a
        sixteenth of the work, and blind for starts that lie elsewhere. Empty = every position.
    threshold
        Least probability of a call.
    apart
        A call has the highest probability within this many nt on its strand, the first of equals.
    floor
        Least probability that the tracks hold; 0 = every scored position, which makes them large. Peaks below it are not
        kept either, so that the average precision is a lower bound.
    max_ambiguous
        Windows with a larger share of N and other ambiguity letters are not scored, as ``prepare`` leaves them out.
    """

    strands: str = "both"
    contigs: list[str] = field(default_factory=list)
    behind: str = ""
    threshold: float = 0.5
    apart: int = 20
    floor: float = 0.05
    max_ambiguous: float = 0.1

    def __post_init__(self) -> None:
        if self.strands not in STRANDS:
            raise UnknownName("strands", self.strands, STRANDS)
        if not 0 <= self.floor <= self.threshold <= 1:
            raise InputError(f"expected 0 <= floor <= threshold <= 1, got {self.floor} and {self.threshold}")
        if not 0 <= self.max_ambiguous <= 1:
            raise InputError(f"max_ambiguous: expected a share from 0 to 1, got {self.max_ambiguous}")
        if self.apart < 0:
            raise InputError(f"apart: expected 0 nt or more, got {self.apart}")
        self.letters  # noqa: B018  letters that are no bases are told at once

    @property
    def letters(self) -> Codes:
        """uint8 (k,) codes of ``behind``."""
        return encode(self.behind, name="behind") if self.behind else np.zeros(0, dtype=np.uint8)
