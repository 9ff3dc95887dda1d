"""``python -m specgen``: one module a command, imported only when it is called, so that help answers at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from specgen.cli import run_command

__all__ = ["main"]

COMMANDS = {
    "render": "sequences or intervals of a genome to spectrogram pictures: a batch job, resumable",
    "show": "draw one record: its signal, its spectrogram with axes, its picture",
    "simulate": "made-up transcripts, or a genome with genes, to try commands on",
    "list": "name representations, palettes, tapers, scales",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    return run_command("specgen", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
