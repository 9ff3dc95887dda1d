"""Sweeps: what is searched, what is refused, pruning, going on after an interruption, and never the test split."""

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from matplotlib.figure import Figure
from toy import one_line, rows_of

from classify import training
from classify.__main__ import main
from classify.module import Classifier
from classify.sweeping import study as searching
from classify.sweeping import tables
from classify.sweeping import trials as trying
from classify.sweeping.records import Record, held, read_records, reopen
from classify.sweeping.settings import StudySettings
from classify.sweeping.space import Axis, base_settings, check_space, point, read_space
from classify.sweeping.tables import marginals
from classify.tasks import Task
from specgen.errors import InputError

optuna = pytest.importorskip("optuna")
pytestmark = pytest.mark.usefixtures("unrendered")
ROOT = Path(__file__).resolve().parents[2]
BASE = {
    "model": "toy_test",
    "data": {
        "simulate": {"n": 20, "min_length": 630, "max_length": 700},
        "split": {"test_fraction": 0.25, "val_fraction": 0.3},
    },
    "image": {"spectrogram": {"window": 24, "n_fft": 30, "frames": 16}},  # small pictures, for speed
    "training": {"epochs": 2, "batch_size": 16, "progress": False, "threads": 1, "precision": "32-true"},
}
SPACE = {"image.palette": ["delta_z", "voss"], "image.representation": ["", "eiip"]}
RANGES = {"optimiser.lr": {"low": 1e-4, "high": 1e-1, "log": True}, "seed": {"low": 0, "high": 50}}


def write(path, space, base=(), more=(), **options):
    """A sweep's file."""
    runs = {"runs": str(path / "runs")}
    body = {"base": [BASE, runs, *base], "space": space, "study": {"name": "s", **options}, **dict(more)}
    (path / "sweep.yaml").write_text(yaml.safe_dump(body, sort_keys=False))
    return path / "runs" / "sweeps" / "s"


def call(path, *more):
    return main(["sweep", "--config", str(path / "sweep.yaml"), *more])


def trials(folder):
    """sweep.csv without what a clock or a place decides."""
    return [{key: row[key] for key in row if key not in ("seconds", "folder")} for row in rows_of(folder / "sweep.csv")]


@pytest.fixture
def fake(monkeypatch):
    """Trainings that take no time; their metric after epoch e is lr * e. Returns what was trained, in order."""
    done = []

    def train_trial(trial, settings, examples, options):
        done.append(trial.number)
        scores = [settings.optimiser.lr * epoch for epoch in (1, 2)]
        for epoch, score in enumerate(scores, 1):
            trial.report(score, epoch)
        return {"folder": str(settings.folder), "value": scores[-1], "epochs": 2, "best_epoch": 2, "seconds": 60.0}

    monkeypatch.setattr(searching, "train_trial", train_trial)
    monkeypatch.setattr(searching, "check", lambda *_: None)
    monkeypatch.setattr(searching, "gc", SimpleNamespace(collect=lambda: None))
    monkeypatch.setattr(tables, "strips", lambda *_: Figure(figsize=(1, 1)))
    return done


# Whole sweeps of the toy


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """Two palettes, of which none takes the second representation; and the ids of all examples that were looked at."""
    path, seen = tmp_path_factory.mktemp("grid"), set()
    folder = write(path, SPACE, sampler="grid", pruner="none", trials=9)
    make = {name: getattr(training, name) for name in ("train_loader", "TileDataset")}

    def watched(name):
        def made(examples, *rest, **options):
            seen.update(examples.ids)
            return make[name](examples, *rest, **options)

        return made

    with pytest.MonkeyPatch.context() as patch:
        for name in make:
            patch.setattr(training, name, watched(name))
        assert call(path) == 0
    return folder, seen


