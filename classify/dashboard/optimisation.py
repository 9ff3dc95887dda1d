"""Class optimisation: the letters, between the real ones, that a network takes for its class most surely.

After the Deep Motif Dashboard (Lanchantin et al. 2017, arXiv:1608.03644), which follows Simonyan et al. 2013
(arXiv:1312.6034). No drawing, no files here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import softplus

from classify.dashboard.settings import OptimisationSettings
from classify.dashboard.tracks import BASE_CODES
from classify.interpretation.explainer import Explainer
from specgen.sequences import decode

__all__ = ["Optimised", "class_optimised"]


@dataclass(frozen=True)
class Optimised:
    """What the network likes best.

    Attributes
    ----------
    matrix
        float64 (4, L), rows A, C, G, T; columns sum to 1.
    before, after
        Log-odds of the class at the random beginning and at the end.
    of_consensus
        Log-odds of the sequence of each column's most probable letter.
    """

    matrix: NDArray[np.float64]
    before: float
    after: float
    of_consensus: float

    @property
    def consensus(self) -> str:
        """Most probable letter of each column."""
        return decode(BASE_CODES[self.matrix.argmax(axis=0)])


def class_optimised(explainer: Explainer, length: int, settings: OptimisationSettings) -> Optimised:
    """RMSprop on the input, from uniform random numbers: -log p of the class plus ``weight`` times the squared norm.

    Entries are kept within 0..1 after every step, so that pictures can be made of them; at the end they are divided by the
    largest, ``floor`` is added, and columns are made to sum to 1. (Where in the course of things the original clamps is
    not said in its text.)
    """
    generator = torch.Generator().manual_seed(settings.seed)
    x = torch.rand(1, len(BASE_CODES), length, generator=generator).to(explainer.loaded.plan.device).requires_grad_()
    optimiser = torch.optim.RMSprop([x], lr=settings.lr)
    before = explainer.score(x).item()
    for _ in range(settings.steps):
        optimiser.zero_grad()
        loss = softplus(-explainer.score(x)).sum() + settings.weight * x.square().sum()
        (x.grad,) = torch.autograd.grad(loss, x)
        optimiser.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    found = x.detach()
    matrix = found[0].double().cpu().numpy()
    matrix = matrix / (matrix.max() or 1.0) + settings.floor
    matrix /= matrix.sum(axis=0)
    consensus = BASE_CODES[matrix.argmax(axis=0)]
    of_consensus = float(explainer.score_codes(consensus[None])[0])
    return Optimised(matrix, before, explainer.score(found).item(), of_consensus)
