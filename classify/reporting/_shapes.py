"""What ``metrics.json`` may hold: the kind of each value that is read. Which keys it needs is not said here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["METRICS_JSON", "fault"]


class Kind(NamedTuple):
    """A single value: in words, and whether one is of it."""

    told: str
    holds: Callable[[Any], bool]


class Each(NamedTuple):
    """A mapping of any names; all values are alike."""

    value: Any


class Maybe(NamedTuple):
    """What may be null, too."""

    shape: Any


Shape = Any
"""A ``Kind``; [shape]: a list of them; ``Each``; ``Maybe``; or a mapping of names to shapes: other names are not looked at."""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300


TEXT = Kind("a text", lambda value: isinstance(value, str))
COUNT = Kind("a whole number from 0 up", lambda value: _number(value) and value == int(value) and 0 <= value < 1 << 53)
NUMBER = Kind("a number", _number)
PERHAPS, NAME = Maybe(NUMBER), Maybe(TEXT)
ANY = Kind("anything", lambda value: True)

INTERVAL = {"value": PERHAPS, "low": PERHAPS, "high": PERHAPS}
WHOLE = Kind(
    "value, low and high, each a number or null",
    lambda value: isinstance(value, dict) and set(INTERVAL) <= set(value) and not fault(value, INTERVAL),
)
"""An interval that lacks none of the three."""

RANKINGS = dict.fromkeys(("auroc", "auprc", "f1"), PERHAPS)
METRICS_JSON: Shape = {
    **dict.fromkeys(("task", "model", "name", "split", "answers"), TEXT),
    **dict.fromkeys(("model_note", "repeat", "command"), NAME),
    **dict.fromkeys(("n", "groups", "labels_in_all", "labels_scored", "bases"), COUNT),
    "labels": [TEXT],
    "positive": NAME,
    "metrics": Each(INTERVAL),
    "per_class": Each({**dict.fromkeys(("precision", "recall", "f1"), PERHAPS), "support": COUNT}),
    "confusion": [[COUNT]],
    "calibration": [{"low": NUMBER, "high": NUMBER, "n": COUNT, "mean_probability": PERHAPS, "observed": PERHAPS}],
    "bootstrap": {
        **{"resamples": COUNT, "level": NUMBER, "undefined": Maybe(Each(COUNT))},
        **{"groups": COUNT, "labels": COUNT, "note": NAME, "unit": TEXT},
    },
    "by_group": [
        {
            **{"group": TEXT, "labels": COUNT, "scored": COUNT},
            **{f"{median}{name}": WHOLE for name in RANKINGS for median in ("", "median_")},
        }
    ],
    "features": [
        {
            **dict.fromkeys(("name", "group", "cell", "factor", "treatment"), TEXT),
            **{"known": COUNT, "positives": COUNT, "threshold": NUMBER},
            **RANKINGS,
        }
    ],
    "by_kind": [
        {
            **{"positives": TEXT, "negatives": TEXT, "n_positive": COUNT, "n_negative": COUNT},
            **{"auroc": WHOLE, "balanced_accuracy": WHOLE, "bounds": Each(Each(PERHAPS))},
        }
    ],
    "bounds": Maybe(Each(Each(PERHAPS))),
    "cost": Maybe(Each(PERHAPS)),
    "training": Maybe({"best_epoch": COUNT, "epochs_run": COUNT}),
    "data": Maybe(Each(ANY)),
}


def fault(value: Any, shape: Shape = METRICS_JSON, place: str = "") -> str:
    """What is wrong with plain data, in words that name the place; empty where nothing is."""
    where = place or "it"
    if isinstance(shape, Maybe):
        return "" if value is None else fault(value, shape.shape, place)
    if isinstance(shape, Kind):
        return "" if shape.holds(value) else f"{where}: expected {shape.told}, got {_told(value)}"
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where}: expected a list, got {_told(value)}"
        parts = [(item, shape[0], f"{place}[{i}]") for i, item in enumerate(value)]
    else:
        if not isinstance(value, Mapping):
            return f"{where}: expected an object, got {_told(value)}"
        before = f"{place}." if place else ""
        own = dict.fromkeys(value, shape.value) if isinstance(shape, Each) else shape
        parts = [(value[key], own[key], f"{before}{key}") for key in value if key in own]
    return next((why for part in parts if (why := fault(*part))), "")


def _told(value: Any) -> str:
    return "null" if value is None else f"{str(value)[:80]!r}"
