"""``python -m classify train``."""

from __future__ import annotations

from collections.abc import Sequence

from classify.config import parse_run

ABOUT = "Train a model on a task, evaluate the best epoch on the test split once, and write report.html."


def run(arguments: Sequence[str]) -> None:
    """Parse, train, evaluate, and name the report."""
    switch = {"action": "store_true"}
    settings, extra = parse_run(
        arguments,
        "train",
        ABOUT,
        {
            "resume": {**switch, "help": "go on from the last checkpoint of the run folder"},
            "overwrite": {**switch, "help": "start anew in a folder that holds a run"},
        },
    )
    from classify.commands.evaluate import print_result  # heavy imports only once the settings are known to be good
    from classify.distributed import alone, joined
    from classify.evaluation import evaluate
    from classify.training import fit

    with joined(), alone(settings.folder):
        folder, examples = fit(settings, resume=extra.resume, overwrite=extra.overwrite)
        if body := evaluate(settings, folder, examples):
            print_result(folder, body)
