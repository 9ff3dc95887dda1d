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
from classify.reporting.contenders import Contender, FinishedRun
from classify.reporting.curves import Curve, chart
from classify.reporting.figures import DPI, GREY, frame, line_style, shown

__all__ = ["MOST", "bins_overlay", "calibration_overlay", "overlay_charts", "precision_recall_overlay", "roc_overlay"]

Floats = NDArray[np.float64]

MOST = 12
"""Models in one figure; more cannot be told apart. The tables have all."""

PANELS = {
    "bits_per_base": "bits a base",
    "accuracy": "accuracy [share]",
    "auroc": "AUROC",
    "auprc": "average precision",
}
"""What bins may have, in the order of the figure."""

MARKERS = "osD^vP"
GRID = np.linspace(0, 1, 1001)
"""Rates at which curves are averaged."""

READ = np.unique(np.append(np.arange(50), np.arange(50, len(GRID), 5)))
"""Places of ``GRID`` that a page has: all of the first rates, where models are told apart, and each fifth of the others."""


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
    """The curve of the positive class, or the mean over classes or labels; None where there is none."""
    pairs = run.told_apart()
    return np.mean([curve(truth, score) for truth, score in pairs], axis=0) if pairs else None


def _averages(
    rows: Sequence[Contender], areas: Sequence[float], curve: Callable[[NDArray[np.bool_], Floats], Floats]
) -> list[Curve | None]:
    """The mean curve of each of the first ``MOST`` models at ``GRID``, with those of its seeds; None where undefined."""
    averages: list[Curve | None] = []
    for row, area in zip(rows[:MOST], areas[:MOST], strict=True):
        singles = [found for run in row.runs if (found := _one_against_rest(run, curve)) is not None]
        seeds = f", {len(row.runs)} seeds" if len(row.runs) > 1 else ""
        mean = Curve(row.label + seeds, GRID, np.mean(singles, axis=0), area, None, None, singles) if singles else None
        averages.append(mean)
    return averages


def _overlay(
    rows: Sequence[Contender],
    areas: Sequence[float],
    curve: Callable[[NDArray[np.bool_], Floats], Floats],
    axes: Axes,
) -> None:
    for index, (row, mean) in enumerate(zip(rows, _averages(rows, areas, curve), strict=False)):
        if mean is None:
            continue
        if len(mean.singles) > 1:
            for single in mean.singles:
                axes.plot(GRID, single, color=line_style(index)["color"], linewidth=0.5, alpha=0.45)
        axes.plot(GRID, mean.y, linewidth=1.7, label=_label(row, areas[index]), **line_style(index))


def overlay_charts(rows: Sequence[Contender], areas: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """The charts of ``roc_overlay`` and ``precision_recall_overlay`` by their names, for ``chart.html.j2``.

    ``areas`` hold the legends' numbers by ``auroc`` and ``auprc``, in the order of ``rows``; nan is undefined.
    """
    charts = {}
    for kind, area, curve in (("roc", "auroc", _roc), ("precision_recall", "auprc", _precision)):
        drawn = []
        for row, mean in zip(rows, _averages(rows, areas[area], curve), strict=False):
            if mean is None:
                continue
            level = _prevalence(row.first) if kind == "precision_recall" else None
            singles = [single[READ] for single in mean.singles] if len(mean.singles) > 1 else []
            known = mean.area if mean.area is not None and np.isfinite(mean.area) else None
            drawn.append(Curve(mean.name, GRID[READ], mean.y[READ], known, None, level, singles))
        if found := chart(kind, drawn, max(0, len(rows) - MOST)):
            charts[kind] = found
    return charts


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
    """What guessing reaches; 0 without curves."""
    return float(np.mean([truth.mean() for truth, _ in run.told_apart()] or [0.0]))


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
        style = line_style(index)
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
    """Metrics of each model in bins of length or GC, with intervals, from the rows of ``bins.csv``."""
    there = {entry["metric"] for entry in bins}
    metrics = {name: title for name, title in PANELS.items() if name in there}
    curves = min(len(rows), MOST)
    figure = Figure(figsize=(5 * len(metrics), 4 + 0.22 * curves), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
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
            style = line_style(index)
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
