"""What is asked of peaks. Checks of single values only; no files."""

from __future__ import annotations

from dataclasses import dataclass, field

from specgen.errors import InputError

__all__ = ["PeakFiles", "PeakSettings"]


@dataclass(frozen=True)
class PeakFiles:
    """Settings that name peaks over a genome, and how its contigs are divided between splits.

    Attributes
    ----------
    files
        narrowPeak, broadPeak or BED.
    genome
        FASTA, plain, gzip, or bgzip with an index.
    blacklist
        BED of places to keep out of; empty = none.
    max_ambiguous
        Largest share of letters other than A, C, G, T in a window.
    block
        nt of the blocks that contigs are divided into between splits, unless chromosomes are named.
    gap
        nt left out where blocks of different splits meet; a window lies wholly on one side.
    """

    files: list[str] = field(default_factory=list)
    genome: str = ""
    blacklist: str = ""
    max_ambiguous: float = 0.05
    block: int = 20_000
    gap: int = 1000

    def check(self, section: str, *, lengths: dict[str, int], shares: tuple[str, ...] = ()) -> None:
        """Whether files and genome go together, and whether all numbers are in their ranges.

        Parameters
        ----------
        section
            What these settings are called, as in ``data.peaks``.
        lengths
            Least value, in nt, of the keys that ``block`` and ``gap`` stand beside.
        shares
            Keys beside ``max_ambiguous`` that hold a number from 0 to 1.

        Raises
        ------
        InputError
            Naming the key.
        """
        if bool(self.files) != bool(self.genome):
            given, missing = ("files", "genome") if self.files else ("genome", "files")
            raise InputError(f"{section}.{given} is given but not {section}.{missing}; expected both")
        for key, least in {**lengths, "block": 1, "gap": 0}.items():
            if getattr(self, key) < least:
                raise InputError(f"{section}.{key}: expected {least} nt or more, got {getattr(self, key)}")
        for key in (*shares, "max_ambiguous"):
            if not 0 <= getattr(self, key) <= 1:
                raise InputError(f"{section}.{key}: expected a share from 0 to 1, got {getattr(self, key)}")


@dataclass(frozen=True)
class PeakSettings(PeakFiles):
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

    names: list[str] = field(default_factory=list)
    merge: int = 100
    distance: int = 200

    def __post_init__(self) -> None:
        self.check("data.peaks", lengths={"merge": 0, "distance": 0})
