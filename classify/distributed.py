"""Several processes, as ``torchrun`` starts them: who one is, doing a thing once, gathering what all have.

One process needs none of it, and everything here is then the plain thing. Lightning's DDP uses the same process group.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from specgen import files
from specgen.errors import InputError

__all__ = [
    "alone",
    "check_alone",
    "check_shares",
    "gathered",
    "is_leader",
    "joined",
    "once",
    "rank",
    "share_of",
    "total",
    "world",
]

T = TypeVar("T")


def rank() -> int:
    """Number of this process, from 0."""
    return int(os.environ.get("RANK", 0)) if world() > 1 else 0


def world() -> int:
    """Processes of this run."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_leader() -> bool:
    """Whether this is the process that writes and prints."""
    return rank() == 0


@contextmanager
def joined() -> Iterator[None]:
    """The process group of all processes of the run, where there are several."""
    if world() == 1 or dist.is_initialized():
        yield
        return
    gpu = torch.cuda.is_available()
    if gpu:
        here, gpus = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
        if here >= gpus:
            raise InputError(f"torchrun: expected at most {gpus} processes on this machine, which has {gpus} GPUs")
        torch.cuda.set_device(here)
    # gloo carries what lies on the CPU, and errors, on GPU machines too.
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo")
    try:
        yield
    finally:
        if dist.is_initialized():  # Lightning may have taken it down
            dist.destroy_process_group()


def once(work: Callable[[], T]) -> T:
    """The result of ``work`` done by the leader alone, for everybody: plain data.

    Raises
    ------
    InputError
        What the leader met; the others end without a word, since it has said it.
    """
    if world() == 1:
        return work()
    told: list[Any] = [None, False]
    try:
        if is_leader():
            told = [work(), True]
    finally:
        dist.broadcast_object_list(told, src=0, device=torch.device("cpu"))
    if not told[1]:
        raise SystemExit(2)
    result: T = told[0]
    return result


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """A folder for the processes of this run, see ``specgen.files.alone``: the leader has its lock.

    Raises
    ------
    InputError
        Another run is in, or it cannot be written to.
    """
    with ExitStack() as held:
        once(lambda: held.enter_context(files.alone(folder)))
        yield


def gathered(*columns: NDArray[Any]) -> list[NDArray[Any]]:
    """Arrays of all processes, one after the other in order of rank, for everybody."""
    if world() == 1:
        return list(columns)
    parts: list[Any] = [None] * world()
    dist.all_gather_object(parts, columns)
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def check_alone(command: str) -> None:
    """Refuse to be one of several.

    Raises
    ------
    InputError
        Started by ``torchrun`` with more than one process.
    """
    if world() > 1:
        raise InputError(f"{command}: expected one process, got {world()}; start it without torchrun")


def check_shares(name: str, examples: int) -> None:
    """Refuse to share out so few examples that a process has none.

    Raises
    ------
    InputError
        Fewer examples than processes.
    """
    if examples < world():
        raise InputError(
            f"{world()} processes for {examples} {name} examples: expected no more processes than examples"
        )


def total(value: torch.Tensor) -> torch.Tensor:
    """Sum over all processes."""
    if world() > 1:
        value = value.clone()
        dist.all_reduce(value)
    return value


def share_of(items: int) -> NDArray[np.int64]:
    """The consecutive places of 0 .. items - 1 that are this process's: every place is somebody's, and once."""
    return np.array_split(np.arange(items, dtype=np.int64), world())[rank()]
