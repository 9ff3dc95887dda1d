"""Augmentation of letters on the model's device, batched: what a batch gets depends on (seed, epoch, row) alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from specgen.sequences import reverse_complement

__all__ = ["ReverseComplement", "Shift", "mix"]


def mix(*words: Any) -> Any:
    """Hash of integers: Python's, and arrays or tensors of int64 of one length, the last of which is one; the same there.

    The finaliser of splitmix64 (Steele et al. 2014) in wrapping arithmetic, once for each word.
    """
    state = words[-1] * 0
    for word in words:
        state = (state ^ word) - 0x61C8864680B583EB
        # The masks make shifts of signed numbers logical ones.
        state = (state ^ (state >> 30) & (1 << 34) - 1) * -0x40A7B892E31B1A47
        state = (state ^ (state >> 27) & (1 << 37) - 1) * -0x6B2FB644ECCEEE15
        state = state ^ (state >> 31) & (1 << 33) - 1
    return state


class ReverseComplement(nn.Module):
    """The other strand of a share of the sequences.

    Parameters
    ----------
    share
        Probability, 0 to 1.
    seed
        With epoch and row, decides who is turned.
    """

    table: Tensor

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self.share, self.seed = share, seed
        letters = np.arange(16, dtype=np.uint8)[:, None]
        complement = np.array([reverse_complement(letter)[0] for letter in letters])
        self.register_buffer("table", torch.from_numpy(complement), persistent=False)

    def forward(self, codes: Tensor, epoch: int, rows: Tensor) -> Tensor:
        """uint8 codes (B, L) to the same, some of them turned."""
        if not self.share:
            return codes
        draws = (mix(1, self.seed, epoch, rows) & (1 << 53) - 1).double() / (1 << 53)
        return torch.where((draws < self.share)[:, None], self.turned(codes), codes)

    def turned(self, codes: Tensor) -> Tensor:
        """uint8 codes (B, L) to the same, all of them turned."""
        return self.table[codes.flip(-1).int()]


class Shift(nn.Module):
    """Each sequence moved along its window, in either direction; what comes in is blank.

    Parameters
    ----------
    most
        nt at most, 0 or more.
    seed
        With epoch and row, decides how far.
    """

    def __init__(self, most: int, seed: int) -> None:
        super().__init__()
        self.most, self.seed = most, seed

    def forward(self, codes: Tensor, epoch: int, rows: Tensor) -> Tensor:
        """uint8 codes (B, L) to the same, moved."""
        if not self.most:
            return codes
        draws = (mix(2, self.seed, epoch, rows) & (1 << 53) - 1) % (2 * self.most + 1)
        places = torch.arange(codes.shape[1], device=codes.device) + draws[:, None]
        return F.pad(codes, (self.most, self.most)).gather(1, places)
