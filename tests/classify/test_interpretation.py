"""Attribution, Grad-CAM and reading frames against cases that can be worked out by hand."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nets import QUICK
from torch import nn
from torch.nn import functional as F

from classify.interpretation.attribution import (
    REFERENCE_MAKERS,
    Attribution,
    indicators_of,
    integrated_gradients,
    log_odds,
    references_of,
)
from classify.interpretation.frames import read_frames
from classify.interpretation.gradcam import choose_layer, grad_cam, spatial_layers
from classify.interpretation.settings import REFERENCES, AttributionSettings, MeasureSettings
from classify.models import MODELS, build_model
from classify.settings import PreprocessSettings, RunSettings
from classify.views import VIEWS
from specgen.colour import PALETTES
from specgen.errors import InputError, UnknownName
from specgen.sequences import encode
from specgen.settings import ImageSettings, ScaleSettings, SpectrogramSettings

LETTERS = st.text("ACGTN", min_size=1, max_size=60)


def random_codes(length, seed=0):
    return encode("".join(np.random.default_rng(seed).choice(list("ACGT"), length)))


def attributed(score, codes, **settings):
    chosen = AttributionSettings(**settings)
    return integrated_gradients(score, indicators_of(codes), references_of(codes, chosen), chosen)


# Log-odds and references


@pytest.mark.parametrize("k", [2, 5])
def test_log_odds_are_those_of_the_softmax(k):
    logits = torch.randn(7, k, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for target in range(k):
        p = logits.softmax(dim=1)[:, target]
        torch.testing.assert_close(log_odds(logits, target), (p / (1 - p)).log())
    torch.testing.assert_close(log_odds(logits[:, :2], 1), logits[:, 1] - logits[:, 0], rtol=0, atol=0)


def test_every_reference_that_can_be_chosen_can_be_made():
    assert tuple(REFERENCE_MAKERS) == REFERENCES
    codes = random_codes(50)
    uniform = references_of(codes, AttributionSettings())
    assert uniform.shape == (1, 4, 50)
    assert (uniform == 0.25).all()
    shuffled = references_of(codes, AttributionSettings(reference="shuffled", shuffles=3))
    assert shuffled.shape == (3, 4, 50)
    assert not torch.equal(shuffled[0], shuffled[1])


# Integrated gradients


def test_a_linear_score_is_shared_out_exactly():
    codes = random_codes(30)
    weights = torch.randn(4, 30, generator=torch.Generator().manual_seed(1))
    found = attributed(lambda x: (x * weights).sum((1, 2)) + 3, codes, steps=4, limit=4)
    onehot = indicators_of(codes)
    np.testing.assert_allclose(found.values, ((onehot - 0.25) * weights).numpy(), atol=1e-6)
    present = (onehot * weights).sum(0).numpy()
    np.testing.assert_allclose(found.letters, present - weights.mean(0).numpy(), atol=1e-6)
    assert found.score == pytest.approx(present.sum() + 3, abs=1e-4)
    assert found.reference == pytest.approx(weights.mean(0).sum().item() + 3, abs=1e-4)
    assert found.complete
    assert found.steps == 4


def test_a_quadratic_score_is_shared_out_exactly():
    # f = (w.x)^2 along the straight path: attribution_i = w_i (x_i - b_i) (w.x + w.b), by hand.
    codes = random_codes(20, 2)
    weights = torch.randn(4, 20, generator=torch.Generator().manual_seed(2))
    found = attributed(lambda x: (x * weights).sum((1, 2)).square(), codes, steps=2, limit=2)
    onehot = indicators_of(codes)
    middle = (onehot * weights).sum() + (0.25 * weights).sum()
    np.testing.assert_allclose(found.values, (weights * (onehot - 0.25) * middle).numpy(), rtol=1e-4, atol=1e-4)


def test_references_are_averaged():
    codes = random_codes(40, 3)
    weights = torch.randn(4, 40, generator=torch.Generator().manual_seed(3))
    chosen = AttributionSettings(reference="shuffled", shuffles=4, steps=2, limit=2)
    found = attributed(lambda x: (x * weights).sum((1, 2)), codes, reference="shuffled", shuffles=4, steps=2, limit=2)
    mean = references_of(codes, chosen).mean(0)
    np.testing.assert_allclose(found.values, ((indicators_of(codes) - mean) * weights).numpy(), atol=1e-6)
    assert found.complete


def steep(x):
    """A step in the middle of the path, which few points of the integral miss."""
    return torch.sigmoid(300 * (x.square().mean((1, 2)) - 0.1))


def test_steps_are_doubled_until_the_sum_is_right():
    codes = random_codes(30)
    short = attributed(steep, codes, steps=4, limit=7)
    assert (short.steps, short.complete) == (4, False)
    assert abs(short.error) > 0.01
    found = attributed(steep, codes, steps=4, limit=512)
    assert found.complete
    assert found.steps in (8, 16, 32, 64, 128)
    assert found.letters.sum() == pytest.approx(found.score - found.reference, rel=0.011)


def test_what_is_no_number_is_refused():
    with pytest.raises(InputError, match="is no number"):
        attributed(lambda x: x.sum((1, 2)) * float("nan"), random_codes(9))


def test_a_difference_of_nothing_gives_no_infinite_error():
    assert Attribution(np.zeros((4, 3)), 1.0, 1.0, 8, 0.01).complete
    assert Attribution(np.full((4, 3), 1e-3), 1.0, 1.0, 8, 0.01).error == pytest.approx(12)


SMALL_PICTURE = SpectrogramSettings(window=30, n_fft=45, frames=9)


class Head(nn.Module):
    """A smooth score of a picture."""

    def __init__(self, image):
        super().__init__()
        self.view = VIEWS["codes -> image"](RunSettings(image=image, preprocess=PreprocessSettings()))
        self.weights = torch.randn(3, 23, 9, generator=torch.Generator().manual_seed(4)) / 20

    def forward(self, letters):
        return (self.view(letters) * self.weights).sum((1, 2, 3))


@pytest.mark.parametrize("scale", ["log1p", "db", "minmax"])
@pytest.mark.parametrize("palette", [*PALETTES, "colormap:viridis"])
def test_every_palette_can_be_explained_from_the_uniform_reference(palette, scale):
    score = Head(ImageSettings(palette=palette, scale=ScaleSettings(kind=scale), spectrogram=SMALL_PICTURE))
    codes = random_codes(90, 5)
    flat = indicators_of(encode("N" * 90))[None].requires_grad_()
    (gradient,) = torch.autograd.grad(score(flat).sum(), flat)
    assert torch.isfinite(gradient).all()
    # dB have a kink where each pixel leaves the floor; min-max jumps where letters begin to differ, and is never complete.
    steps, most = {"log1p": (32, 0.005), "db": (128, 0.05), "minmax": (32, np.inf)}[scale]
    found = attributed(score, codes, steps=steps, limit=steps, at_once=64)
    assert np.isfinite(found.values).all()
    assert abs(found.error) < most
    nothing = attributed(score, encode("N" * 90), steps=4, limit=4)
    assert (nothing.values == 0).all()


class Letters(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv1d(4, 8, 9), nn.ReLU(), nn.AdaptiveAvgPool1d(3), nn.Flatten(), nn.Linear(24, 2)
        )

    def forward(self, onehot):
        return self.layers(onehot)


READS_LETTERS = [name for name in MODELS if (MODELS[name].view, MODELS[name].answers) == ("onehot", "window")]


@pytest.mark.parametrize("name", ["letters", *READS_LETTERS, "inception"])
def test_registered_models_are_complete_from_logit_to_letter(name):
    torch.manual_seed(1)
    model = (Letters() if name == "letters" else build_model(name, 2, QUICK.get(name, {}))).eval()
    reads = "onehot" if name == "letters" else MODELS[name].view
    view = VIEWS[f"codes -> {reads}"](RunSettings())
    found = attributed(lambda x: log_odds(model(view(x)), 1), random_codes(600), steps=16, limit=32, at_once=8)
    # The difference of an untrained model may be next to nothing: what is missing is compared with all that was shared out.
    missing = found.values.sum() - (found.score - found.reference)
    assert abs(missing) < 0.02 * np.abs(found.values).sum()
    assert np.abs(found.letters).max() > 0


# Grad-CAM


class Tiny(nn.Module):
    """Convolution, mean over places, one linear layer: Grad-CAM by hand."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.features = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(inplace=True))
        self.pool = nn.AvgPool2d(3)
        self.classifier = nn.Linear(5, 2)

    def forward(self, pictures):
        return self.classifier(self.pool(self.features(pictures)).mean((2, 3)))


