"""Runs of the toy network that many tests look at and none changes."""

import shutil
import signal
from pathlib import Path

import pytest
from toy import train


@pytest.fixture(autouse=True)
def _signals():
    """Lightning ignores SIGINT after an interruption."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def base(runs):
    code, folder = train(runs, "base")
    assert code == 0
    return folder


@pytest.fixture
def copy(base, tmp_path):
    """The base run at another place, to be damaged."""
    return Path(shutil.copytree(base, tmp_path / "copied" / "coding" / "toy_test" / "base"))
