"""Several labels of each example: in memory, or left in their file until they are asked for. NumPy only; no names, no letters.

A label is 1, 0, or -1 where it is not known.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["AT_ONCE", "UNKNOWN", "HeldTargets", "Labels", "StoredTargets", "TargetStore", "Targets", "counted"]

UNKNOWN = -1

AT_ONCE = 4096
"""Examples whose labels are read together."""

Labels = NDArray[np.int8]


class Targets(Protocol):
    """Labels of n examples, k each."""

    def __len__(self) -> int: ...

    def take(self, index: NDArray[np.int64]) -> Targets:
        """Those of the examples at ``index``; nothing is read."""
        ...

    def gather(self, rows: NDArray[np.int64]) -> Labels:
        """int8 (len(rows), k): 1, 0, -1 = not known."""
        ...


class HeldTargets:
    """A table in memory: int8 (n, k)."""

    def __init__(self, table: Labels) -> None:
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    def take(self, index: NDArray[np.int64]) -> HeldTargets:
        """See ``Targets``."""
        return HeldTargets(self.table[index])

    def gather(self, rows: NDArray[np.int64]) -> Labels:
        """See ``Targets``."""
        return self.table[rows]


class TargetStore(Protocol):
    """A file that gives the labels of any of its rows."""

    def targets(self, rows: NDArray[np.int64]) -> Labels:
        """int8 (len(rows), k)."""
        ...


class StoredTargets:
    """Labels that stay in their file.

    Parameters
    ----------
    store
        The file.
    rows
        int64 (n,) its rows that are meant.
    """

    def __init__(self, store: TargetStore, rows: NDArray[np.int64]) -> None:
        self.store, self.rows = store, rows

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: NDArray[np.int64]) -> StoredTargets:
        """See ``Targets``."""
        return StoredTargets(self.store, self.rows[index])

    def gather(self, rows: NDArray[np.int64]) -> Labels:
        """See ``Targets``."""
        return self.store.targets(self.rows[rows])


def counted(targets: Targets, labels: int) -> NDArray[np.int64]:
    """int64 (2, labels): how many examples are 0, and how many 1; some thousand are read at a time."""
    found = np.zeros((2, labels), dtype=np.int64)
    for low in range(0, len(targets), AT_ONCE):
        some = targets.gather(np.arange(low, min(low + AT_ONCE, len(targets))))
        found += np.stack([(some == 0).sum(axis=0), (some == 1).sum(axis=0)])
    return found
