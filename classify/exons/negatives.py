"""Places that are no exon starts: one function a kind, all drawing within one contig. Registered in ``NEGATIVES``.

A kind of negative knows the contig's letters, its genes and its positives, and draws about as many places as there are
positives. What is drawn depends on the seed and the contig's name, not on other contigs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classify.exons.windows import AmbiguousRuns, gc_counts
from specgen.registry import Registry
from specgen.sequences import Codes

__all__ = ["NEGATIVES", "Drawn", "Ground", "Negative", "register_negative"]

Ints = NDArray[np.int64]
Drawn = tuple[Ints, Ints]
"""1-based positions (k,), and of each the positive that it stands beside, an index of ``Ground.position``."""

_ROUNDS, _MATCHING_ROUNDS, _MOST_DRAWS = 8, 30, 200_000
_A, _C, _G, _T = 1, 2, 4, 8


@dataclass(kw_only=True)
class Ground:
    """What there is on one contig; p positives.

    Attributes
    ----------
    codes, ambiguous
        uint8 (length,) letters of the forward strand, and where some are no A, C, G or T.
    position, strand
        int64 (p,) 1-based and int8 (p,), of the positives.
    low, high
        int64 (p,) first and last base of the gene of each.
    span
        int64 (p,) number of that gene's stretch on its strand.
    split
        uint8 (p,) of each positive.
    starts
        Strand -> int64 ascending places of all exon starts on it, whether they became examples or not.
    territory
        int64 (k - 1,) ascending places where the contig's stretches meet, and uint8 (k,) the split of each; None where
        stretches are of no split.
    width, min_distance, max_ambiguous
        As in the settings.
    taken
        int64 ascending keys of the places that are taken by negatives.
    """

    codes: Codes
    ambiguous: AmbiguousRuns
    position: Ints
    strand: NDArray[np.int8]
    low: Ints
    high: Ints
    span: Ints
    split: NDArray[np.uint8]
    starts: dict[int, Ints]
    territory: tuple[Ints, NDArray[np.uint8]] | None
    width: int
    min_distance: int
    max_ambiguous: float
    taken: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def free(self, places: Ints, strands: NDArray[np.int8]) -> NDArray[np.bool_]:
        """(k,) which places are far enough from every exon start on their strand, have letters, and are not taken."""
        fit = self.ambiguous.share(places, self.width) <= self.max_ambiguous
        for strand, starts in self.starts.items():
            if not len(starts):
                continue
            after = np.searchsorted(starts, places)
            left, right = starts[np.maximum(after - 1, 0)], starts[np.minimum(after, len(starts) - 1)]
            distance = np.minimum(np.abs(places - left), np.abs(right - places))
            fit &= (strands != strand) | (distance >= self.min_distance)
        return fit & ~np.isin(_key(places, strands), self.taken)

    def take(self, places: Ints, strands: NDArray[np.int8]) -> None:
        """Let no other negative have these places."""
        self.taken = np.union1d(self.taken, _key(places, strands))


Draw = Callable[[Ground, np.random.Generator], Drawn]
Change = Callable[[Codes, np.random.Generator], Codes]


@dataclass(frozen=True)
class Negative:
    """A kind of negative.

    Attributes
    ----------
    draw
        Its places; it takes them.
    note
        One line for help.
    change
        What is done to each window (width,), in transcript direction; None = nothing.
    """

    draw: Draw
    note: str
    change: Change | None = None


NEGATIVES: Registry[Negative] = Registry("kind of negative", plugins=False)


def register_negative(name: str, note: str, change: Change | None = None) -> Callable[[Draw], Draw]:
    """Decorator: add a way to draw places under ``name``."""

    def register(draw: Draw) -> Draw:
        NEGATIVES.add(name, Negative(draw, note, change))
        return draw

    return register


@register_negative("intragenic", "anywhere in the gene of a positive, on its strand")
def intragenic(ground: Ground, rng: np.random.Generator) -> Drawn:
    """As many in each gene as it has positives, each place at most once, uniformly from its first to before its last base.

    The range is that of ExonSearch, [start, end).
    """
    return _within_genes(ground, rng, 2, lambda places, strands: np.ones(len(places), dtype=bool))


@register_negative("decoy", "after an AG in the gene of a positive, on its strand: a splice acceptor that is none")
def decoy(ground: Ground, rng: np.random.Generator) -> Drawn:
    """As ``intragenic``, among the places that follow AG in transcript direction."""

    def after_ag(places: Ints, strands: NDArray[np.int8]) -> NDArray[np.bool_]:
        fits = np.zeros(len(places), dtype=bool)
        for strand, near, far in ((1, _G, _A), (-1, _C, _T)):
            at = np.flatnonzero(strands == strand)
            place = places[at] - 1
            at, place = (
                kept[(place - 2 * strand >= 0) & (place - 2 * strand < len(ground.codes))] for kept in (at, place)
            )
            fits[at] = (ground.codes[place - strand] == near) & (ground.codes[place - 2 * strand] == far)
        return fits

    return _within_genes(ground, rng, 24, after_ag)


@register_negative("gc", "anywhere in the contig, with the GC share of a positive")
def gc(ground: Ground, rng: np.random.Generator) -> Drawn:
    """For each positive a place on its strand whose window has the same number of G and C; if none is found, within 2 %.

    Under a position-disjoint split the window lies wholly in stretches of the positive's split.
    """
    wanted = gc_counts(ground.codes, ground.position, ground.width)
    open_ = np.arange(len(ground.position))
    places, beside = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for turn in range(_MATCHING_ROUNDS):
        if not len(open_):
            break
        step = max(1, round(ground.width * (0, 0.01, 0.02)[3 * turn // _MATCHING_ROUNDS]))
        count = min(max(8 * len(open_), 1000), _MOST_DRAWS)
        drawn = np.unique(rng.integers(1, len(ground.codes) + 1, count))
        drawn = drawn[ground.ambiguous.share(drawn, ground.width) <= ground.max_ambiguous]
        drawn = rng.permutation(drawn[_whole(ground, drawn)])
        split = np.zeros(len(drawn), dtype=np.int64)
        mine = np.zeros(len(open_), dtype=np.int64)
        if ground.territory is not None:
            cuts, splits = ground.territory
            split = splits[np.searchsorted(cuts, drawn)].astype(np.int64)
            mine = ground.split[open_].astype(np.int64)
        bins = ground.width // step + 2
        have = split * bins + gc_counts(ground.codes, drawn, ground.width) // step
        left, right = _paired(mine * bins + wanted[open_] // step, have)
        found, positive = drawn[right], open_[left]
        fit = ground.free(found, ground.strand[positive])
        ground.take(found[fit], ground.strand[positive[fit]])
        places.append(found[fit])
        beside.append(positive[fit])
        open_ = np.setdiff1d(open_, positive[fit])
    return np.concatenate(places), np.concatenate(beside)


def _shuffle(window: Codes, rng: np.random.Generator) -> Codes:
    from classify._euler import euler_shuffle  # numba takes a second to import

    return euler_shuffle(window, rng)


@register_negative("shuffled", "the window of a positive with its letters shuffled, dinucleotide counts kept", _shuffle)
def shuffled(ground: Ground, rng: np.random.Generator) -> Drawn:
    """The positives' own places."""
    return ground.position, np.arange(len(ground.position))


