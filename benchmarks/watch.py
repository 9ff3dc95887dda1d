"""A command run to its end while the memory of its process tree is watched."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

import psutil


def tree_memory(process: psutil.Process) -> int:
    """Bytes (PSS) of a process and everything below it: what processes share is counted once."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_full_info().pss
        except psutil.Error:  # ended meanwhile
            continue
    return total


def watched(command: Sequence[str], every: float = 0.2) -> tuple[float, int]:
    """Seconds, and the peak memory in bytes, looked at ``every`` so many seconds.

    Raises
    ------
    SystemExit
        The command failed.
    """
    begin = time.perf_counter()
    peak = 0
    with subprocess.Popen(command) as process:
        seen = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, tree_memory(seen))
            except psutil.Error:
                break
            time.sleep(every)
    if process.returncode:
        raise SystemExit(process.returncode)
    return time.perf_counter() - begin, peak
