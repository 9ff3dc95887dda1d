"""Reading tables: lines as text with their numbers, whatever they are compressed with, and what is said where that fails.

What is in the lines is not known here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from specgen.errors import InputError
from specgen.files import HELD, Growth
from specgen.records import DAMAGED, open_decompressed

__all__ = ["LONGEST", "faults_told", "split_line", "text_lines"]

LONGEST = 1 << 26
"""Letters of a line: no table has more."""


@contextmanager
def faults_told(path: str | Path, expected: str, reached: Callable[[], int]) -> Iterator[None]:
    """What can be wrong with a file that is being read, as ``InputError`` of one line.

    Parameters
    ----------
    expected
        What kind of file it should be.
    reached
        Number of the last line that was read.
    """
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected {expected}") from None
    except DAMAGED as error:
        raise InputError(
            f"{path}: the compressed data is truncated or damaged, after line {reached()} ({error})"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text, after line {reached()}; expected {expected}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def text_lines(path: str | Path, expected: str, growth: Growth = HELD) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text, without its end, of every line that is not blank.

    Parameters
    ----------
    path
        Plain or compressed, told from the content and not from the name.
    expected
        What kind of file it should be, for messages.
    growth
        What compressed data may become.

    Raises
    ------
    InputError
        No such file, a folder, damaged or binary data, or nothing but blank lines.
    """
    number = last = 0
    with faults_told(path, expected, lambda: number), open_decompressed(path, growth=growth) as handle:
        text_file = io.TextIOWrapper(handle, encoding="utf-8-sig")
        try:
            for number, line in enumerate(iter(partial(text_file.readline, LONGEST), ""), 1):
                if len(line) == LONGEST:
                    raise InputError(f"{path}: line {number}: has more than {LONGEST:,} letters, expected {expected}")
                if text := line.rstrip("\r\n"):
                    last = number
                    yield number, text
        finally:
            text_file.detach()  # or it would close standard input
    if not last:
        raise InputError(f"{path}: is empty, expected {expected}")


def split_line(line: str, delimiter: str, where: str) -> list[str]:
    """The fields of a line of a table, in which quotes may stand.

    Raises
    ------
    InputError
        A field longer than the csv module takes.
    """
    if '"' not in line:  # they are rare, and the csv module is ten times as slow as a split
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{where}: cannot be read as fields with {delimiter!r} between them ({error})") from None
