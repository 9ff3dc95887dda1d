"""``python -m classify ensemble``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Average runs into one, and name its report."""
    parser = CommandParser(
        prog="python -m classify ensemble",
        description="A run made of several finished ones: the mean of their log probabilities on the same test examples.",
    )
    parser.add_argument("runs", type=str, nargs="+", help="run folders")
    parser.add_argument("--out", type=str, required=True, help="a new run folder, such as runs/coding/ensemble/NAME")
    parsed = parser.parse_args(list(arguments))
    from classify.commands.evaluate import print_result
    from classify.ensembling import ensemble
    from classify.runs import RunFolder

    out = Path(parsed.out)
    print_result(RunFolder(out), ensemble([Path(folder) for folder in parsed.runs], out))
