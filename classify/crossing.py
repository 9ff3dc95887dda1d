"""One model on several data sets: trained on each, scored on the test split of all others; a matrix.

A run of each set is an ordinary run folder; what is finished is kept. Training and scoring are those of ``train`` and
``evaluate --on``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classify.bootstrap import interval_text
from classify.evaluation import evaluate, run_settings
from classify.reporting._files import read_metrics
from classify.rescoring import OtherData, rescore
from classify.runs import RunFolder, to_csv
from classify.settings import RunSettings
from classify.training import fit
from specgen.errors import InputError
from specgen.files import alone, write_atomic

__all__ = ["METRICS", "cross", "matrix", "write_crossing"]

METRICS = ("accuracy", "auroc", "auprc")

Bodies = dict[tuple[str, str], dict[str, Any]]
"""The body of ``metrics.json`` by names of the sets (trained, tested)."""


def cross(runs: Mapping[str, RunSettings]) -> Bodies:
    """Train a run of each set where it is not finished, and score it on the test splits of the others.

    Parameters
    ----------
    runs
        Settings by name of the set; all read windows of one task and model.

    Raises
    ------
    InputError
        A folder that holds a run of other settings, or what ``train`` and ``evaluate`` refuse.
    """
    for name, settings in runs.items():
        folder = settings.folder
        if RunFolder(folder).config.is_file() and run_settings(folder) != settings:
            raise InputError(
                f"{folder}: holds a run of other settings than those of {name}; take it away, or give --name"
            )
    found: Bodies = {}
    for name, settings in runs.items():
        if not _finished(settings.folder):
            checkpoints = settings.folder / "checkpoints" / "last.ckpt"
            with alone(settings.folder):
                run, examples = fit(settings, resume=checkpoints.exists(), overwrite=not checkpoints.exists())
                evaluate(settings, run, examples)
        found[name, name] = _body(settings.folder)
    for name, settings in runs.items():
        for other, theirs in runs.items():
            if other != name:
                folder = RunFolder(settings.folder).on(other).path
                if not _finished(folder):
                    config = RunFolder(theirs.folder).config.as_posix()
                    rescore(settings.folder, OtherData((config,), other, "test"))
                found[name, other] = _body(folder)
    return found


def _finished(folder: Path) -> bool:
    return (folder / "metrics.json").is_file() and not RunFolder(folder).marker.exists()


def _body(folder: Path) -> dict[str, Any]:
    body = read_metrics(folder)
    if missing := [name for name in METRICS if name not in body["metrics"]]:
        raise InputError(
            f"{folder}: metrics.json: metrics lacks {', '.join(missing)}; expected a run that tells classes apart"
        )
    return body


def matrix(bodies: Bodies, metric: str) -> str:
    """A Markdown table: rows are what was trained on, columns what was tested on."""
    names = list(dict.fromkeys(trained for trained, _ in bodies))
    lines = [f"| trained on, {metric} | " + " | ".join(names) + " |", "|" + " --- |" * (1 + len(names))]
    for trained in names:
        cells = [interval_text(bodies[trained, tested]["metrics"][metric], ".3f") for tested in names]
        lines.append("| " + " | ".join([trained, *cells]) + " |")
    return "\n".join(lines) + "\n"


def write_crossing(folder: Path, bodies: Bodies) -> None:
    """``across.csv``, a row for each pair and metric, and ``across.md``, a table for each metric."""
    rows = [
        [trained, tested, body["n"], body["groups"], metric, *(body["metrics"][metric][key] for key in ("value", "low", "high"))]
        for (trained, tested), body in bodies.items()
        for metric in METRICS
    ]  # fmt: skip
    columns = ["trained", "tested", "n", "groups", "metric", "value", "low", "high"]
    write_atomic(folder / "across.csv", to_csv(columns, rows))
    write_atomic(folder / "across.md", "\n".join(matrix(bodies, metric) for metric in METRICS))
