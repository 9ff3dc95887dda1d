"""Examples to batches: random crops for training, tiles for evaluation, pictures from files.

A batch is (input, label, row): uint8 codes (B, window) or uint8 pictures (B, 3, H, W); everything else (signals,
spectra, colours) happens on the device. What an epoch draws is a function of (seed, epoch, index) alone, carried in
the sampler's keys, so that any number of workers and any resumption see the same examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from classify.examples import Examples
from classify.pictures import read_picture
from specgen.sequences import gather_windows, tile_starts

__all__ = ["Batch", "EpochSampler", "TileDataset", "TrainDataset", "evaluation_loader", "train_loader"]

Batch = tuple[Tensor, Tensor, Tensor]


def _mix(*words: int | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash of integers, vectorised over arrays (splitmix64 finaliser, Steele et al. 2014)."""
    state = np.zeros(1, dtype=np.uint64)
    for word in words:
        state = (state ^ np.asarray(word, dtype=np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return state


class TrainDataset(Dataset[Batch]):
    """One random crop (or one picture) of each example and epoch.

    Parameters
    ----------
    examples
        The training part.
    seed
        Of the crops.

    Indexing takes the sampler's keys: epoch * len(examples) + index.
    """

    def __init__(self, examples: Examples, seed: int) -> None:
        self.examples, self.seed = examples, seed

    def __len__(self) -> int:
        return len(self.examples)

    def __getitems__(self, keys: Sequence[int]) -> Batch:
        epochs, rows = np.divmod(np.asarray(keys, dtype=np.int64), len(self.examples))
        labels = torch.from_numpy(self.examples.labels[rows])
        if self.examples.sequences is None:
            assert self.examples.pictures is not None
            pictures = np.stack([read_picture(self.examples.pictures[row]) for row in rows])
            return torch.from_numpy(pictures), labels, torch.from_numpy(rows)
        window = self.examples.window
        draws = _mix(self.seed, epochs.astype(np.uint64), rows.astype(np.uint64))
        crops = np.empty((len(rows), window), dtype=np.uint8)
        for i, (row, draw) in enumerate(zip(rows, draws, strict=True)):
            codes = self.examples.sequences[row]
            start = int(draw % np.uint64(len(codes) - window + 1))
            crops[i] = codes[start : start + window]
        return torch.from_numpy(crops), labels, torch.from_numpy(rows)


class TileDataset(Dataset[Batch]):
    """Every tile of every example, or every picture; the third column is the example's row.

    Parameters
    ----------
    most
        Most tiles per sequence, spread evenly over it; a single one is the centre crop.
    """

    def __init__(self, examples: Examples, most: int) -> None:
        self.examples = examples
        if examples.sequences is None:
            self.rows: NDArray[np.int64] = np.arange(len(examples))
            self.starts: NDArray[np.int64] = np.zeros(len(examples), dtype=np.int64)
            return
        window = examples.window
        starts = [tile_starts(len(codes), window, most=most) for codes in examples.sequences]
        self.rows = np.repeat(np.arange(len(examples)), [len(s) for s in starts])
        self.starts = np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, keys: Sequence[int]) -> Batch:
        rows = self.rows[np.asarray(keys)]
        labels, index = torch.from_numpy(self.examples.labels[rows]), torch.from_numpy(rows)
        if self.examples.sequences is None:
            assert self.examples.pictures is not None
            pictures = np.stack([read_picture(self.examples.pictures[row]) for row in rows])
            return torch.from_numpy(pictures), labels, index
        window = self.examples.window
        tiles = [
            gather_windows(self.examples.sequences[row], self.starts[[key]], window)
            for row, key in zip(rows, keys, strict=True)
        ]
        return torch.from_numpy(np.concatenate(tiles)), labels, index


class EpochSampler(Sampler[int]):
    """Keys of one epoch in shuffled order; with ``balance``, as many of each class as the smallest has.

    The order is a function of (seed, epoch). Lightning calls ``set_epoch`` before each epoch, after resuming too.
    """

    def __init__(self, labels: NDArray[np.int64], seed: int, balance: bool) -> None:
        self.labels, self.seed, self.epoch = labels, seed, 0
        self.members = [np.flatnonzero(labels == k) for k in np.unique(labels)] if balance else [np.arange(len(labels))]
        self.size = min(len(indices) for indices in self.members)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size * len(self.members)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        drawn = np.concatenate([rng.permutation(indices)[: self.size] for indices in self.members])
        keys = rng.permutation(drawn) + self.epoch * len(self.labels)
        return iter(keys.tolist())


def train_loader(examples: Examples, *, batch_size: int, seed: int, balance: bool, workers: int) -> DataLoader[Batch]:
    """Batches of random crops; the last, smaller one is kept."""
    return DataLoader(
        TrainDataset(examples, seed),
        batch_size=batch_size,
        sampler=EpochSampler(examples.labels, seed, balance),
        collate_fn=_as_is,
        # Its own generator: a loader that draws from the global one would move dropout's position in the stream.
        generator=torch.Generator(),
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=workers > 0,
    )


def evaluation_loader(examples: Examples, *, most: int, batch_size: int, workers: int) -> DataLoader[Batch]:
    """Batches of tiles, in order."""
    return DataLoader(
        TileDataset(examples, most),
        batch_size=batch_size,
        collate_fn=_as_is,
        # Its own generator: a loader that draws from the global one would move dropout's position in the stream.
        generator=torch.Generator(),
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
    )


def _as_is(batch: Any) -> Any:
    return batch
