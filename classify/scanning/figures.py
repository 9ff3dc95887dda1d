"""The figure of a scan: precision against recall of its peaks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from classify.reporting.figures import COLOURS, frame
from classify.scanning.peaks import Calls

__all__ = ["precision_recall"]


def precision_recall(of_kind: Mapping[str, tuple[Calls, Calls]]) -> Figure:
    """Precision of the peaks against the share of the true sites that is found, a curve a kind of sites.

    Parameters
    ----------
    of_kind
        Peaks and true sites of each kind; peaks on sites of other kinds are left out of them.
    """
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    for (name, (peaks, sites)), colour in zip(of_kind.items(), COLOURS, strict=False):
        if len(sites.position):
            found = np.cumsum(np.isin(peaks.keys()[np.argsort(-peaks.value, kind="stable")], sites.keys()))
            precision = found / np.arange(1, len(found) + 1)
            axes.plot(
                found / len(sites.position), precision, color=colour, label=f"{name} ({len(sites.position):,} sites)"
            )
    axes.legend(frameon=False)
    frame(axes, "recall: share of the sites that are peaks", "precision of the peaks", unit_square=True)
    return figure
