"""The figure of a sweep: a panel for each axis, a dot for each trial. No files here."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from classify.sweeping.records import Record
from classify.sweeping.space import Axis

__all__ = ["strips"]

BLUE, GREY = "#0072B2", "#6e6e6e"
COLUMNS = 3


def strips(records: Sequence[Record], axes: Sequence[Axis], monitor: str) -> Figure:
    """The metric of each trial against its value of each axis: whole ones filled, pruned ones hollow.

    Dots of one choice are spread sideways in the order of the trials; the line is the median of the whole ones.
    """
    shown = [r for r in records if r.state in ("complete", "pruned") and math.isfinite(r.result.get("value", math.nan))]
    rows = math.ceil(len(axes) / COLUMNS)
    columns = min(COLUMNS, len(axes))
    figure = Figure(figsize=(4.2 * columns, 3.4 * rows + 0.4), dpi=150, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for panel, axis in zip(panels.flat, axes, strict=False):
        _strip(panel, shown, axis)
        panel.set_xlabel(_literal(axis.key))
        panel.grid(color="#d9d9d9", linewidth=0.6, axis="y")
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels.flat[len(axes) :]:
        panel.set_visible(False)
    for row in panels:
        row[0].set_ylabel(f"{monitor}, best epoch")
    marks = [
        panels[0, 0].scatter([], [], color=BLUE, s=22, label="whole"),
        panels[0, 0].scatter([], [], facecolors="none", edgecolors=GREY, s=22, label="pruned"),
    ]
    figure.legend(handles=marks, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _strip(panel: Axes, records: Sequence[Record], axis: Axis) -> None:
    if not axis.choices:
        room = (axis.high - axis.low) / 20
        panel.set_xlim(axis.low - room, axis.high + room)
        if axis.log:
            panel.set_xscale("log")
            room = (axis.high / axis.low) ** 0.05
            panel.set_xlim(axis.low / room, axis.high * room)
            if axis.high >= 10 * axis.low:  # else no power of ten may be there to name
                panel.xaxis.set_minor_formatter(NullFormatter())
        _dots(panel, records, [record.values[axis.key] for record in records])
        return
    labels = axis.labels
    places: list[float] = []
    for record in records:
        place = labels.index(record.values[axis.key])
        same = [other.number for other in records if other.values[axis.key] == record.values[axis.key]]
        places.append(place + 0.5 * ((same.index(record.number) + 0.5) / len(same) - 0.5))
    _dots(panel, records, places)
    for place, label in enumerate(labels):
        whole = [r.result["value"] for r in records if r.state == "complete" and r.values[axis.key] == label]
        if whole:
            panel.hlines(np.median(whole), place - 0.35, place + 0.35, color=BLUE, linewidth=1.4)
    slant: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    panel.set_xticks(range(len(labels)), [_literal(_name(label)) for label in labels], **slant)
    panel.set_xlim(-0.6, len(labels) - 0.4)


def _dots(panel: Axes, records: Sequence[Record], places: Sequence[float]) -> None:
    for state, fill, edge in (("complete", BLUE, BLUE), ("pruned", "none", GREY)):
        found = [(x, r.result["value"]) for x, r in zip(places, records, strict=True) if r.state == state]
        if found:
            across, up = np.array(found).T
            panel.scatter(across, up, s=22, facecolors=fill, edgecolors=edge)


def _name(label: Any) -> str:
    return label if isinstance(label, str) and label else "(default)" if label == "" else json.dumps(label)


def _literal(text: str) -> str:
    """As matplotlib text: shortened, and with "$" taken literally."""
    return (text if len(text) <= 28 else f"{text[:27]}…").replace("$", r"\$")
