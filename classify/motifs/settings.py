"""What motifs are read off a network with: a frozen dataclass that checks itself. No torch, for the sake of ``--help``."""

from __future__ import annotations

from dataclasses import dataclass

from specgen.errors import InputError, UnknownName

__all__ = ["BACKGROUNDS", "FORMS", "SITES", "FilterSettings"]

FORMS = ("share", "top")
"""Which places make a filter's matrix: those above a share of its maximum, or so many of the most active sequences."""

SITES = ("every", "best")
"""With the form ``share``: every place above it (Basset), or the best place of each sequence (DeepBind)."""

BACKGROUNDS = ("sequences", "uniform")
"""Base frequencies that information and log odds are measured against."""


@dataclass(frozen=True)
class FilterSettings:
    """How the filters of a first convolution become motifs.

    Attributes
    ----------
    form
        share: places whose activation is above ``share`` of the filter's largest one over all sequences, as Basset (Kelley et
        al. 2016, Genome Res. 26:990) and DeepBind (Alipanahi et al. 2015, Nat. Biotechnol. 33:831) do; top: the best place of
        each of the ``top`` sequences that the filter is most active in.
    share
        Above 0 and below 1. Basset has .5.
    sites
        every or best, see ``SITES``.
    top
        Sequences of the form ``top``.
    least_plain
        Share of a site's letters that have to be A, C, G or T; of the others the bases count in equal parts. Sites that reach
        beyond the sequence, into padding, are left out.
    background
        See ``BACKGROUNDS``.
    pseudocount
        Letters of the background added to each place.
    trim
        Bits; flanks whose places tell less are cut off before matching, and drawn in the logo of the whole filter only.
    fewest
        Sites below which a filter has no motif.
    most
        Sequences that are looked at, evenly spaced among all; 0 = all.
    """

    form: str = "share"
    share: float = 0.5
    sites: str = "every"
    top: int = 100
    least_plain: float = 0.5
    background: str = "sequences"
    pseudocount: float = 1.0
    trim: float = 0.25
    fewest: int = 10
    most: int = 10_000

    def __post_init__(self) -> None:
        for key, known in (("form", FORMS), ("sites", SITES), ("background", BACKGROUNDS)):
            if getattr(self, key) not in known:
                raise UnknownName(f"filters.{key}", getattr(self, key), known)
        if not 0 < self.share < 1:
            raise InputError(f"filters.share: expected above 0 and below 1, got {self.share}")
        if not 0 < self.least_plain <= 1:
            raise InputError(f"filters.least_plain: expected above 0 and at most 1, got {self.least_plain}")
        for key in ("top", "fewest"):
            if getattr(self, key) < 1:
                raise InputError(f"filters.{key}: expected at least 1, got {getattr(self, key)}")
        if self.most < 0:
            raise InputError(f"filters.most: expected 0 or more, got {self.most}")
        if self.pseudocount <= 0:
            raise InputError(f"filters.pseudocount: expected above 0, got {self.pseudocount}")
        if not 0 <= self.trim < 2:
            raise InputError(f"filters.trim: expected 0 or more and below 2 bits, got {self.trim}")
