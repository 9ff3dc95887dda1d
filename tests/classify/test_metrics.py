"""Metrics against scikit-learn and against numbers worked out by hand; intervals against what they must do."""

import json
import math
import time
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from classify.metrics import (
    calibration_bins,
    classification_metrics,
    confusion,
    grouped_bootstrap,
    per_class,
    ranking,
    summary,
)
from specgen.errors import InputError

NAMES = {
    "accuracy",
    "balanced_accuracy",
    "mcc",
    "f1",
    "auroc",
    "auprc",
    "log_loss",
    "brier",
    "ece",
}


def predictions(n, k, *, seed=0, signal=1.0, digits=None):
    """Labels (n,) and probabilities (n, k) that know something of them; ``digits`` makes ties."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), labels] += signal
    if digits is not None:
        logits = logits.round(digits)
    odds = np.exp(logits)
    return labels, odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("positive", [0, 1])
def test_two_classes_agree_with_sklearn(positive):
    labels, probabilities = predictions(400, 2)
    found = classification_metrics(labels, probabilities, positive=positive)
    truth, score = labels == positive, probabilities[:, positive]
    called = score > 0.5
    expected = {
        "accuracy": sk.accuracy_score(truth, called),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called),
        "mcc": sk.matthews_corrcoef(truth, called),
        "f1": sk.f1_score(truth, called),
        "auroc": sk.roc_auc_score(truth, score),
        "auprc": sk.average_precision_score(truth, score),
        "log_loss": sk.log_loss(labels, probabilities),
        "brier": sk.brier_score_loss(truth, score),
    }
    assert set(found) == NAMES
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("k", [3, 5])
def test_many_classes_agree_with_sklearn(k):
    labels, probabilities = predictions(600, k)
    found = classification_metrics(labels, probabilities, positive=None)
    called = probabilities.argmax(axis=1)
    expected = {
        "accuracy": sk.accuracy_score(labels, called),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, called),
        "mcc": sk.matthews_corrcoef(labels, called),
        "f1": sk.f1_score(labels, called, average="macro"),
        "auroc": sk.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro"),
        "auprc": sk.average_precision_score(np.eye(k)[labels], probabilities, average="macro"),
        "log_loss": sk.log_loss(labels, probabilities),
        "brier": ((probabilities - np.eye(k)[labels]) ** 2).sum(axis=1).mean(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_worked_by_hand():
    #  label 1 at .9 and .4; label 0 at .6 and .1: one error each way, three of four pairs in order.
    labels = np.array([1, 1, 0, 0])
    score = np.array([0.9, 0.4, 0.6, 0.1])
    found = classification_metrics(labels, np.column_stack([1 - score, score]), positive=1)
    assert found["accuracy"] == found["f1"] == found["balanced_accuracy"] == 0.5
    assert found["mcc"] == 0
    assert found["auroc"] == pytest.approx(3 / 4)
    assert found["auprc"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.9]).mean())
    # Each is alone in its bin, so that the error is the mean distance to the outcome.
    assert found["ece"] == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)


def test_two_classes_default_to_the_second_as_positive():
    labels, probabilities = predictions(60, 2)
    assert classification_metrics(labels, probabilities, positive=None) == classification_metrics(
        labels, probabilities, positive=1
    )


@pytest.mark.parametrize("digits", [0, 1, None])
def test_weighted_ranking_agrees_with_sklearn_with_ties(digits):
    labels, probabilities = predictions(150, 2, digits=digits)
    truth, score = labels == 1, probabilities[:, 1]
    weights = np.random.default_rng(1).poisson(1, size=(20, 150))
    auroc, auprc = ranking(truth, score, weights)
    assert digits is None or len(np.unique(score)) < 100
    for row, area, precision in zip(weights, auroc, auprc, strict=True):
        assert area == pytest.approx(sk.roc_auc_score(truth, score, sample_weight=row))
        assert precision == pytest.approx(sk.average_precision_score(truth, score, sample_weight=row))


def test_a_constant_score_ranks_like_a_coin():
    truth = np.array([True, False, False, False])
    auroc, auprc = ranking(truth, np.full(4, 0.3))
    assert (auroc[0], auprc[0]) == (0.5, 0.25)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_nan_without_a_warning(label):
    labels = np.full(30, label)
    probabilities = predictions(30, 2)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = classification_metrics(labels, probabilities, positive=1)
        intervals = grouped_bootstrap(labels, probabilities, np.arange(30), resamples=20, positive=1)
        body = summary(labels, probabilities, np.arange(30), ["a", "b"], 1, resamples=20)
    assert {name for name, value in found.items() if math.isnan(value)} >= {
        *("balanced_accuracy", "mcc", "auroc", "auprc")
    }
    assert found["accuracy"] == pytest.approx((probabilities.argmax(axis=1) == label).mean())
    assert intervals["auroc"].undefined == 20
    assert math.isnan(intervals["auroc"].low)
    assert not math.isnan(intervals["accuracy"].low)
    assert body["metrics"]["auroc"] == {"value": None, "low": None, "high": None}
    assert body["bootstrap"]["undefined"]["auroc"] == 20


def test_a_constant_prediction_has_mcc_zero_and_a_missing_class_no_macro_auroc():
    labels = np.array([0, 1, 0, 1])
    constant = np.tile([0.8, 0.2], (4, 1))
    assert classification_metrics(labels, constant, positive=1)["mcc"] == 0
    three = np.tile([0.5, 0.3, 0.2], (4, 1))
    found = classification_metrics(labels, three, positive=None)
    assert math.isnan(found["auroc"])
    assert found["balanced_accuracy"] == 0.5


def test_a_certain_mistake_costs_a_finite_log_loss():
    found = classification_metrics(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), positive=1)
    assert found["log_loss"] == pytest.approx(-np.log(np.finfo(np.float32).eps) / 2)


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 1], [[0.5, 0.5]], "1 rows for 2 labels"),
        ([0, 2], [[0.5, 0.5]] * 2, "labels: expected indices 0..1, got 0..2"),
        ([0.0, 1.0], [[0.5, 0.5]] * 2, "labels: expected class indices"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.6]], "row 1 is no distribution"),
        ([0, 1], [[0.5, 0.5], [math.nan, 0.6]], "row 1 is no distribution"),
        ([0, 1], [0.5, 0.5], "expected \\(n >= 1, k >= 2\\)"),
        ([], np.zeros((0, 2)), "expected \\(n >= 1, k >= 2\\)"),
    ],
)
def test_input_that_cannot_be_used_is_named(labels, probabilities, message):
    with pytest.raises(InputError, match=message):
        classification_metrics(labels, probabilities, positive=1)


def test_bootstrap_is_determined_by_its_seed_and_contains_the_value():
    labels, probabilities = predictions(200, 2)
    groups = np.array([f"gene{i // 2}" for i in range(200)])
    first, again, other = (
        grouped_bootstrap(labels, probabilities, groups, resamples=200, seed=seed, positive=1) for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other
    values = classification_metrics(labels, probabilities, positive=1)
    assert set(first) == NAMES
    for name in NAMES - {"ece"}:
        assert first[name].value == values[name]
        assert first[name].low < values[name] < first[name].high


def test_copies_within_a_group_add_no_information():
    labels, probabilities = predictions(80, 2)
    eight = np.repeat(np.arange(80), 8)
    wide = grouped_bootstrap(labels[eight], probabilities[eight], eight, positive=1)
    narrow = grouped_bootstrap(labels[eight], probabilities[eight], np.arange(640), positive=1)
    for name in ("accuracy", "auroc", "log_loss"):
        ratio = (wide[name].high - wide[name].low) / (narrow[name].high - narrow[name].low)
        assert ratio == pytest.approx(math.sqrt(8), rel=0.2)


def test_bootstrap_weights_are_what_repeating_the_rows_would_give():
    labels, probabilities = predictions(40, 3, digits=1)
    members = np.arange(40) // 4
    rng = np.random.default_rng(7)
    draws = rng.integers(10, size=(50, 10))
    # The same stream of draws, resampled naively: copy the rows of each drawn group, then score the copies.
    naive = [
        classification_metrics(labels[rows], probabilities[rows], positive=None)
        for rows in (np.concatenate([np.flatnonzero(members == group) for group in draw]) for draw in draws)
    ]
    found = grouped_bootstrap(labels, probabilities, members, resamples=50, level=0.8, seed=7, positive=None)
    for name in NAMES:
        low, high = np.quantile([item[name] for item in naive], [0.1, 0.9])
        assert (found[name].low, found[name].high) == pytest.approx((low, high))


def test_intervals_cover_about_as_often_as_they_say():
    # A classifier that is right with probability 0.8, on samples of 60 groups of two independent examples.
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(120):
        labels = rng.integers(2, size=120)
        right = rng.random(120) < 0.8
        score = np.where(labels == right, 0.7, 0.3)
        found = grouped_bootstrap(
            labels,
            np.column_stack([1 - score, score]),
            np.arange(120) // 2,
            resamples=200,
            level=0.9,
            seed=seed,
            positive=1,
        )["accuracy"]
        covered += found.low <= 0.8 <= found.high
    assert 0.82 <= covered / 120 <= 0.98


def test_undefined_resamples_are_left_out_and_counted():
    labels = np.array([1, 0, 0, 0, 0, 0])
    score = np.array([0.9, 0.4, 0.3, 0.2, 0.1, 0.6])
    found = grouped_bootstrap(labels, np.column_stack([1 - score, score]), np.arange(6), positive=1)["auroc"]
    # The one positive is never drawn in (5/6)^6 = 33 % of the resamples.
    assert 280 < found.undefined < 390
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_a_single_group_has_no_interval():
    labels, probabilities = predictions(20, 2)
    found = grouped_bootstrap(labels, probabilities, ["g"] * 20, positive=1)
    assert all(math.isnan(item.low) and math.isnan(item.high) for item in found.values())


@pytest.mark.parametrize(("resamples", "level"), [(0, 0.95), (10, 1.0)])
def test_bootstrap_settings_are_checked(resamples, level):
    labels, probabilities = predictions(10, 2)
    with pytest.raises(InputError, match=r"expected (resamples >= 1|0 < level < 1), got"):
        grouped_bootstrap(labels, probabilities, np.arange(10), resamples=resamples, level=level, positive=1)
    with pytest.raises(InputError, match="groups: 3 for 10 labels"):
        grouped_bootstrap(labels, probabilities, np.arange(3), positive=1)


def test_a_thousand_resamples_take_seconds():
    labels, probabilities = predictions(2000, 2)
    start = time.perf_counter()
    grouped_bootstrap(labels, probabilities, np.arange(2000) // 3, positive=1)
    assert time.perf_counter() - start < 10


def test_confusion_and_per_class():
    labels, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 1])
    assert confusion(labels, predicted, 4) == [[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    table = per_class(labels, predicted, ["a", "b", "c", "d"])
    assert table["a"] == {"precision": 2 / 3, "recall": 2 / 3, "f1": pytest.approx(2 / 3), "support": 3}
    assert table["b"] == {"precision": 1 / 3, "recall": 0.5, "f1": pytest.approx(0.4), "support": 2}
    assert math.isnan(table["c"]["precision"])
    assert (table["c"]["recall"], table["c"]["f1"], table["c"]["support"]) == (0, 0, 1)
    assert math.isnan(table["d"]["f1"])


@pytest.mark.parametrize("k", [2, 3])
def test_calibration_bins_give_the_calibration_error(k):
    labels, probabilities = predictions(500, k)
    bins = calibration_bins(labels, probabilities, positive=1)
    assert len(bins) == 15
    assert (bins[0]["low"], bins[-1]["high"]) == (0, 1)
    assert sum(item["n"] for item in bins) == 500
    gap = sum(item["n"] * abs(item["mean_probability"] - item["observed"]) for item in bins if item["n"])
    found = classification_metrics(labels, probabilities, positive=1)["ece"]
    assert gap / 500 == pytest.approx(found)


def test_calibration_bins_hold_their_edges():
    score = np.array([0.0, 0.5, 1.0])
    bins = calibration_bins([0, 1, 1], np.column_stack([1 - score, score]), positive=1, bins=2)
    assert [item["n"] for item in bins] == [1, 2]
    assert bins[1]["mean_probability"] == 0.75


@pytest.mark.parametrize(("names", "positive"), [(["LNSD", "CDN"], 1), (["a", "b", "c"], None)])
def test_summary_is_json(names, positive):
    labels, probabilities = predictions(90, len(names))
    groups = [f"gene{i // 3}" for i in range(90)]
    body = summary(labels, probabilities, groups, names, positive, 1, resamples=50)
    assert json.loads(json.dumps(body, allow_nan=False)) == body
    assert (body["n"], body["groups"], body["labels"]) == (90, 30, names)
    assert body["positive"] == (None if positive is None else "CDN")
    assert set(body["metrics"]) == NAMES
    assert sum(body["predicted_counts"].values()) == 90
    assert list(body["predicted_counts"]) == names
    assert body["bootstrap"] == {"unit": "group", "resamples": 50, "level": 0.95, "undefined": {}}
    assert [sum(row) for row in body["confusion"]] == [row["support"] for row in body["per_class"].values()]


def test_summary_checks_the_names():
    labels, probabilities = predictions(10, 2)
    with pytest.raises(InputError, match="expected 2 different class names"):
        summary(labels, probabilities, np.arange(10), ["a", "a"], 1)
