"""How variants are scored. No torch here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from classify.scanning.settings import STRANDS
from specgen.errors import InputError, UnknownName

__all__ = ["BESIDE", "READ", "EffectsSettings"]

READ = {**{name: some for name, some in STRANDS.items() if all(some)}, "each": (1, -1)}
"""Strands that are read; of ``both`` the mean is told."""

BESIDE, FARTHEST = 50, 5000
"""nt beside a variant that are asked about where a run's task asks what stands in the middle, and at most."""

_TAG = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")


@dataclass(frozen=True)
class EffectsSettings:
    """What is scored, and how it is named.

    Attributes
    ----------
    strands
        both (the mean of the logits, or log-likelihoods, of the window and its reverse complement), each (that, and what either
        strand gives by itself, since a site stands on one of them), + or - alone. Empty = by the run: both where its tests
        average both strands (``training.both_strands``; such a run answers for both whatever is asked here), + of the next
        base, else each.
    distance
        nt: besides the window with the variant in its middle, every window is read whose middle lies within so many nt of the
        variant, with and without it, and the strongest loss and gain among them are told, by -ln(1 - p), with place and strand.
        Empty = 50 where the run's task asks what stands in the middle of a window (exon starts), since a variant changes the
        site beside it (the AG of an acceptor stands before the exon's first letter), which the window around the variant does
        not ask about; else 0 = the one window. 50 takes some two hundred windows for each ALT and strand; at most 5000, and
        no more than 0 for a run of the next base.
    classes
        Names of the classes or labels whose effects are written, in which * stands for anything; empty = all, of two
        exclusive classes the last. None for a run of the next base, which has no classes.
    max_ambiguous
        An allele is not scored where a larger share of its window or the reference's is N and other ambiguity letters.
    tag
        First part of the names of the INFO fields, so that several runs can annotate a file one after another.
    """

    strands: str = ""
    distance: int | None = None
    classes: list[str] = field(default_factory=list)
    max_ambiguous: float = 0.1
    tag: str = "CLASSIFY"

    def __post_init__(self) -> None:
        if self.strands and self.strands not in READ:
            raise UnknownName("strands", self.strands, READ)
        if self.distance is not None and not 0 <= self.distance <= FARTHEST:
            raise InputError(f"distance: expected 0 to {FARTHEST} nt, got {self.distance}")
        if not 0 <= self.max_ambiguous <= 1:
            raise InputError(f"max_ambiguous: expected a share from 0 to 1, got {self.max_ambiguous}")
        if not _TAG.fullmatch(self.tag):
            raise InputError(f"tag: expected letters, digits and _, no digit first, got {self.tag!r}")

    def chosen(self, classes: Sequence[str], *, exclusive: bool) -> list[int]:
        """Places in ``classes`` of those whose effects are written, ascending.

        Raises
        ------
        UnknownName
            A name that no class has.
        """
        if not self.classes:
            return [1] if exclusive and len(classes) == 2 else list(range(len(classes)))
        found: set[int] = set()
        for name in self.classes:
            some = {i for i, known in enumerate(classes) if known == name or fnmatchcase(known, name)}
            if not some:
                raise UnknownName("class", name, classes)
            found |= some
        return sorted(found)
