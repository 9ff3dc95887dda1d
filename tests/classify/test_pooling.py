"""Tiles of whole records and what they say together, by hand and against naive loops; and the options of predict."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import fasta, one_line, rows_of

from classify import prediction
from classify.__main__ import main
from classify.pooling import POOLS, log_odds, longest_run
from classify.tiling import Tiled, TilingSettings, batches, windows_of
from specgen.errors import InputError, UnknownName
from specgen.records import Record
from specgen.sequences import encode

# Four tiles; the log odds of the second class are -2, 3, 5, -1.
FOUR = np.array([[1.0, -1.0], [0.0, 3.0], [-2.0, 3.0], [4.0, 3.0]])


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ("mean", [0.75, 2.0]),
        ("median", [0.5, 3.0]),
        ("max", [-2.0, 3.0]),
        ("top:2", [-1.0, 3.0]),
        ("top3", [2 / 3, 3.0]),
        ("top:9", [0.75, 2.0]),
        ("run:1", [-2.0, 3.0]),
        ("run:2", [-1.0, 3.0]),
        ("run:3", [2 / 3, 3.0]),  # log odds 7/3 of the last three, against 2 of the first three
        ("run:9", [0.75, 2.0]),
        ("soft", [0.0, np.log((np.exp(-2) + np.exp(3) + np.exp(5) + np.exp(-1)) / 4)]),
    ],
)
def test_pools_by_hand(pool, expected):
    np.testing.assert_allclose(POOLS[pool](FOUR.astype(np.float32)), expected, rtol=1e-6)


def test_neighbours_are_neighbours():
    apart = np.array([[0.0, 9.0], [0.0, -9.0], [0.0, 9.0], [0.0, 1.0]])
    assert log_odds(POOLS["top:2"](apart)[None])[0] == 9
    assert log_odds(POOLS["run:2"](apart)[None])[0] == 5


EVERY = [*POOLS, "top:2", "run:2", "run:4"]


@pytest.mark.parametrize("pool", EVERY)
@given(odds=st.lists(st.floats(-40, 40), min_size=1, max_size=12))
def test_a_pool_lies_between_the_tiles_and_takes_a_single_one_as_it_is(pool, odds):
    logits = np.stack([np.zeros(len(odds)), odds], axis=1)
    pooled = log_odds(POOLS[pool](logits)[None])[0]
    assert min(odds) - 1e-9 <= pooled <= max(odds) + 1e-9
    assert log_odds(POOLS[pool](logits[:1])[None])[0] == pytest.approx(odds[0], abs=1e-9)


def test_pools_that_are_none_and_classes_that_are_too_many():
    for name in ("means", "top:0", "top:x", "run:-1", "top:", "best:3"):
        with pytest.raises(UnknownName):
            POOLS[name]
    for name in ("max", "soft", "top:2", "run:2"):
        with pytest.raises(InputError, match="two classes, got 3"):
            POOLS[name].check(3)
    for name in ("mean", "median"):
        POOLS[name].check(3)


@given(st.lists(st.booleans(), max_size=30))
def test_longest_run(marks):
    text = "".join("x" if mark else " " for mark in marks)
    assert longest_run(np.array(marks, dtype=bool)) == max(map(len, text.split()), default=0)


# Tiles


def record(name, letters):
    return Record(name, name, encode(letters))


def test_tiles_of_records_by_hand():
    records = [record("a", "ACGTACGTAC"), record("b", "ACG"), record("c", "GGGGG")]
    (batch,) = batches(records, lambda codes: codes, 5, TilingSettings(stride=2), most=1, size=100)
    assert [(tiled.name, tiled.length, tiled.padded, len(tiled.starts)) for tiled in batch] == [
        ("a", 10, 0, 4),
        ("b", 3, 0, 0),
        ("c", 5, 0, 1),
    ]
    (windows,) = windows_of(batch, 5, 100)
    np.testing.assert_array_equal(windows, [encode(w) for w in ("ACGTA", "GTACG", "ACGTA", "CGTAC", "GGGGG")])
    (batch,) = batches(records, lambda codes: codes, 5, TilingSettings(short="pad"), most=1, size=100)
    (windows,) = windows_of(batch, 5, 100)
    assert [tiled.padded for tiled in batch] == [0, 2, 0]
    np.testing.assert_array_equal(windows[0], encode("GTACG"))  # the centre: no stride, so most counts
    np.testing.assert_array_equal(windows[1], [1, 2, 4, 0, 0])


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=12),
    st.integers(1, 12),
    st.integers(0, 9),
    st.sampled_from(["skip", "pad"]),
    st.integers(1, 20),
    st.integers(0, 4),
)
def test_windows_come_in_order_and_never_too_many(lengths, window, stride, short, size, most):
    rng = np.random.default_rng(sum(lengths))
    records = [Record(str(i), "", 1 << rng.integers(0, 4, n).astype(np.uint8)) for i, n in enumerate(lengths)]
    settings = TilingSettings(stride=stride, short=short)
    expected, seen, names = [], [], []
    for one in records:
        codes = one.codes
        if short == "pad" and len(codes) < window:
            codes = np.append(codes, np.zeros(window - len(codes), dtype=np.uint8))
        if len(codes) >= window:
            expected += [codes[start : start + window] for start in settings.starts(len(codes), window, most)]
    for batch in batches(records, lambda codes: codes, window, settings, most=most, size=size):
        names += [tiled.name for tiled in batch]
        for windows in windows_of(batch, window, size):
            assert 0 < len(windows) <= size
            seen += list(windows)
        assert all(len(tiled.codes) <= max(window * len(tiled.starts), tiled.length + tiled.padded) for tiled in batch)
    assert names == [one.name for one in records]
    np.testing.assert_array_equal(np.array(seen).reshape(-1, window), np.array(expected).reshape(-1, window))


def test_of_a_long_record_only_the_tiles_are_kept():
    (batch,) = batches([record("a", "ACGT" * 1000)], lambda codes: codes, 4, TilingSettings(), most=3, size=9)
    assert len(batch[0].codes) == 12
    (batch,) = batches([record("a", "ACGT" * 1000)], lambda codes: codes, 4, TilingSettings(stride=1), most=3, size=9)
    assert len(batch[0].codes) == 4000  # and not 4 * 3997
    assert max(len(windows) for windows in windows_of(batch, 4, 9)) == 9


def test_settings_that_cannot_be():
    with pytest.raises(InputError, match="got -1"):
        TilingSettings(stride=-1)
    with pytest.raises(UnknownName, match="'cut'"):
        TilingSettings(short="cut")
    with pytest.raises(UnknownName, match="mean"):
        TilingSettings(pool="maen")


# The command: a window of the base run is 600 nt and 18 are trimmed


def lines(base, tmp_path, capsys, *options, records):
    (tmp_path / "in.fa").write_text(fasta(records))
    command = ["predict", "--run", str(base), "--input", str(tmp_path / "in.fa"), "--progress", "false", *options]
    assert main(command) == 0
    said = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(said.out))), said.err


@pytest.fixture(scope="module")
def letters():
    rng = np.random.default_rng(3)
    return ["".join(rng.choice(list("ACGT"), size)) for size in (6000, 618, 400, 9)]


def test_a_stride_covers_the_whole_record_and_short_ones_are_padded(base, tmp_path, capsys, letters):
    records = list(zip("abcd", letters, strict=True))
    rows, said = lines(base, tmp_path, capsys, "--stride", "300", "--short", "pad", "--pool", "max", records=records)
    assert [row["tiles"] for row in rows] == ["19", "1", "1", "1"]
    assert [row["padded"] for row in rows] == ["0", "0", "218", "600"]
    assert all(row["predicted"] in ("CDN", "LNSD") for row in rows)
    assert "4 records, 2 of them padded to the 618 nt" in said
    # Each tile as a record of its own: the trim is taken off again.
    inner = letters[0][9:-9]
    starts = [*range(0, 5382, 300), 5382]
    pieces = [(str(s), "C" * 9 + inner[s : s + 600] + "C" * 9) for s in starts]
    alone, _ = lines(base, tmp_path, capsys, records=pieces)
    assert max(float(row["p_CDN"]) for row in alone) == pytest.approx(float(rows[0]["p_CDN"]), abs=1e-6)
    few, _ = lines(base, tmp_path, capsys, records=records)
    assert [row["tiles"] for row in few] == ["2", "1", "0", "0"]
    assert "padded" not in few[0]


def test_tile_logits_are_what_is_pooled(base, tmp_path, capsys, letters):
    records = list(zip("abcd", letters, strict=True))
    rows, _ = lines(base, tmp_path, capsys, "--stride", "500", "--pool", "top3", records=records)
    found = list(prediction.tile_logits(base, str(tmp_path / "in.fa"), tiling=TilingSettings(stride=500)))
    assert [tiled.name for tiled, _ in found] == list("abcd")
    assert isinstance(found[0][0], Tiled)
    assert [len(logits) for _, logits in found] == [12, 1, 0, 0]
    odds = np.sort(log_odds(found[0][1]))[-3:].mean()
    assert float(rows[0]["p_CDN"]) == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-6)


@pytest.mark.parametrize("option", [("--pool", "max"), ("--stride", "50"), ("--short", "pad")])
def test_a_part_of_other_options_is_refused_and_one_of_the_same_goes_on(
    base, tmp_path, capsys, monkeypatch, letters, option
):
    (tmp_path / "in.fa").write_text(fasta([(f"r{i}", letters[1]) for i in range(300)]))
    out = tmp_path / "out.csv"
    command = ["predict", "--run", str(base), "--input", str(tmp_path / "in.fa"), "--out", str(out)]
    command += ["--progress", "false"]
    calls = []

    def stops(loaded, windows):
        calls.append(len(windows))
        if sum(calls) > 256:
            raise KeyboardInterrupt
        return np.zeros((len(windows), 2), dtype=np.float32)

    monkeypatch.setattr(prediction, "predict_logits", stops)
    assert main([*command, *option]) == 130
    capsys.readouterr()
    assert main(command) == 2
    one_line(capsys, f"holds predictions of another {option[0][2:]}")
    calls.clear()
    assert main([*command, *option]) == 0
    assert sum(calls) == 44
    assert [row["id"] for row in rows_of(out)] == [f"r{i}" for i in range(300)]


@pytest.mark.parametrize(
    ("option", "match"),
    [
        (("--pool", "men"), "mean"),
        (("--stride", "-5"), "got -5"),
        (("--short", "cut"), "pad"),
        (("--pool", "top:0"), "0"),
    ],
)
def test_options_that_cannot_be(base, capsys, option, match):
    assert main(["predict", "--run", str(base), "--input", "x.fa", *option]) == 2
    one_line(capsys, match)
