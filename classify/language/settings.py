"""Which letters a model of the next base is made for, and which of them are held out. Nothing is read here."""

from __future__ import annotations

from dataclasses import dataclass, field

from specgen.errors import InputError, UnknownName
from specgen.sequences import encode

__all__ = ["GenomeSettings", "MadeUpSettings"]

MADE_UP = ("repeat", "random")

LEAKS = ("none", "other_strand", "all")


@dataclass(frozen=True)
class MadeUpSettings:
    """A genome whose perplexity is known: 1 where a unit is repeated, 4 where every base is drawn anew.

    Attributes
    ----------
    kind
        repeat: ``unit`` again and again; random: independent bases, each as likely as any other.
    length
        nt.
    unit
        What is repeated, of A, C, G and T.
    seed
        Of the random bases.
    """

    kind: str = "repeat"
    length: int = 30_000
    unit: str = "AGCTTGAGGC"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in MADE_UP:
            raise UnknownName("made-up genome", self.kind, MADE_UP)
        if self.length < 1:
            raise InputError(f"data.simulate.length: expected at least 1 nt, got {self.length}")
        if not self.unit or set(encode(self.unit, name="data.simulate.unit").tolist()) - {1, 2, 4, 8}:
            raise InputError(f"data.simulate.unit: expected letters of A, C, G and T, got {self.unit!r}")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"data.simulate.seed: expected a whole number from 0 to {2**32 - 1}, got {self.seed}")


@dataclass(frozen=True)
class GenomeSettings:
    """Letters and their splits.

    A genome is cut into ``blocks`` of equal length over all its sequences, one behind the other. Blocks are numbered from 1:
    of each ten, the last is test and the fifth validation, as ``every`` says.

    Attributes
    ----------
    genomes
        FASTA files, each a genome with blocks of its own; none = a made-up genome.
    simulate
        The made-up one.
    blocks
        Of each genome.
    every
        Blocks from one test block to the next; validation blocks lie in the middle between them.
    gap
        nt left out between letters of different splits of one sequence, taken from training before validation, and from
        validation before test, so that what is tested does not depend on it.
    both_strands
        Whether the other strand of training blocks is training, too.
    leak
        What is learnt of validation and test blocks, to measure what a bad division is worth: none, other_strand, or all, as
        where overlapping windows are divided at random. Never for a result.
    """

    genomes: list[str] = field(default_factory=list)
    simulate: MadeUpSettings = field(default_factory=MadeUpSettings)
    blocks: int = 20
    every: int = 10
    gap: int = 1000
    both_strands: bool = True
    leak: str = "none"

    def __post_init__(self) -> None:
        if self.leak not in LEAKS:
            raise UnknownName("data.leak", self.leak, LEAKS)
        if self.every < 3:
            raise InputError(f"data.every: expected 3 or more, for training, validation and test, got {self.every}")
        if self.blocks < self.every:
            raise InputError(f"data.blocks: expected at least data.every ({self.every}), got {self.blocks}")
        if self.gap < 0:
            raise InputError(f"data.gap: expected 0 nt or more, got {self.gap}")
