"""Pictures: codes or one-hot letters to RGB, as a differentiable module and, fast, as bytes.

Files of pictures live in ``png`` and ``outputs``, batch jobs in ``jobs``; the settings, and the hash that names a
rendering, in ``settings``.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from specgen.colour import PALETTES, Spectra
from specgen.errors import InputError
from specgen.representations import SignalEncoder
from specgen.settings import ImageSettings
from specgen.sliding import compiled, in_threads
from specgen.spectrogram import Spectrogram

__all__ = ["Imager", "to_uint8"]

CHUNK = 8
"""Pictures computed at once by ``Imager.paint`` on a CPU: what comes between letters and bytes stays in the cache."""


class Imager(nn.Module):
    """Letters to pictures.

    Input
        uint8 codes (B, L) or float indicators (B, 4, L); L >= window, in nt.
    Output
        float32 (B, 3, rows, columns) in 0..1; 224 x 224 with the default settings. Rows of each band run from 1/2
        cycles/base at the top to 0 at the bottom, columns from 5' to 3'. Differentiable with respect to float input.

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
            transform = self.spectrogram.real if self.palette.real else self.spectrogram
            found = self.laid_out(transform if self.palette.phase else self.spectrogram.power, signal)
            power, spectrum = (None, found) if self.palette.phase else (found, None)
            return self.palette.paint(Spectra(power, spectrum, self.floor, self.settings.scale)).flip(-2)

    def laid_out(self, transform: Callable[[Tensor], Tensor], signal: Tensor) -> Tensor:
        """The spectra of all bands, from low to high rows (the picture is turned over later), with blanks between."""
        bands, length = self.settings.bands, int(signal.shape[-1])  # no plain number while a graph is traced
        width = self.settings.width(length)
        if bands == 1 and not self.settings.columns:
            return transform(signal)
        parts: list[Tensor] = []
        for offset in reversed(range(bands)):
            band = transform(signal[..., offset:])
            # Nothing there is no power: what colour that is, the palette decides.
            parts.append(nn.functional.pad(band, (0, width - band.shape[-1], 0, int(offset > 0))))
        return torch.cat(parts, dim=-2)

    def paint(self, codes: NDArray[np.uint8], chunk: int = 0) -> NDArray[np.uint8]:
        """Pictures as files hold them: uint8 codes (n, L) to uint8 (n, bins, columns, 3).

        ``chunk`` pictures are computed at once, 0 = as many as suit the device; on a CPU the chunks are shared out
        among torch's threads. The same chunks give the same bytes on any number of threads; another ``chunk`` may move a
        value by one where it fell between two.
        """
        device = self.floor.device
        size = chunk or (CHUNK if device.type == "cpu" else 256)
        shape = self.settings.rows, self.settings.width(codes.shape[1]), 3
        painted = np.empty((len(codes), *shape), dtype=np.uint8)
        threads = torch.get_num_threads() if device.type == "cpu" else 1

        def work(low: int) -> None:
            with torch.inference_mode():
                letters = torch.from_numpy(np.ascontiguousarray(codes[low : low + size])).to(device)
                painted[low : low + size] = to_uint8(self(letters))

        if threads == 1:
            for low in range(0, len(codes), size):
                work(low)
            return painted
        # Each thread computes whole pictures on its own: torch's threads below ours would fight over the cores, and
        # how they share out a tensor can move its last bits.
        try:
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                list(pool.map(work, range(0, len(codes), size)))
        finally:
            torch.set_num_threads(threads)
        return painted


def to_uint8(pictures: Tensor) -> NDArray[np.uint8]:
    """Pictures (B, 3, H, W) in 0..1 to uint8 (B, H, W, 3), rounded half to even, as files hold them."""
    pictures = pictures.detach()
    if pictures.device.type != "cpu":
        scaled = pictures.float().mul(255).round().clamp(0, 255).to(torch.uint8)
        array: NDArray[np.uint8] = scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return array
    values = pictures.float().numpy()
    array = np.empty((values.shape[0], *values.shape[2:], values.shape[1]), dtype=np.uint8)
    in_threads(lambda low, high: _interleave(values[low:high], array[low:high]), len(values), torch.get_num_threads())
    return array


@compiled
def _interleave(values, out):  # type: ignore[no-untyped-def]
    """(B, 3, H, W) to (B, H, W, 3): scale, round and interleave in one pass over memory."""
    # Adding and taking away 1.5 * 2^23 rounds a float32 half to even, and unlike rint it is vectorised.
    rounder = np.float32(12582912)
    row = np.empty((3, values.shape[3]), dtype=np.uint8)
    for b in range(values.shape[0]):
        for h in range(values.shape[2]):
            for c in range(3):
                for w in range(row.shape[1]):
                    level = min(max(values[b, c, h, w], np.float32(0)), np.float32(1)) * np.float32(255)
                    row[c, w] = np.uint8(np.int32((level + rounder) - rounder))
            for w in range(row.shape[1]):
                out[b, h, w, 0] = row[0, w]
                out[b, h, w, 1] = row[1, w]
                out[b, h, w, 2] = row[2, w]
