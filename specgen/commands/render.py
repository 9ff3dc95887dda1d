"""``python -m specgen render``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specgen.engines import EngineSettings
from specgen.errors import InputError
from specgen.parser import CommandParser
from specgen.selection import RegionSettings, WindowSettings
from specgen.settings import ImageSettings

ABOUT = """Render FASTA or FASTQ files, or intervals of a genome, as 224x224 pictures, sorted by class. A job that was
stopped goes on with the same command."""


def run(arguments: Sequence[str]) -> None:
    """Parse, render (or verify), and say what was done."""
    parser = CommandParser(prog="python -m specgen render", description=ABOUT)
    parser.add_argument("--config", action="config", help="YAML file with any of the settings below")
    parser.add_argument(
        "inputs",
        type=str,
        nargs="*",
        help="FASTA or FASTQ files, plain, gzip or bgzip; - is stdin. With --regions.genome: BED, narrowPeak, GTF, GFF3",
    )
    parser.add_argument("--out", type=str, required=True, help="folder of the job")
    parser.add_argument("--label", type=str, nargs="+", default=[], help="class of each file; default: its name")
    parser.add_argument("--output", type=str, default="png", help="png (folders), tar (WebDataset), hdf5 or npy")
    parser.add_argument("--shard", type=int, default=1000, help="pictures in a shard, the unit of work and of resuming")
    parser.add_argument("--image", type=ImageSettings, default=ImageSettings())
    parser.add_argument("--windows", type=WindowSettings, default=WindowSettings())
    parser.add_argument("--regions", type=RegionSettings, default=RegionSettings())
    parser.add_argument("--engine", type=EngineSettings, default=EngineSettings())
    parser.add_argument("--batch_size", type=int, default=64, help="pictures that a worker holds at once, 1 or more")
    parser.add_argument("--progress", type=bool, default=True, help="show a progress bar")
    parser.add_argument("--verify", action="store_true", help="check the finished job in --out and render nothing")
    parsed = parser.instantiate(parser.parse_args(list(arguments)))
    if not parsed.verify and not parsed.inputs:
        raise InputError("render: expected at least one input file (or --verify to check a finished job)")
    out = Path(parsed.out)
    if parsed.verify:
        from specgen.verification import verify

        print(f"{out}: complete and unchanged, {verify(out, progress=parsed.progress)} pictures")
        return
    from specgen.jobs import render  # heavy imports only once the settings are known to be good

    done = render(
        parsed.inputs,
        parsed.label,
        out,
        parsed.image,
        parsed.windows,
        regions=parsed.regions,
        output=parsed.output,
        shard=parsed.shard,
        engine=parsed.engine,
        batch_size=parsed.batch_size,
        progress=parsed.progress,
    )
    ambiguous = f", {done.ambiguous} windows too ambiguous" if done.ambiguous else ""
    print(
        f"{out}: {done.written} pictures written, {done.skipped} were there, "
        f"{done.too_short} records shorter than {parsed.windows.least} nt left out{ambiguous}"
    )
