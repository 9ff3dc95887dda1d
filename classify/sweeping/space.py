"""The space of a sweep: axes, each a setting with what it may be, and the run settings of one point.

No torch and no Optuna here. Names that only registries of code know (palettes, models) are checked by ``study``.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classify.config import flat, settings_from
from classify.settings import RunSettings
from specgen.errors import InputError, nearest
from specgen.parser import load_settings

__all__ = ["Axis", "base_settings", "check_space", "point", "read_space"]

RESERVED = {
    "name": "trials are named by study.name",
    "runs": "all trials lie in one folder of runs",
    "task": "a sweep has one task",
    "training.monitor": "study.monitor decides, for all trials alike",
}
ENUMERABLE = 100_000
"""Whole or stepped ranges of more values than this are drawn from, and never listed."""


@dataclass(frozen=True)
class Axis:
    """A setting that is searched.

    Attributes
    ----------
    key
        Dotted name of a setting, or of a section of settings, whose choices are mappings then.
    choices
        What it may be; empty for a range.
    low, high
        Ends of a range, both included; whole numbers make a range of whole numbers.
    log
        Whether the range is searched by ratios; not together with ``step``.
    step
        Distance of neighbours; 0 = 1 for whole numbers, any value between the ends for others.
    """

    key: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    step: float = 0

    @property
    def whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step))

    @property
    def labels(self) -> tuple[Any, ...]:
        """What stands for each choice in the storage and in tables: itself, or its JSON where it is no plain value."""
        return tuple(label(choice) for choice in self.choices)

    def values(self) -> tuple[Any, ...] | None:
        """Every label it may have, in order; None where there are too many to list."""
        if self.choices:
            return self.labels
        step = self.step or (1 if self.whole else 0)
        count = math.floor((self.high - self.low) / step + 1e-9) + 1 if step else math.inf
        if count > ENUMERABLE:
            return None
        return tuple(self.low + i * step for i in range(int(count)))

    def meaning(self, name: Any) -> Any:
        """The setting's value from a label."""
        return self.choices[self.labels.index(name)] if self.choices else name

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(json.dumps(value, ensure_ascii=False) for value in self.choices)
        how = " by ratios" if self.log else f" in steps of {self.step}" if self.step else ""
        return f"{self.low} to {self.high}{how}"


def label(choice: Any) -> Any:
    """See ``Axis.labels``."""
    plain = choice is None or isinstance(choice, bool | int | float | str)
    return choice if plain else json.dumps(choice, sort_keys=True, ensure_ascii=False)


