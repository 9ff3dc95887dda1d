"""What is prepared and by whose rules: protocols as presets, each rule of which can be set alone. Light imports only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import Any

from classify.exons.negatives import NEGATIVES
from classify.splits import SplitSettings
from specgen.errors import InputError, UnknownName

__all__ = ["PROTOCOLS", "PrepareSettings", "Rules"]

ORDERS = ("position", "gene")


@dataclass(frozen=True)
class Rules:
    """What a protocol decides; ``PrepareSettings`` says what each means."""

    strand_aware: bool = True
    min_distance: int = 20
    position_disjoint: bool = True
    validation: bool = True
    order: str = "position"
    negatives: list[str] = field(default_factory=lambda: ["intragenic", "decoy"])
    split: SplitSettings = field(default_factory=SplitSettings)


PROTOCOLS = {
    "strict": Rules(),
    # As the published code does it, traps included, but for this: its shuffled list of genes is a hash with the same seed;
    # a negative keeps clear of all starts on its strand and is drawn once (there: of those of its own gene, and it may come
    # again); windows over the ends of a contig are padded (there: left out), and N is a quarter of each base (there: zeros).
    "exonsearch": Rules(
        strand_aware=False,
        min_distance=1,
        position_disjoint=False,
        validation=False,
        order="gene",
        negatives=["intragenic"],
        split=SplitSettings(test_fraction=0.2, seed=42),
    ),
}
"""Presets by name."""


@dataclass(frozen=True)
class PrepareSettings:
    """A genome and its annotation to labelled windows. What is null is as the protocol has it.

    Attributes
    ----------
    genome
        FASTA file, plain, gzip or bgzip; with a .fai beside it, it is not read as a whole first.
    annotation
        GTF or GFF3 file, plain or gzip.
    out
        HDF5 file to write.
    protocol
        strict, or exonsearch: starts and letters of the forward strand, genes alone held apart, no validation, negatives
        up to 1 nt from a start.
    width
        nt of a stored window, odd; models may read less of it, around the same middle.
    negatives
        Kinds of negatives, as many of each as there are exon starts: intragenic, decoy, gc, shuffled.
    min_distance
        Least nt between a negative's place and any exon start on its strand, from 1; shuffled windows have none.
    strand_aware
        Starts and letters in transcript direction; off: start coordinates and letters of the forward strand for all.
    position_disjoint
        No letter lies in windows of two splits: loci (overlapping genes, half a window added at each side) are held
        together, and a place is an example once. Off: genes are, and each has its own starts.
    validation
        Off: what would be validation is for training.
    order
        Of the rows of a contig, which decides what a slice holds (``training.order``): position, or gene: gene by gene in
        the order of a hash, so that a slice is some genes from anywhere.
    max_ambiguous
        Largest share of N and other ambiguity letters in a window, 0 to 1; what exceeds it is left out.
    features
        Types of rows that are exons. Transcripts without any are put together from CDS and UTR rows.
    split
        Who is held out: chromosomes where they are named, else genes (loci) by hash.
    seed
        Of the negatives.
    """

    genome: str = ""
    annotation: str = ""
    out: str = ""
    protocol: str = "strict"
    width: int = 301
    negatives: list[str] | None = None
    min_distance: int | None = None
    strand_aware: bool | None = None
    position_disjoint: bool | None = None
    validation: bool | None = None
    order: str | None = None
    max_ambiguous: float = 0.1
    features: list[str] = field(default_factory=lambda: ["exon"])
    split: SplitSettings | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise UnknownName("protocol", self.protocol, PROTOCOLS)
        if self.width < 3 or not self.width % 2:
            raise InputError(f"width: expected an odd number of nt from 3 on, got {self.width}")
        if not 0 <= self.max_ambiguous <= 1:
            raise InputError(f"max_ambiguous: expected a share from 0 to 1, got {self.max_ambiguous}")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"seed: expected a whole number from 0 to {2**32 - 1}, got {self.seed}")
        if not self.features or not all(self.features):
            raise InputError(f"features: expected at least one type of row, got {self.features}")
        rules = self.rules
        for name in rules.negatives:
            NEGATIVES[name]
        if not rules.negatives or len(set(rules.negatives)) != len(rules.negatives):
            raise InputError(f"negatives: expected different kinds of {', '.join(NEGATIVES)}, got {rules.negatives}")
        if rules.min_distance < 1:
            raise InputError(f"min_distance: expected at least 1 nt, got {rules.min_distance}")
        if rules.order not in ORDERS:
            raise UnknownName("order", rules.order, ORDERS)
        if rules.split.strategy == "record":
            raise InputError("split.strategy: expected auto, chromosome, gene or test, got 'record'")

    @property
    def rules(self) -> Rules:
        """The protocol's rules with what is set here in their place."""
        named = {item.name: getattr(self, item.name) for item in dataclasses.fields(Rules)}
        return replace(PROTOCOLS[self.protocol], **{key: value for key, value in named.items() if value is not None})

    @property
    def resolved(self) -> dict[str, Any]:
        """Every setting but ``out`` as plain data, nothing left to the protocol."""
        body = {**dataclasses.asdict(self), **dataclasses.asdict(self.rules)}
        del body["out"]
        return body
