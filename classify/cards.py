"""Dataset cards: YAML files under ``data/`` that say what a data set is, where it comes from and how it is checked.

Here they are read and held to their form. Nothing is fetched, and none of the data is opened.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from classify.checksums import KINDS, canonical
from classify.shipped import shipped_folder
from specgen.errors import InputError, UnknownName, nearest
from specgen.parser import load_settings

__all__ = ["CARDS", "Card", "CardFile", "Leaks", "PublishedList", "card_names", "find_card", "load_card"]

CARDS = shipped_folder("data")
"""Folder of the project's own cards."""

RESERVED = (".part", ".part.json", ".wrong", ".lock.json")
"""Endings of the files that downloading writes beside the data."""


def _plain_name(name: str) -> None:
    """Refuse what could be another place than a file of this name in the folder, here or on another system."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}", name) or name.endswith("."):
        raise InputError(
            f"name: expected the plain name of a file (letters, digits, '.', '_', '-', '+', no folder), got {name!r}"
        )


def _web_address(key: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or not url.isascii() or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise InputError(f"{key}: expected an http or https address, got {url!r}")


@dataclass(frozen=True)
class PublishedList:
    """Where a publisher lists checksums; the line that ends in the name in the file's own URL is the one that counts."""

    kind: str
    """``sha256``, ``md5`` or ``bsd_sum`` (Ensembl's ``CHECKSUMS``)."""
    url: str
    """Address of the list, http or https."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind: expected one of {', '.join(KINDS)}, got {self.kind!r}")
        _web_address("url", self.url)


@dataclass(frozen=True)
class CardFile:
    """One file of a data set: what it is, where it is from, and a checksum or a list that has it."""

    name: str
    """Its name in the folder; never a path."""
    holds: str = ""
    """What it is."""
    url: str = ""
    """http or https; empty: it was made by hand, and ``origin`` says from what."""
    sha256: str = ""
    md5: str = ""
    bsd_sum: str = ""
    """``"<sum> <blocks>"`` in decimal, blocks of 1024 bytes."""
    checksums: PublishedList | None = None
    """Read when the file is first fetched, where none of the three above is known."""
    bytes: int | None = None
    label: str = ""
    """The class of its records, where all have one."""
    records: int | None = None
    origin: str = ""
    licence: str = ""
    """Where it differs from the card's."""

    def __post_init__(self) -> None:
        _plain_name(self.name)
        if ending := next((end for end in RESERVED if self.name.lower().endswith(end)), ""):
            raise InputError(f"name: {self.name!r}: names that end in {ending} are taken by the download itself")
        if self.url:
            _web_address("url", self.url)
        for key in ("bytes", "records"):
            if (number := getattr(self, key)) is not None and number < 1:
                raise InputError(f"{key}: expected a whole number above 0, got {number}")
        if not self.known and not self.checksums:
            raise InputError(f"checksums: expected this key or one of {', '.join(KINDS)}, found none")
        if self.checksums and not self.listed_name:
            raise InputError(f"url: expected the address of a file, since checksums names a list, got {self.url!r}")

    @property
    def known(self) -> dict[str, str]:
        """Checksums that the card itself gives, by kind, as ``checksums.canonical`` writes them."""
        return {kind: canonical(kind, value) for kind in KINDS if (value := getattr(self, kind))}

    @property
    def listed_name(self) -> str:
        """The name that the publisher has for it: the last part of the URL's path."""
        return urlsplit(self.url).path.rpartition("/")[2]


@dataclass(frozen=True)
class Leaks:
    """What could tell the label without biology: what is controlled, and what is left."""

    controlled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Card:
    """A data set: what it is, its files, and what to know before believing a result on it."""

    name: str
    """Name of the card's file without its ending, and of the folder that the data goes to."""
    title: str
    organism: str
    assembly: str
    release: str
    """Of the publisher, or the commit."""
    licence: str
    citation: str
    files: list[CardFile]
    task: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    """Label -> what carries it."""
    split: str = ""
    leaks: Leaks = field(default_factory=Leaks)

    def __post_init__(self) -> None:
        _plain_name(self.name)
        for key in ("title", "organism", "assembly", "release", "licence", "citation"):
            if not getattr(self, key).strip():
                raise InputError(f"{key}: expected text, got none")
        if not self.files:
            raise InputError("files: expected at least one, got none")
        # Names that differ by case alone are one file on many systems.
        names = [file.name.lower() for file in self.files]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise InputError(f"files: two are named {twice!r} (case aside)")


def card_names() -> list[str]:
    """Names of the project's own cards."""
    return sorted(path.stem for path in CARDS.glob("*.yaml"))


def find_card(card: str) -> Path:
    """The file of a card, given by its path (``*.yaml``, ``*.yml``) or by the name of one of ours (``UnknownName``)."""
    if card.endswith((".yaml", ".yml")):
        return Path(card)
    if card not in card_names():
        raise UnknownName("card", card, card_names())
    return CARDS / f"{card}.yaml"


def load_card(path: Path) -> Card:
    """A card from its file.

    Raises
    ------
    InputError
        It cannot be read, has an unknown or missing key, a value of a wrong type or form, a file name that is a path,
        or another name than its file: names the card, the key, what was expected and what came.
    """
    body = load_settings(str(path))
    try:
        card: Card = _built(Card, body, "")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if card.name != path.stem:
        raise InputError(f"{path}: name: expected {path.stem!r}, as the file is called, got {card.name!r}")
    return card


def _built(cls: Any, body: Mapping[str, Any], where: str) -> Any:
    """A dataclass from plain data, strictly; our jsonargparse parser reads no lists of dataclasses."""
    fields = {item.name: item for item in dataclasses.fields(cls)}
    if unknown := [key for key in body if key not in fields]:
        near = nearest(str(unknown[0]), fields)
        hint = f"did you mean {near}?" if near else f"known: {', '.join(fields)}"
        place = where.removesuffix(".")
        raise InputError(f"{place}{': ' if place else ''}unknown key {unknown[0]!r}; {hint}")
    needed = [
        name
        for name, item in fields.items()
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
    if missing := [name for name in needed if name not in body]:
        raise InputError(f"{where}{missing[0]}: expected this key, found none")
    hints = get_type_hints(cls)
    values = {key: _value(hints[key], value, f"{where}{key}") for key, value in body.items()}
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(f"{where}{error}") from None


def _value(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) is UnionType:
        kinds = [item for item in get_args(kind) if item is not NoneType]
        return None if value is None else _value(kinds[0], value, where)
    if get_origin(kind) is list and isinstance(value, list):
        return [_value(get_args(kind)[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if get_origin(kind) is dict and isinstance(value, dict):
        return {_value(str, k, f"{where}: a key"): _value(str, v, f"{where}.{k}") for k, v in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _built(kind, value, f"{where}.")
    if kind in (str, int) and type(value) is kind:  # True is no number
        return " ".join(value.split()) if kind is str else value
    expected = {str: "text", int: "a whole number"}.get(kind, "a list" if get_origin(kind) is list else "a mapping")
    # YAML makes numbers and dates of what looks like them.
    hint = "" if kind is not str or isinstance(value, list | dict) else " (put it in quotes)"
    raise InputError(f"{where}: expected {expected}, got {value!r}{hint}")
