"""What is measured on, and how: real sequences, worker processes, pictures per second.

Every contender runs in one process for each core at the same time, one thread each, on its own sequences, for a fixed
time. Two sets of processes exist: plain ones, and ones made ready by ``specgen.engines.prepare_worker`` as specgen's
own worker processes are. Contenders take turns, so that a machine that is slower for a while is slower for all.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specgen.engines import available_cores, prepare_worker
from specgen.errors import InputError
from specgen.files import expand
from specgen.records import Record, read_records
from specgen.sequences import Codes, crop_start

FILE = "coding_noncoding/human_lncrna_ensembl.fa.gz"
"""Below the folder of data."""

LENGTHS = (600, 2400)
"""nt of the sequences."""

PER_WORKER = 200
"""Sequences of each worker: a shard's worth."""

PATIENCE = 300.0
"""Seconds that a worker waits for the others to be ready."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Sample:
    """Real sequences of one length: codes uint8 (n, length), and the header of each."""

    codes: Codes
    headers: tuple[str, ...]

    def share(self, worker: int, size: int = PER_WORKER) -> Sample:
        """``size`` sequences of one worker; they come again where a machine has more cores than the file has records."""
        places = np.arange(worker * size, (worker + 1) * size) % len(self.codes)
        return Sample(self.codes[places], tuple(self.headers[i] for i in places))


Step = Callable[[Path], int]
"""Does some pictures and says how many; the path, which does not exist yet, is for those that write files."""

Make = Callable[[Sample], Step]


@dataclass(frozen=True)
class Contender:
    """Somebody who makes pictures.

    Attributes
    ----------
    name
        As the tables call it.
    make
        Everything that is done once: from sequences to a ``Step``. A module's function or a ``partial`` of one.
    prepared
        Runs in processes that are made ready as specgen's own.
    turns
        Most repetitions; 0 = as many as everybody.
    note
        Of the table.
    """

    name: str
    make: Make
    prepared: bool = False
    turns: int = 0
    note: str = ""


@dataclass
class Tally:
    """What a contender did: pictures per second of all workers, one number a repetition, and sums over all of them."""

    rates: list[float]
    pictures: int = 0
    cpu: float = 0
    """Seconds of processors."""
    size: int = 0
    """Bytes of files."""

    @property
    def rate(self) -> float:
        """Median pictures per second."""
        return float(np.median(self.rates))

    @property
    def cpu_ms(self) -> float:
        """Processor time of a picture: unlike rates it hardly minds what else the machine has to do."""
        return 1e3 * self.cpu / self.pictures


def read_samples(file: str, workers: int) -> dict[int, Sample]:
    """The middles of the first records that are long enough, without ambiguity letters.

    Raises
    ------
    InputError
        No such file, or no record in it that is long enough.
    """
    wanted = workers * PER_WORKER
    found: dict[int, list[tuple[Record, Codes]]] = {length: [] for length in LENGTHS}
    for record in read_records(expand(file)):
        for length, kept in found.items():
            if len(kept) == wanted or len(record.codes) < length:
                continue
            start = crop_start(len(record.codes), length, None)
            codes = record.codes[start : start + length]
            if (np.bitwise_count(codes) == 1).all():  # A, C, G and T have one bit
                kept.append((record, codes))
        if all(len(kept) == wanted for kept in found.values()):
            break
    for length, kept in found.items():
        if not kept:
            raise InputError(f"{file}: no record has {length} nt")
    return {
        length: Sample(np.stack([codes for _, codes in kept]), tuple(record.header for record, _ in kept))
        for length, kept in found.items()
    }


def in_turn(work: Callable[[Any], Any], items: NDArray[np.uint8]) -> Step:
    """An item a step, from the first again after the last."""
    turn = itertools.cycle(items)

    def step(_: Path) -> int:
        work(next(turn))
        return 1

    return step


class Workers:
    """One process for each core, which measure the same contender at the same time."""

    def __init__(self, samples: dict[int, Sample], *, prepared: bool) -> None:
        # Before the processes start: they read it when they load their libraries.
        os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
        context = multiprocessing.get_context("spawn")
        self.count = available_cores()
        state = (samples, prepared, context.Barrier(self.count), context.Value("i", 0))
        self.pool = ProcessPoolExecutor(self.count, mp_context=context, initializer=_begin, initargs=state)

    def measure(self, contender: Contender, length: int, seconds: float, tally: Tally) -> None:
        """Add one repetition to ``tally``."""
        futures = [self.pool.submit(_measure, contender, length, seconds) for _ in range(self.count)]
        done = [future.result() for future in futures]
        # The sum of the workers' rates: the time that one waits for the other's last picture is nobody's work.
        tally.rates.append(sum(pictures / spent for pictures, spent, _, _ in done))
        tally.pictures += sum(pictures for pictures, _, _, _ in done)
        tally.cpu += sum(cpu for _, _, cpu, _ in done)
        tally.size += sum(size for _, _, _, size in done)

    def close(self) -> None:
        """End the processes."""
        self.pool.shutdown(cancel_futures=True)


_own: dict[str, Any] = {}
"""Of a worker process: its sequences, the barrier, and the steps that were made."""


def _begin(samples: dict[int, Sample], prepared: bool, barrier: Any, counter: Any) -> None:
    import torch

    torch.set_num_threads(1)
    if prepared:
        prepare_worker()
    with counter.get_lock():
        number = counter.value
        counter.value += 1
    _own.update(samples={length: sample.share(number) for length, sample in samples.items()}, barrier=barrier, steps={})


def _measure(contender: Contender, length: int, seconds: float) -> tuple[int, float, float, int]:
    """Pictures, seconds at work, seconds of the processor, bytes of files."""
    steps, key = _own["steps"], (contender.name, length)
    pictures, spent, cpu, size = 0, 0.0, 0.0, 0
    with tempfile.TemporaryDirectory(prefix="specgen-benchmark-") as folder:
        path = Path(folder) / "shard"
        try:
            if key not in steps:
                steps[key] = contender.make(_own["samples"][length])
                steps[key](path)  # compilers, caches and imports are no part of the work
                _remove(path)
            _own["barrier"].wait(PATIENCE)
        except BaseException:
            _own["barrier"].abort()  # or the others would wait for this one
            raise
        step = steps[key]
        while spent < seconds:
            begun, busy = time.perf_counter(), time.process_time()
            pictures += step(path)
            spent += time.perf_counter() - begun
            cpu += time.process_time() - busy
            size += _remove(path)
    return pictures, spent, cpu, size


def _remove(path: Path) -> int:
    """Bytes of a file, or of a folder of files, which is taken away: the clock stands still meanwhile."""
    if not path.exists():
        return 0
    if path.is_dir():
        size = sum(file.stat().st_size for file in path.iterdir())
        shutil.rmtree(path)
        return size
    size = path.stat().st_size
    path.unlink()
    return size
