"""Integrated gradients from the log-odds of a class down to single nucleotides, through colour and STFT alike.

Everything between one-hot letters and logits is differentiable, so models of pictures and models of letters are
explained in the same unit (log-odds a letter) and can be compared. captum integrates; here are the path's ends, the
check of completeness, and what a letter's score is. Source: Sundararajan, Taly & Yan 2017, arXiv:1703.01365.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import IntegratedGradients
from numpy.typing import NDArray
from torch import Tensor

from classify._euler import euler_shuffle
from classify.interpretation.settings import AttributionSettings
from specgen.errors import InputError
from specgen.registry import Registry
from specgen.sequences import INDICATORS, LETTERS, Codes

__all__ = [
    "REFERENCE_MAKERS",
    "Attribution",
    "Score",
    "indicators_of",
    "integrated_gradients",
    "log_odds",
    "references_of",
]

Score = Callable[[Tensor], Tensor]
"""Indicators (B, 4, L) to one number each, (B,), differentiable."""

LEAST = 1e-3
"""A difference of log-odds below this counts as this much where a relative error is formed."""


def log_odds(logits: Tensor, target: int) -> Tensor:
    """(B, k) to (B,): log p/(1 - p) of class ``target`` under the softmax; for two classes the difference of the logits."""
    others = torch.cat([logits[:, :target], logits[:, target + 1 :]], dim=1)
    return logits[:, target] - others.logsumexp(dim=1)


def indicators_of(codes: Codes) -> Tensor:
    """uint8 codes (..., L) to float32 indicators (..., 4, L), rows A, C, G, T."""
    return torch.from_numpy(INDICATORS[codes]).movedim(-1, -2).contiguous()


REFERENCE_MAKERS: Registry[Callable[[Codes, AttributionSettings], Codes]] = Registry("reference")
REFERENCE_MAKERS.add("uniform", lambda codes, settings: np.full((1, len(codes)), LETTERS.index("N"), dtype=np.uint8))
REFERENCE_MAKERS.add(
    "shuffled",
    lambda codes, settings: np.stack(
        [euler_shuffle(codes, np.random.default_rng((settings.seed, i))) for i in range(settings.shuffles)]
    ),
)


def references_of(codes: Codes, settings: AttributionSettings) -> Tensor:
    """Indicators (r, 4, L) of what a window (L,) is compared with."""
    return indicators_of(REFERENCE_MAKERS[settings.reference](codes, settings))


@dataclass(frozen=True)
class Attribution:
    """What the letters of one window add to the log-odds.

    Attributes
    ----------
    values
        float64 (4, L): integrated gradient times (indicator - reference), rows A, C, G, T.
    score
        Log-odds of the window.
    reference
        Mean log-odds of the references.
    steps
        Points of the integral in the end.
    tolerance
        Largest relative error that counts as complete.
    """

    values: NDArray[np.float64]
    score: float
    reference: float
    steps: int
    tolerance: float

    @property
    def letters(self) -> NDArray[np.float64]:
        """(L,) score of each nucleotide, in log-odds: the sum over the four rows.

        It is complete (sums to ``score - reference``). With the uniform reference it equals the integrated gradient at
        the letter present minus its mean over the four bases, which is the correction of Majdandzic et al. 2023
        (Genome Biology 24:109): what the gradient says of leaving the simplex of the bases is gone.
        """
        total: NDArray[np.float64] = self.values.sum(axis=0)
        return total

    @property
    def error(self) -> float:
        """Sum of the attributions minus the difference of the log-odds, over that difference (at least ``LEAST``)."""
        difference = self.score - self.reference
        return float((self.values.sum() - difference) / max(abs(difference), LEAST))

    @property
    def complete(self) -> bool:
        """Whether the error is within the tolerance."""
        return abs(self.error) <= self.tolerance


def integrated_gradients(
    score: Score, indicators: Tensor, references: Tensor, settings: AttributionSettings
) -> Attribution:
    """Integrated gradients of one window, the mean over its references, with as many points as completeness takes.

    Parameters
    ----------
    score
        Differentiable; on the device of the tensors.
    indicators
        float32 (4, L).
    references
        float32 (r, 4, L).

    Raises
    ------
    InputError
        An attribution that is no finite number.
    """
    with torch.no_grad():
        here = float(score(indicators[None])[0])
        there = float(torch.cat([score(part) for part in references.split(settings.at_once)]).double().mean())
    steps = settings.steps
    while True:
        values = np.mean([_integral(score, indicators, one, steps, settings.at_once) for one in references], axis=0)
        if not np.isfinite(values).all():
            raise InputError("the attribution is no number; is the model's output one?")
        found = Attribution(values, here, there, steps, settings.tolerance)
        if found.complete or 2 * steps > settings.limit:
            return found
        steps *= 2


def _integral(score: Score, indicators: Tensor, reference: Tensor, steps: int, at_once: int) -> NDArray[np.float64]:
    values = IntegratedGradients(score).attribute(
        indicators[None], baselines=reference[None], n_steps=steps, internal_batch_size=at_once
    )
    array: NDArray[np.float64] = values[0].detach().double().cpu().numpy()
    return array
