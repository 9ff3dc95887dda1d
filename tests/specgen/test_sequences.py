"""Codes: encoding, complement, cropping and tiling, each against a naive version written out here."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specgen import sequences
from specgen.errors import InputError
from specgen.sequences import (
    BASES,
    INDICATORS,
    LETTERS,
    crop_start,
    decode,
    encode,
    gather_windows,
    gc_share,
    pad,
    reverse_complement,
    tile_starts,
)

# The IUPAC table, written out by hand: the oracle of everything below.
MEANING = {
    "A": "A", "C": "C", "G": "G", "T": "T", "M": "AC", "R": "AG", "W": "AT", "S": "CG", "Y": "CT", "K": "GT",
    "V": "ACG", "H": "ACT", "D": "AGT", "B": "CGT", "N": "ACGT",
}  # fmt: skip
PARTNER = dict(zip("ACGTMRWSYKVHDBN", "TGCAKYWSRMBDHVN", strict=True))
LETTER = {frozenset(bases): letter for letter, bases in MEANING.items()}

iupac = st.text(alphabet=sorted(MEANING), max_size=200)
any_case = st.text(alphabet=sorted(set("".join(MEANING) + "".join(MEANING).lower() + "Uu")), max_size=200)


class TestLetters:
    def test_every_letter_has_its_own_code(self) -> None:
        codes = encode("".join(MEANING))
        assert sorted(codes.tolist()) == list(range(1, 16))
        assert codes.dtype == np.uint8

    def test_codes_are_those_of_bam(self) -> None:
        assert encode(LETTERS[1:]).tolist() == list(range(1, 16))
        assert encode(BASES).tolist() == [1, 2, 4, 8]

    @pytest.mark.parametrize("letter", MEANING)
    def test_code_is_the_or_of_its_bases(self, letter: str) -> None:
        expected = sum(1 << BASES.index(base) for base in MEANING[letter])
        assert encode(letter).tolist() == [expected]

    @pytest.mark.parametrize("letter", MEANING)
    def test_indicators_share_the_letter_among_its_bases(self, letter: str) -> None:
        expected = [(base in MEANING[letter]) / len(MEANING[letter]) for base in BASES]
        np.testing.assert_allclose(INDICATORS[encode(letter)[0]], expected, rtol=1e-6)

    def test_indicators_of_padding_are_zero_and_the_rest_add_up_to_one(self) -> None:
        assert INDICATORS.shape == (16, 4)
        assert INDICATORS.dtype == np.float32
        np.testing.assert_allclose(INDICATORS.sum(axis=1), [0.0] + [1.0] * 15, rtol=1e-6)

    def test_public_names_exist(self) -> None:
        for name in sequences.__all__:
            assert hasattr(sequences, name)


class TestEncode:
    @given(any_case)
    def test_round_trip_keeps_every_letter_of_either_case(self, text: str) -> None:
        assert decode(encode(text)) == text.upper().replace("U", "T")

    @given(any_case)
    def test_bytes_and_text_agree(self, text: str) -> None:
        np.testing.assert_array_equal(encode(text), encode(text.encode()))

    def test_u_is_t(self) -> None:
        np.testing.assert_array_equal(encode("GAUuaca"), encode("GATtaca"))

    def test_nothing_is_nothing(self) -> None:
        assert encode("").shape == (0,)
        assert decode(encode("")) == ""

    @given(iupac, st.characters().filter(lambda letter: letter not in "ACGTURYSWKMBDHVNacgturyswkmbdhvn"), iupac)
    def test_a_foreign_letter_is_refused_at_its_place(self, before: str, letter: str, after: str) -> None:
        with pytest.raises(InputError, match=f"^chrX: letter .* at position {len(before) + 1} is no nucleotide"):
            encode(before + letter + after, name="chrX")

    def test_only_the_first_foreign_letter_is_named(self) -> None:
        with pytest.raises(InputError, match=r"letter '!' at position 3\b"):
            encode("AC!GT?")

    def test_padding_is_no_letter(self) -> None:
        with pytest.raises(InputError, match="letter '=' at position 2"):
            encode("A=C")

    @pytest.mark.parametrize(
        ("text", "hint"), [("MKVLA", "a protein sequence?"), ("mkvla", "a protein"), ("AC-GT", "remove gaps")]
    )
    def test_hints(self, text: str, hint: str) -> None:
        with pytest.raises(InputError, match=re.escape(hint)):
            encode(text)

    def test_padding_decodes_to_an_equals_sign(self) -> None:
        assert decode(pad(encode("AC"), 4)) == "AC=="


class TestReverseComplement:
    @given(iupac)
    def test_against_a_dictionary(self, text: str) -> None:
        expected = "".join(PARTNER[letter] for letter in reversed(text))
        assert decode(reverse_complement(encode(text))) == expected

    @given(st.lists(st.integers(0, 15), max_size=100))
    def test_is_its_own_inverse_padding_included(self, values: list[int]) -> None:
        codes = np.array(values, dtype=np.uint8)
        np.testing.assert_array_equal(reverse_complement(reverse_complement(codes)), codes)

    @pytest.mark.parametrize("letter", MEANING)
    def test_partner_stands_for_the_complementary_bases(self, letter: str) -> None:
        bases = frozenset(PARTNER[base] for base in MEANING[letter])
        assert decode(reverse_complement(encode(letter))) == LETTER[bases]

    def test_works_on_the_last_axis_and_keeps_the_type(self) -> None:
        batch = np.stack([encode("AACG"), encode("TTTN")])
        flipped = reverse_complement(batch)
        assert flipped.dtype == np.uint8
        assert [decode(row) for row in flipped] == ["CGTT", "NAAA"]
        assert decode(batch[0]) == "AACG"  # the input stays as it was


class TestPad:
    @given(iupac, st.integers(0, 300))
    def test_appends_zeros_and_never_cuts(self, text: str, length: int) -> None:
        codes = encode(text)
        padded = pad(codes, length)
        assert len(padded) == max(length, len(codes))
        assert padded.dtype == np.uint8
        np.testing.assert_array_equal(padded[: len(codes)], codes)
        assert not padded[len(codes) :].any()


class TestCropStart:
    @given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 2**32))
    def test_lies_inside(self, length: int, slack: int, seed: int) -> None:
        total = length + slack
        assert 0 <= crop_start(total, length, np.random.default_rng(seed)) <= slack
        centred = crop_start(total, length)
        assert centred in {slack // 2, (slack + 1) // 2}

    def test_random_crops_reach_every_start(self) -> None:
        rng = np.random.default_rng(0)
        assert {crop_start(12, 10, rng) for _ in range(100)} == {0, 1, 2}

    def test_too_short(self) -> None:
        with pytest.raises(InputError, match="sequence of 9 nt is shorter than the crop of 10 nt"):
            crop_start(9, 10)


class TestTileStarts:
    @given(st.integers(1, 60), st.integers(0, 400), st.data())
    def test_tiles_cover_the_sequence_from_inside(self, length: int, slack: int, data: st.DataObject) -> None:
        total = length + slack
        stride = data.draw(st.none() | st.integers(1, length))
        starts = tile_starts(total, length, stride=stride)
        assert (np.diff(starts) > 0).all()
        assert (np.diff(starts)[:-1] == (stride or length)).all()
        covered = np.zeros(total, dtype=bool)
        for start in starts.tolist():
            assert 0 <= start <= total - length
            covered[start : start + length] = True
        assert covered.all()

    @given(st.integers(1, 20), st.integers(0, 400), st.integers(2, 12))
    def test_most_keeps_both_ends_and_spreads(self, length: int, slack: int, most: int) -> None:
        every = tile_starts(length + slack, length)
        kept = tile_starts(length + slack, length, most=most)
        assert len(kept) == min(most, len(every))
        assert set(kept.tolist()) <= set(every.tolist())
        assert (kept[0], kept[-1]) == (0, slack)
        picks = np.searchsorted(every, kept)
        if len(picks) > 1:
            assert np.diff(picks).min() >= 1
            assert np.diff(picks).max() - np.diff(picks).min() <= 1

    @pytest.mark.parametrize(
        ("total", "length", "stride", "expected"),
        [
            (10, 10, None, [0]),
            (20, 10, None, [0, 10]),
            (21, 10, None, [0, 10, 11]),
            (25, 10, None, [0, 10, 15]),
            (12, 10, 5, [0, 2]),
            (20, 10, 5, [0, 5, 10]),
        ],
    )
    def test_by_hand(self, total: int, length: int, stride: int | None, expected: list[int]) -> None:
        assert tile_starts(total, length, stride=stride).tolist() == expected

    def test_too_short(self) -> None:
        with pytest.raises(InputError, match="sequence of 9 nt is shorter than the tile of 10 nt"):
            tile_starts(9, 10)


class TestGatherWindows:
    @given(st.integers(1, 50), st.integers(0, 200), st.data())
    def test_against_slices(self, length: int, slack: int, data: st.DataObject) -> None:
        codes = np.random.default_rng(length).integers(1, 16, size=length + slack, dtype=np.uint8)
        starts = np.array(data.draw(st.lists(st.integers(0, slack), min_size=1, max_size=20)))
        windows = gather_windows(codes, starts, length)
        assert windows.dtype == np.uint8
        np.testing.assert_array_equal(windows, [codes[start : start + length] for start in starts])

    def test_tiles_of_a_multiple_join_up_again(self) -> None:
        codes = encode("ACGTTGCANN" * 3)
        assert decode(gather_windows(codes, tile_starts(30, 5), 5).ravel()) == decode(codes)

    def test_windows_are_copies(self) -> None:
        codes = encode("ACGT")
        gather_windows(codes, np.array([0]), 2)[0, 0] = 15
        assert decode(codes) == "ACGT"


def test_gc_share_counts_ambiguities_by_share_and_padding_not_at_all() -> None:
    assert gc_share(encode("GGCA")) == 0.75
    assert gc_share(pad(encode("GA"), 7)) == 0.5
    assert gc_share(encode("NNSW")) == 0.5
    assert gc_share(encode("SSGR")) == pytest.approx(3.5 / 4)
    assert math.isnan(gc_share(np.zeros(3, dtype=np.uint8)))


@pytest.mark.parametrize(
    ("codes", "inner"), [([], []), ([0, 0], []), ([0, 1, 0, 2, 0, 0], [1, 0, 2]), ([4, 8], [4, 8]), ([0, 15], [15])]
)
def test_blanks_at_the_ends_are_no_letters(codes, inner):
    row = np.array(codes, dtype=np.uint8)
    assert row[sequences.between_blanks(row)].tolist() == inner
