"""Throughput of rendering: specgen beside matplotlib, librosa, SciPy, the bare transform, and other PNG writers.

    python -m benchmarks.rendering --seconds 5 --repeats 3 --out benchmarks/rendering.md

needs the real sequences (``SPECGEN_DATA``) and takes about ten minutes on two cores, which nobody else should use
meanwhile; ``--quick`` shows in a minute or two that everything runs. Before anything is timed, everybody's pictures
are compared with specgen's. ``measure`` says how is timed, ``competitors`` what.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import competitors, ours, png_writers
from benchmarks.measure import FILE, LENGTHS, PER_WORKER, Contender, Sample, Tally, Workers, read_samples
from specgen.engines import available_cores
from specgen.errors import InputError
from specgen.files import write_atomic
from specgen.image import Imager
from specgen.settings import ImageSettings, SpectrogramSettings

PICTURES = (*ours.PICTURES, *competitors.PICTURES)

FILES = (*ours.FILES, *competitors.FILES)


def check_pixels(samples: dict[int, Sample]) -> list[str]:
    """Rows of how far everybody's pictures are from specgen's, in levels of 255.

    Raises
    ------
    AssertionError
        More than one level.
    """
    rows = []
    for length, sample in samples.items():
        codes, hop = sample.codes[:16], competitors.nearest_hop(length)
        painted = Imager().paint(codes)
        pairs = [(name, function, painted, "") for name, function in competitors.SAME_PIXELS.items()]
        for name, (function, detrend) in competitors.NEAREST_HOP.items():
            # With the same frames as theirs, to see that what is timed is a spectrogram of the same kind.
            there = SpectrogramSettings(frames=0, hop=hop, detrend=detrend)
            letters = codes[:, : there.window + (competitors.FRAMES - 1) * hop]
            wanted = Imager(ImageSettings(spectrogram=there)).paint(letters)
            pairs.append((name, function, wanted, f", set to hop {hop} and detrend {detrend}"))
        for name, function, wanted, how in pairs:
            apart = np.abs(np.stack([function(sequence) for sequence in codes]).astype(int) - wanted)
            assert apart.max() <= 1, f"{name}, {length} nt: pixels differ by {apart.max()} levels"
            rows.append(f"| {name} | {length} | {apart.max()} | {100 * (apart > 0).mean():.3f} % | specgen{how} |")
        drawn = Image.open(io.BytesIO(competitors.matplotlib_png(codes[0], dpi=100)))
        assert drawn.size == painted.shape[1:3], f"matplotlib draws {drawn.size}"
    return rows


class Bench:
    """Both sets of workers, and what was counted."""

    def __init__(self, samples: dict[int, Sample], seconds: float, repeats: int) -> None:
        self.seconds, self.repeats, self.pictures = seconds, repeats, 0
        self.cores = available_cores()
        self.workers = {prepared: Workers(samples, prepared=prepared) for prepared in (False, True)}

    def run(self, title: str, contenders: Sequence[Contender], length: int, share: float = 1) -> dict[str, Tally]:
        """Everybody in turn, again and again; ``share`` of the seconds each."""
        print(f"{title}, {length} nt, {len(contenders)} contenders", file=sys.stderr)
        tallies = {contender.name: Tally([]) for contender in contenders}
        for turn in range(self.repeats):
            for contender in contenders:
                if turn < (contender.turns or self.repeats):
                    workers = self.workers[contender.prepared]
                    workers.measure(contender, length, share * self.seconds, tallies[contender.name])
        self.pictures += sum(tally.pictures for tally in tallies.values())
        return tallies

    def close(self) -> None:
        """End the processes."""
        for workers in self.workers.values():
            workers.close()


def table(head: str, rows: Iterable[str]) -> list[str]:
    """A Markdown table, numbers to the right."""
    rows = list(rows)
    cells = [cell.strip() for cell in rows[0].split("|")[1:-1]]
    return [head, "|" + "|".join("---:" if cell[:1].isdigit() else "---" for cell in cells) + "|", *rows, ""]


def figures(tally: Tally) -> str:
    """Pictures per second (median, range of the repetitions) and processor time."""
    return f"{tally.rate:,.1f} | {min(tally.rates):,.1f} to {max(tally.rates):,.1f} | {tally.cpu_ms:.2f}"


def timed(bench: Bench, sizes: dict[int, dict[str, float]]) -> tuple[list[str], list[str]]:
    """Everything that is timed: rows of the targets, lines of the other tables."""
    targets, lines = [], []

    def target(text: str, length: int, own: Tally, others: Iterable[Tally], least: float) -> None:
        others = list(others)
        ratio = own.rate / max(tally.rate for tally in others)
        cpu = min(tally.cpu_ms for tally in others) / own.cpu_ms
        verdict = "met" if ratio >= least else "not met"
        targets.append(f"| {text} | {length} | {least:g} | {ratio:.2f} | {verdict} | {cpu:.2f} |")

    for length in LENGTHS:
        found = bench.run("pictures", PICTURES, length)
        own, drawn = found[ours.PIXELS], [found[competitors.MATPLOTLIB]]
        best = own.rate
        target("as fast as matplotlib at 224 px, PNG in memory on both sides", length, found[ours.PNG], drawn, 20)
        target("as fast as matplotlib at 224 px, which writes PNG, specgen none", length, own, drawn, 20)
        for word, text, least in (
            ("librosa", "librosa, its fastest row", 8),
            ("SciPy", "SciPy, its fastest row", 4),
            ("floor", "the floor, its faster row", 0.6),
        ):
            rows = (tally for name, tally in found.items() if name.startswith(word))
            target(f"as fast as {text}", length, own, rows, least)
        lines += [f"## Pictures, {length} nt", ""]
        lines += table(
            "| contender | pictures/s | range | CPU ms/picture | specgen is times as fast | what |",
            (
                f"| {entry.name} | {figures(found[entry.name])} | {best / found[entry.name].rate:.2f} | {entry.note} |"
                for entry in PICTURES
            ),
        )
    for length in LENGTHS:
        found = bench.run("files", FILES, length, 0.5)
        best = found[ours.FOLDER].rate
        text = "as fast as SciPy and Pillow's defaults, PNG files on both sides"
        target(text, length, found[ours.FOLDER], [found[competitors.SCIPY_FILES]], 4)
        lines += [f"## To files, {length} nt", ""]
        lines += table(
            "| contender | pictures/s | range | CPU ms/picture | specgen's png files are times as fast | kB/picture |",
            (
                f"| {name} | {figures(tally)} | {best / tally.rate:.2f} | {tally.size / tally.pictures / 1e3:.1f} |"
                for name, tally in found.items()
            ),
        )
    return targets, lines + png_tables(bench, sizes) + ways_table(bench)


def png_tables(bench: Bench, sizes: dict[int, dict[str, float]]) -> list[str]:
    """The writers of PNG."""
    lines = []
    for length in LENGTHS:
        found = bench.run("PNG", png_writers.CONTENDERS, length, 0.2)
        best, size = found[png_writers.OURS].rate, sizes[length]
        rows = (
            f"| {name} | {1e3 * bench.cores / tally.rate:.2f} | {tally.cpu_ms:.2f} | {size[name] / 1e3:.1f} "
            f"| {best / tally.rate:.2f} | {size[name] / size[png_writers.OURS]:.2f} |"
            for name, tally in found.items()
        )
        head = "| writer | ms/picture on one core | CPU ms | kB/picture | specgen is times as fast | times its size |"
        lines += [f"## PNG files in memory, pictures of {length} nt", "", *table(head, rows)]
    return lines


def ways_table(bench: Bench) -> list[str]:
    """The ways to compute the transform, for settings of which each may be the fastest."""
    rows = []
    for (settings, hop), ways in ours.SETTINGS.items():
        title = f"{settings.taper} {settings.window}, n_fft {settings.n_fft}, hop {hop}"
        entries = [
            Contender(f"{title}: {way}", partial(ours.transform, settings, way, hop), prepared=True) for way in ways
        ]
        found = bench.run(title, entries, max(LENGTHS), 0.1)
        rate = {way: found[f"{title}: {way}"].rate for way in ways}
        (second, _), (best, way) = sorted((value, way) for way, value in rate.items())[-2:]
        cells = [f"{rate[name]:,.0f}" if name in rate else "" for name in ours.WAYS]
        rows.append(f"| {title} | {' | '.join(cells)} | {way} | {best / second:.2f} |")
    return [
        "## Ways to transform, pictures/s",
        "",
        "Power alone, three channels, 224 frames at equal distances, eight pictures at once; for information.",
        "",
        *table(f"| settings | {' | '.join(ours.WAYS)} | fastest | times as fast as the second |", rows),
    ]


def machine() -> str:
    """Processor, cores and versions."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    packages = ("numpy", "scipy", "torch", "torchvision", "librosa", "matplotlib", "pillow", "numba", "isal", "h5py")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"


