"""What makes a picture: frozen dataclasses that check themselves, and the hash that names a rendering.

No torch and no SciPy here, so that command lines answer at once. Names of palettes and representations are checked
where the picture maker is built (``image.Imager``), since their registries hold code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specgen.errors import InputError, UnknownName

__all__ = [
    "DETRENDS",
    "PICTURE_VERSION",
    "SCALES",
    "TAPERS",
    "ImageSettings",
    "ScaleSettings",
    "SpectrogramSettings",
    "settings_hash",
]

TAPERS: dict[str, Any] = {
    "rectangular": "boxcar",
    "hann": "hann",
    "hamming": "hamming",
    "blackman": "blackman",
    "blackmanharris": "blackmanharris",
    "bartlett": "bartlett",
    "cosine": "cosine",
    "tukey": ("tukey", 0.25),
    "gaussian": "gaussian",
    "kaiser": ("kaiser", 8.6),
}
"""Our taper name -> SciPy's ``get_window`` argument. All periodic (``fftbins=True``)."""

DETRENDS = ("none", "constant", "weighted")
"""none; constant: minus the window's mean (SciPy's); weighted: minus the taper-weighted mean, so that bin 0 is 0."""

SCALES = ("log1p", "db", "minmax")
"""log1p: log(1 + P/P0); db: decibels over P0; minmax: log1p stretched to each picture's own range (ablation)."""


@dataclass(frozen=True)
class SpectrogramSettings:
    """What makes a spectrogram, in letters (nt) and cycles per base.

    Attributes
    ----------
    window
        Letters per frame. A multiple of 3 puts 1/3 cycles/base on a bin when ``n_fft`` is one too.
    taper
        One of ``TAPERS``. Rectangular separates period 3 best; Hann is for looking.
    n_fft
        DFT length >= window. 447 = 3 x 149 gives 224 bins from 0 to 1/2 with bin 149 exactly at 1/3.
    frames
        Columns, spread evenly over the sequence (starts rounded to whole letters); 0 means use ``hop``.
    hop
        Letters from one frame to the next, when ``frames`` is 0.
    detrend
        One of ``DETRENDS``.
    phase
        Where phase is measured from: "sequence" (a steady period keeps one phase from frame to frame) or "frame"
        (the convention of SciPy's and librosa's transforms).
    """

    window: int = 351
    taper: str = "rectangular"
    n_fft: int = 447
    frames: int = 224
    hop: int = 0
    detrend: str = "weighted"
    phase: str = "sequence"

    def __post_init__(self) -> None:
        if self.taper not in TAPERS:
            raise UnknownName("taper", self.taper, TAPERS)
        if self.detrend not in DETRENDS:
            raise UnknownName("detrend", self.detrend, DETRENDS)
        if self.phase not in ("sequence", "frame"):
            raise UnknownName("phase", self.phase, ("sequence", "frame"))
        if self.window < 2:
            raise InputError(f"window: expected at least 2 nt, got {self.window}")
        if self.n_fft < self.window:
            raise InputError(f"n_fft: expected at least the window ({self.window} nt), got {self.n_fft}")
        if self.frames < 0 or self.hop < 0 or bool(self.frames) == bool(self.hop):
            raise InputError(f"frames, hop: expected one of them above 0, got frames={self.frames}, hop={self.hop}")

    @property
    def bins(self) -> int:
        """Rows of a picture: DFT bins from 0 to 1/2 cycles/base, both ends included where they exist."""
        return self.n_fft // 2 + 1

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """(bins,) in cycles/base, ascending from 0."""
        return np.arange(self.bins) / self.n_fft

    def starts(self, length: int) -> NDArray[np.int64]:
        """(columns,) 0-based first letter of each frame in a sequence of ``length`` nt.

        Raises
        ------
        InputError
            When the sequence is shorter than one window.
        """
        last = length - self.window
        if last < 0:
            raise InputError(f"a sequence of {length} nt is shorter than the spectrogram window of {self.window} nt")
        if self.hop:
            return np.arange(0, last + 1, self.hop, dtype=np.int64)
        return np.linspace(0, last, self.frames).round().astype(np.int64)


