"""The same pictures made with matplotlib, librosa and SciPy, and the bare transform.

Each is written as somebody who uses that library well would write it: one sequence at a time, float32 where the
library keeps it, no Python loop where one call does. All make three channels of 224 x 224 pixels of specgen's default
settings; those with "nearest hop" place frames at equal whole distances (other pixels, less work: the letters behind
the 224th frame are not read), and plain matplotlib draws one channel of the three.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import librosa
import matplotlib
import numpy as np
import scipy.fft
import scipy.signal
import torch
from matplotlib import mlab
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measure import Contender, Sample, Step, in_turn
from specgen.representations import REPRESENTATIONS
from specgen.sequences import Codes
from specgen.settings import SpectrogramSettings
from specgen.spectrogram import Spectrogram

matplotlib.use("Agg")  # needs no screen
import matplotlib.pyplot as plt

WINDOW, N_FFT, FRAMES = 351, 447, 224
FRONT = (N_FFT - WINDOW) // 2
"""librosa puts a window shorter than the DFT in the DFT's middle."""

NOISE = np.float32(WINDOW)
"""Power that independent uniform bases would give in every bin: the squared letters (1) times the window."""

CEILING = np.float32(np.log1p(40))

BATCH = 8
"""Pictures of one product or one FFT of the floor."""

FLOOR_PICTURES = 32
"""Pictures whose frames the floor has ready, 30 MB of them."""

DELTA_Z = REPRESENTATIONS["delta_z"].table16().astype(np.float32)

Picture = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]


@lru_cache
def starts(length: int) -> NDArray[np.int64]:
    """First letter of each of the 224 frames."""
    return SpectrogramSettings().starts(length)


