"""Finished runs on other data: a toy network and a baseline, their own folders, and what is refused."""

import csv
import json

import numpy as np
import pytest
import yaml
from toy import SMALL, main, one_line, rows_of

from classify.models import register_model

pytestmark = pytest.mark.usefixtures("unrendered")


@register_model("fixed_test", view="onehot", note="only in tests: reads 600 nt and nothing else")
def fixed_test(outputs: int = 2):
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(4 * 600, outputs))


def config(path, seed=7, length=600, **data):
    """Other simulated data, as a file."""
    simulate = {"n": 20, "min_length": 700, "max_length": 900, "seed": seed}
    path.write_text(yaml.safe_dump({"data": {"simulate": simulate, "length": length, **data}}))
    return str(path)


def evaluate(run, *more):
    return main(["evaluate", "--run", str(run), *map(str, more)])


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    runs = tmp_path_factory.mktemp("baseline")
    assert main(["baselines", *SMALL, "--runs", str(runs), "--only", "hexamer", "--name", "small"]) == 0
    return runs / "coding" / "hexamer" / "small"


def test_a_network_on_other_data(copy, tmp_path, capsys):
    before = {p.name: p.read_bytes() for p in copy.iterdir() if p.is_file()}
    other = config(tmp_path / "other.yaml")
    assert evaluate(copy, "--on", other, "--as", "elsewhere") == 0
    said = capsys.readouterr().out
    folder = copy / "on" / "elsewhere"
    assert f"report: {folder / 'report.html'}" in said
    assert said.startswith("all (40 examples")
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.yaml", "environment.json", "metrics.json", "predictions.csv", "report.html", "figures", "gallery",
    }  # fmt: skip
    assert {p.name: p.read_bytes() for p in copy.iterdir() if p.is_file()} == before
    body = json.loads((folder / "metrics.json").read_text())
    assert (body["model"], body["name"], body["split"], body["n"]) == ("toy_test", "base on elsewhere", "all", 40)
    assert body["data"]["id_or_group_seen_in_training"] > 0  # simulated records are called alike, whatever the seed
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    assert (settings["model"], settings["data"]["simulate"]["seed"]) == ("toy_test", 7)
    assert settings["data"]["split"]["strategy"] == "test"

    # The same letters through prediction, which cuts and averages the same tiles.
    from classify.tasks import TASKS
    from classify.tasks.coding import CodingSettings
    from specgen.sequences import decode
    from specgen.simulate import SimulationSettings, simulate

    records = list(simulate(SimulationSettings(n=20, min_length=700, max_length=900, seed=7)))
    assert TASKS["coding"](CodingSettings()).window == 600
    (tmp_path / "in.fa").write_text("".join(f">{r.name}\n{decode(r.codes)}\n" for r in records))
    out = tmp_path / "out.csv"
    arguments = ["--run", copy, "--input", tmp_path / "in.fa", "--out", out, "--progress", "false"]
    assert main(["predict", *map(str, arguments)]) == 0
    scored = {row["id"]: row for row in rows_of(folder / "predictions.csv")}
    predicted = {row["id"]: row for row in rows_of(out)}
    assert len(scored) == 40
    for name, row in scored.items():
        assert row["tiles"] == predicted[name]["tiles"]
        assert float(row["p_CDN"]) == pytest.approx(float(predicted[name]["p_CDN"]), abs=1e-5)

    # Its own page says how to repeat it, and that command does.
    command = body["repeat"].split()
    assert command[:4] == ["python", "-m", "classify", "evaluate"]
    assert "--as again --split all" in (folder / "report.html").read_text()
    assert main(command[3:]) == 0
    assert (copy / "on" / "again" / "predictions.csv").read_bytes() == (folder / "predictions.csv").read_bytes()
    # A new training takes away what the old weights scored.
    from classify.runs import RunFolder

    RunFolder(copy).clear()
    assert not (copy / "on").exists()


