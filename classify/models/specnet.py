"""specnet: our spectrogram network. It reads a whole column of the picture at once and never averages over rows.

The picture it is made for shows the three reading frames as three bands (``image.bands: 3``, ``hop: 3``): a codon of a
frame is always at the same place of a column of that frame's band. One set of filters reads all three bands, so that
what is learnt about codons in one frame holds in the others, and the head sees the bands without their order: the best
frame, the worst, and the mean. Convolutions over time, residual and dilated, follow He et al. 2016 (arXiv:1512.03385)
and Yu & Koltun 2016 (arXiv:1511.07122). With one band it is a network of ordinary spectrograms.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from classify.models.base import check_blocks, check_sizes, register_model
from specgen.errors import InputError

__all__ = ["FrameBody", "Residual", "SpecNet", "specnet", "specnet_whole"]

ROWS = 224


class Residual(nn.Module):
    """Two convolutions over time, three columns ``dilation`` apart and then 1 x 1, added to what came in."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, (1, 3), padding=(0, dilation), dilation=(1, dilation), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, bands, T) to the same."""
        return torch.relu(maps + self.layers(maps))


class FrameBody(nn.Module):
    """What comes after the filters, for pictures and letters alike: residual blocks over time, pooling, head.

    Parameters
    ----------
    width
        Channels that come in.
    blocks
        Residual blocks. The first looks at neighbouring columns; after it two columns are pooled into one, and the
        others reach 1, 2, 4, ... of those to both sides.
    """

    def __init__(self, outputs: int, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            Residual(width, 1), nn.MaxPool2d((1, 2)), *(Residual(width, 2**i) for i in range(blocks - 1))
        )
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(9 * width, 96), nn.ReLU(inplace=True), nn.Dropout(dropout)
        )
        self.classifier = nn.Linear(96, outputs)

    def forward(self, codons: Tensor) -> Tensor:
        """Filtered columns (B, width, bands, T) to logits (B, outputs)."""
        maps = self.blocks(codons)
        # One stop codon decides about a frame: the largest value over time is kept beside the mean.
        times = torch.cat([maps.mean(3), maps.amax(3), codons.amax(3)], dim=1)
        bands = torch.cat([times.mean(2), times.amax(2), times.amin(2)], dim=1)
        logits: Tensor = self.classifier(self.head(bands))
        return logits


class SpecNet(nn.Module):
    """A filter bank over the rows of each band, then ``FrameBody``.

    Parameters
    ----------
    width
        Filters.
    blocks
        See ``FrameBody``.
    bands
        Bands of the picture, with one blank row between two; 225 must be divisible by it.

    Raises
    ------
    InputError
        Bands that do not divide the rows, or nothing to build.
    """

    def __init__(self, outputs: int, width: int, blocks: int, bands: int, dropout: float) -> None:
        super().__init__()
        if bands < 1 or (ROWS + 1) % bands:
            raise InputError(f"specnet: expected bands that divide {ROWS + 1} (1, 3, 5, ...), got {bands}")
        check_sizes("specnet", width=width)
        check_blocks("specnet", blocks)
        self.bands = bands
        """Bands that a picture has to have; with one, any picture will do."""
        pitch = (ROWS + 1) // bands
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, (pitch - 1, 1), (pitch, 1), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.body = FrameBody(outputs, width, blocks, dropout)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, 224, T) to logits (B, outputs).

        Raises
        ------
        ValueError
            Another number of rows: the filters are as high as a band.
        """
        if pictures.shape[2] != ROWS:
            raise ValueError(f"specnet: expected pictures of {ROWS} rows, got {pictures.shape[2]}")
        logits: Tensor = self.body(self.stem(pictures))
        return logits


@register_model(
    "specnet",
    view="image",
    note="our spectrogram network: filters over whole columns, shared by the reading-frame bands, pooled over time",
)
def specnet(outputs: int = 2, width: int = 64, blocks: int = 4, bands: int = 3, dropout: float = 0.3) -> SpecNet:
    """specnet; use it with the picture of ``configs/coding/specnet.yaml``."""
    return SpecNet(outputs, width, blocks, bands, dropout)


@register_model(
    "specnet_whole",
    view="image",
    note="specnet for pictures of one band: filters as high as the picture",
)
def specnet_whole(outputs: int = 2, width: int = 64, blocks: int = 4, dropout: float = 0.3) -> SpecNet:
    """specnet of ordinary spectrograms; on a picture of several bands, one that does not know of frames."""
    return SpecNet(outputs, width, blocks, 1, dropout)
