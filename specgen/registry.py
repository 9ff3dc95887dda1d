"""A name -> object registry: the one mechanism behind representations, palettes, models, baselines and tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from specgen.errors import UnknownName
from specgen.extending import load_plugins

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps unique names to objects, in order of registration.

    Parameters
    ----------
    kind
        What the entries are ("palette"), used in error messages.
    plugins
        Whether plug-ins are loaded before it is asked for the first time. Off for registries that modules of ours ask while
        they are imported: a plug-in could not import these yet.
    """

    def __init__(self, kind: str, *, plugins: bool = True) -> None:
        self.kind = kind
        self._plugins = plugins
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

    def _complete(self) -> None:
        if self._plugins:
            load_plugins()

    @property
    def families(self) -> tuple[str, ...]:
        """Prefixes of the open-ended families."""
        self._complete()
        return tuple(self._families)

    def __getitem__(self, name: str) -> T:
        self._complete()
        if name in self._entries:
            return self._entries[name]
        prefix, colon, member = name.partition(":")
        if colon and prefix in self._families:
            return self._families[prefix](member)
        raise UnknownName(self.kind, name, [*self._entries, *(f"{family}:<name>" for family in self._families)])

    def __contains__(self, name: object) -> bool:
        """Whether it is an entry, or one of a family, which may turn out not to have it."""
        self._complete()
        return name in self._entries or (isinstance(name, str) and name.partition(":")[0] in self._families)

    def __iter__(self) -> Iterator[str]:
        self._complete()
        return iter(self._entries)

    def __len__(self) -> int:
        self._complete()
        return len(self._entries)
