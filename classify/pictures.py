"""Picture folders as data: class sub-folders of PNG or JPEG files, made by ``specgen render`` or by anybody else.

Every file is checked before training starts. Genes and chromosomes come from the folder's ``manifest.csv`` where there
is one, or from a table; without either each picture is its own group, and the report says so.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from classify.examples import Examples
from classify.headers import Origin, group_loci, normalise_chromosome, parse_header, read_table
from classify.splits import SPLITS, SplitSettings, assign_splits
from specgen.errors import InputError

__all__ = ["SIDE", "read_picture", "scan_folder"]

SIDE = 224
"""Pixels; pictures of another size are resampled to SIDE x SIDE (antialiased, bilinear)."""

SUFFIXES = (".png", ".jpg", ".jpeg")


def scan_folder(folder: Path, classes: tuple[str, ...], table: Path | None, split: SplitSettings) -> Examples:
    """Examples of ``folder``/<class>/*.png, or of ``folder``/{train,val,test}/<class>/*.png with the split given.

    Raises
    ------
    InputError
        A missing folder, class folders other than ``classes``, or a picture that is damaged or not 8-bit RGB.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of pictures")
    given = [name for name in SPLITS if (folder / name).is_dir()]
    if given and given != list(SPLITS):
        raise InputError(f"{folder}: has {', '.join(given)} but not all of {', '.join(SPLITS)}")
    files: list[Path] = []
    labels: list[int] = []
    parts: list[str] = []
    for part in given or [""]:
        base = folder / part
        found = sorted(path.name for path in base.iterdir() if path.is_dir() and not path.name.startswith("."))
        if set(found) != set(classes):
            raise InputError(
                f"{base}: holds the class folders {', '.join(found) or 'none'}; expected {', '.join(classes)} "
                "(set data.classes to your names, negative class first)"
            )
        for label, name in enumerate(classes):
            inside = sorted(path for path in (base / name).rglob("*") if path.suffix.lower() in SUFFIXES)
            files += inside
            labels += [label] * len(inside)
            parts += [part] * len(inside)
    if not files:
        raise InputError(f"{folder}: holds no .png or .jpg pictures")
    for path in files:
        _check(path)
    origins = _origins(folder, table)
    names = [path.relative_to(folder).as_posix() for path in files]
    known = [origins.get(name, Origin()) for name in names]
    groups = [origin.gene or f"picture:{name}" for origin, name in zip(known, names, strict=True)]
    counts: dict[str, Any] = {
        "pictures_read": {name: labels.count(i) for i, name in enumerate(classes)},
        "pictures_without_gene": sum(not origin.gene for origin in known),
    }
    chromosomes = [origin.chromosome for origin in known]
    assigned = np.array(parts) if given else assign_splits(groups, chromosomes, names, split)
    examples = Examples(
        classes=classes,
        ids=names,
        labels=np.array(labels, dtype=np.int64),
        groups=groups,
        chromosomes=chromosomes,
        lengths=np.zeros(len(files), dtype=np.int64),
        split=assigned,
        pictures=files,
        counts=counts,
    )
    return examples.take(assigned != "", chromosome_unknown_dropped=int((assigned == "").sum()))


def read_picture(path: Path) -> NDArray[np.uint8]:
    """One 8-bit RGB picture as uint8 (3, SIDE, SIDE).

    Raises
    ------
    InputError
        A damaged file or another mode.
    """
    try:
        with Image.open(path) as picture:
            _check_mode(path, picture)
            fits = picture.size == (SIDE, SIDE)
            resized = picture if fits else picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            array: NDArray[np.uint8] = np.asarray(resized, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: damaged picture ({' '.join(str(error).split())})") from None
    return array.transpose(2, 0, 1)


def _check(path: Path) -> None:
    try:
        with Image.open(path) as picture:
            _check_mode(path, picture)
            picture.load()
    except UnidentifiedImageError:
        raise InputError(f"{path}: is no picture that Pillow can read; expected 8-bit RGB PNG or JPEG") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: damaged picture ({' '.join(str(error).split())})") from None


def _check_mode(path: Path, picture: Image.Image) -> None:
    if picture.mode != "RGB":
        kinds = {
            "L": "grey",
            "LA": "grey with alpha",
            "RGBA": "RGBA (with alpha)",
            "P": "palette",
            "1": "black and white",
        }
        kind = kinds.get(picture.mode, "16-bit" if picture.mode.startswith("I") else picture.mode)
        raise InputError(f"{path}: is a {kind} picture; expected 8-bit RGB")


def _origins(folder: Path, table: Path | None) -> dict[str, Origin]:
    """Gene and chromosome by file name relative to ``folder``: from the table, else from manifest.csv."""
    if table:
        return read_table(table)
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        return {}
    try:
        with manifest.open(newline="", encoding="utf-8") as handle:
            rows = csv.DictReader(handle)
            if "file" not in (rows.fieldnames or []):
                return {}
            listed = list(rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{manifest}: cannot be read ({error})") from None
    origins = [parse_header(row.get("header") or "") for row in listed]
    # A record may have given several pictures (tiles): they share a group even where no gene is named.
    groups = [
        row.get("gene") or locus or f"record:{row.get('source', '')}:{row.get('record', '')}"
        for row, locus in zip(listed, group_loci(origins), strict=True)
    ]
    return {
        row["file"]: Origin(group, normalise_chromosome(row.get("chromosome") or "") or origin.chromosome)
        for row, group, origin in zip(listed, groups, origins, strict=True)
    }
