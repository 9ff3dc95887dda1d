"""Lightning callbacks of a run: its history, and checkpoints that survive a move of the folder."""

from __future__ import annotations

import os
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar

from classify.cost import Meter
from classify.runs import RunFolder

__all__ = ["HISTORY", "History", "MovableCheckpoint", "ProgressBar"]

HISTORY = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_auroc", "lr", "seconds")
"""Columns of metrics.csv."""


class MovableCheckpoint(ModelCheckpoint):  # type: ignore[misc]
    """A checkpoint callback that keeps its best score when the run folder was moved before resuming."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def here(path: str) -> str:
            return os.path.join(str(self.dirpath), os.path.basename(path)) if path else path

        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        moved = {**state_dict, "dirpath": self.dirpath, **{key: here(state_dict.get(key, "")) for key in paths}}
        moved["best_k_models"] = {here(path): score for path, score in state_dict.get("best_k_models", {}).items()}
        super().load_state_dict(moved)


class ProgressBar(TQDMProgressBar):  # type: ignore[misc]
    """Lightning's progress bar without the logger's version, which means nothing here."""

    def get_metrics(self, trainer: L.Trainer, module: L.LightningModule) -> dict[str, Any]:
        metrics: dict[str, Any] = super().get_metrics(trainer, module)
        metrics.pop("v_num", None)
        return metrics


class History(Callback):  # type: ignore[misc]
    """metrics.csv, one row an epoch, and the time spent over all sessions of a run.

    Kept in the checkpoint and written whole, because Lightning's own CSV logger starts a new file when a run resumes.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.rows: list[list[Any]] = []
        self.spent = {"wall_seconds": 0.0, "cpu_seconds": 0.0}
        self._meter = Meter()

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._meter = Meter()

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        now = self._meter.read()
        self.spent = {key: before + now[key] for key, before in self.spent.items()}
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        values |= {"epoch": trainer.current_epoch + 1, "seconds": round(now["wall_seconds"], 3)}
        values["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        self.rows.append([values.get(name, "") for name in HISTORY])
        self.run.write_csv("metrics.csv", HISTORY, self.rows)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "spent": self.spent}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, self.spent = state_dict["rows"], state_dict["spent"]