def nearest_hop(length: int) -> int:
    """The whole number of letters that spreads 224 frames furthest over a sequence."""
    return max(1, (length - WINDOW) // (FRAMES - 1))


def signal_of(codes: Codes) -> Floats:
    """(3, length): +1 and -1 for purine, amino and weak letters and their opposites."""
    return np.ascontiguousarray(DELTA_Z[codes].T)


def shortened(codes: Codes) -> tuple[Floats, int]:
    """The signal as far as 224 frames at the nearest hop reach, and that hop."""
    hop = nearest_hop(len(codes))
    return signal_of(codes[: WINDOW + (FRAMES - 1) * hop]), hop


def centred_frames(codes: Codes) -> Floats:
    """(3, 224, 351) frames minus their means."""
    frames = sliding_window_view(signal_of(codes), WINDOW, axis=-1)[:, starts(len(codes))]
    return frames - frames.mean(-1, keepdims=True)


def coloured(ratio: Floats) -> Picture:
    """P/P0 (3, 224 bins, 224 frames) to uint8 (224, 224, 3), highest frequency on top."""
    levels = np.clip(np.log1p(ratio) / CEILING, 0, 1)
    return np.ascontiguousarray(np.rint(levels[:, ::-1] * 255).astype(np.uint8).transpose(1, 2, 0))


def matplotlib_png(codes: Codes, dpi: int) -> bytes:
    """One channel drawn without axes and saved as PNG in memory."""
    signal, hop = shortened(codes)
    figure = plt.figure(figsize=(2.24, 2.24), dpi=dpi)
    figure.add_axes((0, 0, 1, 1)).set_axis_off()
    with np.errstate(divide="ignore"):  # decibels of nothing
        plt.specgram(signal[0], NFFT=WINDOW, pad_to=N_FFT, noverlap=WINDOW - hop, Fs=1, window=mlab.window_none)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    plt.close(figure)
    return file.getvalue()


_stft = partial(librosa.stft, n_fft=N_FFT, win_length=WINDOW, window="boxcar", center=False)


@lru_cache
def _box() -> NDArray[np.complex64]:
    """Transform of the window itself, where librosa puts it: subtracted times a frame's mean it takes the mean away."""
    box = np.zeros(N_FFT, dtype=np.float32)
    box[FRONT : FRONT + WINDOW] = 1
    return np.fft.rfft(box).astype(np.complex64)[:, None]


def librosa_picked(codes: Codes) -> Picture:
    """A transform at every letter, of which the columns wanted are picked: the fewest lines."""
    signal, columns = signal_of(codes), starts(len(codes))
    means = sliding_window_view(signal, WINDOW, axis=-1)[:, columns].mean(-1)
    padded = np.pad(signal, ((0, 0), (FRONT, N_FFT - WINDOW - FRONT)))
    spectra = [
        _stft(channel, hop_length=1)[:, columns] - _box() * mean for channel, mean in zip(padded, means, strict=True)
    ]
    return coloured(np.stack([np.abs(spectrum) ** 2 for spectrum in spectra]) / NOISE)


def librosa_gathered(codes: Codes) -> Picture:
    """Each frame as a signal of its own, so that no frame is computed that is not wanted."""
    padded = np.pad(centred_frames(codes), ((0, 0), (0, 0), (FRONT, N_FFT - WINDOW - FRONT)))
    power = np.stack([np.abs(_stft(channel, hop_length=N_FFT)[..., 0]) ** 2 for channel in padded])
    return coloured(power.swapaxes(1, 2) / NOISE)


def librosa_nearest(codes: Codes) -> Picture:
    """What librosa is made for: a whole hop and no detrend."""
    signal, hop = shortened(codes)
    padded = np.pad(signal, ((0, 0), (FRONT, N_FFT - WINDOW - FRONT)))
    return coloured(np.stack([np.abs(_stft(channel, hop_length=hop)) ** 2 for channel in padded]) / NOISE)


def scipy_gathered(codes: Codes) -> Picture:
    """Frames by NumPy, one FFT call for the three channels."""
    spectrum = scipy.fft.rfft(centred_frames(codes), n=N_FFT)
    return coloured((spectrum.real**2 + spectrum.imag**2).swapaxes(1, 2) / NOISE)


def scipy_nearest(codes: Codes) -> Picture:
    """``scipy.signal.spectrogram``: a whole hop."""
    signal, hop = shortened(codes)
    transform = partial(
        scipy.signal.spectrogram, window="boxcar", nperseg=WINDOW, noverlap=WINDOW - hop, nfft=N_FFT, detrend="constant"
    )
    # Its one-sided density counts every bin twice; bin 0, which it counts once, is empty without the mean.
    return coloured(np.stack([transform(channel)[2] for channel in signal]) / np.float32(2))


SAME_PIXELS: dict[str, Callable[[Codes], Picture]] = {
    "librosa, hop 1, columns picked": librosa_picked,
    "librosa, frames gathered": librosa_gathered,
    "SciPy, frames gathered": scipy_gathered,
}

NEAREST_HOP: dict[str, tuple[Callable[[Codes], Picture], str]] = {
    "librosa, nearest hop": (librosa_nearest, "none"),
    "SciPy, signal.spectrogram, nearest hop": (scipy_nearest, "constant"),
}
"""With the detrend that they do."""


def one_by_one(picture: Callable[[Codes], Any], sample: Sample) -> Step:
    """A sequence a step."""
    return in_turn(picture, sample.codes)


def _batches(sample: Sample, width: int) -> Iterator[torch.Tensor]:
    """Frames of eight pictures (8 * 3 * 224, width), again and again; all are in memory beforehand."""
    frames = np.stack([centred_frames(codes) for codes in sample.codes[:FLOOR_PICTURES]])
    frames = np.pad(frames, ((0, 0), (0, 0), (0, 0), (0, width - WINDOW)))
    return itertools.cycle(torch.from_numpy(frames).view(-1, BATCH * 3 * FRAMES, width).unbind())


def product_floor(sample: Sample) -> Step:
    """The transform as one matrix product, into memory that is there already."""
    turn, basis = _batches(sample, WINDOW), Spectrogram().cosine_sine.T.contiguous()
    out = torch.empty(BATCH * 3 * FRAMES, basis.shape[1])

    def step(_: Path) -> int:
        torch.matmul(next(turn), basis, out=out)
        return BATCH

    return step


def fft_floor(sample: Sample) -> Step:
    """The transform as one call of torch's FFT on frames that are zero-padded already."""
    turn = _batches(sample, N_FFT)
    out = torch.empty(BATCH * 3 * FRAMES, N_FFT // 2 + 1, dtype=torch.complex64)

    def step(_: Path) -> int:
        torch.fft.rfft(next(turn), out=out)
        return BATCH

    return step


FLOORS = {"floor: torch matrix product": product_floor, "floor: torch.fft.rfft": fft_floor}

MATPLOTLIB = "matplotlib, specgram and savefig, 224 px"

PICTURES = (
    Contender(MATPLOTLIB, partial(one_by_one, partial(matplotlib_png, dpi=100)), note="one channel of three, PNG"),
    Contender(
        "matplotlib, the same at 300 dpi",
        partial(one_by_one, partial(matplotlib_png, dpi=300)),
        turns=1,
        note="one channel of three, 672 px, PNG",
    ),
    *(Contender(name, partial(one_by_one, picture), note="same pixels") for name, picture in SAME_PIXELS.items()),
    *(
        Contender(name, partial(one_by_one, picture), note=f"other frames, detrend {detrend}")
        for name, (picture, detrend) in NEAREST_HOP.items()
    ),
    # Made ready as specgen's processes are: a floor should be as hard as it can be.
    *(Contender(name, make, prepared=True, note="frames ready, no colours") for name, make in FLOORS.items()),
)


def scipy_to_files(level: int, sample: Sample) -> Step:
    """SciPy's pictures saved by Pillow, 20 a step."""
    turn = itertools.cycle(sample.codes)

    def step(folder: Path) -> int:
        folder.mkdir()
        for i in range(20):
            Image.fromarray(scipy_gathered(next(turn))).save(folder / f"{i:06d}.png", compress_level=level)
        return 20

    return step


SCIPY_FILES = "SciPy and Pillow's defaults to PNG files"

FILES = (
    Contender(SCIPY_FILES, partial(scipy_to_files, 6)),
    Contender("SciPy and Pillow level 1 to PNG files", partial(scipy_to_files, 1)),
)
