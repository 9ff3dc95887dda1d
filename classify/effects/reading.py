"""Windows that wait for a network: each is read once, however many alleles share it, and only its numbers are kept."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from classify.effects.scores import Floats, Score
from classify.exons.windows import cut_windows
from specgen.sequences import Codes

__all__ = ["Pool"]


class Pool:
    """Windows of a batch of lines.

    Parameters
    ----------
    score
        What is told of them.
    width
        nt of a window.
    most
        How many wait at most.
    """

    def __init__(self, score: Score, width: int, most: int) -> None:
        self._score, self.width, self._most = score, width, most
        self._places: dict[bytes, int] = {}
        self._waiting: list[bytes] = []
        self._values: list[Floats] = []

    def __len__(self) -> int:
        return len(self._places)

    def places(self, windows: Codes) -> list[int]:
        """Where the numbers of windows, uint8 (n, W), will stand in ``values``."""
        found = []
        for window in windows:
            text = window.tobytes()
            # Digests and not windows: those of a distance would be gigabytes for long windows.
            key = blake2b(text, digest_size=16).digest()
            if key not in self._places:
                self._places[key] = len(self._places)
                self._waiting.append(text)
                if len(self._waiting) >= self._most:
                    self._read()
            found.append(self._places[key])
        return found

    def around(self, letters: Codes, middles: NDArray[np.int64], unclear: float) -> NDArray[np.int64]:
        """As ``places``, of the windows around places in letters; -1 where more than a share of a window is ambiguous."""
        found = np.full(len(middles), -1, dtype=np.int64)
        for low in range(0, len(middles), self._most):
            some = middles[low : low + self._most]
            windows = cut_windows(letters, some + 1, np.ones(len(some), dtype=np.int8), self.width)
            rows = np.flatnonzero((np.bitwise_count(windows) > 1).mean(axis=1) <= unclear)
            found[low + rows] = self.places(windows[rows])
        return found

    def values(self) -> Floats:
        """Numbers of all windows, (n, ...) as ``Score.values`` tells them; the pool is empty behind this."""
        if self._waiting or not self._values:
            self._read()
        values = np.concatenate(self._values)
        self._places, self._values = {}, []
        return values

    def _read(self) -> None:
        letters = np.frombuffer(bytearray(b"".join(self._waiting)), dtype=np.uint8)
        self._values.append(self._score.values(letters.reshape(len(self._waiting), self.width)))
        self._waiting = []
