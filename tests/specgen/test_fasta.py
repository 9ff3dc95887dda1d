"""FASTA in blocks gives what dnaio gives line by line, wherever the blocks end."""

from __future__ import annotations

import io

import dnaio
import pytest
from dnaio.exceptions import FileFormatError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from specgen.fasta import fasta_records


class Raw:
    """What dnaio hands over, unchecked."""

    def __init__(self, name: str, sequence: str, qualities: str | None = None) -> None:
        self.name, self.sequence = name, sequence


class Drops(io.BytesIO):
    """A pipe that gives ``size`` bytes at once."""

    size = 1

    def read1(self, size: int | None = -1) -> bytes:
        return self.read(self.size)


def by_line(content: bytes) -> list[tuple[str, str]] | None:
    try:
        return [(raw.name, raw.sequence) for raw in dnaio.readers.FastaReader(io.BytesIO(content), sequence_class=Raw)]
    except FileFormatError:
        return None


def by_block(content: bytes, size: int) -> list[tuple[str, str]] | None:
    handle = Drops(content)
    handle.size = size
    try:
        return [(name, letters.decode()) for name, letters in fasta_records(handle)]
    except FileFormatError:
        return None


LINES = st.sampled_from(
    [">", ">a b ", " >c", "#x", " # y", "ACGT", "N" * 9, "A C", " AC", "GT\t", "", "  ", "A>C", "A#C", ">é"]
)


@given(st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r\n", "\r", ""])), max_size=12), st.integers(1, 9))
@settings(max_examples=150)
@example([(">a", "\r\n"), ("AC", "\r"), ("GT", "\n")], 1)
@example([(">a", "\n"), ("A" * 30, ""), (">b", "\n")], 7)
def test_as_dnaio_reads_it(lines: list[tuple[str, str]], size: int) -> None:
    content = "".join(line + end for line, end in lines).encode()
    assert by_block(content, size) == by_line(content)


def test_a_record_comes_with_the_next_header() -> None:
    handle = Drops(b">a\nACGT\n>b\nACGT\n")
    records = fasta_records(handle)
    assert next(records) == ("a", b"ACGT")
    assert handle.tell() == len(b">a\nACGT\n>b\n")


def test_text_before_the_first_header() -> None:
    with pytest.raises(FileFormatError, match="Expected '>' at beginning of record, but got 'hello'"):
        list(fasta_records(io.BytesIO(b"\n# said\nhello\n>a\nAC\n")))


@pytest.mark.parametrize("content", [b">a\nAC\xff\n", b">\xe9\nAC\n", b">a\nAC\xc3"])
def test_not_text(content: bytes) -> None:
    for size in (1, 3, 99):
        with pytest.raises(UnicodeDecodeError):
            by_block(content, size)
