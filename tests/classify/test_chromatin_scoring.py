"""Metrics of several labels against scikit-learn label by label, thresholds by trying all, regressions, and names of features."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score

from classify.chromatin import measures, scoring
from classify.chromatin.features import parse_feature, read_features
from classify.chromatin.resampling import drawn
from classify.chromatin.scoring import best_thresholds, feature_summary, label_aurocs, label_draws
from classify.features import Feature
from classify.metrics import ranking
from classify.one_vs_rest import fit_labels
from specgen.errors import InputError

RNG = np.random.default_rng(0)
N, K = 90, 7
CHANCES = np.round(RNG.random((N, K)), 2)  # with ties
TARGETS = (RNG.random((N, K)) < CHANCES * 0.6).astype(np.int8)
TARGETS[RNG.random((N, K)) < 0.2] = -1
TARGETS[:, 5] = np.where(TARGETS[:, 5] == 1, 0, TARGETS[:, 5])  # never 1
TARGETS[:, 6] = -1  # never known
FEATURES = [
    Feature(str(i), group=group) for i, group in enumerate(["TF", "TF", "DNase", "histone", "TF", "TF", "other"])
]
GROUPS = [f"block_{i // 6}" for i in range(N)]
THRESHOLDS = np.linspace(0.2, 0.8, K)


def columns():
    for i in range(5):
        known = TARGETS[:, i] >= 0
        yield TARGETS[known, i], CHANCES[known, i], THRESHOLDS[i]


@pytest.fixture(scope="module")
def summary():
    return feature_summary(TARGETS, CHANCES, THRESHOLDS, FEATURES, GROUPS, 0, resamples=200)


def test_each_label_as_scikit_learn_has_it(summary):
    for row, (truth, chance, threshold) in zip(summary["features"], columns(), strict=False):
        assert row["auroc"] == pytest.approx(roc_auc_score(truth, chance))
        assert row["auprc"] == pytest.approx(average_precision_score(truth, chance))
        assert row["f1"] == pytest.approx(f1_score(truth, chance >= threshold))
        assert (row["known"], row["positives"]) == (len(truth), truth.sum())
        assert row["threshold"] == threshold
    assert [row["auroc"] for row in summary["features"][5:]] == [None, None]
    np.testing.assert_allclose(label_aurocs(TARGETS, CHANCES)[:5], [r["auroc"] for r in summary["features"][:5]])


def test_means_medians_and_all_as_one(summary):
    rows = [(roc_auc_score(t, c), average_precision_score(t, c), f1_score(t, c >= h)) for t, c, h in columns()]
    for name, values in zip(("auroc", "auprc", "f1"), np.array(rows).T, strict=True):
        assert summary["metrics"][name]["value"] == pytest.approx(values.mean())
        assert summary["metrics"][f"median_{name}"]["value"] == pytest.approx(np.median(values))
    known = TARGETS >= 0
    truth, chance, called = TARGETS[known], CHANCES[known], (CHANCES >= THRESHOLDS)[known]
    assert summary["metrics"]["micro_auroc"]["value"] == pytest.approx(roc_auc_score(truth, chance))
    assert summary["metrics"]["micro_auprc"]["value"] == pytest.approx(average_precision_score(truth, chance))
    assert summary["metrics"]["micro_f1"]["value"] == pytest.approx(f1_score(truth, called))
    eps = np.finfo(np.float32).eps
    assert summary["metrics"]["log_loss"]["value"] == pytest.approx(
        log_loss(truth, chance.clip(eps, 1 - eps)), rel=1e-5
    )
    assert (summary["labels_in_all"], summary["labels_scored"]) == (7, 5)


def test_groups_of_labels(summary):
    found = {row["group"]: row for row in summary["by_group"]}
    assert list(found) == ["DNase", "TF", "histone", "other"]
    values = [roc_auc_score(t, c) for t, c, _ in columns()]
    assert found["TF"]["auroc"]["value"] == pytest.approx(np.mean([values[0], values[1], values[4]]))
    assert found["TF"]["median_auroc"]["value"] == pytest.approx(np.median([values[0], values[1], values[4]]))
    assert (found["TF"]["labels"], found["TF"]["scored"]) == (4, 3)
    assert found["histone"]["auroc"]["value"] == pytest.approx(values[3])
    assert found["other"]["auroc"]["value"] is None


def test_intervals_are_those_of_whole_groups(summary):
    """Resampling by copying rows, with the very groups that were drawn."""
    names, which = np.unique(GROUPS, return_inverse=True)
    drawn = np.random.default_rng(0).integers(len(names), size=(200, len(names)))
    values = []
    for row in drawn:
        rows = np.concatenate([np.flatnonzero(which == group) for group in row])
        found = []
        for i in range(5):
            some = rows[TARGETS[rows, i] >= 0]
            found.append(roc_auc_score(TARGETS[some, i], CHANCES[some, i]))
        values.append(np.mean(found))
    low, high = np.quantile(values, [0.025, 0.975])
    assert summary["metrics"]["auroc"]["low"] == pytest.approx(low)
    assert summary["metrics"]["auroc"]["high"] == pytest.approx(high)
    assert low < summary["metrics"]["auroc"]["value"] < high


@pytest.mark.parametrize("groups", [1, 7, 8])
def test_few_groups_have_no_interval(groups):
    names = [f"block_{i % groups}" for i in range(N)]
    body = feature_summary(TARGETS, CHANCES, THRESHOLDS, FEATURES, names, 0, resamples=50)
    for entry in (*body["metrics"].values(), *(row["auroc"] for row in body["by_group"][:3])):
        assert entry["value"] is not None
        assert (entry["low"] is None) == (groups < 8 or entry in list(body["metrics"].values())[-2:])
    told = body["bootstrap"]
    if groups < 8:
        assert told["note"] == f"no intervals: {groups} groups, expected 8 or more"
        assert (told["resamples"], told["groups"], told["labels"]) == (0, 0, 0)
    else:
        assert (told["resamples"], told["groups"], told["labels"], told["note"]) == (50, 8, 5, "")


def rare_ones(common, rare):
    """Labels of 400 examples, the last ones with one positive each, which is ranked last."""
    rng = np.random.default_rng(1)
    targets = (rng.random((400, common + rare)) < 0.4).astype(np.int8)
    chances = rng.random(targets.shape) * 0.5 + 0.2 * targets
    targets[:, common:] = 0
    for i in range(rare):
        targets[7 + 4 * i, common + i], chances[7 + 4 * i, common + i] = 1, 0
    features = [Feature(str(i), group="TF" if i < common else "DNase") for i in range(common + rare)]
    return targets, chances, np.full(common + rare, 0.5), features, [f"g{i // 20}" for i in range(400)], 0


def test_draws_of_means_are_of_the_same_labels_as_the_value():
    """A rare label of a low score leaves draws in which it has no positive, which raised the mean of the others."""
    common = 120
    targets, chances, thresholds, features, groups, seed = rare_ones(common, 1)
    body = feature_summary(targets, chances, thresholds, features, groups, seed, resamples=300)
    entry, told = body["metrics"]["auroc"], body["bootstrap"]
    assert (told["labels"], told["groups"], body["labels_scored"], told["note"]) == (common, 20, common + 1, "")
    of_common = feature_summary(
        targets[:, :common], chances[:, :common], thresholds[:common], features[:common], groups, seed, resamples=300
    )["metrics"]["auroc"]
    for end in ("low", "high"):  # around the value of all, as wide as that of the common ones, which are more than 99 %
        assert entry[end] - entry["value"] == pytest.approx(of_common[end] - of_common["value"])
    assert of_common["value"] > entry["value"] + 0.005
    assert [row["auroc"]["low"] is None for row in body["by_group"]] == [True, False]  # DNase has the rare one alone


@pytest.mark.parametrize(("common", "rare"), [(19, 2), (98, 1)])
def test_means_of_which_rare_labels_are_a_part_have_no_interval(common, rare):
    """Their noise is in the value, and in no draw: the interval would be too narrow."""
    body = feature_summary(*rare_ones(common, rare), resamples=200)
    for name in ("auroc", "median_auroc", "auprc", "f1"):
        assert body["metrics"][name]["value"] is not None
        assert body["metrics"][name]["low"] is None
    assert body["metrics"]["log_loss"]["low"] is not None
    assert body["bootstrap"]["labels"] == 0
    assert body["bootstrap"]["note"].startswith(
        f"no intervals of means over labels: fewer than 99 % of the {common + rare} labels have both kinds in 95 %"
    )


def test_differences_of_equally_good_models_are_beyond_chance_as_often_as_they_should_be():
    rng = np.random.default_rng(0)
    beyond, runs, n, k = 0, 120, 200, 5
    groups = np.repeat(np.arange(40), 5)
    for seed in range(runs):
        targets = (rng.random((n, k)) < 0.3).astype(np.int8)
        ours, theirs = (expit(rng.normal(size=(n, k)) + targets) for _ in range(2))
        told = {"resamples": 200, "seed": seed}
        one, other = (label_draws(targets, some, np.full(k, 0.5), groups, **told) for some in (ours, theirs))
        low, high = np.quantile(one[1]["auroc"] - other[1]["auroc"], [0.025, 0.975])
        beyond += not low < 0 < high
    assert 1 <= beyond <= 0.11 * runs


def test_nothing_known_tells_nothing_and_nothing_drawn_is_refused():
    targets = np.full((N, K), -1, dtype=np.int8)
    body = feature_summary(targets, CHANCES, THRESHOLDS, FEATURES, GROUPS, 0, resamples=20)
    assert {entry["value"] for entry in body["metrics"].values()} == {None}
    with pytest.raises(InputError, match="expected resamples >= 1, got 0"):
        feature_summary(TARGETS, CHANCES, THRESHOLDS, FEATURES, GROUPS, 0, resamples=0)


def test_many_groups_are_resampled_less_often(monkeypatch):
    monkeypatch.setattr(scoring, "TIMES", 15 * 250)
    assert scoring.affordable(1000, N, K, 15) == 250
    body = feature_summary(TARGETS, CHANCES, THRESHOLDS, FEATURES, GROUPS, 0)
    assert body["bootstrap"]["resamples"] == 250
    assert scoring.affordable(1000, N, K, 7) == 1000  # too few groups: none are made


def test_too_many_labels_for_resampling_have_no_interval(monkeypatch):
    for work, expected in ((N * K * 199, 0), (N * K * 200, 200), (N * K * 1200, 1000)):
        monkeypatch.setattr(scoring, "WORK", work)
        body = feature_summary(TARGETS, CHANCES, THRESHOLDS, FEATURES, GROUPS, 0)
        assert body["bootstrap"]["resamples"] == expected
        assert (body["metrics"]["auroc"]["low"] is None) == (expected == 0)
        assert ("are too many to be resampled 200 times" in body["bootstrap"]["note"]) == (expected == 0)


@pytest.mark.parametrize("pairs", [1, 200, 1 << 24])
def test_scores_of_little_precision_are_ranked_as_their_probabilities(pairs, monkeypatch):
    monkeypatch.setattr(measures, "PAIRS", pairs)
    logits = np.log(CHANCES.clip(0.01, 0.99) / (1 - CHANCES.clip(0.01, 0.99))).astype(np.float32)
    told = {"chance": lambda some: expit(some.astype(np.float64)), "resamples": 20}
    found = feature_summary(TARGETS, logits, THRESHOLDS, FEATURES, GROUPS, 0, **told)
    expected = feature_summary(TARGETS, expit(logits.astype(np.float64)), THRESHOLDS, FEATURES, GROUPS, 0, resamples=20)
    assert found == expected
    known = TARGETS >= 0
    auroc, auprc = ranking(TARGETS[known] == 1, logits[known])
    assert found["metrics"]["micro_auroc"]["value"] == pytest.approx(auroc[0])
    assert found["metrics"]["micro_auprc"]["value"] == pytest.approx(auprc[0])


def test_compiled_draws_are_those_of_the_ranking():
    rng = np.random.default_rng(2)
    scores, truth = np.round(rng.random(N), 1), rng.random(N) < 0.2
    groups, losses = np.arange(N) // 6, rng.random(N)
    times = rng.integers(0, 3, (15, 40)).astype(np.uint8)
    times[np.unique(groups[truth]), 0] = 0  # nothing true
    weights = times[groups].T.astype(float)
    found = drawn(truth, scores, 0.7, losses, groups, times)
    for value, expected in zip(found, ranking(truth, scores, weights), strict=False):
        np.testing.assert_allclose(value, expected)
    assert np.isnan(found.auroc[0])
    called = scores >= 0.7
    for value, column in zip(found[2:], (truth & called, called, truth, np.ones(N), losses), strict=True):
        np.testing.assert_allclose(value, weights @ column)
    assert not drawn(truth, scores, 2.0, losses, groups, times).called.any()


def test_thresholds_are_the_best_of_all():
    found = best_thresholds(TARGETS, CHANCES)
    for i in range(5):
        known = TARGETS[:, i] >= 0
        truth, chance = TARGETS[known, i], CHANCES[known, i]
        tried = {value: f1_score(truth, chance >= value) for value in np.unique(chance)}
        best = max(tried.values())
        assert found[i] == max(value for value, score in tried.items() if score == pytest.approx(best))
    assert found[5:].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_regressions_are_scikit_learns(penalty):
    x = RNG.normal(size=(N, 4))
    targets = (RNG.random((N, 3)) < 1 / (1 + np.exp(-x[:, :3] - 1))).astype(np.int8)
    targets[:20, 1] = -1
    targets[:, 2] = 1
    start = RNG.normal(size=(3, 4)), RNG.normal(size=3)
    for given in (None, start):
        coefficients, intercept = fit_labels(x, targets, penalty, given, tolerance=1e-9)
        for i, known in ((0, slice(None)), (1, slice(20, None))):
            expected = LogisticRegression(C=penalty, tol=1e-10, max_iter=2000).fit(x[known], targets[known, i])
            np.testing.assert_allclose(coefficients[i], expected.coef_[0], atol=2e-4)
            assert intercept[i] == pytest.approx(expected.intercept_[0], abs=2e-4)
        assert not coefficients[2].any()
        assert intercept[2] == pytest.approx(np.log((N + 0.5) / 0.5))


@pytest.mark.parametrize(
    ("name", "style", "parts"),
    [
        ("8988T|DNase|None", "auto", ("8988T", "DNase", "", "DNase")),
        ("K562|c-Fos|IFNg30", "auto", ("K562", "c-Fos", "IFNg30", "TF")),
        ("GM12878|H3K27me3|None", "auto", ("GM12878", "H3K27me3", "", "histone")),
        ("NHEK|H2A.Z|None", "auto", ("NHEK", "H2A.Z", "", "histone")),
        ("A549|HNF4A|None", "auto", ("A549", "HNF4A", "", "TF")),
        ("HepG2|H4K20me1|None", "auto", ("HepG2", "H4K20me1", "", "histone")),
        ("CTCF_HeLa-S3", "factor_cell", ("HeLa-S3", "CTCF", "", "TF")),
        ("open", "auto", ("", "", "", "other")),
        ("H3K4me3", "auto", ("", "", "", "histone")),
        ("a|b", "plain", ("", "", "", "other")),
    ],
)
def test_what_names_tell(name, style, parts):
    found = parse_feature(name, style)
    assert (found.cell, found.factor, found.treatment, found.group) == parts
    assert found.name == name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A|DNase|None\nB|CTCF|x\n", ["A|DNase|None", "B|CTCF|x"]),
        ("1,A|DNase|None\n2,B|CTCF|x\n", ["A|DNase|None", "B|CTCF|x"]),
        ("number\tname\n1\tA|DNase|None\n", ["A|DNase|None"]),
        ("cell,factor,treatment\nA,DNase,None\nB,CTCF,x\n", ["A|DNase|None", "B|CTCF|x"]),
    ],
)
def test_files_of_names(tmp_path, text, names):
    (tmp_path / "names.txt").write_text(text)
    assert read_features(tmp_path / "names.txt") == names


@pytest.mark.parametrize(("text", "match"), [("a\na\n", "names 'a' twice"), ("1,a\nb\n", "line 2: expected 2 columns")])
def test_bad_files_of_names(tmp_path, text, match):
    (tmp_path / "names.txt").write_text(text)
    with pytest.raises(InputError, match=match):
        read_features(tmp_path / "names.txt")
