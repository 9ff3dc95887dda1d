"""Motifs from attributions: the stretches that a network's decisions rest on, clustered, by TF-MoDISco.

A filter of the first layer is often a part of a motif, or of several; what the whole network looks for shows where letters
decide. Integrated gradients (``classify.interpretation``) say how much each letter of a window adds to the log-odds;
TF-MoDISco (Shrikumar et al. 2018, arXiv:1811.00416) takes the stretches that stand out (seqlets) and clusters them. The
library modisco-lite does that; it is an extra (``motifs``), as it brings graph libraries along.
"""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.interpretation.attribution import Attribution
from classify.motifs.matrices import Floats, Motif
from specgen.errors import InputError, MissingLibrary
from specgen.sequences import INDICATORS, Codes

__all__ = ["SeqletMotif", "hypothetical", "seqlet_motifs"]


@dataclass(frozen=True)
class SeqletMotif:
    """A cluster of seqlets.

    Attributes
    ----------
    motif
        Counts of the letters of its seqlets.
    sign
        +1 where they speak for the class, -1 against it.
    contribution
        float64 (w, 4): mean log-odds of the letters present.
    windows, starts, strands
        (seqlets,) index of the window, 0-based place of the seqlet's first letter in it, and +1 or -1 as it is turned.
    """

    motif: Motif
    sign: int
    contribution: Floats
    windows: NDArray[np.int64]
    starts: NDArray[np.int64]
    strands: NDArray[np.int64]


def hypothetical(window: Codes, attribution: Attribution) -> Floats:
    """(L, 4) what each base would add to the log-odds at each place, as integrated gradients along this window's path have it.

    The mean gradient, less its mean over the four bases: at the letter present it is ``Attribution.letters``. It can be read
    off an attribution whose reference is uniform, where no factor (indicator - 1/4) is 0; places with an N are 0.

    Raises
    ------
    InputError
        Shapes that do not belong together.
    """
    if attribution.values.shape != (4, len(window)):
        raise InputError(f"attribution: expected (4, {len(window)}), got {attribution.values.shape}")
    factor = INDICATORS[window].astype(np.float64) - 0.25
    known = factor != 0
    gradient = np.where(known, attribution.values.T / np.where(known, factor, 1), 0.0)
    # A two-letter ambiguity has factors of 1/4 and -1/4, a three-letter one 1/12 and -1/4; only N has none.
    told: Floats = gradient - gradient.mean(axis=1, keepdims=True)
    return told


def seqlet_motifs(
    windows: Codes, scores: Floats, *, most: int = 2000, core: int = 15, flank: int = 5, trim: int = 20, fewest: int = 20,
    seed: int = 0,
) -> list[SeqletMotif]:  # fmt: skip
    """Motifs of the stretches that stand out in the scores of windows, most seqlets first, those for the class before others.

    Parameters
    ----------
    windows
        uint8 (n, L); at least 100 with a motif are needed to cluster.
    scores
        float64 (n, L, 4), see ``hypothetical``.
    most
        Seqlets of each sign that are clustered.
    core, flank, trim
        nt of the window that a seqlet is found with, of its flanks, and of the stretch that a motif is trimmed to.
    fewest
        Seqlets of a motif.
    seed
        Of NumPy's and Python's global generators, which the library draws from; their state is restored.

    Raises
    ------
    InputError
        No modisco-lite, or windows too short for a seqlet.
    """
    if windows.shape[1] < core + 2 * flank:
        raise InputError(f"seqlets: expected windows of at least {core + 2 * flank} nt, got {windows.shape[1]}")
    if scores.shape != (*windows.shape, 4):
        raise InputError(f"seqlets: expected scores of shape {(*windows.shape, 4)}, got {scores.shape}")
    try:
        from modiscolite.tfmodisco import TFMoDISco
    except ImportError:
        raise MissingLibrary("modisco-lite", "motifs") from None
    present = INDICATORS[windows].astype(np.float64)
    state, python_state = np.random.get_state(), random.getstate()
    try:
        np.random.seed(seed)
        random.seed(seed)
        with contextlib.redirect_stdout(io.StringIO()):
            found = TFMoDISco(
                one_hot=present, hypothetical_contribs=scores, sliding_window_size=core, flank_size=flank,
                trim_to_window_size=trim, initial_flank_to_add=flank, final_min_cluster_size=fewest,
                max_seqlets_per_metacluster=most,
            )  # fmt: skip
    finally:
        np.random.set_state(state)
        random.setstate(python_state)
    told = []
    for sign, patterns in zip((1, -1), found, strict=True):
        told += [_motif(pattern, sign, i) for i, pattern in enumerate(_sorted(patterns or ()))]
    return told


def _sorted(patterns: Sequence[object]) -> list[object]:
    return sorted(patterns, key=lambda pattern: -len(pattern.seqlets))  # type: ignore[attr-defined]


def _motif(pattern: object, sign: int, number: int) -> SeqletMotif:
    seqlets = pattern.seqlets  # type: ignore[attr-defined]
    shares = np.asarray(pattern.sequence, dtype=np.float64)  # type: ignore[attr-defined]
    contribution = np.asarray(pattern.contrib_scores, dtype=np.float64)  # type: ignore[attr-defined]
    name = f"{'for' if sign > 0 else 'against'}_{number}"
    return SeqletMotif(
        Motif(name, shares * len(seqlets)),
        sign,
        contribution,
        np.array([seqlet.example_idx for seqlet in seqlets], dtype=np.int64),
        np.array([seqlet.start for seqlet in seqlets], dtype=np.int64),
        np.array([-1 if seqlet.is_revcomp else 1 for seqlet in seqlets], dtype=np.int64),
    )
