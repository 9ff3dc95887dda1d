"""Planted motifs: where they stand, what comes about by chance, and ceilings by hand, by brute force and in simulation."""

import itertools
from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from classify.planted.background import FREE, bases_of, draw, make_chain
from classify.planted.ceilings import detectors, motif_presence, separation
from classify.planted.schemes import SCHEMES, scheme_of, words_of
from classify.planted.settings import BackgroundSettings, PlantingSettings
from classify.planted.simulation import plant
from specgen.errors import InputError
from specgen.sequences import BASES, decode, encode, reverse_complement

A, B = "ACGTG", "TGCAT"
CHANCE = {A: 0.0908, B: 0.0904}
"""Known probability that a uniform sequence of 101 letters holds them."""

STEEP = BackgroundSettings(
    order=1, transitions={"A": [7, 1, 1, 1], "C": [1, 1, 6, 2], "G": [1, 1, 1, 7], "T": [2, 6, 1, 1]}
)


def records(**change):
    return list(plant(PlantingSettings(**{"n": 600, **change})))


def letters(record):
    return decode(record.codes)


def count(text, word):
    return sum(text.startswith(word, i) for i in range(len(text)))


def gaps(text):
    """All distances from the end of the first motif to a second one behind it."""
    first = [i for i in range(len(text)) if text.startswith(A, i)]
    return [j - i - 5 for i in first for j in range(i + 5, len(text)) if text.startswith(B, j)]


# Sequences


@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize("accidental", ["keep", "filter"])
@pytest.mark.parametrize("kind", sorted(SCHEMES))
def test_what_is_planted_is_there_and_filtered_sequences_hold_nothing_else(kind, accidental, both_strands):
    found = records(kind=kind, accidental=accidental, both_strands=both_strands, motif_prob=0.9)
    motifs = (A, B)[: len(scheme_of(PlantingSettings(kind=kind)).motifs)]
    elsewhere = 0
    for record in found:
        text = letters(record)
        for site in record.sites:
            word = text[site.start : site.end]
            assert (word if site.strand > 0 else decode(reverse_complement(encode(word)))) == motifs[site.motif]
        words = [word for motif in motifs for word in words_of(motif, both_strands)]
        elsewhere += sum(count(text, word) for word in words) - len(record.sites)
        assert bool(record.sites) <= (record.positive or kind == "spaced")
    assert (elsewhere == 0) == (accidental == "filter")
    strands = {site.strand for record in found for site in record.sites}
    assert strands == ({1, -1} if both_strands else {1})


def test_shares_of_the_sorts():
    n = 4000
    single = Counter(r.kind for r in records(n=n, motif_prob=0.8))
    # Four standard deviations of a share of .8 among 4000 are 101.
    assert single["background"] == n
    assert single["planted"] == pytest.approx(0.8 * n, abs=101)
    assert single["planted"] + single["unplanted"] == n
    pair = Counter(r.kind for r in records(n=n, kind="pair", together=0.5))
    assert [pair[k] for k in ("both", "only_a", "only_b")] == pytest.approx([2000, 1000, 1000], abs=127)
    spaced = Counter(r.kind for r in records(n=n, kind="spaced"))
    assert spaced["spaced"] == n
    assert [spaced[k] for k in ("one_a", "one_b", "far_apart", "none")] == pytest.approx(4 * [1000], abs=110)


def test_distances_of_spaced_motifs():
    found = records(kind="spaced", n=2000, accidental="filter", gap=[10, 25], far_gap=40)
    of_kind = {name: [r for r in found if r.kind == name] for name in ("spaced", "far_apart", "one_a", "one_b", "none")}
    assert {g for r in of_kind["spaced"] for g in gaps(letters(r))} == set(range(10, 26))
    far = {g for r in of_kind["far_apart"] for g in gaps(letters(r))}
    assert (min(far), max(far)) == (40, 71)
    ends = [edge for r in found for site in r.sites for edge in (site.start, 101 - site.end)]
    assert min(ends) == 10
    assert all(gaps(letters(r)) for name in ("spaced", "far_apart") for r in of_kind[name])
    assert all([s.motif for s in r.sites] == [0] for r in of_kind["one_a"])
    assert all([s.motif for s in r.sites] == [1] for r in of_kind["one_b"])
    # A lone motif stands where it would beside the other one, with room for a pair.
    starts = [r.sites[0].start for r in of_kind["one_a"]]
    assert max(starts) <= 101 - 10 - 20
    assert np.mean(starts) == pytest.approx(np.mean([r.sites[0].start for r in of_kind["spaced"]]), abs=3)


