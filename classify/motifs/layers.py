"""The layer of a network that reads letters: which convolution it is, how it lies on them, and what comes out of it.

Found by watching a forward pass, so no network has to say anything about itself. Neither counts nor files here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classify.motifs.watching import CONVOLUTIONS, Call, calls_of, chain_of, device_of, output_of, probe
from specgen.errors import InputError

__all__ = ["LetterLayer", "first_layer"]


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
        found = output_of(model, letters, self.chain[-1])
        return found[: len(letters)].clamp_min(0)


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
    letters = probe(length, 2, device_of(model))
    try:
        calls = calls_of(model, letters)
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
        return LetterLayer(
            call.name, chain_of(calls, index), call.module.out_channels, kernel, dilation, stride, before
        )
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


def _why(calls: list[Call], narrow: str) -> str:
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
