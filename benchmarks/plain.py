"""The other side of the training benchmarks: conv7 and conv5 as the papers' authors would train and use them.

A folder of PNGs read by torchvision's ``ImageFolder``, float32, NCHW, a ReLU behind every convolution, a loop of a dozen
lines. The parameters have the names of ours, so that both can start from the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from classify.models import build_model
from classify.models.convnets import PlainConvNet
from specgen.image import Imager
from specgen.png import write_png

PREPARE = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.485] * 3, [0.229] * 3)])


def plain_model(name: str, model_options: dict[str, Any] | None = None) -> nn.Module:
    """A network; conv7, conv5 and conv3 in the published order of their layers: a pool behind the ReLU, not before it."""
    model = build_model(name, 2, model_options)
    if not isinstance(model, PlainConvNet):
        return model
    features = list(model.features)
    for i in reversed(range(len(features) - 1)):
        if isinstance(features[i], nn.MaxPool2d):
            features[i : i + 2] = features[i + 1], features[i]
    model.features = nn.Sequential(*features)
    return model


def write_pictures(folder: Path, codes: NDArray[np.uint8], labels: Sequence[int]) -> Path:
    """``folder``/<label>/<place>.png of uint8 codes (n, L)."""
    imager = Imager().eval()
    for label in sorted(set(labels)):
        (folder / str(label)).mkdir(parents=True)
    for low in range(0, len(codes), 64):
        for i, picture in enumerate(imager.paint(codes[low : low + 64]), start=low):
            write_png(folder / str(labels[i]) / f"{i:06d}.png", picture)
    return folder


def loader(folder: Path, batch_size: int, workers: int = 0) -> DataLoader[tuple[Tensor, Tensor]]:
    """Batches in the order in which the pictures were written, so that ours sees the same ones."""
    pictures = ImageFolder(str(folder), transform=PREPARE)
    order = sorted(range(len(pictures)), key=lambda i: Path(pictures.samples[i][0]).stem)
    return DataLoader(pictures, batch_size=batch_size, sampler=order, num_workers=workers)


def train_epoch(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], optimiser: torch.optim.Optimizer) -> None:
    """One pass."""
    model.train()
    for pictures, labels in batches:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(pictures), labels)
        loss.backward()
        optimiser.step()


def predict(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> NDArray[np.float32]:
    """Logits (n, 2)."""
    model.eval()
    with torch.no_grad():
        return np.concatenate([model(pictures).numpy() for pictures, _ in batches])
