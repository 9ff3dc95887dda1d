"""Drawings of dashboards: rows of letters as high as their scores, a map of mutations, curves, the picture.

Functions take arrays and return a ``Figure`` or draw into ``Axes``; none touches pyplot or a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from classify.dashboard.tracks import Track
from classify.interpretation.figures import picture_edges
from classify.interpretation.sites import Site
from classify.motifs.figures import draw_logo
from classify.reporting.figures import BLUE, DPI, GREY, LETTER_COLOURS, VERMILION, shown
from specgen.sequences import BASES, INDICATORS, Codes

__all__ = ["Board", "board_figure", "matrix_figure"]

LONGEST = 210
"""nt that are drawn as letters; in longer windows a letter would be a dash, and bars in its colour are drawn."""

HALF = 0.5
"""A letter reaches half a place to either side of its own number."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Board:
    """What is drawn of one window.

    Attributes
    ----------
    title
        Printed as plain text, shortened.
    codes
        uint8 (L,).
    start
        Place of the first letter in the record, 0-based.
    tracks
        By method.
    temporal
        Forwards and backwards probability, (L,) each.
    target
        Class of which they are.
    sites
        Known places in the record.
    picture, columns
        uint8 (H, W, 3), and the place in the window of the middle of each of its columns, nt; none for models of letters.
    """

    title: str
    codes: Codes
    start: int
    tracks: Mapping[str, Track]
    temporal: tuple[Floats, Floats]
    target: str
    sites: Sequence[Site] = ()
    picture: NDArray[np.uint8] | None = None
    columns: Floats | None = None


def board_figure(board: Board) -> Figure:
    """Letters with the known sites; each method; temporal scores; the picture: above one axis in nt."""
    length = len(board.codes)
    rows: list[tuple[Callable[[Axes, Board], None], float]] = [(_draw_input, 0.7)]
    for name, track in board.tracks.items():
        rows.append((_drawer_of(name, track), 1.2))
        if track.grid is not None and (track.grid * (INDICATORS[board.codes].T == 0)).any():
            rows.append((_map_of(name, track), 0.9))
    rows.append((_draw_temporal, 1.3))
    if board.picture is not None:
        rows.append((_draw_picture, 1.8))
    heights = [height for _, height in rows]
    figure = Figure(figsize=(min(24, max(10, 0.11 * length)), 0.9 + sum(heights)), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for place, (draw, _) in zip(axes, rows, strict=True):
        draw(place, board)
        place.set_xlim(board.start - HALF, board.start + length - HALF)
        place.spines[["top", "right"]].set_visible(False)
        for site in board.sites:
            if place.images:  # a tint would change what its colours say
                for edge in site[:2]:
                    place.axvline(edge - HALF, color="#009E73", linewidth=0.8)
            else:
                place.axvspan(site.start - HALF, site.end - HALF, color="#009E73", alpha=0.15, linewidth=0)
        if place is not axes[-1]:
            place.set_xticklabels([])
    axes[-1].set_xlabel("place in the record [nt]")
    figure.suptitle(shown(board.title, 100), fontsize=10)
    return figure


def matrix_figure(matrix: Floats, title: str) -> Figure:
    """A matrix (4, L) of probabilities as a logo, letters as high as their information in bits."""
    height = (matrix * (2 + (matrix * np.log2(np.maximum(matrix, 1e-9))).sum(axis=0))).T
    length = len(height)
    figure = Figure(figsize=(min(24, max(8, 0.11 * length)), 2.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    _logo(axes, height, 0)
    axes.set_xlim(-HALF, length - HALF)
    axes.set_ylim(0, max(0.1, float(height.sum(axis=1).max()) * 1.05))
    axes.set_ylabel("bits")
    axes.set_xlabel("place in the window [nt]")
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(shown(title, 100), fontsize=10)
    return figure


def _logo(axes: Axes, heights: Floats, start: int) -> None:
    """Letters (L, 4) as high as their values, above and below zero; bars where there is no room for letters."""
    places = start + np.arange(len(heights))
    if len(heights) > LONGEST:
        for base, letter in enumerate(BASES):
            there = heights[:, base] != 0
            axes.vlines(places[there], 0, heights[there, base], colors=LETTER_COLOURS[letter], linewidth=1)
        return
    draw_logo(axes, heights, start, lowest=0.01 * float(np.abs(heights).max()))


def _drawer_of(name: str, track: Track) -> Callable[[Axes, Board], None]:
    def draw(axes: Axes, board: Board) -> None:
        _logo(axes, track.letters[:, None] * INDICATORS[board.codes], board.start)
        most = float(np.abs(track.letters).max()) * 1.05 or 1.0
        axes.set_ylim(-most if (track.letters < 0).any() else 0, most)
        axes.set_ylabel(f"{name.replace('_', ' ')}\n[{track.unit}]", fontsize=7)

    return draw


def _map_of(name: str, track: Track) -> Callable[[Axes, Board], None]:
    """All four bases at each place."""

    def draw(axes: Axes, board: Board) -> None:
        assert track.grid is not None
        most = float(np.abs(track.grid).max()) or 1.0
        axes.imshow(
            track.grid, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto", interpolation="nearest",
            extent=(board.start - HALF, board.start + len(board.codes) - HALF, 4, 0),
        )  # fmt: skip
        axes.set_yticks(np.arange(4) + 0.5, list(BASES), fontsize=6)
        axes.set_ylabel(f"{name.replace('_', ' ')},\n±{most:.2g}", fontsize=7)

    return draw


def _draw_input(axes: Axes, board: Board) -> None:
    _logo(axes, INDICATORS[board.codes].astype(np.float64), board.start)
    axes.set_ylim(0, 1.02)
    axes.set_yticks([])
    axes.set_ylabel("input", fontsize=7)
    for site in board.sites:
        if site.name:
            axes.text((site.start + site.end) / 2 - HALF, 1.1, site.name[:24], fontsize=7, ha="center", va="bottom")


def _draw_temporal(axes: Axes, board: Board) -> None:
    places = board.start + np.arange(len(board.codes))
    forwards, backwards = board.temporal
    axes.plot(places, forwards, color=VERMILION, label="letters up to here", linewidth=1.2)
    axes.plot(places, backwards, color=BLUE, label="letters from here on", linewidth=1.2)
    axes.axhline(0.5, color=GREY, linewidth=0.5, linestyle=":")
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel(f"p({board.target[:20]})", fontsize=7)
    axes.legend(frameon=False, fontsize=6, ncols=2, loc="lower left", bbox_to_anchor=(0, 0.95), borderaxespad=0)


def _draw_picture(axes: Axes, board: Board) -> None:
    assert board.picture is not None
    low, high = picture_edges(board.columns, board.picture.shape[1], board.start - HALF, len(board.codes))
    axes.imshow(board.picture, extent=(low, high, 0, board.picture.shape[0]), aspect="auto")
    axes.set_yticks([])
    axes.set_ylabel("picture", fontsize=7)
