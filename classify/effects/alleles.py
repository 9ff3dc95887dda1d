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
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from classify.exons.windows import cut_windows
from specgen.genome import Fetch
from specgen.sequences import Codes

__all__ = ["Change", "allele_windows", "change_of"]


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
