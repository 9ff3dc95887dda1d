"""Mistakes of users, and stops at bad moments, that once hurt a run folder or leaked an example."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from toy import history_of

from classify.__main__ import main
from classify.config import parse_run
from classify.models import register_model
from classify.pictures import scan_folder
from classify.splits import SplitSettings
from specgen.errors import InputError

pytestmark = pytest.mark.usefixtures("unrendered")


@register_model("toy_mending", view="image", note="only in tests")
def toy_mending(outputs: int = 2) -> nn.Module:
    """A picture averaged to 8 x 8 cells, dropout, one linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Dropout(0.2), nn.Linear(192, outputs))


SMALL = [
    "--model", "toy_mending", "--data.simulate.n", "24", "--data.simulate.min_length", "630",
    "--data.simulate.max_length", "800", "--data.split.test_fraction", "0.3", "--data.split.val_fraction", "0.3",
    "--training.batch_size", "16", "--training.progress", "false", "--training.threads", "1",
    "--training.precision", "32-true", "--training.test_tiles", "1",
]  # fmt: skip


def train(runs, *more):
    return main(["train", *SMALL, "--runs", str(runs), *more]), Path(runs) / "coding" / "toy_mending" / "default"


def said(capsys, match):
    text = capsys.readouterr().err.strip()
    assert len(text.splitlines()) == 1, text
    assert match in text


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    code, folder = train(tmp_path_factory.mktemp("finished"), "--training.epochs", "2")
    assert code == 0
    return folder


def test_plain_values_make_a_list(tmp_path):
    settings, extra = parse_run(
        ["--data.coding", "a.fa", "b.fa", "--data.noncoding=c.fa", "--only", "gc", "--data.length", "300"],
        "baselines",
        "",
        {"only": {"type": list[str], "default": []}},
    )
    assert settings.data.coding == ["a.fa", "b.fa"]
    assert settings.data.noncoding == ["c.fa"]
    assert settings.data.length == 300
    assert extra.only == ["gc"]
    settings, _ = parse_run(['--data.split.test_chromosomes=["1","8"]'], "train", "")
    assert settings.data.split.test_chromosomes == ["1", "8"]


def test_overwriting_with_bad_input_keeps_the_old_run(finished, capsys):
    before = {path.name for path in finished.iterdir()}
    weights = (finished / "model.safetensors").read_bytes()
    runs = finished.parents[2]
    code, _ = train(runs, "--overwrite", "--data.coding", "nowhere.fa", "--data.noncoding", "nowhere.fa")
    assert code == 2
    said(capsys, "nowhere.fa: no such file")
    assert {path.name for path in finished.iterdir()} == before
    assert (finished / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (
            ["--model", "conv7", "--image.spectrogram.frames", "100"],
            "model 'conv7' does not take input of 3 x 224 x 100",
        ),
        (
            ["--model", "inception", "--image.spectrogram.n_fft", "351"],
            "model 'inception' does not take input of 3 x 176",
        ),
        (["--preprocess.blur", "true", "--preprocess.blur_sigma", "100"], "no picture can be made"),
        (["--data.length", "300"], "shorter than the spectrogram window of 351 nt"),
        (["--optimiser.momentum", "-1"], "optimiser.momentum: expected a number from 0 to 1, got -1"),
        (["--optimiser.lr", "-0.1"], "optimiser.lr: expected a number above 0"),
        (["--seed", "-1"], "seed: expected a whole number from 0"),
        (["--name", "n" * 300], "name: expected at most 200 characters"),
        (["--data.split.val_chromosomes", "2"], "split.val_chromosomes: expected split.test_chromosomes"),
    ],
)
def test_settings_that_do_not_fit_write_nothing(tmp_path, capsys, options, match):
    code, _ = train(tmp_path / "runs", *options)
    assert code == 2
    said(capsys, match)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("workers", ["0", "1"])
def test_resuming_is_exact_with_loader_processes(tmp_path, monkeypatch, workers):
    from classify.module import Classifier

    options = ["--training.epochs", "3", "--training.workers", workers]
    _, whole = train(tmp_path / "whole", *options)
    original = Classifier.on_train_epoch_start

    def stop(self):
        if self.current_epoch == 1:
            raise KeyboardInterrupt
        original(self)

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "on_train_epoch_start", stop)
        code, halved = train(tmp_path / "halved", *options)
        assert code == 130
    code, _ = train(tmp_path / "halved", *options, "--resume")
    assert code == 0
    assert history_of(whole) == history_of(halved)
    assert (whole / "model.safetensors").read_bytes() == (halved / "model.safetensors").read_bytes()


def test_a_run_that_had_stopped_early_does_not_train_on(tmp_path, monkeypatch):
    import classify.commands.train
    import classify.evaluation

    def die(*arguments):
        raise KeyboardInterrupt

    # A learning rate this small leaves the score where it is: patience runs out after the second epoch.
    options = ["--training.epochs", "6", "--training.patience", "1", "--optimiser.lr", "1e-12"]
    with monkeypatch.context() as patch:
        patch.setattr(classify.evaluation, "evaluate", die)
        code, folder = train(tmp_path, *options)
        assert code == 130
    epochs = len(history_of(folder))
    assert epochs < 6
    code, _ = train(tmp_path, *options, "--resume")
    assert code == 0
    assert len(history_of(folder)) == epochs
    told = json.loads((folder / "metrics.json").read_text())["training"]
    assert told["stopped_early"]
    assert not told["out_of_cpu_minutes"]
    assert told["epochs_run"] == epochs


