"""Features of whole transcripts, by hand and against naive code; training sets and results of the comparison with CPAT."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.coding_potential import complete_orf, fickett, hexamer_score, hexamer_tables, longest_orf
from classify.transcripts import letter_features, tile_features, transcript_hexamers
from specgen.sequences import encode

STOPS = ("TAA", "TAG", "TGA")


def naive_orfs(text):
    """(start, end) of every ATG .. first stop in its frame."""
    for begin in range(len(text) - 2):
        if text[begin : begin + 3] == "ATG":
            for end in range(begin + 3, len(text) - 2, 3):
                if text[end : end + 3] in STOPS:
                    yield begin, end + 3
                    break


# Words that make starts and stops likely.
sequences = st.lists(st.sampled_from(["ATG", "TAA", "TGA", "GCC", "A", "T", "N"]), max_size=40).map("".join)


@given(sequences)
def test_longest_orf_against_naive_search(text):
    expected = max(naive_orfs(text), key=lambda orf: (orf[1] - orf[0], -orf[0]), default=(0, 0))
    assert longest_orf(encode(text)) == expected
    if len(text) > 2:
        assert complete_orf(encode(text)[None])[0] == expected[1] - expected[0]


def test_longest_orf_by_hand():
    assert longest_orf(encode("CCATGAAATAGATGTAA")) == (2, 11)
    assert longest_orf(encode("ATGAAAAAA")) == (0, 0)  # no end
    assert longest_orf(encode("")) == (0, 0)
    assert longest_orf(encode("ATGTAAATGTAA")) == (0, 6)  # the first of equals


def test_letter_features_by_hand():
    orf = "ATGGCCGCCTAA"
    text = "CC" + orf + "TTTTT"
    tables = transcript_hexamers([encode(text)], [encode("GCCGCCT")])
    # In frame: ATGGCC, GCCGCC, CCTAA is cut; at every place of the other: GCCGCC, CCGCCT.
    assert tables == hexamer_tables([encode(orf)], [encode("GCCGCCT")], 0)
    assert sum(tables["coding"]) == 3
    assert sum(tables["noncoding"]) == 2
    found = letter_features([encode(text), encode("CCCCCCCCCC")], tables)
    # ATGGCC and GCCTAA are seen in coding records only: +1 each; GCCGCC in both: 1/3 against 1/2.
    np.testing.assert_allclose(
        found[0], [19, 12, 12 / 19, fickett(encode(orf)[None])[0], (2 + np.log((1 / 3) / (1 / 2))) / 3]
    )
    np.testing.assert_array_equal(found[1], [10, 0, 0, 0, 0])


def test_hexamers_of_one_frame():
    tables = hexamer_tables([encode("GCCGCCGCC")], [encode("AAAAAAA")], 0)
    text = encode("AAAAAAGCCGCC")[None, 1:]  # the good frame is the third
    assert hexamer_score(text, tables)[0] > hexamer_score(text, tables, frames=1)[0]
    assert hexamer_score(text[:, 2:], tables, frames=1)[0] == pytest.approx(hexamer_score(text, tables)[0])


def test_tile_features_by_hand():
    found = tile_features([np.array([-1.0, 2.0, 4.0, -3.0, 6.0], dtype=np.float32), np.array([-5.0])])
    np.testing.assert_allclose(found[0], [6, 1.6, 4, np.log(5), np.log(3), 0.6])
    np.testing.assert_allclose(found[1], [-5, -5, -5, 0, 0, 0])
