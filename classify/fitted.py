"""A letter baseline with all that fitting gave it: plain JSON, and the log odds that it tells. Nothing is fitted here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.baselines import BASELINES, Baseline, State
from classify.runs import RunFolder
from specgen.errors import InputError
from specgen.sequences import Codes

__all__ = ["FittedBaseline", "load_baseline"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FittedBaseline:
    """A baseline with all that fitting gave it.

    Attributes
    ----------
    baseline
        Its features.
    state
        What they have learnt.
    mean, scale
        float64 (F,): features are standardised by them; with ``Baseline.one_scale`` all scales are one number.
    coefficients, intercept
        float64 (k, F) and (k,): log odds [nats] of each label, or of the positive class alone (k = 1), from standardised
        features.
    penalty
        Inverse L2 penalty that validation chose.
    """

    baseline: Baseline
    state: State
    mean: Floats
    scale: Floats
    coefficients: Floats
    intercept: Floats
    penalty: float

    @property
    def note(self) -> str:
        """One line for reports."""
        return f"Logistic regression on: {self.baseline.note}. Inverse penalty {self.penalty:g}, chosen on validation."

    def features(self, windows: Codes, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, F) of windows uint8 (B, L) and the lengths (B,) of their records."""
        return self.baseline(windows, lengths, self.state).astype(np.float32)

    def decide(self, features: NDArray[np.float32]) -> Floats:
        """(B, k) log odds [nats] from features (B, F)."""
        decision: Floats = ((features - self.mean) / self.scale) @ self.coefficients.T + self.intercept
        return decision

    def body(self) -> dict[str, Any]:
        """model.json: every number as its shortest exact decimal."""
        return {
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "coefficients": self.coefficients.tolist(),
            "intercept": self.intercept.tolist(),
            "penalty": self.penalty,
            "state": self.state,
        }


def load_baseline(run: RunFolder, name: str) -> FittedBaseline:
    """The fitted baseline of a run folder.

    Raises
    ------
    InputError
        None there, or a file that does not hold this baseline.
    """
    baseline = BASELINES[name]
    body = run.read_json(run.baseline.name)
    try:
        mean, scale, coefficients = (np.array(body[key], dtype=np.float64) for key in ("mean", "scale", "coefficients"))
        intercept = np.array([float(value) for value in body["intercept"]])
        if coefficients.ndim != 2 or intercept.shape != coefficients.shape[:1]:
            raise ValueError(f"{intercept.size} intercepts for coefficients {coefficients.shape}")
        fitted = FittedBaseline(baseline, body["state"], mean, scale, coefficients, intercept, float(body["penalty"]))
        tried = fitted.features(np.ones((1, 12), dtype=np.uint8), np.array([12]))
        shapes = {mean.shape, scale.shape, coefficients.shape[1:]}
        good = shapes == {tried.shape[1:]} and np.isfinite(fitted.decide(tried)).all()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(
            f"{run.baseline}: does not hold the fitted baseline {name!r} ({type(error).__name__}: {error}); "
            "fit it again: python -m classify baselines"
        ) from None
    if not good:
        raise InputError(f"{run.baseline}: expected {tried.shape[1]} finite coefficients for the baseline {name!r}")
    return fitted
