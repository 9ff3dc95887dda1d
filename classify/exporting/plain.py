"""Operations that the exporter or ONNX Runtime lacks, computed from plainer ones while a graph is traced.

Adaptive pooling: bin i of n over L places reaches from floor(i L / n) to before ceil((i + 1) L / n), as PyTorch has it. A mean
over bins is a product with a constant matrix, a maximum one of each slice. Convolutions padded to the "same" length: padding in
numbers, since ONNX Runtime refuses the word where filters are dilated. Lengths are fixed in a graph: so are bins and padding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["PlainOperations", "bins_of"]


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


def _convolved(function: Any, maps: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """A convolution at a stride of 1 as long as its input; an odd letter of padding comes last, as PyTorch has it."""
    bias, stride, _, dilation, groups = rest
    pads: list[int] = []
    for size, step in zip(reversed(weight.shape[2:]), reversed(dilation), strict=True):
        total = int(size - 1) * step
        pads += [total // 2, total - total // 2]
    result: Tensor = function(nn.functional.pad(maps, pads), weight, bias, stride, 0, dilation, groups)
    return result


class PlainOperations(TorchFunctionMode):  # type: ignore[misc]
    """While it lasts, adaptive pools of one or two axes and convolutions padded to the same length are computed plainly."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name.startswith("conv") and len(args) == 7 and args[4] == "same":
            return _convolved(func, *args)
        if "adaptive_avg_pool" in name:
            pool = _means
        elif "adaptive_max_pool" in name:
            pool = _greatest
        else:
            return func(*args, **kwargs)
        maps, wanted = args[0], (args[1:2] or (kwargs.get("output_size"),))[0]
        axes = int(name[name.index("pool") + 4])
        sizes = [wanted] * axes if isinstance(wanted, int) else list(wanted)
        for axis, size in zip(range(-axes, 0), sizes, strict=True):
            length = int(maps.shape[axis])
            maps = pool(maps.transpose(axis, -1), length if size is None else size).transpose(axis, -1)
        # Functions with places of the maxima give a pair; nothing reads those.
        return (maps, None) if "indices" in name or func is torch.adaptive_max_pool1d else maps
