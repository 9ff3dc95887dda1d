"""Tasks: one module each, found by the registry; a task makes labelled, split examples and knows no model."""

from __future__ import annotations

import importlib
import pkgutil

from classify.tasks.base import TASKS, Task, register_task

__all__ = ["TASKS", "Task", "register_task"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
