"""``classify prepare``: S. pombe, a made-up genome that grows, and what pyfaidx and loops take for the same.

    python -m benchmarks.exon_preparation --out benchmarks/exon_preparation.md

runs the command itself, as a user would, and watches its memory. Beside it, each in a process of its own and one after the
other: the script of ``exon_loops`` that does the whole of it, and the windows alone, cut, encoded and written by this package
and by loops. What the ways of cutting write is compared with the prepared file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pysam

from benchmarks.exon_loops import ENCODERS, cut, script
from benchmarks.watch import watched
from classify.exons.prepared import PreparedSet
from classify.exons.windows import SLICE, cut_windows
from specgen.engines import available_cores
from specgen.files import expand, write_atomic
from specgen.genome import read_contigs

POMBE = ("exon_start/spombe_ASM294v2_I-III.fa.gz", "exon_start/spombe_ASM294v2_I-III.gtf.gz")
CONTIG, GENES_PER_MB, LINE = 25_000_000, 20, 80
Measured = dict[str, float]


def simulate(folder: Path, megabases: int) -> tuple[Path, Path]:
    """Genome and annotation: contigs of 25 Mb of random letters, 20 genes a Mb with two transcripts each."""
    genome, annotation = folder / f"{megabases}.fa", folder / f"{megabases}.gtf"
    with genome.open("wb") as letters, annotation.open("w") as rows:
        for number in range(megabases * 1_000_000 // CONTIG):
            rng = np.random.default_rng(number)
            text = np.full((CONTIG // LINE, LINE + 1), ord("\n"), dtype=np.uint8)
            text[:, :-1] = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, (CONTIG // LINE, LINE), np.uint8)]
            letters.write(b">chr%d\n" % number)
            letters.write(memoryview(text))
            rows.writelines(genes(number, rng))
    pysam.faidx(str(genome))
    return genome, annotation


def genes(contig: int, rng: np.random.Generator) -> Iterator[str]:
    """GTF lines of a contig's genes, which do not overlap."""
    count = CONTIG // 1_000_000 * GENES_PER_MB
    room = CONTIG // count
    for gene in range(count):
        exons = int(rng.integers(1, 18))
        edges = np.sort(rng.choice(np.arange(10, room - 10, 20), 2 * exons, replace=False)) + gene * room
        strand = "+-"[int(rng.integers(2))]
        for transcript in range(2):
            for low, high in edges.reshape(-1, 2)[transcript if exons > 1 else 0 :]:
                yield (
                    f"chr{contig}\tmade_up\texon\t{low}\t{high}\t.\t{strand}\t.\t"
                    f'gene_id "g{contig}_{gene}"; transcript_id "g{contig}_{gene}.{transcript}";\n'
                )


def unpacked(packed: Path, folder: Path) -> Path:
    """A file as pyfaidx and plain ``open`` can read it; with an index, if it holds letters."""
    path = folder / packed.stem
    with gzip.open(packed) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    if path.suffix == ".fa":
        pysam.faidx(str(path))
    return path


def ours(found: PreparedSet, genome: str, out: Path) -> int:
    """The stage of ``prepare`` that reads letters, cuts windows and writes them."""
    with h5py.File(out, "w") as file:
        for number, (_, length, fetch) in enumerate(read_contigs(genome, found.contigs)):
            rows = np.flatnonzero(found.contig == number)
            codes = fetch(0, length)
            windows = file.create_dataset(f"{number}", (len(rows), found.width), dtype=np.uint8)
            for low in range(0, len(rows), SLICE):
                some = rows[low : low + SLICE]
                windows[low : low + SLICE] = cut_windows(codes, found.position[some], found.strand[some], found.width)
    return len(found)


