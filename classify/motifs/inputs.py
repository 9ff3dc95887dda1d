"""The windows that a trained run's filters are shown: its own examples, or those of a file. Nothing is computed of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.datasets import TileDataset
from classify.evaluation import Loaded
from classify.splits import SPLITS
from specgen.errors import InputError, UnknownName
from specgen.records import read_records
from specgen.sequences import Codes, gather_windows, tile_starts

__all__ = ["Windows", "run_windows", "windows_of_file"]

AT_ONCE = 4096


class Windows(NamedTuple):
    """Windows and where they are from.

    Attributes
    ----------
    codes
        uint8 (n, L).
    names
        Of the examples or records.
    labels
        int64 (n,) class of each; None where it is not known.
    told
        What was read and left out, for the report.
    """

    codes: Codes
    names: list[str]
    labels: NDArray[np.int64] | None
    told: dict[str, Any]


def _spread(n: int, most: int) -> NDArray[np.int64]:
    """Indices of at most ``most`` of n, evenly spaced; 0 = all."""
    if not most or n <= most:
        return np.arange(n)
    return np.linspace(0, n - 1, most).round().astype(np.int64)


def run_windows(loaded: Loaded, split: str, most: int) -> Windows:
    """The centre windows of a run's own examples.

    Parameters
    ----------
    split
        train, val, test, or all.
    most
        Of them, evenly spaced in each class; 0 = all.

    Raises
    ------
    InputError
        An unknown split, or one without examples.
    """
    if split not in (*SPLITS, "all"):
        raise UnknownName("split", split, (*SPLITS, "all"))
    examples = loaded.task.load()
    if split != "all":
        examples = examples.part(split)
    if not len(examples):
        raise InputError(f"split {split}: the run has no such examples")
    share = most / len(examples) if most else 1.0
    members = [np.flatnonzero(examples.labels == k) for k in range(len(examples.classes))]
    chosen = np.sort(np.concatenate([m[_spread(len(m), max(1, int(share * len(m))) if most else 0)] for m in members]))
    taken = examples.take(chosen)
    dataset = TileDataset(taken, 1)
    parts = [
        dataset.__getitems__(range(low, min(low + AT_ONCE, len(dataset))))[0].numpy()
        for low in range(0, len(dataset), AT_ONCE)
    ]
    told = {"split": split, "examples": len(examples), "windows": len(taken), "per_class": taken.per_class()}
    return Windows(np.concatenate(parts), taken.ids, taken.labels, told)


def windows_of_file(loaded: Loaded, source: str | Path, most: int) -> Windows:
    """The windows of the records of a FASTA or FASTQ file, edge to edge; records shorter than one are counted.

    Raises
    ------
    InputError
        A file that cannot be read, or holds no record of a window's length.
    """
    task = loaded.task
    short = 0
    names: list[str] = []
    parts: list[Codes] = []

    def tiles() -> Iterator[tuple[str, Codes]]:
        nonlocal short
        for record in read_records(source, unique=False):
            codes = task.prepare(record.codes)
            if len(codes) < task.window:
                short += 1
                continue
            yield record.name, gather_windows(codes, tile_starts(len(codes), task.window), task.window)

    for name, windows in tiles():
        names += [name] * len(windows)
        parts.append(windows)
    if not parts:
        raise InputError(f"{source}: has no record of {task.window} nt, the window of the run ({short} shorter ones)")
    every = np.concatenate(parts)
    chosen = _spread(len(every), most)
    told = {"file": str(source), "tiles": len(every), "windows": len(chosen), "shorter_records": short}
    return Windows(every[chosen], [names[i] for i in chosen], None, told)
