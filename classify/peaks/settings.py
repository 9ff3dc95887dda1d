"""What is asked of peaks. Checks of single values only; no files."""

from __future__ import annotations

from dataclasses import dataclass, field

from specgen.errors import InputError

__all__ = ["PeakSettings"]


@dataclass(frozen=True)
class PeakSettings:
    """Peaks over a genome, and which of them become windows.

    Attributes
    ----------
    files
        narrowPeak, broadPeak or BED.
    genome
        FASTA, plain, gzip, or bgzip with an index.
    names
        Names (column 4) of the peaks to take, with * for anything: one file may hold many factors. Empty = all.
    blacklist
        BED of places to keep out of; empty = none.
    merge
        Of peaks whose summits lie closer than this many nt, the strongest is kept; 0 = all are.
    max_ambiguous
        Largest share of letters other than A, C, G, T in a window.
    distance
        nt at least between a negative and any peak of the chosen names.
    block
        nt of the blocks that contigs are divided into between splits, unless chromosomes are named.
    gap
        nt left out where blocks of different splits meet; a window lies wholly on one side.
    """

    files: list[str] = field(default_factory=list)
    genome: str = ""
    names: list[str] = field(default_factory=list)
    blacklist: str = ""
    merge: int = 100
    max_ambiguous: float = 0.05
    distance: int = 200
    block: int = 20_000
    gap: int = 1000

    def __post_init__(self) -> None:
        if bool(self.files) != bool(self.genome):
            given, missing = ("files", "genome") if self.files else ("genome", "files")
            raise InputError(f"data.peaks.{given} is given but not data.peaks.{missing}; expected both")
        for key, least in (("merge", 0), ("distance", 0), ("block", 1), ("gap", 0)):
            if getattr(self, key) < least:
                raise InputError(f"data.peaks.{key}: expected {least} nt or more, got {getattr(self, key)}")
        if not 0 <= self.max_ambiguous <= 1:
            raise InputError(f"data.peaks.max_ambiguous: expected a share from 0 to 1, got {self.max_ambiguous}")
