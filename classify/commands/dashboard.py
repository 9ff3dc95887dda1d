"""``python -m classify dashboard``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classify.dashboard.settings import OptimisationSettings
from classify.interpretation.settings import AttributionSettings
from classify.runs import check_inputs
from specgen.errors import InputError
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Dashboards of the records of a file."""
    parser = CommandParser(
        prog="python -m classify dashboard",
        description="What a trained network reads in each letter of a sequence, by several methods side by side: saliency, "
        "integrated gradients, in-silico mutagenesis, scores of growing parts, and the letters that its class likes best.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained model")
    parser.add_argument("--input", type=str, required=True, help="FASTA or FASTQ, plain, gzip or bgzip; - is stdin")
    parser.add_argument("--out", type=str, required=True, help="new folder for the dashboards")
    parser.add_argument("--most", type=int, default=4, help="records, the first of the file")
    parser.add_argument("--methods", type=str, default="", help="names separated by commas; default: all")
    parser.add_argument("--sites", type=str, default="", help="BED file: record, start, end and name of known motifs")
    parser.add_argument("--attribution", type=AttributionSettings, default=AttributionSettings())
    parser.add_argument("--optimisation", type=OptimisationSettings, default=OptimisationSettings())
    parser.add_argument("--progress", type=bool, default=True, help="show a progress bar")
    parsed = parser.parse_args(list(arguments))
    if parsed.most < 1:
        raise InputError(f"--most: expected a whole number above 0, got {parsed.most}")
    parts = parser.instantiate(parsed)
    check_inputs(parsed.run, parsed.input, parsed.sites)
    from classify.dashboard.boards import make_dashboards
    from classify.distributed import check_alone
    from classify.interpretation.sites import read_sites

    check_alone("dashboard")
    out = Path(parsed.out)
    body = make_dashboards(
        Path(parsed.run), parsed.input, out, most=parsed.most, attribution=parts.attribution,
        optimisation=parts.optimisation, methods=[name.strip() for name in parsed.methods.split(",") if name.strip()],
        sites=read_sites(parsed.sites) if parsed.sites else None, progress=parsed.progress,
    )  # fmt: skip
    for method, share in body["share_on_sites"].items():
        print(f"{method:20} {share:.3f} of its absolute attribution on the sites")
    print(f"{out / 'dashboard.html'}: {len(body['records'])} records; {body['too_short']} shorter than a window")
