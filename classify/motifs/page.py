"""The page of a run's motifs: one self-contained ``motifs.html``. How it looks is decided in ``reporting/templates``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classify.reporting.html import data_uri, render
from classify.reporting.page import flatten

__all__ = ["motifs_page"]


def chance(value: float) -> str:
    """A p or q value: three digits, as a power of ten where it is small."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def motifs_page(body: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """The page as HTML: one script of ours, no request to anywhere, every name escaped.

    Parameters
    ----------
    body
        Of ``motifs.json``.
    pictures
        PNG files by their name in the folder.
    """
    return render(
        "motifs.html.j2",
        body=body,
        uris={name: data_uri(content) for name, content in pictures.items()},
        chance=chance,
        settings=list(flatten(body["settings"])),
        sequences=list(flatten(body["sequences"])),
    )
