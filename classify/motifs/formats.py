"""Matrix files: JASPAR, MEME and TRANSFAC in, MEME out; plain or compressed, told apart by their content.

Read line by line, so that whatever is wrong is one message with file, line and record. (Biopython reads the same three, but
says no line, and rounds a MEME file's probabilities to counts of 20 sites; the tests hold the two against each other.)
Formats: jaspar.elixir.no/docs, meme-suite.org/meme/doc/meme-format.html, and the TRANSFAC flat file as JASPAR writes it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from classify.lines import text_lines
from classify.motifs.matrices import UNIFORM, Floats, Motif
from specgen.errors import InputError
from specgen.files import expand
from specgen.sequences import BASES

__all__ = ["meme_text", "read_motifs"]

Numbered = tuple[int, str]

SITES = 20.0
"""Sites behind the probabilities of a MEME motif that does not say, as in the MEME suite."""

TOLERANCE = 0.02
"""By which probabilities of a place may miss 1: files have as few as two or three digits."""

MOST_LINES = 1 << 21
"""Lines that are not blank; the largest collections have a tenth of that."""


@dataclass
class _Draft:
    """A record being read."""

    line: int
    name: str = ""
    label: str = ""
    family: str = ""
    group: str = ""
    rows: list[list[float]] = field(default_factory=list)

    def done(self, where: str) -> Motif:
        if not self.rows:
            raise InputError(f"{where}: line {self.line}: record {self.name!r} has no matrix")
        counts = np.array(self.rows)
        empty = np.flatnonzero(counts.sum(axis=1) <= 0)
        if len(empty):
            raise InputError(f"{where}: line {self.line}: record {self.name!r} counts nothing at place {empty[0] + 1}")
        return Motif(self.name, counts, self.label, self.family, self.group)


def read_motifs(path: str | Path) -> list[Motif]:
    """All matrices of a file, in its order.

    Raises
    ------
    InputError
        A file that is missing, damaged or of another format, a record without a whole matrix, a number that is none or below
        0, a name that comes twice; names file, line and record.
    """
    where = str(path)
    expected = "JASPAR, MEME or TRANSFAC matrices"
    lines = ((number, line) for number, line in text_lines(expand(where), expected) if line.strip())
    filled = list(itertools.islice(lines, MOST_LINES))
    if next(lines, None):
        raise InputError(f"{where}: has more than {MOST_LINES:,} lines, expected {expected}")
    if not filled:
        raise InputError(f"{where}: is empty, expected {expected}")
    filled[0] = filled[0][0], filled[0][1].lstrip()
    first = filled[0][1].strip()
    if first.startswith("MEME version"):
        found = _meme(filled, where)
    elif first.startswith(">"):
        found = _jaspar(filled, where)
    elif re.match(r"(AC|ID|NA|VV|XX|DE)(\s|$)", first):
        found = _transfac(filled, where)
    else:
        raise InputError(
            f"{where}: line {filled[0][0]}: starts with {first[:40]!r}; expected JASPAR ('>name'), MEME ('MEME version') or "
            "TRANSFAC ('AC name')"
        )
    motifs: dict[str, Motif] = {}
    for draft in found:
        motif = draft.done(where)
        if motif.name in motifs:
            raise InputError(f"{where}: line {draft.line}: the name {motif.name!r} comes twice")
        motifs[motif.name] = motif
    if not motifs:
        raise InputError(f"{where}: holds no matrix")
    return list(motifs.values())


def _numbers(words: Sequence[str], where: str, line: int, name: str) -> list[float]:
    told = []
    for word in words:
        try:
            value = float(word)
        except ValueError:
            value = float("nan")
        if not 0 <= value < float("inf"):
            raise InputError(
                f"{where}: line {line}: record {name!r}: expected a number of at least 0, got {word[:40]!r}"
            )
        told.append(value)
    return told


def _jaspar(lines: Sequence[Numbered], where: str) -> Iterator[_Draft]:
    """``>name label``, then a row for each base: ``A [ 1 2 3 ]``, or the numbers alone in the order A, C, G, T."""
    records: list[tuple[_Draft, list[Numbered]]] = []
    for number, line in lines:
        if line.startswith(">"):
            name, _, label = line[1:].strip().partition(" " if "\t" not in line else "\t")
            if not name:
                raise InputError(f"{where}: line {number}: expected a name behind '>'")
            records.append((_Draft(number, name, label.strip()), []))
        else:
            records[-1][1].append((number, line))
    for draft, rows in records:
        if len(rows) != 4:
            raise InputError(
                f"{where}: line {draft.line}: record {draft.name!r}: expected 4 rows, of A, C, G and T, got {len(rows)}"
            )
        by_base: dict[str, list[float]] = {}
        for base, (number, line) in zip(BASES, rows, strict=True):
            words = line.replace("[", " ").replace("]", " ").split()
            if words and words[0].isalpha():
                base, words = words[0].upper(), words[1:]
            if base not in BASES or base in by_base:
                raise InputError(
                    f"{where}: line {number}: record {draft.name!r}: expected one row of each base, got {base!r}"
                )
            by_base[base] = _numbers(words, where, number, draft.name)
            if len(by_base[base]) != len(next(iter(by_base.values()))):
                raise InputError(
                    f"{where}: line {number}: record {draft.name!r}: row {base} has {len(by_base[base])} numbers, "
                    f"the first row has {len(next(iter(by_base.values())))}"
                )
        draft.rows = [list(column) for column in zip(*(by_base[base] for base in BASES), strict=True)]
        yield draft


def _transfac(lines: Sequence[Numbered], where: str) -> Iterator[_Draft]:
    """Records up to ``//``: AC, ID or NA name it, P0 (or PO) heads the rows, ``CC tf_family:`` and ``tf_class:`` are kept."""
    keys: dict[str, str] = {}
    draft: _Draft | None = None
    order: list[int] | None = None
    for number, line in [*lines, (lines[-1][0] + 1, "//")]:
        key, _, value = line.strip().partition(" " if " " in line.strip()[:4] else "\t")
        value = value.strip()
        if key in ("//", "VV"):
            if draft is not None:
                yield draft
            elif keys.keys() - {"XX"}:
                raise InputError(f"{where}: line {number}: record {_named(keys)!r} ends without a matrix (no line P0)")
            keys, draft, order = {}, None, None
        elif key in ("P0", "PO"):
            if not _named(keys):
                raise InputError(f"{where}: line {number}: a matrix without a name (no line AC, ID or NA before it)")
            if draft is not None:
                raise InputError(f"{where}: line {number}: record {draft.name!r} has a second matrix; is '//' missing?")
            bases = [word.upper() for word in value.split()]
            if sorted(bases) != sorted(BASES):
                raise InputError(
                    f"{where}: line {number}: record {_named(keys)!r}: expected columns A C G T, got {value!r}"
                )
            order = [bases.index(base) for base in BASES]
            draft = _Draft(number, _named(keys), keys.get("ID", "") if "AC" in keys else keys.get("NA", ""))
        elif key.isdigit() and order is not None and draft is not None:
            words = value.split()[:4]
            if len(words) < 4:
                raise InputError(f"{where}: line {number}: record {draft.name!r}: expected 4 numbers, got {len(words)}")
            row = _numbers(words, where, number, draft.name)
            draft.rows.append([row[i] for i in order])
        elif draft is not None and value.startswith("tf_family:"):
            draft.family = value.removeprefix("tf_family:").strip()
        elif draft is not None and value.startswith("tf_class:"):
            draft.group = value.removeprefix("tf_class:").strip()
        elif len(key) == 2:
            keys.setdefault(key, value)
        else:
            raise InputError(
                f"{where}: line {number}: expected a two-letter key or a row of numbers, got {line[:40]!r}"
            )


