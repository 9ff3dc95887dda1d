"""``python -m specgen render``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specgen.parser import CommandParser
from specgen.settings import ImageSettings, WindowSettings

ABOUT = "Render FASTA or FASTQ files as class folders of 224x224 PNG pictures; a restart goes on where it was."


def run(arguments: Sequence[str]) -> None:
    """Parse, render, and say what was done."""
    parser = CommandParser(prog="python -m specgen render", description=ABOUT)
    parser.add_argument("--config", action="config", help="YAML file with any of the settings below")
    parser.add_argument("inputs", type=str, nargs="+", help="FASTA or FASTQ files, plain, gzip or bgzip; - is stdin")
    parser.add_argument("--out", type=str, required=True, help="folder of the job")
    parser.add_argument("--label", type=str, nargs="+", default=[], help="class of each file; default: its name")
    parser.add_argument("--image", type=ImageSettings, default=ImageSettings())
    parser.add_argument("--windows", type=WindowSettings, default=WindowSettings())
    parser.add_argument("--batch_size", type=int, default=64, help="pictures computed at once, 1 or more")
    parser.add_argument("--progress", type=bool, default=True, help="show a progress bar")
    parsed = parser.instantiate(parser.parse_args(list(arguments)))
    from specgen.jobs import render  # heavy imports only once the settings are known to be good

    done = render(
        parsed.inputs,
        parsed.label,
        Path(parsed.out),
        parsed.image,
        parsed.windows,
        batch_size=parsed.batch_size,
        progress=parsed.progress,
    )
    print(
        f"{parsed.out}: {done.written} pictures written, {done.skipped} were there, "
        f"{done.too_short} records shorter than {parsed.windows.least} nt left out"
    )
