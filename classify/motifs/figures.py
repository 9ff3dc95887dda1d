"""Drawings of motifs: sequence logos, co-activation, and the activation maps of a sequence with its motifs marked.

Functions take arrays and return a ``Figure``; no file is touched. logomaker (Tareen & Kinney 2020, Bioinformatics 36:2272)
draws the letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import logomaker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from classify.motifs.maps import LetterMap
from classify.motifs.matrices import PSEUDOCOUNT, UNIFORM, Floats, Motif
from classify.reporting.figures import COLOURS, DPI, LETTER_COLOURS, shown
from specgen.sequences import BASES, Codes, decode

__all__ = [
    "Mark",
    "coactivation_figure",
    "coactivation_order",
    "draw_logo",
    "logo_figure",
    "maps_figure",
]

LOWEST = 0.02
"""Bits of the lowest letter that is drawn in a logo."""


LEGIBLE = 210
"""nt whose letters are written above a map; in longer windows they would lie on each other."""


class Mark(NamedTuple):
    """Where a motif lies in a window: 0-based half-open letters, and what to write there."""

    start: int
    stop: int
    name: str


def draw_logo(axes: Axes, heights: Floats, first: int = 0, lowest: float = LOWEST) -> None:
    """Letters of the given heights (w, 4), above and below zero, at x = ``first``, ``first`` + 1, ..."""
    # A letter too low to be seen costs as much time as any other.
    seen = np.where(np.abs(heights) < lowest, 0, heights)
    frame = pd.DataFrame(seen, columns=list(BASES), index=np.arange(len(heights)) + first)
    logomaker.Logo(frame, ax=axes, color_scheme=LETTER_COLOURS, show_spines=False)


def logo_figure(
    motif: Motif, core: tuple[int, int] | None = None, *, background: Floats = UNIFORM, pseudocount: float = PSEUDOCOUNT
) -> Figure:
    """The logo of a motif, bits from 0 to 2 or more; places outside ``core`` (0-based half-open) are greyed."""
    heights = motif.heights(background, pseudocount)
    figure = Figure(figsize=(max(1.6, 0.22 * len(motif) + 0.5), 0.95), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    draw_logo(axes, heights)
    top = max(2.0, float(heights.sum(axis=1).max()) * 1.02)
    if core is not None:
        for low, high in ((0, core[0]), (core[1], len(motif))):
            if high > low:
                axes.axvspan(low - 0.5, high - 0.5, color="#e8e8e8", alpha=0.75, linewidth=0, zorder=3)
    axes.set_ylim(0, top)
    axes.set_xlim(-0.5, len(motif) - 0.5)
    axes.set_xticks([])
    axes.set_yticks([0, 1, 2])
    axes.tick_params(labelsize=7)
    axes.set_ylabel("bits", fontsize=7)
    axes.spines["left"].set_visible(True)
    return figure


def coactivation_order(correlation: Floats) -> NDArray[np.int64]:
    """Filters with an answer that changes, those that answer alike beside each other (average linkage of 1 - r)."""
    alive = np.flatnonzero(~np.isnan(np.diag(correlation)))
    if len(alive) < 3:
        return alive
    distance = 1 - correlation[np.ix_(alive, alive)]
    np.fill_diagonal(distance, 0)
    ordered: NDArray[np.int64] = alive[
        leaves_list(linkage(squareform(distance, checks=False), "average", optimal_ordering=True))
    ]
    return ordered


def coactivation_figure(correlation: Floats, names: Sequence[str]) -> Figure:
    """Correlation of the filters' largest activations, -1 to 1, in the order of ``coactivation_order``."""
    order = coactivation_order(correlation)
    side = min(14.0, 3.0 + 0.14 * len(order))
    figure = Figure(figsize=(side + 1, side), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(correlation[np.ix_(order, order)], vmin=-1, vmax=1, cmap="RdBu_r", interpolation="nearest")
    labels = [shown(names[i], 16) for i in order]
    axes.set_xticks(range(len(order)), labels, rotation=90, fontsize=6)
    axes.set_yticks(range(len(order)), labels, fontsize=6)
    figure.colorbar(picture, ax=axes, shrink=0.7, label="correlation of largest activations")
    return figure


def maps_figure(
    window: Codes, maps: Sequence[LetterMap], marks: Sequence[Mark] = (), *, title: str = "", rows: int = 24,
    names: Sequence[Sequence[str]] = (),
) -> Figure:  # fmt: skip
    """The letters of a window, and below them the activations of layers as heat maps, on one axis in nt.

    Parameters
    ----------
    window
        uint8 (L,).
    maps
        See ``letter_maps``; each place is drawn at the middle of the letters that it depends on.
    marks
        Motifs, drawn as boxes across all maps.
    rows
        Channels drawn of each map: those with the largest values, in the order of the channels.
    names
        Of each map's channels; their numbers where there are none.
    """
    drawn = [_largest(one, rows) for one in maps]
    heights = [0.55, *(0.5 + 0.13 * len(channels) for channels in drawn)]
    width = float(np.clip(0.11 * len(window), 8, 16))
    figure = Figure(figsize=(width, 1.1 + sum(heights)), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False, sharex=True)[:, 0]
    _draw_letters(axes[0], window)
    for index, (place, one, channels) in enumerate(zip(axes[1:], maps, drawn, strict=True)):
        _draw_map(place, one, channels, names[index] if index < len(names) else ())
    for number, mark in enumerate(marks):
        colour = COLOURS[number % len(COLOURS)]
        for place in axes:
            place.axvspan(mark.start - 0.5, mark.stop - 0.5, facecolor="none", edgecolor=colour, linewidth=1.2)
        axes[0].text(
            (mark.start + mark.stop - 1) / 2, 1.05 + 0.5 * (number % 2), shown(mark.name, 18), color=colour, fontsize=6,
            ha="center", va="bottom", clip_on=False,
        )  # fmt: skip
    axes[0].set_xlim(-0.5, len(window) - 0.5)
    axes[-1].set_xlabel("place in the window [nt]")
    figure.suptitle(shown(title, 100), fontsize=9)
    return figure


def _largest(one: LetterMap, rows: int) -> NDArray[np.int64]:
    order = np.argsort(-one.values.max(axis=1), kind="stable")[:rows]
    told: NDArray[np.int64] = np.sort(order)
    return told


def _draw_letters(axes: Axes, window: Codes) -> None:
    size = 7 if len(window) <= 150 else 4
    axes.set_ylim(0, 1)
    axes.axis("off")
    if len(window) > LEGIBLE:
        return
    for index, letter in enumerate(decode(window)):
        axes.text(
            index, 0.5, letter, color=LETTER_COLOURS.get(letter, "#6e6e6e"), fontsize=size, ha="center", va="center",
            family="monospace", weight="bold", clip_on=True,
        )  # fmt: skip


def _draw_map(axes: Axes, one: LetterMap, channels: NDArray[np.int64], names: Sequence[str]) -> None:
    known = ~np.isnan(one.middle)
    middle = one.middle[known]
    values = one.values[np.ix_(channels, np.flatnonzero(known))]
    # A cell reaches half way to its neighbours, so that places at any distance stand where their letters are.
    inner = (middle[1:] + middle[:-1]) / 2
    first, last = (middle[1] - middle[0], middle[-1] - middle[-2]) if len(middle) > 1 else (1.0, 1.0)
    edges = np.concatenate([[middle[0] - first / 2], inner, [middle[-1] + last / 2]])
    mesh = axes.pcolormesh(edges, np.arange(len(channels) + 1), values, cmap="magma_r", vmin=0)
    axes.set_yticks(
        np.arange(len(channels)) + 0.5, [shown(names[i], 18) if names else str(i) for i in channels], fontsize=5
    )
    axes.invert_yaxis()
    axes.set_ylabel(f"{shown(one.name)}", fontsize=7)
    axes.figure.colorbar(mesh, ax=axes, pad=0.01, fraction=0.03).ax.tick_params(labelsize=6)
