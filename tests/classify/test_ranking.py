"""Labels of single sequences by probability: the table by hand, the command on a small run, the example of a report."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import LABELS
from matplotlib.colors import to_hex
from safetensors.numpy import load_file, save_file
from test_chromatin_task import rows, table_of, write_table
from test_reporting import Page
from toy import one_line

from classify.__main__ import main
from classify.reporting.page import write_report
from classify.reporting.ranked import example_of, ranked_figure, ranked_rows, read_prevalences
from classify.tasks import chromatin
from specgen.errors import InputError


def feature(name, threshold=0.5, group="TF", cell="", factor="", treatment=""):
    return {
        "name": name, "group": group, "cell": cell, "factor": factor, "treatment": treatment, "threshold": threshold,
    }  # fmt: skip


FEATURES = [
    feature("a", 0.3, "DNase", "K562", "DNase"),
    feature("b", 0.7),
    feature("c", 0.25, "histone", "H1", "H3K4me1", "EtOH"),
    feature("d", 0.1, "other"),
]


def test_rows_by_hand():
    found = ranked_rows(FEATURES, np.array([0.25, 0.6, 0.25, 0.9]), {"a": 0.5, "d": 0.125}, np.array([1, 0, -1, 1]))
    assert [row["name"] for row in found] == ["d", "b", "a", "c"]
    assert [row["rank"] for row in found] == [1, 2, 3, 4]
    assert [row["above"] for row in found] == [True, False, False, True]  # at its threshold c is called
    assert [row["prevalence"] for row in found] == [0.125, None, 0.5, None]
    assert [row["true"] for row in found] == [True, False, True, None]
    assert found[3]["cell"] == "H1"
    assert found[3]["factor"] == "H3K4me1"
    assert found[3]["treatment"] == "EtOH"
    assert "true" not in ranked_rows(FEATURES, np.zeros(4), {})[0]


def test_bars_are_filled_where_a_label_is_called():
    found = ranked_rows(FEATURES, np.array([0.2, 0.6, 0.25, 0.9]), {}, np.array([1, 0, -1, 1]))
    figure = ranked_figure(found, "a $name$")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.9, 0.6, 0.25, 0.2]
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == ["#6e6e6e", "#ffffff", "#009e73", "#ffffff"]
    assert [to_hex(bar.get_edgecolor()) for bar in axes.patches] == ["#6e6e6e", "#d55e00", "#009e73", "#0072b2"]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["• d", "b", "H3K4me1, H1, EtOH", "• DNase, K562"]
    lines = axes.collections[0].get_segments()
    assert [line[0][0] for line in lines] == [0.1, 0.7, 0.25, 0.3]
    assert figure.get_suptitle() == r"a \$name\$"


def test_thirty_labels_are_drawn():
    many = [feature(f"l{i}") for i in range(50)]
    axes = ranked_figure(ranked_rows(many, np.linspace(0, 1, 50), {}), "x").axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [f"l{i}" for i in range(49, 19, -1)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "in.fa"
    records = [(row[0], row[1]) for row in rows(6)]
    records[1] = ("../<script>alert(1)</script>", records[1][1])
    path.write_text("".join(f">{name} words\n{letters}\n" for name, letters in records) + ">short\nACGT\n")
    return path


def features(run, source, out, *more):
    return main(["features", "--run", str(run), "--input", str(source), "--out", str(out), *more])


@pytest.fixture(scope="module")
def ranked(labelled, source, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "new"
    assert features(labelled, source, out, "--most", "3") == 0
    return out


def read(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_agrees_with_predict_and_with_the_run(labelled, source, ranked, tmp_path):
    table = read(ranked / "features.csv")
    assert len(table) == 9
    whole = tmp_path / "whole.fa"
    whole.write_text(source.read_text().partition(">short")[0])
    assert main(["predict", "--run", str(labelled), "--input", str(whole), "--out", str(tmp_path / "p.csv")]) == 0
    predicted = read(tmp_path / "p.csv")[:3]
    thresholds = json.loads((labelled / "decided.json").read_text())["thresholds"]
    split = {row["id"]: row["split"] for row in read(labelled / "split.csv")}
    train = [row for row in read(labelled.parents[3] / "labels.csv") if split[row["id"]] == "train"]
    for i, one in enumerate(predicted):
        own = table[3 * i : 3 * i + 3]
        assert {row["record"] for row in own} == {one["id"]}
        assert [row["rank"] for row in own] == ["1", "2", "3"]
        chances = [float(row["probability"]) for row in own]
        assert chances == sorted(chances, reverse=True)
        assert {row["name"] for row in own} == set(LABELS)
        for row in own:
            assert float(row["probability"]) == pytest.approx(float(one[f"p_{row['name']}"]), abs=1e-6)
            assert float(row["threshold"]) == pytest.approx(thresholds[row["name"]])
            assert row["above"] == str(int(float(row["probability"]) >= float(row["threshold"])))
            known = [example[row["name"]] for example in train if example[row["name"]] != "NA"]
            assert len(known) < len(train)
            assert float(row["prevalence"]) == pytest.approx(known.count("1") / len(known))
    said = {(row["group"], row["cell"], row["factor"], row["treatment"]) for row in table}
    assert said == {
        ("TF", "K562", "GATA1", ""), ("DNase", "HepG2", "DNase", ""), ("histone", "H1", "H3K4me3", "<b>heat & light</b>"),
    }  # fmt: skip


def test_names_become_neither_paths_nor_html(ranked):
    assert {path.name for path in ranked.iterdir()} == {
        "features.csv",
        "features.html",
        *(f"000{i}.png" for i in (1, 2, 3)),
    }
    text = (ranked / "features.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.all("script")) == 1
    assert "<b>heat" not in text
    assert "../<script>alert(1)</script>" in page.text
    assert "<b>heat & light</b>" in page.text
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert len(page.all("img")) == 3
    assert "http://" not in text
    assert "https://" not in text


def test_records_by_name(labelled, source, tmp_path, capsys):
    assert features(labelled, source, tmp_path / "x", "--record", "r4", "r2") == 0
    assert [row["record"] for row in read(tmp_path / "x" / "features.csv")] == ["r2"] * 3 + ["r4"] * 3
    said = capsys.readouterr().out.splitlines()
    best = read(tmp_path / "x" / "features.csv")[0]
    above = sum(row["above"] == "1" for row in read(tmp_path / "x" / "features.csv")[:3])
    assert said[0].startswith(f"r2: {above} of 3 labels at their threshold or above; likeliest {best['name']}, ")


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (["--record", "short"], "record 'short': expected 60 nt, a window of this run, got 4"),
        (["--most", "99"], "record 'short': expected 60 nt, a window of this run, got 4"),
        (["--record", "r2", "shirt"], "holds no record 'shirt'; did you mean 'short'?"),
        (["--most", "0"], "--most: expected a whole number above 0, got 0"),
    ],
)
def test_bad_records(labelled, source, tmp_path, capsys, more, match):
    capsys.readouterr()
    assert features(labelled, source, tmp_path / "x", *more) == 2
    one_line(capsys, match)
    assert not (tmp_path / "x").exists()


def test_bad_runs_and_places(labelled, base, source, ranked, tmp_path, capsys):
    capsys.readouterr()
    assert features(base, source, tmp_path / "x") == 2
    one_line(capsys, "is of task 'coding', whose examples have no several labels; expected chromatin")
    assert features(tmp_path, source, tmp_path / "x") == 2
    one_line(capsys, "is no run folder")
    assert features(labelled, tmp_path / "none.fa", tmp_path / "x") == 2
    one_line(capsys, "none.fa")
    assert not (tmp_path / "x").exists()
    before = {path.name: path.stat().st_mtime_ns for path in ranked.iterdir()}
    assert features(labelled, source, ranked) == 2
    one_line(capsys, "holds something already")
    assert {path.name: path.stat().st_mtime_ns for path in ranked.iterdir()} == before


def test_labels_of_training_are_listed(labelled):
    table = read(labelled / "labels.csv")
    assert [row["name"] for row in table] == list(LABELS)
    assert read_prevalences(labelled) == {
        row["name"]: int(row["train_positives"]) / int(row["train_known"]) for row in table
    }
    assert read_prevalences(labelled.parent) == {}


def test_many_labels_are_not_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(chromatin, "COUNTED", 10)
    for weights, counted in (("none", False), ("balanced", True)):
        task = table_of(write_table(tmp_path / "t.csv", rows()), pos_weight=weights)
        train = task.load().part("train")
        task.begin(train)
        columns, listed = task.listed()
        assert columns[-2:] == ["train_known", "train_positives"]
        ones = (train.targets.gather(np.arange(len(train))) == 1).sum(axis=0).tolist()
        assert [row[-2:] for row in listed] == ([[len(train), n] for n in ones] if counted else [["", ""]] * 3)
    (tmp_path / "labels.csv").write_text("name,train_known,train_positives\na,,\nb,0,0\nc,8,2\n")
    assert read_prevalences(tmp_path) == {"c": 0.25}
    for row in ("a,some,1", f"{'a' * 140_000},8,2"):
        (tmp_path / "labels.csv").write_text(f"name,train_known,train_positives\n{row}\n")
        with pytest.raises(InputError, match=r"labels\.csv: cannot be read as counts of labels"):
            read_prevalences(tmp_path)


def test_the_report_shows_the_test_example_that_holds_most(labelled, tmp_path):
    stored = load_file(labelled / "predictions.safetensors")
    held = (stored["labels"] == 1).sum(axis=1)
    best = held.argmax()
    table = read(labelled / "predictions.csv")
    body = json.loads((labelled / "metrics.json").read_text())
    name, found = example_of(labelled, body)
    assert name == table[best]["id"]
    assert sum(row["true"] is True for row in found) == held.max()
    for row in found:
        i = LABELS.index(row["name"])
        assert row["probability"] == pytest.approx(float(stored["probabilities"][best, i]))
        assert row["true"] == {1: True, 0: False, -1: None}[int(stored["labels"][best, i])]
        assert row["threshold"] == body["features"][i]["threshold"]
        assert row["prevalence"] is not None
    text = (labelled / "report.html").read_text()
    assert "One example" in Page(text).text
    assert f"{name}</span>: of the {len(table)} test examples" in text
    assert "<b>heat" not in text
    assert (labelled / "figures" / "example.png").is_file()


def test_an_example_of_other_labels_is_refused(labelled, tmp_path):
    run = Path(shutil.copytree(labelled, tmp_path / "run"))
    stored = load_file(run / "predictions.safetensors")
    save_file({key: array[:-1] for key, array in stored.items()}, run / "predictions.safetensors")
    with pytest.raises(InputError, match=r"predictions\.safetensors: cannot be read .expected \[59, 3\] examples"):
        write_report(run)
    (run / "predictions.safetensors").unlink()
    write_report(run)
    assert "One example" not in (run / "report.html").read_text()


def test_a_run_of_one_class_has_no_example(base):
    body = json.loads((base / "metrics.json").read_text())
    assert example_of(base, body) is None
    assert "One example" not in (base / "report.html").read_text()
