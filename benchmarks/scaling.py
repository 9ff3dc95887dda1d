"""Memory and time of a rendering job as its input grows: sliding windows over two yeast genomes.

Runs ``specgen render`` itself, as a user would, over the S. cerevisiae and S. pombe genomes with strides that give
about 20,000, 60,000 and 200,000 windows, and samples the memory of the whole process tree (proportional set size, so
that what the processes share is counted once) every fifth of a second. Nothing of the package is measured in here.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.watch import watched
from specgen.engines import available_cores
from specgen.files import expand, write_atomic

GENOMES = ("genomes/scerevisiae_R64.fa.gz", "exon_start/spombe_ASM294v2_I-III.fa.gz")
STRIDES = (1230, 410, 123)


def measure(stride: int, output: str, folder: Path) -> dict[str, float]:
    """One job, from an empty folder to its end."""
    inputs = [str(expand(f"$SPECGEN_DATA/{name}")) for name in GENOMES]
    out = folder / f"{output}-{stride}"
    command = [
        sys.executable, "-m", "specgen", "render", *inputs, "--label", "cerevisiae", "pombe", "--out", str(out),
        "--windows.place", "tiles", "--windows.trim", "0", "--windows.stride", str(stride), "--output", output,
        "--progress", "false",
    ]  # fmt: skip
    seconds, peak = watched(command)
    with (out / "shards.csv").open() as handle:
        shards = list(csv.DictReader(handle))
    shutil.rmtree(out)
    windows = sum(int(row["windows"]) for row in shards)
    size = sum(int(row["bytes"]) for row in shards)
    return {"stride": stride, "windows": windows, "seconds": seconds, "peak_mb": peak / 1e6, "bytes": size}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="tar", help="form of the job: png, tar, hdf5 or npy")
    parser.add_argument("--strides", type=int, nargs="+", default=STRIDES, help="nt between windows, coarse ones first")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where to render (17 GB are needed, and freed)")
    parser.add_argument("--out", default="", help="Markdown page to write")
    options = parser.parse_args()
    missing = [name for name in GENOMES if not expand(f"$SPECGEN_DATA/{name}").is_file()]
    if missing:
        print(f"benchmarks.scaling: no {missing[0]} in SPECGEN_DATA", file=sys.stderr)
        sys.exit(2)
    lines = [
        "# Memory and time of a job as it grows",
        "",
        f"`python -m benchmarks.scaling --output {options.output}`: 600-nt windows slid over the *S. cerevisiae* and "
        f"*S. pombe* genomes (24.6 Mb), {available_cores()} cores ({os.uname().machine}), a job a row, from the start "
        "of the process to its end. Memory is the peak of the whole process tree (PSS, sampled every 0.2 s).",
        "",
        "| stride (nt) | windows | seconds | windows/s | peak memory (MB) | bytes/window |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    found = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for stride in options.strides:
            row = measure(stride, options.output, Path(folder))
            found.append(row)
            lines.append(
                f"| {stride} | {row['windows']:,.0f} | {row['seconds']:.1f} | {row['windows'] / row['seconds']:.0f} | "
                f"{row['peak_mb']:.0f} | {row['bytes'] / row['windows']:,.0f} |"
            )
            print(lines[-1], flush=True)
    first, last = found[0], found[-1]
    marginal = (last["windows"] - first["windows"]) / (last["seconds"] - first["seconds"])
    parts = [(b["seconds"] - a["seconds"]) / (b["windows"] - a["windows"]) * 1e3 for a, b in itertools.pairwise(found)]
    lines += [
        "",
        f"From {first['windows']:,.0f} to {last['windows']:,.0f} windows the peak went from {first['peak_mb']:.0f} to "
        f"{last['peak_mb']:.0f} MB. A further window costs {' and '.join(f'{ms:.2f}' for ms in parts)} ms in the steps "
        f"between the rows ({marginal:.0f} windows/s); the rest is the start of the processes.",
        "",
    ]
    print("\n".join(lines))
    if options.out:
        write_atomic(Path(options.out), "\n".join(lines))


if __name__ == "__main__":
    main()
