"""Clocks that jump: nothing that is measured or gone on with comes from the clock on the wall."""

from __future__ import annotations

import ast
import csv
import itertools
import json
import time
from pathlib import Path

import pytest
from hardships import TOY

import classify
import specgen
from classify.__main__ import main
from classify.module import Classifier

PACKAGES = [Path(package.__file__).parent for package in (specgen, classify)]
WALL = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
}


def wall_clocks(tree: ast.AST) -> list[int]:
    """Lines that ask what time it is."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and (_last(node.value), node.attr) in WALL)
        or (isinstance(node, ast.ImportFrom) and any((node.module, name.name) in WALL for name in node.names))
    ]


def _last(node: ast.AST) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


@pytest.mark.parametrize("text", ["import time\ntime.time()", "\nfrom time import time", "\ndatetime.datetime.now()"])
def test_what_is_looked_for_is_found(text: str) -> None:
    assert wall_clocks(ast.parse(text)) == [2]


def test_no_module_asks_the_wall_clock() -> None:
    found = {
        str(path): lines
        for package in PACKAGES
        for path in package.rglob("*.py")
        if (lines := wall_clocks(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert not found


def jumping(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """From now on a wall clock that goes back a day, then forward a year, whenever somebody looks; what it said."""
    told: list[float] = []
    now, jumps = time.time, itertools.cycle([0.0, -86_400.0, 366 * 86_400.0])

    def jump() -> float:
        told.append(now() + next(jumps))
        return told[-1]

    monkeypatch.setattr(time, "time", jump)
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * jump()))
    return told


def test_a_training_that_is_stopped_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights and predictions as by a clock that runs; no cost is negative, or a day."""
    words = [
        "train",
        *TOY,
        "--model",
        "deepbind_small",
        "--training.epochs",
        "2",
        "--training.checkpoint_minutes",
        "1e-9",
    ]
    assert main([*words, "--runs", str(tmp_path / "steady")]) == 0
    told = jumping(monkeypatch)
    step = Classifier.training_step

    def stop(module: Classifier, batch: object, index: int) -> object:
        if (module.current_epoch, index) == (1, 0):
            raise KeyboardInterrupt
        return step(module, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "training_step", stop)
        assert main([*words, "--runs", str(tmp_path / "runs")]) == 130
    assert main([*words, "--runs", str(tmp_path / "runs"), "--resume"]) == 0
    assert len(told) > 10
    whole, folder = (tmp_path / name / "coding" / "deepbind_small" / "default" for name in ("steady", "runs"))
    for name in ("model.safetensors", "predictions.csv"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()
    with (folder / "metrics.csv").open() as file:
        spent = [float(row[name]) for row in csv.DictReader(file) for name in ("seconds", "cpu_seconds")]
    cost = json.loads((folder / "metrics.json").read_text())["cost"]
    spent += [value for key, value in cost.items() if value is not None and ("seconds" in key or "joules" in key)]
    assert all(0 <= value < 3600 for value in spent), spent
