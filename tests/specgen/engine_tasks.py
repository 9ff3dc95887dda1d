"""What workers of the tests of engines do. They load this alone, so that a new process costs no more than Python's start."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from specgen.errors import InputError


def prepared() -> None:
    """In place of ``specgen.engines.prepare_worker``, which loads torch."""


def square(task: int) -> int:
    return task * task


def dies_once(task: tuple[int, str]) -> int:
    number, folder = task
    mark = Path(folder) / str(number)
    if number % 3 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies(task: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return task


def fails(task: int) -> int:
    if task == 3:
        raise InputError("task 3 is bad")
    return task
