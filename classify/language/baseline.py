"""Markov chains on the blocks of genomes: all orders, smoothed as validation says, scored on the test blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classify.language.blocks import Block, Contig
from classify.language.markov import Score, choose, count_words, other_strand
from classify.splits import SPLITS

__all__ = ["WEIGHTS", "MarkovScores", "markov_scores"]

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


def markov_scores(contigs: Sequence[Contig], blocks: Sequence[Block], most: int, *, both_strands: bool) -> MarkovScores:
    """Plain and interpolated chains of order 0 to ``most``, fitted to the training blocks.

    Raises
    ------
    InputError
        Blocks too short for the highest order.
    """
    counts = {split: np.zeros((4,) * (most + 1), dtype=np.int64) for split in SPLITS}
    for block in blocks:
        counts[block.split] += count_words(contigs[block.contig].codes[block.start : block.end], most)
    bases = {split: int(table.sum()) for split, table in counts.items()}
    train = counts["train"] + other_strand(counts["train"]) if both_strands else counts["train"]
    scores = [
        score
        for interpolated, weights in WEIGHTS.items()
        for score in choose(train, counts["val"], counts["test"], range(most + 1), weights, interpolated=interpolated)
    ]
    return MarkovScores(tuple(scores), bases)
