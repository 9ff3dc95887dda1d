"""``python -m specgen show``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from specgen.errors import InputError
from specgen.parser import CommandParser
from specgen.sequences import Codes, encode
from specgen.settings import ImageSettings

if TYPE_CHECKING:
    from specgen.plot import Drawn


def run(arguments: Sequence[str]) -> None:
    """Draw one record into a file, or by everything there is into a folder."""
    parser = CommandParser(
        prog="python -m specgen show",
        description="Draw one record: its signal, its spectrogram with axes in bp and cycles/base, its picture.",
    )
    parser.add_argument("--config", action="config", help="YAML file with any of the settings below")
    parser.add_argument("record", type=str, help="FILE (its first record), FILE:NAME, or letters")
    parser.add_argument("--start", type=int, default=-1, help="first letter of the window, 0-based; default: centred")
    parser.add_argument("--length", type=int, default=600, help="nt of the window; 0 = the whole record")
    parser.add_argument("--out", type=str, default="show.png", help="PNG, PDF or SVG file to write; folder with --all")
    parser.add_argument("--all", action="store_true", help="by every representation and palette, with a page, index.md")
    parser.add_argument("--image", type=ImageSettings, default=ImageSettings())
    parsed = parser.instantiate(parser.parse_args(list(arguments)))
    from specgen.files import replacing
    from specgen.plot import gallery_figures, show_figure

    out = Path(parsed.out)
    if not parsed.all and out.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InputError(f"--out: expected a .png, .pdf or .svg file, got {parsed.out!r}")
    name, codes = find_record(parsed.record)
    length = min(parsed.length or len(codes), len(codes))
    start = (len(codes) - length) // 2 if parsed.start < 0 else parsed.start
    if start + length > len(codes):
        raise InputError(f"{name}: has {len(codes)} nt, expected at least start + length = {start + length}")
    if length < parsed.image.spectrogram.window:
        raise InputError(
            f"{name}: {length} nt are fewer than the spectrogram window of {parsed.image.spectrogram.window} nt "
            "(set --image.spectrogram.window)"
        )
    title = f"{name}, {start + 1:,} to {start + length:,} of {len(codes):,} nt"
    if parsed.all:
        drawn = list(gallery_figures(codes[start : start + length], parsed.image))
        page = write_gallery(out, title, drawn)
        print(f"{page}: {len(drawn)} drawings of {name}, letters {start + 1} to {start + length}")
        return
    figure = show_figure(codes[start : start + length], parsed.image, title=title, start=start)
    with replacing(out) as temporary:
        figure.savefig(temporary, dpi=150, format=out.suffix[1:].lower())
    print(f"{out}: {name}, letters {start + 1} to {start + length}")


def write_gallery(folder: Path, title: str, drawn: Sequence[Drawn]) -> Path:
    """A PNG file for each drawing, and ``index.md`` that shows them, written last."""
    from specgen.files import replacing, write_atomic

    lines = ["# Gallery", f"Every representation and palette there is, of the same letters: {title}."]
    kind = ""
    for entry in drawn:
        file = f"{entry.kind}_{entry.name}.png"
        with replacing(folder / file) as temporary:
            entry.figure.savefig(temporary, dpi=80, format="png")
        if entry.kind != kind:
            kind = entry.kind
            lines.append(f"## {kind.capitalize()}s")
        lines += [f"### {entry.name}", entry.note, f"![{entry.kind} {entry.name}]({file})"]
    return write_atomic(folder / "index.md", "\n\n".join(lines) + "\n")


def find_record(spec: str) -> tuple[str, Codes]:
    """Name and codes of FILE, FILE:NAME or literal letters.

    Raises
    ------
    InputError
        No such file, or no such record in it.
    """
    from specgen.records import read_records

    file, _, wanted = spec.partition(":") if not _exists(spec) else (spec, "", "")
    if _exists(file):
        for record in read_records(file):
            if not wanted or record.name == wanted:
                return record.name, record.codes
        raise InputError(f"{file}: no record is named {wanted!r}")
    if spec.isalpha() and len(spec) >= 20:
        return f"{spec[:12]}...", encode(spec)
    raise InputError(f"{file}: no such file")


def _exists(path: str) -> bool:
    """Whether something is there; letters can be too long for the name of a file."""
    try:
        return Path(path).exists()
    except OSError:
        return False
