"""Reading nucleotide records: FASTA and FASTQ, plain, gzip or bgzip, from a path, standard input or memory, streamed.

Yields one record at a time, so memory does not grow with the file. FASTQ is dnaio's to parse, FASTA ``fasta``'s, and
decompression xopen's; this module sniffs the format, encodes, and turns whatever goes wrong into one line that names the file.
No labels, groups or splits here: those belong to tasks.
"""

from __future__ import annotations

import codecs
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import dnaio
import xopen
from dnaio.exceptions import FileFormatError

from specgen.errors import InputError, first_line
from specgen.fasta import fasta_records
from specgen.files import PASSING, Growth, overgrown
from specgen.sequences import Codes, encode

try:  # xopen reads gzip through isal where that exists, and its error is not zlib's
    from isal import isal_zlib

    DAMAGED: tuple[type[Exception], ...] = (EOFError, zlib.error, cast(type[Exception], isal_zlib.error))
    """What reading truncated or damaged compressed data raises."""
except ImportError:  # pragma: no cover
    DAMAGED = (EOFError, zlib.error)

__all__ = ["DAMAGED", "Record", "open_decompressed", "read_records"]


@dataclass(frozen=True)
class Record:
    """One sequence of a file.

    Attributes
    ----------
    name
        First word of the header.
    header
        The whole header line, without '>' or '@'.
    codes
        uint8 (length,), see ``sequences``.
    """

    name: str
    header: str
    codes: Codes


def read_records(
    source: str | Path | bytes, *, unique: bool = True, label: str = "", most: int = 0
) -> Iterator[Record]:
    """Stream the records of a FASTA or FASTQ file.

    Parameters
    ----------
    source
        A path, "-" for standard input, or what such a file holds. Compression is told from the content, not from the name.
    unique
        Refuse a name that occurred before (keeps one hash per record in memory).
    label
        What messages call it; default: the path.
    most
        Bytes that compressed data may become; 0 = see ``files.PASSING``.

    Yields
    ------
    Record

    Raises
    ------
    InputError
        Missing, empty, truncated, binary or malformed file; a letter that is no nucleotide; a repeated name.
    """
    label = label or _label(source)
    seen: set[int] = set()
    count = 0
    try:
        with open_decompressed(source, label=label, most=most) as handle:
            for header, letters in _parser(handle, label):
                count += 1
                name = header.split(maxsplit=1)[0] if header.strip() else f"record_{count}"
                if unique:
                    if hash(name) in seen:
                        raise InputError(
                            f"{label}: record {count} repeats the name {_short(name)!r}; names must be unique"
                        )
                    seen.add(hash(name))
                record = Record(name, header, encode(letters, name=f"{label}: record {_short(name)!r}"))
                del letters  # not kept beside the codes while the record is in use
                yield record
                del record
    except FileNotFoundError:
        raise InputError(f"{label}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{label}: is a folder, expected a FASTA or FASTQ file") from None
    except DAMAGED as error:
        raise InputError(
            f"{label}: the compressed data is truncated or damaged after record {count} ({error})"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{label}: not text (byte {error.start} after record {count}); expected FASTA or FASTQ"
        ) from None
    except FileFormatError as error:
        raise InputError(f"{label}: {first_line(error)}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{label}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if not count:
        raise InputError(f"{label}: holds no records; expected FASTA ('>name') or FASTQ ('@name')")


# First bytes of the compressed formats, and xopen's names for them. xopen alone would trust the file's ending first.
_MAGIC = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zst"}


@contextmanager
def open_decompressed(
    source: str | Path | bytes, *, label: str = "", most: int = 0, growth: Growth = PASSING
) -> Iterator[Any]:
    """Decompressed bytes of a file, of standard input (left open), or of what a file holds.

    Reading raises ``InputError`` where a small file becomes a very large one (``growth``), or more than ``most`` bytes
    where that is not 0; ``label`` is what messages call it, by default the path.
    """
    if isinstance(source, bytes):
        opened: Any = io.BufferedReader(cast(Any, io.BytesIO(source)))
    elif str(source) != "-":
        opened = open(source, "rb")  # noqa: SIM115
    elif sys.stdin is None:
        raise InputError("standard input: is closed")
    else:
        opened = nullcontext(sys.stdin.buffer)
    with opened as file:
        head = file.peek(8)
        kind = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
        if kind is None:
            yield file
            return
        counted = _Counted(file)
        with xopen.xopen(cast(Any, counted), "rb", threads=0, format=kind) as handle:
            yield io.BufferedReader(_Bounded(handle, counted, label or _label(source), most, growth), 1 << 17)


def _label(source: str | Path | bytes) -> str:
    """What messages call a source that nobody named."""
    return "input" if isinstance(source, bytes) else "standard input" if str(source) == "-" else str(source)


class _Counted(io.RawIOBase):
    """A binary file that counts what was read of it."""

    def __init__(self, file: Any) -> None:
        self.file, self.count = file, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = getattr(self.file, "read1", self.file.read)(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


class _Bounded(io.RawIOBase):
    """What a compressed file becomes, as long as that is not far more than it was."""

    def __init__(self, handle: Any, packed: _Counted, label: str, most: int, growth: Growth) -> None:
        self.handle, self.packed, self.label, self.most, self.growth = handle, packed, label, most, growth
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read: int = self.handle.readinto1(buffer) if hasattr(self.handle, "readinto1") else self.handle.readinto(buffer)
        self.count += read
        if self.most and self.count > self.most:
            raise InputError(f"{self.label}: becomes more than {self.most:,} bytes when decompressed")
        if overgrown(self.count, self.packed.count, self.growth):
            raise InputError(
                f"{self.label}: {self.packed.count:,} compressed bytes become more than {self.growth.times} times as many; "
                "if that is meant, decompress the file first"
            )
        return read


def _parser(handle: Any, label: str) -> Iterator[tuple[str, str | bytearray]]:
    """Header and letters of each record."""
    if handle.peek(3)[:3] == codecs.BOM_UTF8:
        handle.read(3)
    first = handle.peek(1)[:1]
    if not first:
        return iter(())
    if first == b"@":
        return ((raw.name, raw.sequence) for raw in dnaio.readers.FastqReader(handle))
    if first in b">#\r\n ":
        return fasta_records(handle)
    raise InputError(f"{label}: starts with {first!r}; expected FASTA ('>name') or FASTQ ('@name')")


def _short(name: str, most: int = 80) -> str:
    return name if len(name) <= most else name[: most - 3] + "..."
