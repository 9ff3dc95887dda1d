"""Trivial baselines: a few numbers per window, and scikit-learn's logistic regression, on the same examples and splits.

Every claim about pictures stands beside these. A baseline is a function from windows and whole lengths to features;
its penalty is chosen on validation. The results go into run folders like any other, so that ``compare`` reads them.
Sources: period-3 identity of Yin & Yau 2005 (J. Comput. Biol. 12:1153); noise floor: mean off-DC Voss power.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classify.config import to_yaml
from classify.cost import Meter, environment
from classify.datasets import EpochSampler, TileDataset, TrainDataset
from classify.evaluation import write_results
from classify.examples import Examples
from classify.module import average_tiles
from classify.runs import RunFolder
from classify.settings import RunSettings
from classify.tasks import TASKS
from specgen.errors import InputError
from specgen.files import write_atomic
from specgen.registry import Registry
from specgen.sequences import INDICATORS, Codes

__all__ = ["BASELINES", "Baseline", "fit_baseline", "register_baseline"]

Floats = NDArray[np.float64]
Features = Callable[[Codes, NDArray[np.int64]], Floats]

PASSES = 5
"""Epochs whose crops are kept in memory at once; 6-mers of 12,000 crops are 200 MB."""

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse L2 penalties tried; validation AUROC chooses."""


@dataclass(frozen=True)
class Baseline:
    """``features(windows uint8 (B, L), lengths int64 (B,)) -> float64 (B, F)``, and one line for reports."""

    features: Features
    note: str


BASELINES: Registry[Baseline] = Registry("baseline")


def register_baseline(name: str, note: str) -> Callable[[Features], Features]:
    """Decorator: add a feature function under ``name``."""

    def register(features: Features) -> Features:
        BASELINES.add(name, Baseline(features, note))
        return features

    return register


@register_baseline("length", "log length of the whole record, which the fixed crop hides from the networks")
def length(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 1) natural log of the record's length in nt."""
    return np.log(np.maximum(lengths, 1).astype(np.float64))[:, None]


@register_baseline("length_mod3", "whole length modulo 3: every complete CDS gives 0, which the fixed crop hides")
def length_mod3(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 3) one-hot remainder."""
    return np.eye(3)[lengths % 3]


@register_baseline("gc", "GC share of the window")
def gc_content(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 1) share of G and C; an ambiguity letter counts its share."""
    share: Floats = INDICATORS[windows].mean(axis=1)[:, 1:3].sum(axis=1, keepdims=True).astype(np.float64)
    return share


@register_baseline("period3_snr", "power at 1/3 cycles/base over the mean power, from phase counts (Yin & Yau 2005)")
def period3_snr(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 1) log of P(N/3) over the mean off-DC Voss power; needs no Fourier transform."""
    n = windows.shape[1] // 3 * 3
    counts = INDICATORS[windows[:, :n]].reshape(len(windows), n // 3, 3, 4).sum(axis=1).astype(np.float64)
    first, second, third = counts[:, 0], counts[:, 1], counts[:, 2]
    peak = (counts**2).sum(axis=1) - first * second - second * third - first * third
    totals = counts.sum(axis=1)
    floor = (n - (totals**2).sum(axis=1) / n) * n / (n - 1) / n
    return np.log((peak.sum(axis=1) / n + 1e-3) / (floor + 1e-3))[:, None]


def kmer_frequencies(windows: Codes, k: int) -> Floats:
    """(B, 4**k) frequencies of the k-mers of unambiguous letters, in the order of base-4 numbers over A, C, G, T."""
    digit = np.full(16, -1, dtype=np.int64)
    digit[[1, 2, 4, 8]] = np.arange(4)
    digits = digit[windows]
    index = np.zeros((len(windows), windows.shape[1] - k + 1), dtype=np.int64)
    valid = np.ones(index.shape, dtype=bool)
    for offset in range(k):
        part = digits[:, offset : offset + index.shape[1]]
        index = index * 4 + part
        valid &= part >= 0
    counts = np.zeros((len(windows), 4**k))
    rows = np.broadcast_to(np.arange(len(windows))[:, None], index.shape)
    flat = np.bincount(rows[valid] * 4**k + index[valid], minlength=counts.size)
    counts += flat.reshape(counts.shape)
    frequencies: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return frequencies


@register_baseline("kmer3", "frequencies of 1-, 2- and 3-mers")
def kmers_to_3(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 84)."""
    return np.concatenate([kmer_frequencies(windows, k) for k in (1, 2, 3)], axis=1)


