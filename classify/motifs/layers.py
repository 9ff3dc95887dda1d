"""The layers of a network that read letters: which convolution reads them first, what comes out of it, and from which letters.

Found by watching a forward pass, so no network has to say anything about itself. Neither counts nor files here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from specgen.errors import InputError
from specgen.sequences import INDICATORS, Codes

__all__ = ["LetterLayer", "LetterMap", "first_layer", "letter_maps", "onehot"]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Sigmoid,
    nn.Tanh, nn.Hardswish,
)  # fmt: skip

PROBES = 4
"""Sequences that each letter is changed in to learn which places of a map depend on it."""


class _Stop(Exception):
    """What was wanted of a forward pass is there."""


@dataclass(frozen=True)
class LetterLayer:
    """The convolution that reads the four letters, and what directly follows it.

    Attributes
    ----------
    name
        Of the convolution, within the model.
    chain
        Names of the convolution, the normalisation and the activation behind it, as far as they are modules of their own.
    filters
        Channels that come out.
    kernel, dilation, stride
        Letters that a filter reads, the distance between two of them, and the letters from one place to the next.
    before
        Letters of padding before the sequence that the first place reads.
    """

    name: str
    chain: tuple[str, ...]
    filters: int
    kernel: int
    dilation: int
    stride: int
    before: int

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(kernel,) letters that a filter reads, from its first one on."""
        return self.dilation * np.arange(self.kernel)

    def starts(self, places: int | NDArray[np.int64]) -> NDArray[np.int64]:
        """0-based place in the sequence of the first letter that each place of the map reads; below 0 in the padding."""
        index = np.arange(places) if isinstance(places, int) else places
        told: NDArray[np.int64] = self.stride * index - self.before
        return told

    def activations(self, model: nn.Module, letters: Tensor) -> Tensor:
        """What the filters say of each place, at least 0: behind normalisation and activation, negative values cut off.

        Parameters
        ----------
        letters
            float32 indicators (B, 4, L), on the model's device.

        Returns
        -------
        Tensor
            float32 (B, filters, places).
        """
        found = _run_until(model, letters, self.chain[-1])
        return found[: len(letters)].clamp_min(0)


def onehot(windows: Codes, device: torch.device | str = "cpu") -> Tensor:
    """uint8 (B, L) to float32 indicators (B, 4, L)."""
    return torch.from_numpy(INDICATORS[windows]).transpose(1, 2).contiguous().to(device)


def _run_until(model: nn.Module, letters: Tensor, last: str) -> Tensor:
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
class _Call:
    """One call of a module without modules of its own."""

    name: str
    module: nn.Module
    input: Any
    output: Any


