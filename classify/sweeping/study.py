"""The search: points are drawn by Optuna, tried one after the other, and told back. It can be stopped at any time.

The draw of trial n depends on the seed, n, and what the trials before it gave; so a search that was stopped, and went
on, is the one that never was stopped.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from classify.config import to_yaml
from classify.examples import Examples
from classify.models import MODELS
from classify.settings import RunSettings
from classify.sweeping.records import TRAINED, create, held, optuna, read_records, reopen
from classify.sweeping.settings import StudySettings
from classify.sweeping.space import Axis, point
from classify.sweeping.trials import settle, train_trial
from classify.tasks import TASKS
from classify.training import check
from specgen.colour import PALETTES
from specgen.errors import InputError, refused
from specgen.files import write_atomic
from specgen.representations import REPRESENTATIONS

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

__all__ = ["sweep"]

LEARNED, DRAWS = 3, 50
"""Draws in a row that are of no use (impossible, or tried before) until the next ones are random: what is good by itself
need not go together, and tpe would propose it again and again. And until a finite space is gone through instead."""
FAILURES = 3
"""Trainings in a row that fail before the search is given up: something else is wrong then."""
LISTED = 1_000_000
"""Points of the largest space that is gone through."""
NAMED: dict[str, Any] = {"image.palette": PALETTES, "image.representation": REPRESENTATIONS, "model": MODELS}


def sweep(
    base: RunSettings,
    axes: tuple[Axis, ...],
    options: StudySettings,
    wanted: Mapping[str, Any],
    folder: Path,
    *,
    extend: bool = False,
    after: Callable[[Study], None] = lambda study: None,
) -> Study:
    """Search ``axes`` around ``base``, or go on with it.

    Parameters
    ----------
    wanted
        base, space and study as plain data, to be compared with those of an earlier call.
    folder
        Of the study's storage.
    extend
        More trials than an earlier call asked for are welcome.
    after
        Called with the study after each trial.

    Raises
    ------
    InputError
        A name that does not exist, data that cannot be read, a study of other settings, or training after training that
        fails.
    Interrupted
        On Ctrl-C.
    """
    for axis in axes:
        for choice in axis.choices if axis.key in NAMED else ():
            if choice:  # an empty representation is the palette's own
                NAMED[axis.key][choice]
    search = _Search(base, axes, options)
    search.examples(base)  # data that cannot be read is no matter of a combination
    with held(folder):
        study = reopen(folder, wanted, extend)
        if study is None:
            write_atomic(folder / "base.yaml", to_yaml(base))
            study = create(folder, wanted, options.direction)
        search.go_on(study, after)
    return study


class _Search:
    """A study at work."""

    study: Study

    def __init__(self, base: RunSettings, axes: tuple[Axis, ...], options: StudySettings) -> None:
        self.base, self.axes, self.options = base, axes, options
        self.library = optuna()
        self._loaded: tuple[str, Examples] | None = None
        self._order = self._points()

    def examples(self, settings: RunSettings) -> Examples:
        """The examples of a run; those of the last one when its data settings are the same."""
        key = json.dumps(dataclasses.asdict(settings.data), sort_keys=True)
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = key, TASKS[settings.task](settings.data).load()
        return self._loaded[1]

    def go_on(self, study: Study, after: Callable[[Study], None]) -> None:
        """Train until there are as many trials as wanted, time is up, or nothing is left to try."""
        self.study, began, failed = study, time.monotonic(), 0
        study.pruner = self._pruner()
        for done in study.get_trials(deepcopy=False):
            if done.state.is_finished() and "folder" in done.user_attrs:
                settle(Path(done.user_attrs["folder"]), self.options)  # killed between the end of a trial and this
        while (count := sum(record.state in TRAINED for record in read_records(study))) < self.options.trials:
            if self.options.minutes and time.monotonic() - began > 60 * self.options.minutes:
                print(f"{count} of {self.options.trials} trials; stopped after study.minutes", flush=True)
                return
            if (found := self._next()) is None:
                print(f"{count} trials; no combination was found that can be trained and was not tried", flush=True)
                return
            why = self._train(*found)
            after(study)
            failed = failed + 1 if why else 0
            if failed == FAILURES:
                raise InputError(f"{FAILURES} trainings in a row failed, the last one: {why}")

    def _train(self, trial: Trial, settings: RunSettings) -> str:
        """Train a trial and tell the study; why it failed, or nothing."""
        states, told = self.library.trial.TrialState, _shown(trial.params)
        if "folder" not in trial.user_attrs:
            if settings.folder.exists():
                raise InputError(f"{settings.folder}: is there already; expected a study.name without runs of its own")
            trial.set_user_attr("folder", str(settings.folder))
        print(f"\ntrial {trial.number}: {told}", flush=True)
        why = ""
        try:
            result = train_trial(trial, settings, self.examples(settings), self.options)
            trial.set_user_attr("result", result)
            if not math.isfinite(result["value"]):
                why = f"{self.options.monitor} is {result['value']}"
        except InputError as error:
            if refused(error):  # by the machine: no fault of this point, which is to be trained again
                raise
            why = str(error)
        if why:
            trial.set_user_attr("failed", why)
            self.study.tell(trial, state=states.FAIL)
            end = f"failed: {why}"
        elif "pruned_at" in trial.user_attrs:
            self.study.tell(trial, state=states.PRUNED)
            end = f"pruned after epoch {result['epochs']}: {self.options.monitor} {result['value']:.4f}"
        else:
            self.study.tell(trial, result["value"])
            end = f"{self.options.monitor} {result['value']:.4f} (epoch {result['best_epoch']} of {result['epochs']})"
        settle(settings.folder, self.options)
        print(f"trial {trial.number}: {end}", flush=True)
        gc.collect()  # what one trial held must not be in the next one's way
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return why

    # Drawing

    def _next(self) -> tuple[Trial, RunSettings] | None:
        """The next point that can be trained: one that was interrupted, or a new one; None when there is none left."""
        running = self.study.get_trials(deepcopy=False, states=(self.library.trial.TrialState.RUNNING,))
        for frozen in running:
            self._seed(frozen.number, at_random=self._useless() >= LEARNED)
            if settings := self._consider(self.library.trial.Trial(self.study, frozen._trial_id)):
                return self.library.trial.Trial(self.study, frozen._trial_id), settings
        while self.options.sampler != "grid" and (useless := self._useless()) < DRAWS:
            self._seed(len(self.study.get_trials(deepcopy=False)), at_random=useless >= LEARNED)
            trial = self.study.ask()
            if settings := self._consider(trial):
                return trial, settings
        for values in self._order:
            if tuple(values.values()) in self._tried():
                continue
            self.study.enqueue_trial(values)
            trial = self.study.ask()
            if settings := self._consider(trial):
                return trial, settings
        return None

    def _consider(self, trial: Trial) -> RunSettings | None:
        """Settings of a trial; None, and the trial told so, when it repeats another or there are none."""
        fail = self.library.trial.TrialState.FAIL
        values = {axis.key: _suggest(trial, axis) for axis in self.axes}
        if (other := self._tried(trial.number).get(tuple(values.values()))) is not None:
            trial.set_user_attr("repeats", other)
            self.study.tell(trial, state=fail)
            return None
        if "folder" in trial.user_attrs:
            return self._settings(trial)
        try:
            settings = self._settings(trial)
            check(settings, self.examples(settings))
        except InputError as error:
            trial.set_user_attr("impossible", str(error))
            # Failed trials teach the sampler nothing: a value must not suffer for the company it was in.
            self.study.tell(trial, state=fail)
            print(f"\ntrial {trial.number}: {_shown(values)}\ntrial {trial.number}: impossible: {error}", flush=True)
            return None
        return settings

    def _useless(self) -> int:
        """Draws that were of no use since the last one that was."""
        ended = [trial.user_attrs for trial in self.study.get_trials(deepcopy=False) if trial.state.is_finished()]
        useful = [i for i, told in enumerate(ended) if not told.keys() & {"repeats", "impossible"}]
        return len(ended) - 1 - useful[-1] if useful else len(ended)

    def _tried(self, but: int = -1) -> dict[tuple[Any, ...], int]:
        """Points that are in the storage -> number of their trial."""
        keys = [axis.key for axis in self.axes]
        return {
            tuple(trial.params[key] for key in keys): trial.number
            for trial in self.study.get_trials(deepcopy=False)
            if trial.number != but and "repeats" not in trial.user_attrs and trial.params.keys() >= set(keys)
        }

    def _settings(self, trial: Trial | FrozenTrial) -> RunSettings:
        name = f"{self.options.name}_{trial.number}"
        return point(self.base, self.axes, trial.params, name=name, training__monitor=self.options.monitor)

    def _points(self) -> Iterator[dict[str, Any]]:
        """All points of a finite space in an order drawn by the seed; none of one that is not, or is too large."""
        listed = [axis.values() for axis in self.axes]
        sizes = [len(values or ()) for values in listed]
        total = math.prod(sizes)
        if self.options.sampler == "grid":
            if not total:
                key = next(axis.key for axis, size in zip(self.axes, sizes, strict=True) if not size)
                raise InputError(f"space.{key}: sampler grid expects choices, or a range with a step")
            if total > LISTED:
                raise InputError(f"space: sampler grid expects at most {LISTED:,} combinations, got {total:,}")
        if total > LISTED:
            return iter(())
        order = np.random.default_rng(self.options.seed).permutation(total)
        return (
            {axis.key: values[place] for axis, values, place in zip(self.axes, listed, places, strict=True) if values}
            for places in (np.unravel_index(i, sizes) for i in order)
        )

    def _seed(self, number: int, *, at_random: bool) -> None:
        """A sampler for trial ``number`` alone, so that no state of a generator has to be saved."""
        seed = int(np.random.SeedSequence([self.options.seed, number]).generate_state(1)[0])
        samplers = self.library.samplers
        if self.options.sampler == "tpe" and not at_random:
            self.study.sampler = samplers.TPESampler(
                seed=seed, n_startup_trials=self.options.startup, multivariate=True
            )
        else:
            self.study.sampler = samplers.RandomSampler(seed=seed)

    def _pruner(self) -> Any:
        pruners, (first, ratio) = self.library.pruners, self.options.series
        epochs = [axis.high if not axis.choices else max(axis.choices) for axis in self.axes if axis.key == EPOCHS]
        made = {
            "none": pruners.NopPruner,
            "median": lambda: pruners.MedianPruner(n_startup_trials=self.options.startup),
            "halving": lambda: pruners.SuccessiveHalvingPruner(min_resource=first, reduction_factor=ratio),
            "hyperband": lambda: pruners.HyperbandPruner(
                first, int(max(first, *epochs, self.base.training.epochs)), ratio
            ),
        }
        return made[self.options.pruner]()


EPOCHS = "training.epochs"


def _suggest(trial: Trial, axis: Axis) -> Any:
    if axis.choices:
        return trial.suggest_categorical(axis.key, axis.labels)
    if axis.whole:
        return trial.suggest_int(axis.key, int(axis.low), int(axis.high), step=int(axis.step) or 1, log=axis.log)
    return trial.suggest_float(axis.key, axis.low, axis.high, step=axis.step or None, log=axis.log)


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
