"""``python -m classify list``."""

from __future__ import annotations

from collections.abc import Sequence

from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Print every registered name with its note, and the plug-ins."""
    CommandParser(prog="python -m classify list", description="Name what can be chosen.").parse_args(list(arguments))
    from classify.baselines import BASELINES
    from classify.cards import card_names
    from classify.controls import CONTROLS
    from classify.exons.negatives import NEGATIVES
    from classify.exons.settings import PROTOCOLS
    from classify.exporting import FORMATS
    from classify.matching import MATCHERS
    from classify.models import MODELS
    from classify.peaks.negatives import NEGATIVES as UNBOUND
    from classify.tasks import TASKS
    from classify.views import VIEWS
    from specgen.commands.list import print_plugins
    from specgen.extending import load_plugins

    load_plugins()  # a broken one is told before anything else is
    print("tasks")
    for name in TASKS:
        print(f"  {name:16} {TASKS[name].about}")
    print("models (what they read)")
    for name in MODELS:
        print(f"  {name:16} {MODELS[name].view:8} {MODELS[name].note}")
    print("  timm:<name>      image    any image model of timm, such as timm:resnet18")
    print("baselines")
    for name in BASELINES:
        print(f"  {name:18} {BASELINES[name].note}")
    print("controls (data.controls)")
    for name in CONTROLS:
        print(f"  {name:18} {CONTROLS[name].note}")
    print("match (data.match)")
    for name in MATCHERS:
        print(f"  {name:16} {MATCHERS[name].note}")
    print(f"prepare\n  protocols: {', '.join(PROTOCOLS)}\n  negatives:")
    for name in NEGATIVES:
        print(f"    {name:14} {NEGATIVES[name].note}")
    print("negatives of task tfbs (data.negatives)")
    for name in UNBOUND:
        print(f"  {name:16} {UNBOUND[name].note}")
    print("formats (export)")
    for name in FORMATS:
        print(f"  {name:16} {FORMATS[name].note}")
    print(f"views\n  {', '.join(VIEWS)}")
    print(f"cards (download)\n  {', '.join(card_names())}")
    print_plugins()
