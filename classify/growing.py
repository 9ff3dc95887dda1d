"""A CSV file that grows, and that a stopped call can go on with: written beside its place, and moved there whole."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from typing_extensions import Self

from specgen.errors import InputError
from specgen.files import check_place, free_lock, read_json, take_lock, write_atomic

__all__ = ["GrowingTable"]


class GrowingTable:
    """A CSV file that grows a batch at a time under the name ``<out>.part``, and can be gone on with."""

    def __init__(self, out: str, columns: list[str], pinned: dict[str, Any]) -> None:
        self.out, self.columns, self.pinned = out, columns, pinned
        self.part, self.pins = Path(f"{out}.part"), Path(f"{out}.part.json")
        self.there = 0  # rows of an earlier call that are still ahead
        self.reached = 0  # of those

    def __enter__(self) -> Self:
        if self.out == "-":
            self.handle: TextIO = sys.stdout
        else:
            self._open()
        if not self.there:
            self.write([self.columns])
        return self

    def _open(self) -> None:
        if Path(self.out).is_dir():
            raise InputError(f"{self.out}: is a folder; expected the name of a CSV file")
        check_place(Path(self.out))
        busy = f"{self.out}: another process is writing it"
        self.lock = take_lock(Path(f"{self.out}.part.lock"), busy, self.part)
        try:
            self.there = self._rows_there()
            if not self.there:  # in this order: what lies there is never taken for rows of this input
                self.pins.unlink(missing_ok=True)
            self.handle = self.part.open("r+" if self.there else "w", newline="", encoding="utf-8")
            if not self.there and self.pinned:
                write_atomic(self.pins, json.dumps(self.pinned) + "\n")
        except OSError as error:
            self.lock.release()
            raise InputError(f"{self.part}: cannot be written ({error.strerror or error})") from None
        except InputError:
            self.lock.release()
            raise

    def _rows_there(self) -> int:
        """Whole rows that an earlier call for the same input has written."""
        if not (self.pinned and self.part.is_file() and self.pins.is_file()):
            return 0
        with self.part.open("rb") as lines:
            there = max(0, sum(line.endswith(b"\n") for line in lines) - 1)
        before = read_json(self.pins, f"{self.pins}: no such file") if there else self.pinned
        if differs := [key for key, value in self.pinned.items() if before.get(key) != value]:
            raise InputError(
                f"{self.part}: holds predictions of another {differs[0]}; take it away, or choose another --out"
            )
        return there

    def skip(self, rows: int) -> bool:
        """Whether the next ``rows`` are there already, all of them: else what is there of them is cut off."""
        if not self.there:
            return False
        if self.reached + rows <= self.there:
            self.reached += rows
            if self.reached == self.there:
                self._cut()
            return True
        self._cut()
        return False

    def _cut(self) -> None:
        """End the file behind the rows that were reached: the next batch is then the one it was before."""
        with self.part.open("rb") as lines:
            size = sum(len(next(lines)) for _ in range(1 + self.reached))
        self.handle.seek(size)
        self.handle.truncate()
        self.there = 0

    def write(self, rows: Iterable[list[Any]]) -> None:
        """Add rows, and hand them to the system.

        Raises
        ------
        InputError
            The file cannot take them.
        """
        try:
            csv.writer(self.handle, lineterminator="\n").writerows(rows)
            self.handle.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(f"{self.out}: cannot be written ({error.strerror or error})") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        if self.out == "-":
            return
        if kind is None and self.there:  # the input has become shorter, which its hash does not allow
            self._cut()
        with suppress(OSError):  # of a full disk, which has been told
            self.handle.close()
        if kind is None:
            os.replace(self.part, self.out)
        # An input that is faulty will be so the next time; one that could not be read, or a place that is full, may not.
        elif self.pinned and not (isinstance(error, InputError) and not _passing(error)):
            self.lock.release()
            if kind is KeyboardInterrupt:
                raise KeyboardInterrupt(f"stopped; the same command goes on from {self.part}") from None
            return
        self.part.unlink(missing_ok=True)
        self.pins.unlink(missing_ok=True)
        free_lock(self.lock)


def _passing(error: InputError) -> bool:
    """Whether it comes from the system and not from what a file holds."""
    cause = error.__cause__ or error.__context__
    return isinstance(cause, OSError) and cause.errno is not None
