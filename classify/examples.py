"""The table of examples that a task hands to everything else, and the common steps of making one.

An ``Examples`` holds either code sequences (in memory, or left in a prepared file) or picture files, one label, group,
chromosome and split each. NumPy only; what turns it into batches lives in ``datasets``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from classify.digests import digest
from classify.splits import SPLITS, stable_fraction
from classify.spoken import data_lines, left_out
from classify.targets import Labels, Targets, counted
from specgen.errors import InputError
from specgen.sequences import Codes

__all__ = [
    "Examples",
    "Store",
    "StoredLetters",
    "balance",
    "check_classes",
    "check_trainable",
    "drop_duplicates",
    "one_per_group",
]


AT_ONCE = 4096
"""Sequences that are read from a file together."""


class Store(Protocol):
    """A file of many stretches of letters, all of one length, that gives windows of any of its rows."""

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64], window: int) -> Codes:
        """uint8 (n, window): the window of each row that begins at its start."""
        ...


class StoredLetters(Sequence[Codes]):
    """Sequences of one length that stay in their file until they are asked for.

    Parameters
    ----------
    store
        The file.
    rows
        int64 (n,) its rows that are meant.
    low, length
        The part of each row that is: ``length`` nt from 0-based ``low``.
    """

    def __init__(self, store: Store, rows: NDArray[np.int64], low: int, length: int) -> None:
        self.store, self.rows, self.low, self.length = store, rows, low, length

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Codes: ...
    @overload
    def __getitem__(self, index: slice) -> StoredLetters: ...
    def __getitem__(self, index: int | slice) -> Codes | StoredLetters:
        if isinstance(index, slice):
            return self.take(np.arange(len(self.rows))[index])
        one: Codes = self.store.gather(self.rows[[index]], np.array([self.low]), self.length)[0]
        return one

    def __iter__(self) -> Iterator[Codes]:
        for low in range(0, len(self.rows), AT_ONCE):
            rows = self.rows[low : low + AT_ONCE]
            yield from self.store.gather(rows, np.full(len(rows), self.low), self.length)

    def take(self, index: NDArray[np.int64]) -> StoredLetters:
        """The sequences at ``index``; nothing is read."""
        return StoredLetters(self.store, self.rows[index], self.low, self.length)

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64], window: int) -> Codes:
        """uint8 (n, window): as of a ``Store``, in rows and places of these sequences."""
        return self.store.gather(self.rows[rows], self.low + starts, window)


@dataclass(frozen=True)
class Examples:
    """Columns of equal length n.

    Attributes
    ----------
    classes
        Class names; ``labels`` index them. For two classes the last one is the positive.
    ids
        Unique record names, as found in the data: never used as paths or HTML unescaped.
    labels
        int64 (n,) class of each example; 0 where there are ``targets``.
    groups, chromosomes
        What must not cross splits; empty chromosome = unknown.
    lengths
        int64 (n,) nt of the whole record, before trimming; 0 for pictures.
    split
        (n,) "train", "val" or "test".
    targets
        Labels of each example, as many as there are ``classes``, where those do not exclude one another; else None.
    sequences
        Codes of each record after trimming, a list or ``StoredLetters``; None for pictures.
    pictures
        Path of each picture, and its place where the file holds many; None for sequences.
    window
        nt of the fixed crop that models read; 0 for pictures.
    margin
        nt at either end of a sequence that only the random crops of training may reach.
    kinds
        What sort of its class each example is, by which metrics are told apart; empty where there is one sort only.
    shuffled
        (n,) which ones are another's letters, shuffled with their dinucleotide counts kept, so that any other such shuffle is
        as good (``augment.reshuffle``); None = none is.
    marks
        0-based half-open stretches of each sequence that its label rests on, where they are known (planted motifs), so that
        explanations can be held against them; empty where nothing is known.
    digests
        Hash of each picture's pixels, by which duplicates are found; empty for sequences, whose letters serve.
    counts
        What was read, dropped and why, for the report.
    """

    classes: tuple[str, ...]
    ids: list[str]
    labels: NDArray[np.int64]
    groups: list[str]
    chromosomes: list[str]
    lengths: NDArray[np.int64]
    split: NDArray[np.str_]
    targets: Targets | None = None
    sequences: Sequence[Codes] | None = None
    pictures: list[tuple[Path, int]] | None = None
    window: int = 0
    margin: int = 0
    kinds: list[str] = field(default_factory=list)
    shuffled: NDArray[np.bool_] | None = None
    marks: list[tuple[tuple[int, int], ...]] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def kind(self) -> str:
        """What an example is made of: "codes" or "pictures". A view is chosen by it."""
        return "codes" if self.sequences is not None else "pictures"

    def truths(self, rows: NDArray[np.int64]) -> NDArray[np.int64] | Labels:
        """What some examples are: int64 (len(rows),) classes, or int8 (len(rows), k) labels of each."""
        return self.labels[rows] if self.targets is None else self.targets.gather(rows)

    def told(self) -> str:
        """How many there are, and of each class where an example has one."""
        if self.targets is not None:
            return f"{len(self)} ({len(self.classes)} labels each)"
        classes = ", ".join(f"{n} {name}" for name, n in self.per_class().items())
        return f"{len(self)} ({classes})"

    def take(self, keep: NDArray[np.int64] | NDArray[np.bool_], **counts: Any) -> Examples:
        """The examples at ``keep`` (indices or mask), with ``counts`` added."""
        index: NDArray[np.int64] = np.flatnonzero(keep) if keep.dtype == bool else keep.astype(np.int64)
        return replace(
            self,
            ids=[self.ids[i] for i in index],
            labels=self.labels[index],
            groups=[self.groups[i] for i in index],
            chromosomes=[self.chromosomes[i] for i in index],
            lengths=self.lengths[index],
            split=self.split[index],
            targets=None if self.targets is None else self.targets.take(index),
            sequences=None if self.sequences is None else _taken(self.sequences, index),
            pictures=None if self.pictures is None else [self.pictures[i] for i in index],
            digests=[self.digests[i] for i in index] if self.digests else [],
            kinds=[self.kinds[i] for i in index] if self.kinds else [],
            shuffled=None if self.shuffled is None else self.shuffled[index],
            marks=[self.marks[i] for i in index] if self.marks else [],
            counts={**self.counts, **counts},
        )

    def part(self, split: str) -> Examples:
        """The examples of one split."""
        return self.take(self.split == split)

    def lines(self) -> list[str]:
        """For a terminal: sizes of the splits, what was left out, what may leak."""
        return data_lines({split: self.part(split).told() for split in SPLITS}, self.counts)

    def per_class(self) -> dict[str, int]:
        """Number of examples of each class, or that have each label; labels in a file are read for it."""
        if self.targets is not None:
            return dict(zip(self.classes, counted(self.targets, len(self.classes))[1].tolist(), strict=True))
        return {name: int((self.labels == i).sum()) for i, name in enumerate(self.classes)}


def _taken(sequences: Sequence[Codes], index: NDArray[np.int64]) -> Sequence[Codes]:
    return sequences.take(index) if isinstance(sequences, StoredLetters) else [sequences[i] for i in index]


def drop_duplicates(examples: Examples) -> Examples:
    """Keep the first of records with the same letters; drop all of them where their labels disagree.

    Equal sequences under two gene names would otherwise sit on both sides of a split.
    """
    digests = examples.digests or [digest(codes) for codes in examples.sequences or []]
    labels: dict[bytes, set[int]] = {}
    for key, label in zip(digests, examples.labels, strict=True):
        labels.setdefault(key, set()).add(int(label))
    seen: set[bytes] = set()
    keep = np.zeros(len(examples), dtype=bool)
    for i, key in enumerate(digests):
        keep[i] = key not in seen and len(labels[key]) == 1
        seen.add(key)
    contradictory = sum(len(labels[key]) > 1 for key in digests)
    return examples.take(
        keep,
        duplicates_dropped=int(len(keep) - keep.sum() - contradictory),
        contradictory_duplicates_dropped=int(contradictory),
    )


def one_per_group(examples: Examples, most: int, seed: int) -> Examples:
    """At most ``most`` records of each group and class, drawn by hash of their ids; 0 = all."""
    if not most:
        return examples
    order = np.argsort([stable_fraction(name, seed) for name in examples.ids], kind="stable")
    taken: Counter[tuple[str, int]] = Counter()
    keep = np.zeros(len(examples), dtype=bool)
    for i in order:
        key = examples.groups[i], int(examples.labels[i])
        keep[i] = taken[key] < most
        taken[key] += int(keep[i])
    return examples.take(keep, isoforms_left_out=int(len(keep) - keep.sum()))


def balance(examples: Examples, splits: Sequence[str], seed: int) -> Examples:
    """Thin the larger classes of the given splits, by hash of the id, to the size of the smallest."""
    draws = np.array([stable_fraction(name, seed) for name in examples.ids])
    keep = np.ones(len(examples), dtype=bool)
    for split in splits:
        members = [
            np.flatnonzero((examples.split == split) & (examples.labels == k)) for k in range(len(examples.classes))
        ]
        size = min(len(indices) for indices in members)
        for indices in members:
            keep[indices[np.argsort(draws[indices], kind="stable")[size:]]] = False
    return examples.take(keep, balancing_left_out=int(len(keep) - keep.sum()))


def check_classes(examples: Examples, describe: Callable[[str], str] = str, splits: Sequence[str] = SPLITS) -> Examples:
    """``examples`` itself, once every class is known to occur in every one of ``splits``.

    Raises
    ------
    InputError
        One class only, or a class without examples in a split; says how many there are of each.
    """
    present = [name for name, n in examples.per_class().items() if n]
    if len(present) < 2:
        only = f"only {describe(present[0])}" if present else "none"
        told = f" ({left_out(examples.counts)})" if examples.counts else ""
        raise InputError(
            f"data: {only} is left after filtering; expected examples of {' and '.join(examples.classes)}{told}"
        )
    for split in splits:
        sizes = examples.part(split).per_class()
        if empty := [name for name, n in sizes.items() if not n]:
            got = ", ".join(f"{name} {n}" for name, n in sizes.items())
            raise InputError(
                f"data: no {split} examples of {describe(empty[0])} ({got}); "
                "give more groups, larger fractions, or other held-out chromosomes"
            )
    return examples


def check_trainable(examples: Examples) -> None:
    """Refuse to fit anything where everything is test.

    Raises
    ------
    InputError
        No training or no validation examples.
    """
    if empty := [split for split in ("train", "val") if not (examples.split == split).any()]:
        raise InputError(
            f"data.split: no {empty[0]} examples to fit anything to; "
            "the strategy 'test' is for scoring finished runs: python -m classify evaluate --run RUN --on CONFIG --as NAME"
        )
