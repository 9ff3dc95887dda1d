"""The reader of prepared files: random windows, other processes, and files that are not as they should be."""

import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import h5py
import numpy as np
import pytest
from genome_toys import random_genes, random_genome, write
from hypothesis import given
from hypothesis import strategies as st

from classify.exons.prepared import COLUMNS, FORMAT, KINDS, VERSION, PreparedSet
from classify.exons.preparing import prepare
from classify.exons.settings import PrepareSettings
from classify.splits import SplitSettings
from specgen.errors import InputError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    rng = np.random.default_rng(0)
    contigs = random_genome(rng, {"a/../x": 9000, "b": 5000, "empty": 2000})
    genes = random_genes(rng, {name: contigs[name] for name in ("a/../x", "b")}, 30)
    genome, annotation = write(folder, contigs, genes)
    out = folder / "out.h5"
    split = SplitSettings(test_fraction=0.3, val_fraction=0.3)
    prepare(PrepareSettings(genome, annotation, str(out), width=101, split=split), progress=False)
    return out


@pytest.fixture(scope="module")
def found(path):
    return PreparedSet(path)


@pytest.fixture(scope="module")
def whole(path):
    """Every window, as h5py gives it."""
    with h5py.File(path) as file:
        return np.concatenate([file[f"contigs/{i}/codes"][:] for i in range(len(file["contigs"]))])


def test_columns(path, found):
    with h5py.File(path) as file:
        groups = [file[f"contigs/{i}"] for i in range(len(file["contigs"]))]
        for name, dtype in COLUMNS.items():
            column = getattr(found, name)
            assert column.dtype == dtype
            np.testing.assert_array_equal(column, np.concatenate([group[name][:] for group in groups]))
        assert found.contigs == [group.attrs["name"].decode() for group in groups] == ["a/../x", "b"]
        assert found.lengths.tolist() == [9000, 5000]
        sizes = [len(group["codes"]) for group in groups]
        assert found.contig.tolist() == np.repeat([0, 1], sizes).tolist()
        assert {item.chunks for group in groups for item in group.values()} == {None}
    assert (found.width, found.protocol, found.kinds) == (101, "strict", list(KINDS))
    assert len(found) == len(found.label) == sum(sizes)
    assert found.genes == sorted(found.genes)
    assert found.settings["min_distance"] == 20
    assert found.counts["starts"]["acceptor"] == int((found.kind == 0).sum())
    assert found.path == str(path)


@given(st.data())
def test_gather(found, whole, data):
    window = data.draw(st.integers(1, 101))
    places = data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 101 - window)), max_size=20))
    rows, starts = (np.array([place[i] for place in places], dtype=np.int64) for i in (0, 1))
    got = found.gather(rows, starts, window)
    assert got.dtype == np.uint8
    assert got.shape == (len(places), window)
    for letters, (row, start) in zip(got, places, strict=True):
        np.testing.assert_array_equal(letters, whole[row, start : start + window])


def test_gathered_letters_are_a_copy(found):
    rows = np.zeros(1, dtype=np.int64)
    one = found.gather(rows, rows, 101)
    one[:] = 0
    assert found.gather(rows, rows, 101).any()


@pytest.mark.parametrize(
    ("row", "start", "window", "match"),
    [
        (0, -1, 50, "starts: expected 0 to 51, got -1"),
        (0, 52, 50, "starts: expected 0 to 51, got 52"),
        (-1, 0, 50, "rows: expected 0 to"),
        (10**6, 0, 50, "rows: expected 0 to"),
    ],
)
def test_outside(found, row, start, window, match):
    with pytest.raises(IndexError, match=match):
        found.gather(np.array([row]), np.array([start]), window)


def _sum(prepared):
    rows = np.arange(len(prepared))
    return int(prepared.gather(rows, np.zeros_like(rows), prepared.width).sum(dtype=np.int64))


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_in_other_processes(found, whole, how):
    rows = np.arange(len(found))
    arguments = rows, np.zeros_like(rows), found.width
    assert np.array_equal(found.gather(*arguments), whole)
    # The method itself goes to the workers: of these tests they need not know. A pool that loses a worker says so.
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(how)) as pool:
        for future in [pool.submit(found.gather, *arguments) for _ in range(2)]:
            assert np.array_equal(future.result(), whole)


def test_what_is_passed_on_holds_no_letters(found):
    _sum(found)
    data = pickle.dumps(found)
    assert len(data) < 40 * len(found) + 20000
    assert _sum(pickle.loads(data)) == _sum(found)


