"""What was found of each allele, as text: a row of a table, INFO fields of a VCF and their declarations. No files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from classify.effects.variants import Header, Row
from specgen.errors import InputError

__all__ = ["Effect", "Fields", "Number", "table_columns", "table_rows"]


class Number(NamedTuple):
    """One of the things that are told of an allele for each class.

    Attributes
    ----------
    column
        What it is called in the table.
    field
        End of the name of its INFO field; empty = it has none.
    about
        What the field is declared as, where {label} is the class.
    type
        Of the field: Float, Integer or String.
    """

    column: str
    field: str = ""
    about: str = ""
    type: str = "Float"


Effect = Sequence[Sequence[float | str]]
"""One allele against the reference: of each class its ``Number``; NaN where there is none."""


def table_columns(numbers: Sequence[Number], classes: Sequence[str]) -> list[str]:
    """Names of the table's columns: the allele, why it has no numbers, and the numbers of each class."""
    told = [f"{number.column}_{_one_line(name)}" if name else number.column for name in classes for number in numbers]
    return ["contig", "position", "id", "ref", "alt", "allele", "unscored", *told]


def table_rows(row: Row, effects: Sequence[Effect | str], width: int) -> list[list[str]]:
    """A row for each ALT with ``width`` numbers; ``effects`` tells in a word why one was not scored."""
    found = []
    for i, (alt, effect) in enumerate(zip(row.columns[4].split(","), effects, strict=False), 1):
        numbers = [""] * width
        if not isinstance(effect, str):
            numbers = [_text(value, "") for told in effect for value in told]
        found.append([*row.columns[:4], alt, str(i), effect if isinstance(effect, str) else "", *numbers])
    return found


class Fields:
    """The INFO fields of a run: what they are called, how they are declared, and their values.

    Parameters
    ----------
    numbers
        What is told of each class.
    tag
        What their names begin with.
    classes
        Names of the chosen classes. Of one, the fields are such as <tag>_DELTA; of several, its name follows, with _ for what no
        name may hold.
    """

    def __init__(self, numbers: Sequence[Number], tag: str, classes: Sequence[str]) -> None:
        endings = [""]
        if len(classes) > 1:
            endings = []
            for name in classes:
                ending = f"_{re.sub('[^0-9A-Za-z_.]', '_', name)}"
                endings.append(ending if ending not in endings else f"{ending}_{len(endings) + 1}")
        self.unscored = f"{tag}_UNSCORED"
        self._fields = [(place, number) for place, number in enumerate(numbers) if number.field]
        self._names = [[f"{tag}_{number.field}{ending}" for _, number in self._fields] for ending in endings]
        self._classes = classes

    def header(self, header: Header, used: Mapping[str, int | None], origin: str) -> list[str]:
        """The header's lines with the fields declared, and the contigs that are used and were not.

        Parameters
        ----------
        used
            nt of each contig that lines name; None where they are not known.
        origin
            What the fields come from, in a line.

        Raises
        ------
        InputError
            The file has a field of such a name already.
        """
        mine = [name for names in self._names for name in names] + [self.unscored]
        if taken := [name for name in mine if name in header.infos]:
            raise InputError(f"the header declares {taken[0]} already; choose another --tag")
        lines = list(header.meta)
        lines += [
            f"##contig=<ID={name}{'' if n is None else f',length={n}'}>"
            for name, n in used.items()
            if name not in header.contigs
        ]
        for label, names in zip(self._classes, self._names, strict=True):
            for name, (_, number) in zip(names, self._fields, strict=True):
                about = _quoted(number.about.format(label=label))
                lines.append(f'##INFO=<ID={name},Number=A,Type={number.type},Description="{about}">')
        why = "why an ALT has no effect, . where it has"
        lines.append(f'##INFO=<ID={self.unscored},Number=A,Type=String,Description="{why}">')
        return [*lines, f"##classify_effects={_one_line(origin)}", header.columns]

    def annotated(self, row: Row, effects: Sequence[Effect | str]) -> str:
        """The line with its fields; as it came where it has no ALT."""
        if not effects:
            return "\t".join(row.columns)
        told = []
        if any(not isinstance(effect, str) for effect in effects):
            for i, names in enumerate(self._names):
                values = zip(*(self._of_class(effect, i) for effect in effects), strict=True)
                told += [f"{name}={','.join(some)}" for name, some in zip(names, values, strict=True)]
        if any(isinstance(effect, str) for effect in effects):
            told.append(f"{self.unscored}=" + ",".join(e if isinstance(e, str) else "." for e in effects))
        before = [] if row.columns[7] in (".", "") else [row.columns[7].rstrip(";")]
        return "\t".join([*row.columns[:7], ";".join(before + told), *row.columns[8:]])

    def _of_class(self, effect: Effect | str, i: int) -> list[str]:
        """The values of an allele's fields of class i."""
        none = isinstance(effect, str)
        return ["." if none else _text(effect[i][place], ".") for place, _ in self._fields]


def _text(value: float | str, none: str) -> str:
    """A number as text, or ``none`` where it is NaN."""
    if isinstance(value, str | int):
        return str(value)
    return none if math.isnan(value) else f"{value:.6g}"


def _one_line(text: str) -> str:
    return re.sub(r"\s", " ", text)


def _quoted(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace('"', '\\"')
