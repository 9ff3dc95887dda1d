"""Blocks of contigs through a trained network, into small files that a stopped scan goes on from.

A block is an eighth of a megabase of a contig, in whole steps, on all strands and of all labels: minutes of work. What it gives
depends on its letters and the settings alone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from classify.peaks.places import Intervals
from classify.scanning.peaks import local_peaks, runs
from classify.scanning.settings import STRANDS
from classify.scanning.values import BLANK, Scored
from specgen.arrays import read_archive
from specgen.errors import InputError
from specgen.files import read_json, write_atomic
from specgen.records import read_records
from specgen.sequences import Codes

__all__ = ["BLOCK", "Contig", "Part", "contigs_of", "parts", "scan_blocks", "wanted_of"]

BLOCK = 1 << 17
"""nt of a block; the last whole step ends it."""

HEADERS = 1 << 12
"""Bytes of an array's file that are no numbers, at most."""


class Contig(NamedTuple):
    """A contig that is scanned: its place among all of the file, name and length [nt]."""

    number: int
    name: str
    length: int


class Part(NamedTuple):
    """What a block gave: runs of one value and peaks (starts of their steps) of one strand and label, 0-based, on the forward
    strand's coordinates; how many steps have a value, the sum of these before they were rounded, and how many have none for the
    blank letters beyond the ends of the contig."""

    contig: Contig
    strand: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    values: NDArray[np.float32]
    peaks: NDArray[np.int64]
    heights: NDArray[np.float32]
    scored: int
    total: float
    blank: int


def contigs_of(genome: str) -> list[Contig]:
    """All contigs, in the order of the file; reads it once, so that its faults are met before anything is written.

    Raises
    ------
    InputError
        A file that cannot be read.
    """
    return [Contig(i, record.name, len(record.codes)) for i, record in enumerate(read_records(genome))]


def wanted_of(every: Sequence[Contig], wanted: Sequence[str], genome: str) -> list[Contig]:
    """The contigs that are named, or all where none is, in the order of the file.

    Raises
    ------
    InputError
        A name that none of them has.
    """
    known = {contig.name for contig in every}
    if missing := [name for name in wanted if name not in known]:
        shown = ", ".join([contig.name for contig in every[:5]] + (["..."] if len(every) > 5 else []))
        raise InputError(f"{genome}: has no contig {missing[0]!r}; it has {shown}")
    return [contig for contig in every if not wanted or contig.name in wanted]


def scan_blocks(
    scored: Scored,
    genome: str,
    contigs: list[Contig],
    regions: Mapping[str, Intervals] | None,
    folder: Path,
    pins: dict[str, Any],
    *,
    progress: bool,
) -> int:
    """Score every block whose file is not there; how many were.

    Parameters
    ----------
    regions
        Of contigs, where alone is looked; of a contig that is not there, nowhere. None = everywhere.
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
    total = sum(contig.length for contig in contigs) * scored.passes
    kept = 0
    with tqdm(total=total, unit="nt", unit_scale=True, disable=not progress) as bar:
        for record in read_records(genome):
            contig = by_name.get(record.name)
            inside = None if regions is None else regions.get(record.name, Intervals.of([]))
            for low, high in _blocks(contig.length if contig else 0, scored.settings.step):
                assert contig is not None
                path = _path(folder, contig, low)
                kept += path.is_file()
                if path.is_file():
                    bar.update((high - low) * scored.passes)
                else:
                    write_atomic(path, _packed(_block(scored, record.codes, inside, low, high, bar.update)))
    return kept


def parts(folder: Path, contigs: list[Contig], step: int, strand: int, output: int) -> Iterator[Part]:
    """What the blocks gave on one strand of one output, in the order of the genome."""
    for contig in contigs:
        for low, _ in _blocks(contig.length, step):
            names = [_member(strand, output, name) for name in Part._fields[2:]]
            try:
                held = read_archive(_path(folder, contig, low), names, 16 * BLOCK + HEADERS)
                *columns, scored, total, blank = (held[name] for name in names)
                if [column.ndim for column in (*columns, scored, total, blank)] != [1] * len(columns) + [0, 0, 0]:
                    raise InputError(f"{_path(folder, contig, low)}: holds columns of another form")
            except InputError as error:
                raise InputError(f"{error}; take it away") from None
            starts, ends, values, peaks, heights = columns
            yield Part(contig, strand, starts, ends, values, peaks, heights, int(scored), float(total), int(blank))


def _blocks(length: int, step: int) -> Iterator[tuple[int, int]]:
    """0-based starts and ends of the blocks of a contig."""
    whole = max(1, BLOCK // step) * step
    for low in range(0, length, whole):
        yield low, min(low + whole, length)


def _path(folder: Path, contig: Contig, low: int) -> Path:
    return folder / f"{contig.number}_{low}.npz"  # names from data are no paths


def _packed(columns: dict[str, Any]) -> bytes:
    held = io.BytesIO()
    np.savez_compressed(held, **columns)
    return held.getvalue()


def _block(
    scored: Scored, codes: Codes, regions: Intervals | None, low: int, high: int, done: Callable[[int], Any]
) -> dict[str, Any]:
    """Runs and peaks of all tracks of [low, high), whose neighbours are scored, too, as far as they decide on peaks."""
    settings = scored.settings
    step, apart = settings.step, -(-settings.apart // settings.step) if scored.calls else 0
    first, last = low // step, -(-high // step)
    begin, end = max(0, first - apart), min(-(-len(codes) // step), last + apart)
    told: dict[str, Any] = {}
    for strand in STRANDS[settings.strands]:
        found_values = scored.values(codes, begin, end, regions, strand, done)
        for output, values in zip(scored.outputs, found_values, strict=True):
            found = _peaks(values, apart, scored.floor, strand) if scored.calls else np.zeros(0, dtype=np.int64)
            found = found[(found + begin >= first) & (found + begin < last)]
            inside = values[first - begin : last - begin]
            starts, ends, heights = runs(inside, scored.floor, scored.decimals)
            there = inside[inside >= 0]
            places = [low + step * starts, np.minimum(low + step * ends, len(codes)), heights]
            sums = len(there), there.sum(dtype=np.float64), int((inside == BLANK).sum())
            columns = (*places, step * (found + begin), values[found], *sums)
            told |= {_member(strand, output, name): x for name, x in zip(Part._fields[2:], columns, strict=True)}
    return told


def _peaks(values: NDArray[np.float32], apart: int, floor: float, strand: int) -> NDArray[np.int64]:
    """Indices of the peaks, ascending."""
    # On the minus strand the first of equals is the one that transcription meets first.
    found = local_peaks(values[:: strand or 1], apart, max(floor, 1e-3))
    return np.sort(found if strand >= 0 else len(values) - 1 - found)


def _member(strand: int, output: int, name: str) -> str:
    return f"{strand:+d}_{output}_{name}"
