"""``python -m classify evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgen.parser import CommandParser

if TYPE_CHECKING:
    from classify.runs import RunFolder


def run(arguments: Sequence[str]) -> None:
    """Score a run's test split again."""
    parser = CommandParser(
        prog="python -m classify evaluate",
        description="Score the test split of a trained run and rewrite predictions.csv, metrics.json and report.html.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder")
    folder = Path(parser.parse_args(list(arguments)).run)
    from classify.distributed import check_shares, joined, once
    from classify.evaluation import evaluate, load_run, run_settings
    from classify.runs import RunFolder
    from classify.tasks import TASKS

    settings, run_folder = run_settings(folder), RunFolder(folder)
    examples = TASKS[settings.task](settings.data).load()
    why = f"evaluation is not finished; repeat: python -m classify evaluate --run {folder}"
    with joined():
        load_run(folder, examples.kind)  # what cannot be scored must not lose its report
        check_shares("test", len(examples.part("test")))
        once(lambda: run_folder.begin(why))
        if body := evaluate(settings, run_folder, examples):
            print_result(run_folder, body)


def print_result(run: RunFolder, body: dict[str, Any]) -> None:
    """The last lines of train and evaluate: test metrics with intervals, and where the report is."""
    level = round(100 * body["bootstrap"]["level"])
    shown = []
    for name in ("accuracy", "auroc", "mcc"):
        entry = body["metrics"][name]
        if entry["value"] is not None:
            shown.append(f"{name} {entry['value']:.4f} [{entry['low']:.4f}, {entry['high']:.4f}]")
    print(f"test ({body['n']} examples, {body['groups']} groups, {level} % intervals): " + ", ".join(shown))
    print(f"report: {run.path / 'report.html'}")
