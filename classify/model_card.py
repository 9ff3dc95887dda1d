"""A model card from a run folder: what the network is for, its data, its test metrics with intervals, limits and cost.

Everything in it is read from the folder; what the folder does not say is said to be unknown. No file is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from classify.bootstrap import interval_text
from classify.evaluation import run_settings
from classify.labels import THRESHOLD, labels_of
from classify.reporting._files import read_metrics
from classify.reporting.html import shorten
from classify.tasks import Task
from specgen.sequences import BASES

__all__ = ["model_card"]

LISTED = 40
"""Labels of a card; config.json has all."""

LONGEST = 80
"""Letters of a label's name on a card."""


def model_card(run: Path, task: Task) -> str:
    """Markdown with the head that hubs read.

    Raises
    ------
    InputError
        The run has no metrics, or they are damaged.
    """
    settings = run_settings(run)
    body = read_metrics(run)
    head = {
        "library_name": "specgen",
        "tags": ["genomics", "dna", settings.task, settings.model.replace(":", "-")],
        "metrics": list(body["metrics"]),
    }
    labels = labels_of(run, task)
    classes = body.get("labels", task.classes) if task.answers == "window" else BASES
    named = ", ".join(map(_plain, classes)) if not labels else f"{len(labels):,} of them"
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False).rstrip(),
        "---",
        f"# {_plain(settings.model)} on {_plain(settings.task)}",
        "",
        f"{_sentence(task.about)} {_sentence(body.get('model_note') or '')}",
        "",
        f"Reads {task.window} nt of A, C, G, T (ambiguity letters are shared among their bases); gives "
        f"{_given(task)}: {named}.",
        "",
        "```python",
        "from classify.pretrained import PretrainedClassifier",
        "",
        'model = PretrainedClassifier.from_pretrained("FOLDER")',
        f'model.predict_proba(["A" * {task.window}])',
        *([f'model.predict(["A" * {task.window}])  # names'] if task.answers == "window" else []),
        "```",
        "",
        *_labels(labels, body.get("features") or []),
        "## Data",
        "",
        *_table(("what", "number"), (row for row in _counts(body.get("data") or {}) if row[1])),
        "",
        f"## Test ({body['n']} examples in {body['groups']} groups of the {body.get('split', 'test')} split)",
        "",
        f"Intervals of {100 * body['bootstrap']['level']:g} %, by a bootstrap of groups"
        + (f"; {note}." if (note := body["bootstrap"].get("note")) else "."),
        "",
        *_table(
            ("metric", "value"), ((name, told) for name, v in body["metrics"].items() if (told := interval_text(v)))
        ),
        *_bounds(body.get("bounds") or {}),  # runs of earlier versions have none
        "",
        "## Limits",
        "",
        *(f"- {line}" for line in _limits(task, settings.training.both_strands, settings.seed)),
        "",
        "## Cost",
        "",
        *_table(
            ("what", "value"),
            ((key, _number(value)) for key, value in (body.get("cost") or {}).items() if value not in (None, "")),
        ),
        "",
    ]
    return "\n".join(lines)


def _limits(task: Task, both: bool, seed: int) -> Iterator[str]:
    yield "The metrics are of data made as the training data was; other species, assemblies or libraries are other data."
    yield "Where the positive class is rarer than in the test, precision is lower than it was there."
    yield "Probabilities are what the network gives; they have not been calibrated."
    yield f"One training, seed {seed}; intervals are of the test examples and say nothing of other seeds."
    if task.answers == "window":
        yield f"Every window of {task.window} nt gets an answer, also one of random letters or of another kind of sequence."
    if not both:
        yield "Sequences are read in the direction that they are given in; the other strand may get another answer."
    yield "For research; not validated for any clinical use."


def _bounds(bounds: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for name, metrics in bounds.items():
        yield ""
        yield f"Beside it, {_plain(name)}: " + ", ".join(f"{_plain(k)} {_number(v)}" for k, v in metrics.items())


def _counts(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield key, ", ".join(f"{name} {_number(n)}" for name, n in value.items())
        elif isinstance(value, int | float | str):
            yield key, _number(value)


def _given(task: Task) -> str:
    """What the network gives, in words."""
    if task.answers == "position":
        return "probabilities of the next base behind every letter"
    return "probabilities of exclusive classes" if task.exclusive else "a probability of each label by itself"


def _labels(labels: Sequence[Mapping[str, Any]], scored: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The first ``LISTED`` labels; nothing where there are none."""
    if not labels:
        return
    aurocs = {row["name"]: row["auroc"] for row in scored}
    yield from (
        "## Labels",
        "",
        "A label is called where its probability reaches its threshold, which gave the best F1 of validation "
        f"({THRESHOLD:g} where validation told nothing). In Python: `model.labels`, `model.thresholds`.",
        "",
        *_table(
            ("label", "group", "threshold", "test AUROC"),
            (
                (
                    shorten(label["name"], LONGEST),
                    label["group"],
                    _number(float(label["threshold"])),
                    "" if aurocs.get(label["name"]) is None else f"{aurocs[label['name']]:.4f}",
                )
                for label in labels[:LISTED]
            ),
            spaced=False,
        ),
        "",
    )
    if len(labels) > LISTED:
        yield f"{len(labels) - LISTED:,} more labels stand in `config.json`."
        yield ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, spaced: bool = True) -> list[str]:
    """Rows of text; ``spaced``: first cells are keys, whose underscores become spaces."""
    cells = [[row[0].replace("_", " ") if spaced else row[0], *row[1:]] for row in rows]
    body = [f"| {' | '.join(map(_plain, row))} |" for row in cells]
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *body]


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if isinstance(value, float) else str(value)


def _sentence(text: str) -> str:
    return f"{_plain(text[:1].upper() + text[1:]).rstrip('.')}."


def _plain(text: Any) -> str:
    """Text that Markdown and HTML leave as it is: names come from headers of files."""
    flat = " ".join(str(text).split())
    return "".join(f"&#{ord(letter)};" if letter in "<>&|`*[]\\" else letter for letter in flat)
