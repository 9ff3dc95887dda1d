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
from classify.remarks import remarks
from classify.reporting.answered import KINDS_OF_RUNS
from classify.reporting.comparison_figures import FIGURES, comparison_charts, comparison_figures
from classify.reporting.comparison_page import comparison_page
from classify.reporting.contenders import FinishedRun, contenders, pick
from classify.reporting.figures import png
from classify.reporting.finished import read_finished
from classify.reporting.html import METRICS
from classify.reporting.overlays import MOST
from classify.reporting.tables import HEADS, LABEL_COLUMNS, to_long_csv, to_markdown
from classify.runs import to_csv
from specgen.errors import InputError
from specgen.files import finite, write_atomic

__all__ = ["compare"]

NAMED = 8
"""Classes or labels that a message names."""

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
    """The tables of several runs as Markdown, the best first: by AUROC, or by bits a base.

    Runs may answer for windows, labels or positions, all for the same: see ``KINDS_OF_RUNS``.

    Parameters
    ----------
    folders
        Finished run folders; one that is given twice counts once.
    out
        Where to write compare.md, compare.csv, bins.csv, compare.html, the figures, and labels.csv of several labels; None =
        nowhere.
    against
        What the others are tested against: see ``pick``; empty = the best on validation, where that is known.
    per_run
        A row for each run instead of one for the seeds of a model.
    how
        How intervals are made; None = ``Resampling()``.

    Raises
    ------
    InputError
        A folder that is no finished run, runs of different classes or labels, or a reference that is not among them.
    """
    how = how or Resampling()
    if how.resamples < 1:
        raise InputError(f"compare: expected resamples >= 1, got {how.resamples}")
    unique = {Path(folder).resolve(): Path(folder) for folder in folders}.values()
    runs = [read_finished(folder, KINDS_OF_RUNS) for folder in unique]
    _check_alike(runs)
    asked, how = how, how._replace(resamples=min(run.affordable(how.resamples) for run in runs))
    rows = contenders(runs, per_run=per_run)
    named = pick(against, rows) if against else None
    scored = sorted((score(row, how) for row in rows), key=_rank)
    reference, why = _reference(scored, named)
    bins = {column: binned(scored, reference, column, how) for column in reference.row.first.quantities}
    body = _body(scored, reference, why, bins, how)
    if how != asked:
        body["notes"].append(
            f"{how.resamples:,} resamples are made, not {asked.resamples:,}: there are many examples with many labels."
        )
    text = to_markdown(body)
    if out is not None:
        _write(Path(out), body, text, scored, reference, bins)
    return text


def _check_alike(runs: Sequence[FinishedRun]) -> None:
    """Runs can be compared when they answer for the same, and tell the same classes or labels apart."""
    first = runs[0]
    for run in runs:
        if run.answers != first.answers:
            raise InputError(
                f"compare: the model of {first.path} answers for each {first.answers}, that of {run.path} for each {run.answers}"
            )
        if run.asked != first.asked:
            raise InputError(
                f"compare: the runs have different {first.told}: {first.path} has {_some(first.asked, run.asked)}, "
                f"{run.path} has {_some(run.asked, first.asked)}"
            )


def _some(names: Sequence[str], others: Sequence[str]) -> str:
    """All names where they are few; else how many, and what the others do not have."""
    if len(names) <= NAMED:
        return ", ".join(names)
    own = [name for name in names if name not in set(others)][:NAMED]
    return f"{len(names):,}{', not in the other ' + ', '.join(own) if own else ' in another order'}"


def _lower(name: str) -> bool:
    """Whether less of a metric is better."""
    return METRICS[name][1] == "↓"


def _rank(item: Scored) -> tuple[list[float], str]:
    values = {name: item.estimates[name].value * (1 if _lower(name) else -1) for name in item.row.first.compared}
    return [math.inf if math.isnan(value) else value for value in values.values()], item.row.label


