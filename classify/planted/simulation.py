"""Sequences with planted motifs, block by block, and where motifs occur in letters, planted or not.

Splits and examples for training belong to tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.planted.background import FREE, Bases, Chain, draw, make_chain
from classify.planted.schemes import ABSENT, Places, Scheme, scheme_of, words_of
from classify.planted.settings import PlantingSettings
from specgen.errors import InputError
from specgen.sequences import BASES, Codes, encode, reverse_complement

__all__ = ["PlantedRecord", "Site", "drawn", "given_letters", "motif_starts", "plant"]

BLOCK = 1024
"""Sequences that are drawn together; always a whole block, so that the number asked for changes none of them."""

_ENOUGH, _LEAST = 10_000, 0.01
"""Filtering is given up when of so many drawn sequences less than this share were free of occurrences by chance."""

_CODE_OF_BASE = encode(BASES)


class Site(NamedTuple):
    """A planted motif.

    Attributes
    ----------
    motif
        Its number.
    start, end
        0-based half-open.
    strand
        +1, or -1 where the sequence holds its reverse complement.
    """

    motif: int
    start: int
    end: int
    strand: int


@dataclass(frozen=True)
class PlantedRecord:
    """A simulated sequence.

    Attributes
    ----------
    name
        Unique.
    codes
        uint8 (length,), see ``specgen.sequences``.
    positive
        The class.
    kind
        Sort of its class, see ``schemes``.
    sites
        What was planted, in the order of the motifs. Occurrences by chance are not among them.
    """

    name: str
    codes: Codes
    positive: bool
    kind: str
    sites: tuple[Site, ...]


def plant(settings: PlantingSettings) -> Iterator[PlantedRecord]:
    """``settings.n`` negatives, then as many positives.

    Raises
    ------
    InputError
        Motifs that do not fit, a background that cannot be read, or one in which motifs are too common to be filtered.
    """
    scheme, chain = scheme_of(settings), make_chain(settings.background)
    for label in range(2):
        for low in range(0, settings.n, BLOCK):
            rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(label, low // BLOCK)))
            yield from _block(settings, scheme, chain, label, low, rng)


def _block(
    settings: PlantingSettings, scheme: Scheme, chain: Chain, label: int, low: int, rng: np.random.Generator
) -> Iterator[PlantedRecord]:
    sorts = scheme.classes[label]
    which = rng.choice(len(sorts), size=BLOCK, p=[sort.share for sort in sorts])
    places = np.full((BLOCK, len(scheme.motifs)), ABSENT, dtype=np.int64)
    for number, sort in enumerate(sorts):
        rows = np.flatnonzero(which == number)
        places[rows] = sort.place(rng, len(rows))
    codes = _CODE_OF_BASE[drawn(settings, scheme, chain, places, rng)]
    turned = (rng.random(BLOCK) < 0.5) & settings.both_strands
    codes[turned] = reverse_complement(codes[turned])
    for row in range(min(BLOCK, settings.n - low)):
        sites = (
            _site(motif, int(start), len(scheme.motifs[motif]), settings.length, bool(turned[row]))
            for motif, start in enumerate(places[row])
            if start != ABSENT
        )
        name = f"{'positive' if label else 'negative'}_{low + row + 1:06d}"
        yield PlantedRecord(name, codes[row], bool(label), sorts[which[row]].name, tuple(sites))


def _site(motif: int, start: int, width: int, length: int, turned: bool) -> Site:
    first = length - start - width if turned else start
    return Site(motif, first, first + width, -1 if turned else 1)


def given_letters(scheme: Scheme, places: Places, length: int) -> NDArray[np.int8]:
    """int8 (n, length): bases of the planted motifs, ``FREE`` elsewhere."""
    given = np.full((len(places), length), FREE, dtype=np.int8)
    for motif, letters in enumerate(scheme.motifs):
        rows = np.flatnonzero(places[:, motif] != ABSENT)
        for offset, letter in enumerate(letters):
            given[rows, places[rows, motif] + offset] = BASES.index(letter)
    return given


def drawn(settings: PlantingSettings, scheme: Scheme, chain: Chain, places: Places, rng: np.random.Generator) -> Bases:
    """Sequences with motifs at ``places``, before any is turned round; filtered where the settings say so.

    Returns
    -------
    uint8 (n, length) of bases 0..3.

    Raises
    ------
    InputError
        Motifs that come about by chance almost everywhere.
    """
    given = given_letters(scheme, places, settings.length)
    bases = draw(chain, given, rng)
    if settings.accidental == "keep":
        return bases
    rows, attempts = np.arange(len(bases)), len(bases)
    while len(rows := rows[_by_chance(bases[rows], scheme, places[rows], settings.both_strands)]):
        if attempts > _ENOUGH and len(bases) - len(rows) < _LEAST * attempts:
            raise InputError(
                f"accidental: {' or '.join(scheme.motifs)} came about by chance in {attempts - len(bases) + len(rows)} of "
                f"{attempts} sequences of {settings.length} nt, too many to filter; expected longer motifs, shorter "
                "sequences, or keep"
            )
        bases[rows] = draw(chain, given[rows], rng)
        attempts += len(rows)
    return bases


def _by_chance(bases: Bases, scheme: Scheme, places: Places, both_strands: bool) -> NDArray[np.bool_]:
    """(n,) whether any motif occurs elsewhere than planted."""
    found = np.zeros(len(bases), dtype=bool)
    for motif, letters in enumerate(scheme.motifs):
        for word in words_of(letters, both_strands):
            starts = motif_starts(bases, word)
            if word == letters:
                rows = np.flatnonzero(places[:, motif] != ABSENT)
                starts[rows, places[rows, motif]] = False
            found |= starts.any(axis=1)
    return found


def motif_starts(bases: Bases, word: str) -> NDArray[np.bool_]:
    """(n, length - len(word) + 1): whether a word begins at each place of bases (n, length)."""
    last = bases.shape[1] - len(word) + 1
    found = np.ones((len(bases), max(0, last)), dtype=bool)
    for offset, letter in enumerate(word):
        found &= bases[:, offset : offset + last] == BASES.index(letter)
    return found
