"""Run folders end to end on a toy network: train, repeat, interrupt and resume, refuse, evaluate, compare."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from toy import FILES, assert_same_results, edit, fasta, one_line, predicted, rows_of, train

from classify.__main__ import main
from classify.evaluation import run_settings
from classify.folders import check_folder
from classify.module import Classifier
from classify.runs import RunFolder
from classify.tasks import TASKS, Task
from specgen.errors import InputError

pytestmark = pytest.mark.usefixtures("unrendered")


@pytest.fixture(scope="module")
def same(runs, base):
    """The same again, from the first one's config.yaml."""
    assert main(["train", "--config", str(base / "config.yaml"), "--name", "same"]) == 0
    return runs / "coding" / "toy_test" / "same"


@pytest.fixture(scope="module")
def other(runs):
    code, folder = train(runs, "other", "--seed", "1")
    assert code == 0
    return folder


# Training


def test_all_files_of_a_run(base):
    assert {path.name for path in base.iterdir()} == FILES
    assert {path.name for path in (base / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    assert not list(base.rglob("*.tmp"))
    assert "commit" in json.loads((base / "environment.json").read_text())


def test_history_has_a_full_row_an_epoch(base):
    rows = rows_of(base / "metrics.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    for row in rows:
        values = {key: float(value) for key, value in row.items()}
        assert all(np.isfinite(value) for value in values.values())
        assert 0 <= values["train_accuracy"] <= 1
    assert len({row["train_loss"] for row in rows}) == 3


def test_the_best_checkpoint_is_the_best_epoch(base):
    scores = [float(row["val_auroc"]) for row in rows_of(base / "metrics.csv")]
    best = torch.load(base / "checkpoints" / "best.ckpt", weights_only=True)
    assert scores[best["epoch"]] == max(scores)
    stored = {f"model.{key}": value for key, value in load_file(base / "model.safetensors").items()}
    assert stored.keys() <= best["state_dict"].keys()
    assert all(torch.equal(value, best["state_dict"][key]) for key, value in stored.items())


def test_exactly_the_test_examples_are_predicted(base):
    split, predictions = rows_of(base / "split.csv"), rows_of(base / "predictions.csv")
    assert [row["id"] for row in predictions] == [row["id"] for row in split if row["split"] == "test"]
    assert {row["split"] for row in split} == {"train", "val", "test"}
    labels = {row["id"]: row["label"] for row in split}
    for row in predictions:
        assert row["label"] == labels[row["id"]]
        assert float(row["p_LNSD"]) + float(row["p_CDN"]) == pytest.approx(1, abs=2e-6)
        assert row["predicted"] == max(("LNSD", "CDN"), key=lambda name: float(row[f"p_{name}"]))
    right = np.mean([row["label"] == row["predicted"] for row in predictions])
    metrics = json.loads((base / "metrics.json").read_text())
    assert metrics["metrics"]["accuracy"]["value"] == pytest.approx(right)
    assert metrics["n"] == len(predictions)


def test_cost(base):
    cost = json.loads((base / "metrics.json").read_text())["cost"]
    train_rows = [row for row in rows_of(base / "split.csv") if row["split"] == "train"]
    smallest = min(sum(row["label"] == name for row in train_rows) for name in ("LNSD", "CDN"))
    assert cost["parameters"] == 386
    assert cost["examples_seen"] == 3 * 2 * smallest
    assert cost["flops_per_example"] == 2 * 192 * 2


def test_the_configuration_holds_every_setting(base):
    settings = run_settings(base)
    assert settings.model == "toy_test"
    assert settings.data.simulate.n == 40
    assert settings.folder == base


def test_the_same_seed_gives_the_same_bits(base, same):
    assert_same_results(base, same)


def test_another_seed_gives_other_weights_on_the_same_split(base, other):
    assert (base / "split.csv").read_bytes() == (other / "split.csv").read_bytes()
    for name in ("model.safetensors", "predictions.csv"):
        assert (base / name).read_bytes() != (other / name).read_bytes()


def test_early_stopping_and_scripted_best(tmp_path, monkeypatch):
    scores = iter([0.6, 0.9, 0.5, 0.4, 0.3, 0.2])
    monkeypatch.setattr(Task, "quick_metrics", lambda *_: {"accuracy": 0.5, "auroc": next(scores)})
    code, folder = train(tmp_path, "x", "--training.epochs", "6", "--training.patience", "2")
    assert code == 0
    assert [float(row["val_auroc"]) for row in rows_of(folder / "metrics.csv")] == pytest.approx([0.6, 0.9, 0.5, 0.4])
    assert torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)["epoch"] == 1


# Interruption


def interrupt(monkeypatch, where):
    """Ctrl-C in epoch 2: at its start, or in its second step."""
    with monkeypatch.context() as patch:
        start, step = Classifier.on_train_epoch_start, Classifier.training_step

        def epoch_start(module):
            start(module)
            if where == "boundary" and module.current_epoch == 1:
                raise KeyboardInterrupt

        def training_step(module, batch, index):
            if where == "middle" and (module.current_epoch, index) == (1, 1):
                raise KeyboardInterrupt
            return step(module, batch, index)

        patch.setattr(Classifier, "on_train_epoch_start", epoch_start)
        patch.setattr(Classifier, "training_step", training_step)
        yield


RESUMED = {
    "boundary": ("boundary", 10),
    "middle": ("middle", 10),
    "step": ("middle", 1e-9),
    "accumulated": ("middle", 1e-9, "--training.accumulate", 2, "--training.batch_size", 5),
    "loader processes": ("middle", 1e-9, "--training.workers", 1),
    "patience": ("middle", 1e-9, "--training.patience", 1, "--training.epochs", 6),
    "both strands": ("middle", 1e-9, "--augment.reverse_complement", 0.5),
}


@pytest.mark.parametrize("how", RESUMED)
def test_a_resumed_run_ends_as_an_uninterrupted_one(base, tmp_path, monkeypatch, capsys, how):
    where, minutes, *more = RESUMED[how]
    whole = train(tmp_path, "whole", *more)[1] if more else base
    capsys.readouterr()
    for _ in interrupt(monkeypatch, where):
        code, folder = train(tmp_path, "default", "--training.checkpoint_minutes", minutes, *more)
    assert code == 130
    said = capsys.readouterr().err
    assert f"go on with: python -m classify train --config {folder / 'config.yaml'} --resume" in said
    assert "Traceback" not in said
    assert (folder / "INCOMPLETE").is_file()
    assert len(rows_of(folder / "metrics.csv")) == 1
    assert not (folder / "model.safetensors").exists()
    position = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["position"]
    # Of two steps that are one, the first alone is none to go on from.
    assert position["batches"] == (1 if minutes < 1 and how != "accumulated" else 0)
    assert main(["train", "--config", str(folder / "config.yaml"), "--resume"]) == 0
    assert {path.name for path in folder.iterdir()} == FILES
    assert_same_results(whole, folder)
    seen, cost = (json.loads((one / "metrics.json").read_text())["cost"] for one in (whole, folder))
    assert cost["examples_seen"] == seen["examples_seen"]
    # Both sessions are in it, of the first what a checkpoint was written of.
    for name, column in (("wall_seconds", "seconds"), ("cpu_seconds", "cpu_seconds")):
        spent = sum(float(row[column]) for row in rows_of(folder / "metrics.csv"))
        assert cost[name] == pytest.approx(spent, abs=0.01)


def test_a_model_of_a_family(tmp_path):
    more = ["--model", "timm:test_byobnet.r160_in1k", "--training.epochs", "1"]
    assert train(tmp_path, "default", *more)[0] == 0
    folder = tmp_path / "coding" / "timm-test_byobnet.r160_in1k" / "default"
    (tmp_path / "in.fa").write_text(fasta([("a", "ACGTTGCA" * 100)]))
    assert predicted(folder, tmp_path / "in.fa", tmp_path / "out.csv") == 0


def test_out_of_memory_names_what_to_try(tmp_path, capsys, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(Classifier, "training_step", full)
    assert train(tmp_path)[0] == 2
    one_line(capsys, "out of memory at training.batch_size 16; try --training.batch_size 8 --training.accumulate 2")


def test_the_best_epoch_before_an_interruption_stays_the_best_in_a_moved_folder(tmp_path, monkeypatch):
    scores = iter([0.9, 0.5, 0.4])
    monkeypatch.setattr(Task, "quick_metrics", lambda *_: {"accuracy": 0.5, "auroc": next(scores)})
    for _ in interrupt(monkeypatch, "boundary"):
        code, folder = train(tmp_path / "old")
    assert code == 130
    # --runs may be another one than at the start: the folder's place is no setting of the result.
    (tmp_path / "old").rename(tmp_path / "new")
    moved = tmp_path / "new" / folder.relative_to(tmp_path / "old")
    assert main(["train", "--config", str(moved / "config.yaml"), "--runs", str(tmp_path / "new"), "--resume"]) == 0
    assert torch.load(moved / "checkpoints" / "best.ckpt", weights_only=True)["epoch"] == 0


def test_an_interruption_before_the_first_epoch(tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Classifier, "training_step", stop)
    code, folder = train(tmp_path)
    assert code == 130
    assert "stopped before the first checkpoint" in capsys.readouterr().err
    assert (folder / "INCOMPLETE").is_file()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (["--training.epochs", "4"], "training.epochs was 3, now 4"),
        (["--data.simulate.n", "41"], "data.simulate.n was 40, now 41"),
        (["--seed", "3"], "seed was 0, now 3"),
    ],
)
def test_resuming_with_other_settings(base, runs, capsys, change, key):
    before = {path.name: path.stat().st_mtime_ns for path in base.iterdir()}
    code, _ = train(runs, "base", "--resume", *change)
    assert code == 2
    one_line(capsys, key)
    assert {path.name: path.stat().st_mtime_ns for path in base.iterdir()} == before


def test_settings_that_came_later_count_as_their_defaults(copy, capsys):
    edit(copy, "  cpu_minutes: 0.0\n", "")
    arguments = ["--config", str(copy / "config.yaml"), "--runs", str(copy.parents[2]), "--resume"]
    assert main(["train", *arguments, "--training.cpu_minutes", "1"]) == 2
    one_line(capsys, "training.cpu_minutes was 0.0, now 1.0")
    settings = run_settings(copy)
    assert check_folder(RunFolder(copy), settings, resume=True, overwrite=False)["position"]
    # An option that was given is not forgotten because there are none by default.
    edit(copy, "model_options: {}", "model_options: {dropout: 0.5}")
    with pytest.raises(InputError, match=r"--resume with other settings: model_options was None, now \{\}"):
        check_folder(RunFolder(copy), settings, resume=True, overwrite=False)


def test_resuming_what_was_never_started(tmp_path, capsys):
    code, folder = train(tmp_path, "new", "--resume")
    assert code == 2
    one_line(capsys, "no checkpoint to resume from")
    assert not folder.exists()


def test_going_on_and_starting_anew_at_once(copy, capsys):
    arguments = ["--config", str(copy / "config.yaml"), "--runs", str(copy.parents[2]), "--resume", "--overwrite"]
    assert main(["train", *arguments]) == 2
    one_line(capsys, "--resume and --overwrite: expected one of them")
    assert (copy / "checkpoints" / "last.ckpt").is_file()


def test_a_folder_in_use(base, runs, capsys):
    code, _ = train(runs, "base")
    assert code == 2
    said = one_line(capsys, "holds a run already")
    assert "--overwrite" in said
    assert "--name" in said
    assert {path.name for path in base.iterdir()} == FILES


def test_overwriting(other, copy):
    # The copy holds the run of seed 0; overwritten with seed 1 it must not remember anything of it.
    code, folder = train(copy.parents[2], "base", "--seed", "1", "--overwrite")
    assert code == 0
    assert folder == copy
    assert_same_results(folder, other)
    assert {path.name for path in folder.iterdir()} == FILES


def test_nan_loss(tmp_path, capsys):
    code, folder = train(tmp_path, "nan", "--model_options.poison", "true")
    assert code == 2
    one_line(capsys, "training stopped: loss is nan at epoch 1, step 1; the batch is in ")
    batch = load_file(folder / "failed_batch.safetensors")
    assert batch["inputs"].dtype == torch.uint8
    assert len(batch["inputs"]) == len(batch["labels"]) == len(batch["rows"]) > 0
    assert (folder / "INCOMPLETE").is_file()


def test_a_place_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, _ = train(tmp_path / "file" / "runs")
    assert code == 2
    one_line(capsys, "cannot be written")


def test_bad_data_leaves_no_folder(tmp_path, capsys):
    code, folder = train(tmp_path, "bad", "--data.length", "5000")
    assert code == 2
    one_line(capsys, "no sequence has the 5018 nt needed")
    assert not folder.exists()


# Evaluation


def test_a_log_has_a_line_for_each_epoch(tmp_path, capsys):
    code, folder = train(tmp_path, "lines", "--training.progress", "false")
    assert code == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ")]
    rows = rows_of(folder / "metrics.csv")
    assert len(told) == len(rows) > 1
    for line, row in zip(told, rows, strict=True):
        assert line.startswith(f"epoch {row['epoch']}: train_loss {float(row['train_loss']):.4g}, val_loss ")


def test_evaluating_again_changes_nothing(base, copy, capsys):
    (copy / "predictions.csv").unlink()
    assert main(["evaluate", "--run", str(copy)]) == 0
    assert "test (" in capsys.readouterr().out
    assert_same_results(base, copy)
    assert not (copy / "INCOMPLETE").exists()


def test_weights_of_another_model(copy, capsys):
    edit(copy, "model: toy_test", "model: conv3")
    assert main(["evaluate", "--run", str(copy)]) == 2
    one_line(capsys, "does not hold the weights of model 'conv3'")


def test_damaged_weights(copy, capsys):
    (copy / "model.safetensors").write_bytes(b"not safetensors")
    assert main(["predict", "--run", str(copy), "--input", "-"]) == 2
    one_line(capsys, "model.safetensors")


def test_no_run_and_no_weights(copy, tmp_path, capsys):
    assert main(["evaluate", "--run", str(tmp_path / "none")]) == 2
    one_line(capsys, "is no run folder (no config.yaml)")
    (copy / "model.safetensors").unlink()
    assert main(["predict", "--run", str(copy), "--input", "-"]) == 2
    one_line(capsys, "no weights; is the training finished?")


def test_a_damaged_checkpoint(copy, capsys):
    (copy / "checkpoints" / "last.ckpt").write_bytes(b"PK\x03\x04 half a file")
    assert main(["train", "--config", str(copy / "config.yaml"), "--runs", str(copy.parents[2]), "--resume"]) == 2
    one_line(capsys, "last.ckpt")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: state.pop("callbacks"), "callbacks"),
        (lambda state: state.update(loops=3), "loops"),
        (lambda state: state.update(position=None), "position"),
        (lambda state: state["position"].update(batches="1"), "place in the epoch"),
        (lambda state: state["callbacks"].pop("History"), "History"),
        (lambda state: state["callbacks"]["History"].update(rows=[1]), "rows of the history"),
        (lambda state: state["callbacks"].update({"EarlyStopping{}": {"patience": 1}}), "EarlyStopping"),
    ],
)
def test_a_checkpoint_that_lacks_what_is_read_of_it(copy, capsys, change, told):
    path = copy / "checkpoints" / "last.ckpt"
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)
    assert main(["train", "--config", str(copy / "config.yaml"), "--runs", str(copy.parents[2]), "--resume"]) == 2
    one_line(capsys, f"last.ckpt: is a checkpoint of another version, or damaged (no {told} as expected)")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 half a file", {"state_dict": {}}, {}])
