"""What a trained network says of windows of alleles, and what of it is told of an allele against the reference.

Of networks that answer for windows: log odds of each class, from logits that are averaged over the strands. Of networks of the
next base: the log-likelihood of the window, the sum of log2 of the probabilities of its bases, each given the letters before it
in the window; all behind the first are counted, as in training, and strands are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp

from classify.effects.settings import READ, EffectsSettings
from classify.effects.tables import Effect, Numbers
from classify.evaluation import Loaded, predict_logits
from specgen.errors import InputError
from specgen.sequences import Codes, reverse_complement

__all__ = ["Likelihood", "LogOdds", "Score"]

Told = Callable[[int, int], Effect | str]
"""From the places of the reference's and the alternative's window to what is told of the two, or a word why there is nothing."""


class Score:
    """What is told of alleles; the kinds that derive from this say of what.

    Attributes
    ----------
    numbers
        What is told of each class.
    classes
        Names of those whose effects are told; one of no name where they have none.

    Raises
    ------
    InputError
        Settings that say nothing of such a run.
    """

    numbers: ClassVar[Numbers]
    classes: list[str]

    def __init__(self, loaded: Loaded, settings: EffectsSettings) -> None:
        self.loaded, self.settings = loaded, settings

    def of(self, windows: Codes) -> Told:
        """What is told of pairs of windows, uint8 (n, W)."""
        raise NotImplementedError

    def _read(self, windows: Codes) -> list[tuple[torch.Tensor, NDArray[np.float32]]]:
        """Of each strand that is read what the network was given, and its logits."""
        strands = READ[self.settings.strands] if len(windows) else ()
        turned = [windows if strand > 0 else np.ascontiguousarray(reverse_complement(windows)) for strand in strands]
        return [(inputs, predict_logits(self.loaded, inputs)) for inputs in map(torch.from_numpy, turned)]


class LogOdds(Score):
    """Differences of log odds [nats] of classes, and their probabilities."""

    numbers = Numbers(
        ("delta_logit", "logit_ref", "p_ref", "p_alt"),
        {
            "DELTA": (0, "logit (log odds in nats) of {label} with ALT minus that with REF, {strands}; {alone}"),
            "PREF": (2, "probability of {label} with REF"),
            "PALT": (3, "probability of {label} with ALT"),
        },
    )

    def __init__(self, loaded: Loaded, settings: EffectsSettings) -> None:
        super().__init__(loaded, settings)
        self._chosen = settings.chosen(loaded.task.classes, exclusive=loaded.task.exclusive)
        self.classes = [loaded.task.classes[i] for i in self._chosen]

    def of(self, windows: Codes) -> Told:
        """See ``Score.of``."""
        task, read = self.loaded.task, self._read(windows)
        logits = np.mean([some.astype(np.float64) for _, some in read], axis=0) if read else np.zeros((0, task.outputs))
        odds = _log_odds(logits, exclusive=task.exclusive)[:, self._chosen].tolist()
        chances = task.probabilities(logits)[:, self._chosen].tolist() if read else []

        def told(before: int, after: int) -> Effect:
            columns = odds[before], odds[after], chances[before], chances[after]
            return [(alt - ref, ref, p, q) for ref, alt, p, q in zip(*columns, strict=True)]

        return told


class Likelihood(Score):
    """Differences of the log-likelihood [bits] of the window.

    Both windows have to hold as many bases that are asked for: with one more of them, as where an insertion at a contig's end
    leaves less of the window blank, the likelihood is that of more letters, which is no effect.
    """

    numbers = Numbers(
        ("delta_log2_likelihood", "log2_likelihood_ref"),
        {
            "DELTA": (0, "log2 likelihood of the window with ALT minus that with REF, {strands}; {alone}"),
            "LREF": (1, "log2 likelihood of the window with REF"),
        },
    )

    def __init__(self, loaded: Loaded, settings: EffectsSettings) -> None:
        super().__init__(loaded, settings)
        if settings.classes:
            raise InputError(
                f"classes: a run of the next base tells of whole windows; expected none, got {', '.join(settings.classes)}"
            )
        self.classes = [""]

    def of(self, windows: Codes) -> Told:
        """See ``Score.of``."""
        task = self.loaded.task
        # (strands, n, 3): nats, right answers and bases.
        sums = np.array(
            [
                task.kept(torch.from_numpy(logits), task.truth(inputs, torch.zeros(len(inputs)), training=True)).numpy()
                for inputs, logits in self._read(windows)
            ]
        )

        def told(before: int, after: int) -> Effect | str:
            (ref, bases), (alt, others) = ((sums[:, i, 0].mean(), sums[:, i, 2]) for i in (before, after))
            if (bases != others).any():
                return "unequal_windows"
            return [((ref - alt) / math.log(2), -ref / math.log(2))]

        return told


def _log_odds(logits: NDArray[np.float64], *, exclusive: bool) -> NDArray[np.float64]:
    """(n, k) ln p/(1 - p) of each class; the logit of a label that holds by itself is that already."""
    if not exclusive:
        return logits
    k = logits.shape[1]
    others = [logsumexp(logits[:, [j for j in range(k) if j != i]], axis=1) for i in range(k)]
    return logits - np.stack(others, axis=1)
