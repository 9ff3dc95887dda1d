"""Measures of coding potential against plain loops over letters, published tables, and the definition of the DFT."""

import cmath
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.coding_potential import (
    complete_orf,
    fickett,
    hexamer_score,
    hexamer_tables,
    kmer_numbers,
    open_stretch,
    phase_counts,
    rotation_power,
    rotation_table,
)
from specgen.sequences import INDICATORS, encode

STOPS = ("TAA", "TAG", "TGA")
# Three codons in four are a start, a stop or nearly one, so that texts hold ORFs.
codons = st.lists(st.sampled_from(["ATG", "TAA", "TAG", "TGA", "CCC", "GAT", "ANG", "C", "TN"]), max_size=25)
texts = st.builds(lambda words: "".join(words), codons) | st.text("ACGTN", max_size=60)


def row(text):
    return encode(text)[None]


def frames(text):
    for frame in range(3):
        yield [text[i : i + 3] for i in range(frame, len(text) - 2, 3)]


def naive_stretch(text):
    best = 0
    for words in frames(text):
        run = 0
        for word in words:
            run = 0 if word in STOPS else run + 1
            best = max(best, run)
    return best


def naive_orf(text):
    best = 0
    for words in frames(text):
        begin = None
        for i, word in enumerate(words):
            if word == "ATG" and begin is None:
                begin = i
            if word in STOPS:
                best = max(best, 0 if begin is None else 3 * (i - begin + 1))
                begin = None
    return best


@given(texts)
def test_orfs_against_a_walk_over_codons(text):
    assert open_stretch(row(text)).tolist() == [naive_stretch(text)]
    assert complete_orf(row(text)).tolist() == [naive_orf(text)]


@pytest.mark.parametrize(
    ("text", "stretch", "orf"),
    [
        ("", 0, 0),
        ("AC", 0, 0),
        ("CCC", 1, 0),
        ("ATGTAA", 1, 6),  # the other frames hold one codon each
        ("ATGCCCTGA", 2, 9),
        ("CATGCCCTGAC", 3, 9),  # in the second frame
        ("ATGCCCCCC", 3, 0),  # cut off: no complete ORF
        ("ATGATGTAG", 2, 9),  # the first start counts
        ("ATGTNACCC", 3, 0),  # TNA is no stop
    ],
)
def test_orfs_by_hand(text, stretch, orf):
    assert open_stretch(row(text)).tolist() == [stretch]
    assert complete_orf(row(text)).tolist() == [orf]


def test_only_the_given_strand_is_read():
    assert complete_orf(row("ATGCCCTAA")).tolist() == [9]
    assert complete_orf(row("TTAGGGCAT")).tolist() == [0]


@given(st.lists(st.text("ACGTN", min_size=31, max_size=31), min_size=2, max_size=4))
def test_a_batch_is_its_rows(lines):
    batch = np.stack([encode(text) for text in lines])
    tables = hexamer_tables([encode("ATGGCCAAATTTGGGCCC")], [encode("TTTATTTACCATGGTT")], 0)
    phases = {"mean": [0.1, 1.0, -2.0, 3.0], "deviation": [0.5, 1.0, 2.0, 0.7]}
    for measure in (
        open_stretch,
        complete_orf,
        fickett,
        lambda windows: hexamer_score(windows, tables),
        lambda windows: rotation_power(windows, phases),
    ):
        assert measure(batch) == pytest.approx(np.concatenate([measure(one[None]) for one in batch]))


# Fickett


@pytest.mark.parametrize(
    ("text", "corrected", "cpat"),
    [
        ("ACGT" * 30, 0.4651, 0.4651),
        ("ATG" * 20, 1.0521, 1.0617),
        ("A" * 18 + "C" * 28 + "G" * 28 + "T" * 26, 0.4920, 0.4744),
        ("A" * 5 + "CGT" * 15, 1.0097, 1.0757),
        ("GCCAAGCTGGAG" * 10, 1.1651, 1.1553),
    ],
)
def test_fickett_vectors(text, corrected, cpat):
    assert fickett(row(text))[0] == pytest.approx(corrected, abs=5e-5)
    assert fickett(row(text), cpat_compatible=True)[0] == pytest.approx(cpat, abs=5e-5)


def test_the_missing_threshold_changes_shares_below_19_percent_alone():
    for count in range(26):
        text = "A" * count + "CGT" * 25 + "N" * (25 - count)  # C, G and T have .25, where both lists agree
        difference = fickett(row(text))[0] - fickett(row(text), cpat_compatible=True)[0]
        expected = 0.21 - 0.81 if count < 17 else 0.81 - 0.65 if count < 19 else 0.0
        assert difference == pytest.approx(0.11 * expected, abs=1e-12), count


def test_letters_that_are_no_base_count_in_the_length_alone():
    # 30 A of 60 letters: content .5; phases 10, 10, 10: position 10 / 11.
    absent = 0.12 * 0.31 + 0.15 * 0.29 + 0.14 * 0.58 + 0.18 * 0.23 + 0.31 * 0.08 + 0.33 * 0.09
    assert fickett(row("A" * 30 + "N" * 30))[0] == pytest.approx(0.11 * 0.28 + 0.26 * 0.22 + absent)
    assert fickett(row("A")).tolist() == [0]
    assert fickett(row("")).tolist() == [0]


