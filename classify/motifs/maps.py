"""Activation maps of a sequence, layer by layer, and the letters that each of their places depends on. Drawn in ``figures``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classify.motifs.watching import CONVOLUTIONS, calls_of, chain_of, device_of, onehot, output_of, probe
from specgen.sequences import Codes

__all__ = ["LetterMap", "letter_maps"]

PROBES = 4
"""Sequences that each letter is changed in to learn which places of a map depend on it."""


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

    Each is taken behind its normalisation and activation, as in ``layers.first_layer``. Which letters a place depends on is
    measured, by changing one letter after the other in random sequences, so pooling and dilation need not be known; where a
    ReLU is shut in all of them it may be a little fewer.

    Parameters
    ----------
    window
        uint8 (L,).

    Returns
    -------
    list of LetterMap
        Fewer where the network has fewer; maps with a second axis longer than 1 are left out.
    """
    device = device_of(model)
    letters = onehot(window[None], device)
    training = model.training
    maps: list[LetterMap] = []
    try:
        calls = calls_of(model, letters)
        model.eval()
        done: set[str] = set()
        for index, call in enumerate(calls):
            if len(maps) == most:
                break
            if not isinstance(call.module, CONVOLUTIONS) or call.name in done or _line(call.output) is None:
                continue
            done.add(call.name)
            last = chain_of(calls, index)[-1]
            values = _line(output_of(model, letters, last)[:1])
            assert values is not None
            first, final = _dependence(model, last, len(window), values.shape[2], device)
            maps.append(LetterMap(call.name, values[0].clamp_min(0).cpu().numpy(), first, final))
    finally:
        model.train(training)
    return maps


def _dependence(
    model: nn.Module, last: str, length: int, places: int, device: torch.device
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last letter that each place of a module's output depends on."""
    depends = np.zeros((length, places), dtype=bool)
    for one in probe(length, PROBES, device):
        changed = one.repeat(length, 1, 1)
        at = torch.arange(length, device=device)
        changed[at, :, at] = 1 - changed[at, :, at]  # every weight of the letter's column takes part
        before = _line(output_of(model, one[None], last)[:1])
        after = _line(output_of(model, changed, last)[:length])
        assert before is not None
        assert after is not None
        # Against rounding that depends on the size of the batch.
        least = 1e-5 * (1 + before.abs().amax())
        depends |= ((after - before).abs().amax(dim=1) > least).cpu().numpy()
    known = depends.any(axis=0)
    first = np.where(known, depends.argmax(axis=0), np.nan)
    final = np.where(known, length - 1 - depends[::-1].argmax(axis=0), np.nan)
    return first, final


def _line(maps: Any) -> Tensor | None:
    """(B, C, P) of maps along one axis of more than one place."""
    if isinstance(maps, Tensor) and maps.ndim == 4 and 1 in maps.shape[2:]:
        maps = maps.flatten(2)
    return maps if isinstance(maps, Tensor) and maps.ndim == 3 and maps.shape[2] > 1 else None
