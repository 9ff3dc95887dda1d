"""Made-up windows with planted motifs in the layout of DeepSEA's training file, written in pieces. Nothing is read here."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specgen.files import replacing
from specgen.sequences import Codes

__all__ = ["planted_motifs", "simulate_mat", "simulated_names"]

MOTIF = 10
"""nt of a motif: another comes about by chance in one of a thousand windows of 1,000 nt."""

RATES = 0.005, 0.05
"""Least and largest share of windows that have a label; rates are spread evenly in their logarithms."""

_PIECE = 512
_CHUNK = 16
_PARTS = ("train", "valid", "test")
_BASES = "AGCT"


def planted_motifs(labels: int, seed: int) -> NDArray[np.uint8]:
    """uint8 (labels, 10): the motif of each label as numbers of A, C, G, T."""
    return np.random.default_rng([seed, 0]).integers(0, 4, (labels, MOTIF), dtype=np.uint8)


def simulated_names(labels: int) -> list[str]:
    """Names as of DeepSEA's features, with its shares of DNase (125 of 919), factors (690) and histone marks (104)."""
    names = []
    for i in range(labels):
        place = i * 919 // labels
        factor = "DNase" if place < 125 else f"TF{i + 1}" if place < 815 else f"H3K{i + 1}me1"
        names.append(f"cell{i + 1}|{factor}|None")
    return names


def simulate_mat(path: Path, n: int, length: int, labels: int, seed: int, part: str = "train") -> Path:
    """Write ``<part>xdata`` uint8 (length, 4, n), bases in the order A, G, C, T, and ``<part>data`` uint8 (labels, n) as HDF5.

    Every label has a motif, planted once in each window that has the label, at a place of its own; windows are uniform bases
    elsewhere. Motifs and rates of labels depend on ``seed`` alone, so parts belong together; windows besides on the part. No
    more than some hundred windows are held in memory.

    Parameters
    ----------
    path
        Ending in .mat, .h5 or whatever.
    n, length, labels
        Windows, nt of each, and labels of each.
    part
        train, valid or test, as the published files call them.
    """
    import h5py

    motifs = planted_motifs(labels, seed)
    rates = np.exp(np.random.default_rng([seed, 1]).uniform(math.log(RATES[0]), math.log(RATES[1]), labels))
    hot = np.zeros((4, 4), dtype=np.uint8)
    hot[["ACGT".index(base) for base in _BASES], range(4)] = 1
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        chunk = min(_CHUNK, n)
        x = file.create_dataset(f"{part}xdata", (length, 4, n), np.uint8, chunks=(length, 4, chunk))
        y = file.create_dataset(f"{part}data", (labels, n), np.uint8, chunks=(labels, chunk))
        for low in range(0, n, _PIECE):
            rng = np.random.default_rng([seed, 2 + _PARTS.index(part), low])
            codes, truth = _drawn(rng, min(_PIECE, n - low), length, motifs, rates)
            x[:, :, low : low + len(codes)] = hot[codes].transpose(1, 2, 0)
            y[:, low : low + len(codes)] = truth.T
    return path


def _drawn(
    rng: np.random.Generator, n: int, length: int, motifs: NDArray[np.uint8], rates: NDArray[np.float64]
) -> tuple[Codes, NDArray[np.uint8]]:
    """Numbers of bases (n, length), and labels (n, k): those that find no room are taken away."""
    codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
    truth = (rng.random((n, len(motifs))) < rates).astype(np.uint8)
    room = length // MOTIF
    for row in range(n):
        held = rng.permutation(np.flatnonzero(truth[row]))
        truth[row, held[room:]] = 0
        starts = rng.permutation(room)[: len(held)] * MOTIF
        codes[row, starts[:, None] + np.arange(MOTIF)] = motifs[held[:room]]
    return codes, truth
