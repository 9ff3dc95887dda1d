"""``python -m classify compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Print the tables of several runs, and write them with figures and a page."""
    parser = CommandParser(
        prog="python -m classify compare",
        description="One comparison of several finished runs: seeds of a model in one row, intervals, paired tests, "
        "curves, metrics by length and GC. Of runs that tell classes of windows, several labels of windows, or the next base.",
    )
    parser.add_argument("runs", type=str, nargs="+", help="run folders")
    parser.add_argument(
        "--out",
        type=str,
        default="",
        help="folder for compare.html, .md, .csv, bins.csv, labels.csv and figures",
    )
    parser.add_argument(
        "--against",
        type=str,
        default="",
        help="model, run name or run folder that the others are tested against; default: the best on validation",
    )
    parser.add_argument("--per-run", action="store_true", help="a row for each run, not one for the seeds of a model")
    parser.add_argument("--resamples", type=int, default=2000, help="bootstrap resamples of groups")
    parsed = parser.parse_args(list(arguments))
    from classify.comparison import compare
    from classify.paired import Resampling

    out = Path(parsed.out) if parsed.out else None
    folders = [Path(folder) for folder in parsed.runs]
    how = Resampling(parsed.resamples)
    print(compare(folders, out, against=parsed.against, per_run=parsed.per_run, how=how), end="")
    if out:
        print(
            f"written: {out / 'compare.html'}, {out / 'compare.md'}, {out / 'compare.csv'}, {out / 'bins.csv'}, figures"
        )
