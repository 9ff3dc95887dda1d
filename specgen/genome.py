"""The sequences of a genome by name: their lengths, and a way to cut them, in the order of the file or in any.

A genome is read with pysam where an index lies beside it (``samtools faidx``), and else streamed sequence by sequence,
which works for plain gzip, too; both give the same letters in the same order. Coordinates are 0-based and half-open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from typing_extensions import Self

from specgen.errors import InputError
from specgen.records import Record, read_records
from specgen.sequences import Codes, encode

__all__ = ["Fetch", "Genome", "read_contigs", "sequence_lengths"]

Fetch = Callable[[int, int], Codes]
"""(start, end) to uint8 codes (end - start,)."""

_PIECE = 1 << 18
"""nt fetched at once: a whole chromosome as text would need three times its length, and memory that is new each time."""


def sequence_lengths(path: str) -> dict[str, int]:
    """nt of every sequence, in the order of the genome; without an index the whole file is read.

    Raises
    ------
    InputError
        A file that cannot be read, or an index that does not fit it.
    """
    if (indexed := _indexed(path)) is not None:
        with indexed as fasta:
            return dict(zip(fasta.references, fasta.lengths, strict=True))
    return {record.name: len(record.codes) for record in read_records(path)}


def read_contigs(path: str, wanted: Collection[str]) -> Iterator[tuple[str, int, Fetch]]:
    """Name, length and a way to cut of every wanted sequence, in the order of the genome.

    Raises
    ------
    InputError
        As for ``sequence_lengths``; a letter that is no nucleotide, once it is fetched.
    """
    if (indexed := _indexed(path)) is not None:
        with indexed as fasta:
            for name, length in zip(fasta.references, fasta.lengths, strict=True):
                if name in wanted:
                    yield name, length, _fetcher(path, fasta, name)
        return
    for record in read_records(path):
        if record.name in wanted:
            yield record.name, len(record.codes), _cutter(record.codes)


class Genome:
    """The sequences of a genome in the order in which they are asked for; a context manager.

    With an index nothing of it is held in memory; without, the one sequence that was asked for last, and one that lies in
    front of it in the file costs reading the file anew.

    Attributes
    ----------
    path
        FASTA.
    lengths
        nt of every sequence, in the order of the file.
    indexed
        Whether any order is as good as another.

    Raises
    ------
    InputError
        As for ``sequence_lengths``.
    """

    def __init__(self, path: str) -> None:
        self.path, self.lengths = path, sequence_lengths(path)
        self._fasta = _indexed(path)
        self.indexed = self._fasta is not None
        self._order = {name: i for i, name in enumerate(self.lengths)}
        self._records: Iterator[Record] = iter(())
        self._held: Record | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._records, self._held = iter(()), None
        if self.indexed:
            self._fasta.close()

    def sequence(self, name: str) -> Fetch:
        """How to cut the sequence of that name; without an index good until another is asked for.

        Raises
        ------
        InputError
            There is none, or it cannot be read any more.
        """
        if name not in self.lengths:
            raise InputError(f"{self.path}: has no sequence {name!r}")
        if self.indexed:
            return _fetcher(self.path, self._fasta, name)
        before = "" if self._held is None else self._held.name
        if before != name:
            self._held = None  # not beside the next one
            if not before or self._order[name] < self._order[before]:
                self._records = read_records(self.path)
            self._held = next((record for record in self._records if record.name == name), None)
        if self._held is None or len(self._held.codes) != self.lengths[name]:
            raise InputError(f"{self.path}: changed while it was read; {name!r} is not what it was")
        return _cutter(self._held.codes)


def _cutter(codes: Codes) -> Fetch:
    return lambda start, end: codes[start:end]


def _fetcher(path: str, fasta: Any, name: str) -> Fetch:
    def fetch(start: int, end: int) -> Codes:
        codes = np.empty(max(0, end - start), dtype=np.uint8)
        for low in range(start, end, _PIECE):
            high = min(low + _PIECE, end)
            try:
                letters = fasta.fetch(name, low, high)
            except (OSError, ValueError) as error:
                raise InputError(f"{path}: {name} cannot be read ({error})") from None
            if len(letters) != high - low:
                raise InputError(f"{path}: {name}:{low + 1}-{high} is not all there; make the index anew")
            codes[low - start : high - start] = encode(letters, name=f"{path}: {name}:{low + 1}-{high}")
        return codes

    return fetch


def _indexed(path: str) -> Any:
    """pysam's reader where an index lies beside the genome; None where none does, or pysam is not there (Windows)."""
    index, genome = Path(f"{path}.fai"), Path(path)
    if not index.is_file() or not genome.is_file():
        return None
    if index.stat().st_mtime_ns < genome.stat().st_mtime_ns:
        raise InputError(f"{index}: is older than the genome; make it anew with samtools faidx, or remove it")
    with genome.open("rb") as handle:
        head = handle.read(16)
    # A bgzip block is a gzip member with an extra field named BC (SAM specification, section 4.1).
    if head.startswith(b"\x1f\x8b") and not (head[3:4] == b"\x04" and head[12:14] == b"BC"):
        raise InputError(f"{path}: is gzip and not bgzip, so {index.name} cannot serve; bgzip it, or remove the index")
    try:
        import pysam
    except ImportError:
        return None
    pysam.set_verbosity(0)  # htslib would say on stderr what the error below says
    try:
        return pysam.FastaFile(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read by its index ({error}); make it anew with samtools faidx") from None
