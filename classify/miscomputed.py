"""Convolutions that the machine's library gets wrong in bf16: found by trying, and computed in float32 instead.

On Intel processors with AMX, oneDNN (PyTorch 2.15) returns something else than the convolution where 2, 4, 6, 8 or 12 channels
and the width of the kernel multiply to 64 or more and that to a multiple of 32: DeepBind's 16 places of 4 letters are such a
layer, and a network behind it learns nothing. Which shapes these are may change with either, so every layer of few channels is
tried. Gradients are computed rightly. Nothing else about precision here, which is ``hardware``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

__all__ = ["exact_where_wrong", "miscomputed"]

CHANNELS = 16
"""From so many on layers have never been seen to be wrong, and trying all of a deep network takes seconds."""

WRONG = 0.05
"""Error, as a share of the largest value, that rounding to 8 bits does not explain; it is .01, and 1 where a layer is wrong."""

if TYPE_CHECKING:
    _Convolution = nn.Conv1d
else:
    _Convolution = object


class _Exact(_Convolution):
    """Computes in the precision of its weights, whatever surrounds it."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype))


class ExactConv1d(_Exact, nn.Conv1d):
    """``nn.Conv1d`` in float32."""


class ExactConv2d(_Exact, nn.Conv2d):  # type: ignore[misc]
    """``nn.Conv2d`` in float32."""


_EXACT: dict[type[nn.Module], Any] = {nn.Conv1d: ExactConv1d, nn.Conv2d: ExactConv2d}


def miscomputed(layer: nn.Conv1d | nn.Conv2d) -> bool:
    """Whether bf16 autocast on this CPU gives something else than the layer's convolution."""
    places = (3 * kernel * dilation for kernel, dilation in zip(layer.kernel_size, layer.dilation, strict=True))
    tried = torch.randn(2, layer.in_channels, *places, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        with torch.autocast("cpu", enabled=False):
            right = layer(tried)
        with torch.autocast("cpu", torch.bfloat16):
            found = layer(tried).float()
    return bool((found - right).abs().max() > WRONG * right.abs().max())


def exact_where_wrong(model: nn.Module) -> nn.Module:
    """``model`` itself, on the CPU: its layers that are wrong in bf16 turned into exact ones; weights and their names stay."""
    for module in model.modules():
        if (
            isinstance(module, nn.Conv1d | nn.Conv2d)
            and type(module) in _EXACT
            and module.in_channels < CHANNELS
            and miscomputed(module)
        ):
            module.__class__ = _EXACT[type(module)]
    return model
