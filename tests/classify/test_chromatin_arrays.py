"""DeepSEA's files: both orders of axes against SciPy's reading, in place, in any process, in memory that does not grow."""

import pickle
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from classify.chromatin.arrays import ArrayFile, array_examples, count_labels
from classify.chromatin.features import parse_feature
from classify.chromatin.matlab import read_arrays
from classify.chromatin.settings import ArraySettings
from classify.chromatin.simulation import planted_motifs, simulate_mat, simulated_names
from classify.datasets import TileDataset
from classify.splits import SplitSettings
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement

RNG = np.random.default_rng(3)
N, L, K = 150, 40, 5
TEXT = ["".join("ACGTN"[i] for i in row) for row in RNG.integers(0, 5, (N, L))]
HOT = np.array([[[int(letter == base) for letter in text] for base in "AGCT"] for text in TEXT], dtype=np.uint8)  # NCL
LABELS = RNG.integers(0, 2, (N, K)).astype(np.uint8)
ORDERS = {"NCL": (0, 1, 2), "NLC": (0, 2, 1), "LCN": (2, 1, 0), "CLN": (1, 2, 0)}


def write_hdf5(path, order="LCN", hot=HOT, labels=LABELS.T, chunks=True, x="trainxdata", y="traindata"):
    windows = hot.transpose(ORDERS[order])
    with h5py.File(path, "w") as file:
        file.create_dataset(x, data=windows, chunks=tuple(min(7, n) for n in windows.shape) if chunks else None)
        file.create_dataset(y, data=labels, chunks=(3, 4) if chunks else None)
    return path


def letters_of(file, rows, low=0, window=L):
    rows = np.asarray(rows)
    return [decode(codes) for codes in file.gather(rows, np.full(len(rows), low), window)]


@pytest.mark.parametrize("chunks", [True, False])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("turned", [False, True])
def test_hdf5_in_any_order_of_axes(tmp_path, order, chunks, turned):
    path = write_hdf5(tmp_path / "train.mat", order, labels=LABELS if turned else LABELS.T, chunks=chunks)
    file = ArrayFile(path, ArraySettings())
    assert (file.n, file.length, file.labels) == (N, L, K)
    rows = [*RNG.permutation(N)[:60].tolist(), 0, 0, N - 1]
    assert letters_of(file, rows) == [TEXT[i] for i in rows]
    assert letters_of(file, rows, 11, 20) == [TEXT[i][11:31] for i in rows]
    np.testing.assert_array_equal(file.targets(np.array(rows)), LABELS[rows])


def test_windows_that_were_never_written_have_no_base(tmp_path):
    """HDF5 keeps no place in the file for them."""
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file.create_dataset("trainxdata", shape=(6, 4, 9), dtype="u1")
        file.create_dataset("traindata", data=np.ones((6, 3), dtype="u1"))
    assert letters_of(ArrayFile(tmp_path / "x.mat", ArraySettings()), [0, 5], window=9) == ["N" * 9] * 2


def test_matlab_5_is_what_scipy_reads(tmp_path):
    savemat(tmp_path / "valid.mat", {"validxdata": HOT, "validdata": LABELS, "note": "x"}, do_compression=True)
    read = loadmat(tmp_path / "valid.mat")
    file = ArrayFile(tmp_path / "valid.mat", ArraySettings())
    codes = file.gather(np.arange(N), np.zeros(N, dtype=np.int64), L)
    for base, row in zip("AGCT", range(4), strict=True):
        np.testing.assert_array_equal(codes == encode(base)[0], read["validxdata"][:, row] == 1)
    np.testing.assert_array_equal(codes == 15, read["validxdata"].sum(axis=1) == 0)
    np.testing.assert_array_equal(file.targets(np.arange(N)), read["validdata"])


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "?"])
def test_arrays_of_matlab_5_are_those_of_scipy(tmp_path, dtype, packed):
    path = tmp_path / "x.mat"
    flat = {"a": RNG.integers(0, 2, (7, 3)), "longer_name": RNG.integers(0, 2, (2, 4, 5)), "one": np.ones((1, 3))}
    others = {"text": "ACGT", "cell": np.array([1, "x"], object), "complex": np.ones((2, 2)) * 1j, "record": {"b": 1}}
    given = {**others, **{name: array.astype(dtype) for name, array in flat.items()}}
    savemat(path, given, do_compression=packed)
    told, found = loadmat(path), read_arrays(str(path), ())
    assert set(found) == set(flat)
    for name, array in found.items():
        assert array.dtype == told[name].dtype
        np.testing.assert_array_equal(array, told[name])
    assert set(read_arrays(str(path), ("a", "one"))) == {"a", "one"}


