"""Inception networks: a small one of our own, and torchvision's Inception v3.

Ours follows the inception module of Szegedy et al. 2015 (arXiv:1409.4842) with batch normalisation, in the parameter
budget of conv7. It pools over time early and keeps the frequency axis longer: which row is bright is the signal.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from classify.models.base import fetches, register_model
from specgen.errors import InputError

__all__ = ["Inception", "InceptionBlock", "inception", "inception_v3"]


def _conv(inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int | tuple[int, int] = 1) -> nn.Sequential:
    size = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    padding = (size[0] // 2, size[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class InceptionBlock(nn.Module):
    """Four parallel branches, concatenated: 1x1; 1x1-3x3; 1x1-3x3-3x3; pool-1x1.

    Parameters
    ----------
    inputs
        Input channels.
    widths
        Output channels of the four branches.
    squeeze
        Channels of the 1x1 convolutions in front of the 3x3 ones.
    """

    def __init__(self, inputs: int, widths: tuple[int, int, int, int], squeeze: int) -> None:
        super().__init__()
        one, three, five, pooled = widths
        self.one = _conv(inputs, one, 1)
        self.three = nn.Sequential(_conv(inputs, squeeze, 1), _conv(squeeze, three, 3))
        self.five = nn.Sequential(_conv(inputs, squeeze, 1), _conv(squeeze, five, 3), _conv(five, five, 3))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), _conv(inputs, pooled, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, sum(widths), H, W)."""
        return torch.cat([self.one(maps), self.three(maps), self.five(maps), self.pooled(maps)], dim=1)


class Inception(nn.Module):
    """Stem, four inception blocks, a head that averages over time and reads every remaining frequency row."""

    def __init__(self, outputs: int, dropout: float) -> None:
        super().__init__()
        # Columns overlap almost completely (hop about 1 nt), rows do not: halve time first.
        self.stem = nn.Sequential(
            _conv(3, 32, (3, 7), (1, 4)),
            nn.MaxPool2d((2, 2)),
            _conv(32, 64, 3),
            nn.MaxPool2d((2, 2)),
        )
        self.blocks = nn.Sequential(
            InceptionBlock(64, (32, 48, 24, 24), 32),
            InceptionBlock(128, (32, 64, 32, 32), 40),
            nn.MaxPool2d((2, 2)),
            InceptionBlock(160, (48, 80, 40, 40), 48),
            InceptionBlock(208, (48, 96, 48, 48), 56),
        )
        self.squeeze = _conv(240, 32, 1)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(32 * 28, 96), nn.ReLU(inplace=True))
        self.classifier = nn.Linear(96, outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, 224, 224) to logits (B, outputs)."""
        maps = self.squeeze(self.blocks(self.stem(pictures)))
        rows = maps.mean(dim=3)
        logits: Tensor = self.classifier(self.head(rows.flatten(1)))
        return logits


@register_model(
    "inception", view="image", note="our small inception network: time pooled early, frequency rows kept to the head"
)
def inception(outputs: int = 2, dropout: float = 0.3) -> Inception:
    """Our small inception network, within the parameter budget of conv7 (744,620)."""
    return Inception(outputs, dropout)


@register_model(
    "inception_v3", view="image", note="torchvision's Inception v3 (Szegedy et al. 2016), auxiliary head off"
)
def inception_v3(outputs: int = 2, pretrained: bool = False, dropout: float = 0.5) -> nn.Module:
    """torchvision's Inception v3: 21,789,666 parameters for 2 outputs.

    The auxiliary head is off: its 5x5 convolution does not fit the map that 224 x 224 pictures leave there.

    Raises
    ------
    InputError
        ``pretrained`` weights that are neither cached nor downloadable.
    """
    from torchvision.models import Inception_V3_Weights
    from torchvision.models import inception_v3 as build

    if not pretrained or not fetches():
        # init_weights draws 24 million truncated normals through SciPy (most of a minute) and is not needed here.
        return build(
            weights=None,
            num_classes=outputs,
            aux_logits=False,
            init_weights=False,
            dropout=dropout,
            transform_input=pretrained,  # as torchvision sets it for pretrained weights
        )
    try:
        network = build(weights=Inception_V3_Weights.IMAGENET1K_V1, dropout=dropout)
    except OSError as error:  # URLError is one
        raise InputError(f"inception_v3: pretrained weights cannot be had ({error})") from None
    network.aux_logits, network.AuxLogits = False, None
    network.fc = nn.Linear(network.fc.in_features, outputs)
    return network
