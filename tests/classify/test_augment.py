"""Draws that depend on (seed, epoch, row) alone, and turned strands."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classify.augment import ReverseComplement, Shift, mix
from specgen.sequences import encode, reverse_complement


def splitmix(*words):
    """In Python's unbounded integers."""
    mask, state = (1 << 64) - 1, 0
    for word in words:
        state = ((state ^ (word & mask)) + 0x9E3779B97F4A7C15) & mask
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
        state ^= state >> 31
    return state


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6), st.lists(st.integers(-1, 10**9), min_size=1, max_size=9))
def test_the_hash_is_the_published_one(seed, epoch, rows):
    expected = [splitmix(seed, epoch, row) for row in rows]
    assert (mix(seed, epoch, np.array(rows)).view(np.uint64) == np.array(expected, dtype=np.uint64)).all()
    assert (mix(seed, epoch, torch.tensor(rows)).numpy().view(np.uint64) == np.array(expected, dtype=np.uint64)).all()


def test_who_is_turned_does_not_depend_on_the_batch():
    rng = np.random.default_rng(0)
    codes = torch.from_numpy(rng.choice(np.array([1, 2, 4, 8, 15, 5], dtype=np.uint8), (2000, 30)))
    rows = torch.arange(2000)
    turn = ReverseComplement(0.3, seed=4)
    turned = turn(codes, 2, rows)
    alone = torch.cat([turn(codes[i : i + 1], 2, rows[i : i + 1]) for i in range(200)])
    assert torch.equal(turned[:200], alone)
    expected = np.array([reverse_complement(row) for row in codes.numpy()])
    same, other = (turned == codes).all(1).numpy(), (turned.numpy() == expected).all(1)
    assert (same | other).all()
    # Four standard deviations of a share of .3 among 2000 are .041.
    assert other.mean() == pytest.approx(0.3, abs=0.041)
    assert not torch.equal(turned, turn(codes, 3, rows))


@pytest.mark.parametrize(("share", "expected"), [(0.0, "AACGN"), (1.0, "NCGTT")])
def test_none_and_all(share, expected):
    codes = torch.from_numpy(encode("AACGN"))[None]
    assert (ReverseComplement(share, 0)(codes, 0, torch.tensor([0]))[0].numpy() == encode(expected)).all()


def test_moved_letters_stay_in_order_and_blanks_come_in():
    rng = np.random.default_rng(0)
    codes = torch.from_numpy(rng.choice(np.array([1, 2, 4, 8], dtype=np.uint8), (500, 12)))
    rows = torch.arange(500)
    moved = Shift(3, seed=4)(codes, 2, rows)
    assert moved.dtype == torch.uint8
    seen = set()
    for old, new in zip(codes.numpy(), moved.numpy(), strict=True):
        padded = np.pad(old, 3)
        fits = [start for start in range(7) if np.array_equal(padded[start : start + 12], new)]
        assert len(fits) == 1
        seen.add(fits[0] - 3)
    assert seen == set(range(-3, 4))
    assert torch.equal(Shift(3, seed=4)(codes[7:9], 2, rows[7:9]), moved[7:9])
    assert not torch.equal(Shift(3, seed=4)(codes, 3, rows), moved)
    assert torch.equal(Shift(0, seed=4)(codes, 2, rows), codes)