@given(st.text("ACGTNRY", max_size=40))
def test_phase_counts(text):
    for phase in range(3):
        shares = sum((INDICATORS[encode(letter)[0]] for letter in text[phase::3]), np.zeros(4))
        assert phase_counts(row(text))[0, phase] == pytest.approx(shares)


# Hexamers


@given(st.text("ACGTN", max_size=30), st.integers(1, 6))
def test_kmer_numbers(text, k):
    words = [text[i : i + k] for i in range(len(text) - k + 1)]
    expected = [-1 if "N" in word else int("".join(str("ACGT".index(b)) for b in word), 4) for word in words]
    assert kmer_numbers(encode(text), k).tolist() == expected


def in_steps(text, start, step):
    return [word for i in range(start, len(text) - 5, step) if "N" not in (word := text[i : i + 6])]


def naive_score(text, coding, noncoding, frame):
    ours = [word for record in coding for word in in_steps(record, frame, 3)]
    theirs = [word for record in noncoding for word in in_steps(record, 0, 1)]
    if len(text) < 6:
        return 0
    scores = []
    for start in range(min(3, len(text) - 5)):
        parts = []
        for word in in_steps(text, start, 3):
            a, b = ours.count(word), theirs.count(word)
            if a and b:
                parts.append(math.log((a / len(ours)) / (b / len(theirs))))
            elif a or b:
                parts.append(1 if a else -1)
        scores.append(sum(parts) / len(parts) if parts else -1)
    return max(scores)


few = st.text("AC", min_size=0, max_size=40) | st.text("ACN", max_size=40)  # few words, so that they meet again


@given(few, st.lists(few, min_size=1, max_size=3), st.lists(few, min_size=1, max_size=3), st.integers(0, 2))
def test_hexamers_against_counted_words(text, coding, noncoding, frame):
    tables = hexamer_tables([encode(t) for t in coding], [encode(t) for t in noncoding], frame)
    expected = naive_score(text, coding, noncoding, frame)
    assert hexamer_score(row(text), tables).tolist() == pytest.approx([expected])


def test_hexamers_by_hand():
    # Coding in frame: AAAAAA, AAACCC. Others at every place: AAAAAA twice, and nothing else of the coding table.
    tables = hexamer_tables([encode("AAAAAACCC")], [encode("AAAAAAA")], 0)
    assert sum(tables["coding"]) == 2
    assert sum(tables["noncoding"]) == 2
    assert hexamer_score(row("AAAAAA"), tables)[0] == pytest.approx(math.log(0.5 / 1))
    assert hexamer_score(row("AAACCC"), tables)[0] == 1
    assert hexamer_score(row("AAAAAACCC"), tables)[0] == pytest.approx((math.log(0.5) + 1) / 2)
    assert hexamer_score(row("GGGGGGGG"), tables)[0] == -1
    assert hexamer_score(row("AAAAA"), tables)[0] == 0
    # Counted at step 3 from the second letter on, the same record gives one hexamer of another kind.
    assert hexamer_tables([encode("AAAAAACCC")], [], 1)["coding"][int("000001", 4)] == 1


# Spectral rotation


def fourier(text):
    """U(1/3) of each base over whole codons, by the definition."""
    text = text[: len(text) // 3 * 3]
    return [sum(cmath.exp(-2j * cmath.pi * i / 3) for i, x in enumerate(text) if x == base) for base in "ACGT"]


@given(st.text("ACGT", min_size=3, max_size=40), st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_rotation_is_the_definition(text, mean):
    table = {"mean": mean, "deviation": [0.5, 1.0, 2.0, 0.7]}
    turned = zip(fourier(text), mean, table["deviation"], strict=True)
    expected = abs(sum(cmath.exp(-1j * m) * u / s for u, m, s in turned)) ** 2 / len(text)
    assert rotation_power(row(text), table)[0] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_frame_does_not_move_the_rotated_power():
    text = "GATCCAGTTGCA" * 20
    table = {"mean": [0.3, -1.0, 2.0, 1.2], "deviation": [0.5, 1.0, 2.0, 0.7]}
    shifted = [rotation_power(row((text + text)[k : k + len(text)]), table)[0] for k in range(3)]
    assert shifted[0] > 1
    assert shifted == pytest.approx([shifted[0]] * 3)


def test_phases_of_records():
    # A at codon place 0 only: phase 0; C at place 1: -120 degrees; G at place 2: 120 degrees; T nowhere.
    records = [encode("ACG" * n) for n in (5, 9, 20)]
    table = rotation_table(records, 0)
    assert table["mean"] == pytest.approx([0, -2 * math.pi / 3, 2 * math.pi / 3, 0], abs=1e-9)
    assert table["deviation"] == [0.01, 0.01, 0.01, 1.0]
    later = rotation_table(records, 1)
    assert later["mean"] == pytest.approx([2 * math.pi / 3, 0, -2 * math.pi / 3, 0], abs=1e-9)
    # Two phases, 0 and -120 degrees: in the middle, and a mean vector of length 1/2.
    two = rotation_table([encode("ACG" * 5), encode("CAG" * 5)], 0)
    assert two["mean"][0] == pytest.approx(-math.pi / 3)
    assert two["deviation"][0] == pytest.approx(math.sqrt(-2 * math.log(0.5)))
    assert rotation_table([], 0) == {"mean": [0.0] * 4, "deviation": [1.0] * 4}
