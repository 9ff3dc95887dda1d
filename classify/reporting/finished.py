"""Finished runs as a comparison sees them: each with its settings, metrics and predictions; seeds of one model together.

Reads run folders, with or without weights in them; computes no metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classify.reporting._files import read_history, read_metrics, read_table, read_text
from classify.runs import RunFolder
from classify.settings import RunSettings
from specgen.errors import InputError, UnknownName
from specgen.parser import load_settings

__all__ = ["Contender", "FinishedRun", "contenders", "pick", "read_finished", "validation_score"]

INCIDENTAL = (
    *("seed", "name", "runs"),
    *("training.progress", "training.threads", "training.workers", "training.prefetch", "training.pin_memory"),
    *("training.keep_memory", "training.checkpoint_minutes"),
)
"""Settings that may differ between runs of one row: the seed, where the folder lies, and how the machine is used."""

TOLD = 3
"""Settings that a label names where two models of one name differ."""


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """One run folder.

    Attributes
    ----------
    settings
        ``config.yaml``, dotted key -> value.
    metrics
        The body of ``metrics.json``.
    table
        ``predictions.csv`` ordered by id, so that runs on the same examples stand row by row; ``label`` is the index
        of the class, the rest text but for the probabilities.
    validation
        AUROC on the validation set of the epoch that was kept; None where nothing says.
    """

    path: Path
    settings: dict[str, Any]
    metrics: dict[str, Any]
    table: pd.DataFrame
    validation: float | None

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.metrics["model"])

    @property
    def name(self) -> str:
        """Name of the run."""
        return str(self.metrics["name"])

    @property
    def seed(self) -> Any:
        """The seed it was trained with, None where its settings do not say."""
        return self.settings.get("seed")

    @property
    def classes(self) -> list[str]:
        """Class names, in the order of the columns of ``probabilities``."""
        return list(self.metrics["labels"])

    @property
    def positive(self) -> int | None:
        """The positive class; None for more than two."""
        name = self.metrics["positive"]
        return None if name is None else self.classes.index(name)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """True classes (n,)."""
        labels: NDArray[np.int64] = self.table["label"].to_numpy(np.int64)
        return labels

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """float64 (n, k)."""
        rows: NDArray[np.float64] = self.table[[f"p_{name}" for name in self.classes]].to_numpy(np.float64)
        return rows

    @cached_property
    def groups(self) -> NDArray[np.str_]:
        """Group of each example (n,)."""
        return self.table["group"].to_numpy(str)

    @cached_property
    def examples(self) -> tuple[tuple[str, int, str], ...]:
        """Id, class and group of every example: runs are paired where these are the same."""
        return tuple(zip(self.table["id"], self.labels.tolist(), self.table["group"], strict=True))

    @cached_property
    def kind(self) -> tuple[tuple[str, str], ...]:
        """What runs of one row share: every setting but the incidental ones."""
        return tuple(sorted((key, repr(value)) for key, value in self.settings.items() if key not in INCIDENTAL))


@dataclass(frozen=True, eq=False)
class Contender:
    """One row of a comparison: runs of the same model with the same settings on the same test examples."""

    label: str
    runs: tuple[FinishedRun, ...]

    @property
    def first(self) -> FinishedRun:
        """The run that speaks for what all of them share."""
        return self.runs[0]

    @property
    def validation(self) -> float | None:
        """Mean validation AUROC; None unless every run says."""
        known = [run.validation for run in self.runs if run.validation is not None]
        return sum(known) / len(known) if len(known) == len(self.runs) else None


def read_finished(folder: Path) -> FinishedRun:
    """Read a run folder that needs no weights: config.yaml, metrics.json, predictions.csv, perhaps metrics.csv.

    Raises
    ------
    InputError
        It is not finished, or a file is missing, damaged or contradicts another.
    """
    folder = Path(folder)
    run = RunFolder(folder)
    if run.marker.exists():
        why = " ".join(run.marker.read_text(encoding="utf-8", errors="replace").split())
        raise InputError(f"{folder}: is not finished ({why})")
    metrics = read_metrics(folder)
    if metrics.get("answers", "window") != "window":
        raise InputError(
            f"{folder}: its model answers for each {metrics['answers']}; expected one that answers for each window"
        )
    read_text(folder, "config.yaml", "train")  # says what to do where there is none
    # A run of an earlier version lacks the keys that came later, whose defaults are what it did.
    settings = dict(_flat(asdict(RunSettings()))) | dict(_flat(load_settings(str(run.config))))
    table = read_table(folder, metrics, ("id", "group"))
    table = table.sort_values(["id", "label", "group"], kind="stable").reset_index(drop=True)
    return FinishedRun(folder, settings, metrics, table, validation_score(folder, metrics))


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


def contenders(runs: Sequence[FinishedRun], *, per_run: bool = False) -> list[Contender]:
    """The rows of a comparison: seeds of one model together, or each run by itself; every label once.

    A row is a model, its settings but for the seed and what does not matter, and its test examples.
    """
    grouped: dict[Any, list[FinishedRun]] = {}
    for index, run in enumerate(runs):
        key = index if per_run else (run.model, run.kind, run.examples)
        grouped.setdefault(key, []).append(run)
    rows = [tuple(sorted(members, key=lambda run: (str(run.seed), run.name))) for members in grouped.values()]
    labels = [f"{row[0].model} {row[0].name}" if per_run else row[0].model for row in rows]
    labels = [_told_apart(i, rows, labels) for i in range(len(rows))]
    seen: Counter[str] = Counter()
    found = []
    for label, row in zip(labels, rows, strict=True):
        seen[label] += 1
        found.append(Contender(f"{label} #{seen[label]}" if seen[label] > 1 else label, row))
    return found


def _told_apart(index: int, rows: Sequence[tuple[FinishedRun, ...]], labels: Sequence[str]) -> str:
    """The label of a row, with the settings in which it differs from others of that label, if they are few."""
    rivals = [row[0] for row, label in zip(rows, labels, strict=True) if label == labels[index]]
    own = rows[index][0].settings
    if len(rivals) == 1:
        return labels[index]
    keys = [key for key in own if key not in INCIDENTAL and len({repr(run.settings.get(key)) for run in rivals}) > 1]
    if not keys or len(keys) > TOLD:
        return f"{labels[index]} {rows[index][0].name}"
    told = ", ".join(f"{key.rpartition('.')[2]} {own[key]}" for key in keys)
    return f"{labels[index]} ({told})"


def pick(wanted: str, rows: Sequence[Contender]) -> Contender:
    """The row that a person means: by its label, its model, the name of one of its runs, or a run folder.

    Raises
    ------
    InputError
        None is meant, or several are.
    """
    for means in (
        lambda row: row.label == wanted,
        lambda row: row.first.model == wanted,
        lambda row: any(run.name == wanted for run in row.runs),
        lambda row: any(run.path.resolve() == Path(wanted).resolve() for run in row.runs),
    ):
        found = [row for row in rows if means(row)]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{wanted!r} may be any of {', '.join(repr(row.label) for row in found)}; name one of them"
            )
    raise UnknownName("model to compare against", wanted, [row.label for row in rows])
