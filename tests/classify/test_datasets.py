"""Batches: crops fixed by (seed, epoch, index) alone, balanced epochs, tiles that cover, the same windows for all."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from classify.datasets import TileDataset, TrainDataset, evaluation_loader, train_loader
from classify.examples import Examples
from classify.models import MODELS
from classify.module import average_tiles
from classify.sampling import EpochSampler
from classify.settings import RunSettings, TrainingSettings
from classify.views import build_view
from specgen.errors import InputError

WINDOW = 30


def make(lengths, labels=None, window=WINDOW, seed=0):
    """Random sequences of the given lengths."""
    rng = np.random.default_rng(seed)
    n = len(lengths)
    return Examples(
        classes=("LNSD", "CDN"),
        ids=[f"r{i}" for i in range(n)],
        labels=np.array(labels if labels is not None else [i % 2 for i in range(n)], dtype=np.int64),
        groups=[f"g{i}" for i in range(n)],
        chromosomes=[""] * n,
        lengths=np.array(lengths, dtype=np.int64),
        split=np.array(["train"] * n),
        sequences=[rng.choice(np.array([1, 2, 4, 8], dtype=np.uint8), size) for size in lengths],
        window=window,
    )


def sampler_of(labels, seed, balance=True, batch_size=1, **more):
    return EpochSampler(np.array(labels), seed, balance=balance, batch_size=batch_size, **more)


def flat(batches):
    return [key for batch in batches for key in batch]


def starts_of(crops, examples, rows):
    """Where each crop lies in its sequence; ramps would wrap, so it is searched for."""
    found = []
    for crop, row in zip(crops.numpy(), rows.numpy(), strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(examples.sequences[row], len(crop))
        hits = np.flatnonzero((windows == crop).all(axis=1))
        assert len(hits), "the crop is not in its sequence"
        found.append(int(hits[0]))
    return found


def test_crops_lie_inside_and_differ_between_epochs_and_seeds():
    examples = make([WINDOW, WINDOW + 1, 200, 400, 1000])
    dataset = TrainDataset(examples, seed=1)
    starts = []
    for epoch in range(4):
        crops, labels, rows = dataset.__getitems__([epoch * 5 + i for i in range(5)])
        assert crops.shape == (5, WINDOW)
        assert crops.dtype == torch.uint8
        assert rows.tolist() == [0, 1, 2, 3, 4]
        assert labels.tolist() == examples.labels.tolist()
        starts.append(starts_of(crops, examples, rows))
    assert len({tuple(s) for s in starts}) == 4
    assert {s[0] for s in starts} == {0}
    other, _, rows = TrainDataset(examples, seed=2).__getitems__(range(5))
    assert starts_of(other, examples, rows) != starts[0]


@given(st.lists(st.integers(0, 39), min_size=1, max_size=12), st.integers(0, 3))
def test_a_crop_does_not_depend_on_its_batch(keys, seed):
    examples = make([40, 50, 60, 70, 80, 90, 100, 110])
    dataset = TrainDataset(examples, seed)
    together = dataset.__getitems__(keys)
    for i, key in enumerate(keys):
        alone = dataset.__getitems__([key])
        assert torch.equal(alone[0][0], together[0][i])
        assert alone[2][0] == together[2][i] == key % 8


def pairs(codes):
    """Counts of neighbours."""
    return Counter(zip(codes[:-1].tolist(), codes[1:].tolist(), strict=True))


class TestReshuffle:
    def examples(self):
        made = make([WINDOW] * 6)
        for codes in made.sequences[:2]:
            codes[:4], codes[-3:] = 0, 0  # a short record between blanks
        return replace(made, shuffled=made.labels == 0)

    def test_only_shuffles_are_drawn_anew_and_keep_their_pairs(self):
        examples = self.examples()
        dataset = TrainDataset(examples, 3, reshuffle=True)
        plain = TrainDataset(examples, 3).__getitems__(range(6))[0]
        epochs = [dataset.__getitems__(6 * epoch + np.arange(6))[0] for epoch in range(3)]
        for codes in epochs:
            for old, new, label in zip(plain, codes, examples.labels, strict=True):
                assert pairs(new) == pairs(old)
                assert torch.equal(new == 0, old == 0)
                assert torch.equal(new, old) == (label == 1)
        assert not torch.equal(epochs[0], epochs[1])
        assert not torch.equal(epochs[1], epochs[2])

    def test_a_shuffle_does_not_depend_on_its_batch(self):
        dataset = TrainDataset(self.examples(), 3, reshuffle=True)
        whole = dataset.__getitems__(range(12))[0]
        assert torch.equal(dataset.__getitems__([8, 2])[0], whole[[8, 2]])

    def test_the_letters_of_the_table_stay(self):
        examples = self.examples()
        before = [codes.copy() for codes in examples.sequences]
        TrainDataset(examples, 3, reshuffle=True).__getitems__(range(6))
        assert all(np.array_equal(a, b) for a, b in zip(before, examples.sequences, strict=True))

    @pytest.mark.parametrize("marks", [None, np.zeros(6, dtype=bool)])
    def test_nothing_to_shuffle(self, marks):
        with pytest.raises(InputError, match=r"augment\.reshuffle: no training example is a dinucleotide shuffle"):
            TrainDataset(replace(self.examples(), shuffled=marks), 3, reshuffle=True)


def test_workers_change_nothing():
    examples = make([50 + 7 * i for i in range(23)], labels=[0] * 14 + [1] * 9)
    epochs = {}
    for workers in (0, 2):
        sampler = sampler_of(examples.labels, 5, batch_size=4)
        loader = train_loader(examples, sampler, TrainingSettings(workers=workers), pin=False)
        epochs[workers] = []
        for epoch in (0, 1):
            sampler.set_epoch(epoch)
            epochs[workers].append([torch.cat(column) for column in zip(*loader, strict=True)])
    for alone, parallel in zip(epochs[0], epochs[2], strict=True):
        assert len(alone[0]) == 18
        assert all(torch.equal(a, b) for a, b in zip(alone, parallel, strict=True))
    assert not torch.equal(epochs[0][0][0], epochs[0][1][0])


def test_phases_are_drawn_alike():
    n = 3000
    examples = make([WINDOW + 89] * n)  # 90 starts, 30 of each phase
    positions = np.arange(WINDOW + 89) % 3
    ramps = [np.array([1, 2, 4], dtype=np.uint8)[positions]] * n
    examples = Examples(**{**vars(examples), "sequences": ramps})
    crops, _, _ = TrainDataset(examples, 0).__getitems__(range(n))
    shares = np.array([(crops[:, 0] == code).float().mean().item() for code in (1, 2, 4)])
    # Four standard deviations of a binomial share at n = 3000 are 0.034.
    assert shares == pytest.approx(np.full(3, 1 / 3), abs=0.035)


def test_every_start_occurs():
    examples = make([WINDOW + 9])
    crops, _, rows = TrainDataset(examples, 0).__getitems__(range(300))
    assert set(starts_of(crops, examples, rows)) == set(range(10))


labels_of_epochs = st.lists(st.integers(0, 2), min_size=3, max_size=40).filter(lambda x: set(x) == {0, 1, 2})


@given(labels_of_epochs, st.integers(0, 9), st.integers(0, 9))
def test_balanced_epochs(labels, seed, epoch):
    labels = np.array(labels)
    sampler = sampler_of(labels, seed)
    sampler.set_epoch(epoch)
    keys = np.array(flat(sampler))
    assert len(keys) == len(sampler) == 3 * np.bincount(labels).min()
    assert (keys // len(labels) == epoch).all()
    rows = keys % len(labels)
    assert len(set(rows.tolist())) == len(rows)
    assert len(set(np.bincount(labels[rows], minlength=3))) == 1
    assert flat(sampler) == keys.tolist() == sampler.keys().tolist()


def test_epochs_and_seeds_differ_and_the_larger_class_is_covered():
    labels = np.array([0] * 50 + [1] * 10)
    sampler = sampler_of(labels, 0)
    seen, orders = set(), set()
    for epoch in range(40):
        sampler.set_epoch(epoch)
        rows = [key % 60 for key in flat(sampler)]
        seen |= set(rows)
        orders.add(tuple(rows))
    assert seen == set(range(60))
    assert len(orders) == 40
    assert list(sampler_of(labels, 1)) != list(sampler_of(labels, 0))


def test_unbalanced_epochs_hold_every_example_once():
    labels = np.array([0] * 50 + [1] * 10)
    rows = flat(sampler_of(labels, 0, balance=False))
    assert sorted(rows) == list(range(60))
    assert rows != sorted(rows)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3))
def test_processes_share_an_epoch(n, batch_size, processes, epoch):
    one = sampler_of([0] * n, 3, balance=False, batch_size=batch_size * processes)
    shares = [
        sampler_of([0] * n, 3, balance=False, batch_size=batch_size, process=i, processes=processes)
        for i in range(processes)
    ]
    for sampler in (one, *shares):
        sampler.set_epoch(epoch)
    assert {len(sampler) for sampler in shares} == {len(one)}
    steps = list(zip(*shares, strict=True))
    assert [sorted(key for part in step for key in part if key >= 0) for step in steps] == [sorted(b) for b in one]
    assert all(part for step in steps for part in step)
    assert all(len(part) <= batch_size for step in steps for part in step)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 6))
def test_going_on_within_an_epoch(n, batch_size, done):
    sampler = sampler_of([0] * n, 3, balance=False, batch_size=batch_size)
    whole = list(sampler)
    sampler.begin(0, done)
    sampler.set_epoch(0)  # as Lightning does, which knows no more
    assert list(sampler) == whole[done:]
    assert len(sampler) == len(whole)
    sampler.set_epoch(1)
    assert len(list(sampler)) == len(whole)


def test_a_key_that_stands_in_counts_nothing():
    examples = make([40, 50, 60])
    codes, _, rows = TrainDataset(examples, 0).__getitems__([4, -1 - 4, 2])
    assert rows.tolist() == [1, -1, 2]
    assert torch.equal(codes[0], codes[1])


@given(st.lists(st.integers(WINDOW, 200), min_size=1, max_size=5), st.integers(2, 12))
def test_tiles_cover_or_are_spread(lengths, most):
    examples = make(lengths)
    dataset = TileDataset(examples, most)
    tiles, labels, rows = dataset.__getitems__(range(len(dataset)))
    assert tiles.shape == (len(dataset), WINDOW)
    assert labels.tolist() == examples.labels[rows.numpy()].tolist()
    for row, codes in enumerate(examples.sequences):
        starts = dataset.starts[dataset.rows == row]
        assert starts[0] == 0
        assert starts[-1] == max(0, len(codes) - WINDOW)
        assert len(starts) <= most
        if len(codes) <= WINDOW * most:
            covered = {p for start in starts for p in range(start, start + WINDOW)}
            assert covered == set(range(len(codes)))
        for tile, start in zip(tiles[rows == row].numpy(), starts, strict=True):
            assert (tile == codes[start : start + WINDOW]).all()


def test_a_single_tile_is_the_centre():
    examples = make([30, 31, 100])
    dataset = TileDataset(examples, most=1)
    assert dataset.rows.tolist() == [0, 1, 2]
    assert dataset.starts.tolist() == [0, 0, 35]


def test_evaluation_loader_keeps_the_order():
    examples = make([30, 100, 64])
    batches = list(evaluation_loader(TileDataset(examples, 8), TrainingSettings(batch_size=2), pin=False))
    assert torch.cat([rows for _, _, rows in batches]).tolist() == [0, 1, 1, 1, 1, 2, 2, 2]
    assert [len(labels) for _, labels, _ in batches] == [4, 4]


def test_models_of_pictures_and_of_letters_get_the_same_windows():
    # The windows come before the view, so the letters behind every picture are those that a letter model reads.
    examples = make([700, 900], window=600)
    settings = RunSettings()
    codes, _, _ = TrainDataset(examples, 3).__getitems__([0, 1])
    letters = build_view(examples.kind, "onehot", settings)(codes)
    pictures = build_view(examples.kind, MODELS["conv3"].view, settings)
    assert letters.shape == (2, 4, 600)
    assert torch.allclose(pictures(letters), pictures(codes), atol=1e-5)
    assert torch.equal(2 ** letters.argmax(1), codes.long())


@pytest.mark.parametrize("lean", [False, True])
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=8),
    outputs=st.integers(1, 3),
    random=st.randoms(use_true_random=False),
)
def test_average_of_tiles(sizes, outputs, random, lean):
    rows = [i for i, size in enumerate(sizes) for _ in range(size)]
    random.shuffle(rows)
    logits = np.random.default_rng(len(rows)).normal(size=(len(rows), outputs)).astype(np.float32)
    labels = np.array([row % 2 for row in rows])
    mean, truth = average_tiles(logits, labels, np.array(rows), lean=lean)
    assert mean.dtype == (np.float32 if lean else np.float64)
    for i in range(len(sizes)):
        of_this = [logits[j].astype(np.float64) for j in range(len(rows)) if rows[j] == i]
        assert mean[i] == pytest.approx(sum(of_this) / len(of_this), abs=1e-6 if lean else 1e-12)
        assert truth[i] == i % 2


def test_pictures_come_from_their_files(tmp_path):
    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for file, array in zip(files, arrays, strict=True):
        Image.fromarray(array).save(file)
    examples = Examples(
        ("a", "b"), list("xyz"), np.array([0, 1, 1]), list("xyz"), [""] * 3, np.zeros(3, np.int64),
        np.array(["train"] * 3), pictures=[(file, -1) for file in files],
    )  # fmt: skip
    for dataset, keys in ((TrainDataset(examples, 0), [3 + 2, 3 + 0]), (TileDataset(examples, 8), [2, 0])):
        assert len(dataset) == 3
        pictures, labels, rows = dataset.__getitems__(keys)
        assert pictures.dtype == torch.uint8
        assert (pictures.permute(0, 2, 3, 1).numpy() == arrays[[2, 0]]).all()
        assert labels.tolist() == [1, 0]
        assert rows.tolist() == [2, 0]
