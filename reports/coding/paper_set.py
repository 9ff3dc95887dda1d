"""Write the 1,000 + 1,000 sequences of the published experiment: CDS and lncRNA of at least 618 nt, one of each locus.

Drawn by hash of their names. The authors' own 2,000 are not public.

    python reports/coding/paper_set.py runs/sets runs/loci.csv
"""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

from classify.examples import one_per_group
from classify.splits import stable_fraction
from classify.tasks.coding import CodingSettings, CodingTask
from specgen.errors import InputError
from specgen.files import write_atomic
from specgen.sequences import decode

EACH = 1000


def main(out: Path, table: str) -> None:
    """``paper_cdn.fa.gz`` and ``paper_lnsd.fa.gz`` in ``out``."""
    settings = CodingSettings(
        coding=["human_cds_refseq.fa.gz"],
        noncoding=["human_ncrna.fa.gz", "human_lincrna.fa.gz"],
        root=str(Path(os.environ["SPECGEN_DATA"]) / "coding_noncoding"),
        table=table,
        balance=False,
    )
    examples = one_per_group(CodingTask(settings).load(), 1, 0)
    for label, name in enumerate(("lnsd", "cdn")):
        members = sorted(
            (i for i in range(len(examples)) if examples.labels[i] == label),
            key=lambda i: stable_fraction(examples.ids[i], 0),
        )
        text = "".join(f">{examples.ids[i]}\n{decode((examples.sequences or [])[i])}\n" for i in members[:EACH])
        write_atomic(out / f"paper_{name}.fa.gz", gzip.compress(text.encode(), mtime=0))
        print(f"{out / f'paper_{name}.fa.gz'}: {min(EACH, len(members))} of {len(members)} records")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {sys.argv[0]} OUT_FOLDER LOCI_CSV")
    try:
        main(Path(sys.argv[1]), sys.argv[2])
    except InputError as error:
        sys.exit(f"paper_set: {error}")
