"""The matrices of vertebrates from a TRANSFAC file of JASPAR, whose comments name each one's group.

python reports/tfbs/vertebrates.py jaspar2024_core.transfac.gz OUT.transfac.gz
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

from specgen.files import write_atomic

GROUP = "CC tax_group:vertebrates\n"


def main(source: Path, out: Path) -> None:
    """Copy the entries of the group."""
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        entries = lines.read().split("//\n")
    kept = "".join(f"{entry}//\n" for entry in entries if GROUP in entry)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, gzip.compress(kept.encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
