"""``python -m classify export``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classify.runs import check_inputs
from specgen.errors import InputError
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Write a run for other tools, and say how near it is to the run."""
    parser = CommandParser(
        prog="python -m classify export",
        description="A trained run for other tools, the front end inside: letters in, probabilities and logits out. What is "
        "written is run on a few windows and compared with the run itself first. Needs the extra export.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained network")
    parser.add_argument("--out", type=str, required=True, help="file or folder to write")
    parser.add_argument(
        "--format", type=str, default="", help="onnx, or hub (a folder); default: by the ending of --out"
    )
    parser.add_argument(
        "--input",
        type=str,
        default="onehot",
        help="onehot: float32 (B, 4, window), rows A, C, G, T; codes: uint8 (B, window)",
    )
    parsed = parser.parse_args(list(arguments))
    check_inputs(parsed.run)
    from classify.distributed import check_alone
    from classify.exporting import FORMATS
    from classify.exporting.graph import TOLERANCE

    check_alone("export")
    out = Path(parsed.out)
    fitting = [name for name in FORMATS if FORMATS[name].suffix == out.suffix]
    if not parsed.format and not fitting:
        known = ", ".join(f"{FORMATS[name].suffix or 'none'} ({name})" for name in FORMATS)
        raise InputError(f"{out}: the ending {out.suffix!r} names no format; expected one of {known}, or --format")
    name = parsed.format or fitting[0]
    far = FORMATS[name].write(Path(parsed.run), out, parsed.input)
    print(f"{out}: {name}; differs from the run by {far:.1e} at most in a probability (allowed: {TOLERANCE:g})")
    print(f"{name}: {FORMATS[name].note}")
