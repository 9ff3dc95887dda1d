"""Train, validation and test: by chromosome, by group (gene), at random, or all test; a group never crosses.

Assignment by group hashes the group's name with the seed, so that adding records moves no other record. Sequences are
not looked at here; near-duplicate clusters come in as group names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from classify.headers import normalise_chromosome
from specgen.errors import InputError, UnknownName

__all__ = ["SPLITS", "SplitSettings", "assign_splits", "stable_fraction"]

SPLITS = ("train", "val", "test")
STRATEGIES = ("auto", "chromosome", "gene", "record", "test")


@dataclass(frozen=True)
class SplitSettings:
    """How examples are divided.

    Attributes
    ----------
    strategy
        chromosome: ``test_chromosomes`` and ``val_chromosomes`` are held out; gene: whole genes (or loci) at random;
        record: each record for itself, which leaks isoforms and is for comparison with papers that did so;
        test: everything is test, for scoring a finished run on other data; nothing can be trained on it;
        auto: chromosome where test_chromosomes are named, else gene.
    test_chromosomes
        Held out for the test; names with or without "chr".
    val_chromosomes
        Held out for validation; without them, validation is drawn by gene from what is left.
    test_fraction
        Share of the genes (records) in the test where no chromosomes are named.
    val_fraction
        Share of the genes (records) in validation where no chromosomes are named.
    seed
        Of the random draws; independent of the run's seed, so that seeds of training share one split.
    """

    strategy: str = "auto"
    test_chromosomes: list[str] = field(default_factory=list)
    val_chromosomes: list[str] = field(default_factory=list)
    test_fraction: float = 0.15
    val_fraction: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise UnknownName("split strategy", self.strategy, STRATEGIES)
        if self.strategy == "chromosome" and not self.test_chromosomes:
            raise InputError("split.test_chromosomes: expected at least one chromosome for the chromosome strategy")
        for key in ("test_fraction", "val_fraction"):
            if not 0 < getattr(self, key) < 1:
                raise InputError(f"split.{key}: expected a share between 0 and 1, got {getattr(self, key)}")
        if self.test_fraction + self.val_fraction >= 1:
            raise InputError("split.test_fraction + split.val_fraction: expected below 1, nothing is left for training")
        if self.strategy in ("gene", "record", "test") and (self.test_chromosomes or self.val_chromosomes):
            raise InputError(f"split: chromosomes are named, but the strategy is {self.strategy!r}")
        if self.val_chromosomes and not self.test_chromosomes:
            raise InputError("split.val_chromosomes: expected split.test_chromosomes as well")
        both = {normalise_chromosome(c) for c in self.test_chromosomes} & {
            normalise_chromosome(c) for c in self.val_chromosomes
        }
        if both:
            raise InputError(f"split: chromosome {', '.join(sorted(both))} is named for both validation and test")

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have to hold examples."""
        return ("test",) if self.strategy == "test" else SPLITS

    def all_test(self) -> SplitSettings:
        """The same, with everything in the test split."""
        return replace(self, strategy="test", test_chromosomes=[], val_chromosomes=[])


def stable_fraction(name: str, seed: int) -> float:
    """A number in [0, 1) fixed by ``name`` and ``seed`` alone."""
    digest = hashlib.blake2b(f"{seed}\0{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def assign_splits(
    groups: Sequence[str], chromosomes: Sequence[str], ids: Sequence[str], settings: SplitSettings
) -> NDArray[np.str_]:
    """The split of every example.

    Parameters
    ----------
    groups
        Gene, locus or cluster of each example; what is held together.
    chromosomes
        Normalised name of each example's chromosome; empty = unknown.
    ids
        Record names, for the ``record`` strategy.

    Returns
    -------
    NDArray
        (n,) of "train", "val", "test"; empty text where the example must be left out: its chromosome is unknown, or
        its group has members on both sides of a chromosome split.
    """
    strategy = settings.strategy
    if strategy == "auto":
        strategy = "chromosome" if settings.test_chromosomes else "gene"
    if strategy == "test":
        return np.full(len(ids), "test", dtype="<U5")
    keys = list(ids if strategy == "record" else groups)
    draws = {key: stable_fraction(key, settings.seed) for key in keys}
    if strategy != "chromosome":
        edges = settings.test_fraction, settings.test_fraction + settings.val_fraction
        return np.array([_by_draw(draws[key], *edges) for key in keys], dtype="<U5")

    held = {normalise_chromosome(name): "test" for name in settings.test_chromosomes}
    held |= {normalise_chromosome(name): "val" for name in settings.val_chromosomes}
    present = set(chromosomes)
    if missing := sorted(set(held) - present):
        known = ", ".join(sorted(present - {""})) or "none: the headers name no chromosome (give a table)"
        raise InputError(f"split: no record lies on chromosome {', '.join(missing)}; found: {known}")
    splits = []
    for key, chromosome in zip(keys, chromosomes, strict=True):
        if not chromosome:
            splits.append("")
        elif chromosome in held:
            splits.append(held[chromosome])
        else:
            drawn = not settings.val_chromosomes and draws[key] < settings.val_fraction
            splits.append("val" if drawn else "train")
    sides: dict[str, set[str]] = {}
    for key, split in zip(keys, splits, strict=True):
        sides.setdefault(key, set()).update({split} - {""})
    # A gene with copies on two chromosomes (pseudoautosomal, multi-mapped) is left out rather than leaked.
    return np.array([s if len(sides[k]) == 1 else "" for k, s in zip(keys, splits, strict=True)], dtype="<U5")


def _by_draw(draw: float, test_edge: float, val_edge: float) -> str:
    return "test" if draw < test_edge else "val" if draw < val_edge else "train"