@register_baseline("kmer6", "frequencies of 6-mers")
def kmers_of_6(windows: Codes, lengths: NDArray[np.int64]) -> Floats:
    """(B, 4096)."""
    return kmer_frequencies(windows, 6)


def fit_baseline(name: str, settings: RunSettings, examples: Examples) -> dict[str, Any]:
    """Fit one baseline, score the test split, write ``<runs>/<task>/<baseline>/<name>``.

    Training sees the crops of the networks' epochs, ``PASSES`` at most; validation and test see the networks' tiles,
    their decision values averaged alike.

    Returns
    -------
    dict
        The body of ``metrics.json``.

    Raises
    ------
    InputError
        Examples that are pictures: the letters are gone.
    """
    baseline = BASELINES[name]
    if examples.kind != "codes":
        raise InputError(f"baseline {name!r} reads letters, which cannot be made from {examples.kind}")
    settings = dataclasses.replace(settings, model=name, model_options={})
    run, task = RunFolder(settings.folder), TASKS[settings.task](settings.data)
    run.begin("the baseline is not finished; repeat: python -m classify baselines")
    write_atomic(run.config, to_yaml(settings))
    run.write_json("environment.json", environment())
    meter = Meter()
    train, val, test = (examples.part(split) for split in ("train", "val", "test"))
    sampler = EpochSampler(train.labels, settings.seed, balance=task.balanced, batch_size=settings.training.batch_size)
    keys: list[int] = []
    for epoch in range(min(settings.training.epochs, PASSES)):
        sampler.set_epoch(epoch)
        keys += sampler.keys().tolist()
    x, y, _ = _table(TrainDataset(train, settings.seed), train, baseline, keys)
    val_table = _table(TileDataset(val, settings.training.val_tiles), val, baseline)
    test_table = _table(TileDataset(test, settings.training.test_tiles), test, baseline)
    best, chosen = -1.0, 0.0
    for penalty in PENALTIES:
        candidate = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=500)).fit(x, y)
        logits, labels = _score(candidate, val_table)
        if (score := roc_auc_score(labels, logits[:, 1] - logits[:, 0])) > best:
            best, chosen, model = score, penalty, candidate
    logits, _ = _score(model, test_table)
    regression = model[-1]
    cost = {
        **meter.read(),
        "parameters": int(regression.coef_.size + regression.intercept_.size),
        "examples_seen": len(y),
    }
    run.write_json(
        "model.json", {"coefficients": regression.coef_.tolist(), "intercept": regression.intercept_.tolist()}
    )
    return write_results(
        run,
        task,
        test,
        logits,
        np.bincount(test_table[2], minlength=len(test)),
        name=settings.name,
        model=name,
        note=f"Logistic regression on: {baseline.note}. Inverse penalty {chosen:g}, chosen on validation.",
        cost=cost,
        data=examples.counts,
        seed=settings.seed,
        command=f"baselines --only {name}",
    )


Table = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


def _table(
    dataset: TrainDataset | TileDataset, examples: Examples, baseline: Baseline, keys: Sequence[int] | None = None
) -> Table:
    """Features, labels and rows of every window of a data set, a few hundred windows at a time."""
    keys = range(len(dataset)) if keys is None else keys
    columns: list[Table] = []
    for begin in range(0, len(keys), 512):
        windows, labels, rows = (column.numpy() for column in dataset.__getitems__(keys[begin : begin + 512]))
        columns.append((baseline.features(windows, examples.lengths[rows]).astype(np.float32), labels, rows))
    features, labels, rows = (np.concatenate(column) for column in zip(*columns, strict=True))
    return features, labels, rows


def _score(model: Any, table: Table) -> tuple[Floats, NDArray[np.int64]]:
    """Logits (n, 2) and labels of the examples, tiles averaged."""
    features, labels, rows = table
    decision = model.decision_function(features)
    return average_tiles(np.stack([-decision / 2, decision / 2], axis=1), labels, rows)
