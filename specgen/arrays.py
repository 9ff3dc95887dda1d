"""NumPy's files, opened without trust: what is damaged is told in one line, and no header makes anybody take memory.

The headers of these files are Python text that NumPy evaluates, so damage shows as any of a dozen errors. What the arrays mean
is not known here.
"""

from __future__ import annotations

import io
import lzma
import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from specgen.errors import InputError
from specgen.files import PASSING, overgrown

__all__ = ["check_heaps", "check_stored", "check_written", "map_array", "read_archive", "read_attributes"]

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


_HEAP = b"GCOL\x01\0\0\0"
"""What a heap of texts begins with; as a number it is a place that no contig has."""


def check_written(path: str | Path, name: str, size: int) -> None:
    """Refuse an array of ``size`` bytes that is far more than its file can stand for (``InputError``)."""
    if overgrown(size, Path(path).stat().st_size):
        raise InputError(
            f"{path}: {name}: says that it has {size:,} bytes, more than {PASSING.times} times those of the whole file"
        )


def check_stored(path: str | Path, dataset: Any) -> None:
    """Refuse an HDF5 dataset (h5py's) that lies in another file, as links and external storage allow, of which the type is
    none of ours, or that its file cannot hold: contiguous and longer than the file, or far larger than it.

    Raises
    ------
    InputError
        Naming the dataset.
    """
    if dataset.external or dataset.is_virtual or Path(dataset.file.filename) != Path(path):
        raise InputError(
            f"{path}: {dataset.name.lstrip('/')}: lies in another file; expected arrays that are in this one"
        )
    _check_kind(path, dataset.name.lstrip("/"), dataset.id)
    size = int(np.prod(dataset.shape or (), dtype=object)) * dataset.dtype.itemsize
    chunk = int(np.prod(dataset.chunks or (), dtype=object)) * dataset.dtype.itemsize
    check_written(path, dataset.name.lstrip("/"), max(size, chunk))
    offset = dataset.id.get_offset() if dataset.chunks is None else None
    if offset is not None and offset + size > Path(path).stat().st_size:
        raise InputError(f"{path}: {dataset.name.lstrip('/')}: the file ends before it does")


def _check_kind(path: str | Path, name: str, item: Any) -> None:
    """Refuse types that hold addresses, or types of their own: reading one that is damaged ends the process."""
    from h5py import h5t

    if item.get_type().get_class() not in (h5t.INTEGER, h5t.FLOAT, h5t.STRING, h5t.ENUM):
        raise InputError(f"{path}: {name}: expected numbers or texts, got values of another HDF5 type")


def read_attributes(path: str | Path, item: Any) -> dict[str, Any]:
    """Attributes of an HDF5 file or group (h5py's), of numbers and texts.

    Raises
    ------
    InputError
        One of another type; what h5py raises of damage is the caller's.
    """
    where = item.name.strip("/")
    for name in item.attrs:
        _check_kind(path, f"attribute {name!r} of {where}" if where else f"attribute {name!r}", item.attrs.get_id(name))
    return dict(item.attrs)


def check_heaps(path: str | Path, apart: Iterable[tuple[int, int]] = ()) -> None:
    """Refuse an HDF5 file with a damaged heap of texts, before one is read: the library goes round in it for ever.

    By the format's specification, version 3, "Disk Format: Level 1E - Global Heap", with sizes of 8 bytes, as h5py writes them.

    Parameters
    ----------
    apart
        Stretches of a large file, first byte and end, where none can be.

    Raises
    ------
    InputError
        Free space of no size, or an object that ends behind its heap.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        low, stretches = 0, sorted(apart) if len(data) > PASSING.safe else []
        for begin, end in [*stretches, (len(data), len(data))]:
            at = data.find(_HEAP, low, begin)
            while at >= 0:
                if not _is_whole(data, at):
                    raise InputError(f"{path}: is damaged: of the heap of texts at byte {at:,} sizes are wrong")
                at = data.find(_HEAP, at + len(_HEAP), begin)
            low = max(low, end)


def _is_whole(data: mmap.mmap, at: int) -> bool:
    """Whether objects and free space of a heap fill it."""
    end = at + int.from_bytes(data[at + 8 : at + 16], "little")
    place = at + 16
    while place + 16 <= end <= len(data):
        size = int.from_bytes(data[place + 8 : place + 16], "little")
        size = size if data[place : place + 2] == b"\0\0" else 16 + -(-size // 8) * 8  # free space counts its own head
        if size < 16 or place + size > end:
            return False
        place += size
    return end <= len(data) and place > at + 16


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
