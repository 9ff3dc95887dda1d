"""The run folder as a report sees it: reads its files, says in one line what is missing.

No figure and no page is made here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from classify.reporting._shapes import fault
from specgen.errors import InputError, first_line
from specgen.files import parse_json

__all__ = ["open_labels", "read_history", "read_metrics", "read_predictions", "read_rows", "read_table", "read_text"]

AGAIN = "run `python -m classify evaluate --run {}` again"
LARGEST = 2.0**53
"""Of a number of ``metrics.csv``."""


def read_text(run: Path, name: str, command: str = "evaluate") -> str:
    """A file of the run as text; ``command`` is what would write it, for the message when it is not there."""
    if not run.is_dir():
        raise InputError(f"{run}: there is no such run folder")
    try:
        return (run / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        if name != "config.yaml" and not (run / "config.yaml").exists():
            raise InputError(f"{run}: is no run folder (no config.yaml); expected RUNS/TASK/MODEL/NAME") from None
        how = "train --config FILE" if command == "train" else f"{command} --run {run}"
        raise InputError(f"{run}: {name} is missing; run `python -m classify {how}` first") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{run / name}: cannot be read ({error})") from None


def read_metrics(run: Path) -> dict[str, Any]:
    """``metrics.json``, with every key that a report needs."""
    again = AGAIN.format(run)
    metrics: dict[str, Any] = parse_json(read_text(run, "metrics.json"), run / "metrics.json")
    if why := fault(metrics):
        raise InputError(f"{run}: metrics.json: {why}; {again}")
    k, matrix = len(metrics.get("labels", ())), metrics.get("confusion", ())
    if len(matrix) != k or any(len(row) != k for row in matrix):
        raise InputError(f"{run}: metrics.json: confusion is not {k} x {k}, one row for each label; {again}")
    names = metrics.get("labels", ())
    if len(set(names)) != k or metrics.get("positive") not in (None, *names):
        raise InputError(f"{run}: metrics.json: labels are not distinct, or positive is none of them; {again}")
    return metrics


def read_rows(
    run: Path, metrics: dict[str, Any], texts: Sequence[str], numbers: Sequence[str] = (), empty: str = ""
) -> pd.DataFrame:
    """``predictions.csv`` as text but for the columns ``numbers``; these and ``texts`` have to be there, others may be.

    ``empty`` is what stands for a number that is not there; without it every number has to be.
    """
    text = read_text(run, "predictions.csv")
    try:
        # A class may be called "NA" or "0".
        frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        if not isinstance(frame.index, pd.RangeIndex):
            raise ValueError("the first row has more columns than the head")  # pandas takes one for names of rows
        if missing := [name for name in (*texts, *numbers) if name not in frame]:
            raise ValueError(f"lacks {', '.join(missing)}")
        if empty:
            frame[list(numbers)] = frame[list(numbers)].replace("", empty)
        frame = frame.astype(dict.fromkeys(numbers, float))
    except ValueError as error:
        raise InputError(f"{run}: predictions.csv: {first_line(error)}; {AGAIN.format(run)}") from None
    if len(frame) != metrics["n"]:
        raise InputError(
            f"{run}: predictions.csv has {len(frame)} rows, metrics.json says {metrics['n']}; {AGAIN.format(run)}"
        )
    return frame


@contextmanager
def open_labels(run: Path, shape: Sequence[int] | None = None) -> Iterator[tuple[Any, Any]]:
    """Labels and probabilities of ``predictions.safetensors``, (n, k) each, of which slices are read as they are taken.

    Raises
    ------
    InputError
        The file is damaged, or not of ``shape``.
    """
    file = run / "predictions.safetensors"
    try:
        with safe_open(file, framework="np") as arrays:
            labels, chances = arrays.get_slice("labels"), arrays.get_slice("probabilities")
            expected = list(shape or labels.get_shape())
            if len(expected) != 2 or labels.get_shape() != expected or chances.get_shape() != expected:
                raise ValueError(
                    f"expected {expected} examples and labels, got {labels.get_shape()} and {chances.get_shape()}"
                )
            yield labels, chances
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({' '.join(str(error).split())}); {AGAIN.format(run)}") from None


def read_table(run: Path, metrics: dict[str, Any], also: Sequence[str] = ()) -> pd.DataFrame:
    """``predictions.csv`` as text, but for ``label`` (index into the classes of ``metrics``) and probabilities.

    ``label``, a probability of each class and the columns in ``also`` have to be there; others may be.
    """
    names = list(metrics["labels"])
    frame = read_rows(run, metrics, ("label", *also), [f"p_{name}" for name in names])
    unknown = sorted(set(frame["label"]) - set(names))
    if unknown:
        raise InputError(
            f"{run}: predictions.csv holds class {unknown[0]!r}, metrics.json has {names}; {AGAIN.format(run)}"
        )
    frame["label"] = frame["label"].map({name: index for index, name in enumerate(names)}).astype(np.int64)
    return frame


def read_predictions(run: Path, metrics: dict[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """True classes (n,) and probabilities (n, k) of ``predictions.csv``; classes ordered as in ``metrics``."""
    frame = read_table(run, metrics)
    return frame["label"].to_numpy(np.int64), frame[[f"p_{name}" for name in metrics["labels"]]].to_numpy(np.float64)


def read_history(run: Path) -> pd.DataFrame | None:
    """``metrics.csv`` (one row an epoch), or None for a model that has no epochs."""
    if not (run / "metrics.csv").exists():
        return None
    try:
        history = pd.read_csv(io.StringIO(read_text(run, "metrics.csv", "train")))
    except ValueError as error:
        raise InputError(f"{run}: metrics.csv: {first_line(error)}") from None
    wanted = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    missing = [name for name in wanted if name not in history]
    if missing:
        raise InputError(f"{run}: metrics.csv lacks the columns {', '.join(missing)}")
    for name in history:
        numbers = pd.to_numeric(history[name], errors="coerce").astype(float)
        if (numbers.isna() & history[name].notna()).any():  # an empty cell is a score that there is not
            raise InputError(f"{run}: metrics.csv: expected numbers in the column {str(name)!r}")
        history[name] = numbers.where(numbers.abs() < LARGEST)  # nothing can be drawn of what is infinite
    if not (history["epoch"] % 1 == 0).all():
        raise InputError(f"{run}: metrics.csv: expected whole numbers in the column 'epoch'")
    return history.astype({"epoch": int}) if len(history) else None
