"""``python -m specgen show``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specgen.errors import InputError
from specgen.parser import CommandParser
from specgen.sequences import Codes, encode
from specgen.settings import ImageSettings


def run(arguments: Sequence[str]) -> None:
    """Draw one record into a PNG file."""
    parser = CommandParser(
        prog="python -m specgen show",
        description="Draw one record: its signal, its spectrogram with axes in bp and cycles/base, its picture.",
    )
    parser.add_argument("--config", action="config", help="YAML file with any of the settings below")
    parser.add_argument("record", type=str, help="FILE (its first record), FILE:NAME, or letters")
    parser.add_argument("--start", type=int, default=-1, help="first letter of the window, 0-based; default: centred")
    parser.add_argument("--length", type=int, default=600, help="nt of the window; 0 = the whole record")
    parser.add_argument("--out", type=str, default="show.png", help="PNG, PDF or SVG file to write")
    parser.add_argument("--image", type=ImageSettings, default=ImageSettings())
    parsed = parser.instantiate(parser.parse_args(list(arguments)))
    from specgen.files import replacing
    from specgen.plot import show_figure

    out = Path(parsed.out)
    if out.suffix.lower() not in (".png", ".pdf", ".svg"):
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
    figure = show_figure(
        codes[start : start + length],
        parsed.image,
        title=f"{name}, {start + 1:,} to {start + length:,} of {len(codes):,} nt",
        start=start,
    )
    with replacing(out) as temporary:
        figure.savefig(temporary, dpi=150, format=out.suffix[1:].lower())
    print(f"{out}: {name}, letters {start + 1} to {start + length}")


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
