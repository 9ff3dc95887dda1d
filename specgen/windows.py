"""From inputs to shards: which windows of which records are rendered, gathered into units of work.

A shard holds the letters of its windows, so whoever renders it needs no other file. Shards follow the input in order
and never mix two input files; memory holds one record and one shard. What a record is (a FASTA entry, an interval of
a genome) is told by an iterator of ``records.Record``; how a shard becomes pictures is not decided here.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specgen.records import Record
from specgen.selection import WindowSettings
from specgen.sequences import Codes, crop_start, gather_windows, tile_starts

__all__ = ["ROW", "Shard", "Source", "Tally", "count_windows", "cut_shards", "safe_name"]

ROW = ("source", "record", "class", "header", "start", "length")
"""What is told of a window; ``start`` is 0-based in the untrimmed record, ``length`` in nt."""

SLICE = 4096
"""Windows gathered at once, so that a chromosome of millions of windows costs no more memory than one of thousands."""


def safe_name(text: str, most: int = 60) -> str:
    """A file-name part from any text: ASCII letters, digits, '.', '_', '-', at most ``most``, never starting with '.'.

    What had to be changed is told apart by a hash of the original.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", text).lstrip(".-")[:most]
    if plain == text and plain:
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'record'}-{digest}"


@dataclass(frozen=True)
class Source:
    """One input: its name in the manifest, class and class number, and how to read its records (again and again)."""

    name: str
    label: str
    target: int
    read: Callable[[], Iterable[Record]]


@dataclass
class Tally:
    """What was met on the way: windows, and records that are too short for one; windows left out for ambiguity."""

    windows: int = 0
    too_short: int = 0
    ambiguous: int = 0
    last_of: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shard:
    """Windows of one input.

    Attributes
    ----------
    number
        Place in the job, from 0.
    label, target
        Class of all windows, and its number.
    source
        Name of the input.
    length
        nt of a window.
    codes
        uint8 (n, length).
    starts
        int64 (n,) 0-based, in the untrimmed record.
    owners
        int64 (n,) index into ``records``.
    records
        Number within the class (from 1), name and header of each record.
    """

    number: int
    label: str
    target: int
    source: str
    length: int
    codes: Codes
    starts: NDArray[np.int64]
    owners: NDArray[np.int64]
    records: tuple[tuple[int, str, str], ...]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def path(self) -> str:
        """Where its pictures go, without an ending: ``<class>/<number>``."""
        return f"{self.label}/{self.number:06d}"

    def names(self) -> list[str]:
        """File names of its pictures without endings, unique within their class."""
        stems = [f"{number:07d}_{safe_name(name)}" for number, name, _ in self.records]
        return [
            f"{stems[owner]}_{start}" for owner, start in zip(self.owners.tolist(), self.starts.tolist(), strict=True)
        ]

    def rows(self) -> list[tuple[str | int, ...]]:
        """``ROW`` of each window."""
        return [
            (self.source, self.records[owner][1], self.label, self.records[owner][2], start, self.length)
            for owner, start in zip(self.owners.tolist(), self.starts.tolist(), strict=True)
        ]

    def digest(self) -> str:
        """32 hexadecimal digits of everything that its pictures and their description are made of."""
        text = io.StringIO()
        csv.writer(text).writerows(self.records)
        body = hashlib.blake2b(
            f"{self.path}\n{self.target}\n{self.source}\n{text.getvalue()}".encode("utf-8", "surrogatepass")
        )
        for array in (self.codes, self.starts, self.owners):
            body.update(np.ascontiguousarray(array).tobytes())
        return body.hexdigest()[:32]


def count_windows(sources: Iterable[Source], windows: WindowSettings) -> Tally:
    """Read everything once, so that a fault anywhere in the input is met before anything is written."""
    tally = Tally()
    for source in sources:
        for record, number in _numbered(source, tally):
            for starts, _ in _slices(record, number, windows, tally):
                tally.windows += len(starts)
    return tally


def cut_shards(sources: Iterable[Source], windows: WindowSettings, size: int, tally: Tally) -> Iterator[Shard]:
    """The shards of a job in order, ``size`` windows each but for the last of an input; ``tally`` counts along."""
    number = 0
    for source in sources:
        gathered = _Gathered(source, windows.length)
        for record, order in _numbered(source, tally):
            for starts, codes in _slices(record, order, windows, tally):
                tally.windows += len(starts)
                gathered.add(record, order, starts, codes)
                while len(gathered) >= size:
                    yield gathered.take(size, number)
                    number += 1
        if len(gathered):
            yield gathered.take(size, number)
            number += 1


class _Gathered:
    """Windows that wait until a shard is full."""

    def __init__(self, source: Source, length: int) -> None:
        self.source, self.length = source, length
        self.parts: list[tuple[tuple[int, str, str], NDArray[np.int64], Codes]] = []
        self.total = 0

    def __len__(self) -> int:
        return self.total

    def add(self, record: Record, number: int, starts: NDArray[np.int64], codes: Codes) -> None:
        if len(starts):
            self.parts.append(((number, record.name, record.header), starts, codes))
            self.total += len(starts)

    def take(self, most: int, number: int) -> Shard:
        """The first ``most`` windows as a shard."""
        taken, left, count = [], [], 0
        for about, starts, codes in self.parts:
            part = min(len(starts), most - count)
            if part:
                taken.append((about, starts[:part], codes[:part]))
            if part < len(starts):
                left.append((about, starts[part:], codes[part:]))
            count += part
        self.parts, self.total = left, self.total - count
        owners = dict.fromkeys(about for about, _, _ in taken)
        index = {about: i for i, about in enumerate(owners)}
        return Shard(
            number=number,
            label=self.source.label,
            target=self.source.target,
            source=self.source.name,
            length=self.length,
            codes=np.concatenate([codes for _, _, codes in taken]),
            starts=np.concatenate([starts for _, starts, _ in taken]),
            owners=np.repeat([index[about] for about, _, _ in taken], [len(starts) for _, starts, _ in taken]),
            records=tuple(owners),
        )


def _numbered(source: Source, tally: Tally) -> Iterator[tuple[Record, int]]:
    """Records with their number within their class."""
    for record in source.read():
        number = tally.last_of[source.label] = tally.last_of.get(source.label, 0) + 1
        yield record, number


def _slices(
    record: Record, number: int, windows: WindowSettings, tally: Tally
) -> Iterator[tuple[NDArray[np.int64], Codes]]:
    """Starts (in the untrimmed record) and letters of a record's windows, a slice at a time."""
    if len(record.codes) < windows.least:
        tally.too_short += 1
        return
    total = len(record.codes) - 2 * windows.trim
    if windows.place == "tiles":
        starts = tile_starts(total, windows.length, stride=windows.stride or None, most=windows.most)
    else:
        rng = np.random.default_rng([windows.seed, number]) if windows.place == "random" else None
        starts = np.array([crop_start(total, windows.length, rng)])
    starts += windows.trim
    for low in range(0, len(starts), SLICE):
        part = starts[low : low + SLICE]
        codes = gather_windows(record.codes, part, windows.length)
        if windows.ambiguous < 1:
            keep = (np.bitwise_count(codes) != 1).mean(axis=1) <= windows.ambiguous  # A, C, G and T have one bit
            tally.ambiguous += int((~keep).sum())
            part, codes = part[keep], codes[keep]
        yield part, codes
