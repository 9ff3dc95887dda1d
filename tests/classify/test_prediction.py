"""Predictions: order, short records, streams, going on where a call was stopped, refusals."""

import csv
import gzip
import io
import os
import sys

import numpy as np
import pytest
from toy import edit, fasta, one_line, predicted, rows_of

from classify import prediction
from classify.__main__ import main
from classify.evaluation import run_settings
from specgen.sequences import decode
from specgen.simulate import simulate

# Prediction


def records_of(base):
    """The simulated records of the test split: (name, letters)."""
    wanted = {row["id"] for row in rows_of(base / "predictions.csv")}
    return [(r.name, decode(r.codes)) for r in simulate(run_settings(base).data.simulate) if r.name in wanted]


@pytest.mark.parametrize("tiles", [2, 1, 3])
def test_predictions_of_the_test_records_are_those_of_the_evaluation(copy, tmp_path, capsys, tiles):
    edit(copy, "test_tiles: 2", f"test_tiles: {tiles}")
    assert main(["evaluate", "--run", str(copy)]) == 0
    (tmp_path / "in.fa").write_text(fasta(records_of(copy)))
    out = tmp_path / "out.csv"
    assert main(["predict", "--run", str(copy), "--input", str(tmp_path / "in.fa"), "--out", str(out)]) == 0
    evaluated = {row["id"]: row for row in rows_of(copy / "predictions.csv")}
    predicted = rows_of(out)
    assert len(predicted) == len(evaluated) > 5
    for row in predicted:
        assert row["tiles"] == evaluated[row["id"]]["tiles"]
        assert row["length"] == evaluated[row["id"]]["length"]
        assert float(row["p_CDN"]) == pytest.approx(float(evaluated[row["id"]]["p_CDN"]), abs=1e-5)


MIXED = [
    ("z", "ACGT" * 200),
    ("short", "ACGTACGT"),
    ("a", "TTGACA" * 150),
    ("z", "G" * 700),
    ("edge", "C" * 618),
    ("below", "C" * 617),
]


def check_mixed(rows):
    assert [row["id"] for row in rows] == [name for name, _ in MIXED]
    assert [int(row["length"]) for row in rows] == [len(letters) for _, letters in MIXED]
    for row in rows:
        if row["id"] in ("short", "below"):
            assert (row["tiles"], row["predicted"], row["p_LNSD"], row["p_CDN"]) == ("0", "", "", "")
        else:
            assert float(row["p_LNSD"]) + float(row["p_CDN"]) == pytest.approx(1, abs=2e-6)


def test_order_and_short_records_are_kept(base, tmp_path, capsys):
    with gzip.open(tmp_path / "in.fa.gz", "wt") as file:
        file.write(fasta(MIXED))
    out = tmp_path / "sub" / "out.csv"
    assert (
        main(
            [
                "predict",
                "--run",
                str(base),
                "--input",
                str(tmp_path / "in.fa.gz"),
                "--out",
                str(out),
                "--progress",
                "false",
            ]
        )
        == 0
    )
    check_mixed(rows_of(out))
    captured = capsys.readouterr()
    assert "6 records, 2 of them shorter than the 618 nt" in captured.out
    assert captured.err == ""


def test_standard_input_to_standard_output(base, tmp_path, monkeypatch, capsys):
    (tmp_path / "in.fa").write_text(fasta(MIXED))
    with (tmp_path / "in.fa").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["predict", "--run", str(base), "--input", "-", "--progress", "false"]) == 0
    captured = capsys.readouterr()
    check_mixed(list(csv.DictReader(io.StringIO(captured.out))))
    assert "6 records, 2 of them shorter than the 618 nt" in captured.err


@pytest.fixture
def many(tmp_path):
    """A file of 700 records, a few of them short or long."""
    rng = np.random.default_rng(1)
    sizes = rng.choice([300, 700, 2500], 700, p=[0.1, 0.8, 0.1])
    records = [(f"r{i}", "".join(rng.choice(list("ACGT"), size))) for i, size in enumerate(sizes)]
    (tmp_path / "in.fa").write_text(fasta(records))
    return tmp_path / "in.fa"


