"""Blocks of genomes: which letters are training, validation and test, with gaps between different splits.

NumPy and the letters' own modules only; what reads the blocks lives in ``markov`` and in the task.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classify.language.settings import GenomeSettings, MadeUpSettings
from classify.splits import SPLITS
from specgen.errors import InputError
from specgen.files import expand
from specgen.records import read_records
from specgen.sequences import Codes, encode

__all__ = ["Block", "Contig", "blocks_of", "made_up", "read_contigs", "split_of_block", "strands_learnt"]


class Contig(NamedTuple):
    """One sequence of a genome, and the number of the genome it is of, from 0."""

    name: str
    genome: int
    codes: Codes


@dataclass(frozen=True)
class Block:
    """A stretch of one sequence in one split.

    Attributes
    ----------
    name
        Genome and number of the block, both from 1; the same for its parts in several sequences.
    contig
        Index of the sequence.
    start, end
        0-based, half-open.
    split
        "train", "val" or "test".
    """

    name: str
    contig: int
    start: int
    end: int
    split: str

    def __len__(self) -> int:
        return self.end - self.start


def made_up(settings: MadeUpSettings) -> Codes:
    """uint8 (length,): the codes of a made-up genome."""
    if settings.kind == "random":
        draws = np.random.default_rng(settings.seed).integers(4, size=settings.length)
        return np.left_shift(1, draws).astype(np.uint8)
    return np.resize(encode(settings.unit), settings.length)


def read_contigs(settings: GenomeSettings) -> list[Contig]:
    """The sequences of all genomes, in the order of the files; one byte a nt in memory.

    Raises
    ------
    InputError
        A file that cannot be read or is named twice.
    """
    if not settings.genomes:
        return [Contig(settings.simulate.kind, 0, made_up(settings.simulate))]
    paths = [expand(path) for path in settings.genomes]
    if len({Path(path).resolve() for path in paths}) < len(paths):
        raise InputError(f"data.genomes: a file is named twice in {', '.join(settings.genomes)}; it would cross splits")
    return [
        Contig(record.name, number, record.codes)
        for number, path in enumerate(paths)
        for record in read_records(path)
        if len(record.codes)
    ]


def split_of_block(number: int, every: int) -> str:
    """The split of a block, numbered from 0."""
    place = number % every
    return "test" if place == every - 1 else "val" if place == (every - 1) // 2 else "train"


def blocks_of(contigs: Sequence[Contig], settings: GenomeSettings) -> list[Block]:
    """All blocks, in the order of the sequences, without their gaps; none is empty.

    Raises
    ------
    InputError
        A split without letters.
    """
    found: list[Block] = []
    for genome in sorted({contig.genome for contig in contigs}):
        members = [i for i, contig in enumerate(contigs) if contig.genome == genome]
        lengths = [len(contigs[i].codes) for i in members]
        edges = [sum(lengths) * i // settings.blocks for i in range(settings.blocks + 1)]
        before = 0
        for index, length in zip(members, lengths, strict=True):
            whole = [
                Block(
                    f"{genome + 1}:{number + 1}",
                    index,
                    max(low - before, 0),
                    min(high - before, length),
                    split_of_block(number, settings.every),
                )
                for number, (low, high) in enumerate(pairwise(edges))
                if low < before + length and high > before
            ]
            found += _apart(whole, settings.gap)
            before += length
    for split in SPLITS:
        if not any(block.split == split for block in found):
            raise InputError(
                f"data: no letters are left for {split}: {sum(len(c.codes) for c in contigs):,} nt in {settings.blocks} "
                f"blocks with gaps of {settings.gap} nt; give longer sequences, fewer blocks or a smaller data.gap"
            )
    return found


def strands_learnt(split: str, settings: GenomeSettings) -> tuple[bool, ...]:
    """The strands of a split's blocks that are learnt from, False for the one that is given: none where nothing is."""
    if split == "train" or settings.leak == "all":
        return (False, True) if settings.both_strands else (False,)
    return (True,) if settings.leak == "other_strand" else ()


def _apart(blocks: Sequence[Block], gap: int) -> Iterator[Block]:
    """The blocks of one sequence, in order of their starts, each so far from all that are more precious as ``gap`` says.

    What is more precious than a split is gone through once: of what lies behind a block the furthest end counts, of what lies
    ahead the first start.
    """
    ahead = {split: deque(b for b in blocks if b.split in SPLITS[i + 1 :]) for i, split in enumerate(SPLITS)}
    behind: dict[str, int] = {}
    for block in blocks:
        split, start, end = block.split, block.start, block.end
        while ahead[split] and ahead[split][0].start < block.start:
            behind[split] = max(behind.get(split, 0), ahead[split].popleft().end)
        if split in behind:
            start = max(start, behind[split] + gap)
        if ahead[split]:
            end = min(end, ahead[split][0].start - gap)
        if start < end:
            yield Block(block.name, block.contig, start, end, split)
