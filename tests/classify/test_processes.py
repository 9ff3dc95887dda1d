"""Several processes, and processes that are killed."""

import json
import os
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
from toy import FILES, SMALL, assert_same_results, history_of, main, one_line, rows_of, script, train

pytestmark = pytest.mark.usefixtures("unrendered")


@pytest.mark.slow
def test_killed_at_random_steps(tmp_path):
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")  # shown when the test fails
    rng = np.random.default_rng(seed)
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


def processes(tmp_path, number, *arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(number), str(script(tmp_path))]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=900)


def assert_close(one, two, atol):
    a, b = (load_file(folder / "model.safetensors") for folder in (one, two))
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=0, atol=atol)


# An epoch has 38 examples. Four processes share the last step of 6 unevenly; the last step of 2 leaves one of three none.
@pytest.mark.parametrize(
    ("number", "optimiser", "batch_size", "last"),
    [pytest.param(4, "sgd", 4, 6, marks=pytest.mark.slow), (3, "adamw", 12, 2)],
)
def test_processes_end_as_one_with_a_larger_batch(tmp_path, number, optimiser, batch_size, last):
    more = ["--model_options.dropout", "0", "--training.epochs", "2", "--optimiser.name", optimiser]
    code, one = train(tmp_path, "one", *more, "--training.batch_size", number * batch_size)
    assert code == 0
    drawn = json.loads((one / "training.json").read_text())["cost"]["examples_seen"] // 2
    assert drawn % (number * batch_size) == last
    arguments = ["train", *SMALL, *more, "--training.batch_size", batch_size, "--runs", tmp_path, "--name", "several"]
    done = processes(tmp_path, number, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report:") == 1
    several = one.parent / "several"
    assert {path.name for path in several.iterdir()} == FILES
    assert_close(one, several, 1e-5)
    columns = ("id", "group", "label", "tiles")
    tested = [[[row[c] for c in columns] for row in rows_of(folder / "predictions.csv")] for folder in (one, several)]
    assert tested[0] == tested[1]
    for x, y in zip(history_of(one), history_of(several), strict=True):
        assert {k: float(v) for k, v in x.items()} == pytest.approx({k: float(v) for k, v in y.items()}, abs=1e-5)


@pytest.mark.parametrize("command", ["predict", "baselines"])
def test_commands_of_one_process(base, tmp_path, monkeypatch, capsys, command):
    monkeypatch.setenv("WORLD_SIZE", "2")
    arguments = {"predict": ["--run", str(base), "--input", "-"], "baselines": ["--runs", str(tmp_path)]}[command]
    capsys.readouterr()
    assert main([command, *arguments]) == 2
    one_line(capsys, f"{command}: expected one process, got 2")


@pytest.mark.slow
def test_what_several_processes_refuse(base, tmp_path):
    done = processes(tmp_path, 2, "train", "--config", base / "config.yaml")
    assert done.returncode != 0
    assert done.stderr.count("holds a run already") == 1
    copied = Path(shutil.copytree(base, tmp_path / "coding" / "toy_test" / "base"))
    again = ["train", "--config", copied / "config.yaml", "--runs", tmp_path, "--resume"]
    done = processes(tmp_path, 2, *again)
    assert done.returncode != 0
    assert "another number of processes: was 1, now 2" in done.stderr


def test_a_loss_that_is_no_number_on_any_process_ends_all(tmp_path):
    arguments = ["train", *SMALL, "--model_options.poison", "true", "--runs", tmp_path]
    done = processes(tmp_path, 2, *arguments)
    assert done.returncode != 0
    assert "training stopped: loss is nan at epoch 1, step 1" in done.stderr
    assert "Connection closed" not in done.stderr


def test_accumulated_steps_are_one_step(tmp_path):
    # 38 examples in one step, or in two halves of one.
    more = ["--model_options.dropout", "0", "--training.epochs", "1", "--optimiser.name", "sgd"]
    _, one = train(tmp_path, "one", *more, "--training.batch_size", "38")
    _, two = train(tmp_path, "two", *more, "--training.batch_size", "19", "--training.accumulate", "2")
    assert_close(one, two, 1e-6)
    steps = [torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] for run in (one, two)]
    assert steps == [1, 1]
    with pytest.raises(AssertionError):
        assert_close(one, train(tmp_path, "three", *more, "--training.batch_size", "19")[1], 1e-6)