def test_a_damaged_checkpoint_of_the_best_epoch(copy, capsys, data):
    """Whoever is stopped behind the last epoch goes on from it."""
    path = copy / "checkpoints" / "best.ckpt"
    path.write_bytes(data) if isinstance(data, bytes) else torch.save(data, path)
    assert main(["train", "--config", str(copy / "config.yaml"), "--runs", str(copy.parents[2]), "--resume"]) == 2
    one_line(capsys, "best.ckpt: damaged checkpoint")


@pytest.mark.parametrize(
    ("file", "body", "told"),
    [
        ("training.json", {"training": {}}, "training.json: expected an object 'cost'"),
        ("training.json", {"cost": {}, "training": [1]}, "training.json: expected an object 'training'"),
        ("decided.json", {"thresholds": [0.5]}, "decided.json: expected an object 'thresholds'"),
        ("decided.json", {"thresholds": {"a": None}}, "decided.json: 'a': expected a threshold from 0 to 1, got None"),
        ("decided.json", {"thresholds": {"a": True}}, "decided.json: 'a': expected a threshold from 0 to 1, got True"),
        ("decided.json", {"thresholds": {"a": 1.5}}, "decided.json: 'a': expected a threshold from 0 to 1, got 1.5"),
    ],
)
def test_damaged_json_of_a_run(copy, capsys, file, body, told):
    (copy / file).write_text(json.dumps(body))
    assert main(["evaluate", "--run", str(copy)]) == 2
    one_line(capsys, told)


