"""Write the data sets that are cut from the given ones: the untranslated regions of human mRNA.

The CDS of each RefSeq transcript is located in its mRNA; what lies before it is the 5' UTR, what lies behind it the 3' UTR.
Transcripts without a CDS, or where it does not occur exactly once, are counted and left out.

    python reports/coding/sets.py $SPECGEN_DATA/coding_noncoding runs/sets
"""

from __future__ import annotations

import gzip
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from specgen.errors import InputError
from specgen.files import write_atomic
from specgen.records import Record, read_records
from specgen.sequences import decode


def untranslated(mrna: Record, cds: str, counts: Counter[str]) -> Iterator[tuple[str, str]]:
    """(header, letters) of the two UTRs. The range is that of the whole transcript, by which UCSC names the locus."""
    letters = decode(mrna.codes)
    start = letters.find(cds)
    if start < 0 or letters.find(cds, start + 1) >= 0:
        counts["CDS not found" if start < 0 else "CDS found twice"] += 1
        return
    accession, place = _accession(mrna.name), " ".join(re.findall(r"(?:range|strand)=\S+", mrna.header))
    for kind, part in (("utr5", letters[:start]), ("utr3", letters[start + len(cds) :])):
        if part:
            counts[kind] += 1
            yield f"{accession}_{kind} {place}", part


def main(source: str, out: str) -> None:
    """One record a UTR, and one line that says how many there are."""
    coding = {_accession(r.name): decode(r.codes) for r in read_records(Path(source) / "human_cds_refseq.fa.gz")}
    counts: Counter[str] = Counter()
    lines = []
    for mrna in read_records(Path(source) / "human_mrna_refseq.fa.gz"):
        cds = coding.get(_accession(mrna.name))
        if cds is None:
            counts["no CDS"] += 1
            continue
        lines += [f">{header}\n{letters}\n" for header, letters in untranslated(mrna, cds, counts)]
    path = Path(out) / "human_utr.fa.gz"
    write_atomic(path, gzip.compress("".join(lines).encode(), mtime=0))  # the same bytes every time
    print(f"{path}: {len(lines)} records ({', '.join(f'{n} {what}' for what, n in sorted(counts.items()))})")


def _accession(name: str) -> str:
    found = re.search(r"[NX][MR]_\d+", name)
    return found.group() if found else name


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {sys.argv[0]} CODING_NONCODING_FOLDER OUT_FOLDER")
    try:
        main(sys.argv[1], sys.argv[2])
    except InputError as error:
        sys.exit(f"sets: {error}")
