"""Whole lines of a table, a few MB at a time, whatever it is compressed with. What is in the lines is not known here."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from classify.lines import faults_told
from specgen.errors import InputError
from specgen.records import open_decompressed

__all__ = ["line_chunks"]

_CHUNK, _LONGEST = 1 << 20, 1 << 26
"""Bytes read at once, and the longest line."""


def line_chunks(path: str) -> Iterator[tuple[int, bytes]]:
    """Lines, the last one's end left out, and the number (from 1) of the first; up to GFF3's section of sequences.

    Raises
    ------
    InputError
        No such file, a folder, damaged data, or a line longer than any table's.
    """
    line = 1
    with faults_told(path, "a GTF or GFF3 file", lambda: line):
        for line, chunk in _chunks(path):
            yield line, chunk


def _chunks(path: str) -> Iterator[tuple[int, bytes]]:
    line, rest = 1, b""
    with open_decompressed(path) as handle:
        while block := handle.read(_CHUNK):
            if line == 1 and not rest:
                block = block.removeprefix(codecs.BOM_UTF8)
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if len(rest) > _LONGEST:
                raise InputError(f"{path}: holds a line of more than {_LONGEST} bytes; expected a GTF or GFF3 file")
            if not newline:
                continue
            ends = [place for sign in (b"\n##FASTA", b"\n>") if (place := (b"\n" + whole).find(sign)) >= 0]
            if ends:
                if min(ends):
                    yield line, whole[: min(ends) - 1]
                return
            yield line, whole
            line += whole.count(b"\n") + 1
    if rest and not rest.startswith((b"##FASTA", b">")):
        yield line, rest
