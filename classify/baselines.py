"""Letter baselines: a few numbers per window, for scikit-learn's logistic regression on the networks' examples and splits.

Every claim about pictures stands beside these. A baseline is a function from windows and whole lengths to features,
some with a table that is learnt from the training records first. Registered here; the measures that need more than a
few lines live in ``coding_potential`` and ``weight_matrices``, and what fitting gives in ``fitted``, fitting and scoring in
``baseline_fit``.
Sources: period-3 identity of Yin & Yau 2005 (J. Comput. Biol. 12:1153); noise floor: mean off-DC Voss power.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.coding_potential import (
    complete_orf,
    fickett,
    hexamer_score,
    hexamer_tables,
    kmer_numbers,
    open_stretch,
    phase_counts,
    rotation_power,
    rotation_table,
)
from classify.examples import Examples
from classify.gapped import canonical_kmers, gapped_words, most_different, patterns, word_shares
from classify.weight_matrices import FIRST, LAST, matrix_score, weight_matrix
from specgen.registry import Registry
from specgen.sequences import INDICATORS, Codes

__all__ = ["BASELINES", "Baseline", "State", "kmer_frequencies", "register_baseline"]

Floats = NDArray[np.float64]
Features = Callable[..., Floats]
State = dict[str, Any]
"""What a baseline has learnt, as plain JSON data."""

Learn = Callable[[Examples, int], State]


GAPPED = 8, 6
"""Places and letters of a gapped k-mer: with 10 places, as gkm-SVM has by default, there are six times as many words."""

MOST_WORDS = 4000
"""Gapped k-mers that are kept: 16,000 windows of them are 256 MB, and of all 43,000 it would be 2.8 GB."""


@dataclass(frozen=True)
class Baseline:
    """Features of windows, and what they need to learn first.

    Attributes
    ----------
    features
        ``(windows uint8 (B, L), lengths int64 (B,)) -> float64 (B, F)``; with ``learn``, its state as third argument.
    note
        One line for reports.
    learn
        ``(training examples, frame) -> state`` from whole training records, see ``Task.frame``; None = nothing to learn.
    centred
        Takes the centre of a window for a site, and means nothing where there is none.
    one_scale
        All features are divided by one number and not each by its own: they are counts of one kind, of which the rare
        ones are noise and should stay small.
    """

    features: Features
    note: str
    learn: Learn | None = None
    centred: bool = False
    one_scale: bool = False

    def state(self, train: Examples, frame: int) -> State:
        """What is learnt from the training part; empty for most."""
        return self.learn(train, frame) if self.learn else {}

    def __call__(self, windows: Codes, lengths: NDArray[np.int64], state: State) -> Floats:
        """Features (B, F)."""
        return self.features(windows, lengths, state) if self.learn else self.features(windows, lengths)


BASELINES: Registry[Baseline] = Registry("baseline")


def register_baseline(
    name: str, note: str, learn: Learn | None = None, *, centred: bool = False, one_scale: bool = False
) -> Callable[[Features], Features]:
    """Decorator: add a feature function under ``name``."""

    def register(features: Features) -> Features:
        BASELINES.add(name, Baseline(features, note, learn, centred, one_scale))
        return features

    return register


@register_baseline("length", "log length of the whole record, which the fixed crop hides from the networks")
def length(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 1) natural log of the record's length in nt."""
    return np.log(np.maximum(lengths, 1).astype(np.float64))[:, None]


@register_baseline("length_mod3", "whole length modulo 3: every complete CDS gives 0, which the fixed crop hides")
def length_mod3(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 3) one-hot remainder."""
    return np.eye(3)[lengths % 3]


@register_baseline("gc", "GC share of the window")
def gc_content(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 1) share of G and C; an ambiguity letter counts its share."""
    share: Floats = INDICATORS[windows].mean(axis=1)[:, 1:3].sum(axis=1, keepdims=True).astype(np.float64)
    return share


