"""Scales and palettes on spectra made by hand, and what every registered palette must keep to on sequences."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from specgen.colour import PALETTES, Palette, Spectra, apply_scale, register_palette
from specgen.errors import InputError, UnknownName
from specgen.image import Imager
from specgen.representations import REPRESENTATIONS, SignalEncoder
from specgen.sequences import LETTERS
from specgen.settings import SCALES, ImageSettings, ScaleSettings, SpectrogramSettings
from specgen.spectrogram import Spectrogram

OneHot = Callable[[str], NDArray[np.float32]]

ALL = [*PALETTES, "colormap:viridis"]
every_palette = pytest.mark.parametrize("palette", ALL)
every_scale = pytest.mark.parametrize("scale", SCALES)


def random_text(length: int, seed: int, alphabet: str = "ACGT") -> str:
    return "".join(np.random.default_rng(seed).choice(list(alphabet), length))


def coded(*texts: str) -> torch.Tensor:
    return torch.from_numpy(np.array([[LETTERS.index(letter) for letter in text] for text in texts], dtype=np.uint8))


def unlike(length: int) -> tuple[str, ...]:
    """Neighbours as unlike as they can be: silence, padding, the loudest period and random letters."""
    half = length // 2
    tail = random_text(half, 2) + "=" * half
    return (
        random_text(length, 1),
        "N" * length,
        "=" * length,
        "ATG" * (length // 3),
        tail,
        random_text(length, 3, "ACGTRYN"),
    )


TEXTS, SHORT = unlike(600), unlike(240)
SMALL = SpectrogramSettings(window=60, n_fft=66, frames=30)


@functools.cache
def imager(palette: str, scale: str = "log1p", representation: str = "", small: bool = False) -> Imager:
    transform = SMALL if small else SpectrogramSettings()
    return Imager(ImageSettings(palette, representation, ScaleSettings(kind=scale), transform))


@functools.cache
def pictures(palette: str, scale: str, small: bool = False) -> torch.Tensor:
    return imager(palette, scale, small=small)(coded(*(SHORT if small else TEXTS)))


def spectra(power: torch.Tensor, phase: torch.Tensor | None = None, floor: float = 1.0, **scale: object) -> Spectra:
    """Made-up spectra (B, C, F, T)."""
    spectrum = None if phase is None else torch.polar(power.sqrt(), phase)
    return Spectra(power, spectrum, torch.full((power.shape[1],), floor), ScaleSettings(**scale))  # type: ignore[arg-type]


def saturated(*on: bool) -> Spectra:
    """One pixel whose channels are either silent or at the top of the scale."""
    return spectra(torch.tensor([40.0 if channel else 0.0 for channel in on]).view(1, -1, 1, 1))


class TestScales:
    @pytest.mark.parametrize(
        ("ratio", "level"),
        [
            (0, 0),
            (1, 15 / 33),
            (10, 25 / 33),
            (0.1, 5 / 33),
            (10**1.8, 1),
            (10**-1.5, 0),
            (1e6, 1),
            (1e-12, 0),
            (2, 0.5457),
        ],
    )
    def test_db_by_hand(self, ratio: float, level: float) -> None:
        got = apply_scale(ScaleSettings(kind="db"), torch.tensor([ratio]).view(1, 1, 1, 1))
        assert got.item() == pytest.approx(level, abs=1e-4)

    @pytest.mark.parametrize(
        ("ratio", "level"), [(0, 0), (1, 0.18665), (3, 0.37331), (40, 1), (1e9, 1), (math.sqrt(41) - 1, 0.5)]
    )
    def test_log1p_by_hand(self, ratio: float, level: float) -> None:
        got = apply_scale(ScaleSettings(), torch.tensor([ratio], dtype=torch.float32).view(1, 1, 1, 1))
        assert got.item() == pytest.approx(level, abs=1e-5)

    def test_ranges_are_settings(self) -> None:
        ratio = torch.tensor([9.0]).view(1, 1, 1, 1)
        assert apply_scale(ScaleSettings(ceiling=99), ratio).item() == pytest.approx(0.5)
        db = ScaleSettings(kind="db", low_db=0, high_db=20)
        assert apply_scale(db, ratio + 1).item() == pytest.approx(0.5)

    @every_scale
    @given(st.lists(st.floats(0, 1e6, width=32), min_size=2, max_size=30))
    def test_monotone_and_inside(self, scale: str, ratios: list[float]) -> None:
        ratio = torch.tensor(sorted(ratios)).view(1, 1, 1, -1)
        level = apply_scale(ScaleSettings(kind=scale), ratio)
        assert level.shape == ratio.shape
        assert (level.diff() >= 0).all()
        assert level.min() >= 0
        assert level.max() <= 1

    @every_scale
    def test_strictly_rising_inside_the_range(self, scale: str) -> None:
        ratio = torch.linspace(0.1, 39, 50).view(1, 1, 5, 10)
        assert (apply_scale(ScaleSettings(kind=scale), ratio).flatten().diff() > 0).all()

    def test_minmax_spans_each_picture(self) -> None:
        ratio = torch.rand(3, 2, 5, 7, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.1, 3, 500]).view(
            3, 1, 1, 1
        )
        level = apply_scale(ScaleSettings(kind="minmax"), ratio)
        torch.testing.assert_close(level.amin((1, 2, 3)), torch.zeros(3))
        torch.testing.assert_close(level.amax((1, 2, 3)), torch.ones(3))
        assert (level.argsort() == ratio.argsort()).all()

    def test_only_minmax_forgets_the_absolute_power(self) -> None:
        ratio = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
        tops = {scale: apply_scale(ScaleSettings(kind=scale), ratio).max().item() for scale in SCALES}
        assert tops["minmax"] == pytest.approx(1)
        assert tops["log1p"] < 0.5
        assert tops["db"] < 0.5

    @every_scale
    def test_silence_has_finite_gradients(self, scale: str) -> None:
        ratio = torch.zeros(1, 1, 4, 4, requires_grad=True)
        apply_scale(ScaleSettings(kind=scale), ratio).sum().backward()
        assert ratio.grad is not None
        assert torch.isfinite(ratio.grad).all()

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"kind": "min-max"}, "unknown scale 'min-max'; did you mean 'minmax'"),
            ({"kind": "zzz"}, "unknown scale 'zzz'; known: db, log1p, minmax"),
            ({"ceiling": 0}, r"scale\.ceiling: expected a number above 0, got 0"),
            ({"ceiling": math.nan}, r"scale\.ceiling: expected a number above 0, got nan"),
            ({"low_db": 18}, r"scale\.high_db: expected above low_db \(18\), got 18\.0"),
            ({"high_db": math.nan}, r"scale: expected finite low_db and high_db"),
            ({"ceiling": math.inf}, r"scale\.ceiling: expected a number above 0, got inf"),
        ],
    )
    def test_bad_settings(self, settings: dict, message: str) -> None:
        with pytest.raises(InputError, match=message):
            ScaleSettings(**settings)


class TestSpectra:
    def test_levels_are_over_each_channels_floor(self) -> None:
        power = torch.tensor([3.0, 30.0]).view(1, 2, 1, 1)
        made = Spectra(power, None, torch.tensor([1.0, 10.0]), ScaleSettings())
        assert made.levels.flatten().tolist() == pytest.approx([math.log(4) / math.log(41)] * 2)
        assert made.total.shape == (1, 1, 1, 1)
        assert made.total.item() == pytest.approx(math.log(4) / math.log(41))

    def test_unit_is_the_phase_alone(self) -> None:
        phase = torch.linspace(-3, 3, 12).view(1, 1, 3, 4)
        unit = spectra(torch.full((1, 1, 3, 4), 7.0), phase).unit
        torch.testing.assert_close(unit.abs(), torch.ones(1, 1, 3, 4))
        torch.testing.assert_close(unit.angle(), phase)

    def test_silence_has_no_phase(self) -> None:
        assert not spectra(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).unit.any()

    def test_phase_must_be_declared(self) -> None:
        with pytest.raises(ValueError, match="did not declare that it needs phase"):
            _ = spectra(torch.ones(1, 1, 2, 2)).unit


class TestColours:
    """Single pixels by hand."""

    @staticmethod
    def pixel(palette: str, made: Spectra) -> list[float]:
        painted = PALETTES[palette].paint(made)
        assert painted.shape == (1, 3, 1, 1)
        return painted.flatten().tolist()

    @pytest.mark.parametrize("palette", ["tetrahedron", "anastassiou_2", "delta_z"])
    def test_three_channels_are_the_primaries(self, palette: str) -> None:
        assert self.pixel(palette, saturated(True, False, False)) == [1, 0, 0]
        assert self.pixel(palette, saturated(False, True, True)) == [0, 1, 1]

    @pytest.mark.parametrize("palette", ["voss", "voss_power"])
    @pytest.mark.parametrize(
        ("base", "colour"), [("A", [0, 0, 1]), ("C", [0, 1, 0]), ("G", [1, 1, 0]), ("T", [1, 0, 0]), ("", [0, 0, 0])]
    )
    def test_voss_colours_are_gbrowses(self, palette: str, base: str, colour: list[int]) -> None:
        got = self.pixel(palette, saturated(*(letter == base for letter in "ACGT")))
        assert [value > 0.7 for value in got] == [bool(value) for value in colour]
        assert [value for value, on in zip(got, colour, strict=True) if not on] == [0] * colour.count(0)

    def test_screen_blend(self) -> None:
        assert self.pixel("voss", saturated(True, False, False, True)) == pytest.approx([1, 0, 1])
        assert self.pixel("voss", saturated(True, True, True, True)) == pytest.approx([1, 1, 1])
        half = math.sqrt(41) - 1
        made = spectra(torch.full((1, 4, 1, 1), half))  # every level 0.5: 1 - 0.5 ** (bases in this primary)
        assert self.pixel("voss", made) == pytest.approx([0.75, 0.75, 0.5], abs=1e-6)

    def test_power_is_mixed_before_the_scale(self) -> None:
        made = spectra(torch.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 4, 1, 1), floor=0.5)
        expected = [math.log1p(x) / math.log(41) for x in ((4 + 8) / 1.0, (2 + 4) / 1.0, 1 / 0.5)]
        assert self.pixel("voss_power", made) == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("turns", [0, 1, 2])
    def test_hue_of_a_third_of_a_turn_is_a_primary(self, turns: int) -> None:
        phase = torch.full((1, 1, 1, 1), 2 * math.pi * turns / 3)
        got = self.pixel("hue", spectra(torch.full((1, 1, 1, 1), 40.0), phase))
        assert got == pytest.approx([1 if k == turns else 0.25 for k in range(3)], abs=1e-5)

    @given(st.floats(0.05, 40), st.floats(-3.1, 3.1))
    def test_hue_can_be_read_back(self, power: float, phase: float) -> None:
        made = spectra(torch.full((1, 1, 1, 1), power), torch.full((1, 1, 1, 1), phase))
        rgb = self.pixel("hue", made)
        assert 2 / 3 * sum(rgb) == pytest.approx(math.log1p(power) / math.log(41), abs=1e-5)
        vector = sum(value * np.exp(2j * np.pi * k / 3) for k, value in enumerate(rgb))
        assert abs(np.angle(vector * np.exp(-1j * phase))) < 1e-3

    def test_cosine_by_hand(self) -> None:
        phase = torch.tensor([0.0, math.pi / 2, math.pi]).view(1, 3, 1, 1)
        assert self.pixel("cosine", spectra(torch.full((1, 3, 1, 1), 40.0), phase)) == pytest.approx(
            [1, 0.5, 0], abs=1e-5
        )
        assert self.pixel("cosine", spectra(torch.zeros(1, 3, 1, 1), phase)) == [0.5] * 3

    @pytest.mark.parametrize(("text", "primary"), [("ACGT", 0), ("TGCA", 2)])
    def test_half_axes_of_a_pure_exponential(self, text: str, primary: int) -> None:
        # ACGT is (1 + i) i^n in complex_1: one line at +1/4 cycles/base of power 2 x 60^2, over a floor of 2 x 60.
        transform = SpectrogramSettings(window=60, n_fft=60, frames=1)
        scale = ScaleSettings(ceiling=61**2 - 1)  # 60 times the floor is half of it
        painted = Imager(ImageSettings("half_axes", "", scale, transform))(coded(text * 15))[0, :, :, 0]
        expected = torch.zeros(3, 31)
        expected[[primary, 1], 15] = torch.tensor([0.5, 0.25])
        torch.testing.assert_close(painted, expected, rtol=0, atol=1e-5)

    @pytest.mark.parametrize("name", ["viridis", "turbo", "gray", "tab10"])
    def test_colormap_is_matplotlibs(self, name: str) -> None:
        index = np.arange(256)
        power = torch.from_numpy(np.expm1(index / 255 * np.log(41))).float().view(1, 1, 16, 16)
        painted = PALETTES[f"colormap:{name}"].paint(spectra(power))
        expected = matplotlib.colormaps[name](index / 255)[:, :3].T.reshape(3, 16, 16)
        np.testing.assert_allclose(painted[0], expected, atol=2e-3 if name == "tab10" else 1e-4)

    def test_colormap_interpolates_and_flows(self) -> None:
        power = torch.full((1, 1, 1, 1), math.expm1(100.5 / 255 * math.log(41)), requires_grad=True)
        painted = PALETTES["colormap:viridis"].paint(spectra(power))
        low, high = matplotlib.colormaps["viridis"]([100, 101])[:, :3]
        np.testing.assert_allclose(painted.detach().flatten(), (low + high) / 2, atol=1e-5)
        assert torch.autograd.grad(painted[0, 1].sum(), power)[0].item() > 0

    def test_colormap_sums_the_channels(self) -> None:
        powers = torch.tensor([1.0, 2.0, 3.0, 6.0]).view(1, 4, 1, 1)
        paint = PALETTES["colormap:viridis"].paint
        torch.testing.assert_close(paint(spectra(powers)), paint(spectra(torch.full((1, 1, 1, 1), 3.0))))


class TestPureBases:
    """Colour of a single base in silence, straight through the transform: |table row|."""

    @staticmethod
    def picture(palette: str, base: str) -> torch.Tensor:
        transform = SpectrogramSettings(window=30, n_fft=30, frames=1, detrend="none")
        text = "=" * 15 + base + "=" * 14
        return Imager(ImageSettings(palette, spectrogram=transform, scale=ScaleSettings(ceiling=0.1)))(coded(text))

    @pytest.mark.parametrize(
        ("base", "colour"),
        [("A", (0, 0, 1)), ("T", (0.943, 0, 0.333)), ("C", (0.471, 0.816, 0.333)), ("G", (0.471, 0.816, 0.333))],
    )
    def test_tetrahedral_magnitudes(self, base: str, colour: tuple[float, ...]) -> None:
        transform = Spectrogram(SpectrogramSettings(window=30, n_fft=30, frames=1, detrend="none"))
        magnitude = transform(SignalEncoder("tetrahedron")(coded(base + "=" * 29))).abs()[0, :, :, 0]
        np.testing.assert_allclose(magnitude, np.repeat(np.array(colour)[:, None], 16, axis=1), atol=5e-4)

    def test_c_and_g_look_alike_on_the_tetrahedron(self) -> None:
        c, g, a, t = (self.picture("tetrahedron", base) for base in "CGAT")
        torch.testing.assert_close(c, g, rtol=0, atol=1e-6)
        assert (a - t).abs().max() > 0.2
        assert (a - c).abs().max() > 0.2

    @pytest.mark.parametrize("palette", ["anastassiou_2", "voss", "voss_power"])
    def test_others_tell_all_four_apart(self, palette: str) -> None:
        seen = [self.picture(palette, base) for base in "ACGT"]
        for first in range(4):
            for second in range(first):
                assert (seen[first] - seen[second]).abs().max() > 0.1

    def test_second_map_has_unit_norm(self) -> None:
        np.testing.assert_allclose(np.linalg.norm(REPRESENTATIONS["anastassiou_2"].table, axis=1), 1, atol=2e-3)


class TestEveryPalette:
    @every_palette
    @every_scale
    def test_shape_and_range(self, palette: str, scale: str) -> None:
        """On random letters, ambiguity codes, all N, padding alone and padding at the end."""
        painted = pictures(palette, scale)
        assert painted.shape == (len(TEXTS), 3, 224, 224)
        assert painted.dtype == torch.float32
        assert torch.isfinite(painted).all()
        assert painted.min() >= 0
        assert painted.max() <= 1

    @every_palette
    @every_scale
    def test_letters_leave_a_trace(self, palette: str, scale: str) -> None:
        for item in (0, 3, 4, 5):
            assert pictures(palette, scale)[item].std() > 0.02

    @every_palette
    @every_scale
    @pytest.mark.parametrize("item", [1, 2], ids=["all N", "padding"])
    def test_silence_is_flat(self, palette: str, scale: str, item: int) -> None:
        blank = pictures(palette, scale)[item]
        assert (blank.amax((1, 2)) - blank.amin((1, 2))).max() < 1e-4

    @every_palette
    @every_scale
    def test_a_picture_does_not_depend_on_its_neighbours(self, palette: str, scale: str) -> None:
        batch = pictures(palette, scale, small=True)
        for item in (0, 3, 4, 5):
            alone = imager(palette, scale, small=True)(coded(SHORT[item]))[0]
            torch.testing.assert_close(batch[item], alone, rtol=0, atol=2e-4)

    @every_palette
    @every_scale
    def test_gradients_reach_the_letters_of_their_own_picture(self, palette: str, scale: str, one_hot: OneHot) -> None:
        letters = torch.from_numpy(np.stack([one_hot(SHORT[item]) for item in (0, 1, 5)])).requires_grad_()
        painted = imager(palette, scale, small=True)(letters)
        gradient = torch.autograd.grad(painted[0].square().mean(), letters, retain_graph=True)[0]
        assert torch.isfinite(gradient).all()
        assert (gradient[0].abs().amax(0) > 0).float().mean() > 0.9
        assert not gradient[1:].any()
        everything = torch.autograd.grad(painted.square().mean(), letters)[0]
        assert torch.isfinite(everything).all()

    @every_palette
    def test_codes_and_one_hot_paint_the_same(self, palette: str, one_hot: OneHot) -> None:
        letters = torch.from_numpy(np.stack([one_hot(text) for text in SHORT]))
        painted = imager(palette, small=True)(letters)
        torch.testing.assert_close(painted, pictures(palette, "log1p", small=True), rtol=0, atol=2e-4)

    @every_palette
    def test_autocast_changes_nothing(self, palette: str, one_hot: OneHot, device: torch.device) -> None:
        module = Imager(ImageSettings(palette, spectrogram=SMALL)).to(device)
        for letters in (coded(SHORT[0]).to(device), torch.from_numpy(one_hot(SHORT[0]))[None].to(device)):
            expected = module(letters)
            with torch.autocast(device.type, dtype=torch.bfloat16):
                painted = module(letters)
            assert painted.dtype == torch.float32
            torch.testing.assert_close(painted, expected, rtol=0, atol=1e-5)

    @every_palette
    def test_cpu_and_device_agree(self, palette: str, device: torch.device) -> None:
        module = Imager(ImageSettings(palette, spectrogram=SMALL)).to(device)
        painted = module(coded(*SHORT).to(device)).cpu()
        torch.testing.assert_close(painted, pictures(palette, "log1p", small=True), rtol=0, atol=1e-3)

    @pytest.mark.parametrize("palette", PALETTES)
    def test_made_for_a_representation_that_fits(self, palette: str) -> None:
        entry = PALETTES[palette]
        assert entry.name == palette
        representation = REPRESENTATIONS[entry.representation]
        assert entry.channels in (0, len(representation.channels) * (2 if representation.is_complex else 1))
        assert entry.note

    @pytest.mark.parametrize("representation", REPRESENTATIONS)
    def test_a_colormap_takes_any_representation(self, representation: str) -> None:
        painted = imager("colormap:viridis", "log1p", representation, small=True)(coded(SHORT[0], SHORT[1]))
        assert painted.shape == (2, 3, 34, 30)
        assert torch.isfinite(painted).all()
        assert painted[0].std() > 0.01
        assert painted[1].flatten(1).std(-1).max() < 1e-4

    @pytest.mark.parametrize("palette", ["tetrahedron", "anastassiou_2", "delta_z"])
    @pytest.mark.parametrize("representation", ["tetrahedron", "anastassiou_2", "delta_z", "quaternion", "z_curve"])
    def test_three_channels_can_be_swapped(self, palette: str, representation: str) -> None:
        painted = imager(palette, "log1p", representation, small=True)(coded(SHORT[0]))
        assert painted.std() > 0.02


class TestRegistration:
    def test_decorators_stack_and_return_the_function(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(PALETTES, "_entries", dict(PALETTES._entries))

        @register_palette("one", representation="eiip", channels=1, note="first")
        @register_palette("two", representation="eiip", channels=1, note="second", phase=True)
        def paint(made: Spectra) -> torch.Tensor:
            return made.levels.expand(-1, 3, -1, -1)

        assert PALETTES["one"] == Palette("one", "eiip", 1, False, paint, "first")
        assert PALETTES["two"] == Palette("two", "eiip", 1, True, paint, "second")
        assert Imager(ImageSettings("one"))(coded(TEXTS[0])).shape == (1, 3, 224, 224)
        with pytest.raises(ValueError, match="palette 'hue' is registered twice"):
            register_palette("hue", representation="eiip", channels=1, note="again")(paint)

    @pytest.mark.parametrize(
        ("palette", "message"),
        [
            ("tetraedron", "unknown palette 'tetraedron'; did you mean 'tetrahedron'"),
            ("delta-z", "unknown palette 'delta-z'; did you mean 'delta_z'"),
            ("xyzzy", "unknown palette 'xyzzy'; known: anastassiou_2, colormap:<name>, "),
            ("colormap:virids", "unknown matplotlib colormap 'virids'; did you mean 'viridis'"),
            ("colormap:", "unknown matplotlib colormap ''"),
        ],
    )
    def test_unknown_names(self, palette: str, message: str) -> None:
        with pytest.raises(UnknownName, match=message):
            Imager(ImageSettings(palette))
