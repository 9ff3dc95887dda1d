"""The networks that look for motifs: published totals layer by layer, what they see, and sequences that keep to themselves."""

import pytest
import torch
from nets import leaves, letters
from torch import nn

from classify.cost import flops_per_example, parameter_count
from classify.models import MODELS, build_model
from specgen.errors import InputError

LSTM = 2 * 4 * 32
"""Parameters of each of PyTorch's two bias vectors: four gates of 32 in both directions."""

# (model, outputs, options): parameters of each layer, in order, and the published total.
LAYERS = [
    ("deepbind", 1, {}, [1_040, 17], 1_057),
    ("deepbind_small", 1, {"kernel": 3}, [208, 544, 33], 785),
    ("deepbind_small", 1, {}, [336, 544, 33], 913),
    ("deepbind_small", 1, {"kernel": 7}, [464, 544, 33], 1_041),
    ("deepbind_small", 1, {"kernel": 11}, [720, 544, 33], 1_297),
    ("deepbind_small", 1, {"kernel": 15}, [976, 544, 33], 1_553),
    ("motif_pair", 1, {}, [504, 2_904, 800, 33], 4_241),
    ("motif_pair_wide", 1, {}, [504, 17_880, 800, 33], 19_217),
    ("deepmotif_cnn", 2, {}, [4_736, 82_048, 49_280, 258], 136_322),
    ("deepmotif_rnn", 2, {}, [9_728, 130], 9_858),
    ("deepmotif_cnn_rnn", 2, {}, [4_736, 41_472, 130], 46_338),
    (
        "basset", 164, {},
        [23_100, 660_200, 280_200, 600, 400, 400, 2_001_000, 2_000, 1_001_000, 2_000, 164_164], 4_135_064,
    ),
]  # fmt: skip
NAMES = list(dict.fromkeys(name for name, *_ in LAYERS))


@pytest.fixture(scope="module")
def build():
    """Models by name, each built once, in the mode of evaluation."""
    built = {}

    def get(name):
        if name not in built:
            torch.manual_seed(0)
            built[name] = build_model(name, 2).eval()
        return built[name]

    return get


@pytest.mark.parametrize(("name", "outputs", "options", "layers", "total"), LAYERS)
def test_parameters_of_each_layer_and_in_total(name, outputs, options, layers, total):
    model = build_model(name, outputs, options)
    assert [n for layer in leaves(model) if (n := parameter_count(layer))] == layers
    assert parameter_count(model) == sum(layers) == total
    if not options:
        assert f"{total:,}" in MODELS[name].build.__doc__


def test_the_formula_of_the_kernel_sweep():
    assert [parameter_count(build_model("deepbind_small", 1, {"kernel": k})) for k in range(3, 16)] == [
        64 * k + 593 for k in range(3, 16)
    ]


@pytest.mark.parametrize(("name", "total"), [("deepmotif_rnn", 9_602), ("deepmotif_cnn_rnn", 46_082)])
def test_counts_with_one_bias(name, total, build):
    assert parameter_count(build(name)) - LSTM == total
    assert f"{total:,}" in MODELS[name].note


def test_basset_without_batch_normalisation():
    model = build_model("basset", 164)
    norms = sum(parameter_count(layer) for layer in leaves(model) if isinstance(layer, nn.BatchNorm1d))
    assert parameter_count(model) - norms == 4_129_664
    assert "unverified" in MODELS["basset"].note


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [41, 101, 150, 600])
def test_any_window_and_any_neighbours(name, length, build):
    """A sequence's logits are its own: beside others, alone, and at another place of the batch."""
    model, inputs = build(name), letters(5, length)
    with torch.no_grad():
        together = model(inputs)
        assert together.shape == (5, 2)
        others = torch.cat([letters(3, length, seed=9), inputs[:1]])
        assert torch.allclose(model(others)[3], together[0], rtol=1e-4, atol=1e-5)
        assert torch.allclose(model(inputs[1:2])[0], together[1], rtol=1e-4, atol=1e-5)
        assert torch.allclose(model(inputs.flip(0)).flip(0), together, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-6)


