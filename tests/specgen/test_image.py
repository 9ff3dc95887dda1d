"""The picture maker, the hash that names a rendering, PNG files, and the leak of sequence length."""

from __future__ import annotations

import dataclasses
import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import specgen.settings
from specgen.errors import InputError, UnknownName
from specgen.image import Imager, to_uint8
from specgen.png import read_png_metadata, write_png
from specgen.sequences import crop_start, encode
from specgen.settings import ImageSettings, ScaleSettings, SpectrogramSettings, settings_hash

OneHot = Callable[[str], NDArray[np.float32]]


def random_codes(length: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    codes: NDArray[np.uint8] = (1 << rng.integers(0, 4, length)).astype(np.uint8)
    return codes


def random_picture(height: int = 24, width: int = 30) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


READING_FRAMES = ImageSettings(
    palette="real",
    scale=ScaleSettings(ceiling=12),
    bands=3,
    columns=224,
    spectrogram=SpectrogramSettings(window=12, n_fft=147, frames=0, hop=3, detrend="none", phase="frame"),
)


class TestBands:
    """Spectrograms of the letters from 0, 1 and 2, stacked; columns that the sequence does not fill stay blank."""

    def test_each_band_is_the_picture_of_its_frame(self) -> None:
        letters = torch.from_numpy(random_codes(600, np.random.default_rng(3)))[None]
        whole = Imager(READING_FRAMES)(letters)
        assert whole.shape == (1, 3, 224, 224)
        single = Imager(dataclasses.replace(READING_FRAMES, bands=1, columns=0))
        for band, filled in enumerate((197, 196, 196)):
            alone = single(letters[:, band:])
            assert alone.shape == (1, 3, 74, filled)
            rows = whole[:, :, 75 * band : 75 * band + 74]
            assert torch.equal(rows[..., :filled], alone)
            assert (rows[..., filled:] == 0.5).all()
        assert (whole[:, :, [74, 149]] == 0.5).all()

    def test_against_a_naive_cosine_sum(self) -> None:
        codes = random_codes(60, np.random.default_rng(4))
        picture = Imager(dataclasses.replace(READING_FRAMES, columns=20))(torch.from_numpy(codes)[None])[0].numpy()
        signs = {1: (1, 1, 1), 2: (-1, 1, -1), 4: (1, -1, -1), 8: (-1, -1, 1)}
        for band, column, row in ((0, 0, 0), (1, 5, 17), (2, 15, 73), (0, 16, 49)):
            start = band + 3 * column
            for channel in range(3):
                real = sum(signs[int(codes[start + n])][channel] * np.cos(2 * np.pi * row * n / 147) for n in range(12))
                at = 75 * band + 73 - row
                assert picture[channel, at, column] == pytest.approx(0.5 + real / 12 / 2, abs=1e-6)

    def test_the_letters_can_be_read_back(self) -> None:
        """The cosine transform of a short window loses nothing: least squares finds the letters again."""
        letters = random_codes(12, np.random.default_rng(5))
        picture = Imager(dataclasses.replace(READING_FRAMES, bands=1, columns=0))(torch.from_numpy(letters)[None])
        seen = (picture[0, :, :, 0].flip(-1).double().numpy() - 0.5) * 24
        basis = np.cos(2 * np.pi * np.outer(np.arange(74), np.arange(12)) / 147)
        found = np.linalg.lstsq(basis, seen.T, rcond=None)[0]
        assert np.abs(found - Imager(READING_FRAMES).signal.table16.numpy()[letters]).max() < 1e-4

    def test_power_palettes_are_black_where_nothing_is(self) -> None:
        settings = dataclasses.replace(READING_FRAMES, palette="delta_z")
        picture = Imager(settings)(torch.from_numpy(random_codes(300, np.random.default_rng(6)))[None])
        assert picture[0, :, :74, :97].amax() > 0.5
        assert picture[..., 97:].abs().max() == 0

    def test_bytes_have_the_same_shape(self) -> None:
        codes = np.stack([random_codes(600, np.random.default_rng(seed)) for seed in (7, 8)])
        imager = Imager(READING_FRAMES)
        assert np.array_equal(imager.paint(codes), to_uint8(imager(torch.from_numpy(codes))))

    def test_gradients_reach_every_letter(self) -> None:
        onehot = torch.full((1, 4, 60), 0.25, requires_grad=True)
        picture = Imager(dataclasses.replace(READING_FRAMES, columns=20))(onehot)
        (picture * torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
        assert onehot.grad is not None
        assert (onehot.grad.abs().sum(1) > 0).all()

    @pytest.mark.parametrize(
        ("change", "length", "message"),
        [
            ({"columns": 100}, 600, "a sequence of 600 nt has 197 frames with a hop of 3 nt, expected at most 100"),
            ({}, 13, "shorter than the spectrogram window of 12 nt"),
            ({"bands": 0}, 600, "expected bands of at least 1"),
            ({"columns": 100, "spectrogram": SpectrogramSettings()}, 600, "expected at least the 224 frames"),
        ],
    )
    def test_what_does_not_fit(self, change: dict[str, Any], length: int, message: str) -> None:
        with pytest.raises(InputError, match=message):
            Imager(dataclasses.replace(READING_FRAMES, **change))(
                torch.from_numpy(random_codes(length, np.random.default_rng(0)))[None]
            )


class TestImager:
    def test_224_by_224_by_default(self) -> None:
        picture = Imager()(torch.from_numpy(random_codes(600, np.random.default_rng(0)))[None])
        assert picture.shape == (1, 3, 224, 224)
        assert picture.dtype == torch.float32

    def test_shape_follows_the_transform(self) -> None:
        transform = SpectrogramSettings(window=60, n_fft=90, frames=0, hop=20)
        picture = Imager(ImageSettings(spectrogram=transform))(torch.from_numpy(encode("ACG" * 60))[None])
        assert picture.shape == (1, 3, 46, 7)

    def test_high_frequencies_on_top(self) -> None:
        picture = Imager(ImageSettings("voss"))(torch.from_numpy(encode("ACG" * 200))[None])
        bright = picture[0].sum(0).mean(1)
        assert bright.argmax() == 223 - 149
        fast = Imager(ImageSettings("voss"))(torch.from_numpy(encode("AC" * 300))[None])
        assert fast[0].sum(0).mean(1).argmax() <= 1

    def test_5_prime_on_the_left(self) -> None:
        text = "ACG" * 300 + "N" * 900
        picture = Imager(ImageSettings("voss"))(torch.from_numpy(encode(text))[None])[0]
        assert picture[:, 74, :60].mean() > 0.5
        assert picture[:, 74, -60:].mean() < 0.01

    def test_brightness_is_over_the_noise_floor(self) -> None:
        """Random letters: P/P0 has mean 1, so its level is the mean of log1p over an exponential law, .1606."""
        letters = torch.from_numpy(random_codes(20_000, np.random.default_rng(1)))[None]
        expected = 0.59635 / np.log(41)
        for representation in ("delta_z", "quaternion"):
            picture = Imager(ImageSettings("delta_z", representation))(letters)
            assert picture[:, :, 10:210].mean().item() == pytest.approx(expected, rel=0.05)

    @pytest.mark.parametrize("representation", ["voss", "eiip", "complex_1", "complex_3", "integer", "anastassiou_2"])
    @pytest.mark.parametrize("taper", ["rectangular", "hann"])
    def test_floor_is_the_power_of_random_letters(self, representation: str, taper: str) -> None:
        """Each spectral channel, both half-axes of a complex code included."""
        transform = SpectrogramSettings(window=90, n_fft=90, frames=0, hop=90, taper=taper)
        imager = Imager(ImageSettings("colormap:gray", representation, spectrogram=transform))
        letters = torch.from_numpy(random_codes(16 * 1800, np.random.default_rng(3))).view(16, 1800)
        power = imager.spectrogram.power(imager.signal(letters))[:, :, 6:].mean((0, 2, 3))
        assert imager.floor.shape == power.shape
        torch.testing.assert_close(power / imager.floor, torch.ones_like(power), rtol=0, atol=0.06)

    def test_too_short(self) -> None:
        with pytest.raises(InputError, match="a sequence of 350 nt is shorter than the spectrogram window of 351 nt"):
            Imager()(torch.ones(1, 350, dtype=torch.uint8))

    @pytest.mark.parametrize(
        ("palette", "representation", "takes", "gives"),
        [
            ("delta_z", "voss", 3, 4),
            ("voss", "delta_z", 4, 3),
            ("hue", "complex_1", 1, 2),
            ("hue", "tetrahedron", 1, 3),
            ("tetrahedron", "eiip", 3, 1),
            ("cosine", "walk_2d", 3, 2),
        ],
    )
    def test_channels_must_fit(self, palette: str, representation: str, takes: int, gives: int) -> None:
        message = (
            f"palette '{palette}' takes {takes} spectral channels, representation '{representation}' gives {gives}"
        )
        with pytest.raises(InputError, match=message):
            Imager(ImageSettings(palette, representation))

    def test_unknown_representation(self) -> None:
        with pytest.raises(UnknownName, match=r"unknown representation 'delta'; did you mean .*'delta_z'"):
            Imager(ImageSettings(representation="delta"))

    def test_empty_representation_is_the_palettes_own(self) -> None:
        letters = torch.from_numpy(random_codes(600, np.random.default_rng(2)))[None]
        own, named = Imager(ImageSettings("hue")), Imager(ImageSettings("hue", "purine"))
        torch.testing.assert_close(own(letters), named(letters), rtol=0, atol=0)
        assert (own(letters) - Imager(ImageSettings("hue", "eiip"))(letters)).abs().max() > 0.1

    def test_state_is_empty(self) -> None:
        assert Imager().state_dict() == {}

    @pytest.mark.parametrize("palette", ["delta_z", "hue", "cosine"])
    def test_gradients_after_inference_mode(self, palette: str, one_hot: OneHot) -> None:
        module = Imager(ImageSettings(palette))
        letters = torch.from_numpy(one_hot("ACGGT" * 120))[None]
        with torch.inference_mode():
            module(letters)
        letters = letters.clone().requires_grad_()
        module(letters).square().mean().backward()
        assert letters.grad is not None
        assert letters.grad.abs().max() > 0


def variants() -> list[Any]:
    """One change for each field of the three settings classes, as (name, settings)."""
    changes: dict[str, dict[str, Any]] = {
        "": {"palette": "voss", "representation": "delta_z", "bands": 3, "columns": 250},
        "scale": {"kind": "db", "ceiling": 41.0, "low_db": -16.0, "high_db": 19.0},
        "spectrogram": {
            "window": 348, "taper": "hann", "n_fft": 450, "frames": 223, "hop": 2, "detrend": "none", "phase": "frame",
        },
    }  # fmt: skip
    made = []
    for part, fields in changes.items():
        for name, value in fields.items():
            if not part:
                made.append(pytest.param(ImageSettings(**{name: value}), id=name))
                continue
            cls = ScaleSettings if part == "scale" else SpectrogramSettings
            change = {"frames": 0, name: value} if name == "hop" else {name: value}
            made.append(pytest.param(ImageSettings(**{part: cls(**change)}), id=f"{part}.{name}"))
    return made


class TestHash:
    GOLDEN = "454281e1c0cd02d4"

    def test_golden(self) -> None:
        """A change here renames every stored rendering: raise ``PICTURE_VERSION`` on purpose, never by accident."""
        assert settings_hash(ImageSettings()) == self.GOLDEN

    def test_every_field_is_varied_below(self) -> None:
        expected = {"palette", "representation", "bands", "columns"}
        expected |= {f"scale.{field.name}" for field in dataclasses.fields(ScaleSettings)}
        expected |= {f"spectrogram.{field.name}" for field in dataclasses.fields(SpectrogramSettings)}
        assert {variant.id for variant in variants()} == expected
        assert {field.name for field in dataclasses.fields(ImageSettings)} == {
            "palette", "representation", "scale", "spectrogram", "bands", "columns",
        }  # fmt: skip

    @pytest.mark.parametrize("settings", variants())
    def test_every_field_counts(self, settings: ImageSettings) -> None:
        assert settings_hash(settings) != self.GOLDEN

    def test_all_differ(self) -> None:
        hashes = [settings_hash(variant.values[0]) for variant in variants()]
        assert len(set(hashes)) == len(hashes)

    def test_extra_values_and_version_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = ImageSettings()
        assert len({self.GOLDEN, settings_hash(settings, length=600), settings_hash(settings, length=601)}) == 3
        assert settings_hash(settings, a=1, b=2) == settings_hash(settings, b=2, a=1)
        monkeypatch.setattr(specgen.settings, "PICTURE_VERSION", 10_000)
        assert settings_hash(settings) != self.GOLDEN

    def test_equal_settings_have_equal_hashes(self) -> None:
        """YAML writes 40 where Python writes 40.0; the dataclasses compare equal, so must their names."""
        whole, real = (ImageSettings(scale=ScaleSettings(ceiling=ceiling)) for ceiling in (40, 40.0))
        assert whole == real
        assert settings_hash(whole) == settings_hash(real)

    def test_same_in_another_process(self) -> None:
        program = "from specgen.settings import *; print(settings_hash(ImageSettings()))"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": "7"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == self.GOLDEN


class TestToUint8:
    def test_rounds_and_moves_the_channels_last(self) -> None:
        values = torch.tensor([0.0, 1.0, 0.4 / 255, 0.6 / 255, 127.4 / 255, 127.6 / 255, -0.5, 1.5])
        array = to_uint8(values.view(1, 1, 1, 8).expand(2, 3, 1, 8))
        assert array.dtype == np.uint8
        assert array.shape == (2, 1, 8, 3)
        assert array[1, 0, :, 2].tolist() == [0, 255, 0, 1, 127, 128, 0, 255]

    def test_channels_stay_in_order(self) -> None:
        picture = torch.stack([torch.full((2, 4), level / 255) for level in (10, 20, 30)])[None]
        assert to_uint8(picture)[0, 1, 3].tolist() == [10, 20, 30]

    def test_every_value_survives(self) -> None:
        values = torch.arange(256).float().div(255).view(1, 1, 16, 16).expand(1, 3, 16, 16)
        assert to_uint8(values)[0, :, :, 0].flatten().tolist() == list(range(256))

    def test_takes_what_needs_gradients_and_leaves_it_alone(self) -> None:
        picture = torch.rand(1, 3, 2, 2, requires_grad=True)
        before = picture.detach().clone()
        assert to_uint8(picture).flags["C_CONTIGUOUS"]
        torch.testing.assert_close(picture.detach(), before, rtol=0, atol=0)


class TestPng:
    METADATA = {  # noqa: RUF012
        "record": "Dnmt3aβ — ゲノム 🧬",
        "settings": '{"palette": "delta_z"}' * 5000,
        "empty": "",
        "lines": "a\nb\tc\0d",
    }

    def test_round_trip(self, tmp_path: Path) -> None:
        path, picture = tmp_path / "a.png", random_picture()
        write_png(path, picture, self.METADATA)
        np.testing.assert_array_equal(np.asarray(Image.open(path)), picture)
        assert read_png_metadata(path) == self.METADATA
        assert os.listdir(tmp_path) == ["a.png"]

    @given(st.dictionaries(st.sampled_from(["record", "start", "settings"]), st.text()))
    def test_any_text(self, tmp_path_factory: pytest.TempPathFactory, metadata: dict[str, str]) -> None:
        path = tmp_path_factory.getbasetemp() / "any_text.png"
        write_png(path, random_picture(2, 2), metadata)
        assert read_png_metadata(path) == metadata

    def test_without_metadata(self, tmp_path: Path) -> None:
        write_png(tmp_path / "a.png", random_picture())
        assert read_png_metadata(tmp_path / "a.png") == {}

    def test_writes_over_an_older_file(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        write_png(path, random_picture(9, 9), {"old": "yes"})
        write_png(path, random_picture(5, 5), {"new": "yes"})
        assert Image.open(path).size == (5, 5)
        assert read_png_metadata(path) == {"new": "yes"}

    def test_missing_folders_are_made(self, tmp_path: Path) -> None:
        path = tmp_path / "no" / "such" / "a.png"
        write_png(path, random_picture())
        assert os.listdir(path.parent) == ["a.png"]

    def test_a_file_in_the_place_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "taken").write_bytes(b"")
        with pytest.raises(InputError, match=r"a\.png: cannot be written"):
            write_png(tmp_path / "taken" / "a.png", random_picture())
        assert os.listdir(tmp_path) == ["taken"]

    def test_the_longest_file_name(self, tmp_path: Path) -> None:
        name = "x" * 251 + ".png"
        write_png(tmp_path / name, random_picture())
        assert os.listdir(tmp_path) == [name]

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
    def test_read_only_folder(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(InputError, match="cannot be written"):
                write_png(tmp_path / "a.png", random_picture())
            assert os.listdir(tmp_path) == []
        finally:
            tmp_path.chmod(0o700)

    def test_a_target_that_cannot_be_replaced_leaves_no_temporary_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").mkdir()
        with pytest.raises(InputError, match=r"a\.png: cannot be written"):
            write_png(tmp_path / "a.png", random_picture())
        assert os.listdir(tmp_path) == ["a.png"]

    @pytest.mark.parametrize(
        ("error", "seen"),
        [(OSError(28, "No space left on device"), InputError), (KeyboardInterrupt(), KeyboardInterrupt)],
        ids=["disk full", "interrupt"],
    )
    def test_a_save_that_breaks_off_keeps_the_older_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, seen: type[BaseException]
    ) -> None:
        path, picture = tmp_path / "a.png", random_picture()
        write_png(path, picture, {"old": "yes"})

        whole = Path.write_bytes

        def half(target: Path, data: bytes) -> int:
            whole(target, data[: len(data) // 2])
            raise error

        monkeypatch.setattr(Path, "write_bytes", half)
        with pytest.raises(seen):
            write_png(path, picture[::-1])
        monkeypatch.undo()
        assert os.listdir(tmp_path) == ["a.png"]
        np.testing.assert_array_equal(Image.open(path), picture)
        assert read_png_metadata(path) == {"old": "yes"}

    def test_seven_channels_are_no_picture(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError):
            write_png(tmp_path / "a.png", np.zeros((4, 4, 7), dtype=np.uint8))
        assert os.listdir(tmp_path) == []


def png_bytes() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(random_picture()).save(buffer, format="PNG")
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


GOOD = png_bytes()
GARBAGE = {
    "empty": b"",
    "text": b"not a picture",
    "signature": GOOD[:8],
    "cut header": GOOD[:20],
    "cut data": GOOD[: len(GOOD) // 2],
    "damaged data": GOOD[:60] + bytes(40) + GOOD[100:],
    "text bomb": GOOD[:33] + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(50_000_000))) + GOOD[33:],
    "forged size": GOOD[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)) + GOOD[33:],
}


class TestReadGarbage:
    @pytest.mark.parametrize("kind", GARBAGE)
    def test_no_readable_png(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(GARBAGE[kind])
        assert read_png_metadata(path) == {}

    def test_the_undamaged_picture_is_read(self, tmp_path: Path) -> None:
        """So that the cases above fail for the damage alone."""
        path = tmp_path / "a.png"
        path.write_bytes(GOOD[:33] + chunk(b"tEXt", b"k\0v") + GOOD[33:])
        assert read_png_metadata(path) == {"k": "v"}

    def test_no_file_and_a_folder(self, tmp_path: Path) -> None:
        assert read_png_metadata(tmp_path / "none.png") == {}
        assert read_png_metadata(tmp_path) == {}

    def test_another_format(self, tmp_path: Path) -> None:
        Image.fromarray(random_picture()).save(tmp_path / "a.png", format="BMP")
        assert read_png_metadata(tmp_path / "a.png") == {}

    @given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8))
    def test_any_damage(self, tmp_path_factory: pytest.TempPathFactory, position: int, damage: bytes) -> None:
        path = tmp_path_factory.getbasetemp() / "damaged.png"
        path.write_bytes(GOOD[:position] + damage + GOOD[position + len(damage) :])
        assert read_png_metadata(path) == {}


class TestLengthLeak:
    """Pictures of random letters of 700 to 4000 nt must not tell how long the sequence was."""

    @staticmethod
    def statistics(picture: torch.Tensor) -> list[float]:
        """Mean, spread, peak and neighbour differences along both axes of each colour: what a network sees first."""
        columns, rows = picture.diff(dim=2).abs().mean((1, 2)), picture.diff(dim=1).abs().mean((1, 2))
        values = torch.cat([picture.mean((1, 2)), picture.std((1, 2)), picture.amax((1, 2)), columns, rows])
        return values.tolist()

    def correlation(self, count: int, crop: int) -> float:
        """Spearman of length and its cross-validated prediction from the statistics."""
        rng = np.random.default_rng(11)
        imager, features, lengths = Imager(), [], []
        for length in np.exp(rng.uniform(np.log(700), np.log(4000), count)).astype(int):
            codes = random_codes(length, rng)
            if crop:
                start = crop_start(length, crop)
                codes = codes[start : start + crop]
            with torch.no_grad():
                features.append(self.statistics(imager(torch.from_numpy(codes)[None])[0]))
            lengths.append(np.log(length))
        predicted = cross_val_predict(make_pipeline(StandardScaler(), LinearRegression()), features, lengths, cv=10)
        return float(spearmanr(lengths, predicted).statistic)

    def test_cropped_pictures_do_not_tell(self) -> None:
        assert abs(self.correlation(150, crop=600)) < 0.25

    def test_uncropped_pictures_do(self) -> None:
        assert self.correlation(60, crop=0) > 0.9
