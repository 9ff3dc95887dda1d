"""Comparison of finished runs: one table with intervals and paired differences, and their ROC curves in one figure.

Reads run folders only. Runs that were tested on different examples are listed, but their differences are not.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from classify.metrics import Interval, bootstrap_draws, paired_difference
from classify.runs import RunFolder
from specgen.errors import InputError
from specgen.files import write_atomic

__all__ = ["compare"]

COLUMNS = (
    "model",
    "name",
    "n",
    "accuracy",
    "auroc",
    "auprc",
    "mcc",
    "difference",
    "parameters",
    "examples_seen",
    "minutes",
)


@dataclass(frozen=True)
class _Run:
    path: Path
    metrics: dict[str, Any]
    predictions: pd.DataFrame


def compare(folders: Sequence[Path], out: Path | None = None) -> str:
    """The table of several runs as Markdown, best AUROC first.

    Parameters
    ----------
    folders
        Finished run folders.
    out
        Where to write compare.md, compare.csv and roc.png; None = nowhere.

    Raises
    ------
    InputError
        A folder that is no finished run, or runs of different classes.
    """
    runs = [_read(folder) for folder in folders]
    if len({tuple(run.metrics["labels"]) for run in runs}) > 1:
        raise InputError("compare: the runs have different classes")
    runs.sort(key=lambda run: -(run.metrics["metrics"]["auroc"]["value"] or 0))
    best = runs[0]
    rows = [_row(run, best) for run in runs]
    same = all(_ids(run) == _ids(best) for run in runs)
    text = _markdown(rows, runs, same)
    if out is not None:
        write_atomic(out / "compare.md", text)
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, _flat_columns(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(_flatten(row) for row in rows)
        write_atomic(out / "compare.csv", table.getvalue())
        picture = io.BytesIO()
        _roc_figure(runs).savefig(picture, format="png", dpi=150)
        write_atomic(out / "roc.png", picture.getvalue())
    return text


def _read(folder: Path) -> _Run:
    run = RunFolder(folder)
    if run.marker.exists():
        raise InputError(f"{folder}: is not finished ({run.marker.read_text(encoding='utf-8').strip()})")
    metrics = run.read_json("metrics.json")
    try:
        predictions = pd.read_csv(
            run.predictions, keep_default_na=False, dtype=dict.fromkeys(("id", "group", "label", "predicted"), str)
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{run.predictions}: cannot be read ({error})") from None
    return _Run(folder, metrics, predictions.sort_values("id", kind="stable").reset_index(drop=True))


def _ids(run: _Run) -> list[str]:
    return [str(name) for name in run.predictions["id"]]


def _arrays(run: _Run) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    names = run.metrics["labels"]
    labels = run.predictions["label"].map({name: i for i, name in enumerate(names)}).to_numpy(np.int64)
    return labels, run.predictions[[f"p_{name}" for name in names]].to_numpy(np.float64)


def _row(run: _Run, best: _Run) -> dict[str, Any]:
    body, cost = run.metrics, run.metrics.get("cost", {})
    difference: Interval | None = None
    if run is not best and _ids(run) == _ids(best):
        positive = 1 if len(body["labels"]) == 2 else None
        groups = run.predictions["group"].astype(str).to_numpy()
        ours, theirs = (
            bootstrap_draws(*_arrays(item), groups, resamples=1000, seed=0, positive=positive)["auroc"]
            for item in (run, best)
        )
        value = body["metrics"]["auroc"]["value"] - best.metrics["metrics"]["auroc"]["value"]
        difference = paired_difference(ours, theirs, value)
    seconds = cost.get("wall_seconds")
    return {
        "model": body["model"],
        "name": body["name"],
        "n": body["n"],
        **{key: body["metrics"][key] for key in ("accuracy", "auroc", "auprc", "mcc")},
        "difference": None if difference is None else dict(zip(("value", "low", "high"), difference[:3], strict=True)),
        "parameters": cost.get("parameters"),
        "examples_seen": cost.get("examples_seen"),
        "minutes": None if seconds is None else seconds / 60,
    }


def _markdown(rows: Sequence[dict[str, Any]], runs: Sequence[_Run], same: bool) -> str:
    heads = [
        "model",
        "name",
        "test n",
        "accuracy",
        "AUROC",
        "PR AUC",
        "MCC",
        "AUROC minus best",
        "parameters",
        "seen",
        "min",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        minutes = "" if row["minutes"] is None else f"{row['minutes']:.1f}"
        cells = [
            _cell(row["model"]),
            _cell(row["name"]),
            str(row["n"]),
            *(_estimate(row[key]) for key in ("accuracy", "auroc", "auprc", "mcc", "difference")),
            *("" if row[key] is None else f"{row[key]:,}" for key in ("parameters", "examples_seen")),
            minutes,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    level = round(100 * runs[0].metrics["bootstrap"]["level"])
    lines.append(f"\n{level} % intervals by bootstrap over whole groups; differences are paired.")
    if not same:
        lines.append("Some runs were tested on other examples: no difference is given for them.")
    return "\n".join(lines) + "\n"


def _cell(text: Any) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def _estimate(entry: dict[str, float] | None) -> str:
    if entry is None or entry["value"] is None:
        return ""
    value, low, high = entry["value"], entry["low"], entry["high"]
    bounded = low is not None and not math.isnan(low)
    return f"{value:.3f} [{low:.3f}, {high:.3f}]" if bounded else f"{value:.3f}"


_ESTIMATES = ("accuracy", "auroc", "auprc", "mcc", "difference")


def _flat_columns() -> list[str]:
    return [f"{name}{part}" for name in COLUMNS for part in (("", "_low", "_high") if name in _ESTIMATES else ("",))]


def _flatten(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name in COLUMNS:
        if name in _ESTIMATES:
            entry = row[name] or {}
            flat |= {name: entry.get("value"), f"{name}_low": entry.get("low"), f"{name}_high": entry.get("high")}
        else:
            flat[name] = row[name]
    return flat


def _roc_figure(runs: Sequence[_Run]) -> Figure:
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    for run in runs:
        labels, probabilities = _arrays(run)
        if probabilities.shape[1] != 2:
            continue
        false_rate, true_rate, _ = roc_curve(labels, probabilities[:, 1])
        area = run.metrics["metrics"]["auroc"]["value"]
        axes.plot(false_rate, true_rate, linewidth=1.2, label=f"{area:.3f}  {run.metrics['model']}".replace("$", r"\$"))
    axes.plot([0, 1], [0, 1], color="0.6", linestyle=":", linewidth=1)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(title="AUROC", loc="lower right", fontsize=8)
    return figure
