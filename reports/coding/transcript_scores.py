"""Regressions on transcripts, how tiles become a verdict, and what test scores are worth; see ``transcripts.py``.

Arrays in, numbers out. Scores are log odds [nats] or anything else that grows with coding potential.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from classify.bootstrap import paired_difference
from classify.metrics import bootstrap_draws, classification_metrics
from classify.pooling import POOLS, log_odds
from classify.transcripts import LETTER_FEATURES, tile_features

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PUBLISHED = 0.9927
"""CPAT's AUROC on its 4,000 + 4,000 transcripts, trained on 10,000 + 10,000 others (Wang et al. 2013); no interval is given."""

LETTER_MODELS = {
    "cpat_code": ("length", "orf", "fickett", "hexamer"),
    "cpat_code_without_length": ("orf", "fickett", "hexamer"),
    "cpat_paper": ("orf", "coverage", "fickett", "hexamer"),
    "fickett_hexamer": ("fickett", "hexamer"),
    "longest_orf": ("orf",),
    "length": ("length",),
}
"""Features of each regression on letters: CPAT as its code and as its paper have it, and parts of it."""

REFERENCE = "cpat_code"

RULES = (*POOLS, "top:2", "top:5", "run:2", "run:3", "run:5")
"""Rules of pooling that validation chooses from, beside the regression on statistics of tiles."""

HEAD = "head"
FOLDS = 5


@dataclass(frozen=True)
class Scores:
    """What one system says of every validation and test transcript.

    Attributes
    ----------
    name
        For tables.
    about
        What it is, and what validation chose.
    val, test
        float64 (n,) scores.
    """

    name: str
    about: str
    val: Floats
    test: Floats


def columns(names: Sequence[str]) -> list[int]:
    """Where features stand in ``LETTER_FEATURES``."""
    return [LETTER_FEATURES.index(name) for name in names]


def fitted(features: Floats, labels: Ints) -> Pipeline:
    """Logistic regression on standardised features; both classes weigh the same, and the penalty is next to none."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e3, max_iter=2000, class_weight="balanced"))
    return model.fit(features, labels)


def crossed(features: Floats, labels: Ints, groups: Sequence[str], test: Floats) -> tuple[Floats, Floats]:
    """Scores of the validation transcripts, each by a regression fitted to the other folds' groups, and of the test
    transcripts by one fitted to all of validation."""
    scores = np.zeros(len(labels))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for kept, held in folds.split(features, labels, np.asarray(groups)):
        scores[held] = fitted(features[kept], labels[kept]).decision_function(features[held])
    return scores, fitted(features, labels).decision_function(test)


def pooled(rule: str, tiles: Sequence[NDArray[np.floating]]) -> Floats:
    """(n,) log odds of transcripts from those of the tiles of each, by a rule of ``POOLS``."""
    pool = POOLS[rule]
    both = (np.stack([np.zeros(len(odds)), odds], axis=1) for odds in tiles)
    return log_odds(np.stack([pool(logits) for logits in both]))


def chosen_pool(
    name: str,
    val: Sequence[NDArray[np.floating]],
    test: Sequence[NDArray[np.floating]],
    labels: Ints,
    groups: Sequence[str],
) -> tuple[Scores, dict[str, float]]:
    """The scores by the rule that is best on validation, and each rule's validation AUROC; log odds of tiles come in."""
    found = {rule: pooled(rule, val) for rule in RULES}
    found[HEAD], head_test = crossed(tile_features(val), labels, groups, tile_features(test))
    aurocs = {rule: float(roc_auc_score(labels, scores)) for rule, scores in found.items()}
    best = max(aurocs, key=aurocs.__getitem__)
    told = "logistic regression on statistics of tiles" if best == HEAD else POOLS[best].note
    return Scores(name, told, found[best], head_test if best == HEAD else pooled(best, test)), aurocs


def fusion_features(tiles: Sequence[NDArray[np.floating]], letters: Floats) -> Floats:
    """Statistics of tiles beside CPAT's features, lengths as logarithms."""
    logs = letters.copy()
    where = columns(["length", "orf"])
    logs[:, where] = np.log1p(logs[:, where])
    return np.concatenate([tile_features(tiles), logs], axis=1)


def best_cutoff(labels: Ints, scores: Floats) -> float:
    """The score above which transcripts are called coding: largest sum of sensitivity and specificity, half-way to the next
    lower score. The classes' sizes do not enter, since the test set's are not those of validation."""
    false, true, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    threshold = thresholds[1:][int((true - false)[1:].argmax())]
    lower = scores[scores < threshold]
    return float((threshold + lower.max()) / 2 if len(lower) else threshold - 1)


