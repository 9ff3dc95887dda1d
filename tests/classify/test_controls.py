"""Negative controls: what each keeps is kept exactly, what it destroys is drawn evenly, and nothing depends on order."""

from collections import Counter
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from classify.controls import CONTROLS, apply_controls, renamed_classes
from classify.examples import Examples
from classify.tasks.coding import CodingSettings, CodingTask
from specgen.errors import InputError, UnknownName
from specgen.sequences import decode, encode
from specgen.simulate import SimulationSettings

SHUFFLES = ("mononucleotide", "dinucleotide", "codon")
texts = st.text("ACGT", max_size=60) | st.text("ACGTNRY", max_size=30) | st.text("AC", max_size=40)


def examples_of(sequences, labels=None, split=None, lengths=None):
    n = len(sequences)
    return Examples(
        classes=("LNSD", "CDN"),
        ids=[f"r{i}" for i in range(n)],
        labels=np.array(labels if labels is not None else [i % 2 for i in range(n)], dtype=np.int64),
        groups=[f"g{i}" for i in range(n)],
        chromosomes=[""] * n,
        lengths=np.array(lengths if lengths is not None else [len(s) for s in sequences], dtype=np.int64),
        split=np.array(split if split is not None else ["train"] * n, dtype="<U5"),
        sequences=[encode(s) for s in sequences],
        window=1,
    )


def changed(name, texts, seed=0):
    return [decode(codes) for codes in apply_controls(examples_of(texts), [name], seed).sequences]


def words(text, k, step=1):
    return Counter(text[i : i + k] for i in range(0, len(text) - k + 1, step))


@given(texts, st.integers(0, 3))
def test_letters_stay(text, seed):
    for name in SHUFFLES:
        assert Counter(changed(name, [text], seed)[0]) == Counter(text)


@given(texts, st.integers(0, 3))
def test_pairs_and_ends_stay(text, seed):
    new = changed("dinucleotide", [text], seed)[0]
    assert words(new, 2) == words(text, 2)
    assert new[:1] == text[:1]
    assert new[-1:] == text[-1:]


@given(texts, st.integers(0, 3))
def test_codons_stay(text, seed):
    new = changed("codon", [text], seed)[0]
    assert words(new, 3, 3) == words(text, 3, 3)
    assert new[len(text) // 3 * 3 :] == text[len(text) // 3 * 3 :]


@given(texts)
def test_the_other_strand(text):
    pairs = dict(zip("ACGTNRY", "TGCANYR", strict=True))
    assert changed("reverse_complement", [text])[0] == "".join(pairs[letter] for letter in reversed(text))


@pytest.mark.parametrize("text", ["AACGACAGCA", "ACCATTACAC", "GGGTGGTA"])
def test_every_sequence_with_the_same_pairs_is_as_likely(text):
    inner = {text[0] + "".join(p) + text[-1] for p in permutations(text[1:-1])}
    possible = sorted(t for t in inner if words(t, 2) == words(text, 2))
    assert len(possible) > 3
    draws = Counter(changed("dinucleotide", [text] * 6000))
    assert set(draws) == set(possible)
    assert chisquare([draws[t] for t in possible]).pvalue > 1e-4


def test_a_sequence_that_can_be_walked_one_way_only():
    text = "A" * 3000 + "C" * 3000 + "G" * 3000 + "T"  # last edges drawn blindly would fit once in 27 billion
    assert changed("dinucleotide", [text]) == [text]


def test_shuffles_do_shuffle():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), 300)) for _ in range(40)]
    for name in SHUFFLES:
        same = [
            np.mean([a == b for a, b in zip(old, new, strict=True)])
            for old, new in zip(texts, changed(name, texts), strict=True)
        ]
        assert np.mean(same) == pytest.approx(0.25, abs=0.03)
    assert words(changed("mononucleotide", texts)[0], 2) != words(texts[0], 2)


def test_period_three_survives_the_codon_shuffle_only():
    rng = np.random.default_rng(1)
    text = "".join(rng.choice(["GCA", "GCT", "GAA", "GGT"]) for _ in range(200))

    def first_is_g(new):
        return np.mean([new[i] == "G" for i in range(0, len(new), 3)])

    assert first_is_g(changed("codon", [text])[0]) == 1
    for name in ("mononucleotide", "dinucleotide"):
        assert first_is_g(changed(name, [text])[0]) < 0.65


