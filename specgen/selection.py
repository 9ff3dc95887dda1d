"""Which letters of the inputs become pictures: settings of windows and regions, frozen dataclasses that check themselves.

No torch and no SciPy here, so that command lines answer at once. What a picture is made of is in ``settings``.
"""

from __future__ import annotations

from dataclasses import dataclass

from specgen.errors import InputError, UnknownName
from specgen.settings import SpectrogramSettings

__all__ = ["PLACES", "RegionSettings", "WindowSettings"]

PLACES = ("centre", "random", "tiles")


@dataclass(frozen=True)
class WindowSettings:
    """Which windows of a record are rendered.

    Attributes
    ----------
    length
        nt of a window; records shorter than ``least`` are counted and left out.
    trim
        nt cut from both ends of each record before windows are placed, for every class alike: 9 takes the start and
        stop codon off a CDS, so that neither gives its class away.
    place
        centre: one window in the middle, which fixes the codon phase of a CDS by its length; random: one, drawn by
        ``seed``; tiles: windows ``stride`` nt apart over the whole trimmed record.
    stride
        nt between tiles; 0 = edge to edge.
    most
        Most tiles of a record, spread evenly; 0 = all.
    ambiguous
        Largest share of letters other than A, C, G and T that a window may have; 1 = any. Windows above it are left
        out and counted: the runs of N in an assembly are no sequence.
    seed
        Of random places.
    """

    length: int = 600
    trim: int = 9
    place: str = "centre"
    stride: int = 0
    most: int = 0
    ambiguous: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise UnknownName("windows.place", self.place, PLACES)
        for key, least in (("length", 1), ("trim", 0), ("stride", 0), ("most", 0), ("seed", 0)):
            if getattr(self, key) < least:
                raise InputError(f"windows.{key}: expected at least {least}, got {getattr(self, key)}")
        if not 0 <= self.ambiguous <= 1:
            raise InputError(f"windows.ambiguous: expected a share from 0 to 1, got {self.ambiguous}")

    @property
    def least(self) -> int:
        """nt that a record needs: a window and the trim at both ends."""
        return self.length + 2 * self.trim

    def check(self, spectrogram: SpectrogramSettings) -> None:
        """Refuse a window of letters that is shorter than the spectrogram's."""
        if self.length < spectrogram.window:
            raise InputError(
                f"windows.length: expected at least the spectrogram window of {spectrogram.window} nt, got {self.length}"
            )


@dataclass(frozen=True)
class RegionSettings:
    """Which sequences the intervals of a BED, narrowPeak, GTF or GFF3 file stand for.

    Attributes
    ----------
    genome
        FASTA file that the intervals refer to; empty = the inputs are sequences themselves. With a .fai beside it only
        the wanted letters are read.
    feature
        Rows of a GTF or GFF3 file to take.
    splice
        Join what belongs together into one sequence: GTF rows of one transcript_id, GFF3 rows of one Parent, the
        blocks of a BED12 row.
    width
        nt to take around the summit of a narrowPeak row, or the middle of any other interval, in place of the
        interval; moved inwards at the ends of a sequence. 0 = the interval itself. Nothing is spliced then.
    """

    genome: str = ""
    feature: str = "CDS"
    splice: bool = True
    width: int = 0

    def __post_init__(self) -> None:
        if self.width < 0:
            raise InputError(f"regions.width: expected 0 or more, got {self.width}")
