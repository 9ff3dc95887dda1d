"""Checking a finished rendering job against its own records. Nothing is rendered or changed here."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from specgen.errors import InputError
from specgen.ledger import Ledger, fault, hash_file, read_job

__all__ = ["verify"]


def verify(out: Path, *, progress: bool = True) -> int:
    """Check a finished job against its records, byte by byte; returns the number of pictures.

    Raises
    ------
    InputError
        No job, an unfinished one, or a finished one with shards missing, damaged, altered or too many, named.
    """
    read_job(out / "job.json")
    ledger = Ledger(out)
    done = ledger.read()
    if not ledger.sums.exists():
        raise InputError(f"{out}: the job is not finished ({len(done)} shards done); the same render command goes on")
    faults = []
    for line in ledger.sums.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        if name not in Ledger.FILES or not (out / name).is_file():
            faults.append(f"{name or line} is missing")
        elif hash_file(out / name) != digest:
            faults.append(f"{name} has another content than was written (SHA-256 differs)")
    for number in tqdm(sorted(done), unit=" shards", disable=not progress, desc=str(out)):
        if wrong := fault(out, done[number], deep=True):
            faults.append(f"{done[number].file} {wrong}")
    known = {entry.file for entry in done.values()}
    folders = {file.split("/")[0] for file in known}
    found = {path.name for path in out.iterdir() if not path.name.startswith(".")} - folders - {*Ledger.FILES}
    found |= {f"{name}/{path.name}" for name in folders for path in (out / name).glob("*")} - known
    faults += [f"{name} is not of this job" for name in sorted(found)]
    if faults:
        more = f" and {len(faults) - 5} more faults" if len(faults) > 5 else ""
        raise InputError(
            f"{out}: {'; '.join(faults[:5])}{more}. Remove the files and folders named and give the same render command again"
        )
    return sum(entry.windows for entry in done.values())
