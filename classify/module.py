"""The one LightningModule: a view, a model and a task's loss; it knows none of them by name."""

from __future__ import annotations

import math
from typing import Any

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classify.datasets import Batch
from classify.settings import OptimiserSettings
from classify.tasks import Task

__all__ = ["Classifier", "average_tiles"]


class Classifier(L.LightningModule):
    """View -> model -> logits, with the task's loss and the configured optimiser.

    Parameters
    ----------
    task
        Loss and quick metrics.
    view
        Raw input to what the model reads.
    model
        Gives logits (B, outputs).
    optimiser
        See ``OptimiserSettings``.
    seed
        With the epoch, fixes dropout and every other draw of an epoch, so that a resumed run repeats them.
    """

    def __init__(self, task: Task, view: nn.Module, model: nn.Module, optimiser: OptimiserSettings, seed: int) -> None:
        super().__init__()
        self.task, self.view, self.model, self.optimiser_settings, self.seed = task, view, model, optimiser, seed
        self._outputs: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        """Codes or pictures to float32 logits (B, outputs)."""
        seen = self.view(inputs)
        if seen.ndim == 4:
            seen = seen.contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.model(seen)
        return logits.float()

    def on_train_epoch_start(self) -> None:
        torch.manual_seed(self.seed * 1_000_003 + self.current_epoch)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        inputs, labels, _ = batch
        logits = self(inputs)
        loss = self.task.loss(logits, labels)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"loss is {loss.item()} at epoch {self.current_epoch}, step {batch_index}")
        right = (logits.detach().argmax(1) == labels).float().mean()
        per_epoch = {"on_step": False, "on_epoch": True, "batch_size": len(labels)}
        self.log("train_loss", loss.detach(), **per_epoch)
        self.log("train_accuracy", right, prog_bar=True, **per_epoch)
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        inputs, labels, rows = batch
        self._outputs.append((self(inputs).cpu(), labels.cpu(), rows.cpu()))

    def on_validation_epoch_end(self) -> None:
        logits, labels = average_tiles(*(torch.cat(column) for column in zip(*self._outputs, strict=True)))
        self._outputs.clear()
        loss = self.task.loss(torch.from_numpy(logits), torch.from_numpy(labels))
        self.log("val_loss", loss.float())
        for name, value in self.task.quick_metrics(labels, logits).items():
            self.log(f"val_{name}", value, prog_bar=True)

    def configure_optimizers(self) -> Any:
        settings = self.optimiser_settings
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


def average_tiles(logits: Tensor, labels: Tensor, rows: Tensor) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean logits of the tiles of each example.

    Parameters
    ----------
    logits, labels, rows
        (tiles, k), (tiles,) and (tiles,): the example that each tile belongs to, numbered from 0.

    Returns
    -------
    logits (n, k) float64, labels (n,) int64, in the order of the examples.
    """
    index = rows.numpy()
    n = int(index.max()) + 1 if len(index) else 0
    sums = np.zeros((n, logits.shape[1]))
    np.add.at(sums, index, logits.double().numpy())
    truth = np.zeros(n, dtype=np.int64)
    truth[index] = labels.numpy()
    return sums / np.bincount(index, minlength=n)[:, None], truth
