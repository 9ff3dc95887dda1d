"""Training: the one loop (Lightning's), its callbacks, checkpoints and resumption.

A run resumed from ``last.ckpt`` ends as an uninterrupted one does: crops, order and dropout of an epoch depend on the
seed and the epoch alone, and the checkpoint of each epoch holds weights, optimiser, schedule and history.
"""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import torch
import yaml
from lightning.pytorch.callbacks import Callback, EarlyStopping, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from safetensors.torch import save
from torch import nn

from classify.callbacks import History, MovableCheckpoint
from classify.config import to_yaml
from classify.cost import Meter, environment, flops_per_example, parameter_count
from classify.datasets import evaluation_loader, train_loader
from classify.examples import Examples
from classify.models import MODELS, build_model
from classify.module import Classifier
from classify.runs import RunFolder
from classify.settings import RunSettings
from classify.tasks import TASKS, Task
from classify.views import build_view
from specgen.errors import InputError
from specgen.files import write_atomic

__all__ = ["Interrupted", "build_classifier", "choose_precision", "fit", "set_threads"]


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; it can be resumed."""


def set_threads(threads: int) -> None:
    """CPU threads for torch; 0 = what this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(threads or allowed)


def choose_precision(asked: str) -> tuple[str, str]:
    """Lightning's precision, and why: bf16 where the processor computes in it, else fp32."""
    if asked != "auto":
        return asked, "as asked"
    if torch.cuda.is_available():
        return ("bf16-mixed", "GPU with bf16") if torch.cuda.is_bf16_supported() else ("32-true", "GPU without bf16")
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        flags = ""
    if "avx512_bf16" in flags or "amx_bf16" in flags:
        return "bf16-mixed", "CPU with bf16 instructions"
    return "32-true", "CPU without bf16 instructions"


def build_classifier(settings: RunSettings, task: Task, kind: str) -> Classifier:
    """View, model and task of a configuration, with freshly seeded weights.

    Parameters
    ----------
    kind
        What examples are made of, see ``Examples.kind``.
    """
    torch.manual_seed(settings.seed)
    model = build_model(settings.model, task.outputs, settings.model_options)
    view = build_view(kind, MODELS[settings.model].view, settings)
    module = Classifier(task, view, model.to(memory_format=torch.channels_last), settings.optimiser, settings.seed)
    return module