def _reference(scored: Sequence[Scored], named: Any) -> tuple[Scored, str]:
    """What the others are tested against, and in words why."""
    if named is not None:
        return next(item for item in scored if item.row is named), "named by --against"
    kind = scored[0].row.first
    first, validated = HEADS[kind.compared[0]], HEADS[kind.validated]
    known = [item for item in scored if item.row.validation is not None]
    if known:
        choose = min if _lower(kind.compared[0]) else max
        best = choose(known, key=lambda item: item.row.validation or 0.0)
        missing = len(scored) - len(known)
        rest = (
            f"; {missing} of {len(scored)} models say no validation {validated} and were not candidates"
            if missing
            else ""
        )
        return best, f"the best on validation (mean {validated} {best.row.validation:.4f}){rest}"
    return scored[0], (
        f"the best mean {first} on the test set itself, since no validation {validated} is known: the best of several on a test "
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
            **first.counted,
            "shown": first.shown,
            "compared": first.compared,
            "tests": first.tests,
            "validated": first.validated,
            "n": len(first.groups),
            "groups": len(np.unique(first.groups)),
            "level": how.level,
            "resamples": how.resamples,
            "data": first.metrics.get("data") or {},
            "reference": {"label": reference.row.label, "why": why},
            "models": [_model(item, test) for item, test in zip(scored, tests, strict=True)],
            "features": _features(scored, reference),
            "notes": remarks(scored, reference, why, bins, how),
            "commands": [_command(run) for item in scored for run in item.row.runs],
        }
    )
    return body


def _features(scored: Sequence[Scored], reference: Scored) -> list[dict[str, Any]]:
    """Each of several labels with its metrics in every row, means over seeds; ``auroc`` is the reference's, to rank by."""
    found = []
    for i, feature in enumerate(reference.row.first.metrics.get("features", ())):
        entry = {"name": feature["name"], **{key: feature[key] for key in ("group", "known", "positives")}}
        of_rows = {}
        for item in scored:
            own = [run.metrics["features"][i] for run in item.row.runs]
            of_rows[item.row.label] = {key: _mean([one[key] for one in own]) for key in LABEL_COLUMNS[-3:]}
        found.append({**entry, "auroc": of_rows[reference.row.label]["auroc"], "models": of_rows})
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    """None where one is not known: a mean of the others would be of other runs."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _model(item: Scored, against: dict[str, Any] | None) -> dict[str, Any]:
    runs = item.row.runs
    cost: dict[str, float | None] = {}
    for name, (section, key, divisor) in COSTS.items():
        values = [(run.metrics.get(section) or {}).get(key) for run in runs]
        mean = _mean([value / divisor if isinstance(value, int | float) else None for value in values])
        cost[name] = int(mean) if mean is not None and mean == int(mean) else mean
    return {
        "label": item.row.label,
        "model": runs[0].model,
        "note": runs[0].metrics.get("model_note"),
        "names": ", ".join(dict.fromkeys(run.name for run in runs)),
        "seeds": ", ".join("?" if run.seed is None else str(run.seed) for run in runs),
        "runs": len(runs),
        "n": len(runs[0].groups),
        "groups": len(np.unique(runs[0].groups)),
        "validation": item.row.validation,
        "metrics": {name: entry._asdict() for name, entry in item.estimates.items()},
        "against": against,
        "cost": cost,
    }


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
    values = {name: [item.estimates[name].value for item in drawn] for name in reference.estimates}
    pictures = {name: png(figure) for name, figure in comparison_figures(rows, values, bins).items()}
    table = [[finite(entry[key]) for key in BIN_COLUMNS] for entries in bins.values() for entry in entries]
    files: dict[str, str | bytes] = {f"{name}.png": content for name, content in pictures.items()}
    files |= {"compare.md": text, "compare.csv": to_long_csv(body), "bins.csv": to_csv(BIN_COLUMNS, table)}
    if body["features"]:
        files["labels.csv"] = to_csv(LABEL_COLUMNS, _label_rows(body["features"]))
    columns = [row.label for row in rows[:MOST]]
    files |= {"compare.html": comparison_page(body, pictures, comparison_charts(rows, values), columns)}
    # Everything is made before anything is written.
    for name, content in files.items():
        write_atomic(out / name, content)
    for name in {*FIGURES, "labels.csv"} - set(files):
        (out / name).unlink(missing_ok=True)  # of an earlier comparison


def _label_rows(features: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Rows of labels.csv: a label of a model each."""
    return [
        [*(one[key] for key in ("name", "group", "known", "positives")), label, *metrics.values()]
        for one in features
        for label, metrics in one["models"].items()
    ]
