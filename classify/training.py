"""Training: a configuration into its run folder, by the one loop (Lightning's), with its checkpoints and resumption.

A run resumed from ``last.ckpt`` ends as an uninterrupted one does: crops and order of an epoch depend on the seed and the
epoch alone, dropout on the step besides, and a checkpoint holds weights, optimiser, schedule, history and position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger
from safetensors.torch import save
from torch import nn

from classify.building import build_classifier
from classify.callbacks import HISTORY, BarcodeHistory, CpuBudget, History, MovableCheckpoint, WithinEpoch
from classify.config import to_yaml
from classify.convolution import with_fast_gradients
from classify.cost import environment, flops_per_example, of_all_processes, parameter_count, reset_peaks, trained
from classify.datasets import TileDataset, evaluation_loader, train_loader
from classify.distributed import alone, check_shares, once, rank, world
from classify.examples import Examples, check_trainable
from classify.folders import SPLIT_COLUMNS, check_folder, check_split, split_rows, stopped_early
from classify.hardware import Plan, choose
from classify.module import Classifier
from classify.runs import RunFolder
from classify.sampling import make_sampler
from classify.settings import RunSettings, TrainingSettings
from classify.tasks import TASKS, Task
from classify.trainer import make_trainer, run_trainer
from specgen.errors import InputError, UnknownName, first_line
from specgen.files import write_atomic

__all__ = ["check", "fit"]


def check(settings: RunSettings, examples: Examples) -> None:
    """Whether a configuration can be trained at all: builds it and looks at one example. Writes nothing.

    Raises
    ------
    InputError
        Why not: names that do not exist, or parts that do not fit together.
    """
    options = settings.training
    plan = choose(options)
    module = build_classifier(settings, TASKS[settings.task](settings.data), examples.kind, plan)
    loader = evaluation_loader(TileDataset(examples.part("val"), options.val_tiles), options, pin=False)
    _probe(module, loader, settings)


def fit(
    settings: RunSettings,
    *,
    resume: bool = False,
    overwrite: bool = False,
    examples: Examples | None = None,
    task: Task | None = None,
    watchers: Sequence[Callback] = (),
) -> tuple[RunFolder, Examples]:
    """Train a configuration into its run folder; in each process of ``distributed.joined``.

    Parameters
    ----------
    resume
        Go on from ``last.ckpt`` of the folder; the settings must be the ones it was started with.
    overwrite
        Start anew in a folder that holds a run.
    examples
        What the task's ``load`` gave for the same data settings, where that was done already.
    task
        In place of the one that the settings name: of examples that no registered task has.
    watchers
        Further callbacks without state of their own, called after the history of an epoch is written; one may end the
        training by ``trainer.should_stop``.

    Returns
    -------
    RunFolder, Examples
        With ``model.safetensors`` of the best epoch written; still marked incomplete until it is evaluated.

    Raises
    ------
    InputError
        Bad data or names; a folder in use; a checkpoint that does not fit; too little memory; a loss that is no number.
    Interrupted
        On Ctrl-C.
    """
    with alone(settings.folder):
        return _fit(settings, resume, overwrite, examples, task or TASKS[settings.task](settings.data), watchers)


def _fit(
    settings: RunSettings,
    resume: bool,
    overwrite: bool,
    examples: Examples | None,
    task: Task,
    watchers: Sequence[Callback],
) -> tuple[RunFolder, Examples]:
    run, options = RunFolder(settings.folder), settings.training
    once(lambda: check_folder(run, settings, resume, overwrite) and None)
    state = check_folder(run, settings, resume, overwrite) if resume else None
    plan = choose(options)
    plan.apply()
    fresh = reset_peaks()
    if options.monitor not in task.monitors:
        raise UnknownName(f"training.monitor of task {settings.task!r}:", options.monitor, task.monitors)
    examples = task.load() if examples is None else examples
    check_trainable(examples)
    module = build_classifier(settings, task, examples.kind, plan, fetch=state is None)
    train, val = examples.part("train"), examples.part("val")
    task.begin(train)
    for split in ("val", "test") if (examples.split == "test").any() else ("val",):
        check_shares(split, len(examples.part(split)))
    sampler = make_sampler(train, settings.seed, options, balance=task.balanced, process=rank(), processes=world())
    loaders = (
        train_loader(train, sampler, options, pin=plan.pin_memory, reshuffle=settings.augment.reshuffle),
        evaluation_loader(TileDataset(val, options.val_tiles), options, pin=plan.pin_memory),
    )
    flops = _probe(module, loaders[1], settings)
    if plan.own_gradients:
        with_fast_gradients(module.model)
    if plan.compile:
        module.model.compile()
    once(lambda: _begin(run, settings, module, examples, plan, resume, overwrite))

    checkpoints = {"dirpath": run.last.parent, "enable_version_counter": False}
    mode = "min" if options.monitor == "val_loss" else "max"
    best = MovableCheckpoint(**checkpoints, filename="best", monitor=options.monitor, mode=mode, save_weights_only=True)
    last = MovableCheckpoint(**checkpoints, filename="last", save_on_train_epoch_end=True)
    history = History(run, sampler)
    # ``last`` comes after everything whose state it saves.
    callbacks: list[Callback] = [history, *watchers, best, last, WithinEpoch(run, options.checkpoint_minutes)]
    if options.barcodes and len(task.barcoded):
        callbacks.insert(1, BarcodeHistory(run, task, val, options.barcodes, settings.seed))
    if options.patience:
        callbacks.insert(1, EarlyStopping(options.monitor, mode=mode, patience=options.patience, min_delta=0.0))
    budget = CpuBudget(history, options.cpu_minutes)
    callbacks[1:1] = [budget] if options.cpu_minutes else []
    if state is not None:
        history.load_state_dict(state["callbacks"]["History"])
        sampler.begin(len(history.rows), state["position"]["batches"])
    if state is None or not stopped_early(state):
        trainer = make_trainer(
            settings,
            plan,
            callbacks=callbacks,
            max_epochs=options.epochs,
            gradient_clip_val=settings.optimiser.clip or None,
            logger=TensorBoardLogger(run.path, name="", version="tensorboard"),
            log_every_n_steps=10,
            num_sanity_val_steps=0,
        )
        run_trainer(trainer, module, loaders, run, options, resume)
    told = _told(history, options, mode, out_of_time=budget.ended)
    spent = history.spent if fresh else {**history.spent, "peak_rss_bytes": None}
    cost = trained(of_all_processes(spent), seen=history.seen, parameters=parameter_count(module.model))
    cost |= {**history.until(told["best_epoch"]), "flops_per_example": flops, "processes": world()}

    def finish() -> None:
        _write_weights(run, module)
        run.write_json("training.json", {"cost": cost, "training": told})

    once(finish)
    return run, examples


def _begin(
    run: RunFolder, settings: RunSettings, module: Classifier, examples: Examples, plan: Plan, resume: bool, anew: bool
) -> None:
    """What the run folder holds from its start, and the first lines on the screen."""
    if resume:
        check_split(run, examples)
    if anew:
        run.clear()
    run.begin(
        "training is not finished; repeat the command with --resume, or with --overwrite if there is no checkpoint yet"
    )
    write_atomic(run.config, to_yaml(settings))
    run.write_json("environment.json", {**environment(), "processes": world(), "plan": list(plan.reasons)})
    run.write_csv("split.csv", SPLIT_COLUMNS, split_rows(examples))
    columns, rows = module.task.listed()
    if rows:
        run.write_csv(run.labels.name, columns, rows)
    print(_headline(settings, module, examples, plan), flush=True)


def _told(history: History, options: TrainingSettings, mode: str, *, out_of_time: bool) -> dict[str, Any]:
    """What the report says of the training: what ended it, and the validation scores of the epoch that is kept."""
    scores = [row[HISTORY.index(options.monitor)] for row in history.rows]
    best = scores.index((min if mode == "min" else max)(scores)) + 1
    return {
        "best_epoch": best,
        "epochs_run": len(scores),
        "monitor": options.monitor,
        "stopped_early": len(scores) < options.epochs and not out_of_time,
        "out_of_cpu_minutes": out_of_time,
        **history.validated(best),
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
            raise InputError(f"image, preprocess: no picture can be made ({first_line(error)})") from None
        try:
            return flops_per_example(module.model, seen)
        except (RuntimeError, AssertionError, ValueError) as error:
            shape = " x ".join(map(str, seen.shape[1:]))
            why = first_line(error)
            raise InputError(f"model {settings.model!r} does not take input of {shape} ({why})") from None
        finally:
            module.train()


def _headline(settings: RunSettings, module: nn.Module, examples: Examples, plan: Plan) -> str:
    first = f"{settings.model} on {settings.task}: {parameter_count(module):,} parameters"
    return "\n".join([first, str(plan), *examples.lines()])


def _write_weights(run: RunFolder, module: Classifier) -> None:
    """model.safetensors from best.ckpt, loaded into ``module`` too, and what validation decided in that epoch."""
    if not run.best.is_file():
        raise InputError(f"{run.best}: no such file; start anew with --overwrite")
    try:
        best = torch.load(run.best, map_location="cpu", weights_only=True)
        module.load_state_dict(best["state_dict"])
    except Exception as error:  # torch names a dozen kinds of damage
        raise InputError(f"{run.best}: damaged checkpoint ({first_line(error)}); start anew with --overwrite") from None
    if best.get("decided"):
        run.write_json(run.decided.name, best["decided"])
    weights = {key: value.contiguous() for key, value in module.model.state_dict().items()}
    write_atomic(run.weights, save(weights))
