"""The files of a card in a folder: fetched where they are missing, checked whether fetched or found, pinned by SHA-256.

A file that the card gives no checksum for is checked against its publisher's list once, and from then on against
``<card>.lock.json`` beside the data, which holds the SHA-256 of what came then. Nothing is unpacked.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from classify.cards import Card, CardFile
from classify.checksums import digests, length_range, listed
from classify.partial import Part, Source
from classify.transfer import Length, TransferSettings, fetch
from specgen.errors import InputError
from specgen.files import read_json, take_lock, write_atomic

__all__ = ["Outcome", "Pin", "Pins", "download"]

FORMAT = {"format": "classify/download", "version": 1}
LIST_MOST = 1 << 24
"""Bytes of a publisher's list of checksums."""


@dataclass(frozen=True)
class Pin:
    """What a file was when it was checked: the promise that later downloads are held to."""

    url: str
    bytes: int
    sha256: str
    checked: str
    """The checksum that vouched for it, and where that stood: ``"bsd_sum 11885 860561, listed in https://..."``."""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    name: str
    bytes: int
    sha256: str
    fetched: bool
    """False: it was there."""
    resumed: bool = False


@dataclass(frozen=True)
class _Wanted:
    """Checksums by kind that a file has to have, and who says so."""

    checksums: dict[str, str]
    source: str

    def __str__(self) -> str:
        return ", ".join([*(f"{kind} {value}" for kind, value in self.checksums.items()), self.source])

    def fault(self, found: dict[str, str]) -> str:
        """Where checksums differ, in words; empty where they agree."""
        for kind, value in self.checksums.items():
            if found[kind] != value:
                return f"wrong checksum: expected {kind} {value} ({self.source}), got {found[kind]}"
        return ""


