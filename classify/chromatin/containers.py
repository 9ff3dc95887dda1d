"""What arrays a MATLAB or HDF5 file has, and whether it can hold them. What they mean is in ``arrays``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from classify.chromatin.matlab import read_arrays
from specgen.arrays import check_stored

__all__ = ["stored_arrays"]

Arrays = dict[str, tuple[tuple[int, ...], Any, Any]]


def stored_arrays(path: str, named: Collection[str]) -> Arrays:
    """Shape and type of every array of a file; and of MATLAB 5 files the array itself.

    Parameters
    ----------
    named
        Names of arrays that are asked for, of which there may be two; of MATLAB 5 files others are not read then.

    Raises
    ------
    InputError
        MATLAB 4, or an array that is longer than the file can stand for.
    Exception
        Whatever h5py and ``matlab`` make of damage.
    """
    if _is_hdf5(path):
        return _shapes(path)
    return {name: (array.shape, array.dtype, array) for name, array in read_arrays(path, named).items()}


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
