"""specgen's side of the benchmark: pictures, files of them, and each way to compute the transform."""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from itertools import cycle, product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.competitors import BATCH, signal_of
from benchmarks.measure import FILE, Contender, Sample, Step
from specgen.image import Imager
from specgen.outputs import OUTPUTS
from specgen.png import encode_png
from specgen.settings import ImageSettings, SpectrogramSettings
from specgen.spectrogram import METHODS, Spectrogram
from specgen.windows import Shard

PIXELS, PNG, FOLDER = "specgen, Imager.paint", "specgen, with PNG in memory", "specgen to png files"

PAINT_AT_ONCE = 64
"""Pictures that a worker of ``specgen render`` holds."""

WAYS = METHODS[1:]

SHAPES = ((351, 447), (351, 448), (351, 512), (1000, 1024))
"""(window, n_fft) of the table of ways."""

HOPS = (1, 6)
"""Letters between frames there."""

SETTINGS = {
    (SpectrogramSettings(window=window, n_fft=n_fft, taper=taper), hop): tuple(
        way for way in WAYS if taper == "rectangular" or way != "sliding"
    )
    for taper, (window, n_fft), hop in product(("rectangular", "gaussian"), SHAPES, HOPS)
}
"""Spectrogram and hop -> ways that are timed for them."""


def paint(sample: Sample, *, png: bool) -> Step:
    """All of a worker's sequences a step."""
    imager = Imager().eval()

    def step(_: Path) -> int:
        for picture in imager.paint(sample.codes):
            if png:
                encode_png(picture)
        return len(sample.codes)

    return step


def to_files(form: str, sample: Sample) -> Step:
    """A shard a step, written as ``specgen render`` writes it."""
    imager, write = Imager().eval(), OUTPUTS[form].write
    records = tuple((i + 1, header.split()[0], header) for i, header in enumerate(sample.headers))
    count, length = sample.codes.shape
    places = np.arange(count)
    shard = Shard(0, "lncrna", 0, Path(FILE).name, length, sample.codes, np.zeros_like(places), places, records)
    about = {"specgen": json.dumps({"image": dataclasses.asdict(ImageSettings())})}

    def step(path: Path) -> int:
        lows = range(0, count, PAINT_AT_ONCE)
        write(path, shard, (imager.paint(shard.codes[low : low + PAINT_AT_ONCE]) for low in lows), about)
        return count

    return step


def signals(settings: SpectrogramSettings, hop: int, sample: Sample) -> Tensor:
    """(32, 3, L), just as long as 224 frames at ``hop`` need: a strided convolution can place them too."""
    length = settings.window + (settings.frames - 1) * hop
    return torch.from_numpy(np.stack([signal_of(codes[:length]) for codes in sample.codes[:32]]))


def transform(settings: SpectrogramSettings, method: str, hop: int, sample: Sample) -> Step:
    """Power of eight sequences a step."""
    power, turn = Spectrogram(settings, method).power, cycle(signals(settings, hop, sample).split(BATCH))

    def step(_: Path) -> int:
        with torch.inference_mode():
            return len(power(next(turn)))

    return step


def check_ways(sample: Sample) -> None:
    """All ways give the same power.

    Raises
    ------
    AssertionError
        More than rounding lies between them.
    """
    for (settings, hop), ways in SETTINGS.items():
        signal = signals(settings, hop, sample)[:2]
        wanted = Spectrogram(settings, "matrix").power(signal)
        for way in ways:
            apart = float((Spectrogram(settings, way).power(signal) - wanted).abs().max() / wanted.max())
            assert apart < 1e-4, f"{way}, {settings}: power differs by {apart:.1e} of its maximum"


PICTURES = (
    Contender(PIXELS, partial(paint, png=False), prepared=True, note="same pixels"),
    Contender(PNG, partial(paint, png=True), prepared=True, note="same pixels, PNG"),
)

FILES = (
    Contender(FOLDER, partial(to_files, "png"), prepared=True),
    *(Contender(f"specgen to {form}", partial(to_files, form), prepared=True) for form in ("tar", "hdf5", "npy")),
)
