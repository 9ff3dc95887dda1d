"""Blocks of contigs through a trained network, into small files that a stopped scan goes on from.

A block is an eighth of a megabase of a contig, both strands: minutes of work. What a block gives depends on its letters and the
settings alone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from classify.evaluation import Loaded, predict_logits
from classify.scanning.peaks import local_peaks, runs
from classify.scanning.settings import STRANDS, ScanSettings
from specgen.arrays import read_archive
from specgen.errors import InputError
from specgen.files import read_json, write_atomic
from specgen.records import read_records
from specgen.sequences import INDICATORS, Codes, reverse_complement

__all__ = ["BLOCK", "Contig", "Part", "contigs_of", "parts", "scan_blocks"]

BLOCK = 1 << 17
"""nt of a block."""

_AMBIGUOUS = INDICATORS.astype(bool).sum(axis=1) > 1
"""Whether a code stands for several bases."""

HEADERS = 1 << 12
"""Bytes of an array's file that are no numbers, at most."""

AT_ONCE = 2048
"""Windows that are cut together."""


class Contig(NamedTuple):
    """A contig that is scanned: its place among all of the file, name and length [nt]."""

    number: int
    name: str
    length: int


class Part(NamedTuple):
    """What a block gave: runs of one value and peaks of one strand, 0-based, on the forward strand's coordinates."""

    contig: Contig
    strand: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    values: NDArray[np.float32]
    peaks: NDArray[np.int64]
    heights: NDArray[np.float32]
    scored: int


def contigs_of(genome: str, wanted: list[str]) -> list[Contig]:
    """The contigs to scan, in the order of the file; reads it once, so that its faults are met before anything is written.

    Raises
    ------
    InputError
        A file that cannot be read, or without a wanted contig.
    """
    every = [Contig(i, record.name, len(record.codes)) for i, record in enumerate(read_records(genome))]
    known = {contig.name for contig in every}
    if missing := [name for name in wanted if name not in known]:
        shown = ", ".join([contig.name for contig in every[:5]] + (["..."] if len(every) > 5 else []))
        raise InputError(f"{genome}: has no contig {missing[0]!r}; it has {shown}")
    return [contig for contig in every if not wanted or contig.name in wanted]


def scan_blocks(
    loaded: Loaded,
    genome: str,
    contigs: list[Contig],
    settings: ScanSettings,
    folder: Path,
    pins: dict[str, Any],
    *,
    progress: bool,
) -> int:
    """Score every block whose file is not there; how many were.

    Parameters
    ----------
    folder
        Of the blocks' files.
    pins
        What the files there have to have been made from.

    Raises
    ------
    InputError
        Files of another run, genome or setting.
    """
    told = folder / "made_from.json"
    if told.is_file():
        before = read_json(told, "")
        if differs := [key for key, value in pins.items() if before.get(key) != value]:
            raise InputError(f"{folder}: holds blocks of another {differs[0]}; take it away, or choose another --out")
    write_atomic(told, json.dumps(pins, indent=1) + "\n")
    by_name = {contig.name: contig for contig in contigs}
    strands = len(STRANDS[settings.strands])
    total = sum(contig.length for contig in contigs) * strands
    kept = 0
    with tqdm(total=total, unit="nt", unit_scale=True, disable=not progress) as bar:
        for record in read_records(genome):
            contig = by_name.get(record.name)
            for low in range(0, contig.length if contig else 0, BLOCK):
                assert contig is not None
                high = min(low + BLOCK, contig.length)
                path = _path(folder, contig, low)
                kept += path.is_file()
                if path.is_file():
                    bar.update((high - low) * strands)
                else:
                    write_atomic(path, _packed(_block(loaded, record.codes, low, high, settings, bar.update)))
    return kept


