"""The transform against SciPy, librosa and a DFT written out as loops; its physics, its gradients, its settings."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from specgen.errors import InputError, UnknownName
from specgen.records import read_records
from specgen.representations import REPRESENTATIONS, SignalEncoder
from specgen.sequences import BASES, encode
from specgen.settings import DETRENDS, TAPERS, SpectrogramSettings
from specgen.spectrogram import Spectrogram, taper_window

OneHot = Callable[[str], NDArray[np.float32]]

# window, n_fft, hop: the default, an even one, and every mix of even, odd and zero-padded.
SHAPES = [(351, 447, 29), (120, 120, 17), (150, 256, 40), (65, 65, 8), (64, 81, 64)]


def close(actual: object, expected: NDArray, tolerance: float = 1e-5) -> None:
    """Equal within ``tolerance`` of the largest expected value."""
    actual = np.asarray(actual.detach().cpu() if isinstance(actual, torch.Tensor) else actual)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


def random_text(length: int, seed: int, alphabet: str = BASES) -> str:
    return "".join(np.random.default_rng(seed).choice(list(alphabet), length))


def random_signal(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def coded(*texts: str) -> torch.Tensor:
    return torch.from_numpy(np.stack([encode(text) for text in texts]))


def transform(signal: NDArray, **settings: object) -> NDArray:
    """The module's (C', bins, columns) of one signal (L,) or (C, L)."""
    module = Spectrogram(SpectrogramSettings(**settings))  # type: ignore[arg-type]
    return module(torch.from_numpy(np.atleast_2d(signal))[None])[0].numpy()


def whole(signal: NDArray, **settings: object) -> NDArray:
    """(C', bins) plain DFT of the whole signal, through the module."""
    plain = {"taper": "rectangular", "detrend": "none", "frames": 1}
    length = signal.shape[-1]
    return transform(signal, **{"window": length, "n_fft": length, **plain, **settings})[..., 0]


def by_hop(window: int, n_fft: int, hop: int, **more: str) -> dict[str, object]:
    return {"window": window, "n_fft": n_fft, "frames": 0, "hop": hop, "phase": "frame", **more}


@pytest.fixture(scope="module")
def genes(data_dir: Path) -> list[NDArray[np.uint8]]:
    """Codes of three real coding sequences of 1000 nt or more."""
    path = data_dir / "coding_noncoding" / "human_cds_refseq.fa.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    return [record.codes[:2000] for record in islice((r for r in read_records(path) if len(r.codes) >= 1000), 3)]


def naive_dft(values: NDArray, weights: NDArray, detrend: str, turns: float, origin: int) -> complex:
    """One bin of one frame: ``turns`` cycles per letter, phase measured from ``origin`` letters before the frame."""
    mean = 0.0
    if detrend == "constant":
        mean = sum(values) / len(values)
    if detrend == "weighted":
        mean = sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
    total = 0j
    for letter in range(len(values)):
        angle = -2 * math.pi * turns * (origin + letter)
        total += (values[letter] - mean) * weights[letter] * cmath.exp(1j * angle)
    return total


def naive_stft(signal: NDArray, settings: SpectrogramSettings, sign: int = 1) -> NDArray[np.complex128]:
    """(bins, columns) by loops; ``sign`` -1 gives the negative frequencies."""
    weights, starts = taper_window(settings.taper, settings.window), settings.starts(len(signal))
    out = np.empty((settings.n_fft // 2 + 1, len(starts)), dtype=complex)
    for row in range(out.shape[0]):
        for column, start in enumerate(starts.tolist()):
            origin = start if settings.phase == "sequence" else 0
            values = signal[start : start + settings.window]
            out[row, column] = naive_dft(values, weights, settings.detrend, sign * row / settings.n_fft, origin)
    return out


@st.composite
def small_settings(draw: st.DrawFn) -> tuple[SpectrogramSettings, int]:
    """Any valid settings with a small window, and a length they fit."""
    window = draw(st.integers(2, 12))
    frames = draw(st.integers(0, 4))
    settings = SpectrogramSettings(
        window=window,
        taper=draw(st.sampled_from(sorted(TAPERS))),
        n_fft=window + draw(st.integers(0, 6)),
        frames=frames,
        hop=0 if frames else draw(st.integers(1, 9)),
        detrend=draw(st.sampled_from(DETRENDS)),
        phase=draw(st.sampled_from(["sequence", "frame"])),
    )
    return settings, window + draw(st.integers(0, 20))


class TestTapers:
    FUNCTIONS = {  # noqa: RUF012
        "rectangular": lambda n: scipy.signal.windows.boxcar(n),
        "hann": lambda n: scipy.signal.windows.hann(n),
        "hamming": lambda n: scipy.signal.windows.hamming(n),
        "blackman": lambda n: scipy.signal.windows.blackman(n),
        "blackmanharris": lambda n: scipy.signal.windows.blackmanharris(n),
        "bartlett": lambda n: scipy.signal.windows.bartlett(n),
        "cosine": lambda n: scipy.signal.windows.cosine(n),
        "tukey": lambda n: scipy.signal.windows.tukey(n, 0.25),
        "gaussian": lambda n: scipy.signal.windows.gaussian(n, (n - 1) / 6),
        "kaiser": lambda n: scipy.signal.windows.kaiser(n, 8.6),
    }

    def test_every_taper_is_here(self) -> None:
        assert set(self.FUNCTIONS) == set(TAPERS)

    @pytest.mark.parametrize("name", TAPERS)
    @pytest.mark.parametrize("window", [2, 64, 351])
    def test_periodic_form_is_the_longer_symmetric_one_cut(self, name: str, window: int) -> None:
        np.testing.assert_allclose(taper_window(name, window), self.FUNCTIONS[name](window + 1)[:-1], atol=1e-12)

    def test_hann_by_hand(self) -> None:
        np.testing.assert_allclose(taper_window("hann", 4), [0, 0.5, 1, 0.5], atol=1e-12)

    def test_unknown(self) -> None:
        with pytest.raises(UnknownName, match="unknown taper 'han'; did you mean 'hann'"):
            taper_window("han", 8)

    @pytest.mark.parametrize("name", TAPERS)
    def test_taper_power(self, name: str) -> None:
        settings = SpectrogramSettings(taper=name)
        assert Spectrogram(settings).taper_power == pytest.approx(sum(w * w for w in taper_window(name, 351)))


@pytest.mark.parametrize("taper", TAPERS)
class TestLibraries:
    @pytest.mark.parametrize("detrend", ["none", "constant"])
    @pytest.mark.parametrize(("window", "n_fft", "hop"), SHAPES)
    def test_scipy(self, taper: str, window: int, n_fft: int, hop: int, detrend: str) -> None:
        signal = random_signal(800) + 3
        expected = self.scipy_stft(signal, taper, window, n_fft, hop, detrend)
        close(transform(signal, **by_hop(window, n_fft, hop, taper=taper, detrend=detrend))[0], expected)

    @staticmethod
    def scipy_stft(signal: NDArray, taper: str, window: int, n_fft: int, hop: int, detrend: str) -> NDArray:
        mode = "twosided" if np.iscomplexobj(signal) else "onesided"
        weights = taper_window(taper, window)
        stft = scipy.signal.ShortTimeFFT(weights, hop, 1.0, mfft=n_fft, fft_mode=mode, phase_shift=None)
        span = {"p0": 0, "p1": (len(signal) - window) // hop + 1, "k_offset": stft.m_num_mid}
        return stft.stft(signal, **span) if detrend == "none" else stft.stft_detrend(signal, detrend, **span)

    @pytest.mark.parametrize(("window", "n_fft", "hop"), SHAPES)
    def test_scipy_two_sided(self, taper: str, window: int, n_fft: int, hop: int) -> None:
        signal = random_signal(800, seed=1) + 1j * random_signal(800, seed=2)
        both = self.scipy_stft(signal, taper, window, n_fft, hop, "none")
        rows = np.arange(n_fft // 2 + 1)
        expected = np.stack([both[rows], both[-rows % n_fft]])
        close(transform(signal, **by_hop(window, n_fft, hop, taper=taper, detrend="none")), expected)

    @staticmethod
    def librosa_stft(signal: NDArray, taper: str, window: int, n_fft: int, hop: int) -> NDArray:
        """librosa centres a short window in the frame, so the window is handed over with its zeros at the end."""
        weights = np.pad(taper_window(taper, window), (0, n_fft - window))
        padded = np.pad(signal, (0, n_fft - window))
        return librosa.stft(padded, n_fft=n_fft, hop_length=hop, window=weights, center=False)

    @pytest.mark.parametrize(("window", "n_fft", "hop"), SHAPES)
    def test_librosa(self, taper: str, window: int, n_fft: int, hop: int) -> None:
        signal = random_signal(800, seed=3)
        expected = self.librosa_stft(signal, taper, window, n_fft, hop)
        close(transform(signal, **by_hop(window, n_fft, hop, taper=taper, detrend="none"))[0], expected)

    @pytest.mark.parametrize(("window", "n_fft", "hop"), [(150, 256, 40), (64, 81, 64)])
    def test_librosa_pads_a_short_window_itself(self, taper: str, window: int, n_fft: int, hop: int) -> None:
        """librosa centres the window in its frame, which shifts the phase but no magnitude."""
        signal, before = random_signal(800, seed=4), (n_fft - window) // 2
        padded = np.pad(signal, (before, n_fft - window - before))
        settings = {"n_fft": n_fft, "win_length": window, "hop_length": hop, "center": False}
        expected = np.abs(librosa.stft(padded, window=taper_window(taper, window), **settings))
        close(np.abs(transform(signal, **by_hop(window, n_fft, hop, taper=taper, detrend="none"))[0]), expected)

    @pytest.mark.data
    @pytest.mark.parametrize(("window", "n_fft", "hop"), [(351, 447, 13), (120, 120, 20)])
    @pytest.mark.parametrize("name", ["eiip", "purine"])
    def test_real_sequences(
        self, genes: list[NDArray[np.uint8]], taper: str, name: str, window: int, n_fft: int, hop: int
    ) -> None:
        for codes in genes:
            signal = REPRESENTATIONS[name].table16()[codes][:, 0]
            mine = transform(signal, **by_hop(window, n_fft, hop, taper=taper, detrend="none"))[0]
            close(mine, self.scipy_stft(signal, taper, window, n_fft, hop, "none"))
            close(mine, self.librosa_stft(signal, taper, window, n_fft, hop))
            mine = transform(signal, **by_hop(window, n_fft, hop, taper=taper, detrend="constant"))[0]
            # The mean of EIIP is five times its spread; in float32, removing it costs a digit.
            close(mine, self.scipy_stft(signal, taper, window, n_fft, hop, "constant"), 1e-5)


@pytest.mark.parametrize("detrend", ["constant", "linear"])
def test_constant_detrend_is_scipys_frame_by_frame(detrend: str) -> None:
    """And not its linear one."""
    signal = random_signal(90, seed=5) + np.linspace(0, 9, 90)
    frames = np.stack([scipy.signal.detrend(signal[start : start + 40], type=detrend) for start in (0, 25, 50)])
    expected = np.fft.rfft(frames * taper_window("hann", 40), n=48).T
    mine = transform(signal, **by_hop(40, 48, 25, taper="hann", detrend="constant"))[0]
    if detrend == "constant":
        close(mine, expected)
    else:
        assert np.abs(mine - expected).max() > 0.1 * np.abs(expected).max()


class TestNaive:
    @given(small_settings(), st.integers(0, 2**31))
    def test_real(self, drawn: tuple[SpectrogramSettings, int], seed: int) -> None:
        settings, length = drawn
        signal = random_signal(1, length, seed=seed)
        module = Spectrogram(settings)
        spectrum = module(torch.from_numpy(signal)[None])
        assert spectrum.shape == (1, 1, settings.bins, len(settings.starts(length)))
        np.testing.assert_allclose(spectrum[0, 0], naive_stft(signal[0], settings), atol=2e-5)
        np.testing.assert_allclose(module.power(torch.from_numpy(signal)[None]), spectrum.abs().square(), atol=1e-4)

    @given(small_settings(), st.integers(0, 2**31), st.integers(1, 2))
    def test_complex(self, drawn: tuple[SpectrogramSettings, int], seed: int, channels: int) -> None:
        settings, length = drawn
        signal = random_signal(channels, length, seed=seed) + 1j * random_signal(channels, length, seed=seed + 1)
        module = Spectrogram(settings)
        spectrum = module(torch.from_numpy(signal)[None])
        positive = [naive_stft(row, settings) for row in signal]
        negative = [naive_stft(row, settings, sign=-1) for row in signal]
        np.testing.assert_allclose(spectrum[0], np.stack(positive + negative), atol=4e-5)
        np.testing.assert_allclose(module.power(torch.from_numpy(signal)[None]), spectrum.abs().square(), atol=2e-4)


class TestShape:
    def test_defaults(self) -> None:
        spectrum = Spectrogram()(torch.zeros(2, 3, 600))
        assert spectrum.shape == (2, 3, 224, 224)
        assert spectrum.dtype == torch.complex64
        assert Spectrogram().power(torch.zeros(2, 3, 600)).dtype == torch.float32

    def test_complex_signals_have_twice_the_channels(self) -> None:
        assert Spectrogram()(torch.zeros(2, 3, 600, dtype=torch.complex64)).shape == (2, 6, 224, 224)

    @pytest.mark.parametrize(("n_fft", "bins", "last"), [(447, 224, 223 / 447), (120, 61, 0.5), (9, 5, 4 / 9)])
    def test_bins_and_frequencies(self, n_fft: int, bins: int, last: float) -> None:
        settings = SpectrogramSettings(window=9, n_fft=n_fft)
        assert settings.bins == len(settings.frequencies) == bins
        assert settings.frequencies[[0, -1]].tolist() == pytest.approx([0, last])

    def test_bin_149_is_a_third(self) -> None:
        assert SpectrogramSettings().frequencies[149] == 1 / 3

    def test_float64_and_integers_are_taken(self) -> None:
        signal = torch.from_numpy(random_signal(1, 1, 400).round())
        torch.testing.assert_close(Spectrogram()(signal), Spectrogram()(signal.long()))

    def test_state_is_empty(self) -> None:
        assert Spectrogram().state_dict() == {}


class TestPhase:
    def test_a_steady_period_keeps_one_phase(self) -> None:
        """At exactly 1/3, whatever the codon position a frame starts at."""
        signal = SignalEncoder("real")(coded("ATG" * 300))
        third = Spectrogram(SpectrogramSettings(phase="sequence"))(signal)[0, 0, 149]
        assert third.abs().min() > 50
        close(third, np.full(224, complex(third[0])))
        drifting = Spectrogram(SpectrogramSettings(phase="frame"))(signal)[0, 0, 149]
        assert (drifting / third).angle().abs().max() > 2

    @pytest.mark.parametrize("complex_signal", [False, True])
    def test_sequence_phase_is_frame_phase_times_the_turn(self, complex_signal: bool) -> None:
        signal = random_signal(700) + (1j * random_signal(700, seed=1) if complex_signal else 0)
        framed, turned = transform(signal, phase="frame"), transform(signal, phase="sequence")
        settings = SpectrogramSettings()
        turn = np.exp(-2j * np.pi * np.outer(settings.frequencies, settings.starts(700)))
        close(turned, framed * (np.stack([turn, turn.conj()]) if complex_signal else turn))
        assert np.abs(turned - framed).max() > 0.1 * np.abs(framed).max()
        close(np.abs(turned), np.abs(framed))

    def test_phase_is_exact_far_into_a_long_sequence(self) -> None:
        settings = SpectrogramSettings(window=30, n_fft=31, frames=3, detrend="none")
        length = 2_000_003
        signal = np.cos(2 * np.pi * 7 * (np.arange(length) % 31) / 31)
        spectrum = transform(signal, **{"window": 31, "n_fft": 31, "frames": 3, "detrend": "none"})[0, 7]
        assert settings.starts(length)[-1] > 1_999_000
        np.testing.assert_allclose(spectrum, 15.5, atol=1e-3)

    def test_reverse_strand_of_time(self) -> None:
        """A delay of one letter turns the phase of bin k by -2 pi k / N."""
        signal = random_signal(40, seed=6)
        first, second = whole(signal), whole(np.roll(signal, 1))
        close(second, first * np.exp(-2j * np.pi * np.arange(21) / 40))


class TestPhysics:
    @pytest.mark.parametrize("length", [120, 99])
    def test_parseval(self, length: int) -> None:
        """Identity 10; the negative half mirrors the positive one, DC and (even lengths) Nyquist stand alone."""
        signal = random_signal(length)
        power = np.abs(whole(signal)[0]) ** 2
        mirrored = power[1:-1] if length % 2 == 0 else power[1:]
        assert power.sum() + mirrored.sum() == pytest.approx(length * (signal**2).sum(), rel=1e-5)

    @pytest.mark.parametrize("length", [120, 99])
    def test_parseval_of_a_complex_signal(self, length: int) -> None:
        signal = random_signal(length) + 1j * random_signal(length, seed=1)
        positive, negative = np.abs(whole(signal)) ** 2
        both = positive.sum() + (negative[1:-1] if length % 2 == 0 else negative[1:]).sum()
        assert both == pytest.approx(length * (np.abs(signal) ** 2).sum(), rel=1e-5)

    def voss(self, text: str) -> NDArray:
        return whole(SignalEncoder("voss")(coded(text))[0].numpy())

    def test_identity_1_indicators_add_up_to_nothing_off_dc(self) -> None:
        text = random_text(150, 1, "ACGTRYN")
        total = self.voss(text).sum(axis=0)
        assert total[0] == pytest.approx(150, rel=1e-5)
        np.testing.assert_allclose(total[1:], 0, atol=1e-4)

    def test_identity_1_needs_every_letter(self) -> None:
        codes = coded(random_text(150, 1))
        codes[:, 100:] = 0
        total = whole(SignalEncoder("voss")(codes)[0].numpy()).sum(axis=0)
        assert np.abs(total[1:]).max() > 10

    @given(st.text(alphabet="ACGT", min_size=3, max_size=90))
    def test_identity_5_period_3_power_from_counts(self, text: str) -> None:
        text = text[: len(text) // 3 * 3]
        expected = 0
        for base in BASES:
            f1, f2, f3 = (text[position::3].count(base) for position in range(3))
            expected += f1 * f1 + f2 * f2 + f3 * f3 - f1 * f2 - f2 * f3 - f1 * f3
        power = (np.abs(self.voss(text)) ** 2).sum(axis=0)
        assert power[len(text) // 3] == pytest.approx(expected, rel=1e-4, abs=1e-3)

    @pytest.mark.parametrize("text", [random_text(99, 2), random_text(99, 3, "AAAAC"), "ACG" * 33])
    def test_identity_6_noise_floor_from_composition(self, text: str) -> None:
        length = len(text)
        power = (np.abs(self.voss(text)) ** 2).sum(axis=0)
        squares = sum(text.count(base) ** 2 for base in BASES)
        expected = (length - squares / length) * length / (length - 1)
        assert power[1:].mean() == pytest.approx(expected, rel=1e-4)  # odd length: each bin stands for two

    @pytest.mark.parametrize("codon", ["ACG", "AAT", "GCC", "TAG"])
    def test_a_pure_period_3_peaks_at_a_third(self, codon: str) -> None:
        power = Spectrogram().power(SignalEncoder("voss")(coded(codon * 200))).sum(1)[0]
        assert (power.argmax(0) == 149).all()
        assert power.shape[1] == 224

    @pytest.mark.parametrize(("unit", "row"), [("AC", 223), ("ACGT", 112), ("AACCGG", 74)])
    def test_other_periods_peak_at_theirs(self, unit: str, row: int) -> None:
        power = Spectrogram().power(SignalEncoder("voss")(coded((unit * 400)[:600]))).sum(1)[0]
        assert (power[1:].argmax(0) + 1 - row).abs().max() <= 1

    @pytest.mark.parametrize("name", REPRESENTATIONS)
    def test_nothing_known_gives_nothing(self, name: str) -> None:
        """All N: constant signal, so no power beyond rounding, for every representation."""
        representation = REPRESENTATIONS[name]
        power = Spectrogram().power(SignalEncoder(name)(coded("N" * 600)))
        floor = np.tile(representation.noise_power, power.shape[1] // len(representation.channels)) * 351
        assert torch.isfinite(power).all()
        assert (power.amax((0, 2, 3)).numpy() < 1e-6 * floor).all()

    @pytest.mark.parametrize("taper", TAPERS)
    def test_weighted_detrend_empties_bin_0(self, taper: str) -> None:
        signal = random_signal(500) + 100
        spectrum = np.abs(transform(signal, taper=taper, detrend="weighted")[0])
        assert spectrum[0].max() < 1e-4 * 100 * taper_window(taper, 351).sum()
        kept = np.abs(transform(signal, taper=taper, detrend="none")[0])
        assert kept[0].min() > 0.9 * 100 * taper_window(taper, 351).sum()

    def test_constant_detrend_does_not_for_a_tapered_window(self) -> None:
        spectrum = np.abs(transform(random_signal(500), taper="hann", detrend="constant")[0])
        assert spectrum[0].max() > 1

    @pytest.mark.parametrize("detrend", ["constant", "weighted"])
    def test_detrending_makes_an_offset_disappear(self, detrend: str) -> None:
        signal = random_signal(500)
        for taper in TAPERS:
            close(
                transform(signal + 5, taper=taper, detrend=detrend),
                transform(signal, taper=taper, detrend=detrend),
                1e-4,
            )

    @pytest.mark.parametrize("taper", TAPERS)
    @pytest.mark.parametrize("name", ["voss", "eiip", "complex_1", "tetrahedron", "integer"])
    def test_random_letters_lie_on_the_floor(self, taper: str, name: str) -> None:
        """Mean power of independent uniform bases = variance of the code times the squared taper."""
        module = Spectrogram(SpectrogramSettings(window=90, n_fft=90, frames=0, hop=90, taper=taper))
        letters = torch.from_numpy(2 ** np.random.default_rng(7).integers(0, 4, (16, 1800)).astype(np.uint8))
        power = module.power(SignalEncoder(name)(letters))[:, :, 6:].mean((0, 2, 3)).numpy()
        floor = np.resize(REPRESENTATIONS[name].noise_power, len(power)) * module.taper_power
        np.testing.assert_allclose(power / floor, 1, atol=0.05)

    @given(st.floats(-3, 3), st.floats(-3, 3))
    def test_linear(self, a: float, b: float) -> None:
        module = Spectrogram(SpectrogramSettings(window=30, n_fft=30, frames=4))
        left, right = (torch.from_numpy(random_signal(1, 2, 80, seed=seed)) for seed in (0, 1))
        torch.testing.assert_close(
            module(a * left + b * right), a * module(left) + b * module(right), rtol=0, atol=1e-4
        )


class TestBatch:
    @pytest.mark.parametrize("is_complex", [False, True])
    def test_a_batch_is_its_items_one_by_one(self, is_complex: bool, device: torch.device) -> None:
        signal = torch.from_numpy(
            random_signal(5, 3, 600) + (1j * random_signal(5, 3, 600, seed=1) if is_complex else 0)
        )
        signal[2] = 0
        module = Spectrogram().to(device)
        batch = module(signal.to(device)).cpu()
        alone = torch.cat([module(item[None].to(device)).cpu() for item in signal])
        close(batch, alone.numpy(), 1e-6)
        assert not batch[2].abs().any()

    def test_channels_do_not_mix(self) -> None:
        signal = torch.from_numpy(random_signal(1, 3, 500))
        module = Spectrogram()
        alone = torch.cat([module(signal[:, [channel]]) for channel in range(3)], dim=1)
        close(module(signal), alone.numpy(), 1e-6)

    def test_lengths_may_change_from_call_to_call(self) -> None:
        module = Spectrogram(SpectrogramSettings(window=30, n_fft=30, frames=5))
        for length in [*range(30, 60), 30, 31]:
            signal = torch.from_numpy(random_signal(1, 1, length))
            fresh = Spectrogram(module.settings)(signal)
            torch.testing.assert_close(module(signal), fresh, rtol=0, atol=0)

    def test_cpu_and_device_agree(self, device: torch.device) -> None:
        signal = torch.from_numpy(random_signal(2, 3, 600))
        close(Spectrogram().to(device)(signal.to(device)), Spectrogram()(signal).numpy())


class TestGradients:
    @pytest.mark.parametrize("detrend", DETRENDS)
    @pytest.mark.parametrize("taper", ["rectangular", "hann"])
    @pytest.mark.parametrize("is_complex", [False, True])
    def test_against_autograd_through_torch_fft(self, detrend: str, taper: str, is_complex: bool) -> None:
        settings = SpectrogramSettings(window=30, n_fft=35, frames=7, detrend=detrend, taper=taper)
        signal = random_signal(2, 3, 70) + (1j * random_signal(2, 3, 70, seed=1) if is_complex else 0)
        mine = torch.from_numpy(signal).to(torch.complex64 if is_complex else torch.float32).requires_grad_()
        power = Spectrogram(settings).power(mine)
        weights = torch.from_numpy(random_signal(*power.shape, seed=2))

        oracle = torch.from_numpy(signal).requires_grad_()
        window = torch.from_numpy(taper_window(taper, 30))
        frames = torch.stack([oracle[..., start : start + 30] for start in settings.starts(70)], dim=-2)
        if detrend == "constant":
            frames = frames - frames.mean(-1, keepdim=True)
        if detrend == "weighted":
            frames = frames - (frames * window).sum(-1, keepdim=True) / window.sum()
        both = torch.fft.fft(frames * window, n=35).abs().square().transpose(-1, -2)
        rows = torch.arange(18)
        expected = both[..., rows, :]
        if is_complex:
            expected = torch.cat([expected, both[..., -rows % 35, :]], dim=1)

        (got,) = torch.autograd.grad((power * weights).sum(), mine)
        (want,) = torch.autograd.grad((expected * weights).sum(), oracle)
        close(power, expected.detach().numpy())
        close(got, want.numpy(), 1e-4)

    @pytest.mark.parametrize("name", ["voss", "eiip", "complex_2", "tetrahedron"])
    def test_finite_differences_at_the_letters(self, name: str, one_hot: OneHot) -> None:
        encoder, module = SignalEncoder(name), Spectrogram(SpectrogramSettings(window=24, n_fft=27, frames=5))
        letters = torch.from_numpy(one_hot(random_text(40, 4)))[None].requires_grad_()

        def bright(indicators: torch.Tensor) -> torch.Tensor:
            return module.power(encoder(indicators))[:, :, 9].double().sum()

        (gradient,) = torch.autograd.grad(bright(letters), letters)
        assert gradient.abs().max() > 0
        step = 0.05  # power is quadratic in the letters, so a central difference is exact at any step
        for base in range(4):
            for position in (0, 13, 39):
                nudge = torch.zeros_like(letters)
                nudge[0, base, position] = step
                with torch.no_grad():
                    slope = (bright(letters + nudge) - bright(letters - nudge)) / (2 * step)
                assert gradient[0, base, position].item() == pytest.approx(
                    slope.item(), abs=2e-3 * gradient.abs().max().item()
                )

    @pytest.mark.parametrize("phase", ["sequence", "frame"])
    def test_after_inference_mode(self, phase: str) -> None:
        """A validation pass first (Lightning's default is inference mode), a saliency map after."""
        module = Spectrogram(SpectrogramSettings(window=30, n_fft=30, frames=5, phase=phase))
        signal = torch.from_numpy(random_signal(1, 1, 50)).float()
        with torch.inference_mode():
            module(signal)
        signal = signal.clone().requires_grad_()
        module(signal).abs().sum().backward()
        assert signal.grad is not None
        assert signal.grad.abs().max() > 0


@pytest.mark.parametrize("is_complex", [False, True])
def test_autocast_changes_nothing(is_complex: bool, device: torch.device) -> None:
    signal = torch.from_numpy(random_signal(2, 3, 600)).to(torch.complex64 if is_complex else torch.float32).to(device)
    module = Spectrogram().to(device)
    expected, power = module(signal), module.power(signal)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        assert module(signal).dtype == torch.complex64
        assert module.power(signal).dtype == torch.float32
        torch.testing.assert_close(module(signal), expected, rtol=0, atol=0)
        torch.testing.assert_close(module.power(signal), power, rtol=0, atol=0)


class TestStarts:
    @given(st.integers(2, 50), st.integers(1, 300), st.integers(0, 5000))
    def test_spread_evenly(self, window: int, frames: int, slack: int) -> None:
        settings = SpectrogramSettings(window=window, n_fft=window, frames=frames)
        starts = settings.starts(window + slack)
        assert len(starts) == frames
        assert starts[0] == 0
        if frames > 1:
            assert starts[-1] == slack
            for column, start in enumerate(starts.tolist()):
                assert abs(start - column * slack / (frames - 1)) <= 0.5 + 1e-9

    def test_defaults(self) -> None:
        starts = SpectrogramSettings().starts(600)
        assert len(starts) == 224
        assert (starts[0], starts[-1]) == (0, 249)
        assert set(np.diff(starts).tolist()) == {1, 2}
        assert starts.dtype == np.int64

    def test_one_letter_per_column_at_574(self) -> None:
        assert SpectrogramSettings().starts(574).tolist() == list(range(224))

    def test_exactly_one_window(self) -> None:
        assert SpectrogramSettings().starts(351).tolist() == [0] * 224

    @pytest.mark.parametrize(
        ("length", "hop", "expected"),
        [(10, 3, [0]), (13, 3, [0, 3]), (15, 3, [0, 3]), (16, 3, [0, 3, 6]), (12, 1, [0, 1, 2])],
    )
    def test_hop_by_hand(self, length: int, hop: int, expected: list[int]) -> None:
        assert SpectrogramSettings(window=10, n_fft=10, frames=0, hop=hop).starts(length).tolist() == expected

    @pytest.mark.parametrize("length", [350, 1, 0])
    def test_too_short(self, length: int) -> None:
        message = f"a sequence of {length} nt is shorter than the spectrogram window of 351 nt"
        with pytest.raises(InputError, match=message):
            SpectrogramSettings().starts(length)
        with pytest.raises(InputError, match=message):
            Spectrogram()(torch.zeros(1, 1, length))


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"taper": "haning"}, "unknown taper 'haning'; did you mean 'hann'"),
            ({"taper": "qqq"}, "unknown taper 'qqq'; known: bartlett, blackman, "),
            ({"detrend": "weigthed"}, "unknown detrend 'weigthed'; did you mean 'weighted'"),
            ({"phase": "frames"}, "unknown phase 'frames'; did you mean 'frame'"),
            ({"window": 1}, "window: expected at least 2 nt, got 1"),
            ({"window": -5}, "window: expected at least 2 nt, got -5"),
            ({"n_fft": 350}, r"n_fft: expected at least the window \(351 nt\), got 350"),
            ({"frames": 0}, "frames, hop: expected one of them above 0, got frames=0, hop=0"),
            ({"hop": 3}, "frames, hop: expected one of them above 0, got frames=224, hop=3"),
            ({"frames": -1}, "frames, hop: expected one of them above 0, got frames=-1, hop=0"),
            ({"frames": 0, "hop": -2}, "frames, hop: expected one of them above 0, got frames=0, hop=-2"),
        ],
    )
    def test_bad_values(self, settings: dict, message: str) -> None:
        with pytest.raises(InputError, match=message):
            SpectrogramSettings(**settings)

    def test_frozen(self) -> None:
        with pytest.raises(AttributeError):
            SpectrogramSettings().window = 9  # type: ignore[misc]

    def test_defaults_are_the_documented_ones(self) -> None:
        settings = SpectrogramSettings()
        assert settings.window % 3 == settings.n_fft % 3 == 0
        assert (settings.taper, settings.detrend, settings.phase) == ("rectangular", "weighted", "sequence")


class TestRealPart:
    """``real`` is the real part of the transform, however it is computed."""

    @pytest.mark.parametrize("phase", ["frame", "sequence"])
    @pytest.mark.parametrize("method", ["auto", "matrix", "convolution", "fft"])
    @pytest.mark.parametrize("detrend", ["none", "weighted"])
    def test_is_the_real_part(self, method: str, phase: str, detrend: str) -> None:
        settings = SpectrogramSettings(window=12, n_fft=147, frames=0, hop=3, detrend=detrend, phase=phase)
        signal = torch.randn(2, 3, 90, generator=torch.Generator().manual_seed(0))
        transform = Spectrogram(settings, method)
        assert torch.allclose(transform.real(signal), transform(signal).real, atol=1e-6)

    def test_of_a_complex_signal(self) -> None:
        settings = SpectrogramSettings(window=12, n_fft=147, frames=0, hop=3, phase="frame")
        signal = torch.randn(1, 1, 60, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
        assert torch.equal(Spectrogram(settings).real(signal), Spectrogram(settings)(signal).real)
