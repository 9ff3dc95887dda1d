"""The exon-start networks: ExonSearch's as its Keras tables have them, layer by layer, and our own around its centre."""

import math

import pytest
import torch
from nets import leaves, letters
from torch import nn

from classify.cost import parameter_count
from classify.models import MODELS, build_model
from classify.models.exonsearch import Branches, Gate, SelfAttention, SqueezeExcite
from specgen.errors import InputError

# Parameters of each layer that has any, in order, of the models with one output.
LAYERS = {
    "exon_simple": [2_624, 41_088, 8_256, 65],
    "exon_attention": [2_624, 41_088, 256, *4 * [16_512], 8_256, 65],
    "exon_complex": [3_904, 128, 41_088, 256, 98_560, 512, 32_896, 129],
    "exon_enhanced": [
        5_856, 192, 30_784, 18_496, 256, 82_048, 49_280, 512, 327_936, 196_864, 1_024, 513, 131_328, 257,
    ],
    "exon_enhanced_se": [
        5_856, 192, 30_784, 18_496, 256, 82_048, 49_280, 512, 327_936, 196_864, 1_024, 32_832, 33_280, 131_328, 257,
    ],
    "exon_enhanced_301": [
        2_016, 192, 202_944, 384, 4_801,
        98_816, 98_816, 296_448, 295_104, 49_408, 257,
    ],
}  # fmt: skip
TOTALS = {
    "exon_simple": (52_033, 52_033),
    "exon_attention": (118_337, 118_337),
    "exon_complex": (177_473, 178_369),
    "exon_enhanced": (845_346, 847_330),
    "exon_enhanced_se": (910_945, 912_929),
    "exon_enhanced_301": (1_049_186, 1_049_762),
}
"""With PyTorch's way of counting and with Keras', which counts the moving statistics of batch normalisation."""
DROPOUT = {"exon_simple": 0.5, "exon_attention": 0.5, "exon_complex": 0.4}
EVERY = pytest.mark.parametrize("name", TOTALS)
OURS = [*TOTALS, "exon_resnet"]


@pytest.fixture(scope="module")
def build():
    """Models with one output by name, each built once and in the mode of evaluation."""
    built = {}

    def get(name):
        if name not in built:
            torch.manual_seed(0)
            built[name] = build_model(name, 1).eval()
        return built[name]

    return get


@EVERY
def test_parameters_of_each_layer_and_in_total(name, build):
    model = build(name)
    counts = [n for layer in leaves(model) if (n := parameter_count(layer))]
    assert counts == LAYERS[name]
    total, of_keras = TOTALS[name]
    assert parameter_count(model) == sum(counts) == total
    moving = sum(b.numel() for key, b in model.named_buffers() if "num_batches" not in key)
    assert total + moving == of_keras
    assert f"{total:,}" in MODELS[name].build.__doc__
    # A second output is one more row of the last layer.
    assert parameter_count(build_model(name, 2)) == total + counts[-1]


@EVERY
def test_conventions_of_keras(name, build):
    model = build(name)
    kinds = {kind: [m for m in model.modules() if isinstance(m, kind)] for kind in (nn.BatchNorm1d, nn.LayerNorm)}
    assert all((m.eps, m.momentum) == (1e-3, 0.01) for m in kinds[nn.BatchNorm1d])
    assert all(m.eps == 1e-3 for m in kinds[nn.LayerNorm])
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [DROPOUT.get(name, 0.6)]
    for layer in leaves(model):
        if isinstance(layer, nn.Conv1d | nn.Linear):
            field = math.prod(layer.weight.shape[2:])
            bound = math.sqrt(6 / (field * (layer.weight.shape[0] + layer.weight.shape[1])))
            # Uniform: of n values the largest is below the bound by about a share of 1 / n.
            largest = layer.weight.abs().max().item()
            assert bound * (1 - 8 / layer.weight.numel()) <= largest <= bound
            assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.25)
            assert not layer.bias.any()


