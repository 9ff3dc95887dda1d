"""A labelled window on its way to ``Examples``, whatever it was read from."""

from __future__ import annotations

from typing import NamedTuple

from specgen.sequences import Codes

__all__ = ["Window"]


class Window(NamedTuple):
    """One example before duplicates are looked for.

    Attributes
    ----------
    name
        Of the record or place.
    label
        1 = bound.
    codes
        uint8 (window,).
    length
        nt of the record that it was cut from.
    group
        What must not cross splits.
    split
        "train", "val" or "test"; "" = to be drawn.
    chromosome
        Normalised; "" = unknown.
    kind
        What sort of its class.
    """

    name: str
    label: int
    codes: Codes
    length: int
    group: str
    split: str = ""
    chromosome: str = ""
    kind: str = ""
