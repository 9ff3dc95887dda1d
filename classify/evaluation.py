"""Evaluation: a trained run on its test examples, once, into predictions.csv, metrics.json, gallery and report.

Nothing is chosen here: the weights are those that validation chose.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save
from safetensors.torch import load_file

from classify.building import build_classifier
from classify.config import parse_run
from classify.cost import Meter, of_all_processes
from classify.cost import scored as cost_of_scoring
from classify.datasets import TileDataset, evaluation_loader
from classify.distributed import gathered, is_leader
from classify.examples import Examples
from classify.hardware import Plan, choose, out_of_memory
from classify.models import MODELS
from classify.module import Classifier, average_tiles
from classify.runs import Results, RunFolder, check_inputs
from classify.settings import RunSettings
from classify.tasks import TASKS, Task
from classify.views import makes_pictures, picture_of
from specgen.errors import InputError, first_line
from specgen.files import write_atomic
from specgen.image import to_uint8
from specgen.png import write_png
from specgen.sequences import gc_share

__all__ = ["Loaded", "evaluate", "load_run", "predict_logits", "run_settings", "write_results"]

AT_ONCE = 32
"""Pictures that go through a network together on a CPU: more are no faster, and 32 take conv7 about a gigabyte."""

MOST = 1024
"""Windows of letters that do: as many as are no more numbers than ``AT_ONCE`` pictures, up to this."""

GALLERY = 6
"""Pictures of each kind (right, wrong) in the gallery."""


def run_settings(path: Path) -> RunSettings:
    """Settings of a run folder.

    Raises
    ------
    InputError
        No run there.
    """
    check_inputs(path)
    return parse_run(["--config", str(RunFolder(path).config)], "train", "")[0]


class Loaded(NamedTuple):
    """A trained run, ready to predict."""

    settings: RunSettings
    task: Task
    module: Classifier
    plan: Plan
    at_once: int = AT_ONCE


def _at_once(module: Classifier, window: int) -> int:
    """Windows that go through the network together on a CPU."""
    if not window:
        return AT_ONCE
    with torch.inference_mode():
        numbers = module.view(torch.zeros(1, window, dtype=torch.uint8, device=module.device)).numel()
    return max(AT_ONCE, min(MOST, AT_ONCE * 3 * 224 * 224 // numbers))


def load_run(path: Path, kind: str = "codes", *, answers: str | Collection[str] = "window") -> Loaded:
    """Settings, task and trained network of a run folder, on the device that predicts.

    Parameters
    ----------
    kind
        What the network is going to be fed, see ``Examples.kind``.
    answers
        What its logits are going to be read as, see ``Task.answers``; one or several.

    Raises
    ------
    InputError
        No run there, no weights in it, or the weights of another model; logits of something else.
    """
    settings, run = run_settings(path), RunFolder(path)
    task = TASKS[settings.task](settings.data)
    if settings.model not in MODELS:
        raise InputError(
            f"{path}: {settings.model!r} is a baseline, not a network; python -m classify evaluate --on scores other data"
        )
    if not run.weights.is_file():
        raise InputError(f"{run.weights}: no weights; is the training finished?")
    known = [answers] if isinstance(answers, str) else list(answers)
    if task.answers not in known:
        asked = " or ".join(known)
        raise InputError(
            f"{path}: its model answers for each {task.answers}; expected one that answers for each {asked}"
        )
    plan = choose(settings.training)
    plan.apply()
    module = build_classifier(settings, task, kind, plan, fetch=False)
    try:
        module.model.load_state_dict(load_file(run.weights))
    except (RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{run.weights}: does not hold the weights of model {settings.model!r} ({first_line(error)})"
        ) from None
    module = module.eval().to(plan.device)
    return Loaded(settings, task, module, plan, _at_once(module, task.window if kind == "codes" else 0))


def predict_logits(loaded: Loaded, inputs: torch.Tensor) -> NDArray[np.float32]:
    """Logits (B, k) of one batch, on the device and in the precision of the plan; in halves where memory is short.

    Raises
    ------
    InputError
        Too little memory for a single window.
    """
    if loaded.plan.device == "cpu" and len(inputs) > loaded.at_once:
        return np.concatenate([predict_logits(loaded, part) for part in inputs.split(loaded.at_once)])
    try:
        with torch.inference_mode(), loaded.plan.autocast():
            logits = loaded.module.scored(inputs.to(loaded.plan.device, non_blocking=True)).cpu().numpy()
        return np.asarray(logits, dtype=np.float32)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
    if len(inputs) == 1:
        raise InputError("out of memory with a single window; the model needs another machine")
    return np.concatenate([predict_logits(loaded, half) for half in inputs.chunk(2)])


def evaluate(settings: RunSettings, run: RunFolder, examples: Examples, into: Results | None = None) -> dict[str, Any]:
    """Score the test examples of a run and write everything that a report needs; each process scores its share.

    Parameters
    ----------
    examples
        What the task loaded; only the test part is scored.
    into
        Where the results go; default: to the run itself.

    Returns
    -------
    dict
        The body of ``metrics.json``; nothing in processes that do not write it.
    """
    from tqdm import tqdm

    into = into or Results(run, settings.name)
    test = examples.part("test")
    task = TASKS[settings.task](settings.data)
    loaded = load_run(run.path, test.kind, answers=task.answers)
    dataset = TileDataset(test, settings.training.test_tiles)
    loader = evaluation_loader(dataset, settings.training, pin=loaded.plan.pin_memory)
    meter, columns = Meter(), []
    quiet = not (settings.training.progress and is_leader())
    for inputs, labels, rows in tqdm(loader, "test", disable=quiet, leave=False):
        logits, truth = predict_logits(loaded, inputs), task.truth(inputs, labels, training=False)
        columns.append((task.kept(torch.from_numpy(logits), truth).numpy(), labels.numpy(), rows.numpy()))
    parts, columns = [list(column) for column in zip(*columns, strict=True)], []  # a part goes when its table is whole
    scored, labels, rows = gathered(*(np.concatenate(parts.pop(0)) for _ in range(3)))
    spent = of_all_processes(meter.read())
    if not is_leader():
        return {}
    kept, _ = average_tiles(scored, labels, rows, lean=test.targets is not None)
    tiles = np.bincount(rows, minlength=len(test))
    trained = run.read_training()
    trained["cost"] |= cost_of_scoring(spent, int(tiles.sum()))
    if makes_pictures(loaded.module.view) and test.targets is None:  # of several labels none is the right one
        _write_gallery(into.folder, loaded, test, task.probabilities(kept))
    return write_results(
        into.folder,
        task,
        test,
        kept,
        tiles,
        name=into.name,
        split=into.split,
        repeat=into.repeat,
        model=settings.model,
        note=MODELS[settings.model].note,
        cost=trained["cost"],
        training=trained["training"],
        data={**examples.counts, "test_tiles": int(tiles.sum())},
        seed=settings.seed,
        decided=run.read_decided(),
    )


def write_results(
    run: RunFolder,
    task: Task,
    test: Examples,
    kept: NDArray[Any],
    tiles: NDArray[np.int64],
    *,
    name: str,
    model: str,
    note: str,
    cost: dict[str, Any],
    data: dict[str, Any],
    seed: int,
    decided: Mapping[str, Any],
    training: dict[str, Any] | None = None,
    command: str = "train",
    split: str = "test",
    repeat: str = "",
) -> dict[str, Any]:
    """predictions.csv, metrics.json and report.html of what is kept of test examples (n, c), see ``Task.kept``; ends the run."""
    from classify.reporting.page import write_report

    columns, cells = task.table(test, kept)
    run.write_csv(
        "predictions.csv",
        ["id", "group", "chromosome", "length", "gc", "tiles", *columns],
        [
            (
                test.ids[i],
                test.groups[i],
                test.chromosomes[i],
                int(test.lengths[i]),
                "" if test.sequences is None else f"{gc_share(test.sequences[i]):.6g}",
                int(tiles[i]),
                *cells[i],
            )
            for i in range(len(test))
        ],
    )
    if arrays := task.arrays(test, kept):
        write_atomic(run.path / "predictions.safetensors", save(arrays))
    body = {
        "task": task.name,
        "model": model,
        "model_note": note,
        "name": name,
        "split": split,
        "repeat": repeat,
        "command": command,
        "data": data,
        "training": training or {},
        **task.body(test, kept, seed, decided),
        "cost": cost,
    }
    run.write_json("metrics.json", body)
    write_report(run.path)
    run.finish()
    return body


def _write_gallery(run: RunFolder, loaded: Loaded, test: Examples, probabilities: NDArray[np.float64]) -> None:
    """The surest right and the surest wrong pictures of each class, as the network saw them."""
    predicted = probabilities.argmax(axis=1)
    sureness = probabilities.max(axis=1)
    chosen: list[tuple[int, str]] = []
    for kind, mask in (("right", predicted == test.labels), ("wrong", predicted != test.labels)):
        for label in range(len(test.classes)):
            members = np.flatnonzero(mask & (test.labels == label))
            order = members[np.argsort(-sureness[members], kind="stable")]
            chosen += [(int(i), kind) for i in order[: GALLERY // len(test.classes)]]
    if not chosen:
        return
    subset = test.take(np.array([i for i, _ in chosen]))
    inputs, _, _ = TileDataset(subset, 1).__getitems__(range(len(chosen)))
    pictures = picture_of(loaded.module.view, inputs.to(loaded.plan.device))
    if pictures is None:
        return
    folder = run.path / "gallery"
    folder.mkdir(exist_ok=True)
    entries: list[dict[str, Any]] = []
    for (row, kind), picture in zip(chosen, to_uint8(pictures), strict=True):
        file = f"{kind}_{len(entries):03d}.png"
        write_png(folder / file, picture)
        label, guess = test.classes[test.labels[row]], test.classes[predicted[row]]
        entries.append(
            {
                "file": file,
                "id": test.ids[row],
                "label": label,
                "predicted": guess,
                "probability": float(sureness[row]),
                "kind": kind,
            }
        )
    run.write_json("gallery/gallery.json", entries)
