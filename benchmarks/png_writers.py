"""Writers of PNG files beside specgen's: other libraries, and the same filter with other deflates."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measure import Contender, Sample, Step, in_turn
from specgen.image import Imager
from specgen.png import encode_png

try:
    from zlib_ng import zlib_ng
except ImportError:  # not one of specgen's requirements
    zlib_ng = None

OURS = "specgen, encode_png"

Picture = NDArray[np.uint8]


def pillow_png(picture: Picture, level: int) -> bytes:
    """Pillow at zlib's ``level``; 6 is its default."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="png", compress_level=level)
    return file.getvalue()


def torchvision_png(picture: Picture, level: int) -> bytes:
    """torchvision at zlib's ``level``; 6 is its default."""
    encoded = torchvision.io.encode_png(torch.from_numpy(picture).permute(2, 0, 1), compression_level=level)
    return encoded.numpy().tobytes()


def filtered_png(picture: Picture, compress: Callable[..., bytes], level: int) -> bytes:
    """The Sub filter by NumPy, as specgen applies it, then any deflate."""
    height, width, _ = picture.shape
    rows = np.empty((height, 1 + 3 * width), dtype=np.uint8)
    rows[:, 0] = 1
    rows[:, 1:] = picture.reshape(height, -1)
    rows[:, 4:] -= picture.reshape(height, -1)[:, :-3]
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", compress(rows, level)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


WRITERS: dict[str, Callable[[Picture], bytes]] = {
    OURS: encode_png,
    **{f"Pillow, level {level}": partial(pillow_png, level=level) for level in (6, 3, 1)},
    **{f"torchvision, level {level}": partial(torchvision_png, level=level) for level in (6, 1)},
    "zlib level 1, Sub filter": partial(filtered_png, compress=zlib.compress, level=1),
}
if zlib_ng is not None:
    WRITERS |= {
        f"zlib-ng level {level}, Sub filter": partial(filtered_png, compress=zlib_ng.compress, level=level)
        for level in (1, 2)
    }


def encode_each(encode: Callable[[Picture], bytes], sample: Sample) -> Step:
    """A picture a step, of 32 that were painted beforehand."""
    return in_turn(encode, Imager().paint(sample.codes[:32]))


CONTENDERS = tuple(Contender(name, partial(encode_each, encode)) for name, encode in WRITERS.items())


def check(pictures: Picture) -> dict[str, float]:
    """Mean bytes of a picture of each writer; each must be read by Pillow and torchvision as it was.

    Raises
    ------
    AssertionError
        Other pixels were read.
    """
    sizes = {}
    for name, encode in WRITERS.items():
        files = [encode(picture) for picture in pictures]
        for file, picture in zip(files, pictures, strict=True):
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), picture), (
                f"{name}: Pillow reads other pixels"
            )
            decoded = torchvision.io.decode_png(torch.frombuffer(bytearray(file), dtype=torch.uint8))
            assert np.array_equal(decoded.permute(1, 2, 0).numpy(), picture), f"{name}: torchvision reads other pixels"
        sizes[name] = float(np.mean([len(file) for file in files]))
    return sizes
