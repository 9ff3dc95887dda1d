"""What a run cost and where it ran: time, memory, parameters, FLOPs, versions."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["Meter", "environment", "flops_per_example", "parameter_count"]


class Meter:
    """Wall and CPU time from its making to ``read``; peak memory of the process so far."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), self._cpu_now()

    @staticmethod
    def _cpu_now() -> float:
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    def read(self) -> dict[str, Any]:
        """wall_seconds, cpu_seconds (children included), peak_rss_bytes of this process, gpu_peak_bytes or None."""
        # ru_maxrss is KiB on Linux and bytes on macOS.
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "wall_seconds": time.perf_counter() - self._wall,
            "cpu_seconds": self._cpu_now() - self._cpu,
            "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
            "gpu_peak_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
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
    """Versions, commit and machine, for environment.json."""
    packages = ("specgen", "torch", "torchvision", "lightning", "numpy", "scipy", "scikit-learn", "timm", "pillow")
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
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
