"""Readers under a coverage-guided fuzzer (Atheris): ``make fuzz MINUTES=30``, or this script with ``--minutes 1 fasta vcf``.

What is tried steers what is tried next: bytes that reach new lines of ours are kept and varied. Half of the inputs are
those bytes as they are, half are edits of good files that the bytes choose, as in ``test_readers``. Each reader has a
process of its own and its share of the time, which is CPU time, so that a busy machine does as much; what fails is
written to ``--found``, one file an input, and told at the end, when the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import atheris

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

SMALL = 1 << 16
"""Longest input in bytes."""


def _peak() -> int:
    """Most bytes that this process has held in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def guided(name: str, seconds: int, found: Path) -> None:
    """Fuzz one reader for so many seconds of CPU time; never returns."""
    from damage import damaged
    from report_readers import READERS
    from sandbox import MEMORY, ROOM, bounded, told

    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    case = READERS[name](folder)
    corpus = folder.with_name(f"{folder.name}-corpus")
    corpus.mkdir()
    for number, seed in enumerate(case.seeds):
        (corpus / str(number)).write_bytes(b"\0" + (seed if case.pack is None else case.pack(seed)))
    known: set[str] = set()
    begun, before, tries = time.process_time(), _peak(), 0

    def one(data: bytes) -> None:
        nonlocal tries
        if (spent := time.process_time() - begun) > seconds:
            sys.stderr.write(
                f"Done {tries} inputs in {spent:.0f} CPU s, {(_peak() - before) >> 20} MiB more than before\n"
            )
            sys.stderr.flush()
            os._exit(0)
        tries += 1
        raw, rest = data[:1] < b"\x80", data[1:]
        tried = rest if raw else damaged(rest, case.seeds, case.text, case.pack)
        case.path.write_bytes(tried)
        fault = told(case.read, case.path)
        if not fault and _peak() - before > MEMORY:
            fault = f"took {(_peak() - before) >> 20} MiB of memory"
        place = fault.splitlines()[-1] if fault else ""  # the line that raised it, once
        if fault and place not in known:
            known.add(place)
            file = found / f"{name}-{hashlib.sha256(tried).hexdigest()[:12]}"
            file.write_bytes(tried)
            file.with_suffix(".txt").write_text(fault, encoding="utf-8", errors="backslashreplace")

    options = [
        f"-max_len={SMALL}",
        "-timeout=60",
        "-report_slow_units=60",
        "-rss_limit_mb=3072",
    ]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={found}/{name}-crash-", str(corpus)], one)
    with bounded(ROOM):
        atheris.Fuzz()


def in_child(name: str, seconds: int, found: Path) -> str:
    """What libFuzzer said of one reader, fuzzed in a fork: what is imported is imported and instrumented once."""
    with tempfile.TemporaryFile() as said:
        if not (child := os.fork()):
            os.dup2(said.fileno(), 2)
            guided(name, seconds, found)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        text = said.read().decode(errors="replace")
    done = [line for line in text.splitlines() if line.startswith("Done ")]
    if not done:  # it died, or never began: what it said stands in for an input
        (found / f"{name}-died.txt").write_text(f"died with {status}\n{text[-4000:]}")
    return done[0] if done else f"died with {status}"


def main() -> int:
    """Fuzz every reader, or those that are named; how many inputs of each, and what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", help="names in readers.READERS; all where none is given")
    parser.add_argument("--minutes", type=float, default=30, help="of CPU time, of all readers together")
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"), help="folder of inputs that fail")
    given = parser.parse_args()
    given.found.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["specgen", "classify"]):
        from report_readers import READERS

    # Readers that need it import it late, and its library may not fit into what memory they are left.
    importlib.import_module("numba")
    names = given.readers or list(READERS)
    seconds = max(1, round(60 * given.minutes / len(names)))
    for name in names:
        print(f"{name}: {in_child(name, seconds, given.found.resolve())}", flush=True)
    faults = sorted(given.found.glob("*.txt")) + sorted(given.found.glob("*-crash-*"))
    for file in faults:
        first = file.read_text(errors="replace").splitlines()[0][:200] if file.suffix else "crash or timeout"
        print(f"{file}: {first}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
