"""Which examples an epoch draws, in which order, and which of them go together: batches of keys.

A key is epoch * n + row; ``datasets`` makes windows of it. Everything is a function of (seed, epoch) alone. Letters are not
looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from classify.examples import Examples
from classify.settings import TrainingSettings

__all__ = ["EpochSampler", "SliceSampler", "make_sampler"]

Ints = NDArray[np.int64]


class EpochSampler(Sampler[list[int]]):
    """This process's batches of keys of one epoch in shuffled order; with ``balance``, as many of each class as the
    smallest has.

    The order is a function of (seed, epoch). A step takes ``batch_size`` keys for each of ``processes``, shared out evenly, the
    last step too; where it has fewer keys than processes, some get a key that counts nothing (see ``TrainDataset``). So
    every example is drawn once, and every process has as many batches. Lightning calls ``set_epoch`` before each epoch,
    after resuming too.

    Parameters
    ----------
    labels
        (n,) class of each example.
    steps
        Batches of an epoch, of which the last is full, too; examples come again where there are not enough. 0 = all
        examples once.
    """

    def __init__(
        self,
        labels: Ints,
        seed: int,
        *,
        balance: bool,
        batch_size: int,
        process: int = 0,
        processes: int = 1,
        steps: int = 0,
    ) -> None:
        self.labels, self.seed, self.epoch, self.done, self.steps = labels, seed, 0, 0, steps
        self.members = [np.flatnonzero(labels == k) for k in np.unique(labels)] if balance else [np.arange(len(labels))]
        self.batch_size, self.process, self.processes = batch_size, process, processes

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws; another than before is drawn from its first batch."""
        if epoch != self.epoch:
            self.begin(epoch, 0)

    def begin(self, epoch: int, done: int) -> None:
        """Go on in an epoch after ``done`` batches."""
        self.epoch, self.done = epoch, done

    @property
    def sampler(self) -> EpochSampler:
        """Itself: Lightning calls ``set_epoch`` of a batch sampler's sampler."""
        return self

    @property
    def together(self) -> int:
        """Keys of a step, of all processes."""
        return self.batch_size * self.processes

    @property
    def examples(self) -> int:
        """Examples of an epoch, of all processes."""
        return self.steps * self.together or min(map(len, self.members)) * len(self.members)

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return -(-self.examples // self.together)

    def keys(self) -> Ints:
        """Keys of the epoch in order, of all processes."""
        rng = np.random.default_rng([self.seed, self.epoch])
        size = min(map(len, self.members))
        rounds: list[Ints] = []
        while sum(len(part) for part in rounds) < self.examples:
            drawn = np.concatenate([rng.permutation(indices)[:size] for indices in self.members])
            rounds.append(rng.permutation(drawn))
        keys: Ints = np.concatenate(rounds)[: self.examples] + self.epoch * len(self.labels)
        return keys

    def __iter__(self) -> Iterator[list[int]]:
        keys, step = self.keys(), self.together
        for low in range(self.done * step, len(keys), step):
            mine = np.array_split(keys[low : low + step], self.processes)[self.process]
            yield mine.tolist() or [-1 - int(keys[low])]


class SliceSampler(EpochSampler):
    """Batches of neighbours: a chromosome at random, each as likely as any other, and a run of its rows in stored order.

    As ExonSearch reads its HDF5 files. Neighbours resemble one another and small chromosomes come too often, so this is
    for comparison; ``EpochSampler`` is as fast on memory-mapped rows. An epoch has as many examples as that of an
    ``EpochSampler``, not each of them once. With ``balance``, a run of as many rows of each class.

    Parameters
    ----------
    chromosomes
        (n,) name of each example's chromosome.
    shares
        As of an ``EpochSampler``.
    """

    def __init__(
        self,
        labels: Ints,
        seed: int,
        *,
        chromosomes: Sequence[str],
        **shares: Any,
    ) -> None:
        super().__init__(labels, seed, **shares)
        names = np.unique(np.asarray(chromosomes), return_inverse=True)[1].reshape(-1)
        by_name = [[rows[names[rows] == i] for rows in self.members] for i in range(int(names.max(initial=-1)) + 1)]
        self.places = [parts for parts in by_name if all(map(len, parts))]

    def keys(self) -> Ints:
        """Keys of the epoch in order, of all processes."""
        rng = np.random.default_rng([self.seed, self.epoch])
        drawn: list[Ints] = []
        for size in np.diff([*range(0, self.examples, self.together), self.examples]):
            parts = self.places[rng.integers(len(self.places))]
            for rows, share in zip(parts, np.array_split(np.zeros(size), len(parts)), strict=True):
                low = rng.integers(max(1, len(rows) - len(share) + 1))
                drawn.append(rows[(low + np.arange(len(share))) % len(rows)])
        keys: Ints = np.concatenate(drawn) + self.epoch * len(self.labels)
        return keys


def make_sampler(
    train: Examples, seed: int, settings: TrainingSettings, *, balance: bool, process: int = 0, processes: int = 1
) -> EpochSampler:
    """The sampler of ``training.order``."""
    share: dict[str, Any] = {"balance": balance, "process": process, "processes": processes}
    sizes: dict[str, Any] = {"batch_size": settings.batch_size, "steps": settings.steps}
    if settings.order == "slices":
        return SliceSampler(train.labels, seed, chromosomes=train.chromosomes, **share, **sizes)
    return EpochSampler(train.labels, seed, **share, **sizes)
