"""DeepSEA's files: windows one-hot and their labels as two arrays, read in place, a batch of rows at a time.

MATLAB 7.3 files are HDF5: chunked arrays are read by h5py, some neighbouring rows at once; contiguous ones are mapped into
memory. Packed arrays of MATLAB 5 files cannot be read in parts and are held in memory, once; others are mapped. Rows of bases
are A, G, C, T in the published files (deepsea_train_bundle; as its scripts write them); a column without any base is N.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.chromatin.containers import stored_arrays
from classify.chromatin.settings import ArraySettings
from classify.examples import Examples, StoredLetters
from classify.labelled.grouping import strandless_digest
from classify.splits import SplitSettings
from classify.targets import UNKNOWN, Labels, StoredTargets
from specgen.errors import InputError
from specgen.files import expand
from specgen.sequences import Codes

__all__ = ["ArrayFile", "array_examples", "count_labels"]

_CODE = {"A": 1, "C": 2, "G": 4, "T": 8}
_N = 15
_MOST_ROWS = 64
"""Neighbouring rows that are read together from an array whose chunks are longer."""


class _Axis:
    """Rows of an array along one of its axes, on demand; the file is opened by each process for itself."""

    def __init__(self, path: str, name: str, axis: int, held: NDArray[Any] | None) -> None:
        self.path, self.name, self.axis, self.held = path, name, axis, held
        self._open: tuple[int, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}

    def _array(self) -> Any:
        """Something that is indexed like the array: the array, a map of it, or its dataset."""
        if self.held is not None:
            return self.held
        if self._open is None or self._open[0] != os.getpid():
            import h5py

            file = h5py.File(self.path, "r")
            data = file[self.name]
            if data.chunks is None and data.id.get_offset() is not None:
                mapped = np.memmap(self.path, data.dtype, "r", data.id.get_offset(), data.shape)
                file.close()
                data = mapped
            self._open = os.getpid(), data
        return self._open[1]

    def rows(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The given rows, with their axis in front; ``InputError`` where they cannot be read."""
        try:
            return self._rows(rows)
        except (OSError, RuntimeError, ValueError, KeyError) as error:  # of h5py, in words of HDF5
            raise InputError(f"{self.path}: {self.name}: cannot be read ({' '.join(str(error).split())})") from None

    def _rows(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        array = self._array()
        if isinstance(array, np.ndarray):
            return np.moveaxis(np.take(array, rows, axis=self.axis), self.axis, 0)
        step = min(
            (array.chunks or array.shape)[self.axis], _MOST_ROWS
        )  # of an array that was never written there is no map
        piece, within = np.divmod(rows, step)
        rest = tuple(size for i, size in enumerate(array.shape) if i != self.axis)
        found = np.empty((len(rows), *rest), dtype=array.dtype)
        for number in np.unique(piece):
            mine = np.flatnonzero(piece == number)
            low, high = int(number * step + within[mine].min()), int(number * step + within[mine].max()) + 1
            index = tuple(slice(low, high) if i == self.axis else slice(None) for i in range(array.ndim))
            found[mine] = np.moveaxis(array[index], self.axis, 0)[rows[mine] - low]
        return found


class ArrayFile:
    """One file of windows and labels, n rows; a ``Store`` of letters and a ``TargetStore``.

    It may be pickled and forked; every process opens the file for itself.

    Attributes
    ----------
    n, length, labels
        Windows, nt of each, and labels of each.

    Raises
    ------
    InputError
        No such file, none of these formats, arrays that are missing or do not fit one another.
    """

    def __init__(self, path: Path, settings: ArraySettings) -> None:
        self.path = str(path)
        try:
            arrays = stored_arrays(self.path, {settings.windows, settings.labels} - {""})
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except InputError:
            raise
        except Exception as error:  # h5py names a dozen kinds of damage
            raise InputError(
                f"{path}: cannot be read as a MATLAB or HDF5 file ({' '.join(str(error).split())})"
            ) from None
        windows, labels = self._named(arrays, settings.windows, 3), self._named(arrays, settings.labels, 2)
        self._check(windows, arrays[windows][1])
        self._check(labels, arrays[labels][1])
        shape, pairs = arrays[windows][0], arrays[labels][0]
        order = settings.axes or self._order(shape, pairs)
        sizes = dict(zip(order, shape, strict=True))
        if sizes["C"] != 4 or sizes["N"] not in pairs:
            raise InputError(
                f"{path}: {windows} {shape} in the order {order} and {labels} {pairs} do not fit: expected 4 bases, and labels "
                f"of {sizes['N']} windows"
            )
        self.n, self.length = sizes["N"], sizes["L"]
        # Where both fit, labels lie as the windows do.
        first = pairs[0] == self.n and (pairs[1] != self.n or order.startswith("N"))
        self.labels = pairs[1] if first else pairs[0]
        self._windows = _Axis(self.path, windows, order.index("N"), arrays[windows][2])
        self._labels = _Axis(self.path, labels, 0 if first else 1, arrays[labels][2])
        self._length_first = order.replace("N", "") == "LC"
        self._codes = np.array([_CODE[base] for base in settings.bases], dtype=np.uint8)

    def __len__(self) -> int:
        return self.n

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64], window: int) -> Codes:
        """See ``examples.Store``.

        Raises
        ------
        InputError
            A value other than 0 and 1.
        """
        hot = self._windows.rows(rows)
        hot = hot if self._length_first else np.moveaxis(hot, 1, 2)  # (n, length, 4)
        places = starts[:, None] + np.arange(window)
        hot = np.take_along_axis(hot, places[:, :, None], axis=1)
        if ((hot != 0) & (hot != 1)).any():
            raise InputError(
                f"{self.path}: {self._windows.name}: expected 0 and 1, got {hot[(hot != 0) & (hot != 1)][0]}"
            )
        codes = hot.astype(np.uint8) @ self._codes
        codes[codes == 0] = _N
        found: Codes = codes
        return found

    def targets(self, rows: NDArray[np.int64]) -> Labels:
        """int8 (len(rows), labels); nan and negative numbers are not known.

        Raises
        ------
        InputError
            Another value.
        """
        values = self._labels.rows(rows)
        found = (values == 1).astype(np.int8)
        found[~(values >= 0)] = UNKNOWN  # nan is not
        if (bad := (found == 0) & (values != 0)).any():
            raise InputError(f"{self.path}: {self._labels.name}: expected labels 0 and 1, got {values[bad][0]}")
        return found

    def _named(self, arrays: dict[str, Any], name: str, dimensions: int) -> str:
        told = ", ".join(f"{key} {shape}" for key, (shape, *_) in arrays.items()) or "none"
        if name:
            if name not in arrays or len(arrays[name][0]) != dimensions:
                raise InputError(f"{self.path}: expected an array {name!r} of {dimensions} dimensions, it has {told}")
            return name
        fitting = [key for key, (shape, *_) in arrays.items() if len(shape) == dimensions]
        if len(fitting) != 1:
            which = "windows" if dimensions == 3 else "labels"
            raise InputError(
                f"{self.path}: expected one array of {dimensions} dimensions, it has {told} (data.arrays.{which} names it)"
            )
        return fitting[0]

    def _check(self, name: str, dtype: Any) -> None:
        if np.dtype(dtype).kind not in "buif":
            raise InputError(f"{self.path}: {name}: expected numbers, got {dtype}")

    def _order(self, shape: tuple[int, ...], pairs: tuple[int, ...]) -> str:
        """Order of the axes: the one of 4 is of bases, one that the labels have, too, is of windows."""
        found = {
            order
            for order in ("NCL", "NLC", "LCN", "CLN", "LNC", "CNL")
            if shape[order.index("C")] == 4 and shape[order.index("N")] in pairs
        }
        likely = [order for order in ("NCL", "LCN", "NLC", "CLN") if order in found]
        if not found or len(likely) > 1:
            raise InputError(
                f"{self.path}: which axes of {shape}, beside labels {pairs}, are windows, bases and letters is not clear; "
                "data.arrays.axes tells it, such as LCN"
            )
        return likely[0] if likely else sorted(found)[0]


