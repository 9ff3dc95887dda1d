"""The short-time Fourier transform of numeric sequences: one batched, differentiable module, and no other.

One transform, four ways to compute it, chosen by ``method_for`` from measurements (``benchmarks/``):

- ``sliding``: frames share their sums (see ``sliding``). On a CPU, without gradients, for tapers that are sums of
  cosines. Five to ten times faster than the others where frames overlap much, never slower.
- ``matrix``: a frame is a linear map of its window (detrend, taper, zero-pad, DFT), so the transform is one product
  of the gathered windows with a fixed basis. Any taper, any device, any placing of frames, gradients.
- ``convolution``: the same arithmetic as a strided convolution with the basis as its filters. It saves the gathering
  and takes two thirds of the time on a CPU, where frames lie at equal distances (224 frames over 600 nt do not).
- ``fft``: the same where it wins, which is for long windows and for DFT lengths of small factors (448, 512); not for
  447 = 3 x 149.

The ways agree to float32 rounding. SciPy's ``ShortTimeFFT`` and librosa's ``stft`` are the oracles in the tests.
Signals come in, complex or power spectra go out; colours live in ``colour``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal as scipy_signal
from torch import Tensor, nn

from specgen.errors import UnknownName
from specgen.settings import TAPERS, SpectrogramSettings
from specgen.sliding import SlidingTables, cosine_sum, sliding_transform

__all__ = ["METHODS", "Spectrogram", "method_for", "taper_window"]

METHODS = ("auto", "sliding", "matrix", "convolution", "fft")


def taper_window(name: str, window: int) -> NDArray[np.float64]:
    """Periodic taper of ``window`` letters, float64 (window,).

    Raises
    ------
    UnknownName
        When ``name`` is not in ``TAPERS``.
    """
    if name not in TAPERS:
        raise UnknownName("taper", name, TAPERS)
    spec = ("gaussian", window / 6) if name == "gaussian" else TAPERS[name]
    taper: NDArray[np.float64] = scipy_signal.get_window(spec, window, fftbins=True)
    return taper


def method_for(settings: SpectrogramSettings, *, can_slide: bool, can_convolve: bool) -> str:
    """The fastest way, by measurement on CPUs: the FFT likes DFT lengths without large prime factors.

    Parameters
    ----------
    can_slide
        On a CPU, without gradients, with a taper that is a sum of cosines.
    can_convolve
        On a CPU, with frames at equal distances.
    """
    if can_slide:
        return "sliding"
    smooth = settings.n_fft
    for prime in (2, 3, 5, 7, 11):
        while smooth % prime == 0:
            smooth //= prime
    if settings.window >= (64 if smooth == 1 else 500):
        return "fft"
    return "convolution" if can_convolve else "matrix"


class Spectrogram(nn.Module):
    """Complex STFT of batched signals.

    Parameters
    ----------
    settings
        See ``settings.SpectrogramSettings``.
    method
        One of ``METHODS``; auto = the fastest that fits (see ``method_for``).

    Input
        float (B, C, L) or complex (B, C, L), L >= window, in nt.
    Output
        complex64 (B, C', bins, columns). For a real signal C' = C. A complex signal has an asymmetric spectrum and
        keeps both half-axes as channels: first the C positive ones (0 to 1/2), then the C negative ones (0 to -1/2).
        Row k is ``settings.frequencies[k]`` in magnitude, column t starts at ``settings.starts(L)[t]``.

    ``power`` gives squared magnitudes. The arithmetic is float32 whatever the autocast state.

    Raises
    ------
    UnknownName
        A method that does not exist.
    ValueError
        ``sliding`` where it cannot work: another device, a gradient to be kept, a taper that is no sum of cosines;
        ``convolution`` of frames at unequal distances.
    """

    cosine_sine: Tensor

    def __init__(self, settings: SpectrogramSettings | None = None, method: str = "auto") -> None:
        super().__init__()
        if method not in METHODS:
            raise UnknownName("method", method, METHODS)
        self.settings = settings or SpectrogramSettings()
        self.method = method
        self._taper = taper_window(self.settings.taper, self.settings.window)
        self._terms = cosine_sum(self._taper)
        self.register_buffer(
            "cosine_sine", torch.from_numpy(_basis(self.settings, self._taper)).float(), persistent=False
        )
        self._placed: dict[tuple[str, int, torch.device], Any] = {}

    @property
    def taper_power(self) -> float:
        """Sum of the squared taper: the expected bin power of unit-variance white noise."""
        return float(np.square(self._taper).sum())

    def forward(self, signal: Tensor) -> Tensor:
        real, imaginary, origin = self._parts(signal)
        spectrum = torch.complex(real, imaginary)
        if origin == self.settings.phase:
            return spectrum
        turn = self._turn(signal.shape[-1], signal.device)
        turn = turn if origin == "frame" else turn.conj()
        if signal.is_complex():
            positive, negative = spectrum.chunk(2, dim=1)
            return torch.cat([positive * turn, negative * turn.conj()], dim=1)
        return spectrum * turn

    def parts(self, real: Tensor, imaginary: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Real and imaginary part (B, C', bins, columns), by the ``matrix``, for graphs that know no complex numbers.

        ``real`` and ``imaginary`` are float32 (B, C, L); without the latter the signal is real.
        """
        a, b = self._product(self._centred(real))
        sines: Tensor | float = 1.0
        if imaginary is not None:
            a, b = _both_halves(a, b, *self._product(self._centred(imaginary)))
            half = a.shape[1] // 2  # the negative half-axis turns the other way
            sines = torch.cat([torch.ones(half, 1, 1), -torch.ones(half, 1, 1)])
        if self.settings.phase == "frame":
            return a, b
        turn = _turns(self.settings, int(real.shape[-1]))
        cosine, sine = (_kept(np.ascontiguousarray(part)).to(a.device) for part in (turn.real, turn.imag))
        return a * cosine - b * sine * sines, a * sine * sines + b * cosine

    def power(self, signal: Tensor) -> Tensor:
        """Squared magnitude of the transform, float32 (B, C', bins, columns), without building complex numbers."""
        if not signal.is_complex() and self._way(signal) == "sliding":
            return self._slide(self._centred(signal.float()), power=True)
        real, imaginary, _ = self._parts(signal)
        return real.square() + imaginary.square()

    def real(self, signal: Tensor) -> Tensor:
        """The real part alone, float32 (B, C', bins, columns): the same numbers, at half the cost where it can be."""
        if signal.is_complex() or self.settings.phase != "frame" or self._way(signal) not in ("matrix", "convolution"):
            return self(signal).real.contiguous()
        with torch.autocast(signal.device.type, enabled=False):
            basis = self.cosine_sine[: self.settings.bins]
            transform = self._filtered if self._way(signal) == "convolution" else self._multiplied
            return transform(self._centred(signal.float()), basis)

    def _way(self, signal: Tensor) -> str:
        """The method for this signal."""
        grad = signal.requires_grad and torch.is_grad_enabled()
        can_slide = self._terms is not None and signal.device.type == "cpu" and not grad
        if self.method == "sliding" and not can_slide:
            raise ValueError("sliding: expected a CPU, no gradient, and a taper that is a sum of cosines")
        if self.method != "auto":
            return self.method
        can_convolve = signal.device.type == "cpu" and self._stride(signal.shape[-1]) > 0
        return method_for(self.settings, can_slide=can_slide, can_convolve=can_convolve)

    def _stride(self, length: int) -> int:
        """Letters from each frame to the next; 0 where they differ."""
        hops = np.diff(self.settings.starts(length))
        return int(hops[0]) if len(hops) and hops[0] and (hops == hops[0]).all() else 0

    def _parts(self, signal: Tensor) -> tuple[Tensor, Tensor, str]:
        """Real and imaginary part (B, C', bins, columns), and where their phase is measured from."""
        with torch.autocast(signal.device.type, enabled=False):
            way = self._way(signal)
            transform = {
                "sliding": self._slide_parts,
                "matrix": self._product,
                "convolution": self._convolution,
                "fft": self._fft,
            }[way]
            origin = "sequence" if way == "sliding" else "frame"
            if not signal.is_complex():
                return *transform(self._centred(signal.float())), origin
            (a, b), (c, d) = (transform(self._centred(part.float())) for part in (signal.real, signal.imag))
            return *_both_halves(a, b, c, d), origin

    def _centred(self, signal: Tensor) -> Tensor:
        """Minus the mean of the sequence, which a detrend takes away anyhow: smaller sums round less."""
        return signal if self.settings.detrend == "none" else signal - signal.mean(-1, keepdim=True)

    def _slide_parts(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        both = self._slide(signal, power=False)
        return both[..., : self.settings.bins, :], both[..., self.settings.bins :, :]

    def _slide(self, signal: Tensor, *, power: bool) -> Tensor:
        assert self._terms is not None
        key = ("sliding", signal.shape[-1], signal.device)
        if key not in self._placed:
            self._place(key, SlidingTables(self.settings, self._taper, self._terms, signal.shape[-1]))
        letters = signal.detach().contiguous().numpy()
        return torch.from_numpy(sliding_transform(letters, self._placed[key], torch.get_num_threads(), power=power))

    def _product(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        product = self._multiplied(signal, self.cosine_sine)
        return product[..., : self.settings.bins, :], product[..., self.settings.bins :, :]

    def _multiplied(self, signal: Tensor, basis: Tensor) -> Tensor:
        return basis @ signal[..., self._index(signal)]

    def _convolution(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        found = self._filtered(signal, self.cosine_sine)
        return found[..., : self.settings.bins, :], found[..., self.settings.bins :, :]

    def _filtered(self, signal: Tensor, basis: Tensor) -> Tensor:
        stride = self._stride(signal.shape[-1])
        if not stride:
            raise ValueError("convolution: expected frames at equal distances")
        flat = signal.reshape(-1, 1, signal.shape[-1])
        return nn.functional.conv1d(flat, basis[:, None], stride=stride).unflatten(0, signal.shape[:-1])

    def _fft(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        frames = signal[..., self._index(signal).T]
        taper = torch.from_numpy(self._taper).to(signal)
        if self.settings.detrend != "none":
            weights = torch.from_numpy(_mean_weights(self.settings, self._taper)).to(signal)
            frames = frames - (frames * weights).sum(-1, keepdim=True)
        spectrum = torch.fft.rfft(frames * taper, n=self.settings.n_fft).transpose(-1, -2)
        return spectrum.real, spectrum.imag

    def _index(self, signal: Tensor) -> Tensor:
        """Letter of every place of every frame (window, columns)."""
        length = int(signal.shape[-1])  # no plain number while a graph is traced
        key = ("index", length, signal.device)
        if key not in self._placed:
            index = np.arange(self.settings.window)[:, None] + self.settings.starts(length)
            self._place(key, _kept(index).to(signal.device))
        found: Tensor = self._placed[key]
        return found

    def _turn(self, length: int, device: torch.device) -> Tensor:
        """Phase (bins, columns) from the frame to the first letter of the sequence."""
        key = ("turn", length, device)
        if key not in self._placed:
            self._place(key, _kept(_turns(self.settings, length)).to(device))
        found: Tensor = self._placed[key]
        return found

    def _place(self, key: tuple[str, int, torch.device], value: Any) -> None:
        """Keep what depends on the length alone, for the last few lengths."""
        if len(self._placed) > 16:
            self._placed.clear()
        self._placed[key] = value


def _both_halves(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of both half-axes of r + ii, of which r has the transform a + ib and i has c + id."""
    # Linearity: X(f) = R(f) + iI(f); R(-f) and I(-f) are conjugates, since r and i are real.
    return torch.cat([a - d, a + d], dim=1), torch.cat([b + c, c - b], dim=1)


def _turns(settings: SpectrogramSettings, length: int) -> NDArray[np.complex64]:
    """(bins, columns) phase from each frame to the first letter of a sequence of ``length`` nt."""
    # k * start mod n_fft keeps the angle exact for long sequences.
    steps = (np.arange(settings.bins)[:, None] * settings.starts(length)) % settings.n_fft
    return np.exp(-2j * np.pi * steps / settings.n_fft).astype(np.complex64)


def _kept(array: NDArray[Any]) -> Tensor:
    """A tensor that a later backward pass may use, even when it is made in inference mode."""
    with torch.inference_mode(False):
        return torch.from_numpy(array)


def _mean_weights(settings: SpectrogramSettings, taper: NDArray[np.float64]) -> NDArray[np.float64]:
    """(window,) weights of the mean that a detrend takes away."""
    return taper / taper.sum() if settings.detrend == "weighted" else np.full(len(taper), 1 / len(taper))


def _basis(settings: SpectrogramSettings, taper: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2 * bins, window): detrend, taper and DFT as one linear map; cosine rows first, then minus sine."""
    steps = np.arange(settings.bins)[:, None] * np.arange(settings.window) % settings.n_fft
    waves = np.exp(-2j * np.pi * steps / settings.n_fft)
    basis = np.concatenate([waves.real, waves.imag]) * taper
    if settings.detrend == "none":
        return basis
    # B (x - 1 (w.x)) = (B - (B 1) w^T) x.
    detrended: NDArray[np.float64] = basis - basis.sum(axis=1, keepdims=True) * _mean_weights(settings, taper)
    return detrended
