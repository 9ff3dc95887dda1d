"""A name -> object registry: the one mechanism behind representations, palettes, models, baselines and tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from specgen.errors import UnknownName

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps unique names to objects, in order of registration.

    Parameters
    ----------
    kind
        What the entries are ("palette"), used in error messages.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self._families: dict[str, Callable[[str], T]] = {}

    def add(self, name: str, entry: T) -> T:
        """Register ``entry``; a name that is taken is a programming error (``ValueError``)."""
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry
        return entry

    def add_family(self, prefix: str, make: Callable[[str], T]) -> None:
        """Let ``prefix:member`` name ``make(member)``, which raises ``UnknownName`` for a bad member."""
        if prefix in self._families:
            raise ValueError(f"{self.kind} family {prefix!r} is registered twice")
        self._families[prefix] = make

    @property
    def families(self) -> tuple[str, ...]:
        """Prefixes of the open-ended families."""
        return tuple(self._families)

    def __getitem__(self, name: str) -> T:
        if name in self._entries:
            return self._entries[name]
        prefix, colon, member = name.partition(":")
        if colon and prefix in self._families:
            return self._families[prefix](member)
        raise UnknownName(self.kind, name, [*self._entries, *(f"{family}:<name>" for family in self._families)])

    def __contains__(self, name: object) -> bool:
        """Whether it is an entry, or one of a family, which may turn out not to have it."""
        return name in self._entries or (isinstance(name, str) and name.partition(":")[0] in self._families)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
