"""``across``: every pair of sets once, from runs that are ordinary ones, kept when they are finished."""

import json

import numpy as np
import pytest
from toy import SMALL, one_line, rows_of

from classify.__main__ import main
from classify.crossing import _body
from classify.runs import RunFolder
from specgen.errors import InputError


@pytest.fixture
def sets(tmp_path):
    for i, name in enumerate("ab"):
        (tmp_path / f"{name}.yaml").write_text(f"data:\n  simulate:\n    seed: {20 + i}\n    codon_bias: {1.0 - i}\n")
    return [f"{name}={tmp_path / name}.yaml" for name in "ab"]


def across(tmp_path, *more):
    fixed = ["--training.epochs", "1", "--runs", str(tmp_path / "runs"), "--name", "x", "--out", str(tmp_path / "out")]
    return main(["across", *SMALL, *fixed, *map(str, more)])


def test_every_pair_of_sets(tmp_path, sets, capsys):
    assert across(tmp_path, "--sets", *sets) == 0
    said = capsys.readouterr().out
    rows = rows_of(tmp_path / "out" / "across.csv")
    folders = {name: tmp_path / "runs" / "coding" / "toy_test" / f"x_{name}" for name in "ab"}
    assert {(row["trained"], row["tested"]) for row in rows} == {("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")}
    for row in rows:
        folder = folders[row["trained"]]
        if row["trained"] != row["tested"]:
            folder = RunFolder(folder).on(row["tested"]).path
        body = json.loads((folder / "metrics.json").read_text())
        assert float(row["value"]) == pytest.approx(body["metrics"][row["metric"]]["value"])
        assert int(row["n"]) == body["n"]
    # What is tested is the other's own test split, not all of its records.
    theirs = [row["id"] for row in rows_of(folders["b"] / "predictions.csv")]
    assert [row["id"] for row in rows_of(folders["a"] / "on" / "b" / "predictions.csv")] == theirs
    table = (tmp_path / "out" / "across.md").read_text().split("\n\n")
    assert len(table) == 3
    assert table[1] + "\n" in said
    values = {(r["trained"], r["tested"]): r["value"] for r in rows if r["metric"] == "auroc"}
    assert f"| a | {float(values['a', 'a']):.3f} " in table[1]
    assert len(np.unique(list(values.values()))) > 1

    kept = {name: (folder / "model.safetensors").stat().st_mtime_ns for name, folder in folders.items()}
    assert across(tmp_path, "--sets", *sets) == 0
    assert {name: (folder / "model.safetensors").stat().st_mtime_ns for name, folder in folders.items()} == kept
    capsys.readouterr()
    assert across(tmp_path, "--sets", *sets, "--optimiser.lr", "0.02") == 2
    one_line(capsys, "holds a run of other settings than those of a")


def test_a_run_without_what_the_matrix_tells(tmp_path):
    """As one of several labels, or a damaged one."""
    body = {"task": "x", "model": "y", "name": "z", "n": 1, "groups": 1, "answers": "position", "metrics": {}}
    body["bootstrap"] = {"resamples": 1, "level": 0.95, "undefined": {}}
    (tmp_path / "metrics.json").write_text(json.dumps(body))
    with pytest.raises(
        InputError, match="metrics lacks accuracy, auroc, auprc; expected a run that tells classes apart"
    ):
        _body(tmp_path)
    (tmp_path / "metrics.json").write_text(json.dumps({**body, "metrics": 3}))
    with pytest.raises(InputError, match=r"metrics.json: metrics: expected an object, got .3."):
        _body(tmp_path)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (["a"], "--sets: expected NAME=YAML, got 'a'"),
        (["a=x.yaml"], "--sets: expected at least two sets"),
        (["a=x.yaml", "a=y.yaml"], "--sets: names 'a' twice"),
        (["../a=x.yaml", "b=y.yaml"], "--sets"),
        (["a=nowhere.yaml", "b=nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_mistakes(tmp_path, given, match, capsys):
    assert across(tmp_path, "--sets", *given) == 2
    one_line(capsys, match)
    assert not (tmp_path / "runs").exists()
