"""Exon starts against other places of a genome, from the files that ``classify prepare`` makes.

An example is a window with the exon's first base in its middle, in the direction of transcription. Two kinds of start are
told apart everywhere: behind an intron (``acceptor``: the splice site is in the window) and of a transcript's first exon
(``first``: a transcription start, which is another problem). The letters stay in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.examples import Examples, StoredLetters, balance, check_classes, drop_duplicates
from classify.exons.prepared import PreparedSet
from classify.headers import chromosomes_of, distinct_name
from classify.splits import SPLITS, SplitSettings, assign_splits
from classify.tasks.base import Task, register_task
from specgen.errors import InputError, UnknownName
from specgen.files import expand

__all__ = ["ExonStartSettings", "ExonStartTask"]


@dataclass(frozen=True)
class ExonStartSettings:
    """The ``data`` section for exon starts.

    Attributes
    ----------
    prepared
        Files of ``python -m classify prepare``; several genomes are joined.
    window
        nt, odd: the exon's first base is the middle one.
    jitter
        nt by which training moves its windows at most, in either direction; the site is then no longer in the middle.
    positives, negatives
        Kinds of starts and of other places; empty = all that the files hold. Negatives of genes without a wanted start are
        left out: the gene alone would tell them.
    balance
        As many examples of each class: drawn so in training, thinned by hash in validation and test.
    validate_on_test
        Choose the epoch on the very examples that are then scored, as ExonSearch does; a trap, for measuring what it does.
    split
        auto: as prepared. Any other strategy divides anew: gene by locus, chromosome by the contigs named, record, test.
    """

    prepared: list[str] = field(default_factory=list)
    window: int = 201
    jitter: int = 0
    positives: list[str] = field(default_factory=list)
    negatives: list[str] = field(default_factory=list)
    balance: bool = True
    validate_on_test: bool = False
    split: SplitSettings = field(default_factory=SplitSettings)

    def __post_init__(self) -> None:
        if self.window < 3 or self.window % 2 == 0:
            raise InputError(f"data.window: expected an odd number of nt from 3 on, got {self.window}")
        if self.jitter < 0:
            raise InputError(f"data.jitter: expected 0 nt or more, got {self.jitter}")


@register_task("exon_start")
class ExonStartTask(Task):
    """See the module's docstring."""

    Settings = ExonStartSettings
    about = "exon starts against other places, from a genome and its annotation (see classify prepare)"
    settings: ExonStartSettings

    @property
    def classes(self) -> tuple[str, ...]:
        return ("background", "exon_start")

    @property
    def window(self) -> int:
        return self.settings.window

    @property
    def blanks(self) -> int:
        return self.settings.window  # ``prepare`` cuts windows over the ends of contigs, too

    @property
    def balanced(self) -> bool:
        return self.settings.balance

    @property
    def centred(self) -> bool:
        return True

    def load(self) -> Examples:
        """See ``Task.load``; every drop is counted in ``Examples.counts``.

        Raises
        ------
        InputError
            No prepared file, one that is none, a window wider than it holds, or a kind that it does not have.
        """
        settings = self.settings
        if not settings.prepared:
            raise InputError(
                "data.prepared: expected a file of prepared windows; python -m classify prepare makes one "
                "from a genome and its annotation"
            )
        names: set[str] = set()
        stores = [PreparedSet(expand(path)) for path in settings.prepared]
        parts = [
            self._of(store, f"{i + 1}/" if len(stores) > 1 else "", str(path), names)
            for i, (store, path) in enumerate(zip(stores, settings.prepared, strict=True))
        ]
        examples = _joined(parts)
        if all(store.settings["position_disjoint"] for store in stores):
            examples = drop_duplicates(examples)  # by other rules, copies in two splits are part of the protocol
        if settings.balance:
            present = [split for split in SPLITS if (examples.split == split).any()]
            thinned = [split for split in ("val", "test") if split in present]
            examples = balance(check_classes(examples, splits=present), thinned, settings.split.seed)
        if settings.validate_on_test:
            examples = _test_as_validation(examples)
        if not (examples.split == "val").any() and "val" in settings.split.splits:
            raise InputError(
                f"{', '.join(settings.prepared)}: prepared without a validation split, as ExonSearch does it; "
                "data.validate_on_test true chooses the epoch on the test examples, as it does, and "
                "data.split.strategy gene divides anew"
            )
        return check_classes(examples, splits=settings.split.splits)

    def _of(self, store: PreparedSet, prefix: str, path: str, taken: set[str]) -> Examples:
        """The wanted examples of one file."""
        settings = self.settings
        length = settings.window + 2 * settings.jitter
        if length > store.width:
            raise InputError(
                f"{path}: holds windows of {store.width} nt, and data.window {settings.window} with data.jitter "
                f"{settings.jitter} takes {length}; prepare it with --width {length} or more"
            )
        rows = np.flatnonzero(self._wanted(store, path))
        # With its length, the name of a contig says of which genome it is: "I" alone is of many.
        told = zip(store.contigs, store.lengths.tolist(), strict=True)
        names, kinds = np.array([f"{name}/{length}" for name, length in told]), np.array(store.kinds)
        contigs = names[store.contig[rows]].tolist()
        chromosomes = np.array(chromosomes_of(store.contigs))[store.contig[rows]].tolist()
        sorts = kinds[store.kind[rows]].tolist()
        ids = [
            distinct_name(f"{contig}:{position}{'+' if strand > 0 else '-'}:{sort}", taken)
            for contig, position, strand, sort in zip(
                contigs, store.position[rows].tolist(), store.strand[rows].tolist(), sorts, strict=True
            )
        ]
        groups, told_split = _groups(store, rows, contigs), {}
        if settings.split.strategy == "auto" and not settings.split.test_chromosomes:
            if settings.split != SplitSettings(seed=settings.split.seed):
                raise InputError(
                    "data.split: the split is that of the prepared file; data.split.strategy gene divides anew"
                )
            split = np.array(SPLITS)[store.split[rows]]
            told_split = {f"{prefix}split_as_prepared": _split_text(store)}
        elif "gc" in sorts and settings.split.strategy != "test":
            raise InputError(
                f"{path}: its gc negatives lie in other loci than the starts that they match, held apart by the split that "
                "was prepared; prepare it with the other split, or leave them out (data.negatives)"
            )
        else:
            split = assign_splits(groups, chromosomes, ids, settings.split)
        examples = Examples(
            classes=self.classes,
            ids=ids,
            labels=store.label[rows].astype(np.int64),
            groups=groups,
            chromosomes=chromosomes,
            lengths=np.full(len(rows), settings.window, dtype=np.int64),
            split=split,
            sequences=StoredLetters(store, rows, (store.width - length) // 2, length),
            window=settings.window,
            margin=settings.jitter,
            kinds=sorts,
            shuffled=np.array(sorts) == "shuffled",
            counts={f"{prefix}{key}": value for key, value in store.counts.items()}
            | {f"{prefix}of_no_wanted_kind_or_gene": len(store) - len(rows)}
            | told_split,
        )
        return examples.take(split != "", **{f"{prefix}in_no_split": int((split == "").sum())})

    def _wanted(self, store: PreparedSet, path: str) -> NDArray[np.bool_]:
        """(n,) whether a row is of a wanted kind."""
        wanted = np.zeros(len(store.label), dtype=bool)
        for label, asked in ((1, self.settings.positives), (0, self.settings.negatives)):
            of_label = store.label == label
            there = [store.kinds[k] for k in np.unique(store.kind[of_label])]
            for name in asked:
                if name not in there:
                    raise UnknownName(f"kind of {self.classes[label]} in {path}:", name, there)
            codes = [store.kinds.index(name) for name in asked or there]
            wanted |= of_label & np.isin(store.kind, codes)
        # A negative stands for its gene's starts: beside none that is wanted, the gene alone would tell it.
        genes = np.unique(store.gene[wanted & (store.label == 1)])
        return wanted & np.isin(store.gene, genes)


def _groups(store: PreparedSet, rows: NDArray[np.int64], contigs: Sequence[str]) -> list[str]:
    """What must not cross splits by the rules the file was prepared by: loci, or genes alone."""
    if store.settings["position_disjoint"]:
        return [f"{contig}:locus:{number}" for contig, number in zip(contigs, store.locus[rows].tolist(), strict=True)]
    return [store.genes[gene] for gene in store.gene[rows].tolist()]


def _split_text(store: PreparedSet) -> str:
    """How the file was divided, for reports: "strict protocol, by locus: test chromosomes III, val fraction 0.15, seed 0"."""
    asked = store.settings["split"]
    unit = "locus" if store.settings["position_disjoint"] else "gene"
    parts = [
        f"{name} chromosomes {', '.join(chosen)}"
        if (chosen := asked[f"{name}_chromosomes"])
        else f"{name} fraction {share}"
        for name in ("test", "val")
        if (share := asked[f"{name}_fraction"]) or asked[f"{name}_chromosomes"]
    ]
    return f"{store.settings['protocol']} protocol, by {unit}: {', '.join(parts)}, seed {asked['seed']}"


def _joined(parts: list[Examples]) -> Examples:
    """The examples of several files as one."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    letters = [part.sequences for part in parts if isinstance(part.sequences, StoredLetters)]
    return replace(
        first,
        ids=[name for part in parts for name in part.ids],
        labels=np.concatenate([part.labels for part in parts]),
        groups=[name for part in parts for name in part.groups],
        chromosomes=[name for part in parts for name in part.chromosomes],
        lengths=np.concatenate([part.lengths for part in parts]),
        split=np.concatenate([part.split for part in parts]),
        sequences=StoredLetters(_Several(letters), np.arange(sum(map(len, letters))), 0, letters[0].length),
        kinds=[name for part in parts for name in part.kinds],
        shuffled=np.concatenate([part.shuffled for part in parts if part.shuffled is not None]),
        counts={key: value for part in parts for key, value in part.counts.items()},
    )


class _Several:
    """The letters of several files as those of one."""

    def __init__(self, parts: list[StoredLetters]) -> None:
        self.parts = parts
        self.ends = np.cumsum([len(part) for part in parts])

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64], window: int) -> NDArray[np.uint8]:
        """See ``Store``."""
        found = np.empty((len(rows), window), dtype=np.uint8)
        for mask, own, part in self._shares(rows):
            found[mask] = part.gather(own, starts[mask], window)
        return found

    def _shares(self, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.int64], StoredLetters]]:
        of = np.searchsorted(self.ends, rows, side="right")
        for i, part in enumerate(self.parts):
            mask = of == i
            if mask.any():
                yield mask, rows[mask] - (self.ends[i] - len(part)), part


def _test_as_validation(examples: Examples) -> Examples:
    """The same with the test examples in validation, too, under other ids, in the place of what was there."""
    kept = np.flatnonzero(examples.split != "val")
    again = np.flatnonzero(examples.split == "test")
    both = examples.take(np.concatenate([kept, again]), validated_on_test=len(again))
    ids = [*both.ids[: len(kept)], *(f"{name} (validation)" for name in both.ids[len(kept) :])]
    split: Any = both.split.copy()
    split[len(kept) :] = "val"
    return replace(both, ids=ids, split=split)
