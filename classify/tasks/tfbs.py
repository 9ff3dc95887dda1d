"""Bound against unbound sequences: transcription-factor binding sites from ChIP-seq, in windows around them.

Files of labelled sequences (FASTA, CSV or TSV, DeepBind's .seq) with splits of their own or to be divided, or peaks over a
genome. A set that holds positives only gets negatives: shuffled, or other windows of the genome. A window, its reverse
complement, its copies and its shuffle are one group, and no group crosses splits. An official test file is scored as it
is, and what it shares with training goes from training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.clusters import keep_highest_split
from classify.examples import Examples, check_classes, drop_duplicates
from classify.headers import distinct_name
from classify.labelled.formats import Columns
from classify.labelled.grouping import sharing, strandless_digest
from classify.labelled.rows import Window
from classify.labelled.settings import SHORT, LabelledFiles
from classify.labelled.windows import divided, labelled_windows, made_negatives
from classify.peaks.negatives import NEGATIVES
from classify.peaks.settings import PeakSettings
from classify.peaks.windows import peak_windows
from classify.splits import SplitSettings
from classify.tasks.base import Task, register_task
from specgen.errors import InputError, UnknownName
from specgen.files import expand

__all__ = ["TfbsSettings", "TfbsTask"]


@dataclass(frozen=True)
class TfbsSettings(LabelledFiles):
    """Where the windows come from.

    Attributes
    ----------
    train, val, test
        Files of sequences: CSV or TSV with a column of labels, DeepBind's .seq, or FASTA of bound ones. Without ``test``
        the test is drawn from ``train``, and so is validation without ``val``.
    train_negatives, val_negatives, test_negatives
        FASTA of unbound ones.
    columns
        Names of a table's columns.
    peaks
        Peaks over a genome instead of files of sequences.
    root
        Folder that relative file names start from; empty = the working directory.
    window
        nt that a model sees. A longer record is cut to its middle, peaks have their summit in the middle.
    short
        What becomes of records shorter than the window: pad (blanks on both sides) or drop.
    negatives
        Kinds of negatives for sets that hold positives only: shuffled (dinucleotide counts kept) and, with peaks, gc (GC of
        the positive, elsewhere) and flanks (beside the peak).
    per_positive
        Negatives of each kind for every positive.
    most
        Records of a class, drawn by hash, that are taken of every file part but the test; 0 = all.
    shared
        The test sequences that share this many nt in a row with a training sequence are counted; 0 = not looked for.
    balance
        Training draws as many of each class. Nothing is thinned in validation and test.
    split
        See ``SplitSettings``: gene = by group; for peaks, by block of their contig.
    """

    columns: Columns = field(default_factory=Columns)
    peaks: PeakSettings = field(default_factory=PeakSettings)
    root: str = ""
    window: int = 101
    short: str = "pad"
    negatives: list[str] = field(default_factory=lambda: ["shuffled"])
    per_positive: int = 1
    most: int = 0
    shared: int = 50
    balance: bool = True
    split: SplitSettings = field(default_factory=SplitSettings)

    def __post_init__(self) -> None:
        for key, least in (("window", 1), ("per_positive", 1), ("most", 0), ("shared", 0)):
            if getattr(self, key) < least:
                raise InputError(f"data.{key}: expected {least} or more, got {getattr(self, key)}")
        if self.short not in SHORT:
            raise UnknownName("data.short", self.short, SHORT)
        for name in self.negatives:
            NEGATIVES[name]
        if len(set(self.negatives)) < len(self.negatives):
            raise InputError(f"data.negatives: names a kind twice: {', '.join(self.negatives)}")
        if self.any_files and self.peaks.files:
            raise InputError("data: expected files of sequences (train, val, test) or peaks, got both")
        self.check_files(self.split, genome=bool(self.peaks.files))


@register_task("tfbs")
class TfbsTask(Task):
    """See the module's docstring."""

    Settings = TfbsSettings
    about = "bound against unbound windows: labelled FASTA, CSV, DeepBind .seq, or ChIP-seq peaks over a genome"
    settings: TfbsSettings

    @property
    def classes(self) -> tuple[str, ...]:
        return ("unbound", "bound")

    @property
    def window(self) -> int:
        return self.settings.window

    @property
    def blanks(self) -> int:
        # Peaks too near to an end of their contig are left out.
        return self.settings.window if self.settings.any_files and self.settings.short == "pad" else 0

    @property
    def balanced(self) -> bool:
        return self.settings.balance

    def load(self) -> Examples:
        """See ``Task.load``; every drop is counted in ``Examples.counts``.

        Raises
        ------
        InputError
            No input, one that cannot be read, or a split without examples of a class.
        """
        settings = self.settings
        if settings.peaks.files:
            root = expand(settings.root)
            windows, counts = peak_windows(
                settings.peaks, root, settings.window, settings.negatives, settings.per_positive, settings.split
            )
        elif settings.train or settings.test:
            windows, counts = self._files()
        else:
            raise InputError("data: expected files of sequences (data.train) or peaks over a genome (data.peaks)")
        examples = _examples(self.classes, windows, settings.window, counts)
        examples = _without_copies(examples, official=bool(settings.test))
        examples = self._with_shared(examples)
        return check_classes(examples, splits=settings.split.splits)

    def _files(self) -> tuple[list[Window], dict[str, Any]]:
        """The windows of labelled files, divided, with the negatives that they lack."""
        settings, split = self.settings, self.settings.split
        windows, counts = labelled_windows(
            settings.parts,
            expand(settings.root),
            settings.columns,
            settings.window,
            settings.short,
            settings.most,
            split.seed,
            settings.linked,
        )
        kinds = {name: NEGATIVES[name] for name in settings.negatives}
        made = made_negatives(windows, kinds, settings.per_positive, split.seed)
        windows += made
        parts = self._divided(windows)
        final = keep_highest_split([window.group for window in windows], parts)
        counts |= {
            "negatives_made": len(made),
            "chromosome_unknown_dropped": int((parts == "").sum()),
            "same_or_overlapping_in_a_later_split_dropped": int(((final == "") & (parts != "")).sum()),
        }
        return [w._replace(split=str(s)) for w, s in zip(windows, final, strict=True) if s], counts

    def _divided(self, windows: Sequence[Window]) -> NDArray[np.str_]:
        """(n,) the split of each window: that of its file, or drawn by group."""
        settings = self.settings
        own, groups, chromosomes, names = (
            [getattr(window, key) for window in windows] for key in ("split", "group", "chromosome", "name")
        )
        return divided(
            own, groups, chromosomes, names, settings.split, val=bool(settings.val), test=bool(settings.test)
        )

    def _with_shared(self, examples: Examples) -> Examples:
        """With the number of test sequences of which training has seen a long stretch."""
        k, train, test = self.settings.shared, examples.part("train"), examples.part("test")
        if not k or not len(train):
            return examples
        seen = sharing(list(test.sequences or []), list(train.sequences or []), k)
        return replace(examples, counts={**examples.counts, f"test_sharing_{k}_nt_with_training": int(seen.sum())})