def test_the_activation_comes_before_the_normalisation(build):
    for name in ("exon_complex", "exon_enhanced", "exon_enhanced_301"):
        kinds = [type(layer).__name__ for layer in build(name).features]
        assert kinds[1:3] in (["ReLU", "BatchNorm1d"], ["SiLU", "BatchNorm1d"], ["GELU", "BatchNorm1d"])


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("length", [51, 101, 201, 301])
def test_any_window_and_any_neighbours(name, length, build):
    model, inputs = build(name), letters(4, length)
    with torch.no_grad():
        together = model(inputs)
        assert together.shape == (4, 1)
        neighbours = torch.cat([inputs[:1], letters(2, length, seed=5)])
        assert torch.allclose(model(neighbours)[0], together[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "places"), [("exon_simple", 92), ("exon_complex", 42), ("exon_enhanced", 12)])
def test_places_left_of_a_window_of_201(name, places, build):
    """Unpadded: 192 / 2 - 4, and ((201 - 14) / 2 - 4) / 2 - 2, halves rounded down; padded: halved four times."""
    with torch.no_grad():
        assert build(name).features(letters(1, 201)).shape[2] == places


def test_the_gate_by_its_formula():
    torch.manual_seed(1)
    gate, maps = Gate(3), torch.randn(2, 3, 5)
    weight, bias = gate.score.weight[0, :, 0], gate.score.bias[0]
    for b in range(2):
        for place in range(5):
            share = 1 / (1 + torch.exp(-(weight @ maps[b, :, place] + bias)))
            assert torch.allclose(gate(maps)[b, :, place], maps[b, :, place] * share)


def test_squeeze_and_excite_by_its_formula():
    torch.manual_seed(2)
    block, maps = SqueezeExcite(8, ratio=4), torch.randn(3, 8, 6)
    means = maps.mean(2)
    hidden = means @ block.squeeze.weight.T + block.squeeze.bias
    assert hidden.shape == (3, 2)
    shares = torch.sigmoid((hidden / (1 + torch.exp(-hidden))) @ block.excite.weight.T + block.excite.bias)
    assert torch.allclose(block(maps), maps * shares[:, :, None], atol=1e-6)


def test_branches_see_two_and_one_letters_to_each_side():
    torch.manual_seed(3)
    block, maps = Branches(2, 6), torch.zeros(1, 2, 11)
    base = block(maps)
    maps[0, :, 5] = 1
    moved = (block(maps) != base).any(dim=0)
    assert moved[:3].any(0).nonzero().ravel().tolist() == [3, 4, 5, 6, 7]
    assert moved[3:].any(0).nonzero().ravel().tolist() == [4, 5, 6]


def test_attention_is_that_of_pytorch():
    """Where keys and values are as wide as the model, torch.nn.MultiheadAttention is the same layer."""
    torch.manual_seed(4)
    ours, other = SelfAttention(8, heads=2, key=4, value=4), nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        other.in_proj_weight.copy_(torch.cat([m.weight for m in (ours.query, ours.key, ours.value)]))
        other.in_proj_bias.copy_(torch.randn(24))
        for layer, bias in zip((ours.query, ours.key, ours.value), other.in_proj_bias.chunk(3), strict=True):
            layer.bias.copy_(bias)
        other.out_proj.load_state_dict(ours.out.state_dict())
        maps = torch.randn(3, 8, 7)
        expected = other(*3 * [maps.transpose(1, 2)], need_weights=False)[0].transpose(1, 2)
        assert torch.allclose(ours(maps), expected, atol=1e-6)


