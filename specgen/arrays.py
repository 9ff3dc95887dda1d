"""NumPy's files, opened without trust: what is damaged is told in one line, and no header makes anybody take memory.

The headers of these files are Python text that NumPy evaluates, so damage shows as any of a dozen errors. What the arrays mean
is not known here.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from specgen.errors import InputError
from specgen.files import PASSING, overgrown

__all__ = [
    "as_fixed",
    "check_stored",
    "check_written",
    "map_array",
    "read_archive",
    "read_attributes",
    "read_texts",
]

_DAMAGE = (
    *(
        OSError,
        ValueError,
        EOFError,
        KeyError,
        IndexError,
        TypeError,
        OverflowError,
        SyntaxError,
        RecursionError,
        MemoryError,
    ),
    *(TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, AttributeError),
    RuntimeError,  # as of a member that says that it is encrypted
)


def check_written(path: str | Path, name: str, size: int) -> None:
    """Refuse an array of ``size`` bytes that is far more than its file can stand for (``InputError``)."""
    if overgrown(size, Path(path).stat().st_size):
        raise InputError(
            f"{path}: {name}: says that it has {size:,} bytes, more than {PASSING.times} times those of the whole file"
        )


def check_stored(path: str | Path, dataset: Any) -> None:
    """Refuse an HDF5 dataset (h5py's) that lies in another file, as links and external storage allow, or that its file cannot
    hold: contiguous and longer than the file, or far larger than it.

    Raises
    ------
    InputError
        Naming the dataset.
    """
    if dataset.external or dataset.is_virtual or Path(dataset.file.filename) != Path(path):
        raise InputError(
            f"{path}: {dataset.name.lstrip('/')}: lies in another file; expected arrays that are in this one"
        )
    size = int(np.prod(dataset.shape or (), dtype=object)) * dataset.dtype.itemsize
    chunk = int(np.prod(dataset.chunks or (), dtype=object)) * dataset.dtype.itemsize
    check_written(path, dataset.name.lstrip("/"), max(size, chunk))
    offset = dataset.id.get_offset() if dataset.chunks is None else None
    if offset is not None and offset + size > Path(path).stat().st_size:
        raise InputError(f"{path}: {dataset.name.lstrip('/')}: the file ends before it does")


def _check_kind(path: str | Path, name: str, item: Any) -> None:
    """Refuse types that hold addresses: reading a damaged one takes gigabytes, goes on for ever, or ends the process."""
    from h5py import h5t

    kind = item.get_type()
    fixed = kind.get_class() in (h5t.INTEGER, h5t.FLOAT) or (
        kind.get_class() == h5t.STRING and not kind.is_variable_str()
    )
    if not fixed:
        raise InputError(f"{path}: {name}: expected numbers or texts of fixed length, got values of another HDF5 type")


def as_fixed(texts: Sequence[str]) -> NDArray[np.bytes_]:
    """Texts for an HDF5 file, of the length of the longest: others lie in a heap, which damage makes a trap."""
    return np.array([text.encode("utf-8", "surrogateescape") for text in texts], dtype=bytes if texts else "S1")


def read_texts(path: str | Path, dataset: Any) -> list[str]:
    """What was written of ``as_fixed``.

    Raises
    ------
    InputError
        Another type, or what ``check_stored`` refuses.
    """
    check_stored(path, dataset)
    _check_kind(path, dataset.name.lstrip("/"), dataset.id)
    return [bytes(text).decode("utf-8", "surrogateescape") for text in dataset[:]]


def read_attributes(path: str | Path, item: Any, only: Sequence[str] = ()) -> dict[str, Any]:
    """Attributes of an HDF5 file or group (h5py's), numbers and texts of fixed length; all, or those that are named.

    Raises
    ------
    InputError
        One of another type, or that is larger than its file can stand for; what h5py raises of damage is the caller's.
    """
    where, told = item.name.strip("/"), dict[str, Any]()
    for name in only or item.attrs:
        title, found = f"attribute {name!r} of {where}" if where else f"attribute {name!r}", item.attrs.get_id(name)
        _check_kind(path, title, found)
        check_written(path, title, int(np.prod(found.shape or (), dtype=object)) * found.dtype.itemsize)
        value = item.attrs[name]
        told[name] = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    return told


def map_array(path: Path) -> NDArray[Any]:
    """The array of a .npy file, mapped into memory and read-only; nothing of it is read yet.

    Raises
    ------
    InputError
        No such file, another format, objects in it, or a header that does not fit the file.
    """
    try:
        return npy.open_memmap(path, mode="r")  # type: ignore[no-untyped-call, no-any-return]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except _DAMAGE as error:
        raise InputError(
            f"{path}: cannot be read as a .npy file without objects ({error or type(error).__name__})"
        ) from None


def read_archive(path: Path, names: Iterable[str], most: int) -> dict[str, NDArray[Any]]:
    """Arrays of a .npz file by name.

    Parameters
    ----------
    most
        Bytes that an array may have: small files can say that they become large ones.

    Raises
    ------
    InputError
        No such file or array, damage, objects, or an array of more than ``most`` bytes.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                member = archive.getinfo(f"{name}.npy")
                if member.file_size > most:
                    raise ValueError(f"{name} has {member.file_size:,} bytes, expected at most {most:,}")
                data = io.BytesIO(archive.read(member))
                shape, _, dtype = (
                    npy.read_array_header_1_0(data) if npy.read_magic(data) == (1, 0) else ((), False, None)
                )  # type: ignore[no-untyped-call]
                if dtype is None or int(np.prod(shape, dtype=object)) * dtype.itemsize > most:
                    raise ValueError(f"{name} has the shape {shape}")
                data.seek(0)
                found[name] = npy.read_array(data, allow_pickle=False)  # type: ignore[no-untyped-call]
    except _DAMAGE as error:
        raise InputError(f"{path}: cannot be read as a .npz file ({error or type(error).__name__})") from None
    return found
