"""Position weight matrices against a matrix worked out by hand and a plain loop over letters."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.baselines import BASELINES
from classify.examples import Examples
from classify.weight_matrices import FIRST, LAST, matrix_score, weight_matrix
from specgen.sequences import encode

BITS = {"A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "N": "ACGT", "H": "ACT"}


def table_of(positives, negatives, first=-2, last=1):
    return weight_matrix([encode(t) for t in positives], [encode(t) for t in negatives], first, last)


def test_a_matrix_by_hand():
    """Six sites, places -2 to +1 around the middle letter; negatives of 8 A, 4 C, 2 G, 2 T."""
    positives = ["TAGCT", "AAGCA", "CAGGA", "GAGCC", "TTGCG", "AAGCT"]
    matrix = table_of(positives, ["AAAAAAAA", "CCCC", "GGTT"])
    assert matrix["first"] == -2
    background = np.array([9, 5, 3, 3]) / 20  # one letter more of each
    counts = np.array([[2, 1, 1, 2], [5, 0, 0, 1], [0, 0, 6, 0], [0, 5, 1, 0]])
    expected = np.log2((counts + 4 * background) / 10 / background)
    assert np.array(matrix["weights"]) == pytest.approx(expected)
    assert matrix["weights"][2][2] == pytest.approx(math.log2((6 + 0.6) / 10 / 0.15))  # bits
    # The best window, and one with N, which is the mean of four.
    best = matrix_score(encode("TAGCA")[None], matrix)[0]
    assert best == pytest.approx(expected[0, 3] + expected[1, 0] + expected[2, 2] + expected[3, 1])
    unknown = matrix_score(encode("TNGCA")[None], matrix)[0]
    assert unknown == pytest.approx(best - expected[1, 0] + expected[1].mean())


@given(
    st.lists(st.text("ACGTN", min_size=1, max_size=12), min_size=1, max_size=6),
    st.lists(st.text("ACGTRY", max_size=9), max_size=4),
    st.text("ACGTNRYH", min_size=1, max_size=14),
    st.integers(-6, 3),
    st.integers(1, 8),
)
def test_matrices_against_plain_loops(positives, negatives, window, first, places):
    last = first + places - 1
    matrix = table_of(positives, negatives, first, last)
    letters = dict.fromkeys("ACGT", 1.0)
    for text in negatives:
        for letter in text:
            for base in BITS[letter]:
                letters[base] += 1 / len(BITS[letter])
    background = {base: n / sum(letters.values()) for base, n in letters.items()}
    score = 0.0
    for place in range(first, last + 1):
        column = {base: 4 * background[base] for base in "ACGT"}
        for text in positives:
            at = len(text) // 2 + place
            if 0 <= at < len(text):
                for base in BITS[text[at]]:
                    column[base] += 1 / len(BITS[text[at]])
        weights = {b: math.log2(column[b] / sum(column.values()) / background[b]) for b in "ACGT"}
        assert matrix["weights"][place - first] == pytest.approx([weights[b] for b in "ACGT"], abs=1e-5)
        at = len(window) // 2 + place
        if 0 <= at < len(window):
            score += sum(weights[b] for b in BITS[window[at]]) / len(BITS[window[at]])
    assert matrix_score(encode(window)[None], matrix)[0] == pytest.approx(score, abs=1e-5)  # shares are float32


def test_padding_counts_nowhere():
    matrix = table_of(["TAGCT"], ["ACGT"])
    padded = encode("TAGCA")[None].copy()
    whole = matrix_score(padded, matrix)[0]
    padded[0, 1] = 0
    assert matrix_score(padded, matrix)[0] == pytest.approx(whole - matrix["weights"][1][0])
    again = weight_matrix([padded[0]], [np.zeros(9, dtype=np.uint8)], -1, -1)
    assert again["weights"] == [[0.0] * 4]  # nothing seen: shares are the background


def test_the_baseline_learns_positives_against_negatives():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), 101)) for _ in range(40)]
    sites = [text[:48] + "AG" + text[50:] for text in texts[:20]]
    examples = Examples(
        ("none", "start"), [str(i) for i in range(40)], np.repeat([1, 0], 20), [""] * 40, [""] * 40,
        np.full(40, 101), np.array(["train"] * 40), sequences=[encode(text) for text in sites + texts[20:]],
    )  # fmt: skip
    state = BASELINES["pwm"].state(examples, 0)
    assert state == {"pwm": weight_matrix(examples.sequences[:20], examples.sequences[20:])}
    assert len(state["pwm"]["weights"]) == LAST - FIRST + 1
    assert np.argsort(np.max(state["pwm"]["weights"], axis=1))[-2:].tolist() in ([38, 39], [39, 38])  # -2 and -1
    windows = np.stack(examples.sequences)
    stored = json.loads(json.dumps(state))
    scores = BASELINES["pwm"](windows, np.full(40, 101), stored)
    assert scores.shape == (40, 1)
    assert scores[:20].min() > scores[20:].max()
    # A smaller window has the same centre.
    near = BASELINES["pwm"](windows[:, 10:-10], np.full(40, 101), stored)
    assert near == pytest.approx(scores)
