"""What a label is, where an example may have several. How names of labels are read is told elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Feature"]


@dataclass(frozen=True)
class Feature:
    """A label: its whole name, the parts of it that are told ("" = not told), and the group that scores are averaged over."""

    name: str
    cell: str = ""
    factor: str = ""
    treatment: str = ""
    group: str = "other"
