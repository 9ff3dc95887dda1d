"""Drawings of explanations: a window with its frames, attribution, picture and Grad-CAM map; and the measurements.

Functions take arrays and return a ``Figure``; none touches pyplot or a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from classify.interpretation.frames import read_frames
from classify.interpretation.measures import CURVES
from classify.reporting.figures import BLUE, DPI, GREY, SKY, VERMILION, shown
from specgen.sequences import Codes

__all__ = ["Drawn", "measures_figure", "picture_edges", "smoothed", "window_figure"]

GREEN = "#009E73"


@dataclass(frozen=True)
class Drawn:
    """What is drawn of one window.

    Attributes
    ----------
    title
        Printed as plain text, shortened.
    codes
        uint8 (L,).
    start
        Place of the first letter in the record, 0-based.
    cds
        The known CDS, 0-based half-open in the record.
    letters
        (L,) log-odds of each nucleotide.
    picture
        uint8 (H, W, 3).
    cam
        (H, W) >= 0.
    columns
        (W,) place in the window of the middle of each column's frame, nt.
    bands
        Bands of the picture, the first on top.
    smooth
        Letters of the moving mean.
    """

    title: str
    codes: Codes
    start: int = 0
    cds: tuple[int, int] | None = None
    letters: NDArray[np.float64] | None = None
    picture: NDArray[np.uint8] | None = None
    cam: NDArray[np.float32] | None = None
    columns: NDArray[np.float64] | None = None
    smooth: int = 33
    bands: int = 1


def smoothed(letters: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Moving mean (L,) over ``width`` letters, centred; over those that there are at the ends."""
    around = np.ones(min(width, len(letters)))
    total = np.convolve(letters, around, "same")
    count = np.convolve(np.ones(len(letters)), around, "same")
    mean: NDArray[np.float64] = total / count
    return mean


