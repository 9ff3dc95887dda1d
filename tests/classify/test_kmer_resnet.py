"""Our network for sites on either strand: what it is made of, both strands, its words against a k-mer count by hand."""

import numpy as np
import pytest
import torch
from nets import letters

from classify.cost import parameter_count
from classify.models import MODELS, build_model
from classify.models.kmer_resnet import PACE
from specgen.errors import InputError


@pytest.fixture
def model():
    torch.manual_seed(0)
    made = build_model("kmer_resnet", 2, {"words": 4, "span": 5})
    made(letters(64, 101))  # statistics that are not those of the beginning
    torch.nn.init.normal_(made.words.weights)
    return made.eval()


def test_total():
    parts = {
        "stem": 4 * 15 * 128, "norm": 2 * 128, "mix": 256 * 32, "blocks": 2 * (4 * 32 + 3 * 32**2 + 32**2 + 32),
        "head": 192 * 64 + 64 + 64 * 2 + 2, "words": 21 * 4**6 * 2,
    }  # fmt: skip
    model = build_model("kmer_resnet", 2)
    assert {name: parameter_count(part) for name, part in model.named_children()} == parts
    assert f"{sum(parts.values()):,}" in MODELS["kmer_resnet"].build.__doc__


@pytest.mark.parametrize("length", [1, 4, 60, 101, 103])
def test_both_strands_get_the_same(model, length):
    inputs = letters(3, length)
    with torch.inference_mode():
        assert torch.allclose(model(inputs), model(inputs.flip((1, 2))), atol=1e-4)


def test_the_wide_part_counts_words(model):
    inputs = letters(2, 50)
    with torch.inference_mode():
        whole = model(inputs)
        words, model.words = model.words, None
        rest = model(inputs)
    weights = words.weights.detach().numpy()
    forms = [(0, 1, 2, 3), (0, 1, 2, 4), (0, 1, 3, 4), (0, 2, 3, 4)]
    assert words.forms == forms
    for one, row in zip(inputs, (whole - rest).numpy(), strict=True):
        digits = one.argmax(0).tolist()
        expected = np.zeros(2)
        for strand in (digits, [3 - digit for digit in reversed(digits)]):
            for form, of_form in zip(forms, weights, strict=True):
                for i in range(len(strand) - form[-1]):
                    a, b, c, d = (strand[i + place] for place in form)
                    expected += PACE * of_form[64 * a + 16 * b + 4 * c + d]
        assert row == pytest.approx(expected, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("length", [1, 4, 5, 30])
def test_uncertain_letters_are_the_mean_of_what_they_may_be(model, length):
    certain = letters(3, length)
    place = length // 2
    others = [certain.clone() for _ in range(4)]
    for base, one in enumerate(others):
        one[1, :, place] = torch.eye(4)[base]
    unsure = certain.clone()
    unsure[1, :, place] = 0.25
    with torch.inference_mode():
        expected = torch.stack([model.words(one) for one in others]).mean(0)
        assert torch.allclose(model.words(unsure), expected, atol=1e-4)
        padded = certain.clone()
        padded[1, :, :place] = 0
        alone = model.words(certain[1:2, :, place:])
        assert torch.allclose(model.words(padded)[1:2], alone, atol=1e-4)


def test_gradients_reach_the_letters_through_both_parts(model):
    inputs = letters(1, 40).requires_grad_()
    logits = model(inputs)
    logits[0, 1].backward()
    assert (inputs.grad.abs().sum(1) > 0).all()
    with torch.inference_mode():
        assert torch.allclose(model(inputs.detach()), logits, atol=1e-4)  # words looked up, and not multiplied out
    deep = build_model("kmer_resnet", 2, {"words": 0})
    assert deep.words is None
    narrow = build_model("kmer_resnet", 2, {"words": 4, "span": 4}).words
    assert narrow.forms == [(0, 1, 2, 3)]
    assert deep(letters(2, 30)).shape == (2, 2)


@pytest.mark.parametrize(
    "options",
    [
        {"words": 2},
        {"words": 7},
        {"span": 5},
        {"span": 11},
        {"span": 6.5},
        {"blocks": -1},
        {"filters": 0},
        {"kernel": 1.5},
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(InputError, match=f"kmer_resnet: expected .*{next(iter(options))}.* got"):
        build_model("kmer_resnet", 2, options)
