"""Training from a prepared file beside the same network fed by one random batch, and beside reading rows with h5py.

    python -m benchmarks.exon_loader --out benchmarks/exon_loader.md

needs the real genome of S. pombe (``SPECGEN_DATA``) and some minutes on cores that nobody else uses. All sides run the real loop
on one thread, in turns.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from benchmarks.steps import fit_steps
from classify.building import build_classifier
from classify.datasets import train_loader
from classify.examples import Examples
from classify.exons.preparing import prepare
from classify.exons.settings import PrepareSettings
from classify.hardware import choose
from classify.sampling import make_sampler
from classify.settings import RunSettings, TrainingSettings
from classify.tasks import TASKS
from classify.tasks.exon_start import ExonStartSettings
from specgen.files import expand, write_atomic

MODELS = ("exon_simple", "exon_resnet", "exon_enhanced")
BATCH, WINDOW = 256, 201


def prepared(folder: Path) -> Path:
    """S. pombe, strict."""
    genome, annotation = (
        str(expand(f"$SPECGEN_DATA/exon_start/spombe_ASM294v2_I-III.{end}.gz")) for end in ("fa", "gtf")
    )
    out = folder / "spombe.h5"
    prepare(PrepareSettings(genome=genome, annotation=annotation, out=str(out)))
    return out


class Bare:
    """One random batch, again and again."""

    def __init__(self, steps: int) -> None:
        letters = np.random.default_rng(0).choice(np.array([1, 2, 4, 8], dtype=np.uint8), (BATCH, WINDOW))
        self.batch = (torch.from_numpy(letters), torch.arange(BATCH) % 2, torch.arange(BATCH))
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Any]:
        for _ in range(self.steps):
            yield self.batch


def rate(model: str, loader: Callable[[TrainingSettings, bool], Any], steps: int) -> float:
    """Examples/s of the real loop."""
    training = TrainingSettings(batch_size=BATCH, threads=1, progress=False)
    settings = RunSettings(task="exon_start", model=model, data=ExonStartSettings(window=WINDOW), training=training)
    plan = choose(training)
    plan.apply()
    module = build_classifier(settings, TASKS["exon_start"](settings.data), "codes", plan)
    return BATCH / float(np.median(fit_steps(settings, module, plan, loader(training, plan.pin_memory), steps)))


def loaders(train: Examples, steps: int) -> dict[str, Callable[[TrainingSettings, bool], Any]]:
    """The sides."""

    def ours(order: str) -> Callable[[TrainingSettings, bool], Any]:
        def make(training: TrainingSettings, pin: bool) -> Any:
            told = TrainingSettings(batch_size=BATCH, threads=1, progress=False, order=order, steps=steps + 2)
            return train_loader(train, make_sampler(train, 0, told, balance=True), training, pin=pin)

        return make

    return {
        "one random batch": lambda training, pin: Bare(steps + 2),
        "shuffled": ours("shuffled"),
        "slices": ours("slices"),
    }


def reading(train: Examples, path: Path, batches: int = 50) -> list[tuple[str, float]]:
    """Windows/s of the loaders alone, and of h5py's own random rows."""
    found = []
    for order in ("shuffled", "slices"):
        told = TrainingSettings(batch_size=BATCH, order=order, steps=batches)
        loader = train_loader(train, make_sampler(train, 0, told, balance=True), told, pin=False)
        begin = time.perf_counter()
        count = sum(len(labels) for _, labels, _ in loader)
        found.append((f"ours, {order}", count / (time.perf_counter() - begin)))
    rng = np.random.default_rng(0)
    with h5py.File(path) as file:
        codes = file["contigs/0/codes"]
        begin = time.perf_counter()
        for _ in range(batches):
            rows = np.sort(rng.choice(len(codes), BATCH, replace=False))
            codes[rows, 50 : 50 + WINDOW]
        found.append(("h5py, random rows of one chromosome", batches * BATCH / (time.perf_counter() - begin)))
    return found


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = prepared(Path(folder))
        train = TASKS["exon_start"](ExonStartSettings(prepared=[str(path)], window=WINDOW)).load().part("train")
        lines = [
            "| network | one random batch | shuffled (default) | slices | shuffled / random batch |",
            "|" + " --- |" * 5,
        ]
        for model in MODELS:
            rates: dict[str, list[float]] = {}
            for _ in range(given.rounds):
                for side, loader in loaders(train, given.steps).items():
                    rates.setdefault(side, []).append(rate(model, loader, given.steps))
            middle = {side: float(np.median(values)) for side, values in rates.items()}
            ratio = middle["shuffled"] / middle["one random batch"]
            lines.append(
                f"| {model} | " + " | ".join(f"{value:,.0f}" for value in middle.values()) + f" | {ratio:.2f} |"
            )
            print(lines[-1], flush=True)
        alone = reading(train, path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    text = [
        "# Training from a prepared file",
        "",
        f"Examples/s of the real loop on one thread, batches of {BATCH} windows of {WINDOW} nt, S. pombe, {len(train):,} "
        "training windows; "
        f"medians of {given.rounds} rounds of {given.steps} steps. *One random batch* is the network "
        "with nothing to load.",
        "",
        *lines,
        "",
        "Windows/s without a network:",
        "",
        "| | windows/s |",
        "| --- | --- |",
        *(f"| {name} | {value:,.0f} |" for name, value in alone),
        "",
        f"Peak memory of this process, networks included: {peak:,.0f} MiB. Letters stay in the file; what is "
        "held for each window is its row of the table.",
        "",
        f"Made by `python -m benchmarks.exon_loader` in {(time.perf_counter() - begin) / 60:.0f} minutes.",
    ]
    write_atomic(given.out, "\n".join(text) + "\n")


if __name__ == "__main__":
    main()
