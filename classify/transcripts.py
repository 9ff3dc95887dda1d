"""Whole transcripts as a few numbers: CPAT's features of the letters, and statistics of a network's tiles.

For logistic regressions on transcripts, which see lengths and so do not compare with results on fixed windows. What
is learnt (hexamer tables) comes in from outside. NumPy only; the measures themselves live in ``coding_potential``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from classify.coding_potential import fickett, hexamer_score, hexamer_tables, longest_orf
from classify.pooling import longest_run
from specgen.sequences import Codes

__all__ = ["LETTER_FEATURES", "TILE_FEATURES", "letter_features", "tile_features", "transcript_hexamers"]

Floats = NDArray[np.float64]

LETTER_FEATURES = ("length", "orf", "coverage", "fickett", "hexamer")
"""nt of the transcript, nt of its longest ORF, their ratio, Fickett's score and hexamer log odds of that ORF."""

TILE_FEATURES = ("max", "mean", "top3", "log_tiles", "log_run", "share")
"""Of the log odds of a transcript's tiles: the largest, the mean, the mean of the largest three, log of their number, log of
1 + the longest run of tiles called coding, and the share of those."""


def transcript_hexamers(coding: Sequence[Codes], noncoding: Sequence[Codes]) -> dict[str, list[int]]:
    """Hexamer tables from coding transcripts, of whose longest ORF every third place is counted, and others, all places."""
    frames = [codes[slice(*longest_orf(codes))] for codes in coding]
    return hexamer_tables(frames, noncoding, 0)


def letter_features(records: Iterable[Codes], tables: dict[str, list[int]]) -> Floats:
    """(n, 5) ``LETTER_FEATURES`` of whole transcripts uint8 (L,), sense strand.

    Wang et al. 2013 (CPAT), Nucleic Acids Res. 41:e74, with Fickett's corrected table. A transcript without a complete ORF
    has zeros there; CPAT's trainer leaves it out.
    """
    counts = {kind: np.array(table) for kind, table in tables.items()}  # once, not for every record
    rows = []
    for codes in records:
        begin, end = longest_orf(codes)
        orf = codes[None, begin:end]
        share = (end - begin) / max(1, len(codes))
        rows.append([len(codes), end - begin, share, fickett(orf)[0], hexamer_score(orf, counts, frames=1)[0]])
    return np.array(rows, dtype=np.float64).reshape(-1, len(LETTER_FEATURES))


def tile_features(odds: Iterable[NDArray[np.floating]]) -> Floats:
    """(n, 6) ``TILE_FEATURES`` of transcripts from the log odds [nats] of the tiles of each, (T,), T > 0, left to right."""
    rows = []
    for tiles in odds:
        values = np.asarray(tiles, dtype=np.float64)
        coding = values > 0
        best = np.sort(values)[-3:]
        run = np.log1p(longest_run(coding))
        rows.append([values.max(), values.mean(), best.mean(), np.log(len(values)), run, coding.mean()])
    return np.array(rows, dtype=np.float64).reshape(-1, len(TILE_FEATURES))
