"""Lines of a table as text with their numbers, whatever it is compressed with. What is in the lines is not known here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from specgen.errors import InputError
from specgen.records import DAMAGED, open_decompressed

__all__ = ["text_lines"]


def text_lines(path: str | Path, expected: str) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text, without its end, of every line that is not blank.

    Parameters
    ----------
    path
        Plain or compressed, told from the content and not from the name.
    expected
        What kind of file it should be, for messages.

    Raises
    ------
    InputError
        No such file, a folder, damaged or binary data, or nothing but blank lines.
    """
    number = last = 0
    try:
        with open_decompressed(path) as handle:
            for number, line in enumerate(io.TextIOWrapper(handle, encoding="utf-8-sig"), 1):
                if text := line.rstrip("\r\n"):
                    last = number
                    yield number, text
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected {expected}") from None
    except DAMAGED as error:
        raise InputError(
            f"{path}: the compressed data is truncated or damaged, after line {number} ({error})"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text, after line {number}; expected {expected}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not last:
        raise InputError(f"{path}: is empty, expected {expected}")