def test_matlab_5_of_the_other_byte_order(tmp_path):
    """Of four bytes: a head, flags, sizes, a name and two numbers, each element behind its tag."""
    flags, sizes = np.array([6, 8, 12, 0], ">u4").tobytes(), np.array([5, 8, 1, 2], ">u4").tobytes()
    body = (
        flags + sizes + np.array([1 << 16 | 1], ">u4").tobytes() + b"x\0\0\0" + np.array([5, 8, 7, -2], ">i4").tobytes()
    )
    head = b"MATLAB 5.0".ljust(124) + b"\1\0MI"
    path = tmp_path / "x.mat"
    path.write_bytes(head + np.array([14, len(body)], ">u4").tobytes() + body)
    assert read_arrays(str(path), ("x", "y"))["x"].tolist() == loadmat(path)["x"].tolist() == [[7, -2]]


@pytest.mark.parametrize("kind", [0, 8, 10, 14, 20, 0x7FFF, 0xFFFF])
def test_matlab_5_with_numbers_of_a_type_that_there_is_not(tmp_path, kind):
    """SciPy's reader ends the process on some of these."""
    path = tmp_path / "x.mat"
    savemat(path, {"x": HOT, "y": LABELS})
    data = path.read_bytes()
    place = data.index(np.array([2, HOT.size], "<u4").tobytes())
    path.write_bytes(data[:place] + np.array([kind], "<u4").tobytes() + data[place + 4 :])
    with pytest.raises(InputError, match=f"x.mat: cannot be read .*numbers of type {kind}"):
        ArrayFile(path, ArraySettings())


def test_the_order_of_bases_is_a_setting(tmp_path):
    path = write_hdf5(tmp_path / "a.h5")
    assert letters_of(ArrayFile(path, ArraySettings(bases="ACGT")), [0]) == [
        TEXT[0].translate(str.maketrans("AGCTN", "ACGTN"))
    ]


def test_missing_labels(tmp_path):
    labels = LABELS.astype(np.float32)
    labels[3, 2], labels[4, 1] = np.nan, -1
    file = ArrayFile(write_hdf5(tmp_path / "a.mat", labels=labels.T), ArraySettings())
    expected = LABELS.astype(np.int8)
    expected[3, 2] = expected[4, 1] = -1
    np.testing.assert_array_equal(file.targets(np.arange(N)), expected)


def test_as_many_windows_as_letters_is_told_by_the_settings(tmp_path):
    path = write_hdf5(tmp_path / "a.mat", hot=HOT[:L], labels=LABELS[:L].T)
    with pytest.raises(InputError, match=r"is not clear; data\.arrays\.axes"):
        ArrayFile(path, ArraySettings())
    file = ArrayFile(path, ArraySettings(axes="LCN"))
    assert letters_of(file, [7, 2]) == [TEXT[7], TEXT[2]]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_open_the_file_for_themselves(tmp_path, method):
    file = ArrayFile(write_hdf5(tmp_path / "a.mat"), ArraySettings())
    rows, starts = np.array([5, 70]), np.array([0, 3])
    mine = file.gather(rows, starts, 30), file.targets(rows)  # it is open here when the other one starts
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(file)).targets(rows), mine[1])
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
        np.testing.assert_array_equal(pool.submit(file.gather, rows, starts, 30).result(), mine[0])
        np.testing.assert_array_equal(pool.submit(file.targets, rows).result(), mine[1])


def test_a_large_file_is_read_in_little_memory(tmp_path):
    n, length, k = 6000, 500, 40
    path = simulate_mat(tmp_path / "train.mat", n, length, k, 1)
    assert path.stat().st_size > n * length * 4
    settings = ArraySettings(test=str(path))
    tracemalloc.start()
    try:
        examples = array_examples(settings, tmp_path, [f"l{i}" for i in range(k)], 400, SplitSettings(strategy="test"))
        dataset, seen = TileDataset(examples, 1), 0
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for low in range(0, n, 100):
            inputs, labels, _ = dataset.__getitems__(range(low, low + 100))
            seen += len(inputs)
            assert (inputs.shape, labels.shape) == ((100, 400), (100, k))
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert seen == n
    assert peak < n * length * 4 / 4  # a batch of windows and what it takes to decode them; the file is 12 MB


def test_both_strands_of_a_window_of_the_test_are_one_group(tmp_path):
    """As in DeepSEA's test file, of which the second half are the reverse complements of the first."""
    half = HOT[:60]
    turned = half[:, [3, 2, 1, 0], ::-1]  # A, G, C, T turned about
    both = np.concatenate([half, turned])
    for name in ("train", "valid"):
        write_hdf5(tmp_path / f"{name}.mat", hot=both, labels=LABELS[:120].T)
    write_hdf5(tmp_path / "test.mat", hot=both, labels=LABELS[:120].T)
    settings = ArraySettings(train="train.mat", val="valid.mat", test="test.mat")
    examples = array_examples(settings, tmp_path, [f"l{i}" for i in range(K)], 30, SplitSettings())
    test = examples.part("test")
    assert decode(test.sequences[60]) == decode(reverse_complement(test.sequences[0]))
    assert test.groups == 2 * [f"test_{i + 1}" for i in range(60)]
    assert examples.part("train").groups == examples.part("train").ids