# Comparison


@pytest.fixture(scope="module")
def baseline(base, runs):
    assert main(["baselines", "--config", str(base / "config.yaml"), "--only", "[gc]"]) == 0
    return runs / "coding" / "gc" / "base"


def test_comparing_runs_and_a_baseline(base, other, baseline, tmp_path, capsys):
    capsys.readouterr()
    out = tmp_path / "comparison"
    assert main(["compare", str(base), str(other), str(baseline), "--out", str(out), "--resamples", "50"]) == 0
    assert (out / "compare.md").read_text() in capsys.readouterr().out
    rows = {row["label"]: row for row in rows_of(out / "compare.csv")}
    # The two runs are seeds of one model; the baseline has no validation score and cannot be the reference.
    assert set(rows) == {"toy_test", "gc"}
    assert (rows["toy_test"]["runs"], rows["toy_test"]["against"], rows["gc"]["against"]) == ("2", "", "toy_test")
    told = [json.loads((folder / "metrics.json").read_text())["metrics"] for folder in (base, other)]
    for name in ("accuracy", "auroc", "log_loss"):
        values = [item[name]["value"] for item in told]
        assert float(rows["toy_test"][name]) == pytest.approx(sum(values) / 2, abs=1e-6)
    difference = float(rows["gc"]["auroc"]) - float(rows["toy_test"]["auroc"])
    assert float(rows["gc"]["auroc_difference"]) == pytest.approx(difference)
    assert {row["quantity"] for row in rows_of(out / "bins.csv")} == {"length", "gc"}