def test_a_file_that_was_replaced(path, tmp_path):
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    opened = PreparedSet(other)
    passed = pickle.loads(pickle.dumps(opened))
    other.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(InputError, match="has changed since it was opened"):
        _sum(passed)


def damaged(path, tmp_path, change):
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        change(file)
    return other


def replace(name, **more):
    def change(file):
        values = file[name][:]
        del file[name]
        file.create_dataset(name, **{"data": values, **more})

    return change


def put(name, value):
    def change(file):
        values = file[name][:]
        values[0] = value
        file[name][...] = values

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: f.attrs.update(format=np.bytes_("x")), rf"expected a file of classify prepare \(format '{FORMAT}'\), got 'x'"),
        (lambda f: f.attrs.pop("format"), "expected a file of classify prepare .*, got None"),
        (lambda f: f.attrs.update(version=99), f"expected version {VERSION}, got 99; prepare it anew"),
        (lambda f: f.attrs.update(kinds="{}"), "attribute 'kinds': expected numbers or texts of fixed length"),
        (lambda f: f.attrs.pop("width"), "cannot be read as a file of classify prepare"),
        (lambda f: f.attrs.update(kinds=np.bytes_("{")), "cannot be read as a file of classify prepare"),
        (lambda f: f.pop("genes"), "cannot be read as a file of classify prepare"),
        (lambda f: f.pop("contigs/0/label"), r"contigs/0/label: expected uint8 \(\d+,\), got nothing"),
        (lambda f: f.pop("contigs/1/codes"), r"contigs/1/codes: expected uint8 \(n, 101\), got nothing"),
        (replace("contigs/0/position", dtype=np.int32), r"contigs/0/position: expected int64 \(\d+,\), got int32"),
        (replace("contigs/0/codes", chunks=(1, 101)), "contigs/0/codes: expected contiguous and uncompressed letters"),
        (replace("contigs/0/codes", data=np.zeros((3, 99), np.uint8)), r"expected uint8 \(n, 101\), got uint8 \(3, 99\)"),
        (put("contigs/0/gene", 10**6), "column gene: expected 0 to 29, got 0 to 1000000"),
        (put("contigs/0/split", 7), "column split: expected 0 to 2"),
        (put("contigs/0/kind", 99), "column kind: expected 0 to 5"),
        (put("contigs/0/label", 2), "column label: expected 0 to 1"),
        (lambda f: f.move("contigs/0", "contigs/7"), "cannot be read as a file of classify prepare"),
    ],
)  # fmt: skip
def test_files_that_are_not_as_they_should_be(path, tmp_path, change, match):
    other = damaged(path, tmp_path, change)
    with pytest.raises(InputError, match=match) as error:
        PreparedSet(other)
    assert str(error.value).startswith(f"{other}: ")
    assert "\n" not in str(error.value)


def test_other_files(path, tmp_path):
    with pytest.raises(InputError, match=r"none\.h5: no such file; make it with python -m classify prepare"):
        PreparedSet(tmp_path / "none.h5")
    with pytest.raises(InputError, match="cannot be read as a file of classify prepare"):
        PreparedSet(tmp_path)
    for body in (b"", b"text", path.read_bytes()[:5000]):
        (tmp_path / "x.h5").write_bytes(body)
        with pytest.raises(InputError, match=r"x\.h5: cannot be read as a file of classify prepare"):
            PreparedSet(tmp_path / "x.h5")


def test_what_the_file_says_of_its_making(path):
    with h5py.File(path) as file:
        told = {name: json.loads(file.attrs[name]) for name in ("settings", "genome", "annotation", "kinds", "counts")}
    assert told["settings"]["negatives"] == ["intragenic", "decoy"]
    assert told["settings"]["split"]["val_fraction"] == 0.3
    assert "out" not in told["settings"]
    assert told["genome"]["file"] == "genome.fa"
    assert len(told["annotation"]["sha256"]) == 64
    assert sum(told["counts"]["splits"]["test"].values()) > 0


def test_an_array_far_larger_than_its_file(path, tmp_path):
    """Memory would be taken for what a header says."""
    copy = tmp_path / "x.h5"
    copy.write_bytes(path.read_bytes())
    with h5py.File(copy, "r+") as file:
        del file["genes"]
        file.create_dataset("genes", (1 << 40,), "S9", chunks=(1 << 16,))
    with pytest.raises(InputError, match="genes: says that it has"):
        PreparedSet(copy)
