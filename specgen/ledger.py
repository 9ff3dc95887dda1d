"""What a rendering job remembers on disk: what it is, which shards are done, that nobody else is at work in it.

``job.json`` pins inputs, settings and code version when the job starts. ``journal.csv`` gains a line for each shard
that is finished, after the shard itself has its final name; a line cut short by a crash is dropped. When all are done
``shards.csv`` takes the journal's place, and ``SHA256SUMS`` says that the folder is complete. ``.tmp`` holds what is
being written, ``.lock`` is held while a process is at work. No pictures are made here.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from specgen.errors import InputError
from specgen.files import read_json, replacing, take_lock, write_atomic

__all__ = ["Done", "Ledger", "check_pinned", "checksum", "fault", "hash_file", "identity", "is_stream", "read_job"]


@dataclass(frozen=True)
class Done:
    """A finished shard: its number, file or folder (relative), windows, size, SHA-256, and its input's digest."""

    shard: int
    file: str
    windows: int
    bytes: int
    sha256: str
    input: str


COLUMNS = tuple(field.name for field in fields(Done))
LONGEST_NAME = 255
"""Bytes of a file's name, as most systems have it."""


class Ledger:
    """The state of the job in a folder."""

    FILES = ("job.json", "journal.csv", "manifest.csv", "shards.csv", "SHA256SUMS")

    def __init__(self, out: Path) -> None:
        self.out = out
        self.pinned = out / "job.json"
        self.journal = out / "journal.csv"
        self.shards = out / "shards.csv"
        self.sums = out / "SHA256SUMS"
        self.temporary = out / ".tmp"

    @contextmanager
    def opened(self, job: dict[str, Any]) -> Iterator[None]:
        """Hold the folder for this process alone, with the job pinned and the leftovers of a crash removed.

        A new job that fails before its first shard is done leaves nothing behind.

        Raises
        ------
        InputError
            Another process holds it, it cannot be written, or it has come to hold another job.
        """
        absent = [folder for folder in (self.out, *self.out.parents) if not folder.exists()]
        lock = take_lock(self.out / ".lock", f"{self.out}: another process is at work in this folder", self.out)
        begun = False
        try:
            # Again, now that nobody else can change it.
            begun = not check_pinned(self.out, job)
            shutil.rmtree(self.temporary, ignore_errors=True)
            for left in self.out.glob(".*.tmp"):
                left.unlink()
            self.temporary.mkdir()
            if begun:
                write_atomic(self.pinned, json.dumps(job, indent=2) + "\n")
            yield
        finally:
            shutil.rmtree(self.temporary, ignore_errors=True)
            if begun and not self.journal.exists() and not self.shards.exists():
                self._remove(absent)
            lock.release()

    def _remove(self, absent: list[Path]) -> None:
        for folder in filter(Path.is_dir, self.out.glob("*")):
            with suppress(OSError):
                folder.rmdir()
        if any(map(Path.is_dir, self.out.glob("*"))):
            return  # a shard that there was no room to record: the folder stays this job's, so that it can go on
        with suppress(OSError):
            self.pinned.unlink(missing_ok=True)
            (self.out / ".lock").unlink(missing_ok=True)
        for folder in absent:
            with suppress(OSError):  # not empty: somebody else's
                folder.rmdir()

    def read(self) -> dict[int, Done]:
        """Shards recorded as done, by number; the end of a line that a crash cut short does not count.

        Raises
        ------
        InputError
            A record that is no record of ours.
        """
        found: dict[int, Done] = {}
        for path in (self.shards, self.journal):
            if not path.exists():
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            for line, words in enumerate(text[: text.rfind("\n") + 1].splitlines(), start=1):
                try:
                    row = next(csv.reader([words]), [])
                    if tuple(row) == COLUMNS:
                        continue
                    number, file, windows, size, digest, letters = row
                    if Path(file).is_absolute() or ".." in Path(file).parts:
                        raise ValueError("a place outside of the job")
                    if "\0" in file or max(map(len, file.encode().split(b"/"))) > LONGEST_NAME:
                        raise ValueError("no name of a file")
                    found[int(number)] = Done(int(number), file, int(windows), int(size), digest, letters)
                except (ValueError, csv.Error):
                    raise InputError(f"{path}: line {line} is no record of a shard: {words!r}") from None
        return found

    def mend(self) -> None:
        """Cut off what a crash left of a journal's last line, before more are written."""
        if self.journal.exists():
            data = self.journal.read_bytes()
            if not data.endswith(b"\n"):
                write_atomic(self.journal, data[: data.rfind(b"\n") + 1])

    def add(self, done: Done) -> None:
        """Record a shard that has its final name; a job that was complete is at work again."""
        self.sums.unlink(missing_ok=True)
        line = ",".join(map(str, astuple(done))) + "\n"
        with self.journal.open("a", encoding="utf-8") as handle:
            handle.write(line)

    def finish(self, shards: dict[int, Done]) -> None:
        """Mark the job complete, once its manifest is in place."""
        with replacing(self.shards) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(astuple(shards[number]) for number in sorted(shards))
        files = (self.pinned.name, "manifest.csv", self.shards.name)
        write_atomic(self.sums, "".join(f"{hash_file(self.out / name)}  {name}\n" for name in files))
        with suppress(FileNotFoundError):
            self.journal.unlink()

    def place(self, file: str, path: Path) -> None:
        """Give a finished temporary file or folder its final name, over whatever a crash left there."""
        target = self.out / file
        target.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(5):
            if target.is_dir():
                shutil.rmtree(target, ignore_errors=True)
            try:
                os.replace(path, target)
                return
            except OSError as error:
                # A machine that was taken for lost may be writing the same shard.
                if attempt == 4 or error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise


