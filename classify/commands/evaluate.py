"""``python -m classify evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classify.bootstrap import interval_text
from classify.runs import RunFolder, check_inputs
from specgen.errors import InputError, UnknownName
from specgen.parser import CommandParser

SPLITS = ("all", "test")
SHOWN = ("perplexity", "bits_per_base", "accuracy", "auroc", "median_auprc", "micro_f1", "mcc")


def run(arguments: Sequence[str]) -> None:
    """Score a run's test split again, or other data with its weights."""
    parser = CommandParser(
        prog="python -m classify evaluate",
        description="Score the test split of a finished run (a network or a baseline) and rewrite predictions.csv, "
        "metrics.json and report.html; or score other data with it, into <run>/on/<name>.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder")
    parser.add_argument(
        "--on",
        type=str,
        nargs="+",
        default=[],
        help="YAML of run settings, of which the data is scored; later ones win",
    )
    parser.add_argument("--as", type=str, default="", help="name of the results, with --on")
    parser.add_argument(
        "--split", type=str, default="", help="with --on: all = every example (the default), or test = its test split"
    )
    parsed = parser.parse_args(list(arguments))
    configs, name, split = parsed["on"], parsed["as"], parsed["split"]
    if bool(configs) != bool(name) or (split and not configs):
        raise InputError("evaluate: expected --on CONFIG and --as NAME together, and --split only with them")
    if split not in ("", *SPLITS):
        raise UnknownName("--split", split, SPLITS)
    check_inputs(parsed["run"])
    from classify.rescoring import OtherData, rescore

    other = OtherData(tuple(configs), name, split or SPLITS[0]) if configs else None
    folder, body = rescore(Path(parsed["run"]), other)
    if body:
        print_result(folder, body)


def print_bounds(body: dict[str, Any]) -> None:
    """What the scores stand beside, where the task knows anything, see ``Task.bounds``."""
    for name, metrics in body["bounds"].items():
        shown = ", ".join(f"{key} {metrics[key]:.3f}" for key in SHOWN if metrics.get(key) is not None)
        print(f"beside it, {name}: {shown}", flush=True)


def print_result(run: RunFolder, body: dict[str, Any]) -> None:
    """The last lines of train and evaluate: test metrics with intervals, and where the report is."""
    level = round(100 * body["bootstrap"]["level"])
    shown = []
    for name in SHOWN:
        if name in body["metrics"] and (text := interval_text(body["metrics"][name])):
            shown.append(f"{name} {text}")
    print(f"{body['split']} ({body['n']} examples, {body['groups']} groups, {level} % intervals): " + ", ".join(shown))
    if note := body["bootstrap"].get("note"):
        print(f"note: {note}")
    print_bounds(body)
    if seen := body["data"].get("id_or_group_seen_in_training"):
        print(f"note: {seen} of the examples have the id or group of one that the run was fitted to or chosen by")
    print(f"report: {run.path / 'report.html'}")
