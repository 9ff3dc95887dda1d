"""Run folders end to end on a toy network: train, repeat, interrupt and resume, refuse, evaluate, predict, compare."""

import csv
import dataclasses
import gzip
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from classify import prediction
from classify.__main__ import main
from classify.evaluation import run_settings
from classify.models import register_model
from classify.module import Classifier
from classify.runs import RunFolder
from classify.tasks import TASKS, Task
from specgen.errors import InputError
from specgen.sequences import decode
from specgen.simulate import simulate


class Toy(nn.Module):
    """A picture averaged to 8 x 8 cells, dropout, one linear layer."""

    def __init__(self, outputs, poison, dropout):
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Dropout(dropout), nn.Linear(192, outputs))
        self.poison = poison

    def forward(self, pictures):
        return self.layers(pictures) * (float("nan") if self.poison else 1)


@register_model("toy_test", view="image", note="only in tests")
def toy_test(outputs: int = 2, poison: bool = False, dropout: float = 0.2) -> nn.Module:
    """A network of 386 parameters."""
    return Toy(outputs, poison, dropout)


SMALL = [
    "--model", "toy_test", "--data.simulate.n", "40", "--data.simulate.min_length", "630",
    "--data.simulate.max_length", "900", "--data.split.test_fraction", "0.25", "--data.split.val_fraction", "0.2",
    "--training.epochs", "3", "--training.batch_size", "16", "--training.progress", "false", "--training.threads", "1",
    "--training.precision", "32-true", "--training.test_tiles", "2", "--optimiser.lr", "0.01",
]  # fmt: skip
FILES = {
    "config.yaml", "environment.json", "split.csv", "metrics.csv", "metrics.json", "predictions.csv", "training.json",
    "model.safetensors", "report.html", "checkpoints", "figures", "gallery", "tensorboard",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _signals():
    """Lightning ignores SIGINT after an interruption."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def train(runs, name="default", *more):
    """Exit code of a training, and its folder."""
    code = main(["train", *SMALL, "--runs", str(runs), "--name", name, *map(str, more)])
    return code, Path(runs) / "coding" / "toy_test" / name


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def history_of(folder):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows_of(folder / "metrics.csv")]


def assert_same_results(a, b):
    for name in ("model.safetensors", "predictions.csv", "split.csv"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name
    assert history_of(a) == history_of(b)


def one_line(capsys, match):
    """What was said on stderr: one line without a traceback."""
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1, said
    assert match in said
    return said


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def base(runs):
    code, folder = train(runs, "base")
    assert code == 0
    return folder


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


@pytest.fixture
def copy(base, tmp_path):
    """The base run at another place, to be damaged."""
    return Path(shutil.copytree(base, tmp_path / "copied" / "coding" / "toy_test" / "base"))


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


@pytest.mark.parametrize(("where", "minutes"), [("boundary", 10), ("middle", 10), ("middle", 1e-9)])
def test_a_resumed_run_ends_as_an_uninterrupted_one(base, tmp_path, monkeypatch, capsys, where, minutes):
    for _ in interrupt(monkeypatch, where):
        code, folder = train(tmp_path, "default", "--training.checkpoint_minutes", minutes)
    assert code == 130
    said = capsys.readouterr().err
    assert f"go on with: python -m classify train --config {folder / 'config.yaml'} --resume" in said
    assert "Traceback" not in said
    assert (folder / "INCOMPLETE").is_file()
    assert len(rows_of(folder / "metrics.csv")) == 1
    assert not (folder / "model.safetensors").exists()
    position = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["position"]
    assert position["batches"] == (1 if minutes < 1 else 0)
    assert main(["train", "--config", str(folder / "config.yaml"), "--resume"]) == 0
    assert {path.name for path in folder.iterdir()} == FILES
    assert_same_results(base, folder)


def test_a_model_of_a_family(tmp_path):
    more = ["--model", "timm:test_byobnet.r160_in1k", "--training.epochs", "1"]
    assert train(tmp_path, "default", *more)[0] == 0
    folder = tmp_path / "coding" / "timm-test_byobnet.r160_in1k" / "default"
    (tmp_path / "in.fa").write_text(fasta([("a", "ACGTTGCA" * 100)]))
    assert predicted(folder, tmp_path / "in.fa", tmp_path / "out.csv") == 0


@pytest.mark.slow
def test_killed_at_random_steps(tmp_path):
    rng = np.random.default_rng()
    more = ["--training.checkpoint_minutes", "1e-9", "--training.epochs", "6", "--training.batch_size", "4"]
    code, whole = train(tmp_path, "whole", *more)
    assert code == 0
    command = [
        sys.executable,
        str(script(tmp_path)),
        "train",
        *SMALL,
        "--runs",
        str(tmp_path),
        "--name",
        "killed",
        *more,
    ]
    folder, kills, resume = whole.parent / "killed", 0, []
    while kills < 4:
        with subprocess.Popen([*command, *resume], stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not folder.exists():
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 6))
            process.kill()
        kills += process.returncode == -signal.SIGKILL
        resume = ["--resume"] if (folder / "checkpoints" / "last.ckpt").is_file() else ["--overwrite"]
        if process.returncode == 0:
            shutil.rmtree(folder)
            resume = []
    subprocess.run([*command, *resume], check=True)
    assert_same_results(whole, folder)


def script(tmp_path):
    """A command line that knows the toy."""
    path = tmp_path / "command.py"
    path.write_text(
        f"import sys\nsys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}\n"
        "import test_runs\nsys.exit(test_runs.main(sys.argv[1:]))\n"
    )
    return path


def two_processes(tmp_path, *arguments):
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        str(script(tmp_path)),
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_two_processes_end_as_one_with_the_doubled_batch(tmp_path, optimiser):
    # 54 examples: the last step has 6, of 8 that it could have.
    more = ["--model_options.dropout", "0", "--training.epochs", "1", "--optimiser.name", optimiser]
    code, one = train(tmp_path, "one", *more, "--training.batch_size", "8")
    assert code == 0
    arguments = ["train", *SMALL, *more, "--training.batch_size", "4", "--runs", str(tmp_path), "--name", "two"]
    done = two_processes(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report:") == 1
    two = one.parent / "two"
    assert {path.name for path in two.iterdir()} == FILES
    a, b = (load_file(folder / "model.safetensors") for folder in (one, two))
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=0, atol=1e-5)
    columns = ("id", "group", "label", "tiles")
    tested = [[[row[c] for c in columns] for row in rows_of(folder / "predictions.csv")] for folder in (one, two)]
    assert tested[0] == tested[1]
    for x, y in zip(history_of(one), history_of(two), strict=True):
        assert {k: float(v) for k, v in x.items()} == pytest.approx({k: float(v) for k, v in y.items()}, abs=1e-5)
    again = two_processes(tmp_path, *arguments)
    assert again.returncode != 0
    assert again.stderr.count("holds a run already") == 1


def test_accumulated_steps_are_one_step(tmp_path):
    more = ["--model_options.dropout", "0", "--training.epochs", "1", "--optimiser.name", "sgd"]
    _, one = train(tmp_path, "one", *more, "--training.batch_size", "8")
    _, two = train(tmp_path, "two", *more, "--training.batch_size", "4", "--training.accumulate", "2")
    a, b = (load_file(folder / "model.safetensors") for folder in (one, two))
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=0, atol=0.02)  # the last, incomplete step weighs less
    state = torch.load(two / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["global_step"] == torch.load(one / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]


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
    assert "stopped before the first epoch was saved" in capsys.readouterr().err
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


def test_resuming_what_was_never_started(tmp_path, capsys):
    code, folder = train(tmp_path, "new", "--resume")
    assert code == 2
    one_line(capsys, "no checkpoint to resume from")
    assert not folder.exists()


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


def edit(folder, old, new):
    text = (folder / "config.yaml").read_text()
    assert old in text
    (folder / "config.yaml").write_text(text.replace(old, new))


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
    assert main(["predict", "--run", str(copy), "--input", "x.fa"]) == 2
    one_line(capsys, "model.safetensors")


def test_no_run_and_no_weights(copy, tmp_path, capsys):
    assert main(["evaluate", "--run", str(tmp_path / "none")]) == 2
    one_line(capsys, "is no run folder (no config.yaml)")
    (copy / "model.safetensors").unlink()
    assert main(["predict", "--run", str(copy), "--input", "x.fa"]) == 2
    one_line(capsys, "no weights; is the training finished?")


def test_a_damaged_checkpoint(copy, capsys):
    (copy / "checkpoints" / "last.ckpt").write_bytes(b"PK\x03\x04 half a file")
    assert main(["train", "--config", str(copy / "config.yaml"), "--runs", str(copy.parents[2]), "--resume"]) == 2
    one_line(capsys, "last.ckpt")


# Prediction


def records_of(base):
    """The simulated records of the test split: (name, letters)."""
    wanted = {row["id"] for row in rows_of(base / "predictions.csv")}
    return [(r.name, decode(r.codes)) for r in simulate(run_settings(base).data.simulate) if r.name in wanted]


def fasta(records):
    return "".join(f">{name} some words\n{letters}\n" for name, letters in records)


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


def predicted(base, source, out):
    arguments = ["predict", "--run", base, "--input", source, "--out", out, "--progress", "false"]
    return main([str(argument) for argument in arguments])


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
    (tmp_path / "out.csv.part").write_text("id\n")
    (tmp_path / "out.csv.part.json").write_text("{}")
    assert predicted(base, many, tmp_path / "out.csv") == 2
    one_line(capsys, "holds predictions with another input")
    assert (tmp_path / "out.csv.part").read_text() == "id\n"


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


# Comparison


@pytest.fixture(scope="module")
def baseline(base, runs):
    assert main(["baselines", "--config", str(base / "config.yaml"), "--only", "[gc]"]) == 0
    return runs / "coding" / "gc" / "base"


def test_comparing_runs_and_a_baseline(base, other, baseline, tmp_path, capsys):
    from PIL import Image

    capsys.readouterr()
    out = tmp_path / "comparison"
    assert main(["compare", str(base), str(other), str(baseline), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    table = (out / "compare.md").read_text()
    assert table in said
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(lines) == 2 + 3  # heads, rule, runs
    rows = rows_of(out / "compare.csv")
    assert {(row["model"], row["name"]) for row in rows} == {
        ("toy_test", "base"),
        ("toy_test", "other"),
        ("gc", "base"),
    }
    scores = [float(row["auroc"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert rows[0]["difference"] == ""
    for row in rows[1:]:
        assert float(row["difference"]) == pytest.approx(float(row["auroc"]) - scores[0])
        assert float(row["difference_low"]) <= float(row["difference_high"])
    with Image.open(out / "roc.png") as picture:
        picture.load()


def test_comparing_a_run_with_itself(base, same, capsys):
    assert main(["compare", str(base), str(same)]) == 0
    cells = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()]
    assert [row[8] for row in cells if row[1:2] == ["toy_test"]] == ["", "0.000 [0.000, 0.000]"]


def test_other_test_examples_get_no_difference(base, copy, capsys):
    rows = (copy / "predictions.csv").read_text().splitlines(keepends=True)
    (copy / "predictions.csv").write_text("".join(rows[:-1]))
    assert main(["compare", str(base), str(copy)]) == 0
    said = capsys.readouterr().out
    assert "tested on other examples" in said


def test_an_unfinished_run_is_not_compared(base, copy, tmp_path, capsys):
    RunFolder(copy).begin("training is not finished")
    out = tmp_path / "out"
    assert main(["compare", str(base), str(copy), "--out", str(out)]) == 2
    one_line(capsys, "is not finished (training is not finished)")
    assert not out.exists()
    assert main(["compare", str(base), str(tmp_path / "none")]) == 2
    one_line(capsys, "is")


def test_runs_of_other_classes_are_not_compared(base, copy, capsys):
    metrics = json.loads((copy / "metrics.json").read_text())
    metrics["labels"] = ["x", "y"]
    (copy / "metrics.json").write_text(json.dumps(metrics))
    assert main(["compare", str(base), str(copy)]) == 2
    one_line(capsys, "different classes")


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
