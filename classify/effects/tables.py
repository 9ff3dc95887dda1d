"""What was found of each allele, as text: a row of a table, INFO fields of a VCF and their declarations. No files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from classify.effects.variants import Header, Row
from specgen.errors import InputError

__all__ = ["Effect", "Fields", "Numbers", "table_columns", "table_rows"]


class Numbers(NamedTuple):
    """What is told of an allele for each class.

    Attributes
    ----------
    columns
        What they are called in the table.
    fields
        Of the INFO fields the end of the name, which of the columns it is, and what is declared of it, where {label} is the
        class, {strands} which were read, and {alone} that ALTs are scored one by one.
    """

    columns: Sequence[str]
    fields: Mapping[str, tuple[int, str]]


Effect = Sequence[Sequence[float]]
"""One allele against the reference: of each class the numbers of ``Numbers.columns``."""

_ALONE = "each ALT alone against the reference"


def table_columns(numbers: Numbers, classes: Sequence[str]) -> list[str]:
    """Names of the table's columns: the allele, why it has no numbers, and the numbers of each class."""
    told = [f"{number}_{_one_line(name)}" if name else number for name in classes for number in numbers.columns]
    return ["contig", "position", "id", "ref", "alt", "allele", "unscored", *told]


def table_rows(row: Row, effects: Sequence[Effect | str], width: int) -> list[list[str]]:
    """A row for each ALT with ``width`` numbers; ``effects`` tells in a word why one was not scored."""
    found = []
    for i, (alt, effect) in enumerate(zip(row.columns[4].split(","), effects, strict=False), 1):
        numbers = [""] * width
        if not isinstance(effect, str):
            numbers = [_number(value) for told in effect for value in told]
        found.append([*row.columns[:4], alt, str(i), effect if isinstance(effect, str) else "", *numbers])
    return found


class Fields:
    """The INFO fields of a run: what they are called, how they are declared, and their values.

    Parameters
    ----------
    numbers
        Which fields there are.
    tag
        What their names begin with.
    classes
        Names of the chosen classes. Of one, the fields are such as <tag>_DELTA; of several, its name follows, with _ for what no
        name may hold.
    strands
        Which were read.
    """

    def __init__(self, numbers: Numbers, tag: str, classes: Sequence[str], strands: str) -> None:
        endings = [""]
        if len(classes) > 1:
            endings = []
            for name in classes:
                ending = f"_{re.sub('[^0-9A-Za-z_.]', '_', name)}"
                endings.append(ending if ending not in endings else f"{ending}_{len(endings) + 1}")
        self.unscored = f"{tag}_UNSCORED"
        self._numbers = numbers
        self._names = [[f"{tag}_{what}{ending}" for what in numbers.fields] for ending in endings]
        self._classes, self._strands = classes, strands

    def header(self, header: Header, used: Mapping[str, int], origin: str) -> list[str]:
        """The header's lines with the fields declared, and the contigs that are used and were not.

        Parameters
        ----------
        used
            nt of each contig that lines name.
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
        strands = "mean of both strands" if self._strands == "both" else f"strand {self._strands}"
        lines = list(header.meta)
        lines += [f"##contig=<ID={name},length={n}>" for name, n in used.items() if name not in header.contigs]
        for label, names in zip(self._classes, self._names, strict=True):
            for name, (_, text) in zip(names, self._numbers.fields.values(), strict=True):
                about = _quoted(text.format(label=label, strands=strands, alone=_ALONE))
                lines.append(f'##INFO=<ID={name},Number=A,Type=Float,Description="{about}">')
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
        places = [place for place, _ in self._numbers.fields.values()]
        return ["."] * len(places) if isinstance(effect, str) else [_number(effect[i][place]) for place in places]


def _number(value: float) -> str:
    return f"{value:.6g}"


def _one_line(text: str) -> str:
    return re.sub(r"\s", " ", text)


def _quoted(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace('"', '\\"')
