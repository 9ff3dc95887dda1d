"""What ``metrics.json`` may hold, as a JSON Schema: the kind of each value that is read, and what a report cannot do without."""

from __future__ import annotations

from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

__all__ = ["fault"]

Schema = dict[str, Any]


def _object(told: Schema, needed: tuple[str, ...] = ()) -> Schema:
    """These values by their names; others are not looked at."""
    return {"type": "object", "description": "an object", "properties": told, "required": list(needed)}


def _each(value: Schema) -> Schema:
    """An object of any names, all values alike."""
    return {"type": "object", "description": "an object", "additionalProperties": value}


def _list(item: Schema) -> Schema:
    return {"type": "array", "description": "a list", "items": item}


def _maybe(schema: Schema) -> Schema:
    """What may be null, too."""
    return schema | {"type": [schema["type"], "null"]}


TEXT = {"type": "string", "description": "a text"}
COUNT = {"type": "integer", "description": "a whole number from 0 up", "minimum": 0, "exclusiveMaximum": 1 << 53}
NUMBER = {"type": "number", "description": "a number", "exclusiveMinimum": -1e300, "exclusiveMaximum": 1e300}
PERHAPS, NAME = _maybe(NUMBER), _maybe(TEXT)

_INTERVAL = ("value", "low", "high")
INTERVAL = _object(dict.fromkeys(_INTERVAL, PERHAPS), _INTERVAL)
_RANKINGS = ("auroc", "auprc", "f1")
_RATES = ("precision", "recall", "f1")
_TEXTS = ("name", "group", "cell", "factor", "treatment")
_MEANS = tuple(f"{median}{name}" for name in _RANKINGS for median in ("", "median_"))

PER_CLASS = _object({**dict.fromkeys(_RATES, PERHAPS), "support": COUNT}, (*_RATES, "support"))
CALIBRATION = _object(
    {"low": NUMBER, "high": NUMBER, "n": COUNT, "mean_probability": PERHAPS, "observed": PERHAPS},
    ("low", "high", "n", "mean_probability", "observed"),
)
BOOTSTRAP = _object(
    {
        **{"resamples": COUNT, "level": NUMBER, "undefined": _maybe(_each(COUNT))},
        **{"groups": COUNT, "labels": COUNT, "note": NAME, "unit": TEXT},
    },
    ("resamples", "level", "undefined"),
)
BY_GROUP = _object(
    {**{"group": TEXT, "labels": COUNT, "scored": COUNT}, **dict.fromkeys(_MEANS, INTERVAL)},
    ("group", "labels", "scored", *_MEANS),
)
FEATURE = _object(
    {
        **dict.fromkeys(_TEXTS, TEXT),
        **{"known": COUNT, "positives": COUNT, "threshold": NUMBER},
        **dict.fromkeys(_RANKINGS, PERHAPS),
    },
    (*_TEXTS, "known", "positives", "threshold", *_RANKINGS),
)
BY_KIND = _object(
    {
        **{"positives": TEXT, "negatives": TEXT, "n_positive": COUNT, "n_negative": COUNT},
        **{"auroc": INTERVAL, "balanced_accuracy": INTERVAL, "bounds": _each(_each(PERHAPS))},
    },
)
VALUES = {
    **dict.fromkeys(("task", "model", "name", "split", "answers"), TEXT),
    **dict.fromkeys(("model_note", "repeat", "command"), NAME),
    **dict.fromkeys(("n", "groups", "labels_in_all", "labels_scored", "bases"), COUNT),
    "labels": _list(TEXT),
    "positive": NAME,
    "metrics": _each(INTERVAL),
    "per_class": _each(PER_CLASS),
    "confusion": _list(_list(COUNT)),
    "calibration": _list(CALIBRATION),
    "bootstrap": BOOTSTRAP,
    "by_group": _list(BY_GROUP),
    "features": _list(FEATURE),
    "by_kind": _list(BY_KIND),
    "bounds": _maybe(_each(_each(PERHAPS))),
    "cost": _maybe(_each(PERHAPS)),
    "training": _maybe(_object({"best_epoch": COUNT, "epochs_run": COUNT})),
    "data": _maybe(_each({})),
}
_ALWAYS = ("task", "model", "name", "n", "groups", "metrics", "bootstrap")
NEEDED = {
    "window": (*_ALWAYS, "labels", "positive", "per_class", "confusion", "calibration"),
    "label": (*_ALWAYS, "labels_in_all", "labels_scored", "by_group", "features"),
    "position": _ALWAYS,
}
"""Keys without which there is no report, by what the model answers for."""

VALIDATORS = {answers: Draft202012Validator(_object(VALUES, needed)) for answers, needed in NEEDED.items()}


def fault(body: Any) -> str:
    """What is wrong with the content of a ``metrics.json``, in words that name the place; empty where nothing is."""
    answers = body.get("answers") if isinstance(body, dict) else None
    validator = VALIDATORS.get(answers if isinstance(answers, str) else "window", VALIDATORS["window"])
    error = next(validator.iter_errors(body), None)
    return "" if error is None else _in_words(error)


def _in_words(error: ValidationError) -> str:
    place = error.json_path.removeprefix("$").removeprefix(".")
    schema, found = cast(Schema, error.schema), cast(Any, error.instance)
    if error.validator == "required":
        return f"{place} lacks {', '.join(sorted(set(schema['required']) - set(found)))}".strip()
    got = "null" if found is None else f"{str(found)[:80]!r}"
    return f"{place or 'it'}: expected {schema['description']}, got {got}"
