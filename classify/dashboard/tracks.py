"""Tracks: what one method says of each letter of a window, as an array. One function a method, found by its name.

Every method asks nothing of a network but log-odds of letters that can be differentiated, so all of them serve models of
letters and of pictures alike. No drawing, no files here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import softplus

from classify.interpretation.attribution import indicators_of
from classify.interpretation.explainer import Explainer
from specgen.registry import Registry
from specgen.sequences import BASES, INDICATORS, LETTERS, Codes, encode

__all__ = ["BASE_CODES", "TRACKS", "Track", "temporal_scores"]

BASE_CODES = encode(BASES)
"""Codes of the rows of an indicator."""

UNKNOWN = LETTERS.index("N")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """What a method found.

    Attributes
    ----------
    letters
        float64 (L,): the score of the letter that stands there. Their absolute values are what shares are formed of.
    grid
        float64 (4, L), rows A, C, G, T, for methods that say something of absent letters too.
    unit
        Of both.
    facts
        More, for the JSON.
    """

    letters: Floats
    unit: str
    grid: Floats | None = None
    facts: dict[str, Any] = field(default_factory=dict)


TRACKS: Registry[Callable[[Explainer, Codes], Track]] = Registry("dashboard method")


def saliency(explainer: Explainer, codes: Codes) -> Track:
    """|d(-log p)/dx| times x, with p the probability of the explained class: the saliency map of the Deep Motif Dashboard.

    It has no sign. Source: Simonyan et al. 2013 (arXiv:1312.6034); Lanchantin et al. 2017 (arXiv:1608.03644).
    """
    inputs = indicators_of(codes).to(explainer.loaded.plan.device)[None].requires_grad_()
    # -log of a sigmoid: the explained class against all others.
    loss = softplus(-explainer.score(inputs)).sum()
    (gradient,) = torch.autograd.grad(loss, inputs)
    grid: Floats = gradient[0].double().abs().cpu().numpy() * INDICATORS[codes].T.astype(np.float64)
    return Track(grid.sum(axis=0), "|gradient| x input", grid)


def integrated_gradients(explainer: Explainer, codes: Codes) -> Track:
    """Integrated gradients of the log-odds, see ``classify.interpretation.attribution``."""
    found = explainer.attribute(codes)
    facts = {
        "log_odds": found.score,
        "reference": found.reference,
        "sum": float(found.values.sum()),
        "completeness_error": found.error,
        "complete": found.complete,
        "steps": found.steps,
    }
    return Track(found.letters, "log-odds", found.values, facts)


def mutagenesis(explainer: Explainer, codes: Codes) -> Track:
    """In-silico mutagenesis: log-odds with each other base at each place, minus those of the window.

    A letter's score is minus the mean of the three: what the log-odds lose without it. Where the letter is not known (N),
    all four bases are tried and the mean of them is taken. Source: Zhou & Troyanskaya 2015 (Nat. Methods 12:931).
    """
    length = len(codes)
    k = len(BASE_CODES)
    rows = np.arange(k * length)
    variants = np.repeat(codes[None], k * length, axis=0)
    variants[rows, rows // k] = BASE_CODES[rows % k]
    changed = variants[rows, rows // k] != codes[rows // k]
    grid = np.zeros(k * length)
    here = explainer.score_codes(codes[None])[0]
    grid[changed] = explainer.score_codes(variants[changed]) - here
    counts = changed.reshape(length, k).sum(axis=1)
    table = grid.reshape(length, k).T
    return Track(-table.sum(axis=0) / counts, "loss of log-odds", table, {"log_odds": float(here)})


TRACKS.add("saliency", saliency)
TRACKS.add("integrated_gradients", integrated_gradients)
TRACKS.add("mutagenesis", mutagenesis)


def temporal_scores(explainer: Explainer, codes: Codes) -> tuple[Floats, Floats]:
    """Probability of the explained class when only the first i letters are known, and when only those from the i-th on are.

    Returns
    -------
    forwards, backwards
        float64 (L,) each, at i - 1 and at i. What is not known is N, so that windows keep their length for the networks that
        need it (the Deep Motif Dashboard cuts the sequence instead; a recurrent network that is fed N can tell the
        two apart).
    """
    length = len(codes)
    known = np.tri(length, dtype=bool)  # row i: the letters up to i
    parts = [np.where(mask, codes, UNKNOWN).astype(codes.dtype) for mask in (known, known.T)]
    forwards, backwards = (explainer.score_codes(part) for part in parts)
    return 1 / (1 + np.exp(-forwards)), 1 / (1 + np.exp(-backwards))
