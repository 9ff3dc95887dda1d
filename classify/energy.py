"""Energy counters that a machine has: RAPL for its CPU packages, NVML for an NVIDIA GPU.

Read, never estimated: what cannot be read is None, and never zero. Who spends the energy is not known here.
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import torch

__all__ = ["CpuEnergy", "GpuEnergy"]

POWERCAP = Path("/sys/class/powercap")
"""Linux' powercap folder: a folder for each zone. AMD's counters have Intel's name there, too."""

MOST_WATTS = 1000.0
"""More than a CPU package draws: by how soon its counter may have gone round unseen."""


class CpuEnergy:
    """Joules of all CPU packages of the machine since this was made, whatever ran on them.

    The counters go round after some 65 to 260 kJ, so ``read`` has to be called every now and then.
    """

    def __init__(self) -> None:
        self._joules: float | None = 0.0
        self._zones = _packages()
        self._last, self._when = self._counters(), time.monotonic()

    def _counters(self) -> list[tuple[int, int]] | None:
        """Counter and the number it goes round at, of each package [microjoules]; None where one cannot be read."""
        try:
            found = [
                (int((zone / "energy_uj").read_text()), int((zone / "max_energy_range_uj").read_text()))
                for zone in self._zones
            ]
        except (OSError, ValueError):  # most systems let root alone read them
            return None
        return found or None

    def read(self) -> float | None:
        """Joules so far; None where the machine does not say, or the counters may have gone round unseen."""
        now, when = self._counters(), time.monotonic()
        if self._joules is None or self._last is None or now is None:
            self._joules = None
            return None
        if (when - self._when) * MOST_WATTS * 1e6 >= min(limit for _, limit in now):
            self._joules = None
            return None
        steps = [(after - before) % (limit + 1) for (before, _), (after, limit) in zip(self._last, now, strict=True)]
        self._joules += sum(steps) / 1e6
        self._last, self._when = now, when
        return self._joules


def _packages() -> list[Path]:
    """Zones of whole CPU packages: not their parts, which are in them, nor psys, in which they are, nor the copies for MMIO."""
    found = []
    for zone in sorted(POWERCAP.glob("intel-rapl:*")):
        try:
            name = (zone / "name").read_text().strip()
        except OSError:
            continue
        if zone.name.count(":") == 1 and name.startswith("package"):
            found.append(zone)
    return found


class GpuEnergy:
    """Joules of this process's current GPU since this was made, whatever ran on it. Needs nvidia-ml-py (extra ``gpu``)."""

    def __init__(self) -> None:
        self._start = _millijoules()

    def read(self) -> float | None:
        """Joules so far; None where there is no GPU, no library, or no counter (before Volta)."""
        now = _millijoules()
        return None if now is None or self._start is None else (now - self._start) / 1000


def _millijoules() -> int | None:
    if not torch.cuda.is_available():
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        handle = _handle(f"GPU-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}")
        return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    except pynvml.NVMLError:
        return None


@cache
def _handle(uuid: str) -> Any:
    """NVML numbers GPUs otherwise than CUDA may, so they are named."""
    import pynvml

    pynvml.nvmlInit()
    return pynvml.nvmlDeviceGetHandleByUUID(uuid)
