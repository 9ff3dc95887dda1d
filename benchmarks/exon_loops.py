"""Preparing exon starts as one would without this package: pyfaidx slices, loops over letters and over lines.

``cut`` does the windows of a finished file, letter by letter; ``script`` is the whole preparation, after the manner of the
published script (one-hot rows in the order A, T, C, G), with strands and decoys as ``classify prepare`` has them. Neither is
slow on purpose: a slice a window, a dictionary a letter, one array and one write a contig.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyfaidx
from numpy.typing import NDArray

from classify.exons.prepared import PreparedSet
from specgen.sequences import LETTERS

_CODES = {letter: code for code, letter in enumerate(LETTERS)}
_ONE_HOT = {"A": [1, 0, 0, 0], "T": [0, 1, 0, 0], "C": [0, 0, 1, 0], "G": [0, 0, 0, 1]}
_NONE = [0, 0, 0, 0]


def to_codes(text: str) -> list[int]:
    """A number a letter."""
    return [_CODES[letter] for letter in text]


def to_one_hot(text: str) -> NDArray[np.uint8]:
    """(L, 4) in the order A, T, C, G; what is none of them is zeros."""
    return np.array([_ONE_HOT.get(letter, _NONE) for letter in text], dtype=np.uint8)


ENCODERS: dict[str, Callable[[str], Any]] = {"codes": to_codes, "one-hot": to_one_hot}


def window(contig: Any, length: int, position: int, strand: int, width: int) -> str:
    """Letters around a 1-based place, '=' beyond the ends, in transcript direction."""
    low, high = position - 1 - width // 2, position + width // 2
    piece = contig[max(0, low) : min(length, high)]
    before, after = "=" * max(0, -low), "=" * max(0, high - length)
    if strand > 0:
        return before + piece.seq + after
    return after + piece.reverse.complement.seq + before


def cut(encode: Callable[[str], Any], found: PreparedSet, genome: str, out: Path, step: int) -> int:
    """Every ``step``-th window of a prepared file; says how many."""
    fasta, done = pyfaidx.Fasta(genome, sequence_always_upper=True), 0
    with h5py.File(out, "w") as file:
        for number, name in enumerate(found.contigs):
            rows = np.flatnonzero(found.contig == number)[::step]
            contig, length = fasta[name], len(fasta[name])
            places = zip(found.position[rows].tolist(), found.strand[rows].tolist(), strict=True)
            windows = [encode(window(contig, length, place, strand, found.width)) for place, strand in places]
            file.create_dataset(f"{number}", data=np.array(windows, dtype=np.uint8))
            done += len(rows)
    return done


def script(genome: str, annotation: str, out: Path, step: int, width: int = 301, least: int = 20) -> tuple[int, float]:
    """Every ``step``-th gene, from its lines to its windows: starts, and a random place and a decoy for each.

    Says how many windows, and the seconds of reading the lines, which are those of all genes.
    """
    begin = time.perf_counter()
    fasta = pyfaidx.Fasta(genome, sequence_always_upper=True)
    genes: dict[str, Any] = {}
    with open(annotation, encoding="utf-8") as lines:
        for line in lines:
            columns = line.rstrip("\n").split("\t")
            if line.startswith("#") or columns[2] != "exon":
                continue
            told = dict(part.strip().split(" ", 1) for part in columns[8].strip().strip(";").split(";"))
            gene = genes.setdefault(told["gene_id"], {"contig": columns[0], "strand": columns[6], "exons": set()})
            gene["exons"].add((int(columns[3]), int(columns[4])))
    starts: dict[Any, set[int]] = defaultdict(set)
    for gene in genes.values():
        gene["starts"] = {low if gene["strand"] == "+" else high for low, high in gene["exons"]}
        starts[gene["contig"], gene["strand"]] |= gene["starts"]
    reading = time.perf_counter() - begin
    rng = random.Random(0)
    rows: dict[str, list[Any]] = defaultdict(list)
    for gene in list(genes.values())[::step]:
        contig, strand = fasta[gene["contig"]], 1 if gene["strand"] == "+" else -1
        length, taken = len(contig), starts[gene["contig"], gene["strand"]]
        low, high = min(a for a, _ in gene["exons"]), max(b for _, b in gene["exons"])
        for kind in ("start", "intragenic", "decoy"):
            for start in gene["starts"]:
                place = start
                for _ in range(200) if kind != "start" else ():
                    place = rng.randrange(low, max(high, low + 1))
                    far = not any(near in taken for near in range(place - least + 1, place + least))
                    if far and (kind == "intragenic" or window(contig, length, place, strand, 5)[:2] == "AG"):
                        break
                rows[gene["contig"]].append((kind, place, to_one_hot(window(contig, length, place, strand, width))))
    with h5py.File(out, "w") as file:
        for name, examples in rows.items():
            file.create_dataset(f"{name}/windows", data=np.array([one_hot for *_, one_hot in examples]))
            file.create_dataset(f"{name}/label", data=np.array([kind == "start" for kind, *_ in examples]))
            file.create_dataset(f"{name}/position", data=np.array([place for _, place, _ in examples]))
    return sum(map(len, rows.values())), reading
