"""Matched sampling: equal classes in every bin, nothing else dropped, fitted on training only."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from test_controls import examples_of

from classify.matching import MATCHERS, match, pair_frequencies
from classify.tasks.coding import CodingSettings, CodingTask
from specgen.errors import InputError, UnknownName
from specgen.sequences import encode
from specgen.simulate import SimulationSettings


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["train", "val", "test"]), st.integers(20, 400)),
        min_size=1,
        max_size=80,
    )
)
def test_every_bin_is_balanced_and_as_full_as_can_be(rows):
    examples = examples_of(
        ["A" * 20] * len(rows), [int(r[0]) for r in rows], [r[1] for r in rows], [r[2] for r in rows]
    )
    left = match(examples, ["length"], 0)

    def cells(some):
        bins = np.floor(np.log(some.lengths) / np.log(1.1)).astype(int)
        return Counter(zip(some.split.tolist(), bins.tolist(), some.labels.tolist(), strict=True))

    before, after = cells(examples), cells(left)
    for split, place, _ in before:
        fewest = min(before[split, place, 0], before[split, place, 1])
        assert after[split, place, 0] == after[split, place, 1] == fewest
    dropped = left.counts["matching_left_out"]
    assert sum(dropped.values()) + len(left) == len(rows)


def test_length_and_gc_tell_nothing_any_more():
    rng = np.random.default_rng(0)
    sequences, labels = [], []
    for i in range(3000):
        share = rng.normal(0.5 + 0.05 * (i % 2), 0.05)
        length = int(rng.lognormal(6 + 0.5 * (i % 2), 0.5)) + 50
        sequences.append("".join(np.where(rng.random(length) < share, "G", "A")))
        labels.append(i % 2)
    examples = examples_of(sequences, labels)
    values = {name: MATCHERS[name].values(examples, 0) for name in ("length", "gc")}
    assert min(roc_auc_score(labels, v) for v in values.values()) > 0.7
    assert values["gc"][0] == pytest.approx(sequences[0].count("G") / len(sequences[0]), abs=1e-6)
    left = match(examples, ["length", "gc"], 0)
    assert len(left) > 500
    for name in ("length", "gc"):
        assert roc_auc_score(left.labels, MATCHERS[name].values(left, 0)) == pytest.approx(0.5, abs=0.05)
    assert left.counts["matched"] == ["length", "gc"]


def test_adding_records_of_other_bins_moves_none():
    examples = examples_of(["A" * 20] * 40, lengths=[100] * 30 + [900] * 10)
    few = match(examples.take(np.arange(30)), ["length"], 0)
    many = match(examples, ["length"], 0)
    assert [name for name in many.ids if int(name[1:]) < 30] == few.ids
    assert match(examples, [], 0) is examples


def test_pairs_by_hand():
    found = pair_frequencies(encode("AACGN" + "TT")).reshape(4, 4)  # AA, AC, CG, (GN, NT), TT
    want = np.zeros((4, 4))
    want[0, 0] = want[0, 1] = want[1, 2] = want[3, 3] = 0.25
    assert found == pytest.approx(want)
    assert not pair_frequencies(encode("N")).any()


def test_dinucleotides_are_fitted_on_training_only():
    rng = np.random.default_rng(1)

    def text(label, n=300):
        letters = rng.choice(list("ACGT"), n)
        if label:
            letters[1::10] = letters[::10][: len(letters[1::10])]  # more AA, CC, GG, TT
        return "".join(letters)

    labels = [i % 2 for i in range(1200)]
    split = ["train"] * 600 + ["test"] * 600
    examples = examples_of([text(k) for k in labels], labels, split)
    test = examples.split == "test"
    odds = MATCHERS["dinucleotide"].values(examples, 0)
    assert roc_auc_score(examples.labels[test], odds[test]) > 0.75
    # Other test labels, same numbers.
    flipped = replace(examples, labels=np.where(test, 1 - examples.labels, examples.labels))
    assert MATCHERS["dinucleotide"].values(flipped, 0) == pytest.approx(odds)
    left = match(examples, ["dinucleotide"], 0)
    again = MATCHERS["dinucleotide"].values(examples, 0)[np.isin(examples.ids, left.ids)]
    assert roc_auc_score(left.labels, again) == pytest.approx(0.5, abs=0.06)
    with pytest.raises(InputError, match="fitted on the training split"):
        match(examples.part("test"), ["dinucleotide"], 0)


def test_in_the_task():
    settings = CodingSettings(
        simulate=SimulationSettings(n=200, min_length=630, max_length=900), match=["length", "gc"]
    )
    examples = CodingTask(settings).load()
    assert sum(examples.counts["matching_left_out"].values()) > 0
    for split in ("train", "val", "test"):
        assert len(set(examples.part(split).per_class().values())) == 1
    with pytest.raises(UnknownName, match="length"):
        CodingSettings(match=["lenght"])
    with pytest.raises(InputError, match="match are for sequences"):
        CodingSettings(images="somewhere", match=["gc"])
    with pytest.raises(InputError, match="got pictures"):
        match(replace(examples, sequences=None), ["gc"], 0)
