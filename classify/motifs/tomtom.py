"""Which motifs of a database a motif is like, with p and q values: TOMTOM's method, as memelite computes it.

Gupta et al. 2007 (Genome Biol. 8:R24): columns are compared by their Euclidean distance, and the p-value of an alignment
comes from the distances of the query's columns to all columns of the database; a column without a partner counts like the
median one (the complete score of Tanaka et al. 2011, Bioinformatics 27:1603). memelite (Schreiber 2025,
github.com/jmschrei/memesuite-lite) computes it; here are its call, q-values, and results in this package's terms.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import false_discovery_control

from classify.motifs.matrices import UNIFORM, Floats, Motif
from classify.motifs.similarity import similarity
from specgen.errors import InputError

__all__ = ["FEW", "MotifMatch", "match_motifs"]

FEW = 50
"""Databases of fewer motifs have too few columns for trustworthy p-values, says the MEME suite."""

AT_ONCE = 64
"""Queries that are matched together: memory is for so many rows of the whole database."""


class MotifMatch(NamedTuple):
    """One motif of a database that a query is like.

    Attributes
    ----------
    target
        The motif.
    p
        Chance that a motif of random columns of the database is as much alike at its best offset, on its better strand.
    q
        False discovery rate among the query's matches with all motifs of the database when this one is the last that is
        believed (Benjamini & Hochberg 1995).
    offset
        Place of the target (as turned by ``strand``) at which the query begins.
    strand
        +1, or -1 where the target is reverse-complemented.
    overlap
        Places that both have.
    similarity
        See ``classify.motifs.similarity``, at its own best alignment, which may be another one.
    """

    target: Motif
    p: float
    q: float
    offset: int
    strand: int
    overlap: int
    similarity: float

    def told(self) -> dict[str, Any]:
        """As plain data."""
        target = self.target
        named = {"name": target.name, "label": target.label, "family": target.family, "class": target.group}
        return named | {key: value for key, value in self._asdict().items() if key != "target"}


def match_motifs(
    queries: Sequence[Motif],
    database: Sequence[Motif],
    *,
    most: int = 10,
    background: Floats = UNIFORM,
    pseudocount: float = 1.0,
    exact: bool = False,
) -> list[list[MotifMatch]]:
    """The ``most`` best matches of each query, smallest p first; among equals the more similar.

    Parameters
    ----------
    queries
        To be looked up; cut uninformative flanks off first, since they are compared, too.
    database
        What they may be. With fewer than ``FEW`` motifs the p-values depend much on which those are.
    background, pseudocount
        Of the queries' and the targets' shares.
    exact
        Take each column of the database for itself; otherwise columns alike to 1 % are one, as memelite does by default.

    Raises
    ------
    InputError
        An empty database.

    The first call of an installation takes a minute or more: memelite is compiled then, and kept.
    """
    if not database:
        raise InputError("database: holds no motif")
    if not queries:
        return []
    from memelite import tomtom  # numba, which takes a second to import

    targets = [motif.probabilities(background, pseudocount).T.copy() for motif in database]
    told: list[list[MotifMatch]] = []
    for low in range(0, len(queries), AT_ONCE):
        part = queries[low : low + AT_ONCE]
        shares = [motif.probabilities(background, pseudocount).T.copy() for motif in part]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="tomtom was given")  # our callers say so in their own words
            found = tomtom(shares, list(targets), n_target_bins=None if exact else 100)
        p, _, offsets, overlaps, strands = found
        told += [
            _best(query, database, most, p[row], offsets[row], overlaps[row], strands[row])
            for row, query in enumerate(part)
        ]
    return told


def _best(
    query: Motif, database: Sequence[Motif], most: int, p: Floats, offsets: Floats, overlaps: Floats, strands: Floats
) -> list[MotifMatch]:
    p = np.clip(p, 0.0, 1.0)
    q = false_discovery_control(p, method="bh")
    # A few more than asked, so that equal p-values are told apart by similarity and not by the order of the file.
    last = np.sort(p)[min(most, len(p)) - 1]
    found = [
        MotifMatch(
            database[i], float(p[i]), float(q[i]), int(offsets[i]), -1 if strands[i] else 1, int(overlaps[i]),
            similarity(query, database[i]).similarity,
        )
        for i in np.flatnonzero(p <= last)[: 10 * most]
    ]  # fmt: skip
    return sorted(found, key=lambda match: (match.p, -match.similarity))[:most]
