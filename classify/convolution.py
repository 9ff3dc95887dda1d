"""A convolution whose weight gradient is a matrix product: for float32 on CPUs without bf16 instructions.

Forward, and the gradient of the input, are the library's own. The gradient of the weights is where the library is slow
there: as products of patches, a few rows of a picture at a time so that they stay in the cache, it comes near the speed
of a large matrix product. ``benchmarks/training.md`` has what a training step gains. Equal to rounding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["FastConv2d", "with_fast_gradients"]

PATCHES = 4000
"""Places whose patches are laid out at once: about 4 MB for 32 channels and a kernel of 3 x 3."""

LEAST = 16
"""Channels below which the library's gradient is as fast."""


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.places = stride, padding
        return nn.functional.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride, padding = ctx.places
        grad = grads[0].contiguous(memory_format=torch.channels_last)
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = torch.ops.aten.convolution_backward(
                grad, x, weight, None, stride, padding, [1, 1], False, [0, 0], 1, [True, False, False]
            )[0]
        if ctx.needs_input_grad[1]:
            of_weight = weight_gradient(x, grad, weight.shape, stride, padding)
        if ctx.needs_input_grad[2]:
            of_bias = grad.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None, None


def weight_gradient(
    x: Tensor, grad: Tensor, shape: torch.Size, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """Gradient of a convolution's weights (O, C, kh, kw) from input (B, C, H, W) and output gradient (B, O, h, w)."""
    width, channels, high, wide = shape
    if any(padding):
        x = nn.functional.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    x = x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
    grad = grad.permute(0, 2, 3, 1)
    pictures, height, columns, _ = grad.shape
    rows = max(1, min(height, PATCHES // columns))
    total = x.new_zeros(high * wide * channels, width)
    buffer = x.new_empty(rows * columns * high * wide * channels)
    picture, row, column, _ = x.stride()
    for b in range(pictures):
        for low in range(0, height, rows):
            size = min(rows, height - low), columns, high, wide, channels
            steps = row * stride[0], column * stride[1], row, column, 1
            patches = buffer[: size[0] * columns * high * wide * channels].view(size)
            patches.copy_(x.as_strided(size, steps, x.storage_offset() + b * picture + low * stride[0] * row))
            places = size[0] * columns
            total.addmm_(patches.view(places, -1).T, grad[b, low : low + size[0]].reshape(places, width))
    return total.T.reshape(width, high, wide, channels).permute(0, 3, 1, 2)


class FastConv2d(nn.Conv2d):
    """``nn.Conv2d`` of one group, no dilation and zero padding, for channels-last float32 on a CPU."""

    def forward(self, input: Tensor) -> Tensor:
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return super().forward(input)
        out: Tensor = _Convolve.apply(input, self.weight, self.bias, self.stride, self.padding)
        return out


def with_fast_gradients(model: nn.Module) -> nn.Module:
    """``model`` itself, its wide convolutions turned into ``FastConv2d``; weights and their names stay."""
    for module in model.modules():
        if (
            type(module) is nn.Conv2d
            and module.groups == 1
            and module.dilation == (1, 1)
            and module.padding_mode == "zeros"
            and not isinstance(module.padding, str)
            and max(module.kernel_size) > 1
            and module.in_channels >= LEAST
        ):
            module.__class__ = FastConv2d
    return model