def test_predictions_say_the_gc_of_the_whole_trimmed_record(base):
    settings = run_settings(base)
    test = TASKS[settings.task](settings.data).load().part("test")
    told = {row["id"]: float(row["gc"]) for row in rows_of(base / "predictions.csv")}
    assert told == {
        name: pytest.approx(np.isin(codes, (2, 4)).mean(), abs=1e-6)
        for name, codes in zip(test.ids, test.sequences, strict=True)
    }


def test_an_unfinished_run_is_not_compared(base, copy, tmp_path, capsys):
    RunFolder(copy).begin("training is not finished")
    out = tmp_path / "out"
    assert main(["compare", str(base), str(copy), "--out", str(out)]) == 2
    one_line(capsys, "is not finished (training is not finished)")
    assert not out.exists()
    assert main(["compare", str(base), str(tmp_path / "none")]) == 2
    one_line(capsys, "is")


# The folder itself


def test_folder_reads_and_writes_plain_data(tmp_path):
    run = RunFolder(tmp_path / "r")
    run.begin("why")
    assert run.marker.read_text() == "why\n"
    run.write_json("a.json", {"x": float("nan"), "y": [1.5, float("inf")], "z": {"ж": None}})
    assert run.read_json("a.json") == {"x": None, "y": [1.5, None], "z": {"ж": None}}
    run.write_csv("a.csv", ("a", "b"), [("1,2", 'x"y'), ("line\nbreak", "")])
    assert rows_of(run.path / "a.csv") == [{"a": "1,2", "b": 'x"y'}, {"a": "line\nbreak", "b": ""}]
    run.finish()
    run.finish()
    assert not run.marker.exists()