def _named(keys: dict[str, str]) -> str:
    return keys.get("AC") or keys.get("ID") or keys.get("NA") or ""


def _meme(lines: Sequence[Numbered], where: str) -> Iterator[_Draft]:
    """``MOTIF name label``, ``letter-probability matrix: w= .. nsites= ..``, a row of four shares for each place."""
    draft: _Draft | None = None
    left, sites = 0, SITES
    for number, line in lines:
        words = line.split()
        if left:
            assert draft is not None
            row = _numbers(words, where, number, draft.name)
            if len(row) != 4 or abs(sum(row) - 1) > TOLERANCE:
                raise InputError(
                    f"{where}: line {number}: record {draft.name!r}: expected 4 probabilities that sum to 1, "
                    f"got {line.strip()[:60]!r}"
                )
            draft.rows.append([sites * share / sum(row) for share in row])
            left -= 1
        elif words[0] == "ALPHABET=" and words[1:] != [BASES]:
            raise InputError(f"{where}: line {number}: expected the alphabet {BASES}, got {' '.join(words[1:])!r}")
        elif words[0] == "MOTIF":
            if len(words) < 2:
                raise InputError(f"{where}: line {number}: expected a name behind MOTIF")
            if draft is not None:
                yield draft
            draft = _Draft(number, words[1], " ".join(words[2:]))
        elif line.startswith("letter-probability matrix"):
            if draft is None or draft.rows:
                raise InputError(f"{where}: line {number}: a matrix without a line MOTIF before it")
            told = dict(re.findall(r"(\w+)\s*=\s*(\S+)", line))
            values = _numbers([told.get("w", "none"), told.get("nsites", str(SITES))], where, number, draft.name)
            left, sites = int(values[0]), values[1] or SITES
    if left and draft is not None:
        raise InputError(
            f"{where}: line {lines[-1][0]}: record {draft.name!r}: the file ends {left} places before the matrix does"
        )
    if draft is not None:
        yield draft


def meme_text(motifs: Sequence[Motif], background: Floats = UNIFORM) -> str:
    """Matrices in MEME's minimal format, which the MEME suite and ``read_motifs`` read: shares without pseudocounts.

    Blanks within a name become underscores.
    """
    shares = " ".join(f"{base} {share:.6f}" for base, share in zip(BASES, background, strict=True))
    parts = [f"MEME version 4\n\nALPHABET= {BASES}\n\nstrands: + -\n\nBackground letter frequencies\n{shares}\n"]
    for motif in motifs:
        head = f"MOTIF {'_'.join(motif.name.split())} {' '.join(motif.label.split())}".rstrip()
        rows = "\n".join(" ".join(f"{share:.6f}" for share in row) for row in motif.probabilities(background, 0))
        parts.append(
            f"{head}\nletter-probability matrix: alength= 4 w= {len(motif)} nsites= {motif.sites:g} E= 0\n{rows}\n"
        )
    return "\n".join(parts)
