"""Filters of a first convolution to motifs, through the places of sequences that activate them.

The weights of a filter are no motif: their scale is free, and a weight at a letter that never comes with the others says
nothing. What is counted is which letters lie where the filter answers. Sources: see ``FilterSettings``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classify.motifs.layers import LetterLayer
from classify.motifs.matrices import UNIFORM, Floats, Motif, background_of
from classify.motifs.settings import FilterSettings
from classify.motifs.watching import device_of, onehot
from specgen.sequences import INDICATORS, Codes

__all__ = ["FilterMotif", "Responses", "coactivation", "filter_motifs", "responses"]

AT_ONCE = 256
"""Windows that go through the layer together."""


@dataclass(frozen=True)
class Responses:
    """The largest activation of each filter in each sequence.

    Attributes
    ----------
    values
        float32 (n, filters), at least 0.
    places
        int64 (n, filters): where in the map; the first of equals.
    """

    values: NDArray[np.float32]
    places: NDArray[np.int64]

    @property
    def maxima(self) -> NDArray[np.float32]:
        """(filters,) over all sequences; 0 = a filter that never answers."""
        found: NDArray[np.float32] = self.values.max(axis=0, initial=0.0)
        return found


@dataclass(frozen=True)
class FilterMotif:
    """What a filter looks for.

    Attributes
    ----------
    number
        Of the filter, from 0.
    motif
        Counts of all places of the filter; zero throughout where there are no sites.
    start, stop
        0-based half-open: the places that remain of it when uninformative flanks are cut; equal where none does.
    background
        Base frequencies of the sequences, or equal ones.
    pseudocount
        Letters of the background added to each place.
    sites, left_out
        Sites that were counted; sites that reach into padding or hold too many ambiguity letters.
    sequences
        Sequences with a site.
    maximum, threshold
        The largest activation; that above which (or from which, of the form ``top``) places were sites.
    """

    number: int
    motif: Motif
    start: int
    stop: int
    background: Floats
    pseudocount: float
    sites: int
    left_out: int
    sequences: int
    maximum: float
    threshold: float

    @property
    def core(self) -> Motif | None:
        """The motif without uninformative flanks; None where nothing is left."""
        return self.motif.cut(self.start, self.stop) if self.stop > self.start else None

    @property
    def information(self) -> Floats:
        """(kernel,) bits of each place."""
        return self.motif.information(self.background, self.pseudocount)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[torch.device]:
    """The model as it predicts; the mode it was in comes back."""
    training = model.training
    try:
        model.eval()
        yield device_of(model)
    finally:
        model.train(training)


def _batches(model: nn.Module, layer: LetterLayer, windows: Codes) -> Iterator[tuple[int, Tensor]]:
    """First row and activations (B, filters, places) of each block of windows."""
    with _evaluating(model) as device:
        for low in range(0, len(windows), AT_ONCE):
            yield low, layer.activations(model, onehot(windows[low : low + AT_ONCE], device))


def responses(model: nn.Module, layer: LetterLayer, windows: Codes) -> Responses:
    """The largest activation of each filter in each of the windows, uint8 (n, L)."""
    values = np.zeros((len(windows), layer.filters), dtype=np.float32)
    places = np.zeros((len(windows), layer.filters), dtype=np.int64)
    for low, maps in _batches(model, layer, windows):
        largest, where = maps.max(dim=2)
        values[low : low + len(maps)], places[low : low + len(maps)] = largest.cpu().numpy(), where.cpu().numpy()
    return Responses(values, places)


def filter_motifs(
    model: nn.Module, layer: LetterLayer, windows: Codes, settings: FilterSettings, found: Responses | None = None
) -> list[FilterMotif]:
    """The motif of each filter, in the order of the channels.

    Parameters
    ----------
    model
        That has the layer.
    windows
        uint8 (n, L).
    found
        ``responses`` of the same windows, where they are known already.
    """
    found = found or responses(model, layer, windows)
    background = UNIFORM if settings.background == "uniform" else background_of(windows)
    if settings.form == "top":
        thresholds, sites = _top_sites(found, settings.top)
    elif settings.sites == "best":
        thresholds = settings.share * found.maxima
        rows, filters = np.nonzero((found.values > thresholds) & (found.maxima > 0))
        sites = filters, rows, found.places[rows, filters]
    else:
        thresholds = settings.share * found.maxima
        sites = _every_site(model, layer, windows, thresholds, found.maxima > 0)
    order = np.argsort(sites[0], kind="stable")
    number, row, place = (column[order] for column in sites)
    edges = np.searchsorted(number, np.arange(layer.filters + 1))
    told = []
    for i in range(layer.filters):
        mine = slice(edges[i], edges[i + 1])
        counts, used = _counted(windows, row[mine], layer.starts(place[mine]), layer.offsets, settings.least_plain)
        enough = int(used.sum()) >= settings.fewest
        motif = Motif(f"filter_{i}", counts if enough else np.zeros_like(counts))
        start, stop = motif.core(settings.trim, background, settings.pseudocount) if enough else (0, 0)
        told.append(
            FilterMotif(
                i, motif, start, stop, background, settings.pseudocount, int(used.sum()), int((~used).sum()),
                len(np.unique(row[mine][used])), float(found.maxima[i]), float(thresholds[i]),
            )
        )  # fmt: skip
    return told


Sites = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Filter, window and place in the map of each site."""