def child(way: str, prepared: str, genome: str, annotation: str, out: str, most: int) -> None:
    """One way in this process, of about ``most`` windows where it is a loop; prints windows and seconds as JSON."""
    found, path = PreparedSet(prepared), Path(out)
    step = max(1, len(found) // most)
    begin, reading = time.perf_counter(), 0.0
    if way == "script":
        windows, reading = script(genome, annotation, path, step)
    else:
        windows = cut(ENCODERS[way], found, genome, path, step) if way in ENCODERS else ours(found, genome, path)
    # Lines are read for all genes, so that those that are left out take their share with them.
    seconds = time.perf_counter() - begin - reading * (1 - 1 / step)
    if way != "script":
        check(found, path, step if way in ENCODERS else 1, one_hot=way == "one-hot")
    print(json.dumps({"windows": windows, "seconds": seconds}))


def check(found: PreparedSet, path: Path, step: int, *, one_hot: bool) -> None:
    """What was written is what ``prepare`` wrote."""
    with h5py.File(path) as file:
        for number in range(len(found.contigs)):
            rows = np.flatnonzero(found.contig == number)[::step]
            wanted = found.gather(rows, np.zeros_like(rows), found.width)
            if one_hot:
                wanted = (wanted[:, :, None] == np.array([1, 8, 2, 4], dtype=np.uint8)).astype(np.uint8)
            np.testing.assert_array_equal(file[f"{number}"][:], wanted)


def whole(genome: Path, annotation: Path, out: Path) -> Measured:
    """The command: seconds from the start of the process to its end, peak memory, windows."""
    words = ["--genome", str(genome), "--annotation", str(annotation), "--out", str(out), "--progress", "false"]
    seconds, peak = watched([sys.executable, "-m", "classify", "prepare", *words], every=0.05)
    return {"seconds": seconds, "peak": peak, "windows": len(PreparedSet(out))}


def row(name: str, command: Measured, prepared: Path, genome: Path, annotation: Path, most: int) -> str:
    """A line of the table, once all the other ways are measured."""
    rates = {}
    for way in ("script", "ours", *ENCODERS):
        out = prepared.with_name(f"{way}.h5")
        words = [way, str(prepared), str(genome), str(annotation), str(out), str(most)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.exon_preparation", "--child", *words], check=True, stdout=subprocess.PIPE
        )
        found = json.loads(done.stdout)
        rates[way] = found["windows"] / found["seconds"]
        out.unlink()
    rate = command["windows"] / command["seconds"]
    cells = [
        name, f"{command['windows']:,.0f}", f"{command['seconds']:.1f}", f"{command['peak'] / 1e6:.0f}",
        f"{rate:,.0f}", f"{rates['script']:,.0f}", f"{rate / rates['script']:.1f}x", f"{rates['ours']:,.0f}",
        *(f"{rates[way]:,.0f} ({rates['ours'] / rates[way]:.0f}x)" for way in ENCODERS),
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exon_preparation", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[50, 100, 250, 500, 1000], help="Mb, multiples of 25")
    parser.add_argument("--repeats", type=int, default=3, help="of S. pombe")
    parser.add_argument("--most", type=int, default=20_000, help="windows that loops do")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where to write (2 GB for 1000 Mb, freed)")
    parser.add_argument("--out", default="", help="Markdown page to write")
    parser.add_argument("--child", nargs=6, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        *words, most = options.child
        child(*words, int(most))
        return
    packed = [expand(f"$SPECGEN_DATA/{name}") for name in POMBE]
    if not packed[0].is_file():
        print(f"benchmarks.exon_preparation: no {POMBE[0]} in SPECGEN_DATA", file=sys.stderr)
        sys.exit(2)
    lines, grown = [], []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        out = folder / "pombe.h5"
        runs = [whole(packed[0], packed[1], out) for _ in range(options.repeats)]
        pombe = sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]
        plain = [unpacked(path, folder) for path in packed]
        lines.append(row("S. pombe, 12.6", pombe, out, plain[0], plain[1], options.most))
        print(lines[-1], flush=True)
        for size in options.sizes:
            genome, annotation = simulate(folder, size)
            out = folder / f"{size}.h5"
            grown.append(whole(genome, annotation, out))
            lines.append(row(f"{size}", grown[-1], out, genome, annotation, options.most))
            print(lines[-1], flush=True)
            for path in (genome, annotation, out, Path(f"{genome}.fai")):
                path.unlink()
    page = describe(options, pombe, grown, lines)
    print(page)
    if options.out:
        write_atomic(Path(options.out), page)


def describe(options: argparse.Namespace, pombe: Measured, grown: list[Measured], lines: list[str]) -> str:
    """The page."""
    text = [
        "# Preparing exon starts: time and memory, beside pyfaidx and loops",
        "",
        f"`python -m benchmarks.exon_preparation --sizes {' '.join(map(str, options.sizes))} --most {options.most}`, "
        f"{available_cores()} cores ({os.uname().machine}), of which the command uses one. *S. pombe* is gzip without an index, "
        f"the median of {options.repeats} runs; the others are random letters in contigs of 25 Mb with 20 genes a Mb, plain "
        "FASTA with an index.",
        "",
        "**The whole**: seconds and peak memory (PSS, sampled every 0.05 s) of `classify prepare`, start of Python included: "
        "annotation read, loci and splits made, a random place and a decoy drawn for each start, windows of 301 nt cut and "
        "written. Beside it a script of pyfaidx slices and loops (`benchmarks/exon_loops.py`) that reads the lines, draws the "
        "same kinds of places and writes one-hot windows; it makes no loci and no splits, and its start is not counted.",
        "",
        "**The windows alone**, from reading the genome to the last byte, of the same places with the same result: ours, and "
        f"pyfaidx slices whose letters a loop encodes, to codes or one-hot. Loops do about {options.most:,} windows spread over "
        "the genome.",
        "",
        "| Mb | windows | seconds | peak MB | whole: windows/s | script: windows/s | ours over script | "
        "windows alone: windows/s | pyfaidx, loop to codes (ours over it) | pyfaidx, loop to one-hot (ours over it) |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *lines,
        "",
    ]
    if len(grown) > 1:
        (small, large), (first, last) = options.sizes[:: len(grown) - 1], grown[:: len(grown) - 1]
        marginal = (last["seconds"] - first["seconds"]) / (large - small)
        text += [
            f"From {small} to {large} Mb the peak went from {first['peak'] / 1e6:.0f} to {last['peak'] / 1e6:.0f} MB; a "
            f"further Mb costs {1e3 * marginal:.1f} ms.",
            "",
        ]
    verdict = "under" if pombe["seconds"] < 20 else "over"
    return "\n".join([*text, f"*S. pombe* took {pombe['seconds']:.1f} s, {verdict} the 20 s that it may take.", ""])


if __name__ == "__main__":
    main()
