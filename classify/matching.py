"""Matched sampling: as many records of both classes in every bin of something that must not tell them apart.

What is matched is a decorated function from examples to one number a record; a bin is a step of that number, several
things together make joint bins. Within a bin the larger class is thinned by hash of the id, in every split for itself.
Matching evens out what it names, up to the width of a bin, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.examples import Examples
from classify.splits import stable_fraction
from specgen.errors import InputError
from specgen.registry import Registry
from specgen.sequences import DIGITS, Codes, gc_share

__all__ = ["MATCHERS", "Matcher", "match", "pair_frequencies", "register_matcher"]

Values = Callable[[Examples, int], NDArray[np.float64]]


@dataclass(frozen=True)
class Matcher:
    """``values(examples, seed) -> float64 (n,)``, the width of a bin in its units, and one line for ``list``."""

    values: Values
    width: float
    note: str


MATCHERS: Registry[Matcher] = Registry("match")


def register_matcher(name: str, width: float, note: str) -> Callable[[Values], Values]:
    """Decorator: add something to match under ``name``."""

    def register(values: Values) -> Values:
        MATCHERS.add(name, Matcher(values, width, note))
        return values

    return register


def match(examples: Examples, names: Sequence[str], seed: int) -> Examples:
    """``examples`` with equal numbers of each class in every joint bin of every split; the rest is counted.

    Raises
    ------
    UnknownName
        A name that is nothing to match.
    InputError
        Pictures, or no training examples to fit on.
    """
    if not names:
        return examples
    if examples.sequences is None:
        raise InputError("data.match: expected sequences, got pictures")
    bins = [np.floor(MATCHERS[name].values(examples, seed) / MATCHERS[name].width).astype(np.int64) for name in names]
    cells: dict[tuple[object, ...], list[list[int]]] = {}
    # In the order of a hash of the id, so that the first of a cell are a draw that adding records hardly moves.
    for i in np.argsort([stable_fraction(f"match\0{name}", seed) for name in examples.ids], kind="stable"):
        cell = (str(examples.split[i]), *(int(values[i]) for values in bins))
        cells.setdefault(cell, [[] for _ in examples.classes])[int(examples.labels[i])].append(int(i))
    keep = np.zeros(len(examples), dtype=bool)
    for members in cells.values():
        fewest = min(map(len, members))
        for same in members:
            keep[same[:fewest]] = True
    left = examples.take(~keep).per_class()
    return examples.take(keep, matching_left_out=left, matched=list(names))


@register_matcher("length", float(np.log(1.1)), "log length of the whole record, bins 10 % wide")
def length(examples: Examples, seed: int) -> NDArray[np.float64]:
    """(n,) natural log of the length in nt before trimming."""
    return np.log(np.maximum(examples.lengths, 1).astype(np.float64))


@register_matcher("gc", 0.02, "GC share of the trimmed record, bins .02 wide")
def gc(examples: Examples, seed: int) -> NDArray[np.float64]:
    """(n,) share of G and C, 0 to 1; an ambiguity letter counts its share."""
    return np.nan_to_num(np.array([gc_share(codes) for codes in examples.sequences or []]))


@register_matcher("dinucleotide", 0.25, "log odds of a logistic regression on the 16 pair frequencies, bins .25 wide")
def dinucleotide(examples: Examples, seed: int) -> NDArray[np.float64]:
    """(n,) log odds of the positive class; fitted on the training split only, standardised, scikit-learn's default penalty.

    Raises
    ------
    InputError
        No training examples of both classes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frequencies = np.array([pair_frequencies(codes) for codes in examples.sequences or []])
    train = examples.split == "train"
    if len(np.unique(examples.labels[train])) < 2:
        raise InputError("data.match: dinucleotide is fitted on the training split; expected both classes in it")
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    model.fit(frequencies[train], examples.labels[train])
    odds: NDArray[np.float64] = model.decision_function(frequencies)
    return odds


def pair_frequencies(codes: Codes) -> NDArray[np.float64]:
    """(16,) shares of AA, AC, ... TT among the pairs of unambiguous neighbours; zeros where there is none."""
    digits = DIGITS[codes]
    counts = np.bincount(5 * digits[:-1] + digits[1:], minlength=25).reshape(5, 5)[:4, :4].ravel()
    shares: NDArray[np.float64] = counts / max(int(counts.sum()), 1)
    return shares
