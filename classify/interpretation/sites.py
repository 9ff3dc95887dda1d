"""Known places in the records that are explained, from a BED file: coding sequences, motifs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from classify.lines import text_lines
from specgen.errors import InputError
from specgen.files import expand

__all__ = ["Site", "check_named", "read_cds", "read_sites"]


class Site(NamedTuple):
    """0-based half-open in the record, and its name, which may be empty."""

    start: int
    end: int
    name: str = ""


def read_sites(file: str) -> dict[str, list[Site]]:
    """Sites by record name from a BED file: record, start, end and, if there is a fourth column, name.

    Raises
    ------
    InputError
        A file that cannot be read, or a line that holds something else.
    """
    found: dict[str, list[Site]] = {}
    for number, line in text_lines(expand(file), "a BED file"):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        fields = line.split("\t")
        try:
            begin, end = int(fields[1]), int(fields[2])
        except (IndexError, ValueError):
            raise InputError(
                f"{file}: line {number}: expected record, start and end, split by tabs, got {line[:80]!r}"
            ) from None
        if not 0 <= begin < end:
            raise InputError(f"{file}: line {number}: expected 0 <= start < end, got {begin} and {end}")
        found.setdefault(fields[0], []).append(Site(begin, end, fields[3] if len(fields) > 3 else ""))
    return found


def check_named(known: Mapping[str, Any] | None, records: Sequence[str]) -> None:
    """Refuse intervals of other records alone (``InputError``): of a mistyped name nothing would be drawn, without a word."""
    if known and records and not set(known) & set(records):
        raise InputError(
            f"the BED file names none of the records that are drawn: {', '.join(list(known)[:3])} there, "
            f"{', '.join(records[:3])} here"
        )


def read_cds(file: str) -> dict[str, tuple[int, int]]:
    """CDS by record name, see ``read_sites``; of several in a record the last."""
    return {name: sites[-1][:2] for name, sites in read_sites(file).items()}
