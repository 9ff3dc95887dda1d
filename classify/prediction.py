"""Prediction: class probabilities for the records of a file, streamed, in order, in constant memory.

Where tiles lie is ``tiling``'s business, what a record's tiles say together ``pooling``'s.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from classify.evaluation import Loaded, load_run, predict_logits
from classify.growing import GrowingTable
from classify.pooling import POOLS
from classify.runs import RunFolder
from classify.tasks import Task
from classify.tiling import Batch, Tiled, TilingSettings, batches, windows_of
from specgen.errors import InputError
from specgen.ledger import identity
from specgen.records import Record, read_records
from specgen.settings import PICTURE_VERSION

__all__ = ["load_reader", "predict", "tile_logits", "verdicts"]

FLUSH = 256
"""Windows gathered before the network runs."""


DEFAULT = TilingSettings()


def predict(
    run: Path, source: str, out: str, *, tiling: TilingSettings = DEFAULT, progress: bool = True
) -> dict[str, int]:
    """Write one row for each record of ``source``: id, length, tiles, predicted class, probabilities.

    Records are cut as in training (same trim, same window) into tiles whose logits are averaged, or pooled by another
    rule. A record too short for one window keeps its row, with 0 tiles and empty probabilities, unless it is padded: then
    it has 1 tile, and a column says how many blank letters stand behind each record's. Rows are written as they come, to
    ``<out>.part`` until all are there; the same call goes on behind those that are written, and ends in the same bytes.

    Parameters
    ----------
    run
        Folder of a trained run.
    source
        FASTA or FASTQ; "-" is standard input.
    out
        CSV file; "-" is standard output.
    tiling
        Where tiles lie, what becomes of short records, and how a record's tiles are pooled.

    Returns
    -------
    dict
        records read, those too_short, those padded, those resumed (written by an earlier call), and the nt that are
        needed.

    Raises
    ------
    InputError
        Bad input, a run whose model reads pictures made elsewhere, or an ``<out>.part`` of another run, input or tiling.
    """
    loaded = load_reader(run)
    task = loaded.task
    POOLS[tiling.pool].check(task.outputs if task.exclusive else 1)
    counts = {"records": 0, "too_short": 0, "padded": 0, "resumed": 0, "needed": task.window + task.cut}
    columns = ["id", "length", "tiles", "predicted", *(f"p_{name}" for name in task.classes)]
    columns += ["padded"] if tiling.short == "pad" else []
    with (
        GrowingTable(out, columns, _pinned(loaded, run, source, tiling) if out != "-" else {}) as rows,
        tqdm(unit=" records", disable=not progress) as bar,
    ):
        for batch in _batches(loaded, _records(source), tiling):
            counts["records"] += len(batch)
            counts["too_short"] += sum(not len(tiled.starts) for tiled in batch)
            counts["padded"] += sum(tiled.padded > 0 for tiled in batch)
            if rows.skip(len(batch)):
                counts["resumed"] += len(batch)
            else:
                rows.write(_rows(batch, _logits(loaded, batch), task, tiling))
            bar.update(len(batch))
    return counts


def tile_logits(
    run: Path, source: str, *, tiling: TilingSettings = DEFAULT
) -> Iterator[tuple[Tiled, NDArray[np.float32]]]:
    """The records of ``source`` in order, each with the logits (T, k) of its tiles, left to right; nothing is pooled.

    Raises
    ------
    InputError
        As ``predict``.
    """
    loaded = load_reader(run)
    for batch in _batches(loaded, _records(source), tiling):
        logits, end = _logits(loaded, batch), 0
        for tiled in batch:
            begin, end = end, end + len(tiled.starts)
            yield tiled, logits[begin:end]


def load_reader(run: Path, *, answers: str | Collection[str] = "window") -> Loaded:
    """A trained run that windows of letters can be given to.

    Parameters
    ----------
    answers
        See ``load_run``.

    Raises
    ------
    InputError
        As ``load_run``; a run whose model reads pictures made elsewhere.
    """
    loaded = load_run(run, answers=answers)
    if not loaded.task.window:
        raise InputError(f"{run}: was trained on a folder of pictures; how to make them from letters is not known")
    return loaded


def verdicts(
    loaded: Loaded, records: Iterable[Record], tiling: TilingSettings = DEFAULT
) -> Iterator[tuple[Tiled, NDArray[np.float64] | None]]:
    """What ``predict`` says of records, in order: each with its probabilities (k,); None where it is too short for a verdict.

    Raises
    ------
    InputError
        A way of pooling that needs two classes where there are not two.
    """
    task = loaded.task
    POOLS[tiling.pool].check(task.outputs if task.exclusive else 1)
    for batch in _batches(loaded, records, tiling):
        yield from _verdicts(batch, _logits(loaded, batch), task, tiling)


def _records(source: str) -> Iterator[Record]:
    return read_records(source, unique=False)


def _batches(loaded: Loaded, records: Iterable[Record], tiling: TilingSettings) -> Iterator[Batch]:
    task, most = loaded.task, loaded.settings.training.test_tiles
    return batches(records, task.prepare, task.window, tiling, most=most, size=FLUSH)


def _logits(loaded: Loaded, batch: Batch) -> NDArray[np.float32]:
    """Logits (tiles of the batch, k)."""
    parts = [np.zeros((0, loaded.task.outputs), dtype=np.float32)]
    for windows in windows_of(batch, loaded.task.window, FLUSH):
        parts.append(predict_logits(loaded, torch.from_numpy(windows)))
    return np.concatenate(parts)


def _pinned(loaded: Loaded, run: Path, source: str, tiling: TilingSettings) -> dict[str, Any]:
    """What a partial file has to agree in before it is gone on with; nothing where the input can be read only once."""
    letters = identity(source)
    if not letters:
        return {}
    sums = {"input": letters, "model": identity(str(RunFolder(run).weights))}
    plan = loaded.plan  # moves the last digits
    return {
        **sums,
        "settings": identity(str(RunFolder(run).config)),
        "pictures": PICTURE_VERSION,
        "machine": [plan.device, plan.precision, plan.memory_format, plan.threads],
        **dataclasses.asdict(tiling),
    }


def _verdicts(
    batch: Batch, logits: NDArray[np.float32], task: Task, tiling: TilingSettings
) -> Iterator[tuple[Tiled, NDArray[np.float64] | None]]:
    pool, end = POOLS[tiling.pool], 0
    for tiled in batch:
        begin, end = end, end + len(tiled.starts)
        yield tiled, task.probabilities(pool(logits[begin:end])[None])[0] if end > begin else None


def _rows(batch: Batch, logits: NDArray[np.float32], task: Task, tiling: TilingSettings) -> Iterator[list[Any]]:
    for tiled, probabilities in _verdicts(batch, logits, task, tiling):
        row = [tiled.name, tiled.length, len(tiled.starts)]
        told = [tiled.padded] if tiling.short == "pad" else []
        if probabilities is None:
            yield [*row, "", *("" for _ in task.classes), *told]
            continue
        yield [*row, task.classes[int(probabilities.argmax())], *(f"{p:.9g}" for p in probabilities), *told]
