"""The published networks of many chromatin features at once: DeepSEA and DanQ.

Sources: DeepSEA: Zhou & Troyanskaya 2015, Nature Methods 12:931; DanQ: Quang & Xie 2016, Nucleic Acids Research 44:e107.
Both read 1,000 nt and give 919 features; convolutions are unpadded.

A dense layer behind all places fixes how many there are: as many as a window of ``window`` nt leaves. A shorter or longer
one is brought to them by the maximum of the places that fall together, or by places that stand for several; windows
too short to leave any place get zeros on both sides. With ``window`` set to the window of the data nothing of the kind is done.

Both want the letters in front of them; networks that pool all places into one live elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from classify.models.base import check_sizes, register_model
from specgen.errors import InputError

__all__ = ["DanQ", "DeepSEA", "danq", "deepsea"]

FEATURES = 919
"""Published outputs: 125 DNase, 690 TF, 104 histone."""


def _places(stages: Sequence[tuple[int, int]], length: int) -> int:
    """Places that unpadded convolutions, each followed by a pooling, leave of ``length``."""
    for kernel, pool in stages:
        length = (length - kernel + 1) // pool
    return length


def _shortest(stages: Sequence[tuple[int, int]]) -> int:
    """The shortest window that leaves a place."""
    length = 1
    for kernel, pool in reversed(stages):
        length = length * pool + kernel - 1
    return length


class _Placed(nn.Module):
    """What both have in common: the number of places, and windows brought to it."""

    def __init__(self, model: str, stages: Sequence[tuple[int, int]], window: int) -> None:
        super().__init__()
        self.shortest = _shortest(stages)
        if not isinstance(window, int) or window < self.shortest:
            raise InputError(f"{model}: expected a window of {self.shortest} nt or more, got {window!r}")
        self.places = _places(stages, window)

    def long_enough(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) with zeros around them where L is below ``shortest``."""
        missing = max(0, self.shortest - letters.shape[2])
        return F.pad(letters, (missing // 2, missing - missing // 2))

    def placed(self, maps: Tensor) -> Tensor:
        """(B, width, places of any window) to (B, width * places)."""
        if maps.shape[2] != self.places:
            maps = F.adaptive_max_pool1d(maps, self.places)
        return maps.flatten(1)


class DeepSEA(_Placed):
    """Three convolutions of 8 letters, two of them pooled by 4, a dense layer behind all places, logits."""

    WIDTHS, STAGES, DROPOUT = (320, 480, 960), ((8, 4), (8, 4), (8, 1)), (0.2, 0.2, 0.5)

    def __init__(self, outputs: int, hidden: int, window: int) -> None:
        super().__init__("deepsea", self.STAGES, window)
        check_sizes("deepsea", hidden=hidden)
        layers: list[nn.Module] = []
        inputs = 4
        for width, (kernel, pool), dropout in zip(self.WIDTHS, self.STAGES, self.DROPOUT, strict=True):
            layers += [nn.Conv1d(inputs, width, kernel), nn.ReLU()]
            layers += [nn.MaxPool1d(pool)] if pool > 1 else []
            layers += [nn.Dropout(dropout)]
            inputs = width
        self.features = nn.Sequential(*layers)
        self.dense = nn.Linear(inputs * self.places, hidden)
        self.classifier = nn.Linear(hidden, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        maps = self.placed(self.features(self.long_enough(letters)))
        logits: Tensor = self.classifier(self.dense(maps).relu())
        return logits


class DanQ(_Placed):
    """320 motifs of 26 letters, pooled by 13, a bidirectional LSTM along the places, a dense layer behind all of them, logits."""

    STAGES = ((26, 13),)

    def __init__(self, outputs: int, hidden: int, window: int) -> None:
        super().__init__("danq", self.STAGES, window)
        check_sizes("danq", hidden=hidden)
        ((kernel, pool),) = self.STAGES
        self.features = nn.Sequential(nn.Conv1d(4, 320, kernel), nn.ReLU(), nn.MaxPool1d(pool), nn.Dropout(0.2))
        self.lstm = nn.LSTM(320, 320, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(2 * 320 * self.places, hidden)
        self.classifier = nn.Linear(hidden, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        # (B, places, 320): the recurrence runs along each sequence. A well-known port runs it along the batch.
        states, _ = self.lstm(self.features(self.long_enough(letters)).transpose(1, 2))
        maps = self.placed(self.dropout(states).transpose(1, 2))
        logits: Tensor = self.classifier(self.dense(maps).relu())
        return logits


@register_model(
    "deepsea",
    view="onehot",
    note="DeepSEA (Zhou & Troyanskaya 2015), 52,843,119 parameters with 919 outputs; its 925 hidden units are unverified",
)
def deepsea(outputs: int = FEATURES, hidden: int = 925, window: int = 1000) -> DeepSEA:
    """320, 480 and 960 filters of 8, dense 925; 52,843,119 parameters for 919 outputs at 1,000 nt.

    The hidden width of 925 is unverified; Selene's port has 919: 52,532,319 parameters. Its training: SGD, momentum .9,
    weight decay 1e-6.
    """
    return DeepSEA(outputs, hidden, window)


@register_model(
    "danq",
    view="onehot",
    note="DanQ (Quang & Xie 2016), 46,929,039 parameters with 919 outputs; 46,926,479 where an LSTM has one bias",
)
def danq(outputs: int = FEATURES, hidden: int = 925, window: int = 1000) -> DanQ:
    """Convolution, bidirectional LSTM of 320, dense 925; 46,929,039 parameters for 919 outputs at 1,000 nt.

    46,926,479 in counts with one bias. Published training: RMSprop, batch 100, up to 60 epochs, patience 5.
    """
    return DanQ(outputs, hidden, window)