def test_a_pair_stands_anywhere_without_overlap():
    """Every one of the 2 * C(6, 2) placements in 14 letters, each as often (chi-squared of 29 degrees of freedom)."""
    found = Counter(
        tuple(site.start for site in r.sites)
        for r in records(kind="pair", together=1.0, length=14, n=9000)
        if r.positive
    )
    expected = {(a, b) for a in range(10) for b in range(10) if abs(a - b) >= 5}
    assert set(found) == expected
    mean = 9000 / len(expected)
    assert sum((n - mean) ** 2 / mean for n in found.values()) < 59  # p = .001


def test_more_sequences_leave_the_others_as_they_are():
    few, many = records(n=30, kind="pair"), records(n=1500, kind="pair")
    for label in (False, True):
        some = [r for r in few if r.positive == label]
        more = [r for r in many if r.positive == label]
        assert [(r.name, letters(r), r.sites) for r in some] == [(r.name, letters(r), r.sites) for r in more[:30]]
        assert len({letters(r) for r in more}) == 1500
    other = records(n=30, kind="pair", seed=1)
    assert not {letters(r) for r in other} & {letters(r) for r in few}


# Background


def pairs_of(texts, order):
    """(4**order, 4) shares of the letter after each context."""
    counts = np.zeros((4**order, 4))
    for text in texts:
        for i in range(len(text) - order):
            context = 0
            for letter in text[i : i + order]:
                context = 4 * context + BASES.index(letter)
            counts[context, BASES.index(text[i + order])] += 1
    return counts / counts.sum(axis=1, keepdims=True)


def test_order_0_has_the_given_frequencies():
    chain = make_chain(BackgroundSettings(frequencies=[1, 2, 3, 4]))
    drawn = draw(chain, np.full((500, 100), FREE, dtype=np.int8), np.random.default_rng(0))
    # Four standard deviations of a share of .5 among 50,000 are .009.
    assert np.bincount(drawn.ravel()) / drawn.size == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.009)


def test_higher_orders_follow_their_table_and_begin_stationary():
    chain = make_chain(STEEP)
    table = np.array([STEEP.transitions[base] for base in BASES]) / 10
    drawn = draw(chain, np.full((4000, 60), FREE, dtype=np.int8), np.random.default_rng(0))
    texts = ["".join(BASES[b] for b in row) for row in drawn]
    assert pairs_of(texts, 1) == pytest.approx(table, abs=0.01)
    values, vectors = np.linalg.eig(table.T)
    stationary = np.real(vectors[:, np.argmax(np.real(values))])
    stationary /= stationary.sum()
    for place in (0, 1, 59):  # four standard deviations of a share of .5 among 4000 are .032
        assert np.bincount(drawn[:, place], minlength=4) / 4000 == pytest.approx(stationary, abs=0.032)


def test_given_letters_stay_and_are_context():
    given = np.full((3000, 6), FREE, dtype=np.int8)
    given[:, 2] = 2  # G, behind which T has .7
    drawn = draw(make_chain(STEEP), given, np.random.default_rng(1))
    assert (drawn[:, 2] == 2).all()
    assert (drawn[:, 3] == 3).mean() == pytest.approx(0.7, abs=0.034)


