"""``python -m classify features``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classify.runs import check_inputs
from specgen.errors import InputError
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Rank the labels of single sequences."""
    parser = CommandParser(
        prog="python -m classify features",
        description="Every label of single sequences, ranked by its probability, with cell, factor and treatment, the "
        "threshold that validation chose and how often the label holds in training: CSV, a picture of each, and a page.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained network of several labels")
    parser.add_argument("--input", type=str, required=True, help="FASTA or FASTQ, plain, gzip or bgzip; - is stdin")
    parser.add_argument("--out", type=str, required=True, help="new folder for the tables and pictures")
    parser.add_argument(
        "--record", type=str, nargs="+", default=[], help="names of records of one window each; default: the first ones"
    )
    parser.add_argument("--most", type=int, default=4, help="records without --record, the first of the file")
    parsed = parser.parse_args(list(arguments))
    if parsed.most < 1:
        raise InputError(f"--most: expected a whole number above 0, got {parsed.most}")
    check_inputs(parsed.run, parsed.input)
    from classify.distributed import check_alone
    from classify.ranking import rank_features

    check_alone("features")
    out = Path(parsed.out)
    for one in rank_features(Path(parsed.run), parsed.input, out, records=parsed.record, most=parsed.most):
        best, above = one["rows"][0], sum(row["above"] for row in one["rows"])
        print(
            f"{one['record']}: {above} of {len(one['rows'])} labels at their threshold or above; "
            f"likeliest {best['name']}, {best['probability']:.3f}"
        )
    print(f"{out / 'features.html'}")
