"""``python -m classify baselines``."""

from __future__ import annotations

from collections.abc import Sequence

from classify.bootstrap import interval_text
from classify.config import parse_run
from specgen.errors import InputError

ABOUT = "Fit the trivial baselines on the examples and splits of a configuration; each gets a run folder."


def run(arguments: Sequence[str]) -> None:
    """Parse, fit each baseline, print one line for each."""
    only = {"type": list[str], "default": [], "help": "names of the baselines to fit; default: all that suit the task"}
    again = {"action": "store_true", "help": "replace baselines of other data, too"}
    settings, extra = parse_run(arguments, "baselines", ABOUT, {"only": only, "overwrite": again})
    from classify.baseline_fit import fit_baseline
    from classify.baselines import BASELINES
    from classify.commands.evaluate import print_bounds
    from classify.distributed import check_alone
    from classify.folders import check_same_data
    from classify.tasks import TASKS

    check_alone("baselines")
    task = TASKS[settings.task](settings.data)
    if task.answers != "window":
        raise InputError(
            f"baselines: expected a task that asks for each window, and {settings.task!r} asks for each {task.answers}; "
            "python -m classify markov has the chains of short contexts"
        )
    names = extra.only or [name for name in BASELINES if task.centred or not BASELINES[name].centred]
    for name in names:
        BASELINES[name]  # an unknown one fails before any work
    if not extra.overwrite:
        check_same_data(settings, names)
    examples = task.load()
    print("\n".join(examples.lines()), flush=True)
    if not extra.only and examples.targets is not None:  # what learns from classes has none to learn from
        names = [name for name in names if not BASELINES[name].learn]
    for name in names:
        body = fit_baseline(name, settings, examples)
        metrics = body["metrics"]
        shown = ", ".join(
            f"{key} {interval_text(metrics[key])}"
            for key in ("accuracy", "auroc", "median_auprc", "micro_f1")
            if key in metrics
        )
        print(f"{name:18} {shown}", flush=True)
    print_bounds(body)
    print(f"reports: {settings.folder.parent.parent}/<baseline>/{settings.name}/report.html")