def _examples(classes: tuple[str, ...], windows: Sequence[Window], width: int, counts: dict[str, Any]) -> Examples:
    names: set[str] = set()
    kinds = [window.kind or ("bound" if window.label else "unbound") for window in windows]
    told = {(w.label, k) for k, w in zip(kinds, windows, strict=True) if w.split == "test"}
    return Examples(
        classes=classes,
        ids=[distinct_name(window.name, names) for window in windows],
        labels=np.array([window.label for window in windows], dtype=np.int64),
        groups=[window.group for window in windows],
        chromosomes=[window.chromosome for window in windows],
        lengths=np.array([window.length for window in windows], dtype=np.int64),
        split=np.array([window.split for window in windows], dtype="<U5"),
        sequences=[window.codes for window in windows],
        window=width,
        kinds=kinds if len(told) > 2 else [],  # one sort of each class needs no table
        shuffled=np.array([window.kind == "shuffled" for window in windows], dtype=bool),
        digests=[strandless_digest(window.codes) for window in windows],
        counts=counts,
    )


def _without_copies(examples: Examples, official: bool) -> Examples:
    """Without second copies on either strand, and without all copies where labels disagree; an official test stays whole."""
    fixed = (examples.split == "test") & official
    thinned = drop_duplicates(examples.take(~fixed))
    kept = set(thinned.ids)
    keep = fixed | np.array([name in kept for name in examples.ids], dtype=bool)
    test = [key for key, is_fixed in zip(examples.digests, fixed, strict=True) if is_fixed]
    return replace(
        examples.take(keep, duplicates_within_the_test_kept=len(test) - len(set(test))),
        counts={**thinned.counts, "duplicates_within_the_test_kept": len(test) - len(set(test))},
        digests=[],
    )
