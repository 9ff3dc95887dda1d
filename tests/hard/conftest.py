"""Small inputs, and the commands that read them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hardships import Command, Done, commands_on, prepare_inputs, run


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Lightning ignores SIGINT after an interruption."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of sequences, a genome with genes and variants, and a run of a network of letters."""
    return prepare_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def commands(inputs: Path) -> dict[str, Command]:
    return commands_on(inputs)


@pytest.fixture(scope="session")
def known(commands: dict[str, Command], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Done]]:
    """What an undisturbed call of a command gives, and its moments; each is called once."""
    found: dict[str, tuple[Path, Done]] = {}

    def of(name: str) -> tuple[Path, Done]:
        if commands[name].needs:
            pytest.importorskip(commands[name].needs)
        if name not in found:
            place = tmp_path_factory.mktemp("known") / name.replace(" ", "_")
            found[name] = place, run(commands[name], place)
            assert not found[name][1].code, found[name][1].err
        return found[name]

    return of