def test_two_outputs_are_one_sigmoid():
    torch.manual_seed(5)
    one, two = build_model("exon_complex", 1).eval(), build_model("exon_complex", 2).eval()
    with torch.no_grad():
        one.features.load_state_dict(two.features.state_dict())
        one.dense.load_state_dict(two.dense.state_dict())
        one.classifier.weight.copy_(two.classifier.weight[1:] - two.classifier.weight[:1])
        one.classifier.bias.copy_(two.classifier.bias[1:] - two.classifier.bias[:1])
        inputs = letters(3, 101)
        assert torch.allclose(two(inputs).softmax(1)[:, 1], one(inputs)[:, 0].sigmoid(), atol=1e-6)


# exon_resnet


def test_exon_resnet_is_small(build):
    width, places = 24, 81
    unit = 2 * (2 * width + 5 * width * width)
    units = (3 + 2) * unit + 2 * 2 * width  # near the site, and in the context
    head = (4 * places + width + 2 * 4 * width + 1) * 32 + 33
    expected = 4 * 11 * width + units + 4 * width + 4 + head + 4 * places
    assert parameter_count(build("exon_resnet")) == expected <= 300_000


def test_exon_resnet_reads_letters_near_the_centre_each_with_its_weight(build):
    """What the letters add besides the network is a position weight matrix around index L // 2."""
    model = build_model("exon_resnet", 1, {"reach": 7}).eval()
    for length in (9, 15, 16, 101):
        inputs = letters(3, length, seed=length)
        with torch.no_grad():
            model.matrix.weight.zero_()
            without = model(inputs)
            torch.nn.init.normal_(model.matrix.weight)
            added = (model(inputs) - without)[:, 0]
        table = model.matrix.weight.detach().reshape(4, 15)
        for row, found in zip(inputs, added, strict=True):
            places = [(place, length // 2 + place) for place in range(-7, 8)]
            expected = sum(table[:, 7 + at] @ row[:, i] for at, i in places if 0 <= i < length)
            assert found == pytest.approx(float(expected), abs=1e-4)


def test_exon_resnet_knows_where_the_site_is(build):
    """A shift by one letter, or the two sides of the site exchanged, is another window, not the same seen elsewhere."""
    model, inputs = build("exon_resnet"), letters(1, 301)
    with torch.no_grad():
        base = model(inputs)
        for other in (inputs.roll(1, 2), inputs.flip(2), torch.cat([inputs[..., 151:], inputs[..., :151]], 2)):
            assert abs(model(other) - base) > 1e-4
        far = inputs.clone()
        far[..., :4] = far[..., 296:300].flip(1)
        assert model(far) != base  # the whole window is read


def test_letters_are_hidden_in_training_only():
    model = build_model("exon_resnet", 2, {"hidden_letters": 0.5, "dropout": 0.0})
    seen = []
    model.stem.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    inputs = letters(50, 101)
    model.train()(inputs)
    model.eval()(inputs)
    hidden = (seen[0] == 0.25).all(1)
    assert hidden.float().mean().item() == pytest.approx(0.5, abs=0.05)  # 5050 draws: standard error .007
    assert torch.equal(seen[0][:, :, :].transpose(1, 2)[~hidden], inputs.transpose(1, 2)[~hidden])
    assert torch.equal(seen[1], inputs)


@pytest.mark.parametrize("name", ["exon_complex", "exon_enhanced", "exon_enhanced_se", "exon_enhanced_301"])
def test_momentum_of_the_moving_statistics(name):
    """Published: a hundredth of each batch."""
    for options, expected in (({}, 0.01), ({"bn_momentum": 0.1}, 0.1)):
        found = {m.momentum for m in build_model(name, 2, options).modules() if isinstance(m, nn.BatchNorm1d)}
        assert found == {expected}


@pytest.mark.parametrize("options", [{"width": 0}, {"blocks": 0}, {"reach": 0}, {"hidden_letters": 1.0}])
def test_exon_resnet_that_cannot_be(options):
    with pytest.raises(InputError, match=f"exon_resnet: expected .*{next(iter(options))}.* got"):
        build_model("exon_resnet", 2, options)
