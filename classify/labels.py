"""The labels of a trained network whose examples may have several: what each is, and the threshold from which it is called.

From a run folder, and from plain data that was written elsewhere. What a name tells is ``features``'s business.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classify.features import Feature
from classify.runs import RunFolder
from specgen.errors import InputError

if TYPE_CHECKING:
    from classify.tasks import Task

__all__ = ["THRESHOLD", "check_labels", "labels_of"]

THRESHOLD = 0.5
"""Where validation chose none."""

TOLD = tuple(field.name for field in dataclasses.fields(Feature))


def labels_of(run: Path, task: Task) -> list[dict[str, Any]]:
    """name, cell, factor, treatment, group and threshold, as validation chose it, of each label of a run in order.

    None where classes exclude one another.

    Raises
    ------
    InputError
        ``decided.json`` is damaged.
    """
    thresholds = RunFolder(run).read_decided().get("thresholds", {})
    return [
        {**dataclasses.asdict(feature), "threshold": thresholds.get(feature.name, THRESHOLD)}
        for feature in task.features
    ]


def check_labels(body: Any, where: Path | str) -> list[dict[str, Any]]:
    """Rows as ``labels_of`` gives them, from plain data.

    Parameters
    ----------
    where
        What is named in messages.

    Raises
    ------
    InputError
        Something else, a name that is empty or comes twice, or a threshold that is no probability.
    """
    if not isinstance(body, list):
        raise InputError(f"{where}: expected a list of labels, got {type(body).__name__}")
    seen: set[str] = set()
    for place, row in enumerate(body, 1):
        if not isinstance(row, dict) or set(row) != {*TOLD, "threshold"}:
            raise InputError(f"{where}: label {place}: expected {', '.join(TOLD)} and threshold, got {str(row)[:200]}")
        if not all(isinstance(row[key], str) for key in TOLD) or not row["name"]:
            raise InputError(f"{where}: label {place}: expected texts and a name, got {str(row)[:200]}")
        if row["name"] in seen:
            raise InputError(f"{where}: names label {row['name']!r} twice")
        seen.add(row["name"])
        threshold = row["threshold"]
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
            raise InputError(
                f"{where}: label {row['name']!r}: expected a threshold from 0 to 1, got {str(threshold)[:200]}"
            )
    return body
