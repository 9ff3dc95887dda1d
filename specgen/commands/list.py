"""``python -m specgen list``."""

from __future__ import annotations

from collections.abc import Sequence

from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Print every registered name with its note, and the plug-ins."""
    CommandParser(prog="python -m specgen list", description="Name what can be chosen.").parse_args(list(arguments))
    from specgen.colour import PALETTES
    from specgen.extending import load_plugins
    from specgen.representations import REPRESENTATIONS
    from specgen.settings import DETRENDS, SCALES, TAPERS

    load_plugins()  # a broken one is told before anything else is
    print("representations (values of A, C, G, T from)")
    for name in REPRESENTATIONS:
        entry = REPRESENTATIONS[name]
        kind = "complex" if entry.is_complex else f"{len(entry.channels)} channels"
        print(f"  {name:18} {kind:10} {entry.source}")
    print("palettes (made for representation)")
    for name in PALETTES:
        palette = PALETTES[name]
        print(f"  {name:18} {palette.representation:14} {palette.note}")
    print("  colormap:<name>    voss           summed power through a matplotlib colormap, such as colormap:viridis")
    print(f"tapers\n  {', '.join(TAPERS)}\nscales\n  {', '.join(SCALES)}\ndetrends\n  {', '.join(DETRENDS)}")
    print_plugins()


def print_plugins() -> None:
    """Name what came from outside; nothing where there is none."""
    from specgen.extending import plugins

    if found := plugins():
        print("plug-ins (SHA-256 or version)")
    for name, told in found.items():
        print(f"  {name:32} {told}")