def test_every_trial_is_recorded(grid):
    folder, _ = grid
    rows = rows_of(folder / "sweep.csv")
    assert len(rows) == 4
    for row in rows:
        possible = row["image.representation"] == ""
        assert row["state"] == ("complete" if possible else "impossible")
        if not possible:
            assert "spectral channels, representation 'eiip' gives 1" in row["reason"]
            assert row["value"] == row["folder"] == ""
            continue
        run = Path(row["folder"])
        assert run == folder.parents[1] / "coding" / "toy_test" / f"s_{row['trial']}"
        history = rows_of(run / "metrics.csv")
        scores = [float(line["val_auroc"]) for line in history]
        assert (len(history), float(row["value"])) == (2, max(scores))
        assert row["val_auroc"] == row["value"]
        assert float(row["val_loss"]) == float(history[scores.index(max(scores))]["val_loss"])
        assert int(row["best_epoch"]) == scores.index(max(scores)) + 1
        assert row["parameters"] == "386"
        settings = yaml.safe_load((run / "config.yaml").read_text())
        assert settings["image"]["palette"] == row["image.palette"]
        assert settings["training"]["monitor"] == "val_auroc"
    assert {row["image.palette"] for row in rows if row["state"] == "complete"} == {"delta_z", "voss"}


def test_the_test_split_is_never_looked_at(grid):
    folder, seen = grid
    for row in rows_of(folder / "sweep.csv"):
        if row["folder"]:
            split = rows_of(Path(row["folder"]) / "split.csv")
            test = {line["id"] for line in split if line["split"] == "test"}
            assert test
            assert seen == {line["id"] for line in split} - test
    assert not [path for path in folder.parents[1].rglob("*") if path.name in ("predictions.csv", "metrics.json")]


def test_weights_are_deleted_and_the_folder_says_so(grid, capsys):
    folder, _ = grid
    run = folder.parents[1] / "coding" / "toy_test"
    assert not [path for path in run.rglob("*") if path.suffix in (".ckpt", ".safetensors")]
    run = next(run.iterdir())
    assert "trial of sweep 's'" in (run / "INCOMPLETE").read_text()
    assert main(["compare", str(run)]) == 2
    one_line(capsys, "its test split was not scored")


