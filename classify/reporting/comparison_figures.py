"""The figures of a comparison, and the curves that its page draws itself: those that its kind of runs has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from classify.reporting.contenders import Contender
from classify.reporting.overlays import (
    bins_overlay,
    calibration_overlay,
    overlay_charts,
    precision_recall_overlay,
    roc_overlay,
)

__all__ = ["FIGURES", "comparison_charts", "comparison_figures"]

QUANTITIES = {"length": "length of the record [nt]", "gc": "GC of the record [share]"}
"""Columns of predictions.csv by which test examples may be binned, and the title of their axis."""

OVERLAYS = {
    "roc": ("auroc", roc_overlay),
    "precision_recall": ("auprc", precision_recall_overlay),
    "calibration": ("ece", calibration_overlay),
}
"""The metric that stands in the legend, and what draws."""

FIGURES = tuple(f"{name}.png" for name in (*OVERLAYS, *(f"{name}_bins" for name in QUANTITIES)))
"""Files that a comparison may write."""


def _curves(rows: Sequence[Contender], values: Mapping[str, Sequence[float]]) -> list[str]:
    """Names of the overlays that say something of these rows: of several labels without a curve for each there are none, of
    bases none at all. Classes of windows have them in any case: where a class is missing, that is what they say."""
    told = {"roc", "precision_recall"} if any(run.told_apart() for run in rows[0].runs) else set()
    return [name for name, (metric, _) in OVERLAYS.items() if name in told or ("ece" in values and metric in values)]


def comparison_figures(
    rows: Sequence[Contender], values: Mapping[str, Sequence[float]], bins: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Figure]:
    """Figures by their names, in reading order.

    Parameters
    ----------
    values
        Metrics by their names, in the order of ``rows``.
    bins
        Rows of ``bins.csv`` by quantity.
    """
    figures = {name: OVERLAYS[name][1](rows, values[OVERLAYS[name][0]]) for name in _curves(rows, values)}
    return figures | {
        f"{name}_bins": bins_overlay(rows, bins[name], unit) for name, unit in QUANTITIES.items() if bins.get(name)
    }


def comparison_charts(rows: Sequence[Contender], values: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """What a page draws itself instead of the figures of these names."""
    return overlay_charts(rows, values) if _curves(rows, values) else {}
