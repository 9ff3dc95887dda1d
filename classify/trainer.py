"""Lightning's Trainer as this project uses it, and what is said when it fails. What is trained is ``training``'s business."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

import lightning as L
from safetensors.torch import save

from classify.callbacks import ProgressBar, WholeCheckpoints
from classify.distributed import rank, world
from classify.hardware import Plan, out_of_memory
from classify.module import BadLoss, Classifier
from classify.runs import RunFolder
from classify.settings import RunSettings, TrainingSettings
from specgen.errors import InputError, first_line
from specgen.files import write_atomic

__all__ = ["Interrupted", "make_trainer", "run_trainer"]


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; it can be resumed."""


def make_trainer(settings: RunSettings, plan: Plan, **options: Any) -> L.Trainer:
    """A quiet Lightning trainer."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*number of training batches.*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
    # Every process logs what it has gathered from all.
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")
    # The trainer mentions its own deprecated pytree use on every start; nothing here can change that.
    warnings.filterwarnings("ignore", message=".*treespec.*LeafSpec.*")
    progress = settings.training.progress
    callbacks = options.pop("callbacks", []) + ([ProgressBar(leave=True)] if progress else [])
    local = int(os.environ.get("LOCAL_WORLD_SIZE", world()))
    return L.Trainer(
        accelerator="gpu" if plan.device == "cuda" else "cpu",
        devices=local if world() > 1 else 1,
        num_nodes=world() // local if world() > 1 else 1,
        strategy="ddp" if world() > 1 else "auto",
        sync_batchnorm=world() > 1 and plan.device == "cuda",  # PyTorch has it for GPUs only
        use_distributed_sampler=False,  # ours do that
        precision=plan.precision,
        deterministic="warn",
        accumulate_grad_batches=settings.training.accumulate,
        enable_progress_bar=progress,
        enable_model_summary=False,
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        **options,
    )


def run_trainer(
    trainer: L.Trainer, module: Classifier, loaders: Any, run: RunFolder, options: TrainingSettings, resume: bool
) -> None:
    """``trainer.fit`` with the failures that are the user's business turned into one line."""
    try:
        trainer.fit(module, *loaders, ckpt_path=str(run.last) if resume else None, weights_only=True)
    except (KeyboardInterrupt, SystemExit):
        if rank():
            raise SystemExit(130) from None  # the first process says so
        raise Interrupted(_stopped(run)) from None
    except (RuntimeError, MemoryError) as error:
        text = str(error)
        if any(sign in text for sign in ("size mismatch", "Missing key", "Unexpected key")):
            raise InputError(f"{run.last}: checkpoint of another model ({first_line(error)})") from None
        if out_of_memory(error):
            half = f"try --training.batch_size {options.batch_size // 2} --training.accumulate {2 * options.accumulate}"
            advice = f"{half} --overwrite" if options.batch_size > 1 else "the model needs another machine"
            raise InputError(f"out of memory at training.batch_size {options.batch_size}; {advice}") from None
        raise
    except BadLoss as error:
        if error.batch is None:
            raise SystemExit(2) from None  # the process that had it says so
        columns = dict(zip(("inputs", "labels", "rows"), error.batch, strict=True))
        file = run.failed_batch(rank())
        write_atomic(file, save({key: column.contiguous().cpu() for key, column in columns.items()}))
        run.begin("the loss was no number; change optimiser.lr or training.precision, and start anew with --overwrite")
        raise InputError(
            f"training stopped: {error}; the batch is in {file}; lower optimiser.lr, or set training.precision to 32-true, "
            "with --overwrite"
        ) from None
    except OSError as error:
        raise InputError(f"{run.path}: cannot be written ({error.strerror or error})") from None
    if trainer.interrupted:
        raise Interrupted(_stopped(run))


def _stopped(run: RunFolder) -> str:
    if not run.last.is_file():
        return "stopped before the first checkpoint; start anew with --overwrite"
    command = "python" if world() == 1 else f"torchrun --nproc-per-node {os.environ.get('LOCAL_WORLD_SIZE', world())}"
    return f"stopped; go on with: {command} -m classify train --config {run.config} --resume"
