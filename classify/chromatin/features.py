"""Names of chromatin features: cell, factor and treatment, and the group that a factor is of. No windows here."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from classify.features import Feature
from classify.lines import split_line, text_lines
from specgen.errors import InputError

__all__ = ["GROUPS", "STYLES", "parse_feature", "read_features"]

GROUPS = ("DNase", "TF", "histone", "other")
"""Groups of features: those of DeepSEA's 919, and what is none of these."""

STYLES = ("auto", "plain", "factor_cell")
"""How names are made: auto = with bars between cell, factor and treatment, else plain; factor_cell as in CTCF_K562."""

_HISTONE = re.compile(r"H[1-4](?:[ABK]|ac|me|ub|$|\.|[RST]\d)", re.IGNORECASE)
"""H3, H2A.Z, H3K4me1, H4K20me1, H4ac; and no factor such as HA-E2F1, HEY1 or HNF4A."""


def parse_feature(name: str, style: str = "auto") -> Feature:
    """What a name tells.

    Parameters
    ----------
    name
        ``cell|factor|treatment`` as in DeepSEA's list of predictors, ``factor_cell``, or anything.
    style
        One of ``STYLES``.
    """
    cell = factor = treatment = ""
    if style == "factor_cell":
        factor, _, cell = name.partition("_")
    elif style == "auto" and "|" in name:
        cell, factor, treatment = [part.strip() for part in (*name.split("|", 2), "")[:3]]
        treatment = "" if treatment.lower() == "none" else treatment
    return Feature(name, cell, factor, treatment, _group(factor or name, said=bool(factor)))


def _group(factor: str, *, said: bool) -> str:
    if factor.lower().startswith("dnase"):
        return "DNase"
    if _HISTONE.match(factor):
        return "histone"
    return "TF" if said else "other"


def read_features(path: Path) -> list[str]:
    """Names of labels in their order: a name a line, or a table with a column ``name``, or with ``cell`` and ``factor``.

    The columns cell, factor and treatment become ``cell|factor|treatment``; without a header the last column is the name
    (DeepSEA's predictor.names has one column, others number it).

    Raises
    ------
    InputError
        A file that cannot be read, a line of another width, an empty name, or one that comes twice.
    """
    rows: list[list[str]] = []
    for number, line in text_lines(path, "a file of names of labels"):
        row = split_line(line, "\t" if "\t" in line else ",", f"{path}: line {number}")
        if rows and len(row) != len(rows[0]):
            raise InputError(f"{path}: line {number}: expected {len(rows[0])} columns, got {len(row)}")
        rows.append([word.strip() for word in row])
    head = [word.lower() for word in rows[0]]
    if "name" in head:
        names = [row[head.index("name")] for row in rows[1:]]
    elif {"cell", "factor"} <= set(head):
        places = [head.index(key) for key in ("cell", "factor", "treatment") if key in head]
        names = ["|".join(row[i] for i in places) for row in rows[1:]]
    else:
        names = [row[-1] for row in rows]
    if not names or not all(names):
        raise InputError(f"{path}: expected a name for each label, got {'an empty one' if names else 'none'}")
    if twice := [name for name, n in Counter(names).items() if n > 1]:
        raise InputError(f"{path}: names {twice[0]!r} twice")
    return names
