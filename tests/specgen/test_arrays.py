"""NumPy's and HDF5's files, opened without trust."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from specgen.arrays import check_heaps, check_stored, map_array, read_archive, read_attributes
from specgen.errors import InputError
from specgen.files import Growth


def header(text: str) -> bytes:
    body = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


def test_arrays_are_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(6).reshape(2, 3))
    found = map_array(tmp_path / "x.npy")
    np.testing.assert_array_equal(found, np.arange(6).reshape(2, 3))
    assert not found.flags.writeable


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        header("{'descr': '|u1', 'fortran_order': False, 'shape': ((((2, 3), }"),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (9000000000000,), }"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
        header("{'descr': 3, 'fortran_order': False, 'shape': (1,), }"),
        header("(" * 110),
    ],
)
def test_damaged_arrays(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(data)
    with pytest.raises(InputError, match=r"x.npy: cannot be read as a .npy file"):
        map_array(tmp_path / "x.npy")
    with pytest.raises(InputError, match=r"y.npy: no such file"):
        map_array(tmp_path / "y.npy")


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, a=np.arange(5), b=np.zeros(1000))
    found = read_archive(path, ["a"], 1000)
    np.testing.assert_array_equal(found["a"], np.arange(5))
    with pytest.raises(InputError, match="b has 8,128 bytes, expected at most 1,000"):
        read_archive(path, ["a", "b"], 1000)
    with pytest.raises(InputError, match=r"cannot be read as a .npz file"):
        read_archive(path, ["c"], 1000)
    good = path.read_bytes()
    central = good.index(b"PK\x01\x02")
    locked = good[: central + 8] + b"\x01" + good[central + 9 :]  # says that it is encrypted
    locked = locked[:6] + b"\x01" + locked[7:]
    for damaged in (b"", good[:60], good[:70] + b"\xff\xff" + good[72:], locked):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"cannot be read as a .npz file"):
            read_archive(path, ["a"], 1000)


def heap(path: Path) -> tuple[bytearray, int]:
    """An HDF5 file with a text in it, and where the free space of its heap tells its size."""
    with h5py.File(path, "w") as file:
        file.attrs["text"] = "some letters"
    data = bytearray(path.read_bytes())
    at = data.index(b"GCOL")
    assert data[at + 32 : at + 44] == b"some letters"
    assert data[at + 48 : at + 50] == bytes(2)
    return data, at


@pytest.mark.parametrize(
    ("place", "size"), [(56, 0), (56, 15), (56, 5000), (24, 1 << 40), (8, 1 << 40), (8, 16)], ids=str
)
def test_a_damaged_heap_of_texts(tmp_path: Path, place: int, size: int) -> None:
    """The library would never come back from the first."""
    path = tmp_path / "x.h5"
    data, at = heap(path)
    check_heaps(path)
    data[at + place : at + place + 8] = size.to_bytes(8, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"x.h5: is damaged: of the heap of texts at byte {at:,} sizes are wrong"):
        check_heaps(path)


def test_stretches_of_large_files_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.h5"
    data, at = heap(path)
    path.write_bytes(bytes(data[: at + 48]) + bytes(16) + bytes(data[at + 64 :]))
    monkeypatch.setattr("specgen.arrays.PASSING", Growth(100, 200))
    check_heaps(path, [(at - 9, at + 99)])
    for apart in ([], [(0, at)], [(at + 99, at + 100)]):
        with pytest.raises(InputError, match="heap of texts"):
            check_heaps(path, apart)


def test_attributes_are_numbers_and_texts(tmp_path: Path) -> None:
    """A file of which the type of a text was damaged so that it was a list of another length for each value ended the process."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("a")
        group.attrs["name"], group.attrs["n"], group.attrs["flat"] = "x", 3, np.bytes_(b"y")
        assert read_attributes("x.h5", group) == {"name": "x", "n": 3, "flat": b"y"}
        lists = np.empty(1, dtype=object)
        lists[0] = np.arange(3)
        file.attrs.create("lists", lists, dtype=h5py.vlen_dtype(np.int64))
        group.attrs["link"] = group.ref
        for item, name in ((file, "attribute 'lists'"), (group, "attribute 'link' of a")):
            with pytest.raises(InputError, match=f"x.h5: {name}: expected numbers or texts"):
                read_attributes("x.h5", item)
        stored = file.create_dataset("b", (2,), dtype=h5py.vlen_dtype(np.int64))
        with pytest.raises(InputError, match="b: expected numbers or texts, got values of another HDF5 type"):
            check_stored(tmp_path / "x.h5", stored)


def test_an_hdf5_array_that_its_file_cannot_hold(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("large", (1 << 40,), "u1", chunks=(1 << 20,), compression="gzip")
        file.create_dataset("small", (1 << 20,), "u1", chunks=(1 << 20,), compression="gzip")
    with h5py.File(tmp_path / "x.h5") as file:
        check_stored(tmp_path / "x.h5", file["small"])
        with pytest.raises(InputError, match=r"large: says that it has 1,099,511,627,776 bytes, more than 200 times"):
            check_stored(tmp_path / "x.h5", file["large"])
