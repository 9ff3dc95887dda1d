"""Comparison of finished runs: seeds of a model in one row, with intervals and paired tests; tables, figures, a page.

Reads run folders only. Rows that were tested on other examples than the reference are listed, but not tested against it.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classify.paired import Resampling, Scored, binned, score, versus
from classify.reporting.comparison_page import comparison_page
from classify.reporting.figures import png
from classify.reporting.finished import FinishedRun, contenders, pick, read_finished
from classify.reporting.overlays import (
    MOST,
    bins_overlay,
    calibration_overlay,
    overlay_charts,
    precision_recall_overlay,
    roc_overlay,
)
from classify.reporting.tables import to_long_csv, to_markdown
from classify.runs import to_csv
from specgen.errors import InputError
from specgen.files import finite, write_atomic

__all__ = ["compare"]

QUANTITIES = {"length": "length of the record [nt]", "gc": "GC of the record [share]"}
"""Columns of predictions.csv by which test examples are binned, and the title of their axis."""

BIN_COLUMNS = (
    *("quantity", "bin", "low", "high", "label", "n", "groups", "metric", "value", "interval_low", "interval_high"),
)

COSTS = {
    "parameters": ("cost", "parameters", 1.0),
    "examples_seen": ("cost", "examples_seen", 1.0),
    "epochs": ("training", "epochs_run", 1.0),
    "minutes": ("cost", "wall_seconds", 60.0),
    "cpu_minutes": ("cost", "cpu_seconds", 60.0),
    "peak_mib": ("cost", "peak_rss_bytes", 2.0**20),
    "gflops_per_example": ("cost", "flops_per_example", 1e9),
    "best_epoch_minutes": ("cost", "best_epoch_seconds", 60.0),
    "examples_per_second": ("cost", "examples_per_second", 1.0),
    "test_examples_per_second": ("cost", "test_examples_per_second", 1.0),
    "gpu_minutes": ("cost", "gpu_seconds", 60.0),
    "gpu_peak_mib": ("cost", "gpu_peak_bytes", 2.0**20),
    "cpu_energy_kj": ("cost", "cpu_energy_joules", 1000.0),
    "gpu_energy_kj": ("cost", "gpu_energy_joules", 1000.0),
}
"""Section and key of metrics.json, and divisor, of each cost; means over seeds."""


def compare(
    folders: Sequence[Path],
    out: Path | None = None,
    *,
    against: str = "",
    per_run: bool = False,
    how: Resampling | None = None,
) -> str:
    """The tables of several runs as Markdown, best AUROC first.

    Parameters
    ----------
    folders
        Finished run folders; one that is given twice counts once.
    out
        Where to write compare.md, compare.csv, bins.csv, compare.html and the figures; None = nowhere.
    against
        What the others are tested against: see ``pick``; empty = the best on validation, where that is known.
    per_run
        A row for each run instead of one for the seeds of a model.
    how
        How intervals are made; None = ``Resampling()``.

    Raises
    ------
    InputError
        A folder that is no finished run, runs of different classes, or a reference that is not among them.
    """
    how = how or Resampling()
    if how.resamples < 1:
        raise InputError(f"compare: expected resamples >= 1, got {how.resamples}")
    runs = [read_finished(folder) for folder in {Path(folder).resolve(): Path(folder) for folder in folders}.values()]
    _check_alike(runs)
    rows = contenders(runs, per_run=per_run)
    named = pick(against, rows) if against else None
    scored = sorted((score(row, how) for row in rows), key=_rank)
    reference, why = _reference(scored, named)
    bins = {column: binned(scored, reference, column, how) for column in QUANTITIES}
    body = _body(scored, reference, why, bins, how)
    text = to_markdown(body)
    if out is not None:
        _write(Path(out), body, text, scored, reference, bins)
    return text


def _check_alike(runs: Sequence[FinishedRun]) -> None:
    """Runs can be compared when they tell the same classes apart."""
    first = runs[0]
    for run in runs:
        if (run.classes, run.positive) != (first.classes, first.positive):
            raise InputError(
                f"compare: the runs have different classes: {first.path} has {', '.join(first.classes)}, "
                f"{run.path} has {', '.join(run.classes)}"
            )


def _rank(item: Scored) -> tuple[float, float, str]:
    values = (item.estimates[name].value for name in ("auroc", "accuracy"))
    first, second = (math.inf if math.isnan(value) else -value for value in values)
    return first, second, item.row.label


def _reference(scored: Sequence[Scored], named: Any) -> tuple[Scored, str]:
    """What the others are tested against, and in words why."""
    if named is not None:
        return next(item for item in scored if item.row is named), "named by --against"
    known = [item for item in scored if item.row.validation is not None]
    if known:
        best = max(known, key=lambda item: item.row.validation or 0.0)
        missing = len(scored) - len(known)
        rest = f"; {missing} of {len(scored)} models say no validation AUROC and were not candidates" if missing else ""
        return best, f"the best on validation (mean AUROC {best.row.validation:.4f}){rest}"
    return scored[0], (
        "the best mean AUROC on the test set itself, since no validation AUROC is known: the best of several on a test "
        "set looks better there than it is, so that differences from it are too large; --against names another"
    )


def _body(
    scored: Sequence[Scored], reference: Scored, why: str, bins: Mapping[str, Sequence[Any]], how: Resampling
) -> dict[str, Any]:
    """Everything that tables and page say, as plain data."""
    tests = versus(scored, reference, how)
    first = reference.row.first
    body: dict[str, Any] = finite(
        {
            "tasks": list(dict.fromkeys(str(item.row.first.metrics["task"]) for item in scored)),
            "classes": first.classes,
            "positive": first.metrics["positive"],
            "n": len(first.labels),
            "groups": len(np.unique(first.groups)),
            "level": how.level,
            "resamples": how.resamples,
            "data": first.metrics.get("data") or {},
            "reference": {"label": reference.row.label, "why": why},
            "models": [_model(item, test) for item, test in zip(scored, tests, strict=True)],
            "notes": _notes(scored, reference, why, bins, how),
            "commands": [_command(run) for item in scored for run in item.row.runs],
        }
    )
    return body


def _model(item: Scored, against: dict[str, Any] | None) -> dict[str, Any]:
    runs = item.row.runs
    cost: dict[str, float | None] = {}
    for name, (section, key, divisor) in COSTS.items():
        values = [(run.metrics.get(section) or {}).get(key) for run in runs]
        numbers = [value / divisor for value in values if isinstance(value, int | float)]
        # A cost that one of the seeds does not know is not the mean of the others.
        mean = sum(numbers) / len(numbers) if len(numbers) == len(runs) else None
        cost[name] = int(mean) if mean is not None and mean == int(mean) else mean
    return {
        "label": item.row.label,
        "model": runs[0].model,
        "note": runs[0].metrics.get("model_note"),
        "names": ", ".join(dict.fromkeys(run.name for run in runs)),
        "seeds": ", ".join("?" if run.seed is None else str(run.seed) for run in runs),
        "runs": len(runs),
        "n": len(runs[0].labels),
        "groups": len(np.unique(runs[0].groups)),
        "validation": item.row.validation,
        "metrics": {name: entry._asdict() for name, entry in item.estimates.items()},
        "against": against,
        "cost": cost,
    }


def _notes(
    scored: Sequence[Scored], reference: Scored, why: str, bins: Mapping[str, Sequence[Any]], how: Resampling
) -> list[str]:
    """What has to be known to read the numbers, one sentence or a few each."""
    level = f"{100 * how.level:g}"
    notes = [
        f"{level} % intervals: percentiles of {how.resamples:,} bootstrap resamples of whole groups, the same for every "
        "model. They speak of the test set at these seeds, not of other seeds. Resampling biases "
        "the calibration error (ECE) upwards, so that its interval lies high."
    ]
    if any(len(item.row.runs) > 1 for item in scored):
        notes.append("Seeds of one model share a row: means over seeds, ± their standard deviation.")
    notes += _bounds(scored)
    notes.append(f"Reference: {reference.row.label}, {why}.")
    if len(scored) > 1:
        notes.append(
            f"p: two-sided, from the paired resamples, which give no less than {2 / (how.resamples + 1):.2g}. "
            "DeLong (of the mean AUROC over seeds) and McNemar (exact, single runs only; in brackets examples that only "
            "the model : only the reference called rightly) take examples as independent, also within a group. "
            "Holm: corrected for the models of this table."
        )
    if any(item.row.first.examples != reference.row.first.examples for item in scored):
        notes.append("Some runs were tested on other examples than the reference: no difference is given for them.")
    if len({str(item.row.first.metrics["task"]) for item in scored}) > 1:
        notes.append("The runs are of different tasks.")
    if any(
        "seed" in item.row.first.settings and len({r.seed for r in item.row.runs}) < len(item.row.runs)
        for item in scored
    ):
        notes.append("Some rows hold several runs of one seed, which makes their spread over seeds too small.")
    for column in QUANTITIES:
        inside = {entry["label"] for entry in bins[column]}
        if not inside:
            notes.append(
                f"No bins by {column}: predictions.csv of the reference does not say it (pictures, or an old run)."
            )
        elif missing := [item.row.label for item in scored if item.row.label not in inside]:
            notes.append(
                f"Not in the bins by {column}, which their predictions.csv does not say: {', '.join(missing)}."
            )
    return notes


def _bounds(scored: Sequence[Scored]) -> list[str]:
    """What the tasks say that the AUROC stands beside, a sentence each; a range where the runs have different ones."""
    found: dict[str, list[float]] = {}
    for item in scored:
        for run in item.row.runs:
            for name, known in (run.metrics.get("bounds") or {}).items():
                if known.get("auroc") is not None:
                    found.setdefault(name, []).append(known["auroc"])
    ends = {name: sorted({f"{min(values):.3f}", f"{max(values):.3f}"}) for name, values in found.items()}
    return [f"Beside the scores, {name}: AUROC {' to '.join(span)}." for name, span in ends.items()]


def _command(run: FinishedRun) -> str:
    if run.metrics.get("repeat"):
        return str(run.metrics["repeat"])
    config = shlex.quote((run.path / "config.yaml").as_posix())
    return f"python -m classify {run.metrics.get('command', 'train')} --config {config}"


def _write(
    out: Path,
    body: dict[str, Any],
    text: str,
    scored: Sequence[Scored],
    reference: Scored,
    bins: Mapping[str, Sequence[Mapping[str, Any]]],
) -> None:
    # Figures hold the best few; the reference is always one of them.
    drawn = [*scored[:MOST], *([reference] if reference in scored[MOST:] else [])]
    if len(drawn) > MOST:
        drawn.pop(MOST - 1)
    drawn += [item for item in scored if item not in drawn]
    rows = [item.row for item in drawn]
    values = {name: [item.estimates[name].value for item in drawn] for name in ("auroc", "auprc", "ece")}
    figures = {
        "roc": roc_overlay(rows, values["auroc"]),
        "precision_recall": precision_recall_overlay(rows, values["auprc"]),
        "calibration": calibration_overlay(rows, values["ece"]),
    }
    figures |= {f"{name}_bins": bins_overlay(rows, bins[name], unit) for name, unit in QUANTITIES.items() if bins[name]}
    pictures = {name: png(figure) for name, figure in figures.items()}
    table = [[finite(entry[key]) for key in BIN_COLUMNS] for column in QUANTITIES for entry in bins[column]]
    files: dict[str, str | bytes] = {f"{name}.png": content for name, content in pictures.items()}
    files |= {"compare.md": text, "compare.csv": to_long_csv(body), "bins.csv": to_csv(BIN_COLUMNS, table)}
    files |= {"compare.html": comparison_page(body, pictures, overlay_charts(rows, values))}
    # Everything is made before anything is written.
    for name, content in files.items():
        write_atomic(out / name, content)
    for column in QUANTITIES:
        if not bins[column]:
            (out / f"{column}_bins.png").unlink(missing_ok=True)  # of an earlier comparison