@pytest.mark.parametrize("content", ["{", "[1]", "\xff"])
def test_damaged_json(tmp_path, content):
    (tmp_path / "m.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"m\.json"):
        RunFolder(tmp_path).read_json("m.json")


def test_settings_make_a_task(base):
    settings = run_settings(base)
    assert dataclasses.is_dataclass(settings.data)
    assert TASKS[settings.task](settings.data).classes == ("LNSD", "CDN")


@pytest.mark.parametrize(
    ("command", "more", "message"),
    [
        ("predict", ["--input", "none.fa"], "none.fa: no such file"),
        ("explain", ["--input", "config.yaml", "--cds", "none.bed", "--out", "o"], "none.bed: no such file"),
        ("scan", ["--genome", "none.fa", "--out", "o"], "none.fa: no such file"),
        ("effects", ["--vcf", "none.vcf", "--genome", "config.yaml", "--out", "o"], "none.vcf: no such file"),
        ("export", ["--run", "none", "--out", "o"], "none: is no run folder (no config.yaml)"),
    ],
)
def test_what_is_not_there_is_told_before_anything_else(tmp_path, monkeypatch, capsys, command, more, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("task: none\n")  # reading it would end in another message
    assert main([command, "--run", ".", *more]) == 2
    assert capsys.readouterr() == ("", f"classify: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
