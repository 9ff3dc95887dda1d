"""The figures of a run, drawn from ``metrics.csv``, ``metrics.json`` and ``predictions.csv`` alone.

Every figure function takes data and returns a ``Figure``; none touches pyplot, so that nothing global is left
behind. ``draw_all`` makes the files.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from classify.reporting._files import read_history, read_metrics, read_predictions
from classify.reporting.curves import MOST, precision_recall_curves, roc_curves
from specgen.files import write_atomic

__all__ = [
    "COLOURS",
    "DPI",
    "GREY",
    "LETTER_COLOURS",
    "best_epoch",
    "calibration_figure",
    "confusion_figure",
    "draw_all",
    "features_figure",
    "frame",
    "history_figure",
    "line_style",
    "png",
    "precision_recall_figure",
    "roc_figure",
    "shown",
]

DPI = 150
# Okabe & Ito (2008), "Color Universal Design": told apart by colour-blind readers, and dark enough on white.
BLUE, VERMILION, SKY = "#0072B2", "#D55E00", "#56B4E9"
COLOURS = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", SKY, "#000000")
LINES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1)))
GREY = "#6e6e6e"
LETTER_COLOURS = {"A": "#009E73", "C": BLUE, "G": "#E69F00", "T": VERMILION}
"""Near the usual green, blue, orange and red."""


def png(figure: Figure) -> bytes:
    """A figure as a PNG file."""
    picture = io.BytesIO()
    with warnings.catch_warnings():
        # A class name in a script that the font lacks is drawn as boxes; the page has it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(picture, format="png", dpi=DPI)
    return picture.getvalue()


def shown(name: str, length: int = 24) -> str:
    """A class name as matplotlib text: shortened, and with "$" taken literally rather than as mathematics."""
    return (name if len(name) <= length else f"{name[: length - 1]}…").replace("$", r"\$")


def frame(axes: Axes, x: str, y: str, *, unit_square: bool = False) -> None:
    """Axis titles and a light grid; ``unit_square`` for axes from 0 to 1."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color="#d9d9d9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if unit_square:
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.set_aspect("equal")


def history_figure(history: pd.DataFrame, best: int | None = None) -> Figure:
    """Loss and accuracy against epoch, training and validation; ``best`` is the epoch that was kept."""
    figure = Figure(figsize=(9, 3.6), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, what, unit in ((left, "loss", "loss [nats]"), (right, "accuracy", "accuracy [share]")):
        for split, label, colour, style in (
            ("train", "training", BLUE, "-o"),
            ("val", "validation", VERMILION, "--s"),
        ):
            values = history[["epoch", f"{split}_{what}"]].dropna()
            axes.plot(*values.to_numpy().T, style, color=colour, label=label, markersize=4, linewidth=1.6)
        frame(axes, "epoch", unit)
        # Half an epoch either side, so that a single epoch too has a whole number on its axis.
        axes.set_xlim(history["epoch"].min() - 0.5, history["epoch"].max() + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        if best in set(history["epoch"]):
            axes.axvline(best, color=GREY, linestyle=":", linewidth=1.4, label=f"best epoch ({best})")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def confusion_figure(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Figure:
    """Counts and shares of each true class (rows), shaded by share, with totals in the margins."""
    counts = np.asarray(matrix)
    k = len(names)
    totals = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(totals, 1)
    # Past some twenty classes the cells are too small to write in; the page's table has the numbers.
    cell = min(0.95, 20 / (k + 1))
    figure = Figure(figsize=(2.6 + cell * (k + 1), 1.7 + 0.8 * cell * (k + 1)), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    margins = np.pad(share, (0, 1), constant_values=np.nan)
    image = axes.imshow(margins, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row in range(k if k <= 20 else 0):
        for column in range(k):
            text = f"{counts[row, column]:,}\n{share[row, column]:.1%}"
            ink = "white" if share[row, column] > 0.55 else "black"
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=9)
        axes.text(k, row, f"{totals[row, 0]:,}", ha="center", va="center", color=GREY)
        axes.text(row, k, f"{counts[:, row].sum():,}", ha="center", va="center", color=GREY)
    axes.text(k, k, f"{counts.sum():,}", ha="center", va="center", color=GREY, weight="bold")
    heads = [*(shown(name) for name in names), "total"]
    crowded = k > 4 or max(map(len, heads)) > 10
    slant: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(range(k + 1), heads, **slant)
    axes.set_yticks(range(k + 1), heads)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label="share of the true class")
    return figure


def line_style(index: int) -> dict[str, Any]:
    """Colour and line of a curve: 7 colours and 4 lines, both of which change from one curve to the next."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index % len(LINES)]}


def _curve_figure(curves: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.2, 4.6 + 0.24 * min(curves, MOST)), dpi=DPI, layout="constrained")
    return figure, figure.subplots()


def _legend(figure: Figure, axes: Axes, title: str) -> None:
    """Below the axes, where it hides no curve; a plain statement where there is no curve to draw."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        axes.text(0.5, 0.5, "undefined: the test set holds one class only", ha="center", color=GREY)
        return
    more = len(handles) - MOST
    if more > 0:
        title = f"{title} (and {more} more classes)"
    figure.legend(handles[:MOST], labels[:MOST], loc="outside lower center", title=title, frameon=False, fontsize=9)


def roc_figure(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64], names: Sequence[str], positive: int | None
) -> Figure:
    """ROC curve of the positive class, or of each class against the rest when ``positive`` is None."""
    figure, axes = _curve_figure(len(names) if positive is None else 1)
    for index, curve in enumerate(roc_curves(labels, probabilities, names, positive)):
        label = f"{curve.area:.3f}  {shown(curve.name)}"
        axes.plot(curve.x, curve.y, label=label, linewidth=1.7, **line_style(index))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (1, 2)), linewidth=1)
    frame(axes, "false positive rate [share]", "true positive rate [share]", unit_square=True)
    _legend(figure, axes, "area under the curve")
    return figure


