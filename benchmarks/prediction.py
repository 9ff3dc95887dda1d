"""Memory of ``classify predict`` as its input grows: windows of the yeast genomes, one record each.

    python -m benchmarks.prediction --windows 50000 1000000 --out benchmarks/prediction.md

trains a small network for a moment, then runs the command itself and watches its memory. A million windows take the better
part of an hour on two cores.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.scaling import GENOMES
from benchmarks.watch import watched
from specgen.files import expand, write_atomic
from specgen.records import read_records
from specgen.sequences import decode

WINDOW, STRIDE = 618, 20


def windows() -> Iterator[str]:
    """Letters of windows that slide over the genomes."""
    for genome in GENOMES:
        for record in read_records(expand(f"$SPECGEN_DATA/{genome}")):
            letters = decode(record.codes)
            for start in range(0, len(letters) - WINDOW, STRIDE):
                yield letters[start : start + WINDOW]


def train(model: str, runs: Path) -> Path:
    """A run folder."""
    command = [
        sys.executable, "-m", "classify", "train", "--model", model, "--data.simulate.n", "60", "--training.epochs", "1",
        "--training.progress", "false", "--runs", str(runs),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(runs.glob("coding/*/default"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prediction", description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, nargs="+", default=[50_000, 1_000_000], help="small numbers first")
    parser.add_argument("--model", default="timm:test_byobnet.r160_in1k", help="a small network, so that it ends today")
    parser.add_argument("--out", default="", help="Markdown page to write")
    options = parser.parse_args()
    rows, peaks = [], []
    with tempfile.TemporaryDirectory(prefix="specgen-prediction-") as name:
        folder = Path(name)
        run = train(options.model, folder / "runs")
        for count in options.windows:
            source, out = folder / "in.fa", folder / "out.csv"
            with source.open("w") as file:
                file.writelines(f">w{i}\n{letters}\n" for i, letters in enumerate(islice(windows(), count)))
            command = [
                sys.executable,
                "-m",
                "classify",
                "predict",
                "--run",
                str(run),
                "--input",
                str(source),
                "--out",
                str(out),
            ]
            seconds, peak = watched([*command, "--progress", "false"])
            with out.open(newline="") as file:
                ids = [row["id"] for row in csv.DictReader(file)]
            assert ids == [f"w{i}" for i in range(count)], "rows are missing, doubled or out of order"
            peaks.append(peak)
            growth = f"{100 * (peak / peaks[0] - 1):+.1f} %"
            size = source.stat().st_size / 1e6
            rows.append(
                f"| {count:,} | {size:,.0f} | {seconds:,.0f} | {count / seconds:,.0f} | {peak / 1e6:,.0f} | {growth} |"
            )
            print(rows[-1], flush=True)
    text = f"""# Prediction: memory as the input grows

`python -m benchmarks.prediction --model {options.model} --windows {" ".join(map(str, options.windows))}`

`classify predict` on one FASTA file, a record a window of 600 nt (618 before trimming), sliding over two yeast genomes.
Every record has its row, in order. Peak memory of the process tree (PSS, sampled five times a second); start included.
Times were not taken on a quiet machine.

| windows | MB of FASTA | seconds | windows per second | peak MB | against the first |
|--:|--:|--:|--:|--:|--:|
{chr(10).join(rows)}
"""
    print(text)
    if options.out:
        write_atomic(Path(options.out), text)


if __name__ == "__main__":
    main()