def test_compare_reads_it(base, copy, baseline, tmp_path, capsys):
    other = config(tmp_path / "other.yaml")
    assert evaluate(copy, "--on", other, "--as", "there") == 0
    assert evaluate(baseline, "--on", other, "--as", "there") == 0
    capsys.readouterr()
    folders = [base, copy / "on" / "there", baseline / "on" / "there"]
    assert main(["compare", *map(str, folders), "--out", str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "compare.csv").open() as file:
        rows = {(row["model"], row["name"]): row for row in csv.DictReader(file)}
    assert set(rows) == {("toy_test", "base"), ("toy_test", "base on there"), ("hexamer", "small on there")}
    assert rows["hexamer", "small on there"]["n"] == rows["toy_test", "base on there"]["n"] == "40"
    assert rows["hexamer", "small on there"]["parameters"] == "2"


def test_only_the_test_split(copy, tmp_path, capsys):
    other = config(tmp_path / "other.yaml", split={"test_fraction": 0.3, "val_fraction": 0.2})
    assert evaluate(copy, "--on", other, "--as", "whole") == 0
    assert evaluate(copy, "--on", other, "--as", "part", "--split", "test") == 0
    whole, part = (
        {row["id"]: row["p_CDN"] for row in rows_of(copy / "on" / name / "predictions.csv")}
        for name in ("whole", "part")
    )
    assert 0 < len(part) < len(whole)
    assert all(float(whole[name]) == pytest.approx(float(p), abs=1e-6) for name, p in part.items())
    assert json.loads((copy / "on" / "part" / "metrics.json").read_text())["split"] == "test"


def test_a_baseline_scores_its_own_test_split_again(baseline, capsys):
    before = {name: (baseline / name).read_bytes() for name in ("predictions.csv", "model.json", "split.csv")}
    metrics = json.loads((baseline / "metrics.json").read_text())
    (baseline / "predictions.csv").unlink()
    assert evaluate(baseline) == 0
    assert capsys.readouterr().out.startswith("test (")
    assert {name: (baseline / name).read_bytes() for name in before} == before
    again = json.loads((baseline / "metrics.json").read_text())
    assert again["metrics"] == metrics["metrics"]
    assert again["cost"]["parameters"] == metrics["cost"]["parameters"]


def test_windows_of_another_length(copy, baseline, tmp_path, capsys):
    other = config(tmp_path / "other.yaml", length=450)
    assert evaluate(copy, "--on", other, "--as", "short") == 0  # pictures are made of any length
    assert evaluate(baseline, "--on", other, "--as", "short") == 0
    tiles = [int(row["tiles"]) for row in rows_of(copy / "on" / "short" / "predictions.csv")]
    assert np.mean(tiles) > 1


def test_a_network_that_reads_one_length_only(tmp_path, capsys):
    options = [*SMALL, "--model", "fixed_test", "--training.epochs", "1", "--runs", str(tmp_path)]
    assert main(["train", *options]) == 0
    run = tmp_path / "coding" / "fixed_test" / "default"
    capsys.readouterr()
    assert evaluate(run, "--on", config(tmp_path / "other.yaml", length=450), "--as", "short") == 2
    one_line(capsys, f"data.length: model 'fixed_test' of {run} does not read 450 nt; it was trained on 600 nt")
    assert not (run / "on").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--on", "{other}"], "expected --on CONFIG and --as NAME together"),
        (["--as", "x"], "expected --on CONFIG and --as NAME together"),
        (["--split", "all"], "--split only with them"),
        (["--on", "{other}", "--as", "../x"], "--as: expected a plain folder name, got '../x'"),
        (["--on", "{other}", "--as", "x", "--split", "train"], "unknown --split 'train'"),
        (["--on", "nowhere.yaml", "--as", "x"], "nowhere.yaml"),
        (["--on", "{classes}", "--as", "x"], "its classes are a, b;"),
        (["--on", "{empty}", "--as", "x"], "no sequence has the"),
    ],
)
@pytest.mark.parametrize("kind", ["network", "baseline"])
def test_refusals(base, baseline, tmp_path, capsys, kind, arguments, message):
    files = {
        "other": config(tmp_path / "other.yaml"),
        "classes": config(tmp_path / "classes.yaml", classes=["a", "b"]),
        "empty": config(tmp_path / "empty.yaml", length=5000),
    }
    run = base if kind == "network" else baseline
    before = sorted(path for path in run.rglob("*"))
    assert evaluate(run, *(text.format(**files) for text in arguments)) == 2
    one_line(capsys, message)
    assert sorted(path for path in run.rglob("*")) == before


def test_a_baseline_without_its_file(baseline, tmp_path, capsys):
    import shutil

    copied = shutil.copytree(baseline, tmp_path / "copied")
    (copied / "model.json").unlink()
    assert evaluate(copied) == 2
    one_line(capsys, "model.json: no such file")
    assert not (copied / "INCOMPLETE").exists()
