"""Sequences with several labels from files: tables with a column for each label, and FASTA files of one label.

The formats of single labels are ``labelled``'s; here is what a table with many columns of labels is, and what becomes of copies
of one sequence whose labels complement or contradict one another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.clusters import keep_highest_split
from classify.examples import Examples
from classify.headers import distinct_name, parse_header
from classify.labelled.formats import FORMATS, Columns, Row, format_of, read_rows
from classify.labelled.grouping import strandless_digest
from classify.labelled.settings import Part
from classify.labelled.windows import divided, fitted, groups_of
from classify.lines import split_line, text_lines
from classify.splits import SplitSettings
from classify.targets import UNKNOWN, HeldTargets, Labels
from specgen.errors import InputError, UnknownName
from specgen.files import expand
from specgen.sequences import encode

__all__ = ["DEFAULT_LABEL", "column_names", "table_examples"]

DEFAULT_LABEL = "positive"
"""Name of the label of files that tell none."""

_NAMES = ("name", "id")
_MISSING = ("", "na", "nan", ".")
_VALUES = {"0": 0, "0.0": 0, "1": 1, "1.0": 1}


def column_names(path: Path, sequence: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Labels of a file: of a table ``wanted`` columns, or all but those of sequences, names and ids; of others, one.

    Raises
    ------
    InputError
        No column of sequences, none of labels, or several labels for a file of one.
    UnknownName
        A wanted column that is not there.
    """
    if not _is_table(path):
        if len(wanted) > 1:
            raise InputError(f"{path}: is a file of one label, data.labels names {len(wanted)}")
        return (wanted[0] if wanted else DEFAULT_LABEL,)
    header = next(_lines(path, sequence))[1]
    others = [name for name in header if name != sequence and name.lower() not in _NAMES]
    for name in wanted:
        if name not in others:
            raise UnknownName(f"column of labels in {path}:", name, others)
    if not others:
        raise InputError(f"{path}: has no column of labels beside {sequence!r}")
    return tuple(wanted or others)


def _is_table(path: Path) -> bool:
    return format_of(path) is FORMATS["table"]


def _lines(path: Path, sequence: str) -> Iterator[tuple[int, list[str]]]:
    """Number and words of every line, the header first."""
    delimiter, columns = ",", 0
    for number, line in text_lines(path, f"a table with the column {sequence}"):
        if not columns:
            delimiter = "\t" if "\t" in line else ","
        words = [word.strip() for word in split_line(line, delimiter, f"{path}: line {number}")]
        if not columns and sequence not in words:
            raise InputError(f"{path}: has no column {sequence!r}; its columns are {', '.join(words)}")
        if not columns and len(set(words)) < len(words):
            twice = next(name for name, n in Counter(words).items() if n > 1)
            raise InputError(f"{path}: has two columns {twice!r}")
        if columns and len(words) != columns:
            raise InputError(f"{path}: line {number}: expected {columns} columns, got {len(words)}")
        columns = len(words)
        yield number, words


def _read(path: Path, label: int, sequence: str, names: Sequence[str]) -> Iterator[tuple[Row, tuple[int, ...]]]:
    """Rows of any file, each with its labels; ``label`` is that of a file that tells none."""
    if not _is_table(path):
        for row in read_rows(path, label, Columns(sequence=sequence)):
            yield row, (row.label,)
        return
    if not label:
        raise InputError(f"{path}: holds labels of its own; expected a FASTA file of negatives")
    lines = _lines(path, sequence)
    _, header = next(lines)
    if missing := [name for name in names if name not in header]:
        raise InputError(f"{path}: has no column {missing[0]!r}; its columns are {', '.join(header)}")
    places, letters = [header.index(name) for name in names], header.index(sequence)
    named = next((header.index(name) for name in _NAMES if name in header), -1)
    number = 0
    for number, words in lines:
        where = f"{path}: line {number}"
        if not words[letters]:
            raise InputError(f"{where}: the column {sequence!r} is empty")
        name = words[named] if named >= 0 else f"line_{number}"
        labels = tuple(_label(words[i], where, header[i]) for i in places)
        yield Row(name, 0, encode(words[letters], name=where), parse_header(name)), labels
    if not number:
        raise InputError(f"{path}: holds no rows below its header")


def _label(word: str, where: str, column: str) -> int:
    if word.lower() in _MISSING:
        return UNKNOWN
    if word not in _VALUES:
        raise InputError(f"{where}: expected 0, 1 or nothing (NA) in the column {column!r}, got {word!r}")
    return _VALUES[word]


