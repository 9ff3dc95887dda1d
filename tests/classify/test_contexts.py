"""Chains of long contexts against naive counting, tables of words, and what repeats have to give."""

import math

import numpy as np
import pytest

from classify.language import contexts
from classify.language.baseline import mixed_score
from classify.language.blocks import blocks_of, read_contigs
from classify.language.contexts import LONGEST, Contexts, Followers, bits_of, choose_weights
from classify.language.markov import bits, count_words, probabilities
from classify.language.settings import GenomeSettings, MadeUpSettings
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement


def letters(n, seed=0, alphabet="ACGT"):
    return "".join(np.random.default_rng(seed).choice(list(alphabet), size=n))


def naive_followers(learnt, asked, least):
    """Right and total counts of every asked base, order by order, from the texts."""
    rows = []
    for text in asked:
        for i, base in enumerate(text):
            before = text[:i].rpartition("N")[2]
            if base == "N" or len(before) < least:
                continue
            right, total = np.zeros((2, LONGEST + 1))
            for order in range(min(LONGEST, len(before)) + 1):
                context = before[len(before) - order :]
                for other in learnt:
                    ends = [j for j in range(order, len(other)) if other[j - order : j] == context and other[j] != "N"]
                    total[order] += len(ends)
                    right[order] += sum(other[j] == base for j in ends)
            rows.append((right, total))
    return (np.stack(some, axis=1) for some in zip(*rows, strict=True))


@pytest.mark.parametrize("least", [0, 3])
def test_followers_are_those_of_a_naive_count(least):
    unit = letters(40, 1)
    learnt = [unit + letters(60, 2, "ACGTN") + unit, letters(23, 3), "", "N", unit]
    asked = [letters(10, 4) + unit + letters(12, 5, "ACGTN"), "AC", "", unit[5:]]
    turned = [decode(reverse_complement(encode(text))) for text in learnt]
    found = Contexts((encode(text), strand) for text in learnt for strand in (False, True)).followers(
        [encode(text) for text in asked], least
    )
    right, total = naive_followers([*learnt, *turned], asked, least)
    np.testing.assert_array_equal(found.right, right)
    np.testing.assert_array_equal(found.total, total)
    assert total[LONGEST].any()
    assert not total[LONGEST].all()


@pytest.mark.parametrize("order", [0, 2, 5])
def test_equal_weights_give_the_interpolated_chain_of_words(order):
    train, test = encode(letters(700, 6)), encode(letters(300, 7))
    found = Contexts([(train, False)]).followers([test], order, order)
    ours = bits_of(found, np.full(order + 1, 3.5))
    table = probabilities(count_words(train, order), 3.5, interpolated=True)
    # Tables of words leave out the first letters of what is learnt: shorter contexts have them here.
    assert ours.sum() == pytest.approx(bits(table, count_words(test, order)), rel=2e-3)
    if not order:
        assert ours.sum() == pytest.approx(bits(table, count_words(test, order)))


def test_weights_are_the_best_of_their_neighbourhood():
    rng = np.random.default_rng(8)
    unit = letters(150, 9)
    mutated = "".join(c if rng.random() > 0.03 else rng.choice(list("ACGT")) for c in 8 * unit)
    learnt = Contexts([(encode(letters(500, 10) + unit), False)])
    found = learnt.followers([encode(mutated + letters(400, 11))], 2)
    weights = choose_weights(found)
    best = bits_of(found, weights).mean()
    for order in range(LONGEST + 1):
        for factor in (0.5, 2.0):
            other = weights.copy()
            other[order] = np.clip(factor * other[order], 1e-3, 1e5)
            assert bits_of(found, other).mean() >= best - 2e-5
    assert best < bits_of(found, np.full(LONGEST + 1, 16.0)).mean()


def test_weights_are_chosen_on_some_of_many_bases(monkeypatch):
    monkeypatch.setattr(contexts, "FITTED", 100)
    whole = Followers(*np.random.default_rng(0).random((2, 3, 1050), dtype=np.float32))
    assert whole.thinned(100).right.shape == (3, 96)
    assert whole.thinned(2000).right.shape == (3, 1050)
    rare = Followers(whole.right * (np.arange(1050) % 11 == 0), whole.total)
    np.testing.assert_allclose(choose_weights(rare), choose_weights(rare.thinned(100)))


def test_a_repeated_unit_is_told_and_random_letters_are_not():
    for kind, low, high, share in (("repeat", 1.0, 1.01, 1.0), ("random", 3.95, 4.05, 0.0)):
        settings = GenomeSettings(simulate=MadeUpSettings(kind=kind, length=60_000), gap=100)
        contigs = read_contigs(settings)
        found = mixed_score(contigs, blocks_of(contigs, settings), 10, settings)
        assert low <= 2**found.test <= high
        assert found.repeated == pytest.approx(share, abs=0.01)
        assert math.isnan(found.test_repeated) == (not share)


@pytest.mark.parametrize(
    ("leak", "low", "high"), [("none", 3.95, 4.05), ("other_strand", 3.95, 4.05), ("all", 1.0, 1.2)]
)
def test_what_leaks_is_told(leak, low, high):
    # Words of random letters do not come back on the other strand.
    settings = GenomeSettings(simulate=MadeUpSettings(kind="random", length=60_000), gap=100, leak=leak)
    contigs = read_contigs(settings)
    found = mixed_score(contigs, blocks_of(contigs, settings), 10, settings)
    assert low <= 2**found.test <= high
    assert (found.repeated > 0.9) == (leak == "all")


def test_nothing_to_tell():
    learnt = Contexts([(encode("ACGT"), False)])
    for asked, least in (([encode("NNN")], 0), ([encode("ACG")], 3), ([], 0)):
        with pytest.raises(InputError, match="no known base"):
            learnt.followers(asked, least)
    with pytest.raises(InputError, match="0 to 20, got 0 to 21"):
        learnt.followers([encode("ACG")], 0, 21)
