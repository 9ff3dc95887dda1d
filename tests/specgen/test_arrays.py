"""NumPy's and HDF5's files, opened without trust."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from specgen.arrays import as_fixed, check_stored, map_array, read_archive, read_attributes, read_texts
from specgen.errors import InputError


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


def test_attributes_are_numbers_and_texts_of_fixed_length(tmp_path: Path) -> None:
    """Damaged types or addresses of others took gigabytes, went round for ever, or ended the process."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group.attrs["name"], group.attrs["n"] = as_fixed(["é x"])[0], 3
        assert read_attributes(path, group) == {"name": "é x", "n": 3}
        group.attrs["large"] = np.zeros(1000)
        lists = np.empty(1, dtype=object)
        lists[0] = np.arange(3)
        file.attrs.create("lists", lists, dtype=h5py.vlen_dtype(np.int64))
        group.attrs["link"] = group.ref
        group.attrs["text"] = "of any length"
        assert read_attributes(path, group, ["name", "n"]) == {"name": "é x", "n": 3}
        for item, only, name in (
            (file, [], "'lists'"),
            (group, ["link"], "'link' of a"),
            (group, ["text"], "'text' of a"),
        ):
            with pytest.raises(InputError, match=f"x.h5: attribute {name}: expected numbers or texts of fixed length"):
                read_attributes(path, item, only)


def test_an_attribute_that_its_file_cannot_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs["large"] = np.zeros(1000)
    monkeypatch.setattr("specgen.arrays.overgrown", lambda size, packed: size == 8000 and packed == path.stat().st_size)
    with h5py.File(path) as file, pytest.raises(InputError, match="attribute 'large': says that it has 8,000 bytes"):
        read_attributes(path, file)


@pytest.mark.parametrize("texts", [[], ["a"], ["", "BRCA2", "é\udce9 x"]])
def test_texts_come_back(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["a"] = as_fixed(texts)
        file.create_dataset("b", data=["a"], dtype=h5py.string_dtype())
    with h5py.File(path) as file:
        assert read_texts(path, file["a"]) == texts
        with pytest.raises(InputError, match=r"x.h5: b: expected numbers or texts of fixed length"):
            read_texts(path, file["b"])


def test_an_hdf5_array_that_its_file_cannot_hold(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("large", (1 << 40,), "u1", chunks=(1 << 20,), compression="gzip")
        file.create_dataset("small", (1 << 20,), "u1", chunks=(1 << 20,), compression="gzip")
    with h5py.File(tmp_path / "x.h5") as file:
        check_stored(tmp_path / "x.h5", file["small"])
        with pytest.raises(InputError, match=r"large: says that it has 1,099,511,627,776 bytes, more than 200 times"):
            check_stored(tmp_path / "x.h5", file["large"])
