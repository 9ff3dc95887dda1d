"""specnet_site: our spectrogram network for windows with a would-be site in the middle, such as exon starts.

As in ``specnet`` the filters are as high as the picture, so that what they find is a sum over all frequencies. Nothing is
pooled over time: the head sees each column at its own place, because a site is told by what stands where.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from classify.models.base import check_blocks, check_sizes, register_model
from classify.models.specnet import ROWS, Residual

__all__ = ["SpecNetSite", "specnet_site"]

COLUMNS = 224
TAP = 4
"""Channels of each column that reach the head."""


class SpecNetSite(nn.Module):
    """Filters over whole columns, dilated residual blocks over time, a head with weights for each place.

    Parameters
    ----------
    width
        Filters.
    blocks
        Residual blocks, with dilations 1, 2, 4, ... columns.
    dropout
        Before and within the head.

    Raises
    ------
    InputError
        Nothing to build.
    """

    def __init__(self, outputs: int, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        check_sizes("specnet_site", width=width)
        check_blocks("specnet_site", blocks)
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, (ROWS, 1), bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.blocks = nn.Sequential(*(Residual(width, 2**i) for i in range(blocks)))
        self.tap = nn.Conv2d(width, TAP, 1)
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(TAP * COLUMNS + width, 64), nn.ReLU(inplace=True), nn.Dropout(dropout)
        )
        self.classifier = nn.Linear(64, outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, 224, 224) to logits (B, outputs).

        Raises
        ------
        ValueError
            Another size: there are weights for each row and each column.
        """
        if pictures.shape[2:] != (ROWS, COLUMNS):
            raise ValueError(f"specnet_site: expected pictures of {ROWS} x {COLUMNS}, got {tuple(pictures.shape[2:])}")
        maps = self.blocks(self.stem(pictures))
        logits: Tensor = self.classifier(self.head(torch.cat([self.tap(maps).flatten(1), maps.amax((2, 3))], dim=1)))
        return logits


@register_model(
    "specnet_site",
    view="image",
    note="specnet for a site in the middle of the window: every column keeps its place",
)
def specnet_site(outputs: int = 2, width: int = 32, blocks: int = 3, dropout: float = 0.5) -> SpecNetSite:
    """specnet_site; use it with the picture of ``configs/exon_start/specnet_site.yaml``."""
    return SpecNetSite(outputs, width, blocks, dropout)
