"""Pictures in real arithmetic alone: what ``image.Imager`` paints, from operations that any format of graphs has.

No complex numbers and no compiled loops, so that a tracer sees everything. The numbers are the imager's, to rounding; the
arithmetic is ``spectrogram``'s and ``colour``'s, put together another way. Files of graphs are written elsewhere.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from specgen.colour import Parts, Spectra
from specgen.image import Imager

__all__ = ["PortableImager"]


class PortableImager(nn.Module):
    """The pictures of an imager, from indicators.

    Parameters
    ----------
    imager
        Whose pictures.

    Input
        float32 indicators (B, 4, L), rows A, C, G, T.
    Output
        float32 (B, 3, rows, columns) in 0..1.
    """

    table: Tensor

    def __init__(self, imager: Imager) -> None:
        super().__init__()
        self.imager = imager
        table = imager.signal.representation.table
        self.complex = imager.signal.representation.is_complex
        columns = np.concatenate([table.real, table.imag], axis=1) if self.complex else table
        self.register_buffer("table", torch.from_numpy(columns).float().to(imager.floor.device), persistent=False)

    def forward(self, letters: Tensor) -> Tensor:
        imager = self.imager
        signal = torch.einsum("bal,ac->bcl", letters, self.table)
        if (walk := imager.signal.representation.walk) is not None:
            signal = walk(signal)
        real, imaginary = imager.laid_out(self._transform, signal).chunk(2, dim=1)
        if imager.palette.phase:
            spectra = Spectra(None, Parts(real, imaginary), imager.floor, imager.settings.scale)
        else:
            spectra = Spectra(real.square() + imaginary.square(), None, imager.floor, imager.settings.scale)
        return imager.palette.paint(spectra).flip(-2)

    def _transform(self, signal: Tensor) -> Tensor:
        """Real parts of all channels, then imaginary ones."""
        parts = signal.chunk(2, dim=1) if self.complex else (signal,)
        return torch.cat(self.imager.spectrogram.parts(*parts), dim=1)