def _within_genes(
    ground: Ground, rng: np.random.Generator, factor: int, fits: Callable[[Ints, NDArray[np.int8]], NDArray[np.bool_]]
) -> Drawn:
    """As many distinct places in each gene as it has positives: drawn and rejected, and listed where that does not do."""
    order = np.argsort(ground.span, kind="stable")
    spans, first, need = np.unique(ground.span[order], return_index=True, return_counts=True)
    one = order[first]  # a positive of each span
    low, high, strand = ground.low[one], ground.high[one], ground.strand[one]
    got = np.zeros(len(spans), dtype=np.int64)
    places: list[Ints] = []
    owners: list[Ints] = []

    def keep(drawn: Ints, owner: Ints) -> None:
        """Of fitting places, in the order of drawing, as many as are needed."""
        _, news = np.unique(_key(drawn, strand[owner]), return_index=True)
        news.sort()
        drawn, owner = drawn[news], owner[news]
        by_owner = np.argsort(owner, kind="stable")
        drawn, owner = drawn[by_owner], owner[by_owner]
        kept = _rank(owner) < (need - got)[owner]
        drawn, owner = drawn[kept], owner[kept]
        np.add.at(got, owner, 1)
        ground.take(drawn, strand[owner])
        places.append(drawn)
        owners.append(owner)

    for _ in range(_ROUNDS):
        if (got == need).all():
            break
        owner = np.repeat(np.arange(len(spans)), factor * (need - got))
        drawn = low[owner] + np.floor(rng.random(len(owner)) * (high - low)[owner]).astype(np.int64)
        fit = fits(drawn, strand[owner])
        fit[fit] = ground.free(drawn[fit], strand[owner[fit]])
        keep(drawn[fit], owner[fit])
    for row in np.flatnonzero(got < need):  # small genes, and those with few places that fit
        every = np.arange(low[row], max(high[row], low[row] + 1))
        owner = np.full(len(every), row)
        every = every[fits(every, strand[owner]) & ground.free(every, strand[owner])]
        keep(rng.permutation(every), owner[: len(every)])

    drawn, owner = np.concatenate(places), np.concatenate(owners)
    by_owner = np.argsort(owner, kind="stable")
    drawn, owner = drawn[by_owner], owner[by_owner]
    # The k-th negative of a gene stands beside its k-th positive.
    return drawn, order[first[owner] + _rank(owner)]


def _whole(ground: Ground, places: Ints) -> NDArray[np.bool_]:
    """(k,) which windows lie in stretches of one split."""
    if ground.territory is None:
        return np.ones(len(places), dtype=bool)
    cuts, splits = ground.territory
    low, high = (np.searchsorted(cuts, places + side * (ground.width // 2)) for side in (-1, 1))
    return splits[low] == splits[high]


def _paired(wanted: Ints, have: Ints) -> Drawn:
    """Indices into both of pairs of equal values, each used once."""
    left, right = np.argsort(wanted, kind="stable"), np.argsort(have, kind="stable")
    # Value and rank among its equals are a key that occurs once on each side.
    most = max(len(wanted), len(have)) + 1
    first, second = (values[order] * most + _rank(values[order]) for values, order in ((wanted, left), (have, right)))
    _, in_left, in_right = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    return left[in_left], right[in_right]


def _rank(ascending: Ints) -> Ints:
    """(n,) number of equal values before each."""
    if not len(ascending):
        return ascending
    first = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))
    return np.arange(len(ascending)) - np.repeat(first, np.diff(np.append(first, len(ascending))))


def _key(places: Ints, strands: NDArray[np.int8]) -> Ints:
    return places * 2 + (strands > 0)
