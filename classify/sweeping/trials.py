"""One trial of a sweep: an ordinary training through the one loop, watched at its rungs. The test split is not scored."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from classify.examples import Examples
from classify.runs import RunFolder
from classify.settings import RunSettings
from classify.sweeping.settings import StudySettings
from classify.training import fit
from specgen.errors import InputError

if TYPE_CHECKING:
    from optuna import Trial

__all__ = ["Rungs", "settle", "train_trial"]


class Rungs(Callback):  # type: ignore[misc]
    """Tells the study the metric of each epoch, and ends the training when the study says so at a rung."""

    def __init__(self, trial: Trial, options: StudySettings) -> None:
        self.trial, self.options = trial, options
        self._known = set(trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values)

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        epoch = trainer.current_epoch + 1
        if epoch not in self._known:  # told before an interruption
            self.trial.report(float(trainer.callback_metrics[self.options.monitor]), epoch)
        last = epoch == trainer.max_epochs
        if not last and self.options.decides(epoch) and self.trial.should_prune():
            self.trial.set_user_attr("pruned_at", epoch)
            trainer.should_stop = True


def train_trial(trial: Trial, settings: RunSettings, examples: Examples, options: StudySettings) -> dict[str, Any]:
    """Train a trial, or what is left of one that was interrupted; its numbers, all of the validation split.

    Raises
    ------
    InputError
        The training failed, or its folder holds somebody else's run.
    Interrupted
        On Ctrl-C; the same call goes on.
    """
    run = RunFolder(settings.folder)
    begun = run.config.exists()
    if "pruned_at" not in trial.user_attrs:
        fit(
            settings,
            resume=begun and run.last.is_file(),
            overwrite=begun and not run.last.is_file(),
            examples=examples,
            watchers=[Rungs(trial, options)],
        )
    return _result(run, options)


def _result(run: RunFolder, options: StudySettings) -> dict[str, Any]:
    try:
        with run.history.open(newline="", encoding="utf-8") as file:
            rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
        scores = [row[options.monitor] for row in rows]
        best = rows[scores.index((min if options.direction == "minimize" else max)(scores))]
        epoch, seconds = int(best["epoch"]), round(sum(row["seconds"] for row in rows), 3)
    except (OSError, ValueError, OverflowError, KeyError, TypeError, csv.Error) as error:
        raise InputError(f"{run.history}: cannot be read ({error})") from None
    kept = ("val_auroc", "val_accuracy", "val_loss", "train_loss")
    cost = run.read_training()["cost"] if (run.path / "training.json").is_file() else {}
    return {
        "folder": str(run.path),
        "value": best[options.monitor],
        "epochs": len(rows),
        "best_epoch": epoch,
        **{key: best[key] for key in kept if key in best},
        "seconds": seconds,
        **{key: cost[key] for key in ("examples_seen", "parameters") if key in cost},
    }


def settle(folder: Path, options: StudySettings) -> None:
    """What becomes of a trial's folder when it has ended: a mark that says what it is, and no weights unless wanted."""
    run = RunFolder(folder)
    if not run.config.exists():
        return
    told = f"trial of sweep {options.name!r}, judged by validation; its test split was not scored; "
    if options.keep_weights:
        run.begin(f"{told}to do so: python -m classify evaluate --run {run.path}")
        return
    run.begin(
        f"{told}its weights are gone; to train and score it: python -m classify train --config {run.config} --overwrite"
    )
    run.weights.unlink(missing_ok=True)
    shutil.rmtree(run.last.parent, ignore_errors=True)
