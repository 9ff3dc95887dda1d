"""Classical measures of coding potential, as numbers of letters: ORF, Fickett, hexamers, spectral rotation.

NumPy on whole batches of windows. A measure that has to be learnt is two functions: one from records to plain data,
one from windows and that data to numbers. What learns from which examples, and the regressions, live in ``baselines``
and ``baseline_fit``. Only the given strand is read. A codon or hexamer with an ambiguity letter is neither a start nor a
stop, and counts nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import circmean, circstd

from specgen.sequences import BASES, INDICATORS, Codes

__all__ = [
    "complete_orf",
    "fickett",
    "hexamer_score",
    "hexamer_tables",
    "kmer_numbers",
    "longest_orf",
    "open_stretch",
    "phase_counts",
    "rotation_power",
    "rotation_table",
]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_DIGIT = np.full(16, -1, dtype=np.int64)
_DIGIT[[1, 2, 4, 8]] = np.arange(4)


def kmer_numbers(codes: Codes, k: int) -> Whole:
    """The k-mer that begins at each place, as a base-4 number over A, C, G, T; -1 with an ambiguity letter.

    uint8 (..., L) to int64 (..., L - k + 1), of size 0 where L < k.
    """
    digits = _DIGIT[codes]
    places = max(0, codes.shape[-1] - k + 1)
    numbers = np.zeros((*codes.shape[:-1], places), dtype=np.int64)
    clean = np.ones(numbers.shape, dtype=bool)
    for offset in range(k):
        part = digits[..., offset : offset + places]
        numbers = numbers * 4 + part
        clean &= part >= 0
    return np.where(clean, numbers, -1)


def phase_counts(windows: Codes, table: NDArray[np.float32] = INDICATORS) -> Floats:
    """(B, 3, 4) how often A, C, G, T stand at each place modulo 3 of windows uint8 (B, L); ``table`` gives each code's
    share of the bases."""
    padding = -windows.shape[1] % 3
    codes = np.pad(windows, ((0, 0), (0, padding)))  # code 0 is no base
    counts: Floats = table[codes].reshape(len(codes), codes.shape[1] // 3, 3, 4).sum(axis=1, dtype=np.float64)
    return counts


# Open reading frames

_WORDS = [a + b + c for a in BASES for b in BASES for c in BASES]
_STOPS = np.array([_WORDS.index(word) for word in ("TAA", "TAG", "TGA")])
_START = _WORDS.index("ATG")


def _since(marks: NDArray[np.bool_]) -> Whole:
    """(B, n) index of the latest mark at or before each place, -1 where there is none."""
    latest: Whole = np.maximum.accumulate(np.where(marks, np.arange(marks.shape[1]), -1), axis=1)
    return latest


def open_stretch(windows: Codes) -> Whole:
    """(B,) longest run of codons without TAA, TAG, TGA over the three frames of windows uint8 (B, L), in codons."""
    words = kmer_numbers(windows, 3)
    longest = np.zeros(len(windows), dtype=np.int64)
    for frame in range(min(3, words.shape[1])):
        stops = np.isin(words[:, frame::3], _STOPS)
        longest = np.maximum(longest, (np.arange(stops.shape[1]) - _since(stops)).max(axis=1))
    return longest


def complete_orf(windows: Codes) -> Whole:
    """(B,) nt of the longest ATG .. TAA, TAG or TGA in one frame, both ends counted; 0 where there is none.

    CPAT's code also counts an ORF that the end of the sequence cuts off, which makes any crop of a CDS one; here both ends
    have to be seen.
    """
    words = kmer_numbers(windows, 3)
    longest = np.zeros(len(windows), dtype=np.int64)
    for frame in range(min(3, words.shape[1])):
        inside = words[:, frame::3]
        stops, codons = np.isin(inside, _STOPS), np.arange(inside.shape[1])
        # The next start at or after each place, and n past the last one.
        starts = np.where(inside == _START, codons, len(codons))
        following = np.minimum.accumulate(starts[:, ::-1], axis=1)[:, ::-1]
        before = np.pad(_since(stops)[:, :-1], ((0, 0), (1, 0)), constant_values=-1)  # the stop before each place
        begin = np.take_along_axis(following, before + 1, axis=1)
        sizes = np.where(stops & (begin < codons), 3 * (codons - begin + 1), 0)
        longest = np.maximum(longest, sizes.max(axis=1))
    return longest


def longest_orf(codes: Codes) -> tuple[int, int]:
    """0-based start and exclusive end of the longest ATG .. TAA, TAG or TGA of one record uint8 (L,); the first of equals.

    (0, 0) where there is none. Its size is what ``complete_orf`` gives.
    """
    words = kmer_numbers(codes, 3)
    starts, stops = np.flatnonzero(words == _START), np.flatnonzero(np.isin(words, _STOPS))
    best = 0, 0, 0  # size, -start, end: the larger tuple wins
    for frame in range(3):
        begin, end = starts[starts % 3 == frame], stops[stops % 3 == frame]
        nearest = np.searchsorted(end, begin)  # the first stop behind each start
        begin, nearest = begin[nearest < len(end)], nearest[nearest < len(end)]
        if len(begin):
            sizes = end[nearest] - begin + 3
            i = int(sizes.argmax())
            best = max(best, (int(sizes[i]), -int(begin[i]), int(begin[i] + sizes[i])))
    return -best[1], best[2]


# Fickett's TESTCODE

_EXACT = np.where(INDICATORS == 1, INDICATORS, 0).astype(np.float32)
_POSITION_STEPS = np.array([1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 1.3, 1.2, 1.1, 0])
_POSITION = np.array(
    [
        [0.94, 0.80, 0.90, 0.97],
        [0.68, 0.70, 0.88, 0.97],
        [0.84, 0.70, 0.74, 0.91],
        [0.93, 0.81, 0.64, 0.68],
        [0.58, 0.66, 0.53, 0.69],
        [0.68, 0.48, 0.48, 0.44],
        [0.45, 0.51, 0.27, 0.54],
        [0.34, 0.33, 0.16, 0.20],
        [0.20, 0.30, 0.08, 0.09],
        [0.22, 0.23, 0.08, 0.09],
    ]
)
_POSITION_WEIGHTS = np.array([0.26, 0.18, 0.31, 0.33])
_CONTENT_STEPS = np.array([0.33, 0.31, 0.29, 0.27, 0.25, 0.23, 0.21, 0.19, 0.17, 0])
_CONTENT_STEPS_OF_CPAT = _CONTENT_STEPS[_CONTENT_STEPS != 0.19]
_CONTENT = np.array(
    [
        [0.28, 0.82, 0.40, 0.28],
        [0.49, 0.64, 0.54, 0.24],
        [0.44, 0.51, 0.47, 0.39],
        [0.55, 0.64, 0.64, 0.40],
        [0.62, 0.59, 0.64, 0.55],
        [0.49, 0.59, 0.73, 0.75],
        [0.67, 0.43, 0.41, 0.56],
        [0.65, 0.44, 0.41, 0.69],
        [0.81, 0.39, 0.33, 0.51],
        [0.21, 0.31, 0.29, 0.58],
    ]
)
_CONTENT_WEIGHTS = np.array([0.11, 0.12, 0.15, 0.14])


def _looked_up(values: Floats, steps: Floats, table: Floats) -> Floats:
    """(B, 4) the row of each value: that of the first of the falling ``steps`` which it reaches."""
    rows = len(steps) - np.searchsorted(steps[::-1], values, side="right")
    found: Floats = table[rows, np.arange(4)]
    return found


def fickett(windows: Codes, *, cpat_compatible: bool = False) -> Floats:
    """(B,) Fickett's TESTCODE score of whole windows uint8 (B, L); 0 below 2 nt, as CPAT has it.

    Parameters
    ----------
    cpat_compatible
        CPAT's list of content thresholds, which lacks .19 and so gives shares below .19 the probability of a row too
        high; off = the corrected table, which CPC2 has.

    Notes
    -----
    Fickett 1982, Nucleic Acids Res. 10:5303. Letters that are no base count in the length alone. CPAT scores the longest ORF
    of a transcript; here it is the window.
    """
    length = windows.shape[1]
    if length < 2:
        return np.zeros(len(windows))
    counts = phase_counts(windows, _EXACT)
    position = counts.max(axis=1) / (counts.min(axis=1) + 1)
    content = counts.sum(axis=1) / length
    steps = _CONTENT_STEPS_OF_CPAT if cpat_compatible else _CONTENT_STEPS
    terms = _looked_up(position, _POSITION_STEPS, _POSITION) * _POSITION_WEIGHTS
    terms = terms + _looked_up(content, steps, _CONTENT) * _CONTENT_WEIGHTS
    score: Floats = terms.sum(axis=1)
    return score


# Hexamers

_HEXAMERS = 4**6


def _hexamer_counts(records: Sequence[Codes], frame: int, step: int) -> list[int]:
    counts = np.zeros(_HEXAMERS, dtype=np.int64)
    for codes in records:
        numbers = kmer_numbers(codes, 6)[frame::step]
        counts += np.bincount(numbers[numbers >= 0], minlength=_HEXAMERS)
    return [int(count) for count in counts]


def hexamer_tables(coding: Sequence[Codes], noncoding: Sequence[Codes], frame: int) -> dict[str, list[int]]:
    """Counts of the 4096 hexamers: of coding records in frame (every third, from ``frame`` on), of others at every place."""
    return {"coding": _hexamer_counts(coding, frame, 3), "noncoding": _hexamer_counts(noncoding, 0, 1)}


def hexamer_score(windows: Codes, tables: Mapping[str, ArrayLike], frames: int = 3) -> Floats:
    """(B,) the highest of the first ``frames`` frames' mean log odds [nats] of hexamers in windows uint8 (B, L).

    A hexamer seen in coding records only counts +1, in others only -1, in neither not at all; a frame where none counts
    scores -1; a window below 6 nt scores 0. Wang et al. 2013 (CPAT), Nucleic Acids Res. 41:e74, which scores the frame of
    the longest ORF (``frames=1`` on that ORF): a crop has no known frame, so both classes get their best one.
    """
    numbers = kmer_numbers(windows, 6)
    if not numbers.shape[1]:
        return np.zeros(len(windows))
    coding, noncoding = (np.array(tables[key], dtype=np.float64) for key in ("coding", "noncoding"))
    both = (coding > 0) & (noncoding > 0)
    odds = np.sign(coding) - np.sign(noncoding)
    odds[both] = np.log((coding[both] / coding.sum()) / (noncoding[both] / noncoding.sum()))
    known = np.append((coding > 0) | (noncoding > 0), False)  # the last one is -1, no hexamer
    odds = np.append(odds, 0.0)
    best = np.full(len(windows), -np.inf)
    for frame in range(min(frames, numbers.shape[1])):
        inside = numbers[:, frame::3]
        counted = known[inside].sum(axis=1)
        score = np.where(counted > 0, odds[inside].sum(axis=1) / np.maximum(counted, 1), -1.0)
        best = np.maximum(best, score)
    return best


# Spectral rotation

_TURN = np.exp(-2j * np.pi * np.arange(3) / 3)
_LEAST_DEVIATION = 0.01
"""Radians; a deviation of none, of one record or of copies, would weigh a base without end."""


def _thirds(windows: Codes) -> NDArray[np.complex128]:
    """(B, 4) Fourier sums of the indicators of A, C, G, T at 1/3 cycles/base, over whole codons."""
    whole = windows.shape[1] // 3 * 3
    sums: NDArray[np.complex128] = np.einsum("p,bpk->bk", _TURN, phase_counts(windows[:, :whole]))
    return sums


def rotation_table(coding: Sequence[Codes], frame: int) -> dict[str, list[float]]:
    """Circular mean and deviation [rad] over coding records of each base's phase at 1/3 cycles/base, frame known.

    A record in which a base has no phase (its counts are level) is left out for that base; a base without any phase gets
    mean 0 and deviation 1. The deviation is ``sqrt(-2 ln |mean of e^{i phase}|)``; that it is the one of the paper is unverified.
    """
    sums = np.concatenate([_thirds(codes[None, frame:]) for codes in coding]) if len(coding) else np.zeros((0, 4))
    table: dict[str, list[float]] = {"mean": [], "deviation": []}
    for column in sums.T:
        phases = np.angle(column[np.abs(column) > 1e-6])
        mean, deviation = (circmean(phases, np.pi, -np.pi), circstd(phases)) if len(phases) else (0.0, 1.0)
        table["mean"].append(float(mean))
        table["deviation"].append(max(float(deviation), _LEAST_DEVIATION))
    return table


def rotation_power(windows: Codes, table: dict[str, Any]) -> Floats:
    """(B,) ``|sum over bases of e^{-i mean} U(1/3) / deviation|^2`` of windows uint8 (B, L), divided by L.

    Kotlar & Lavner 2003, Genome Res. 13:1930 (that weights are 1 / deviation is unverified). Another frame turns all four
    by one angle, so that the magnitude needs no frame.
    """
    turned = np.exp(-1j * np.array(table["mean"], dtype=np.float64)) / np.array(table["deviation"], dtype=np.float64)
    power: Floats = np.abs(_thirds(windows) @ turned) ** 2 / max(1, windows.shape[1])
    return power
