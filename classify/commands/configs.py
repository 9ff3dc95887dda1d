"""``python -m classify configs``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classify.shipped import shipped_folder
from specgen.errors import InputError, nearest
from specgen.files import write_atomic
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Name the settings files that come with the package, or write them to a folder."""
    parser = CommandParser(
        prog="python -m classify configs",
        description="Settings files that come with the package. With --out they are written to a folder, where they can be read "
        "and changed; written to `configs`, all commands of the documentation find them.",
    )
    parser.add_argument("which", nargs="*", type=str, help="only these: coding, coding/demo.yaml; default: all")
    parser.add_argument("--out", type=str, default="", help="folder to write them to; default: only name them")
    parsed = parser.parse_args(list(arguments))
    top = shipped_folder("configs")
    found = _chosen(top, parsed.which or [])
    if not parsed.out:
        width = max(map(len, found))
        for name in found:
            first = (top / name).read_text(encoding="utf-8").partition("\n")[0]
            print(f"{name:{width}}  {first.lstrip('# ') if first.startswith('#') else ''}".rstrip())
        return
    out = Path(parsed.out)
    texts = {name: (top / name).read_text(encoding="utf-8") for name in found}
    for name, text in texts.items():  # before the first is written
        if (out / name).exists() and (out / name).read_bytes() != text.encode():
            raise InputError(
                f"{out / name}: is there already and says something else; move it away or choose another --out"
            )
    for name, text in texts.items():
        write_atomic(out / name, text)
    print(f"{out}: {len(texts)} settings files")


def _chosen(top: Path, which: Sequence[str]) -> list[str]:
    """Names of files, relative to ``top``, that are named or lie in a folder that is named."""
    names = sorted(file.relative_to(top).as_posix() for file in top.rglob("*.yaml"))
    for one in which:
        if not any(_within(name, one) for name in names):
            near = nearest(one, [*names, *{name.rpartition("/")[0] for name in names}])
            hint = f"did you mean {near}?" if near else "`python -m classify configs` names them"
            raise InputError(f"no shipped settings file or folder {one!r}; {hint}")
    return [name for name in names if not which or any(_within(name, one) for one in which)]


def _within(name: str, one: str) -> bool:
    one = one.removeprefix("configs/").rstrip("/")
    return name == one or name == f"{one}.yaml" or name.startswith(f"{one}/")
