"""Commands that end in a file: what is done, what is out of date, and doing the rest, one job a core.

A job is done when its file is there and was made by the present command from what the files that it reads hold now.
Which jobs there are stands in the ``make.py`` of each report.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from specgen.errors import InputError
from specgen.files import write_atomic

LOGS = Path("runs/logs")


def configured(folder: Path, but: str) -> tuple[str, ...]:
    """Names of the configurations in a folder, sorted, without those that begin with ``but``."""
    return tuple(sorted(file.stem for file in folder.glob("*.yaml") if not file.stem.startswith(but)))


@dataclass(frozen=True)
class Job:
    """A command and the file that exists once it is done.

    Attributes
    ----------
    stage
        What ``--only`` selects by.
    arguments
        Of ``python``.
    done
        Made by the command at its end.
    reads
        Files that it depends on, besides the configurations and scripts that it names: tables, weights.
    run
        Folder of a training run, which can be resumed; empty for other commands.
    clear
        A folder that has to be empty when the command begins.
    more
        Jobs that need this one.
    """

    stage: str
    arguments: tuple[str, ...]
    done: Path
    reads: tuple[Path, ...] = ()
    run: str = ""
    clear: str = ""
    more: tuple[Job, ...] = field(default=())

    @property
    def finished(self) -> bool:
        """Whether it is done, by this command and from what its files hold now."""
        there = self.done.exists() and not (self.done.parent / "INCOMPLETE").exists()
        return there and self.told() == f"done {self.key()}"

    @property
    def log(self) -> Path:
        """What the command printed; beside it, ending in .state, what ``told`` reads."""
        return LOGS / f"{str(self.done).replace('/', '_')}.log"

    def key(self) -> str:
        """Hash of the command and of the files that it depends on."""
        read = hashlib.sha256("\0".join(self.arguments).encode())
        named = (Path(word) for word in self.arguments if word.endswith((".yaml", ".py")))
        for file in (*named, *self.reads):
            read.update(hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b"absent")
        return read.hexdigest()[:16]

    def told(self) -> str:
        """How the last attempt ended: "begun <key>", "done <key>", or nothing."""
        state = self.log.with_suffix(".state")
        return state.read_text(encoding="utf-8") if state.is_file() else ""

    def tell(self, what: str, key: str) -> None:
        """See ``told``."""
        LOGS.mkdir(parents=True, exist_ok=True)
        write_atomic(self.log.with_suffix(".state"), f"{what} {key}")

    def all(self) -> Iterator[Job]:
        """This job and those behind it."""
        yield self
        for job in self.more:
            yield from job.all()

    def begin(self, key: str) -> list[str]:
        """Make room, note that it is begun, and give the command: with ``--resume`` where there is something to go on from."""
        command = list(self.arguments)
        if self.clear:
            shutil.rmtree(self.clear, ignore_errors=True)
        if self.run:
            checkpoints = Path(self.run) / "checkpoints"
            same = self.told() == f"begun {key}"
            if not same:
                shutil.rmtree(checkpoints, ignore_errors=True)  # of other settings: nothing to go on from
            command.append("--resume" if (checkpoints / "last.ckpt").exists() else "--overwrite")
        elif command[:3] == ["-m", "classify", "baselines"]:
            command.append("--overwrite")  # where their data was another
        self.tell("begun", key)
        return command

    def make(self, cpu: int) -> bool:
        """Run it on one core and one thread; whether it ended well."""
        key = self.key()
        command = self.begin(key)
        print(f"{time.strftime('%H:%M:%S')} cpu {cpu}: {self.stage}: {self.done.parent}", flush=True)
        with self.log.open("ab") as out:
            code = subprocess.run(
                [sys.executable, *command],
                env={**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"},
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
                check=False,
            ).returncode
        if code or not self.done.exists():
            return False
        self.tell("done", key)  # what it was made from, even where that has changed meanwhile
        return True


class Board:
    """What is waiting, shared by the workers; a job that is done may add others behind."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.waiting, self.running, self.failed, self.lock = list(jobs), 0, list[Job](), Lock()
        self.stopped = False

    def stop(self, *_: object) -> None:
        """Hand out nothing more."""
        self.stopped = True

    def take(self) -> Job | None:
        """The next job; nothing once none is waiting and none that is running can add any."""
        while not self.stopped:
            with self.lock:
                if self.waiting:
                    self.running += 1
                    return self.waiting.pop(0)
                if not self.running:
                    return None
            time.sleep(0.2)
        return None

    def work(self, cpu: int) -> None:
        """Take jobs until there are none."""
        while (job := self.take()) is not None:
            done = False
            try:
                done = job.finished or job.make(cpu)
            finally:
                with self.lock:
                    self.running -= 1
                    self.waiting += job.more if done else ()
                    self.failed += [] if done else [job]
            if not done and not self.stopped:
                print(f"FAILED, see {job.log}", flush=True)


def make_all(jobs: Iterable[Job], cpus: Sequence[int]) -> None:
    """Do what is not done. Ctrl-C ends the jobs under way, too, which can be gone on with.

    Raises
    ------
    SystemExit
        Jobs failed, or it was stopped.
    """
    board = Board(jobs)
    before = signal.signal(signal.SIGINT, board.stop)
    try:
        with ThreadPoolExecutor(len(cpus)) as pool:
            list(pool.map(board.work, cpus))
    finally:
        signal.signal(signal.SIGINT, before)
    if board.stopped:
        sys.exit("stopped; the same command goes on")
    if board.failed:
        sys.exit(f"{len(board.failed)} jobs failed; the same command goes on with them")


def chosen(jobs: Iterable[Job], stages: Sequence[str]) -> Iterator[Job]:
    """The jobs of some stages, and those that they need and that are not done; all where none is named.

    Raises
    ------
    InputError
        A stage that no job has.
    """
    jobs = list(jobs)
    known = sorted({job.stage for first in jobs for job in first.all()})
    if unknown := sorted(set(stages) - set(known)):
        raise InputError(f"--only {unknown[0]}: there is no such stage; there are {', '.join(known)}")
    yield from _of(jobs, set(stages) or set(known))


def _of(jobs: Iterable[Job], stages: set[str]) -> Iterator[Job]:
    for job in jobs:
        more = tuple(_of(job.more, stages))
        if job.stage in stages or (more and not job.finished):
            yield replace(job, more=more)
        else:
            yield from more


def command_line(
    about: str | None, root: Path, prepare: Callable[[], list[Job]], everything: Callable[[], Iterable[Job]]
) -> None:
    """The command line of a ``make.py``: choose stages and cores, prepare, make, say what failed.

    Parameters
    ----------
    root
        Of the repository: all paths of jobs start there.
    prepare
        Jobs that all others need, each of which needs those before.
    everything
        The others.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="stages, separated by commas; default: all")
    parser.add_argument("--cpus", default="", help="cores to use, separated by commas; default: all there are")
    parser.add_argument("--list", action="store_true", help="name the jobs and whether they are done; make nothing")
    given = parser.parse_args()
    os.chdir(root)
    try:
        jobs = list(chosen(everything(), given.only.split(",") if given.only else ()))
        if given.list:
            for job in (j for first in [*prepare(), *jobs] for j in first.all()):
                print("done" if job.finished else "    ", job.stage, job.done)
            return
        cpus = [int(c) for c in given.cpus.split(",")] if given.cpus else sorted(os.sched_getaffinity(0))
        for job in prepare():
            make_all([job], cpus[:1])
        make_all(jobs, cpus)
    except InputError as error:
        sys.exit(f"make: {error}")
