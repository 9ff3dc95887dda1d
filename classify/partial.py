"""What has come of a file so far, and what is known of the file that it belongs to.

The bytes lie in ``<name>.part``; ``<name>.part.json`` beside it names the address, the server's validators and the length,
so that a later process goes on only with a piece of the same file. No network here.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from specgen.errors import InputError
from specgen.files import parse_json, write_atomic

__all__ = ["Part", "Source"]


@dataclass(frozen=True)
class Source:
    """A file on a server, as it describes it. Source of the rules: RFC 9110, sections 8.8 and 13.1.5."""

    url: str
    etag: str = ""
    last_modified: str = ""
    total: int | None = None
    """Bytes; None: the server never said."""

    @property
    def validator(self) -> str:
        """For If-Range, which takes strong entity tags only, and a date only where there is no tag."""
        found = "" if self.etag.startswith("W/") else self.etag or self.last_modified
        return found if found.isascii() and found.isprintable() else ""

    def same_file(self, other: Source) -> bool:
        """Whether another description is of the same content, as far as both say."""
        mine, theirs = (self.etag, self.last_modified, self.total), (other.etag, other.last_modified, other.total)
        return all(a == b for a, b in zip(mine, theirs, strict=True) if a and b)


class Part:
    """The part file of one download; nobody else may be at work on it."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self.record = path.with_name(f"{path.name}.json")
        self.source = Source(url)
        if not self._recognise():
            self.drop()

    @property
    def name(self) -> str:
        """Of the file that it will be."""
        return self.path.stem

    @property
    def have(self) -> int:
        """Bytes that have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    def _recognise(self) -> bool:
        """Take up what a former process left; what is not surely of this address is not gone on with."""
        try:
            found = Source(**parse_json(self.record.read_text(encoding="utf-8"), self.record))
        except (OSError, ValueError, TypeError):
            return False
        texts = isinstance(found.etag, str) and isinstance(found.last_modified, str)
        if not texts or not isinstance(found.total, int | None) or found.url != self.source.url or not self.have:
            return False
        self.source = found
        return True

    def describe(self, source: Source) -> None:
        """Record what file the bytes are of."""
        self.source = source
        write_atomic(self.record, json.dumps(asdict(source)) + "\n")

    def drop(self) -> None:
        """Forget what has come; ``InputError`` where it cannot be removed."""
        try:
            self.record.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be removed ({error.strerror or error})") from None
        self.source = Source(self.source.url)

    def become(self, target: Path) -> None:
        """Give the bytes another name, in place of whatever has it."""
        try:
            self.path.replace(target)
            self.record.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{target}: cannot be written ({error.strerror or error})") from None