def test_report_and_report_again(grid, capsys):
    folder, _ = grid
    text = (folder / "sweep.md").read_text()
    assert "Searched: 4 combinations." in text
    assert "2 of 9 trials (2 whole, 0 pruned, 0 failed, 0 unfinished), besides 2 combinations that do not exist" in text
    assert "| 1 | palette 'voss' takes 4 spectral channels, representation 'eiip' gives 1 |" in text
    assert (folder / "sweep.png").read_bytes()[:4] == b"\x89PNG"
    before = {name: (folder / name).read_bytes() for name in ("sweep.md", "sweep.csv", "journal.log")}
    for name in ("sweep.md", "sweep.csv", "sweep.png"):
        (folder / name).unlink()
    assert call(folder.parents[2], "--report-only") == 0
    said = capsys.readouterr().out
    assert "2 complete" in said
    assert "trial 0:" not in said
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_weights_are_kept_where_wanted_and_can_be_scored(tmp_path):
    folder = write(tmp_path, {"seed": [3]}, [{"training": {"epochs": 1}}], keep_weights=True, sampler="grid")
    assert call(tmp_path) == 0
    run = tmp_path / "runs" / "coding" / "toy_test" / "s_0"
    assert (run / "model.safetensors").is_file()
    assert main(["evaluate", "--run", str(run)]) == 0
    assert (run / "metrics.json").is_file()
    assert [row["state"] for row in rows_of(folder / "sweep.csv")] == ["complete"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two trials, not interrupted."""
    path = tmp_path_factory.mktemp("whole")
    folder = write(path, RANGES, sampler="random", trials=2)
    assert call(path) == 0
    return folder


@pytest.mark.parametrize("when", ["first epoch", "second epoch"])
def test_an_interrupted_sweep_ends_as_an_uninterrupted_one(whole, tmp_path, monkeypatch, capsys, when):
    folder = write(tmp_path, RANGES, sampler="random", trials=2)
    begun, start = [], Classifier.on_train_epoch_start

    def epoch_start(module):
        start(module)
        begun.append(module.current_epoch)
        if begun == [0] + [1] * (when == "second epoch"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "on_train_epoch_start", epoch_start)
        capsys.readouterr()
        assert call(tmp_path) == 130
    said = capsys.readouterr().err
    file = tmp_path / "sweep.yaml"
    assert said.strip().endswith(f"stopped; go on with: python -m classify sweep --config {file}")
    assert [row["state"] for row in rows_of(folder / "sweep.csv")] == ["unfinished"]
    # As SIGKILL within a write would leave it.
    with (folder / "journal.log").open("a") as file:
        file.write('{"op_code": 6, "wor')
    for left in ("", "0f-1.rename"):
        (folder / f"journal.log.lock{left}").write_text("")
    resumed = []
    fit = trying.fit
    monkeypatch.setattr(trying, "fit", lambda *a, **k: resumed.append(k["resume"]) or fit(*a, **k))
    assert call(tmp_path) == 0
    assert resumed == [when == "second epoch", False]
    assert trials(folder) == trials(whole)
    assert not list(folder.glob("journal.log.lock*"))


def test_pruning(tmp_path, monkeypatch, capsys):
    scores = iter([0.7, 0.8, 0.6, 0.75, 0.9])
    monkeypatch.setattr(Task, "quick_metrics", lambda *_: {"accuracy": 0.5, "auroc": next(scores)})
    folder = write(tmp_path, {"seed": [1, 2, 3]}, sampler="grid", startup=1, trials=3)
    assert call(tmp_path) == 0
    assert not list(scores)
    rows = rows_of(folder / "sweep.csv")
    assert [(row["state"], row["epochs"]) for row in rows] == [("complete", "2"), ("pruned", "1"), ("complete", "2")]
    assert [float(row["value"]) for row in rows] == pytest.approx([0.8, 0.6, 0.9])
    assert not list((tmp_path / "runs").rglob("*.ckpt"))
    assert "trial 1: pruned after epoch 1: val_auroc 0.6000" in capsys.readouterr().out


def test_a_pruned_trial_that_was_not_told_is_not_trained_on(tmp_path, monkeypatch):
    """Killed between the decision and its record."""
    scores = iter([0.7, 0.8, 0.6])
    monkeypatch.setattr(Task, "quick_metrics", lambda *_: {"accuracy": 0.5, "auroc": next(scores)})
    folder = write(tmp_path, {"seed": [1, 2]}, sampler="grid", startup=1, trials=2)

    def killed(*_):
        if len(list((tmp_path / "runs" / "coding" / "toy_test").iterdir())) == 2:
            raise SystemExit(9)
        return result(*_)

    result = trying._result
    with monkeypatch.context() as patch:
        patch.setattr(trying, "_result", killed)
        with pytest.raises(SystemExit):
            call(tmp_path)
    assert call(tmp_path) == 0
    assert [row["state"] for row in rows_of(folder / "sweep.csv")] == ["complete", "pruned"]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        # Epochs that each of four trials gets, of four; the metric is the trial's own, all along.
        ({"pruner": "none"}, [4, 4, 4, 4]),
        ({"pruner": "median", "startup": 1}, [4, 1, 4, 1]),
        ({"pruner": "median", "startup": 1, "rungs": [3]}, [4, 3, 4, 3]),
        ({"pruner": "median", "startup": 3}, [4, 4, 4, 1]),
        # Of 1, 2, 3, 4 values at the first rung the best 1, 1, 1, 2 go on.
        ({"pruner": "halving", "rungs": [1, 2]}, [4, 1, 4, 1]),
        ({"pruner": "halving", "rungs": [2, 4]}, [4, 2, 4, 2]),
    ],
)
def test_pruners_at_their_rungs(options, kept):
    told = StudySettings(**options)
    base = base_settings({"training": {"epochs": 4}})
    study = optuna.create_study(direction="maximize", pruner=searching._Search(base, (), told)._pruner())
    for score, epochs in zip((0.5, 0.4, 0.9, 0.3), kept, strict=True):
        trial = study.ask()
        watcher = trying.Rungs(trial, told)
        trainer = SimpleNamespace(
            max_epochs=4, current_epoch=-1, should_stop=False, callback_metrics={"val_auroc": score}
        )
        while not trainer.should_stop and trainer.current_epoch < 3:
            trainer.current_epoch += 1
            watcher.on_train_epoch_end(trainer, None)
        assert trainer.current_epoch + 1 == epochs
        assert trial.user_attrs == ({"pruned_at": epochs} if epochs < 4 else {})
        study.tell(trial, state=optuna.trial.TrialState.PRUNED) if epochs < 4 else study.tell(trial, score)


def test_hyperband_reaches_from_the_first_rung_to_the_longest_trial():
    axes = read_space({"training.epochs": [3, 18]})
    pruner = searching._Search(base_settings({}), axes, StudySettings(pruner="hyperband", rungs=[2, 6]))._pruner()
    assert (pruner._min_resource, pruner._max_resource, pruner._reduction_factor) == (2, 18, 3)


# The search


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_a_search_in_pieces_draws_what_a_whole_one_does(tmp_path, fake, monkeypatch, sampler):
    space = {
        **(RANGES if sampler != "grid" else {}),
        "training.batch_size": [8, 9, 10, 11],
        "preprocess.blur": [True, False],
    }
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, space, sampler=sampler, trials=4, startup=2)
    assert call(tmp_path / "whole") == 0
    train, calls = searching.train_trial, []

    def halting(*arguments):
        calls.append(1)
        if len(calls) % 2:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(searching, "train_trial", halting)
    assert [call(tmp_path / "pieces") for _ in range(5)] == [130] * 4 + [0]
    folders = [tmp_path / name / "runs" / "sweeps" / "s" for name in ("whole", "pieces")]
    assert trials(folders[0]) == trials(folders[1])
    points = [tuple(row[key] for key in space) for row in trials(folders[0])]
    assert len(set(points)) == len(points) == 4


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_a_finite_space_is_tried_once_and_whole(tmp_path, fake, capsys, sampler):
    space = {"seed": {"low": 2, "high": 6, "step": 2}, "optimiser.lr": [0.1, 0.2]}
    folder = write(tmp_path, space, sampler=sampler, trials=50)
    assert call(tmp_path) == 0
    found = [(int(row["seed"]), float(row["optimiser.lr"])) for row in rows_of(folder / "sweep.csv")]
    assert sorted(found) == [(seed, lr) for seed in (2, 4, 6) for lr in (0.1, 0.2)]
    assert "6 trials; no combination was found that can be trained and was not tried" in capsys.readouterr().out


def test_what_is_impossible_does_not_count(tmp_path, fake, monkeypatch):
    def check(settings, examples):
        if settings.seed % 2:
            raise InputError("odd")

    monkeypatch.setattr(searching, "check", check)
    folder = write(tmp_path, {"seed": {"low": 0, "high": 9}}, sampler="grid", trials=4)
    assert call(tmp_path) == 0
    rows = rows_of(folder / "sweep.csv")
    assert [row["seed"] for row in rows if row["state"] == "complete"] == [
        r["seed"] for r in rows if int(r["seed"]) % 2 == 0
    ]
    assert sum(row["state"] == "complete" for row in rows) == 4
    assert all(row["reason"] == "odd" for row in rows if row["state"] == "impossible")
    assert any(row["state"] == "impossible" for row in rows)


def test_values_that_do_not_go_together_are_impossible(tmp_path, fake):
    folder = write(
        tmp_path, {"image.spectrogram.window": [24, 36], "image.spectrogram.n_fft": [30, 40]}, sampler="grid"
    )
    assert call(tmp_path) == 0
    rows = rows_of(folder / "sweep.csv")
    states = {(row["image.spectrogram.window"], row["image.spectrogram.n_fft"]): row["state"] for row in rows}
    assert states.pop(("36", "30")) == "impossible"
    assert list(states.values()) == ["complete"] * 3


def test_minutes(tmp_path, fake, monkeypatch, capsys):
    clock = iter(range(0, 10_000, 40))  # looked at when it begins, and before each trial
    monkeypatch.setattr(searching, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    write(tmp_path, RANGES, trials=50, minutes=2)
    assert call(tmp_path) == 0
    assert fake == [0, 1, 2]
    assert "3 of 50 trials; stopped after study.minutes" in capsys.readouterr().out


def test_failed_trainings_are_recorded_and_end_the_sweep_when_there_are_many(tmp_path, fake, monkeypatch, capsys):
    train = searching.train_trial

    def failing(trial, *rest):
        if trial.number != 1:
            raise InputError("no | <luck>")
        return train(trial, *rest)

    monkeypatch.setattr(searching, "train_trial", failing)
    folder = write(tmp_path, {"seed": [1, 2, 3, 4, 5, 6, 7]}, sampler="grid")
    assert call(tmp_path) == 2
    one_line(capsys, "3 trainings in a row failed, the last one: no | <luck>")
    assert [row["state"] for row in rows_of(folder / "sweep.csv")] == [
        "failed",
        "complete",
        "failed",
        "failed",
        "failed",
    ]
    assert call(tmp_path, "--report-only") == 0
    assert "| 4 | no \\| &lt;luck> |" in (folder / "sweep.md").read_text()


def test_a_loss_that_is_no_number_fails_one_trial(tmp_path):
    space = {"model_options": [{"poison": True}, {"poison": False}]}
    folder = write(tmp_path, space, [{"training": {"epochs": 1}}], sampler="grid")
    assert call(tmp_path) == 0
    rows = {json.loads(row["model_options"])["poison"]: row for row in rows_of(folder / "sweep.csv")}
    assert rows[False]["state"] == "complete"
    assert rows[True]["state"] == "failed"
    assert "loss is nan" in rows[True]["reason"]


# Refusals


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"space": {"seed": [1, 2, 3]}}, "space.seed was [1, 2], now [1, 2, 3]; another study.name begins another"),
        ({"space": {"seed": [1, 2], "model_options.dropout": [0.1]}}, "space.model_options.dropout was absent, now [0.1]"),
        ({"base": [{"optimiser": {"lr": 0.5}}]}, "base.optimiser.lr was 0.001, now 0.5"),
        ({"sampler": "random"}, 'study.sampler was "grid", now "random"'),
        ({"trials": 3}, "study.trials was 1, now 3; --extend goes on to more trials"),
    ],
)  # fmt: skip
def test_a_study_of_other_settings(tmp_path, fake, capsys, change, match):
    given = {"space": {"seed": [1, 2]}, "sampler": "grid", "trials": 1}
    folder = write(tmp_path, **given)
    assert call(tmp_path) == 0
    before = (folder / "journal.log").read_bytes()
    write(tmp_path, **{**given, **change})
    capsys.readouterr()
    assert call(tmp_path) == 2
    one_line(capsys, f"{folder}: holds a study of other settings: {match}")
    assert call(tmp_path, "--extend") == (0 if "trials" in change else 2)
    assert ((folder / "journal.log").read_bytes() == before) == ("trials" not in change)


def test_extending(tmp_path, fake, capsys):
    folder = write(tmp_path, {"seed": [1, 2, 3]}, sampler="grid", trials=2)
    assert call(tmp_path) == 0
    assert call(tmp_path) == 0
    assert fake == [0, 1]
    assert call(tmp_path, "--extend", "--study.trials=3", "--study.minutes=100") == 0
    assert fake == [0, 1, 2]
    assert len(rows_of(folder / "sweep.csv")) == 3
    assert call(tmp_path, "--extend", "--study.trials=2") == 2
    one_line(capsys, "study.trials was 3, now 2")


@pytest.mark.parametrize(
    ("space", "more", "match"),
    [
        ({"image.palete": ["hue"]}, {}, "space.image.palete: no such setting; did you mean 'image.palette'"),
        ({"image": ["hue"]}, {}, "space.image: is a section; expected mappings of its settings"),
        ({"name": ["a"]}, {}, "space.name: cannot be searched; trials are named by study.name"),
        ({"seed": 3}, {}, "space.seed: expected a list of choices or a mapping of low, high, log, step, got 3"),
        ({"seed": []}, {}, "space.seed: expected choices, got an empty list"),
        ({"seed": [1, 1.0]}, {}, "space.seed: 1.0 is named twice"),
        ({"seed": {"low": 3, "high": 1}}, {}, "space.seed: expected low below high, got 3 and 1"),
        ({"seed": {"low": 3}}, {}, "space.seed.high: expected a number, got None"),
        ({"seed": {"lo": 3}}, {}, "space.seed.lo: no such key; did you mean 'low'"),
        ({"optimiser.lr": {"low": 0, "high": 1, "log": True}}, {}, "with log no step and low above 0"),
        ({"training.epochs": [1, "many"]}, {}, 'space.training.epochs: "many": '),
        ({"image.spectrogram.taper": ["han", "hann"]}, {}, "unknown taper 'han'; did you mean 'hann'"),
        ({"image.spectrogram.window": [24, 31]}, {}, "n_fft: expected at least the window (31 nt), got 30"),
        ({"image.palette": ["hue", "heu"]}, {}, "unknown palette 'heu'; did you mean 'hue'"),
        ({"model": ["toy_tset"]}, {}, "unknown model 'toy_tset'; did you mean 'toy_test'"),
        ({"image.palette": ["hue"], "image": [{"palette": "voss"}]}, {}, "is searched twice, by itself and in image"),
        ({"optimiser.lr": {"low": 0.1, "high": 1}}, {"sampler": "grid"}, "sampler grid expects choices, or a range with a step"),
        ({}, {}, "space: expected at least one setting to search"),
        ({"seed": [1]}, {"base": [3]}, "base: expected files and mappings of settings, got 3"),
        ({"seed": [1]}, {"base": ["none.yaml"]}, "none.yaml: cannot be read"),
        ({"seed": [1]}, {"base": [{"training": 3}]}, "base: training: expected a mapping of settings, got 3"),
        ({"seed": [1]}, {"base": [{"training": {"epoch": 3}}]}, "did you mean training.epochs"),
        ({"seed": [1]}, {"base": [{"data": {"coding": ["a.fa"], "noncoding": ["b.fa"]}}]}, "b.fa: no such file"),
        ({"seed": [1]}, {"sampler": "tpee"}, "unknown study.sampler 'tpee'; did you mean 'tpe'"),
        ({"seed": [1]}, {"trials": 0}, "study.trials: expected at least 1, got 0"),
        ({"seed": [1]}, {"name": "a/b"}, "study.name: expected a plain folder name"),
        ({"seed": [1]}, {"rungs": [2, 1]}, "study.rungs: expected ascending epochs"),
        ({"seed": [1]}, {"rungs": [1, 2, 5], "pruner": "halving"}, "expects a geometric series of a whole ratio"),
        ({"seed": [1]}, {"more": {"spaace": {"seed": [1]}}}, "'spaace.seed' is not accepted"),
        ({"seed": [1]}, {"trails": 3}, "did you mean study.trials"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_write_nothing(tmp_path, capsys, space, more, match):
    write(tmp_path, space, **more)
    assert call(tmp_path) == 2
    one_line(capsys, match)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.yaml"]


def test_without_a_study_without_optuna_and_with_company(tmp_path, fake, capsys, monkeypatch):
    folder = write(tmp_path, {"seed": [1]})
    assert call(tmp_path, "--report-only") == 2
    one_line(capsys, "holds no study to report on")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "optuna", None)
        assert call(tmp_path) == 2
        one_line(capsys, "optuna is not installed; the extra 'sweep' brings it")
    with held(folder):
        assert call(tmp_path) == 2
        one_line(capsys, "another process is at work in this folder")
    (folder / "journal.log").write_text("no journal\n{}\n")
    assert call(tmp_path) == 2
    one_line(capsys, "journal.log: damaged storage of a study")


def test_a_folder_of_somebody_else_is_left_alone(tmp_path, fake, capsys):
    write(tmp_path, {"seed": [1]})
    theirs = tmp_path / "runs" / "coding" / "toy_test" / "s_0"
    theirs.mkdir(parents=True)
    assert call(tmp_path) == 2
    one_line(capsys, "s_0: is there already; expected a study.name without runs of its own")
    assert not list(theirs.iterdir())


# Settings, space and tables by hand


def test_the_shipped_sweep(monkeypatch):
    monkeypatch.chdir(ROOT)
    body = yaml.safe_load((ROOT / "configs" / "coding" / "sweep.yaml").read_text())
    base, axes, options = base_settings(body["base"]), read_space(body["space"]), StudySettings(**body["study"])
    check_space(base, axes)
    assert base.training.epochs == 2
    assert base.data.coding == ["human_cds_refseq.fa.gz"]
    assert options.decides(1)


@pytest.mark.parametrize(("name", "points"), [("motifs/kernels", 25), ("motifs/noise", 60), ("language", 80)])
def test_the_shipped_grids(name, points, monkeypatch):
    monkeypatch.chdir(ROOT)
    body = yaml.safe_load((ROOT / "configs" / name / "sweep.yaml").read_text())
    base, axes, options = base_settings(body["base"]), read_space(body["space"]), StudySettings(**body["study"])
    check_space(base, axes)
    assert base.task == name.partition("/")[0]
    assert math.prod(len(axis.choices) for axis in axes) == points == options.trials


def test_later_parts_of_the_base_win(tmp_path):
    (tmp_path / "a.yaml").write_text("seed: 1\ntraining: {epochs: 4, batch_size: 9}\n")
    base = base_settings([str(tmp_path / "a.yaml"), {"training": {"epochs": 5}}])
    assert (base.seed, base.training.epochs, base.training.batch_size) == (1, 5, 9)
    assert base_settings(str(tmp_path / "a.yaml")).training.epochs == 4
    assert base_settings({}).training.epochs == 10


def test_a_point_changes_what_it_names_and_nothing_else():
    base = base_settings({"image": {"spectrogram": {"taper": "hann"}}})
    axes = read_space(
        {"image.spectrogram": [{"window": 24, "n_fft": 30}, {"window": 48}], "seed": {"low": 1, "high": 4}}
    )
    labels = axes[0].labels
    settings = point(base, axes, {"image.spectrogram": labels[0], "seed": 3}, name="x")
    spectrogram = settings.image.spectrogram
    assert (spectrogram.window, spectrogram.n_fft, spectrogram.taper) == (24, 30, "hann")
    assert (settings.seed, settings.name) == (3, "x")
    assert point(base, axes, {}) == base


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        (Axis("a", choices=("x", None, {"b": 1})), ("x", None, '{"b": 1}')),
        (Axis("a", low=1, high=4), (1, 2, 3, 4)),
        (Axis("a", low=1, high=6, step=2), (1, 3, 5)),
        (Axis("a", low=0.0, high=0.3, step=0.1), pytest.approx((0, 0.1, 0.2, 0.3))),
        (Axis("a", low=0.0, high=0.3), None),
        (Axis("a", low=0, high=10**9), None),
    ],
)
def test_values_of_an_axis(axis, values):
    assert axis.values() == values


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        ({"pruner": "median"}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"pruner": "median", "rungs": [2, 5]}, [2, 5]),
        ({"pruner": "halving"}, [1, 3, 9]),
        ({"pruner": "hyperband", "rungs": [2, 4]}, [2, 4, 8]),
        ({"pruner": "none", "rungs": [1]}, []),
    ],
)
def test_rungs(options, epochs):
    assert [epoch for epoch in range(1, 10) if StudySettings(**options).decides(epoch)] == epochs


def test_marginals_by_hand():
    def record(number, state, palette, lr, *curve):
        result = {"value": max(curve)} if curve else {}
        return Record(number, state, "", {"p": palette, "lr": lr}, dict(enumerate(curve, 1)), result)

    records = [
        record(0, "complete", "hue", 0.1, 0.5, 0.8),
        record(1, "complete", "hue", 0.2, 0.7, 0.6),
        record(2, "pruned", "hue", 0.3, 0.3),
        record(3, "impossible", "voss", 0.4),
        record(4, "failed", "voss", 0.5),
        record(5, "pruned", "voss", 0.6, 0.1),
    ]
    hue, voss = marginals(records, Axis("p", choices=("hue", "voss")), "maximize")
    assert (hue.name, hue.whole, hue.pruned, hue.failed, hue.impossible) == ("hue", 2, 1, 0, 0)
    assert (hue.mean, hue.best, hue.first) == pytest.approx((0.75, 0.8, 0.5))
    assert (voss.whole, voss.pruned, voss.failed, voss.impossible, voss.mean, voss.best) == (0, 1, 1, 1, None, None)
    assert voss.first == pytest.approx(0.1)
    assert marginals(records, Axis("p", choices=("hue",)), "minimize")[0].best == 0.7
    thirds = marginals(records, Axis("lr", low=0.1, high=0.6), "maximize")
    assert [row.name for row in thirds] == ["0.1 to 0.2", "0.3 to 0.4", "0.5 to 0.6"]
    assert [row.whole for row in thirds] == [2, 0, 0]


def test_the_best_of_a_loss_is_the_lowest(tmp_path, fake, capsys):
    folder = write(tmp_path, {"optimiser.lr": [0.3, 0.1, 0.2]}, sampler="grid", monitor="val_loss")
    assert call(tmp_path) == 0
    assert "val_loss 0.2000" in capsys.readouterr().out.splitlines()[-2]
    study = reopen(folder)
    assert min(read_records(study), key=lambda r: r.result["value"]).values == {"optimiser.lr": 0.1}
    lines = [line for line in (folder / "sweep.md").read_text().splitlines() if "| 2 of 2 |" in line]
    assert [float(line.split("|")[2]) for line in lines] == [0.2, 0.4, 0.6]
