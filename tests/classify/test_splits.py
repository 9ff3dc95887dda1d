"""Splits: nothing crosses, nothing moves, chromosomes in any spelling, and errors that say what to do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.splits import SPLITS, SplitSettings, assign_splits, stable_fraction
from specgen.errors import InputError, UnknownName

records = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["1", "2", "3", "X", ""])), min_size=1, max_size=60)


def columns(rows):
    return [f"gene{g}" for g, _ in rows], [c for _, c in rows], [f"id{i}" for i in range(len(rows))]


@given(records, st.integers(0, 5))
def test_a_gene_never_crosses(rows, seed):
    groups, chromosomes, ids = columns(rows)
    split = assign_splits(groups, chromosomes, ids, SplitSettings(seed=seed, test_fraction=0.4, val_fraction=0.3))
    assert set(split) <= set(SPLITS)
    for group in set(groups):
        assert len({s for s, g in zip(split, groups, strict=True) if g == group}) == 1


@given(records, st.integers(0, 5), st.booleans())
def test_a_gene_never_crosses_held_out_chromosomes(rows, seed, by_chromosome):
    rows = [*rows, (97, "1"), (98, "2")]  # so that both named chromosomes occur
    groups, chromosomes, ids = columns(rows)
    val = {"val_chromosomes": ["chr2"]} if by_chromosome else {"val_fraction": 0.5}
    split = assign_splits(groups, chromosomes, ids, SplitSettings(test_chromosomes=["chr1"], seed=seed, **val))
    for group in set(groups):
        assert len({s for s, g in zip(split, groups, strict=True) if g == group and s}) <= 1
    for s, chromosome in zip(split, chromosomes, strict=True):
        assert chromosome or s == ""
        assert s != "test" or chromosome == "1"
        assert not by_chromosome or s != "val" or chromosome == "2"
        assert s != "train" or chromosome not in ("1", "2") or (chromosome == "2" and not by_chromosome)


@pytest.mark.parametrize("names", [(["1", "X"], ["2"]), (["chr1", "chrX"], ["CHR2"])])
def test_held_out_chromosomes_with_and_without_chr(names):
    test, val = names
    split = assign_splits(
        list("abcdef"), ["1", "X", "2", "3", "", "MT"], list("abcdef"),
        SplitSettings(test_chromosomes=test, val_chromosomes=val),
    )  # fmt: skip
    assert split.tolist() == ["test", "test", "val", "train", "", "train"]


def test_a_gene_on_two_sides_is_left_out():
    groups = ["par", "par", "in", "in", "half", "half"]
    chromosomes = ["X", "3", "3", "4", "1", ""]
    split = assign_splits(
        groups, chromosomes, list("abcdef"), SplitSettings(test_chromosomes=["X", "1"], val_chromosomes=["4"])
    )
    assert split.tolist() == ["", "", "", "", "test", ""]


def test_auto_is_chromosome_where_one_is_named_else_gene():
    groups, chromosomes, ids = columns([(i, str(i % 3 + 1)) for i in range(60)])
    auto = assign_splits(groups, chromosomes, ids, SplitSettings())
    assert auto.tolist() == assign_splits(groups, chromosomes, ids, SplitSettings("gene")).tolist()
    held = SplitSettings(test_chromosomes=["2"])
    explicit = SplitSettings("chromosome", test_chromosomes=["2"])
    auto = assign_splits(groups, chromosomes, ids, held)
    assert auto.tolist() == assign_splits(groups, chromosomes, ids, explicit).tolist()
    assert {c for c, s in zip(chromosomes, auto, strict=True) if s == "test"} == {"2"}


def test_validation_by_gene_where_no_chromosome_is_named_for_it():
    groups = [f"gene{i // 2}" for i in range(4000)]
    chromosomes = [str(i // 2 % 4) for i in range(4000)]
    split = assign_splits(groups, chromosomes, groups, SplitSettings(test_chromosomes=["0"], val_fraction=0.2))
    rest = split[np.array(chromosomes) != "0"]
    assert set(rest) == {"train", "val"}
    assert (rest == "val").mean() == pytest.approx(0.2, abs=0.04)
    assert (split[np.array(chromosomes) == "0"] == "test").all()


@pytest.mark.parametrize("strategy", ["gene", "record"])
@pytest.mark.parametrize("seed", [0, 1])
def test_fractions_are_near(strategy, seed):
    ids = [f"r{i}" for i in range(6000)]
    groups = [f"g{i // 2}" for i in range(6000)]
    settings = SplitSettings(strategy, test_fraction=0.1, val_fraction=0.25, seed=seed)
    split = assign_splits(groups, [""] * 6000, ids, settings)
    # Three standard deviations of 3000 draws at 1/4 are 0.024.
    for part, share in (("test", 0.1), ("val", 0.25), ("train", 0.65)):
        assert (split == part).mean() == pytest.approx(share, abs=0.03)


def test_the_record_strategy_tears_genes_apart():
    ids = [f"r{i}" for i in range(100)]
    split = assign_splits(["one"] * 100, [""] * 100, ids, SplitSettings("record"))
    assert set(split) == set(SPLITS)


@given(records, records)
def test_adding_records_moves_none(rows, more):
    settings = SplitSettings(test_fraction=0.3, val_fraction=0.3)
    few = assign_splits(*columns(rows), settings)
    many = assign_splits(*columns([*rows, *more]), settings)
    assert many[: len(rows)].tolist() == few.tolist()


def test_seeds_give_other_splits_and_names_alone_decide():
    groups = [f"g{i}" for i in range(200)]
    a, b = (assign_splits(groups, [""] * 200, groups, SplitSettings(seed=s)) for s in (0, 1))
    assert (a != b).any()
    order = np.random.default_rng(0).permutation(200)
    shuffled = assign_splits([groups[i] for i in order], [""] * 200, groups, SplitSettings())
    assert shuffled.tolist() == a[order].tolist()


@given(st.text(), st.integers(0, 2**32))
def test_fraction_of_any_name(name, seed):
    assert 0 <= stable_fraction(name, seed) < 1
    assert stable_fraction(name, seed) == stable_fraction(name, seed)


def test_fraction_does_not_change_between_versions():
    # 8 bytes of the BLAKE2b of "0\0gene", by hand; every published split hangs on this number.
    assert stable_fraction("gene", 0) == 0.09347407813294205
    assert stable_fraction("\ud800", 0) >= 0  # an undecodable byte of a header, as Python reads it


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"strategy": "chromosom"}, UnknownName, "did you mean 'chromosome'"),
        ({"strategy": "chromosome"}, InputError, "test_chromosomes: expected at least one"),
        ({"test_fraction": 0.0}, InputError, r"test_fraction: expected a share between 0 and 1, got 0.0"),
        ({"val_fraction": 1.0}, InputError, "val_fraction: expected a share"),
        ({"val_fraction": float("nan")}, InputError, "val_fraction: expected a share"),
        ({"test_fraction": 0.5, "val_fraction": 0.5}, InputError, "nothing is left for training"),
        (
            {"test_chromosomes": ["chr1", "2"], "val_chromosomes": ["1"]},
            InputError,
            "chromosome 1 is named for both validation and test",
        ),
    ],
)
def test_bad_settings(options, error, message):
    with pytest.raises(error, match=message):
        SplitSettings(**options)


def test_a_chromosome_that_no_record_lies_on():
    settings = SplitSettings(test_chromosomes=["chr8"], val_chromosomes=["2"])
    with pytest.raises(InputError, match=r"no record lies on chromosome 8; found: 1, 2$"):
        assign_splits(["a", "b"], ["1", "2"], ["a", "b"], settings)
    with pytest.raises(InputError, match="the headers name no chromosome"):
        assign_splits(["a", "b"], ["", ""], ["a", "b"], settings)


def test_everything_is_test():
    settings = SplitSettings(test_chromosomes=["1"], val_chromosomes=["2"], seed=3).all_test()
    assert settings == SplitSettings(strategy="test", seed=3)
    assert assign_splits(["a", "b", "b"], ["1", "", "X"], ["x", "y", "z"], settings).tolist() == ["test"] * 3
    assert settings.splits == ("test",)
    assert SplitSettings().splits == SPLITS
    with pytest.raises(InputError, match="chromosomes are named, but the strategy is 'test'"):
        SplitSettings(strategy="test", test_chromosomes=["1"])
