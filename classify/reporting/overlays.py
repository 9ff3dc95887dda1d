"""Figures of several models over one another: ROC, precision and recall, calibration, metrics by length and GC.

Takes finished runs and numbers, returns a ``Figure``. A model keeps its colour and line style in every figure of a
comparison; seeds of one model are thin lines around their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from classify.metrics import calibration_bins
from classify.reporting.figures import COLOURS, DPI, GREY, frame, shown
from classify.reporting.finished import Contender, FinishedRun

__all__ = ["MOST", "bins_overlay", "calibration_overlay", "precision_recall_overlay", "roc_overlay"]

Floats = NDArray[np.float64]

MOST = 12
"""Models in one figure; more cannot be told apart. The tables have all."""

LINES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1)))
MARKERS = "osD^vP"
GRID = np.linspace(0, 1, 1001)
"""Rates at which curves are averaged."""


def _style(index: int) -> dict[str, Any]:
    """Colour and line of a model: 7 colours and 4 lines, both of which change from one model to the next."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index % len(LINES)]}


def _canvas(curves: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.2, 5.2 + 0.22 * curves), dpi=DPI, layout="constrained")
    return figure, figure.subplots()


def _finish(figure: Figure, axes: Axes, title: str, left_out: int) -> Figure:
    """Legend below the axes, in the order in which curves were drawn; a plain statement where there is none."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        axes.text(0.5, 0.5, "undefined: a test set holds one class only", ha="center", color=GREY)
        return figure
    title += f" (and {left_out} more models, see the table)" if left_out > 0 else ""
    # Two columns would not hold two long names.
    figure.legend(handles, labels, loc="outside lower center", title=title, frameon=False, fontsize=9, handlelength=3.5)
    return figure


def _label(row: Contender, value: float) -> str:
    seeds = f", {len(row.runs)} seeds" if len(row.runs) > 1 else ""
    return f"{value:.3f}  {shown(row.label, 44)}{seeds}"


def _one_against_rest(run: FinishedRun, curve: Callable[[NDArray[np.bool_], Floats], Floats]) -> Floats | None:
    """The curve of the positive class, or the mean over classes; None where a class is not there."""
    classes = range(len(run.classes)) if run.positive is None else [run.positive]
    truths = [run.labels == c for c in classes]
    if not all(truth.any() and not truth.all() for truth in truths):
        return None
    mean: Floats = np.mean([curve(truth, run.probabilities[:, c]) for c, truth in zip(classes, truths, strict=True)], 0)
    return mean


def _overlay(
    rows: Sequence[Contender],
    areas: Sequence[float],
    curve: Callable[[NDArray[np.bool_], Floats], Floats],
    axes: Axes,
) -> None:
    for index, (row, area) in enumerate(zip(rows[:MOST], areas[:MOST], strict=True)):
        curves = [found for run in row.runs if (found := _one_against_rest(run, curve)) is not None]
        if not curves:
            continue
        if len(curves) > 1:
            for single in curves:
                axes.plot(GRID, single, color=_style(index)["color"], linewidth=0.5, alpha=0.45)
        axes.plot(GRID, np.mean(curves, axis=0), linewidth=1.7, label=_label(row, area), **_style(index))


def _roc(truth: NDArray[np.bool_], score: Floats) -> Floats:
    """True positive rate at each false positive rate of ``GRID``, (1001,)."""
    false_rate, true_rate, _ = roc_curve(truth, score, drop_intermediate=False)
    rates: Floats = np.interp(GRID, false_rate, true_rate)
    rates[0] = 0.0
    return rates


def _precision(truth: NDArray[np.bool_], score: Floats) -> Floats:
    """Precision at the first threshold that reaches each recall of ``GRID``, (1001,)."""
    precision, recall, _ = precision_recall_curve(truth, score)
    # Ascending recall without the point (0, 1) that belongs to no threshold; the highest threshold comes first.
    first = np.searchsorted(recall[:-1][::-1], GRID, side="left")
    found: Floats = precision[:-1][::-1][np.minimum(first, len(recall) - 2)]
    return found


def roc_overlay(rows: Sequence[Contender], areas: Sequence[float]) -> Figure:
    """ROC curves of the positive class (macro averages for more than two), averaged over seeds at each false positive
    rate. ``areas`` are for the legend, in the order of ``rows``."""
    figure, axes = _canvas(min(len(rows), MOST))
    _overlay(rows, areas, _roc, axes)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (1, 2)), linewidth=1)
    frame(axes, "false positive rate [share]", "true positive rate [share]", unit_square=True)
    return _finish(figure, axes, "AUROC", len(rows) - MOST)


def precision_recall_overlay(rows: Sequence[Contender], areas: Sequence[float]) -> Figure:
    """Precision against recall, averaged over seeds at each recall; the dotted line is the prevalence."""
    figure, axes = _canvas(min(len(rows), MOST))
    _overlay(rows, areas, _precision, axes)
    for prevalence in sorted({_prevalence(row.first) for row in rows[:MOST]}):
        axes.axhline(prevalence, color=GREY, linestyle=(0, (1, 2)), linewidth=1)
    frame(axes, "recall [share]", "precision [share]", unit_square=True)
    return _finish(figure, axes, "average precision", len(rows) - MOST)


def _prevalence(run: FinishedRun) -> float:
    return 1 / len(run.classes) if run.positive is None else float((run.labels == run.positive).mean())


def calibration_overlay(rows: Sequence[Contender], errors: Sequence[float]) -> Figure:
    """Observed share against mean probability in 15 bins, predictions of all seeds together; a marker's area grows with
    the share of predictions in its bin. ``errors`` are the calibration errors for the legend."""
    figure, axes = _canvas(min(len(rows), MOST))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (1, 2)), linewidth=1)
    for index, (row, error) in enumerate(zip(rows[:MOST], errors[:MOST], strict=True)):
        labels = np.concatenate([run.labels for run in row.runs])
        probabilities = np.concatenate([run.probabilities for run in row.runs])
        bins = [entry for entry in calibration_bins(labels, probabilities, positive=row.first.positive) if entry["n"]]
        x, y = ([entry[key] for entry in bins] for key in ("mean_probability", "observed"))
        style = _style(index)
        axes.plot(x, y, linewidth=1.3, label=_label(row, error), **style)
        sizes = [4 + 400 * entry["n"] / len(labels) for entry in bins]
        axes.scatter(x, y, s=sizes, color=style["color"], alpha=0.6, linewidths=0)
    of = (
        "the predicted class"
        if rows[0].first.positive is None
        else shown(rows[0].first.classes[rows[0].first.positive])
    )
    frame(axes, f"predicted probability of {of}", "observed [share]", unit_square=True)
    return _finish(figure, axes, "calibration error (ECE)", len(rows) - MOST)


def bins_overlay(rows: Sequence[Contender], bins: Sequence[Mapping[str, Any]], unit: str) -> Figure:
    """Accuracy and AUROC of each model in bins of length or GC, with intervals, from the rows of ``bins.csv``."""
    metrics = {"accuracy": "accuracy [share]", "auroc": "AUROC"}
    curves = min(len(rows), MOST)
    figure = Figure(figsize=(10, 4 + 0.22 * curves), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, 2)
    edges = {entry["bin"]: (entry["low"], entry["high"]) for entry in bins}
    heads = [f"{low:.3g}–{high:.3g}" if high <= 1 else f"{low:,.0f}–\n{high:,.0f}" for low, high in edges.values()]
    for axes, (metric, title) in zip(panels, metrics.items(), strict=True):
        for index, row in enumerate(rows[:MOST]):
            own = [item for item in bins if item["label"] == row.label and item["metric"] == metric]
            if not own:
                continue
            # Beside one another, so that intervals do not hide each other.
            x = np.array([item["bin"] for item in own]) + 0.5 * ((index + 0.5) / curves - 0.5)
            y, low, high = (
                np.array([item[key] for item in own], dtype=float) for key in ("value", "interval_low", "interval_high")
            )
            style = _style(index)
            # A percentile interval need not hold its value.
            bars = np.nan_to_num([np.maximum(y - low, 0), np.maximum(high - y, 0)])
            axes.errorbar(x, y, yerr=bars, linewidth=1.3, elinewidth=0.7, marker=MARKERS[index % len(MARKERS)],
                          markersize=4, label=shown(row.label, 44), **style)  # fmt: skip
        axes.set_xticks(list(edges), heads, fontsize=8)
        frame(axes, unit, title)
    handles, labels = panels[0].get_legend_handles_labels()
    more = f"and {len(rows) - MOST} more models, see bins.csv" if len(rows) > MOST else None
    figure.legend(
        handles, labels, loc="outside lower center", title=more, frameon=False, fontsize=9, handlelength=3.5,
        ncols=2 if curves > 4 else 1,
    )  # fmt: skip
    return figure
