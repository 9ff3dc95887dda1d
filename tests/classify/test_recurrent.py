"""Recurrent networks of letters against the equations of their cells, and the clockwork RNN against its definition."""

import pytest
import torch
from nets import letters
from torch import nn

from classify.cost import flops_per_example, parameter_count
from classify.models import build_model
from classify.models.clockwork import Clockwork
from specgen.errors import InputError

NAMES = ("lstm", "gru", "bilstm", "bigru", "bigru_text", "clockwork")
PERIODS = [(1,), (1, 2, 4, 8), (2, 3, 7), (1, 5, 64)]


def layer_of(periods, inputs=3, share=2):
    torch.manual_seed(1)
    return Clockwork(inputs, share * len(periods), periods).double()


def steps_of(length, inputs=3, batch=4):
    return torch.randn(batch, length, inputs, generator=torch.Generator().manual_seed(2)).double()


def dense(layer):
    """Whole input and recurrent matrices and the bias, as a plain RNN of the same width has them."""
    taken = [m.weight_ih_l0[:, : layer.inputs] for m in layer.modules_]
    bias = [m.bias_ih_l0 + m.bias_hh_l0 for m in layer.modules_]
    return torch.cat(taken).detach(), layer.recurrent(), torch.cat(bias).detach()


def naive(layer, steps, inputs, recurrent, bias, start=0, state=None):
    """Step by step and module by module, from whole matrices of which fast-to-slow blocks are masked."""
    modules = torch.arange(layer.width) // layer.share
    masked = recurrent * (modules[None] >= modules[:, None])
    state = torch.zeros(len(steps), layer.width, dtype=steps.dtype) if state is None else state
    seen = []
    for t in range(steps.shape[1]):
        new = torch.tanh(steps[:, t] @ inputs.T + state @ masked.T + bias)
        due = torch.tensor([(start + t) % layer.periods[module] == 0 for module in modules])
        state = torch.where(due, new, state)
        seen.append(state)
    return torch.stack(seen, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"pool": "last", "layers": 2}])
@pytest.mark.parametrize("length", [1, 41, 130])
def test_any_window_and_any_neighbours(name, options, length):
    """A sequence's logits are its own: beside others, alone, and at another place of the batch."""
    torch.manual_seed(0)
    width = {"width": 16} | ({"periods": [1, 2, 4, 8]} if name == "clockwork" else {})
    model, inputs = build_model(name, 3, options | width).eval(), letters(5, length)
    with torch.no_grad():
        together = model(inputs)
        assert together.shape == (5, 3)
        others = torch.cat([letters(3, length, seed=9), inputs[:1]])
        assert torch.allclose(model(others)[3], together[0], atol=1e-6)
        assert torch.allclose(model(inputs[1:2])[0], together[1], atol=1e-6)
        assert torch.allclose(model(inputs.flip(0)).flip(0), together, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "gates", "directions"), [("lstm", 4, 1), ("bilstm", 4, 2), ("gru", 3, 1), ("bigru", 3, 2)]
)
@pytest.mark.parametrize(("width", "layers"), [(128, 1), (10, 3)])
def test_parameters_by_hand(name, gates, directions, width, layers):
    inputs = [4] + (layers - 1) * [directions * width]
    expected = sum(directions * gates * width * (reads + width + 2) for reads in inputs)
    model = build_model(name, 2, {"width": width, "layers": layers})
    assert parameter_count(model) == expected + 2 * (directions * width + 1)


def test_the_text_network_as_published():
    model = build_model("bigru_text", 919)
    gru = model.recurrent
    assert (gru.input_size, gru.hidden_size, gru.num_layers, gru.bidirectional) == (2, 128, 2, True)
    assert gru.dropout == model.readout.dropout.p == 0.05
    layers = 2 * 3 * 128 * (2 + 128 + 2) + 2 * 3 * 128 * (256 + 128 + 2)
    assert parameter_count(model) == 8 + layers + 257 * 919


def test_the_embedding_is_a_table_and_n_its_mean():
    model = build_model("bigru_text", 2).eval()
    table = model.embedding.weight.T
    inputs = torch.zeros(1, 4, 5)
    inputs[0, [2, 0, 3, 1], range(4)] = 1
    inputs[0, :, 4] = 0.25
    with torch.no_grad():
        embedded = model.embedding(inputs.transpose(1, 2))[0]
        assert torch.equal(embedded[:4], table[[2, 0, 3, 1]])
        assert torch.allclose(embedded[4], table.mean(0))
        states, _ = model.recurrent(embedded[None])
        assert torch.allclose(model.readout(states), model(inputs))


