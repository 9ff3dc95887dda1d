"""The registry of formats that a run can be exported to; adding one is one decorated function.

A format writes whole files or nothing, and hands back what ``check_answers`` found. What is exported is ``graph``'s business.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from specgen.errors import MissingLibrary
from specgen.registry import Registry

__all__ = ["FORMATS", "Format", "need", "register_format"]

Writer = Callable[[Path, Path, str], float]
"""``write(run, out, reads)`` -> greatest difference of a probability from the run's own."""


@dataclass(frozen=True)
class Format:
    """A way of writing a run: ``write``, the ending of its files ("" = a folder), and one line for help."""

    write: Writer
    suffix: str
    note: str


FORMATS: Registry[Format] = Registry("format")


def register_format(name: str, *, suffix: str, note: str) -> Callable[[Writer], Writer]:
    """Decorator: add a writer under ``name``."""

    def register(write: Writer) -> Writer:
        FORMATS.add(name, Format(write, suffix, note))
        return write

    return register


def need(*modules: str) -> None:
    """Whether libraries of the extra are there.

    Raises
    ------
    InputError
        Naming the one that is not, and how to get it.
    """
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            raise MissingLibrary(name, "export") from None
