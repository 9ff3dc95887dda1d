"""Rendering jobs: records or intervals to shards of pictures, stoppable at any moment and resumable.

The input is cut into shards (``windows``), an engine's workers render them (``engines``, ``outputs``), and what is
done is written down (``ledger``). A shard is written under a temporary name and renamed, and recorded only after
that, so a job that is killed anywhere loses the shards in work and nothing else, and doubles nothing. The input is
read once before anything is written, so that its faults are met first. Memory holds the longest record, and a few
shards' letters and a batch of pictures for each worker, however many windows there are.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib.metadata
import json
import os
import platform
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

import specgen
from specgen.engines import ENGINES, EngineSettings
from specgen.errors import InputError
from specgen.extending import plugins
from specgen.image import CHUNK, Imager
from specgen.intervals import is_interval_file, read_regions
from specgen.ledger import Done, Ledger, check_pinned, checksum, fault, identity, is_stream
from specgen.outputs import OUTPUTS, Output
from specgen.records import read_records
from specgen.selection import RegionSettings, WindowSettings
from specgen.settings import PICTURE_VERSION, ImageSettings, settings_hash
from specgen.windows import ROW, Shard, Source, Tally, count_windows, cut_shards, safe_name

__all__ = ["MANIFEST", "RenderResult", "class_names", "render"]

MANIFEST = ("file", "index", *ROW, "settings")
"""Columns of manifest.csv; ``file`` is relative to the folder, ``index`` the picture's place in it (from 0)."""


@dataclass(frozen=True)
class RenderResult:
    """Pictures written now, found from before; records too short for a window, windows too ambiguous to keep."""

    written: int
    skipped: int
    too_short: int
    ambiguous: int


@dataclass(frozen=True)
class _Work:
    """What a worker has to know beside the shard."""

    out: Path
    image: ImageSettings
    output: str
    about: dict[str, str]
    batch_size: int
    device: str


