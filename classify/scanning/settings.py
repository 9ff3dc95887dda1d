"""How a genome is scanned. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from specgen.errors import InputError, UnknownName
from specgen.sequences import Codes, encode

__all__ = ["MOST_LABELS", "STRANDS", "ScanSettings"]

STRANDS = {"both": (1, -1), "+": (1,), "-": (-1,), "mean": (0,)}
"""Tracks of strands: 1 and -1 are those of the genome, 0 the mean of both."""

MOST_LABELS = 128
"""Labels of one scan: a block's probabilities of all of them are in memory."""


@dataclass(frozen=True)
class ScanSettings:
    """What is scored, and what is called; of a run of the next base only strands, contigs, regions and context can be set.

    Attributes
    ----------
    strands
        both, +, -, or mean: one track, the mean of both strands, for what has no strand. Empty = mean where the run's tests
        average both strands, + where they read one alone (the next base), else both.
    contigs
        Names of the contigs to scan; empty = all of the file.
    regions
        BED, narrowPeak or broadPeak: only steps of which the middle lies in one of its intervals are scored. Empty = all.
    context
        Of a run of the next base: letters that are read before a base at least. 0 = as many as in its tests; one less than its
        window = every base behind as many, which takes a window a base.
    labels
        Of a run of several labels, or of more than two classes: those to score; empty = all. Of two classes the second
        is scored.
    step
        nt: a window is scored around the middle of each step, and the step has its probability. 1 = every base.
    behind
        Score only positions right behind these letters on their strand, such as AG of splice acceptors: about a
        sixteenth of the work, and blind for starts that lie elsewhere. Empty = every position.
    threshold
        Least probability of a call.
    apart
        A call has the highest probability within this many nt (in whole steps) on its strand, the first of equals.
    floor
        Least probability that the tracks hold; 0 = every scored position, which makes them large. Peaks below it are not
        kept either, so that the average precision is a lower bound.
    max_ambiguous
        Windows with a larger share of N and other ambiguity letters are not scored, as ``prepare`` leaves them out.
    """

    strands: str = ""
    contigs: list[str] = field(default_factory=list)
    regions: str = ""
    context: int = 0
    labels: list[str] = field(default_factory=list)
    step: int = 1
    behind: str = ""
    threshold: float = 0.5
    apart: int = 20
    floor: float = 0.05
    max_ambiguous: float = 0.1

    def __post_init__(self) -> None:
        if self.strands and self.strands not in STRANDS:
            raise UnknownName("strands", self.strands, STRANDS)
        if self.behind and (self.strands == "mean" or self.step > 1):
            raise InputError(
                "behind: such letters are on one strand, at one base; expected no mean of strands, and step 1"
            )
        if not 1 <= self.step <= 10_000:
            raise InputError(f"step: expected 1 to 10000 nt, got {self.step}")
        if not 0 <= self.floor <= self.threshold <= 1:
            raise InputError(f"expected 0 <= floor <= threshold <= 1, got {self.floor} and {self.threshold}")
        if not 0 <= self.max_ambiguous <= 1:
            raise InputError(f"max_ambiguous: expected a share from 0 to 1, got {self.max_ambiguous}")
        if self.context < 0:
            raise InputError(f"context: expected 0 nt or more, got {self.context}")
        if self.apart < 0:
            raise InputError(f"apart: expected 0 nt or more, got {self.apart}")
        self.letters  # noqa: B018  letters that are no bases are told at once

    @property
    def letters(self) -> Codes:
        """uint8 (k,) codes of ``behind``."""
        return encode(self.behind, name="behind") if self.behind else np.zeros(0, dtype=np.uint8)