def test_a_background_like_a_file(tmp_path):
    rng = np.random.default_rng(2)
    texts = ["".join(rng.choice(list("ACGT"), 5000, p=[0.5, 0.2, 0.2, 0.1])) + "NNRY" for _ in range(3)]
    texts.append("AC")  # shorter than a context and a letter
    path = tmp_path / "some.fa"
    path.write_text("".join(f">r{i}\n{text}\n" for i, text in enumerate(texts)))
    chain = make_chain(BackgroundSettings(order=2, like=str(path)))
    counts = np.ones((16, 4))
    for text in texts:
        for i in range(len(text) - 2):
            if not set(text[i : i + 3]) - set("ACGT"):
                a, b, c = (BASES.index(letter) for letter in text[i : i + 3])
                counts[4 * a + b, c] += 1
    assert chain.tables[2] == pytest.approx(counts / counts.sum(axis=1, keepdims=True))
    (tmp_path / "none.fa").write_text(">x\nNNNN\n")
    with pytest.raises(InputError, match=r"none\.fa: has no 3 letters"):
        make_chain(BackgroundSettings(order=2, like=str(tmp_path / "none.fa")))


def test_bases_of_codes():
    assert bases_of(encode("ACGTUN")).tolist() == [0, 1, 2, 3, 3, -1]


# Ceilings


def test_separation_is_what_scikit_learn_says_of_the_same_scores():
    rng = np.random.default_rng(3)
    for _ in range(20):
        negative, positive = rng.integers(0, 9, size=(2, 6)).astype(float)
        negative[0] += 1
        positive[1] += 1
        order = rng.integers(0, 4, size=6).astype(float)
        labels = np.repeat([0] * 6 + [1] * 6, np.concatenate([negative, positive]).astype(int))
        scores = np.repeat(np.concatenate([order, order]), np.concatenate([negative, positive]).astype(int))
        found = separation(negative, positive, order)
        assert found["auroc"] == pytest.approx(roc_auc_score(labels, scores))
        assert found["auprc"] == pytest.approx(average_precision_score(labels, scores))
        calls = [scores >= edge for edge in (*np.unique(scores), np.inf)]
        assert found["balanced_accuracy"] == pytest.approx(max(balanced_accuracy_score(labels, c) for c in calls))
        assert found["accuracy"] == pytest.approx(max((labels == c).mean() for c in calls))
        # No other order of the same things does better than the likelihood ratio.
        assert separation(negative, positive)["auroc"] >= found["auroc"] - 1e-12


def test_separation_of_one_class_is_undefined():
    assert all(np.isnan(v) for v in separation(np.zeros(2), np.ones(2)).values())


def naive_presence(chain, words, given):
    """Over all sequences of bases, one by one."""
    found = np.zeros((len(given), 1 << (1 + max(motif for _, motif in words))))
    for row, fixed in enumerate(given):
        for bases in itertools.product(range(4), repeat=given.shape[1]):
            chance = 1.0
            for place, base in enumerate(bases):
                context = 0
                size = min(place, chain.order)
                for earlier in bases[place - size : place]:
                    context = 4 * context + earlier
                chance *= chain.tables[size][context, base] if fixed[place] == FREE else base == fixed[place]
            text = "".join(BASES[b] for b in bases)
            found[row, sum({1 << motif for word, motif in words if word in text})] += chance
    return found


@pytest.mark.parametrize("background", [BackgroundSettings(frequencies=[1, 2, 3, 4]), STEEP])
@pytest.mark.parametrize("words", [[("ACA", 0)], [("AA", 0), ("TT", 0), ("ACG", 1)], [("A", 0), ("CGT", 1)]])
def test_chances_of_motifs_are_those_of_all_sequences(background, words):
    given = np.full((3, 6), FREE, dtype=np.int8)
    given[1, :3] = [0, 1, 0]
    given[2, 4] = 0
    chain = make_chain(background)
    found = motif_presence(chain, words, given)
    assert found == pytest.approx(naive_presence(chain, words, given))
    assert found.sum(axis=1) == pytest.approx(1)


