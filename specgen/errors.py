"""The one error tree of both packages::

    SpecgenError
    +-- InputError      the user's input is at fault: one line naming what, where, expected and found
        +-- UnknownName a name that no registry holds, with the nearest known names

The command line turns an ``InputError`` into that one line on stderr and exit code 2, and so it does with an
``OSError``, naming the path. Anything else is a bug of ours and keeps its traceback. No other logic lives here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["InputError", "SpecgenError", "UnknownName", "first_line", "nearest"]

LONGEST = 2000
"""Letters of a message: a field of a damaged file may have as many as the file."""


class SpecgenError(Exception):
    """Base of every error that this project raises on purpose."""


class InputError(SpecgenError, ValueError):
    """The input cannot be used; the message names the file, record, line or key, what was expected, what came.

    Whatever the names and values in it hold, it is one line, nothing in it moves a terminal's cursor, and its middle is left
    out where it has more than ``LONGEST`` letters.
    """

    def __init__(self, message: object = "") -> None:
        text = str(message).rstrip("\n")
        if not text.isprintable():
            text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
        if len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 + 5 :]}"
        super().__init__(text)


class UnknownName(InputError):
    """A name that is not registered; the message suggests the nearest known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self._arguments = kind, name, known = kind, name, sorted(known)
        close = nearest(name, known)
        hint = f"did you mean {close}?" if close else f"known: {', '.join(known) or 'none'}"
        super().__init__(f"unknown {kind} {name!r}; {hint}")

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, list[str]]]:
        return type(self), self._arguments  # so that it survives the way back from a worker process


def first_line(error: BaseException) -> str:
    """What an error says, up to its first line's end; its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names most like ``name``, as text ("'a' or 'b'"); empty when nothing is near."""
    folded = {item.lower(): item for item in known}
    found = [folded[item] for item in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.5)]
    return " or ".join(repr(item) for item in found)