def two_columns(margins: Floats) -> Floats:
    """(n, 2) "probabilities" in the order of the margins, one half where they are 0: neither end saturates as a sigmoid does."""
    positive = 0.5 + 0.5 * margins / (1 + np.abs(margins))
    return np.stack([1 - positive, positive], axis=1)


def judged(
    systems: Sequence[Scores],
    val_labels: Ints,
    labels: Ints,
    groups: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    resamples: int,
) -> dict[str, Any]:
    """Test AUROC and accuracy of each system with 95 % intervals over loci, and AUROC differences of pairs of them.

    Parameters
    ----------
    groups
        (n_test,) locus of each test transcript.
    pairs
        Names of systems, (a, b) for a - b.
    """
    body: dict[str, Any] = {"systems": {}, "differences": []}
    draws = {}
    for system in systems:
        cutoff = best_cutoff(val_labels, system.val)
        chances = two_columns(system.test - cutoff)
        values = classification_metrics(labels, chances, positive=1)
        draws[system.name] = bootstrap_draws(labels, chances, groups, resamples=resamples, seed=0, positive=1)
        called = system.test > cutoff
        body["systems"][system.name] = {
            "about": system.about,
            "val_auroc": float(roc_auc_score(val_labels, system.val)),
            **{key: _interval(values[key], draws[system.name][key]) for key in ("auroc", "accuracy")},
            "sensitivity": float(called[labels == 1].mean()),
            "specificity": float(1 - called[labels == 0].mean()),
            "cutoff": cutoff,
            "minus_published": _interval(values["auroc"] - PUBLISHED, draws[system.name]["auroc"] - PUBLISHED),
        }
    for one, other in pairs:
        value = body["systems"][one]["auroc"]["value"] - body["systems"][other]["auroc"]["value"]
        found = paired_difference(draws[one]["auroc"], draws[other]["auroc"], value)
        body["differences"].append({"of": one, "from": other, "value": value, "low": found.low, "high": found.high})
    return body


def _interval(value: float, draws: Floats) -> dict[str, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"value": float(value), "low": float(low), "high": float(high)}


def table(body: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "# Verdicts on whole transcripts",
        "",
        f"CPAT's test set: {body['test']['coding']} mRNA and {body['test']['noncoding']} lincRNA, {body['test']['loci']} loci; "
        f"all have a verdict. CPAT's own AUROC is {PUBLISHED:.4f} (published, trained on other data, no interval given). "
        f"The regressions on letters were fitted to {body['training']['chosen']}. "
        f"95 % intervals: {body['resamples']} resamples of loci. "
        "Fickett's score is that of the corrected table, and an ORF is complete, from ATG to a stop, in both of which CPAT's own "
        "code differs. Everything was chosen on validation.",
        "",
        "| system | what | validation AUROC | test AUROC | minus published | accuracy | sensitivity | specificity |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in body["systems"].items():
        lines.append(
            f"| {name} | {row['about']} | {row['val_auroc']:.4f} | {_told(row['auroc'])} | {_told(row['minus_published'], '+')} "
            f"| {_told(row['accuracy'])} | {row['sensitivity']:.3f} | {row['specificity']:.3f} |"
        )
    lines += ["", "| AUROC of | minus that of | difference |", "|---|---|---|"]
    lines += [f"| {row['of']} | {row['from']} | {_told(row, '+')} |" for row in body["differences"]]
    for name, rules in body["pooling"].items():
        told = ", ".join(f"{rule} {auroc:.4f}" for rule, auroc in sorted(rules.items(), key=lambda item: -item[1]))
        lines += ["", f"Validation AUROC of {name} by rule of pooling: {told}."]
    lines += ["", "| training set | " + " | ".join(_reasons(body)) + " | train | val | inner test |"]
    lines += ["|---" * (len(_reasons(body)) + 4) + "|"]
    for part, kept in body["removed"]["kept"].items():
        counts = body["removed"][part]
        cells = [str(counts.get(reason, 0)) for reason in _reasons(body)]
        cells += [str(kept.get(split, 0)) for split in ("train", "val", "test")]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _reasons(body: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(reason for part in body["removed"]["kept"] for reason in body["removed"][part]))


def _told(row: dict[str, float], sign: str = "") -> str:
    return f"{row['value']:{sign}.4f} [{row['low']:{sign}.4f}, {row['high']:{sign}.4f}]"
