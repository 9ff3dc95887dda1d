"""Make every run of the next base, in the order of their worth.

    python reports/language/make.py                     # everything; stop it at any time and start it again
    python reports/language/make.py --only made_up,ecoli
    python reports/language/make.py --list              # what there is to do, and what is done

A finished run is kept, an unfinished one goes on from its checkpoint. One job a core, each on one thread. Networks of a genome
read as many letters as fit into the same CPU minutes, by what their steps took beforehand, so that their schedules of the
learning rate end and a run is repeatable.

All of it is to fit into three hours of two cores. Left out for that, as what tells least: the repeated unit with more than one
seed (its genome is the same for all), longer contexts for other networks than the LSTM and the dilated one, and for more than one
seed of the LSTM and of yeast, equal parameters for others than those that the clockwork network is compared with.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from jobs import Job, command_line  # noqa: E402

os.environ.setdefault("SPECGEN_DATA", str(ROOT.parent / "shared" / "data"))
CONFIGS = "configs/language"
SEEDS = range(3)

SECONDS = {"rnn_lm": 0.055, "gru_lm": 0.14, "lstm_lm": 0.05, "clockwork_lm": 0.125, "dilated_lm": 0.12}
"""CPU seconds of a step of 64 windows of 100 nt, on one thread of a busy machine; only the number of steps hangs on them."""

GENOMES = {"ecoli": 4.5, "yeast": 3.5}
"""CPU minutes of a training."""

MADE_UP_MINUTES = 1.0
"""CPU minutes of a training on a made-up genome."""

MADE_UP = {"repeat": (), "random": ("--training.epochs", "2")}
DRAWN = ("random",)
"""Made-up genomes that the seed makes others of."""

LOOKS = 5
"""Epochs of a training on a genome: looks at the validation, with as many steps as the minutes allow."""

OVERHEAD = 1.4
"""Looks at the validation, and the test, as a factor."""


@dataclass(frozen=True)
class Long:
    """A longer training: network, window [nt], batch, CPU seconds of 6,400 letters, settings, and seeds of *E. coli*."""

    model: str
    window: int
    batch: int
    seconds: float
    more: tuple[str, ...] = ()
    seeds: int = 1

    def name(self, genome: str) -> str:
        """Of its runs, without the seed."""
        return f"{genome}_long" if self.window == LONG_WINDOW else f"{genome}_long_{self.window}"


LONG_MINUTES, LONG_WINDOW, LONG_RATE = 15.0, 500, ("--optimiser.lr", "2e-3")
WIDE = ("--model_options.blocks", "8", "--model_options.width", "96")
"""A place sees 256 letters."""

LONG = (
    Long("dilated_lm", LONG_WINDOW, 32, 0.12, (*LONG_RATE, *WIDE), seeds=3),
    Long("lstm_lm", LONG_WINDOW, 32, 0.03, LONG_RATE),
    Long("dilated_lm", 100, 160, 0.12, (*LONG_RATE, *WIDE)),
)
"""What longer contexts and longer training reach, of a convolutional and a recurrent network that learnt fast in short trials;
and what the longer training alone does: the same network on as many letters, in windows of 100."""

EQUAL_PARAMETERS = 150_000
EQUAL = {"gru_lm": 128, "lstm_lm": 110, "clockwork_lm": 264}
"""Widths that give the networks that clocks are compared with about as many parameters."""

EQUAL_SECONDS = {"gru_lm": 0.14, "lstm_lm": 0.045, "clockwork_lm": 0.25}

DIVIDED = "dilated_lm"
"""The network of the divisions."""

SPLITS = {
    "clean": (),
    "pieces": ("--data.blocks", "4641", "--data.gap", "0"),
    "other_strand": ("--data.leak", "other_strand"),
    "all": ("--data.leak", "all"),
}
"""How E. coli is divided, to find out what a published figure may stand on: blocks with gaps; pieces of 1,000 nt, which eleven
windows fill, and of which every tenth is tested, without gaps; the other strand of what is tested learnt; and all of it learnt,
as where overlapping windows are divided at random, or where training letters are scored."""


def steps(seconds: float, minutes: float) -> int:
    """Steps of an epoch that fit into the minutes, LOOKS epochs long."""
    return max(1, int(60 * minutes / (OVERHEAD * seconds * LOOKS)))


def training(stage: str, config: str, model: str, name: str, seed: int, *more: str) -> Job:
    """A training run on one thread."""
    run = f"{name}_s{seed}"
    command = ["-m", "classify", "train", "--config", f"{CONFIGS}/base.yaml", "--config", f"{CONFIGS}/{config}.yaml"]
    command += ["--model", model, "--training.threads", "1", *more]
    command += ["--training.progress", "false", "--seed", str(seed), "--name", run]
    folder = f"runs/language/{model}/{run}"
    return Job(stage, tuple(command), Path(folder) / "report.html", run=folder)


def length(seconds: float, minutes: float) -> tuple[str, ...]:
    """Settings of a training of some CPU minutes."""
    return ("--training.epochs", str(LOOKS), "--training.steps", str(steps(seconds, minutes)))


def genome(name: str, model: str, seed: int) -> Job:
    """A network of a genome."""
    return training(name, name, model, name, seed, *length(SECONDS[model], GENOMES[name]))


def split(name: str) -> Job:
    """A network under another division; the clean one is that of the comparison."""
    more = length(SECONDS[DIVIDED], GENOMES["ecoli"])
    return training("splits", "ecoli", DIVIDED, f"ecoli_split_{name}", 0, *more, *SPLITS[name])


def long(which: Long, genome: str, seed: int) -> Job:
    """Longer training, on longer contexts."""
    time = length(which.seconds * which.batch * which.window / 6400, LONG_MINUTES)
    # Half a long window is read before anything of it is scored: what comes first in a window is told with little context.
    context = which.window // 2 if which.window == LONG_WINDOW else 10
    data = ("--data.window", str(which.window), "--data.context", str(context))
    batch = ("--training.batch_size", str(which.batch))
    return training("long", genome, which.model, which.name(genome), seed, *data, *batch, *time, *which.more)


def everything() -> Iterator[Job]:
    """All jobs: what the conclusions rest on first."""
    for seed in SEEDS:
        for name, more in MADE_UP.items():
            for model in SECONDS if name in DRAWN or not seed else ():
                yield training("made_up", name, model, name, seed, *more, "--data.simulate.seed", str(seed))
        for name in GENOMES:
            yield from (genome(name, model, seed) for model in SECONDS)
        if not seed:
            yield from (split(name) for name in SPLITS if SPLITS[name])
            yield from (
                long(which, genome, seed) for genome in GENOMES for which in LONG if which.window == LONG_WINDOW
            )
        yield from (long(which, "ecoli", seed) for which in LONG if seed and seed < which.seeds)
    yield from (long(which, "ecoli", 0) for which in LONG if which.window != LONG_WINDOW)
    for model, width in EQUAL.items():
        more = length(EQUAL_SECONDS[model], GENOMES["ecoli"])
        yield training("equal", "ecoli", model, "ecoli_equal", 0, *more, "--model_options.width", str(width))


def minutes() -> dict[str, float]:
    """CPU minutes that the runs of each stage are expected to take, training and test."""
    each = {
        **GENOMES,
        "splits": GENOMES["ecoli"],
        "equal": GENOMES["ecoli"],
        "long": LONG_MINUTES,
    }
    found = dict[str, float]()
    for job in everything():
        found[job.stage] = found.get(job.stage, 0.0) + each.get(job.stage, MADE_UP_MINUTES)
    return found


if __name__ == "__main__":
    command_line(__doc__, ROOT, list, everything)
