"""Near-duplicate clusters in the making of splits: the table, what is held together, and what has to go.

A cluster comes from sequence alone (``homology`` makes the table), a gene or locus from headers. Records that share either
make one group, and so do records that are linked through others. NumPy and SciPy; no sequences here.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classify.splits import SPLITS
from specgen.errors import InputError

__all__ = ["Seen", "contradicted", "hold_together", "keep_highest_split", "read_clusters", "read_seen"]


def read_clusters(path: str | Path) -> dict[str, str]:
    """Cluster by record name, from a CSV with the columns ``id`` and ``cluster``.

    Raises
    ------
    InputError
        No such file, other columns, an empty cluster, or an id given twice.
    """
    return {row["id"]: row["cluster"] for row in _rows(Path(path), ("id", "cluster"))}


@dataclass(frozen=True)
class Seen:
    """What a trained model has learned from: names and groups of its training and validation examples."""

    ids: frozenset[str] = field(default_factory=frozenset)
    groups: frozenset[str] = field(default_factory=frozenset)

    def members(
        self, ids: Sequence[str], genes: Sequence[str], groups: Sequence[str], clusters: Mapping[str, str]
    ) -> NDArray[np.bool_]:
        """(n,) which records are among them, or in a group with one that is or shares its gene or cluster.

        Parameters
        ----------
        genes, groups
            Of each record, before and after ``hold_together``.
        clusters
            By record name; of the examples that were seen, too, also where they are not among the records.
        """
        near = {clusters[name] for name in self.ids if name in clusters}
        known = {
            group
            for name, gene, group in zip(ids, genes, groups, strict=True)
            if name in self.ids or gene in self.groups or clusters.get(name) in near
        }
        return np.array([group in known for group in groups], dtype=bool)


def read_seen(path: str | Path) -> Seen:
    """The training and validation examples of a run, from its ``split.csv``.

    Raises
    ------
    InputError
        No such file, a column is missing, or it holds neither training nor validation examples.
    """
    rows = [row for row in _rows(Path(path), ("id", "group", "split")) if row["split"] in ("train", "val")]
    if not rows:
        raise InputError(f"{path}: holds no training or validation examples; expected the split.csv of a trained run")
    return Seen(frozenset(row["id"] for row in rows), frozenset(row["group"] for row in rows))


def _rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as handle:
            reader = csv.DictReader(handle)
            columns = reader.fieldnames or []
            if not set(needed) <= set(columns):
                raise InputError(f"{path}: expected the columns {', '.join(needed)}, got {', '.join(columns)}")
            rows, known = [], set()
            for row in reader:
                if None in row or None in row.values() or not all(row[name] for name in needed):
                    raise InputError(f"{path}: line {reader.line_num} does not fill the columns {', '.join(needed)}")
                if row["id"] in known:
                    raise InputError(f"{path}: line {reader.line_num} repeats the id {row['id']!r}")
                known.add(row["id"])
                rows.append(row)
    except (OSError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from None
    return rows


def hold_together(groups: Sequence[str], clusters: Sequence[str]) -> list[str]:
    """The group of each record, once genes (or loci) that share a cluster are one.

    Parameters
    ----------
    groups
        Gene, locus or the record's own name.
    clusters
        Empty = in none.

    Returns
    -------
    list
        The first name, in sorting order, among those of ``groups`` that are connected. So a gene that shares no cluster
        keeps its name, and with it its place in a split by hash.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = sorted(set(groups))
    number = {name: i for i, name in enumerate(names)}
    links: dict[str, int] = {}
    for cluster in clusters:
        if cluster:
            links.setdefault(cluster, len(names) + len(links))
    pairs = [(number[group], links[c]) for group, c in zip(groups, clusters, strict=True) if c]
    if not pairs:
        return list(groups)
    rows, columns = np.array(pairs).T
    size = len(names) + len(links)
    _, component = connected_components(coo_array((np.ones(len(pairs)), (rows, columns)), shape=(size, size)), False)
    first: dict[int, str] = {}
    for name, which in zip(names, component[: len(names)].tolist(), strict=True):
        first.setdefault(which, name)
    return [first[int(component[number[group]])] for group in groups]


def contradicted(labels: Sequence[int], clusters: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) which records of class 0 share a cluster with one of another class.

    A "non-coding" transcript nearly identical to a CDS is a retained intron, a pseudogene or a wrong annotation: its label
    cannot be trusted, while that of the CDS, which has an open reading frame, can.
    """
    other = {cluster for label, cluster in zip(labels, clusters, strict=True) if cluster and label}
    return np.array([not label and c in other for label, c in zip(labels, clusters, strict=True)], dtype=bool)


def keep_highest_split(groups: Sequence[str], split: NDArray[np.str_]) -> NDArray[np.str_]:
    """``split`` with "" for what must go so that no group lies in two: test stays before validation before training."""
    rank = {name: i for i, name in enumerate(("", *SPLITS))}
    highest: dict[str, int] = {}
    for group, name in zip(groups, split, strict=True):
        highest[group] = max(highest.get(group, 0), rank[name])
    kept = [name if rank[name] == highest[group] else "" for group, name in zip(groups, split, strict=True)]
    return np.array(kept, dtype=split.dtype)
