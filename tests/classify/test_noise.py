"""Noise on the input: Gaussian, a sequence's own in any batch, the same for letters and pictures, and none in explanations."""

import numpy as np
import pytest
import torch
from scipy import stats

from classify.noise import InputNoise
from classify.settings import LetterSettings, RunSettings
from classify.views import build_view
from specgen.errors import InputError


def codes(n, length=101, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.choice(np.array([1, 2, 4, 8], dtype=np.uint8), (n, length)))


def run(noise, seed=0):
    return RunSettings(letters=LetterSettings(noise=noise, seed=seed))


@pytest.fixture(scope="module")
def drawn():
    """Noise of 500 sequences, (500, 4, 101)."""
    return InputNoise(1.0, seed=3)(codes(500), torch.zeros(500, 4, 101))


def test_it_is_gaussian_and_independent(drawn):
    values = drawn.double().numpy()
    assert stats.kstest(values.ravel(), "norm").pvalue > 1e-3
    # Four standard errors of a correlation of 50,000 pairs are .018; neighbours in place, in base and in sequence.
    for one, other in (
        (values[:, :, 1:], values[:, :, :-1]),
        (values[:, 1:], values[:, :-1]),
        (values[1:], values[:-1]),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.018


def test_a_sequence_has_its_own_in_any_batch(drawn):
    sequences = codes(500)
    noise = InputNoise(1.0, seed=3)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(0))
    assert torch.equal(noise(sequences[order], torch.zeros(500, 4, 101)), drawn[order])
    assert torch.equal(noise(sequences[7:8], torch.zeros(1, 4, 101)), drawn[7:8])
    assert not torch.equal(InputNoise(1.0, seed=4)(sequences, torch.zeros(500, 4, 101)), drawn)


@pytest.mark.parametrize(
    "change", [lambda c: c.roll(1), lambda c: c.flip(0), lambda c: torch.cat([c[1:2], c[:1], c[2:]])]
)
def test_other_letters_have_other_noise(change):
    one = codes(1)[0]
    other = change(one)
    assert not torch.equal(one, other)
    noise = InputNoise(1.0, seed=0)
    a, b = (noise(c[None], torch.zeros(1, 4, 101)) for c in (one, other))
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.2  # four standard errors of 404 pairs


def test_the_view_of_letters_adds_it():
    clean, noisy = build_view("codes", "onehot", run(0.0)), build_view("codes", "onehot", run(0.05))
    sequences = codes(200)
    added = noisy(sequences) - clean(sequences)
    assert added.dtype == torch.float32
    # Four standard errors of a standard deviation from 80,800 values are 1 %.
    assert added.std().item() == pytest.approx(0.05, rel=0.01)
    assert abs(added.mean().item()) < 1e-3
    assert torch.equal(noisy(sequences), noisy(sequences))
    # In training and evaluation alike, and not where indicators are handed over.
    assert torch.equal(noisy.train()(sequences), noisy.eval()(sequences))
    assert torch.equal(noisy(clean(sequences)), clean(sequences))


def test_pictures_are_of_the_same_noisy_letters():
    sequences = codes(2, 600)
    letters = build_view("codes", "onehot", run(0.1))(sequences)
    clean, noisy = build_view("codes", "image", run(0.0)), build_view("codes", "image", run(0.1))
    assert torch.equal(noisy(sequences), clean(letters))
    assert not torch.allclose(noisy(sequences), clean(sequences), atol=1e-3)


@pytest.mark.parametrize("change", [{"noise": -0.1}, {"noise": float("nan")}, {"seed": -1}])
def test_noise_that_cannot_be(change):
    with pytest.raises(InputError, match=rf"letters\.{next(iter(change))}: expected"):
        LetterSettings(**change)
