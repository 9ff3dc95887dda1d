"""What is asked of files of labelled sequences. Checks of single values only; no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from classify.splits import SplitSettings
from specgen.errors import InputError

__all__ = ["SHORT", "LabelledFiles", "Part"]

SHORT = ("pad", "drop")
"""What becomes of records shorter than a window."""

LEAST_LINKED = 24
"""nt. Ten thousand windows of 500 nt hold some 10^13 pairs of stretches, of which one in 4^24, 3 10^14, is alike by chance."""

SPLIT_FILES = ("train", "val", "test")


@dataclass(frozen=True)
class Part:
    """Files of one split ("" = to be drawn): ``files`` hold labelled records or, as FASTA, positives; ``negatives`` FASTA."""

    split: str
    files: Sequence[str]
    negatives: Sequence[str]


@dataclass(frozen=True)
class LabelledFiles:
    """Settings that name files of sequences.

    Attributes
    ----------
    train, val, test
        Files of sequences: tables with labels, or FASTA of positives. Without ``test`` it is drawn from ``train``, and so is
        validation without ``val``.
    train_negatives, val_negatives, test_negatives
        FASTA of negatives.
    linked
        nt: records of files that share so many letters in a row, on either strand, are one group, and stay on one side of the
        split; for files that do not tell where their windows lie. 0 = identical ones alone.
    """

    train: list[str] = field(default_factory=list)
    val: list[str] = field(default_factory=list)
    test: list[str] = field(default_factory=list)
    train_negatives: list[str] = field(default_factory=list)
    val_negatives: list[str] = field(default_factory=list)
    test_negatives: list[str] = field(default_factory=list)
    linked: int = 0

    def check_files(self, split: SplitSettings, *, genome: bool) -> None:
        """Whether the files go together, and with the way of dividing.

        Parameters
        ----------
        genome
            Whether windows are cut from a genome instead.

        Raises
        ------
        InputError
            Naming the key that is missing or does not fit.
        """
        if self.linked and self.linked < LEAST_LINKED:
            raise InputError(
                f"data.linked: expected 0, or {LEAST_LINKED} nt or more (less is shared by chance), got {self.linked}"
            )
        if self.linked and not self.any_files:
            raise InputError("data.linked: is of files of sequences, and none is given")
        for name in SPLIT_FILES:
            if getattr(self, f"{name}_negatives") and not getattr(self, name):
                raise InputError(f"data.{name}_negatives is given but not data.{name}")
        if (self.val or self.test) and not self.train and split.strategy != "test":
            raise InputError("data.train: expected files to train on beside data.val and data.test")
        if genome and split.strategy == "record":
            raise InputError(
                "data.split.strategy: windows of a genome are divided by chromosome or block, not by record"
            )

    @property
    def any_files(self) -> bool:
        """Whether any file of sequences is named."""
        return any(part.files or part.negatives for part in self.parts)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files by split; those of training are divided where others are missing."""
        return (
            Part("test", self.test, self.test_negatives),
            Part("val", self.val, self.val_negatives),
            Part("" if not (self.val and self.test) else "train", self.train, self.train_negatives),
        )
