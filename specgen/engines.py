"""Engines: who does the tasks of a job. Processes of this machine, or a Ray cluster.

An engine takes a function, a lazy iterator of tasks and a number of workers, and yields results as they come, in any
order. It holds a few tasks a worker at a time, so memory does not grow with the job; it does a task again when the
worker that had it is lost. A task's own exception ends the job. What the tasks are is not known here.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeVar

from specgen.errors import InputError, MissingLibrary
from specgen.registry import Registry

__all__ = ["ENGINES", "EngineSettings", "available_cores", "prepare_worker"]

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 2
"""Tasks held for each worker: one at work, one waiting."""

LOSSES = 5
"""Times in a row that workers may be lost before a single task is done."""


@dataclass(frozen=True)
class EngineSettings:
    """Who renders.

    Attributes
    ----------
    name
        local: processes of this machine; ray: a Ray cluster (extra ``ray``), whose machines have to
        find the output folder under one path.
    workers
        Processes; 0 = one for each core of this machine or of the cluster. A single one of local is this process itself.
    device
        cpu, cuda, or one GPU of several (cuda:1).
    address
        Of a running Ray cluster; empty = the one that this machine is part of, or a new one of this machine alone.
    """

    name: str = "local"
    workers: int = 0
    device: str = "cpu"
    address: str = ""

    def __post_init__(self) -> None:
        ENGINES[self.name]
        if not re.fullmatch(r"cpu|cuda(:\d+)?", self.device):
            raise InputError(f"engine.device: expected cpu, cuda or cuda:<number>, got {self.device!r}")
        if self.workers < 0:
            raise InputError(f"engine.workers: expected 0 or more, got {self.workers}")


Engine = Callable[[Callable[[Any], Any], Iterator[Any], EngineSettings], Iterator[Any]]

ENGINES: Registry[Engine] = Registry("engine")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_worker() -> None:
    """Make this process a worker: one thread of arithmetic, no Ctrl-C of its own, no life after its parent."""
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        # glibc gives large blocks back to the system at every free, and fetching them anew is a quarter of the work.
        with suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None)
            libc.mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD
            libc.mallopt(-1, 1 << 29)  # M_TRIM_THRESHOLD
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def local(work: Callable[[Task], Result], tasks: Iterator[Task], settings: EngineSettings) -> Iterator[Result]:
    """Processes of this machine; a lost one (killed, out of memory) is replaced and its task done again."""
    workers = settings.workers or available_cores()
    if workers == 1:
        yield from map(work, tasks)
        return
    waiting: dict[Future[Result], Task] = {}
    pool = _pool(workers)
    losses = 0
    try:
        again: list[Task] = []
        while True:
            while len(waiting) < AHEAD * workers:
                task = again.pop() if again else next(tasks, None)
                if task is None:
                    break
                waiting[pool.submit(work, task)] = task
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                task = waiting.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    again.append(task)
                    continue
                losses = 0
                yield result
            if again:
                # The pool is broken for good, so everything that was in it is done again in a new one.
                losses += 1
                if losses > LOSSES:
                    raise InputError(
                        f"worker processes were lost {losses} times before one shard was done; "
                        "too little memory? (fewer engine.workers need less; a script of your own that starts a job "
                        "has to do so below `if __name__ == '__main__':`)"
                    )
                again += waiting.values()
                waiting.clear()
                _end(pool)
                pool = _pool(workers)
    finally:
        _end(pool)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, since forking a process that has used torch's threads can hang.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=prepare_worker)


def _end(pool: ProcessPoolExecutor) -> None:
    """Stop now: a shard half done is worth nothing."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()
    pool.shutdown(wait=True, cancel_futures=True)


def on_ray(work: Callable[[Task], Result], tasks: Iterator[Task], settings: EngineSettings) -> Iterator[Result]:
    """Tasks of a Ray cluster; Ray does those of a lost machine again on another."""
    try:
        import ray
    except ImportError:
        raise MissingLibrary("ray", "ray") from None
    started = not ray.is_initialized()
    if started:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            ray.init(address=settings.address or None, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"engine.address: cannot reach Ray ({' '.join(str(error).split())})") from None
    gpus = 1 if settings.device.startswith("cuda") else 0
    remote: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=LOSSES)(_prepared)
    waiting: list[Any] = []
    try:
        while True:
            workers = settings.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
            while len(waiting) < AHEAD * workers and (task := next(tasks, None)) is not None:
                waiting.append(remote.remote(work, task))
            if not waiting:
                return
            done, waiting = ray.wait(waiting, num_returns=1)
            for reference in done:
                try:
                    yield ray.get(reference)
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
                    reason = " ".join(str(error).split())[:200]
                    raise InputError(f"Ray workers were lost {LOSSES + 1} times with one shard ({reason})") from None
                except ray.exceptions.RayTaskError as error:
                    raise (error.cause if isinstance(error.cause, Exception) else error) from None
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)
        if started:
            ray.shutdown()


def _prepared(work: Callable[[Task], Result], task: Task) -> Result:
    import torch

    torch.set_num_threads(1)
    return work(task)


ENGINES.add("local", local)
ENGINES.add("ray", on_ray)