def parts(folder: Path, contigs: list[Contig], strand: int) -> Iterator[Part]:
    """What the blocks gave on one strand, in the order of the genome."""
    for contig in contigs:
        for low in range(0, contig.length, BLOCK):
            names = [f"{strand:+d}_{name}" for name in Part._fields[2:]]
            try:
                held = read_archive(_path(folder, contig, low), names, 16 * BLOCK + HEADERS)
                *columns, scored = (held[name] for name in names)
                if [column.ndim for column in (*columns, scored)] != [1] * len(columns) + [0]:
                    raise InputError(f"{_path(folder, contig, low)}: holds columns of another form")
            except InputError as error:
                raise InputError(f"{error}; take it away") from None
            starts, ends, values, peaks, heights = columns
            yield Part(contig, strand, starts, ends, values, peaks, heights, int(scored))


def _path(folder: Path, contig: Contig, low: int) -> Path:
    return folder / f"{contig.number}_{low // BLOCK}.npz"  # names from data are no paths


def _packed(columns: dict[str, Any]) -> bytes:
    held = io.BytesIO()
    np.savez_compressed(held, **columns)
    return held.getvalue()


def _block(
    loaded: Loaded, codes: Codes, low: int, high: int, settings: ScanSettings, done: Callable[[int], Any]
) -> dict[str, Any]:
    """Runs and peaks of both strands of [low, high), whose neighbours are scored, too, as far as they decide on peaks."""
    begin, end = max(0, low - settings.apart), min(len(codes), high + settings.apart)
    told: dict[str, Any] = {}
    for strand in STRANDS[settings.strands]:
        values = _values(loaded, codes, begin, end, strand, settings, done)
        # On the minus strand the first of equals is the one that transcription meets first.
        directed = values[::strand]
        found = local_peaks(directed, settings.apart, max(settings.floor, 1e-3))
        found = np.sort(found if strand > 0 else len(values) - 1 - found) + begin
        found = found[(found >= low) & (found < high)]
        inside = values[low - begin : high - begin]
        starts, ends, heights = runs(inside, settings.floor)
        columns = (starts + low, ends + low, heights, found, values[found - begin], int((inside >= 0).sum()))
        told |= {f"{strand:+d}_{name}": column for name, column in zip(Part._fields[2:], columns, strict=True)}
    return told


def _values(
    loaded: Loaded,
    codes: Codes,
    begin: int,
    end: int,
    strand: int,
    settings: ScanSettings,
    done: Callable[[int], Any],
) -> NDArray[np.float32]:
    """(end - begin,) probability of the positive class with each position in the middle of the window; -1 = not scored.

    Letters beyond the contig are blank, as in ``prepare``. ``done`` is told how many positions are.
    """
    window, letters = loaded.task.window, settings.letters
    half = window // 2
    back = half if strand > 0 else window - 1 - half
    fore = window - 1 - back
    values = np.full(end - begin, -1, dtype=np.float32)
    for first in range(begin, end, AT_ONCE):
        last = min(end, first + AT_ONCE)
        left, right = max(0, first - back), min(len(codes), last + fore)
        piece = np.zeros(last - first + window - 1, dtype=np.uint8)
        piece[left - (first - back) : right - (first - back)] = codes[left:right]
        piece = piece if strand > 0 else reverse_complement(piece)
        windows = np.lib.stride_tricks.sliding_window_view(piece, window)
        wanted = (windows[:, half - len(letters) : half] == letters).all(axis=1)
        unclear = np.cumsum(np.append(0, _AMBIGUOUS[piece]))
        wanted &= unclear[window:] - unclear[:-window] <= settings.max_ambiguous * window
        rows = np.flatnonzero(wanted)
        done(last - first)
        if not len(rows):
            continue
        logits = predict_logits(loaded, torch.from_numpy(windows[rows]))
        found = loaded.task.probabilities(logits.astype(np.float64))[:, 1]
        here = np.full(last - first, -1, dtype=np.float32)
        here[rows] = found
        values[first - begin : last - begin] = here[::strand]
    return values
