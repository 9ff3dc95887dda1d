"""Rendering jobs: files of records to class folders of PNGs, stoppable at any moment and resumable.

A picture is written under a temporary name and renamed, so one that exists is whole; ``job.json`` pins the settings
and inputs, so one that exists is right. A restart therefore only skips. The manifest is written last: a folder
without it is an unfinished job. A job that fails before its first picture leaves nothing behind. Memory holds one
batch, whatever the size of the input.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from specgen.errors import InputError
from specgen.files import replacing, write_atomic
from specgen.image import Imager, to_uint8, write_png
from specgen.records import Record, read_records
from specgen.sequences import crop_start, gather_windows, tile_starts
from specgen.settings import PICTURE_VERSION, ImageSettings, WindowSettings, settings_hash

__all__ = ["MANIFEST", "RenderResult", "class_names", "render", "safe_name"]

MANIFEST = ("file", "source", "record", "class", "header", "start", "length", "settings")
"""Columns of manifest.csv; ``start`` is 0-based in the untrimmed record, ``length`` in nt, ``file`` relative to the
folder."""


@dataclass(frozen=True)
class RenderResult:
    """What a job did: pictures written now, found from before, and records too short for a window."""

    written: int
    skipped: int
    too_short: int


@dataclass(frozen=True)
class _Picture:
    """One picture to be: its row in the manifest, and its letters."""

    row: tuple[Any, ...]
    codes: Any


def safe_name(text: str, most: int = 60) -> str:
    """A file-name part from any text: ASCII letters, digits, '.', '_', '-', at most ``most``, never starting with '.'.

    What had to be changed is told apart by a hash of the original.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", text).lstrip(".-")[:most]
    if plain == text and plain:
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'record'}-{digest}"


