"""What an earlier scan left under the same name: beside another scan's files its own would pass for theirs."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from specgen.errors import InputError
from specgen.files import read_json

__all__ = ["remove_former"]

_END = re.compile(r"(?:\.\d+_[^/\\\0]+)?(?:\.plus|\.minus)?\.(?:bedGraph|bw|bed|png)")
"""What stands behind --out in the name of a file of a scan. A JSON file may name anything: nothing else is removed."""


def remove_former(out: str, files: Collection[str]) -> None:
    """Remove what ``<out>.json`` says that the scan before this one made, but for ``files``, names without their folder.

    Raises
    ------
    InputError
        A file that cannot be removed.
    """
    folder, first = Path(out).parent, Path(out).name
    told: object = None
    with suppress(InputError):  # there is none, or it is another program's
        told = read_json(Path(f"{out}.json"), "").get("files")
    for name in told if isinstance(told, list) else []:
        if not isinstance(name, str) or name in files or not name.startswith(first):
            continue
        if _END.fullmatch(name, len(first)):
            try:
                (folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise InputError(
                    f"{folder / name}: is of the scan before and cannot be removed ({error.strerror or error})"
                ) from None