def table_examples(
    parts: Sequence[Part],
    root: Path,
    sequence: str,
    names: Sequence[str],
    width: int,
    short: str,
    split: SplitSettings,
    stretch: int = 0,
) -> Examples:
    """The records of all parts, divided, as windows with a label for each of ``names``.

    A longer record is cut to its middle; a shorter one gets padding on both sides, or is dropped. Records with the same
    letters on either strand, overlapping places, or a shared ``stretch`` are one group and never in two splits. Copies become
    one example; a label about which they disagree is not known. An official test stays as it is.

    Parameters
    ----------
    sequence
        Name of the column of sequences.
    short
        pad or drop.
    stretch
        See ``groups_of``.

    Raises
    ------
    InputError
        A file that cannot be read, lacks a column, or has a label or letter that is none; no record that is long enough.
    """
    rows: list[Row] = []
    labels: list[tuple[int, ...]] = []
    own: list[str] = []
    counts: Counter[str] = Counter()
    for part in parts:
        for files, label in ((part.files, 1), (part.negatives, 0)):
            for path in files:
                for row, told in _read(root / expand(path), label, sequence, names):
                    counts["records_read"] += 1
                    if short == "drop" and len(row.codes) < width:
                        counts["shorter_dropped"] += 1
                        continue
                    rows.append(row)
                    labels.append(told)
                    own.append(part.split)
    if not rows:
        raise InputError(f"data: none of the {counts['records_read']} records has the {width} nt of a window")
    counts["longer_cut_to_their_middle"] = sum(len(row.codes) > width for row in rows)
    counts["shorter_padded"] = sum(len(row.codes) < width for row in rows)
    lengths = np.array([len(row.codes) for row in rows], dtype=np.int64)
    rows = [replace(row, codes=fitted(row.codes, width)) for row in rows]
    groups, chromosomes = groups_of(rows, stretch), [row.origin.chromosome for row in rows]
    has = {part.split for part in parts if part.files or part.negatives}
    drawn = divided(own, groups, chromosomes, [row.name for row in rows], split, val="val" in has, test="test" in has)
    final = keep_highest_split(groups, drawn)
    counts["chromosome_unknown_dropped"] = int((drawn == "").sum())
    counts["same_or_overlapping_in_a_later_split_dropped"] = int(((final == "") & (drawn != "")).sum())
    fixed = (final == "test") & ("test" in has)
    keep, table = _merged(rows, np.array(labels, dtype=np.int8), final, fixed, counts)
    seen: set[str] = set()
    return Examples(
        classes=tuple(names),
        ids=[distinct_name(rows[i].name, seen) for i in keep],
        labels=np.zeros(len(keep), dtype=np.int64),
        groups=[groups[i] for i in keep],
        chromosomes=[chromosomes[i] for i in keep],
        lengths=lengths[keep],
        split=final[keep],
        targets=HeldTargets(table),
        sequences=[rows[i].codes for i in keep],
        window=width,
        counts=_nonzero(counts),
    )


def _merged(
    rows: Sequence[Row], labels: Labels, split: NDArray[np.str_], fixed: NDArray[np.bool_], counts: Counter[str]
) -> tuple[list[int], Labels]:
    """First row of every sequence that is left, in order, and the labels of all its copies together."""
    copies: dict[bytes, list[int]] = {}
    for i in np.flatnonzero(split != "").tolist():
        key = i.to_bytes(8, "big") if fixed[i] else strandless_digest(rows[i].codes)
        copies.setdefault(key, []).append(i)
    keep, table = [], []
    for members in copies.values():
        some = labels[members]
        is_one, is_zero = (some == 1).any(axis=0), (some == 0).any(axis=0)
        told = np.where(is_one == is_zero, UNKNOWN, is_one).astype(np.int8)
        counts["copies_merged"] += len(members) - 1
        counts["labels_contradicted_by_a_copy"] += int((is_one & is_zero).sum())
        if (told == UNKNOWN).all():
            counts["without_a_known_label_dropped"] += 1
            continue
        keep.append(members[0])
        table.append(told)
    return keep, np.array(table, dtype=np.int8).reshape(-1, labels.shape[1])


def _nonzero(counts: Counter[str]) -> dict[str, Any]:
    return {key: value for key, value in counts.items() if value or key == "records_read"}
