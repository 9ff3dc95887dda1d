"""Scoring a finished run again, network or baseline: its own test split, or other data with the weights it has.

Nothing is fitted or chosen here. Results on other data get a run folder of their own below the run's, ``on/<name>``, that
``compare`` reads like any other.
"""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from classify.baseline_fit import evaluate_baseline
from classify.baselines import BASELINES
from classify.config import parse_run, to_yaml
from classify.cost import environment
from classify.datasets import TileDataset
from classify.distributed import alone, check_alone, check_shares, joined, once
from classify.evaluation import evaluate, load_run, predict_logits, run_settings
from classify.examples import Examples
from classify.fitted import load_baseline
from classify.runs import Results, RunFolder
from classify.settings import RunSettings, check_name
from classify.tasks import TASKS
from specgen.errors import InputError
from specgen.files import write_atomic

__all__ = ["OtherData", "rescore"]


class OtherData(NamedTuple):
    """Data that a run was not made from.

    Attributes
    ----------
    configs
        YAML files of run settings, the later ones over the earlier, of which the task and its ``data`` are used.
    name
        Of the results: ``<run>/on/<name>``.
    split
        all = every example; test = the test split of the configuration.
    """

    configs: tuple[str, ...]
    name: str
    split: str = "all"

    @property
    def config(self) -> str:
        """The files in one text, as a command line takes them."""
        return " ".join(self.configs)


def rescore(folder: Path, other: OtherData | None = None) -> tuple[RunFolder, dict[str, Any]]:
    """Score a run's own test split, or other data, with the window, weights and tiling rule as they are.

    Windows may have another length than the run's where the model reads them.

    Returns
    -------
    RunFolder, dict
        Where the results lie, and the body of ``metrics.json`` (nothing in processes that do not write it).

    Raises
    ------
    InputError
        No finished run; other data that has other classes, that the model cannot read, or that cannot be loaded.
    """
    settings, run = run_settings(folder), RunFolder(folder)
    into = Results(run, settings.name)
    data = settings if other is None else _settings_of(settings, other, folder)
    if other is not None:
        into = Results(run.on(other.name), f"{settings.name} on {other.name}", other.split, _again(folder, other))
    is_baseline = settings.model in BASELINES
    if is_baseline:
        check_alone("evaluate of a baseline")
        load_baseline(run, settings.model)
    examples = TASKS[data.task](data.data).load()
    score = evaluate_baseline if is_baseline else evaluate
    with joined():
        if not is_baseline:
            _check_reads(folder, examples)  # what cannot be scored must not lose its report
        check_shares("test", len(examples.part("test")))
        if other is not None:
            examples = _with_seen(run, examples)
        with alone(into.folder.path):
            once(lambda: _begin(run, into, data, other))
            return into.folder, score(settings, run, examples, into)


def _settings_of(settings: RunSettings, other: OtherData, folder: Path) -> RunSettings:
    """The run's settings with the other configuration's task and data."""
    check_name("--as", other.name)
    found = parse_run([part for file in other.configs for part in ("--config", file)], "evaluate", "")[0]
    data = found.data
    if other.split != "test" and not hasattr(data, "split"):
        raise InputError(f"{other.config}: its task {found.task!r} has splits of its own; expected --split test")
    if other.split != "test":
        data = dataclasses.replace(data, split=data.split.all_test())
    ours, theirs = (TASKS[item.task](item.data).classes for item in (settings, found))
    if ours != theirs:
        raise InputError(
            f"{other.config}: its classes are {', '.join(theirs)}; {folder} tells {', '.join(ours)} apart "
            "(data.classes names them)"
        )
    return dataclasses.replace(settings, task=found.task, data=data)


def _again(folder: Path, other: OtherData) -> str:
    config = RunFolder(folder).on(other.name).config
    words = ["--run", folder.as_posix(), "--on", config.as_posix(), "--as", "again", "--split", other.split]
    return f"python -m classify evaluate {shlex.join(words)}"


def _check_reads(folder: Path, examples: Examples) -> None:
    """Load the network, and let it try one window where that is not what it was trained on."""
    loaded = load_run(folder, examples.kind, answers=TASKS[run_settings(folder).task].answers)
    test = examples.part("test")
    if not len(test) or (trained := loaded.task.window) == test.window:
        return
    if not trained:
        raise InputError(f"{folder}: was trained on a folder of pictures; how to make them from letters is not known")
    name = loaded.settings.model
    try:
        predict_logits(loaded, TileDataset(test, 1).__getitems__([0])[0])
    except (RuntimeError, AssertionError, ValueError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"data.length: model {name!r} of {folder} does not read {test.window} nt; it was trained on {trained} nt ({why})"
        ) from None


def _with_seen(run: RunFolder, examples: Examples) -> Examples:
    """How many of the examples have the id or group of a training or validation example of the run, as a count more."""
    fitted = [row for row in run.split_rows() if row["split"] != "test"]
    if not fitted:
        return examples
    known = {row["id"] for row in fitted}, {row["group"] for row in fitted}
    test = examples.part("test")
    seen = sum(name in known[0] or group in known[1] for name, group in zip(test.ids, test.groups, strict=True))
    return dataclasses.replace(examples, counts={**examples.counts, "id_or_group_seen_in_training": seen})


def _begin(run: RunFolder, into: Results, data: RunSettings, other: OtherData | None) -> None:
    """Mark the results unfinished; for other data, start their folder."""
    if other is None:
        into.folder.begin(f"evaluation is not finished; repeat: python -m classify evaluate --run {run.path}")
        return
    into.folder.begin(
        f"evaluation is not finished; repeat: python -m classify evaluate --run {run.path} --on {other.config} "
        f"--as {other.name} --split {other.split}"
    )
    into.folder.clear()
    write_atomic(into.folder.config, to_yaml(data))
    into.folder.write_json("environment.json", environment())
