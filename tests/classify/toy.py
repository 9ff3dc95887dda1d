"""A toy network that trains in a second, and what the tests of run folders share."""

import csv
from pathlib import Path

from torch import nn

from classify.__main__ import main
from classify.models import register_model


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
    "--training.precision", "32-true", "--training.test_tiles", "2", "--training.barcodes", "32",
    "--optimiser.lr", "0.01",
]  # fmt: skip
FILES = {
    "config.yaml", "environment.json", "split.csv", "metrics.csv", "metrics.json", "predictions.csv", "training.json",
    "model.safetensors", "report.html", "checkpoints", "figures", "gallery", "tensorboard", "barcodes.safetensors",
}  # fmt: skip


def train(runs, name="default", *more):
    """Exit code of a training, and its folder."""
    code = main(["train", *SMALL, "--runs", str(runs), "--name", name, *map(str, more)])
    return code, Path(runs) / "coding" / "toy_test" / name


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def history_of(folder):
    clocks = ("seconds", "cpu_seconds")
    return [{key: value for key, value in row.items() if key not in clocks} for row in rows_of(folder / "metrics.csv")]


def assert_same_results(a, b):
    for name in ("model.safetensors", "predictions.csv", "split.csv", "barcodes.safetensors"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name
    assert history_of(a) == history_of(b)


def one_line(capsys, match):
    """What was said on stderr: one line without a traceback."""
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1, said
    assert match in said
    return said


def edit(folder, old, new):
    text = (folder / "config.yaml").read_text()
    assert old in text
    (folder / "config.yaml").write_text(text.replace(old, new))


def fasta(records):
    return "".join(f">{name} some words\n{letters}\n" for name, letters in records)


def predicted(base, source, out):
    arguments = ["predict", "--run", base, "--input", source, "--out", out, "--progress", "false"]
    return main([str(argument) for argument in arguments])


def script(tmp_path):
    """A command line that knows the toy."""
    path = tmp_path / "command.py"
    path.write_text(
        f"import sys\nsys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}\n"
        "import toy\nsys.exit(toy.main(sys.argv[1:]))\n"
    )
    return path
