"""The classifier of sequences: conventions and checks of scikit-learn, one seed one result, nothing left behind."""

import inspect
import os
import pickle
import tempfile

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

from classify.estimator import SequenceClassifier
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement

MOTIF = "TGACTCAA"
QUICK = {"model": "deepbind_small", "epochs": 6, "lr": 1e-2, "batch_size": 16}

# Checks of scikit-learn's that say nothing of the data; it leaves the others out itself for what is no table of numbers.
CHECKS = (
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_n_features_in_after_fitting",
)
# Those that hand tables of random numbers to ``fit`` whatever the tags say, so that they can only be refused here. What they
# look for is tested below on sequences.
NOT_OF_TEXT = {
    "check_estimators_unfitted": "test_unfitted",
    "check_fit2d_1sample": "test_bad_input",
    "check_positive_only_tag_during_fit": "test_bad_input",
    "check_dict_unchanged": "test_predicting_changes_nothing",
    "check_dont_overwrite_parameters": "test_public_state_ends_in_an_underscore",
    "check_estimators_overwrite_params": "test_fitting_leaves_parameters_alone",
    "check_methods_sample_order_invariance": "test_each_sequence_for_itself",
    "check_methods_subset_invariance": "test_each_sequence_for_itself",
    "check_fit_idempotent": "test_one_seed_one_result",
    "check_estimators_pickle": "test_stored_and_read_back",
    "check_classifiers_classes": "test_labels_of_any_kind",
    "check_classifiers_one_label": "test_bad_input",
    "check_classifiers_regression_target": "test_bad_input",
    "check_supervised_y_2d": "test_bad_input",
    "check_supervised_y_no_nan": "test_bad_input",
}


