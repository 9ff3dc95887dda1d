"""Resampling of groups against repeated rows, pairs of draws, intervals as text. What metrics make of it: ``test_metrics``."""

import math

import numpy as np
import pytest

from classify.bootstrap import group_draws, interval_of, interval_text, paired_difference, values_and_draws
from specgen.errors import InputError

GROUPS = np.array(["b", "a", "b", "c", "a", "c", "c"])
VALUES = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])


def mean(weights):
    return {"mean": weights @ VALUES / weights.sum(axis=1)}


def test_draws_are_those_of_repeated_groups():
    value, drawn = values_and_draws(mean, GROUPS, resamples=50, seed=3)
    assert value["mean"] == pytest.approx(VALUES.mean())
    picked = np.random.default_rng(3).integers(3, size=(50, 3))
    expected = [np.concatenate([VALUES["abc"[i] == GROUPS] for i in row]).mean() for row in picked]
    np.testing.assert_allclose(drawn["mean"], expected)


def test_the_order_of_the_examples_does_not_change_the_groups_that_are_drawn():
    order = np.random.default_rng(0).permutation(len(VALUES))
    one = group_draws(mean, GROUPS, resamples=20, rng=np.random.default_rng(0))
    other = group_draws(
        lambda weights: {"mean": weights @ VALUES[order] / weights.sum(axis=1)},
        GROUPS[order],
        resamples=20,
        rng=np.random.default_rng(0),
    )
    np.testing.assert_allclose(one["mean"], other["mean"])


def test_one_group_tells_no_interval_and_none_cannot_be_drawn():
    drawn = group_draws(mean, ["a"] * 7, resamples=4, rng=np.random.default_rng(0))
    assert np.isnan(drawn["mean"]).all()
    assert math.isnan(interval_of(1.0, drawn["mean"], 0.95).low)
    with pytest.raises(InputError, match="expected resamples >= 1, got 0"):
        group_draws(mean, GROUPS, resamples=0, rng=np.random.default_rng(0))


def test_undefined_draws_are_left_out_of_a_difference_and_counted():
    ours, theirs = np.array([1.0, 2.0, np.nan, 4.0]), np.array([0.0, np.nan, 0.0, 1.0])
    found = paired_difference(ours, theirs, 2.0, level=0.5)
    assert (found.value, found.undefined) == (2.0, 2)
    assert (found.low, found.high) == tuple(np.quantile([1.0, 3.0], [0.25, 0.75]))


@pytest.mark.parametrize(
    ("entry", "form", "text"),
    [
        ((0.5, 0.25, 0.75), ".2f", "0.50 [0.25, 0.75]"),
        ((0.5, 0.25, 0.75), "+.1f", "+0.5 [+0.2, +0.8]"),
        ((0.5, None, None), ".4f", "0.5000"),
        ((None, None, None), ".4f", ""),
    ],
)
def test_text_of_an_interval(entry, form, text):
    """One group has no interval, one class no AUROC."""
    assert interval_text(dict(zip(("value", "low", "high"), entry, strict=True)), form) == text