@dataclass(frozen=True)
class ScaleSettings:
    """Power over the noise floor to 0..1.

    Attributes
    ----------
    kind
        One of ``SCALES``.
    ceiling
        P/P0 shown as 1 (log1p and minmax). 40 is near the 99.9th percentile of human CDS at 1/3 cycles/base.
    low_db, high_db
        Range of the db scale, in dB over P0.
    """

    kind: str = "log1p"
    ceiling: float = 40.0
    low_db: float = -15.0
    high_db: float = 18.0

    def __post_init__(self) -> None:
        if self.kind not in SCALES:
            raise UnknownName("scale", self.kind, SCALES)
        if not 0 < self.ceiling < math.inf:
            raise InputError(f"scale.ceiling: expected a number above 0, got {self.ceiling}")
        if not (math.isfinite(self.low_db) and math.isfinite(self.high_db)):
            raise InputError(f"scale: expected finite low_db and high_db, got {self.low_db} and {self.high_db}")
        if not self.high_db > self.low_db:
            raise InputError(f"scale.high_db: expected above low_db ({self.low_db}), got {self.high_db}")


PICTURE_VERSION = 2
"""Part of the settings hash: raised when the same settings come to mean other pixels."""


@dataclass(frozen=True)
class ImageSettings:
    """Everything that decides a picture.

    Attributes
    ----------
    palette
        A registered palette, or ``colormap:<matplotlib name>``.
    representation
        A registered representation; empty = the one the palette was made for.
    scale
        Power to brightness, see ``ScaleSettings``.
    spectrogram
        See ``SpectrogramSettings``.
    bands
        Spectrograms of the same letters, stacked from the top, that begin at letter 0, 1, 2, ...; one blank row lies
        between two. 3 bands with a ``hop`` of 3 are the three reading frames. 74 bins a band make 224 rows.
    columns
        Columns of the picture; what the sequence does not fill stays blank on the right. 0 = as many as there are
        frames. With a fixed ``hop`` a column means the same number of letters whatever the length.
    """

    palette: str = "delta_z"
    representation: str = ""
    scale: ScaleSettings = field(default_factory=ScaleSettings)
    spectrogram: SpectrogramSettings = field(default_factory=SpectrogramSettings)
    bands: int = 1
    columns: int = 0

    def __post_init__(self) -> None:
        if self.bands < 1 or self.columns < 0:
            raise InputError(
                f"image: expected bands of at least 1 and columns of 0 or more, got {self.bands} and {self.columns}"
            )
        if self.columns and self.spectrogram.frames > self.columns:
            raise InputError(
                f"image.columns: expected at least the {self.spectrogram.frames} frames of the spectrogram, "
                f"got {self.columns}"
            )

    @property
    def rows(self) -> int:
        """Rows of a picture."""
        return self.bands * (self.spectrogram.bins + 1) - 1

    def middles(self, length: int) -> NDArray[np.float64]:
        """(columns,) place of the middle of each column's frame in nt, in the first band; blank columns go on evenly."""
        starts = self.spectrogram.starts(length).astype(np.float64)
        blank = self.width(length) - len(starts)
        after = starts[-1] + (self.spectrogram.hop or 1) * np.arange(1, blank + 1)
        return np.concatenate([starts, after]) + self.spectrogram.window / 2

    def width(self, length: int) -> int:
        """Columns of the picture of a sequence of ``length`` nt.

        Raises
        ------
        InputError
            When the sequence is shorter than one window (in every band), or longer than the columns hold.
        """
        frames = len(self.spectrogram.starts(length))
        self.spectrogram.starts(length - self.bands + 1)  # the last band begins later; it needs a window as well
        if not self.columns:
            return frames
        if frames > self.columns:
            raise InputError(
                f"image.columns: a sequence of {length} nt has {frames} frames with a hop of "
                f"{self.spectrogram.hop} nt, expected at most {self.columns}"
            )
        return self.columns


def settings_hash(settings: ImageSettings, **extra: Any) -> str:
    """16 hexadecimal digits that change when any setting, an ``extra`` value or ``PICTURE_VERSION`` changes."""
    image = dataclasses.asdict(settings)
    for name, default in (("bands", 1), ("columns", 0)):  # younger than the first renderings, whose names stay
        if image[name] == default:
            del image[name]
    body = {"version": PICTURE_VERSION, "image": image, "extra": extra}
    return hashlib.sha256(json.dumps(_canonical(body), sort_keys=True).encode()).hexdigest()[:16]


def _canonical(value: Any) -> Any:
    """40 and 40.0 are the same setting and must give the same text."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
