"""The PNG writer against the decoders that people have: Pillow, torchvision, matplotlib."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from torchvision.io import ImageReadMode, decode_image

from specgen.png import encode_png, read_png_metadata, text_chunks, write_png

pytestmark = pytest.mark.filterwarnings("ignore:The image decoding and encoding capabilities of TorchVision")


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_every_decoder_finds_the_same_pixels(picture: np.ndarray) -> None:
    data = encode_png(picture)
    with Image.open(io.BytesIO(data)) as opened:
        opened.verify()
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(opened), picture)
    tensor = decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.UNCHANGED)
    np.testing.assert_array_equal(tensor.permute(1, 2, 0).numpy(), picture)
    read = (matplotlib.image.imread(io.BytesIO(data)) * 255).round()
    np.testing.assert_array_equal(read, picture)


def test_views_and_the_same_bytes_each_time() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    turned = picture[::-1, ::2]
    assert encode_png(turned) == encode_png(turned.copy())
    with Image.open(io.BytesIO(encode_png(turned))) as opened:
        np.testing.assert_array_equal(np.asarray(opened), turned)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3), (4, 0, 3)])
def test_what_is_no_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match="expected a uint8 picture"):
        encode_png(np.zeros(shape, dtype=np.uint8))
    with pytest.raises(TypeError, match="expected a uint8 picture"):
        encode_png(np.zeros((4, 4, 3), dtype=np.float32))


@pytest.mark.parametrize("keyword", ["", "x" * 80, "a\0b"])
def test_keywords_that_png_does_not_allow(keyword: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PNG keyword"):
        text_chunks({keyword: "x"})
    with pytest.raises(ValueError, match="PNG keyword"):
        write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8), {keyword: "x"})
    assert not list(tmp_path.iterdir())


def test_texts_are_shared_between_pictures(tmp_path: Path) -> None:
    shared = text_chunks({"settings": "ä"})
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(np.zeros((4, 4, 3), np.uint8), shared + text_chunks({"record": "x"})))
    assert read_png_metadata(path) == {"settings": "ä", "record": "x"}


def test_a_chunk_that_says_it_is_longer_than_memory(tmp_path: Path) -> None:
    data = bytearray(encode_png(np.zeros((4, 4, 3), np.uint8)))
    place = data.index(b"IDAT") - 4
    data[place : place + 4] = b"\xc0\x00\x00\x00"
    (tmp_path / "x.png").write_bytes(data)
    code = (
        "import resource, sys; from pathlib import Path; from specgen.png import read_png_metadata; "
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)); print(read_png_metadata(Path(sys.argv[1])))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.png")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "{}\n"), done.stderr
