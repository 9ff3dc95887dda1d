"""Write the table that names the locus of each RefSeq CDS, from the ranges in the headers of the matching mRNA file.

The CDS file's headers name a chromosome only, so isoforms of one gene could not be kept together, nor counted once.
Overlapping transcripts on one strand make one locus.

    python reports/coding/loci.py $SPECGEN_DATA/coding_noncoding/human_mrna_refseq.fa.gz runs/loci.csv
"""

from __future__ import annotations

import csv
import io
import re
import sys
from pathlib import Path

from classify.headers import group_loci, parse_header
from specgen.errors import InputError
from specgen.files import write_atomic
from specgen.records import read_records


def main(fasta: str, table: str) -> None:
    """One row a record: accession, locus, chromosome."""
    records = [(record.name, parse_header(record.header)) for record in read_records(fasta)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "gene", "chromosome"])
    for (name, origin), locus in zip(records, group_loci(origin for _, origin in records), strict=True):
        accession = re.search(r"[NX][MR]_\d+", name)
        writer.writerow([accession.group() if accession else name, locus, origin.chromosome])
    write_atomic(Path(table), text.getvalue())
    print(f"{table}: {len(records)} records")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {sys.argv[0]} MRNA_FASTA TABLE_CSV")
    try:
        main(sys.argv[1], sys.argv[2])
    except InputError as error:
        sys.exit(f"loci: {error}")
