"""How alike two matrices are, wherever in their windows the motif lies and on whichever strand.

Arrays in, numbers out. Whether a likeness is more than chance among the matrices of a database is asked in ``tomtom``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from classify.motifs.matrices import Floats, Motif
from specgen.errors import InputError
from specgen.sequences import BASES

__all__ = ["MINIMUM", "RECOVERED", "Alignment", "Recovery", "recovery", "similarity"]

MINIMUM = 5
"""Places that have to overlap: fewer are alike by chance too easily. A shorter matrix has to overlap wholly."""

RECOVERED = 0.95
"""Similarity from which a motif counts as recovered."""

TIE = 1e-6
"""Shares that differ by less are the same."""


class Alignment(NamedTuple):
    """How two matrices lie on each other.

    Attributes
    ----------
    similarity
        -1 to 1.
    offset
        Place of the second matrix (as turned by ``strand``) at which the first begins; below 0 where it begins before it.
    strand
        +1, or -1 where the second is reverse-complemented.
    overlap
        Places that both have.
    """

    similarity: float
    offset: int
    strand: int
    overlap: int


class Recovery(NamedTuple):
    """Whether a planted motif was found.

    Attributes
    ----------
    recovered
        Similarity of at least ``RECOVERED``, or the same consensus.
    consensus
        Whether the most frequent base is the planted one at every planted place.
    letters
        The most frequent bases at the planted places, as the planted motif reads; "-" outside the found matrix, N where
        no base is more frequent than by chance.
    alignment
        Of the found matrix (first) on the planted one (second).
    """

    recovered: bool
    consensus: bool
    letters: str
    alignment: Alignment


def _shares(motif: Motif | Floats) -> Floats:
    return motif.probabilities(pseudocount=0.0) if isinstance(motif, Motif) else np.asarray(motif, dtype=np.float64)


def similarity(first: Motif | Floats, second: Motif | Floats, *, minimum: int = MINIMUM) -> Alignment:
    """The best correlation of two matrices over all offsets and both strands.

    A filter of width k that has learnt a motif of length m < k may hold it at any of k - m + 1 places, and nothing in
    training prefers one; and where both strands count it may hold the reverse complement. Comparing the letters of the two
    matrices place by place, without moving one along the other, therefore scores a filter that has learnt the motif
    perfectly, but one place to the right, like any other: each of its places is compared with a neighbour's letter, and a
    quarter of them agree by chance. Only the best alignment says whether the motif was learnt.

    The correlation is Pearson's over all entries of the overlapping columns, taken together. As the entries of a
    column of shares sum to 1, their mean is 1/4, and this is the cosine of the two matrices after 1/4 is taken off: a column
    that says nothing adds nothing, and informative ones weigh more, while the mean of the columns' own correlations would
    give noise in flanks the weight of the motif. It is symmetric, does not change when both are reverse-complemented or
    flat columns are put around either, and is 1 for equals.

    Parameters
    ----------
    first, second
        Motifs, or shares (w, 4) in the order A, C, G, T, rows summing to 1.
    minimum
        Places that have to overlap, at least 1; the width of the narrower matrix where that is less.

    Returns
    -------
    Alignment
        The best; among equals the one with more overlap, then on the + strand, then the smallest offset. A pair of which one
        is flat throughout has similarity 0.

    Raises
    ------
    InputError
        A minimum below 1.
    """
    if minimum < 1:
        raise InputError(f"minimum: expected an overlap of at least 1 place, got {minimum}")
    ours, theirs = _shares(first) - 0.25, _shares(second) - 0.25
    least = min(minimum, len(ours), len(theirs))
    best: Alignment | None = None
    for strand, turned in ((1, theirs), (-1, theirs[::-1, ::-1])):
        for offset in range(least - len(ours), len(theirs) - least + 1):
            low, high = max(0, offset), min(len(theirs), offset + len(ours))
            a, b = ours[low - offset : high - offset], turned[low:high]
            scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
            # Rounded, so that equal alignments do not take turns by the last bit.
            value = round(float((a * b).sum()) / scale, 12) if scale > 0 else 0.0
            found = Alignment(value, offset, strand, high - low)
            if best is None or (value, found.overlap) > (best.similarity, best.overlap):
                best = found
    assert best is not None
    return best


def recovery(found: Motif | Floats, planted: Motif | Floats, *, threshold: float = RECOVERED) -> Recovery:
    """Whether ``found`` holds the whole of ``planted``, anywhere in it and on either strand.

    All planted places count: one that lies outside the found matrix is compared with a flat column, so a filter shorter than
    the motif, or one that holds half of it at its edge, is no recovery. What a found matrix has around them does not count.
    """
    ours, theirs = _shares(found), _shares(planted)
    flank = np.full((len(theirs), 4), 0.25)
    padded = np.concatenate([flank, ours, flank])
    turned_back = similarity(theirs, padded, minimum=len(theirs))
    begin, strand = turned_back.offset, turned_back.strand
    aligned = (padded[::-1, ::-1] if strand < 0 else padded)[begin : begin + len(theirs)]
    inside = np.arange(begin, begin + len(theirs)) - len(theirs)
    known = (inside >= 0) & (inside < len(ours))
    named = [BASES[row.argmax()] if row.max() > 0.25 + TIE else "N" for row in aligned]
    letters = "".join(letter if here else "-" for letter, here in zip(named, known, strict=True))
    same = letters == "".join(BASES[i] for i in theirs.argmax(axis=1))
    # Where the found matrix begins on the planted one, which is turned instead.
    offset = len(theirs) - begin if strand > 0 else begin - len(ours)
    alignment = Alignment(turned_back.similarity, offset, strand, int(known.sum()))
    return Recovery(alignment.similarity >= threshold or same, same, letters, alignment)
