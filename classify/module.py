"""The one LightningModule: a view, a model and a task's loss; it knows none of them by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classify.augment import ReverseComplement, Shift, mix
from classify.datasets import Batch
from classify.distributed import gathered, rank, total, world
from classify.hardware import laid_out
from classify.settings import RunSettings
from classify.tasks import Task

__all__ = ["BadLoss", "Classifier", "average_tiles"]


class BadLoss(FloatingPointError):
    """A loss that is no finite number, with the batch that gave it; None where another process had that."""

    def __init__(self, message: str, batch: Batch | None) -> None:
        super().__init__(message)
        self.batch = batch


class Classifier(L.LightningModule):
    """View -> model -> logits, with the task's loss and the configured optimiser.

    Parameters
    ----------
    task
        Loss and quick metrics.
    view
        Raw input to what the model reads.
    model
        Gives logits (B, outputs), or (B, outputs, L) where the task asks for positions.
    settings
        Optimiser, augmentation, and the seed that with the epoch and step fixes dropout and every other draw, so that a
        resumed run repeats them.
    layout
        Memory format of the pictures that the model gets, see ``hardware.Plan``.
    """

    def __init__(self, task: Task, view: nn.Module, model: nn.Module, settings: RunSettings, layout: str) -> None:
        super().__init__()
        self.task, self.view, self.model, self.settings, self.layout = task, view, model, settings, layout
        self.turn = ReverseComplement(settings.augment.reverse_complement, settings.seed)
        self.shift = Shift(settings.augment.shift, settings.seed)
        self._outputs: list[tuple[Tensor, Tensor, Tensor]] = []
        # Of the epoch so far, on all processes: loss, right answers, examples. And the batches that were done.
        self._sums, self._done = torch.zeros(3, dtype=torch.float64), 0
        self._decided: dict[str, Any] = {}  # by the last validation
        self.validated: Callable[[NDArray[Any], NDArray[np.float64]], None] | None = None
        """Told of each validation the labels of all its examples and what is kept of them, on every process."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Codes or pictures to float32 logits (B, outputs), of positions (B, outputs, L)."""
        logits: Tensor = self.model(laid_out(self.view(inputs), self.layout))
        return logits.float()

    def scored(self, inputs: Tensor) -> Tensor:
        """As ``forward``, for scoring: with ``both_strands`` the mean of the logits of both."""
        logits: Tensor = self(inputs)
        return (logits + self(self.turn.turned(inputs))) / 2 if self.settings.training.both_strands else logits

    def on_train_batch_start(self, batch: Batch, batch_index: int) -> None:
        """Seed what is drawn in this step."""
        # Each step has draws of its own, so a run that goes on within an epoch needs no state of a generator.
        draw = mix(self.settings.seed, self.current_epoch, batch_index, np.array([rank()]))
        torch.manual_seed(int(draw[0]) & 0x7FFFFFFFFFFFFFFF)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of a batch, in which each example counts once over all processes."""
        inputs, labels, rows = batch
        inputs = self.shift(self.turn(inputs, self.current_epoch, rows), self.current_epoch, rows)
        logits = self(inputs)
        truth = self.task.truth(inputs, labels, training=True)
        loss = self.task.loss(logits, truth)
        real = rows >= 0  # others stand in for examples that a process has none of
        right = (self.task.right(logits.detach(), truth) * real).sum()
        here = torch.stack([loss.detach().double() * real.sum(), right.double(), real.sum().double()])
        everywhere = total(here)
        if not torch.isfinite(everywhere[0]):  # the same on every process, so that none waits for another
            where = f"epoch {self.current_epoch + 1}, step {batch_index + 1}"
            raise BadLoss(f"loss is {loss.item()} at {where}", None if torch.isfinite(loss) else batch)
        self._sums = self._sums.to(everywhere.device) + everywhere
        self._done = batch_index + 1
        self.log("loss", loss.detach(), prog_bar=True, logger=False, batch_size=len(labels))
        # DDP takes the mean over processes: with these weights it is the mean over examples.
        return loss if world() == 1 else loss * (here[2] * world() / everywhere[2]).float()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Keep of a batch what outlasts it."""
        inputs, labels, rows = batch
        kept = self.task.kept(self.scored(inputs), self.task.truth(inputs, labels, training=False))
        self._outputs.append((kept.cpu(), labels.cpu(), rows.cpu()))

    def on_validation_epoch_end(self) -> None:
        """The metrics of the whole validation split, in every process."""
        mine = [torch.cat(column).numpy() for column in zip(*self._outputs, strict=True)]
        self._outputs.clear()
        kept, labels = average_tiles(*gathered(*mine))
        trained = (self._sums / self._sums[2]).cpu()
        self._sums, self._done = torch.zeros(3, dtype=torch.float64), 0
        # The same on every process, since each has gathered everything.
        self.log("train_loss", trained[0].float())
        self.log("train_accuracy", trained[1].float(), prog_bar=True)
        for name, value in self.task.validation(labels, kept).items():
            self.log(f"val_{name}", value, prog_bar=name != "loss")
        self._decided = self.task.decide(labels, kept)
        if self.validated is not None:
            self.validated(labels, kept)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What weights and optimiser do not hold: where the epoch is, and what validation decided."""
        checkpoint["decided"] = self._decided
        checkpoint["position"] = {"batches": self._done, "sums": self._sums.tolist(), "processes": world()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up what ``on_save_checkpoint`` kept."""
        position = checkpoint["position"]
        self._done, self._sums = position["batches"], torch.tensor(position["sums"], dtype=torch.float64)

    def configure_optimizers(self) -> Any:
        """Optimiser and schedule of the settings, in steps."""
        settings = self.settings.optimiser
        parameters = [p for p in self.parameters() if p.requires_grad]
        if settings.name == "sgd":
            optimiser: torch.optim.Optimizer = torch.optim.SGD(
                parameters, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
            )
        else:
            optimiser = torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=settings.weight_decay)
        if settings.schedule == "constant":
            return optimiser
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        warm = max(1, round(settings.warmup * steps))

        def share(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def average_tiles(
    logits: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]], rows: NDArray[np.int64], *, lean: bool = False
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean logits of the tiles of each example.

    Parameters
    ----------
    logits, labels, rows
        (tiles, k), (tiles,) or (tiles, k), and (tiles,): the example that each tile belongs to, numbered from 0.
    lean
        Whether tables are gigabytes: logits keep the precision that they come in, and both are returned as they are where
        each example has one tile and they stand in order. (Means of several tiles are made in float64 all the same.)

    Returns
    -------
    logits (n, k), float64 unless ``lean``, and labels (n,) or (n, k) as they came, in the order of the examples.
    """
    n = int(rows.max()) + 1 if len(rows) else 0
    if lean and np.array_equal(rows, np.arange(n)):
        return logits, labels
    sums = np.zeros((n, logits.shape[1]))
    np.add.at(sums, rows, logits.astype(np.float64))
    truth = np.zeros((n, *labels.shape[1:]), dtype=labels.dtype)
    truth[rows] = labels
    sums /= np.bincount(rows, minlength=n)[:, None]
    return sums.astype(logits.dtype) if lean else sums, truth