def _top_sites(found: Responses, top: int) -> tuple[NDArray[np.float32], Sites]:
    """The best place of the ``top`` windows that each filter is most active in, and the activation of the last one."""
    order = np.argsort(-found.values, axis=0, kind="stable")[:top]
    values = np.take_along_axis(found.values, order, axis=0)
    thresholds = values[-1] if len(values) else np.zeros(found.values.shape[1], dtype=np.float32)
    ranks, filters = np.nonzero(values > 0)
    rows = order[ranks, filters]
    return thresholds, (filters, rows, found.places[rows, filters])


def _every_site(
    model: nn.Module, layer: LetterLayer, windows: Codes, thresholds: NDArray[np.float32], alive: NDArray[np.bool_]
) -> Sites:
    # A filter that never answers has a threshold of 0, which nothing may pass.
    least = torch.from_numpy(np.where(alive, thresholds, np.inf).astype(np.float32))[:, None]
    columns = [np.zeros((3, 0), dtype=np.int64)]
    for low, maps in _batches(model, layer, windows):
        rows, filters, places = torch.nonzero(maps > least.to(maps.device), as_tuple=True)
        columns.append(torch.stack([filters, rows + low, places]).cpu().numpy())
    number, row, place = np.concatenate(columns, axis=1)
    return number, row, place


def _counted(
    windows: Codes, rows: NDArray[np.int64], starts: NDArray[np.int64], offsets: NDArray[np.int64], least_plain: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Counts (kernel, 4) of the letters of sites, and which of the sites (n,) were counted."""
    inside = (starts >= 0) & (starts + offsets[-1] < windows.shape[1])
    letters = windows[rows[:, None], np.clip(starts[:, None] + offsets, 0, windows.shape[1] - 1)]
    plain = INDICATORS.max(axis=1) == 1
    used = inside & (plain[letters].mean(axis=1) >= least_plain) & (letters > 0).all(axis=1)
    letters = letters[used]
    of_codes = np.stack([np.bincount(column, minlength=16) for column in letters.T]).astype(np.float64)
    counts: Floats = of_codes @ INDICATORS.astype(np.float64)
    return counts, used


def coactivation(found: Responses) -> Floats:
    """(filters, filters) Pearson correlation of the filters' largest activations over sequences.

    Filters that answer to the same sequences, as two that have learnt the same motif, or two motifs that occur together, are
    near 1; those that never do at the same time, below 0. nan for a filter whose answer never changes.
    """
    values = found.values.astype(np.float64)
    centred = values - values.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    scale[scale < 1e-9 * (1 + np.abs(values).max(initial=0.0))] = np.nan
    unit = centred / scale
    return np.clip(unit.T @ unit, -1.0, 1.0)
