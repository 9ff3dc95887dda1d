"""The one error tree of both packages::

    SpecgenError
    +-- InputError      the user's input is at fault: one line naming what, where, expected and found
        +-- UnknownName a name that no registry holds, with the nearest known names
        +-- MissingLibrary one that an extra brings

The command line turns an ``InputError`` into that one line on stderr and exit code 2, and so it does with an
``OSError``, naming the path, and with whatever a ``shortage`` of the machine came out as. Anything else is a bug of ours and
keeps its traceback. No other logic lives here.
"""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable, Iterator

__all__ = [
    "InputError",
    "MissingLibrary",
    "SpecgenError",
    "UnknownName",
    "first_line",
    "nearest",
    "refused",
    "shortage",
]

_SHORT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_SIGNS = {
    "out of memory": "out of memory",
    "can't allocate memory": "out of memory",
    "cannot allocate memory": "out of memory",
    "bad_alloc": "out of memory",
    "dataloader worker (pid": "a process that loads batches was lost; too little memory? (fewer training.workers need less)",
    **{os.strerror(number).lower(): os.strerror(number) for number in _SHORT if number != errno.ENOMEM},
}
"""What libraries write into errors of other classes, and what it means."""

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


class MissingLibrary(InputError):
    """A library that is not installed, and the extra that brings it.

    The package is not on an index by this name (another one is), so that what is to be installed is the checkout, or a wheel.
    """

    def __init__(self, library: str, extra: str) -> None:
        self._arguments = library, extra
        super().__init__(
            f"{library} is not installed; the extra {extra!r} brings it: pip install -e '.[{extra}]' in the checkout, "
            f"or pip install 'FILE.whl[{extra}]'"
        )

    def __reduce__(self) -> tuple[type[MissingLibrary], tuple[str, str]]:
        return type(self), self._arguments


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


def shortage(error: BaseException) -> str:
    """What the machine has too little of, in a line: memory, room on a disk, open files; empty where it is something else.

    Libraries turn these into errors of their own, so what an error came from is looked at, too.
    """
    for link in _links(error):
        text = f" ({first_line(link)[:300]})" if str(link).strip() else ""
        if isinstance(link, MemoryError):
            return f"out of memory{text}"
        if isinstance(link, OSError) and link.errno in _SHORT:
            reason = os.strerror(link.errno)
            return reason if link.filename is None else f"{link.filename}: {reason}"
        for sign, meaning in _SIGNS.items():
            if sign in str(link).lower():
                return meaning + text
    return ""


def refused(error: BaseException) -> bool:
    """Whether there is no room, or no handle for another file: what fails for any settings until somebody sees to it."""
    short = shortage(error)
    return any(
        os.strerror(number) in short for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE)
    )


def _links(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it came from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names most like ``name``, as text ("'a' or 'b'"); empty when nothing is near."""
    folded = {item.lower(): item for item in known}
    found = [folded[item] for item in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.5)]
    return " or ".join(repr(item) for item in found)
