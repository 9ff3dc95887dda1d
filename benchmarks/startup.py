"""Where the time goes between the command line and the first step of ``classify train``.

    python -m benchmarks.startup --once CONFIG

runs the command's own functions in their order in a fresh process, and prints when each was done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress

import numpy as np

PHASES = ("python, parsing of the configuration", "imports of torch, lightning and ours", "data", "first step")
CONFIG = "configs/coding/demo.yaml"


def once(config: str) -> list[float]:
    """Seconds since the process began, at the end of each phase."""
    import psutil

    begun = psutil.Process().create_time()
    ends = []
    from classify.config import parse_run

    with tempfile.TemporaryDirectory() as folder:
        quiet = ["--training.progress", "false", "--runs", folder]
        settings, _ = parse_run(["--config", config, *quiet], "train", "")
        ends.append(time.time() - begun)
        from classify import training
        from classify.module import Classifier
        from classify.tasks import TASKS

        ends.append(time.time() - begun)
        task = TASKS[settings.task]
        load, step = task.load, Classifier.training_step

        def loads(self):  # type: ignore[no-untyped-def]
            examples = load(self)
            ends.append(time.time() - begun)
            return examples

        class Reached(Exception):
            pass

        def steps(self, batch, index):  # type: ignore[no-untyped-def]
            loss = step(self, batch, index)
            loss.backward()
            ends.append(time.time() - begun)
            raise Reached

        task.load, Classifier.training_step = loads, steps  # type: ignore[method-assign]
        with suppress(Reached):
            training.fit(settings)
    return ends


def rows(starts: int = 3) -> list[str]:
    """Rows of the table: phase and seconds, and what is largest."""
    found = []
    for _ in range(starts + 1):
        command = [sys.executable, "-m", "benchmarks.startup", "--once", CONFIG]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        found.append(np.diff([0.0, *json.loads(lines[-1])]))
    seconds = np.median(found[1:], axis=0)  # the first start reads files from the disk
    largest = PHASES[int(seconds.argmax())]
    told = [f"| {phase} | {spent:.1f} |" for phase, spent in zip(PHASES, seconds, strict=True)]
    return [*told, f"| **to the end of the first backward pass** (largest: {largest}) | {seconds.sum():.1f} |"]


if __name__ == "__main__":
    print(json.dumps(once(sys.argv[2])))
