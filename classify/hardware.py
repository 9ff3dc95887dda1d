"""What the machine is used for: device, precision, memory format, threads, processes, and why each was chosen.

Decided once from ``TrainingSettings`` and what is there; training, evaluation and prediction take it from here. No
model, data or loop in here.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from classify.miscomputed import exact_where_wrong
from specgen.engines import available_cores
from specgen.errors import shortage

if TYPE_CHECKING:
    from classify.settings import TrainingSettings

__all__ = ["Plan", "choose", "laid_out", "out_of_memory"]


@dataclass(frozen=True)
class Plan:
    """How a run uses its machine.

    Attributes
    ----------
    device
        "cpu" or "cuda".
    precision
        Lightning's name: "32-true" or "bf16-mixed" (autocast; pictures are float32 all the same).
    memory_format
        "channels_last" or "contiguous", of pictures and convolution weights.
    threads
        CPU threads of this process.
    compile
        torch.compile on the model, in training.
    own_gradients
        Weight gradients of convolutions by ``convolution.FastConv2d``.
    keeps_memory
        Freed memory stays with the process: the C library would give every large tensor back to the system and have the
        next one's pages cleared anew. It costs peak memory (``benchmarks/training.md``).
    pin_memory
        Batches in page-locked memory, which copies to a GPU beside its work.
    reasons
        One clause for each choice, for the log.
    """

    device: str
    precision: str
    memory_format: str
    threads: int
    compile: bool
    own_gradients: bool
    keeps_memory: bool
    pin_memory: bool
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.reasons)

    def place(self, model: nn.Module) -> nn.Module:
        """``model`` with its weights in the memory format, and without layers that the CPU gets wrong in the precision."""
        placed: nn.Module = model.to(memory_format=getattr(torch, f"{self.memory_format}_format", torch.channels_last))
        return exact_where_wrong(placed) if self.device == "cpu" and self.precision == "bf16-mixed" else placed

    def autocast(self) -> torch.autocast:
        """The context of a forward pass in the plan's precision."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16-mixed")

    def apply(self) -> None:
        """Set the threads, and on a GPU what float32 convolutions may use."""
        torch.set_num_threads(self.threads)
        if self.keeps_memory:
            _keep_memory()
        # Products stay float32: a spectrogram is one, and a picture is a difference of large sums.
        torch.backends.cudnn.allow_tf32 = self.precision != "32-true"


def choose(settings: TrainingSettings) -> Plan:
    """The plan of a run on this machine, which may have fewer cores than the one that it was configured for."""
    cores = available_cores()
    gpu = torch.cuda.is_available()
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    threads = min(settings.threads, cores) or max(1, cores // processes)
    shared = f" ({cores} cores for {processes} processes)" if processes > 1 else ""
    precision, why = _precision(settings.precision, gpu)
    layout = "channels_last" if settings.memory_format == "auto" else settings.memory_format
    own = not gpu and precision == "32-true" and layout == "channels_last" and not settings.compile
    pinned = gpu if settings.pin_memory is None else settings.pin_memory and gpu
    reasons = [
        torch.cuda.get_device_name() if gpu else "CPU",
        f"{precision} ({why})",
        f"{layout} ({'convolutions are fastest so' if settings.memory_format == 'auto' else 'as asked'})",
        f"{threads} thread{'s' * (threads > 1)}{shared or (' (as asked)' if settings.threads else ' (all cores)')}",
        "compiled (as asked)"
        if settings.compile
        else f"not compiled ({'not asked for' if gpu else 'gains nothing on CPUs'})",
    ]
    if own:
        reasons.append("weight gradients as matrix products (faster than the library's in float32)")
    keeps = settings.keep_memory and not gpu and _mallopt() is not None
    if keeps:
        reasons.append("freed memory kept (the system would clear its pages anew)")
    if pinned:
        reasons.append("pinned batches")
    return Plan(
        "cuda" if gpu else "cpu", precision, layout, threads, settings.compile, own, keeps, pinned, tuple(reasons)
    )


def _precision(asked: str, gpu: bool) -> tuple[str, str]:
    """Lightning's precision, and why: bf16 where the processor computes in it, else fp32."""
    if asked != "auto":
        return asked, "as asked"
    if gpu:
        return ("bf16-mixed", "GPU with bf16") if torch.cuda.is_bf16_supported() else ("32-true", "GPU without bf16")
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        flags = ""
    if "avx512_bf16" in flags or "amx_bf16" in flags:
        return "bf16-mixed", "CPU with bf16 instructions"
    return "32-true", "CPU without bf16 instructions"


def _mallopt() -> Callable[[int, int], int] | None:
    """The C library's switch for its allocator, where it is glibc."""
    try:
        found: Callable[[int, int], int] = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return None
    return found


def _keep_memory() -> None:
    """No allocation by mmap, and nothing given back: see glibc's malloc.h for the two numbers."""
    if set_option := _mallopt():
        set_option(-4, 0)  # M_MMAP_MAX
        set_option(-1, -1)  # M_TRIM_THRESHOLD


def out_of_memory(error: Exception) -> bool:
    """Whether it says so: PyTorch has a class of its own for GPUs only."""
    return shortage(error).startswith("out of memory")


def laid_out(inputs: Tensor, layout: str) -> Tensor:
    """Pictures (B, C, H, W) in a memory format; anything else as it is."""
    if inputs.ndim != 4 or layout != "channels_last":
        return inputs
    return inputs.contiguous(memory_format=torch.channels_last)
