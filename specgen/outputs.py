"""The forms that a shard of pictures can take on disk: a folder of PNGs, a WebDataset tar, HDF5, npy.

A form is one class: how to write a shard at a path (a temporary one, the caller renames), and how to read pictures
back one by one, in the order of the shard. Adding a form is adding a class; what is in a shard and when it is done is
decided elsewhere. Every form holds the same pixels, and the same shard gives the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from specgen.arrays import check_stored, map_array
from specgen.errors import InputError
from specgen.png import encode_png, text_chunks
from specgen.registry import Registry
from specgen.windows import ROW, Shard

__all__ = ["OUTPUTS", "Output", "PictureFile", "open_pictures"]

Pictures = NDArray[np.uint8]
"""uint8 (n, H, W, 3)."""


class PictureFile(Protocol):
    """Pictures of one file, by place."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Pictures:
        """uint8 (H, W, 3)."""
        ...


class Output:
    """A form of shard.

    Attributes
    ----------
    suffix
        Ending of the shard's file; empty for a folder.
    """

    suffix: ClassVar[str]

    @staticmethod
    def write(path: Path, shard: Shard, batches: Iterable[Pictures], about: Mapping[str, str]) -> None:
        """Write the pictures of a shard, which come in order in batches, to a new file or folder.

        ``about`` is what all pictures share (settings and versions).
        """
        raise NotImplementedError

    @classmethod
    def place(cls, shard: Shard) -> list[tuple[str, int]]:
        """File (relative to the job) and place in it of every picture."""
        return [(shard.path + cls.suffix, i) for i in range(len(shard))]

    @staticmethod
    def read(path: Path) -> PictureFile:
        """Open a finished file of this form.

        Raises
        ------
        InputError
            It is damaged, or is something else.
        """
        raise NotImplementedError


OUTPUTS: Registry[type[Output]] = Registry("output", plugins=False)


def _described(shard: Shard) -> Iterator[dict[str, str]]:
    for row in shard.rows():
        yield dict(zip(ROW, map(str, row), strict=True))


def _each(batches: Iterable[Pictures]) -> Iterator[Pictures]:
    for batch in batches:
        yield from batch


class PngFolder(Output):
    """A PNG file a picture, with its settings and origin as text chunks: for people and for torchvision."""

    suffix = ""

    @staticmethod
    def write(path: Path, shard: Shard, batches: Iterable[Pictures], about: Mapping[str, str]) -> None:
        path.mkdir()
        shared = text_chunks(about)
        for name, row, picture in zip(shard.names(), _described(shard), _each(batches), strict=True):
            (path / f"{name}.png").write_bytes(encode_png(picture, shared + text_chunks(row)))

    @classmethod
    def place(cls, shard: Shard) -> list[tuple[str, int]]:
        return [(f"{shard.path}/{name}.png", 0) for name in shard.names()]


class WebDatasetTar(Output):
    """A tar of <name>.png, <name>.cls (the class's number) and <name>.json, as WebDataset streams it."""

    suffix = ".tar"

    @staticmethod
    def write(path: Path, shard: Shard, batches: Iterable[Pictures], about: Mapping[str, str]) -> None:
        label = str(shard.target).encode()
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, row, picture in zip(shard.names(), _described(shard), _each(batches), strict=True):
                told = json.dumps({**row, **about}).encode()
                # WebDataset ends a key at the first dot.
                key = name.replace(".", "_")
                for ending, body in ((".png", encode_png(picture)), (".cls", label), (".json", told)):
                    member = tarfile.TarInfo(key + ending)  # no time, no owner: the same pictures give the same bytes
                    member.size = len(body)
                    tar.addfile(member, io.BytesIO(body))

    @staticmethod
    def read(path: Path) -> PictureFile:
        return _TarPictures(path)


