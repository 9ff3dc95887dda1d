"""What a run says of its data before any work: sizes of the splits, what was left out, and what may leak. In words, no files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["data_lines", "left_out", "without_group"]


def data_lines(sizes: Mapping[str, str], counts: Mapping[str, Any]) -> list[str]:
    """Lines for a terminal, of the size of each split in words and of what was counted."""
    lines = [", ".join(f"{split} {told}" for split, told in sizes.items()), left_out(counts)]
    if alone := without_group(counts):
        lines.append(f"warning: {alone}")
    if made := counts.get("simulated_transcripts"):
        lines.append(f"note: no files were given; these are {made} simulated transcripts")
    return [line for line in lines if line]


def without_group(counts: Mapping[str, Any]) -> str:
    """What is to be known of records that name no gene; empty where all do."""
    ends = ("without_gene_or_locus", "without_gene")
    alone = sum(value for key, value in counts.items() if key.endswith(ends) and isinstance(value, int))
    if not alone:
        return ""
    return (
        f"{alone:,} records name no gene or locus, and each is a group of its own: transcripts of one gene may be on both "
        "sides of a split (data.table names genes, data.clusters joins what is alike)"
    )


def left_out(counts: Mapping[str, Any]) -> str:
    """Counts that are not nothing, in one line."""
    return "; ".join(_spoken(counts))


def _spoken(counts: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Those that belong together in one."""
    numbers = {key: value for key, value in counts.items() if value and not isinstance(value, Mapping)}
    if above and numbers:
        yield f"{above}: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in numbers.items())
    elif not above:
        yield from (f"{key.replace('_', ' ')}: {value}" for key, value in numbers.items())
    for key, value in counts.items():
        if isinstance(value, Mapping):
            yield from _spoken(value, f"{above} {key.replace('_', ' ')}".strip())
