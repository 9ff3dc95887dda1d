"""The labels of one sequence, ranked by probability: table, figure, and the example that a run's page shows.

Plain rows in, a ``Figure`` or rows out; of a run folder only files are read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from classify.reporting._files import open_labels, read_text
from classify.reporting.figures import BLUE, DPI, GREY, VERMILION, frame, shown
from specgen.errors import InputError

__all__ = ["SHOWN", "example_of", "ranked_figure", "ranked_rows", "read_prevalences"]

SHOWN = 30
"""Labels of a figure and of the table on a page; the CSV has all."""

GROUP_COLOURS = {"DNase": BLUE, "TF": VERMILION, "histone": "#009E73"}
"""Okabe & Ito's; any other group is grey."""

AT_ONCE = 4096
"""Test examples whose labels are read together."""


def ranked_rows(
    features: Sequence[Mapping[str, Any]],
    probabilities: NDArray[np.floating],
    prevalences: Mapping[str, float],
    truth: NDArray[np.int8] | None = None,
) -> list[dict[str, Any]]:
    """A row for each label, the likeliest first; of equals in their own order.

    Parameters
    ----------
    features
        (k,) name, group, cell, factor, treatment and threshold of each label.
    probabilities
        (k,) of one sequence, in 0..1.
    prevalences
        Share of the training examples that have a label, by its name, where that is known.
    truth
        int8 (k,) 1, 0, -1 = not known; None where nothing is known of the sequence.

    Returns
    -------
    list of dict
        rank, name, group, cell, factor, treatment, probability, threshold, above (whether the probability is the
        threshold or more, which is when the label is called), prevalence (None = not known), and with ``truth`` true
        (None = not known).
    """
    rows: list[dict[str, Any]] = []
    for rank, i in enumerate(np.argsort(-np.asarray(probabilities), kind="stable").tolist(), 1):
        feature, chance = features[i], float(probabilities[i])
        row: dict[str, Any] = {
            "rank": rank,
            **{key: str(feature[key]) for key in ("name", "group", "cell", "factor", "treatment")},
            "probability": chance,
            "threshold": float(feature["threshold"]),
            "above": chance >= float(feature["threshold"]),
            "prevalence": prevalences.get(feature["name"]),
        }
        if truth is not None:
            row["true"] = None if truth[i] < 0 else bool(truth[i])
        rows.append(row)
    return rows


def _called(row: Mapping[str, Any]) -> str:
    """Factor, cell and treatment, as far as the name tells them."""
    parts = [row[key] for key in ("factor", "cell", "treatment") if row[key]]
    return shown(", ".join(parts) or row["name"], 44)


def ranked_figure(rows: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """The first ``SHOWN`` labels as bars in the colour of their group, filled where the label is called."""
    rows = rows[:SHOWN]
    figure = Figure(figsize=(8, 1.5 + 0.23 * max(4, len(rows))), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(rows))
    colours = [GROUP_COLOURS.get(row["group"], GREY) for row in rows]
    chances = [row["probability"] for row in rows]
    faces = [colour if row["above"] else "white" for row, colour in zip(rows, colours, strict=True)]
    axes.barh(places, chances, height=0.72, color=faces, edgecolor=colours, linewidth=1.2)
    axes.vlines([row["threshold"] for row in rows], places - 0.45, places + 0.45, color="black", linewidth=1.4)
    known = [
        (row["prevalence"], place) for row, place in zip(rows, places, strict=True) if row["prevalence"] is not None
    ]
    if known:
        axes.plot(
            *zip(*known, strict=True), "D", color="white", markeredgecolor="black", markersize=4, linestyle="none"
        )
    marks = ["• " if row.get("true") else "" for row in rows]
    axes.set_yticks(places, [mark + _called(row) for mark, row in zip(marks, rows, strict=True)], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    frame(axes, "probability", "")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    highest = max((max(row["probability"], row["threshold"], row["prevalence"] or 0) for row in rows), default=1.0)
    axes.set_xlim(0, min(1.0, 1.05 * highest) or 1.0)
    figure.suptitle(shown(title, 70), x=0.02, ha="left", fontsize=10)
    groups = [name for name in (*GROUP_COLOURS, "other") if any(row["group"] == name for row in rows)]
    handles: list[Any] = [Patch(color=GROUP_COLOURS.get(name, GREY), label=name) for name in groups]
    handles.append(Patch(facecolor="white", edgecolor=GREY, label="below its threshold"))
    handles.append(Line2D([], [], color="black", marker="|", linestyle="none", markersize=9, label="threshold"))
    if known:
        handles.append(
            Line2D([], [], color="white", marker="D", markeredgecolor="black", markersize=4, label="share in training")
        )
    if any(marks):
        handles.append(
            Line2D([], [], color="black", marker="o", linestyle="none", markersize=3, label="holds in truth")
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def read_prevalences(run: Path) -> dict[str, float]:
    """Share of the training examples that have a label, of those where it is known: from ``labels.csv`` of a run folder.

    Empty where the run has no such file; a label that was not counted, or is known of no example, is left out.

    Raises
    ------
    InputError
        The file is damaged.
    """
    if not (run / "labels.csv").is_file():
        return {}
    rows = csv.DictReader(io.StringIO(read_text(run, "labels.csv", "train"), newline=""))
    try:
        counts = {row["name"]: (row["train_known"], row["train_positives"]) for row in rows}
        return {name: int(held) / int(known) for name, (known, held) in counts.items() if known and int(known)}
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(f"{run / 'labels.csv'}: cannot be read as counts of labels ({error!r})") from None


def example_of(run: Path, body: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]] | None:
    """Name and rows of the test example that holds most labels, the first of equals; None where a run has not several.

    Parameters
    ----------
    body
        ``metrics.json`` of the run.

    Raises
    ------
    InputError
        ``predictions.safetensors`` is damaged, or is not of these labels and test examples.
    """
    if not body.get("features") or not (run / "predictions.safetensors").is_file():
        return None
    k, n = len(body["features"]), body["n"]
    with open_labels(run, (n, k)) as (labels, chances):
        held = np.concatenate([(labels[low : min(low + AT_ONCE, n)] == 1).sum(axis=1) for low in range(0, n, AT_ONCE)])
        best = int(held.argmax())
        truth, own = labels[best : best + 1][0], chances[best : best + 1][0]
    table = csv.DictReader(io.StringIO(read_text(run, "predictions.csv"), newline=""))
    try:
        name = next((row.get("id") or "" for place, row in enumerate(table) if place == best), "")
    except csv.Error as error:
        raise InputError(f"{run / 'predictions.csv'}: cannot be read ({error})") from None
    return name, ranked_rows(body["features"], own, read_prevalences(run), truth)
