"""What the pages say of cost: a table, and figures of score against cost.

Nothing is trained here, and nothing measured or chosen: costs are those that every run tells of itself, and what follows from
them stands in ``recommending``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from pages import read_json

from classify.baselines import BASELINES
from classify.bootstrap import interval_text
from classify.models import MODELS
from classify.reporting.figures import png
from classify.reporting.finished import validation_score
from classify.runs import to_csv
from specgen.files import write_atomic

__all__ = ["Costs", "cost_table", "draw", "gather", "write_costs"]

COLOURS = {"recurrent": "#0072B2", "convolutional": "#D55E00", "picture": "#009E73", "regression": "#000000"}
MARKERS = {"recurrent": "o", "convolutional": "s", "picture": "^", "regression": "D"}
"""Colours of Okabe & Ito, told apart by the colour-blind; the markers tell the same."""

RECURRENT = ("gru", "lstm", "rnn", "clockwork", "danq")
"""Parts of the names of models with a recurrent layer."""

UNTOLD = "not told"

COLUMNS = {
    "parameters": ("parameters", "parameters", 1.0, "{:,.0f}"),
    "cpu_seconds": ("CPU s", "CPU seconds of training", 1.0, "{:,.1f}"),
    "wall_seconds": ("wall s", "seconds of training", 1.0, "{:,.1f}"),
    "best_epoch_cpu_seconds": ("CPU s to the best epoch", "CPU seconds to the best epoch", 1.0, "{:,.1f}"),
    "examples_per_cpu_second": ("examples/CPU s", "examples a CPU second in training", 1.0, "{:,.0f}"),
    "test_examples_per_second": ("windows/s scored", "windows/s in scoring", 1.0, "{:,.0f}"),
    "peak_rss_bytes": ("peak MiB", "peak memory [MiB]", 2.0**20, "{:,.0f}"),
    "gpu_seconds": ("GPU s", "GPU seconds", 1.0, "{:,.1f}"),
    "gpu_peak_bytes": ("GPU MiB", "peak GPU memory [MiB]", 2.0**20, "{:,.0f}"),
    "cpu_energy_joules": ("CPUs kJ", "energy of the machine's CPUs [kJ]", 1000.0, "{:,.2f}"),
    "gpu_energy_joules": ("GPU kJ", "energy of the GPU [kJ]", 1000.0, "{:,.2f}"),
}
"""Key of ``cost`` in metrics.json, or of what ``_costs`` adds -> heading, axis, divisor, form."""

AXES = ("cpu_seconds", "parameters", "peak_rss_bytes")


@dataclass(frozen=True)
class Costs:
    """A model's score and costs: means over seeds and sets.

    Attributes
    ----------
    value, low, high
        Mean test score, and the 95 % interval of it that the intervals of the runs give; None where one of them has none.
    costs
        Keys of ``COLUMNS``, undivided; None where a run does not tell.
    sets
        The run folders of each set.
    validation
        Mean score on validation of the epochs that were kept; None where a run does not tell.
    """

    model: str
    value: float
    low: float | None
    high: float | None
    costs: Mapping[str, float | None]
    sets: tuple[tuple[Path, ...], ...] = ()
    validation: float | None = None

    @property
    def runs(self) -> int:
        """How many."""
        return sum(map(len, self.sets))

    @property
    def family(self) -> str:
        """By what it reads, and whether its layers are recurrent."""
        if self.model in BASELINES:
            return "regression"
        if MODELS[self.model].view == "image":
            return "picture"
        return "recurrent" if any(part in self.model for part in RECURRENT) else "convolutional"

    @property
    def score(self) -> str:
        """Value with interval."""
        return interval_text({"value": self.value, "low": self.low, "high": self.high}, ".3f")


def gather(model: str, sets: Sequence[Sequence[Path]], metric: str, validated: str = "") -> Costs | None:
    """Of a model's finished runs of each set, every set as heavy as another; None where a set has none, or a run no score.

    Parameters
    ----------
    metric, validated
        Of the test, and of validation as ``metrics.json`` calls it; empty = that is not asked for.
    """
    values, costs, validation = [], [], list[float | None]()
    for folders in sets:
        bodies = [read_json(folder / "metrics.json") for folder in folders]
        entries = [body["metrics"].get(metric) or {} for body in bodies]
        if not entries or any(entry.get("value") is None for entry in entries):
            return None
        columns = np.array([[entry.get(key) for key in ("value", "low", "high")] for entry in entries], dtype=float)
        values.append(columns.mean(axis=0))
        told = [_costs(body["cost"]) for body in bodies]
        costs.append({key: _mean([cost.get(key) for cost in told]) for key in COLUMNS})
        losses = [validation_score(*pair, validated) for pair in zip(folders, bodies, strict=True)] if validated else []
        validation.append(_mean(losses))
    if not values:
        return None
    # Means of the ends, as everywhere in the reports: sets may share windows, so that no more is taken off.
    value, low, high = (float(end) for end in np.mean(values, axis=0))
    spent = {key: _mean([cost[key] for cost in costs]) for key in COLUMNS}
    ends = (None, None) if math.isnan(low + high) else (low, high)
    return Costs(model, value, *ends, spent, tuple(map(tuple, sets)), _mean(validation))


def _costs(told: Mapping[str, float | None]) -> dict[str, float | None]:
    """What a run tells, and its speed by CPU time: seconds of the wall hang on what else the machine had to do."""
    seen, seconds = told.get("examples_seen"), told.get("cpu_seconds")
    return {**told, "examples_per_cpu_second": seen / seconds if seen and seconds else None}


def _mean(values: Sequence[float | None]) -> float | None:
    """None where one is not known: a mean of the others would be of other runs."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def cost_table(rows: Sequence[Costs], metric: str, *, higher: bool = True) -> str:
    """A row a model, best first; costs that no run tells are named below and have no column."""
    if not rows:
        return "*Not made yet: no finished run.*\n"
    shown = [key for key in COLUMNS if any(row.costs[key] is not None for row in rows)]
    heads = ["model", "runs", metric, *(COLUMNS[key][0] for key in shown)]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in sorted(rows, key=lambda row: row.value, reverse=higher):
        cells = [_cell(row.costs[key], *COLUMNS[key][2:]) for key in shown]
        lines.append("| " + " | ".join([f"`{row.model}`", str(row.runs), row.score, *cells]) + " |")
    missing = [COLUMNS[key][1] for key in COLUMNS if key not in shown]
    note = f"\nNot told by the machine that these ran on: {', '.join(missing)}.\n" if missing else ""
    return "\n".join(lines) + "\n" + note


