"""What a run cost and where it ran: time, memory, energy, parameters, FLOPs, versions. Measured here and nowhere else.

What a machine does not tell is None: absent, not zero.
"""

from __future__ import annotations

import math
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from classify.distributed import gathered, world
from classify.energy import CpuEnergy, GpuEnergy
from specgen.extending import plugins

__all__ = [
    "Meter",
    "added",
    "environment",
    "flops_per_example",
    "of_all_processes",
    "parameter_count",
    "reset_peaks",
    "scored",
    "trained",
]

Spent = Mapping[str, float | None]

PEAKS = ("peak_rss_bytes", "gpu_peak_bytes")
"""Of two stretches the larger counts; all other costs are sums."""

NOTED_EVERY = 10.0
"""Seconds between two looks at other processes, which take some milliseconds."""


class Meter:
    """What a stretch of work costs, from its making to ``read``."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_now()
        self._cpu_energy, self._gpu_energy = CpuEnergy(), GpuEnergy()
        self._children, self._noted = 0, -math.inf

    def note(self) -> None:
        """Look at what will be gone at the end: memory of other processes, counters that go round. Cheap in a loop."""
        if time.perf_counter() - self._noted >= NOTED_EVERY:
            self._look()

    def _look(self) -> None:
        self._cpu_energy.read()
        self._children = max(self._children, sum(_own_memory(child) for child in _children()))
        self._noted = time.perf_counter()

    def cpu_seconds(self) -> float:
        """That part of ``read`` alone."""
        return _cpu_now() - self._cpu

    def read(self) -> dict[str, float | None]:
        """The costs so far.

        Returns
        -------
        dict
            wall_seconds; cpu_seconds of this process and all below it, those that run and those that have ended;
            peak_rss_bytes: this process's peak since ``reset_peaks``, and the most that those below it held besides at any
            ``note``; gpu_peak_bytes: of tensors; cpu_energy_joules: of all CPU packages of the machine, whatever else ran
            there; gpu_energy_joules: of the GPU, likewise. None where the machine does not tell.
        """
        self._look()
        return {
            "wall_seconds": time.perf_counter() - self._wall,
            "cpu_seconds": self.cpu_seconds(),
            "peak_rss_bytes": _peak_now() + self._children,
            "gpu_peak_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
            "cpu_energy_joules": self._cpu_energy.read(),
            "gpu_energy_joules": self._gpu_energy.read(),
        }


def _children() -> Iterator[psutil.Process]:
    """Processes below this one that have not ended: loaders of batches live as long as the training."""
    try:
        yield from psutil.Process().children(recursive=True)
    except psutil.Error:
        return


def _cpu_now() -> float:
    """CPU seconds of this process, of those it has seen end, and of those that run."""
    found = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        found += used.ru_utime + used.ru_stime
    for child in _children():
        try:
            found += sum(child.cpu_times()[:4])  # user, system, and both of what it has seen end
        except psutil.Error:
            continue  # it has just ended
    return found


def _peak_now() -> int:
    """Bytes that this process held at most, since ``reset_peaks`` where there is one."""
    try:
        # Of a process that another started, ru_maxrss also knows what that one held.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _own_memory(process: psutil.Process) -> int:
    """Bytes that a process does not share: what a fork has not changed is its parent's."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def reset_peaks() -> bool:
    """Let peaks of memory begin anew with what is held now; False where the system cannot (it can on Linux)."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def added(before: Spent, now: Spent) -> dict[str, float | None]:
    """Costs of two stretches of one run together; ``before`` is empty where there was none. What one lacks, both lack."""
    if not before:
        return dict(now)
    found: dict[str, float | None] = {}
    for key, value in now.items():
        other = before.get(key)
        if value is None or other is None:
            found[key] = None
        else:
            found[key] = max(value, other) if key in PEAKS else value + other
    return found


def of_all_processes(spent: Spent) -> dict[str, float | None]:
    """Of a run in several processes: sums, and the most that one held; the wall time is that of this one.

    The CPU packages of a machine are counted by the first of its processes.
    """
    if world() == 1:
        return dict(spent)
    found = dict(spent)
    for key, value in spent.items():
        if key == "wall_seconds":
            continue
        elsewhere = key == "cpu_energy_joules" and int(os.environ.get("LOCAL_RANK", 0)) > 0
        own = math.nan if value is None else 0.0 if elsewhere else float(value)
        (parts,) = gathered(np.array([own]))
        whole = float(parts.max() if key in PEAKS else parts.sum())
        found[key] = None if math.isnan(whole) else whole
    return found


def trained(spent: Spent, *, seen: int, parameters: int) -> dict[str, Any]:
    """The ``cost`` of ``training.json``, of a network and of a baseline alike.

    Parameters
    ----------
    seen
        Examples that were learnt from, each as often as it was.
    parameters
        Numbers that were fitted.
    """
    rate = seen / max(spent["wall_seconds"] or 0.0, 1e-9)
    return {**spent, "examples_seen": seen, "examples_per_second": rate, "parameters": parameters}


def scored(spent: Spent, windows: int) -> dict[str, Any]:
    """What scoring ``windows`` of the test cost, for ``metrics.json``."""
    return {
        "test_seconds": spent["wall_seconds"],
        "test_cpu_seconds": spent["cpu_seconds"],
        "test_examples_per_second": windows / max(spent["wall_seconds"] or 0.0, 1e-9),
    }


def parameter_count(model: nn.Module) -> int:
    """Trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def flops_per_example(model: nn.Module, seen: Tensor) -> int:
    """FLOPs (multiply and add counted apart) of one forward pass of ``model`` on a batch of one, by torch's counter."""
    was_training = model.training
    model.eval()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.filterwarnings("ignore", message="TF32 acceleration on top of oneDNN")
            # oneDNN has an operation for a whole recurrent layer, of which the counter knows nothing.
            with torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
                model(seen)
    finally:
        model.train(was_training)
    return int(counter.get_total_flops())


def environment() -> dict[str, Any]:
    """Versions, plug-ins, commit and machine, for environment.json."""
    packages = ("specgen", "torch", "torchvision", "lightning", "numpy", "scipy", "scikit-learn", "timm", "pillow")
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
        "plugins": plugins(),
        "commit": _commit(),
        "host": platform.node(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Commit of the checkout that this file lies in, "+" for uncommitted changes; None outside one."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if dirty else "")


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
