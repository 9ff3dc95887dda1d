"""What barcode maps are drawn of: a sample of validation examples, and what a network says of them after each epoch.

The rule of the sample, and the one file of a run folder that holds it. NumPy only: nothing is trained or drawn here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from classify.targets import Labels
from specgen.errors import InputError
from specgen.files import parse_json
from specgen.sequences import Codes

__all__ = ["FILE", "MOST_LABELS", "Barcodes", "choose_examples", "choose_labels", "read_barcodes", "truth_of"]

FILE = "barcodes.safetensors"
"""Name in the run folder."""

MOST_LABELS = 50
"""Labels of one sample: their names are still legible side by side."""


@dataclass(frozen=True)
class Barcodes:
    """A sample of m examples and c labels over e epochs.

    Attributes
    ----------
    ids
        (m,) of the examples, in the order in which they are drawn.
    names
        (c,) of the labels.
    labels_in_all
        Labels that the c were chosen from.
    truth
        int8 (m, c): 1, 0, -1 = not known.
    probabilities
        float32 (e, m, c) after epochs 1, 2, ..., e.
    codes
        uint8 (m, window) letters, as the network reads them; None for pictures.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    labels_in_all: int
    truth: Labels
    probabilities: NDArray[np.float32]
    codes: Codes | None

    def dump(self) -> bytes:
        """The file. The same sample gives the same bytes."""
        told = {"ids": self.ids, "names": self.names, "labels_in_all": self.labels_in_all}
        arrays = {"truth": self.truth, "probabilities": self.probabilities}
        if self.codes is not None:
            arrays["codes"] = self.codes
        # One entry: several would come in any order.
        return save({k: np.ascontiguousarray(v) for k, v in arrays.items()}, metadata={"barcodes": json.dumps(told)})


def read_barcodes(path: Path) -> Barcodes:
    """What ``Barcodes.dump`` wrote.

    Raises
    ------
    InputError
        No such file, or one that is damaged.
    """
    try:
        with safe_open(path, framework="np") as file:
            told = parse_json((file.metadata() or {})["barcodes"], path)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        ids, names, of = tuple(map(str, told["ids"])), tuple(map(str, told["names"])), int(told["labels_in_all"])
        found = Barcodes(ids, names, of, arrays["truth"], arrays["probabilities"], arrays.get("codes"))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: cannot be read as barcodes ({' '.join(str(error).split())})") from None
    shape = (len(ids), len(names))
    if found.truth.shape != shape or found.probabilities.ndim != 3 or found.probabilities.shape[1:] != shape:
        raise InputError(f"{path}: expected truth and probabilities of {shape[0]} examples and {shape[1]} labels")
    if found.codes is not None and (found.codes.ndim != 2 or len(found.codes) != len(ids)):
        raise InputError(f"{path}: expected the letters of {len(ids)} examples, got {found.codes.shape}")
    return found


def truth_of(labels: NDArray[np.integer[Any]], classes: NDArray[np.int64]) -> Labels:
    """int8 (n, c) whether each of some classes holds: of labels (n, k) their columns, of classes (n,) whether it is the one."""
    return (labels[:, classes] if labels.ndim == 2 else labels[:, None] == classes).astype(np.int8)


def choose_labels(truth: Labels, most: int = MOST_LABELS) -> NDArray[np.int64]:
    """Places of the labels that hold for most examples, ``most`` at most, in their own order; of equals the first.

    Parameters
    ----------
    truth
        int8 (n, k): 1, 0, -1 = not known.
    """
    order = np.argsort(-(truth == 1).sum(axis=0), kind="stable")
    return np.sort(order[:most])


def choose_examples(truth: Labels, most: int, seed: int) -> NDArray[np.int64]:
    """Rows of a sample, ``most`` at most, in the order of their labels.

    By turns one from each stratum as long as it lasts, so that what is rare is seen: of one label those that hold and
    those that do not, of several each first label that holds, and none. Drawn by ``seed`` alone, whatever else is random.

    Parameters
    ----------
    truth
        int8 (n, c) of the labels that are shown.
    """
    held = truth == 1
    strata = np.where(held.any(axis=1), held.argmax(axis=1), truth.shape[1])
    shuffled = np.random.default_rng(seed).permutation(len(truth))
    turn = np.zeros(len(truth), dtype=np.int64)
    for stratum in np.unique(strata):
        own = shuffled[strata[shuffled] == stratum]
        turn[own] = np.arange(len(own))
    place = np.empty(len(truth), dtype=np.int64)
    place[shuffled] = np.arange(len(truth))
    # Within a turn the strata come in random order: with more of them than places, none is preferred.
    chosen = np.sort(np.lexsort((place, turn))[:most])
    ranked = np.lexsort(tuple(-truth[chosen, ::-1].T))
    return chosen[ranked]
