"""What of given sequences is held out for choosing the epoch: whole groups, and copies together, by content alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from classify.digests import digest
from classify.splits import stable_fraction
from specgen.sequences import Codes

__all__ = ["hold_out"]


def hold_out(
    letters: Sequence[Codes], groups: Sequence[str] | None, labels: NDArray[np.int64], fraction: float, seed: int
) -> tuple[list[str], NDArray[np.str_]]:
    """A name of what must not be divided for each sequence, and (n,) "train" or "val".

    Groups go to "val" in the order of a hash of their letters, while one of their classes has too few there: ``fraction`` of each
    class, one at least. Groups that share a sequence are one; without groups each sequence is one. The order of the sequences
    decides nothing.

    Parameters
    ----------
    labels
        int64 (n,) classes, from 0.
    fraction
        0 to 1.
    """
    own = [digest(codes).hex() for codes in letters]
    joined = _joined(own, own if groups is None else groups)
    members: dict[int, list[int]] = {}
    for i, group in enumerate(joined):
        members.setdefault(group, []).append(i)
    names = {group: min(own[i] for i in rows) for group, rows in members.items()}
    lacking = np.maximum(1, np.round(np.bincount(labels) * fraction))
    split = np.full(len(own), "train", dtype="<U5")
    for group in sorted(members, key=lambda group: stable_fraction(names[group], seed)):
        inside = labels[members[group]]
        if (lacking[inside] > 0).any():
            split[members[group]] = "val"
            lacking -= np.bincount(inside, minlength=len(lacking))
    return [names[group] for group in joined], split


def _joined(own: Sequence[str], groups: Sequence[str]) -> list[int]:
    """A number for each example, equal where groups or letters are, also over several steps."""
    copies, named = (np.unique(column, return_inverse=True)[1] for column in (own, groups))
    shift = int(copies.max()) + 1
    size = shift + int(named.max()) + 1
    parts = connected_components(
        coo_array((np.ones(len(own)), (copies, named + shift)), shape=(size, size)), directed=False
    )[1]
    found: list[int] = parts[copies].tolist()
    return found
