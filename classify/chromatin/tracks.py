"""Tracks of peaks and a genome to windows with a label for each track: bins, the overlap rule, and what is left out.

After DeepSEA (Zhou & Troyanskaya 2015, Nat. Methods 12:931): bins of 200 nt, a label is 1 where at least half of a bin lies in a
peak, windows of 1,000 nt around the bins that have a label. DeepSEA asks for more than half, so that 100 of 200 nt are too
few there (``overlap: 0.505`` is its rule), and for a transcription factor among the labels of a bin. Contigs are divided
between splits as for single factors.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.chromatin.settings import TrackSettings
from classify.examples import Examples, StoredLetters
from classify.exons.windows import AmbiguousRuns
from classify.headers import normalise_chromosome
from classify.language.blocks import Contig
from classify.language.letters import GenomeLetters
from classify.peaks.ground import on_genome
from classify.peaks.places import NOBODYS, Intervals, Territory
from classify.peaks.reading import Peak, chosen, read_peaks
from classify.splits import SPLITS, SplitSettings, stable_fraction
from classify.targets import HeldTargets, Labels
from specgen.errors import InputError
from specgen.files import expand
from specgen.genome import read_contigs

__all__ = ["bin_labels", "read_tracks", "track_examples", "track_names"]

Ints = NDArray[np.int64]


def read_tracks(settings: TrackSettings, root: Path) -> list[Peak]:
    """The peaks of all files, each with its track as name.

    Raises
    ------
    InputError
        A file that cannot be read, two of one name, or a peak that has none where names tell the tracks.
    """
    found: list[Peak] = []
    stems: set[str] = set()
    for file in settings.files:
        path = root / expand(file)
        peaks = read_peaks(path)
        if settings.by == "file":
            stem = re.sub(r"\.(narrowPeak|broadPeak|bed)(\.(b?gz|bz2|xz|zst))?$", "", path.name, flags=re.IGNORECASE)
            if stem in stems:
                raise InputError(f"{path}: another file of data.tracks.files is called {stem!r}, too")
            stems.add(stem)
            peaks = [peak._replace(name=stem) for peak in peaks]
        elif nameless := [peak for peak in peaks if not peak.name]:
            raise InputError(
                f"{nameless[0].where}: has no name to tell its track by; data.tracks.by file takes each file for a track"
            )
        found += peaks
    return found


def track_names(peaks: Sequence[Peak], wanted: Sequence[str], files: str) -> tuple[str, ...]:
    """Names of the tracks in sorting order, of those that are ``wanted`` (* for anything) where any are.

    Raises
    ------
    UnknownName
        A wanted one that is not there.
    """
    return tuple(sorted({peak.name for peak in chosen(peaks, wanted, files)}))


def bin_labels(peaks: Sequence[Peak], names: Sequence[str], starts: Ints, width: int, overlap: float) -> Labels:
    """int8 (bins, tracks): 1 where at least a share ``overlap`` of the bin lies in the union of the track's peaks, else 0.

    Parameters
    ----------
    peaks
        Of one contig.
    starts
        int64 (bins,) 0-based first nt of each bin.
    width
        nt of a bin.
    """
    tracks: dict[str, list[Peak]] = {}
    for peak in peaks:
        tracks.setdefault(peak.name, []).append(peak)
    labels = np.zeros((len(starts), len(names)), dtype=np.int8)
    for column, name in enumerate(names):
        if name in tracks:
            labels[:, column] = Intervals.of(tracks[name]).covered(starts, starts + width) / width >= overlap
    return labels


class _Bins(NamedTuple):
    """Windows of one contig: 0-based starts and splits, and labels (n, k)."""

    starts: Ints
    split: NDArray[np.uint8]
    labels: Labels


def track_examples(
    settings: TrackSettings, root: Path, peaks: Sequence[Peak], names: Sequence[str], width: int, split: SplitSettings
) -> Examples:
    """A window of ``width`` nt around every bin that has a label, and around some that have none.

    Only contigs with peaks are looked at. A window past a contig's end, on the blacklist, rich in ambiguous letters, or where
    splits meet is dropped and counted.

    Parameters
    ----------
    peaks
        Of ``read_tracks``; those of other tracks than ``names`` are left out.

    Raises
    ------
    InputError
        A genome that cannot be read, contigs that are not there, a peak past its contig's end, or no bin that is left.
    """
    shown = ", ".join(str(root / expand(path)) for path in settings.files)
    wanted = set(names)
    mine = [peak for peak in peaks if peak.name in wanted]
    ground = on_genome(settings, root, mine, shown, split)
    counts: Counter[str] = Counter(peaks_read=len(peaks), peaks_of_other_tracks=len(peaks) - len(mine))
    contigs: list[Contig] = []
    found: list[_Bins] = []
    for name, length, fetch in read_contigs(ground.genome, set(ground.peaks)):
        contig = Contig(name, 0, fetch(0, length))
        labels = _labelled(contig, ground.peaks[name], names, settings, split.seed, counts)
        found.append(
            _kept(contig, labels, ground.forbidden.get(name, []), ground.stretches[name], width, settings, counts)
        )
        contigs.append(contig)
    if not sum(len(bins.starts) for bins in found):
        told = ", ".join(f"{key.replace('_', ' ')} {n}" for key, n in counts.items() if n)
        raise InputError(f"{shown}: no bin is left to make a window of ({told})")
    examples = _examples(contigs, found, names, width, settings.block)
    return replace(examples, counts={**counts, **ground.counts})


def _labelled(
    contig: Contig,
    peaks: Sequence[Peak],
    names: Sequence[str],
    settings: TrackSettings,
    seed: int,
    counts: Counter[str],
) -> tuple[Ints, Labels]:
    """Starts and labels of the bins that have one, and of the empty ones that are kept."""
    starts = np.arange(len(contig.codes) // settings.bin, dtype=np.int64) * settings.bin
    labels = bin_labels(peaks, names, starts, settings.bin, settings.overlap)
    keep: NDArray[np.bool_] = np.asarray(labels.any(axis=1))
    counts["bins"] += len(starts)
    counts["bins_without_a_label"] += int((~keep).sum())
    if settings.empty:
        empty = np.flatnonzero(~keep)
        draws = np.array([stable_fraction(f"{contig.name}:{start}", seed) for start in starts[empty].tolist()])
        drawn = empty[draws < settings.empty]
        counts["bins_without_a_label_kept"] += len(drawn)
        keep[drawn] = True
    return starts[keep], labels[keep]


def _kept(
    contig: Contig,
    bins: tuple[Ints, Labels],
    blacklist: Sequence[Peak],
    stretches: Territory,
    width: int,
    settings: TrackSettings,
    counts: Counter[str],
) -> _Bins:
    """The windows around bins that are good, and their splits."""
    middles, labels = bins[0] + settings.bin // 2, bins[1]

    def without(bad: NDArray[np.bool_], why: str) -> None:
        nonlocal middles, labels
        counts[why] += int(bad.sum())
        middles, labels = middles[~bad], labels[~bad]

    low = middles - width // 2
    without((low < 0) | (low + width > len(contig.codes)), "windows_past_a_contigs_end_dropped")
    low = middles - width // 2
    without(Intervals.of(blacklist).meet(low, low + width), "blacklisted_dropped")
    # A place is 1-based, of the letter at index width // 2.
    share = AmbiguousRuns.of(contig.codes).share(middles + 1, width)
    without(share > settings.max_ambiguous, "rich_in_ambiguous_letters_dropped")
    split = stretches.of(middles + 1, width)
    without(split == NOBODYS, "where_splits_meet_dropped")
    return _Bins(middles - width // 2, split[split != NOBODYS], labels)


def _examples(
    contigs: Sequence[Contig], found: Sequence[_Bins], names: Sequence[str], width: int, block: int
) -> Examples:
    contig = np.repeat(np.arange(len(contigs)), [len(bins.starts) for bins in found])
    starts = np.concatenate([bins.starts for bins in found])
    own = [contigs[i].name for i in contig.tolist()]
    chromosomes = {name: normalise_chromosome(name) for name in set(own)}
    n = len(starts)
    store = GenomeLetters(contigs, contig, starts, np.zeros(n, dtype=bool), width)
    return Examples(
        classes=tuple(names),
        ids=[f"{name}:{low + 1}-{low + width}" for name, low in zip(own, starts.tolist(), strict=True)],
        labels=np.zeros(n, dtype=np.int64),
        groups=[f"{name}:block_{(low + width // 2) // block}" for name, low in zip(own, starts.tolist(), strict=True)],
        chromosomes=[chromosomes[name] for name in own],
        lengths=np.full(n, width, dtype=np.int64),
        split=np.array(SPLITS, dtype="<U5")[np.concatenate([bins.split for bins in found])],
        targets=HeldTargets(np.concatenate([bins.labels for bins in found])),
        sequences=StoredLetters(store, np.arange(n), 0, width),
        window=width,
    )