def checksum(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file; of a folder, the sum of its files and the SHA-256 of their names and SHA-256."""
    if not path.is_dir():
        return path.stat().st_size, hash_file(path)
    total, listing = 0, hashlib.sha256()
    for name in sorted(os.listdir(path)):
        total += (path / name).stat().st_size
        listing.update(f"{hash_file(path / name)}  {name}\n".encode("utf-8", "surrogateescape"))
    return total, listing.hexdigest()


def fault(out: Path, done: Done, *, deep: bool) -> str:
    """What is wrong with a finished shard: its size, or with ``deep`` its content. Empty when nothing is."""
    path = out / done.file
    try:
        if deep:
            size, digest = checksum(path)
        else:
            size = sum(e.stat().st_size for e in os.scandir(path)) if path.is_dir() else path.stat().st_size
            digest = done.sha256
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if size != done.bytes:
        return f"has {size} bytes, expected {done.bytes}"
    return "" if digest == done.sha256 else "has another content than was written (SHA-256 differs)"


def is_stream(file: str) -> bool:
    """Whether an input can be read only once: standard input, a pipe."""
    path = Path(file)
    return file == "-" or (path.exists() and not path.is_file() and not path.is_dir())


def identity(file: str) -> dict[str, Any]:
    """Size and SHA-256 of an input; nothing of what can be read only once.

    Raises
    ------
    InputError
        It is not there, or cannot be read.
    """
    if is_stream(file):
        return {}
    try:
        return {"bytes": Path(file).stat().st_size, "sha256": hash_file(file)}
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file.

    Raises
    ------
    OSError
    """
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_pinned(out: Path, job: dict[str, Any]) -> bool:
    """Whether ``out`` holds this job already.

    Raises
    ------
    InputError
        It holds another one, or something else; the message names the first difference.
    """
    path = out / "job.json"
    if not path.exists():
        if out.exists() and (not out.is_dir() or any(map(_foreign, out.iterdir()))):
            raise InputError(f"{out}: exists and is not a folder of this program; choose an empty or new folder")
        return False
    before = read_job(path)
    for key in job:
        if before.get(key) != job[key]:
            old, new = _difference(before.get(key), job[key], key)
            raise InputError(f"{out}: holds a job of other settings: {old}, now {new}; choose another --out")
    return True


def _foreign(path: Path) -> bool:
    """Not what a job leaves that was killed before it was pinned."""
    return path.name != ".lock" and not (path.name.startswith(".") and path.name.endswith(".tmp"))


def read_job(path: Path) -> dict[str, Any]:
    """A job.json.

    Raises
    ------
    InputError
        None there, or one that cannot be read.
    """
    return read_json(path, f"{path.parent}: holds no job of this program (no {path.name})")


def _difference(old: Any, new: Any, key: str) -> tuple[str, str]:
    """The first place where two nested values differ, as text."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in new:
            if old.get(name) != new[name]:
                return _difference(old.get(name), new[name], f"{key}.{name}")
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            if a != b:
                return _difference(a, b, f"{key}[{i}]")
    return f"{key} was {json.dumps(old)}", json.dumps(new)
