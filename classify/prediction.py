"""Prediction: class probabilities for the records of a file, streamed, in order, in constant memory.

Where tiles lie is ``tiling``'s business, what a record's tiles say together ``pooling``'s.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm
from typing_extensions import Self

from classify.evaluation import Loaded, load_run, predict_logits
from classify.pooling import POOLS
from classify.runs import RunFolder
from classify.tasks import Task
from classify.tiling import Batch, Tiled, TilingSettings, batches, windows_of
from specgen.errors import InputError
from specgen.files import read_json, take_lock, write_atomic
from specgen.ledger import identity
from specgen.records import read_records
from specgen.settings import PICTURE_VERSION

__all__ = ["load_reader", "predict", "tile_logits"]

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
        _Rows(out, columns, _pinned(loaded, run, source, tiling) if out != "-" else {}) as rows,
        tqdm(unit=" records", disable=not progress) as bar,
    ):
        for batch in _batches(loaded, source, tiling):
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
    for batch in _batches(loaded, source, tiling):
        logits, end = _logits(loaded, batch), 0
        for tiled in batch:
            begin, end = end, end + len(tiled.starts)
            yield tiled, logits[begin:end]


def load_reader(run: Path, *, answers: str = "window") -> Loaded:
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


def _batches(loaded: Loaded, source: str, tiling: TilingSettings) -> Iterator[Batch]:
    task, most = loaded.task, loaded.settings.training.test_tiles
    return batches(read_records(source, unique=False), task.prepare, task.window, tiling, most=most, size=FLUSH)


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


class _Rows:
    """A CSV file that grows a batch at a time under the name ``<out>.part``, and can be gone on with."""

    def __init__(self, out: str, columns: list[str], pinned: dict[str, Any]) -> None:
        self.out, self.columns, self.pinned = out, columns, pinned
        self.part, self.pins = Path(f"{out}.part"), Path(f"{out}.part.json")
        self.there = 0  # rows of an earlier call that are still ahead
        self.reached = 0  # of those

    def __enter__(self) -> Self:
        if self.out == "-":
            self.handle: TextIO = sys.stdout
        else:
            self._open()
        if not self.there:
            self.write([self.columns])
        return self

    def _open(self) -> None:
        if Path(self.out).is_dir():
            raise InputError(f"{self.out}: is a folder; expected the name of a CSV file")
        busy = f"{self.out}: another process is writing it"
        self.lock = take_lock(Path(f"{self.out}.part.lock"), busy, self.part)
        try:
            self.there = self._rows_there()
            if not self.there:  # in this order: what lies there is never taken for rows of this input
                self.pins.unlink(missing_ok=True)
            self.handle = self.part.open("r+" if self.there else "w", newline="", encoding="utf-8")
            if not self.there and self.pinned:
                write_atomic(self.pins, json.dumps(self.pinned) + "\n")
        except OSError as error:
            self.lock.release()
            raise InputError(f"{self.part}: cannot be written ({error.strerror or error})") from None
        except InputError:
            self.lock.release()
            raise

    def _rows_there(self) -> int:
        """Whole rows that an earlier call for the same input has written."""
        if not (self.pinned and self.part.is_file() and self.pins.is_file()):
            return 0
        with self.part.open("rb") as lines:
            there = max(0, sum(line.endswith(b"\n") for line in lines) - 1)
        before = read_json(self.pins, f"{self.pins}: no such file") if there else self.pinned
        if differs := [key for key, value in self.pinned.items() if before.get(key) != value]:
            raise InputError(
                f"{self.part}: holds predictions of another {differs[0]}; take it away, or choose another --out"
            )
        return there

    def skip(self, rows: int) -> bool:
        """Whether the next ``rows`` are there already, all of them: else what is there of them is cut off."""
        if not self.there:
            return False
        if self.reached + rows <= self.there:
            self.reached += rows
            if self.reached == self.there:
                self._cut()
            return True
        self._cut()
        return False

    def _cut(self) -> None:
        """End the file behind the rows that were reached: the next batch is then the one it was before."""
        with self.part.open("rb") as lines:
            size = sum(len(next(lines)) for _ in range(1 + self.reached))
        self.handle.seek(size)
        self.handle.truncate()
        self.there = 0

    def write(self, rows: Iterable[list[Any]]) -> None:
        """Add rows, and hand them to the system.

        Raises
        ------
        InputError
            The file cannot take them.
        """
        try:
            csv.writer(self.handle, lineterminator="\n").writerows(rows)
            self.handle.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(f"{self.out}: cannot be written ({error.strerror or error})") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        if self.out == "-":
            return
        if kind is None and self.there:  # the input has become shorter, which its hash does not allow
            self._cut()
        with suppress(OSError):  # of a full disk, which has been told
            self.handle.close()
        if kind is None:
            os.replace(self.part, self.out)
        # An input that is faulty will be so the next time; one that could not be read, or a place that is full, may not.
        elif self.pinned and not (isinstance(error, InputError) and not _passing(error)):
            self.lock.release()
            if kind is KeyboardInterrupt:
                raise KeyboardInterrupt(f"stopped; the same command goes on from {self.part}") from None
            return
        self.part.unlink(missing_ok=True)
        self.pins.unlink(missing_ok=True)
        self.lock.release()
        Path(self.lock.lock_file).unlink(missing_ok=True)


def _passing(error: InputError) -> bool:
    """Whether it comes from the system and not from what a file holds."""
    cause = error.__cause__ or error.__context__
    return isinstance(cause, OSError) and cause.errno is not None


def _rows(batch: Batch, logits: NDArray[np.float32], task: Task, tiling: TilingSettings) -> Iterator[list[Any]]:
    pool, end = POOLS[tiling.pool], 0
    for tiled in batch:
        begin, end = end, end + len(tiled.starts)
        row = [tiled.name, tiled.length, end - begin]
        told = [tiled.padded] if tiling.short == "pad" else []
        if begin == end:
            yield [*row, "", *("" for _ in task.classes), *told]
            continue
        probabilities = task.probabilities(pool(logits[begin:end])[None])[0]
        yield [*row, task.classes[int(probabilities.argmax())], *(f"{p:.9g}" for p in probabilities), *told]