def test_a_draw_depends_on_id_and_seed_alone():
    rng = np.random.default_rng(2)
    examples = examples_of(["".join(rng.choice(list("ACGT"), 90)) for _ in range(12)])
    some = np.array([7, 2, 9])
    for name in SHUFFLES:
        whole, part = apply_controls(examples, [name], 3), apply_controls(examples.take(some), [name], 3)
        for i, codes in zip(some, part.sequences, strict=True):
            assert (whole.sequences[i] == codes).all()
        other = apply_controls(examples, [name], 4)
        assert any((a != b).any() for a, b in zip(whole.sequences, other.sequences, strict=True))
    assert len(set(changed("mononucleotide", ["ACGTACGTACGTACGTACGT"] * 20))) > 15


def test_input_is_left_alone():
    examples = examples_of(["ACGTTGCAAC"] * 3)
    for name in CONTROLS:
        apply_controls(examples, [name], 0)
        assert [decode(codes) for codes in examples.sequences] == ["ACGTTGCAAC"] * 3
        assert examples.labels.tolist() == [0, 1, 0]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["train", "val", "test"])), min_size=1, max_size=60))
def test_permuted_labels_keep_the_counts_of_every_split(rows):
    examples = examples_of(["A"] * len(rows), [int(a) for a, _ in rows], [b for _, b in rows])
    new = apply_controls(examples, ["permuted_labels"], 0)
    for split in ("train", "val", "test"):
        assert new.part(split).per_class() == examples.part(split).per_class()


def test_permuted_labels_know_nothing_of_the_old_ones_nor_of_order():
    n = 4000
    examples = examples_of(["A"] * n, [int(i < n / 2) for i in range(n)])
    new = apply_controls(examples, ["permuted_labels"], 0)
    assert (new.labels == examples.labels).mean() == pytest.approx(0.5, abs=0.03)
    order = np.random.default_rng(0).permutation(n)
    again = apply_controls(examples.take(order), ["permuted_labels"], 0)
    # Ids decide the places; which label comes to a place depends on the ids too.
    assert again.labels.tolist() == new.labels[order].tolist()
    assert (apply_controls(examples, ["permuted_labels"], 1).labels != new.labels).any()


def test_length_probe():
    lengths = [10, 20, 30, 40, 100, 200, 300]
    examples = examples_of(["ACGT"] * 7, [0, 0, 0, 0, 1, 1, 1], lengths=lengths)
    new = apply_controls(examples, ["length_probe"], 0)
    assert new.labels.tolist() == [0, 0, 1, 1, 0, 0, 1]  # medians 25 and 200
    assert new.classes == ("shorter", "longer")


def test_controls_one_after_the_other():
    examples = examples_of(["ACGTTGCAAC"] * 4)
    both = apply_controls(examples, ["reverse_complement", "reverse_complement"], 0)
    assert [decode(codes) for codes in both.sequences] == ["ACGTTGCAAC"] * 4
    assert both.counts["controls"] == ["reverse_complement"] * 2
    assert apply_controls(examples, [], 0) is examples
    assert renamed_classes(("a", "b"), ["length_probe", "codon"]) == ("shorter", "longer")
    assert renamed_classes(("a", "b"), ["codon"]) == ("a", "b")


def test_in_the_task():
    settings = {"simulate": SimulationSettings(n=60, min_length=630, max_length=700)}
    plain = CodingTask(CodingSettings(**settings)).load()
    shuffled = CodingTask(CodingSettings(**settings, controls=["codon"])).load()
    assert shuffled.ids == plain.ids
    assert shuffled.labels.tolist() == plain.labels.tolist()
    for new, old in zip(shuffled.sequences, plain.sequences, strict=True):
        assert words(decode(new), 3, 3) == words(decode(old), 3, 3)  # of the trimmed record, whole
    task = CodingTask(CodingSettings(**settings, controls=["length_probe"]))
    assert task.classes == task.load().classes == ("shorter", "longer")
    assert task.load().counts["records_read"] == {"LNSD": 60, "CDN": 60}


def test_bad_controls():
    with pytest.raises(UnknownName, match="dinucleotide"):
        CodingSettings(controls=["dinucleotid"])
    pictures = replace(examples_of(["A"] * 4), sequences=None)
    for name in ("codon", "length_probe"):
        with pytest.raises(InputError, match=f"{name}.* expected sequences, got pictures"):
            apply_controls(pictures, [name], 0)
    assert apply_controls(pictures, ["permuted_labels"], 0).labels.sum() == 2
