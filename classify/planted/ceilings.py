"""How well a perfect detector tells the classes of planted sequences apart: the ceilings that scores stand beside.

Two detectors are known. ``presence`` knows of each motif whether the sequence holds it, planted or by chance, and nothing
else: not where, how often or how far apart. Its chances are computed, by dynamic programming over the letters that a
sequence can have. ``spacing`` also knows whether the two motifs stand at a gap that positives have; where occurrences by
chance are kept, its chances are estimated from ``DRAWS`` simulated sequences of each sort.

A detector ranks what it sees by its likelihood ratio, which no rule on the same knowledge can beat (Neyman & Pearson 1933).
A network that counts occurrences may get a little above the first one where occurrences by chance are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classify.planted.background import FREE, Bases, Chain, Floats, make_chain
from classify.planted.schemes import ABSENT, Scheme, Sort, scheme_of, words_of
from classify.planted.settings import PlantingSettings
from classify.planted.simulation import drawn, given_letters, motif_starts
from specgen.sequences import BASES

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Detector", "detectors", "motif_presence", "separation"]

PLACEMENTS = 1000
"""Drawn placements of motifs that the chances of other ones are averaged over: they hardly depend on the place."""

DRAWS = 20_000
"""Simulated sequences of each sort, where nothing is computed: a share of .02 is known to .001 (standard error)."""


def separation(negative: Floats, positive: Floats, order: Floats | None = None) -> dict[str, float]:
    """How well the classes can be told apart by what is seen of an example, one of k things.

    Parameters
    ----------
    negative, positive
        (k,) how often each thing is seen in each class: numbers of examples, or shares times numbers.
    order
        (k,) what the things are ranked by, the surest positive highest; default: their likelihood ratio here.

    Returns
    -------
    dict
        auroc, ties counting half; auprc, the average precision; accuracy and balanced_accuracy of the best threshold.
        nan where a class is empty.
    """
    lost, won = negative.sum(), positive.sum()
    if not lost or not won:
        return dict.fromkeys(("auroc", "auprc", "accuracy", "balanced_accuracy"), float("nan"))
    if order is None:
        order = likelihood_ratios(negative / lost, positive / won)
    ranks = np.unique(-order, return_inverse=True)[1]
    # False and true positives at each threshold, none called first.
    false = np.append(0.0, np.bincount(ranks, negative).cumsum())
    true = np.append(0.0, np.bincount(ranks, positive).cumsum())
    called = true[1:] + false[1:]
    precision = np.divide(true[1:], called, out=np.ones_like(called), where=called > 0)
    return {
        "auroc": float(np.trapezoid(true / won, false / lost)),
        "auprc": float(np.diff(true / won) @ precision),
        "accuracy": float((true + lost - false).max() / (lost + won)),
        "balanced_accuracy": float((true / won + 1 - false / lost).max() / 2),
    }


def likelihood_ratios(negative: Floats, positive: Floats) -> Floats:
    """(k,) positive over negative; infinite where no negative is seen, 0 where nothing is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = positive / negative
    result: Floats = np.nan_to_num(ratio, nan=0.0, posinf=np.inf)
    return result


