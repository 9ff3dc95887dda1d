"""What is asked of the sources of windows with several labels. Checks of single values only; no files."""

from __future__ import annotations

from dataclasses import dataclass

from classify.peaks.settings import PeakFiles
from specgen.errors import InputError, UnknownName

__all__ = ["ArraySettings", "TrackSettings"]

BY = ("name", "file")


@dataclass(frozen=True)
class TrackSettings(PeakFiles):
    """Tracks of peaks over a genome: a label for each track, a window for each bin.

    Attributes
    ----------
    files
        narrowPeak, broadPeak or BED.
    genome
        FASTA, plain, gzip, or bgzip with an index.
    by
        What a track is: name (column 4 tells the track of each peak) or file (one each, called as its file).
    bin
        nt of the bins that a contig is cut into from its start; each stands in the middle of its window.
    overlap
        A label is 1 where at least this share of the bin lies in peaks of the track. DeepSEA has more than half: 0.505 of 200 nt.
    empty
        Share of the bins without any label that are kept besides, drawn by hash; 0 = none, as DeepSEA has it.
    blacklist
        BED of places to keep out of; empty = none.
    max_ambiguous
        Largest share of letters other than A, C, G, T in a window.
    block
        nt of the blocks that contigs are divided into between splits, unless chromosomes are named.
    gap
        nt left out where blocks of different splits meet; a window lies wholly on one side.
    """

    by: str = "name"
    bin: int = 200
    overlap: float = 0.5
    empty: float = 0.0

    def __post_init__(self) -> None:
        self.check("data.tracks", lengths={"bin": 1}, shares=("empty",))
        if self.by not in BY:
            raise UnknownName("data.tracks.by", self.by, BY)
        if not 0 < self.overlap <= 1:
            raise InputError(f"data.tracks.overlap: expected a share above 0 and up to 1, got {self.overlap}")


@dataclass(frozen=True)
class ArraySettings:
    """DeepSEA's files: windows one-hot and their labels as two arrays, read in place.

    Attributes
    ----------
    train, val, test
        MATLAB files: version 7.3, which is HDF5 and streamed, or version 5, which is held in memory where it is packed. Any
        HDF5 file will do.
    windows, labels
        Names of the two arrays in each file; empty = the one of three and the one of two dimensions.
    bases
        Order of the bases along the axis of four: DeepSEA's.
    axes
        Order of the axes of the windows as HDF5 and SciPy show them, of N (examples), C (bases), L (letters); empty = found out
        by their sizes. DeepSEA's training is LCN, its other files are NCL.
    """

    train: str = ""
    val: str = ""
    test: str = ""
    windows: str = ""
    labels: str = ""
    bases: str = "AGCT"
    axes: str = ""

    def __post_init__(self) -> None:
        if sorted(self.bases) != sorted("ACGT"):
            raise InputError(f"data.arrays.bases: expected A, C, G and T in some order, got {self.bases!r}")
        if self.axes and sorted(self.axes) != sorted("NCL"):
            raise InputError(f"data.arrays.axes: expected N, C and L in some order, got {self.axes!r}")
        if self.train and not (self.val and self.test):
            missing = "val" if not self.val else "test"
            raise InputError(f"data.arrays.train is given but not data.arrays.{missing}; these files are not divided")
        if not self.train and (self.val or self.test) and not (self.test and not self.val):
            raise InputError("data.arrays.val is given but not data.arrays.train")
