"""Coding (CDN) against non-coding (LNSD) nucleotide sequences.

Three sources: FASTA files, a folder of pictures that somebody made, or simulated transcripts (the default). The names
CDN and LNSD are opaque labels; their expansion is not published.

Both classes take the same path: the same trim at both ends (so that neither ATG nor a stop codon gives the label),
the same minimum length, the same fixed crop, whose phase is random in training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from classify.clusters import Seen, contradicted, hold_together, keep_highest_split, read_clusters, read_seen
from classify.controls import apply_controls, check_controls, renamed_classes
from classify.examples import Examples, balance, check_classes, drop_duplicates, one_per_group
from classify.headers import Origin, distinct_name, group_loci, parse_header, read_table
from classify.matching import MATCHERS, match
from classify.splits import SplitSettings, assign_splits
from classify.tasks.base import Task, register_task
from specgen.errors import InputError
from specgen.files import expand
from specgen.sequences import Codes
from specgen.simulate import SimulationSettings, simulate

__all__ = ["CodingSettings", "CodingTask"]


@dataclass(frozen=True)
class CodingSettings:
    """Where the examples come from and how they are cut.

    Attributes
    ----------
    coding
        FASTA or FASTQ files of the positive class, one or several; needs ``noncoding`` as well.
    noncoding
        FASTA or FASTQ files of the negative class.
    root
        Folder that relative file names start from; empty = the working directory. ``~`` and environment variables are
        filled in; ``$SPECGEN_DATA`` names the folder of real data sets.
    images
        A folder of pictures instead: class sub-folders of PNG or JPEG files, or of tar, HDF5 or npy files that hold
        many, as ``specgen render`` or any other program writes them.
    simulate
        Used when neither files nor pictures are given.
    classes
        Names of the negative and the positive class; with ``images``, of the two sub-folders.
    length
        Crop that a model sees, in nt.
    trim
        Letters cut from both ends of every record of both classes; 9 removes three codons.
    per_group
        Most records of one gene (locus) and class; 0 = all. Picture folders keep every picture.
    table
        CSV or TSV (columns id, gene, chromosome) that overrides what headers say.
    clusters
        CSV (columns id, cluster) of near-duplicates, as ``classify cluster`` writes it: genes that share a cluster are one
        group, and under a chromosome split a group's members beside its test (else validation) ones are dropped.
    drop_mixed_clusters
        Drop non-coding records that share a cluster with a coding one; off where near-duplicates are the question.
    unseen
        ``split.csv`` of a run that is to be evaluated on these data: whatever it trained or validated on is dropped, with
        all that shares a gene or cluster with it.
    match
        Equal classes in bins of each of these, in every split: length, gc, dinucleotide.
    controls
        Negative controls that change letters or labels, in this order; ``classify list`` names them.
    balance
        Equal classes: validation and test are thinned once, training draws anew every epoch.
    split
        See ``SplitSettings``.
    """

    coding: list[str] = field(default_factory=list)
    noncoding: list[str] = field(default_factory=list)
    root: str = ""
    images: str = ""
    simulate: SimulationSettings = field(default_factory=SimulationSettings)
    classes: list[str] = field(default_factory=lambda: ["LNSD", "CDN"])
    length: int = 600
    trim: int = 9
    per_group: int = 1
    table: str = ""
    clusters: str = ""
    drop_mixed_clusters: bool = True
    unseen: str = ""
    match: list[str] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    balance: bool = True
    split: SplitSettings = field(default_factory=SplitSettings)

    def __post_init__(self) -> None:
        if bool(self.coding) != bool(self.noncoding):
            given, missing = ("coding", "noncoding") if self.coding else ("noncoding", "coding")
            raise InputError(f"data: {given} files are given but no {missing} ones; expected both classes")
        if self.coding and self.images:
            raise InputError("data: expected either coding/noncoding files or images, got both")
        if self.length < 1 or self.trim < 0 or self.per_group < 0:
            raise InputError(
                f"data: expected length above 0 and trim, per_group of 0 or more, "
                f"got {self.length}, {self.trim}, {self.per_group}"
            )
        for name in self.match:
            MATCHERS[name]
        check_controls(self.controls)
        if self.images and (self.clusters or self.unseen or self.match):
            raise InputError(
                "data: clusters, unseen and match are for sequences; picture folders are grouped by a table"
            )
        if len(self.classes) != 2 or len(set(self.classes)) != 2:
            raise InputError(f"data.classes: expected two different names, negative first, got {self.classes}")


@dataclass(frozen=True)
class _Row:
    """A record before filtering."""

    name: str
    label: int
    origin: Origin
    codes: Codes


@register_task("coding")
class CodingTask(Task):
    """See the module's docstring."""

    Settings = CodingSettings
    about = "coding (CDN) against non-coding (LNSD): FASTA files, a picture folder, or simulated transcripts"
    settings: CodingSettings

    @property
    def classes(self) -> tuple[str, ...]:
        return renamed_classes(tuple(self.settings.classes), self.settings.controls)

    @property
    def window(self) -> int:
        return 0 if self.settings.images else self.settings.length

    @property
    def balanced(self) -> bool:
        return self.settings.balance

    @property
    def cut(self) -> int:
        return 2 * self.settings.trim

    @property
    def frame(self) -> int:
        return -self.settings.trim % 3

    def prepare(self, codes: Codes) -> Codes:
        """Trim both ends."""
        trim = self.settings.trim
        return codes[trim : max(trim, len(codes) - trim)]

    def load(self) -> Examples:
        """See ``Task.load``; every drop is counted in ``Examples.counts``."""
        settings, seed, splits = self.settings, self.settings.split.seed, self.settings.split.splits
        if settings.images:
            from classify.pictures import scan_folder  # Pillow would slow down --help

            examples = scan_folder(
                expand(settings.images),
                tuple(settings.classes),
                expand(settings.table) if settings.table else None,
                settings.split,
            )
        else:
            rows = list(self._simulated() if not settings.coding else self._files())
            examples = self._cut(rows)
        examples = drop_duplicates(examples)
        if examples.kind == "codes":  # a record may have given several pictures, which stay together
            examples = one_per_group(examples, settings.per_group, seed)
        examples = match(check_classes(examples, splits=splits), settings.match, seed)
        if settings.balance:
            examples = balance(check_classes(examples, splits=splits), ("val", "test"), seed)
        return check_classes(apply_controls(examples, settings.controls, seed), splits=splits)

    def _simulated(self) -> Iterator[_Row]:
        for record in simulate(self.settings.simulate):
            origin = Origin(record.gene, record.chromosome)
            yield _Row(record.name, int(record.coding), origin, record.codes)

    def _files(self) -> Iterator[_Row]:
        from specgen.records import read_records  # dnaio would slow down --help

        table = read_table(expand(self.settings.table)) if self.settings.table else {}
        seen: set[str] = set()
        named: set[str] = set()
        for label, files in enumerate((self.settings.noncoding, self.settings.coding)):
            for file in files:
                for record in read_records(expand(self.settings.root) / expand(file)):
                    name = distinct_name(record.name, seen)
                    named.add(record.name)
                    yield _Row(name, label, _merge(parse_header(record.header), table.get(record.name)), record.codes)
        if table and not named & table.keys():
            raise InputError(f"{self.settings.table}: none of its {len(table)} ids is the name of a record")

    def _cut(self, rows: list[_Row]) -> Examples:
        """Trim, drop what is too short, group and split."""
        settings, names = self.settings, tuple(self.settings.classes)
        least = settings.length + self.cut
        counts: dict[str, Any] = {} if settings.coding else {"simulated_transcripts": len(rows)}
        counts |= {"records_read": _count(rows, names)}
        counts["shorter_than_crop_dropped"] = _count((r for r in rows if len(r.codes) < least), names)
        if not any(len(row.codes) >= least for row in rows):
            raise InputError(
                f"data: no sequence has the {least} nt needed (crop {settings.length} + 2 x trim {settings.trim}); "
                f"{len(rows)} records are shorter, the longest has {max((len(r.codes) for r in rows), default=0)}"
            )
        clusters = self._clusters(rows)
        mixed = contradicted([row.label for row in rows], [clusters.get(row.name, "") for row in rows])
        mixed &= settings.drop_mixed_clusters
        kept = [row for row, drop in zip(rows, mixed, strict=True) if len(row.codes) >= least and not drop]
        loci = group_loci(row.origin for row in kept)
        genes = [locus or f"record:{row.name}" for locus, row in zip(loci, kept, strict=True)]
        ids, chromosomes = [row.name for row in kept], [row.origin.chromosome for row in kept]
        groups = hold_together(genes, [clusters.get(name, "") for name in ids])
        seen = read_seen(expand(settings.unseen)) if settings.unseen else Seen()
        known = seen.members(ids, genes, groups, clusters)
        by_chromosome = settings.split.resolved == "chromosome"
        split = assign_splits(genes if by_chromosome else groups, chromosomes, ids, settings.split)
        split[known] = ""
        final = keep_highest_split(groups, split) if by_chromosome else split
        counts["records_without_gene_or_locus"] = sum(not locus for locus in loci)
        labels = np.array([row.label for row in kept], dtype=np.int64)
        if settings.clusters:
            counts["records_without_cluster"] = sum(row.name not in clusters for row in rows)
            counts["near_duplicates_of_other_class_dropped"] = int(mixed.sum())
            dropped = Counter(names[k] for k in labels[(split != "") & (final == "")])
            counts["near_duplicates_across_splits_dropped"] = {name: dropped[name] for name in names}
        if settings.unseen:
            counts["known_to_the_trained_model_dropped"] = int(known.sum())
        counts["chromosome_unknown_dropped"] = int(((split == "") & ~known).sum())
        examples = Examples(
            classes=names,
            ids=ids,
            labels=labels,
            groups=groups,
            chromosomes=chromosomes,
            lengths=np.array([len(row.codes) for row in kept], dtype=np.int64),
            split=final,
            sequences=[self.prepare(row.codes) for row in kept],
            window=settings.length,
            counts=counts,
        )
        return examples.take(final != "")

    def _clusters(self, rows: list[_Row]) -> dict[str, str]:
        """Cluster of each record that has one."""
        if not self.settings.clusters:
            return {}
        clusters = read_clusters(expand(self.settings.clusters))
        if clusters.keys().isdisjoint(row.name for row in rows):
            raise InputError(f"{self.settings.clusters}: none of its {len(clusters)} ids is the name of a record")
        return clusters


def _merge(header: Origin, table: Origin | None) -> Origin:
    if table is None:
        return header
    return Origin(
        table.gene or header.gene, table.chromosome or header.chromosome, header.start, header.end, header.strand
    )


def _count(rows: Iterable[_Row], classes: tuple[str, ...]) -> dict[str, int]:
    found = Counter(row.label for row in rows)
    return {name: found[i] for i, name in enumerate(classes)}
