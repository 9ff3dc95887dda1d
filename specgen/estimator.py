"""Spectrogram pictures as a scikit-learn transformer: lists of sequences in, a row of pixels for each out.

It follows scikit-learn's conventions (parameters in the constructor, nothing decided there, state with a trailing underscore), so
it clones, goes into pipelines and is searched. The pictures are ``image.Imager``'s. Text is what it takes; tables of numbers are
refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from typing_extensions import Self

from specgen.errors import InputError
from specgen.image import Imager
from specgen.sequences import Codes, crop_start, encode
from specgen.settings import ImageSettings, ScaleSettings, SpectrogramSettings

__all__ = ["SpectrogramTransformer", "letters_of"]


def letters_of(sequences: Any) -> list[Codes]:
    """uint8 codes of each of a list (array, column of a table) of texts, bytes or uint8 code arrays (L,).

    Raises
    ------
    InputError
        Something else, naming which; a letter that is no nucleotide; none at all.
    """
    if isinstance(sequences, str | bytes):
        raise InputError("X: expected a list of sequences, got a single one")
    if not hasattr(sequences, "__iter__"):
        raise InputError(f"X: expected a list of sequences, got {type(sequences).__name__}")
    found: list[Codes] = []
    for i, item in enumerate(sequences):
        if isinstance(item, str | bytes):
            found.append(encode(item, name=f"X[{i}]"))
        elif isinstance(item, np.ndarray) and item.dtype == np.uint8 and item.ndim == 1 and (item < 16).all():
            found.append(item)
        else:
            raise InputError(f"X[{i}]: expected letters or uint8 codes (L,) of 0 to 15, got {type(item).__name__}")
    if not found:
        raise InputError("X: expected at least one sequence, got none (0 samples)")
    return found


class SpectrogramTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sequences to the pixels of their spectrograms.

    Parameters
    ----------
    palette, representation
        Registered names; no representation = the one that the palette was made for.
    window, taper, n_fft, frames, hop, detrend, phase
        See ``settings.SpectrogramSettings``.
    scale, ceiling
        See ``settings.ScaleSettings``.
    bands, columns
        See ``settings.ImageSettings``.
    length
        nt in the middle of each sequence that are looked at; None = as many as the shortest sequence in ``fit`` has. One length
        for all: a picture of a whole sequence of any length would tell how long it is.

    Attributes
    ----------
    length_
        nt that are looked at.
    shape_
        (3, rows, columns) of a picture, of which a row of the output is the C-ordered pixels.
    """

    def __init__(
        self,
        palette: str = "delta_z",
        representation: str = "",
        *,
        window: int = 351,
        taper: str = "rectangular",
        n_fft: int = 447,
        frames: int = 224,
        hop: int = 0,
        detrend: str = "weighted",
        phase: str = "sequence",
        scale: str = "log1p",
        ceiling: float = 40.0,
        bands: int = 1,
        columns: int = 0,
        length: int | None = None,
    ) -> None:
        self.palette = palette
        self.representation = representation
        self.window = window
        self.taper = taper
        self.n_fft = n_fft
        self.frames = frames
        self.hop = hop
        self.detrend = detrend
        self.phase = phase
        self.scale = scale
        self.ceiling = ceiling
        self.bands = bands
        self.columns = columns
        self.length = length

    def _settings(self) -> ImageSettings:
        for name in ("window", "n_fft", "frames", "hop", "bands", "columns", "length"):
            value = getattr(self, name)
            if not isinstance(value, Integral) and not (name == "length" and value is None):
                raise InputError(f"{name}: expected a whole number, got {value!r}")
        return ImageSettings(
            palette=self.palette,
            representation=self.representation,
            scale=ScaleSettings(kind=self.scale, ceiling=self.ceiling),
            spectrogram=SpectrogramSettings(
                self.window, self.taper, self.n_fft, self.frames, self.hop, self.detrend, self.phase
            ),
            bands=self.bands,
            columns=self.columns,
        )

    def fit(self, X: Sequence[Any], y: ArrayLike | None = None) -> Self:  # noqa: N803  scikit-learn's name
        """Settle the length and check the settings; nothing is learnt.

        Raises
        ------
        InputError
            Settings that make no picture, or input that is no list of sequences.
        """
        letters = letters_of(X)
        settings = self._settings()
        Imager(settings)
        self.length_ = min(map(len, letters)) if self.length is None else self.length
        self.shape_ = 3, settings.rows, settings.width(self.length_)
        return self

    def transform(self, X: Sequence[Any]) -> NDArray[np.float32]:  # noqa: N803
        """Pixels float32 (n, 3 * rows * columns) in 0..1, see ``shape_``.

        Raises
        ------
        InputError
            A sequence shorter than ``length_``, or input that is no list of sequences.
        """
        check_is_fitted(self)
        letters = letters_of(X)
        if short := [i for i, codes in enumerate(letters) if len(codes) < self.length_]:
            raise InputError(
                f"X[{short[0]}]: expected at least {self.length_} nt, got {len(letters[short[0]])} "
                "(length sets how many are looked at)"
            )
        imager = Imager(self._settings())
        starts = [crop_start(len(codes), self.length_) for codes in letters]
        cut = [codes[low : low + self.length_] for codes, low in zip(letters, starts, strict=True)]
        pixels = np.empty((len(cut), int(np.prod(self.shape_))), dtype=np.float32)
        with torch.inference_mode():
            for low in range(0, len(cut), 32):
                part = torch.from_numpy(np.stack(cut[low : low + 32]))
                pixels[low : low + 32] = imager(part).flatten(1).numpy()
        return pixels

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns: colour, row from the top, column from 5', such as ``red_0_0``."""
        check_is_fitted(self)
        _, rows, columns = self.shape_
        return np.array(
            [f"{c}_{r}_{t}" for c in ("red", "green", "blue") for r in range(rows) for t in range(columns)],
            dtype=object,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = False, True, True
        return tags
