"""The sliding DFT: frames that overlap share their sums, so a frame costs the letters it does not share.

From one frame to the next only ``hop`` letters leave and ``hop`` letters enter, so with phase counted from the first
letter of the sequence the sum of every bin is updated by ``2 * hop`` products instead of ``window``. Every taper that
is a short sum of cosines (rectangular, Hann, Hamming, Blackman, Blackman-Harris, cosine) works the same way, as a
weighted sum of rectangular transforms of the signal times those cosines. Sums are begun anew where frames hardly
overlap, and every ``RENEW`` frames so that rounding cannot build up.

CPU only, float32, no gradients, one picture at a time: the result does not depend on the batch or on the number of
threads. Compiled by numba (without the interpreter's lock); ``spectrogram`` decides when it is used and stays its only
caller. Source: Jacobsen and Lyons 2003, IEEE Signal Process. Mag. 20(2):74-80, with a table in place of the recursion.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from specgen.settings import SpectrogramSettings

__all__ = ["CosineSum", "SlidingTables", "compiled", "cosine_sum", "in_threads", "sliding_transform"]

RENEW = 256
"""Frames after which sums are begun anew."""

TILE = 16
"""Frames that are transposed together: a cache line of float32."""

Floats = NDArray[np.float32]
F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """numba's compiler: no interpreter lock, fused multiply-add, kept on disk where a place for it can be written."""
    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract", "nsz"}}
    try:
        result: F = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package nor the home folder can be written: compile once a process
        result = numba.njit(**options)(function)
    return result


@dataclass(frozen=True)
class CosineSum:
    """A taper as sum over m of ``cosines[m] * cos(turns[m] n) + sines[m] * sin(turns[m] n)``, n = 0 .. window - 1.

    ``turns`` are in radians per letter; the first is 0, the constant.
    """

    turns: NDArray[np.float64]
    cosines: NDArray[np.float64]
    sines: NDArray[np.float64]


def cosine_sum(taper: NDArray[np.float64]) -> CosineSum | None:
    """The terms of a taper (window,), or None where it is no sum of up to three cosines, nor SciPy's half one."""
    window = len(taper)
    if window < 16:  # the fit needs more letters than terms
        return None
    turns = np.pi * np.array([0, 1 / (window + 1), 2 / window, 4 / window, 6 / window])
    angles = np.arange(window)[:, None] * turns
    design = np.concatenate([np.cos(angles), np.sin(angles[:, 1:])], axis=1)
    found = np.linalg.lstsq(design, taper, rcond=None)[0]
    if np.abs(design @ found - taper).max() > 1e-10:
        return None
    cosines, sines = found[: len(turns)], np.concatenate([[0.0], found[len(turns) :]])
    used = (np.abs(cosines) > 1e-10) | (np.abs(sines) > 1e-10)
    used[0] = True  # the plain sum, which the constant detrend needs
    return CosineSum(turns[used], cosines[used], sines[used])


class SlidingTables:
    """What the transform of sequences of one length needs, computed in float64, held in float32.

    Parameters
    ----------
    settings
        Any spectrogram.
    taper
        (window,) as ``terms`` describes it.
    terms
        See ``cosine_sum``.
    length
        nt of the sequences.
    """

    def __init__(
        self, settings: SpectrogramSettings, taper: NDArray[np.float64], terms: CosineSum, length: int
    ) -> None:
        bins, n_fft, window = np.arange(settings.bins), settings.n_fft, settings.window
        self.window = window
        self.starts = settings.starts(length)

        def turned(letters: NDArray[np.int64]) -> NDArray[np.complex128]:
            # k * n mod n_fft keeps the angle exact for long sequences.
            return np.exp(-2j * np.pi * (letters[:, None] * bins % n_fft) / n_fft)

        waves = turned(np.arange(n_fft))
        self.waves: Floats = np.concatenate([waves.real, waves.imag], axis=1).astype(np.float32)
        """(n_fft, 2 * bins): cosines, then minus sines, of each letter's place modulo n_fft."""
        angles = np.arange(length) * terms.turns[:, None]
        self.carriers: Floats = np.concatenate([np.cos(angles), np.sin(angles[1:])]).astype(np.float32)
        """(terms, length): the constant, the other cosines, then the sines."""
        # cos and sin of turn * (n - s), written as sums over cos and sin of turn * n.
        start = self.starts[:, None] * terms.turns
        self.weights: Floats = np.concatenate(
            [
                terms.cosines * np.cos(start) - terms.sines * np.sin(start),
                (terms.cosines * np.sin(start) + terms.sines * np.cos(start))[:, 1:],
            ],
            axis=1,
        ).astype(np.float32)
        """(columns, terms): how the rectangular transforms add up to the tapered one."""
        constant = taper @ turned(np.arange(window)) * turned(self.starts)
        self.constant: Floats = np.concatenate([constant.real, constant.imag], axis=1).astype(np.float32)
        """(columns, 2 * bins): the transform of a frame of ones, subtracted times the mean."""
        # The mean is a multiple of bin 0: of the tapered transform ("weighted") or of the plain sum ("constant").
        self.mean_of_tapered = 1 / taper.sum() if settings.detrend == "weighted" else 0.0
        self.mean_of_plain = 1 / window if settings.detrend == "constant" else 0.0