@dataclass(frozen=True)
class Detector:
    """What a perfect detector sees.

    Attributes
    ----------
    about
        In words.
    chances
        (k,) for each sort of example: the probability of each thing that can be seen.
    settings, scheme
        What was planted.
    """

    about: str
    chances: Mapping[str, Floats]
    settings: PlantingSettings
    scheme: Scheme

    def expected(self, kinds: Sequence[str], labels: NDArray[np.int64]) -> dict[str, float]:
        """``separation`` of examples of these sorts (n,) and labels (n,), whatever their letters."""
        return separation(*self._mixed(kinds, labels))

    def reached(self, kinds: Sequence[str], labels: NDArray[np.int64], bases: Bases) -> dict[str, float]:
        """``separation`` of these very sequences, uint8 (n, length) of bases 0..3, ranked as in expectation."""
        negative, positive = self._mixed(kinds, labels)
        order = likelihood_ratios(negative / max(1, negative.sum()), positive / max(1, positive.sum()))
        seen = self.seen(bases)
        found = [np.bincount(seen[labels == label], minlength=len(order)).astype(np.float64) for label in (0, 1)]
        return separation(found[0], found[1], order)

    def seen(self, bases: Bases) -> NDArray[np.int64]:
        """(n,) which of the k things is seen: bit i for motif i, and one more for a pair at a gap of positives."""
        found = np.zeros(len(bases), dtype=np.int64)
        for motif, letters in enumerate(self.scheme.motifs):
            for word in words_of(letters, self.settings.both_strands):
                found |= motif_starts(bases, word).any(axis=1).astype(np.int64) << motif
        if len(next(iter(self.chances.values()))) > 1 << len(self.scheme.motifs):
            found |= _at_the_gap(bases, self.scheme, self.settings).astype(np.int64) << len(self.scheme.motifs)
        return found

    def _mixed(self, kinds: Sequence[str], labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Expected numbers of each thing in each class."""
        names = np.asarray(kinds)
        counts = (
            np.sum([(names[labels == label] == name).sum() * chance for name, chance in self.chances.items()], axis=0)
            for label in (0, 1)
        )
        negative, positive = counts
        return negative, positive


def detectors(settings: PlantingSettings) -> dict[str, Detector]:
    """The perfect detectors of what the settings plant, by name: presence, and spacing where that is what tells."""
    scheme, chain = scheme_of(settings), make_chain(settings.background)
    sorts = [sort for of_class in scheme.classes for sort in of_class]
    presence = {sort.name: _presence(settings, scheme, chain, sort) for sort in sorts}
    blind = ", blind to spacing" if scheme.gap else ""
    found = {"presence": Detector(f"perfect presence detector{blind}", presence, settings, scheme)}
    if scheme.gap:
        judge = Detector("perfect detector of presence and gap", dict.fromkeys(presence, np.zeros(8)), settings, scheme)
        chances = {}
        for number, sort in enumerate(sorts):
            rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(2, number)))
            # Without occurrences by chance a sort is always seen as the same thing.
            places = sort.place(rng, DRAWS if settings.accidental == "keep" else 100)
            seen = judge.seen(drawn(settings, scheme, chain, places, rng))
            chances[sort.name] = np.bincount(seen, minlength=8) / len(seen)
        found["spacing"] = Detector(judge.about, chances, settings, scheme)
    return found


def _presence(settings: PlantingSettings, scheme: Scheme, chain: Chain, sort: Sort) -> Floats:
    """(2**motifs,) probability of each combination of motifs in a sort; bit i is motif i."""
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(3,)))
    places, counts = np.unique(sort.place(rng, PLACEMENTS), axis=0, return_counts=True)
    if settings.accidental == "filter":
        bits = (places != ABSENT) @ (1 << np.arange(len(scheme.motifs)))
        return np.bincount(bits, counts, minlength=1 << len(scheme.motifs)) / PLACEMENTS
    words = [
        (word, motif)
        for motif, letters in enumerate(scheme.motifs)
        for word in words_of(letters, settings.both_strands)
    ]
    given = given_letters(scheme, places, settings.length)
    chances: Floats = counts @ motif_presence(chain, words, given) / PLACEMENTS
    return chances


def motif_presence(chain: Chain, words: Sequence[tuple[str, int]], given: NDArray[np.int8]) -> Floats:
    """Probability that a sequence of which some letters are given holds each combination of motifs.

    The state is what of the past letters can still matter (Aho & Corasick 1975: the longest end of them that begins a word
    or is context of the chain) and the motifs seen so far.

    Parameters
    ----------
    words
        Letters, and the number of the motif that they are an occurrence of.
    given
        int8 (n, length) as for ``background.draw``.

    Returns
    -------
    float64 (n, 2**motifs); bit i stands for motif i.
    """
    spelled = [(tuple(BASES.index(letter) for letter in word), motif) for word, motif in words]
    masks = 1 << (1 + max(motif for _, motif in spelled))
    states = _states(spelled, chain.order)
    number = {state: i for i, state in enumerate(states)}
    free, forced = _moves(chain, spelled, states, number, masks)
    n, length = given.shape
    chance = np.zeros((len(states) * masks, n))
    chance[number[()] * masks] = 1.0
    for place in range(length):
        for letter in range(FREE, 4):
            rows = np.flatnonzero(given[:, place] == letter)
            if len(rows):
                chance[:, rows] = (free if letter == FREE else forced[letter]) @ chance[:, rows]
    result: Floats = chance.reshape(len(states), masks, n).sum(axis=0).T
    return result


def _states(spelled: Sequence[tuple[tuple[int, ...], int]], order: int) -> list[tuple[int, ...]]:
    """Beginnings of words, and all contexts."""
    found = {word[:end] for word, _ in spelled for end in range(len(word) + 1)}
    for size in range(order + 1):
        found |= {tuple(i >> 2 * j & 3 for j in reversed(range(size))) for i in range(4**size)}
    return sorted(found)


def _moves(
    chain: Chain,
    spelled: Sequence[tuple[tuple[int, ...], int]],
    states: list[tuple[int, ...]],
    number: dict[tuple[int, ...], int],
    masks: int,
) -> tuple[sparse.csr_array, list[sparse.csr_array]]:
    """Matrices that move chances (states x masks) on by a letter of the chain, and by each given one."""
    old, new, letters, chances = [], [], [], []
    for state in states:
        context = state[max(0, len(state) - chain.order) :] if chain.order else ()
        row = chain.tables[len(context)][sum(base << 2 * i for i, base in enumerate(reversed(context)))]
        for letter in range(4):
            following = (*state, letter)
            while following not in number:
                following = following[1:]
            hit = sum({1 << motif for word, motif in spelled if following[-len(word) :] == word})
            for mask in range(masks):
                old.append(number[state] * masks + mask)
                new.append(number[following] * masks + (mask | hit))
                letters.append(letter)
                chances.append(row[letter])
    size = len(states) * masks
    which = np.array(letters)

    from scipy import sparse  # slow to import

    def matrix(weights: Floats) -> sparse.csr_array:
        return sparse.csr_array((weights, (new, old)), shape=(size, size))

    return matrix(np.array(chances)), [matrix((which == letter).astype(float)) for letter in range(4)]


def _at_the_gap(bases: Bases, scheme: Scheme, settings: PlantingSettings) -> NDArray[np.bool_]:
    """(n,) whether the two motifs stand somewhere at a gap that positives have, on either strand where both count."""
    assert scheme.gap is not None
    forward, other = scheme.motifs, tuple(words_of(m, True)[-1] for m in reversed(scheme.motifs))
    found = np.zeros(len(bases), dtype=bool)
    for left, right in (forward, other) if settings.both_strands else (forward,):
        starts, ends = motif_starts(bases, left), motif_starts(bases, right)
        for gap in range(scheme.gap[0], scheme.gap[1] + 1):
            shift = len(left) + gap
            places = min(starts.shape[1], ends.shape[1] - shift)
            if places > 0:
                found |= (starts[:, :places] & ends[:, shift : shift + places]).any(axis=1)
    return found
