"""Memory of ``classify predict`` as its input grows: windows of the yeast genomes, one record each.

    python -m benchmarks.prediction --out benchmarks/prediction.md

trains a network for a moment, then runs the command itself and watches its memory: a tiny network of letters (``tiny``) up to a
million windows, and a small network of pictures up to fifty thousand. Ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice, zip_longest
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


def train(program: str, model: str, runs: Path) -> Path:
    """A run folder."""
    command = [
        sys.executable, "-m", program, "train", "--model", model, "--data.simulate.n", "60", "--training.epochs", "1",
        "--training.progress", "false", "--runs", str(runs),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(runs.glob("coding/*/default"))


def table(program: str, model: str, counts: list[int]) -> str:
    """A section of the page: one network, growing input."""
    rows, peaks = [], []
    with tempfile.TemporaryDirectory(prefix="specgen-prediction-") as name:
        folder = Path(name)
        run, source, out = train(program, model, folder / "runs"), folder / "in.fa", folder / "out.csv"
        command = [
            sys.executable,
            "-m",
            program,
            "predict",
            "--run",
            str(run),
            "--input",
            str(source),
            "--out",
            str(out),
        ]
        for count in counts:
            with source.open("w") as file:
                file.writelines(f">w{i}\n{letters}\n" for i, letters in enumerate(islice(windows(), count)))
            seconds, peak = watched([*command, "--progress", "false"])
            with out.open(newline="") as file:
                written = (row["id"] for row in csv.DictReader(file))
                same = all(a == b for a, b in zip_longest(written, (f"w{i}" for i in range(count))))
            assert same, "rows are missing, doubled or out of order"
            peaks.append(peak)
            growth = f"{100 * (peak / peaks[0] - 1):+.1f} %"
            size = source.stat().st_size / 1e6
            rows.append(
                f"| {count:,} | {size:,.0f} | {seconds:,.0f} | {count / seconds:,.0f} | {peak / 1e6:,.0f} | {growth} |"
            )
            print(model, rows[-1], flush=True)
    return f"""## {model}

| windows | MB of FASTA | seconds | windows per second | peak MB | against the first |
|--:|--:|--:|--:|--:|--:|
{chr(10).join(rows)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prediction", description=__doc__.splitlines()[0])
    parser.add_argument("--letters", type=int, nargs="+", default=[50_000, 1_000_000], help="windows, few first")
    parser.add_argument("--pictures", type=int, nargs="+", default=[5_000, 50_000], help="windows, few first")
    parser.add_argument("--model", default="timm:test_byobnet.r160_in1k", help="network of pictures")
    parser.add_argument("--out", default="", help="Markdown page to write")
    options = parser.parse_args()
    letters, pictures = (" ".join(map(str, counts)) for counts in (options.letters, options.pictures))
    text = f"""# Prediction: memory as the input grows

`python -m benchmarks.prediction --letters {letters} --pictures {pictures}`

`predict` on one FASTA file, a record a window of 600 nt (618 before trimming), sliding over two yeast genomes. Every record
has its row, in order. Peak memory of the process tree (PSS, sampled five times a second), start included. Times were not
taken on a quiet machine. `tiny_letters` is a network of `benchmarks/tiny.py` that costs next to nothing, so that a million
windows take minutes; reading, cutting, batching, writing are those of every network.

{table("benchmarks.tiny", "tiny_letters", options.letters)}
{table("classify", options.model, options.pictures)}"""
    print(text)
    if options.out:
        write_atomic(Path(options.out), text)


if __name__ == "__main__":
    main()
