"""``python -m classify app``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from classify.interpretation.settings import AttributionSettings
from classify.runs import check_inputs
from classify.tiling import TilingSettings, add_tiling
from specgen.errors import InputError, MissingLibrary
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Serve the page of one run until it is stopped."""
    parser = CommandParser(
        prog="python -m classify app",
        description="A page on this machine: paste letters or drop a file, and see the signal, the spectrogram, the verdict and "
        "the letters that decided. Nothing leaves the machine. Needs the extra app.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained model")
    parser.add_argument("--port", type=int, default=8765, help="1 to 65535")
    parser.add_argument(
        "--host", type=str, default="127.0.0.1", help="IPv4 address or name to listen on; 0.0.0.0 lets all others in"
    )
    add_tiling(parser)
    parser.add_argument("--attribution", type=AttributionSettings, default=AttributionSettings())
    parsed = parser.parse_args(list(arguments))
    if not 1 <= parsed.port <= 65535:
        raise InputError(f"--port: expected a number from 1 to 65535, got {parsed.port}")
    tiling, parts = TilingSettings(parsed.pool, parsed.stride, parsed.short), parser.instantiate(parsed)
    for library in ("flask", "waitress"):
        try:
            importlib.import_module(library)
        except ImportError:
            raise MissingLibrary(library, "app") from None
    check_inputs(parsed.run)
    from classify.app.answers import Desk
    from classify.app.server import is_local, serve
    from classify.distributed import check_alone

    check_alone("app")
    desk = Desk(Path(parsed.run), tiling, parts.attribution)
    if desk.unexplained:
        print(f"classify: verdicts of this run are not explained: {desk.unexplained}", file=sys.stderr)
    if not is_local(parsed.host):
        print(
            f"classify: {parsed.host}: other machines may reach this page, which asks for no password", file=sys.stderr
        )
    serve(desk, parsed.host, parsed.port)
