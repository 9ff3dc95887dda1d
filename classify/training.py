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
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger
from safetensors.torch import save
from torch import nn

from classify.callbacks import HISTORY, History, MovableCheckpoint, ProgressBar
from classify.config import to_yaml
from classify.cost import Meter, environment, flops_per_example, parameter_count
from classify.datasets import evaluation_loader, train_loader
from classify.examples import Examples
from classify.folders import SPLIT_COLUMNS, check_folder, check_split, split_rows, stopped_early
from classify.models import MODELS, build_model
from classify.module import Classifier
from classify.runs import RunFolder
from classify.settings import RunSettings, TrainingSettings
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
    callbacks = options.pop("callbacks", []) + ([ProgressBar(leave=True)] if progress else [])
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
    state = check_folder(run, settings, resume, overwrite)
    set_threads(settings.training.threads)
    task = TASKS[settings.task](settings.data)
    examples = task.load()
    module = build_classifier(settings, task, examples.kind)
    train, val, options = examples.part("train"), examples.part("val"), settings.training
    loaders = (
        train_loader(
            train, batch_size=options.batch_size, seed=settings.seed, balance=task.balanced, workers=options.workers
        ),
        evaluation_loader(val, most=options.val_tiles, batch_size=2 * options.batch_size, workers=options.workers),
    )
    flops = _probe(module, loaders[1], settings)
    if resume:
        check_split(run, examples)
    if overwrite:
        run.clear()
    run.begin("training is not finished; repeat the command with --resume, or with --overwrite before the first epoch")
    write_atomic(run.config, to_yaml(settings))
    precision, why = choose_precision(options.precision)
    run.write_json("environment.json", {**environment(), "precision": f"{precision} ({why})"})
    run.write_csv("split.csv", SPLIT_COLUMNS, split_rows(examples))
    print(_headline(settings, module, examples, precision, why), flush=True)

    checkpoints = {"dirpath": run.last.parent, "enable_version_counter": False}
    mode = "min" if options.monitor == "val_loss" else "max"
    best = MovableCheckpoint(**checkpoints, filename="best", monitor=options.monitor, mode=mode, save_weights_only=True)
    last = MovableCheckpoint(**checkpoints, filename="last", save_on_train_epoch_end=True)
    history = History(run)
    # ``last`` comes after everything whose state it saves.
    callbacks: list[Callback] = [history, best, last]
    if options.patience:
        callbacks.insert(1, EarlyStopping(options.monitor, mode=mode, patience=options.patience, min_delta=0.0))
    if state is not None:
        history.load_state_dict(state["callbacks"]["History"])
        # With loader processes, Lightning draws the first epoch's keys before it tells the sampler which epoch it is.
        loaders[0].sampler.set_epoch(len(history.rows))  # type: ignore[attr-defined]
    if state is None or not stopped_early(state):
        trainer = make_trainer(
            settings,
            callbacks=callbacks,
            max_epochs=options.epochs,
            gradient_clip_val=settings.optimiser.clip or None,
            logger=TensorBoardLogger(run.path, name="", version="tensorboard"),
            log_every_n_steps=10,
            num_sanity_val_steps=0,
        )
        _run_trainer(trainer, module, loaders, run, resume)
    _write_weights(run, module)
    seen = len(loaders[0].sampler) * len(history.rows)  # type: ignore[arg-type]
    cost = {**Meter().read(), **history.spent, "examples_seen": seen, "flops_per_example": flops}
    cost["examples_per_second"] = seen / max(history.spent["wall_seconds"], 1e-9)
    cost["parameters"] = parameter_count(module.model)
    run.write_json("training.json", {"cost": cost, "training": _told(history, options, mode)})
    return run, examples


def _told(history: History, options: TrainingSettings, mode: str) -> dict[str, Any]:
    """What the report says of the training."""
    scores = [row[HISTORY.index(options.monitor)] for row in history.rows]
    best = (min if mode == "min" else max)(scores)
    return {
        "best_epoch": scores.index(best) + 1,
        "epochs_run": len(scores),
        "monitor": options.monitor,
        "stopped_early": len(scores) < options.epochs,
    }


def _probe(module: Classifier, loader: Any, settings: RunSettings) -> int:
    """FLOPs of one example, found by one forward pass, before anything is written.

    Raises
    ------
    InputError
        When the model does not fit what the view makes.
    """
    sample = torch.zeros(1, *loader.dataset.__getitems__([0])[0].shape[1:], dtype=torch.uint8)
    module.eval()
    with torch.no_grad():
        try:
            seen = module.view(sample).float()
        except (RuntimeError, AssertionError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"image, preprocess: no picture can be made ({str(error).splitlines()[0]})") from None
        try:
            return flops_per_example(module.model, seen)
        except (RuntimeError, AssertionError, ValueError) as error:
            shape = " x ".join(map(str, seen.shape[1:]))
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"model {settings.model!r} does not take input of {shape} ({why})") from None
        finally:
            module.train()


def _headline(settings: RunSettings, module: nn.Module, examples: Examples, precision: str, why: str) -> str:
    sizes = ", ".join(
        f"{split} {len(part)} ({', '.join(f'{n} {name}' for name, n in part.per_class().items())})"
        for split in ("train", "val", "test")
        for part in [examples.part(split)]
    )
    dropped = [f"{key.replace('_', ' ')}: {value}" for key, value in examples.counts.items() if value]
    alone = [value for key, value in examples.counts.items() if key.endswith(("without_gene_or_locus", "without_gene"))]
    if any(alone):
        dropped.append(
            f"note: {sum(alone)} name no gene or locus and are groups of their own (data.table can name them)"
        )
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
        if any(sign in text for sign in ("size mismatch", "Missing key", "Unexpected key")):
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


def _write_weights(run: RunFolder, module: Classifier) -> None:
    """model.safetensors from best.ckpt, loaded into ``module`` too."""
    if not run.best.is_file():
        raise InputError(f"{run.best}: no such file; start anew with --overwrite")
    state = torch.load(run.best, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(state)
    weights = {key: value.contiguous() for key, value in module.model.state_dict().items()}
    write_atomic(run.weights, save(weights))
