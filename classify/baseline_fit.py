"""Fitting a letter baseline and scoring with what was stored.

A run scores with the very object that ``model.json`` gives back, so that a reloaded baseline answers in the same bits.
Fits and scores run on one thread and on rows in a fixed order: sums do not depend on the machine's number of cores.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from classify.baselines import BASELINES, Baseline, State
from classify.config import to_yaml
from classify.cost import Meter, environment, reset_peaks, scored, trained
from classify.datasets import TileDataset, TrainDataset
from classify.evaluation import write_results
from classify.examples import Examples, check_trainable
from classify.fitted import FittedBaseline, load_baseline
from classify.folders import SPLIT_COLUMNS, split_rows
from classify.module import average_tiles
from classify.one_vs_rest import fit_labels
from classify.runs import Results, RunFolder
from classify.sampling import make_sampler
from classify.settings import RunSettings
from classify.tasks import TASKS, Task
from specgen.errors import InputError
from specgen.files import alone, write_atomic
from specgen.sequences import Codes

__all__ = ["evaluate_baseline", "fit_baseline"]

Floats = NDArray[np.float64]

PASSES = 5
"""Epochs whose crops are kept in memory at once; 6-mers of 12,000 crops are 200 MB."""

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse L2 penalties tried; validation AUROC chooses."""

AT_ONCE = 512
"""Windows whose features are computed together."""


def fit_baseline(name: str, settings: RunSettings, examples: Examples) -> dict[str, Any]:
    """Fit one baseline, score the test split, write ``<runs>/<task>/<baseline>/<name>``.

    Training sees the crops of the networks' epochs, ``PASSES`` at most, and what has to be learnt first comes from whole
    training records; validation and test see the networks' tiles, their decision values averaged alike.

    Returns
    -------
    dict
        The body of ``metrics.json``.

    Raises
    ------
    InputError
        Examples that are pictures (the letters are gone), of more than two classes, or with nothing to fit to.
    """
    baseline = BASELINES[name]
    _check_letters(name, examples)
    check_trainable(examples)
    if examples.targets is not None and baseline.learn is not None:
        raise InputError(f"baseline {name!r} learns from records of two classes, and these have several labels each")
    if examples.targets is None and len(examples.classes) != 2:
        raise InputError(f"baseline {name!r} tells two classes apart, got {', '.join(examples.classes)}")
    settings = dataclasses.replace(settings, model=name, model_options={})
    with alone(settings.folder):
        return _fit(baseline, settings, examples)


def _fit(baseline: Baseline, settings: RunSettings, examples: Examples) -> dict[str, Any]:
    run, task = RunFolder(settings.folder), TASKS[settings.task](settings.data)
    run.begin("the baseline is not finished; repeat: python -m classify baselines")
    run.clear()
    write_atomic(run.config, to_yaml(settings))
    run.write_json("environment.json", environment())
    run.write_csv("split.csv", SPLIT_COLUMNS, split_rows(examples))
    # The process may have fitted others before: without a new start its peak says nothing about this one.
    meter, fresh = Meter(), reset_peaks()
    train, val = examples.part("train"), examples.part("val")
    task.begin(train)
    columns, rows = task.listed()
    if rows:
        run.write_csv(run.labels.name, columns, rows)
    with threadpool_limits(1):
        state = baseline.state(train, task.frame)
        keys = _keys(train, settings, task.balanced)
        drawn = TrainDataset(train, settings.seed, reshuffle=settings.augment.reshuffle)
        x, y, _ = _table(drawn, train, baseline, state, keys)
        tiles = _table(TileDataset(val, settings.training.val_tiles), val, baseline, state)
        fitted = _chosen(baseline, state, x, y, tiles, task)
        validated = _averaged(fitted, tiles)
        decided = task.decide(*validated)
    if decided:
        run.write_json(run.decided.name, decided)
    run.write_json(run.baseline.name, fitted.body())
    spent = meter.read() if fresh else {**meter.read(), "peak_rss_bytes": None}
    cost = trained(spent, seen=len(y), parameters=fitted.coefficients.size + fitted.intercept.size)
    told = {f"val_{name}": value for name, value in task.validation(*validated).items()}
    run.write_json("training.json", {"cost": cost, "training": told})
    return evaluate_baseline(settings, run, examples)


def _check_letters(name: str, examples: Examples) -> None:
    if examples.kind != "codes":
        raise InputError(f"baseline {name!r} reads letters, which cannot be made from {examples.kind}")


def _keys(train: Examples, settings: RunSettings, balanced: bool) -> list[int]:
    """The crops of the first epochs, in order of epoch and row."""
    sampler = make_sampler(train, settings.seed, settings.training, balance=balanced)
    keys: list[int] = []
    for epoch in range(min(settings.training.epochs, PASSES)):
        sampler.set_epoch(epoch)
        keys += sorted(sampler.keys().tolist())
    return keys