def count_labels(settings: ArraySettings, root: Path) -> int:
    """Labels of the files, from the shapes of the first that is named."""
    return ArrayFile(root / expand(settings.train or settings.test), settings).labels


def array_examples(
    settings: ArraySettings, root: Path, names: Sequence[str], width: int, split: SplitSettings
) -> Examples:
    """The windows of the files as they are divided, cut to their middle ``width`` nt.

    Windows have no places, so each is a group of its own; but of the test a window and its reverse complement are one, as are
    copies, since groups are what intervals resample. For this the windows of the test are read once, some at a time, and of
    the others nothing. Windows of neighbouring bins overlap, which files do not tell, so that intervals are narrow still.

    Raises
    ------
    InputError
        A file that cannot be read, windows shorter than ``width``, or another number of labels than ``names``.
    """
    paths = {name: getattr(settings, name) for name in ("train", "val", "test") if getattr(settings, name)}
    files = [ArrayFile(root / expand(path), settings) for path in paths.values()]
    for file in files:
        if file.length < width:
            raise InputError(f"{file.path}: has windows of {file.length} nt, data.window asks for {width}")
        if file.labels != len(names):
            raise InputError(f"{file.path}: has {file.labels} labels, expected {len(names)}")
        if file.length != files[0].length:
            raise InputError(f"{file.path}: has windows of {file.length} nt, the first file of {files[0].length}")
    store = _Several(files)
    ids = [f"{name}_{i + 1}" for name, file in zip(paths, files, strict=True) for i in range(len(file))]
    own = [name for name, file in zip(paths, files, strict=True) for _ in range(len(file))]
    parts = np.array(["test"] * len(own) if split.strategy == "test" else own, dtype="<U5")
    n, every = len(ids), np.arange(len(ids), dtype=np.int64)
    return Examples(
        classes=tuple(names),
        ids=ids,
        labels=np.zeros(n, dtype=np.int64),
        groups=_strandless(store, ids, parts == "test", files[0].length),
        chromosomes=[""] * n,
        lengths=np.full(n, files[0].length, dtype=np.int64),
        split=parts,
        targets=StoredTargets(store, every),
        sequences=StoredLetters(store, every, (files[0].length - width) // 2, width),
        window=width,
        counts={f"windows_of_{name}": len(file) for name, file in zip(paths, files, strict=True)},
    )


def _strandless(store: _Several, ids: Sequence[str], asked: NDArray[np.bool_], length: int) -> list[str]:
    """The first of the ids that has the same letters on either strand, of the rows that are ``asked``; of others their own."""
    groups, first = list(ids), dict[bytes, str]()
    rows = np.flatnonzero(asked)
    for row, codes in zip(rows.tolist(), StoredLetters(store, rows, 0, length), strict=True):
        groups[row] = first.setdefault(strandless_digest(codes), ids[row])
    return groups


class _Several:
    """Files one after the other as one store."""

    def __init__(self, files: Sequence[ArrayFile]) -> None:
        self.files, self.ends = list(files), np.cumsum([len(file) for file in files])

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64], window: int) -> Codes:
        """See ``examples.Store``."""
        found = np.empty((len(rows), window), dtype=np.uint8)
        for file, mine, own in self._shares(rows):
            found[mine] = file.gather(own, starts[mine], window)
        return found

    def targets(self, rows: NDArray[np.int64]) -> Labels:
        """See ``targets.TargetStore``."""
        found = np.empty((len(rows), self.files[0].labels), dtype=np.int8)
        for file, mine, own in self._shares(rows):
            found[mine] = file.targets(own)
        return found

    def _shares(self, rows: NDArray[np.int64]) -> list[tuple[ArrayFile, NDArray[np.int64], NDArray[np.int64]]]:
        """Each file that is asked, which of ``rows`` are its, and their numbers in it."""
        which = np.searchsorted(self.ends, rows, side="right")
        found = []
        for number in np.unique(which).tolist():
            mine = np.flatnonzero(which == number)
            found.append((self.files[number], mine, rows[mine] - (self.ends[number] - len(self.files[number]))))
        return found
