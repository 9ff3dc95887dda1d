"""The prepared file: what it holds, and reading windows of it at random.

Columns are read once; letters are mapped into memory where HDF5 keeps them, so that a window costs a copy of its bytes and
neither h5py nor a lock is involved. The prepared file is the contract between ``prepare`` and training.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.exons.negatives import NEGATIVES
from specgen.arrays import check_stored, read_attributes, read_texts
from specgen.errors import InputError
from specgen.sequences import Codes

__all__ = ["COLUMNS", "FORMAT", "KINDS", "VERSION", "PreparedSet"]

FORMAT, VERSION = "classify/exon_start", 2

KINDS = ("acceptor", "first", *NEGATIVES)
"""What a window is, by number: the first two are exon starts."""

COLUMNS: dict[str, Any] = {
    "label": np.uint8,
    "kind": np.uint8,
    "gene": np.int32,
    "locus": np.int32,
    "strand": np.int8,
    "position": np.int64,
    "split": np.uint8,
}
"""Columns beside ``codes``, of a contig; all have as many rows."""


class PreparedSet:
    """A prepared file, open for reading; n rows over all contigs.

    It may be pickled and forked: what is passed on is the columns, and every process maps the letters for itself, when it
    first needs them.

    Attributes
    ----------
    path
        Of the file.
    width
        nt of a window; the exon's first base stands at ``width // 2``.
    protocol
        The preset it was made by.
    settings, counts
        As ``prepare`` was told, and what it counted.
    kinds, genes, contigs
        Names that the columns ``kind``, ``gene`` and ``contig`` index.
    lengths
        int64 (contigs,) nt of each contig.
    label, kind, split
        uint8 (n,); split: 0 train, 1 val, 2 test.
    gene, locus, contig
        int32 (n,).
    strand
        int8 (n,) +1 or -1.
    position
        int64 (n,) 1-based genome coordinate of the base in the middle.

    Raises
    ------
    InputError
        No such file, not a prepared one, another version, or columns that are not as they should be.
    """

    label: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    split: NDArray[np.uint8]
    gene: NDArray[np.int32]
    locus: NDArray[np.int32]
    contig: NDArray[np.int32]
    strand: NDArray[np.int8]
    position: NDArray[np.int64]

    def __init__(self, path: str | Path) -> None:
        import h5py  # slow to import

        self.path = str(path)
        try:
            with h5py.File(self.path, "r") as file:
                self._read(file)
            self._seal = _seal(self.path)
        except InputError as error:
            if str(error).startswith(self.path):
                raise
            raise InputError(f"{self.path}: {error}") from None
        except FileNotFoundError:
            raise InputError(f"{self.path}: no such file; make it with python -m classify prepare") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
            raise InputError(
                f"{self.path}: cannot be read as a file of classify prepare ({' '.join(str(error).split())})"
            ) from None
        self._mapped: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.label)

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64], window: int) -> Codes:
        """Windows out of stored windows.

        Parameters
        ----------
        rows
            int64 (k,) of the n rows.
        starts
            int64 (k,) 0-based first letter within the stored window, up to ``width - window``; (width - window) // 2 keeps
            the exon's first base in the middle.
        window
            nt.

        Returns
        -------
        Codes
            uint8 (k, window).

        Raises
        ------
        IndexError
            A window that is not inside the stored one, or no such row.
        """
        rows, starts = np.asarray(rows, dtype=np.int64), np.asarray(starts, dtype=np.int64)
        if len(rows) and not (starts.min() >= 0 and starts.max() <= self.width - window):
            raise IndexError(f"starts: expected 0 to {self.width - window}, got {starts.min()} to {starts.max()}")
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"rows: expected 0 to {len(self) - 1}, got {rows.min()} to {rows.max()}")
        contig = self.contig[rows]
        places = self._offsets[contig] + (rows - self._first[contig]) * self.width + starts
        return np.lib.stride_tricks.sliding_window_view(self._letters(), window)[places]

    def _letters(self) -> NDArray[np.uint8]:
        """The whole file as bytes, mapped by this process."""
        if self._mapped is None:
            if _seal(self.path) != self._seal:
                raise InputError(f"{self.path}: has changed since it was opened")
            self._mapped = np.memmap(self.path, dtype=np.uint8, mode="r").view(np.ndarray)
        return self._mapped

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_mapped": None}

    def _read(self, file: Any) -> None:
        if "version" in file.attrs and (version := read_attributes(self.path, file, ["version"])["version"]) != VERSION:
            raise InputError(f"expected version {VERSION}, got {version}; prepare it anew")
        attributes = read_attributes(self.path, file)
        if attributes.get("format") != FORMAT:
            raise InputError(
                f"expected a file of classify prepare (format {FORMAT!r}), got {attributes.get('format')!r}"
            )
        self.width, self.protocol = int(attributes["width"]), str(attributes["protocol"])
        self.settings, self.counts = json.loads(attributes["settings"]), json.loads(attributes["counts"])
        self.kinds: list[str] = json.loads(attributes["kinds"])
        self.genes = read_texts(self.path, file["genes"])
        groups = [file[f"contigs/{i}"] for i in range(len(file["contigs"]))]
        told = [read_attributes(self.path, group) for group in groups]
        self.contigs = [str(item["name"]) for item in told]
        self.lengths = np.array([item["length"] for item in told], dtype=np.int64)
        sizes = np.array([self._size(group) for group in groups], dtype=np.int64)
        self._first = np.cumsum(sizes) - sizes
        self._offsets = np.array([group["codes"].id.get_offset() for group in groups], dtype=np.int64)
        for name, dtype in COLUMNS.items():
            column = [group[name][:] for group in groups]
            setattr(self, name, np.concatenate([np.zeros(0, dtype=dtype), *column]))
        self.contig = np.repeat(np.arange(len(groups), dtype=np.int32), sizes)
        for name, most in (("label", 2), ("kind", len(self.kinds)), ("gene", len(self.genes)), ("split", 3)):
            values = getattr(self, name)
            if len(values) and not 0 <= values.min() <= values.max() < most:
                raise InputError(f"column {name}: expected 0 to {most - 1}, got {values.min()} to {values.max()}")

    def _size(self, group: Any) -> int:
        """Rows of a contig, once its columns are as they should be."""
        where = group.name.lstrip("/")
        codes = group.get("codes")
        if codes is None or codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] != self.width:
            got = "nothing" if codes is None else f"{codes.dtype} {codes.shape}"
            raise InputError(f"{where}/codes: expected uint8 (n, {self.width}), got {got}")
        if codes.chunks is not None or codes.id.get_offset() is None:
            raise InputError(f"{where}/codes: expected contiguous and uncompressed letters; prepare it anew")
        check_stored(self.path, codes)
        for name, dtype in COLUMNS.items():
            column = group.get(name)
            if column is None or column.dtype != dtype or column.shape != codes.shape[:1]:
                got = "nothing" if column is None else f"{column.dtype} {column.shape}"
                raise InputError(f"{where}/{name}: expected {np.dtype(dtype)} ({len(codes)},), got {got}")
        return len(codes)


def _seal(path: str) -> tuple[int, int]:
    """What changes when a file does."""
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns
