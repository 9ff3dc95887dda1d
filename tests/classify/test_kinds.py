"""Metrics by kind: which rows there are, and that each is the metric of its own examples."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from classify.kinds import metrics_by_kind


def sample(kinds_of_positives=("acceptor", "first"), kinds_of_negatives=("decoy", "intragenic"), n=400):
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=n)
    kinds = np.where(labels == 1, rng.choice(kinds_of_positives, n), rng.choice(kinds_of_negatives, n))
    score = np.clip(0.3 * labels + 0.3 * (kinds == "acceptor") + 0.7 * rng.random(n), 0.001, 0.999)
    return labels, np.stack([1 - score, score], axis=1), [f"g{i // 4}" for i in range(n)], kinds.tolist()


def test_each_row_is_the_metric_of_its_own_examples():
    labels, probabilities, groups, kinds = sample()
    rows = metrics_by_kind(labels, probabilities, groups, kinds)
    assert [(row["positives"], row["negatives"]) for row in rows] == [
        ("all", "decoy"), ("all", "intragenic"),
        ("acceptor", "all"), ("acceptor", "decoy"), ("acceptor", "intragenic"),
        ("first", "all"), ("first", "decoy"), ("first", "intragenic"),
    ]  # fmt: skip
    for row in rows:
        wanted = {row["positives"], row["negatives"]}
        whole = {"all": {0, 1}}
        taken = [
            i
            for i, (label, kind) in enumerate(zip(labels, kinds, strict=True))
            if kind in wanted or (row["positives" if label else "negatives"] in whole)
        ]
        truth, score = labels[taken], probabilities[taken, 1]
        assert (row["n_positive"], row["n_negative"]) == (truth.sum(), (1 - truth).sum())
        assert row["auroc"]["value"] == pytest.approx(roc_auc_score(truth, score))
        assert "auprc" not in row  # it depends on how many there are of each
        assert row["balanced_accuracy"]["value"] == pytest.approx(balanced_accuracy_score(truth, score > 0.5))
        assert row["auroc"]["low"] < row["auroc"]["value"] < row["auroc"]["high"]


def test_a_single_kind_on_a_side_gives_no_all():
    labels, probabilities, groups, kinds = sample(kinds_of_negatives=("intragenic",))
    rows = metrics_by_kind(labels, probabilities, groups, kinds)
    assert [(row["positives"], row["negatives"]) for row in rows] == [
        ("all", "intragenic"), ("acceptor", "intragenic"), ("first", "intragenic"),
    ]  # fmt: skip