def class_names(inputs: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Class of each input file: the given labels, else the file's name without its endings.

    Raises
    ------
    InputError
        Another number of labels than files, or a label that cannot be a folder name.
    """
    if labels and len(labels) != len(inputs):
        raise InputError(f"--label: expected one for each of the {len(inputs)} files, got {len(labels)}")
    endings = r"(\.(fa|fasta|fna|fq|fastq|txt|bed|narrowPeak|broadPeak|gtf|gff3?))?(\.b?gz)?$"
    names = list(labels) or ["stdin" if is_stream(file) else re.sub(endings, "", Path(file).name) for file in inputs]
    for name in names:
        if safe_name(name) != name or name in Ledger.FILES:
            raise InputError(
                f"--label: {name!r} cannot be a folder name; use at most 60 letters, digits, '.', '_' and '-', "
                "and none of the job's own file names"
            )
    return names


def render(
    inputs: Sequence[str],
    labels: Sequence[str],
    out: Path,
    image: ImageSettings,
    windows: WindowSettings,
    *,
    regions: RegionSettings | None = None,
    output: str = "png",
    shard: int = 1000,
    engine: EngineSettings | None = None,
    batch_size: int = 64,
    progress: bool = True,
) -> RenderResult:
    """Render every window of every record that is not there yet.

    Parameters
    ----------
    inputs
        FASTA or FASTQ files, "-" for standard input; with ``regions.genome`` files of intervals.
    labels
        Class of each file, see ``class_names``.
    out
        Folder of the job: ``<class>/<shard>``, ``manifest.csv``, ``shards.csv``, ``job.json``.
    output
        One of ``outputs.OUTPUTS``.
    shard
        Windows in a shard.
    batch_size
        Pictures that a worker holds at once.

    Raises
    ------
    InputError
        Bad input, no window at all, a place that cannot be written, or a folder that holds a job of other settings,
        inputs or code.
    """
    for name, value in (("batch_size", batch_size), ("shard", shard)):
        if value < 1:
            raise InputError(f"{name}: expected at least 1, got {value}")
    regions, engine = regions or RegionSettings(), engine or EngineSettings()
    names, form = class_names(inputs, labels), OUTPUTS[output]
    work = _Work(out.absolute(), image, output, _about(image, windows), batch_size, engine.device)
    _imager(image, _device(engine.device))
    windows.check(image.spectrogram)
    sources = _sources(inputs, names, regions)
    job = {
        "specgen": specgen.__version__,
        "pictures": PICTURE_VERSION,
        "output": output,
        "shard": shard,
        "device": engine.device.split(":")[0],
        "image": dataclasses.asdict(image),
        "windows": dataclasses.asdict(windows),
        "regions": {**dataclasses.asdict(regions), "genome": identity(regions.genome) if regions.genome else {}},
        "inputs": [
            {"file": title, "class": name, **identity(file)}
            for file, title, name in zip(inputs, _titles(inputs), names, strict=True)
        ],
        "made_with": _environment(),
    }
    check_pinned(out, job)
    total = None if any(map(is_stream, inputs)) else count_windows(sources, windows).windows
    tally, written = Tally(), 0
    shards = cut_shards(sources, windows, shard, tally)
    if (first := next(shards, None)) is None:
        raise InputError(f"{', '.join(inputs)}: {_nothing(tally, windows)}")
    if total is not None and total <= shard:
        engine = dataclasses.replace(engine, workers=1)  # not worth starting processes for
    ledger = Ledger(out)
    with ledger.opened(job), tqdm(total=total, unit=" pictures", disable=not progress, desc=str(out)) as bar:
        done = ledger.read()
        ledger.mend()
        manifest = ledger.temporary / "manifest.csv"
        with manifest.open("w", newline="", encoding="utf-8", errors="surrogateescape") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(MANIFEST)
            digest = settings_hash(image, windows=dataclasses.asdict(windows))
            tasks = _missing(chain([first], shards), form, ledger, done, writer, digest, bar)
            try:
                for result in ENGINES[engine.name](partial(_render_shard, work), tasks, engine):
                    ledger.add(result)
                    done[result.shard] = result
                    written += result.windows
                    bar.update(result.windows)
            except KeyboardInterrupt:
                kept = sum(entry.windows for entry in done.values())
                raise KeyboardInterrupt(f"{out}: stopped after {kept} pictures; the same command goes on") from None
        ledger.place(manifest.name, manifest)
        ledger.finish(done)
    return RenderResult(written, tally.windows - written, tally.too_short, tally.ambiguous)


def _nothing(tally: Tally, windows: WindowSettings) -> str:
    """Why there is no window at all."""
    if tally.ambiguous:
        return f"all {tally.ambiguous} windows have more than {windows.ambiguous:g} of letters other than A, C, G and T"
    need = f"{windows.least} nt needed (window {windows.length} + 2 x trim {windows.trim})"
    return f"none of {tally.too_short} records has the {need}"


def _missing(
    shards: Iterator[Shard],
    form: type[Output],
    ledger: Ledger,
    done: dict[int, Done],
    manifest: Any,
    digest: str,
    bar: Any,
) -> Iterator[Shard]:
    """The shards still to be rendered; the manifest is written along."""
    number = -1
    for shard in shards:
        number = shard.number
        manifest.writerows((*where, *row, digest) for where, row in zip(form.place(shard), shard.rows(), strict=True))
        entry = done.get(number)
        if entry is not None and entry.input != shard.digest():
            raise InputError(
                f"{ledger.out}: holds pictures of other letters than shard {number} of the input; choose another --out"
            )
        if entry is not None and not fault(ledger.out, entry, deep=False):
            bar.update(len(shard))
            continue
        yield shard
    if done and max(done) > number:
        raise InputError(
            f"{ledger.out}: holds {max(done) + 1} shards or more, and the input gives {number + 1}: it has been cut short; "
            "choose another --out"
        )


def _render_shard(work: _Work, shard: Shard) -> Done:
    """In a worker: pictures under a temporary name, their checksum, their final name."""
    form = OUTPUTS[work.output]
    imager = _imager(work.image, _device(work.device))
    ledger = Ledger(work.out)
    path = ledger.temporary / f"{shard.number:06d}-{socket.gethostname()}-{os.getpid()}{form.suffix}"
    # Whole chunks, so that how pictures are computed together, and with it their last bits, does not depend on the batch.
    size = -(-work.batch_size // CHUNK) * CHUNK
    batches = (imager.paint(shard.codes[low : low + size]) for low in range(0, len(shard), size))
    file = shard.path + form.suffix
    try:
        form.write(path, shard, batches, work.about)
        size, digest = checksum(path)
        ledger.place(file, path)
    except OSError as error:
        raise InputError(f"{work.out / file}: cannot be written ({error.strerror or error})") from None
    return Done(shard.number, file, len(shard), size, digest, shard.digest())


@lru_cache(maxsize=2)
def _imager(image: ImageSettings, device: str) -> Imager:
    return Imager(image).to(device).eval()


def _device(name: str) -> str:
    """``name``, once it is known to be there."""
    if name != "cpu" and int(name.partition(":")[2] or 0) >= torch.cuda.device_count():
        raise InputError(f"engine.device: {name} was asked for, and there are {torch.cuda.device_count()} CUDA GPUs")
    return name


def _sources(inputs: Sequence[str], names: Sequence[str], regions: RegionSettings) -> list[Source]:
    """How to read each input.

    Raises
    ------
    InputError
        Intervals without a genome.
    """
    if sum(map(is_stream, inputs)) > 1:
        raise InputError("render: expected one input at most that is standard input or a pipe")
    if regions.genome and is_stream(regions.genome):
        raise InputError(f"{regions.genome}: expected a file as genome, got a pipe")
    sources = []
    order = sorted(set(names))  # as torchvision's ImageFolder numbers classes
    for file, title, name in zip(inputs, _titles(inputs), names, strict=True):
        if is_interval_file(file) and not regions.genome:
            raise InputError(f"{file}: holds intervals; give the FASTA file they refer to as --regions.genome")
        # Records are numbered, so names may repeat, as those of read pairs do.
        read = partial(read_regions, file, regions) if regions.genome else partial(read_records, file, unique=False)
        sources.append(Source(title, name, order.index(name), read))
    return sources


def _titles(inputs: Sequence[str]) -> list[str]:
    """What to call each input in the manifest: its own name, or its path where two have one name; "-" for a pipe."""
    own = ["-" if is_stream(file) else Path(file).name for file in inputs]
    return [file if own.count(name) > 1 else name for file, name in zip(inputs, own, strict=True)]


def _about(image: ImageSettings, windows: WindowSettings) -> dict[str, str]:
    return {"specgen": json.dumps({"image": dataclasses.asdict(image), "windows": dataclasses.asdict(windows)})}


def _environment() -> dict[str, str]:
    """What else can move a pixel's last bit."""
    versions = {name: importlib.metadata.version(name) for name in ("torch", "numpy", "numba", "isal")}
    return {"machine": platform.machine(), **versions, **plugins()}
