"""The ``data`` section of task ``chromatin``: which source, which labels, and how they are weighted. No files."""

from __future__ import annotations

from dataclasses import dataclass, field

from classify.chromatin.features import STYLES
from classify.chromatin.settings import ArraySettings, TrackSettings
from classify.labelled.settings import SHORT, LabelledFiles
from classify.splits import SplitSettings
from specgen.errors import InputError, UnknownName

__all__ = ["ChromatinSettings"]

POS_WEIGHTS = ("none", "balanced")


@dataclass(frozen=True)
class ChromatinSettings(LabelledFiles):
    """Where windows and labels come from: one of ``train``, ``tracks`` and ``arrays``.

    Attributes
    ----------
    train, val, test
        Tables (CSV, TSV) with a column of sequences and one of each label (1, 0, or nothing or NA where it is not known), or
        FASTA of sequences that have the one label. Without ``test`` the test is drawn from ``train``, and so is validation.
    train_negatives, val_negatives, test_negatives
        FASTA of sequences that do not have it.
    sequence
        Name of the column of sequences.
    tracks
        Tracks of peaks over a genome.
    arrays
        DeepSEA's files.
    labels
        Labels to take: columns of the table (empty = all), tracks (with * for anything), or what the one label of FASTA files is
        called.
    names
        File of the names of labels in their order, instead of ``labels``; for DeepSEA's files, which name none.
    names_are
        How names tell cell, factor and treatment: auto (cell|factor|treatment), plain, or factor_cell.
    root
        Folder that relative file names start from; empty = the working directory.
    window
        nt that a model sees: the middle of longer records.
    short
        What becomes of records of files shorter than the window: pad (blanks on both sides) or drop.
    pos_weight
        none, or balanced: a 1 weighs as much in the loss as there are 0s of its label for each 1 in training.
    most_weight
        Largest such weight.
    split
        See ``SplitSettings``; for tracks, gene = by block of their contig. DeepSEA's files are divided already.
    """

    sequence: str = "sequence"
    tracks: TrackSettings = field(default_factory=TrackSettings)
    arrays: ArraySettings = field(default_factory=ArraySettings)
    labels: list[str] = field(default_factory=list)
    names: str = ""
    names_are: str = "auto"
    root: str = ""
    window: int = 1000
    short: str = "pad"
    pos_weight: str = "none"
    most_weight: float = 20.0
    split: SplitSettings = field(default_factory=SplitSettings)

    def __post_init__(self) -> None:
        if self.window < 1:
            raise InputError(f"data.window: expected 1 nt or more, got {self.window}")
        if not self.most_weight >= 1:
            raise InputError(f"data.most_weight: expected 1 or more, got {self.most_weight}")
        for key, known in (("short", SHORT), ("pos_weight", POS_WEIGHTS), ("names_are", STYLES)):
            if getattr(self, key) not in known:
                raise UnknownName(f"data.{key}", getattr(self, key), known)
        if self.labels and self.names:
            raise InputError("data: expected data.labels or data.names, got both")
        if len(set(self.labels)) < len(self.labels):
            raise InputError(f"data.labels: names a label twice: {', '.join(self.labels)}")
        given = [
            name
            for name, there in (
                ("files of sequences (train, val, test)", self.any_files),
                ("tracks", bool(self.tracks.files)),
                ("arrays", bool(self.arrays.train or self.arrays.test)),
            )
            if there
        ]
        if len(given) > 1:
            raise InputError(f"data: expected one source of windows, got {' and '.join(given)}")
        self.check_files(self.split, genome=bool(self.tracks.files))
