"""Training and inference beside the plain loop; what pictures on the fly cost; threads and batch sizes; the start.

    python -m benchmarks.training --out benchmarks/training.md

needs the real sequences (``SPECGEN_DATA``) and about half an hour on two cores that nobody else uses. What is timed
lives in ``steps`` and ``startup``; sides take turns, so that a slow minute of the machine meets both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import startup
from specgen.engines import available_cores
from specgen.files import write_atomic

MODELS = ("conv7", "conv5")
FED = ("conv7", "conv5", "inception", "timm:resnet18")
BATCHES = (10, 25, 50, 100)
UNDONE = (
    "nothing",
    "kept memory",
    "weight gradients as products",
    "channels-last",
    "the pool before the ReLU",
    "no torch.compile",
)
NAMES = {"nothing": "ours", "no torch.compile": "with torch.compile"}


def measure(**asked: Any) -> dict[str, Any]:
    """One line of ``steps``."""
    command = [sys.executable, "-m", "benchmarks.steps", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(asked, {key: round(float(np.median(times)), 3) for key, times in found["seconds"].items()}, flush=True)
    return found


def against_plain(rounds: int, steps: int, windows: int) -> tuple[list[str], str, dict[str, float]]:
    """Rows of the first table, our plan, and GFLOP of a forward pass."""
    rows, plan, flops = [], "", {}
    for model in MODELS:
        times: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            for side in ("plain", "ours"):
                found = measure(side=side, model=model, steps=steps, inference=windows)
                plan = found["plan"] if side == "ours" else plan
                flops[model] = found["flops"] / 1e9
                for what, seconds in found["seconds"].items():
                    times.setdefault((side, what), []).extend(seconds)
        for what, size in (("train", 50), ("inference", windows)):
            theirs, ours = (size / np.array(times[side, what]) for side in ("plain", "ours"))
            spread = f"{ours.min() / np.median(theirs):.2f} to {ours.max() / np.median(theirs):.2f}"
            ratio = np.median(ours) / np.median(theirs)
            name = "training step" if what == "train" else "inference"
            rows.append(
                f"| {model} | {name} | {np.median(theirs):.1f} | {np.median(ours):.1f} | **{ratio:.2f}** | {spread} |"
            )
    return rows, plan, flops


def fed(steps: int) -> list[str]:
    """Rows of the table of pictures on the fly."""
    rows = []
    for model in FED:
        times = measure(side="ceiling", model=model, steps=steps)["seconds"]
        letters, tensors = (50 / np.median(times[key]) for key in ("letters", "tensors"))
        fastest = 100 * (1 - min(times["tensors"]) / min(times["letters"]))
        cost = 100 * (1 - letters / tensors)
        rows.append(f"| {model} | {letters:.1f} | {tensors:.1f} | {cost:.1f} % | {fastest:.1f} % |")
    return rows


def undone(steps: int) -> list[str]:
    """Rows of what each choice gains."""
    rows, base = [], 0.0
    for what in UNDONE:
        found = measure(side="without", model="conv7", what=what, steps=steps)
        seconds = float(np.median(found["seconds"]["train"]))
        base = base or seconds
        name = NAMES.get(what, f"without {what}")
        rows.append(f"| {name} | {50 / seconds:.1f} | {seconds / base:.2f} | {found['peak_bytes'] / 1e9:.1f} |")
    return rows


def table_of_sizes(steps: int) -> list[str]:
    """Rows of threads and batch sizes."""
    rows = []
    for threads in sorted({1, available_cores()}):
        rates = [
            batch
            / np.median(
                measure(side="ours", model="conv7", batch=batch, threads=threads, steps=steps)["seconds"]["train"]
            )
            for batch in BATCHES
        ]
        rows.append(f"| {threads} | " + " | ".join(f"{rate:.1f}" for rate in rates) + " |")
    return rows


def floor() -> float:
    """GFLOP/s of a large float32 matrix product on all cores: no direct convolution is faster."""
    code = (
        "import torch, time\na = torch.rand(2048, 2048)\nbest = 0.0\nfor _ in range(12):\n    t = time.perf_counter(); a @ a\n"
        "    best = max(best, 2 * 2048**3 / (time.perf_counter() - t) / 1e9)\nprint(best)"
    )
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side")
    parser.add_argument("--steps", type=int, default=3, help="timed steps a turn")
    parser.add_argument("--windows", type=int, default=200, help="windows of inference")
    parser.add_argument("--out", default="", help="Markdown page to write")
    options = parser.parse_args()
    begun, before = time.perf_counter(), floor()
    rows, plan, flops = against_plain(options.rounds, options.steps, options.windows)
    after_fed = fed(options.steps)
    choices = undone(options.steps)
    sizes = table_of_sizes(options.steps)
    start = startup.rows()
    peak = max(before, floor())
    header = " | ".join(str(batch) for batch in BATCHES)
    text = f"""# Training and inference

`python -m benchmarks.training --rounds {options.rounds} --steps {options.steps} --windows {options.windows}`,
{available_cores()} cores, {(time.perf_counter() - begun) / 60:.0f} minutes. Ours: {plan}.

## Beside the plain loop

Images per second, medians of {options.rounds} turns of each side; training at batch 50, inference at 100. The plain loop:
float32, NCHW, a folder of PNGs read by torchvision's `ImageFolder`, a ReLU behind every convolution, AdamW
(`benchmarks/plain.py`). Ours: the Trainer, module and loaders that `fit` and `evaluate` use, from letters
(`benchmarks/steps.py`).

| model | what | plain loop | ours | ratio | of single measurements |
|---|---|--:|--:|--:|--:|
{chr(10).join(rows)}

A large matrix product reaches {peak:.0f} GFLOP/s here. conv7 takes {flops["conv7"]:.2f} GFLOP forward and three times
that in training, so at that rate, with nothing else to do, it would train {peak / flops["conv7"] / 3:.1f} and predict
{peak / flops["conv7"]:.1f} images per second in float32, and conv5 {peak / flops["conv5"] / 3:.1f} and
{peak / flops["conv5"]:.1f}; bf16, where a processor has it, is what goes beyond. [parity.md](parity.md) compares where both
paths end.

## What each choice gains

conv7, training at batch 50, one choice of the plan undone at a time. Peak memory is of the whole process.

| | images per second | time of a step | peak GB |
|---|--:|--:|--:|
{chr(10).join(choices)}

## Pictures on the fly

Training steps fed by letters, and by random tensors that lie ready in memory (the ceiling). Cost of the pictures: from
medians, and from the fastest steps of each, which other work on the machine disturbs least.

| model | from letters | from tensors | cost, medians | cost, fastest steps |
|---|--:|--:|--:|--:|
{chr(10).join(after_fed)}

## Threads and batch sizes

conv7, training, images per second, by batch size. What is left above the arithmetic's own time is in the tables above.

| threads | {header} |
|--:|{"--:|" * len(BATCHES)}
{chr(10).join(sizes)}

## Time to the first step

`python -m classify train --config configs/coding/demo.yaml`, seconds, phases in order, median of three starts with warm files.

| phase | seconds |
|---|--:|
{chr(10).join(start)}
"""
    print(text)
    if options.out:
        write_atomic(Path(options.out), text)


if __name__ == "__main__":
    main()
