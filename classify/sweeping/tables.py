"""What a sweep found, from its storage alone: sweep.csv, sweep.md and its figure. Nothing is trained or read besides."""

from __future__ import annotations

import io
import itertools
import json
import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from classify.runs import to_csv
from classify.sweeping.figures import strips
from classify.sweeping.records import TRAINED, Record, optuna, read_records
from classify.sweeping.settings import StudySettings
from classify.sweeping.space import Axis, read_space
from specgen.files import write_atomic

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["Marginal", "marginals", "report", "write_trials"]

RESULTS = (
    *("value", "epochs", "best_epoch", "val_auroc", "val_accuracy", "val_loss", "train_loss"),
    *("examples_seen", "parameters", "seconds", "folder"),
)
BEST = 10
ENOUGH = 50
"""Whole trials below which an importance is hardly more than a hint: our rule of thumb, not a theorem."""
BINS = 3


@dataclass(frozen=True)
class Marginal:
    """What the trials at one value of an axis gave.

    Attributes
    ----------
    name
        The value, or the range of values.
    whole, pruned, failed, impossible
        Numbers of trials.
    mean, best
        Of the monitored metric at the best epoch, over whole trials; None without any.
    first
        Mean of the metric after the first epoch, over whole and pruned trials alike: the same budget for all.
    """

    name: str
    whole: int
    pruned: int
    failed: int
    impossible: int
    mean: float | None
    best: float | None
    first: float | None


def marginals(records: Sequence[Record], axis: Axis, direction: str) -> list[Marginal]:
    """One row for each value of an axis, or each third of the values that were drawn from a range."""
    better = min if direction == "minimize" else max
    rows = []
    for name, part in _parts(records, axis):
        states = Counter(record.state for record in part)
        whole = [record.result["value"] for record in part if record.state == "complete"]
        first = [
            r.curve[1] for r in part if r.state in ("complete", "pruned") and math.isfinite(r.curve.get(1, math.nan))
        ]
        rows.append(
            Marginal(
                name,
                states["complete"],
                states["pruned"],
                states["failed"],
                states["impossible"],
                fmean(whole) if whole else None,
                better(whole) if whole else None,
                fmean(first) if first else None,
            )
        )
    return rows


def _parts(records: Sequence[Record], axis: Axis) -> list[tuple[str, list[Record]]]:
    there = [record for record in records if axis.key in record.values]
    values = axis.values()
    if values is not None and len(values) <= 12:
        return [(_text(value), [record for record in there if record.values[axis.key] == value]) for value in values]
    there.sort(key=lambda record: record.values[axis.key])
    ends = [round(i * len(there) / BINS) for i in range(BINS + 1)]
    thirds = [there[low:high] for low, high in itertools.pairwise(ends) if low < high]
    return [(f"{part[0].values[axis.key]:.4g} to {part[-1].values[axis.key]:.4g}", part) for part in thirds]


def write_trials(study: Study, folder: Path) -> None:
    """sweep.csv: every trial."""
    axes = list(study.user_attrs["sweep"]["space"])
    rows = [
        [
            *(record.number, record.state),
            *(record.values.get(key, "") for key in axes),
            *(record.result.get(key, "") for key in RESULTS),
            record.reason,
        ]
        for record in read_records(study)
    ]
    write_atomic(folder / "sweep.csv", to_csv(["trial", "state", *axes, *RESULTS, "reason"], rows))


def report(study: Study, folder: Path) -> str:
    """Write sweep.csv, sweep.md and sweep.png; the last lines of the command."""
    told = study.user_attrs["sweep"]
    options, axes, records = StudySettings(**told["study"]), read_space(told["space"]), read_records(study)
    write_trials(study, folder)
    whole = _ranked([record for record in records if record.state == "complete"], options)
    sections = [
        _opening(told, options, axes, records),
        _best(whole, axes, options),
        _by_value(records, axes, options),
        _importance(study, len(whole)),
        _reasons("Combinations that do not exist", records, "impossible"),
        _reasons("Failed trainings", records, "failed"),
    ]
    write_atomic(folder / "sweep.md", "\n".join(part for part in sections if part))
    if any(record.state in TRAINED for record in records):
        picture = io.BytesIO()
        strips(records, axes, options.monitor).savefig(picture, format="png", dpi=150)
        write_atomic(folder / "sweep.png", picture.getvalue())
    counts = Counter(record.state for record in records)
    lines = [", ".join(f"{number} {state}" for state, number in counts.items()) or "no trials yet"]
    if whole:
        best = whole[0]
        lines.append(
            f"best: trial {best.number}, {options.monitor} {best.result['value']:.4f}, {best.result['folder']}"
        )
    return "\n".join([*lines, f"report: {folder / 'sweep.md'}"]) + "\n"


def _ranked(records: list[Record], options: StudySettings) -> list[Record]:
    sign = 1 if options.direction == "minimize" else -1
    return sorted(records, key=lambda record: (sign * record.result["value"], record.number))


