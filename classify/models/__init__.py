"""Models: one module a family, found by the registry; a model declares which view it reads and knows no task."""

from __future__ import annotations

import importlib
import pkgutil

from classify.models.base import MODELS, ModelEntry, build_model, register_model

__all__ = ["MODELS", "ModelEntry", "build_model", "register_model"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