def test_chances_under_a_chain_of_order_2_sum_to_what_is_drawn():
    rng = np.random.default_rng(4)
    names = ["".join(pair) for pair in itertools.product(BASES, repeat=2)]
    background = BackgroundSettings(order=2, transitions={name: rng.dirichlet([1, 1, 1, 1]).tolist() for name in names})
    chain = make_chain(background)
    free = np.full((1, 40), FREE, dtype=np.int8)
    found = motif_presence(chain, [("ACG", 0), ("GTC", 1)], free)[0]
    drawn = draw(chain, np.repeat(free, 20_000, axis=0), np.random.default_rng(5))
    texts = ["".join(BASES[b] for b in row) for row in drawn]
    seen = np.bincount([("ACG" in t) + 2 * ("GTC" in t) for t in texts], minlength=4) / len(texts)
    assert seen == pytest.approx(found, abs=0.015)


@pytest.mark.parametrize(("motif", "chance"), CHANCE.items())
def test_the_known_chance_of_a_motif_in_a_random_sequence(motif, chance):
    free = np.full((1, 101), FREE, dtype=np.int8)
    found = motif_presence(make_chain(BackgroundSettings()), [(motif, 0)], free)[0, 1]
    assert found == pytest.approx(chance, abs=5e-5)


def kinds_of(*counts):
    """Kinds and labels of so many examples of each: ("kind", label, number)."""
    return (
        [name for name, _, number in counts for _ in range(number)],
        np.repeat([label for _, label, _ in counts], [number for _, _, number in counts]),
    )


@pytest.mark.parametrize(("q", "known"), [(1.0, 0.955), (0.8, 0.864), (0.6, 0.773)])
def test_the_published_ceilings_of_one_motif(q, known):
    found = detectors(PlantingSettings(motif_prob=q))
    assert list(found) == ["presence"]
    counts = ("background", 0, 100), ("planted", 1, round(100 * q)), ("unplanted", 1, round(100 * (1 - q)))
    auroc = found["presence"].expected(*kinds_of(*counts))["auroc"]
    chance = CHANCE[A]
    assert auroc == pytest.approx((1 + q + (1 - q) * chance - chance) / 2, abs=1e-4)
    assert auroc == pytest.approx(known, abs=5e-4)
    filtered = detectors(PlantingSettings(motif_prob=q, accidental="filter"))["presence"]
    assert filtered.expected(*kinds_of(*counts))["auroc"] == pytest.approx((1 + q) / 2)


SPACED = [("spaced", 1, 400), *((name, 0, 100) for name in ("one_a", "one_b", "far_apart", "none"))]


@pytest.mark.parametrize(("accidental", "blind", "least"), [("filter", 0.875, 1.0), ("keep", 0.851, 0.99)])
def test_the_ceilings_of_spaced_motifs(accidental, blind, least):
    found = detectors(PlantingSettings(kind="spaced", accidental=accidental))
    assert found["presence"].expected(*kinds_of(*SPACED))["auroc"] == pytest.approx(blind, abs=1.5e-3)
    assert found["spacing"].expected(*kinds_of(*SPACED))["auroc"] >= least
    only_far = kinds_of(SPACED[0], ("far_apart", 0, 100))
    assert found["presence"].expected(*only_far)["auroc"] == 0.5


def test_the_ceiling_of_a_pair_by_hand():
    """Both motifs beat one, one beats none; each comes about by chance."""
    a, b = CHANCE[A], CHANCE[B]
    negative = {"": (1 - a) * (1 - b), "one": a * (1 - b) + b * (1 - a), "both": a * b}
    positive = {"both": 0.5 + 0.25 * (a + b), "one": 0.25 * (2 - a - b)}
    expected = positive["both"] * (1 - negative["both"] / 2) + positive["one"] * (negative[""] + negative["one"] / 2)
    kinds = kinds_of(("background", 0, 400), ("both", 1, 200), ("only_a", 1, 100), ("only_b", 1, 100))
    auroc = detectors(PlantingSettings(kind="pair"))["presence"].expected(*kinds)["auroc"]
    # Occurrences of the two are not quite independent, and neither motif is told from the other here.
    assert auroc == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize("kind", sorted(SCHEMES))
