"""Gapped and ungapped words on both strands, against words written out."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.baselines import BASELINES
from classify.examples import Examples
from classify.gapped import canonical_kmers, gapped_words, most_different, patterns, word_shares
from specgen.sequences import decode, encode, reverse_complement

texts = st.text("ACGTN", min_size=1, max_size=25)


def turned(text):
    return decode(reverse_complement(encode(text)))


def test_canonical_kmers():
    kept, other = canonical_kmers(3)
    words = ["".join(word) for word in itertools.product("ACGT", repeat=3)]
    assert [words[i] for i in other] == [turned(word) for word in words]
    assert [words[i] for i in kept] == [word for word in words if word <= turned(word)]
    assert len(canonical_kmers(6)[0]) == 2080


@given(st.text("ACGT", min_size=6, max_size=40))
def test_kmers_of_both_strands_against_counting(text):
    found = BASELINES["kmer6_rc"].features(encode(text)[None], np.array([len(text)]))[0] ** 2
    kept, _ = canonical_kmers(6)
    words = ["".join(word) for word in itertools.product("ACGT", repeat=6)]
    for column in np.flatnonzero(found):
        word = words[kept[column]]
        both = [strand[i : i + 6] for strand in (text, turned(text)) for i in range(len(text) - 5)]
        count = sum(w in (word, turned(word)) for w in both)
        # The mean of a word's frequency and that of its reverse complement; a palindrome is its own.
        assert found[column] == pytest.approx(count / len(both) / (1 if word == turned(word) else 2))
    other = BASELINES["kmer6_rc"].features(encode(turned(text))[None], np.array([len(text)]))[0] ** 2
    assert found == pytest.approx(other)


def test_patterns():
    assert patterns(4, 2) == [(0, 1), (0, 2), (0, 3)]
    assert len(patterns(8, 6)) == 21
    assert len(patterns(10, 6)) == 126


def written(text, span, k):
    """All gapped words of a text, with '.' where any letter goes, as the smaller of both strands."""
    found = []
    for form in patterns(span, k):
        for i in range(len(text) - form[-1]):
            piece = text[i : i + form[-1] + 1]
            word = "".join(letter if j in form else "." for j, letter in enumerate(piece))
            if "N" not in word:
                other = turned(word.replace(".", "N")).replace("N", ".")
                found.append(tuple(sorted((word, other))))
    return sorted(found)


@given(texts, st.sampled_from([(3, 2), (4, 2), (5, 3)]))
def test_gapped_words_against_text(text, shape):
    numbers = gapped_words(encode(text)[None], *shape)[0]
    expected = written(text, *shape)
    assert (numbers >= 0).sum() == len(expected)
    # Two words have one number where they are the same, and only there.
    counts = sorted(np.unique(numbers[numbers >= 0], return_counts=True)[1].tolist())
    assert counts == sorted(expected.count(word) for word in set(expected))


@given(st.lists(st.text("ACGTN", min_size=9, max_size=9), min_size=1, max_size=4))
def test_both_strands_have_the_same_words(rows):
    given_, other = (
        gapped_words(np.stack([encode(t) for t in part]), 5, 3) for part in (rows, [turned(t) for t in rows])
    )
    assert np.sort(given_, axis=1).tolist() == np.sort(other, axis=1).tolist()


def test_shares():
    words = np.array([[3, 3, -1, 1], [-1, -1, -1, -1], [2, 0, 0, 0]])
    assert word_shares(words, np.array([-1, 0, -1, 1]), 2).tolist() == [[1 / 3, 2 / 3], [0, 0], [0, 0]]


def records(count=400, seed=0):
    """Random letters of 20 to 60 nt, with ACGNNTTC in every other, on either strand."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        text = "".join(rng.choice(list("ACGT"), rng.integers(20, 60)))
        site = "ACG" + "".join(rng.choice(list("ACGT"), 2)) + "TTC"
        if i % 2:
            at = rng.integers(len(text) - 8)
            text = text[:at] + (site if rng.random() < 0.5 else turned(site)) + text[at + 8 :]
        found.append(encode(text))
    return found, np.arange(count) % 2 == 1


def naive(sequences, positive, span, k):
    size = len(patterns(span, k)) * 4**k
    counts = np.array(
        [np.bincount(w[w >= 0], minlength=size) for w in (gapped_words(s[None], span, k)[0] for s in sequences)]
    )
    apart = np.abs(counts[positive].mean(0) - counts[~positive].mean(0)) / np.maximum(counts.std(0), 1e-6)
    apart[counts.sum(0) < 20] = 0
    return apart


@pytest.mark.parametrize("at_once", [1, 200, 1 << 16])
def test_the_most_different_words_against_all_counts(monkeypatch, at_once):
    monkeypatch.setattr("classify.gapped.AT_ONCE", at_once)
    sequences, positive = records()
    apart = naive(sequences, positive, 4, 3)
    kept = most_different(sequences, positive, 4, 3, 10)
    assert kept == sorted(kept)
    assert len(kept) == 10
    assert apart[kept].min() >= np.sort(apart)[-10] - 1e-9


def test_a_gapped_motif_is_found_and_told_apart():
    sequences, positive = records()
    kept = most_different(sequences, positive, 8, 6, 5)
    motif = gapped_words(encode("ACGNNTTC")[None], 8, 6)[0]
    assert set(motif[motif >= 0].tolist()) <= set(kept)
    examples = Examples(
        ("unbound", "bound"), [str(i) for i in range(400)], positive.astype(np.int64), ["g"] * 400, [""] * 400,
        np.array([len(s) for s in sequences]), np.array(["train"] * 400), sequences=sequences,
    )  # fmt: skip
    state = BASELINES["gkm8"].state(examples, 0)
    both = np.stack([encode("TTTTACGCCTTCTTTT"), encode("TTTTTTTTTTTTTTTT")])
    values = BASELINES["gkm8"](both, np.array([16, 16]), state)
    assert values.shape == (2, len(state["words"]))
    column = state["words"].index(int(motif[motif >= 0][0]))
    assert (values[:, column] ** 2).tolist() == pytest.approx([1 / (21 * 16 - sum(p[-1] for p in patterns(8, 6))), 0])


def test_nothing_to_learn_gives_a_column_of_zeros():
    state = {"words": []}
    assert BASELINES["gkm8"](np.ones((3, 20), dtype=np.uint8), np.array([20] * 3), state).tolist() == [[0.0]] * 3
