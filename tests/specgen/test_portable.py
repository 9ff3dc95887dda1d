"""Pictures in real arithmetic: every palette on every representation that fits, against the imager."""

import pytest
import torch

from specgen.colour import PALETTES
from specgen.errors import InputError
from specgen.image import Imager
from specgen.portable import PortableImager
from specgen.representations import REPRESENTATIONS
from specgen.settings import ImageSettings, ScaleSettings, SpectrogramSettings

SHAPES = [
    {"bands": 1, "scale": "log1p", "phase": "sequence", "detrend": "weighted", "frames": 20, "hop": 0, "columns": 0},
    {"bands": 3, "scale": "db", "phase": "frame", "detrend": "none", "frames": 0, "hop": 3, "columns": 30},
    {"bands": 1, "scale": "minmax", "phase": "sequence", "detrend": "constant", "frames": 9, "hop": 0, "columns": 12},
]


@pytest.fixture(scope="module")
def letters():
    bases = torch.randint(0, 4, (2, 120), generator=torch.Generator().manual_seed(0))
    onehot = torch.nn.functional.one_hot(bases, 4).transpose(1, 2).float()
    onehot[0, :, 90:] = 0  # blank
    onehot[1, :, 5] = 0.25  # N
    return onehot


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("palette", [*PALETTES, "colormap:viridis"])
def test_pictures_are_the_imagers(palette, shape, letters):
    compared = 0
    for representation in ["", *REPRESENTATIONS]:
        spectrogram = SpectrogramSettings(
            window=60, taper="hann", n_fft=149, frames=shape["frames"], hop=shape["hop"], phase=shape["phase"],
            detrend=shape["detrend"],
        )  # fmt: skip
        settings = ImageSettings(
            palette, representation, ScaleSettings(shape["scale"]), spectrogram, shape["bands"], shape["columns"]
        )
        try:
            imager = Imager(settings)
        except InputError:
            continue  # numbers of channels that do not fit
        with torch.no_grad():
            expected, found = imager(letters), PortableImager(imager)(letters)
        # Where there is next to no power its phase is rounding, and the level beside it is next to none.
        assert found.numpy() == pytest.approx(expected.numpy(), abs=2e-5), representation
        assert expected.std() > 0.01
        compared += 1
    assert compared
