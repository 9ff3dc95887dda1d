"""Alleles and their windows: what differs between reference and alternative, and the letters that a network reads of each.

Coordinates are 0-based and half-open. Codes in, codes out: no file, no network.

**Trimming.** REF and ALT are first freed of the letters that they share, at their ends first, then at their beginnings, so
that the base in front of an indel, which VCF asks for, does not count (ACT > A deletes CT; A > AT inserts T). What is left
replaces ``[start, end)`` of the contig; ``start == end`` is an insertion in front of ``start``. Places within repeats are
not moved: ``bcftools norm`` does that.

**Windows.** Both windows have the network's width W. That of an allele of n letters is cut around its own middle:

    W//2 - n//2 reference letters before ``start``, the allele, then reference letters from ``end`` on until W are there

So the allele's letter n//2 stands at index W//2, in both windows (of a deletion, n = 0, the first letter behind it). With
an SNV at p both windows are [p - W//2, p - W//2 + W) of the contig. With a deletion of d letters the alternative's window
takes in about d/2 more letters of the reference on either side than the reference's, with an insertion that many less.
Letters beyond the contig are blank, as in a scan. Both windows have as many letters, so that likelihoods of the two can be
compared; where blanks or ambiguous letters differ in number, they cannot, and ``scores`` says so.

**Windows beside the variant.** With a distance D > 0 also the windows around each letter from ``start - D`` to before
``end + D`` are read, of both alleles, and compared letter by letter, as SpliceAI does (Jaganathan et al. 2019, Cell
176:535; ``get_delta_scores`` of its source). Letters that both alleles have are compared with themselves, replaced ones in
their order. A letter that one allele lacks, deleted or inserted, has no window there; it is compared with the lower of the
two letters beside the gap, as with a place where no site is (SpliceAI takes 0 for deleted letters, which has no log odds, and
the highest of the inserted ones against the letter in front). Every comparison stands at a letter of the reference: a deleted
letter at its own, an inserted one at the letter in front of it. So where an indel takes or gives the letter in a site's
middle, the site is lost at its old place and gained at its new one. The other strand reads the same windows from their other
ends; of an even W the letter in the middle is then the one behind.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.exons.windows import cut_windows
from specgen.genome import Fetch
from specgen.sequences import Codes

__all__ = ["Beside", "Change", "allele_windows", "beside", "change_of", "reaches_beyond"]

Ints = NDArray[np.int64]


class Change(NamedTuple):
    """Letters ``before`` from ``start`` on become ``after``; they share neither first nor last letter."""

    start: int
    before: Codes
    after: Codes

    @property
    def end(self) -> int:
        """Place behind what is replaced."""
        return self.start + len(self.before)


def change_of(start: int, reference: Codes, alternative: Codes) -> Change:
    """An allele without the letters that it shares with the reference at either end; see the module's docstring."""
    last = _shared(reference[::-1], alternative[::-1])
    before, after = reference[: len(reference) - last], alternative[: len(alternative) - last]
    first = _shared(before, after)
    return Change(start + first, before[first:], after[first:])


def _shared(one: Codes, other: Codes) -> int:
    """Letters at the beginning that are the same in both."""
    n = min(len(one), len(other))
    differ = one[:n] != other[:n]
    return int(differ.argmax()) if differ.any() else n


def allele_windows(change: Change, fetch: Fetch, length: int, width: int) -> tuple[Codes, Codes]:
    """Windows of the reference and of the alternative, uint8 (width,) each; see the module's docstring.

    Parameters
    ----------
    fetch, length
        A way to cut the contig, and its nt.
    width
        nt, no less than the longer allele has.
    """
    half = width // 2
    left = fetch(max(0, change.start - half), change.start)
    right = fetch(change.end, min(length, change.end + width - half))
    windows = []
    for allele in (change.before, change.after):
        around = np.concatenate([left, allele, right])
        middle = len(left) + len(allele) // 2
        windows.append(cut_windows(around, np.array([middle + 1]), np.ones(1, dtype=np.int8), width)[0])
    return windows[0], windows[1]


class Beside(NamedTuple):
    """What is read around a variant, and which of it is compared; see the module's docstring.

    Attributes
    ----------
    letters
        uint8 codes of the reference, and of the alternative, around the variant.
    middles
        int64 (n,) and (m,) 0-based places in these, around each of which is a window.
    places
        int64 (c,) 0-based letters of the contig at which comparisons stand.
    before, after
        int64 (c, 2) each: which of the windows are compared, of the reference and of the alternative; the lower of two counts.
    """

    letters: tuple[Codes, Codes]
    middles: tuple[Ints, Ints]
    places: Ints
    before: Ints
    after: Ints


def beside(change: Change, fetch: Fetch, length: int, width: int, distance: int) -> Beside:
    """Windows with their middles within ``distance`` nt, 1 or more, of a variant; parameters as in ``allele_windows``."""
    half, ends = width // 2, (change.before, change.after)
    low, high = max(0, change.start - distance), min(length, change.end + distance)
    first = max(0, low - half)
    left, right = fetch(first, change.start), fetch(change.end, min(length, high + width - half))
    flank, tail, (b, a) = change.start - low, np.arange(high - change.end), map(len, ends)
    middles = [low - first + np.arange(flank + n + len(tail)) for n in (b, a)]
    paired = flank + min(b, a)
    lacking = np.arange(paired, flank + max(b, a))
    # A contig may begin or end at the gap.
    gap = np.broadcast_to(np.clip([paired - 1, paired], 0, min(map(len, middles)) - 1), (len(lacking), 2))
    extra = (_twice(lacking), gap) if b > a else (gap, _twice(lacking))
    before, after = (
        np.concatenate([_twice(np.arange(paired)), some, _twice(flank + n + tail)])
        for some, n in zip(extra, (b, a), strict=True)
    )
    told_at = lacking if b > a else np.full(len(lacking), max(0, paired - 1))
    return Beside(
        (np.concatenate([left, ends[0], right]), np.concatenate([left, ends[1], right])),
        (middles[0], middles[1]),
        low + np.concatenate([np.arange(paired), told_at, flank + b + tail]),
        before,
        after,
    )


def _twice(places: Ints) -> Ints:
    """(n, 2): a letter that both alleles have is compared with itself."""
    return np.stack([places, places], axis=1)


def reaches_beyond(change: Change, length: int, width: int, distance: int) -> bool:
    """Whether some window of either allele, as of ``allele_windows`` or ``beside``, is blank beyond an end of the contig."""
    for allele in (change.before, change.after):
        low = change.start - distance if distance else change.start + len(allele) // 2
        high = change.start + len(allele) + distance if distance else low + 1
        total = length + len(allele) - len(change.before)
        if low < width // 2 or high - 1 - width // 2 + width > total:
            return True
    return False