class Hdf5(Output):
    """A dataset ``pictures`` (n, H, W, 3) uint8, with ``record`` and ``start`` beside it, for random access."""

    suffix = ".h5"

    @staticmethod
    def write(path: Path, shard: Shard, batches: Iterable[Pictures], about: Mapping[str, str]) -> None:
        import h5py  # here and below: seldom needed

        with h5py.File(path, "w", libver="latest") as file:
            file.attrs.update(
                {**about, "class": shard.label, "target": shard.target, "source": shard.source, "length": shard.length}
            )
            names = [shard.records[owner][1].replace("\0", " ") for owner in shard.owners]  # HDF5 ends texts there
            file.create_dataset("record", data=names, dtype=h5py.string_dtype())
            file.create_dataset("start", data=shard.starts)
            low, pictures = 0, None
            for batch in batches:
                if pictures is None:
                    pictures = file.create_dataset("pictures", (len(shard), *batch.shape[1:]), np.uint8)
                pictures[low : low + len(batch)] = batch
                low += len(batch)

    @staticmethod
    def read(path: Path) -> PictureFile:
        import h5py

        pictures = _checked(path, h5py.File(path, "r")["pictures"])
        check_stored(path, pictures)
        return pictures


class Npy(Output):
    """A NumPy array (n, H, W, 3) uint8: memory-mapped, it is the fastest to read at random."""

    suffix = ".npy"

    @staticmethod
    def write(path: Path, shard: Shard, batches: Iterable[Pictures], about: Mapping[str, str]) -> None:
        with path.open("wb") as file:
            for i, batch in enumerate(batches):
                if i == 0:
                    header = {"descr": "|u1", "fortran_order": False, "shape": (len(shard), *batch.shape[1:])}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(batch.data)

    @staticmethod
    def read(path: Path) -> PictureFile:
        return _checked(path, map_array(path))


OUTPUTS.add("png", PngFolder)
OUTPUTS.add("tar", WebDatasetTar)
OUTPUTS.add("hdf5", Hdf5)
OUTPUTS.add("npy", Npy)


def _checked(path: Path, array: Any) -> PictureFile:
    if array.ndim != 4 or array.shape[3] != 3 or array.dtype != np.uint8:
        raise InputError(f"{path}: expected uint8 pictures (n, height, width, 3), got {array.dtype} {array.shape}")
    found: PictureFile = array
    return found


class _TarPictures:
    """The pictures of an uncompressed tar, found by one pass over its headers and read where they lie."""

    ENDINGS = (".png", ".jpg", ".jpeg")

    def __init__(self, path: Path) -> None:
        self.path = path
        with tarfile.open(path, "r:") as tar:
            members = [member for member in tar if member.name.lower().endswith(self.ENDINGS)]
        self.places = np.array([(member.offset_data, member.size) for member in members], dtype=np.int64).reshape(-1, 2)
        if members and self.places[-1].sum() > path.stat().st_size:
            raise InputError(f"{path}: damaged, it ends within {members[-1].name}")

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Pictures:
        offset, size = self.places[index].tolist()
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(size)
        with Image.open(io.BytesIO(data)) as picture:
            if picture.mode != "RGB":
                raise InputError(f"{self.path}: picture {index} is {picture.mode}, expected 8-bit RGB")
            return np.asarray(picture, dtype=np.uint8)


def open_pictures(path: Path) -> PictureFile:
    """The pictures of a tar, HDF5 or npy file.

    What was opened last is kept for the next call, and each process opens its own: loader processes that were forked
    would share one reading position otherwise.

    Raises
    ------
    InputError
        No such file, an ending that no form has, or a damaged file.
    """
    return _opened(path, os.getpid())


@lru_cache(maxsize=256)  # well below the files that a process may have open
def _opened(path: Path, process: int) -> PictureFile:
    forms = {OUTPUTS[name].suffix: OUTPUTS[name] for name in OUTPUTS if OUTPUTS[name].suffix}
    if path.suffix not in forms:
        raise InputError(f"{path}: expected a file ending in {', '.join(forms)}")
    try:
        return forms[path.suffix].read(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except InputError:
        raise
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        RuntimeError,
        TypeError,
        AttributeError,
        tarfile.TarError,
    ) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