@register_baseline("period3_snr", "power at 1/3 cycles/base over the mean power, from phase counts (Yin & Yau 2005)")
def period3_snr(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 1) log of P(N/3) over the mean off-DC Voss power; needs no Fourier transform."""
    n = windows.shape[1] // 3 * 3
    if not n:
        return np.zeros((len(windows), 1))
    counts = phase_counts(windows[:, :n])
    first, second, third = counts[:, 0], counts[:, 1], counts[:, 2]
    peak = (counts**2).sum(axis=1) - first * second - second * third - first * third
    totals = counts.sum(axis=1)
    floor = (n - (totals**2).sum(axis=1) / n) * n / (n - 1) / n
    return np.log((peak.sum(axis=1) / n + 1e-3) / (floor + 1e-3))[:, None]


def kmer_frequencies(windows: Codes, k: int) -> Floats:
    """(B, 4**k) frequencies of the k-mers of unambiguous letters, in the order of base-4 numbers over A, C, G, T."""
    numbers = kmer_numbers(windows, k)
    rows = np.broadcast_to(np.arange(len(windows))[:, None], numbers.shape)
    clean = numbers >= 0
    flat = np.bincount(rows[clean] * 4**k + numbers[clean], minlength=len(windows) * 4**k)
    counts = flat.reshape(len(windows), 4**k).astype(np.float64)
    frequencies: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return frequencies


@register_baseline("kmer3", "frequencies of 1-, 2- and 3-mers")
def kmers_to_3(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 84)."""
    return np.concatenate([kmer_frequencies(windows, k) for k in (1, 2, 3)], axis=1)


@register_baseline("kmer_bag", "bag of words: frequencies of 1- to 5-mers")
def kmers_to_5(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 1364)."""
    return np.concatenate([kmer_frequencies(windows, k) for k in range(1, 6)], axis=1)


@register_baseline("kmer6", "frequencies of 6-mers")
def kmers_of_6(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 4096)."""
    return kmer_frequencies(windows, 6)


@register_baseline("kmer6_rc", "square roots of the frequencies of 6-mers on both strands", one_scale=True)
def kmers_of_both_strands(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 2080): a 6-mer and its reverse complement are one; the root evens out repeats."""
    kept, turned = canonical_kmers(6)
    given = kmer_frequencies(windows, 6)
    both: Floats = np.sqrt((given + given[:, turned])[:, kept] / 2)
    return both


def learn_gapped(train: Examples, frame: int) -> State:
    """The gapped 6-mers in 8 places that differ most between the classes of the training records."""
    positive = train.labels == len(train.classes) - 1
    return {"words": most_different(train.sequences or [], positive, *GAPPED, MOST_WORDS)}


@register_baseline(
    "gkm8",
    f"gapped k-mers on both strands, 6 letters in 8 places, the {MOST_WORDS} that differ most in training "
    "(gkm-like, not gkm-SVM)",
    learn_gapped,
    one_scale=True,
)
def gapped_kmers(windows: Codes, lengths: NDArray[np.int64], state: State) -> Floats:
    """(B, F) square roots of the shares of the learnt words; F is 1 without any, which is then zero."""
    span, k = GAPPED
    words = np.array(state["words"], dtype=np.int64)
    columns = np.full(len(patterns(span, k)) * 4**k, -1, dtype=np.int64)
    columns[words] = np.arange(len(words))
    return np.sqrt(word_shares(gapped_words(windows, span, k), columns, max(1, len(words))))


@register_baseline("orf", "longest stop-free stretch and longest complete ORF of the window, and their shares of it")
def open_frames(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 4): stop-free codons, their share of the window, nt of the longest ATG .. stop, its share; the given strand only."""
    stretch, orf = open_stretch(windows), complete_orf(windows)
    length = max(1, windows.shape[1])
    return np.stack([stretch, 3 * stretch / length, orf, orf / length], axis=1).astype(np.float64)


