"""The convolution with its own weight gradient against the library's, and which layers get it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from classify.convolution import FastConv2d, with_fast_gradients
from classify.models import build_model

sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 3), st.integers(1, 20), st.integers(1, 9), sizes, st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(4, 80), st.booleans(),
)  # fmt: skip
def test_gradients_are_the_librarys(pictures, channels, width, kernel, stride, padding, side, bias):
    torch.manual_seed(pictures * 100 + side)
    library = nn.Conv2d(channels, width, kernel, stride=stride, padding=padding, bias=bias).double()
    ours = nn.Conv2d(channels, width, kernel, stride=stride, padding=padding, bias=bias).double()
    ours.load_state_dict(library.state_dict())
    ours.__class__ = FastConv2d
    x = torch.randn(pictures, channels, side, side + 3, dtype=torch.float64)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    outs = [module(given) for module, given in zip((library, ours), inputs, strict=True)]
    assert torch.equal(*outs)
    weights = torch.randn_like(outs[0])
    for out in outs:
        (out * weights).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    for a, b in zip(library.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("name", ["conv7", "timm:resnet18"])
def test_models_keep_their_gradients(name):
    grads = []
    for fast in (False, True):
        torch.manual_seed(0)
        model = build_model(name, 2).to(memory_format=torch.channels_last)
        names = list(model.state_dict())
        if fast:
            with_fast_gradients(model)
            assert any(isinstance(module, FastConv2d) for module in model.modules())
        assert list(model.state_dict()) == names
        torch.manual_seed(1)
        model(torch.rand(2, 3, 224, 224)).square().sum().backward()
        grads.append([p.grad for p in model.parameters()])
    for a, b in zip(*grads, strict=True):
        assert float((a - b).norm() / a.norm().clamp_min(1e-6)) < 1e-3


def test_who_gets_it():
    layers = {
        "wide": nn.Conv2d(16, 4, 3), "narrow": nn.Conv2d(3, 4, 3), "point": nn.Conv2d(16, 4, 1),
        "grouped": nn.Conv2d(16, 16, 3, groups=16), "dilated": nn.Conv2d(16, 4, 3, dilation=2),
        "named": nn.Conv2d(16, 4, 3, padding="same"), "mirrored": nn.Conv2d(16, 4, 3, padding=1, padding_mode="reflect"),
    }  # fmt: skip
    with_fast_gradients(nn.ModuleDict(layers))
    assert [name for name, layer in layers.items() if isinstance(layer, FastConv2d)] == ["wide"]


def test_nothing_is_kept_where_no_gradient_is_wanted():
    layer = with_fast_gradients(nn.Conv2d(16, 4, 3))
    with torch.no_grad():
        assert layer(torch.rand(1, 16, 9, 9)).grad_fn is None
    layer.requires_grad_(False)
    x = torch.rand(1, 16, 9, 9, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is None