def test_the_lstm_runs_along_the_sequence(build):
    """By the equations of an LSTM cell, both directions, one sequence at a time."""
    model, inputs = build("deepmotif_rnn"), letters(2, 12)

    def run(sequence, end):
        weights = [getattr(model.lstm, f"{kind}_l0{end}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        state, cell, seen = torch.zeros(32), torch.zeros(32), []
        for letter in sequence:
            gates = weights[0] @ letter + weights[1] @ state + weights[2] + weights[3]
            i, f, g, o = gates.chunk(4)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            state = o.sigmoid() * cell.tanh()
            seen.append(state)
        return torch.stack(seen).mean(0)

    with torch.no_grad():
        for row in range(2):
            steps = inputs[row].T
            pooled = torch.cat([run(steps, ""), run(steps.flip(0), "_reverse")])
            assert torch.allclose(model.classifier(pooled), model(inputs)[row], atol=1e-5)


def test_flops_of_recurrent_layers_are_counted(build):
    gates = 2 * 101 * 2 * 128 * (4 + 32)
    assert flops_per_example(build("deepmotif_rnn"), letters(1, 101)) == gates + 2 * 64 * 2


@pytest.mark.parametrize(
    ("name", "options", "sees"),
    [
        ("deepbind_small", {"kernel": 11}, 11),
        ("motif_pair", {}, 9),
        ("motif_pair_wide", {}, 35),
        ("motif_pair", {"second_kernel": 6, "dilation": 6}, 35),
    ],
)
def test_how_many_letters_a_place_sees(name, options, sees):
    model = build_model(name, 2, options)
    assert model.receptive_field == sees
    inputs = letters(1, 101).requires_grad_()
    features = torch.nn.Sequential(*(layer for layer in model.features if not isinstance(layer, nn.ReLU)))
    features(inputs)[0, :, 30].sum().backward()
    touched = inputs.grad[0].abs().sum(0).nonzero().ravel()
    assert (touched.min().item(), touched.max().item()) == (30, 30 + sees - 1)


def test_motifs_behind_the_maximum_have_no_distance(build):
    """Two pieces that both layers see whole score the same at any distance; the wide model tells distances apart."""
    piece, other = letters(1, 15, seed=1), letters(1, 15, seed=2)
    blank = torch.zeros(1, 4, 60)

    def at(gap):
        return torch.cat([blank[..., :20], piece, blank[..., :gap], other, blank[..., : 50 - gap]], dim=2)

    with torch.no_grad():
        near, far = build("motif_pair")(at(12)), build("motif_pair")(at(40))
        assert torch.allclose(near, far, atol=1e-6)
        assert not torch.allclose(build("motif_pair_wide")(at(12)), build("motif_pair_wide")(at(20)), atol=1e-6)


def test_a_detector_hangs_over_the_end(build):
    """DeepBind sees a quarter of each base beyond the ends: by the formula, place by place."""
    model, inputs = build("deepbind"), letters(1, 20)
    around = torch.full((4, 20 + 30), 0.25)
    around[:, 15:35] = inputs[0]
    weight, bias = model.detectors.weight, model.detectors.bias
    with torch.no_grad():
        places = torch.stack([(weight * around[:, i : i + 16]).sum((1, 2)) + bias for i in range(35)])
        expected = model.classifier(places.relu().amax(0))
        assert torch.allclose(model(inputs)[0], expected, atol=1e-5)


def test_basset_at_600_is_the_plain_geometry(build):
    """Unpadded, pooled by 3, 4 and 4, as its 2,000 features have it."""
    model, inputs = build("basset"), letters(1, 600)
    maps = inputs
    with torch.no_grad():
        for convolution, norm, pool in zip(model.convolutions, model.norms, (3, 4, 4), strict=True):
            maps = nn.functional.max_pool1d(norm(convolution(maps)).relu(), pool)
        assert maps.shape == (1, 200, 10)
        expected = model.classifier(model.dense(maps.flatten(1)))
        assert torch.allclose(model(inputs), expected, atol=1e-6)
    # (131 - 18) // 3 = 37, (37 - 10) // 4 = 6, and 7 letters do not fit; one more does it.
    assert [model.padded(n) for n in (101, 131, 132, 600)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("deepbind", {"motifs": 0}),
        ("deepbind_small", {"kernel": 0}),
        ("deepbind_small", {"kernel": 2.5}),
        ("motif_pair", {"dilation": 0}),
        ("motif_pair_wide", {"second_kernel": -1}),
        ("basset", {"hidden": 0}),
    ],
)
def test_networks_that_cannot_be(name, options):
    key, value = next(iter(options.items()))
    with pytest.raises(InputError, match=f"{name}: expected a whole number of at least 1 for {key}, got {value}"):
        build_model(name, 2, options)
