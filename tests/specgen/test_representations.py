"""Representations: the literal tables, the encoder against naive one-hot letters, and what the spectra then obey."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from specgen.errors import InputError, UnknownName
from specgen.representations import (
    REPRESENTATIONS,
    Representation,
    SignalEncoder,
    detrend_linear,
    register_representation,
)
from specgen.sequences import LETTERS, encode

OneHot = Callable[[str], NDArray[np.float32]]

S2, S6 = math.sqrt(2), math.sqrt(6)

# Typed from shared/reference/signals.md, section 1.1: values of A, C, G, T (one row per base).
TABLES: dict[str, list] = {
    "voss": [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)],
    "integer": [2, 1, 3, 0],
    "integer_mldsp_1": [3, 2, 4, 1],
    "integer_mldsp_dl": [0, 3, 2, 1],
    "integer_wavedna": [1, 2, 3, 4],
    "ordinal": [0.25, 0.5, 0.75, 1.0],
    "real": [-1.5, 0.5, -0.5, 1.5],
    "eiip": [0.1260, 0.1340, 0.0806, 0.1335],
    "atomic": [70, 58, 78, 66],
    "mass": [134, 110, 150, 125],
    "paired": [1, -1, -1, 1],
    "purine": [-1, 1, -1, 1],
    "just_a": [1, 0, 0, 0],
    "just_c": [0, 1, 0, 0],
    "just_g": [0, 0, 1, 0],
    "just_t": [0, 0, 0, 1],
    "complex_1": [1 + 1j, -1 + 1j, -1 - 1j, 1 - 1j],
    "complex_2": [1 + 1j, -1 - 1j, -1 + 1j, 1 - 1j],
    "complex_3": [1, 1j, -1j, -1],
    "quaternion": [(1, 1, 1), (1, -1, -1), (-1, -1, 1), (-1, 1, -1)],
    "tetrahedron": [
        (0, 0, 1),
        (-0.4714045, 0.8164966, -0.3333333),
        (-0.4714045, -0.8164966, -0.3333333),
        (0.9428090, 0, -0.3333333),
    ],
    "anastassiou_2": [(0, 0, 1), (0.244, 0.911, -0.333), (-0.817, -0.471, -0.333), (0.911, -0.244, -0.333)],
    "delta_z": [(1, 1, 1), (-1, 1, -1), (1, -1, -1), (-1, -1, 1)],
    # Walks: the increments.
    "z_curve": [(1, 1, 1), (-1, 1, -1), (1, -1, -1), (-1, -1, 1)],
    "walk_ry": [-1, 1, -1, 1],
    "walk_2d": [(-1, 0), (0, -1), (0, 1), (1, 0)],
}
WALKS = ("z_curve", "walk_ry", "walk_2d")
STATIC = [name for name in TABLES if name not in WALKS]
AMBIGUOUS = {
    "M": "AC", "R": "AG", "W": "AT", "S": "CG", "Y": "CT", "K": "GT",
    "V": "ACG", "H": "ACT", "D": "AGT", "B": "CGT", "N": "ACGT",
}  # fmt: skip
PARTNER = {"A": "T", "C": "G", "G": "C", "T": "A"}
letters = st.text(alphabet=LETTERS, min_size=1, max_size=60)


def literal(name: str) -> NDArray:
    """(4, C) typed table, rows A, C, G, T."""
    return np.array(TABLES[name]).reshape(4, -1)


def random_text(length: int, seed: int, alphabet: str = "ACGT") -> str:
    return "".join(np.random.default_rng(seed).choice(list(alphabet), length))


def codes_of(*texts: str) -> torch.Tensor:
    """(B, L) codes; '=' is padding."""
    return torch.from_numpy(np.array([[LETTERS.index(letter) for letter in text] for text in texts], dtype=np.uint8))


def naive_signal(name: str, text: str) -> NDArray:
    """(C, L) values of plain letters, read off the typed table one by one."""
    return np.array([literal(name)["ACGT".index(letter)] for letter in text]).T


def naive_reverse_complement(text: str) -> str:
    return "".join(PARTNER[letter] for letter in reversed(text))


def spectrum(signal: NDArray) -> NDArray:
    """(C, L) whole-sequence DFT, by its definition."""
    length = signal.shape[-1]
    time = np.arange(length)
    return signal @ np.exp(-2j * np.pi * np.outer(time, time) / length)


class TestTables:
    def test_every_registered_table_is_typed_here(self) -> None:
        assert set(REPRESENTATIONS) == set(TABLES)

    @pytest.mark.parametrize("name", TABLES)
    def test_values(self, name: str) -> None:
        table = REPRESENTATIONS[name].table
        assert table.dtype == (np.complex128 if name.startswith("complex") else np.float64)
        np.testing.assert_allclose(table, literal(name), atol=5e-8)

    @pytest.mark.parametrize("name", TABLES)
    def test_fields(self, name: str) -> None:
        entry = REPRESENTATIONS[name]
        assert entry.name == name
        assert len(entry.channels) == len(set(entry.channels)) == entry.table.shape[1]
        assert entry.source
        assert entry.is_complex == name.startswith("complex")
        assert (entry.walk is not None) == (name in WALKS)

    @pytest.mark.parametrize("name", TABLES)
    def test_ambiguity_is_the_mean_of_its_bases(self, name: str) -> None:
        table16, table = REPRESENTATIONS[name].table16(), literal(name)
        assert table16.shape == (16, table.shape[1])
        for letter, bases in AMBIGUOUS.items():
            expected = sum(table["ACGT".index(base)] for base in bases) / len(bases)
            np.testing.assert_allclose(table16[encode(letter)[0]], expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(table16[encode("ACGT")], table, atol=5e-8)

    @pytest.mark.parametrize("name", TABLES)
    def test_padding_is_zero(self, name: str) -> None:
        assert not REPRESENTATIONS[name].table16()[0].any()

    @pytest.mark.parametrize(
        ("name", "power"),
        [("voss", [3 / 16] * 4), ("integer", [1.25]), ("real", [1.25]), ("purine", [1]), ("complex_1", [2]),
         ("complex_3", [1]), ("delta_z", [1, 1, 1]), ("tetrahedron", [1 / 3] * 3), ("atomic", [52])],
    )  # fmt: skip
    def test_noise_power_by_hand(self, name: str, power: list[float]) -> None:
        np.testing.assert_allclose(REPRESENTATIONS[name].noise_power, power, rtol=1e-12)


class TestRegistration:
    @pytest.fixture(autouse=True)
    def _restore(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(REPRESENTATIONS, "_entries", dict(REPRESENTATIONS._entries))

    def test_a_new_one_is_one_call(self) -> None:
        made = register_representation("mine", [1, 2, 3, 5], ("x",), "here")
        assert REPRESENTATIONS["mine"] is made
        assert SignalEncoder("mine")(codes_of("TGCA=N")).tolist() == [[[5, 3, 2, 1, 0, 2.75]]]

    def test_a_taken_name(self) -> None:
        with pytest.raises(ValueError, match="representation 'eiip' is registered twice"):
            register_representation("eiip", [1, 2, 3, 4], ("x",), "here")
        assert REPRESENTATIONS["eiip"].table[0, 0] == 0.1260

    @pytest.mark.parametrize(
        ("table", "channels"), [([1, 2, 3], ("x",)), ([1, 2, 3, 4], ("x", "y")), (np.eye(4), ("x",)), (3, ("x",))]
    )
    def test_wrong_shapes(self, table: object, channels: tuple[str, ...]) -> None:
        with pytest.raises((ValueError, IndexError)):
            register_representation("mine", table, channels, "here")  # type: ignore[arg-type]
        assert "mine" not in REPRESENTATIONS

    def test_wrong_shape_message(self) -> None:
        with pytest.raises(ValueError, match=r"representation 'mine': table \(3, 1\), expected \(4, 1\)"):
            register_representation("mine", [1, 2, 3], ("x",), "here")

    @pytest.mark.parametrize(
        ("wrong", "right"), [("tetraedron", "tetrahedron"), ("EIIP", "eiip"), ("zcurve", "z_curve")]
    )
    def test_unknown_names_get_suggestions(self, wrong: str, right: str) -> None:
        with pytest.raises(UnknownName, match=f"unknown representation '{wrong}'; did you mean .*'{right}'"):
            SignalEncoder(wrong)

    def test_an_unregistered_representation_can_be_applied(self) -> None:
        own = Representation("own", np.array([[1.0], [2.0], [3.0], [4.0]]), ("x",), "here")
        assert SignalEncoder(own)(codes_of("ACGT")).tolist() == [[[1, 2, 3, 4]]]


class TestEncoder:
    @pytest.mark.parametrize("name", TABLES)
    def test_codes_and_one_hot_agree(self, name: str, one_hot: OneHot) -> None:
        texts = [random_text(500, seed, LETTERS) for seed in range(3)]
        encoder = SignalEncoder(name)
        from_codes = encoder(codes_of(*texts))
        from_one_hot = encoder(torch.from_numpy(np.stack([one_hot(text) for text in texts])))
        assert from_codes.dtype == from_one_hot.dtype
        tolerance = 1e-5 * float(from_codes.abs().max())
        torch.testing.assert_close(from_codes, from_one_hot, rtol=0, atol=tolerance)

    @pytest.mark.parametrize("name", STATIC)
    def test_against_the_typed_table(self, name: str) -> None:
        text = random_text(200, 1)
        np.testing.assert_allclose(
            SignalEncoder(name)(codes_of(text))[0], naive_signal(name, text), rtol=1e-6, atol=1e-6
        )

    @given(letters)
    def test_voss_is_naive_one_hot(self, one_hot: OneHot, text: str) -> None:
        np.testing.assert_allclose(SignalEncoder("voss")(codes_of(text))[0], one_hot(text), atol=1e-7)

    @given(st.sampled_from(STATIC), letters, letters)
    def test_static_signals_are_local(self, name: str, left: str, right: str) -> None:
        encoder = SignalEncoder(name)
        joined = torch.cat([encoder(codes_of(left)), encoder(codes_of(right))], dim=-1)
        torch.testing.assert_close(encoder(codes_of(left + right)), joined, rtol=0, atol=0)

    @pytest.mark.parametrize("name", TABLES)
    def test_shape_dtype_finite(self, name: str, device: torch.device) -> None:
        codes = codes_of(random_text(90, 2), random_text(90, 3, LETTERS), "N" * 90, "=" * 90).to(device)
        signal = SignalEncoder(name).to(device)(codes)
        assert signal.shape == (4, literal(name).shape[1], 90)
        assert signal.dtype == (torch.complex64 if name.startswith("complex") else torch.float32)
        assert signal.device.type == device.type
        assert torch.isfinite(torch.view_as_real(signal) if signal.is_complex() else signal).all()

    @pytest.mark.parametrize("name", TABLES)
    def test_gradients_reach_the_one_hot_input(self, name: str, one_hot: OneHot) -> None:
        indicators = torch.from_numpy(np.stack([one_hot(random_text(50, seed)) for seed in range(2)])).requires_grad_()
        SignalEncoder(name)(indicators).abs().square().sum().backward()
        assert indicators.grad is not None
        assert torch.isfinite(indicators.grad).all()
        assert (indicators.grad.abs().amax((1, 2)) > 0).all()

    @pytest.mark.parametrize("name", TABLES)
    def test_items_of_a_batch_do_not_meet(self, name: str, one_hot: OneHot) -> None:
        texts = [random_text(80, 5), random_text(80, 6, LETTERS), "N" * 80, random_text(40, 7) + "=" * 40]
        indicators = torch.from_numpy(np.stack([one_hot(text) for text in texts])).requires_grad_()
        encoder = SignalEncoder(name)
        batch = encoder(codes_of(*texts))
        alone = torch.cat([encoder(codes_of(text)) for text in texts])
        torch.testing.assert_close(batch, alone, rtol=1e-6, atol=1e-6)
        (gradient,) = torch.autograd.grad(encoder(indicators)[1].abs().square().sum(), indicators)
        assert not gradient[[0, 2, 3]].any()

    @pytest.mark.parametrize("name", STATIC)
    def test_unknown_letters_rest_at_the_centroid(self, name: str) -> None:
        signal = SignalEncoder(name)(codes_of("N" * 40))[0]
        centroid = literal(name).mean(axis=0)[:, None]
        np.testing.assert_allclose(signal, np.repeat(centroid, 40, axis=1), rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("name", TABLES)
    def test_padding_is_silent(self, name: str) -> None:
        signal = SignalEncoder(name)(codes_of("=" * 30))
        assert signal.shape[-1] == 30
        assert not signal.any()

    @pytest.mark.parametrize("name", STATIC)
    def test_padding_leaves_the_letters_alone(self, name: str) -> None:
        text = random_text(30, 8)
        signal = SignalEncoder(name)(codes_of(text + "=" * 10))
        torch.testing.assert_close(signal[..., :30], SignalEncoder(name)(codes_of(text)), rtol=0, atol=0)
        assert not signal[..., 30:].any()

    @pytest.mark.parametrize("shape", [(5,), (2, 3, 7), (1, 2, 4, 7)])
    def test_other_shapes_are_refused(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match=r"expected codes \(B, L\) or indicators \(B, 4, L\), got"):
            SignalEncoder("voss")(torch.zeros(shape))

    @pytest.mark.parametrize("name", ["eiip", "tetrahedron", "complex_1", "z_curve"])
    def test_autocast_does_not_round_the_table(self, name: str, one_hot: OneHot, device: torch.device) -> None:
        indicators = torch.from_numpy(one_hot(random_text(60, 9)))[None].to(device)
        encoder = SignalEncoder(name).to(device)
        expected = encoder(indicators)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            signal = encoder(indicators)
        assert signal.dtype == expected.dtype
        torch.testing.assert_close(signal, expected, rtol=1e-6, atol=1e-6)

    def test_tables_are_not_part_of_a_saved_state(self) -> None:
        assert SignalEncoder("eiip").state_dict() == {}


class TestWalks:
    @pytest.mark.parametrize("name", WALKS)
    def test_cumulative_sum_minus_its_line(self, name: str) -> None:
        text = random_text(700, 11)
        signal = SignalEncoder(name)(codes_of(text))[0].numpy()
        steps, time = naive_signal(name, text), np.arange(len(text))
        for channel in range(len(steps)):
            height, path = 0.0, []
            for step in steps[channel]:
                height += step
                path.append(height)
            expected = np.array(path) - np.polyval(np.polyfit(time, path, 1), time)
            np.testing.assert_allclose(signal[channel], expected, atol=1e-4 * np.abs(expected).max())

    def test_z_curve_is_made_of_cumulative_counts(self) -> None:
        text = random_text(400, 12, "AACGGGT")
        count = {base: np.array([text[: end + 1].count(base) for end in range(len(text))]) for base in "ACGT"}
        curves = [
            (count["A"] + count["G"]) - (count["C"] + count["T"]),
            (count["A"] + count["C"]) - (count["G"] + count["T"]),
            (count["A"] + count["T"]) - (count["C"] + count["G"]),
        ]
        signal, time = SignalEncoder("z_curve")(codes_of(text))[0].numpy(), np.arange(len(text))
        for got, curve in zip(signal, curves, strict=True):
            np.testing.assert_allclose(got, curve - np.polyval(np.polyfit(time, curve, 1), time), atol=2e-3)

    @pytest.mark.parametrize("name", WALKS)
    def test_no_mean_and_no_slope_are_left(self, name: str) -> None:
        signal = SignalEncoder(name)(codes_of(random_text(900, 13, "AAACGT")))[0].double()
        time = torch.linspace(-1, 1, 900, dtype=torch.float64)
        scale = signal.abs().max()
        assert (signal.mean(-1).abs() < 1e-4 * scale).all()
        assert ((signal * time).mean(-1).abs() < 1e-4 * scale).all()

    @given(st.integers(1, 50), st.floats(-3, 3), st.floats(-3, 3))
    def test_a_straight_line_vanishes(self, length: int, slope: float, offset: float) -> None:
        line = offset + slope * torch.arange(length, dtype=torch.float64)
        assert detrend_linear(line).abs().max() < 1e-9

    @given(st.lists(st.floats(-5, 5), min_size=2, max_size=40))
    def test_detrending_against_polyfit(self, values: list[float]) -> None:
        time = np.arange(len(values))
        expected = np.array(values) - np.polyval(np.polyfit(time, values, 1), time)
        np.testing.assert_allclose(detrend_linear(torch.tensor(values, dtype=torch.float64)), expected, atol=1e-9)

    def test_detrending_works_on_the_last_axis(self) -> None:
        signal = torch.randn(2, 3, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(detrend_linear(signal)[1, 2], detrend_linear(signal[1, 2]))


class TestIdentities:
    """Numbers as in signals.md, section 2; all on whole sequences. 1, 5 and 6 are with the spectrogram."""

    text = random_text(99, 21)

    def encoded(self, name: str, text: str | None = None) -> NDArray:
        return spectrum(SignalEncoder(name)(codes_of(text or self.text))[0].numpy())

    def test_2_a_constant_changes_only_dc(self) -> None:
        low, high = self.encoded("integer"), self.encoded("integer_mldsp_1")
        np.testing.assert_allclose(low[:, 1:], high[:, 1:], atol=1e-4)
        assert abs(high[0, 0] - low[0, 0]) == pytest.approx(99, rel=1e-5)

    @pytest.mark.parametrize(("name", "factor"), [("tetrahedron", 4 / 3), ("delta_z", 4), ("quaternion", 4)])
    def test_3_4_lossless_in_power(self, name: str, factor: float) -> None:
        indicators = (np.abs(self.encoded("voss")) ** 2).sum(axis=0)
        power = (np.abs(self.encoded(name)) ** 2).sum(axis=0)
        np.testing.assert_allclose(power[1:], factor * indicators[1:], rtol=1e-4)
        assert abs(power[0] / (factor * indicators[0]) - 1) > 0.5  # not so at DC

    @pytest.mark.parametrize("name", ["anastassiou_2", "walk_2d"])
    def test_3_fails_where_the_vectors_are_not_symmetric(self, name: str) -> None:
        signal = naive_signal(name, self.text)
        share = (np.abs(spectrum(signal)) ** 2).sum(axis=0) / (np.abs(self.encoded("voss")) ** 2).sum(axis=0)
        assert share[1:].std() / share[1:].mean() > 0.05

    def test_7_tetrahedron_geometry(self) -> None:
        vectors = REPRESENTATIONS["tetrahedron"].table
        np.testing.assert_allclose(vectors @ vectors.T, np.full((4, 4), -1 / 3) + np.eye(4) * 4 / 3, atol=1e-12)
        np.testing.assert_allclose(vectors.sum(axis=0), 0, atol=1e-12)

    def test_7_formulas_of_section_3_1(self) -> None:
        a, c, g, t = (naive_signal("voss", self.text)[row] for row in range(4))
        expected = [S2 / 3 * (2 * t - c - g), S6 / 3 * (c - g), (3 * a - t - c - g) / 3]
        np.testing.assert_allclose(SignalEncoder("tetrahedron")(codes_of(self.text))[0], expected, atol=1e-6)

    def test_second_map_geometry(self) -> None:
        """Unit norm, and the dot products that section 3.2 gives."""
        vectors = REPRESENTATIONS["anastassiou_2"].table
        dots = vectors @ vectors.T
        np.testing.assert_allclose(np.diag(dots), 1, atol=2e-3)
        np.testing.assert_allclose(dots[0, 1:], -0.333, atol=1e-3)
        np.testing.assert_allclose([dots[1, 3], dots[1, 2], dots[2, 3]], [0.111, -0.518, -0.518], atol=2e-3)

    # Which codes keep their magnitudes under the reverse complement, for each channel.
    STRAND: ClassVar[dict[str, list[bool]]] = {
        "real": [True],
        "paired": [True],
        "purine": [True],
        "atomic": [True],
        "ordinal": [True],
        "integer_wavedna": [True],
        "complex_1": [True],
        "complex_2": [True],
        "delta_z": [True, True, True],
        "quaternion": [True, True, True],
        "integer": [False],
        "integer_mldsp_1": [False],
        "integer_mldsp_dl": [False],
        "eiip": [False],
        "mass": [False],
        "complex_3": [False],
        "just_a": [False],
        "just_c": [False],
        "just_g": [False],
        "just_t": [False],
        "voss": [False] * 4,
        "tetrahedron": [False, True, False],
        "anastassiou_2": [False] * 3,
    }

    def magnitudes(self, name: str) -> tuple[NDArray, NDArray]:
        return np.abs(self.encoded(name)), np.abs(self.encoded(name, naive_reverse_complement(self.text)))

    def test_8_9_every_static_code_is_judged(self) -> None:
        assert set(self.STRAND) == set(STATIC)

    @pytest.mark.parametrize("name", STATIC)
    def test_8_9_reverse_complement(self, name: str) -> None:
        forward, reverse = self.magnitudes(name)
        spread = literal(name) - literal(name).mean(axis=0)
        deviation = np.abs(forward - reverse)[:, 1:].max(axis=1) / np.abs(spread).max() / math.sqrt(99)
        assert [bool(value < 1e-4) for value in deviation] == self.STRAND[name]
        assert all(value > 1e-2 for value, kept in zip(deviation, self.STRAND[name], strict=True) if not kept)

    @pytest.mark.parametrize(
        "name", [name for name, kept in STRAND.items() if len(kept) == 1 and "complex" not in name]
    )
    def test_8_the_condition(self, name: str) -> None:
        """Complement = a reflection about a constant (A + T = C + G), or no change (A = T and C = G, as in paired)."""
        a, c, g, t = TABLES[name]
        assert (math.isclose(a + t, c + g) or (a == t and c == g)) == self.STRAND[name][0]

    def test_9_summed_tetrahedron_power_stays(self) -> None:
        forward, reverse = self.magnitudes("tetrahedron")
        np.testing.assert_allclose((forward**2).sum(axis=0)[1:], (reverse**2).sum(axis=0)[1:], rtol=1e-4)

    def test_9_voss_channels_swap(self) -> None:
        forward, reverse = self.magnitudes("voss")
        np.testing.assert_allclose(reverse, forward[[3, 2, 1, 0]], atol=1e-4)

    def test_9_complex_3_is_mirrored(self) -> None:
        forward, reverse = self.magnitudes("complex_3")
        np.testing.assert_allclose(reverse[0], forward[0, -np.arange(99)], atol=1e-4)


def test_errors_are_input_errors() -> None:
    with pytest.raises(InputError):
        SignalEncoder("no such thing at all")
