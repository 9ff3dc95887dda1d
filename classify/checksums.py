"""Checksums as publishers give them: SHA-256, MD5 and the BSD sum, of files, and read from lists of them.

Nothing here knows what a card is or reaches for the network.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from specgen.errors import InputError, UnknownName

__all__ = ["KINDS", "BsdSum", "canonical", "digests", "length_range", "listed"]

BLOCK = 1024
"""Bytes in a block of the BSD sum."""
CHUNK = 1 << 20
_HEX = {"sha256": 64, "md5": 32}


class _Hasher(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class BsdSum:
    """The 16-bit rotating checksum of BSD's ``sum`` (GNU ``sum -r``), with the number of 1024-byte blocks.

    For each byte the sum turns right by one bit, then the byte is added, modulo 65536. Ensembl's ``CHECKSUMS`` files
    hold it. Sixteen bits find accidents, not attacks. Source: FreeBSD cksum(1), "historic algorithm" 1; unverified
    beyond GNU coreutils 9.1, whose output it repeats.
    """

    def __init__(self) -> None:
        self._sum = 0
        self._bytes = 0

    def update(self, data: bytes, /) -> None:
        """Take the next bytes of the file."""
        import numpy as np

        from classify._rotating import rotate_add  # numba takes its time, and other kinds need none

        self._sum = int(rotate_add(np.frombuffer(data, dtype=np.uint8), self._sum))
        self._bytes += len(data)

    def hexdigest(self) -> str:
        """``"<sum> <blocks>"``, in decimal whatever hashlib's name for this says: ``"11885 860561"``."""
        return f"{self._sum:05d} {-(-self._bytes // BLOCK)}"


def _new(kind: str) -> Callable[[], _Hasher]:
    return lambda: hashlib.new(kind, usedforsecurity=False)


KINDS: dict[str, Callable[[], _Hasher]] = {"sha256": _new("sha256"), "md5": _new("md5"), "bsd_sum": BsdSum}
"""Kind of checksum -> what computes it."""


def canonical(kind: str, value: str) -> str:
    """A checksum as ``digests`` writes it: lower-case hexadecimal digits, or ``"<sum> <blocks>"``.

    Parameters
    ----------
    kind
        A name in ``KINDS``.
    value
        Hexadecimal digits (64 of SHA-256, 32 of MD5); of a BSD sum two decimal numbers, 0 to 65535 and blocks.

    Raises
    ------
    InputError
        The kind is not known, or the value is none of it.
    """
    if kind not in KINDS:
        raise UnknownName("kind of checksum", kind, KINDS)
    value = " ".join(value.split())
    if digits := _HEX.get(kind):
        if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", value):
            raise InputError(f"{kind}: expected {digits} hexadecimal digits, got {value!r}")
        return value.lower()
    if not (found := re.fullmatch(r"([0-9]{1,5}) ([0-9]{1,12})", value)) or int(found[1]) > 0xFFFF:
        raise InputError(f"{kind}: expected a number up to 65535 and one of blocks, got {value!r}")
    return f"{int(found[1]):05d} {int(found[2])}"


def digests(path: Path, kinds: Iterable[str]) -> dict[str, str]:
    """Checksums of a file by kind, in one pass over it and constant memory; ``OSError`` where it cannot be read."""
    hashers = {kind: KINDS[kind]() for kind in kinds}
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            for hasher in hashers.values():
                hasher.update(data)
    return {kind: hasher.hexdigest() for kind, hasher in hashers.items()}


def length_range(kind: str, value: str) -> tuple[int, int | None]:
    """Least and most bytes of a file with this checksum, as far as it tells: a BSD sum counts its blocks."""
    if kind not in KINDS or kind in _HEX:
        return 0, None
    blocks = int(canonical(kind, value).split()[1])
    return max(0, (blocks - 1) * BLOCK + 1), blocks * BLOCK


def listed(text: str, name: str, kind: str, where: str) -> str:
    """The checksum that a publisher's list gives for a file.

    Parameters
    ----------
    text
        Lines of checksum, white space (a tab or blanks), file name; a name may begin with ``*`` or ``./``.
    name
        File name that is looked for.
    kind
        A name in ``KINDS``.
    where
        URL or path of the list, for errors.

    Returns
    -------
    str
        As ``canonical`` writes it.

    Raises
    ------
    InputError
        No line names the file, lines contradict each other, or what stands there is no checksum of this kind.
    """
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        # Lines of other files are nobody's business: they may be comments, or of another form.
        if len(fields) < 2 or fields[-1].removeprefix("*").removeprefix("./") != name:
            continue
        try:
            found.setdefault(canonical(kind, " ".join(fields[:-1])), number)
        except InputError as error:
            raise InputError(f"{where}: line {number}: {error}") from None
    if not found:
        raise InputError(f"{where}: expected a line with the {kind} of {name}, found none")
    if len(found) > 1:
        raise InputError(f"{where}: lines {' and '.join(map(str, found.values()))} contradict each other on {name}")
    return next(iter(found))
