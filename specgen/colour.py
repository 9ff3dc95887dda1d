"""Palettes: a complex or power STFT to RGB in 0..1 on a fixed, global scale.

The scale is global because the absolute power is the information: P0 is the power that independent uniform bases
would give (so 1 means "noise" for every representation, window and taper), and the range above it is fixed. The
per-image min-max scale exists only as a named ablation.

A palette is a function of ``Spectra`` plus the representation it was made for; another one may be put in its place as
long as the number of channels fits. Sources: Anastassiou 2001, IEEE Signal Process. Mag. 18(4):8-20 (tetrahedron and
second map); GBrowse Spectrogram.pm (colours of the Voss mixes); the rest are ours. No files here: see ``image``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from specgen.errors import UnknownName
from specgen.registry import Registry
from specgen.settings import ScaleSettings

__all__ = ["PALETTES", "Palette", "Parts", "Spectra", "apply_scale", "register_palette"]

PALETTES: Registry[Palette] = Registry("palette")


def apply_scale(settings: ScaleSettings, ratio: Tensor) -> Tensor:
    """``ratio`` = P/P0 >= 0 (B, C, F, T) to 0..1, same shape."""
    if settings.kind == "db":
        span = settings.high_db - settings.low_db
        return ((10 * ratio.clamp_min(1e-10).log10() - settings.low_db) / span).clamp(0, 1)
    level = ratio.log1p().mul_(
        1 / math.log1p(settings.ceiling)
    )  # in place: done millions of times, and no gradient minds
    if settings.kind == "minmax":
        low, high = level.amin((1, 2, 3), keepdim=True), level.amax((1, 2, 3), keepdim=True)
        # A flat picture (all N) has nothing to stretch but rounding noise.
        return (level - low) / (high - low).clamp_min(1e-4)
    return level.clamp(0, 1)


class Parts(NamedTuple):
    """A complex tensor as its two real ones, with what palettes do to one: for formats that know no complex numbers."""

    real: Tensor
    imag: Tensor

    def __truediv__(self, divisor: Tensor) -> Parts:
        return Parts(self.real / divisor, self.imag / divisor)


@dataclass(frozen=True)
class Spectra:
    """What a palette sees.

    Attributes
    ----------
    squared
        (B, C, F, T) squared magnitudes, where they are known already; else None, and ``spectrum`` is there.
    spectrum
        Complex (B, C, F, T) or its ``Parts``, for palettes that declare ``phase``; its real part for those that declare
        ``real``; else None.
    floor
        (C,) noise power P0 of each channel.
    scale
        How power becomes brightness.
    """

    squared: Tensor | None
    spectrum: Tensor | Parts | None
    floor: Tensor
    scale: ScaleSettings

    @cached_property
    def power(self) -> Tensor:
        """(B, C, F, T) squared magnitudes."""
        if self.squared is not None:
            return self.squared
        return self.complex.real.square() + self.complex.imag.square()

    @property
    def complex(self) -> Tensor | Parts:
        """(B, C, F, T) the spectrum itself."""
        if self.spectrum is None:
            raise ValueError("this palette did not declare that it needs phase")
        return self.spectrum

    @property
    def levels(self) -> Tensor:
        """(B, C, F, T) each channel on the scale, 0..1."""
        return apply_scale(self.scale, self.power / self.floor.view(-1, 1, 1))

    @property
    def total(self) -> Tensor:
        """(B, 1, F, T) the summed power on the scale, 0..1."""
        return apply_scale(self.scale, self.power.sum(1, keepdim=True) / self.floor.sum())

    @property
    def unit(self) -> Tensor | Parts:
        """(B, C, F, T) complex numbers of norm 1: the phase alone; 0 where there is no power."""
        magnitude = (self.power + 1e-12).sqrt()
        return self.complex / magnitude


@dataclass(frozen=True)
class Palette:
    """A way of painting.

    Attributes
    ----------
    name
        Registry key.
    representation
        The representation it was made for, used unless another is asked for.
    channels
        Spectral channels it takes (a complex representation gives two per column); 0 = any number.
    phase
        True when it needs the complex spectrum.
    real
        True when the real part of the spectrum is enough; ``Spectra.spectrum`` is real then.
    paint
        ``Spectra`` -> RGB float (B, 3, F, T) in 0..1.
    note
        One line for ``list``.
    """

    name: str
    representation: str
    channels: int
    phase: bool
    paint: Callable[[Spectra], Tensor]
    note: str
    real: bool = False


def register_palette(
    name: str, *, representation: str, channels: int, note: str, phase: bool = False, real: bool = False
) -> Callable[[Callable[[Spectra], Tensor]], Callable[[Spectra], Tensor]]:
    """Decorator that adds a painting function to the registry under ``name``; decorators stack."""

    def register(paint: Callable[[Spectra], Tensor]) -> Callable[[Spectra], Tensor]:
        PALETTES.add(name, Palette(name, representation, channels, phase, paint, note, real))
        return paint

    return register


@register_palette(
    "tetrahedron",
    representation="tetrahedron",
    channels=3,
    note="|X| of the three tetrahedral axes; C and G look alike",
)
@register_palette(
    "anastassiou_2",
    representation="anastassiou_2",
    channels=3,
    note="second map: A blue, C green, G yellow-like, T red",
)
@register_palette(
    "delta_z",
    representation="delta_z",
    channels=3,
    note="red = purine/pyrimidine, green = amino/keto, blue = weak/strong",
)
def channels_as_rgb(spectra: Spectra) -> Tensor:
    """Three channels, one primary colour each."""
    return spectra.levels


@register_palette(
    "half_axes",
    representation="complex_1",
    channels=2,
    note="red = positive half-axis, blue = negative, green = their mean",
)
def half_axes_as_red_and_blue(spectra: Spectra) -> Tensor:
    """Both halves of a complex signal's spectrum: red where it turns one way, blue the other way, grey for both."""
    positive, negative = spectra.levels.chunk(2, dim=1)
    return torch.cat([positive, (positive + negative) / 2, negative], dim=1)


