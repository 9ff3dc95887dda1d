"""Metrics told apart by the kinds of example that a task names: which sort of positive against which sort of negative.

Arrays in, numbers out, as in ``metrics``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.metrics import grouped_bootstrap
from specgen.files import finite

__all__ = ["metrics_by_kind"]

SHOWN = ("auroc", "balanced_accuracy")
"""What can be compared between pairs of other sizes; plain accuracy and average precision cannot."""

RESAMPLES = 500


def metrics_by_kind(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    groups: Sequence[str],
    kinds: Sequence[str],
    seed: int = 0,
    bounds: Callable[[NDArray[np.int64]], Mapping[str, Any]] = lambda rows: {},
) -> list[dict[str, Any]]:
    """Metrics of every kind of positive against every kind of negative, and against all of them.

    Parameters
    ----------
    labels
        int64 (n,) 0 or 1.
    probabilities
        float64 (n, 2).
    groups, kinds
        (n,) what is resampled together; what sort of its class an example is.
    bounds
        What scores of the examples at some indices stand beside, see ``Task.bounds``.

    Returns
    -------
    list of dict
        positives, negatives (names of kinds; "all" where several are taken together), n_positive, n_negative, and
        auroc and balanced_accuracy, each with value, low and high, and bounds. A combination of all with all is left out:
        that is the table of the whole test set. A single kind on either side gives no rows for "all" there;
        no kinds give none at all.
    """
    if not kinds:
        return []
    sorts = np.asarray(kinds)
    rows = []
    for positive in _choices(sorts[labels == 1]):
        for negative in _choices(sorts[labels == 0]):
            if positive == negative == "all":
                continue
            taken = np.where(
                labels == 1,
                (positive == "all") | (sorts == positive),
                (negative == "all") | (sorts == negative),
            )
            chosen = np.flatnonzero(taken)
            found = grouped_bootstrap(
                labels[chosen],
                probabilities[chosen],
                np.asarray(groups)[chosen],
                resamples=RESAMPLES,
                seed=seed,
                positive=1,
            )
            rows.append(
                {
                    "positives": positive,
                    "negatives": negative,
                    "n_positive": int((labels[chosen] == 1).sum()),
                    "n_negative": int((labels[chosen] == 0).sum()),
                    **{
                        name: {"value": found[name].value, "low": found[name].low, "high": found[name].high}
                        for name in SHOWN
                    },
                    "bounds": bounds(chosen),
                }
            )
    told: list[dict[str, Any]] = finite(rows)
    return told


def _choices(kinds: NDArray[np.str_]) -> list[str]:
    names = sorted(set(kinds.tolist()))
    return ["all", *names] if len(names) > 1 else names
