"""The transformer to spectrograms: the imager's pixels, scikit-learn's conventions and checks, what is refused."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from specgen.errors import InputError
from specgen.estimator import SpectrogramTransformer, letters_of
from specgen.image import Imager
from specgen.sequences import encode
from specgen.settings import ImageSettings, SpectrogramSettings

SMALL = {"window": 12, "n_fft": 15, "frames": 6}
# Of those that scikit-learn has for transformers, the ones that hand over no table of numbers.
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
    "check_transformer_get_feature_names_out",
)


def texts(n=8, low=30, high=41, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), rng.integers(low, high))) for _ in range(n)]


@pytest.mark.parametrize("name", CHECKS)
def test_checks_of_scikit_learn(name):
    getattr(estimator_checks, name)("SpectrogramTransformer", SpectrogramTransformer())


@pytest.mark.parametrize("palette", ["delta_z", "hue"])
def test_pixels_are_the_imagers(palette):
    rows = texts()
    found = SpectrogramTransformer(palette, **SMALL).fit(rows)
    imager = Imager(ImageSettings(palette=palette, spectrogram=SpectrogramSettings(**SMALL)))
    assert found.length_ == min(map(len, rows))
    pixels = found.transform(rows)
    assert pixels.dtype == np.float32
    for row, picture in zip(rows, pixels.reshape(-1, *found.shape_), strict=True):
        low = (len(row) - found.length_) // 2  # the middle
        codes = torch.from_numpy(encode(row[low : low + found.length_]))[None]
        assert imager(codes)[0].numpy() == pytest.approx(picture, abs=1e-6)
    names = found.get_feature_names_out()
    assert len(names) == pixels.shape[1]
    assert (names[0], names[1], names[-1]) == ("red_0_0", "red_0_1", "blue_7_5")


def test_pipelines_and_cross_validation_with_groups():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    # A base every third letter is what a spectrogram shows.
    rows = [
        "".join("G" if label and i % 3 == 0 and rng.random() < 0.8 else rng.choice(list("ACGT")) for i in range(60))
        for label in labels
    ]
    model = make_pipeline(SpectrogramTransformer(**SMALL), LogisticRegression(max_iter=500))
    scores = cross_val_score(model, rows, labels, groups=np.arange(60) // 2, cv=GroupKFold(3))
    assert scores.mean() > 0.8


def test_clones_forget_and_states_do_not_change():
    found = SpectrogramTransformer(**SMALL, length=25).fit(texts())
    with pytest.raises(NotFittedError):
        clone(found).transform(texts())
    before = dict(vars(found))
    found.transform(texts())
    assert vars(found) == before
    assert found.length_ == 25


@pytest.mark.parametrize(
    ("options", "rows", "message"),
    [
        ({"palette": "hu"}, texts(), "unknown palette 'hu'"),
        ({"length": 5}, texts(), "shorter than the spectrogram window"),
        ({"n_fft": 5}, texts(), "n_fft"),
        ({"length": 600.0}, texts(), "length: expected a whole number, got 600.0"),
        ({"window": "x"}, texts(), "window: expected a whole number, got 'x'"),
        ({}, "ACGT", "got a single one"),
        ({}, [], "at least one sequence"),
        ({}, ["ACGZ"], r"X\[0\]: letter 'Z'"),
        ({}, np.zeros((2, 4)), r"X\[0\]: expected letters"),
        ({}, [np.full(40, 200, dtype=np.uint8)], r"X\[0\]: expected letters or uint8 codes"),
        ({}, 5, "expected a list of sequences, got int"),
    ],
)
def test_what_is_refused(options, rows, message):
    with pytest.raises(InputError, match=message):
        SpectrogramTransformer(**{**SMALL, **options}).fit(rows)


def test_a_sequence_that_is_too_short():
    found = SpectrogramTransformer(**SMALL).fit(texts())
    with pytest.raises(InputError, match=r"X\[1\]: expected at least \d+ nt, got 20"):
        found.transform([texts()[0], "A" * 20])


def test_letters_of_every_kind():
    codes = letters_of(["ac", b"GN", np.array([8, 0], dtype=np.uint8)])
    assert [item.tolist() for item in codes] == [[1, 2], [4, 15], [8, 0]]
