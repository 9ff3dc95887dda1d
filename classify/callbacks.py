"""Lightning callbacks of a run: its history, its barcodes, and checkpoints that survive a move of the folder."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from numpy.typing import NDArray

from classify.barcodes import FILE, Barcodes, choose_examples, choose_labels, truth_of
from classify.cost import Meter, added, of_all_processes
from classify.datasets import TileDataset
from classify.distributed import is_leader, world
from classify.examples import Examples
from classify.runs import RunFolder
from classify.sampling import EpochSampler
from classify.tasks import Task
from specgen.files import replacing, write_atomic

__all__ = [
    "HISTORY",
    "BarcodeHistory",
    "CpuBudget",
    "History",
    "MovableCheckpoint",
    "ProgressBar",
    "WholeCheckpoints",
    "WithinEpoch",
]

HISTORY = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "val_auroc",
    "lr",
    "seconds",
    "cpu_seconds",
)
"""Columns of metrics.csv."""

SPOKEN = ("train_loss", "val_loss", "val_accuracy", "val_auroc")
"""Those that a log tells of each epoch."""


class MovableCheckpoint(ModelCheckpoint):  # type: ignore[misc]
    """A checkpoint callback that keeps its best score when the run folder was moved before resuming."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def here(path: str) -> str:
            return os.path.join(str(self.dirpath), os.path.basename(path)) if path else path

        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        moved = {**state_dict, "dirpath": self.dirpath, **{key: here(state_dict.get(key, "")) for key in paths}}
        moved["best_k_models"] = {here(path): score for path, score in state_dict.get("best_k_models", {}).items()}
        super().load_state_dict(moved)


class WholeCheckpoints(TorchCheckpointIO):  # type: ignore[misc]
    """Checkpoints written beside their place and renamed: Lightning would copy them there from the system's /tmp."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(Path(path)) as temporary:
            try:
                with temporary.open("wb") as file:
                    torch.save(checkpoint, file)
            except RuntimeError as error:  # a full disk comes out as a wrong position in the archive
                raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


class ProgressBar(TQDMProgressBar):  # type: ignore[misc]
    """Lightning's progress bar without the logger's version, which means nothing here."""

    def get_metrics(self, trainer: L.Trainer, module: L.LightningModule) -> dict[str, Any]:
        metrics: dict[str, Any] = super().get_metrics(trainer, module)
        metrics.pop("v_num", None)
        return metrics


class WithinEpoch(Callback):  # type: ignore[misc]
    """Writes ``last.ckpt`` every so many minutes, between two steps of the optimiser; ends of epochs are others' business."""

    def __init__(self, run: RunFolder, minutes: float) -> None:
        self.run, self.seconds = run, 60 * minutes
        self._since = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: Any) -> None:
        if not self.seconds:
            return
        due = time.monotonic() - self._since >= self.seconds
        if trainer.world_size > 1:
            due = trainer.strategy.reduce_boolean_decision(due, all=False)
        # After the last batch comes the validation, and then the checkpoint of the epoch.
        if due and not trainer.is_last_batch and not trainer.fit_loop._should_accumulate():
            trainer.save_checkpoint(self.run.last)
            self._since = time.monotonic()


