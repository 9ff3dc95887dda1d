"""Small 1D networks of letters for windows: what a picture has to beat.

``dilated_cnn`` is the plain choice: a stack of dilated convolutions on one-hot letters with global pooling, in the
manner of Yu & Koltun 2016 (arXiv:1511.07122). ``frame_cnn`` is the twin of ``specnet`` without a picture: the same
body and head, on the letters of the three reading frames; what it and ``specnet`` differ in is the spectrogram, and
the columns of a picture that stay blank.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from classify.models.base import check_blocks, check_sizes, register_model
from classify.models.specnet import FrameBody, Residual

__all__ = ["DilatedCNN", "FrameCNN", "dilated_cnn", "frame_cnn"]


class DilatedCNN(nn.Module):
    """Convolution over 9 letters, dilated residual blocks, pooling by 2 after the first, mean and maximum, head."""

    def __init__(self, outputs: int, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(4, width, 9, padding=4, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True)
        )
        self.blocks = nn.Sequential(
            Residual(width, 1), nn.MaxPool2d((1, 2)), *(Residual(width, 2**i) for i in range(blocks - 1))
        )
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(2 * width, 96), nn.ReLU(inplace=True), nn.Dropout(dropout)
        )
        self.classifier = nn.Linear(96, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        maps = self.blocks(self.stem(letters).unsqueeze(2)).squeeze(2)
        logits: Tensor = self.classifier(self.head(torch.cat([maps.mean(2), maps.amax(2)], dim=1)))
        return logits


class FrameCNN(nn.Module):
    """Filters over the letters of four codons, at each codon of each of the three frames, then ``FrameBody``."""

    def __init__(self, outputs: int, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(4, width, 12, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True))
        self.body = FrameBody(outputs, width, blocks, dropout)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L), L >= 14 nt, to logits (B, outputs)."""
        places = self.stem(letters)
        columns = places.shape[2] // 3
        codons = places[..., : 3 * columns].unflatten(2, (columns, 3)).transpose(2, 3).contiguous()
        logits: Tensor = self.body(codons)
        return logits


@register_model("dilated_cnn", view="onehot", note="small dilated 1D CNN on one-hot letters")
def dilated_cnn(outputs: int = 2, width: int = 64, blocks: int = 6, dropout: float = 0.3) -> DilatedCNN:
    """A plain 1D CNN that reads letters."""
    check_sizes("dilated_cnn", width=width)
    check_blocks("dilated_cnn", blocks)
    return DilatedCNN(outputs, width, blocks, dropout)


@register_model(
    "frame_cnn", view="onehot", note="specnet's twin without a picture: letters of the three reading frames"
)
def frame_cnn(outputs: int = 2, width: int = 64, blocks: int = 4, dropout: float = 0.3) -> FrameCNN:
    """The same body and head as ``specnet``, on one-hot letters."""
    check_sizes("frame_cnn", width=width)
    check_blocks("frame_cnn", blocks)
    return FrameCNN(outputs, width, blocks, dropout)
