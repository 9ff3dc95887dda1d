"""Views: letters or pictures to what a model reads, the same by either way, with every preprocessing step on its own."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from classify.settings import PreprocessSettings, RunSettings
from classify.views import VIEWS, OneHotView, PictureView, SpectrogramView, build_view, picture_of, preprocessing
from specgen.errors import InputError
from specgen.image import Imager, to_uint8
from specgen.sequences import decode
from specgen.settings import ImageSettings


@pytest.fixture(scope="module")
def codes():
    """Codes (3, 600), the last row with ambiguity letters."""
    rng = np.random.default_rng(0)
    letters = rng.choice(np.array([1, 2, 4, 8], dtype=np.uint8), (3, 600))
    letters[2, ::7] = 15
    return torch.from_numpy(letters)


@pytest.fixture(scope="module")
def pictures(codes):
    """What the imager paints of them, (3, 3, 224, 224) in 0..1."""
    return Imager(ImageSettings())(codes)


def settings(**steps):
    return RunSettings(preprocess=PreprocessSettings(**steps))


def test_codes_to_image_is_imager_then_preprocessing(codes, pictures):
    view = build_view("codes", "image", RunSettings())
    seen = view(codes)
    assert seen.shape == (3, 3, 224, 224)
    assert torch.allclose(seen, (pictures - 0.485) / 0.229, atol=1e-5)
    assert torch.equal(picture_of(view, codes), pictures)


def test_the_image_settings_are_used(codes):
    chosen = ImageSettings(palette="colormap:viridis")
    view = build_view("codes", "image", RunSettings(image=chosen, preprocess=PreprocessSettings(standardise=False)))
    assert torch.equal(view(codes[:1]), Imager(chosen)(codes[:1]))


@pytest.mark.parametrize(
    ("steps", "manual"),
    [
        ({"standardise": False}, lambda p: p),
        ({"mean": 0.25, "std": 2.0}, lambda p: (p - 0.25) / 2.0),
        ({"scale": False, "standardise": False}, lambda p: p * 255),
        ({"scale": False}, lambda p: (p - 0.485) / 0.229),
    ],
    ids=["none", "standardise", "unscaled", "unscaled_standardised"],
)
def test_each_switch(pictures, steps, manual):
    assert torch.allclose(preprocessing(PreprocessSettings(**steps))(pictures), manual(pictures), atol=1e-4)


def test_blur_is_a_gaussian(pictures):
    blurred = preprocessing(PreprocessSettings(standardise=False, blur=True, blur_sigma=1.5))(pictures)
    # 1.5 pixels give a kernel of 9; torchvision mirrors at the edge without repeating it, as SciPy's "mirror" does.
    expected = gaussian_filter(pictures.numpy(), (0, 0, 1.5, 1.5), mode="mirror", radius=(0, 0, 4, 4))
    assert blurred.numpy() == pytest.approx(expected, abs=1e-5)
    assert not torch.allclose(blurred, pictures, atol=1e-2)


@pytest.mark.parametrize("steps", [{}, {"scale": False}, {"blur": True}])
def test_picture_files_are_seen_as_the_pictures_made_on_the_fly(codes, pictures, steps):
    stored = torch.from_numpy(to_uint8(pictures)).permute(0, 3, 1, 2)
    from_file = PictureView(settings(**steps))(stored)
    on_the_fly = SpectrogramView(settings(**steps))(codes)
    unit = 0.229 if "standardise" not in steps else 1
    assert (from_file - on_the_fly).abs().max() * unit <= 1 / 255
    assert from_file.dtype == torch.float32


def test_picture_of_a_picture_view(pictures):
    stored = torch.from_numpy(to_uint8(pictures)).permute(0, 3, 1, 2)
    view = build_view("pictures", "image", RunSettings())
    assert torch.equal(picture_of(view, stored), stored / 255)
    assert picture_of(OneHotView(), stored) is None


def test_onehot(codes, one_hot):
    view = build_view("codes", "onehot", RunSettings())
    letters = view(codes)
    assert letters.shape == (3, 4, 600)
    for row, naive in zip(letters.numpy(), (one_hot(decode(c)) for c in codes.numpy()), strict=True):
        assert row == pytest.approx(naive)
    assert view(letters) is letters


@pytest.mark.parametrize("pair", [("pictures", "onehot"), ("codes", "sound"), ("nothing", "image")])
def test_there_is_no_way(pair):
    kind, reads = pair
    with pytest.raises(InputError, match=f"model 'conv5' reads '{reads}', which cannot be made from {kind}"):
        build_view(kind, reads, RunSettings())


def test_every_view_is_tested():
    assert set(VIEWS) == {"codes -> image", "codes -> onehot", "pictures -> image"}


def test_gradient_reaches_the_letters(codes):
    onehot = OneHotView()(codes).clone().requires_grad_()
    view = SpectrogramView(RunSettings())
    assert torch.allclose(view(onehot), view(codes), atol=1e-4)
    view(onehot).square().mean().backward()
    assert onehot.grad.shape == (3, 4, 600)
    assert torch.isfinite(onehot.grad).all()
    assert (onehot.grad.abs().sum((1, 2)) > 0).all()


def test_views_have_no_weights():
    for name in VIEWS:
        assert not list(VIEWS[name](RunSettings()).parameters())
        assert not VIEWS[name](RunSettings()).state_dict()


@pytest.mark.parametrize("steps", [{"std": 0.0}, {"std": -1.0}, {"blur_sigma": 0.0}])
def test_bad_steps(steps):
    with pytest.raises(InputError, match="expected std and blur_sigma above 0"):
        PreprocessSettings(**steps)
