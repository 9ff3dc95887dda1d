"""The storage of a study, one file of Optuna's journal in its folder, and its trials as plain records.

Everything that a table shows is in the storage. Whoever trains holds the folder's lock; reading needs none.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classify.config import flat
from specgen.errors import InputError, MissingLibrary
from specgen.files import take_lock

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["TRAINED", "Record", "create", "held", "journal", "optuna", "read_records", "reopen"]

NAME = "sweep"  # of the one study in a storage
TRAINED = ("complete", "pruned", "failed")
"""States that count as trials."""
FREE = ("base.runs", "base.name", "base.training.progress", "study.minutes", "study.keep_weights")
"""What may change between two calls: it alters no result."""


@dataclass(frozen=True)
class Record:
    """A trial.

    Attributes
    ----------
    number
        From 0, in order of their drawing.
    state
        complete, pruned, failed, impossible (there is no such combination), or unfinished.
    reason
        Of what failed or is impossible.
    values
        Axis -> label.
    curve
        Epoch from 1 -> the monitored metric after it.
    result
        folder, value, epochs, best_epoch, seconds, examples_seen, parameters and the metrics of the best epoch.
    """

    number: int
    state: str
    reason: str
    values: dict[str, Any]
    curve: dict[int, float] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)


def optuna() -> Any:
    """The library, quiet.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        import optuna as library
    except ImportError:
        raise MissingLibrary("optuna", "sweep") from None
    library.logging.set_verbosity(logging.WARNING)
    warnings.filterwarnings("ignore", category=library.exceptions.ExperimentalWarning)
    return library


def journal(folder: Path) -> Path:
    """The storage of the study in ``folder``."""
    return folder / "journal.log"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a study's folder for this process alone, its storage without what a killed one left half done.

    Raises
    ------
    InputError
        Another process holds it, or it cannot be written.
    """
    lock = take_lock(folder / ".lock", f"{folder}: another process is at work in this folder", folder)
    try:
        path = journal(folder)
        for left in folder.glob(
            f"{path.name}.lock*"
        ):  # Optuna would wait half a minute for it, or leave it there renamed
            left.unlink(missing_ok=True)
        if path.is_file() and (text := path.read_bytes()) and not text.endswith(b"\n"):
            with path.open("r+b") as file:  # Optuna would write on behind half a line, and never read it again
                file.truncate(text.rfind(b"\n") + 1)
        yield
    finally:
        lock.release()


def _storage(folder: Path) -> Any:
    library, path = optuna(), journal(folder)
    try:
        backend = library.storages.journal.JournalFileBackend(str(path))
        return library.storages.JournalStorage(backend)
    except OSError as error:
        raise InputError(f"{path}: cannot be used ({error.strerror or error})") from None
    except Exception as error:  # whatever the first line that is none leads to
        raise InputError(f"{path}: damaged storage of a study ({' '.join(str(error).split())})") from None


def create(folder: Path, wanted: Mapping[str, Any], direction: str) -> Study:
    """A new study in ``folder``; ``wanted`` is what ``reopen`` compares."""
    study: Study = optuna().create_study(storage=_storage(folder), study_name=NAME, direction=direction)
    study.set_user_attr("sweep", dict(wanted))
    return study


def reopen(folder: Path, wanted: Mapping[str, Any] | None = None, extend: bool = False) -> Study | None:
    """The study in ``folder``; None where there is none yet.

    Parameters
    ----------
    wanted
        base, space and study of the sweep that is to go on; None = whatever it is.
    extend
        More trials than it was begun with are welcome.

    Raises
    ------
    InputError
        A damaged storage, or a study of another base, space or search.
    """
    if not journal(folder).is_file():
        return None
    storage = _storage(folder)
    try:
        study: Study = optuna().load_study(storage=storage, study_name=NAME)
        kept = study.user_attrs["sweep"]
    except KeyError:  # stopped between its making and its first line
        return None
    if wanted is None:
        return study
    wanted = json.loads(json.dumps(wanted))
    old, new = flat(kept), flat(wanted)
    for key in dict.fromkeys([*new, *old]):
        if key in FREE or old.get(key, ...) == new.get(key, ...):
            continue
        was, now = (json.dumps(body[key], ensure_ascii=False) if key in body else "absent" for body in (old, new))
        told = f"{folder}: holds a study of other settings: {key} was {was}, now {now}"
        if key != "study.trials":
            raise InputError(f"{told}; another study.name begins another")
        if not extend or new[key] < old[key]:
            raise InputError(f"{told}; --extend goes on to more trials")
    study.set_user_attr("sweep", wanted)
    return study


def read_records(study: Study) -> list[Record]:
    """All trials in order, without those that only repeated another."""
    from optuna.trial import TrialState

    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    found = []
    for trial in study.get_trials(deepcopy=False):
        told = trial.user_attrs
        state = "impossible" if "impossible" in told else states.get(trial.state, "unfinished")
        if "repeats" not in told and trial.state != TrialState.WAITING:
            reason = told.get("impossible") or told.get("failed") or ""
            curve = dict(sorted(trial.intermediate_values.items()))
            found.append(Record(trial.number, state, reason, dict(trial.params), curve, dict(told.get("result", {}))))
    return found
