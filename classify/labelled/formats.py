"""Labelled sequences from files: FASTA, CSV and TSV, DeepBind's .seq. One decorated function a format, found by the ending.

A format is a function from a file to a list of ``Row``. Names of records tell where a sequence comes from, for the splits, and
are never features: in several published sets they give the label away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from classify.headers import Origin, parse_header
from classify.lines import split_line, text_lines
from specgen.errors import InputError
from specgen.records import read_records
from specgen.registry import Registry
from specgen.sequences import Codes, encode

__all__ = ["FORMATS", "Columns", "Format", "Row", "format_of", "read_rows", "register_format"]


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled sequence: its name in the file, 1 = bound or 0, uint8 codes (n,), and what its name tells of its place."""

    name: str
    label: int
    codes: Codes
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns."""

    sequence: str = "sequence"
    label: str = "label"


Reader = Callable[[Path, "int | None", Columns], Iterator[Row]]


@dataclass(frozen=True)
class Format:
    """``read(path, label, columns) -> rows``: ``label`` is that of a file without labels of its own.

    Attributes
    ----------
    labelled
        Whether the files tell labels.
    """

    read: Reader
    endings: tuple[str, ...]
    labelled: bool


FORMATS: Registry[Format] = Registry("format of labelled sequences")


def register_format(name: str, *endings: str, labelled: bool) -> Callable[[Reader], Reader]:
    """Decorator: add a reader of files that end so (.gz and the like may follow)."""

    def register(read: Reader) -> Reader:
        FORMATS.add(name, Format(read, endings, labelled))
        return read

    return register


def format_of(path: Path) -> Format:
    """The format that a file's name tells.

    Raises
    ------
    InputError
        None does.
    """
    ending = Path(re.sub(r"\.(b?gz|bz2|xz|zst)$", "", path.name.lower())).suffix
    for name in FORMATS:
        if ending in FORMATS[name].endings:
            return FORMATS[name]
    known = ", ".join(ending for name in FORMATS for ending in FORMATS[name].endings)
    raise InputError(f"{path}: expected a file ending in {known} (or .gz), got {ending or 'no ending'!r}")


def read_rows(path: Path, label: int, columns: Columns) -> Iterator[Row]:
    """The rows of a file of any format.

    Parameters
    ----------
    label
        1 for a file that the settings name as labelled or bound, 0 for one of negatives.

    Raises
    ------
    InputError
        A file that cannot be read, holds nothing, lacks a column, or has a label or letter that is none; or one with
        labels of its own among the negatives.
    """
    found = format_of(path)
    if found.labelled and not label:
        raise InputError(f"{path}: holds labels of its own; expected a FASTA file of negatives")
    yield from found.read(path, label, columns)


@register_format("fasta", ".fa", ".fasta", ".fna", ".fas", ".fq", ".fastq", labelled=False)
def read_fasta(path: Path, label: int | None, columns: Columns) -> Iterator[Row]:
    """All records have the label that the settings give the file."""
    for record in read_records(path, unique=False):
        yield Row(record.name, int(label or 0), record.codes, parse_header(record.header))


@register_format("table", ".csv", ".tsv", ".txt", labelled=True)
def read_table(path: Path, label: int | None, columns: Columns) -> Iterator[Row]:
    """A header line, and a column each of sequences and of labels 0 or 1; a column ``name`` or ``id`` is used if it is there."""
    return _table(path, columns.sequence, columns.label, ("name", "id"))


@register_format("deepbind", ".seq", labelled=True)
def read_deepbind(path: Path, label: int | None, columns: Columns) -> Iterator[Row]:
    """DeepBind's ENCODE files: tab-separated FoldID, EventID, seq, Bound."""
    return _table(path, "seq", "Bound", ("EventID",))


def _table(path: Path, sequence: str, label: str, names: tuple[str, ...]) -> Iterator[Row]:
    header: list[str] = []
    places: tuple[int, int, int] = (0, 0, -1)
    delimiter, empty = ",", True
    for number, line in text_lines(path, f"a table with the columns {sequence} and {label}"):
        if not header:
            delimiter = "\t" if "\t" in line else ","
            header = [word.strip() for word in split_line(line, delimiter, f"{path}: line {number}")]
            if missing := [name for name in (sequence, label) if name not in header]:
                raise InputError(f"{path}: has no column {missing[0]!r}; its columns are {', '.join(header)}")
            named = next((header.index(name) for name in names if name in header), -1)
            places = header.index(sequence), header.index(label), named
            continue
        words = split_line(line, delimiter, f"{path}: line {number}")
        if len(words) != len(header):
            raise InputError(f"{path}: line {number}: expected {len(header)} columns, got {len(words)}")
        letters, told = words[places[0]].strip(), words[places[1]].strip()
        if told not in ("0", "1"):
            raise InputError(f"{path}: line {number}: expected 0 or 1 in the column {label!r}, got {told!r}")
        if not letters:
            raise InputError(f"{path}: line {number}: the column {sequence!r} is empty")
        name = words[places[2]].strip() if places[2] >= 0 else f"line_{number}"
        empty = False
        codes = encode(letters, name=f"{path}: line {number}")
        yield Row(name, int(told), codes, parse_header(name))
    if empty:
        raise InputError(f"{path}: holds no rows below its header")
