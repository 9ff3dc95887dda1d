"""Checking a finished rendering job against its own records. Nothing is rendered or changed here."""

from __future__ import annotations

import csv
from pathlib import Path

from tqdm import tqdm

from specgen.errors import InputError
from specgen.ledger import Ledger, fault, read_job

__all__ = ["verify"]


def verify(out: Path, *, progress: bool = True) -> int:
    """Check a finished job against its records, byte by byte; returns the number of pictures.

    Raises
    ------
    InputError
        No job, an unfinished one, or a finished one with shards missing, damaged, altered or too many, named.
    """
    job = read_job(out / "job.json")
    ledger = Ledger(out)
    done = ledger.read()
    if not ledger.finished.exists():
        raise InputError(f"{out}: the job is not finished ({len(done)} shards done); the same render command goes on")
    faults = []
    for number in tqdm(sorted(done), unit=" shards", disable=not progress, desc=str(out)):
        if wrong := fault(out, done[number], deep=True):
            faults.append(f"{done[number].file} {wrong}")
    known = {entry.file for entry in done.values()}
    for name in sorted({entry["class"] for entry in job.get("inputs", [])}):
        found = {f"{name}/{path.name}" for path in (out / name).glob("*")}
        faults += [f"{file} is not of this job" for file in sorted(found - known)]
    total = sum(entry.windows for entry in done.values())
    try:
        with (out / "manifest.csv").open("rb") as handle:
            rows = sum(1 for _ in csv.reader(line.decode("utf-8", "replace") for line in handle)) - 1
    except OSError as error:
        rows = -1
        faults.append(f"manifest.csv cannot be read ({error.strerror})")
    if rows not in (total, -1):
        faults.append(f"manifest.csv has {rows} rows, expected {total}")
    if faults:
        more = f" and {len(faults) - 5} more faults" if len(faults) > 5 else ""
        raise InputError(
            f"{out}: {'; '.join(faults[:5])}{more}. Remove what is damaged and give the same render command again"
        )
    return total
