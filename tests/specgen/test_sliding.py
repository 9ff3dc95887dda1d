"""The three ways to compute one transform agree, and the sliding one depends on nothing but the letters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from specgen.errors import UnknownName
from specgen.image import Imager
from specgen.settings import DETRENDS, TAPERS, ImageSettings, SpectrogramSettings
from specgen.sliding import RENEW, compiled, cosine_sum, in_threads
from specgen.spectrogram import METHODS, Spectrogram, method_for, taper_window

COSINES = ("rectangular", "hann", "hamming", "blackman", "blackmanharris", "cosine")


def signal(*shape: int, seed: int = 0, mean: float = 0.3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(mean, 1, shape)).float()


def near(a: torch.Tensor, b: torch.Tensor) -> None:
    assert a.shape == b.shape
    assert (a - b).abs().max() <= 1e-5 * b.abs().max()


class TestCosineSum:
    @pytest.mark.parametrize("window", [16, 65, 351])
    @pytest.mark.parametrize("name", COSINES)
    def test_the_terms_give_the_taper(self, name: str, window: int) -> None:
        taper = taper_window(name, window)
        terms = cosine_sum(taper)
        assert terms is not None
        angles = np.arange(window)[:, None] * terms.turns
        np.testing.assert_allclose(np.cos(angles) @ terms.cosines + np.sin(angles) @ terms.sines, taper, atol=1e-9)

    def test_as_few_terms_as_the_taper_has(self) -> None:
        count = {name: len(cosine_sum(taper_window(name, 351)).turns) for name in COSINES}  # type: ignore[union-attr]
        assert count == {"rectangular": 1, "hann": 2, "hamming": 2, "blackman": 3, "blackmanharris": 4, "cosine": 2}

    @pytest.mark.parametrize("name", sorted(set(TAPERS) - set(COSINES)))
    def test_other_tapers_have_none(self, name: str) -> None:
        assert cosine_sum(taper_window(name, 351)) is None

    def test_a_window_too_short_to_tell(self) -> None:
        assert cosine_sum(np.ones(8)) is None


class TestMethodsAgree:
    @pytest.mark.parametrize("phase", ["sequence", "frame"])
    @pytest.mark.parametrize("detrend", DETRENDS)
    @pytest.mark.parametrize("taper", TAPERS)
    def test_on_every_taper_and_detrend(self, taper: str, detrend: str, phase: str) -> None:
        settings = SpectrogramSettings(window=90, n_fft=96, frames=40, taper=taper, detrend=detrend, phase=phase)
        ways = ["fft", "convolution", *(["sliding"] if taper in COSINES else [])]
        x = signal(3, 2, 90 + 39 * 6)
        truth = Spectrogram(settings, "matrix")
        for way in ways:
            module = Spectrogram(settings, way)
            near(torch.view_as_real(module(x)), torch.view_as_real(truth(x)))
            near(module.power(x), truth.power(x))

    @pytest.mark.parametrize("taper", ["rectangular", "hann"])
    def test_on_complex_signals(self, taper: str) -> None:
        settings = SpectrogramSettings(window=90, n_fft=96, frames=40, taper=taper)
        x = torch.complex(signal(2, 2, 90 + 39 * 6), signal(2, 2, 90 + 39 * 6, seed=1))
        for way in ("sliding", "fft", "convolution"):
            ours, truth = Spectrogram(settings, way), Spectrogram(settings, "matrix")
            near(torch.view_as_real(ours(x)), torch.view_as_real(truth(x)))
            near(ours.power(x), truth.power(x))

    @given(st.integers(16, 80), st.integers(0, 40), st.integers(1, 60), st.integers(0, 300), st.sampled_from(COSINES))
    def test_on_any_shape(self, window: int, padding: int, frames: int, more: int, taper: str) -> None:
        """Hops from 0 to more than a window, tiles begun and not filled, windows that wrap around n_fft."""
        settings = SpectrogramSettings(window=window, n_fft=window + padding, frames=frames, taper=taper)
        x = signal(2, 1, window + more, seed=more)
        near(Spectrogram(settings, "sliding").power(x), Spectrogram(settings, "matrix").power(x))

    def test_rounding_does_not_build_up(self) -> None:
        settings = SpectrogramSettings(window=99, n_fft=99, frames=0, hop=1)
        x = signal(1, 1, 20_000)
        assert len(settings.starts(20_000)) > 50 * RENEW
        ours, truth = (Spectrogram(settings, way).power(x)[..., -500:] for way in ("sliding", "matrix"))
        near(ours, truth)

    def test_silence_after_noise_is_silent(self) -> None:
        x = torch.cat([signal(1, 1, 400), torch.zeros(1, 1, 400)], dim=-1)
        settings = SpectrogramSettings(window=120, n_fft=120, frames=0, hop=1, detrend="none")
        assert Spectrogram(settings, "sliding").power(x)[..., -200:].max() < 1e-8


class TestChoice:
    def test_sliding_wherever_it_can(self) -> None:
        assert method_for(SpectrogramSettings(), can_slide=True, can_convolve=True) == "sliding"

    @pytest.mark.parametrize(
        ("window", "n_fft", "way"),
        [(351, 447, "matrix"), (351, 448, "fft"), (351, 512, "fft"), (63, 64, "matrix"), (999, 999, "fft")],
    )
    def test_by_length_and_factors(self, window: int, n_fft: int, way: str) -> None:
        settings = SpectrogramSettings(window=window, n_fft=n_fft)
        assert method_for(settings, can_slide=False, can_convolve=False) == way
        even = "convolution" if way == "matrix" else way
        assert method_for(settings, can_slide=False, can_convolve=True) == even

    def test_convolution_of_frames_at_equal_distances(self) -> None:
        settings = SpectrogramSettings(window=90, n_fft=97, frames=40, taper="kaiser")
        x = signal(1, 1, 333)  # hops of 6 and 7
        with pytest.raises(ValueError, match="convolution: expected frames at equal distances"):
            Spectrogram(settings, "convolution").power(x)
        near(Spectrogram(settings).power(x), Spectrogram(settings, "matrix").power(x))
        single = SpectrogramSettings(window=90, n_fft=97, frames=1, taper="kaiser")
        near(Spectrogram(single).power(x), Spectrogram(single, "matrix").power(x))

    def test_gradients_flow_without_being_asked_for(self) -> None:
        x = signal(1, 3, 600).requires_grad_()
        Spectrogram().power(x).sum().backward()
        assert x.grad is not None
        assert x.grad.abs().sum() > 0
        with torch.no_grad():
            near(Spectrogram().power(x), Spectrogram(method="matrix").power(x))

    def test_sliding_where_it_cannot(self) -> None:
        with pytest.raises(ValueError, match="sliding: expected a CPU, no gradient"):
            Spectrogram(method="sliding").power(signal(1, 3, 600).requires_grad_())
        with pytest.raises(ValueError, match="a sum of cosines"):
            Spectrogram(SpectrogramSettings(taper="kaiser"), "sliding").power(signal(1, 3, 600))

    def test_no_such_method(self) -> None:
        with pytest.raises(UnknownName, match="unknown method 'slding'; did you mean 'sliding'"):
            Spectrogram(method="slding")
        assert set(METHODS) == {"auto", "sliding", "matrix", "convolution", "fft"}


class TestPaint:
    def codes(self, count: int, length: int = 600) -> np.ndarray:
        return (1 << np.random.default_rng(5).integers(0, 4, (count, length))).astype(np.uint8)

    def test_bytes_depend_on_the_letters_alone(self) -> None:
        """Not on the batch, nor on neighbours, nor on the number of threads."""
        imager, codes = Imager(), self.codes(21)
        whole = imager.paint(codes)
        before = torch.get_num_threads()
        try:
            for threads in (1, 2, 3):
                torch.set_num_threads(threads)
                np.testing.assert_array_equal(imager.paint(codes), whole)
                np.testing.assert_array_equal(imager.paint(codes, 4), whole)
                assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(before)
        np.testing.assert_array_equal(imager.paint(codes[7:8])[0], whole[7])

    @pytest.mark.parametrize("palette", ["delta_z", "hue", "voss", "half_axes", "colormap:viridis"])
    def test_the_same_as_the_module(self, palette: str) -> None:
        imager, codes = Imager(ImageSettings(palette)), self.codes(3)
        with torch.no_grad():
            expected = imager(torch.from_numpy(codes)).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
        off = np.abs(imager.paint(codes).astype(int) - expected)  # torch's threads may move a last bit
        assert off.max() <= 1
        assert (off > 0).mean() < 1e-4

    def test_methods_paint_the_same_picture_but_for_rounding(self) -> None:
        imager, codes = Imager(), self.codes(8)
        sliding = imager.paint(codes).astype(int)
        imager.spectrogram.method = "matrix"
        off = np.abs(imager.paint(codes).astype(int) - sliding)
        assert off.max() <= 1
        assert off.mean() < 1e-3

    def test_nothing_to_paint(self) -> None:
        assert Imager().paint(np.empty((0, 600), np.uint8)).shape == (0, 224, 224, 3)


def test_threads_share_the_work_out() -> None:
    for items, threads in ((7, 3), (2, 5), (1, 4), (0, 2)):
        seen: list[tuple[int, int]] = []
        in_threads(lambda low, high, seen=seen: seen.append((low, high)), items, threads)  # type: ignore[misc]
        assert sorted(i for low, high in seen for i in range(low, high)) == list(range(items))


def test_compiling_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only installation and no home folder: numba refuses to cache, and is asked again without."""
    import numba

    real = numba.njit
    asked = []

    def refusing(*args: object, cache: bool = False, **options: object) -> object:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", refusing)
    assert compiled(lambda x: x + 1)(2) == 3
    assert asked == [True, False]
