"""Plug-ins: modules from outside that register models, representations, palettes, tasks and whatever else has a registry.

Every ``NAME.py`` in a folder that ``SPECGEN_PLUGINS`` names (several are divided as in ``PATH``) is the module
``specgen.plugins.NAME``; names that begin with an underscore are left to be imported by others. Installed packages name
modules of theirs as entry points of the group ``specgen.plugins``. Both are imported once a process, when a registry is first
asked: in commands, in processes that these start, and in programs that import the packages alike. It is code that runs with
the rights of whoever starts it.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import threading
import traceback
from importlib import metadata
from pathlib import Path

from specgen.errors import InputError

__all__ = ["GROUP", "PACKAGE", "VARIABLE", "load_plugins", "plugin_folders", "plugins"]

VARIABLE = "SPECGEN_PLUGINS"
"""Environment variable naming folders of plug-ins."""

GROUP = "specgen.plugins"
"""Group of entry points; each is a module, and importing it is all that is done."""


PACKAGE = "specgen.plugins"
"""Package that files of the folders are modules of."""


def plugin_folders() -> list[Path]:
    """Absolute paths of the folders, in order; whether they exist is not looked at."""
    return [Path(part).expanduser().absolute() for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]


_loaded: dict[str, str] = {}
_lock = threading.RLock()
_begun = _finished = False
_failure = ""


def load_plugins() -> None:
    """Import what is not imported yet; the first call decides, later ones do nothing.

    Raises
    ------
    InputError
        A folder that does not exist, two files of one name, or a plug-in that cannot be imported: names its file, the line,
        and what went wrong. Later calls raise the same.
    """
    global _begun, _finished, _failure
    if _finished:
        return
    with _lock:
        if _failure:
            raise InputError(_failure)
        if _begun:  # by a plug-in that asks a registry itself
            return
        _begun = True
        try:
            _load_folders()
            _load_entry_points()
        except InputError as error:
            _failure = str(error)
            raise
        _finished = True


def plugins() -> dict[str, str]:
    """Module of each plug-in -> what identifies its code: SHA-256 of a file, or distribution and version."""
    load_plugins()
    return dict(_loaded)


def _load_folders() -> None:
    files: dict[str, Path] = {}
    for folder in plugin_folders():
        if not folder.is_dir():
            raise InputError(f"{VARIABLE}: {folder}: expected a folder of plug-ins, there is none")
        for file in sorted(folder.glob("*.py")):
            if file.name.startswith("_"):
                continue
            if not file.stem.isidentifier():
                raise InputError(f"plug-in {file}: expected a name of letters, digits and underscores")
            if file.stem in files:
                raise InputError(f"plug-in {file}: there is another of that name, {files[file.stem]}")
            files[file.stem] = file
    for name, file in files.items():
        _load(f"{PACKAGE}.{name}", str(file), file)
        _loaded[f"{PACKAGE}.{name}"] = hashlib.sha256(file.read_bytes()).hexdigest()


def _load_entry_points() -> None:
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: point.value):
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown distribution"
        _load(point.module, f"{point.module} of {origin}", None)
        _loaded[point.module] = origin


def _load(module: str, title: str, file: Path | None) -> None:
    """Import one; whatever it raises is its own fault, and told in one line."""
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:
        if isinstance(error, SyntaxError):
            line, what = error.lineno, error.msg
        else:
            inside = [
                frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
            ]
            line, what = (inside[-1] if inside else None), " ".join(str(error).split())
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        raise InputError(f"plug-in {title}{f', line {line}' if line else ''}: {kind}{what}") from None