class Pins:
    """The lock file beside the data."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.held: dict[str, Pin] = {}

    def read(self) -> None:
        """Take it up if there is one; ``InputError`` for one that is damaged or of another kind."""
        self.held = {}
        if not self.path.exists():
            return
        body = read_json(self.path, f"{self.path}: vanished")
        if any(body.get(key) != value for key, value in FORMAT.items()) or not isinstance(body.get("files"), dict):
            raise InputError(f"{self.path}: expected a lock file of {FORMAT['format']}, version {FORMAT['version']}")
        for name, entry in body["files"].items():
            try:
                pin = Pin(**entry)
            except TypeError:
                raise InputError(f"{self.path}: {name}: expected {', '.join(Pin.__annotations__)}") from None
            if not re.fullmatch(r"[0-9a-f]{64}", str(pin.sha256)) or not isinstance(pin.bytes, int):
                raise InputError(
                    f"{self.path}: {name}: expected a SHA-256 and a length, got {pin.sha256!r}, {pin.bytes!r}"
                )
            self.held[name] = pin

    def add(self, name: str, pin: Pin) -> None:
        """Hold a file to what it is now."""
        self.held[name] = pin
        files = {key: asdict(self.held[key]) for key in sorted(self.held)}
        write_atomic(self.path, json.dumps({**FORMAT, "files": files}, indent=2) + "\n")

    def get(self, file: CardFile) -> Pin | None:
        """What is pinned of a file.

        Raises
        ------
        InputError
            The card has come to name another file: another URL, or another SHA-256.
        """
        pin = self.held.get(file.name)
        if pin is None:
            return None
        for key, theirs, ours in (("url", pin.url, file.url), ("sha256", pin.sha256, file.known.get("sha256"))):
            if ours is not None and theirs != ours:
                raise InputError(
                    f"{self.path}: {file.name}: {key} is {theirs} here and {ours} in the card; choose another folder, "
                    "or remove this file to trust the card"
                )
        return pin


def download(card: Card, folder: Path, settings: TransferSettings | None = None) -> Iterator[Outcome]:
    """Have every file of a card in a folder, right; yields what became of each, in the card's order.

    Raises
    ------
    InputError
        As ``transfer.fetch``; a file that is there and wrong (left as it is); one that came and is wrong (kept as
        ``<name>.wrong``); one that the card has no URL for; a list that does not name it; a lock file that contradicts
        the card; a folder where another process is at work.
    """
    work = _Download(card, folder, settings or TransferSettings())
    work.pins.read()
    done: dict[str, Outcome] = {}
    for file in card.files:
        if found := work.settled(file):
            done[file.name] = found
    if len(done) == len(card.files):  # so that a complete folder may be read-only
        yield from done.values()
        return
    busy = f"{folder}: another process is downloading {card.name} into this folder"
    lock = take_lock(folder / f".{card.name}.lock", busy, folder)
    try:
        work.pins.read()  # again, now that nobody else can change it
        for file in card.files:
            yield done.get(file.name) or work.settle(file)
    finally:
        lock.release()


class _Download:
    """A card on its way into a folder."""

    def __init__(self, card: Card, folder: Path, settings: TransferSettings) -> None:
        self.card, self.folder, self.settings = card, folder, settings
        self.pins = Pins(folder / f"{card.name}.lock.json")

    def settled(self, file: CardFile) -> Outcome | None:
        """A file that is there and has its SHA-256; None for one that takes the network or a new pin."""
        target, wanted = self.folder / file.name, self._known(file)
        if not target.exists() and not file.url:
            origin = f"; it was made from {file.origin}" if file.origin else ""
            raise InputError(f"{target}: there is no such file, and the card gives no url for it{origin}")
        if not wanted or "sha256" not in wanted.checksums or not target.exists():
            return None
        return self._found(file, target, wanted)

    def settle(self, file: CardFile) -> Outcome:
        """Check a file that is there, fetch one that is not, and pin it."""
        target = self.folder / file.name
        wanted = self._known(file) or self._published(file)
        if target.exists():
            outcome, source = self._found(file, target, wanted), Source(file.url)
        else:
            outcome, source = self._fetched(file, target, wanted)
        if file.name not in self.pins.held:
            pin = Pin(file.url, outcome.bytes, outcome.sha256, str(wanted), source.etag, source.last_modified)
            self.pins.add(file.name, pin)
        return outcome

    def _known(self, file: CardFile) -> _Wanted | None:
        """What the lock file and the card ask of a file."""
        if pin := self.pins.get(file):
            return _Wanted({**file.known, "sha256": pin.sha256}, f"pinned in {self.pins.path}")
        return _Wanted(file.known, "given by the card") if file.known else None

    def _published(self, file: CardFile) -> _Wanted:
        """What the publisher's list asks of a file."""
        assert file.checksums
        kind, url = file.checksums.kind, file.checksums.url
        with tempfile.TemporaryDirectory() as place:
            part = Part(Path(place) / "list.part", url)
            fetch(part, settings=replace(self.settings, progress=False), length=Length(0, LIST_MOST, "as lists are"))
            text = part.path.read_text(encoding="utf-8", errors="replace")
        return _Wanted({kind: listed(text, file.listed_name, kind, url)}, f"listed in {url}")

    def _length(self, file: CardFile, wanted: _Wanted) -> Length:
        if file.bytes is not None:
            return Length(file.bytes, file.bytes, "given by the card")
        if pin := self.pins.held.get(file.name):
            return Length(pin.bytes, pin.bytes, wanted.source)
        for kind, value in wanted.checksums.items():
            least, most = length_range(kind, value)
            if most is not None:
                return Length(least, most, wanted.source)
        return Length()

    def _found(self, file: CardFile, target: Path, wanted: _Wanted) -> Outcome:
        """A file that is there; what is wrong is somebody's, and is not touched."""
        if not target.is_file():
            raise InputError(f"{target}: expected a file, found something else")
        size = target.stat().st_size
        advice = "left as it is; remove it, or choose another folder, to fetch it anew"
        try:
            self._length(file, wanted).check(str(target), size, "found")
        except InputError as error:
            raise InputError(f"{error}; {advice}") from None
        found = digests(target, {"sha256", *wanted.checksums})
        if fault := wanted.fault(found):
            raise InputError(f"{target}: {fault}; {advice}")
        return Outcome(file.name, size, found["sha256"], fetched=False)

    def _fetched(self, file: CardFile, target: Path, wanted: _Wanted) -> tuple[Outcome, Source]:
        part = Part(target.with_name(f"{target.name}.part"), file.url)
        length = self._length(file, wanted)
        resumed = fetch(part, settings=self.settings, length=length)
        found = digests(part.path, {"sha256", *wanted.checksums})
        if resumed and wanted.fault(found):  # pieces of two files, perhaps, from a server that names no version
            part.drop()
            resumed = fetch(part, settings=self.settings, length=length)
            found = digests(part.path, {"sha256", *wanted.checksums})
        if fault := wanted.fault(found):
            wrong = target.with_name(f"{target.name}.wrong")
            part.become(wrong)
            raise InputError(f"{file.url}: {fault}; what came is kept as {wrong}")
        outcome = Outcome(file.name, part.have, found["sha256"], fetched=True, resumed=resumed)
        part.become(target)
        return outcome, part.source