def class_names(inputs: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Class of each input file: the given labels, else the file's name without its endings.

    Raises
    ------
    InputError
        Another number of labels than files, or a label that cannot be a folder name.
    """
    if labels and len(labels) != len(inputs):
        raise InputError(f"--label: expected one for each of the {len(inputs)} files, got {len(labels)}")
    names = list(labels)
    if not names:
        names = [re.sub(r"(\.(fa|fasta|fna|fq|fastq|txt))?(\.b?gz)?$", "", Path(file).name) for file in inputs]
    for name in names:
        if safe_name(name) != name:
            raise InputError(f"--label: {name!r} cannot be a folder name; use letters, digits, '.', '_' and '-'")
    return names


def render(
    inputs: Sequence[str],
    labels: Sequence[str],
    out: Path,
    image: ImageSettings,
    windows: WindowSettings,
    *,
    batch_size: int = 64,
    progress: bool = True,
) -> RenderResult:
    """Render every window of every record that is not there yet.

    Parameters
    ----------
    inputs
        FASTA or FASTQ files; "-" is standard input.
    labels
        Class of each file, see ``class_names``.
    out
        Folder of the job: ``<class>/*.png``, ``manifest.csv``, ``job.json``.
    batch_size
        Pictures computed at once, 1 or more.

    Raises
    ------
    InputError
        Bad input, no window at all, or a folder that holds a job of other settings or inputs, or one that cannot be
        compared since an input is standard input.
    """
    if batch_size < 1:
        raise InputError(f"batch_size: expected at least 1, got {batch_size}")
    names = class_names(inputs, labels)
    imager = Imager(image)
    windows.check(image.spectrogram)
    job = _unpinned(out, inputs, names, image, windows)
    digest = settings_hash(image, windows=dataclasses.asdict(windows))
    metadata = {"specgen": json.dumps({"image": dataclasses.asdict(image), "windows": dataclasses.asdict(windows)})}
    short = [0]
    written = skipped = 0
    bar = tqdm(unit=" pictures", disable=not progress, desc=str(out))
    manifest: Any = None
    with bar, _nothing_left(out, names, job), ExitStack() as stack:
        for batch in _batches(_pictures(inputs, names, windows, digest, short), batch_size):
            missing = [picture for picture in batch if not (out / picture.row[0]).exists()]
            painted = _paint(imager, missing)
            # Nothing is written before the first batch has proved that there is something to write.
            if manifest is None:
                manifest = stack.enter_context(_manifest(out, job))
            manifest.writerows(picture.row for picture in batch)
            _write(out, missing, painted, metadata)
            written, skipped = written + len(missing), skipped + len(batch) - len(missing)
            bar.update(len(batch))
        if manifest is None:
            need = f"{windows.least} nt needed (window {windows.length} + 2 x trim {windows.trim})"
            raise InputError(f"{', '.join(inputs)}: none of {short[0]} records has the {need}")
    return RenderResult(written, skipped, short[0])


@contextmanager
def _nothing_left(out: Path, names: Sequence[str], job: str) -> Iterator[None]:
    """When a new job (one with a ``job`` to pin) fails before its first picture, remove what it made."""
    absent = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        if job and not any(out.glob("*/*.png")):
            with suppress(OSError):
                (out / "job.json").unlink(missing_ok=True)
            for folder in [*(out / name for name in names), *absent]:
                with suppress(OSError):  # not there, or no longer ours alone
                    folder.rmdir()
        raise


@contextmanager
def _manifest(out: Path, job: str) -> Iterator[Any]:
    """Pin a new job, then open its manifest: a CSV writer whose file appears when the block ends well."""
    if job:
        write_atomic(out / "job.json", job)
    with replacing(out / "manifest.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(MANIFEST)
        yield writer


def _unpinned(
    out: Path, inputs: Sequence[str], names: Sequence[str], image: ImageSettings, windows: WindowSettings
) -> str:
    """Text of the job.json to write; empty when one is there, which must be the same."""
    path = out / "job.json"
    if path.exists() and "-" in inputs:
        raise InputError(f"{out}: holds a job, and standard input cannot be compared with its; choose another --out")
    now: dict[str, Any] = {
        "version": PICTURE_VERSION,
        "image": dataclasses.asdict(image),
        "windows": dataclasses.asdict(windows),
        "inputs": [{"file": file, "class": name, **_stat(file)} for file, name in zip(inputs, names, strict=True)],
    }
    if not path.exists():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(f"{out}: exists and is not a folder of this program; choose an empty or new folder")
        return json.dumps(now, indent=2) + "\n"
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    if not isinstance(before, dict):
        raise InputError(f"{path}: cannot be read (expected a mapping, got {type(before).__name__})")
    for key in now:
        if before.get(key) != now[key]:
            old, new = _difference(before.get(key), now[key], key)
            raise InputError(f"{out}: holds a job of other settings: {old}, now {new}; choose another --out")
    return ""


def _difference(old: Any, new: Any, key: str) -> tuple[str, str]:
    """The first place where two nested values differ, as text."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in new:
            if old.get(name) != new[name]:
                return _difference(old.get(name), new[name], f"{key}.{name}")
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            if a != b:
                return _difference(a, b, f"{key}[{i}]")
    return f"{key} was {json.dumps(old)}", json.dumps(new)


def _stat(file: str) -> dict[str, Any]:
    """Size and SHA-256 of an input; nothing for standard input."""
    if file == "-":
        return {}
    digest = hashlib.sha256()
    try:
        with open(file, "rb") as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    return {"bytes": Path(file).stat().st_size, "sha256": digest.hexdigest()}


def _pictures(
    inputs: Sequence[str], names: Sequence[str], windows: WindowSettings, digest: str, short: list[int]
) -> Iterator[_Picture]:
    """Every picture of the job in order; ``short`` counts records without one."""
    order: dict[str, int] = {}
    for file, name in zip(inputs, names, strict=True):
        for record in read_records(file):
            number = order[name] = order.get(name, 0) + 1
            if len(record.codes) < windows.least:
                short[0] += 1
                continue
            starts = _starts(record, number, windows)
            letters = gather_windows(record.codes, starts, windows.length)
            for start, codes in zip(starts.tolist(), letters, strict=True):
                path = f"{name}/{number:07d}_{safe_name(record.name)}_{start}.png"
                source = Path(file).name
                row = (path, source, record.name, name, record.header, start, windows.length, digest)
                yield _Picture(row, codes)


def _starts(record: Record, number: int, windows: WindowSettings) -> Any:
    """0-based starts in the untrimmed record."""
    total = len(record.codes) - 2 * windows.trim
    if windows.place == "tiles":
        return windows.trim + tile_starts(total, windows.length, stride=windows.stride or None, most=windows.most)
    rng = np.random.default_rng([windows.seed, number]) if windows.place == "random" else None
    return np.array([windows.trim + crop_start(total, windows.length, rng)])


def _batches(pictures: Iterable[_Picture], size: int) -> Iterator[list[_Picture]]:
    batch: list[_Picture] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _paint(imager: Imager, pictures: Sequence[_Picture]) -> Any:
    """uint8 (pictures, bins, columns, 3)."""
    if not pictures:
        return []
    with torch.inference_mode():
        return to_uint8(imager(torch.from_numpy(np.stack([picture.codes for picture in pictures]))))


def _write(out: Path, pictures: Sequence[_Picture], painted: Any, metadata: dict[str, str]) -> None:
    for picture, pixels in zip(pictures, painted, strict=True):
        described = dict(zip(MANIFEST, map(str, picture.row), strict=True))
        write_png(out / str(picture.row[0]), pixels, {**metadata, **described})
