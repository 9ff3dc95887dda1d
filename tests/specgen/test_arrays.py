"""NumPy's and HDF5's files, opened without trust."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from specgen.arrays import check_stored, map_array, read_archive
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


def test_an_hdf5_array_that_its_file_cannot_hold(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("large", (1 << 40,), "u1", chunks=(1 << 20,), compression="gzip")
        file.create_dataset("small", (1 << 20,), "u1", chunks=(1 << 20,), compression="gzip")
    with h5py.File(tmp_path / "x.h5") as file:
        check_stored(tmp_path / "x.h5", file["small"])
        with pytest.raises(InputError, match=r"large: says that it has 1,099,511,627,776 bytes, more than 200 times"):
            check_stored(tmp_path / "x.h5", file["large"])
