"""Background letters: a stationary Markov chain of any small order, drawn around letters that are given.

Bases are 0..3 for A, C, G, T in here; ``simulation`` makes codes of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.planted.settings import BackgroundSettings
from specgen.errors import InputError
from specgen.files import expand
from specgen.sequences import BASES, Codes, encode

__all__ = ["FREE", "Bases", "Chain", "Floats", "bases_of", "draw", "make_chain"]

Floats = NDArray[np.float64]
Bases = NDArray[np.integer[Any]]
"""Integers (n, length): 0..3 for A, C, G, T."""
FREE = -1
"""Of a letter that is not given but drawn."""

_BASE_OF_CODE = np.full(16, -1, dtype=np.int64)
_BASE_OF_CODE[encode(BASES)] = np.arange(4)
_ROUNDS = 10_000


@dataclass(frozen=True)
class Chain:
    """A stationary chain.

    Attributes
    ----------
    tables
        tables[j] (4**j, 4): probability of the next base after the last j ones, for j = 0..order; those of j < order begin
        a sequence. A context is a number in base 4, its oldest letter first.
    """

    tables: tuple[Floats, ...]

    @property
    def order(self) -> int:
        """Letters that the next one depends on."""
        return len(self.tables) - 1


def bases_of(codes: Codes) -> NDArray[np.int64]:
    """uint8 codes (..., length) to bases 0..3, -1 for ambiguity letters and padding."""
    bases: NDArray[np.int64] = _BASE_OF_CODE[codes]
    return bases


def make_chain(settings: BackgroundSettings) -> Chain:
    """The chain of the settings.

    Raises
    ------
    InputError
        A file that cannot be read, or without a run of ``order`` + 1 letters A, C, G, T.
    """
    order = settings.order
    if settings.like:
        weights = _counted(settings.like, order)
    elif order:
        weights = np.array([settings.transitions[_word(i, order)] for i in range(4**order)], dtype=np.float64)
    else:
        weights = np.array([settings.frequencies], dtype=np.float64)
    last = weights / weights.sum(axis=1, keepdims=True)
    share = _stationary(last)
    tables = [last]
    for _ in range(order):
        # (4**j,) shares of words become those of words one letter shorter, and what follows those.
        with np.errstate(invalid="ignore"):
            following = share.reshape(-1, 4)
            table = following / following.sum(axis=1, keepdims=True)
        tables.append(np.where(np.isnan(table), 0.25, table))
        share = following.sum(axis=1)
    return Chain(tuple(reversed(tables)))


def _word(number: int, length: int) -> str:
    return "".join(BASES[number >> 2 * (length - 1 - i) & 3] for i in range(length))


def _stationary(table: Floats) -> Floats:
    """(4**order,) share of each context in the long run of a chain; (1,) for order 0."""
    share: Floats = np.full(len(table), 1 / len(table))
    for _ in range(_ROUNDS):
        moved = (share[:, None] * table).reshape(4, -1).sum(axis=0) if len(table) > 1 else share
        # Half of it stays, so that a chain that goes round in a circle settles, too.
        after = (share + moved) / 2
        if np.abs(after - share).max() < 1e-14:
            break
        share = after
    return share


def _counted(file: str, order: int) -> Floats:
    """(4**order, 4) counts of what follows each context in a file, plus one."""
    from specgen.records import read_records  # dnaio would slow down --help

    counts = np.zeros(4 ** (order + 1), dtype=np.int64)
    for record in read_records(expand(file), unique=False):
        bases = bases_of(record.codes)
        if len(bases) <= order:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(bases, order + 1)
        known = windows[(windows >= 0).all(axis=1)]
        counts += np.bincount(known @ 4 ** np.arange(order, -1, -1), minlength=len(counts))
    if not counts.any():
        raise InputError(f"{file}: has no {order + 1} letters A, C, G, T in a row, which background.like counts")
    return counts.reshape(-1, 4) + 1.0


def draw(chain: Chain, given: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sequences with some letters given.

    Parameters
    ----------
    given
        int8 (n, length): bases 0..3, or ``FREE``. Given letters are context of the ones behind them like any others.

    Returns
    -------
    uint8 (n, length) of bases 0..3.
    """
    n, length = given.shape
    bases = np.empty((n, length), dtype=np.uint8)
    edges = [np.cumsum(table, axis=1)[:, :3] for table in chain.tables]
    context = np.zeros(n, dtype=np.int64)
    for place in range(length):
        drawn = (rng.random((n, 1)) >= edges[min(place, chain.order)][context]).sum(axis=1)
        here = np.where(given[:, place] == FREE, drawn, given[:, place])
        bases[:, place] = here
        context = (4 * context + here) % 4 ** min(place + 1, chain.order)
    return bases
