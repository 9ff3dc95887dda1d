"""``python -m classify cluster``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from classify.homology import ClusterSettings, find_clusters
from specgen.files import expand, write_atomic
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Cluster, write the table, and say how large the clusters are."""
    parser = CommandParser(
        prog="python -m classify cluster",
        description="Near-duplicate clusters of records, by MMseqs2: the table that data.clusters names.",
    )
    parser.add_argument(
        "fasta", nargs="+", help="FASTA or FASTQ files; non-coding ones first where names repeat across files"
    )
    parser.add_argument("--out", type=str, required=True, help="CSV to write: id, cluster")
    parser.add_class_arguments(ClusterSettings, None)
    parsed = parser.parse_args(list(arguments))
    keys = ClusterSettings.__dataclass_fields__
    found = find_clusters([expand(file) for file in parsed.fasta], ClusterSettings(**{k: parsed[k] for k in keys}))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "cluster"])
    writer.writerows(zip(found.names, found.numbers.tolist(), strict=True))
    write_atomic(Path(parsed.out), text.getvalue())
    sizes = found.sizes
    print(
        f"{parsed.out}: {len(found.names)} records in {len(sizes)} clusters, {int((sizes > 1).sum())} of them of two or "
        f"more, the largest of {int(sizes.max())}; {100 * found.repeats:.1f} % of the letters lie in repeats"
    )