def _chosen(
    baseline: Baseline, state: State, x: NDArray[np.float32], y: NDArray[Any], tiles: Table, task: Task
) -> FittedBaseline:
    """The fit whose penalty gives the best validation AUROC (of several labels their mean), the stronger penalty of equals."""
    scaler = StandardScaler().fit(x)
    if baseline.one_scale:
        scaler.scale_ = np.full_like(scaler.scale_, np.sqrt(scaler.var_.mean()) or 1.0)
    scaled = scaler.transform(x)
    mean, scale = (np.asarray(column, dtype=np.float64) for column in (scaler.mean_, scaler.scale_))
    candidates: list[tuple[float, float, FittedBaseline]] = []
    for penalty in PENALTIES:
        if y.ndim == 1:
            regression = LogisticRegression(C=penalty, max_iter=500).fit(scaled, y)
            coefficients, intercept = regression.coef_, regression.intercept_
        else:
            before = candidates[-1][2] if candidates else None
            start = None if before is None else (before.coefficients, before.intercept)
            coefficients, intercept = fit_labels(scaled, y, penalty, start)
        fitted = FittedBaseline(
            baseline, state, mean, scale, coefficients.astype(np.float64), intercept.astype(np.float64), penalty
        )
        labels, logits = _averaged(fitted, tiles)
        candidates.append((_auroc(labels, logits, task), -penalty, fitted))
    return max(candidates, key=lambda candidate: candidate[:2])[2]


def _auroc(labels: NDArray[Any], logits: Floats, task: Task) -> float:
    if labels.ndim == 2:
        return task.quick_metrics(labels, logits)["auroc"]
    return float(roc_auc_score(labels, logits[:, 1] - logits[:, 0]))


def _averaged(fitted: FittedBaseline, tiles: Table) -> tuple[NDArray[Any], Floats]:
    """Labels and logits of the examples of a table of tiles."""
    features, labels, rows = tiles
    logits, labels = average_tiles(_logits(fitted.decide(features), labels), labels, rows)
    return labels, logits


def evaluate_baseline(
    settings: RunSettings, run: RunFolder, examples: Examples, into: Results | None = None
) -> dict[str, Any]:
    """Score the test examples with the baseline of a run folder; the counterpart of ``evaluation.evaluate``.

    Parameters
    ----------
    into
        Where the results go; default: to the run itself.

    Raises
    ------
    InputError
        No fitted baseline there, or examples that are pictures.
    """
    into = into or Results(run, settings.name)
    _check_letters(settings.model, examples)
    fitted, test = load_baseline(run, settings.model), examples.part("test")
    told, meter = run.read_training(), Meter()
    dataset = TileDataset(test, settings.training.test_tiles)
    decisions = []
    with threadpool_limits(1):
        for windows, _, rows in _batches(dataset, range(len(dataset))):
            decisions.append(fitted.decide(fitted.features(windows, test.lengths[rows])))
    every = np.arange(len(test))
    logits, _ = average_tiles(
        _logits(np.concatenate(decisions), test.truths(every)), test.labels[dataset.rows], dataset.rows
    )
    tiles = np.bincount(dataset.rows, minlength=len(test))
    cost = {**told["cost"], **scored(meter.read(), int(tiles.sum()))}
    return write_results(
        into.folder,
        TASKS[settings.task](settings.data),
        test,
        logits,
        tiles,
        name=into.name,
        split=into.split,
        repeat=into.repeat,
        model=settings.model,
        note=fitted.note,
        cost=cost,
        training=told["training"],
        data={**examples.counts, "test_tiles": int(tiles.sum())},
        seed=settings.seed,
        decided=run.read_decided(),
        command=f"baselines --only {settings.model}",
    )


Table = tuple[NDArray[np.float32], NDArray[Any], NDArray[np.int64]]


def _features(baseline: Baseline, state: State, windows: Codes, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    return baseline(windows, lengths, state).astype(np.float32)


def _batches(dataset: TrainDataset | TileDataset, keys: Sequence[int]) -> Any:
    """Windows, labels and rows of the keys, a few hundred at a time."""
    for begin in range(0, len(keys), AT_ONCE):
        yield tuple(column.numpy() for column in dataset.__getitems__(keys[begin : begin + AT_ONCE]))


def _table(
    dataset: TrainDataset | TileDataset,
    examples: Examples,
    baseline: Baseline,
    state: State,
    keys: Sequence[int] | None = None,
) -> Table:
    """Features, labels and rows of every window of a data set."""
    columns: list[Table] = []
    for windows, labels, rows in _batches(dataset, range(len(dataset)) if keys is None else keys):
        columns.append((_features(baseline, state, windows, examples.lengths[rows]), labels, rows))
    features, labels, rows = (np.concatenate(column) for column in zip(*columns, strict=True))
    return features, labels, rows


def _logits(decision: Floats, labels: NDArray[Any]) -> Floats:
    """The decision values (n, k) of ``labels`` (n, k) as they are; of two classes, two whose difference they are, (n, 2)."""
    return decision if labels.ndim == 2 else np.concatenate([-decision / 2, decision / 2], axis=1)
