"""Logistic regressions of many labels on the same features, fitted together: one matrix product serves all. NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from classify.targets import UNKNOWN

__all__ = ["fit_labels"]

Floats = NDArray[np.float64]

ITERATIONS = 500


def fit_labels(
    features: NDArray[np.floating[Any]],
    targets: NDArray[np.int8],
    penalty: float,
    start: tuple[Floats, Floats] | None = None,
    tolerance: float = 1e-4,
) -> tuple[Floats, Floats]:
    """For every label what scikit-learn's ``LogisticRegression(C=penalty)`` gives on the examples where it is known.

    Minimises half the squared coefficients plus ``penalty`` times the summed cross-entropy [nats]; intercepts are free. A label
    that is the same in all examples gets coefficients of zero and the intercept of its share, with half an example of either
    kind added.

    Parameters
    ----------
    features
        (n, F), standardised.
    targets
        int8 (n, k): 1, 0, -1 = not known.
    start
        Coefficients and intercepts to begin from, such as those of another penalty.
    tolerance
        Largest slope of the mean objective over examples, of any coefficient, at which the fit is done, as scikit-learn has it.

    Returns
    -------
    tuple
        float64 (k, F) and (k,).
    """
    x = np.asarray(features, dtype=np.float64)
    ones, zeros = (targets == 1).sum(axis=0), (targets == 0).sum(axis=0)
    open_ = np.flatnonzero((ones > 0) & (zeros > 0))
    coefficients = np.zeros((targets.shape[1], x.shape[1]))
    intercept = np.log((ones + 0.5) / (zeros + 0.5))
    if not len(open_):
        return coefficients, intercept
    truth, known = (targets[:, open_] == 1).astype(np.float64), targets[:, open_] != UNKNOWN
    shape = len(open_), x.shape[1] + 1

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        logits = x @ weights[:, :-1].T + weights[:, -1]
        # The cross-entropy is softplus(logit) - truth * logit.
        losses = np.where(known, np.logaddexp(0, logits) - truth * logits, 0)
        wrong = np.where(known, expit(logits) - truth, 0)
        gradient = np.empty(shape)
        gradient[:, :-1] = wrong.T @ x + weights[:, :-1] / penalty
        gradient[:, -1] = wrong.sum(axis=0)
        value = losses.sum() + (weights[:, :-1] ** 2).sum() / (2 * penalty)
        return float(value) / len(x), gradient.ravel() / len(x)

    begin = np.column_stack([coefficients[open_], intercept[open_]])
    if start is not None:
        begin = np.column_stack([start[0][open_], start[1][open_]])
    found = minimize(
        objective,
        begin.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS, "ftol": 64 * np.finfo(float).eps, "gtol": tolerance},
    )
    weights = found.x.reshape(shape)
    coefficients[open_], intercept[open_] = weights[:, :-1], weights[:, -1]
    return coefficients, intercept
