"""Peaks from narrowPeak, broadPeak and BED files, checked line by line; the choice of some by name, and those of each contig.

Coordinates are 0-based and half-open. Letters are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from sys import intern
from typing import NamedTuple

from classify.contigs import missing_sequences
from classify.lines import text_lines
from specgen.errors import InputError, UnknownName
from specgen.files import expand

__all__ = ["Peak", "blacklisted", "by_contig", "chosen", "read_peaks"]


class Peak(NamedTuple):
    """An interval of a contig.

    Attributes
    ----------
    contig, start, end
        0-based, half-open.
    summit
        0-based place of the summit; the middle where the file tells none.
    strength
        Signal value (narrowPeak, broadPeak) or score (BED); 0 where there is none.
    name
        Of its column, "" where that is missing or ".".
    path, line
        Where it stands.
    """

    contig: str
    start: int
    end: int
    summit: int
    strength: float
    name: str
    path: str
    line: int

    @property
    def where(self) -> str:
        """File and line, for messages."""
        return f"{self.path}: line {self.line}"


class _Shape(NamedTuple):
    """Least number of columns, and the 0-based columns of strength and of the summit's offset; -1 = none."""

    columns: int
    strength: int
    summit: int


_SHAPES = {".narrowpeak": _Shape(10, 6, 9), ".broadpeak": _Shape(9, 6, -1), ".bed": _Shape(3, 4, -1)}
"""File ending -> what its lines are (UCSC: FAQformat, ENCODE narrowPeak and broadPeak, BED)."""


def read_peaks(path: Path) -> list[Peak]:
    """All peaks of a file, told by its ending, plain or compressed.

    Raises
    ------
    InputError
        Another ending, a file that cannot be read or is empty, too few columns, a number that is none, an interval
        that is empty, or a summit outside of it; names the line.
    """
    ending = Path(re.sub(r"\.(b?gz|bz2|xz|zst)$", "", path.name.lower())).suffix
    if ending not in _SHAPES:
        raise InputError(f"{path}: expected a file ending in .narrowPeak, .broadPeak or .bed (or .gz)")
    what = f"a {ending.lstrip('.').replace('peak', 'Peak')} file"
    name = str(path)
    found = [
        _peak(line, _SHAPES[ending], name, number, what)
        for number, line in text_lines(path, what)
        if not line.startswith(("#", "track", "browser"))
    ]
    if not found:
        raise InputError(f"{path}: holds no intervals, expected {what}")
    return found


def _peak(line: str, shape: _Shape, path: str, number: int, what: str) -> Peak:
    words, where = line.split("\t"), f"{path}: line {number}"
    if len(words) < shape.columns:
        raise InputError(
            f"{where}: expected {shape.columns} columns or more with tabs between them, as {what} has, got {len(words)}"
        )
    start, end = (_whole(word, where) for word in words[1:3])
    if not 0 <= start < end:
        raise InputError(f"{where}: expected 0 <= start < end, got {start} and {end}")
    offset = _whole(words[shape.summit], where) if shape.summit >= 0 else -1
    if offset >= end - start:
        raise InputError(f"{where}: the summit {offset} lies outside of the peak's {end - start} nt")
    told = words[shape.strength] if 0 <= shape.strength < len(words) else "0"
    try:
        strength = 0.0 if told in ("", ".") else float(told)
    except ValueError:
        strength = float("nan")
    if strength != strength:
        raise InputError(f"{where}: expected a number in column {shape.strength + 1}, got {told!r}")
    name = words[3].strip() if len(words) > 3 else ""
    summit = start + offset if offset >= 0 else (start + end) // 2
    # Millions of peaks have few contigs and factors: each name is held once.
    return Peak(intern(words[0]), start, end, summit, strength, "" if name == "." else intern(name), path, number)


def _whole(word: str, where: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise InputError(f"{where}: expected a whole number, got {word!r}") from None


def chosen(peaks: Sequence[Peak], names: Sequence[str], path: str) -> list[Peak]:
    """The peaks with one of ``names``, in which * stands for anything; all where none is given.

    Raises
    ------
    UnknownName
        A name that no peak has, with the nearest that there are.
    """
    if not names:
        return list(peaks)
    known = sorted({peak.name for peak in peaks if peak.name})
    if not known:
        raise InputError(
            f"{path}: its peaks have no names to choose by; data.peaks.names is for files that hold several factors"
        )
    wanted: set[str] = set()
    for name in names:
        found = [other for other in known if fnmatchcase(other, name)]
        if not found:
            # Names are <factor>_<cell>: the same factor in another cell is nearer than another in the same.
            akin = [other for other in known if other.lower().startswith(name.split("_")[0].lower() + "_")]
            raise UnknownName(f"name of peaks in {path}:", name, akin or known)
        wanted.update(found)
    return [peak for peak in peaks if peak.name in wanted]


def by_contig(peaks: Sequence[Peak], lengths: Mapping[str, int], genome: str) -> dict[str, list[Peak]]:
    """Peaks of every contig that the genome has, by place.

    Raises
    ------
    InputError
        A peak that ends past its contig; names file and line.
    """
    found: dict[str, list[Peak]] = {}
    for peak in sorted(peaks, key=lambda peak: (peak.summit, peak.start, peak.end, -peak.strength, peak.name)):
        if peak.contig in lengths:
            found.setdefault(peak.contig, []).append(peak)
    for name, some in found.items():
        if past := [peak for peak in some if peak.end > lengths[name]]:
            peak = past[0]
            raise InputError(
                f"{peak.where}: the peak {name}:{peak.start}-{peak.end} ends past the {lengths[name]} nt of that sequence "
                f"in {genome}; is it the same assembly?"
            )
    return found


def blacklisted(blacklist: str, root: Path, lengths: Mapping[str, int], genome: str) -> dict[str, list[Peak]]:
    """Places of a blacklist by contig; none where no file is named.

    Raises
    ------
    InputError
        As ``read_peaks``; names of contigs that are not there.
    """
    if not blacklist:
        return {}
    path = root / expand(blacklist)
    places = read_peaks(path)
    missing_sequences(str(path), list(dict.fromkeys(place.contig for place in places)), lengths, genome, "blacklist")
    found: dict[str, list[Peak]] = {}
    for place in places:
        found.setdefault(place.contig, []).append(place)
    return found