def make_trainer(settings: RunSettings, **options: Any) -> L.Trainer:
    """A quiet Lightning trainer on the best device there is."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*number of training batches.*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
    # The trainer mentions its own deprecated pytree use on every start; nothing here can change that.
    warnings.filterwarnings("ignore", message=".*treespec.*LeafSpec.*")
    precision, _ = choose_precision(settings.training.precision)
    progress = settings.training.progress
    callbacks = options.pop("callbacks", []) + ([TQDMProgressBar(leave=True)] if progress else [])
    return L.Trainer(
        accelerator="auto",
        devices=1,
        precision=precision,
        deterministic="warn",
        enable_progress_bar=progress,
        enable_model_summary=False,
        callbacks=callbacks,
        **options,
    )


def fit(settings: RunSettings, *, resume: bool = False, overwrite: bool = False) -> tuple[RunFolder, Examples]:
    """Train a configuration into its run folder.

    Parameters
    ----------
    resume
        Go on from ``last.ckpt`` of the folder; the settings must be the ones it was started with.
    overwrite
        Start anew in a folder that holds a run.

    Returns
    -------
    RunFolder, Examples
        With ``model.safetensors`` of the best epoch written; still marked incomplete until it is evaluated.

    Raises
    ------
    InputError
        Bad data or names; a folder in use; a checkpoint that does not fit.
    Interrupted
        On Ctrl-C.
    """
    run = RunFolder(settings.folder)
    _check_folder(run, settings, resume, overwrite)
    set_threads(settings.training.threads)
    task = TASKS[settings.task](settings.data)
    examples = task.load()
    module = build_classifier(settings, task, examples.kind)
    run.begin(f"training is not finished; go on with: python -m classify train --config {run.config} --resume")
    write_atomic(run.config, to_yaml(settings))
    precision, why = choose_precision(settings.training.precision)
    run.write_json("environment.json", {**environment(), "precision": f"{precision} ({why})"})
    run.write_csv("split.csv", ("id", "group", "chromosome", "label", "split"), _split_rows(examples))
    print(_headline(settings, module, examples, precision, why), flush=True)

    checkpoints = {"dirpath": run.last.parent, "enable_version_counter": False}
    monitor, mode = settings.training.monitor, "min" if settings.training.monitor == "val_loss" else "max"
    best = MovableCheckpoint(**checkpoints, filename="best", monitor=monitor, mode=mode, save_weights_only=True)
    last = MovableCheckpoint(**checkpoints, filename="last", save_on_train_epoch_end=True)
    # ``last`` comes after everything whose state it saves.
    callbacks: list[Callback] = [History(run), best, last]
    if settings.training.patience:
        callbacks.insert(1, EarlyStopping(monitor, mode=mode, patience=settings.training.patience, min_delta=0.0))
    trainer = make_trainer(
        settings,
        callbacks=callbacks,
        max_epochs=settings.training.epochs,
        gradient_clip_val=settings.optimiser.clip or None,
        logger=TensorBoardLogger(run.path, name="", version="tensorboard"),
        log_every_n_steps=10,
        num_sanity_val_steps=0,
    )
    train, val, options = examples.part("train"), examples.part("val"), settings.training
    balanced = bool(getattr(settings.data, "balance", False))
    loaders = (
        train_loader(
            train, batch_size=options.batch_size, seed=settings.seed, balance=balanced, workers=options.workers
        ),
        evaluation_loader(val, most=options.val_tiles, batch_size=2 * options.batch_size, workers=options.workers),
    )
    meter = Meter()
    _run_trainer(trainer, module, loaders, run, resume)
    cost = _cost(meter.read(), len(loaders[0].sampler) * trainer.current_epoch)  # type: ignore[arg-type]
    _write_weights(run, module)
    sample = torch.zeros(1, *loaders[1].dataset.__getitems__([0])[0].shape[1:], dtype=torch.uint8)  # type: ignore[attr-defined]
    cost["parameters"] = parameter_count(module.model)
    cost["flops_per_example"] = flops_per_example(module.model, module.view(sample).float())
    run.write_json("cost.json", cost)
    return run, examples


def _check_folder(run: RunFolder, settings: RunSettings, resume: bool, overwrite: bool) -> None:
    if resume:
        if not run.last.is_file():
            raise InputError(f"{run.path}: no checkpoint to resume from (expected {run.last})")
        try:
            torch.load(run.last, map_location="cpu", weights_only=True)
        except Exception as error:  # torch names a dozen kinds of damage
            raise InputError(f"{run.last}: damaged checkpoint ({str(error).splitlines()[0]})") from None
        old, new = yaml.safe_load(run.config.read_text()), yaml.safe_load(to_yaml(settings))
        # Where the folder lies and what the screen shows do not change the result.
        for body in (old, new):
            body.pop("runs"), body["training"].pop("progress")
        if differs := [key for key, value in _flat(new).items() if _flat(old).get(key) != value]:
            key = differs[0]
            raise InputError(
                f"{run.config}: --resume with other settings: {key} was {_flat(old).get(key)!r}, now {_flat(new)[key]!r}"
            )
    elif run.config.exists() and not overwrite:
        hint = "--resume goes on, " if run.last.is_file() and run.marker.exists() else ""
        raise InputError(f"{run.path}: holds a run already; {hint}--overwrite starts anew, --name NAME makes another")
    elif overwrite:
        for path in (run.last, run.best, run.metrics, run.weights, run.path / "cost.json"):
            path.unlink(missing_ok=True)


def _flat(body: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(body, dict) or not body:
        return {prefix: body}
    return {k: v for key, item in body.items() for k, v in _flat(item, f"{prefix}.{key}" if prefix else key).items()}


def _headline(settings: RunSettings, module: nn.Module, examples: Examples, precision: str, why: str) -> str:
    sizes = ", ".join(
        f"{split} {len(part)} ({', '.join(f'{n} {name}' for name, n in part.per_class().items())})"
        for split in ("train", "val", "test")
        for part in [examples.part(split)]
    )
    dropped = [f"{key.replace('_', ' ')}: {value}" for key, value in examples.counts.items() if value]
    return (
        f"{settings.model} on {settings.task}: {parameter_count(module):,} parameters, "
        f"{precision} ({why}), {torch.get_num_threads()} threads\n{sizes}\n" + "; ".join(dropped)
    )


def _run_trainer(trainer: L.Trainer, module: Classifier, loaders: Any, run: RunFolder, resume: bool) -> None:
    """``trainer.fit`` with the failures that are the user's business turned into one line."""
    try:
        trainer.fit(module, *loaders, ckpt_path=str(run.last) if resume else None, weights_only=True)
    except (KeyboardInterrupt, SystemExit):
        raise Interrupted(_stopped(run)) from None
    except RuntimeError as error:
        text = str(error)
        if "size mismatch" in text or "Missing key" in text:
            raise InputError(f"{run.last}: checkpoint of another model ({text.splitlines()[0]})") from None
        if "out of memory" in text.lower():
            raise InputError(
                f"out of memory at training.batch_size {loaders[0].batch_size}; try {max(1, loaders[0].batch_size // 2)}"
            ) from None
        raise
    except FloatingPointError as error:
        raise InputError(
            f"training stopped: {error}; lower optimiser.lr, or set training.precision to 32-true"
        ) from None
    except OSError as error:
        raise InputError(f"{run.path}: cannot be written ({error.strerror or error})") from None
    if trainer.interrupted:
        raise Interrupted(_stopped(run))


def _stopped(run: RunFolder) -> str:
    if not run.last.is_file():
        return "stopped before the first epoch was saved"
    return f"stopped; go on with: python -m classify train --config {run.config} --resume"


def _cost(now: dict[str, Any], examples_seen: int) -> dict[str, Any]:
    cost: dict[str, Any] = {**now, "examples_seen": examples_seen}
    cost["examples_per_second"] = examples_seen / now["wall_seconds"]
    return cost


def _write_weights(run: RunFolder, module: Classifier) -> None:
    """model.safetensors from best.ckpt, loaded into ``module`` too."""
    state = torch.load(run.best, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(state)
    weights = {key: value.contiguous() for key, value in module.model.state_dict().items()}
    write_atomic(run.weights, save(weights))


def _split_rows(examples: Examples) -> list[tuple[str, ...]]:
    labels = [examples.classes[label] for label in examples.labels]
    return list(zip(examples.ids, examples.groups, examples.chromosomes, labels, examples.split.tolist(), strict=True))