def _opening(told: Mapping[str, Any], options: StudySettings, axes: Sequence[Axis], records: Sequence[Record]) -> str:
    counts, base = Counter(record.state for record in records), told["base"]
    listed = [axis.values() for axis in axes]
    size = math.prod(len(values) for values in listed if values is not None)
    combinations = f"{size:,} combinations" + (", times what ranges hold" if None in listed else "")
    seen = sum(record.result.get("examples_seen", 0) for record in records)
    minutes = sum(record.result.get("seconds", 0) for record in records) / 60
    rungs = [epoch for epoch in range(1, base["training"]["epochs"]) if options.decides(epoch)]
    pruned = f"decided after epochs {', '.join(map(str, rungs))}" if rungs else "never decided"
    return (
        f"# Sweep {_cell(options.name)}\n\n"
        f"Task {_cell(base['task'])}; every trial starts from `base.yaml` beside this file. Searched: {combinations}.\n\n"
        + _table(["setting", "values"], [[axis.key, str(axis)] for axis in axes])
        + f"\nBudget: {sum(counts[s] for s in TRAINED)} of {options.trials} trials ({counts['complete']} whole, "
        f"{counts['pruned']} pruned, {counts['failed']} failed, {counts['unfinished']} unfinished), besides "
        f"{counts['impossible']} combinations that do not exist; at most {base['training']['epochs']} epochs where no axis "
        f"says otherwise; {seen:,} examples seen in {minutes:.1f} minutes of training. Sampler {options.sampler}, seed "
        f"{options.seed}; pruner {options.pruner}, {pruned}.\n\n"
        f"Everything here is {options.monitor} on the validation split, by which the trials were chosen too: the best of "
        "many is better than it will be on new data, more so the more were tried, and each training ran with one seed. "
        "The test split was not scored. A small budget ranks what learns fast, which need not be what ends best.\n"
    )


def _best(whole: Sequence[Record], axes: Sequence[Axis], options: StudySettings) -> str:
    if not whole:
        return "## Best trials\n\nNo trial was trained to its end.\n"
    heads = ["trial", options.monitor, "epoch", "examples seen", "minutes", *(axis.key for axis in axes)]
    rows = [
        [
            str(record.number),
            f"{record.result['value']:.4f}",
            f"{record.result['best_epoch']} of {record.result['epochs']}",
            f"{record.result.get('examples_seen', 0):,}",
            f"{record.result['seconds'] / 60:.1f}",
            *(_text(record.values[axis.key]) for axis in axes),
        ]
        for record in whole[:BEST]
    ]
    return "## Best trials\n\n" + _table(heads, rows)


def _by_value(records: Sequence[Record], axes: Sequence[Axis], options: StudySettings) -> str:
    heads = ["value", "whole", "pruned", "failed", "impossible", "mean", "best", "after epoch 1"]
    text = (
        f'## By value\n\nMean and best {options.monitor} are of whole trials; "after epoch 1" is the mean of whole and '
        "pruned ones. The other settings differ between the rows: a sampler that looks at results tries good company "
        "more often, so a mean is no effect.\n"
    )
    for axis in axes:
        rows = []
        for row in marginals(records, axis, options.direction):
            counts = [str(number) for number in (row.whole, row.pruned, row.failed, row.impossible)]
            numbers = ["" if number is None else f"{number:.4f}" for number in (row.mean, row.best, row.first)]
            rows.append([row.name, *counts, *numbers])
        text += f"\n### {_cell(axis.key)}\n\n" + _table(heads, rows)
    return text


def _importance(study: Study, whole: int) -> str:
    title = "## Importance\n\n"
    library = optuna()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few trials, which is said below
            shares = library.importance.get_param_importances(study)
    except (ValueError, RuntimeError, ZeroDivisionError):
        shares = {}
    shares = {key: share for key, share in shares.items() if math.isfinite(share)}
    if whole < 2 or not any(shares.values()):
        return f"{title}Not to be had from {whole} whole trials.\n"
    caution = f" With fewer than {ENOUGH} the order is a hint at best." if whole < ENOUGH else ""
    return (
        f"{title}PED-ANOVA (Watanabe et al. 2023, as Optuna has it) from {whole} whole trials: how much the values of an "
        f"axis differ between the best trials and all.{caution}\n\n"
        + _table(["setting", "share"], [[key, f"{share:.3f}"] for key, share in shares.items()])
    )


def _reasons(title: str, records: Sequence[Record], state: str) -> str:
    reasons = Counter(record.reason for record in records if record.state == state)
    if not reasons:
        return ""
    return f"## {title}\n\n" + _table(["times", "why"], [[str(n), why] for why, n in reasons.most_common()])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([_cell(item) for item in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"  # sweep.csv has all digits
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    """Text that is no Markdown and no HTML."""
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("\n", " ")):
        text = text.replace(sign, safe)
    return text
