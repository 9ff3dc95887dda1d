"""``python -m classify explain``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classify.bootstrap import interval_text
from classify.interpretation.settings import AttributionSettings, MeasureSettings
from classify.runs import check_inputs
from specgen.errors import InputError
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Explain the records of a file, or measure explanations on simulated ones."""
    parser = CommandParser(
        prog="python -m classify explain",
        description="Why a trained model says what it says: attribution to letters (integrated gradients through colour and "
        "STFT) and Grad-CAM, for records of a file; or how much of it lies in the CDS of simulated transcripts.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained model")
    parser.add_argument("--input", type=str, default="", help="FASTA or FASTQ, plain, gzip or bgzip; - is stdin")
    parser.add_argument("--simulated", type=int, default=0, help="measure on so many simulated windows instead")
    parser.add_argument("--out", type=str, required=True, help="new folder for what is found")
    parser.add_argument("--method", type=str, default="", help="gradcam, ig or gradcam,ig; default: all that fit")
    parser.add_argument("--most", type=int, default=4, help="records (or simulated windows) that are drawn")
    parser.add_argument("--cds", type=str, default="", help="BED file: record, start, end of known CDS, to be drawn")
    parser.add_argument("--attribution", type=AttributionSettings, default=AttributionSettings())
    parser.add_argument("--measure", type=MeasureSettings, default=MeasureSettings())
    parser.add_argument("--progress", type=bool, default=True, help="show a progress bar")
    parsed = parser.parse_args(list(arguments))
    if bool(parsed.input) == bool(parsed.simulated):
        raise InputError("expected one of --input FILE and --simulated N")
    if parsed.simulated < 0 or parsed.most < (0 if parsed.simulated else 1):
        raise InputError(
            f"--simulated, --most: expected whole numbers above 0, got {parsed.simulated} and {parsed.most}"
        )
    if parsed.simulated and (parsed.method or parsed.cds):
        raise InputError("--method, --cds: are for --input; --simulated measures ig and knows its CDS")
    parts = parser.instantiate(parsed)
    check_inputs(parsed.run, parsed.input, parsed.cds)
    from classify.distributed import check_alone
    from classify.interpretation.explaining import explain_file, explain_simulated
    from classify.interpretation.sites import read_cds

    check_alone("explain")
    folder, out = Path(parsed.run), Path(parsed.out)
    if parsed.simulated:
        body = explain_simulated(
            folder, parsed.simulated, out, most=parsed.most, settings=parts.attribution, measure=parts.measure,
            progress=parsed.progress,
        )  # fmt: skip
        print(f"{body['called']} of {body['windows']} windows called {body['target']}", end="")
        print(f"; {body['incomplete']} attributions are not complete")
        for kind, entries in body["enrichment"].items():
            shown = ", ".join(f"{name} {interval_text(entry, '.3f')}" for name, entry in entries.items())
            print(f"enrichment in the CDS, {kind}: {shown}")
        for name in ("insertion_above_random", "deletion_below_random") if body["area"] else ():
            entry = body["area"]["probability"][name]
            print(f"area of probability, {name}: {interval_text(entry, '.3f')}")
        print(f"written: {out / 'measures.json'}, {out / 'measures.csv'}, {out / 'measures.png'}")
        return
    methods = tuple(name.strip() for name in parsed.method.split(",")) if parsed.method else ()
    counts = explain_file(
        folder, parsed.input, out, most=parsed.most, settings=parts.attribution, methods=methods,
        cds=read_cds(parsed.cds) if parsed.cds else None, progress=parsed.progress,
    )  # fmt: skip
    print(
        f"{out}: {counts['explained']} records explained (--most {parsed.most}), {counts['incomplete']} attributions not "
        f"complete; {counts['too_short']} records before them shorter than a window"
    )
    if counts["longer"]:
        print(
            f"of {counts['longer']} longer ones the window in the middle alone; predict tells the mean over all windows"
        )
