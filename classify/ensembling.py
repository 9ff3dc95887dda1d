"""An ensemble of finished runs: the mean of their log probabilities on the same test examples, as a run of its own.

Reads run folders and writes one; no network is run, and nothing is fitted or chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from classify.cost import environment
from classify.metrics import summary
from classify.reporting.answered import WindowRun
from classify.reporting.finished import read_finished
from classify.reporting.page import write_report
from classify.runs import RunFolder, to_csv
from classify.settings import check_name
from specgen.errors import InputError
from specgen.files import alone, write_atomic
from specgen.parser import load_settings

__all__ = ["ensemble", "mean_probabilities"]

UNFINISHED = "the ensemble is not finished"
"""How the mark of an ensemble that was stopped begins: such a folder may be written again."""

SUMMED = ("wall_seconds", "cpu_seconds", "gpu_seconds", "parameters", "flops_per_example")
"""Costs that members add up to; of the others (memory) the largest counts, and examples seen are those of all."""


def ensemble(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write ``out`` as a finished run: predictions.csv, metrics.json, config.yaml, report.html.

    Parameters
    ----------
    folders
        Two or more finished runs, scored on the same examples; any models.
    out
        A new run folder; its last part names the run.

    Returns
    -------
    dict
        The body of ``metrics.json``.

    Raises
    ------
    InputError
        Fewer than two runs, runs of other classes or examples, or a folder that holds something.
    """
    runs = [read_finished(folder) for folder in dict.fromkeys(Path(folder) for folder in folders)]
    if len(runs) < 2:
        raise InputError(f"ensemble: expected two runs or more, got {len(runs)}")
    first = runs[0]
    for run in runs[1:]:
        if (run.classes, run.positive) != (first.classes, first.positive):
            raise InputError(f"ensemble: {run.path} has other classes than {first.path}")
        if run.examples != first.examples:
            raise InputError(f"ensemble: {run.path} was scored on other examples than {first.path}")
    check_name("--out", out.name)
    with alone(out):
        return _written(runs, out)


def _written(runs: Sequence[WindowRun], out: Path) -> dict[str, Any]:
    first, folder = runs[0], RunFolder(out)
    unfinished = folder.marker.is_file() and folder.marker.read_text(encoding="utf-8").startswith(UNFINISHED)
    if any(path.name != ".lock" for path in out.iterdir()) and not unfinished:
        raise InputError(f"{out}: holds something already; expected the name of a new folder")
    probabilities = mean_probabilities([run.probabilities for run in runs])
    folder.begin(f"{UNFINISHED}; repeat: python -m classify ensemble")
    settings = load_settings(str(RunFolder(first.path).config))
    members = [run.path.as_posix() for run in runs]
    settings |= {"model": "ensemble", "model_options": {"members": members}, "name": out.name}
    write_atomic(folder.config, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
    folder.write_json("environment.json", environment())
    table = first.table.copy()
    table["predicted"] = [first.classes[i] for i in probabilities.argmax(axis=1)]
    table["label"] = [first.classes[i] for i in first.labels]
    for i, name in enumerate(first.classes):
        table[f"p_{name}"] = [f"{p:.9g}" for p in probabilities[:, i]]
    write_atomic(folder.predictions, to_csv(list(table.columns), table.to_numpy().tolist()))
    body: dict[str, Any] = {
        **{key: first.metrics[key] for key in ("task", "split") if key in first.metrics},
        "model": "ensemble",
        "model_note": f"mean log probability of {len(runs)} runs: {', '.join(members)}",
        "name": out.name,
        "command": "ensemble",
        "repeat": f"python -m classify ensemble {' '.join(members)} --out {out.as_posix()}",
        "data": first.metrics.get("data", {}),
        "training": {},
        **summary(first.labels, probabilities, first.groups, list(first.classes), first.positive, 0),
        "bounds": first.metrics.get("bounds") or {},  # of the examples, which are the same for all
        "cost": _cost(runs),
    }
    folder.write_json("metrics.json", body)
    write_report(out)
    folder.finish()
    return body


def mean_probabilities(members: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The geometric mean of probabilities (n, k), made to sum to 1: the softmax of the mean logits."""
    logs = np.mean([np.log(np.maximum(rows, 1e-300)) for rows in members], axis=0)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    mean: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return mean


def _cost(runs: Sequence[WindowRun]) -> dict[str, Any]:
    """What the members cost together, where all of them say."""
    costs = [run.metrics.get("cost", {}) for run in runs]
    found: dict[str, Any] = {}
    for key in costs[0]:
        values = [cost.get(key) for cost in costs]
        if all(isinstance(value, int | float) for value in values):
            found[key] = sum(values) if key in SUMMED or key == "examples_seen" else max(values)
    return found
