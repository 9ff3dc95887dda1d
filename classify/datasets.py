"""Examples to batches: random crops for training, tiles for evaluation, pictures from files.

A batch is (input, label, row): uint8 codes (B, window) or uint8 pictures (B, 3, H, W), and int64 classes (B,) or int8 labels
(B, k); everything else (signals, spectra, colours) happens on the device. What an epoch draws is a function of
(seed, epoch, index) alone, carried in the keys of ``sampling``, so that any number of workers and any resumption see the
same examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from classify.augment import mix
from classify.distributed import share_of
from classify.examples import Examples, StoredLetters
from classify.pictures import read_picture
from classify.sampling import EpochSampler
from classify.settings import TrainingSettings
from specgen.errors import InputError
from specgen.sequences import Codes, tile_starts

__all__ = ["Batch", "Loader", "TileDataset", "TrainDataset", "evaluation_loader", "train_loader"]

Batch = tuple[Tensor, Tensor, Tensor]


class _Packed:
    """The letters of many sequences in one array, so that a batch of windows is one gather."""

    def __init__(self, sequences: Sequence[Codes], window: int) -> None:
        self.lengths = np.array([len(codes) for codes in sequences], dtype=np.int64)
        self.offsets = np.cumsum(self.lengths) - self.lengths
        letters = np.concatenate(sequences) if sequences else np.zeros(0, dtype=np.uint8)
        self._windows = np.lib.stride_tricks.sliding_window_view(letters, window) if len(letters) >= window else None

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64]) -> Tensor:
        """uint8 (n, window): the window of each row that begins at its start."""
        assert self._windows is not None
        return torch.from_numpy(self._windows[self.offsets[rows] + starts])


class _Stored:
    """The same of sequences that stay in their file."""

    def __init__(self, letters: StoredLetters, window: int) -> None:
        self.letters, self.window = letters, window
        self.lengths = np.full(len(letters), letters.length, dtype=np.int64)

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64]) -> Tensor:
        """uint8 (n, window)."""
        return torch.from_numpy(self.letters.gather(rows, starts, self.window))


def _packed(examples: Examples) -> _Packed | _Stored | None:
    """What gives windows of the examples; nothing for pictures."""
    letters = examples.sequences
    if isinstance(letters, StoredLetters):
        return _Stored(letters, examples.window)
    return None if letters is None else _Packed(letters, examples.window)


class TrainDataset(Dataset[Batch]):
    """One random crop (or one picture) of each example and epoch.

    Parameters
    ----------
    examples
        The training part.
    seed
        Of the crops.
    reshuffle
        See ``AugmentSettings``.

    Raises
    ------
    InputError
        Nothing there to be shuffled anew.

    Indexing takes the sampler's keys: epoch * len(examples) + index; -1 - key is an example that stands in for none and
    comes with row -1.
    """

    def __init__(self, examples: Examples, seed: int, *, reshuffle: bool = False) -> None:
        self.examples, self.seed = examples, seed
        self._packed = _packed(examples)
        self._shuffled = examples.shuffled if reshuffle else None
        if reshuffle and (self._shuffled is None or not self._shuffled.any()):
            raise InputError("augment.reshuffle: no training example is a dinucleotide shuffle of another")

    def __len__(self) -> int:
        return len(self.examples)

    def __getitems__(self, keys: Sequence[int]) -> Batch:
        given = np.asarray(keys, dtype=np.int64)
        epochs, rows = np.divmod(np.where(given < 0, -1 - given, given), len(self.examples))
        labels = torch.from_numpy(self.examples.truths(rows))
        told = torch.from_numpy(np.where(given < 0, -1, rows))
        if self._packed is None:
            return _pictures(self.examples, rows), labels, told
        draws = mix(self.seed, epochs, rows).view(np.uint64)
        starts = draws % (self._packed.lengths[rows] - self.examples.window + 1).astype(np.uint64)
        codes = self._packed.gather(rows, starts.astype(np.int64))
        if self._shuffled is not None:
            from classify._euler import shuffled_anew  # numba takes a second to import

            mine = self._shuffled[rows]
            codes[torch.from_numpy(mine)] = torch.from_numpy(shuffled_anew(codes[mine].numpy(), draws[mine]))
        return codes, labels, told


def _pictures(examples: Examples, rows: NDArray[np.int64]) -> Tensor:
    """uint8 (n, 3, H, W), read from their files."""
    assert examples.pictures is not None
    return torch.from_numpy(np.stack([read_picture(examples.pictures[row]) for row in rows]))


class TileDataset(Dataset[Batch]):
    """Every tile of every example, or every picture; the third column is the example's row.

    Parameters
    ----------
    most
        Most tiles per sequence, spread evenly over it; a single one is the centre crop.
    """

    def __init__(self, examples: Examples, most: int) -> None:
        self.examples = examples
        self._packed = _packed(examples)
        if self._packed is None:
            self.rows: NDArray[np.int64] = np.arange(len(examples))
            self.starts: NDArray[np.int64] = np.zeros(len(examples), dtype=np.int64)
            return
        margin, window = examples.margin, examples.window
        starts = [margin + tile_starts(n - 2 * margin, window, most=most) for n in self._packed.lengths.tolist()]
        self.rows = np.repeat(np.arange(len(examples)), [len(s) for s in starts])
        self.starts = np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, keys: Sequence[int]) -> Batch:
        places = np.asarray(keys, dtype=np.int64)
        rows = self.rows[places]
        labels, index = torch.from_numpy(self.examples.truths(rows)), torch.from_numpy(rows)
        if self._packed is None:
            return _pictures(self.examples, rows), labels, index
        return self._packed.gather(rows, self.starts[places]), labels, index


def train_loader(
    examples: Examples, sampler: EpochSampler, settings: TrainingSettings, *, pin: bool, reshuffle: bool = False
) -> Loader:
    """Batches of random crops; the last, smaller one is kept."""
    dataset = TrainDataset(examples, sampler.seed, reshuffle=reshuffle)
    return _loader(dataset, settings, pin, batch_sampler=sampler, keep=True)


def evaluation_loader(dataset: TileDataset, settings: TrainingSettings, *, pin: bool) -> Loader:
    """Batches of the tiles that are this process's, in order, twice as large as those of training."""
    size = 2 * settings.batch_size
    mine = share_of(len(dataset)).tolist()
    batches = [mine[low : low + size] for low in range(0, len(mine), size)]
    return _loader(dataset, settings, pin, batch_sampler=batches, keep=False)


def _loader(
    dataset: Dataset[Batch], settings: TrainingSettings, pin: bool, *, batch_sampler: Any, keep: bool
) -> Loader:
    workers = settings.workers
    return Loader(
        dataset,
        batch_sampler=batch_sampler,
        collate_fn=_as_is,
        # Its own generator: a loader that draws from the global one would move dropout's position in the stream.
        generator=torch.Generator(),
        num_workers=workers,
        prefetch_factor=settings.prefetch if workers else None,
        pin_memory=pin,
        persistent_workers=keep and workers > 0,
    )


class Loader(DataLoader[Batch]):
    """A DataLoader whose position Lightning need not keep: ``EpochSampler.begin`` sets it."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to do."""


def _as_is(batch: Any) -> Any:
    return batch