def _calls(model: nn.Module, letters: Tensor) -> list[_Call]:
    """Every such call of one forward pass, in order."""
    calls: list[_Call] = []

    def hook(name: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            calls.append(_Call(name, module, inputs[0] if inputs else None, output))

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


def _probe(length: int, n: int, device: torch.device) -> Tensor:
    codes = (1 << np.random.default_rng(length).integers(4, size=(n, length))).astype(np.uint8)
    return onehot(codes, device)


def _device(model: nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def _chain(calls: list[_Call], index: int) -> tuple[str, ...]:
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


def first_layer(model: nn.Module, length: int, name: str = "model") -> LetterLayer:
    """The convolution of a network of letters that reads the letters themselves, padded or not.

    Its activation is taken behind a normalisation and an activation function that are modules and read it directly; one that
    is a call within ``forward`` is not seen, which for a ReLU makes no difference, as negative values are cut off anyway.

    Parameters
    ----------
    model
        Indicators (B, 4, L) to logits; left in the mode it was in.
    length
        nt of its windows.
    name
        What to call it in an error message.

    Raises
    ------
    InputError
        No convolution reads letters: there is none, something else comes before it, or it is one letter wide.
    """
    letters = _probe(length, 2, _device(model))
    try:
        calls = _calls(model, letters)
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(f"{name}: does not read {length} letters ({' '.join(str(error).split())})") from None
    narrow = ""
    for index, call in enumerate(calls):
        if not isinstance(call.module, nn.Conv1d) or call.module.groups != 1:
            continue
        shift = _shift(call.input, letters)
        if shift is None:
            continue
        kernel, dilation, stride = call.module.kernel_size[0], call.module.dilation[0], call.module.stride[0]
        if kernel == 1:
            narrow = narrow or call.name
            continue
        before = shift + _left_padding(call.module)
        return LetterLayer(call.name, _chain(calls, index), call.module.out_channels, kernel, dilation, stride, before)
    raise InputError(f"{name}: no convolution reads the letters: {_why(calls, narrow)}")


def _left_padding(module: nn.Conv1d) -> int:
    if isinstance(module.padding, str):
        return (module.dilation[0] * (module.kernel_size[0] - 1)) // 2 if module.padding == "same" else 0
    return int(module.padding[0])


def _shift(found: Any, letters: Tensor) -> int | None:
    """Letters before the sequence where ``found`` (B or more, 4, L or more) is ``letters`` with something around it."""
    if not isinstance(found, Tensor) or found.ndim != 3 or found.shape[1] != 4:
        return None
    length = letters.shape[2]
    for shift in range(found.shape[2] - length + 1):
        if len(found) >= len(letters) and torch.equal(found[: len(letters), :, shift : shift + length], letters):
            return shift
    return None


def _why(calls: list[_Call], narrow: str) -> str:
    if narrow:
        return f"{narrow!r} is one letter wide, an embedding; no filter of what follows is a matrix of letters"
    weighty = [call for call in calls if any(True for _ in call.module.parameters())]
    first = f"{weighty[0].name!r} ({type(weighty[0].module).__name__})" if weighty else "nothing with weights"
    convolutions = [call for call in calls if isinstance(call.module, CONVOLUTIONS)]
    if not convolutions:
        return f"the network has none; {first} reads them"
    return (
        f"{first} comes before the first one, {convolutions[0].name!r}, which reads {convolutions[0].module.in_channels} "
        "channels that are no letters"
    )


@dataclass(frozen=True)
class LetterMap:
    """The activations of one layer for one sequence.

    Attributes
    ----------
    name
        Of the convolution.
    values
        float32 (channels, places), at least 0.
    first, last
        (places,) 0-based first and last letter that each place depends on; nan where none was found.
    """

    name: str
    values: NDArray[np.float32]
    first: NDArray[np.float64]
    last: NDArray[np.float64]

    @property
    def middle(self) -> NDArray[np.float64]:
        """(places,) the middle of the letters that each place depends on."""
        return (self.first + self.last) / 2


def letter_maps(model: nn.Module, window: Codes, most: int = 2) -> list[LetterMap]:
    """Activations of the first ``most`` convolutions that are called and keep an axis along the sequence.

    Each is taken behind its normalisation and activation, as in ``first_layer``. Which letters a place depends on is measured,
    by changing one letter after the other in random sequences, so pooling and dilation need not be known; where a ReLU is shut
    in all of them it may be a little fewer.

    Parameters
    ----------
    window
        uint8 (L,).

    Returns
    -------
    list of LetterMap
        Fewer where the network has fewer; maps with a second axis longer than 1 are left out.
    """
    device = _device(model)
    letters = onehot(window[None], device)
    training = model.training
    maps: list[LetterMap] = []
    try:
        calls = _calls(model, letters)
        model.eval()
        done: set[str] = set()
        for index, call in enumerate(calls):
            if len(maps) == most:
                break
            if not isinstance(call.module, CONVOLUTIONS) or call.name in done or _line(call.output) is None:
                continue
            done.add(call.name)
            last = _chain(calls, index)[-1]
            values = _line(_run_until(model, letters, last)[:1])
            assert values is not None
            first, final = _dependence(model, last, len(window), values.shape[2], device)
            maps.append(LetterMap(call.name, values[0].clamp_min(0).cpu().numpy(), first, final))
    finally:
        model.train(training)
    return maps


def _line(maps: Any) -> Tensor | None:
    """(B, C, P) of maps along one axis of more than one place."""
    if isinstance(maps, Tensor) and maps.ndim == 4 and 1 in maps.shape[2:]:
        maps = maps.flatten(2)
    return maps if isinstance(maps, Tensor) and maps.ndim == 3 and maps.shape[2] > 1 else None


def _dependence(
    model: nn.Module, last: str, length: int, places: int, device: torch.device
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last letter that each place of a module's output depends on."""
    depends = np.zeros((length, places), dtype=bool)
    for probe in _probe(length, PROBES, device):
        changed = probe.repeat(length, 1, 1)
        at = torch.arange(length, device=device)
        changed[at, :, at] = 1 - changed[at, :, at]  # every weight of the letter's column takes part
        before = _line(_run_until(model, probe[None], last)[:1])
        after = _line(_run_until(model, changed, last)[:length])
        assert before is not None
        assert after is not None
        # Against rounding that depends on the size of the batch.
        least = 1e-5 * (1 + before.abs().amax())
        depends |= ((after - before).abs().amax(dim=1) > least).cpu().numpy()
    known = depends.any(axis=0)
    first = np.where(known, depends.argmax(axis=0), np.nan)
    final = np.where(known, length - 1 - depends[::-1].argmax(axis=0), np.nan)
    return first, final
