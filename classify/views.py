"""Views: what a model sees of an example, computed on the model's device inside its forward pass.

A view is chosen by what the examples are made of and what the model reads ("codes" -> "image"); a pair that is not
registered does not exist, and the error says what does. No files, labels or losses here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torchvision.transforms import v2

from classify.noise import InputNoise
from specgen.errors import InputError
from specgen.image import Imager
from specgen.registry import Registry
from specgen.representations import SignalEncoder

if TYPE_CHECKING:
    from classify.settings import PreprocessSettings, RunSettings

__all__ = ["VIEWS", "OneHotView", "PictureView", "SpectrogramView", "build_view", "makes_pictures", "preprocessing"]

VIEWS: Registry[Callable[[RunSettings], nn.Module]] = Registry("view")


def preprocessing(settings: PreprocessSettings) -> nn.Sequential:
    """torchvision.transforms.v2 steps on float pictures (B, 3, H, W) in 0..1, differentiable, each switchable."""
    unit = 1.0 if settings.scale else 255.0
    steps: list[nn.Module] = []
    if settings.blur:
        # Kernel of about +-3 sigma, odd.
        size = 2 * max(1, round(3 * settings.blur_sigma)) + 1
        steps.append(v2.GaussianBlur(size, sigma=(settings.blur_sigma, settings.blur_sigma)))
    if not settings.scale:
        steps.append(v2.Lambda(lambda pictures: pictures * 255.0))
    if settings.standardise:
        steps.append(v2.Normalize([settings.mean * unit] * 3, [settings.std * unit] * 3))
    return nn.Sequential(*steps)


class SpectrogramView(nn.Module):
    """Codes (B, L) or indicators (B, 4, L) to preprocessed pictures (B, 3, H, W); noise as in ``OneHotView``."""

    def __init__(self, settings: RunSettings) -> None:
        super().__init__()
        self.noisy = OneHotView(settings) if settings.letters.noise else None
        self.imager = Imager(settings.image)
        self.preprocess = preprocessing(settings.preprocess)

    def forward(self, letters: Tensor) -> Tensor:
        seen = self.noisy(letters) if self.noisy is not None else letters
        pictures: Tensor = self.preprocess(self.imager(seen))
        return pictures


class PictureView(nn.Module):
    """uint8 pictures (B, 3, H, W) to preprocessed pictures."""

    def __init__(self, settings: RunSettings) -> None:
        super().__init__()
        self.preprocess = preprocessing(settings.preprocess)

    def forward(self, pictures: Tensor) -> Tensor:
        prepared: Tensor = self.preprocess(pictures.float() / 255.0)
        return prepared


class OneHotView(nn.Module):
    """Codes (B, L) to indicators (B, 4, L), rows A, C, G, T, with noise where asked for; indicators pass through."""

    def __init__(self, settings: RunSettings | None = None) -> None:
        super().__init__()
        self.encoder = SignalEncoder("voss")
        # Explanations hand indicators over: of the letters alone, without their noise.
        noise = (0.0, 0) if settings is None else (settings.letters.noise, settings.letters.seed)
        self.noise = InputNoise(*noise)

    def forward(self, letters: Tensor) -> Tensor:
        onehot: Tensor = letters if letters.ndim == 3 else self.noise(letters, self.encoder(letters))
        return onehot


VIEWS.add("codes -> image", SpectrogramView)
VIEWS.add("codes -> onehot", OneHotView)
VIEWS.add("pictures -> image", PictureView)


def build_view(kind: str, reads: str, settings: RunSettings) -> nn.Module:
    """The view from what examples are made of (``Examples.kind``) to what a model reads (its registered ``view``).

    Raises
    ------
    InputError
        When there is no way from one to the other (a model of letters on a folder of pictures).
    """
    name = f"{kind} -> {reads}"
    if name not in VIEWS:
        raise InputError(f"model {settings.model!r} reads {reads!r}, which cannot be made from {kind}")
    return VIEWS[name](settings)


def makes_pictures(view: nn.Module) -> bool:
    """Whether ``picture_of`` has anything to show."""
    return isinstance(view, SpectrogramView | PictureView)


def picture_of(view: nn.Module, inputs: Tensor) -> Tensor | None:
    """The picture in 0..1 that a view makes of a batch, before preprocessing; None for views that make none."""
    with torch.no_grad():
        if isinstance(view, SpectrogramView):
            pictures: Tensor = view.imager(inputs)
            return pictures
        return inputs.float() / 255.0 if isinstance(view, PictureView) else None
