"""Watching a forward pass: which modules are called in which order, and what comes out of one of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from specgen.sequences import INDICATORS, Codes

__all__ = ["CONVOLUTIONS", "Call", "calls_of", "chain_of", "device_of", "onehot", "output_of", "probe"]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Sigmoid,
    nn.Tanh, nn.Hardswish,
)  # fmt: skip


class _Stop(Exception):
    """What was wanted of a forward pass is there."""


def onehot(windows: Codes, device: torch.device | str = "cpu") -> Tensor:
    """uint8 (B, L) to float32 indicators (B, 4, L)."""
    return torch.from_numpy(INDICATORS[windows]).transpose(1, 2).contiguous().to(device)


def output_of(model: nn.Module, letters: Tensor, last: str) -> Tensor:
    """The output of the module ``last`` when it is first called."""
    caught: list[Tensor] = []

    def catch(module: nn.Module, inputs: Any, output: Tensor) -> None:
        caught.append(output)
        raise _Stop

    handle = model.get_submodule(last).register_forward_hook(catch)
    try:
        with torch.inference_mode(), suppress(_Stop):
            model(letters)
    finally:
        handle.remove()
    return caught[0].float()


@dataclass
class Call:
    """One call of a module without modules of its own: its name in the model, its first argument and what it gave."""

    name: str
    module: nn.Module
    input: Any
    output: Any


def calls_of(model: nn.Module, letters: Tensor) -> list[Call]:
    """Every such call of one forward pass, in order."""
    calls: list[Call] = []

    def hook(name: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            calls.append(Call(name, module, inputs[0] if inputs else None, output))

        return note

    leaves = [(name, module) for name, module in model.named_modules() if name and not list(module.children())]
    handles = [module.register_forward_hook(hook(name)) for name, module in leaves]
    training = model.training
    try:
        with torch.inference_mode():
            model.eval()(letters)
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return calls


def probe(length: int, n: int, device: torch.device) -> Tensor:
    """Indicators (n, 4, length) of random letters, the same for the same length."""
    codes = (1 << np.random.default_rng(length).integers(4, size=(n, length))).astype(np.uint8)
    return onehot(codes, device)


def device_of(model: nn.Module) -> torch.device:
    """Where the weights of a model are."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def chain_of(calls: list[Call], index: int) -> tuple[str, ...]:
    """The convolution at ``index``, the normalisation that reads its output, and the activation that reads that."""
    chain, current = [calls[index].name], calls[index].output
    for call in calls[index + 1 :]:
        if call.input is not current:
            continue
        if isinstance(call.module, NORMS):
            chain.append(call.name)
            current = call.output
        elif isinstance(call.module, ACTIVATIONS):
            return (*chain, call.name)
    return tuple(chain)