def precision_recall_figure(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64], names: Sequence[str], positive: int | None
) -> Figure:
    """Precision against recall; the thin line is the prevalence, what guessing reaches. Classes as above."""
    figure, axes = _curve_figure(len(names) if positive is None else 1)
    for index, curve in enumerate(precision_recall_curves(labels, probabilities, names, positive)):
        style, label = line_style(index), f"{curve.area:.3f}  {shown(curve.name)} (prevalence {curve.level:.3f})"
        axes.step(curve.x, curve.y, where="pre", label=label, linewidth=1.7, **style)
        if curve.level is not None:
            axes.axhline(curve.level, color=style["color"], linestyle=(0, (1, 2)), linewidth=1)
    frame(axes, "recall [share]", "precision [share]", unit_square=True)
    _legend(figure, axes, "average precision")
    return figure


def calibration_figure(bins: Sequence[dict[str, Any]], of: str) -> Figure:
    """Observed share against mean probability ``of`` something, above the number of examples in each bin."""
    figure = Figure(figsize=(5.2, 5.6), dpi=DPI, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    filled = [item for item in bins if item["n"]]
    upper.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (1, 2)), linewidth=1, label="perfect")
    upper.plot(
        [item["mean_probability"] for item in filled],
        [item["observed"] for item in filled],
        "-o",
        color=BLUE,
        markersize=4,
        label="model",
    )
    frame(upper, "", "observed [share]")
    upper.set_ylim(-0.02, 1.02)
    upper.legend(frameon=False, loc="upper left")
    lower.bar(
        [item["low"] for item in bins],
        [item["n"] for item in bins],
        width=[item["high"] - item["low"] for item in bins],
        align="edge",
        color=SKY,
        edgecolor="white",
    )
    frame(lower, f"predicted probability of {shown(of)}", "examples")
    lower.set_xlim(-0.01, 1.01)
    return figure


def features_figure(rows: Sequence[dict[str, Any]]) -> Figure:
    """Labels by their AUROC, and average precision against prevalence, by group; ``rows`` as in ``metrics.json``."""
    figure = Figure(figsize=(9, 4), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    scored = [row for row in rows if row["auroc"] is not None]
    for group, colour in zip(sorted({row["group"] for row in scored}), cycle(COLOURS), strict=False):
        some = sorted((row for row in scored if row["group"] == group), key=lambda row: -row["auroc"])
        rank = np.arange(1, len(some) + 1)
        left.plot(rank, [row["auroc"] for row in some], "-o", color=colour, markersize=3, linewidth=1.2)
        prevalence = [row["positives"] / row["known"] for row in some]
        right.plot(prevalence, [row["auprc"] for row in some], "o", color=colour, markersize=3, label=shown(group))
    for axes, level in ((left, 0.5), (right, None)):
        if not scored:
            axes.text(0.5, 0.5, "no label has both 0 and 1", ha="center", color=GREY, transform=axes.transAxes)
        elif level is None:
            chances = np.geomspace(min(row["positives"] / row["known"] for row in scored) / 1.2, 1, 50)
            axes.plot(chances, chances, color=GREY, linestyle=(0, (1, 2)), linewidth=1)
            axes.set_xscale("log")
        else:
            axes.axhline(level, color=GREY, linestyle=(0, (1, 2)), linewidth=1)
        axes.set_ylim(-0.02, 1.02)
    frame(left, "rank of the label", "AUROC")
    frame(right, "share of examples that have the label", "average precision")
    handles, labels = right.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    return figure


def best_epoch(history: pd.DataFrame, metrics: dict[str, Any]) -> int | None:
    """The epoch that was kept, as the run says; else that of the highest validation AUROC or lowest loss."""
    said = (metrics.get("training") or {}).get("best_epoch")
    if said is not None:
        return int(said)
    for column, sign in (("val_auroc", 1), ("val_loss", -1)):
        values = history.get(column, pd.Series(dtype=float)).dropna() * sign
        if len(values):
            return int(history.loc[values.idxmax(), "epoch"])
    return None


def draw_all(run: Path) -> list[Path]:
    """Draw ``figures/*.png`` of a run; returns their paths in reading order."""
    run = Path(run)
    metrics = read_metrics(run)
    history = read_history(run)
    drawn = {} if history is None else {"history": history_figure(history, best_epoch(history, metrics))}
    if "features" in metrics:
        drawn["features"] = features_figure(metrics["features"])
    if "labels" in metrics:
        drawn |= _of_classes(run, metrics)
    return [write_atomic(run / "figures" / f"{name}.png", png(figure)) for name, figure in drawn.items()]


def _of_classes(run: Path, metrics: dict[str, Any]) -> dict[str, Figure]:
    """Figures of a classification by name, in reading order."""
    names = metrics["labels"]
    labels, probabilities = read_predictions(run, metrics)
    positive = names.index(metrics["positive"]) if metrics["positive"] in names else None
    return {
        "confusion": confusion_figure(metrics["confusion"], names),
        "roc": roc_figure(labels, probabilities, names, positive),
        "precision_recall": precision_recall_figure(labels, probabilities, names, positive),
        "calibration": calibration_figure(
            metrics["calibration"], names[positive] if positive is not None else "the predicted class"
        ),
    }
