"""Prediction: class probabilities for the records of a file, streamed, in order, in constant memory."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from classify.evaluation import device, load_run, predict_logits
from classify.tasks import Task
from classify.training import choose_precision, set_threads
from specgen.errors import InputError
from specgen.files import replacing
from specgen.records import Record, read_records
from specgen.sequences import gather_windows, tile_starts

__all__ = ["predict"]

FLUSH = 256
"""Windows gathered before the network runs."""


def predict(run: Path, source: str, out: str, *, progress: bool = True) -> dict[str, int]:
    """Write one row for each record of ``source``: id, length, tiles, predicted class, probabilities.

    Records are cut as in training (same trim, same window) into tiles whose logits are averaged. A record too short
    for one window keeps its row, with 0 tiles and empty probabilities.

    Parameters
    ----------
    run
        Folder of a trained run.
    source
        FASTA or FASTQ; "-" is standard input.
    out
        CSV file, written whole or not at all; "-" is standard output.

    Returns
    -------
    dict
        records read, those too_short, and the nt that are needed.

    Raises
    ------
    InputError
        Bad input, or a run whose model reads pictures made elsewhere.
    """
    settings, task, module = load_run(run)
    if not task.window:
        raise InputError(f"{run}: was trained on a folder of pictures; how to make them from letters is not known")
    set_threads(settings.training.threads)
    module.to(device())
    precision, _ = choose_precision(settings.training.precision)
    counts = {"records": 0, "too_short": 0, "needed": task.window + task.cut}
    with _output(out) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["id", "length", "tiles", "predicted", *(f"p_{name}" for name in task.classes)])
        records = tqdm(read_records(source, unique=False), unit=" records", disable=not progress)
        for batch in _batches(records, task, settings.training.test_tiles):
            windows = [tiles for _, tiles in batch if len(tiles)]
            logits = torch.zeros(0, task.outputs)
            if windows:
                stacked = torch.from_numpy(np.concatenate(windows))
                logits = torch.cat([predict_logits(module, part, precision) for part in stacked.split(FLUSH)])
            writer.writerows(_rows(batch, logits, task))
            counts["records"] += len(batch)
            counts["too_short"] += sum(not len(tiles) for _, tiles in batch)
    return counts


Batch = list[tuple[Record, Any]]


def _batches(records: Any, task: Task, most: int) -> Iterator[Batch]:
    """Records with their tiles, about ``FLUSH`` tiles at a time."""
    batch: Batch = []
    waiting = 0
    for record in records:
        codes = task.prepare(record.codes)
        if len(codes) >= task.window:
            tiles = gather_windows(codes, tile_starts(len(codes), task.window, most=most), task.window)
        else:
            tiles = np.zeros((0, task.window), dtype=np.uint8)
        batch.append((record, tiles))
        waiting += max(1, len(tiles))
        if waiting >= FLUSH:
            yield batch
            batch, waiting = [], 0
    if batch:
        yield batch


def _rows(batch: Batch, logits: torch.Tensor, task: Task) -> Iterator[list[Any]]:
    begin = 0
    for record, tiles in batch:
        row = [record.name, len(record.codes), len(tiles)]
        if not len(tiles):
            yield [*row, "", *("" for _ in task.classes)]
            continue
        mean = logits[begin : begin + len(tiles)].double().mean(0, keepdim=True).numpy()
        begin += len(tiles)
        probabilities = task.probabilities(mean)[0]
        yield [*row, task.classes[int(probabilities.argmax())], *(f"{p:.9g}" for p in probabilities)]


@contextmanager
def _output(out: str) -> Iterator[Any]:
    if out == "-":
        yield sys.stdout
        return
    with replacing(Path(out)) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        yield handle
