"""What is planted where: each scheme names the sorts of positive and negative, their shares and where their motifs stand.

A scheme is one decorated function of the settings. Letters are drawn by ``simulation``; a sort only places motifs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.planted.settings import PlantingSettings
from specgen.errors import InputError
from specgen.registry import Registry
from specgen.sequences import decode, encode, reverse_complement

__all__ = ["ABSENT", "SCHEMES", "Places", "Scheme", "Sort", "scheme_of", "words_of"]

Places = NDArray[np.int64]
"""int64 (n, motifs): 0-based start of each motif, or ``ABSENT``."""

ABSENT = -1
DEFAULTS = ("ACGTG", "TGCAT")


@dataclass(frozen=True)
class Sort:
    """A sort of its class.

    Attributes
    ----------
    name
        As in ``Examples.kinds``.
    share
        Of its class.
    place
        (rng, n) -> ``Places``.
    """

    name: str
    share: float
    place: Callable[[np.random.Generator, int], Places]


@dataclass(frozen=True)
class Scheme:
    """What a class is made of.

    Attributes
    ----------
    motifs
        Letters of each motif.
    negatives, positives
        Their shares sum to 1; a sort of share 0 is left out.
    gap
        Where the distance of two motifs matters: the smallest and largest number of letters between them.
    """

    motifs: tuple[str, ...]
    negatives: tuple[Sort, ...]
    positives: tuple[Sort, ...]
    gap: tuple[int, int] | None = None

    @property
    def classes(self) -> tuple[tuple[Sort, ...], ...]:
        """Sorts by label."""
        return self.negatives, self.positives


Maker = Callable[[PlantingSettings, tuple[str, ...]], Scheme]


@dataclass(frozen=True)
class _Entry:
    motifs: int
    make: Maker


SCHEMES: Registry[_Entry] = Registry("kind of planting")


def _register(name: str, motifs: int) -> Callable[[Maker], Maker]:
    """Decorator: add a scheme of so many motifs."""

    def register(make: Maker) -> Maker:
        SCHEMES.add(name, _Entry(motifs, make))
        return make

    return register


def scheme_of(settings: PlantingSettings) -> Scheme:
    """The scheme of the settings.

    Raises
    ------
    InputError
        An unknown kind, another number of motifs than it has, motifs that contain each other or do not fit.
    """
    entry = SCHEMES[settings.kind]
    motifs = tuple(settings.motifs) or DEFAULTS[: entry.motifs]
    if len(motifs) != entry.motifs:
        raise InputError(f"motifs: kind {settings.kind} has {entry.motifs}, got {', '.join(motifs)}")
    words = [words_of(motif, settings.both_strands) for motif in motifs]
    for i, ours in enumerate(words):
        for theirs in words[:i]:
            if any(a in b or b in a for a in ours for b in theirs):
                raise InputError(
                    f"motifs: expected motifs of which none contains another on the strands that count, got {', '.join(motifs)}"
                )
    if settings.length < sum(map(len, motifs)):
        raise InputError(f"length: expected room for {' and '.join(motifs)}, got {settings.length} nt")
    return entry.make(settings, motifs)


def words_of(motif: str, both_strands: bool) -> tuple[str, ...]:
    """What counts as an occurrence of a motif: itself, and its reverse complement where both strands count."""
    other = decode(reverse_complement(encode(motif)))
    return (motif, other) if both_strands and other != motif else (motif,)


def _nothing(count: int) -> Callable[[np.random.Generator, int], Places]:
    return lambda rng, n: np.full((n, count), ABSENT, dtype=np.int64)


def _positives(settings: PlantingSettings, *sorts: Sort, motifs: int) -> tuple[Sort, ...]:
    """The planted sorts, and the positives without anything."""
    q = settings.motif_prob
    planted = [Sort(sort.name, q * sort.share, sort.place) for sort in sorts]
    return tuple(sort for sort in (*planted, Sort("unplanted", 1 - q, _nothing(motifs))) if sort.share)


def _one(settings: PlantingSettings, motifs: tuple[str, ...], which: int) -> Callable[..., Places]:
    """A single motif anywhere."""

    def place(rng: np.random.Generator, n: int) -> Places:
        places = _nothing(len(motifs))(rng, n)
        places[:, which] = rng.integers(settings.length - len(motifs[which]) + 1, size=n)
        return places

    return place


@_register("single", motifs=1)
def _single(settings: PlantingSettings, motifs: tuple[str, ...]) -> Scheme:
    """One motif anywhere, against background."""
    return Scheme(
        motifs,
        (Sort("background", 1.0, _nothing(1)),),
        _positives(settings, Sort("planted", 1.0, _one(settings, motifs, 0)), motifs=1),
    )


@_register("pair", motifs=2)
def _pair(settings: PlantingSettings, motifs: tuple[str, ...]) -> Scheme:
    """Two motifs, both or one of them, anywhere without overlap, against background."""
    first, second = map(len, motifs)
    free = settings.length - first - second

    def both(rng: np.random.Generator, n: int) -> Places:
        # Letters in front of the left one, and of the right one: every placement without overlap is as likely.
        one, other = rng.integers(free + 2, size=n), rng.integers(free + 1, size=n)
        other += other >= one
        left, right = np.minimum(one, other), np.maximum(one, other) - 1
        in_order = rng.random(n) < 0.5
        return np.stack([np.where(in_order, left, right + second), np.where(in_order, right + first, left)], axis=1)

    alone = (1 - settings.together) / 2
    sorts = (
        Sort("both", settings.together, both),
        Sort("only_a", alone, _one(settings, motifs, 0)),
        Sort("only_b", alone, _one(settings, motifs, 1)),
    )
    return Scheme(motifs, (Sort("background", 1.0, _nothing(2)),), _positives(settings, *sorts, motifs=2))


@_register("spaced", motifs=2)
def _spaced(settings: PlantingSettings, motifs: tuple[str, ...]) -> Scheme:
    """Two motifs at a distance, against one of them, both too far apart, and none, in equal shares.

    A lone motif stands where it would stand beside the other one, so that its place tells nothing.
    """
    first, second = map(len, motifs)
    low, high = settings.gap
    widest = settings.length - first - second - 2 * settings.margin
    if high > widest or settings.far_gap > widest or settings.far_gap <= high:
        raise InputError(
            f"gap, far_gap: expected gaps up to {widest} letters ({settings.length} nt less {first} + {second} of the "
            f"motifs and a margin of {settings.margin} at either end), far ones above {high}; "
            f"got {low} to {high}, and far ones from {settings.far_gap}"
        )

    def at(smallest: int, largest: int, *kept: int) -> Callable[[np.random.Generator, int], Places]:
        def place(rng: np.random.Generator, n: int) -> Places:
            gap = rng.integers(smallest, largest, size=n, endpoint=True)
            start = settings.margin + rng.integers(0, widest - gap, endpoint=True)
            places = np.stack([start, start + first + gap], axis=1)
            for motif in range(2):
                if motif not in kept:
                    places[:, motif] = ABSENT
            return places

        return place

    negatives = (
        Sort("one_a", 0.25, at(low, high, 0)),
        Sort("one_b", 0.25, at(low, high, 1)),
        Sort("far_apart", 0.25, at(settings.far_gap, widest, 0, 1)),
        Sort("none", 0.25, _nothing(2)),
    )
    positives = _positives(settings, Sort("spaced", 1.0, at(low, high, 0, 1)), motifs=2)
    return Scheme(motifs, negatives, positives, (low, high))
