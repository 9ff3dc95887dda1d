"""``python -m classify across``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from classify.config import parse_run
from classify.settings import check_name
from specgen.errors import InputError

ABOUT = (
    "Train on each of several data sets and score on the test splits of all others: --sets NAME=CONFIG ..., where a set's "
    "YAML comes after all other settings. Runs are called <name>_<set>; finished ones are kept."
)


def run(arguments: Sequence[str]) -> None:
    """Parse the settings of each set, train, score, write the matrix."""
    sets = {"type": str, "nargs": "+", "required": True, "help": "NAME=YAML of run settings, at least two"}
    out = {"type": str, "required": True, "help": "folder for across.csv and across.md"}
    settings, extra = parse_run(arguments, "across", ABOUT, {"sets": sets, "out": out})
    files = _files(extra.sets)
    runs = {}
    for name, file in files.items():
        own = parse_run([*arguments, "--config", file], "across", ABOUT, {"sets": sets, "out": out})[0]
        runs[name] = dataclasses.replace(own, name=f"{settings.name}_{name}")
    from classify.crossing import cross, matrix, write_crossing
    from classify.distributed import check_alone

    check_alone("across")
    bodies = cross(runs)
    write_crossing(Path(extra.out), bodies)
    print(matrix(bodies, "auroc"), end="")
    print(f"written: {Path(extra.out) / 'across.csv'}, {Path(extra.out) / 'across.md'}")


def _files(sets: Sequence[str]) -> dict[str, str]:
    """YAML files by name of the set."""
    found: dict[str, str] = {}
    for item in sets:
        name, equals, file = item.partition("=")
        if not equals or not file:
            raise InputError(f"--sets: expected NAME=YAML, got {item!r}")
        check_name("--sets", name)
        if name in found:
            raise InputError(f"--sets: names {name!r} twice")
        found[name] = file
    if len(found) < 2:
        raise InputError(f"--sets: expected at least two sets, got {', '.join(found)}")
    return found