@pytest.mark.parametrize("background", [BackgroundSettings(), STEEP])
def test_ceilings_are_what_a_detector_reaches_on_simulated_sequences(kind, both_strands, background):
    settings = PlantingSettings(
        kind=kind, n=8000, both_strands=both_strands, motif_prob=0.9, background=background, seed=9
    )
    found = list(plant(settings))
    kinds, labels = [r.kind for r in found], np.array([int(r.positive) for r in found])
    bases = bases_of(np.stack([r.codes for r in found]))
    texts = [letters(r) for r in found]
    words = [words_of(m, both_strands) for m in scheme_of(settings).motifs]
    seen = [sum(any(w in text for w in ws) << i for i, ws in enumerate(words)) for text in texts]
    for name, detector in detectors(settings).items():
        expected, reached = detector.expected(kinds, labels), detector.reached(kinds, labels, bases)
        for metric, value in expected.items():
            assert reached[metric] == pytest.approx(value, abs=0.012), (name, metric)
        if name == "presence":
            assert detector.seen(bases).tolist() == seen
        elif not both_strands:
            at_gap = [any(10 <= g <= 25 for g in gaps(text)) for text in texts]
            assert detector.seen(bases).tolist() == [s + 4 * g for s, g in zip(seen, at_gap, strict=True)]


# What cannot be


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "n: expected a number from 1"),
        ({"motif_prob": 1.5}, "motif_prob: expected a number from 0 to 1, got 1.5"),
        ({"motif_prob": float("nan")}, "motif_prob"),
        ({"together": -0.1}, "together"),
        ({"accidental": "kept"}, "unknown accidental 'kept'; did you mean 'keep'"),
        ({"motifs": ["ACNT"]}, "motifs: expected letters A, C, G, T, got 'ACNT'"),
        ({"motifs": [""]}, "motifs"),
        ({"gap": [25, 10]}, "gap: expected the smallest and the largest"),
        ({"gap": [10]}, "gap"),
    ],
)
def test_settings_that_cannot_be(change, message):
    with pytest.raises(InputError, match=message) as caught:
        PlantingSettings(**change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "singl"}, "unknown kind of planting 'singl'; did you mean 'single'"),
        ({"motifs": [A, B]}, "kind single has 1, got ACGTG, TGCAT"),
        ({"kind": "pair", "motifs": [A]}, "kind pair has 2"),
        ({"kind": "pair", "motifs": [A, "CGT"]}, "none contains another"),
        ({"kind": "pair", "motifs": [A, "CACGT"], "both_strands": True}, "none contains another"),
        ({"length": 4}, "length: expected room for ACGTG, got 4 nt"),
        ({"kind": "spaced", "length": 54}, r"gaps up to 24 letters .*got 10 to 25"),
        ({"kind": "spaced", "far_gap": 25}, "far ones above 25"),
        ({"kind": "spaced", "far_gap": 72}, "far ones from 72"),
        ({"kind": "spaced", "margin": 26}, "up to 39 letters .*margin of 26"),
    ],
)
def test_schemes_that_cannot_be(change, message):
    with pytest.raises(InputError, match=message):
        scheme_of(PlantingSettings(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"order": 6}, "order: expected a whole number from 0 to 5"),
        ({"order": 1}, "expected transitions or a file .like. for order 1, got neither"),
        ({"order": 1, "transitions": {"A": [1, 1, 1, 1]}}, "all 4 contexts of 1 letters, got 1"),
        ({"order": 1, "transitions": {c: [1, 1, 1, 1] for c in "ACGN"}}, "letters ACGT, got 'N'"),
        ({"transitions": {"": [1, 1, 1, 1]}}, "order of at least 1"),
        ({"frequencies": [1, 1, 1]}, "background.frequencies: expected four weights"),
        ({"frequencies": [0, 0, 0, 0]}, "background.frequencies"),
        ({"frequencies": [1, -1, 1, 1]}, "background.frequencies"),
    ],
)
def test_backgrounds_that_cannot_be(change, message):
    with pytest.raises(InputError, match=message):
        BackgroundSettings(**change)


def test_motifs_too_common_to_be_filtered():
    with pytest.raises(InputError, match=r"AC came about by chance in [0-9]+ of 1[0-9]{4} sequences of 300 nt"):
        records(motifs=["AC"], accidental="filter", length=300, n=1)