def test_grad_cam_by_hand():
    model, pictures = Tiny().eval(), torch.rand(2, 3, 31, 31, generator=torch.Generator().manual_seed(0))
    assert [*spatial_layers(model, pictures)] == ["features.0", "features.1", "features", "pool"]
    assert choose_layer(model, pictures) == "features"
    maps = grad_cam(model, pictures, 1, "features")
    activations = model.features(pictures)
    weights = (model.classifier.weight[1] - model.classifier.weight[0]) / activations[0, 0].numel()
    by_hand = torch.einsum("bchw,c->bhw", activations, weights).relu()
    expected = F.interpolate(by_hand[:, None], (31, 31), mode="bilinear", align_corners=False)[:, 0]
    torch.testing.assert_close(maps, expected.detach())
    assert maps.max() > 0


def small_picture_models():
    for name in MODELS:
        entry = MODELS[name]
        if entry.view != "image" or entry.note.startswith("only in tests"):
            continue
        if sum(p.numel() for p in build_model(name, 2).parameters()) < 3e6:
            yield name


@pytest.mark.parametrize("name", [*small_picture_models(), "timm:resnet18"])
def test_grad_cam_finds_a_layer_of_every_picture_model(name):
    torch.manual_seed(0)
    model, pictures = build_model(name, 2).eval(), torch.rand(1, 3, 224, 224)
    layer = choose_layer(model, pictures)
    maps = grad_cam(model, pictures, 1, layer)
    other = grad_cam(model, pictures, 0, layer)
    assert maps.shape == (1, 224, 224)
    for found in (maps, other):
        assert torch.isfinite(found).all()
        assert found.min() >= 0
    assert max(maps.max(), other.max()) > 0


