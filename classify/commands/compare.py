"""``python -m classify compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Print the table of several runs, and write it."""
    parser = CommandParser(
        prog="python -m classify compare",
        description="One table of several finished runs, with intervals and paired differences, and their ROC curves.",
    )
    parser.add_argument("runs", type=str, nargs="+", help="run folders")
    parser.add_argument("--out", type=str, default="", help="folder for compare.md, compare.csv and roc.png")
    parsed = parser.parse_args(list(arguments))
    from classify.comparison import compare

    out = Path(parsed.out) if parsed.out else None
    print(compare([Path(folder) for folder in parsed.runs], out), end="")
    if out:
        print(f"written: {out / 'compare.md'}, {out / 'compare.csv'}, {out / 'roc.png'}")
