"""Noise on the indicators that networks read: fixed for each sequence, so that training, test and prediction see the same.

It belongs to the input and is no augmentation: a sequence has one noise, drawn from its letters and a seed, in every epoch
and in any batch. Other lengths or crops of a sequence are other sequences.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from classify.augment import mix

__all__ = ["InputNoise"]


class InputNoise(nn.Module):
    """Gaussian noise added to indicators.

    Parameters
    ----------
    std
        Standard deviation; indicators are 0 and 1.
    seed
        With the letters of a sequence, decides its noise.
    """

    def __init__(self, std: float, seed: int) -> None:
        super().__init__()
        self.std, self.seed = std, seed

    def forward(self, codes: Tensor, indicators: Tensor) -> Tensor:
        """uint8 codes (B, L) and their indicators (B, 4, L) to indicators with noise, clipped nowhere."""
        if not self.std:
            return indicators
        places = torch.arange(codes.shape[1], device=codes.device)
        # The sum of a hash of each letter and its place: any other letter makes another key.
        keys = mix(2, self.seed, codes.long(), places.expand(codes.shape)).sum(dim=1)
        cells = torch.arange(4 * codes.shape[1], device=codes.device).expand(len(codes), -1)
        bits = mix(3, keys[:, None].expand(cells.shape), cells) & (1 << 52) - 1
        # Middles of 2**52 steps of (0, 1), so that neither end is drawn; the inverse of the normal distribution after.
        uniform = (bits.double() + 0.5) / (1 << 52)
        normal = math.sqrt(2) * torch.erfinv(2 * uniform - 1)
        return indicators + self.std * normal.to(indicators.dtype).view(indicators.shape)