class History(Callback):  # type: ignore[misc]
    """metrics.csv, one row an epoch, and what was spent over all sessions of a run.

    Kept in the checkpoint and written whole, because Lightning's own CSV logger starts a new file when a run resumes.

    Attributes
    ----------
    rows
        Of metrics.csv.
    spent
        Costs of all epochs that have ended, see ``Meter.read``, and gpu_seconds between the start and the end of steps.
    seen
        Examples of all epochs that have ended, of all processes.
    """

    def __init__(self, run: RunFolder, sampler: EpochSampler) -> None:
        self.run, self.sampler = run, sampler
        self.rows: list[list[Any]] = []
        self.spent: dict[str, float | None] = {}
        self.seen = 0
        self._batches = 0
        self._before: dict[str, float | None] = {}  # in this epoch, by a session that was stopped within it
        self._meter, self._gpu, self._begun = Meter(), False, False
        self._steps: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if (
            not self._begun
        ):  # of a session's first epoch; later ones are metered from the end of the one before, checkpoints too
            self._meter, self._begun = Meter(), True
        self._steps, self._gpu = [], trainer.strategy.root_device.type == "cuda"

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if self._gpu:
            self._steps.append((torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)))
            self._steps[-1][0].record()

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._steps:
            self._steps[-1][1].record()
        self._batches = batch_idx + 1
        self._meter.note()

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        now = self.this_epoch()
        self.spent = added(self.spent, now)
        # A budget may end an epoch before its last batch, which may be smaller than the others.
        self.seen += min(self._batches * self.sampler.together, self.sampler.examples)
        self._before = {}
        self._meter, self._steps = Meter(), []
        values: dict[str, Any] = {name: float(value) for name, value in trainer.callback_metrics.items()}
        values |= {"epoch": trainer.current_epoch + 1}
        together = of_all_processes({"cpu_seconds": now["cpu_seconds"]})
        values |= {
            "seconds": round(now["wall_seconds"] or 0.0, 3),
            "cpu_seconds": round(together["cpu_seconds"] or 0.0, 3),
        }
        values["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        self.rows.append([values.get(name, "") for name in HISTORY])
        if is_leader():
            self.run.write_csv("metrics.csv", HISTORY, self.rows)
            if trainer.progress_bar_callback is None:  # a log has a line for each epoch
                told = ", ".join(f"{name} {values[name]:.4g}" for name in SPOKEN if name in values)
                print(f"epoch {values['epoch']}: {told}, {values['seconds']:.0f} s", flush=True)

    def this_epoch(self) -> dict[str, float | None]:
        """Costs of the epoch so far."""
        now = self._meter.read()
        if self._steps:
            torch.cuda.synchronize()
        now["gpu_seconds"] = sum(begin.elapsed_time(end) for begin, end in self._steps) / 1000 if self._gpu else None
        return added(self._before, now)

    def cpu_seconds(self) -> float:
        """Of the run so far."""
        parts = (self.spent.get("cpu_seconds"), self._before.get("cpu_seconds"), self._meter.cpu_seconds())
        return sum(part or 0.0 for part in parts)

    def until(self, epoch: int) -> dict[str, float | None]:
        """What it took to the end of an epoch, from 1: best_epoch_seconds and best_epoch_cpu_seconds."""
        found: dict[str, float | None] = {}
        for name in ("seconds", "cpu_seconds"):
            column = [row[HISTORY.index(name)] for row in self.rows[:epoch]]
            found[f"best_epoch_{name}"] = sum(column) if all(isinstance(value, float) for value in column) else None
        return found

    def validated(self, epoch: int) -> dict[str, float]:
        """Validation scores of an epoch, from 1, by their columns; none that the task does not have."""
        row = zip(HISTORY, self.rows[epoch - 1], strict=True)
        return {name: value for name, value in row if name.startswith("val_") and value != ""}

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "spent": self.spent, "seen": self.seen, "begun": self.this_epoch()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # A checkpoint of an earlier version has rows without the columns that came later, and did not count examples.
        self.rows = [[*row, *[""] * (len(HISTORY) - len(row))] for row in state_dict["rows"]]
        self.spent, self._before = state_dict["spent"], state_dict["begun"]
        self.seen = state_dict.get("seen", self.sampler.examples * len(self.rows))


class CpuBudget(Callback):  # type: ignore[misc]
    """Ends a training, with a validation, once it has used so many CPU minutes, validations and earlier sessions included.

    Of several processes each has its share.

    Attributes
    ----------
    ended
        Whether it did: a training whose last batch was the last one that it had to do was not ended by it.
    """

    LOOK_EVERY = 1.0
    """Seconds: to look takes some milliseconds."""

    def __init__(self, history: History, minutes: float) -> None:
        self.history, self.seconds = history, 60 * minutes / world()
        self._since, self._due, self.ended = 0.0, False, False

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        # Resumed behind an epoch that used the last of the budget: nothing is left to do.
        if self.history.rows and (self.history.spent.get("cpu_seconds") or 0.0) >= self.seconds:
            trainer.should_stop = self.ended = True

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: Any) -> None:
        if time.monotonic() - self._since >= self.LOOK_EVERY:
            self._due, self._since = self.history.cpu_seconds() >= self.seconds, time.monotonic()
        due = self._due
        if trainer.world_size > 1:
            due = trainer.strategy.reduce_boolean_decision(due, all=False)
        if due:
            trainer.should_stop = True
            self.ended = not (trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs)


class BarcodeHistory(Callback):  # type: ignore[misc]
    """barcodes.safetensors: what a fixed sample of validation examples is given after each epoch, see ``barcodes``.

    The sample depends on the labels and the seed alone, so of a checkpoint only the probabilities are needed.

    Parameters
    ----------
    val
        The validation examples.
    most
        Examples of the sample.
    """

    def __init__(self, run: RunFolder, task: Task, val: Examples, most: int, seed: int) -> None:
        self.run, self.task, self.val, self.most, self.seed = run, task, val, most, seed
        self._epochs: list[NDArray[np.float32]] = []
        self._sample: tuple[NDArray[np.int64], NDArray[np.int64], Barcodes] | None = None

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        module.validated = self.add

    def add(self, labels: NDArray[Any], kept: NDArray[np.float64]) -> None:
        """One more epoch: labels (n,) or (n, k) and what is kept of the validation examples."""
        rows, classes, sample = self._sample or self._drawn(labels)
        self._epochs.append(self.task.probabilities(kept[rows])[:, classes].astype(np.float32))
        if is_leader():
            write_atomic(self.run.path / FILE, replace(sample, probabilities=np.stack(self._epochs)).dump())

    def _drawn(self, labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], Barcodes]:
        every = self.task.barcoded
        classes = every[choose_labels(truth_of(labels, every))]
        truth = truth_of(labels, classes)
        rows = choose_examples(truth, self.most, self.seed)
        chosen, codes = self.val.take(rows), None
        if chosen.kind == "codes":
            codes = TileDataset(chosen, 1).__getitems__(range(len(rows)))[0].numpy()
        names = tuple(self.task.classes[i] for i in classes)
        nothing = np.zeros((0, *truth[rows].shape), dtype=np.float32)
        self._sample = rows, classes, Barcodes(tuple(chosen.ids), names, len(every), truth[rows], nothing, codes)
        return self._sample

    def state_dict(self) -> dict[str, Any]:
        return {"probabilities": [torch.from_numpy(epoch) for epoch in self._epochs]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._epochs = [epoch.numpy() for epoch in state_dict["probabilities"]]
