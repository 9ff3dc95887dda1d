"""Letters to indicators beside what one would otherwise use, and motifs over many windows, in turns in one process.

    python -m benchmarks.letters [--sequences 10000] [--windows 100000] [--batch 128] [--rounds 5] [--threads 1] [--out FILE]

prints three tables. Indicators: from a list of strings to float32 (n, 4, L), in whatever order in memory, everybody by his own
means; medians of rounds, and the median of the ratios within a round. Once in batches, as a network learns, whose indicators
stay in the processor's cache, and once all sequences as one array, where memory is what is waited for. Freed memory is kept
for the next call, for everybody. The double loop over sequences and letters is that of a
course notebook. seqpro and tangermeme have to be installed (extra ``bench``). Motifs: every place of both strands,
p-value at most 1e-4, a selection of the vertebrate matrices of JASPAR 2024, beside memelite's FIMO, which makes tables of hits.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import time
from collections.abc import Callable
from pathlib import Path

import memelite
import numba
import numpy as np
import seqpro
import torch
from tangermeme.utils import one_hot_encode
from torch import Tensor

from classify.labelled.formats import Columns, read_rows
from classify.motifs.formats import read_motifs
from classify.motifs.hits import scan_windows
from classify.views import OneHotView
from specgen.files import expand, write_atomic
from specgen.sequences import BASES, INDICATORS, Codes, decode, encode

FILE = "$SPECGEN_DATA/tfbs/deepbind_encode/FOXA1_HepG2.train.seq.gz"
MATRICES = "$SPECGEN_DATA/motifs/jaspar2024_selected_vertebrate.jaspar.gz"
BASE_CODES = encode(BASES)
VIEW = OneHotView()
LOOP = "double Python loop"


def keep_memory() -> None:
    """Have glibc keep freed memory: else what is timed is how fast the kernel gives pages."""
    with contextlib.suppress(OSError):
        libc = ctypes.CDLL("libc.so.6")
        for option in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            libc.mallopt(option, 1 << 30)


def windows_of(n: int) -> list[str]:
    """``n`` real windows of 101 nt; they come again where the file has fewer."""
    rows = read_rows(Path(expand(FILE)), 1, Columns())
    found = [decode(row.codes) for row in rows if len(row.codes) == 101 and np.isin(row.codes, BASE_CODES).all()]
    return [found[i % len(found)] for i in range(n)]


def loop(sequences: list[str]) -> Tensor:
    """One letter after the other."""
    index = {"A": 0, "C": 1, "G": 2, "T": 3}
    made = np.zeros((len(sequences), len(sequences[0]), 4), dtype=np.float32)
    for i, sequence in enumerate(sequences):
        for j, letter in enumerate(sequence):
            if letter in index:
                made[i, j, index[letter]] = 1.0
    return torch.from_numpy(made).transpose(1, 2)


def with_tangermeme(sequences: list[str]) -> Tensor:
    """One sequence after the other."""
    return torch.stack([one_hot_encode(sequence) for sequence in sequences]).float()


def with_seqpro(sequences: list[str]) -> Tensor:
    """All at once."""
    made = seqpro.ohe(seqpro.cast_seqs(sequences), seqpro.DNA)
    return torch.from_numpy(np.asarray(made)).transpose(1, 2).float()


def ours(sequences: list[str]) -> Tensor:
    """All at once: codes, and the view that every network of letters reads through."""
    codes = encode("".join(sequences)).reshape(len(sequences), -1)
    made: Tensor = VIEW(torch.from_numpy(codes))
    return made


def taken(what: dict[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of each in every round but the first, which is for compiling and warming up."""
    spent: dict[str, list[float]] = {name: [] for name in what}
    for _ in range(rounds + 1):
        for name, call in what.items():
            begun = time.perf_counter()
            call()
            spent[name].append(time.perf_counter() - begun)
    return {name: np.array(each[1:]) for name, each in spent.items()}


def rows(spent: dict[str, np.ndarray], n: int, against: str) -> list[str]:
    """Lines of a table: rate, and how many times as fast as ``against``."""
    return [
        f"| {name} | {n / np.median(each):,.0f} | {np.median(spent[against] / each):.1f} |"
        for name, each in spent.items()
    ]


def indicators(n: int, batch: int, rounds: int) -> list[str]:
    """A table of indicators, ``batch`` sequences at a time."""
    sequences = windows_of(n)
    batches = [sequences[i : i + batch] for i in range(0, n, batch)]
    contenders = {LOOP: loop, "tangermeme": with_tangermeme, "seqpro": with_seqpro, "specgen": ours}
    made = [call(sequences) for call in contenders.values()]
    assert all(torch.equal(one, made[0]) for one in made), "the contenders disagree"

    def every(call: Callable[[list[str]], Tensor]) -> Callable[[], object]:
        def calls() -> None:
            for part in batches:
                call(part)

        return calls

    spent = taken({name: every(call) for name, call in contenders.items()}, rounds)
    head = [f"| indicators, {batch:,} at a time | sequences/s | times the loop |", "|---|---|---|"]
    return [*head, *rows(spent, n, LOOP)]


def scans(n: int, rounds: int) -> list[str]:
    """The second table."""
    windows: Codes = np.stack([encode(letters) for letters in windows_of(n)])
    motifs = read_motifs(expand(MATRICES))
    letters = np.ascontiguousarray(INDICATORS[windows].transpose(0, 2, 1))
    matrices = {f"{i} {motif.name}": motif.probabilities().T for i, motif in enumerate(motifs)}
    calls: dict[str, Callable[[], object]] = {
        "memelite.fimo": lambda: memelite.fimo(matrices, letters, threshold=1e-4),
        "classify.motifs": lambda: scan_windows(windows, motifs),
    }
    spent = taken(calls, rounds)
    head = [f"| {len(motifs)} motifs over {n:,} windows | windows/s | times memelite |", "|---|---|---|"]
    return [*head, *rows(spent, n, "memelite.fimo")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in {"sequences": 10_000, "batch": 128, "windows": 100_000, "rounds": 5, "threads": 1}.items():
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    keep_memory()
    torch.set_num_threads(asked.threads)
    numba.set_num_threads(asked.threads)
    told = f"{asked.sequences:,} sequences of 101 nt, {asked.threads} thread(s), medians of {asked.rounds} rounds."
    tables = [indicators(asked.sequences, batch, asked.rounds) for batch in (asked.sequences, asked.batch)]
    text = (
        "\n\n".join(
            [
                "# Letters to indicators, places of motifs",
                told,
                *("\n".join(table) for table in (*tables, scans(asked.windows, 2))),
            ]
        )
        + "\n"
    )
    print(text, end="")
    if asked.out:
        write_atomic(asked.out, text)


if __name__ == "__main__":
    main()
