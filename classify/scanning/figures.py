"""The figure of a scan: precision against recall of its peaks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from classify.reporting.figures import COLOURS, frame
from classify.scanning.peaks import Calls

__all__ = ["precision_recall"]


def precision_recall(peaks: Calls, truth: Mapping[str, Calls]) -> Figure:
    """Precision of the peaks over all true sites, against the share of each kind of site that is found."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(-peaks.value, kind="stable")
    keys = peaks.keys()[order]
    precision = np.cumsum(np.isin(keys, truth["all"].keys())) / np.arange(1, len(keys) + 1)
    for (name, sites), colour in zip(truth.items(), COLOURS, strict=False):
        if len(sites.position):
            recall = np.cumsum(np.isin(keys, sites.keys())) / len(sites.position)
            axes.plot(recall, precision, color=colour, label=f"{name} ({len(sites.position):,} sites)")
    axes.legend(frameon=False)
    frame(axes, "recall: share of the sites that are peaks", "precision of the peaks", unit_square=True)
    return figure
