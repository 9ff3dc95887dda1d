"""The published plain spectrogram CNNs of El-farra & Faid: conv7, conv5, conv3.

conv7's layer table is published and followed exactly. Of conv5 and conv3 only the totals of parameters and the numbers
of layers are; the tables here are reconstructions that meet them (conv5: M2-a, conv3: M3-a), not the authors' own.
All read 224 x 224 x 3, have a bias on every layer, no normalisation, and give logits (the published Softmax belongs to
the loss). Widths are those of the Inception v3 stem.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from classify.models.base import register_model

__all__ = ["PlainConvNet", "conv3", "conv5", "conv7"]

Layer = tuple[int, int] | str
"""(width, kernel) of a convolution with ReLU, or "max" for a 3 x 3 max pool."""


class PlainConvNet(nn.Module):
    """Convolutions and max pools, one average pool, fully connected layers.

    Parameters
    ----------
    layers
        See ``Layer``; convolutions are unpadded with stride 1, as published.
    average
        Kernel (and stride) of the average pool.
    flat
        Features after it, for 224 x 224 input.
    hidden
        Widths of the hidden fully connected layers.
    outputs
        Number of logits.
    """

    def __init__(self, layers: Sequence[Layer], average: int, flat: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        width = 3
        for layer in layers:
            if isinstance(layer, str):
                # Before the ReLU that was published before it: the same values and gradients, since both are monotone,
                # and a ninth of the work for the ReLU.
                modules.insert(-1, nn.MaxPool2d(3))
            else:
                modules += [nn.Conv2d(width, layer[0], layer[1]), nn.ReLU(inplace=True)]
                width = layer[0]
        self.features = nn.Sequential(*modules)
        self.pool = nn.AvgPool2d(average)
        widths = [flat, *hidden]
        fully: list[nn.Module] = []
        for wide, narrow in pairwise(widths):
            fully += [nn.Linear(wide, narrow), nn.ReLU(inplace=True)]
        last = nn.Linear(widths[-1], outputs)
        self.classifier = nn.Sequential(*fully, last)
        for module in self.modules():
            # He et al. 2015: without normalisation layers, PyTorch's default shrinks the signal by 1/sqrt(6) a layer,
            # and at the published learning rate the seven layers then stay at chance for many epochs.
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                module.bias.data.zero_()  # type: ignore[union-attr]
        nn.init.normal_(last.weight, std=0.01)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, 224, 224) to logits (B, outputs)."""
        logits: Tensor = self.classifier(self.pool(self.features(pictures)).flatten(1))
        return logits


@register_model("conv7", view="image", note="El-farra & Faid; layer table as published (744,620 parameters)")
def conv7(outputs: int = 2) -> PlainConvNet:
    """Seven convolutions, three max pools, one average pool, four FC layers: 744,620 parameters for 2 outputs."""
    layers: list[Layer] = [(32, 3), (64, 3), "max", (80, 1), (192, 3), "max", (64, 3), (90, 3), (192, 3), "max"]
    return PlainConvNet(layers, average=5, flat=192, hidden=(512, 256, 128), outputs=outputs)


@register_model(
    "conv5",
    view="image",
    note="El-farra & Faid; a reconstruction (M2-a) from the published total of 569,746 parameters",
)
def conv5(outputs: int = 2) -> PlainConvNet:
    """Five convolutions, two max pools, one average pool, three FC layers: reconstruction, 569,746 parameters."""
    layers: list[Layer] = [(32, 3), (64, 3), "max", (80, 1), (192, 3), "max", (64, 3)]
    return PlainConvNet(layers, average=10, flat=256, hidden=(768, 128), outputs=outputs)


@register_model(
    "conv3",
    view="image",
    note="El-farra & Faid; a reconstruction (M3-a) from the published total of 269,174 parameters",
)
def conv3(outputs: int = 2) -> PlainConvNet:
    """Three convolutions, one max pool, one average pool, two FC layers: reconstruction, 269,174 parameters."""
    layers: list[Layer] = [(32, 3), (64, 3), "max", (90, 5)]
    return PlainConvNet(layers, average=20, flat=810, hidden=(130,), outputs=outputs)
