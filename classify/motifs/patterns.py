"""Seqlets of a trained run: attributions of its windows, clustered, named and drawn. No file is touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classify.evaluation import Loaded
from classify.interpretation.explainer import Explainer
from classify.interpretation.settings import AttributionSettings
from classify.motifs.figures import logo_figure
from classify.motifs.matrices import Floats, Motif
from classify.motifs.seqlets import SeqletMotif, hypothetical, seqlet_motifs
from classify.motifs.settings import FilterSettings
from classify.motifs.tomtom import match_motifs
from classify.reporting.figures import png
from specgen.sequences import Codes

__all__ = ["attributed_motifs", "seqlet_row"]

ATTRIBUTION = AttributionSettings(steps=16, tolerance=0.05)
"""Clustering takes the mean over many windows, so that each attribution need not be as exact as one that is looked at."""


def attributed_motifs(loaded: Loaded, windows: Codes) -> list[SeqletMotif]:
    """Seqlet motifs of windows, uint8 (n, L), for the positive class of a run of two.

    Raises
    ------
    InputError
        See ``Explainer`` and ``seqlet_motifs``.
    """
    explainer = Explainer(loaded, ATTRIBUTION, ("ig",))
    scores = [hypothetical(window, explainer.attribute(np.ascontiguousarray(window))) for window in windows]
    return seqlet_motifs(windows, np.stack(scores))


def seqlet_row(
    one: SeqletMotif, database: Sequence[Motif], background: Floats, settings: FilterSettings, most: int = 3
) -> tuple[dict[str, Any], bytes]:
    """A seqlet motif as plain data, with its matches, and its logo as a PNG file."""
    start, stop = one.motif.core(settings.trim, background, settings.pseudocount)
    core = one.motif.cut(start, stop) if stop > start else None
    matches = (
        match_motifs([core], database, most=most, background=background, pseudocount=settings.pseudocount)[0]
        if core is not None and database
        else []
    )
    bits = one.motif.information(background, settings.pseudocount)
    told = {
        "name": one.motif.name,
        "sign": one.sign,
        "seqlets": len(one.windows),
        "information": float(bits[start:stop].sum()),
        "core": [start, stop],
        "consensus": core.consensus if core else "",
        "counts": one.motif.counts.tolist(),
        "contribution": one.contribution.tolist(),
        "matches": [match.told() for match in matches],
        "file": f"logos/{one.motif.name}.png",
    }
    figure = logo_figure(one.motif, (start, stop), background=background, pseudocount=settings.pseudocount)
    return told, png(figure)