# A blue, C green, G yellow, T red, as in GBrowse's Spectrogram.pm.
_VOSS_COLOURS = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


@register_palette("voss", representation="voss", channels=4, note="four indicator levels laid over each other as light")
def screen_mix(spectra: Spectra) -> Tensor:
    """Screen blend 1 - prod_b(1 - level_b colour_b): stays in 0..1 without clipping."""
    levels = spectra.levels
    colours = levels.new_tensor(_VOSS_COLOURS)
    dark = 1 - levels.unsqueeze(2) * colours.view(1, 4, 3, 1, 1)
    return 1 - dark[:, 0] * dark[:, 1] * dark[:, 2] * dark[:, 3]


@register_palette(
    "voss_power", representation="voss", channels=4, note="indicator powers mixed as colours, then scaled"
)
def power_mix(spectra: Spectra) -> Tensor:
    """Mix powers first, scale after: red = T + G, green = C + G, blue = A."""
    colours = spectra.power.new_tensor(_VOSS_COLOURS)
    mixed = torch.einsum("bcft,ck->bkft", spectra.power, colours)
    return apply_scale(spectra.scale, mixed / (spectra.floor @ colours).view(-1, 1, 1))


@register_palette("hue", representation="purine", channels=1, phase=True, note="hue = phase, value = level")
def hue_value(spectra: Spectra) -> Tensor:
    """Smooth colour wheel: primary k is level (1 + cos(phase - 2 pi k / 3)) / 2; level and phase can be read back."""
    level, unit = spectra.levels, spectra.unit
    turns = [2 * math.pi * k / 3 for k in range(3)]
    waves = torch.cat([unit.real * math.cos(turn) + unit.imag * math.sin(turn) for turn in turns], dim=1)
    return level * (1 + waves).clamp_min(0) / 2


@register_palette(
    "cosine",
    representation="delta_z",
    channels=3,
    phase=True,
    note="level times cosine of the phase, about grey",
)
def cosine_of_phase(spectra: Spectra) -> Tensor:
    """(1 + level cos(phase)) / 2 for each channel: mid-grey is silence."""
    return (1 + spectra.levels * spectra.unit.real) / 2


@register_palette(
    "real",
    representation="delta_z",
    channels=3,
    phase=True,
    real=True,
    note="real part of the spectrum about grey, linear; unless clipped, the letters of windows up to 223 nt can be read back",
)
def real_part(spectra: Spectra) -> Tensor:
    """(1 + Re X / sqrt(ceiling P0)) / 2, clipped: a cosine transform, so phase and magnitude in one number.

    The cosine transform of a causal window of at most n_fft / 2 letters is invertible: nothing is lost but rounding and what
    is clipped.
    The scale's ``ceiling`` sets the range; its kind does not matter, since signs need a linear one.
    """
    gain = 0.5 / (spectra.floor * spectra.scale.ceiling).sqrt().view(-1, 1, 1)
    return spectra.complex.real.mul(gain).add_(0.5).clamp_(0, 1)  # in place: see above


def _colormap(name: str) -> Palette:
    import matplotlib  # here, since it is slow to import and only this family needs it

    if name not in matplotlib.colormaps:
        raise UnknownName("matplotlib colormap", name, matplotlib.colormaps)
    table = torch.from_numpy(matplotlib.colormaps[name].resampled(256)(range(256))[:, :3]).float()

    def paint(spectra: Spectra) -> Tensor:
        """Total level through the table, interpolated between entries so that gradients flow."""
        position = spectra.total[:, 0] * 255
        below = position.detach().floor().clamp(0, 254)
        share = (position - below).unsqueeze(-1)
        rows, index = table.to(position.device), below.long()
        return torch.lerp(rows[index], rows[index + 1], share).permute(0, 3, 1, 2)

    return Palette(f"colormap:{name}", "voss", 0, False, paint, "summed power through a matplotlib colormap")


PALETTES.add_family("colormap", _colormap)
