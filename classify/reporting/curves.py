"""ROC and precision-recall curves: their points, and charts of them for a page, which a script makes tell its values.

Numbers in, numbers out: figures draw the points, ``templates/chart.html.j2`` the charts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from classify.metrics import ranking

__all__ = ["AXES", "MOST", "Curve", "chart", "precision_recall_curves", "roc_curves"]

Floats = NDArray[np.float64]

MOST = 24
"""Curves of one chart or legend; more cannot be told apart."""

POINTS = 500
"""Points of a curve in a chart: less than a pixel from one to the next."""

AXES = {
    "roc": ("false positive rate", "true positive rate", "AUROC"),
    "precision_recall": ("recall", "precision", "average precision"),
}
"""What a chart has on x and y, and what the numbers of its legend are."""

LEFT, TOP, SIDE = 46.0, 8.0, 300.0
"""The square from 0 to 1 in a chart, in its pixels; ``templates/chart.html.j2`` writes around it."""

TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class Curve(NamedTuple):
    """One curve from 0 to 1.

    Attributes
    ----------
    name
        What was scored.
    x, y
        float64 (n,), shares in 0..1, in the order of the threshold.
    area
        For the legend; None = undefined.
    threshold
        float64 (n,): the point is that of all scores from here on; infinite where there are none, None for an average.
    level
        What guessing reaches, where that is a level line.
    singles
        The (n,) values at ``x`` of what ``y`` is the mean of.
    """

    name: str
    x: Floats
    y: Floats
    area: float | None
    threshold: Floats | None = None
    level: float | None = None
    singles: Sequence[Floats] = ()


def _told_apart(
    labels: NDArray[np.int64], probabilities: Floats, names: Sequence[str], positive: int | None
) -> Iterator[tuple[str, NDArray[np.bool_], Floats]]:
    """Name, truth (n,) and score (n,) of each class that is to be told from the rest, and can be."""
    for c in range(len(names)) if positive is None else [positive]:
        truth = labels == c
        if truth.any() and not truth.all():
            yield names[c], truth, probabilities[:, c]


def roc_curves(
    labels: NDArray[np.int64], probabilities: Floats, names: Sequence[str], positive: int | None
) -> list[Curve]:
    """ROC curve of the positive class, or of each class against the rest when ``positive`` is None.

    Parameters
    ----------
    labels, probabilities
        Classes (n,) and probabilities (n, k). A class that all examples have, or none, has no curve.
    names
        Of the k classes.

    Returns
    -------
    list of Curve
        True positive rate against false positive rate (scikit-learn's ``roc_curve``).
    """
    found = []
    for name, truth, score in _told_apart(labels, probabilities, names, positive):
        false_rate, true_rate, threshold = roc_curve(truth, score)
        found.append(Curve(name, false_rate, true_rate, ranking(truth, score)[0][0], threshold))
    return found


def precision_recall_curves(
    labels: NDArray[np.int64], probabilities: Floats, names: Sequence[str], positive: int | None
) -> list[Curve]:
    """Precision against recall, a step each (scikit-learn's ``precision_recall_curve``); classes as in ``roc_curves``.

    The last point, recall 0 at precision 1, belongs to no threshold. ``level`` is the prevalence.
    """
    found = []
    for name, truth, score in _told_apart(labels, probabilities, names, positive):
        precision, recall, threshold = precision_recall_curve(truth, score)
        level, area = float(truth.mean()), ranking(truth, score)[1][0]
        found.append(Curve(name, recall, precision, area, np.append(threshold, np.inf), level))
    return found


def _kept(curve: Curve) -> NDArray[np.int64]:
    """Places of at most some ``POINTS`` points, evenly along the curve, the first and the last among them."""
    way = np.append(0.0, np.cumsum(np.abs(np.diff(curve.x)) + np.abs(np.diff(curve.y))))
    return np.unique(np.append(np.searchsorted(way, np.linspace(0, way[-1], POINTS)), len(way) - 1))


def _path(x: Floats, y: Floats, *, steps: bool) -> str:
    """An SVG path in the chart's pixels; ``steps`` keep y[i] from x[i - 1] to x[i]."""
    across = [f"{LEFT + SIDE * value:.1f}" for value in x]
    down = [f"{TOP + SIDE * (1 - value):.1f}" for value in y]
    start, rest = f"M{across[0]} {down[0]}", zip(across[1:], down[1:], strict=True)
    return start + "".join(f"V{b}H{a}" if steps else f"L{a} {b}" for a, b in rest)


def _rounded(values: Floats | None, pattern: str = ".4f") -> list[float | None] | None:
    """For JSON, which knows no infinity."""
    if values is None:
        return None
    return [float(format(value, pattern)) if np.isfinite(value) else None for value in values]


def chart(kind: str, curves: Sequence[Curve], more: int = 0) -> dict[str, Any] | None:
    """What ``templates/chart.html.j2`` draws; None where there is no curve.

    Parameters
    ----------
    kind
        A key of ``AXES``.
    curves
        All of them averages at the same x (no thresholds: a pointer is told all values there), or none (it is told the
        nearest point of any).
    more
        Curves that were left out already.

    Returns
    -------
    dict
        Titles, ticks and ``lines`` in pixels, and ``data``: the same points as numbers, plain enough for JSON.
    """
    if not curves:
        return None
    x, y, area = AXES[kind]
    shared = curves[0].threshold is None
    lines, points = [], []
    for index, curve in enumerate(curves[:MOST]):
        kept = np.arange(len(curve.x)) if shared else _kept(curve)
        steps = kind == "precision_recall" and not shared
        lines.append(
            {
                "name": curve.name,
                "area": curve.area,
                "path": _path(curve.x[kept], curve.y[kept], steps=steps),
                "singles": [_path(curve.x, single, steps=False) for single in curve.singles],
                "level": None if curve.level is None else round(TOP + SIDE * (1 - curve.level), 1),
                "colour": index % 7,
                "dash": index % 4,
            }
        )
        threshold = None if curve.threshold is None else _rounded(curve.threshold[kept], ".4g")
        point = {"name": curve.name, "x": _rounded(curve.x[kept]), "y": _rounded(curve.y[kept])}
        points.append({**point, "threshold": threshold})
    at = [(f"{tick:g}", LEFT + SIDE * tick, TOP + SIDE * (1 - tick)) for tick in TICKS]
    return {
        "kind": kind,
        **{"x": x, "y": y, "area": area, "lines": lines, "ticks": at, "more": more + max(0, len(curves) - MOST)},
        **{"left": LEFT, "top": TOP, "side": SIDE},
        "data": {"x": x, "y": y, "shared": shared, "left": LEFT, "top": TOP, "side": SIDE, "curves": points},
    }