@pytest.mark.parametrize("how", ["stopped", "killed in the middle of a line", "killed before the first line"])
def test_a_stopped_prediction_goes_on(base, many, tmp_path, capsys, monkeypatch, how):
    out, part, calls = tmp_path / "out.csv", tmp_path / "out.csv.part", []
    real = prediction.predict_logits
    monkeypatch.setattr(prediction, "predict_logits", lambda *arguments: calls.append(1) or real(*arguments))
    assert predicted(base, many, tmp_path / "whole.csv") == 0
    in_all = len(calls)
    calls.clear()

    def stops(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(prediction, "predict_logits", stops)
        assert predicted(base, many, out) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert not out.exists()
    there = part.read_bytes()
    assert there.count(b"\n") > 200
    if how != "stopped":
        part.write_bytes(there[: -len(there) // 3] if "line" in how and "first" not in how else there[:10])
    calls.clear()
    assert predicted(base, many, out) == 0
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.csv"]
    assert (len(calls) < in_all) == (how != "killed before the first line")


def test_a_part_of_another_input_is_refused(base, many, tmp_path, capsys):
    (tmp_path / "out.csv.part").write_text("id\na\n")
    (tmp_path / "out.csv.part.json").write_text("{}")
    assert predicted(base, many, tmp_path / "out.csv") == 2
    one_line(capsys, "holds predictions of another input")
    assert (tmp_path / "out.csv.part").read_text() == "id\na\n"


def test_only_short_records(base, tmp_path):
    (tmp_path / "in.fa").write_text(">a\nACGT\n")
    assert (
        main(["predict", "--run", str(base), "--input", str(tmp_path / "in.fa"), "--out", str(tmp_path / "o.csv")]) == 0
    )
    assert [row["tiles"] for row in rows_of(tmp_path / "o.csv")] == ["0"]


def test_truncated_input_leaves_no_output(base, tmp_path, capsys):
    rng = np.random.default_rng(0)
    whole = gzip.compress(fasta([(str(i), "".join(rng.choice(list("ACGT"), 700))) for i in range(30)]).encode())
    (tmp_path / "cut.fa.gz").write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out.csv"
    out.write_text("from before")
    assert (
        main(
            [
                "predict",
                "--run",
                str(base),
                "--input",
                str(tmp_path / "cut.fa.gz"),
                "--out",
                str(out),
                "--progress",
                "false",
            ]
        )
        == 2
    )
    one_line(capsys, "truncated or damaged")
    assert out.read_text() == "from before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.fa.gz", "out.csv"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_predictions_do_not_take_the_place_of_a_pipe(base, tmp_path, capsys):
    (tmp_path / "in.fa").write_text(">a\nACGT\n")
    os.mkfifo(tmp_path / "pipe")
    command = ["predict", "--run", base, "--input", tmp_path / "in.fa", "--out", tmp_path / "pipe"]
    assert main([str(word) for word in command]) == 2
    assert "pipe: is a device or a pipe; expected the name of a file (- is standard output" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.fa", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (">a\nACGTX\n", "letter 'X' at position 5"),
        ("", "holds no records"),
        (">a\nMKVLLF\n", "is no nucleotide"),
        (None, "no such file"),
    ],
)
def test_bad_input_to_predict(base, tmp_path, capsys, content, match):
    if content is not None:
        (tmp_path / "in.fa").write_text(content)
    out = tmp_path / "out.csv"
    assert (
        main(
            [
                "predict",
                "--run",
                str(base),
                "--input",
                str(tmp_path / "in.fa"),
                "--out",
                str(out),
                "--progress",
                "false",
            ]
        )
        == 2
    )
    one_line(capsys, match)
    assert not out.exists()
