"""What is planted into what: frozen dataclasses that check themselves. No torch, so that ``--help`` answers at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from specgen.errors import InputError, UnknownName
from specgen.sequences import BASES

__all__ = ["ACCIDENTAL", "BackgroundSettings", "PlantingSettings"]

ACCIDENTAL = ("keep", "filter")
_MOST_ORDER, _MOST, _LONGEST = 5, 1_000_000, 10_000


@dataclass(frozen=True)
class BackgroundSettings:
    """Letters around the motifs: a stationary Markov chain.

    Attributes
    ----------
    order
        Letters that the next one depends on, 0 to 5.
    frequencies
        Weights of A, C, G and T, for order 0.
    transitions
        Weights of A, C, G and T after each of the 4**order contexts ("AC": [1, 1, 2, 1]), for higher orders.
    like
        FASTA or FASTQ file whose letters are counted instead, for any order; one is added to every count.
    """

    order: int = 0
    frequencies: list[float] = field(default_factory=lambda: [0.25, 0.25, 0.25, 0.25])
    transitions: dict[str, list[float]] = field(default_factory=dict)
    like: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.order <= _MOST_ORDER:
            raise InputError(f"background.order: expected a whole number from 0 to {_MOST_ORDER}, got {self.order}")
        _check_weights("background.frequencies", self.frequencies)
        if self.transitions and (self.like or not self.order):
            other = "like" if self.like else "order 0"
            raise InputError(f"background.transitions: expected an order of at least 1 and no file, got {other}")
        if self.order and not self.transitions and not self.like:
            raise InputError(
                f"background: expected transitions or a file (like) for order {self.order}, got neither; "
                "frequencies are those of order 0"
            )
        if self.transitions and len(self.transitions) != 4**self.order:
            raise InputError(
                f"background.transitions: expected all {4**self.order} contexts of {self.order} letters, "
                f"got {len(self.transitions)}"
            )
        for context, weights in self.transitions.items():
            if len(context) != self.order or set(context) - set(BASES):
                raise InputError(
                    f"background.transitions: expected contexts of {self.order} of the letters {BASES}, got {context!r}"
                )
            _check_weights(f"background.transitions.{context}", weights)


def _check_weights(key: str, weights: list[float]) -> None:
    if len(weights) != 4 or not all(0 <= w < math.inf for w in weights) or not sum(weights) > 0:
        raise InputError(f"{key}: expected four weights of at least 0, of A, C, G and T, not all 0; got {weights}")


@dataclass(frozen=True)
class PlantingSettings:
    """What to simulate.

    Attributes
    ----------
    kind
        What is planted: a name in ``schemes.SCHEMES`` (single, pair, spaced).
    motifs
        Letters A, C, G, T; empty = ACGTG, and TGCAT where there is a second one.
    n
        Sequences of each class.
    length
        nt of each sequence.
    motif_prob
        Probability that a positive has anything planted; the others are background under a wrong label.
    together
        pair: probability that a positive has both motifs; else it has one of them, either one as often.
    gap
        spaced: smallest and largest number of letters between the two motifs of a positive, the first one in front.
    far_gap
        spaced: smallest number of letters between those of the negatives ``far_apart``; the largest is what fits.
    margin
        spaced: letters at either end that motifs keep away from. Motifs that are far apart stand near the ends more often, and
        an unpadded convolution feels an end as far away as it sees, gap or no gap: with 0, ``motif_pair`` passed the ceiling of
        those that cannot see the gap.
    accidental
        What is done about motifs that come about by chance, in either class: keep, or filter (drawn again until there
        is none).
    both_strands
        Turn half of all sequences round, planted motifs and all, and filter on both strands.
    background
        See ``BackgroundSettings``.
    seed
        Of all draws. A larger ``n`` appends sequences.

    Raises
    ------
    InputError
        A value out of range; names the key, the range and the value. What depends on the kind is checked by ``schemes``.
    """

    kind: str = "single"
    motifs: list[str] = field(default_factory=list)
    n: int = 4000
    length: int = 101
    motif_prob: float = 1.0
    together: float = 0.5
    gap: list[int] = field(default_factory=lambda: [10, 25])
    far_gap: int = 40
    margin: int = 10
    accidental: str = "keep"
    both_strands: bool = False
    background: BackgroundSettings = field(default_factory=BackgroundSettings)
    seed: int = 42

    def __post_init__(self) -> None:
        for key, low, high in (
            ("n", 1, _MOST),
            ("length", 1, _LONGEST),
            ("motif_prob", 0, 1),
            ("together", 0, 1),
            ("far_gap", 0, _LONGEST),
            ("margin", 0, _LONGEST),
            ("seed", 0, 2**32 - 1),
        ):
            if not low <= getattr(self, key) <= high:  # nan fails, too
                raise InputError(f"{key}: expected a number from {low} to {high}, got {getattr(self, key)}")
        if self.accidental not in ACCIDENTAL:
            raise UnknownName("accidental", self.accidental, ACCIDENTAL)
        for motif in self.motifs:
            if not motif or set(motif) - set(BASES):
                raise InputError(f"motifs: expected letters {', '.join(BASES)}, got {motif!r}")
        if len(self.gap) != 2 or not 0 <= self.gap[0] <= self.gap[1]:
            raise InputError(f"gap: expected the smallest and the largest number of letters, got {self.gap}")
