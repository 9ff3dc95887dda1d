"""What was pasted or uploaded, as records, within bounds. No server here."""

from __future__ import annotations

import dataclasses
import re

from specgen.errors import InputError
from specgen.records import Record, read_records

__all__ = ["MOST_BYTES", "MOST_LETTERS", "MOST_RECORDS", "parse_number", "read_input"]

MOST_BYTES = 5_000_000
"""Of a request, and of what a compressed file becomes."""

MOST_RECORDS = 50
"""In one request."""

MOST_LETTERS = 1_000_000
"""In one request, all records together."""

_NO_LETTERS = re.compile(r"[ \t\d]+|//\s*$")
NAME = 200
"""Characters of a record's name that are kept: a header may be as long as the file."""


def read_input(text: str, file: bytes | None = None, name: str = "") -> list[Record]:
    """Records of an uploaded file, or else of pasted text.

    Parameters
    ----------
    text
        FASTA, FASTQ, or letters alone, which become a record called "pasted"; among these blanks and the numbers of places are
        left out, with which GenBank and EMBL show sequences.
    file, name
        Contents of a file, plain or compressed, and what its sender calls it; None = no file.

    Raises
    ------
    InputError
        Nothing there, more than ``MOST_RECORDS`` or ``MOST_LETTERS``, or what ``read_records`` refuses.
    """
    label = f"file {name[:NAME]!r}"
    if file is None:
        text, label = text.strip(), "pasted text"
        if not text:
            raise InputError("expected letters or a file, got nothing")
        file = (text if text[0] in ">@#" else f">pasted\n{_NO_LETTERS.sub('', text)}").encode()
    records: list[Record] = []
    letters = 0
    for record in read_records(file, unique=False, label=label, most=MOST_BYTES):
        letters += len(record.codes)
        if len(records) == MOST_RECORDS or letters > MOST_LETTERS:
            raise InputError(
                f"{label}: expected at most {MOST_RECORDS} records and {MOST_LETTERS:,} letters; "
                "python -m classify predict takes any number"
            )
        records.append(dataclasses.replace(record, name=record.name[:NAME]))
    return records


def parse_number(text: str, records: int) -> int:
    """The number of the record that is drawn, 1 to ``records``; 0 where nothing is said.

    Raises
    ------
    InputError
        It is something else.
    """
    text = text.strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= records):
        raise InputError(f"record: expected a number from 1 to {records}, got {text[:NAME]!r}")
    return int(text)
