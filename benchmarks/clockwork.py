"""The clockwork RNN beside torch's GRU and plain RNN of the same width, in turns, in one process.

    python -m benchmarks.clockwork [--width 128] [--length 600] [--batch 64] [--threads 1] [--rounds 5] [--out FILE]

prints a table: milliseconds of a forward pass without gradients and of a forward and backward pass, medians of rounds, and
the ratio to the GRU's, the median of the ratios within a round.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from classify.cost import parameter_count
from classify.models.clockwork import PERIODS, Clockwork
from specgen.files import write_atomic

REFERENCE = "torch.nn.GRU"


def layers(width: int) -> dict[str, nn.Module]:
    """What is compared: (B, L, 4) to states (B, L, width)."""
    return {
        REFERENCE: nn.GRU(4, width, batch_first=True),
        "torch.nn.RNN": nn.RNN(4, width, batch_first=True),
        f"clockwork, {len(PERIODS)} periods 1 to {PERIODS[-1]}": Clockwork(4, width, PERIODS),
    }


def spent(layer: nn.Module, steps: Tensor, *, backward: bool) -> float:
    """Milliseconds of one pass."""
    layer.zero_grad()
    begun = time.perf_counter()
    with torch.set_grad_enabled(backward):
        states = layer(steps)
        states = states[0] if isinstance(states, tuple) else states
        if backward:
            states.mean().backward()
    return 1e3 * (time.perf_counter() - begun)


def table(width: int, length: int, batch: int, rounds: int) -> list[str]:
    """Lines of the table."""
    torch.manual_seed(0)
    found, ratios = layers(width), {}
    steps = torch.rand(batch, length, 4)
    lines = [
        "| layer | parameters | forward, ms | ratio | forward and backward, ms | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for backward in (False, True):
        # The first round is for nothing; within a round everybody has its turn, so that a busy machine hits all.
        taken: dict[str, list[float]] = {name: [] for name in found}
        for _ in range(rounds + 1):
            for name, layer in found.items():
                taken[name].append(spent(layer, steps, backward=backward))
        for name, each in taken.items():
            mine, theirs = np.array(each[1:]), np.array(taken[REFERENCE][1:])
            ratios[name, backward] = float(np.median(mine)), float(np.median(mine / theirs))
    for name, layer in found.items():
        cells = [f"{ratios[name, kind][0]:.0f} | {ratios[name, kind][1]:.2f}" for kind in (False, True)]
        lines.append(f"| {name} | {parameter_count(layer):,} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in {"width": 128, "length": 600, "batch": 64, "threads": 1, "rounds": 5}.items():
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    sizes = f"Width {asked.width}, {asked.length} steps, batch {asked.batch}, {asked.threads} thread(s), float32, CPU."
    text = "\n".join([sizes, "", *table(asked.width, asked.length, asked.batch, asked.rounds)]) + "\n"
    print(text, end="")
    if asked.out:
        write_atomic(asked.out, text)


if __name__ == "__main__":
    main()
