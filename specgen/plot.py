"""Drawings for people: the signal, the spectrogram with axes, and the picture that a network sees."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from librosa.display import specshow
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, ScalarFormatter

from specgen.colour import PALETTES
from specgen.image import Imager, to_uint8
from specgen.representations import REPRESENTATIONS
from specgen.sequences import Codes
from specgen.settings import ImageSettings

__all__ = ["Drawn", "gallery_figures", "show_figure"]


class Drawn(NamedTuple):
    """One entry of a gallery: "representation" or "palette", its name, what is said of it, and its drawing."""

    kind: str
    name: str
    note: str
    figure: Figure


_SHOWN = 120
"""Letters of a signal that a gallery shows; of more, single ones cannot be seen."""


def gallery_figures(codes: Codes, settings: ImageSettings) -> Iterator[Drawn]:
    """A drawing of the same window for each registered representation, then for each palette, plug-ins included.

    A representation shows the signal of its first 120 letters, and the picture of all with their summed power in a colormap,
    which takes any number of channels. A palette shows its picture, of the representation that it was made for.

    Parameters
    ----------
    codes
        uint8 (L,), L >= the spectrogram's window.
    settings
        Of all pictures, but for palette and representation.
    """
    batch = torch.from_numpy(codes.copy())[None]

    def picture(axes: object, imager: Imager) -> None:
        with torch.inference_mode():
            painted = to_uint8(imager(batch))[0]
        middles = settings.middles(len(codes))
        axes.imshow(painted, extent=(middles[0], middles[-1], 0, 0.5), aspect="auto")  # type: ignore[attr-defined]
        axes.set(xlabel="centre of the window [bp]", ylabel="frequency [cycles/base]")  # type: ignore[attr-defined]

    for name in REPRESENTATIONS:
        imager = Imager(dataclasses.replace(settings, palette="colormap:viridis", representation=name))
        figure = Figure(figsize=(8, 3), layout="constrained")
        left, right = figure.subplots(1, 2)
        with torch.inference_mode():
            _draw_signal(left, imager.signal(batch)[0, :, :_SHOWN].numpy(), imager, 0)
        picture(right, imager)
        yield Drawn("representation", name, REPRESENTATIONS[name].source, figure)
    for name in PALETTES:
        figure = Figure(figsize=(4, 3), layout="constrained")
        imager = Imager(dataclasses.replace(settings, palette=name, representation=""))
        picture(figure.subplots(), imager)
        yield Drawn("palette", name, f"{PALETTES[name].note} (of `{imager.signal.representation.name}`)", figure)


def show_figure(codes: Codes, settings: ImageSettings, *, title: str, start: int = 0) -> Figure:
    """Three panels of one window.

    Parameters
    ----------
    codes
        uint8 (L,), L >= the spectrogram's window.
    title
        Printed as plain text, shortened to 80 characters.
    start
        Position of the first letter in its record (0-based), for the axes.

    Returns
    -------
    Figure
        Signal of each channel against position [bp]; power over the noise floor [dB] against position and frequency
        [cycles/base]; the RGB picture.
    """
    imager = Imager(settings)
    batch = torch.from_numpy(codes.copy())[None]
    with torch.inference_mode():
        signal = imager.signal(batch)
        power = (imager.spectrogram.power(signal) / imager.floor.view(-1, 1, 1)).mean(1)[0].numpy()
        picture = to_uint8(imager(batch))[0]
    figure = Figure(figsize=(9, 10), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, height_ratios=(1, 2, 2))
    _draw_signal(top, signal[0].numpy(), imager, start)
    spectrogram = settings.spectrogram
    centres = spectrogram.starts(len(codes)) + spectrogram.window / 2 + start
    mesh = specshow(
        10 * np.log10(np.maximum(power, 1e-3)),
        x_coords=centres,
        y_coords=spectrogram.frequencies,
        ax=middle,
        cmap="viridis",
        vmin=-10,
        vmax=18,
    )
    middle.annotate(
        "1/3 ", (0, 1 / 3), xycoords=("axes fraction", "data"), ha="right", va="center", color="C3", fontsize=9
    )
    for axis in (middle.xaxis, middle.yaxis):  # specshow without a known unit leaves the axes bare
        axis.set_major_locator(AutoLocator())
        axis.set_major_formatter(ScalarFormatter())
    middle.set(xlabel="centre of the window [bp]", ylabel="frequency [cycles/base]")
    middle.set_title(f"mean power of the channels; window {spectrogram.window} nt, {spectrogram.taper}", fontsize=9)
    figure.colorbar(mesh, ax=middle, label="power over noise [dB]")
    middles = settings.middles(len(codes)) + start
    upper, lower = (0.5, 0.0) if settings.bands == 1 else (0.0, float(settings.bands))
    bottom.imshow(picture, extent=(float(middles[0]), float(middles[-1]), lower, upper), aspect="auto")
    bottom.set(xlabel="centre of the window [bp]", ylabel="frequency [cycles/base]")
    if settings.bands > 1:
        names = [f"from letter {band + 1}" for band in range(settings.bands)]
        bottom.set_yticks(np.arange(settings.bands) + 0.5, names)
        bottom.set_ylabel("band, each from 0 to 1/2 cycles/base upwards")
    bottom.set_title(f"picture, {picture.shape[1]} x {picture.shape[0]}, palette {settings.palette}", fontsize=9)
    figure.suptitle((title if len(title) <= 80 else title[:77] + "...").replace("$", r"\$"), fontsize=10)
    return figure


def _draw_signal(axes: object, signal: np.ndarray, imager: Imager, start: int) -> None:
    representation = imager.signal.representation
    parts: list[tuple[str, np.ndarray]] = []
    for name, channel in zip(representation.channels, signal, strict=True):
        if np.iscomplexobj(channel):
            parts += [(f"Re {name}", channel.real), (f"Im {name}", channel.imag)]
        else:
            parts.append((name, channel))
    position = start + np.arange(signal.shape[-1])
    gap = 1.2 * max(float(np.ptp(values)) for _, values in parts) or 1.0
    for row, (_, values) in enumerate(parts):
        axes.step(position, values - row * gap, where="mid", linewidth=0.5)  # type: ignore[attr-defined]
    axes.set_yticks([float(np.mean(v)) - r * gap for r, (_, v) in enumerate(parts)], [n for n, _ in parts])  # type: ignore[attr-defined]
    axes.set(xlabel="position [bp]", xlim=(position[0], position[-1]))  # type: ignore[attr-defined]
    axes.set_title(f"signal: {representation.name}", fontsize=9)  # type: ignore[attr-defined]