def test_a_gru_runs_along_the_sequence():
    """By the equations of its cell, from left to right and from right to left, with both ways of pooling."""
    torch.manual_seed(0)
    models = {pool: build_model("bigru", 2, {"width": 6, "pool": pool}).eval() for pool in ("last", "mean")}
    models["mean"].load_state_dict(models["last"].state_dict())
    gru, inputs = models["last"].recurrent, letters(2, 9)

    def run(sequence, end):
        w, u, b, c = (getattr(gru, f"{kind}_l0{end}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        state, seen = torch.zeros(6), []
        for letter in sequence:
            (r, z, n), (s, y, m) = (w @ letter + b).chunk(3), (u @ state + c).chunk(3)
            update = (z + y).sigmoid()
            state = (1 - update) * (n + (r + s).sigmoid() * m).tanh() + update * state
            seen.append(state)
        return torch.stack(seen)

    with torch.no_grad():
        for row in range(2):
            ways = [run(inputs[row].T, ""), run(inputs[row].T.flip(0), "_reverse")]
            for pool, pooled in (("last", [way[-1] for way in ways]), ("mean", [way.mean(0) for way in ways])):
                model = models[pool]
                expected = model.readout.classifier(torch.cat(pooled))
                assert torch.allclose(expected, model(inputs)[row], atol=1e-6)


def test_one_module_of_period_one_is_a_plain_rnn():
    plain = nn.RNN(3, 10, batch_first=True)
    layer = Clockwork(3, 10, [1])
    layer.modules_[0].load_state_dict(plain.state_dict())
    steps = steps_of(50).float()
    assert torch.equal(layer(steps), plain(steps)[0])
    assert torch.equal(layer.recurrent(), plain.weight_hh_l0)
    assert parameter_count(layer) == parameter_count(plain)


@pytest.mark.parametrize("periods", PERIODS)
@pytest.mark.parametrize("length", [1, 2, 33, 130])
def test_clockwork_by_its_definition(periods, length):
    layer, steps = layer_of(periods), steps_of(length)
    with torch.no_grad():
        assert torch.allclose(layer(steps), naive(layer, steps, *dense(layer)), atol=1e-12)


@pytest.mark.parametrize("periods", PERIODS)
def test_a_sequence_in_pieces(periods):
    layer, steps = layer_of(periods), steps_of(40)
    with torch.no_grad():
        whole, state, done, pieces = layer(steps), None, 0, []
        for size in (1, 9, 3, 2, 25):
            pieces.append(layer(steps[:, done : done + size], state, done))
            state, done = pieces[-1][:, -1], done + size
        assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-14)
        assert torch.allclose(pieces[2], naive(layer, steps[:, 10:13], *dense(layer), 10, pieces[1][:, -1]), atol=1e-12)


def test_states_are_constant_between_ticks():
    layer = layer_of((1, 3, 8))
    states = layer(steps_of(50)).detach()
    for number, period in enumerate(layer.periods):
        own = states[..., 2 * number : 2 * number + 2]
        moved = (own[:, 1:] != own[:, :-1]).any(2).any(0)
        assert moved.nonzero().ravel().tolist() == [t - 1 for t in range(1, 50) if t % period == 0]


@pytest.mark.parametrize("periods", PERIODS)
def test_gradients_are_zero_in_masked_blocks_and_right_elsewhere(periods):
    """The gradient of a whole matrix, of which the mask leaves blocks out, is that of the layer with exact zeros there."""
    layer, steps = layer_of(periods), steps_of(40).requires_grad_()
    weight = torch.randn(layer.width, generator=torch.Generator().manual_seed(3)).double()
    (layer(steps) * weight).sum().backward()
    inputs, recurrent, bias = (each.requires_grad_() for each in dense(layer))
    again = steps.detach().requires_grad_()
    (naive(layer, again, inputs, recurrent, bias) * weight).sum().backward()
    modules = torch.arange(layer.width) // layer.share
    masked = modules[None] < modules[:, None]
    found = layer.recurrent(gradient=True)
    assert (found[masked] == 0).all()
    assert (recurrent.grad[masked] == 0).all()
    assert (found[~masked] != 0).any()
    assert torch.allclose(found, recurrent.grad, atol=1e-10)
    assert torch.allclose(steps.grad, again.grad, atol=1e-10)
    assert torch.allclose(torch.cat([m.bias_hh_l0.grad for m in layer.modules_]), bias.grad, atol=1e-10)


def test_nothing_flows_from_fast_to_slow():
    layer, steps = layer_of((1, 2, 4)), steps_of(20)
    fast, middle, slow = layer.modules_
    before = layer(steps)
    faster, own = [*fast.parameters(), *middle.parameters()], list(slow.parameters())
    gradients = torch.autograd.grad(before[..., 4:].sum(), faster + own)
    assert not any(each.count_nonzero() for each in gradients[:8])
    assert all(each.count_nonzero() for each in gradients[8:])
    with torch.no_grad():
        for weights in fast.parameters():
            weights.add_(1)
        after = layer(steps)
        assert torch.equal(after[..., 2:], before[..., 2:])
        assert not torch.allclose(after[..., :2], before[..., :2])
        slow.bias_hh_l0.add_(1)
        assert not torch.allclose(layer(steps)[..., :4], after[..., :4])


@pytest.mark.parametrize("modules", [1, 2, 8])
def test_weights_that_cannot_act_do_not_exist(modules):
    layer = Clockwork(4, 64, [2**i for i in range(modules)])
    recurrent = 64 * 64 * (modules + 1) / (2 * modules)
    assert parameter_count(layer) == 64 * 4 + recurrent + 2 * 64
    assert (layer.recurrent() != 0).sum() == recurrent


def test_work_of_clockwork_is_that_of_its_ticks():
    model = build_model("clockwork", 2, {"width": 16, "periods": [1, 4]})
    ticks = 100 * (4 + 8 + 8) * 8 + 25 * (4 + 8) * 8
    assert flops_per_example(model, letters(1, 100)) == 2 * (ticks + 16 * 2)


def test_clockwork_learns_what_a_slow_module_can_hold():
    """Whether the first letter is A or C, 60 letters later: the module that ticks every 64 steps holds it."""
    torch.manual_seed(0)
    model = build_model("clockwork", 2, {"width": 16, "periods": [1, 64], "pool": "last", "dropout": 0.0})
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    for step in range(60):
        inputs = letters(32, 61, seed=step)
        labels = torch.arange(32) % 2
        inputs[:, :, 0] = nn.functional.one_hot(labels, 4).float()
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimiser.step()
    assert loss < 0.1


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gru", {"width": 0}, "gru: expected a whole number of at least 1 for width, got 0"),
        ("lstm", {"layers": 1.5}, "lstm: expected a whole number of at least 1 for layers, got 1.5"),
        ("bilstm", {"pool": "max"}, "bilstm: expected pool to be one of mean, last, got 'max'"),
        ("bigru_text", {"embedding": 0}, "bigru_text: expected a whole number of at least 1 for embedding"),
        ("clockwork", {"layers": 0}, "clockwork: expected a whole number of at least 1 for layers"),
        ("clockwork", {"periods": []}, r"clockwork: expected periods to be increasing whole numbers .*, got \[\]"),
        ("clockwork", {"periods": [2, 1]}, r"increasing whole numbers above 0, got \[2, 1\]"),
        ("clockwork", {"periods": [1, 1]}, r"increasing whole numbers above 0, got \[1, 1\]"),
        ("clockwork", {"periods": [0, 1]}, r"increasing whole numbers above 0, got \[0, 1\]"),
        ("clockwork", {"periods": [True, 2]}, r"increasing whole numbers above 0, got \[True, 2\]"),
        ("clockwork", {"layers": True}, "clockwork: expected a whole number of at least 1 for layers, got True"),
        ("clockwork", {"periods": 4}, "increasing whole numbers above 0, got 4"),
        ("clockwork", {"periods": "124"}, "increasing whole numbers above 0, got '124'"),
        ("clockwork", {"width": 100}, "clockwork: expected a width that 8 modules can share, got 100"),
        ("gru", {"dropout": 2.0}, "model_options of 'gru'"),
    ],
)
def test_networks_that_cannot_be(name, options, message):
    with pytest.raises(InputError, match=message):
        build_model(name, 2, options)
