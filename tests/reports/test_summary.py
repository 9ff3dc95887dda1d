"""The table over all tasks: models by validation, baselines that do not tell it by the test, and what has not run."""

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reports"))

import summary

from specgen.errors import InputError


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


def chosen(benchmark):
    """The best of letters, of pictures, and the trivial one, each with whether the test chose it."""
    return [summary.best(benchmark, summary.gather(benchmark), reads) for reads in summary.KINDS.values()]


def test_networks_by_validation_and_baselines_by_the_test(benchmark):
    for name in ("a_s0", "a_s1", "b_s0"):
        run("gru", name, 0.6, 0.9)
        run("lstm", name, 0.8, 0.7)  # better on the test, which nobody chooses by
        run("conv3", name, 0.5, 0.5)
        run("kmer6", name, 0.55)
        run("gc", name, 0.45)
    run("bilstm", "a_s0", 0.9, 1.0)  # of one set only
    letters, pictures, trivial = chosen(benchmark)
    assert [one[0].model for one in (letters, pictures, trivial)] == ["gru", "conv3", "kmer6"]
    assert [one[1] for one in (letters, pictures, trivial)] == [False, False, True]
    assert trivial[0].cells(True)[0] == "`kmer6`*"
    assert letters[0].validation == pytest.approx(0.9)
    assert letters[0].cells(False) == ["`gru`", "0.600 [0.500, 0.700]", "3", "7", "1.0"]


def test_baselines_that_tell_their_validation_score_are_chosen_by_it(benchmark):
    for name in ("a_s0", "b_s0"):
        run("kmer6", name, 0.55, 0.6)
        run("gc", name, 0.45, 0.7)
    made, by_test = chosen(benchmark)[2]
    assert (made.model, by_test) == ("gc", False)


def test_sets_weigh_alike_however_many_seeds(benchmark):
    for name, score in (("a_s0", 0.5), ("a_s1", 0.7), ("b_s0", 0.9)):
        run("gru", name, score, score)
    made = summary.of_runs(benchmark, "gru", "letters")
    assert (made.value, made.validation, made.runs) == (pytest.approx(0.75), pytest.approx(0.75), 3)
    assert summary.of_runs(benchmark, "lstm", "letters") is None


def test_what_has_not_run_is_named(benchmark, monkeypatch):
    other = summary.Benchmark("never run", "toy", "other", ("a",))
    monkeypatch.setattr(summary, "BENCHMARKS", (benchmark, other))
    run("gru", "a_s0", 0.6, 0.9)
    run("gru", "b_s0", 0.7, 0.9)
    text, missing = summary.table(summary.refreshed([]))
    assert missing == ["never run"]
    assert "| [toy](toy/README.md) | auroc | letters | `gru` | 0.650" in text
    assert text.count("*none*") == 2


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
    letters, pictures, trivial = chosen(benchmark)
    assert letters[0].cells(letters[1]) == ["`gru_lm`", "3.800 [3.700, 3.900]", "2", "", ""]
    assert trivial[0].cells(trivial[1]) == ["`interpolated chain`*", "3.700", "3", "", ""]
    assert pictures is None


def test_results_outlive_their_runs(benchmark, monkeypatch):
    monkeypatch.setattr(summary, "BENCHMARKS", (benchmark,))
    for name in ("a_s0", "b_s0"):
        run("gru", name, 0.6, 0.9)
        run("lstm", name, 0.8, 0.7)
    file = Path("results.csv")
    summary.write_results(file, summary.refreshed([]))
    first = summary.read_results(file)
    shutil.rmtree("runs")
    assert summary.refreshed(first) == first
    for name in ("a_s0", "b_s0"):
        run("lstm", name, 0.7, 0.95)
    second = {row.model: row for row in summary.refreshed(summary.read_results(file))}
    assert (second["gru"].value, second["lstm"].value) == (pytest.approx(0.6), pytest.approx(0.7))
    assert summary.best(benchmark, second.values(), "letters")[0].model == "lstm"


def test_results_that_are_none(tmp_path):
    assert summary.read_results(tmp_path / "results.csv") == []
    (tmp_path / "results.csv").write_text("benchmark,model,what\na,b,c\n")
    with pytest.raises(InputError, match=r"results\.csv: not a table of results"):
        summary.read_results(tmp_path / "results.csv")