def window_figure(drawn: Drawn) -> Figure:
    """Reading frames; attribution, raw and smoothed; picture; Grad-CAM over it: what there is, above one axis in nt."""
    rows = [(_draw_frames, 1.3)]
    rows += [(_draw_letters, 1.8)] if drawn.letters is not None else []
    rows += [(_draw_picture, 2.2)] if drawn.picture is not None else []
    rows += [(_draw_cam, 2.2)] if drawn.cam is not None else []
    heights = [height for _, height in rows]
    figure = Figure(figsize=(10, 1.2 + sum(heights)), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for place, (draw, _) in zip(axes, rows, strict=True):
        draw(place, drawn)
        place.set_xlim(drawn.start, drawn.start + len(drawn.codes))
        place.spines[["top", "right"]].set_visible(False)
        if drawn.cds:
            for edge in drawn.cds:
                place.axvline(edge, color=GREEN, linewidth=1, linestyle="--")
    axes[-1].set_xlabel("place in the record [nt]")
    figure.suptitle(shown(drawn.title, 100), fontsize=10)
    return figure


def _draw_frames(axes: Axes, drawn: Drawn) -> None:
    frames = read_frames(drawn.codes)
    begin, end = frames.longest
    if end > begin:
        axes.barh(
            begin % 3, end - begin, left=drawn.start + begin, height=0.7, color=SKY, alpha=0.5, label="longest ORF"
        )
    if drawn.cds:
        low, high = (max(drawn.start, min(edge, drawn.start + len(drawn.codes))) for edge in drawn.cds)
        axes.barh(3, high - low, left=low, height=0.5, color=GREEN, label="CDS")
    for places, colour, name in ((frames.stops, VERMILION, "stop"), (frames.starts, BLUE, "ATG")):
        axes.vlines(places + drawn.start, places % 3 - 0.35, places % 3 + 0.35, color=colour, linewidth=1, label=name)
    axes.set_ylim(3.5 if drawn.cds else 2.5, -0.5)
    axes.set_yticks([0, 1, 2], ["+1", "+2", "+3"])
    axes.set_ylabel("frame")
    axes.legend(frameon=False, fontsize=7, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)


def _draw_letters(axes: Axes, drawn: Drawn) -> None:
    assert drawn.letters is not None
    place = drawn.start + np.arange(len(drawn.letters)) + 0.5
    colours = [VERMILION if value >= 0 else BLUE for value in drawn.letters]
    axes.vlines(place, 0, drawn.letters, colors=colours, alpha=0.5, linewidth=1)
    right = axes.twinx()
    right.plot(place, smoothed(drawn.letters, drawn.smooth), color="black", linewidth=1.4)
    for side, values in ((axes, drawn.letters), (right, smoothed(drawn.letters, drawn.smooth))):
        most = float(np.abs(values).max()) * 1.05 or 1.0
        side.set_ylim(-most, most)  # one zero for both
    right.spines[["top"]].set_visible(False)
    right.set_ylabel(f"mean of {drawn.smooth} nt (line)", fontsize=8)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.set_ylabel("log-odds a letter", fontsize=8)


def picture_edges(columns: NDArray[np.float64] | None, width: int, start: float, length: int) -> tuple[float, float]:
    """Left and right edge in nt of a picture ``width`` columns wide of the window at ``start``.

    Its outer columns reach half a column beyond their middle (``columns``, in the window); where that is not known, it is as
    wide as the window.
    """
    if columns is None or len(columns) < 2:
        return float(start), float(start + length)
    first, last = float(columns[0]), float(columns[-1])
    half = (last - first) / (width - 1) / 2
    return start + first - half, start + last + half


def _edges(drawn: Drawn, width: int) -> tuple[float, float]:
    return picture_edges(drawn.columns, width, drawn.start, len(drawn.codes))


def _draw_picture(axes: Axes, drawn: Drawn) -> None:
    assert drawn.picture is not None
    low, high = _edges(drawn, drawn.picture.shape[1])
    _draw_rows(axes, drawn, drawn.picture, (low, high), "picture")


def _draw_cam(axes: Axes, drawn: Drawn) -> None:
    assert drawn.cam is not None
    low, high = _edges(drawn, drawn.cam.shape[1])
    # The map is the colour, the picture (if there is one) its brightness.
    colours = colormaps["inferno"](drawn.cam / (float(drawn.cam.max()) or 1.0))[..., :3]
    if drawn.picture is not None:
        grey = drawn.picture.max(axis=2, keepdims=True) / max(1, int(drawn.picture.max()))
        colours = colours * (0.5 + 0.5 * grey)
    _draw_rows(axes, drawn, colours, (low, high), "Grad-CAM")


def _draw_rows(axes: Axes, drawn: Drawn, rows: NDArray[Any], across: tuple[float, float], what: str) -> None:
    """Rows of one band are frequencies; of several, each band goes from 0 below to 1/2 above."""
    shown = axes.get_xlim()
    axes.imshow(rows, extent=(*across, *((0, 0.5) if drawn.bands == 1 else (drawn.bands, 0))), aspect="auto")
    axes.set_xlim(shown)  # blank columns go on behind the letters
    if drawn.bands == 1:
        axes.set_ylabel(f"{what}\n[cycles/base]", fontsize=8)
        return
    axes.set_yticks(np.arange(drawn.bands) + 0.5, [f"+{band + 1}" for band in range(drawn.bands)])
    axes.set_ylabel(f"{what}, band\n(0 to 1/2 cycles/base)", fontsize=8)


def measures_figure(body: dict[str, Any]) -> Figure:
    """Enrichment inside the CDS with intervals beside its nulls, and the insertion and deletion curves."""
    figure = Figure(figsize=(10, 4), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    kinds = list(body["enrichment"])
    for row, kind in enumerate(kinds):
        for shift, (name, entry) in enumerate(body["enrichment"][kind].items()):
            if not np.isfinite(entry["value"]):
                continue
            colour = (VERMILION, GREY, SKY, BLUE)[shift]
            y = row + 0.15 * (shift - 1)
            left.plot(entry["value"], y, "o", color=colour, label=name if row == 0 else None)
            left.plot([entry["low"], entry["high"]], [y, y], color=colour)
    left.axvline(1, color=GREY, linestyle=":")
    left.set_yticks(range(len(kinds)), kinds)
    left.set_ylim(len(kinds) - 0.5, -0.5)
    left.set_xlabel("share of the attribution in the CDS / share of the letters")
    if left.get_legend_handles_labels()[0]:  # none where no window was called
        left.legend(frameon=False, fontsize=8)
    if body["curves"]:
        x = np.array(body["curves"]["x"])
        curves = {name: np.array(body["curves"]["log_odds"][name]) for name in CURVES}
        right.plot(x, curves["insertion"], color=VERMILION, label="insertion, best first")
        right.plot(x, curves["deletion"], color=BLUE, label="deletion, best first")
        right.plot(x, curves["random"], "--", color=VERMILION, alpha=0.5, label="insertion, random")
        right.plot(x, curves["random"][::-1], "--", color=BLUE, alpha=0.5, label="deletion, random")
        right.legend(frameon=False, fontsize=8)
    right.set_xlabel("share of the blocks inserted or deleted")
    right.set_ylabel("mean log-odds")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