def sequences(n=120, seed=0):
    """Texts of 60 to 80 nt, a motif in every other one; their labels; pairs of them are groups."""
    rng = np.random.default_rng(seed)
    texts = []
    for i in range(n):
        letters = "".join(rng.choice(list("ACGT"), rng.integers(60, 81)))
        at = int(rng.integers(15, 35))
        texts.append(letters[:at] + MOTIF + letters[at + 8 :] if i % 2 else letters)
    return texts, np.array(["no", "yes"] * (n // 2)), np.repeat(np.arange(n // 2), 2)


@pytest.fixture(scope="module")
def data():
    return sequences()


@pytest.fixture(scope="module")
def fitted(data):
    texts, labels, groups = data
    return SequenceClassifier(**QUICK).fit(texts, labels, groups=groups)


@pytest.mark.parametrize("name", CHECKS)
def test_checks_of_scikit_learn(name):
    getattr(estimator_checks, name)("SequenceClassifier", SequenceClassifier())


def test_every_exception_has_a_test_of_its_own():
    for check, own in NOT_OF_TEXT.items():
        assert hasattr(estimator_checks, check), check
        assert inspect.isfunction(globals()[own]), own
    tags = SequenceClassifier().__sklearn_tags__()
    assert (tags.estimator_type, tags.input_tags.string, tags.input_tags.two_d_array) == ("classifier", True, False)


def test_it_learns(fitted):
    texts, labels, _ = sequences(60, seed=1)
    chances = fitted.predict_proba(texts)
    assert chances.shape == (60, 2)
    assert chances.sum(1) == pytest.approx(np.ones(60))
    assert fitted.score(texts, labels) > 0.8
    assert (fitted.predict(texts) == fitted.classes_[chances.argmax(1)]).all()


def test_one_seed_one_result(data, fitted):
    texts, labels, groups = data
    again = clone(fitted).fit(texts, labels, groups=groups)
    assert all((again.weights_[key] == value).all() for key, value in fitted.weights_.items())
    assert (again.predict_proba(texts) == fitted.predict_proba(texts)).all()
    # Fitting once more starts anew.
    assert (again.fit(texts, labels, groups=groups).predict_proba(texts) == fitted.predict_proba(texts)).all()
    other = clone(fitted).set_params(random_state=1).fit(texts, labels, groups=groups)
    assert (other.predict_proba(texts) != fitted.predict_proba(texts)).any()


def test_nothing_is_left_behind(data, tmp_path, monkeypatch, capfd):
    texts, labels, groups = data
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    strict = torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(3)
    np.random.seed(3)
    threads, random, legacy = torch.get_num_threads(), torch.get_rng_state(), np.random.get_state()[1].copy()
    SequenceClassifier(**{**QUICK, "epochs": 1}).fit(texts, labels, groups=groups).predict(texts[:2])
    assert os.listdir(tmp_path) == []
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled() == strict
    assert torch.equal(torch.get_rng_state(), random)
    assert (np.random.get_state()[1] == legacy).all()
    assert capfd.readouterr().out == ""


def test_each_sequence_for_itself(data, fitted):
    texts = data[0][:20]
    whole = fitted.predict_proba(texts)
    assert fitted.predict_proba(texts[::-1])[::-1] == pytest.approx(whole, abs=1e-6)
    assert np.concatenate([fitted.predict_proba([text]) for text in texts]) == pytest.approx(whole, abs=1e-6)


def test_kinds_of_sequences_are_one(data, fitted):
    texts = data[0][:5]
    expected = fitted.predict_proba(texts)
    for other in (np.array(texts), [text.encode() for text in texts], [text.lower() for text in texts]):
        assert (fitted.predict_proba(other) == expected).all()
    assert (fitted.predict_proba([encode(text) for text in texts]) == expected).all()


def test_stored_and_read_back(data, fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    assert (copy.predict_proba(data[0]) == fitted.predict_proba(data[0])).all()


def test_predicting_changes_nothing(data, fitted):
    before = {key: value for key, value in vars(fitted).items() if key != "_network"}
    fitted.predict(data[0][:3])
    after = {key: value for key, value in vars(fitted).items() if key != "_network"}
    assert before.keys() == after.keys()
    assert all(before[key] is after[key] for key in before)


def test_public_state_ends_in_an_underscore(fitted):
    new = set(vars(fitted)) - set(fitted.get_params())
    assert {name for name in new if not name.endswith("_") and not name.startswith("_")} == set()
    assert {"classes_", "window_", "weights_", "settings_"} <= new


def test_fitting_leaves_parameters_alone(fitted):
    assert fitted.get_params() == SequenceClassifier(**QUICK).get_params()


def test_labels_of_any_kind(data):
    texts, labels, groups = data
    quick = {**QUICK, "epochs": 1}
    for names in (np.array([3, 7]), np.array([False, True]), np.array(["b", "c"], dtype=object)):
        found = SequenceClassifier(**quick).fit(texts, names[(labels == "yes").astype(int)], groups=groups)
        assert found.classes_.tolist() == names.tolist()
        assert set(found.predict(texts[:6])) <= set(names.tolist())
    three = np.array(["x", "y", "z"])[np.arange(len(texts)) % 3]
    assert SequenceClassifier(**quick).fit(texts, three).predict_proba(texts[:4]).shape == (4, 3)


def test_pipelines_and_cross_validation_with_groups(data):
    texts, labels, groups = data
    upper = FunctionTransformer(lambda rows: [row.upper() for row in rows])
    quick = {**QUICK, "epochs": 1}
    folds, lower = GroupKFold(2), [text.lower() for text in texts]
    scores = cross_val_score(
        make_pipeline(upper, SequenceClassifier(**quick)),
        lower,
        labels,
        groups=groups,
        cv=folds,
        scoring="neg_log_loss",
    )
    by_hand = []
    for train, test in folds.split(texts, labels, groups):
        assert not set(groups[train]) & set(groups[test])
        model = SequenceClassifier(**quick).fit([texts[i] for i in train], labels[train])
        right = (labels[test][:, None] == model.classes_).nonzero()[1]
        by_hand.append(np.log(model.predict_proba([texts[i] for i in test])[np.arange(len(test)), right]).mean())
    assert scores == pytest.approx(by_hand, rel=1e-6)


def test_both_strands_are_one(data):
    texts, labels, groups = data
    model = SequenceClassifier(**{**QUICK, "epochs": 1}, both_strands=True).fit(texts, labels, groups=groups)
    window = model.window_
    cut = [text[:window] for text in texts[:6]]
    turned = [decode(reverse_complement(encode(text))) for text in cut]
    assert model.predict_proba(turned) == pytest.approx(model.predict_proba(cut), abs=1e-6)


def test_groups_and_copies_never_cross():
    texts, labels, groups = sequences(60)
    texts[10], texts[40] = texts[11], texts[11]  # of three groups then, which are one
    labels[[10, 40]] = labels[11]
    model = SequenceClassifier()
    model.classes_, index = np.unique(labels, return_inverse=True)
    model.window_ = 60
    model.seed_ = 0  # as ``fit`` sets it
    examples = model._examples([encode(text) for text in texts], index, groups)
    sides = {}
    for i, group in enumerate(groups.tolist()):
        sides.setdefault(group, set()).add(str(examples.split[i]))
    assert all(len(side) == 1 for side in sides.values())
    assert len({str(examples.split[i]) for i in (10, 11, 40)}) == 1
    held = [(examples.split == "val")[index == k].mean() for k in (0, 1)]
    assert held == pytest.approx([0.15, 0.15], abs=0.12)
    # Without a name each is its own group, not all of them one.
    lost = np.array([None if i % 3 else f"g{i}" for i in range(60)], dtype=object)
    lost[1] = float("nan")
    assert (
        len(set(model._examples([encode(text) for text in texts], index, lost).groups)) == 58
    )  # of 60 with two copies
    # The order of the sequences decides nothing.
    order = np.random.default_rng(0).permutation(60)
    moved = model._examples([encode(texts[i]) for i in order], index[order], groups[order])
    assert (moved.split == examples.split[order]).all()


def test_unfitted(data):
    with pytest.raises(NotFittedError):
        SequenceClassifier().predict_proba(data[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: ("ACGT", y), "expected a list of sequences, got a single one"),
        (lambda x, y: (np.zeros((4, 5)), np.array([0, 1, 0, 1])), r"X\[0\]: expected letters"),
        (lambda x, y: ([*x[:-1], "ACGX"], y), r"X\[119\]: letter 'X' at position 4"),
        (lambda x, y: ([*x[:-1], 7], y), r"X\[119\]: expected letters or uint8 codes"),
        (lambda x, y: ([], []), "at least one sequence"),
        (lambda x, y: (x, y[:-1]), "y: expected 120 entries as X has, got 119"),
        (lambda x, y: (x, np.full(len(x), "a")), "at least two classes, got one class"),
        (lambda x, y: (x[:2], y[:2]), "no train examples"),
        (lambda x, y: (x, np.linspace(0, 1, len(x))), "Unknown label type"),
        (lambda x, y: (x, np.full(len(x), np.nan)), "NaN|nan|Unknown label"),
        (lambda x, y: (x, np.stack([y, y], axis=1)), "1d array"),
    ],
)
def test_bad_input(data, change, message):
    with pytest.raises(ValueError, match=message):
        SequenceClassifier(**QUICK).fit(*change(data[0], data[1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "deepbnd"}, "unknown model 'deepbnd'"),
        ({"window": 70}, r"expected at least the window of 70 nt"),
        ({"settings": {"trainig": {"epochs": 1}}}, "trainig"),
        ({"lr": -1.0}, "optimiser.lr"),
    ],
)
def test_bad_parameters(data, options, message):
    with pytest.raises(InputError, match=message):
        SequenceClassifier(**{**QUICK, **options}).fit(data[0], data[1])


def test_groups_of_another_length(data):
    with pytest.raises(InputError, match="groups: expected 120 entries as X has, got 3"):
        SequenceClassifier().fit(data[0], data[1], groups=[1, 2, 3])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"window": "60"}, "window: expected a whole number of nt from 1 on, or None, got '60'"),
        ({"window": 0}, "window: expected a whole number"),
        ({"window": -5}, "window: expected a whole number"),
        ({"validation_fraction": 1.5}, "validation_fraction: expected a share above 0 and below 1, got 1.5"),
        ({"validation_fraction": -3}, "validation_fraction"),
        ({"settings": {"training": 3}}, r"settings\['training'\]: expected a mapping, got 3"),
    ],
)
def test_parameters_that_make_no_sense(data, parameters, message):
    x, y, _ = data
    with pytest.raises(InputError, match=message):
        SequenceClassifier(**parameters).fit(x, y)


def test_a_seed_is_drawn_where_none_is_given(data):
    x, y, groups = data
    seeds = []
    for state in (None, np.random.RandomState(3), np.random.RandomState(3), 7, np.int64(7)):
        seeds.append(SequenceClassifier("deepbind_small", epochs=1, random_state=state).fit(x, y, groups=groups).seed_)
    assert seeds[1] == seeds[2]
    assert seeds[3:] == [7, 7]
    assert isinstance(seeds[0], int)