def sliding_transform(signal: Floats, tables: SlidingTables, threads: int, *, power: bool) -> Floats:
    """STFT of real signals, phase counted from the first letter of each.

    Parameters
    ----------
    signal
        float32 (B, C, L), contiguous.
    tables
        Made for L.
    threads
        Pictures are shared out among so many.
    power
        Give squared magnitudes in place of real and imaginary parts.

    Returns
    -------
    float32 (B, C, bins, columns) of power, or (B, C, 2 * bins, columns): real parts, then imaginary ones
    """
    rows = tables.waves.shape[1] // (2 if power else 1)
    out = np.empty((*signal.shape[:2], rows, len(tables.starts)), dtype=np.float32)

    def work(low: int, high: int) -> None:
        _transform(
            signal[low:high],
            tables.waves,
            tables.carriers,
            tables.weights,
            tables.constant,
            tables.starts,
            tables.window,
            np.float32(tables.mean_of_tapered),
            np.float32(tables.mean_of_plain),
            power,
            out[low:high],
        )

    in_threads(work, len(signal), threads)
    return out


def in_threads(work: Callable[[int, int], None], items: int, threads: int) -> None:
    """``work(low, high)`` over 0 .. items in equal parts, one a thread; at once where there is one part."""
    parts = min(threads, items)
    if parts <= 1:
        work(0, items)
        return
    edges = np.linspace(0, items, parts + 1).round().astype(int)
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, edges[:-1].tolist(), edges[1:].tolist()))


@compiled
def _fill(sums, signal, carriers, waves, low, high):  # type: ignore[no-untyped-def]
    """Add the letters low .. high to ``sums`` (C, terms, 2 * bins)."""
    for n in range(low, high):
        wave = waves[n % waves.shape[0]]
        for c in range(signal.shape[0]):
            for m in range(carriers.shape[0]):
                value = signal[c, n] * carriers[m, n]
                for k in range(wave.shape[0]):
                    sums[c, m, k] += value * wave[k]


@compiled
def _slide(sums, signal, carriers, waves, low, high, window):  # type: ignore[no-untyped-def]
    """Take the letters low .. high out of ``sums`` and add those one window later, two of each at a time."""
    size = waves.shape[0]
    n = low
    while n < high:
        # The second pair, or nothing of it at an odd end.
        second = min(n + 1, high - 1)
        share = np.float32(second - n)
        out_a, in_a, out_b, in_b = (
            waves[n % size],
            waves[(n + window) % size],
            waves[second % size],
            waves[(second + window) % size],
        )
        for c in range(signal.shape[0]):
            for m in range(carriers.shape[0]):
                a = signal[c, n] * carriers[m, n]
                b = signal[c, n + window] * carriers[m, n + window]
                d = signal[c, second] * carriers[m, second] * share
                e = signal[c, second + window] * carriers[m, second + window] * share
                for k in range(out_a.shape[0]):
                    sums[c, m, k] += b * in_a[k] - a * out_a[k] + e * in_b[k] - d * out_b[k]
        n += 2


@compiled
def _power(sums, weights, constant, tapered, plain, bins, out):  # type: ignore[no-untyped-def]
    """One column (bins) of squared magnitudes of one channel, from its sums (terms, 2 * bins)."""
    if weights.shape[0] == 1:
        mean = (tapered * weights[0] + plain) * sums[0, 0]
        for k in range(bins):
            real = weights[0] * sums[0, k] - mean * constant[k]
            imaginary = weights[0] * sums[0, bins + k] - mean * constant[bins + k]
            out[k] = real * real + imaginary * imaginary
        return
    frame = np.empty(2 * bins, dtype=np.float32)
    _frame(sums, weights, constant, tapered, plain, frame)
    for k in range(bins):
        out[k] = frame[k] * frame[k] + frame[bins + k] * frame[bins + k]


@compiled
def _frame(sums, weights, constant, tapered, plain, out):  # type: ignore[no-untyped-def]
    """One column (2 * bins) of one channel: real parts, then imaginary ones."""
    for k in range(out.shape[0]):
        out[k] = weights[0] * sums[0, k]
    for m in range(1, weights.shape[0]):
        for k in range(out.shape[0]):
            out[k] += weights[m] * sums[m, k]
    mean = tapered * out[0] + plain * sums[0, 0]
    for k in range(out.shape[0]):
        out[k] -= mean * constant[k]


@compiled
def _transform(signals, waves, carriers, weights, constant, starts, window, tapered, plain, power, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (B, C, rows, columns): bins of power, or bins of real and then of imaginary parts."""
    rows = out.shape[2]
    bins = waves.shape[1] // 2
    channels = signals.shape[1]
    sums = np.zeros((channels, carriers.shape[0], 2 * bins), dtype=np.float32)
    tile = np.empty((channels, TILE, rows), dtype=np.float32)
    for b in range(signals.shape[0]):
        signal = signals[b]
        for t in range(len(starts)):
            hop = starts[t] - starts[t - 1]
            if t % RENEW == 0 or 2 * hop >= window:
                sums[:] = 0
                _fill(sums, signal, carriers, waves, starts[t], starts[t] + window)
            else:
                _slide(sums, signal, carriers, waves, starts[t - 1], starts[t], window)
            place = t % TILE
            for c in range(channels):
                if power:
                    _power(sums[c], weights[t], constant[t], tapered, plain, bins, tile[c, place])
                else:
                    _frame(sums[c], weights[t], constant[t], tapered, plain, tile[c, place])
            if place == TILE - 1:
                for c in range(channels):
                    for k in range(rows):
                        for j in range(TILE):
                            out[b, c, k, t - TILE + 1 + j] = tile[c, j, k]
        for c in range(channels):  # what is left of the last tile
            for j in range(len(starts) % TILE):
                for k in range(rows):
                    out[b, c, k, len(starts) // TILE * TILE + j] = tile[c, j, k]
