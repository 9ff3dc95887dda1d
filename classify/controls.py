"""Negative controls: changes to the examples after which a cue is gone, so that what is still learned must come from the
others.

A control is one decorated function from ``Examples`` to ``Examples``. It is applied to whole trimmed records, once, before
crops are drawn, in every split alike; what it draws depends on the seed and the record's id only, so neither the order of
records nor their number moves another record's draw. Accuracy above chance under ``dinucleotide`` is composition alone,
under ``codon`` minus ``mononucleotide`` it is reading frame without order, under ``permuted_labels`` it is a leak.

The Euler shuffle: Altschul & Erickson 1985 (Mol. Biol. Evol. 2:526), its last edges drawn as a random spanning tree by
Wilson 1996 (STOC, 296), so that every sequence with the same dinucleotide counts and ends is equally likely.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from classify.examples import Examples
from classify.splits import stable_number
from specgen.errors import InputError
from specgen.registry import Registry
from specgen.sequences import Codes, reverse_complement

__all__ = [
    "CONTROLS",
    "Control",
    "apply_controls",
    "check_controls",
    "register_control",
    "register_shuffle",
    "renamed_classes",
]

Change = Callable[[Examples, int], Examples]
Shuffle = Callable[[Codes, np.random.Generator], Codes]


@dataclass(frozen=True)
class Control:
    """``apply(examples, seed) -> examples``, one line for ``list``, and the class names where it gives new labels."""

    apply: Change
    note: str
    classes: tuple[str, ...] = ()


CONTROLS: Registry[Control] = Registry("control")


def register_control(name: str, note: str, classes: tuple[str, ...] = ()) -> Callable[[Change], Change]:
    """Decorator: add a change of the examples under ``name``."""

    def register(change: Change) -> Change:
        CONTROLS.add(name, Control(change, note, classes))
        return change

    return register


def register_shuffle(name: str, note: str) -> Callable[[Shuffle], Shuffle]:
    """Decorator: add a change of each record's letters under ``name``; its generator is seeded by the record's id."""

    def register(change: Shuffle) -> Shuffle:
        def apply(examples: Examples, seed: int) -> Examples:
            if examples.sequences is None:
                raise InputError(f"data.controls: {name} changes letters; expected sequences, got pictures")
            drawn = [
                change(codes, np.random.default_rng(stable_number(f"{name}\0{record}", seed)))
                for record, codes in zip(examples.ids, examples.sequences, strict=True)
            ]
            return replace(examples, sequences=drawn)

        CONTROLS.add(name, Control(apply, note))
        return change

    return register


def apply_controls(examples: Examples, names: Sequence[str], seed: int) -> Examples:
    """``examples`` after the named controls, one after the other; ``counts`` gets their names.

    Raises
    ------
    UnknownName
        A name that is no control.
    InputError
        A control of letters for pictures.
    """
    for name in names:
        examples = CONTROLS[name].apply(examples, seed)
    return replace(examples, counts={**examples.counts, "controls": list(names)}) if names else examples


def check_controls(names: Sequence[str]) -> None:
    """Raise ``UnknownName`` for a name that is no control."""
    for name in names:
        CONTROLS[name]


def renamed_classes(classes: tuple[str, ...], names: Sequence[str]) -> tuple[str, ...]:
    """Class names after the named controls: the last that gives new labels has the say."""
    for name in names:
        classes = CONTROLS[name].classes or classes
    return classes


@register_control("permuted_labels", "labels permuted within every split: anything above chance is a leak")
def permuted_labels(examples: Examples, seed: int) -> Examples:
    """As many of each class in each split as before."""
    first, second = (
        np.array([stable_number(f"{turn}\0{name}", seed) for name in examples.ids], dtype=np.uint64)
        for turn in ("place", "label")
    )
    labels = examples.labels.copy()
    for split in np.unique(examples.split):
        members = np.flatnonzero(examples.split == split)
        labels[members[np.argsort(first[members])]] = examples.labels[members[np.argsort(second[members])]]
    return replace(examples, labels=labels)


@register_shuffle("mononucleotide", "letters of each record shuffled: GC and length stay, period 3 and all order go")
def mononucleotide(codes: Codes, rng: np.random.Generator) -> Codes:
    """Any order of the same letters, each as likely."""
    return rng.permutation(codes)


@register_shuffle("dinucleotide", "exact Euler shuffle of each record: counts of all letter pairs stay, period 3 goes")
def dinucleotide(codes: Codes, rng: np.random.Generator) -> Codes:
    """Any sequence with the same pair counts, first and last letter, each as likely; uint8 (n,) to (n,)."""
    from classify._euler import euler_shuffle  # numba takes a second to import

    return euler_shuffle(codes, rng)


@register_shuffle("codon", "triplets of each record shuffled: codon usage and period 3 stay, the order of codons goes")
def codon(codes: Codes, rng: np.random.Generator) -> Codes:
    """Whole triplets from the trimmed record's first letter on, in any order; one or two letters left over stay last.

    With a trim divisible by 3 these are a CDS's codons, and it stays free of stops in frame. In non-coding records they
    are any triplets.
    """
    whole = len(codes) // 3 * 3
    return np.concatenate([rng.permutation(codes[:whole].reshape(-1, 3)).ravel(), codes[whole:]])


@register_shuffle("reverse_complement", "the other strand of each record: composition of a strand-blind reader stays")
def other_strand(codes: Codes, rng: np.random.Generator) -> Codes:
    """Nothing is drawn."""
    return np.ascontiguousarray(reverse_complement(codes))


@register_control(
    "length_probe", "new labels: longer than the median of its own class; a crop should not tell", ("shorter", "longer")
)
def length_probe(examples: Examples, seed: int) -> Examples:
    """The median is that of all splits of the class, of whole records; as long as the median counts as shorter.

    The classes get new names, so that no report of such a run can pass for one of the real question.
    """
    if examples.sequences is None:
        raise InputError("data.controls: length_probe needs lengths in nt; expected sequences, got pictures")
    labels = np.zeros_like(examples.labels)
    for label in np.unique(examples.labels):
        own = examples.labels == label
        labels[own] = examples.lengths[own] > np.median(examples.lengths[own])
    return replace(examples, labels=labels, classes=CONTROLS["length_probe"].classes)