def page(args: argparse.Namespace) -> str:
    """Check, time, and tell."""
    begun, load = time.perf_counter(), os.getloadavg()[0]
    cores = available_cores()
    samples = read_samples(f"$SPECGEN_DATA/{FILE}", cores)
    pixels = check_pixels(samples)
    ours.check_ways(samples[max(LENGTHS)])
    sizes = {length: png_writers.check(Imager().paint(sample.codes[:32])) for length, sample in samples.items()}
    bench = Bench(samples, args.seconds, args.repeats)
    try:
        targets, lines = timed(bench, sizes)
    finally:
        bench.close()
    minutes = (time.perf_counter() - begun) / 60
    return "\n".join(
        [
            "# Throughput of rendering",
            "",
            f"- Command: `python -m benchmarks.rendering --seconds {args.seconds:g} --repeats {args.repeats}`",
            f"- Machine: {machine()}; load average at the start {load:.2f}",
            f"- Budget: {cores} processes of one thread each; {args.seconds:g} s x {args.repeats} repetitions for a row "
            "of pictures, half of the seconds for files, a fifth for PNG, a tenth for ways to transform, one repetition "
            f"at 300 dpi; {bench.pictures:,} pictures timed, {minutes:.1f} minutes in all",
            f"- Sequences: the middle 600 and 2,400 nt of records of `{FILE}`, {PER_WORKER} for each process, without "
            "ambiguity letters",
            "- Settings: the default picture (delta_z, rectangular window 351, n_fft 447, 224 frames, log1p scale)",
            "- Rates: of all processes together, medians of the repetitions; ratios and verdicts are of medians. CPU "
            "time is the processes' own, which hardly minds what else the machine has to do",
            "",
            "## Targets",
            "",
            *table("| specgen is times | nt | target | measured | verdict | by CPU time |", targets),
            *lines,
            "## Differences of pixels",
            "",
            "Of 16 pictures each, in levels of 255; more than one level ends the run.",
            "",
            *table("| contender | nt | largest | pixels apart | compared with |", pixels),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or 2 where the data is absent or the page cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rendering", description="Throughput of rendering.")
    parser.add_argument("--seconds", type=float, default=5, help="for each row and repetition")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="half a second, once: does it run?")
    parser.add_argument("--out", type=Path, help="Markdown file, written at the end")
    args = parser.parse_args(arguments)
    if args.quick:
        args.seconds, args.repeats = 0.5, 1
    if not args.seconds > 0 or args.repeats < 1:
        parser.error("expected --seconds above 0 and --repeats of at least 1")
    try:
        text = page(args)
        print(text)
        if args.out:
            write_atomic(args.out, text)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
