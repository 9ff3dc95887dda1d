"""Order of examples: runs of neighbours as ExonSearch draws them, epochs of a given number of steps, the factory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.examples import Examples
from classify.sampling import EpochSampler, SliceSampler, make_sampler
from classify.settings import TrainingSettings
from specgen.errors import InputError

CHROMOSOMES = ["I"] * 60 + ["II"] * 30 + ["III"] * 10
LABELS = np.arange(100) % 2


def slices(batch_size=8, balance=False, seed=0, **more):
    return SliceSampler(LABELS, seed, chromosomes=CHROMOSOMES, balance=balance, batch_size=batch_size, **more)


class TestSlices:
    @given(st.integers(1, 30), st.integers(0, 5))
    def test_a_batch_is_a_run_of_rows_of_one_chromosome(self, size, epoch):
        sampler = slices(size)
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler) == -(-100 // size)
        for batch in batches:
            rows = np.array(batch) - 100 * epoch
            assert len({CHROMOSOMES[row] for row in rows}) == 1
            length = CHROMOSOMES.count(CHROMOSOMES[rows[0]])
            if len(rows) <= length:
                assert (np.diff(rows) == 1).all()

    def test_every_chromosome_is_as_likely_whatever_its_size(self):
        sampler = slices(1, steps=6000)
        drawn = np.array([CHROMOSOMES[batch[0] % 100] for batch in sampler])
        shares = [(drawn == name).mean() for name in ("I", "II", "III")]
        assert np.allclose(shares, 1 / 3, atol=0.025)  # standard error .006

    def test_balanced_batches_hold_as_many_of_each_class_side_by_side(self):
        for batch in slices(8, balance=True, steps=20):
            rows = np.array(batch) % 100
            assert (LABELS[rows] == 1).sum() == 4
            for label in (0, 1):
                assert (np.diff(rows[LABELS[rows] == label]) == 2).all()  # every other row is of the other class

    def test_a_chromosome_without_one_of_the_classes_is_left_out_of_balanced_batches(self):
        labels = np.array([0, 1, 0, 1, 1, 1])
        sampler = SliceSampler(labels, 0, chromosomes=list("aaaabb"), balance=True, batch_size=2, steps=50)
        assert {key % 6 for batch in sampler for key in batch} <= {0, 1, 2, 3}

    def test_the_epoch_decides_the_draw_and_it_can_be_gone_on_with(self):
        first, again = slices(), slices()
        assert list(first) == list(again)
        again.begin(0, 5)
        assert list(again) == list(first)[5:]
        again.set_epoch(1)
        assert [key - 100 for batch in again for key in batch] != [key for batch in first for key in batch]

    def test_processes_share_each_step(self):
        whole = list(slices(8))
        parts = [list(slices(4, process=i, processes=2)) for i in range(2)]
        assert [a + b for a, b in zip(*parts, strict=True)] == whole


class TestSteps:
    @given(st.integers(1, 40), st.integers(1, 9), st.booleans())
    def test_an_epoch_has_that_many_full_batches(self, steps, size, balance):
        sampler = EpochSampler(LABELS, 0, balance=balance, batch_size=size, steps=steps)
        batches = list(sampler)
        assert len(batches) == len(sampler) == steps
        assert {len(batch) for batch in batches} == {size}
        assert sampler.examples == steps * size

    def test_nothing_comes_twice_before_everything_came_once(self):
        keys = [key for batch in EpochSampler(LABELS, 3, balance=False, batch_size=10, steps=25) for key in batch]
        for low in (0, 100):
            assert sorted(keys[low : low + 100]) == list(range(100))
        assert len(set(keys[200:])) == 50


def test_the_factory_follows_the_settings():
    n = len(LABELS)
    train = Examples(
        classes=("a", "b"),
        ids=[str(i) for i in range(n)],
        labels=LABELS,
        groups=[str(i) for i in range(n)],
        chromosomes=CHROMOSOMES,
        lengths=np.full(n, 3),
        split=np.array(["train"] * n),
        sequences=[np.array([1, 2, 4], dtype=np.uint8)] * n,
        window=3,
    )
    plain = make_sampler(train, 1, TrainingSettings(batch_size=7), balance=True)
    assert type(plain) is EpochSampler
    assert (plain.batch_size, len(plain.members)) == (7, 2)
    theirs = make_sampler(train, 1, TrainingSettings(order="slices", steps=4), balance=False, process=1, processes=3)
    assert type(theirs) is SliceSampler
    assert (theirs.steps, theirs.process, theirs.processes) == (4, 1, 3)
    with pytest.raises(InputError, match=r"training\.order.*slices"):
        TrainingSettings(order="slice")