def test_simulated_windows_have_the_motifs_of_their_labels(tmp_path):
    n, length, k = 700, 200, 6
    file = ArrayFile(simulate_mat(tmp_path / "a.mat", n, length, k, 4), ArraySettings())
    texts = letters_of(file, np.arange(n), 0, length)
    truth = file.targets(np.arange(n))
    motifs = ["".join("ACGT"[i] for i in row) for row in planted_motifs(k, 4)]
    for i, motif in enumerate(motifs):
        there = np.array([motif in text for text in texts])
        assert there[truth[:, i] == 1].all()
        assert there[truth[:, i] == 0].mean() < 0.01
    assert 0.003 < truth.mean() < 0.06
    again = ArrayFile(simulate_mat(tmp_path / "b.mat", n, length, k, 4, "valid"), ArraySettings())
    assert letters_of(again, [0, 1], 0, length) != texts[:2]
    assert again._windows.name == "validxdata"


def test_simulated_names_have_the_published_shares():
    groups = [parse_feature(name).group for name in simulated_names(919)]
    assert [groups.count(name) for name in ("DNase", "TF", "histone")] == [125, 690, 104]
    assert len(set(simulated_names(919))) == 919


@pytest.mark.parametrize(
    ("settings", "change", "match"),
    [
        ({}, {"hot": HOT * 2}, "trainxdata: expected 0 and 1, got 2"),
        ({}, {"labels": LABELS.T * 3}, "traindata: expected labels 0 and 1, got 3"),
        (
            {"windows": "nothing"},
            {},
            r"expected an array 'nothing' of 3 dimensions, it has .*trainxdata \(40, 4, 150\)",
        ),
        ({"axes": "NLC"}, {}, "do not fit: expected 4 bases"),
        ({}, {"labels": LABELS[:9].T}, "is not clear"),
        ({}, {"hot": HOT[:, :3]}, "is not clear"),
    ],
)
def test_bad_files_are_one_line(tmp_path, settings, change, match):
    path = write_hdf5(tmp_path / "a.mat", **change)

    def read():
        file = ArrayFile(path, ArraySettings(**settings))
        return file.gather(np.arange(3), np.zeros(3, dtype=np.int64), L), file.targets(np.arange(N))

    with pytest.raises(InputError, match=match) as caught:
        read()
    assert "\n" not in str(caught.value)


def test_what_is_no_such_file(tmp_path):
    (tmp_path / "a.mat").write_text("nothing of the kind")
    with pytest.raises(InputError, match="cannot be read as a MATLAB or HDF5 file"):
        ArrayFile(tmp_path / "a.mat", ArraySettings())
    with pytest.raises(InputError, match="no such file"):
        count_labels(ArraySettings(test="b.mat"), tmp_path)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"bases": "ACG"}, "expected A, C, G and T"),
        ({"axes": "NCX"}, "expected N, C and L"),
        ({"train": "a"}, r"not data\.arrays\.val"),
        ({"val": "a"}, r"not data\.arrays\.train"),
    ],
)
def test_bad_settings(given, match):
    with pytest.raises(InputError, match=match):
        ArraySettings(**given)


def test_arrays_longer_than_their_file_can_stand_for(tmp_path):
    path = tmp_path / "x.mat"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (1 << 20, 4, 1 << 20), "u1", chunks=(1, 4, 1 << 20), compression="gzip")
        file.create_dataset("y", (1 << 20, 2), "u1")
    with pytest.raises(InputError, match=r"x.mat: x: says that it has .* bytes"):
        ArrayFile(path, ArraySettings())
    savemat(
        path, {"x": np.zeros((60_000, 4, 300), np.uint8), "y": np.zeros((60_000, 3), np.uint8)}, do_compression=True
    )
    with pytest.raises(InputError, match="x: says that it has 72,000,000 bytes"):
        ArrayFile(path, ArraySettings())


def test_matlab_4_is_refused_before_its_reader_sees_it(tmp_path):
    """Its headers give lengths that SciPy takes memory for."""
    savemat(tmp_path / "x.mat", {"y": np.zeros((3, 2))}, format="4")
    with pytest.raises(InputError, match=r"expected a file of MATLAB 5 or 7.3, or HDF5, got one of MATLAB 4"):
        ArrayFile(tmp_path / "x.mat", ArraySettings())


def test_an_array_that_is_gone_when_its_rows_are_read(tmp_path):
    path = write_hdf5(tmp_path / "x.mat")
    arrays = ArrayFile(path, ArraySettings())
    with h5py.File(path, "r+") as file:
        del file["trainxdata"]
    with pytest.raises(InputError, match=r"x.mat: trainxdata: cannot be read"):
        letters_of(arrays, [0, 1])


def test_a_damaged_chunk_is_told(tmp_path):
    path = write_hdf5(tmp_path / "x.mat")
    with h5py.File(path, "r+") as file:
        file.create_dataset("windows", data=file["trainxdata"][:], chunks=(7, 4, 7), compression="gzip")
        del file["trainxdata"]
        place = file["windows"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[place : place + 20] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x.mat: windows: cannot be read"):
        letters_of(ArrayFile(path, ArraySettings()), [0, 1])
