"""The model registry, in torchvision's manner: a decorator, builders by name, options checked against the signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from torch import nn

from specgen.errors import InputError, UnknownName
from specgen.registry import Registry

__all__ = [
    "MODELS",
    "ModelEntry",
    "build_model",
    "check_blocks",
    "check_sizes",
    "fetches",
    "fetching",
    "register_model",
]

Builder = Callable[..., nn.Module]

MOST_BLOCKS = 20
"""Blocks of doubling dilations: the last of so many reaches over half a million places, which no window has."""


@dataclass(frozen=True)
class ModelEntry:
    """A registered model.

    Attributes
    ----------
    build
        ``build(outputs, **options)`` -> module giving logits (B, outputs).
    answers
        "window": logits (B, outputs); "position": (B, outputs, L), where place t knows nothing of the letters behind t.
    view
        What it reads: "image" (B, 3, 224, 224) or "onehot" (B, 4, L).
    note
        Printed in lists and reports: paper, or that it is a reconstruction.
    """

    build: Builder
    view: str
    note: str
    answers: str = "window"


MODELS: Registry[ModelEntry] = Registry("model")


def register_model(name: str, *, view: str, note: str, answers: str = "window") -> Callable[[Builder], Builder]:
    """Decorator: add a builder under ``name``."""

    def register(build: Builder) -> Builder:
        MODELS.add(name, ModelEntry(build, view, note, answers))
        return build

    return register


_FETCHES = ContextVar("fetches", default=True)


@contextmanager
def fetching(on: bool) -> Iterator[None]:
    """Whether networks that are built within fetch pretrained weights: those of a finished run take their place."""
    token = _FETCHES.set(on)
    try:
        yield
    finally:
        _FETCHES.reset(token)


def fetches() -> bool:
    """Whether pretrained weights are to be fetched, see ``fetching``."""
    return _FETCHES.get()


def build_model(name: str, outputs: int, options: dict[str, Any] | None = None) -> nn.Module:
    """Build a registered model.

    Raises
    ------
    UnknownName
        A model or an option that does not exist.
    InputError
        An option of a wrong value.
    """
    entry, options = MODELS[name], options or {}
    parameters = inspect.signature(entry.build).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        for key in options:
            if key not in list(parameters)[1:]:
                raise UnknownName(f"option of model {name!r}:", key, list(parameters)[1:])
    try:
        return entry.build(outputs, **options)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError) or not options:
            raise
        raise InputError(f"model_options of {name!r}: {' '.join(str(error).split())}") from None


def check_sizes(model: str, **sizes: int) -> None:
    """Whether options are whole numbers of at least 1.

    Raises
    ------
    InputError
        Naming the model and the option that is not.
    """
    for key, value in sizes.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{model}: expected a whole number of at least 1 for {key}, got {value!r}")


def check_blocks(model: str, blocks: int, *, least: int = 1) -> None:
    """Whether a network of doubling dilations can be built of so many blocks: each is padded by as much as it reaches over.

    Raises
    ------
    InputError
        Naming the model where ``blocks`` is no whole number from ``least`` to ``MOST_BLOCKS``.
    """
    if not isinstance(blocks, int) or isinstance(blocks, bool) or not least <= blocks <= MOST_BLOCKS:
        raise InputError(
            f"{model}: expected a whole number from {least} to {MOST_BLOCKS} for blocks (dilations double), got {blocks!r}"
        )