def test_layers_that_are_not_there():
    pictures = torch.rand(1, 3, 31, 31)
    assert choose_layer(Tiny(), pictures, "pool") == "pool"
    with pytest.raises(UnknownName, match="unknown layer 'feature'; did you mean 'features"):
        choose_layer(Tiny(), pictures, "feature")
    with pytest.raises(InputError, match="no layer whose maps are larger"):
        choose_layer(nn.Sequential(nn.Flatten(), nn.Linear(3 * 31 * 31, 2)), pictures)
    only_pool = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 2))
    assert choose_layer(only_pool, pictures) == "0"


# Reading frames


def test_frames_of_a_short_text():
    #              0123456789012345678
    codes = encode("CATGAAATAGNATGCCCAA")
    frames = read_frames(codes)
    assert frames.starts.tolist() == [1, 11]
    assert frames.stops.tolist() == [2, 7]
    assert frames.longest == (1, 10)
    assert read_frames(encode("AT")).longest == (0, 0)
    assert read_frames(encode("CATGCCCA")).longest == (1, 7)  # runs off the end


@given(st.text("ATG", max_size=80))
def test_the_longest_frame_is_that_of_a_search_by_hand(letters):
    frames = read_frames(encode(letters))
    assert frames.starts.tolist() == [m.start() for m in re.finditer("(?=ATG)", letters)]
    assert frames.stops.tolist() == [m.start() for m in re.finditer("(?=TAA|TAG|TGA)", letters)]
    longest = 0
    for start in frames.starts:
        length = 0
        for place in range(start, len(letters) - 2, 3):
            length += 3
            if letters[place : place + 3] in ("TAA", "TAG", "TGA"):
                break
        longest = max(longest, length)
    assert frames.longest[1] - frames.longest[0] == longest


# Settings


@pytest.mark.parametrize(
    ("make", "values", "match"),
    [
        (AttributionSettings, {"reference": "unifrom"}, "did you mean 'uniform'"),
        (AttributionSettings, {"steps": 0}, "attribution.steps: expected at least 1"),
        (AttributionSettings, {"steps": 64, "limit": 32}, "attribution.limit: expected at least steps"),
        (AttributionSettings, {"tolerance": 1.0}, "attribution.tolerance"),
        (AttributionSettings, {"seed": -1}, "attribution.seed"),
        (MeasureSettings, {"cds_low": 0.5}, "measure.cds_low, measure.cds_high"),
        (MeasureSettings, {"shortest": 0.5}, "measure.shortest, measure.longest"),
        (MeasureSettings, {"block": 0}, "measure.block: expected at least 1"),
        (MeasureSettings, {"codon_bias": 2.0}, "codon_bias"),
    ],
)
def test_settings_check_themselves(make, values, match):
    with pytest.raises(InputError, match=match):
        make(**values)