def _cell(value: float | None, divisor: float, form: str) -> str:
    return UNTOLD if value is None else form.format(value / divisor)


def write_costs(rows: Sequence[Costs], file: Path) -> None:
    """The same as CSV, in the units of ``metrics.json``."""
    columns = ["model", "family", "runs", "value", "low", "high", *COLUMNS]
    body = [[r.model, r.family, r.runs, r.value, r.low, r.high, *(r.costs[key] for key in COLUMNS)] for r in rows]
    write_atomic(file, to_csv(columns, body))


BESIDE = tuple(
    (x * side, y, "left" if side > 0 else "right")
    for x, y in ((5, 0), (4, 6), (4, -6), (3, 12), (3, -12), (3, 18), (3, -18))
    for side in (1, -1)
)
"""Where a name may stand beside its point [points], and which end of it is there; the best first."""


def draw(rows: Sequence[Costs], file: Path, metric: str, *, higher: bool = True) -> str:
    """Score against CPU time, parameters and peak memory, as PNG; the name of the file, empty where nothing is known.

    Bars are intervals. The line joins what nothing cheaper surpasses.
    """
    axes = [key for key in AXES if any(row.costs[key] is not None for row in rows)]
    if not axes:
        return ""
    figure = Figure(figsize=(4.6 * len(axes), 4.6), layout="constrained")
    panels = figure.subplots(1, len(axes), sharey=True, squeeze=False)
    for panel, key in zip(panels[0], axes, strict=True):
        _panel(panel, [row for row in rows if row.costs[key] is not None], key, higher)
    panels[0][0].set_ylabel(metric)
    handles, names = panels[0][0].get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=len(unique), frameon=False)
    figure.draw_without_rendering()  # places are known after it
    for panel, key in zip(panels[0], axes, strict=True):
        _name(
            panel,
            {
                row.model: ((row.costs[key] or 0.0) / COLUMNS[key][2], row.value)
                for row in rows
                if row.costs[key] is not None
            },
        )
    write_atomic(file, png(figure))
    return file.name


def _name(panel: Any, places: dict[str, tuple[float, float]]) -> None:
    """Names beside their points, each where it covers least of names before it and of points."""
    taken = [Bbox.from_bounds(x - 3, y - 3, 6, 6) for x, y in panel.transData.transform(list(places.values()))]
    for name, place in sorted(places.items(), key=lambda item: -item[1][1]):
        best = None
        for x, y, side in BESIDE:
            text = panel.annotate(name, place, (x, y), textcoords="offset points", fontsize=6.5, ha=side, va="center")
            text.set_in_layout(False)
            box = text.get_window_extent()
            outside = box.width * box.height - _shared(box, panel.bbox)
            covered = outside + sum(_shared(box, other) for other in taken)
            if best is None or covered < best[0]:
                if best is not None:
                    best[1].remove()
                best = covered, text, box
            else:
                text.remove()
        assert best is not None
        taken.append(best[2])


def _shared(one: Bbox, other: Bbox) -> float:
    """Area of what two boxes share."""
    common = Bbox.intersection(one, other)
    return 0.0 if common is None else float(common.width * common.height)


def _panel(panel: Any, rows: Sequence[Costs], key: str, higher: bool) -> None:
    _, axis, divisor, _ = COLUMNS[key]
    at = {row.model: (row.costs[key] or 0.0) / divisor for row in rows}
    for row in rows:
        known = row.low is not None and row.high is not None
        error = [[max(0.0, row.value - row.low)], [max(0.0, row.high - row.value)]] if known else None
        style = {"color": COLOURS[row.family], "marker": MARKERS[row.family], "markersize": 5}
        panel.errorbar(
            at[row.model], row.value, yerr=error, linestyle="none", elinewidth=0.6, label=row.family, **style
        )
    front: list[Costs] = []
    for row in sorted(rows, key=lambda row: at[row.model]):
        if not front or (row.value > front[-1].value if higher else row.value < front[-1].value):
            front.append(row)
    panel.plot([at[row.model] for row in front], [row.value for row in front], color="#999999", linewidth=0.8, zorder=0)
    # Ticks of a logarithmic axis of less than a decade run into each other.
    panel.set_xscale("log" if max(at.values()) > 8 * min(at.values()) else "linear")
    panel.set_xlabel(axis)
    panel.grid(alpha=0.25, linewidth=0.5)
