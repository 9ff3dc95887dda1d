"""Plain arrays of MATLAB 5 files, by the published layout (MathWorks, "MAT-File Format", chapter 1: Level 5).

SciPy's reader looks types of data up without asking whether there are such, so a damaged file ends the process. Only arrays of
numbers are read here; cells, texts, structures and sparse arrays are passed over. SciPy is the oracle in the tests.
"""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specgen.arrays import check_written
from specgen.errors import InputError

__all__ = ["read_arrays"]

_HEAD = 128
"""Bytes in front of the first element."""

_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""Types of numbers by their code in a tag."""

_MATRIX, _PACKED = 14, 15
_NUMBERS = range(6, 16)
"""Classes of arrays: double to uint64; logical ones are a flag of these."""
_COMPLEX = 0x800
_FIRST = 1 << 16
"""Bytes of a packed array that are unpacked to know what it is."""


class _Tag(NamedTuple):
    """An element: the code of its type, its bytes from ``low`` to ``high``, and where the next begins."""

    kind: int
    low: int
    high: int
    then: int


class _Array(NamedTuple):
    """What an array says of itself, and the tag of its numbers."""

    name: str
    shape: tuple[int, ...]
    numbers: _Tag
    dtype: np.dtype[Any]


def read_arrays(path: str, named: Collection[str]) -> dict[str, NDArray[Any]]:
    """Real arrays of numbers, read-only, in the type in which they are stored.

    Parameters
    ----------
    named
        Names of arrays that are asked for. Where there are fewer than two, all of two and three dimensions are.

    Raises
    ------
    InputError
        Version 4, or an array that is longer than the file can stand for.
    ValueError, zlib.error
        Damage.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD)
        if b"\0" in head[:4]:  # version 4 begins with a number, and 5 with text
            raise InputError(f"{path}: expected a file of MATLAB 5 or 7.3, or HDF5, got one of MATLAB 4")
        order = {b"IM": "<", b"MI": ">"}.get(head[126:], "")
        if not order or int.from_bytes(head[124:126], "little" if order == "<" else "big") >> 8 != 1:
            raise ValueError("does not begin as one of MATLAB 5")
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    found = {}
    for kind, element in _elements(data, order):
        body, size = (element, len(element)) if kind == _MATRIX else _unpacked(element, order)
        array = _described(body, size, order)
        if array is None or not (array.name in named or (len(named) < 2 and len(array.shape) in (2, 3))):
            continue
        check_written(path, array.name, array.numbers.high - array.numbers.low)
        if kind == _PACKED:
            body = _whole(element, 8 + array.numbers.high)[8:]
        numbers = np.frombuffer(body[array.numbers.low : array.numbers.high], array.dtype)
        found[array.name] = numbers.reshape(array.shape, order="F")
    return found


def _tag(data: memoryview, at: int, order: str, size: int) -> _Tag:
    """The element at a place within ``size`` bytes, of which the first are in ``data``."""
    if at + 8 > min(size, len(data)):
        raise ValueError("ends within an element")
    kind, length = np.frombuffer(data[at : at + 8], f"{order}u4").tolist()
    if kind >> 16:  # up to four bytes beside their tag
        kind, length, low, then = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if length > 4:
            raise ValueError(f"has an element of {length} bytes where there is room for 4")
    else:
        low = at + 8
        then = low + (length if kind == _PACKED else -(-length // 8) * 8)
    if low + length > size:
        raise ValueError(f"has an element of {length:,} bytes where {size - low:,} are left")
    return _Tag(kind, low, low + length, then)


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and bytes of each array of a file; other elements are passed over."""
    at = _HEAD
    while at < len(data):
        tag = _tag(data, at, order, len(data))
        if tag.kind in (_MATRIX, _PACKED):
            yield tag.kind, data[tag.low : tag.high]
        at = tag.then


def _unpacked(element: memoryview, order: str) -> tuple[memoryview, int]:
    """The first bytes of a packed array, and how many it has."""
    first = memoryview(zlib.decompressobj().decompress(element, _FIRST))
    if len(first) < 8:
        raise ValueError("ends within an element")
    kind, size = np.frombuffer(first[:8], f"{order}u4").tolist()
    if kind != _MATRIX:
        raise ValueError(f"has packed data of type {kind}, expected an array")
    return first[8:], size


def _whole(element: memoryview, size: int) -> memoryview:
    """All of a packed array, of which ``size`` bytes are wanted."""
    packer = zlib.decompressobj()
    data = packer.decompress(element, size + 8)  # numbers are filled up to eight bytes; behind them is the checksum
    if len(data) < size or not packer.eof:
        raise ValueError("has a packed array of another length than it says")
    return memoryview(data)


def _described(body: memoryview, size: int, order: str) -> _Array | None:
    """What an array is, from its first bytes; None where it holds no real numbers."""
    flags = _tag(body, 0, order, size)
    if flags.kind != 6 or flags.high - flags.low != 8:
        raise ValueError("has an array without flags")
    told = int(np.frombuffer(body[flags.low : flags.low + 4], f"{order}u4")[0])
    if told & 0xFF not in _NUMBERS or told & _COMPLEX:
        return None
    sizes = _tag(body, flags.then, order, size)
    name = _tag(body, sizes.then, order, size)
    if sizes.kind != 5 or (sizes.high - sizes.low) % 4 or sizes.high - sizes.low > 4 * 32 or name.kind != 1:
        raise ValueError("has an array without sizes or name")
    shape = tuple(np.frombuffer(body[sizes.low : sizes.high], f"{order}i4").tolist())
    numbers = _tag(body, name.then, order, size)
    if numbers.kind not in _STORED:
        raise ValueError(f"has numbers of type {numbers.kind}, which there is not")
    dtype = np.dtype(order + _STORED[numbers.kind])
    wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if min(shape, default=-1) < 0 or wanted != numbers.high - numbers.low:
        raise ValueError(f"has an array of {shape} in {numbers.high - numbers.low:,} bytes, expected {wanted:,}")
    text = bytes(body[name.low : name.high]).decode("latin-1")
    return _Array(text, shape, numbers, dtype)
