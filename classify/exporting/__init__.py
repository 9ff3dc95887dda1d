"""A trained run in the formats of other tools: one module a format, found by the registry. Nothing is trained or scored here."""

from __future__ import annotations

import importlib
import pkgutil

from classify.exporting.formats import FORMATS

__all__ = ["FORMATS"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
