"""Folders that belong to the project and are no code: settings of runs and dataset cards, and where they lie.

A wheel carries them inside this package (``setup.py`` puts them there); in a checkout they stand at its top.
Nothing is read here.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["FOLDERS", "shipped_folder"]

FOLDERS = ("configs", "data")
"""Names of the folders; ``setup.py`` has the same."""


def shipped_folder(name: str) -> Path:
    """Where the folder of this name lies, in an installed package or in a checkout.

    Raises
    ------
    ValueError
        It is none of ``FOLDERS``.
    """
    if name not in FOLDERS:
        raise ValueError(f"{name}: expected one of {', '.join(FOLDERS)}")
    package = Path(__file__).resolve().parent
    installed = package / "_shipped" / name
    return installed if installed.is_dir() else package.parent / name
