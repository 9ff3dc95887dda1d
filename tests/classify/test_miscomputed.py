"""Layers that the library gets wrong in bf16 are computed exactly; all others are left as they are."""

import pytest
import torch
from torch import nn

from classify import miscomputed as module
from classify.hardware import choose
from classify.miscomputed import ExactConv1d, ExactConv2d, exact_where_wrong, miscomputed
from classify.models import build_model
from classify.settings import TrainingSettings

SHAPES = [(2, 32), (4, 8), (4, 15), (4, 16), (4, 24), (8, 8), (12, 8), (16, 16)]
"""Channels and kernels: some were wrong on one processor or another."""


def error(layer, x):
    with torch.no_grad():
        right = layer(x)
        with torch.autocast("cpu", torch.bfloat16):
            found = layer(x).float()
    return float((found - right).abs().max() / right.abs().max())


@pytest.mark.parametrize(("channels", "kernel"), SHAPES)
def test_what_is_placed_is_right(channels, kernel):
    torch.manual_seed(0)
    plan = choose(TrainingSettings(precision="bf16-mixed"))
    if plan.device != "cpu":
        pytest.skip("the CPU's library is not used")
    model = plan.place(nn.Sequential(nn.Conv1d(channels, 16, kernel), nn.ReLU()))
    assert error(model, torch.randn(8, channels, 101)) < 0.05


def test_deepbind_is_right():
    torch.manual_seed(0)
    plan = choose(TrainingSettings(precision="bf16-mixed"))
    if plan.device != "cpu":
        pytest.skip("the CPU's library is not used")
    model = plan.place(build_model("deepbind", 2, {})).eval()
    letters = nn.functional.one_hot(torch.randint(0, 4, (16, 101)), 4).transpose(1, 2).float()
    assert error(model, letters) < 0.05


@pytest.mark.parametrize(("layer", "exact"), [(nn.Conv1d(4, 3, 5), ExactConv1d), (nn.Conv2d(4, 3, 5), ExactConv2d)])
def test_a_wrong_layer_is_computed_in_float32(layer, exact, monkeypatch):
    monkeypatch.setattr(module, "miscomputed", lambda layer: True)
    wide = nn.Conv1d(16, 3, 5)
    model = nn.ModuleList([layer, wide])
    names = list(model.state_dict())
    assert exact_where_wrong(model) is model
    assert type(layer) is exact
    assert type(wide) is nn.Conv1d  # of many channels
    assert list(model.state_dict()) == names
    x = torch.randn(2, 4, *(9,) * (layer.weight.ndim - 2), requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
        rounded = layer(x.bfloat16())
    assert found.dtype == rounded.dtype == torch.float32
    assert torch.equal(found, layer(x))
    found.sum().backward()
    assert layer.weight.grad is not None


def test_trying_sees_what_is_wrong_and_moves_no_dice(monkeypatch):
    layer = nn.Conv1d(4, 3, 5, padding="same", dilation=2)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert not miscomputed(layer)
    assert torch.equal(torch.get_rng_state(), before)
    right = layer.forward
    monkeypatch.setattr(layer, "forward", lambda x: right(x) * (0.5 if torch.is_autocast_enabled("cpu") else 1.0))
    assert miscomputed(layer)


def test_float32_is_left_alone(monkeypatch):
    monkeypatch.setattr(module, "miscomputed", lambda layer: True)
    plan = choose(TrainingSettings(precision="32-true"))
    assert type(plan.place(nn.Sequential(nn.Conv1d(4, 3, 5)))[0]) is nn.Conv1d
