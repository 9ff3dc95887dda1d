"""DeepSEA and DanQ: published totals layer by layer, any window, sequences that keep to themselves."""

import pytest
import torch
from nets import letters
from torch import nn
from torch.nn import functional as F

from classify.cost import parameter_count
from classify.models import MODELS, build_model
from specgen.errors import InputError

ONE_BIAS = 2 * 4 * 320
"""Parameters of each of PyTorch's two bias vectors: four gates of 320 in both directions."""

LAYERS = [
    ("deepsea", {}, [10_560, 1_229_280, 3_687_360, 47_064_925, 850_994], 52_843_119),
    ("deepsea", {"hidden": 919}, [10_560, 1_229_280, 3_687_360, 46_759_639, 845_480], 52_532_319),
    ("danq", {}, [33_600, 1_640_960 + ONE_BIAS, 44_400_925, 850_994], 46_926_479 + ONE_BIAS),
]


@pytest.fixture(scope="module")
def small():
    """Both with a narrow dense layer and two outputs, for a window of 300 nt, in the mode of evaluation."""
    torch.manual_seed(0)
    return {name: build_model(name, 2, {"hidden": 8, "window": 300}).eval() for name in ("deepsea", "danq")}


@pytest.mark.parametrize(("name", "options", "layers", "total"), LAYERS)
def test_published_totals(name, options, layers, total):
    with torch.device("meta"):
        model = build_model(name, 919, options)
    leaves = [layer for layer in model.modules() if not list(layer.children())]
    assert [n for layer in leaves if (n := parameter_count(layer))] == layers
    assert parameter_count(model) == sum(layers) == total
    assert f"{total:,}" in MODELS[name].build.__doc__


def test_danq_with_one_bias():
    with torch.device("meta"):
        model = build_model("danq", 919)
    assert parameter_count(model) - model.lstm.bias_hh_l0.numel() - model.lstm.bias_hh_l0_reverse.numel() == 46_926_479
    assert "46,926,479" in MODELS["danq"].note
    assert "unverified" in MODELS["deepsea"].note


@pytest.mark.parametrize(
    ("name", "places"), [("deepsea", {1000: 53, 600: 28, 163: 1}), ("danq", {1000: 75, 600: 44, 38: 1})]
)
def test_places_of_a_window(name, places):
    for window, count in places.items():
        with torch.device("meta"):
            model = build_model(name, 2, {"window": window})
            assert model.places == count
            assert model.features(torch.zeros(1, 4, window)).shape[2] == count


def test_the_plain_geometry(small):
    """Where the window is the one that it was built for, layer upon layer."""
    inputs = letters(2, 300)
    with torch.no_grad():
        sea = small["deepsea"]
        one, two, three = (layer for layer in sea.features if isinstance(layer, nn.Conv1d))
        maps = F.max_pool1d(two(F.max_pool1d(one(inputs).relu(), 4)).relu(), 4)
        expected = sea.classifier(sea.dense(three(maps).relu().flatten(1)).relu())
        assert torch.allclose(sea(inputs), expected, atol=1e-6)
        danq = small["danq"]
        maps = F.max_pool1d(danq.features[0](inputs).relu(), 13)
        assert maps.shape == (2, 320, 21)
        states, _ = danq.lstm(maps.transpose(1, 2))
        # Weights of the dense layer: all places of a state, then those of the next one.
        weights = danq.dense.weight.unflatten(1, (640, 21))
        hidden = torch.einsum("bps,hsp->bh", states, weights) + danq.dense.bias
        assert torch.allclose(danq(inputs), danq.classifier(hidden.relu()), atol=1e-6)


@pytest.mark.parametrize("name", ["deepsea", "danq"])
@pytest.mark.parametrize("length", [20, 101, 300, 600])
def test_any_window_and_any_neighbours(name, length, small):
    """A sequence's logits are its own: beside others, alone, and at another place of the batch."""
    model, inputs = small[name], letters(5, length)
    with torch.no_grad():
        together = model(inputs)
        assert together.shape == (5, 2)
        others = torch.cat([letters(3, length, seed=9), inputs[:1]])
        assert torch.allclose(model(others)[3], together[0], atol=1e-6)
        assert torch.allclose(model(inputs[1:2])[0], together[1], atol=1e-6)
        assert torch.allclose(model(inputs.flip(0)).flip(0), together, atol=1e-6)
    assert not torch.equal(together[0], together[1])


def test_a_gradient_stays_in_its_sequence(small):
    for model in small.values():
        inputs = letters(4, 300).requires_grad_()
        model(inputs)[2].sum().backward()
        assert [bool(each.any()) for each in inputs.grad] == [False, False, True, False]


def test_the_lstm_of_danq_runs_along_the_sequence(small):
    """By the equations of an LSTM cell, both directions, one sequence at a time."""
    danq, inputs = small["danq"], letters(2, 90)

    def run(sequence, end):
        w, u, b, c = (
            getattr(danq.lstm, f"{kind}_l0{end}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        state, cell, seen = torch.zeros(320), torch.zeros(320), []
        for place in sequence:
            i, f, g, o = (w @ place + u @ state + b + c).chunk(4)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            state = o.sigmoid() * cell.tanh()
            seen.append(state)
        return torch.stack(seen)

    with torch.no_grad():
        for row in range(2):
            places = danq.features(inputs[row : row + 1])[0].T
            states = torch.cat([run(places, ""), run(places.flip(0), "_reverse").flip(0)], 1)
            hidden = danq.dense(danq.placed(states.T[None])).relu()
            assert torch.allclose(danq.classifier(hidden)[0], danq(inputs)[row], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("deepsea", {"window": 162}, "deepsea: expected a window of 163 nt or more, got 162"),
        ("danq", {"window": 37}, "danq: expected a window of 38 nt or more, got 37"),
        ("danq", {"window": 600.0}, "danq: expected a window of 38 nt or more, got 600.0"),
        ("danq", {"hidden": 0}, "danq: expected a whole number of at least 1 for hidden, got 0"),
        ("deepsea", {"hidden": -1}, "deepsea: expected a whole number of at least 1 for hidden, got -1"),
    ],
)
def test_networks_that_cannot_be(name, options, message):
    with pytest.raises(InputError, match=message):
        build_model(name, 2, options)
