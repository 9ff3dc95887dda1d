"""What is asked of files of labelled sequences. Checks of single values only; no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from classify.splits import SplitSettings
from specgen.errors import InputError

__all__ = ["SHORT", "LabelledFiles", "Part"]

SHORT = ("pad", "drop")
"""What becomes of records shorter than a window."""

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
    """

    train: list[str] = field(default_factory=list)
    val: list[str] = field(default_factory=list)
    test: list[str] = field(default_factory=list)
    train_negatives: list[str] = field(default_factory=list)
    val_negatives: list[str] = field(default_factory=list)
    test_negatives: list[str] = field(default_factory=list)

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
