"""Labelled files to windows of one length: what is too long or short, which records are one group, negatives by shuffling.

The files of a part (train, val, test) stay in it; a part that is not named is drawn later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.clusters import hold_together
from classify.exons.negatives import Negative
from classify.headers import Origin, group_loci
from classify.labelled.formats import Columns, Row, read_rows
from classify.labelled.grouping import linked, strandless_digest
from classify.labelled.rows import Window
from classify.labelled.settings import Part
from classify.splits import SplitSettings, assign_splits, stable_fraction, stable_number
from specgen.errors import InputError
from specgen.files import expand
from specgen.sequences import Codes, between_blanks

__all__ = ["divided", "fitted", "groups_of", "labelled_windows", "made_negatives"]


def labelled_windows(
    parts: Sequence[Part], root: Path, columns: Columns, width: int, short: str, most: int, seed: int, stretch: int = 0
) -> tuple[list[Window], dict[str, Any]]:
    """The records of all parts as windows.

    A longer record is cut to its middle; a shorter one gets padding (0) on both sides, or is dropped.

    Parameters
    ----------
    short
        pad or drop.
    most
        Records of a class, drawn by hash, that are taken of every part but the test; 0 = all.

    Returns
    -------
    windows, counts
        Records with the same letters on either strand, or overlapping places, have one group.

    Raises
    ------
    InputError
        As ``read_rows``; no record that is long enough.
    """
    rows: list[Row] = []
    splits: list[str] = []
    counts: Counter[str] = Counter()
    for part in parts:
        found = [row for path in part.files for row in read_rows(root / expand(path), 1, columns)]
        found += [row for path in part.negatives for row in read_rows(root / expand(path), 0, columns)]
        kept = [row for row in found if short == "pad" or len(row.codes) >= width]
        counts["shorter_dropped"] += len(found) - len(kept)
        thinned = kept if part.split == "test" else _thinned(kept, most, seed)
        counts["left_out_by_data_most"] += len(kept) - len(thinned)
        counts["records_read"] += len(found)
        rows += thinned
        splits += [part.split] * len(thinned)
    if not rows:
        raise InputError(f"data: none of the {counts['records_read']} records has the {width} nt of a window")
    counts["longer_cut_to_their_middle"] = sum(len(row.codes) > width for row in rows)
    counts["shorter_padded"] = sum(len(row.codes) < width for row in rows)
    groups = groups_of(rows, stretch)
    windows = [
        Window(row.name, row.label, fitted(row.codes, width), len(row.codes), group, split, row.origin.chromosome)
        for row, group, split in zip(rows, groups, splits, strict=True)
    ]
    return windows, dict(counts)


def fitted(codes: Codes, width: int) -> Codes:
    """``codes`` (n,) as a window (width,): their middle, or themselves between padding."""
    n = len(codes)
    if n >= width:
        low = (n - width) // 2
        return codes[low : low + width]
    before = (width - n) // 2
    return np.pad(codes, (before, width - n - before))


def divided(
    own: Sequence[str],
    groups: Sequence[str],
    chromosomes: Sequence[str],
    ids: Sequence[str],
    split: SplitSettings,
    *,
    val: bool,
    test: bool,
) -> NDArray[np.str_]:
    """The split of each record: that of its file, or drawn by group; empty where its chromosome is unknown.

    Parameters
    ----------
    own
        Split of each record's file; "" = to be drawn.
    val, test
        Whether these splits have files of their own.
    """
    found = np.array(own, dtype="<U5")
    if split.strategy == "test":
        return np.full(len(found), "test", dtype="<U5")
    open_ = np.flatnonzero(found == "")
    chosen, places, names = ([column[i] for i in open_.tolist()] for column in (groups, chromosomes, ids))
    if test:  # official: only validation is drawn
        draws = np.array([stable_fraction(group, split.seed) for group in chosen])
        found[open_] = np.where(draws < split.val_fraction, "val", "train")
    elif len(open_):
        found[open_] = assign_splits(chosen, places, names, split)
        if val:
            found[open_[found[open_] == "val"]] = "train"
    return found


def _thinned(rows: Sequence[Row], most: int, seed: int) -> list[Row]:
    """At most so many of each class, in their order; which ones depends on their letters alone."""
    if not most:
        return list(rows)
    draws = [stable_fraction(strandless_digest(row.codes).hex(), seed) for row in rows]
    kept: set[int] = set()
    for label in (0, 1):
        own = [i for i, row in enumerate(rows) if row.label == label]
        kept.update(sorted(own, key=lambda i: (draws[i], i))[:most])
    return [row for i, row in enumerate(rows) if i in kept]


def groups_of(rows: Sequence[Row], stretch: int = 0) -> list[str]:
    """The group of each row: of the letters on either strand, joined where places that names tell overlap on any strand.

    Parameters
    ----------
    stretch
        nt: rows that share so many letters in a row, on either strand, are joined, too; 0 = that does not matter.
    """
    letters = [strandless_digest(row.codes).hex()[:16] for row in rows]
    # Peaks have no strand: the place alone counts.
    groups = hold_together(letters, group_loci(_placed(rows)))
    return hold_together(groups, linked([row.codes for row in rows], stretch)) if stretch else groups


def _placed(rows: Iterable[Row]) -> Iterable[Origin]:
    return (replace(row.origin, gene="", strand="") for row in rows)


def made_negatives(windows: Sequence[Window], kinds: dict[str, Negative], each: int, seed: int) -> list[Window]:
    """Negatives from the letters of positives, of the parts that have none of their own.

    Parameters
    ----------
    kinds
        By name; each has a ``change``.

    Raises
    ------
    InputError
        A kind that needs a genome.
    """
    has = {window.split for window in windows if not window.label}
    alone = [window for window in windows if window.split not in has]
    made = []
    for name, kind in kinds.items() if alone else ():
        if kind.change is None:
            raise InputError(
                f"data.negatives: {name} ones are cut from a genome; expected data.peaks, or shuffled ones for files of sequences"
            )
        for turn in range(each):
            for window in alone:
                rng = np.random.default_rng(stable_number(f"{name}\0{turn}\0{window.codes.tobytes().hex()}", seed))
                codes = _changed(window.codes, kind, rng)
                made.append(window._replace(name=f"{window.name}:{name}", label=0, codes=codes, kind=name))
    return made


def _changed(codes: Codes, kind: Negative, rng: np.random.Generator) -> Codes:
    """The letters between the padding, changed."""
    assert kind.change is not None
    inner = between_blanks(codes)
    if inner.start == inner.stop:
        return codes
    changed = codes.copy()
    changed[inner] = kind.change(np.ascontiguousarray(codes[inner]), rng)
    return changed
