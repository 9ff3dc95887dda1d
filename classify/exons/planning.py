"""What becomes an example, in which split: everything that the annotation alone decides. No letters here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.exons.annotation import Annotation
from classify.exons.settings import PrepareSettings, Rules
from classify.exons.starts import Spans, Starts, exon_starts, find_loci, gene_spans, islands
from classify.headers import chromosomes_of
from classify.splits import SPLITS, assign_splits
from specgen.errors import InputError

__all__ = ["NO_SPLIT", "ContigPlan", "Plan", "check_splits", "make_plan"]

NO_SPLIT = 255
"""Number of no split."""


@dataclass(frozen=True)
class ContigPlan:
    """A contig's share of a plan.

    Attributes
    ----------
    starts
        What becomes examples.
    span
        int64 (len(starts),) the span of each.
    spans, locus, split
        Of the genes; int32 and uint8 (len(spans),).
    every
        Strand -> int64 ascending places of all starts, those that become no examples, too.
    """

    starts: Starts
    span: NDArray[np.int64]
    spans: Spans
    locus: NDArray[np.int32]
    split: NDArray[np.uint8]
    every: dict[int, NDArray[np.int64]]

    def territory(self, length: int, margin: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Whose letters are whose: the stretches of the contig, half of the gap to the next with each.

        Returns
        -------
        tuple
            int64 (k - 1,) ascending last places of all stretches but the last, and uint8 (k,) the split of each.
        """
        stretch = islands(self.spans, margin)
        low = np.full(stretch.max() + 1, length, dtype=np.int64)
        high = np.zeros(len(low), dtype=np.int64)
        splits = np.zeros(len(low), dtype=np.uint8)
        np.minimum.at(low, stretch, self.spans.low)
        np.maximum.at(high, stretch, self.spans.high)
        splits[stretch] = self.split
        return (high[:-1] + low[1:]) // 2, splits


@dataclass(frozen=True)
class Plan:
    """All contigs; every table is sorted by contig.

    Attributes
    ----------
    names, genes
        Of contigs and genes, that columns index.
    rules
        By which it was made.
    loci
        Number of loci.
    without_split
        Starts that belong to no split.
    """

    names: list[str]
    genes: list[str]
    rules: Rules
    starts: Starts
    span: NDArray[np.int64]
    spans: Spans
    locus: NDArray[np.int32]
    split: NDArray[np.uint8]
    every: Starts
    loci: int
    without_split: int

    @property
    def contigs(self) -> dict[str, int]:
        """Number of each contig that holds examples."""
        return {self.names[i]: int(i) for i in np.unique(self.starts.contig)}

    def on(self, contig: int) -> ContigPlan:
        """One contig's share."""
        mine, genes, every = (_rows(table.contig, contig) for table in (self.starts, self.spans, self.every))
        known = self.every.take(every)
        spans = self.spans.take(genes)
        return ContigPlan(
            self.starts.take(mine), self.span[mine] - genes.start, spans, self.locus[genes], self.split[genes],
            {strand: np.unique(known.position[known.strand == strand]) for strand in (1, -1)},
        )  # fmt: skip


def make_plan(exons: Annotation, settings: PrepareSettings) -> Plan:
    """Starts, genes, loci and splits.

    Raises
    ------
    InputError
        A chromosome to be held out that is not there; a split without exon starts.
    """
    rules = settings.rules
    every = exon_starts(exons, strand_aware=rules.strand_aware)
    starts = every.distinct() if rules.position_disjoint else every
    spans = gene_spans(exons, strand_aware=rules.strand_aware)
    locus, names = find_loci(spans, settings.width // 2)
    groups = [exons.genes[i] for i in (names[locus] if rules.position_disjoint else spans.gene)]
    chromosomes = chromosomes_of(exons.contigs)
    assigned = assign_splits(groups, [chromosomes[i] for i in spans.contig], groups, rules.split)
    numbers = {**{name: i for i, name in enumerate(SPLITS)}, "": NO_SPLIT}
    split = np.array([numbers[str(name)] for name in assigned], dtype=np.uint8)
    if not rules.validation:
        split[split == SPLITS.index("val")] = SPLITS.index("train")
    span = spans.of(starts)
    kept = split[span] != NO_SPLIT
    sizes = {name: int((split[span] == i).sum()) for i, name in enumerate(SPLITS)}
    check_splits(sizes, rules, f"{settings.annotation}: {len(names)} loci")
    return Plan(
        exons.contigs, exons.genes, rules, starts.take(kept), span[kept], spans, locus, split, every, len(names),
        int((~kept).sum()),
    )  # fmt: skip


def check_splits(sizes: dict[str, int], rules: Rules, where: str) -> None:
    """Raise ``InputError`` where a split that the rules want has no exon starts; ``sizes`` by split."""
    for name in rules.split.splits:
        if not sizes.get(name) and (rules.validation or name != "val"):
            got = ", ".join(f"{split} {sizes.get(split, 0)}" for split in SPLITS)
            raise InputError(
                f"{where}: no exon starts for {name} ({got}); give larger fractions, other chromosomes, or "
                "split.strategy test"
            )


def _rows(column: NDArray[Any], value: int) -> slice:
    """Where an ascending column has a value."""
    return slice(int(np.searchsorted(column, value, "left")), int(np.searchsorted(column, value, "right")))
