"""Pictures: codes or one-hot letters to RGB, as a differentiable module, and as PNG files.

Batch jobs over files live in ``jobs``; the settings, and the hash that names a rendering, in ``settings``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from torch import Tensor, nn

from specgen.colour import PALETTES, Spectra
from specgen.errors import InputError
from specgen.files import replacing
from specgen.representations import SignalEncoder
from specgen.settings import ImageSettings
from specgen.spectrogram import Spectrogram

__all__ = ["Imager", "read_png_metadata", "to_uint8", "write_png"]


class Imager(nn.Module):
    """Letters to pictures.

    Input
        uint8 codes (B, L) or float indicators (B, 4, L); L >= window, in nt.
    Output
        float32 (B, 3, bins, columns) in 0..1; 224 x 224 with the default settings. Rows run from 1/2 cycles/base at
        the top to 0 at the bottom, columns from 5' to 3'. Differentiable with respect to float input.

    Raises
    ------
    UnknownName, InputError
        A palette or representation that is not registered, or two whose numbers of channels do not fit.
    """

    floor: Tensor

    def __init__(self, settings: ImageSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or ImageSettings()
        self.palette = PALETTES[self.settings.palette]
        self.signal = SignalEncoder(self.settings.representation or self.palette.representation)
        self.spectrogram = Spectrogram(self.settings.spectrogram)
        channels = len(self.signal.representation.channels) * (2 if self.signal.representation.is_complex else 1)
        if self.palette.channels not in (0, channels):
            raise InputError(
                f"palette {self.palette.name!r} takes {self.palette.channels} spectral channels, "
                f"representation {self.signal.representation.name!r} gives {channels}"
            )
        noise = torch.from_numpy(self.signal.representation.noise_power).float()
        if self.signal.representation.is_complex:
            noise = noise.repeat(2)
        self.register_buffer("floor", noise * self.spectrogram.taper_power, persistent=False)

    def forward(self, letters: Tensor) -> Tensor:
        # float32 throughout: bf16 keeps 8 bits, and a picture is a difference of large sums.
        with torch.autocast(letters.device.type, enabled=False):
            signal = self.signal(letters)
            spectrum = self.spectrogram(signal) if self.palette.phase else None
            if spectrum is None:
                power = self.spectrogram.power(signal)
            else:
                power = spectrum.real.square() + spectrum.imag.square()
            return self.palette.paint(Spectra(power, spectrum, self.floor, self.settings.scale)).flip(-2)


def to_uint8(pictures: Tensor) -> NDArray[np.uint8]:
    """Pictures (B, 3, H, W) in 0..1 to uint8 (B, H, W, 3), rounded, as files hold them."""
    scaled = pictures.detach().mul(255).round().clamp(0, 255).to(torch.uint8)
    array: NDArray[np.uint8] = scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return array


def write_png(path: Path, picture: NDArray[np.uint8], metadata: dict[str, str] | None = None, level: int = 1) -> None:
    """Write one uint8 (H, W, 3) picture under a temporary name, then rename it.

    Parameters
    ----------
    metadata
        Text chunks of the file (settings, record, start, ...).
    level
        zlib level; 1 is several times faster than Pillow's 6 and costs a few per cent of size on these pictures.
    """
    info = PngImagePlugin.PngInfo()
    for key, value in (metadata or {}).items():
        info.add_itxt(key, value)
    with replacing(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG", compress_level=level, pnginfo=info)


def read_png_metadata(path: Path) -> dict[str, str]:
    """Text chunks of a PNG; empty for a file that is no readable PNG."""
    try:
        with Image.open(path) as picture:
            picture.load()
            return {key: str(value) for key, value in getattr(picture, "text", {}).items()}
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return {}
