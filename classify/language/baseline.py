"""Markov chains on the blocks of genomes: all orders, smoothed as validation says, scored on the test blocks.

Chains of one order are read from tables of words; the mixed chain has all orders up to 20, and so tells repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.language.blocks import Block, Contig, strands_learnt
from classify.language.contexts import LONGEST, Contexts, Followers, bits_of, choose_weights
from classify.language.markov import Counts, Score, choose, count_words, other_strand
from classify.language.settings import GenomeSettings
from classify.splits import SPLITS
from specgen.sequences import Codes

__all__ = ["WEIGHTS", "MarkovScores", "MixedScore", "markov_scores", "mixed_score"]

WEIGHTS = {False: (0.01, 0.1, 1.0, 10.0, 100.0), True: (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)}
"""Weights that validation chooses from, plain and interpolated."""


@dataclass(frozen=True)
class MarkovScores:
    """Every chain's score, and how many bases each split scored; those of training count a strand once."""

    scores: tuple[Score, ...]
    bases: dict[str, int]

    def best(self, *, interpolated: bool) -> Score:
        """The order that validation chooses."""
        return min((s for s in self.scores if s.fit.interpolated == interpolated), key=lambda score: score.validation)


def markov_scores(
    contigs: Sequence[Contig], blocks: Sequence[Block], most: int, settings: GenomeSettings
) -> MarkovScores:
    """Plain and interpolated chains of order 0 to ``most``, fitted to what ``settings`` lets be learnt.

    Raises
    ------
    InputError
        Blocks too short for the highest order.
    """
    counts = {split: count_words(_joined(contigs, blocks, split), most) for split in SPLITS}
    bases = {split: int(table.sum()) for split, table in counts.items()}
    train: Counts = np.zeros((4,) * (most + 1), dtype=np.int64)
    for split, words in counts.items():
        for turned in strands_learnt(split, settings):
            train += other_strand(words) if turned else words
    scores = [
        score
        for interpolated, weights in WEIGHTS.items()
        for score in choose(train, counts["val"], counts["test"], range(most + 1), weights, interpolated=interpolated)
    ]
    return MarkovScores(tuple(scores), bases)


@dataclass(frozen=True)
class MixedScore:
    """Of the mixed chain: bits a base.

    Attributes
    ----------
    weights
        (orders,), see ``contexts.bits_of``; chosen on validation.
    validation, test
        Over all bases with as many letters before them as was asked for.
    repeated
        Share of the test bases behind 20 letters that are learnt somewhere: repeats, of which held-out blocks hold copies.
    test_repeated, test_other
        Of those, and of the others; nan where there are none.
    """

    weights: NDArray[np.float64]
    validation: float
    test: float
    repeated: float
    test_repeated: float
    test_other: float


def mixed_score(contigs: Sequence[Contig], blocks: Sequence[Block], least: int, settings: GenomeSettings) -> MixedScore:
    """The chain of all orders up to 20, fitted to what ``settings`` lets be learnt, on bases with ``least`` letters before them.

    Raises
    ------
    InputError
        Blocks too short for that.
    """
    parts = [(block.split, contigs[block.contig].codes[block.start : block.end]) for block in blocks]
    learnt = Contexts((codes, turned) for split, codes in parts for turned in strands_learnt(split, settings))

    def behind(split: str) -> Followers:
        return learnt.followers([codes for name, codes in parts if name == split], least)

    validation = behind("val")
    weights = choose_weights(validation)
    test = behind("test")
    bits, repeated = bits_of(test, weights), test.total[LONGEST] > 0
    return MixedScore(
        weights,
        float(bits_of(validation, weights).mean()),
        float(bits.mean()),
        float(repeated.mean()),
        *(float(bits[mask].mean()) if mask.any() else float("nan") for mask in (repeated, ~repeated)),
    )


def _joined(contigs: Sequence[Contig], blocks: Sequence[Block], split: str) -> Codes:
    """The letters of all blocks of a split, with a blank between two, which no word goes across."""
    blank: Codes = np.zeros(1, dtype=np.uint8)
    parts = [contigs[block.contig].codes[block.start : block.end] for block in blocks if block.split == split]
    joined: Codes = np.concatenate([blank, *(letters for part in parts for letters in (part, blank))])
    return joined
