"""What a task is: settings, examples, loss and metrics; and the shared base of classification into exclusive classes.

A task never names a model. Imports of torch happen inside the methods that need it, since the settings of a task must
be known to ``--help``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from classify.examples import Examples
from classify.features import Feature
from specgen.registry import Registry
from specgen.sequences import Codes

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TASKS", "Task", "register_task"]


class Task:
    """Classification into exclusive classes; other kinds of task override loss, probabilities and metrics.

    Attributes
    ----------
    name
        Registry key.
    Settings
        A frozen dataclass; its fields are the ``data`` section of a configuration.
    about
        One line for ``list``.
    answers
        What a network gives logits of: "window", (B, k), or "position", (B, k, L). A model says the same of itself.
    exclusive
        Whether an example has one of the classes; else each class is a label that holds or not, with a logit of its own.
    monitors
        What an epoch can be chosen by.

    What becomes of a batch is three steps that other kinds of task override together: ``truth``, what logits are held against;
    ``loss`` and ``right`` of the two; and ``kept``, the few numbers of each example that outlast the batch, of which
    ``validation``, ``table``, ``arrays`` and ``body`` are made. What a test needs of validation beside the weights, such as
    thresholds, goes through ``decide``.
    """

    name: ClassVar[str]
    Settings: ClassVar[type]
    about: ClassVar[str]
    answers: ClassVar[str] = "window"
    exclusive: ClassVar[bool] = True
    monitors: ClassVar[tuple[str, ...]] = ("val_auroc", "val_accuracy", "val_loss")

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def load(self) -> Examples:
        """Read, filter, label and split the examples."""
        raise NotImplementedError

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""
        raise NotImplementedError

    def know_classes(self, names: Sequence[str]) -> None:
        """Told the names of the classes where the data that would tell them may be gone; by default the settings tell them."""

    @property
    def outputs(self) -> int:
        """Number of logits."""
        return len(self.classes)

    @property
    def barcoded(self) -> NDArray[np.int64]:
        """Places in ``classes`` of those that barcode maps are drawn of; none where no probability of a class is given."""
        return np.arange(len(self.classes))[1 if self.exclusive and len(self.classes) == 2 else 0 :]

    @property
    def window(self) -> int:
        """nt of the fixed crop that models read; 0 when the examples are pictures."""
        raise NotImplementedError

    @property
    def context(self) -> int:
        """Letters at the start of a window that tests read and do not ask for; 0 where windows are answered for as a whole."""
        return 0

    @property
    def blanks(self) -> int:
        """Blank letters that a training window may hold at most [nt], where records are shorter than windows or end in them."""
        return 0

    @property
    def balanced(self) -> bool:
        """Whether an epoch draws as many examples of each class."""
        return False

    @property
    def centred(self) -> bool:
        """Whether what an example is about stands in the middle of its window."""
        return False

    @property
    def cut(self) -> int:
        """nt that ``prepare`` takes off a record."""
        return 0

    @property
    def frame(self) -> int:
        """0-based place of the first whole codon in what ``prepare`` leaves of a record that begins in its reading frame."""
        return 0

    def prepare(self, codes: Codes) -> Codes:
        """What is left of a record before windows are cut, in training and prediction alike."""
        return codes

    def bounds(self, test: Examples) -> dict[str, dict[str, float]]:
        """What scores on these examples stand beside: in words what is known of them, and the metrics that it gives.

        Such as a ceiling that follows from how examples were made; empty where none is known. Metrics are named as in
        ``classify.metrics``; one that is not known is left out.
        """
        return {}

    def begin(self, train: Examples) -> None:
        """Told before training what is learnt from, such as for weights in the loss; nothing by default."""

    @property
    def features(self) -> Sequence[Feature]:
        """What the labels are, where an example may have several; none where its classes exclude one another."""
        return ()

    def listed(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows of ``labels.csv``: what the labels are, and how many hold in training where ``begin`` counted them.

        No rows where classes exclude one another: ``split.csv`` names the class of each example.
        """
        return [], []

    def truth(self, inputs: Tensor, labels: Tensor, *, training: bool) -> Tensor:
        """What the logits of a batch are held against: by default its labels.

        Parameters
        ----------
        inputs
            What the network was given, turned or not.
        training
            Whether it is learnt from, or scored.
        """
        return labels

    def right(self, logits: Tensor, truth: Tensor) -> Tensor:
        """(B,) share of right answers in each example."""
        return (logits.argmax(1) == truth).double()

    def kept(self, logits: Tensor, truth: Tensor) -> Tensor:
        """(B, c) what outlasts the batch, of which tiles of an example are averaged: by default the logits."""
        return logits

    def costs(self, logits: Tensor, truth: Tensor) -> Tensor:
        """float64 (B, L) nats of what is asked for behind each letter, 0 where ``truth`` is -1.

        Of tasks that answer for positions alone.
        """
        raise NotImplementedError

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of logits (B, k) against int64 labels (B,).

        For two classes this is also the binary cross-entropy of the softmax of two outputs with one-hot targets.
        """
        from torch.nn import functional as F

        return F.cross_entropy(logits, labels)

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Class probabilities (n, k) from logits (n, k), rows summing to 1."""
        shifted = logits - logits.max(axis=1, keepdims=True)
        weights = np.exp(shifted)
        result: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return result

    def quick_metrics(self, labels: NDArray[np.int64], logits: NDArray[np.float64]) -> dict[str, float]:
        """Validation metrics of an epoch: accuracy, auroc."""
        from classify.metrics import classification_metrics

        positive = 1 if len(self.classes) == 2 else None
        found = classification_metrics(labels, self.probabilities(logits), positive=positive)
        return {"accuracy": found["accuracy"], "auroc": found["auroc"]}

    def validation(self, labels: NDArray[np.int64], kept: NDArray[np.float64]) -> dict[str, float]:
        """loss of all validation examples, and the quick metrics."""
        import torch

        loss = self.loss(torch.from_numpy(kept), torch.from_numpy(labels))
        return {"loss": float(loss), **self.quick_metrics(labels, kept)}

    def decide(self, labels: NDArray[np.int64], kept: NDArray[np.float64]) -> dict[str, Any]:
        """What the validation examples of the epoch that is kept decide for the test, as plain data: nothing by default."""
        return {}

    def table(self, test: Examples, kept: NDArray[np.float64]) -> tuple[list[str], list[list[Any]]]:
        """Own columns of ``predictions.csv``, and a row of them for each test example."""
        probabilities = self.probabilities(kept)
        predicted = probabilities.argmax(axis=1)
        columns = ["label", "predicted", *(f"p_{name}" for name in self.classes), *(["kind"] if test.kinds else [])]
        return columns, [
            [
                self.classes[test.labels[i]],
                self.classes[predicted[i]],
                *(f"{p:.9g}" for p in probabilities[i]),
                *test.kinds[i : i + 1],
            ]
            for i in range(len(test))
        ]

    def arrays(self, test: Examples, kept: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """What of the test examples, row by row, is too much for a table; goes to ``predictions.safetensors``."""
        return {}

    def body(self, test: Examples, kept: NDArray[np.float64], seed: int, decided: Mapping[str, Any]) -> dict[str, Any]:
        """What ``metrics.json`` says of the quality: metrics with intervals, and what they stand beside.

        Parameters
        ----------
        decided
            What ``decide`` gave in training; empty where it decides nothing.
        """
        from classify.kinds import metrics_by_kind

        return {
            **self.summary(test.labels, kept, test.groups, seed),
            "bounds": self.bounds(test),
            "by_kind": metrics_by_kind(
                test.labels,
                self.probabilities(kept),
                test.groups,
                test.kinds,
                seed,
                bounds=lambda rows: self.bounds(test.take(rows)),
            ),
        }

    def summary(
        self, labels: NDArray[np.int64], logits: NDArray[np.float64], groups: list[str], seed: int
    ) -> dict[str, Any]:
        """Test metrics with grouped bootstrap intervals: the body of ``metrics.json``."""
        from classify.metrics import summary

        positive = 1 if len(self.classes) == 2 else None
        return summary(labels, self.probabilities(logits), np.array(groups), self.classes, positive, seed)


TASKS: Registry[type[Task]] = Registry("task")


def register_task(name: str) -> Callable[[type[Task]], type[Task]]:
    """Class decorator: add a task under ``name``."""

    def register(task: type[Task]) -> type[Task]:
        task.name = name
        return TASKS.add(name, task)

    return register
