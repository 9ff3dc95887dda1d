"""Tiles of whole records for prediction: where they lie, what happens to records shorter than one, and their windows.

Memory is a few hundred windows and one record, however long the record is, plus 16 bytes a tile of that record. NumPy
only; the network that reads the windows lives in ``evaluation``, what becomes of its answers in ``pooling``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classify.pooling import POOLS
from specgen.errors import InputError, UnknownName
from specgen.sequences import Codes, gather_windows, pad, tile_starts

if TYPE_CHECKING:
    from specgen.parser import CommandParser
    from specgen.records import Record  # dnaio would slow down --help

__all__ = ["SHORT", "Batch", "Tiled", "TilingSettings", "add_tiling", "batches", "windows_of"]

SHORT = ("skip", "pad")


@dataclass(frozen=True)
class TilingSettings:
    """How a whole record becomes one verdict.

    Attributes
    ----------
    pool
        What makes the verdict of a record from those of its tiles, see ``POOLS``.
    stride
        nt between the starts of two tiles, over the whole record; the last one ends with the record. 0 = edge to edge,
        and no more of them than in the test of the run.
    short
        What becomes of records shorter than a window: skip = no verdict; pad = one tile, blank behind the letters.
    """

    pool: str = "mean"
    stride: int = 0
    short: str = "skip"

    def __post_init__(self) -> None:
        POOLS[self.pool]
        if self.stride < 0:
            raise InputError(f"stride: expected 1 nt or more, or 0 for tiles edge to edge, got {self.stride}")
        if self.short not in SHORT:
            raise UnknownName("way with short records", self.short, SHORT)

    def starts(self, total: int, window: int, most: int) -> NDArray[np.int64]:
        """0-based starts of the tiles of ``total`` >= ``window`` nt; ``most`` counts without a stride only."""
        if self.stride:
            return tile_starts(total, window, stride=self.stride)
        return tile_starts(total, window, most=most)


def add_tiling(parser: CommandParser) -> None:
    """The options ``--pool``, ``--stride`` and ``--short`` of commands that give verdicts on whole records."""
    parser.add_argument(
        "--pool",
        type=str,
        default="mean",
        help=f"what a record's tiles say together: {', '.join(POOLS)}, top:N (mean of the N surest), "
        "run:N (the surest N neighbours)",
    )
    parser.add_argument(
        "--stride",
        type=int,
        default=0,
        help="nt between tiles, over the whole record; 0: edge to edge, and no more of them than in the run's test",
    )
    parser.add_argument(
        "--short",
        type=str,
        default="skip",
        help="records shorter than a window: skip (a row without a verdict) or pad (blank letters behind them)",
    )


@dataclass(frozen=True)
class Tiled:
    """A record and its tiles.

    Attributes
    ----------
    name
        Of the record.
    length
        nt of the whole record.
    padded
        Blank letters behind it in its only tile, in nt; 0 = none.
    codes, starts
        The letters that are still needed, and where in them the tiles begin: int64 (T,); none for a record without a
        verdict.
    """

    name: str
    length: int
    padded: int
    codes: Codes
    starts: NDArray[np.int64]


Batch = list[Tiled]


def batches(
    records: Iterable[Record],
    prepare: Callable[[Codes], Codes],
    window: int,
    settings: TilingSettings,
    *,
    most: int,
    size: int,
) -> Iterator[Batch]:
    """Records with their tiles, about ``size`` tiles at a time.

    Parameters
    ----------
    prepare
        What is left of a record before tiles are cut.
    window
        nt of a tile.
    most
        Most tiles of a record where no stride is set; 0 = all.
    """
    batch: Batch = []
    waiting = 0
    for record in records:
        codes = prepare(record.codes)
        padded = max(0, window - len(codes)) if settings.short == "pad" else 0
        codes = pad(codes, window) if padded else codes
        starts = settings.starts(len(codes), window, most) if len(codes) >= window else np.zeros(0, dtype=np.int64)
        batch.append(Tiled(record.name, len(record.codes), padded, *_needed(codes, starts, window)))
        waiting += max(1, len(starts))
        if waiting >= size:
            yield batch
            batch, waiting = [], 0
    if batch:
        yield batch


def _needed(codes: Codes, starts: NDArray[np.int64], window: int) -> tuple[Codes, NDArray[np.int64]]:
    """The record, or its tiles alone where they are fewer letters: it may be a chromosome, of which 8 tiles are read."""
    if len(starts) * window >= len(codes):
        return codes, starts
    tiles = gather_windows(codes, starts, window) if len(starts) else np.zeros((0, window), dtype=np.uint8)
    return tiles.reshape(-1), np.arange(len(starts), dtype=np.int64) * window


def windows_of(batch: Batch, window: int, most: int) -> Iterator[Codes]:
    """The windows of all tiles of a batch in order, uint8 (n, window), as evenly as can be in pieces of ``most`` at most."""
    counts = np.array([len(tiled.starts) for tiled in batch], dtype=np.int64)
    ends = np.cumsum(counts)
    total = int(counts.sum())
    pieces = -(-total // most)
    for piece in range(pieces):
        low, high = total * piece // pieces, total * (piece + 1) // pieces
        parts = []
        for i in range(int(np.searchsorted(ends, low, side="right")), len(batch)):
            begin = int(ends[i] - counts[i])
            if begin >= high:
                break
            starts = batch[i].starts[max(0, low - begin) : high - begin]
            if len(starts):
                parts.append(gather_windows(batch[i].codes, starts, window))
        yield np.concatenate(parts)
