"""Ranking: every label of single sequences by its probability, as a table, pictures and a page.

For networks whose examples have several labels; what is said of many records in a stream is ``prediction``'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from classify.evaluation import load_run, predict_logits, run_settings
from classify.labels import labels_of
from classify.reporting.figures import png
from classify.reporting.html import data_uri, render
from classify.reporting.ranked import SHOWN, ranked_figure, ranked_rows, read_prevalences
from classify.runs import RunFolder
from classify.tasks import TASKS, Task
from specgen.errors import InputError, nearest
from specgen.files import new_folder, write_atomic
from specgen.records import Record, read_records

__all__ = ["rank_features"]

COLUMNS = ("record", "rank", "name", "group", "cell", "factor", "treatment", "probability", "threshold", "above")
"""Columns of features.csv; ``prevalence`` follows them."""

HINTS = 10_000
"""Names of records that are remembered for the case that one is misspelt."""


def rank_features(
    run: Path, source: str, out: Path, *, records: Sequence[str] = (), most: int = 4
) -> list[dict[str, Any]]:
    """Write features.csv, a picture of each record, and features.html.

    Parameters
    ----------
    run
        Folder of a trained network of several labels.
    source
        FASTA or FASTQ; "-" is standard input.
    out
        New folder: ``features.csv`` with a row for each record and label, ``0001.png``, ``0002.png``, ... of the likeliest
        labels of each record, and ``features.html`` with both.
    records
        Names of the records that are meant, each of a whole window; default: the first ``most`` of the file.

    Returns
    -------
    list of dict
        record, and rows as ``reporting.ranked.ranked_rows`` makes them, for each record in the order of the file.

    Raises
    ------
    InputError
        A run of something else, a record that is not there or no window long, bad input, or a folder that holds something.
    """
    settings = run_settings(run)
    task = TASKS[settings.task](settings.data)
    if task.exclusive or task.answers != "window":
        several = ", ".join(name for name in TASKS if not TASKS[name].exclusive)
        raise InputError(f"{run}: is of task {task.name!r}, whose examples have no several labels; expected {several}")
    with new_folder(out) as place:
        folder, loaded = RunFolder(place), load_run(run)
        features, prevalences = labels_of(run, task), read_prevalences(run)
        chosen = _chosen(source, task, records, most)
        windows = torch.from_numpy(np.stack([task.prepare(record.codes) for record in chosen]))
        chances = task.probabilities(predict_logits(loaded, windows).astype(np.float64))
        ranked: list[dict[str, Any]] = [
            {"record": record.name, "rows": ranked_rows(features, own, prevalences)}
            for record, own in zip(chosen, chances, strict=True)
        ]
        pictures = [png(ranked_figure(one["rows"], one["record"])) for one in ranked]
        page = render(
            "features.html.j2",
            run=str(run),
            model=settings.model,
            source=source,
            window=task.window,
            labels=len(features),
            shown=SHOWN,
            records=[one | {"uri": data_uri(picture)} for one, picture in zip(ranked, pictures, strict=True)],
        )
        for number, picture in enumerate(pictures, 1):
            write_atomic(folder.path / f"{number:04d}.png", picture)
        folder.write_csv("features.csv", [*COLUMNS, "prevalence"], [cells for one in ranked for cells in _cells(one)])
        write_atomic(folder.path / "features.html", page)
        return ranked


def _chosen(source: str, task: Task, names: Sequence[str], most: int) -> list[Record]:
    """The records that are meant, in the order of the file; the first of those that share a name.

    Raises
    ------
    InputError
        None, one that is not there, or one of another length than a window.
    """
    label = "standard input" if source == "-" else source
    wanted: set[str] = set(names)
    chosen: list[Record] = []
    others: list[str] = []
    for record in read_records(source, unique=False):
        others += [record.name] if len(others) < HINTS else []
        if names and record.name not in wanted:
            continue
        wanted.discard(record.name)
        length = len(task.prepare(record.codes))
        if length != task.window:
            raise InputError(
                f"{label}: record {record.name!r}: expected {task.window + task.cut} nt, a window of this run, "
                f"got {len(record.codes)}"
            )
        chosen.append(record)
        if not wanted and len(chosen) >= (len(set(names)) or most):
            break
    if wanted:
        missing = next(name for name in names if name in wanted)
        close = nearest(missing, others)
        raise InputError(f"{label}: holds no record {missing!r}" + (f"; did you mean {close}?" if close else ""))
    return chosen


def _cells(one: dict[str, Any]) -> list[list[Any]]:
    """Rows of features.csv."""
    return [
        [
            one["record"],
            *(row[column] for column in COLUMNS[1:7]),
            f"{row['probability']:.9g}",
            f"{row['threshold']:.9g}",
            int(row["above"]),
            "" if row["prevalence"] is None else f"{row['prevalence']:.9g}",
        ]
        for row in one["rows"]
    ]
