"""Barcode maps of a run: its inputs letter by letter, and what it says of them against the truth, epoch by epoch.

Drawn from ``barcodes.safetensors`` alone; which examples and labels are in it stands in ``classify.barcodes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from classify.barcodes import FILE, Barcodes, read_barcodes
from classify.reporting.figures import DPI, GREY, LETTER_COLOURS, png, shown
from specgen.files import write_atomic
from specgen.sequences import Codes, encode

__all__ = ["draw_barcodes", "epochs_figure", "inputs_figure", "maps_figure"]

FEW = 4
"""Labels up to which each has a panel of all examples; of more, some examples have a panel of all labels."""

PANELS = 6
"""Examples with a panel of their own."""

ROWS = 24
"""Epochs that are drawn; of more, as many evenly spread ones, with the first, the last and the one that was kept."""

LETTERS = 400
"""nt that are drawn, those in the middle: of more a letter would be less than two pixels wide."""

UNKNOWN_COLOUR, OTHER_COLOUR = "#c9c9c9", "#8c8c8c"
GAP = 0.5
"""Rows of white between the truth and the epochs."""


def _colours() -> Colormap:
    """Probability from white to dark blue; grey for a label that is not known."""
    return colormaps["Blues"].with_extremes(under=UNKNOWN_COLOUR)


def _cells(axes: Axes, values: NDArray[Any], top: float = 0.0) -> None:
    """A row of cells a row of values, downwards from y = ``top``; thin white lines keep neighbours apart."""
    rows, columns = values.shape
    width = 0.4 if columns <= 64 and rows <= 64 else 0.0
    axes.pcolormesh(
        np.arange(columns + 1), np.arange(rows + 1) + top, values, cmap=_colours(), vmin=0, vmax=1,
        edgecolors="white" if width else "none", linewidth=width,
    )  # fmt: skip


def _bare(axes: Axes, columns: int, rows: float) -> None:
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.tick_params(length=0)
    axes.spines[:].set_color(UNKNOWN_COLOUR)


def _names(axes: Axes, names: Sequence[str]) -> None:
    """Names of labels below their columns."""
    places = np.arange(len(names)) + 0.5
    axes.set_xticks(places, [shown(name, 28) for name in names], rotation=90, fontsize=7 if len(names) > 12 else 8)


def _room(names: Sequence[str]) -> float:
    """Inches that names of labels take below their columns."""
    return 0.2 + 0.06 * max((len(shown(name, 28)) for name in names), default=0)


def _legend(figure: Figure, barcodes: Barcodes) -> None:
    """What the colours say."""
    colours = _colours()
    patches = [
        Patch(facecolor=colours(value), edgecolor=GREY, linewidth=0.5, label=label)
        for value, label in ((0.0, "0"), (0.5, "probability one half"), (1.0, "1: holds"))
    ]
    if (barcodes.truth < 0).any():
        patches.append(Patch(facecolor=UNKNOWN_COLOUR, edgecolor=GREY, linewidth=0.5, label="not known"))
    figure.legend(handles=patches, loc="outside upper right", ncols=4, frameon=False, fontsize=8)


def _epochs(count: int, best: int | None) -> list[int]:
    """Epochs that are drawn, from 1."""
    if count <= ROWS:
        return list(range(1, count + 1))
    spread = set(np.linspace(1, count, ROWS).round().astype(int).tolist())
    if best is not None and best not in spread:
        spread.remove(min(spread - {1, count}, key=lambda epoch: abs(epoch - best)))
        spread.add(best)
    return sorted(spread)


def epochs_figure(barcodes: Barcodes, best: int | None = None) -> Figure:
    """The truth as one strip, and below it a strip of probabilities for each epoch; ``best`` is the one that was kept.

    Up to ``FEW`` labels have a panel each, with a column for each example; of more labels ``PANELS`` examples have one, those
    that hold most of them, with a column for each label.
    """
    few = len(barcodes.names) <= FEW
    if few:
        titles, truth, chances = barcodes.names, barcodes.truth.T, barcodes.probabilities.transpose(0, 2, 1)
    else:
        held = np.sort(np.argsort(-(barcodes.truth == 1).sum(axis=1), kind="stable")[:PANELS])
        titles = tuple(barcodes.ids[i] for i in held)
        truth, chances = barcodes.truth[held], barcodes.probabilities[:, held]
    epochs, columns = _epochs(len(chances), best), truth.shape[1]
    height = 1 + GAP + len(epochs)
    each = max(0.9, 0.14 * height) + 0.3
    below = 0.5 if few else 0.9 + _room(barcodes.names)
    size = (min(11, max(6, 1.6 + 0.19 * columns)), 0.4 + each * len(titles) + below)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    panels = figure.subplots(len(titles), 1, squeeze=False)[:, 0]
    for row, (axes, title) in enumerate(zip(panels, titles, strict=True)):
        _cells(axes, truth[[row]].astype(float))
        _cells(axes, chances[[epoch - 1 for epoch in epochs], row], 1 + GAP)
        _bare(axes, columns, height)
        axes.set_title(shown(title, 60), loc="left", fontsize=9)
        # Names of epochs need room: as many as fit, and always the one that was kept.
        step = int(np.ceil(len(epochs) / 8))
        named = [
            i for i, epoch in enumerate(epochs) if epoch == best or (i % step == 0 and not _beside(i, epochs, best))
        ]
        words = [f"kept: {epochs[i]}" if epochs[i] == best else str(epochs[i]) for i in named]
        axes.set_yticks([0.5, *(1 + GAP + i + 0.5 for i in named)], ["true", *words], fontsize=7)
        axes.set_xticks([])
        axes.set_ylabel("epoch", fontsize=8)
    if few:
        panels[-1].set_xlabel(f"{columns} validation examples, in the order of their labels", fontsize=9)
    else:
        _names(panels[-1], barcodes.names)
    _legend(figure, barcodes)
    return figure


def _beside(place: int, epochs: Sequence[int], best: int | None) -> bool:
    """Whether a name there would touch that of the epoch that was kept."""
    return len(epochs) > 8 and best in epochs and abs(place - epochs.index(best)) == 1


def maps_figure(barcodes: Barcodes, best: int | None = None) -> Figure:
    """All examples (rows) and labels (columns): the truth above the probabilities of the first epoch and of the one kept."""
    last = best if best is not None and 1 <= best <= len(barcodes.probabilities) else len(barcodes.probabilities)
    parts: list[tuple[str, NDArray[Any]]] = [("true labels", barcodes.truth)]
    if last != 1:
        parts.append(("probabilities after epoch 1", barcodes.probabilities[0]))
    kept = " (kept)" if last == best else ""
    parts.append((f"probabilities after epoch {last}{kept}", barcodes.probabilities[last - 1]))
    m, c = barcodes.truth.shape
    below = 0.4 + _room(barcodes.names)
    size = (min(11, max(6, 1.2 + 0.19 * c)), 0.4 + (0.3 + 0.075 * max(m, 10)) * len(parts) + below)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    panels = figure.subplots(len(parts), 1, squeeze=False)[:, 0]
    for axes, (title, values) in zip(panels, parts, strict=True):
        _cells(axes, values)
        _bare(axes, c, m)
        axes.set_title(title, loc="left", fontsize=9)
        axes.set_yticks([])
        axes.set_xticks([])
        axes.set_ylabel(f"{m} examples", fontsize=8)
    _names(panels[-1], barcodes.names)
    _legend(figure, barcodes)
    return figure


def _picture(codes: Codes) -> NDArray[np.float64]:
    """float64 (m, L, 3): each letter in its colour, ambiguous ones grey, padding white."""
    colours = np.tile(to_rgb(OTHER_COLOUR), (16, 1))
    colours[0] = 1.0
    for letter, colour in LETTER_COLOURS.items():
        colours[encode(letter)[0]] = to_rgb(colour)
    found: NDArray[np.float64] = colours[codes]
    return found


def inputs_figure(barcodes: Barcodes) -> Figure:
    """The letters of the examples as bars, a row each, beside their true labels; ``barcodes.codes`` has to be there."""
    assert barcodes.codes is not None
    m, window = barcodes.codes.shape
    first = max(0, (window - LETTERS) // 2)
    codes = barcodes.codes[:, first : first + LETTERS]
    c, few = len(barcodes.names), len(barcodes.names) <= FEW
    below = max(0.7, _room(barcodes.names)) if few else 0.7
    figure = Figure(figsize=(11, 0.6 + 0.1 * max(m, 12) + below), dpi=DPI, layout="constrained")
    share = min(0.35, 0.012 * c if not few else 0.025 * c)
    left, right = figure.subplots(1, 2, width_ratios=[share, 1 - share])
    _cells(left, barcodes.truth.astype(float))
    _bare(left, c, m)
    left.set_yticks([])
    left.set_xticks([])
    if few:
        _names(left, barcodes.names)
    else:
        left.set_xlabel(f"{c} labels", fontsize=9)
    left.set_title("true", fontsize=9)
    right.imshow(
        _picture(codes),
        aspect="auto",
        interpolation="nearest",
        extent=(first + 0.5, first + codes.shape[1] + 0.5, m, 0),
    )
    right.hlines(np.arange(1, m), *right.get_xlim(), color="white", linewidth=0.8)
    right.set_yticks([])
    right.spines[:].set_color(UNKNOWN_COLOUR)
    middle = f", the middle {codes.shape[1]:,} of {window:,}" if len(codes.T) < window else ""
    right.set_xlabel(f"place in the window [nt]{middle}")
    patches = [Patch(color=colour, label=letter) for letter, colour in LETTER_COLOURS.items()]
    if len(set(np.unique(codes).tolist()) - {0, *(int(encode(letter)[0]) for letter in LETTER_COLOURS)}):
        patches.append(Patch(color=OTHER_COLOUR, label="ambiguous"))
    figure.legend(handles=patches, loc="outside upper right", ncols=5, frameon=False, fontsize=9)
    return figure


def draw_barcodes(run: Path, best: int | None) -> list[Path]:
    """Draw the barcode maps of a run into ``figures``; returns their paths in reading order, none where it kept no sample.

    Parameters
    ----------
    best
        The epoch that was kept, from 1.

    Raises
    ------
    InputError
        ``barcodes.safetensors`` is damaged.
    """
    if not (run / FILE).is_file():
        return []
    barcodes = read_barcodes(run / FILE)
    if not barcodes.truth.size:
        return []
    drawn = {} if barcodes.codes is None else {"barcode_inputs": inputs_figure(barcodes)}
    if len(barcodes.probabilities):
        drawn["barcode_epochs"] = epochs_figure(barcodes, best)
        if len(barcodes.names) > FEW:
            drawn["barcode_maps"] = maps_figure(barcodes, best)
    return [write_atomic(run / "figures" / f"{name}.png", png(figure)) for name, figure in drawn.items()]
