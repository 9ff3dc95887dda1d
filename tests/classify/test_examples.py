"""The table of examples: duplicates, isoforms, balance, and what is said when a class is missing."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.examples import Examples, balance, check_classes, check_trainable, drop_duplicates, one_per_group
from classify.splits import SPLITS
from specgen.errors import InputError
from specgen.sequences import encode

CLASSES = ("LNSD", "CDN")


def make(labels, *, groups=None, split="train", letters=None, ids=None):
    """Examples of given labels; every record has letters of its own unless told otherwise."""
    n = len(labels)
    letters = letters or [f"A{'C' * i}G" for i in range(n)]
    parts = [split] * n if isinstance(split, str) else list(split)
    return Examples(
        classes=CLASSES,
        ids=ids or [f"r{i}" for i in range(n)],
        labels=np.array(labels, dtype=np.int64),
        groups=groups or [f"g{i}" for i in range(n)],
        chromosomes=["1"] * n,
        lengths=np.array([len(text) for text in letters], dtype=np.int64),
        split=np.array(parts, dtype="<U5"),
        sequences=[encode(text) for text in letters],
        window=1,
    )


def test_take_keeps_every_column_in_step():
    examples = make([0, 1, 0, 1], split=["train", "val", "test", "train"])
    by_mask = examples.take(np.array([False, True, False, True]), why=2)
    by_index = examples.take(np.array([1, 3]), why=2)
    for taken in (by_mask, by_index):
        assert taken.ids == ["r1", "r3"]
        assert taken.groups == ["g1", "g3"]
        assert taken.labels.tolist() == [1, 1]
        assert taken.split.tolist() == ["val", "train"]
        assert taken.lengths.tolist() == [3, 5]
        assert [len(codes) for codes in taken.sequences] == [3, 5]
        assert taken.counts == {"why": 2}
    assert examples.take(np.array([3, 0])).ids == ["r3", "r0"]
    assert examples.part("train").ids == ["r0", "r3"]
    assert examples.per_class() == {"LNSD": 2, "CDN": 2}
    assert examples.counts == {}
    assert len(examples.take(np.array([], dtype=np.int64))) == 0


def test_the_first_of_equal_records_stays():
    examples = drop_duplicates(make([0, 0, 1, 0], letters=["ACGT", "ACGTT", "GGG", "ACGT"]))
    assert examples.ids == ["r0", "r1", "r2"]
    assert examples.counts == {"duplicates_dropped": 1, "contradictory_duplicates_dropped": 0}


def test_contradictory_duplicates_all_go():
    letters = ["ACGT", "CC", "ACGT", "CC", "CC", "TTT", "ACGT"]
    examples = drop_duplicates(make([0, 1, 1, 1, 1, 0, 0], letters=letters))
    assert examples.ids == ["r1", "r5"]
    assert examples.counts == {"duplicates_dropped": 2, "contradictory_duplicates_dropped": 3}


def test_duplicate_pictures_are_told_by_their_digests(tmp_path):
    files = [tmp_path / name for name in "abcd"]
    examples = Examples(
        CLASSES, list("abcd"), np.array([0, 0, 0, 1]), list("abcd"), [""] * 4, np.zeros(4, np.int64),
        np.array(["train"] * 4), pictures=[(file, -1) for file in files], digests=[b"1", b"2", b"1", b"2"],
    )  # fmt: skip
    assert examples.kind == "pictures"
    kept = drop_duplicates(examples)
    assert kept.ids == ["a"]
    assert kept.pictures == [(files[0], -1)]
    assert kept.counts == {"duplicates_dropped": 1, "contradictory_duplicates_dropped": 2}


@given(st.lists(st.tuples(st.sampled_from(["", "A", "AC", "ACG", "C"]), st.integers(0, 1)), max_size=20))
def test_duplicates_against_a_naive_loop(rows):
    examples = make([label for _, label in rows], letters=[f"T{text}" for text, _ in rows])
    labels = {}
    for text, label in rows:
        labels.setdefault(text, set()).add(label)
    expected, seen = [], set()
    for i, (text, _) in enumerate(rows):
        if len(labels[text]) == 1 and text not in seen:
            expected.append(f"r{i}")
        seen.add(text)
    kept = drop_duplicates(examples)
    assert kept.ids == expected
    assert sum(kept.counts.values()) == len(rows) - len(expected)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), max_size=25), st.integers(1, 3))
def test_at_most_so_many_of_a_gene_and_class(rows, most):
    examples = make([label for _, label in rows], groups=[group for group, _ in rows])
    kept = one_per_group(examples, most, seed=3)
    before = Counter(rows)
    after = Counter(zip(kept.groups, kept.labels.tolist(), strict=True))
    assert after == Counter({key: min(most, n) for key, n in before.items()})
    assert kept.counts["isoforms_left_out"] == len(rows) - len(kept)


def test_isoforms_are_drawn_by_name_and_seed_alone():
    ids = [f"t{i}" for i in range(30)]
    examples = make([0] * 30, groups=["one"] * 30, ids=ids)
    order = np.random.default_rng(0).permutation(30)
    assert one_per_group(examples, 1, 0).ids == one_per_group(examples.take(order), 1, 0).ids
    assert len({one_per_group(examples, 1, seed).ids[0] for seed in range(8)}) > 1
    assert one_per_group(examples, 0, 0) is examples


def test_balance_thins_only_the_named_splits():
    labels = [0] * 9 + [1] * 3 + [0] * 2 + [1] * 5 + [0] * 4 + [1] * 4
    split = ["train"] * 12 + ["val"] * 7 + ["test"] * 8
    examples = balance(make(labels, split=split), ("val", "test"), 0)
    assert [examples.part(part).per_class() for part in SPLITS] == [
        {"LNSD": 9, "CDN": 3},
        {"LNSD": 2, "CDN": 2},
        {"LNSD": 4, "CDN": 4},
    ]
    assert examples.counts == {"balancing_left_out": 3}
    assert examples.ids == sorted(examples.ids, key=lambda name: int(name[1:]))


def test_balance_is_drawn_by_name():
    examples = make([0] * 40 + [1] * 5, split="test")
    order = np.random.default_rng(1).permutation(45)
    assert set(balance(examples, ("test",), 0).ids) == set(balance(examples.take(order), ("test",), 0).ids)
    assert set(balance(examples, ("test",), 0).ids) != set(balance(examples, ("test",), 1).ids)


def test_complete_examples_pass_through():
    examples = make([0, 1] * 3, split=["train", "train", "val", "val", "test", "test"])
    assert check_classes(examples) is examples


@pytest.mark.parametrize(
    ("labels", "split", "message"),
    [
        ([], "train", r"^data: none is left after filtering; expected examples of LNSD and CDN$"),
        ([1, 1], "train", r"^data: only CDN is left after filtering"),
        ([0, 1, 0, 1], ["train", "train", "val", "val"], r"no test examples of LNSD \(LNSD 0, CDN 0\)"),
        (
            [0, 1, 0, 1, 1],
            ["train", "train", "val", "val", "test"],
            r"no test examples of LNSD \(LNSD 0, CDN 1\); give more groups, larger fractions, or other held-out",
        ),
        ([0, 0, 1, 0, 1], ["train", "val", "val", "test", "test"], r"no train examples of CDN \(LNSD 1, CDN 0\)"),
    ],
)
def test_missing_classes(labels, split, message):
    with pytest.raises(InputError, match=message):
        check_classes(make(labels, split=split))


def test_splits_that_are_not_needed_may_be_empty():
    examples = make([0, 1], split="test")
    assert check_classes(examples, splits=("test",)) is examples
    with pytest.raises(InputError, match="no train examples"):
        check_classes(examples)
    with pytest.raises(InputError, match="no test examples of CDN"):
        check_classes(make([0, 1], split=["test", "train"]), splits=("test",))
    with pytest.raises(InputError, match="no val examples to fit anything to"):
        check_trainable(make([0, 1], split=["test", "train"]))
    assert check_trainable(make([0, 1], split=["val", "train"])) is None


def test_missing_classes_in_the_words_of_the_task():
    with pytest.raises(InputError, match="only <LNSD> is left"):
        check_classes(make([0, 0]), describe=lambda name: f"<{name}>")