def read_space(space: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Axes of a ``space`` section: key -> list of choices, or a mapping of low, high, log, step.

    Raises
    ------
    InputError
        Naming the key, what was expected and what came.
    """
    if not space:
        raise InputError("space: expected at least one setting to search, got none")
    return tuple(_axis(str(key), given) for key, given in space.items())


def _axis(key: str, given: Any) -> Axis:
    if key in RESERVED:
        raise InputError(f"space.{key}: cannot be searched; {RESERVED[key]}")
    if isinstance(given, list):
        labels = [label(choice) for choice in given]
        if not labels:
            raise InputError(f"space.{key}: expected choices, got an empty list")
        # 1, 1.0 and true are one to Python, and would be one choice.
        if twice := [name for i, name in enumerate(labels) if name in labels[:i]]:
            raise InputError(f"space.{key}: {json.dumps(twice[0])} is named twice")
        if any(isinstance(name, float) and not math.isfinite(name) for name in labels):
            raise InputError(f"space.{key}: expected finite numbers, got {given}")
        return Axis(key, tuple(given))
    if not isinstance(given, Mapping):
        raise InputError(f"space.{key}: expected a list of choices or a mapping of low, high, log, step, got {given!r}")
    for name in given:
        if name not in ("low", "high", "log", "step"):
            hint = nearest(str(name), ("low", "high", "log", "step"))
            raise InputError(
                f"space.{key}.{name}: no such key; {f'did you mean {hint}?' if hint else 'low, high, log, step'}"
            )
    numbers = {}
    for name in ("low", "high", "step"):
        value = given.get(name, 0 if name == "step" else None)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"space.{key}.{name}: expected a number, got {value!r}")
        numbers[name] = value
    log = given.get("log", False)
    if not isinstance(log, bool):
        raise InputError(f"space.{key}.log: expected true or false, got {log!r}")
    if not numbers["low"] < numbers["high"]:
        raise InputError(f"space.{key}: expected low below high, got {numbers['low']} and {numbers['high']}")
    if numbers["step"] < 0 or (log and (numbers["step"] or numbers["low"] <= 0)):
        raise InputError(
            f"space.{key}: expected a step above 0, and with log no step and low above 0, got {dict(given)}"
        )
    return Axis(key, low=numbers["low"], high=numbers["high"], log=log, step=numbers["step"])


def base_settings(base: Any) -> RunSettings:
    """What all trials share: a mapping of settings, a file, or a list of either, of which later ones win.

    Raises
    ------
    InputError
        Something else, a file that cannot be read, or settings that are none.
    """
    body: dict[str, Any] = {}
    for part in base if isinstance(base, list) else [base]:
        if not isinstance(part, str | Mapping):
            raise InputError(f"base: expected files and mappings of settings, got {part!r}")
        body = _merged(body, load_settings(part) if isinstance(part, str) else part)
    try:
        return settings_from(body, "sweep")
    except InputError as error:
        raise InputError(f"base: {error}") from None


def _merged(old: Any, new: Any) -> Any:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return copy.deepcopy(new)
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


def _with(body: dict[str, Any], key: str, value: Any) -> None:
    """Put ``value`` at the dotted ``key``: into a section where it is a mapping."""
    *path, last = key.split(".")
    for part in path:
        body = body[part]
    body[last] = _merged(body.get(last), value)


def point(base: RunSettings, axes: Sequence[Axis], values: Mapping[str, Any], **more: Any) -> RunSettings:
    """Run settings with each axis at its label in ``values``, and ``more`` top-level or dotted settings.

    Raises
    ------
    InputError
        When there are no such settings: values that are wrong, or do not go together.
    """
    body = dataclasses.asdict(base)
    for axis in axes:
        if axis.key in values:
            _with(body, axis.key, axis.meaning(values[axis.key]))
    for key, value in more.items():
        _with(body, key.replace("__", "."), value)
    return settings_from(body, "sweep")


def check_space(base: RunSettings, axes: Sequence[Axis]) -> None:
    """Refuse keys that are no settings, and values that are impossible whatever the other axes are.

    Raises
    ------
    InputError
        Naming the key, with the nearest one that there is.
    """
    keys = flat(dataclasses.asdict(base))
    sections = {".".join(parts[:n]) for parts in (key.split(".") for key in keys) for n in range(1, len(parts))}
    for axis in axes:
        free = axis.key.startswith("model_options.")
        if axis.key not in keys and axis.key not in sections and not free:
            near = nearest(axis.key, keys)
            raise InputError(f"space.{axis.key}: no such setting" + (f"; did you mean {near}?" if near else ""))
        if axis.key in sections | {"model_options"} and not all(
            isinstance(c, Mapping) and c for c in axis.choices or [0]
        ):
            raise InputError(f"space.{axis.key}: is a section; expected mappings of its settings, got {axis}")
        for other in axes:
            if other is not axis and f"{axis.key}.".startswith(f"{other.key}."):
                raise InputError(f"space.{axis.key}: is searched twice, by itself and in {other.key}")
    ends = [axis.labels or (axis.low, axis.high) for axis in axes]
    for i in range(max(map(len, ends))):
        values = {axis.key: names[min(i, len(names) - 1)] for axis, names in zip(axes, ends, strict=True)}
        try:
            point(base, axes, values)
        except InputError:  # one of them, or what they are together
            for key, name in values.items():
                _check_value(base, axes, key, name)


TRIES = 50


def _check_value(base: RunSettings, axes: Sequence[Axis], key: str, name: Any) -> None:
    """Refuse a value that goes with nothing: neither with the base nor with ``TRIES`` points of the other axes."""
    why = ""
    for values in itertools.chain([{}], itertools.islice(_points([a for a in axes if a.key != key]), TRIES)):
        try:
            point(base, axes, {**values, key: name})
            return
        except InputError as error:
            why = why or str(error)
    raise InputError(f"space.{key}: {json.dumps(name, ensure_ascii=False)}: {why}")


def _points(axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    for names in itertools.product(*(axis.labels or (axis.low, axis.high) for axis in axes)):
        yield dict(zip([axis.key for axis in axes], names, strict=True))
