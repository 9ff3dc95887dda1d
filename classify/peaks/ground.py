"""Where on a genome peaks lie: its contigs that have some, the places to keep out of, and whose split each stretch is.

What windows are cut there, and what labels they get, is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from classify.contigs import missing_sequences
from classify.peaks.places import Territory, divide
from classify.peaks.reading import Peak, blacklisted, by_contig
from classify.peaks.settings import PeakFiles
from classify.splits import SplitSettings
from specgen.files import expand
from specgen.genome import sequence_lengths

__all__ = ["Ground", "on_genome"]


class Ground(NamedTuple):
    """Peaks over a genome.

    Attributes
    ----------
    genome
        Path of the FASTA.
    peaks
        By contig of the genome; contigs without any are left out, here and in ``stretches``.
    forbidden
        The blacklist by contig.
    stretches
        Whose split each part of a contig is.
    counts
        What was not found, for reports.
    """

    genome: str
    peaks: dict[str, list[Peak]]
    forbidden: dict[str, list[Peak]]
    stretches: dict[str, Territory]
    counts: dict[str, Any]


def on_genome(settings: PeakFiles, root: Path, peaks: Sequence[Peak], shown: str, split: SplitSettings) -> Ground:
    """Peaks brought together with their genome.

    Parameters
    ----------
    root
        Folder that relative file names start from.
    peaks
        Those wanted of ``settings.files``.
    shown
        The files as messages name them.

    Raises
    ------
    InputError
        A genome or blacklist that cannot be read, no contig of the peaks in the genome, or a peak past its contig's end.
    """
    genome = str(root / expand(settings.genome))
    lengths = sequence_lengths(genome)
    absent = missing_sequences(shown, list(dict.fromkeys(peak.contig for peak in peaks)), lengths, genome, "peak file")
    here = by_contig(peaks, lengths, genome)
    forbidden = blacklisted(settings.blacklist, root, lengths, genome)
    stretches = divide({name: length for name, length in lengths.items() if name in here}, settings, split)
    counts: dict[str, Any] = {"peaks_on_missing_contigs": len(peaks) - sum(map(len, here.values()))}
    if absent:
        counts["contigs_missing"] = absent[:20]
    return Ground(genome, here, forbidden, stretches, counts)
