"""Runs of the toy network that many tests look at and none changes."""

import shutil
import signal
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image
from toy import train


@pytest.fixture(autouse=True)
def _signals():
    """Lightning ignores SIGINT after an interruption."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def unrendered(monkeypatch):
    """Figures are made and kept as one white pixel: rendering them is half of what a toy's training takes.

    For tests that train and look at no figure. Fixtures of a wider scope, like ``base``, still have theirs rendered.
    """

    def save(figure, file, **options):
        Image.new("RGB", (1, 1), "white").save(file, options["format"])

    monkeypatch.setattr(Figure, "savefig", save)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def base(runs):
    code, folder = train(runs, "base")
    assert code == 0
    return folder


LABELS = ("K562|GATA1|None", "HepG2|DNase|None", "H1|H3K4me3|<b>heat & light</b>")


@pytest.fixture(scope="session")
def labelled(tmp_path_factory):
    """A run of three labels of DNase, TF and histone groups, some not known; its table lies in ``labels.csv`` beside ``runs``."""
    from test_chromatin_task import COMMON, rows, write_table

    from classify.__main__ import main

    folder = tmp_path_factory.mktemp("labelled")
    table = rows(400)
    for i in range(0, 400, 7):
        table[i][2 + i % 3] = "NA"
    path = write_table(folder / "labels.csv", table, ("id", "sequence", *LABELS))
    options = [
        "--data.train",
        f'["{path}"]',
        "--model",
        "deepbind",
        "--runs",
        str(folder / "runs"),
        "--training.barcodes",
        "32",
    ]
    assert main(["train", *COMMON, *options]) == 0
    return folder / "runs" / "chromatin" / "deepbind" / "default"


@pytest.fixture
def copy(base, tmp_path):
    """The base run at another place, to be damaged."""
    return Path(shutil.copytree(base, tmp_path / "copied" / "coding" / "toy_test" / "base"))