def test_resuming_on_changed_data_is_refused(tmp_path, capsys, monkeypatch):
    import classify.evaluation

    def die(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(classify.evaluation, "evaluate", die)
        _, folder = train(tmp_path, "--training.epochs", "1")
    capsys.readouterr()
    split = folder / "split.csv"
    split.write_text(split.read_text().replace(",train", ",test", 1))
    code, _ = train(tmp_path, "--training.epochs", "1", "--resume")
    assert code == 2
    said(capsys, "the data has changed since this run was started")


def test_a_baseline_does_not_predict_as_a_network(tmp_path, capsys):
    assert main(["baselines", *SMALL, "--runs", str(tmp_path), "--only", "gc"]) == 0
    folder = tmp_path / "coding" / "gc" / "default"
    capsys.readouterr()
    assert main(["predict", "--run", str(folder), "--input", "-"]) == 2
    said(capsys, "'gc' is a baseline, not a network")
    assert not (folder / "INCOMPLETE").exists()


def test_classes_called_by_numbers_can_be_compared(tmp_path, capsys):
    code, folder = train(tmp_path, "--data.classes", "0", "1", "--training.epochs", "1")
    assert code == 0
    assert main(["compare", str(folder), str(folder)]) == 0


def test_a_failing_loss_says_where(tmp_path, capsys, monkeypatch):
    from classify.module import Classifier

    monkeypatch.setattr(Classifier, "forward", lambda self, inputs: self.model(self.view(inputs)) * torch.nan)
    code, _ = train(tmp_path, "--training.epochs", "1")
    assert code == 2
    said(capsys, "loss is nan at epoch 1, step 1")


# Pictures


def sixteen_bit_rgb(path):
    """A PNG of three 16-bit channels, which Pillow cannot write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(range(24)) for _ in range(4))
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(8):
            noise = np.random.default_rng([ord(name), i]).integers(0, 256, (224, 224, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_sixteen_bit_colour_is_refused(folder):
    sixteen_bit_rgb(folder / "a" / "deep.png")
    with pytest.raises(InputError, match=r"deep\.png: is a 16-bit picture; expected 8-bit RGB"):
        scan_folder(folder, ("a", "b"), None, SplitSettings())


def test_a_table_that_names_no_picture_is_refused(folder):
    table = folder / "table.csv"
    table.write_text("id,gene\nother.png,g\n")
    with pytest.raises(InputError, match="none of its 1 ids is a picture"):
        scan_folder(folder, ("a", "b"), table, SplitSettings())


def test_a_row_of_the_manifest_that_names_no_file_is_refused(folder):
    (folder / "manifest.csv").write_text("record,file\nr1,a/0.png\nr2\n")
    with pytest.raises(InputError, match=r"manifest\.csv: row 2: ends before its file is named"):
        scan_folder(folder, ("a", "b"), None, SplitSettings())


def test_a_table_may_name_files_or_records(folder):
    (folder / "manifest.csv").write_text(
        "file,record,header\n" + "".join(f"{c}/{i}.png,rec{i // 2},rec{i // 2}\n" for c in "ab" for i in range(8))
    )
    table = folder / "table.csv"
    table.write_text("id,gene\nrec0,g0\na/1.png,own\n")
    examples = scan_folder(folder, ("a", "b"), table, SplitSettings())
    groups = dict(zip(examples.ids, examples.groups, strict=True))
    assert groups["a/0.png"] == groups["b/0.png"] == "g0"
    assert groups["a/1.png"] == "own"
    assert groups["a/2.png"] == groups["a/3.png"]


def test_a_table_that_names_no_record_is_refused(tmp_path, capsys):
    from classify.tasks.coding import CodingSettings, CodingTask

    for name in ("c.fa", "n.fa"):
        (tmp_path / name).write_text(f">{name}\n" + "ACGT" * 200 + "\n")
    (tmp_path / "t.csv").write_text("id,gene\nnobody,g\n")
    settings = CodingSettings(
        coding=["c.fa"], noncoding=["n.fa"], root=str(tmp_path), table=str(tmp_path / "t.csv"), length=100
    )
    with pytest.raises(InputError, match="none of its 1 ids is the name of a record"):
        CodingTask(settings).load()


def test_pictures_that_look_alike_are_duplicates(folder):
    from classify.examples import drop_duplicates

    with Image.open(folder / "a" / "0.png") as picture:
        picture.save(folder / "a" / "again.png", compress_level=0)  # other bytes, same pixels
    examples = scan_folder(folder, ("a", "b"), None, SplitSettings())
    assert drop_duplicates(examples).counts["duplicates_dropped"] == 1
