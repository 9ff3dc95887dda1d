"""Tracks that genome browsers read: bedGraph and bigWig of values, BED of calls. Written block by block."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np

from classify.scanning.parts import Contig, Part
from specgen.errors import InputError
from specgen.files import replacing

__all__ = ["SIGNS", "check_bigwig", "write_bed", "write_bedgraph", "write_bigwig"]

SIGNS = {1: "+", -1: "-", 0: "."}
"""Strands as BED has them."""
MAGIC = bytes.fromhex("26fc8f88")
"""What a file of libBigWig ends with once it is whole."""


def write_bedgraph(path: Path, parts: Iterable[Part], decimals: int = 3) -> None:
    """Four columns a run: contig, 0-based start, end, value to so many decimals."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", errors="surrogateescape") as out:
        for part in _seamless(parts):
            name = part.contig.name
            rows = zip(part.starts.tolist(), part.ends.tolist(), part.values.tolist(), strict=True)
            out.writelines(f"{name}\t{low}\t{high}\t{value:.{decimals}f}\n" for low, high, value in rows)


def _seamless(parts: Iterable[Part]) -> Iterator[Part]:
    """The same runs, and those that a border between two blocks divides as one."""
    before: Part | None = None
    for part in parts:
        if before is not None:
            some = len(before.starts) and len(part.starts) and before.contig == part.contig
            if some and before.ends[-1] == part.starts[0] and before.values[-1] == part.values[0]:
                part = part._replace(starts=np.concatenate([before.starts[-1:], part.starts[1:]]))
                before = before._replace(starts=before.starts[:-1], ends=before.ends[:-1], values=before.values[:-1])
            yield before
        before = part
    if before is not None:
        yield before


def check_bigwig(contigs: Sequence[Contig]) -> None:
    """Raise ``InputError`` where no bigWig can be written: before hours of scanning, not after them."""
    try:
        import pyBigWig  # noqa: F401  has no Windows wheels
    except ImportError:
        raise InputError("pyBigWig is not installed (there are no wheels for Windows); bigWig files need it") from None
    if strange := [contig.name for contig in contigs if not contig.name.isascii()]:
        raise InputError(f"contig {strange[0]!r}: a bigWig holds names in ASCII only; rename it")


def write_bigwig(path: Path, contigs: Sequence[Contig], parts: Iterable[Part]) -> bool:
    """The same runs as a bigWig; without any there is no file, since an empty one is none. Whether there is."""
    filled = (part for part in _seamless(parts) if len(part.starts))
    first = next(filled, None)
    if first is None:
        path.unlink(missing_ok=True)
        return False
    import pyBigWig  # has no Windows wheels

    with replacing(path) as temporary:
        try:
            with _quiet():
                out = pyBigWig.open(str(temporary), "w")
                try:
                    out.addHeader([(contig.name, contig.length) for contig in contigs])
                    for part in chain([first], filled):
                        names = np.full(len(part.starts), part.contig.name)
                        out.addEntries(names, part.starts, ends=part.ends, values=part.values.astype(np.float64))
                finally:
                    out.close()
        except RuntimeError:
            _why_not(temporary)
            raise
        with temporary.open("rb") as file:
            file.seek(-min(len(MAGIC), temporary.stat().st_size), os.SEEK_END)
            whole = file.read() == MAGIC
        if not whole:  # closing tells of no failure
            _why_not(temporary)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
    return True


def _why_not(path: Path) -> None:
    """The system's own reason why a file cannot grow, which libBigWig does not tell, as ``OSError``; nothing where it can."""
    with path.open("ab") as file:
        file.write(bytes(1 << 20))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what a C library says on stderr: the one line of an error is ours."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def write_bed(
    path: Path, strands: Sequence[Iterable[Part]], threshold: float, step: int = 1, name: str = "call"
) -> int:
    """Six columns a call: contig, start and end of its step, name, score (1000 times the probability), strand; how many there
    are."""
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", errors="surrogateescape") as out:
        for parts in zip(*strands, strict=True):
            rows = sorted(
                (position, SIGNS[part.strand], height)
                for part in parts
                for position, height in zip(part.peaks.tolist(), part.heights.tolist(), strict=True)
                if height >= threshold
            )
            for position, strand, height in rows:
                count += 1
                score = int(1000 * height)
                contig, end = parts[0].contig.name, min(position + step, parts[0].contig.length)
                out.write(f"{contig}\t{position}\t{end}\t{name}_{count}\t{score}\t{strand}\n")
    return count
