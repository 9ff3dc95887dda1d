"""What arrays a MATLAB or HDF5 file has, and whether it can hold them. What they mean is in ``arrays``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from specgen.arrays import check_stored, check_written
from specgen.errors import InputError

__all__ = ["stored_arrays"]

Arrays = dict[str, tuple[tuple[int, ...], Any, Any]]

_BYTES = {"int8": 1, "uint8": 1, "logical": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "single": 4}
"""Of a number, by MATLAB's names; 8 of others."""


def stored_arrays(path: str, named: Collection[str]) -> Arrays:
    """Shape and type of every array of a file; and of MATLAB 5 files, which cannot be read in parts, the array itself.

    Parameters
    ----------
    named
        Names of arrays that are asked for, of which there may be two; of MATLAB 5 files others are not read then.

    Raises
    ------
    InputError
        MATLAB 4, or an array that is longer than the file can stand for.
    Exception
        Whatever SciPy and h5py make of damage.
    """
    return _shapes(path) if _is_hdf5(path) else _version_5(path, named)


def _is_hdf5(path: str) -> bool:
    import h5py

    with open(path, "rb"):
        return bool(h5py.is_hdf5(path))


def _shapes(path: str) -> Arrays:
    """Shape and type of every array of an HDF5 file."""
    import h5py

    with h5py.File(path, "r") as file:
        arrays = {key: item for key, item in file.items() if isinstance(item, h5py.Dataset) and item.shape is not None}
        for item in arrays.values():
            check_stored(path, item)
        return {key: (item.shape, item.dtype, None) for key, item in arrays.items()}


def _version_5(path: str, named: Collection[str]) -> Arrays:
    """The arrays of a MATLAB 5 file that can be meant, in memory."""
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import matfile_version

    # MATLAB 4 knows no arrays of three dimensions, and its reader takes whatever memory a header says.
    if (version := matfile_version(path)[0]) != 1:
        raise InputError(
            f"{path}: expected a file of MATLAB 5 or 7.3, or HDF5, got one of MATLAB {4 if version == 0 else '?'}"
        )
    wanted = []
    for key, shape, kind in whosmat(path):
        if key in named or (len(named) < 2 and len(shape) in (2, 3)):
            check_written(path, key, int(np.prod(shape, dtype=object)) * _BYTES.get(kind, 8))
            wanted.append(key)
    found = loadmat(path, variable_names=wanted)
    return {key: (found[key].shape, found[key].dtype, found[key]) for key in wanted}
