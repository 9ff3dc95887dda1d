"""P values against naive computations, tables worked by hand, and what chance alone gives."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from classify.significance import bootstrap_p, delong, delong_test, holm, mcnemar
from specgen.errors import InputError


def naive_delong(truth, scores):
    """DeLong, DeLong & Clarke-Pearson 1988, equations 4 to 6: a kernel for every pair of a positive and a negative."""
    areas, above, below = [], [], []
    for row in scores:
        pairs = np.array(
            [[1.0 if x > y else 0.5 if x == y else 0.0 for y in row[~truth]] for x in row[truth]]
        )  # positives by negatives
        areas.append(pairs.mean())
        above.append(pairs.mean(axis=1))
        below.append(pairs.mean(axis=0))
    p, n = truth.sum(), (~truth).sum()
    covariance = np.array(
        [
            [
                sum((a - a.mean()) * (b - b.mean())) / (p - 1) / p + sum((c - c.mean()) * (d - d.mean())) / (n - 1) / n
                for b, d in zip(above, below, strict=True)
            ]
            for a, c in zip(above, below, strict=True)
        ]
    )
    return np.array(areas), covariance


@pytest.mark.parametrize("digits", [1, 6])
@pytest.mark.parametrize("seed", range(3))
def test_delong_is_the_naive_computation_with_and_without_ties(seed, digits):
    rng = np.random.default_rng(seed)
    truth = rng.random(60) < 0.4
    scores = (rng.normal(size=(3, 60)) + truth * np.array([[0.5], [1], [2]])).round(digits)
    areas, covariance = delong(truth, scores)
    naive_areas, naive_covariance = naive_delong(truth, scores)
    np.testing.assert_allclose(areas, naive_areas)
    np.testing.assert_allclose(areas, [roc_auc_score(truth, row) for row in scores])
    np.testing.assert_allclose(covariance, naive_covariance, atol=1e-15)


def test_delong_of_a_difference_and_of_means_over_seeds():
    rng = np.random.default_rng(1)
    truth = rng.random(80) < 0.5
    scores = rng.normal(size=(4, 80)) + truth * np.array([[1.5], [1.4], [0.5], [0.7]])
    areas, covariance = naive_delong(truth, scores)
    weights = np.array([0.5, 0.5, -0.5, -0.5])
    found = delong_test(truth, scores, weights)
    error = math.sqrt(weights @ covariance @ weights)
    assert found.difference == pytest.approx(areas[:2].mean() - areas[2:].mean())
    assert found.error == pytest.approx(error)
    assert found.p == pytest.approx(2 * norm.sf(abs(found.difference) / error))
    turned = delong_test(truth, scores, -weights)
    assert (turned.difference, turned.p) == (pytest.approx(-found.difference), pytest.approx(found.p))


def test_delong_without_what_it_needs():
    scores = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    assert math.isnan(delong_test([True] * 3, scores, [1, -1]).p)
    one_positive = delong_test([True, False, False], scores, [1, -1])
    assert one_positive.difference == -1
    assert math.isnan(one_positive.p)
    same = delong_test([True, True, False, False], np.array([[0.1, 0.6, 0.5, 0.2]] * 2), [1, -1])
    assert same == (0, 0, 1)
    with pytest.raises(InputError, match="3 scores for 2 labels"):
        delong([True, False], scores)


def test_p_values_of_chance_are_uniform():
    rng = np.random.default_rng(0)
    values = []
    for _ in range(300):
        truth = np.arange(60) < 30
        values.append(delong_test(truth, rng.normal(size=(2, 60)) + truth, [1, -1]).p)
    # Five standard errors of a share of 300.
    for level in (0.1, 0.5):
        assert abs(np.mean(np.array(values) < level) - level) < 5 * math.sqrt(level * (1 - level) / 300)


def test_mcnemar_counts_what_only_one_got_right():
    ours = np.array([1] * 9 + [0] * 1 + [1] * 20 + [0] * 5, dtype=bool)
    theirs = np.array([0] * 9 + [1] * 1 + [1] * 20 + [0] * 5, dtype=bool)
    found = mcnemar(ours, theirs)
    # Ten tosses of a coin, one or fewer on one side: (1 + 10) / 2^10, twice.
    assert (found.ours, found.theirs, found.p) == (9, 1, pytest.approx(22 / 1024))
    assert mcnemar(theirs, ours).p == pytest.approx(found.p)
    assert mcnemar(ours, ours) == (0, 0, 1)


def test_bootstrap_p_is_twice_the_smaller_tail():
    assert bootstrap_p(np.array([0.1] * 99)) == pytest.approx(2 / 100)
    assert bootstrap_p(np.array([-0.1] * 9 + [0.2] * 90)) == pytest.approx(2 * 10 / 100)
    assert bootstrap_p(np.array([0.1] * 9 + [-0.2] * 90)) == pytest.approx(2 * 10 / 100)
    assert bootstrap_p(np.zeros(50)) == 1
    assert bootstrap_p(np.array([0.1, math.nan, 0.1])) == pytest.approx(2 / 3)
    assert math.isnan(bootstrap_p(np.full(5, math.nan)))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    with_nan = holm([0.02, math.nan, 0.01])
    assert with_nan[::2] == pytest.approx([0.02, 0.02])
    assert math.isnan(with_nan[1])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_lies_between_raw_and_bonferroni(values):
    corrected = holm(values)
    assert all(p <= c <= min(1, p * len(values)) or c == 1 for p, c in zip(values, corrected, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()
