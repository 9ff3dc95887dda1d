"""The table over all tasks: models by validation, baselines that do not tell it by the test, and what has not run."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reports"))

import summary


def run(model, name, score, validation=None, root="runs/task"):
    folder = Path(root) / model / name
    folder.mkdir(parents=True)
    metrics = {"auroc": {"value": score, "low": score - 0.1, "high": score + 0.1}}
    cost = {"parameters": 7, "wall_seconds": 60.0}
    told = {"metrics": metrics, "cost": cost, "training": {} if validation is None else {"val_auroc": validation}}
    (folder / "metrics.json").write_text(json.dumps(told))


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return summary.Benchmark("toy", "toy", "task", ("a", "b"))


def test_networks_by_validation_and_baselines_by_the_test(benchmark):
    for name in ("a_s0", "a_s1", "b_s0"):
        run("gru", name, 0.6, 0.9)
        run("lstm", name, 0.8, 0.7)  # better on the test, which nobody chooses by
        run("conv3", name, 0.5, 0.5)
        run("kmer6", name, 0.55)
        run("gc", name, 0.45)
    run("bilstm", "a_s0", 0.9, 1.0)  # of one set only
    letters, pictures, trivial = (summary.best(benchmark, kind) for kind in ("onehot", "image", ""))
    assert [one.model for one in (letters, pictures, trivial)] == ["gru", "conv3", "kmer6"]
    assert trivial.cells()[0] == "`kmer6`*"
    assert letters.validation == pytest.approx(0.9)
    assert letters.cells() == ["`gru`", "0.600 [0.500, 0.700]", "7", "1.0"]


def test_baselines_that_tell_their_validation_score_are_chosen_by_it(benchmark):
    for name in ("a_s0", "b_s0"):
        run("kmer6", name, 0.55, 0.6)
        run("gc", name, 0.45, 0.7)
    assert summary.best(benchmark, "").cells()[0] == "`gc`"


def test_what_has_not_run_is_named(benchmark, monkeypatch):
    other = summary.Benchmark("never run", "toy", "other", ("a",))
    monkeypatch.setattr(summary, "BENCHMARKS", (benchmark, other))
    run("gru", "a_s0", 0.6, 0.9)
    run("gru", "b_s0", 0.7, 0.9)
    text, missing = summary.table()
    assert missing == ["never run"]
    assert "| [toy](toy/README.md) | auroc | letters | `gru` | 0.650" in text
    assert text.count("*not run*") == 2


def test_the_lower_perplexity_is_the_better_and_chains_are_trivial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    benchmark = summary.Benchmark("next", "toy", "task", ("a",), "perplexity", "val_loss", True, "chain")
    runs = (("gru_lm/a_s0", 3.8, (1.4, 1.30)), ("gru_lm/a_s1", 3.8, (1.4, 1.30)), ("lstm_lm/a_s0", 3.7, (1.9, 1.35)))
    for name, score, losses in runs:
        folder = Path("runs/task") / name
        folder.mkdir(parents=True)
        metrics = {"perplexity": {"value": score, "low": score - 0.1, "high": score + 0.1}}
        chains = {"plain chain of order 7": 3.82, "interpolated chain": 3.7, "ceiling": 1.0}
        chains |= {"chain of one seed": 2.0} if name == "gru_lm/a_s1" else {}
        bounds = {title: {"perplexity": value} for title, value in chains.items()}
        told = {"metrics": metrics, "cost": {}, "bounds": bounds, "training": {"best_epoch": 2}}
        (folder / "metrics.json").write_text(json.dumps(told))
        head = "epoch,train_loss,train_accuracy,val_loss,val_accuracy\n"
        rows = [
            f"{i},1,.5,{loss},.5\n" for i, loss in enumerate(losses, start=1)
        ]  # as runs of earlier versions tell it
        (folder / "metrics.csv").write_text(head + "".join(rows))
    assert summary.best(benchmark, "onehot").cells() == ["`gru_lm`", "3.800 [3.700, 3.900]", "", ""]
    assert summary.best(benchmark, "").cells() == ["`interpolated chain`*", "3.700", "", ""]
    assert summary.best(benchmark, "image") is None
