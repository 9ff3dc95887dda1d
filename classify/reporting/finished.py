"""Finished runs, read for a comparison: settings, metrics, predictions and the score of validation.

Reads run folders, with or without weights in them; computes no metric.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, overload

import pandas as pd

from classify.reporting._files import read_history, read_metrics, read_text
from classify.reporting.answered import WindowRun
from classify.reporting.contenders import FinishedRun
from classify.runs import RunFolder
from classify.settings import RunSettings
from specgen.errors import InputError
from specgen.parser import load_settings

__all__ = ["read_finished", "validation_score"]


@overload
def read_finished(folder: Path) -> WindowRun: ...
@overload
def read_finished(folder: Path, answers: Mapping[str, type[FinishedRun]]) -> FinishedRun: ...
def read_finished(folder: Path, answers: Mapping[str, Any] | None = None) -> Any:
    """Read a run folder that needs no weights: config.yaml, metrics.json, predictions, perhaps metrics.csv.

    Parameters
    ----------
    answers
        What its model may answer for, as ``KINDS_OF_RUNS``; None = windows alone.

    Raises
    ------
    InputError
        It is not finished, answers for something else, or a file is missing, damaged or contradicts another.
    """
    folder = Path(folder)
    run = RunFolder(folder)
    if run.marker.exists():
        why = " ".join(run.marker.read_text(encoding="utf-8", errors="replace").split())
        raise InputError(f"{folder}: is not finished ({why})")
    metrics = read_metrics(folder)
    kinds = {"window": WindowRun} if answers is None else answers
    own = metrics.get("answers", "window")
    if own not in kinds:
        raise InputError(
            f"{folder}: its model answers for each {own}; expected one that answers for each {' or '.join(kinds)}"
        )
    kind = kinds[own]
    read_text(folder, "config.yaml", "train")  # says what to do where there is none
    # A run of an earlier version lacks the keys that came later, whose defaults are what it did.
    settings = dict(_flat(asdict(RunSettings()))) | dict(_flat(load_settings(str(run.config))))
    table = kind.read_predictions(folder, metrics)
    return kind(folder, settings, metrics, table, validation_score(folder, metrics, f"val_{kind.validated}"))


def _flat(body: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in body.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def validation_score(folder: Path, metrics: Mapping[str, Any], name: str = "val_auroc") -> float | None:
    """A validation score of the kept epoch, from metrics.json where it says, else from metrics.csv; None where neither does."""
    training = metrics.get("training") or {}
    if isinstance(training.get(name), float):
        return float(training[name])
    history = read_history(folder)
    if history is None or name not in history or "best_epoch" not in training:
        return None
    kept = pd.to_numeric(history.loc[history["epoch"] == training["best_epoch"], name], errors="coerce").dropna()
    return float(kept.iloc[0]) if len(kept) else None
