"""Sequences with one planted motif and no other of its kind, as FASTA, and where it lies, as BED: for dashboards.

python reports/motifs/planted.py 20 FOLDER      # planted.fa and planted.bed, of another seed than any training
"""

from __future__ import annotations

import sys
from pathlib import Path

from classify.planted.settings import PlantingSettings
from classify.planted.simulation import plant
from specgen.files import write_atomic
from specgen.sequences import decode

SEED = 1000


def main(n: int, folder: Path) -> None:
    """Write both files."""
    records = [record for record in plant(PlantingSettings(n=n, accidental="filter", seed=SEED)) if record.positive]
    folder.mkdir(parents=True, exist_ok=True)
    sites = [f"{record.name}\t{site.start}\t{site.end}\tmotif\n" for record in records for site in record.sites]
    write_atomic(folder / "planted.bed", "".join(sites))
    write_atomic(folder / "planted.fa", "".join(f">{record.name}\n{decode(record.codes)}\n" for record in records))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
