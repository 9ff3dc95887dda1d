"""Networks of the next base: what they may see, their sizes by hand, and what they refuse."""

import pytest
import torch
from torch.nn import functional as F

from classify.cost import parameter_count
from classify.models import MODELS, build_model
from specgen.errors import InputError

EVERY = [name for name in MODELS if MODELS[name].answers == "position"]


def letters(n=3, length=90, seed=1):
    drawn = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(seed))
    return F.one_hot(drawn, 4).transpose(1, 2).float()


def model_of(name, **options):
    torch.manual_seed(0)
    return build_model(name, 4, options)


def test_there_are_some():
    assert {"rnn_lm", "lstm_lm", "gru_lm", "clockwork_lm", "dilated_lm"} <= set(EVERY)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", EVERY)
def test_no_place_depends_on_letters_behind_it(name, training):
    model, seen = model_of(name).train(training), letters().requires_grad_()
    logits = model(seen)
    assert logits.shape == (3, 4, 90)
    for place in (0, 1, 41, 88, 89):
        (gradient,) = torch.autograd.grad(logits[1, :, place].square().sum(), seen, retain_graph=True)
        assert not gradient[1, :, place + 1 :].any()
        assert gradient[1, :, place].any()
        assert not gradient[[0, 2]].any()  # nor on neighbours in the batch
    with torch.no_grad():
        changed = seen.clone()
        changed[:, :, 50:] = changed[:, :, 50:].roll(1, dims=1)
        model.eval()
        assert torch.equal(model(changed)[..., :50], model(seen)[..., :50])
        assert not torch.allclose(model(changed)[..., 50:], model(seen)[..., 50:])


@pytest.mark.parametrize("name", EVERY)
def test_what_came_before_is_remembered(name):
    model, seen = model_of(name).eval(), letters().requires_grad_()
    (gradient,) = torch.autograd.grad(model(seen)[0, :, 60].square().sum(), seen)
    assert gradient[0, :, 50].any()


@pytest.mark.parametrize("name", EVERY)
def test_every_weight_learns_and_round_trips(name):
    model, seen = model_of(name), letters(3, 300)  # two ticks of the slowest clock, and what was held between them
    F.cross_entropy(model(seen), torch.zeros(3, 300, dtype=torch.int64)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in model.parameters())
    other = build_model(name, 4)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        assert torch.equal(other.eval()(seen), model.eval()(seen))
        assert build_model(name, 7).eval()(seen).shape == (3, 7, 300)


@pytest.mark.parametrize(("name", "gates"), [("rnn_lm", 1), ("gru_lm", 3), ("lstm_lm", 4)])
def test_parameters_of_recurrent_networks_by_hand(name, gates):
    count = gates * ((4 + 128 + 2) * 128 + (128 + 128 + 2) * 128) + 128 * 4 + 4
    assert parameter_count(model_of(name)) == count
    assert f"{count:,}" in MODELS[name].build.__doc__


def test_parameters_of_the_clockwork_by_hand():
    modules, share = 8, 16

    def layer(inputs):
        return sum((inputs + slower * share) * share + share * share + 2 * share for slower in range(modules))

    count = layer(4) + layer(128) + 128 * 4 + 4
    assert parameter_count(model_of("clockwork_lm")) == count
    assert f"{count:,}" in MODELS["clockwork_lm"].build.__doc__


def test_the_dilated_network_by_hand():
    model, width = model_of("dilated_lm"), 64
    block = (2 * width * 2 * width + 2 * width) + (width * 2 * width + 2 * width)
    count = 5 * width + 6 * block + width * (width + 1) + 4 * (width + 1)
    assert parameter_count(model) == count
    assert f"{count:,}" in MODELS["dilated_lm"].build.__doc__
    seen = letters(1, 200).requires_grad_()
    (gradient,) = torch.autograd.grad(model(seen)[0, :, 150].square().sum(), seen)
    reached = gradient[0].abs().sum(0).nonzero().flatten()
    assert model.receptive_field == 64
    assert (int(reached.min()), int(reached.max())) == (150 - 63, 150)


@pytest.mark.parametrize("options", [{"width": 0}, {"layers": 1.5}])
def test_sizes_are_checked(options):
    with pytest.raises(InputError, match="gru_lm: expected a whole number of at least 1"):
        build_model("gru_lm", 4, options)


def test_filters_that_look_back_before_the_first_letter_are_those_of_padded_letters():
    model, window = model_of("dilated_lm", width=8, blocks=8).eval(), letters(2, 40)
    with torch.no_grad():
        maps = model.stem(window)
        skips = torch.zeros_like(maps)
        for i, (gate, mix) in enumerate(zip(model.gates, model.mixes, strict=True)):
            value, opened = gate(F.pad(maps, (2**i, 0))).chunk(2, dim=1)
            change, skip = mix(value.tanh() * opened.sigmoid()).chunk(2, dim=1)
            maps, skips = maps + change, skips + skip
        expected = model.classifier(model.hidden(skips.relu()).relu())
        torch.testing.assert_close(model(window), expected)


def test_what_no_letter_is_there_for_takes_no_memory():
    """The last of twenty blocks looks back 524,288 letters: padded, a batch of 512 would take 17 GB for each of its maps."""
    with torch.no_grad():
        assert model_of("dilated_lm", width=16, blocks=20)(letters(512, 9)).shape == (512, 4, 9)
