"""Planted motifs as examples and as a whole run: splits, kinds, marks, and the ceilings beside every score."""

import csv
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from classify.__main__ import main
from classify.planted.settings import PlantingSettings
from classify.splits import SplitSettings
from classify.tasks.motifs import MotifsSettings, MotifsTask
from specgen.errors import InputError
from specgen.sequences import decode

pytestmark = pytest.mark.usefixtures("unrendered")

ROOT = Path(__file__).resolve().parents[2]


def task(split=None, **simulate):
    settings = MotifsSettings(PlantingSettings(**simulate), **({"split": split} if split else {}))
    return MotifsTask(settings)


def test_what_there_is_by_default():
    examples = task().load()
    assert examples.per_class() == {"background": 4000, "motif": 4000}
    sizes = [len(examples.part(split)) for split in ("train", "val", "test")]
    # By hash: four standard deviations of a share of .2 among 8000 are 143.
    assert sizes == pytest.approx([5600, 800, 1600], abs=143)
    assert {len(codes) for codes in examples.sequences} == {101}
    assert len(set(examples.ids)) == len(set(examples.groups)) == 8000


def test_planted_places_go_with_their_example():
    examples = task(kind="pair", n=300).load()
    rng = np.random.default_rng(0)
    some = examples.take(rng.permutation(len(examples))[:200])
    for codes, kind, marks, label in zip(some.sequences, some.kinds, some.marks, some.labels, strict=True):
        words = [decode(codes)[start:end] for start, end in marks]
        assert words == {"both": ["ACGTG", "TGCAT"], "only_a": ["ACGTG"], "only_b": ["TGCAT"], "background": []}[kind]
        assert bool(words) == bool(label)


def test_bounds_are_of_the_very_examples():
    spaced = task(kind="spaced", n=1000, accidental="filter")
    examples = spaced.load()
    bounds = spaced.bounds(examples)
    blind = bounds["perfect presence detector, blind to spacing"]
    far = examples.kinds.count("far_apart") / 1000
    assert blind["auroc"] == pytest.approx(1 - far / 2)
    assert blind["balanced_accuracy"] == pytest.approx(1 - far / 2)
    only = examples.take(np.isin(examples.kinds, ["spaced", "far_apart"]))
    assert spaced.bounds(only)["perfect presence detector, blind to spacing"]["auroc"] == 0.5
    assert spaced.bounds(only)["perfect detector of presence and gap"]["auroc"] == 1
    assert spaced.bounds(examples.take(np.array([], dtype=np.int64))) == {}


def test_everything_can_be_test():
    assert set(task(SplitSettings().all_test(), n=20).load().split) == {"test"}


def test_kinds_are_checked_with_the_settings():
    with pytest.raises(InputError, match="unknown kind of planting 'tripel'"):
        task(kind="tripel")


def test_a_mistake_on_the_command_line_is_one_line(capsys):
    assert main(["train", "--task", "motifs", "--data.simulate.kind", "spaced", "--data.simulate.length", "20"]) == 2
    said = capsys.readouterr().err.strip()
    assert "gap, far_gap" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    command = [
        "--task",
        "motifs",
        "--model",
        "deepbind_small",
        "--data.simulate.kind",
        "spaced",
        "--letters.noise",
        "0.05",
    ]
    command += ["--data.simulate.n", "200", "--training.epochs", "1", "--training.threads", "1"]
    assert main(["train", *command, "--training.progress", "false", "--runs", str(folder)]) == 0
    return folder / "motifs" / "deepbind_small" / "default"


def test_a_whole_run_has_its_ceilings_everywhere(run, capsys):
    body = json.loads((run / "metrics.json").read_text())
    name = "perfect presence detector, blind to spacing"
    assert {"auroc", "auprc", "accuracy", "balanced_accuracy"} <= set(body["bounds"][name])
    assert 0.75 < body["bounds"][name]["auroc"] < 0.95
    rows = {row["negatives"]: row for row in body["by_kind"]}
    assert set(rows) == {"all", "one_a", "one_b", "far_apart", "none"}
    assert rows["far_apart"]["bounds"][name]["auroc"] == pytest.approx(0.5)
    # TGCAT by chance: .0904 in letters that are all random; a planted ACGTG leaves 88 of 97 places, and its TG begins one.
    by_chance = 1 - (1 - 0.0904) ** (88 / 97) * (1 - 1 / 64)
    assert rows["one_a"]["bounds"][name]["auroc"] == pytest.approx(1 - by_chance / 2, abs=5e-4)
    page = (run / "report.html").read_text()
    assert page.count(f"AUROC of the {name}") == 2  # in expectation, and on these sequences
    assert f"{rows['one_a']['bounds'][name]['auroc']:.3f}" in page
    before = (run / "predictions.csv").read_bytes()
    assert main(["evaluate", "--run", str(run)]) == 0
    assert f"beside it, {name}: accuracy 0." in capsys.readouterr().out
    assert (run / "predictions.csv").read_bytes() == before  # the noise is the same again
    with (run / "predictions.csv").open() as file:
        assert {row["kind"] for row in csv.DictReader(file)} == {"spaced", "one_a", "one_b", "far_apart", "none"}


def test_a_comparison_names_the_ceilings(run, tmp_path):
    assert main(["compare", str(run), "--out", str(tmp_path), "--resamples", "20"]) == 0
    assert "Beside the scores, perfect detector of presence and gap: AUROC 0.9" in (tmp_path / "compare.md").read_text()


def test_baselines_stand_beside_the_ceilings(tmp_path, capsys):
    command = ["--task", "motifs", "--data.simulate.n", "60", "--runs", str(tmp_path), "--only", "kmer3"]
    assert main(["baselines", *command]) == 0
    assert "beside it, perfect presence detector: accuracy 0.9" in capsys.readouterr().out


def test_the_jobs_of_the_report_are_valid_configurations(monkeypatch):
    from classify.config import parse_run
    from classify.models import build_model

    path = ROOT / "reports" / "motifs" / "make.py"
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT / "reports"), *sys.path])
    spec = importlib.util.spec_from_file_location("motifs_make", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    jobs = list(module.everything())
    assert len({job.done for job in jobs}) == len(jobs)
    first = jobs[: len(jobs) // len(module.SEEDS)]
    for job in first:
        settings, _ = parse_run(list(job.arguments[3:]), "train", "")
        assert settings.folder / "report.html" == job.done
        build_model(settings.model, 2, settings.model_options)
    assert {job.stage for job in first} == {"kernels", "pair", "spaced", "pictures", "noise", "models"}
