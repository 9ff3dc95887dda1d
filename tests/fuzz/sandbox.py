"""Reading in a child process of bounded memory, so that a crash, a hang or a bomb ends one input and not the tests."""

from __future__ import annotations

import gc
import importlib
import io
import multiprocessing
import os
import resource
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from specgen.cli import run_command
from specgen.errors import InputError

__all__ = ["DEADLINE", "MEMORY", "Sandbox", "told"]

MEMORY = 1 << 30
"""Bytes of memory that reading may take beyond what the process has."""

ROOM = 3 << 30
"""Bytes of address space that there are for it: what asks for more meets a MemoryError, before the machine does."""

DEADLINE = 60.0
"""Seconds for one input: what takes a thousandth of that on a quiet machine is not to fail on a busy one."""

LONGEST = 4000
"""Letters of a message."""


def told(read: Callable[[Path], object], path: Path) -> str:
    """Empty where a file was read or refused as it should be; else what went wrong."""
    refused: list[InputError] = []

    def run(arguments: list[str]) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read(path)
        except InputError as error:
            refused.append(error)
            raise

    module = types.ModuleType("fuzzed.commands.read")
    module.run = run  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    assert importlib.import_module(module.__name__) is module
    said = io.StringIO()
    try:
        with redirect_stderr(said), redirect_stdout(io.StringIO()):
            code = run_command("fuzzed", {"read": ""}, ["read"])
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:300]}\n{_where(error)}"
    line = said.getvalue()
    if not refused:
        return "" if code == 0 else f"exit code {code} without an InputError: {line[:500]}"
    if code != 2:
        return f"InputError, but exit code {code}"
    message = str(refused[0])
    if not line.endswith("\n") or len(line.splitlines()) != 1 or not message.strip():
        return f"not one line: {line[:500]!r}"
    if len(line) > LONGEST:
        return f"a line of {len(line)} letters: {line[:300]!r}"
    return ""


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(f"  {frame.filename}:{frame.lineno} {frame.name}: {frame.line}" for frame in frames[-8:])


class Sandbox:
    """A forked child that reads files one after the other; replaced where it dies or hangs.

    Parameters
    ----------
    readers
        By name, what reads a file, and where each input is put. One child serves all: forks of a process that holds torch cost
        more than most readings.
    """

    def __init__(self, readers: Mapping[str, tuple[Callable[[Path], object], Path]]) -> None:
        self.readers = readers
        self._child: BaseProcess | None = None
        self._pipe: Connection | None = None

    def __call__(self, name: str, data: bytes) -> str:
        """What is wrong with the reading of ``data`` by one of the readers; empty where nothing is."""
        if self._child is None:
            self._start()
        assert self._pipe is not None
        assert self._child is not None
        self._pipe.send_bytes(name.encode() + b"\0" + data)
        begun = time.monotonic()
        if not self._pipe.poll(DEADLINE):
            self.close()
            return f"no answer after {time.monotonic() - begun:.0f} s"
        try:
            answer = self._pipe.recv_bytes().decode("utf-8", "surrogatepass")
            if "MiB of memory" in answer:
                self.close()
            return answer
        except EOFError:
            self._child.join(5)
            code = self._child.exitcode
            self.close()
            return f"the process ended with {code}"

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")  # what is imported and prepared is there at once
        self._pipe, other = context.Pipe()
        self._child = context.Process(target=_serve, args=(other, self._pipe, self.readers), daemon=True)
        gc.freeze()  # or the first collection would copy every page that parent and child share
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns of forks beside threads, which are idle here
            self._child.start()
        other.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.join()
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None


@contextmanager
def bounded(memory: int) -> Iterator[None]:
    """At most so many bytes more of address space."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + memory, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _serve(pipe: Connection, parents: Connection, readers: Mapping[str, tuple[Callable[[Path], object], Path]]) -> None:
    parents.close()  # or this process would wait for ever where the parent was killed
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):  # C libraries write there
        os.dup2(silent, stream)
    before = _peak()
    with bounded(ROOM), suppress(EOFError):
        while True:
            name, _, data = pipe.recv_bytes().partition(b"\0")
            read, path = readers[name.decode()]
            path.write_bytes(data)
            fault = told(read, path)
            if (taken := _peak() - before) > MEMORY:
                fault += f"took {taken >> 20} MiB of memory"
            pipe.send_bytes(fault.encode("utf-8", "surrogatepass"))
            if taken > MEMORY:
                return  # the peak of this process is spoilt


def _peak() -> int:
    """Most bytes that this process has held in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10