@register_baseline(
    "fickett", "Fickett's TESTCODE with the corrected content table, of the window (not of its longest ORF)"
)
def testcode(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 1)."""
    return fickett(windows)[:, None]


def _sides(train: Examples) -> tuple[list[Codes], list[Codes]]:
    """Training records of the positive class (the last one), and all others."""
    assert train.sequences is not None
    positive = train.labels == len(train.classes) - 1
    records = list(zip(train.sequences, positive, strict=True))
    return [codes for codes, is_positive in records if is_positive], [
        codes for codes, is_positive in records if not is_positive
    ]


def learn_hexamers(train: Examples, frame: int) -> State:
    """Hexamer counts of both classes, from whole training records.

    Coding records are taken to be CDS that begin in their reading frame; of whole transcripts, whose frame is not known,
    the coding table mixes frames and the score is weaker.
    """
    return {"hexamers": hexamer_tables(*_sides(train), frame)}


@register_baseline(
    "hexamer", "CPAT's hexamer score, best of three frames; tables from the training records", learn_hexamers
)
def hexamers(windows: Codes, lengths: NDArray[np.int64], state: State) -> Floats:
    """(B, 1) mean log odds [nats]; regression crops come from records that made the tables, as in CPAT."""
    return hexamer_score(windows, state["hexamers"])[:, None]


@register_baseline(
    "cpat",
    "CPAT's four features, all of the window: stop-free stretch and its share for the ORF, corrected Fickett, hexamers",
    learn_hexamers,
)
def cpat(windows: Codes, lengths: NDArray[np.int64], state: State) -> Floats:
    """(B, 4): ORF length [nt], ORF coverage, Fickett, hexamer score, each of the window alone ("CPAT on crops").

    The published model (Wang et al. 2013, Nucleic Acids Res. 41:e74) finds its ORF in the whole transcript, and scores
    Fickett and hexamers on that ORF; its figures are not to be compared with these. A crop of a CDS hardly ever holds both
    ends of an ORF, so the longest stop-free stretch stands for it.
    """
    stretch = 3 * open_stretch(windows)
    columns = [stretch, stretch / max(1, windows.shape[1]), fickett(windows), hexamer_score(windows, state["hexamers"])]
    return np.stack(columns, axis=1).astype(np.float64)


@register_baseline("cpat_length", "cpat, and log length of the whole record, which the crop hides", learn_hexamers)
def cpat_and_length(windows: Codes, lengths: NDArray[np.int64], state: State) -> Floats:
    """(B, 5): CPAT's code fits the transcript's length besides (the paper does not say so)."""
    return np.concatenate([cpat(windows, lengths, state), length(windows, lengths)], axis=1)


def learn_rotation(train: Examples, frame: int) -> State:
    """Phase tables of the coding training records, which are taken to begin in their reading frame."""
    return {"phases": rotation_table(_sides(train)[0], frame)}


@register_baseline(
    "spectral_rotation",
    "power at 1/3 cycles/base of the bases turned by their phases in training CDS (Kotlar & Lavner 2003)",
    learn_rotation,
)
def spectral_rotation(windows: Codes, lengths: NDArray[np.int64], state: State) -> Floats:
    """(B, 1) log of the rotated power per nt; its magnitude does not depend on the frame."""
    return np.log(rotation_power(windows, state["phases"]) + 1e-3)[:, None]


def learn_matrix(train: Examples, frame: int) -> State:
    """The weight matrix of positive training records around their centre, against the letters of all others."""
    return {"pwm": weight_matrix(*_sides(train))}


@register_baseline(
    "pwm",
    f"position weight matrix, {FIRST} to +{LAST} around the window's centre [bits] (Shapiro & Senapathy 1987)",
    learn_matrix,
    centred=True,
)
def position_weights(windows: Codes, lengths: NDArray[np.int64], state: State) -> Floats:
    """(B, 1) log odds [bits] of the site at the centre; for tasks whose windows have one there."""
    return matrix_score(windows, state["pwm"])[:, None]
