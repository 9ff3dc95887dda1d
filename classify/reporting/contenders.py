"""Finished runs as a comparison sees them, whatever their models answer for; seeds of one model together.

What a run of each kind has to tell is in ``answered``; nothing is read here, and no metric computed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specgen.errors import InputError, UnknownName

__all__ = ["Contender", "FinishedRun", "contenders", "pick"]

Floats = NDArray[np.float64]

INCIDENTAL = (
    *("seed", "name", "runs"),
    *("training.progress", "training.threads", "training.workers", "training.prefetch", "training.pin_memory"),
    *("training.keep_memory", "training.checkpoint_minutes"),
)
"""Settings that may differ between runs of one row: the seed, where the folder lies, and how the machine is used."""

TOLD = 3
"""Settings that a label names where two models of one name differ."""


@dataclass(frozen=True, eq=False)
class FinishedRun(ABC):
    """One run folder.

    Attributes
    ----------
    settings
        ``config.yaml``, dotted key -> value.
    metrics
        The body of ``metrics.json``.
    table
        ``predictions.csv`` ordered by id, so that runs on the same examples stand row by row; text but for what each kind says.
    validation
        Score on the validation set of the epoch that was kept, see ``validated``; None where nothing says.
    compared
        Metrics whose differences are tested. Rows are ranked by the first of them, of equals by the next.
    shown
        Metrics of tables that have no room for all.
    validated
        The score of validation by which models are chosen; better in the same direction as the first of ``compared``.
    quantities, binned
        Columns of ``predictions.csv`` by which test examples are put into bins, and metrics that bins have.
    tests
        Further tests, see ``classify.paired``.
    told
        What ``asked`` holds, in words.
    """

    path: Path
    settings: dict[str, Any]
    metrics: dict[str, Any]
    table: pd.DataFrame
    validation: float | None

    compared: ClassVar[tuple[str, ...]]
    shown: ClassVar[tuple[str, ...]]
    validated: ClassVar[str] = "auroc"
    quantities: ClassVar[tuple[str, ...]] = ("gc",)
    binned: ClassVar[tuple[str, ...]]
    tests: ClassVar[tuple[str, ...]] = ()
    told: ClassVar[str] = ""

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
    def answers(self) -> str:
        """What its model answers for."""
        return str(self.metrics.get("answers", "window"))

    @cached_property
    def groups(self) -> NDArray[np.str_]:
        """Group of each example (n,)."""
        return self.table["group"].to_numpy(str)

    @cached_property
    def kind(self) -> tuple[tuple[str, str], ...]:
        """What runs of one row share: every setting but the incidental ones."""
        return tuple(sorted((key, repr(value)) for key, value in self.settings.items() if key not in INCIDENTAL))

    @property
    @abstractmethod
    def examples(self) -> tuple[Any, ...]:
        """The test examples, their truth and their groups: runs are paired where these are the same."""

    @property
    @abstractmethod
    def asked(self) -> tuple[str, ...]:
        """What the model tells apart: runs can be compared where these are the same."""

    @property
    @abstractmethod
    def counted(self) -> dict[str, Any]:
        """What a page says of the test, plain data."""

    @abstractmethod
    def drawn(self, keep: NDArray[np.bool_], resamples: int, seed: int) -> tuple[dict[str, float], dict[str, Floats]]:
        """Metrics of the examples in ``keep`` (n,), and on (resamples,) of their groups; nan where undefined. Draws of two runs
        on the same examples are paired."""

    @abstractmethod
    def told_apart(self) -> list[tuple[NDArray[np.bool_], Floats]]:
        """Truth and score of each ROC curve that the run's is the mean of; empty where it has none."""

    def affordable(self, resamples: int) -> int:
        """How many resamples are made, of those asked for."""
        return resamples


Run = TypeVar("Run", bound=FinishedRun, covariant=True)


@dataclass(frozen=True, eq=False)
class Contender(Generic[Run]):
    """One row of a comparison: runs of the same model with the same settings on the same test examples."""

    label: str
    runs: tuple[Run, ...]

    @property
    def first(self) -> Run:
        """The run that speaks for what all of them share."""
        return self.runs[0]

    @property
    def validation(self) -> float | None:
        """Mean validation score; None unless every run says."""
        known = [run.validation for run in self.runs if run.validation is not None]
        return sum(known) / len(known) if len(known) == len(self.runs) else None


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
