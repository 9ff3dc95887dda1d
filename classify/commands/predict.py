"""``python -m classify predict``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from classify.runs import check_inputs
from classify.tiling import TilingSettings, add_tiling
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Predict the records of one file."""
    parser = CommandParser(
        prog="python -m classify predict",
        description="Class probabilities for the records of a FASTA or FASTQ file, in their order, streamed.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained model")
    parser.add_argument("--input", type=str, required=True, help="FASTA or FASTQ, plain, gzip or bgzip; - is stdin")
    parser.add_argument("--out", type=str, default="-", help="CSV file; - is standard output")
    add_tiling(parser)
    parser.add_argument("--progress", type=bool, default=True, help="show a progress bar")
    parsed = parser.parse_args(list(arguments))
    tiling = TilingSettings(parsed.pool, parsed.stride, parsed.short)
    check_inputs(parsed.run, parsed.input)
    from classify.distributed import check_alone
    from classify.prediction import predict

    check_alone("predict")
    counts = predict(Path(parsed.run), parsed.input, parsed.out, tiling=tiling, progress=parsed.progress)
    told = (
        f"{counts['records']} records, {counts['too_short']} of them shorter than the {counts['needed']} nt of a window"
    )
    if counts["too_short"] and tiling.short != "pad":
        told += " (--short pad scores them)"
    if tiling.short == "pad":
        told = (
            f"{counts['records']} records, {counts['padded']} of them padded to the {counts['needed']} nt of a window"
        )
    if counts["resumed"]:
        told += f"; {counts['resumed']} were there from before"
    where = "standard output" if parsed.out == "-" else parsed.out
    print(f"{where}: {told}", file=sys.stderr if parsed.out == "-" else sys.stdout)
