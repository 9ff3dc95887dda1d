"""Picture folders as data: class sub-folders of PNG or JPEG files, or of tar, HDF5 or npy files that hold many
pictures each, made by ``specgen render`` or by anybody else.

Every file is checked before training starts. Genes and chromosomes come from the folder's ``manifest.csv`` where there
is one, or from a table; without either each picture is its own group, and the report says so.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from classify.digests import digest
from classify.examples import Examples
from classify.headers import Origin, group_loci, normalise_chromosome, parse_header, read_table
from classify.splits import SPLITS, SplitSettings, assign_splits
from specgen.errors import InputError
from specgen.outputs import OUTPUTS, open_pictures

__all__ = ["SIDE", "Picture", "read_picture", "scan_folder"]

SIDE = 224
"""Pixels; pictures of another size are resampled to SIDE x SIDE (antialiased, bilinear)."""

SUFFIXES = (".png", ".jpg", ".jpeg")


class Picture(NamedTuple):
    """Where a picture lies: a file of its own (``place`` -1), or a place in a file of many."""

    path: Path
    place: int = -1


def scan_folder(folder: Path, classes: tuple[str, ...], table: Path | None, split: SplitSettings) -> Examples:
    """Examples of ``folder``/<class>/*.png, or of ``folder``/{train,val,test}/<class>/*.png with the split given.

    Files of many pictures (``specgen.outputs``) may stand in the place of PNGs.

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
    files: list[Picture] = []
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
            inside = _pictures(base / name)
            files += inside
            labels += [label] * len(inside)
            parts += [part] * len(inside)
    if not files:
        raise InputError(f"{folder}: holds no .png or .jpg pictures, nor a file of many ({', '.join(_MANY)})")
    digests = [digest(read_picture(picture)) for picture in files]
    names = [_name(picture, folder) for picture in files]
    origins = _origins(folder, table, names)
    known = [origins.get(name, Origin()) for name in names]
    groups = [origin.gene or f"picture:{name}" for origin, name in zip(known, names, strict=True)]
    counts: dict[str, Any] = {
        "pictures_read": {name: labels.count(i) for i, name in enumerate(classes)},
        "pictures_without_gene": sum(not origin.gene for origin in known),
    }
    chromosomes = [origin.chromosome for origin in known]
    made = bool(given) and split.splits == SPLITS  # the folder's own split, unless everything is to be scored
    assigned = np.array(parts) if made else assign_splits(groups, chromosomes, names, split)
    examples = Examples(
        classes=classes,
        ids=names,
        labels=np.array(labels, dtype=np.int64),
        groups=groups,
        chromosomes=chromosomes,
        lengths=np.zeros(len(files), dtype=np.int64),
        split=assigned,
        pictures=list(files),
        digests=digests,
        counts=counts,
    )
    return examples.take(assigned != "", chromosome_unknown_dropped=int((assigned == "").sum()))


_MANY = tuple(OUTPUTS[name].suffix for name in OUTPUTS if OUTPUTS[name].suffix)


def _pictures(folder: Path) -> list[Picture]:
    """Every picture below a folder, in order of path and place."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            found.append(Picture(path))
        elif path.suffix in _MANY:
            found += [Picture(path, index) for index in range(len(open_pictures(path)))]
    return found


def _name(picture: Picture, folder: Path) -> str:
    """The picture's id: its file relative to the folder, and its place where there are many in it."""
    name = picture.path.relative_to(folder).as_posix()
    return name if picture.place < 0 else f"{name}#{picture.place}"


def read_picture(where: tuple[Path, int]) -> NDArray[np.uint8]:
    """One 8-bit RGB picture as uint8 (3, SIDE, SIDE).

    Raises
    ------
    InputError
        A damaged file, another mode, or 16 bits a channel.
    """
    path, place = where
    try:
        if place >= 0:
            array = np.asarray(open_pictures(path)[place])
            if array.shape[:2] != (SIDE, SIDE):
                array = _fitted(Image.fromarray(array))
        else:
            with Image.open(path) as picture:
                _check_mode(path, picture)
                array = _fitted(picture)
    except UnidentifiedImageError:
        raise InputError(f"{path}: is no picture that Pillow can read; expected 8-bit RGB PNG or JPEG") from None
    except (OSError, SyntaxError, ValueError, IndexError, MemoryError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: damaged picture ({' '.join(str(error).split())})") from None
    return array.transpose(2, 0, 1)


def _fitted(picture: Image.Image) -> NDArray[np.uint8]:
    fits = picture.size == (SIDE, SIDE)
    array: NDArray[np.uint8] = np.asarray(
        picture if fits else picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.uint8
    )
    return array


def _check_mode(path: Path, picture: Image.Image) -> None:
    kinds = {"L": "grey", "LA": "grey with alpha", "RGBA": "RGBA (with alpha)", "P": "palette", "1": "black and white"}
    kind = kinds.get(picture.mode, picture.mode)
    # Pillow opens 16-bit RGB as 8-bit without a word; only the decoder's raw mode ("RGB;16B") tells.
    if picture.mode.startswith("I") or any("16" in str(tile[3]) for tile in getattr(picture, "tile", [])):
        kind = "16-bit"
    if kind != "RGB":
        raise InputError(f"{path}: is a {kind} picture; expected 8-bit RGB")


def _origins(folder: Path, table: Path | None, names: Sequence[str]) -> dict[str, Origin]:
    """Gene and chromosome by file name relative to ``folder``.

    From the manifest, overridden by the table, whose ids are file names or names of records in the manifest.
    """
    listed = _manifest(folder / "manifest.csv")
    origins = [parse_header(row.get("header") or "") for row in listed]
    # A record may have given several pictures (tiles): they share a group even where no gene is named.
    groups = [
        row.get("gene") or locus or f"record:{row.get('source', '')}:{row.get('record', '')}"
        for row, locus in zip(listed, group_loci(origins), strict=True)
    ]
    found = {
        name: Origin(group, normalise_chromosome(row.get("chromosome") or "") or origin.chromosome)
        for name, row, group, origin in zip(map(_row_name, listed), listed, groups, origins, strict=True)
    }
    if table is None:
        return found
    given = read_table(table)
    records = {_row_name(row): row.get("record", "") for row in listed}
    known = [(name, given[key]) for name in names for key in (name, records.get(name, "")) if key in given]
    if not known:
        raise InputError(f"{table}: none of its {len(given)} ids is a picture of {folder} or a record of its manifest")
    for name, origin in reversed(known):  # the file's own line wins over its record's
        before = found.get(name, Origin())
        found[name] = Origin(origin.gene or before.gene, origin.chromosome or before.chromosome)
    return found


def _row_name(row: dict[str, str]) -> str:
    """``_name`` of a manifest's picture."""
    many = row["file"].endswith(_MANY)
    return f"{row['file']}#{row.get('index') or 0}" if many else row["file"]


def _manifest(path: Path) -> list[dict[str, str]]:
    """Rows of a manifest.csv that names files; none where there is no such file."""
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = csv.DictReader(handle)
            found = list(rows) if "file" in (rows.fieldnames or []) else []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    if missing := [number for number, row in enumerate(found, 1) if row["file"] is None]:
        raise InputError(f"{path}: row {missing[0]}: ends before its file is named")
    return found
