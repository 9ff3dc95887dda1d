"""Adaptive pooling for the exporter, which has it only where the sizes divide one another: the same bins, written out.

Bin i of n over L places reaches from floor(i L / n) to before ceil((i + 1) L / n), as PyTorch has it. A mean over bins is a
product with a constant matrix, a maximum one of each slice. Lengths are fixed in a graph, so the bins are, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["AdaptivePools", "bins_of"]


def bins_of(length: int, n: int) -> list[tuple[int, int]]:
    """First place of each of ``n`` bins, and the one behind its last."""
    return [(i * length // n, -(-(i + 1) * length // n)) for i in range(n)]


def _means(maps: Tensor, n: int) -> Tensor:
    """(..., L) to (..., n)."""
    length = int(maps.shape[-1])
    matrix = torch.zeros(length, n)
    for i, (low, high) in enumerate(bins_of(length, n)):
        matrix[low:high, i] = 1 / (high - low)
    return maps @ matrix


def _greatest(maps: Tensor, n: int) -> Tensor:
    """(..., L) to (..., n)."""
    bins = bins_of(int(maps.shape[-1]), n)
    return torch.stack([maps[..., low:high].amax(-1) for low, high in bins], dim=-1)


class AdaptivePools(TorchFunctionMode):  # type: ignore[misc]
    """While it lasts, adaptive pools of one or two axes are computed bin by bin."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        pool: Callable[[Tensor, int], Tensor] | None = (
            _means if "adaptive_avg_pool" in name else _greatest if "adaptive_max_pool" in name else None
        )
        if pool is None:
            return func(*args, **kwargs)
        maps, wanted = args[0], (args[1:2] or (kwargs["output_size"],))[0]
        axes = int(name[name.index("pool") + 4])
        sizes = [wanted] * axes if isinstance(wanted, int) else list(wanted)
        for axis, size in zip(range(-axes, 0), sizes, strict=True):
            length = int(maps.shape[axis])
            maps = pool(maps.transpose(axis, -1), length if size is None else size).transpose(axis, -1)
        # Functions with places of the maxima give a pair; nothing reads those.
        return (maps, None) if "indices" in name or func is torch.adaptive_max_pool1d else maps
