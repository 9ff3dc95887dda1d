"""What finished runs have to tell, by what their models answer for: classes of windows, labels of windows, bases.

Formulas of metrics are in ``metrics`` and in each kind's ``scoring``.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classify._weighted import check, weighted_metrics
from classify.bootstrap import values_and_draws
from classify.chromatin.scoring import affordable, label_draws
from classify.language.scoring import ratios
from classify.reporting._files import open_labels, read_rows, read_table
from classify.reporting.contenders import FinishedRun
from classify.reporting.curves import MOST
from classify.targets import UNKNOWN, Labels
from specgen.errors import InputError

__all__ = ["KINDS_OF_RUNS", "LabelRun", "PositionRun", "WindowRun", "read_labels", "read_sums"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WindowRun(FinishedRun):
    """A run that tells classes of windows apart: ``table`` has ``label`` (index of the class) and probabilities."""

    compared: ClassVar[tuple[str, ...]] = ("auroc", "accuracy")
    shown: ClassVar[tuple[str, ...]] = ("accuracy", "auroc", "auprc", "mcc", "ece")
    quantities: ClassVar[tuple[str, ...]] = ("length", "gc")
    binned: ClassVar[tuple[str, ...]] = ("auroc", "accuracy")
    tests: ClassVar[tuple[str, ...]] = ("delong", "mcnemar")
    told: ClassVar[str] = "classes"

    @classmethod
    def read_predictions(cls, folder: Path, metrics: dict[str, Any]) -> pd.DataFrame:
        """``table``."""
        table = read_table(folder, metrics, ("id", "group"))
        return table.sort_values(["id", "label", "group"], kind="stable").reset_index(drop=True)

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
    def probabilities(self) -> Floats:
        """float64 (n, k)."""
        rows: Floats = self.table[[f"p_{name}" for name in self.classes]].to_numpy(np.float64)
        return rows

    @cached_property
    def examples(self) -> tuple[tuple[str, int, str], ...]:
        """Id, class and group of every example."""
        return tuple(zip(self.table["id"], self.labels.tolist(), self.table["group"], strict=True))

    @property
    def asked(self) -> tuple[str, ...]:
        """Classes, and behind them the positive one."""
        return *self.classes, *([] if self.metrics["positive"] is None else [f"{self.metrics['positive']} as positive"])

    @property
    def counted(self) -> dict[str, Any]:
        """Classes, and the positive one."""
        return {"classes": self.classes, "positive": self.metrics["positive"]}

    def drawn(self, keep: NDArray[np.bool_], resamples: int, seed: int) -> tuple[dict[str, float], dict[str, Floats]]:
        """See ``FinishedRun``; the metrics are those of ``classification_metrics``."""
        sample = check(self.labels[keep], self.probabilities[keep], self.positive)
        return values_and_draws(
            lambda weights: weighted_metrics(sample, iter([weights])), self.groups[keep], resamples=resamples, seed=seed
        )

    def told_apart(self) -> list[tuple[NDArray[np.bool_], Floats]]:
        """The positive class, or each against the rest; none at all where a class is not there."""
        classes = range(len(self.classes)) if self.positive is None else [self.positive]
        truths = [self.labels == c for c in classes]
        if not all(truth.any() and not truth.all() for truth in truths):
            return []
        return [(truth, self.probabilities[:, c]) for c, truth in zip(classes, truths, strict=True)]


@dataclass(frozen=True, eq=False)
class LabelRun(FinishedRun):
    """A run that tells a probability of each of several labels of a window."""

    compared: ClassVar[tuple[str, ...]] = ("auroc", "auprc", "f1")
    shown: ClassVar[tuple[str, ...]] = ("auroc", "auprc", "f1", "median_auroc", "median_auprc", "micro_f1", "log_loss")
    binned: ClassVar[tuple[str, ...]] = ("auroc", "auprc")
    told: ClassVar[str] = "labels"

    @classmethod
    def read_predictions(cls, folder: Path, metrics: dict[str, Any]) -> pd.DataFrame:
        """``table``, after a look at the arrays; ``row`` is the place of an example in them."""
        table = read_rows(folder, metrics, ("id", "group"))
        read_labels(folder, (metrics["n"], len(metrics["features"])))
        for feature in metrics["features"]:
            known = feature["threshold"]
            if isinstance(known, bool) or not isinstance(known, int | float) or not 0 <= known <= 1:
                raise InputError(
                    f"{folder}: metrics.json: {str(feature['name'])[:80]}: expected a threshold from 0 to 1, "
                    f"got {str(known)[:80]}"
                )
        table["row"] = np.arange(len(table))
        return table.sort_values(["id", "group"], kind="stable").reset_index(drop=True)

    def arrays(self) -> tuple[Labels, NDArray[np.floating]]:
        """Truth int8 and probabilities float (n, k) in the order of ``table``; read anew each time, since they may be large."""
        rows = self.table["row"].to_numpy(np.int64)
        truth, chances = read_labels(self.path, (len(rows), len(self.asked)))
        return truth[rows], chances[rows]

    @property
    def thresholds(self) -> Floats:
        """float64 (k,): from where a label is called, as validation chose it, rounded as stored probabilities are: a threshold is
        a probability of validation, and a test example may have the very same."""
        told = np.array([feature["threshold"] for feature in self.metrics["features"]], dtype=np.float32)
        return told.astype(np.float64)

    @cached_property
    def examples(self) -> tuple[Any, ...]:
        """Id and group of every example, and a digest of all labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.arrays()[0]).tobytes()).hexdigest()
        return *zip(self.table["id"], self.table["group"], strict=True), digest

    @property
    def asked(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the columns of ``arrays``."""
        return tuple(str(feature["name"]) for feature in self.metrics["features"])

    @property
    def counted(self) -> dict[str, Any]:
        """How many labels there are, and have examples of both kinds."""
        return {"labels_in_all": self.metrics["labels_in_all"], "labels_scored": self.metrics["labels_scored"]}

    def drawn(self, keep: NDArray[np.bool_], resamples: int, seed: int) -> tuple[dict[str, float], dict[str, Floats]]:
        """See ``FinishedRun``; means are over labels with examples of both kinds among those kept."""
        truth, chances = self.arrays()
        return label_draws(
            truth[keep], chances[keep], self.thresholds, self.groups[keep], resamples=resamples, seed=seed
        )

    def told_apart(self) -> list[tuple[NDArray[np.bool_], Floats]]:
        """Each label with examples of both kinds; none where there are more labels than can be looked at."""
        if len(self.asked) > MOST:
            return []
        found = []
        for truth, chance in zip(*(some.T for some in self.arrays()), strict=True):
            known = truth != UNKNOWN
            positive = truth[known] == 1
            if positive.any() and not positive.all():
                found.append((positive, chance[known].astype(np.float64)))
        return found

    def affordable(self, resamples: int) -> int:
        """Fewer of many examples with many labels."""
        return affordable(resamples, len(self.table), len(self.asked), len(np.unique(self.groups)))


@dataclass(frozen=True, eq=False)
class PositionRun(FinishedRun):
    """A run that tells the next base: ``table`` has bases, bits_per_base and accuracy of windows as numbers."""

    compared: ClassVar[tuple[str, ...]] = ("bits_per_base", "perplexity", "accuracy")
    shown: ClassVar[tuple[str, ...]] = ("perplexity", "bits_per_base", "accuracy")
    validated: ClassVar[str] = "loss"
    binned: ClassVar[tuple[str, ...]] = ("bits_per_base", "accuracy")

    @classmethod
    def read_predictions(cls, folder: Path, metrics: dict[str, Any]) -> pd.DataFrame:
        """``table``."""
        table = read_rows(folder, metrics, ("id", "group"), ("bases", "bits_per_base", "accuracy"), empty="0")
        numbers = table[["bases", "bits_per_base", "accuracy"]].to_numpy(np.float64)
        if not (np.isfinite(numbers) & (numbers >= 0)).all():
            raise InputError(f"{folder}: predictions.csv: expected bases, bits_per_base and accuracy of 0 and above")
        return table.sort_values(["id", "group"], kind="stable").reset_index(drop=True)

    @cached_property
    def examples(self) -> tuple[tuple[str, str, float], ...]:
        """Id, group and bases of every window."""
        return tuple(zip(self.table["id"], self.table["group"], self.table["bases"].tolist(), strict=True))

    @property
    def asked(self) -> tuple[str, ...]:
        """Nothing: bases are the same in every genome."""
        return ()

    @property
    def counted(self) -> dict[str, Any]:
        """How many bases are predicted."""
        return {"bases": int(self.table["bases"].sum())}

    def drawn(self, keep: NDArray[np.bool_], resamples: int, seed: int) -> tuple[dict[str, float], dict[str, Floats]]:
        """See ``FinishedRun``; all bases of the windows together."""
        sums = read_sums(self.table)[keep]
        return values_and_draws(
            lambda weights: ratios(weights @ sums), self.groups[keep], resamples=resamples, seed=seed
        )

    def told_apart(self) -> list[tuple[NDArray[np.bool_], Floats]]:
        """None: four bases of every place are no classes of windows."""
        return []


KINDS_OF_RUNS: dict[str, type[WindowRun] | type[LabelRun] | type[PositionRun]] = {
    "window": WindowRun,
    "label": LabelRun,
    "position": PositionRun,
}
"""What a finished run tells, by what its model answers for."""


def read_labels(folder: Path, shape: tuple[int, int] | None = None) -> tuple[Labels, NDArray[np.floating]]:
    """Labels int8 (1, 0, -1 = not known) and probabilities float, (n, k) each, of ``predictions.safetensors``.

    Raises
    ------
    InputError
        The file is damaged, not of ``shape``, or holds something else.
    """
    with open_labels(folder, shape) as (labels, chances):
        truth, probabilities = labels[:], chances[:]
    if truth.dtype != np.int8 or probabilities.dtype.kind != "f" or ((truth < -1) | (truth > 1)).any():
        raise InputError(
            f"{folder / 'predictions.safetensors'}: expected int8 labels of 1, 0 and -1, and probabilities"
        )
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise InputError(f"{folder / 'predictions.safetensors'}: expected probabilities from 0 to 1")
    return truth, probabilities


def read_sums(table: pd.DataFrame) -> Floats:
    """float64 (n, 3): nats, right answers and bases of each window, from its bases, bits_per_base and accuracy."""
    bases, bits, right = (table[name].to_numpy(np.float64) for name in ("bases", "bits_per_base", "accuracy"))
    return np.column_stack([bits * bases * math.log(2), right * bases, bases])
