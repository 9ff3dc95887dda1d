"""Whether a run may start in its folder, or go on there: settings, checkpoint and data are compared before any work."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
import yaml

from classify.config import flat, to_yaml
from classify.distributed import world
from classify.examples import Examples
from classify.runs import RunFolder, to_csv
from classify.settings import RunSettings
from specgen.errors import InputError, first_line
from specgen.parser import load_settings

__all__ = ["SPLIT_COLUMNS", "check_folder", "check_same_data", "check_split", "split_rows", "stopped_early"]

SPLIT_COLUMNS = ("id", "group", "chromosome", "label", "split")
"""Columns of split.csv."""

PARTS = {
    **{"epoch": int, "global_step": int, "state_dict": dict, "loops": dict, "callbacks": dict},
    **{"optimizer_states": list, "lr_schedulers": list, "position": dict},
}
"""What ``last.ckpt`` consists of."""


def stopped_early(state: dict[str, Any]) -> bool:
    """Whether a checkpoint is of a run whose patience had run out: Lightning would train on."""
    stoppers = [entry for key, entry in state["callbacks"].items() if key.startswith("EarlyStopping")]
    return any(entry["wait_count"] >= entry["patience"] for entry in stoppers)


def check_folder(run: RunFolder, settings: RunSettings, resume: bool, overwrite: bool) -> dict[str, Any] | None:
    """Refuse a folder that is in use, or does not fit; the checkpoint when there is one to resume from."""
    if resume and overwrite:
        raise InputError("--resume and --overwrite: expected one of them; the first goes on, the second starts anew")
    if not resume:
        if run.config.exists() and not overwrite:
            hint = "--resume goes on, " if run.last.is_file() and run.marker.exists() else ""
            raise InputError(
                f"{run.path}: holds a run already; {hint}--overwrite starts anew, --name NAME makes another"
            )
        return None
    if not run.last.is_file():
        raise InputError(f"{run.path}: no checkpoint to resume from (expected {run.last})")
    try:
        old = load_settings(str(run.config))
        # Where the folder lies and what the screen shows do not change the result.
        new = yaml.safe_load(to_yaml(settings))
        for body in (old, new):
            body.pop("runs"), body["training"].pop("progress")
        before = _completed(flat(old), flat(yaml.safe_load(to_yaml(RunSettings(data=type(settings.data)())))))
    except InputError:
        raise
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{run.config}: cannot be read as settings ({' '.join(str(error).split())})") from None
    if differs := [key for key, value in flat(new).items() if before.get(key) != value]:
        key = differs[0]
        raise InputError(
            f"{run.config}: --resume with other settings: {key} was {before.get(key)!r}, now {flat(new)[key]!r}"
        )
    try:
        state: dict[str, Any] = torch.load(run.last, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names a dozen kinds of damage
        raise InputError(f"{run.last}: damaged checkpoint ({first_line(error)})") from None
    if lacking := _lacking(state):
        raise InputError(
            f"{run.last}: is a checkpoint of another version, or damaged (no {lacking} as expected); start anew with --overwrite"
        )
    if (before := state["position"].get("processes")) != world():
        raise InputError(f"{run.last}: --resume with another number of processes: was {before}, now {world()}")
    return state


def check_same_data(settings: RunSettings, models: Sequence[str]) -> None:
    """Refuse run folders of these models that are of other data: they would be replaced, and were to be kept or compared.

    Raises
    ------
    InputError
        Naming the folder and the first setting that differs.
    """
    new = flat({"data": yaml.safe_load(to_yaml(settings))["data"]})
    for model in models:
        folder = dataclasses.replace(settings, model=model, model_options={}).folder
        if not RunFolder(folder).config.is_file():
            continue
        body = load_settings(str(RunFolder(folder).config)).get("data")
        old = flat({"data": body})
        if differs := [key for key, value in new.items() if key in old and old[key] != value]:
            key = differs[0]
            raise InputError(
                f"{folder}: holds a run of other data: {key} was {old[key]!r}, now {new[key]!r}; --name NAME makes another, "
                "--overwrite replaces it"
            )


def _lacking(state: Any) -> str:
    """What a checkpoint lacks, of all that is read of it before the network is; empty where nothing is."""
    if not isinstance(state, dict):
        return "mapping"
    for key, kind in PARTS.items():
        if not isinstance(state.get(key), kind):
            return key
    history, position = state["callbacks"].get("History"), state["position"]
    if not isinstance(history, dict) or not all(isinstance(history.get(key), dict) for key in ("spent", "begun")):
        return "History"
    rows = history.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) for row in rows):
        return "rows of the history"
    if type(position.get("batches")) is not int or not isinstance(position.get("sums"), list):
        return "place in the epoch"
    stoppers = [entry for key, entry in state["callbacks"].items() if str(key).startswith("EarlyStopping")]
    told = [entry.get(key) for entry in stoppers if isinstance(entry, dict) for key in ("wait_count", "patience")]
    return "" if [type(value) for value in told] == [int, int] * len(stoppers) else "EarlyStopping"


def _completed(old: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Settings of a run of an earlier version, which lack the keys that came later: their defaults are what it did.

    A mapping that is empty by default is no key that is lacking where the run has keys of its own in it.
    """
    return {k: v for k, v in defaults.items() if not any(key.startswith(f"{k}.") for key in old)} | old


def check_split(run: RunFolder, examples: Examples) -> None:
    """Refuse to go on when the data has changed since ``split.csv`` was written."""
    path = run.path / "split.csv"
    now = to_csv(SPLIT_COLUMNS, split_rows(examples))
    if path.is_file() and path.read_text(encoding="utf-8", errors="surrogateescape") != now:
        raise InputError(f"{path}: the data has changed since this run was started; start anew with --overwrite")


def split_rows(examples: Examples) -> list[tuple[str, ...]]:
    """Rows of split.csv; no label where an example has several."""
    several = examples.targets is not None
    labels = ["" if several else examples.classes[label] for label in examples.labels]
    return list(zip(examples.ids, examples.groups, examples.chromosomes, labels, examples.split.tolist(), strict=True))
