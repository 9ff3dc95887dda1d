"""Make every run of the chromatin benchmark, in the order of their worth.

    python reports/chromatin/make.py                     # everything; stop it at any time and start it again
    python reports/chromatin/make.py --only open,tracks
    python reports/chromatin/make.py --list              # what there is to do, and what is done

A finished run is kept, an unfinished one goes on from its checkpoint. One job a core, each on one thread. Every network sees
``LEAST`` windows, and those that are fast as many more as fit into ``MINUTES``, by what their steps took beforehand; a run is
repeatable all the same. Only stage ``time`` is ended by the clock.

All of it is to fit into three hours of two cores that are shared. What tells least was left out for that: second and third seeds
of ``ONCE``; networks on the ten marks that resemble another one there (``MARKED``); of the tracks all that is slow, or made for
one label or far more windows (not ``TRACKED``); more than one seed for equal parameters and equal time, which stand beside the
comparison of three seeds; and there the networks of which a step takes so long that nothing is learnt (``SLOW``).
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
CONFIGS = "configs/chromatin"
SEEDS = range(3)


@dataclass(frozen=True)
class Set:
    """Windows of a configuration, of training, validation and test, and their length [nt]."""

    windows: int
    val: int
    test: int
    length: int


OPEN = {
    "vcm_open": Set(1401, 300, 299, 600),
    "yeast_atac": Set(5396, 713, 1566, 500),
    "enhancers": Set(2083, 409, 476, 200),
}
MARKS = ("H3", "H4", "H3K9ac", "H3K14ac", "H4ac", "H3K4me1", "H3K4me2", "H3K4me3", "H3K36me3", "H3K79me3")
HISTONE = {f"histone_{mark}": Set(2070, 410, 390, 500) for mark in MARKS}
"""Means of the ten, which have 1,010 to 2,500 windows of training."""

SETS = {**OPEN, **HISTONE}
TRACKS = Set(463, 160, 110, 1000)
SIMULATION = Set(40_000, 200, 400, 1000)
"""Half of what is scored, since it is scored on one strand."""

SECONDS = {
    "onehot_cnn": 0.014,
    "kmer_cnn": 0.018,
    "multiscale_cnn": 0.021,
    "kmer_resnet": 0.034,
    "basset": 0.061,
    "deepsea": 0.163,
    "danq": 0.127,
    "clockwork": 0.074,
    "lstm": 0.025,
    "gru": 0.093,
    "bilstm": 0.048,
    "bigru": 0.191,
    "bigru_text": 0.405,
    "specnet_whole": 0.058,
    "specnet": 0.054,
    "inception": 0.175,
}
"""CPU seconds of two steps of 32 windows for each 100 nt, on one thread, with a seventh for a busy machine; only epochs hang on
them. Those of pictures, which are as wide whatever the window, are of 600 nt."""

MINUTES, LEAST, LOOKS, MOST_EPOCHS = 1.0, 8_000, 4, 20
"""CPU minutes that the windows of a training are chosen for; windows, looks at the validation at least, and epochs at most."""

BATCH = 32
"""Half of the configuration's: twice as many steps."""

SCORED, START = 0.6, 10.0
"""What scoring a window on both strands costs, as a share of a window of training; CPU seconds of the start of a run."""

SLOW = ("bigru_text", "deepsea", "inception")
"""Two to five minutes each for the fewest windows."""

ONCE = (*SLOW, "bilstm", "specnet_whole")
"""One seed: those that are slow, the LSTM of both directions beside the GRU of both, and the ordinary spectrogram beside the
picture of three bands that keeps the phase."""

PLACED = ("deepsea", "danq")
"""Networks whose dense layer is made for a window's length."""

ORDINARY = ("specnet_whole", "inception")
PICTURES = {"specnet": "configs/coding/specnet.yaml"}
"""Networks of the default picture, a power spectrogram of the window, and of others."""

PICTURE_WINDOW, SHORT_WINDOW = 351, 120
"""nt of the default spectrogram's window, and of that for sequences that are shorter."""

BASELINES = ("gc", "kmer6", "kmer6_rc", "kmer_bag")
REGRESSIONS, TRACK_REGRESSIONS = 0.4, 1.0
"""CPU minutes of the regressions on a set, all together, and on the tracks."""

EQUAL = {
    "onehot_cnn": ("width", 34),
    "kmer_cnn": ("width", 32),
    "multiscale_cnn": ("width", 84),
    "clockwork": ("width", 416),
    "lstm": ("width", 155),
    "gru": ("width", 180),
    "bilstm": ("width", 109),
    "bigru": ("width", 126),
}
"""What gives each network about 100,000 parameters with one label; layers of the others are not for choice, and one is slow."""

EQUAL_PARAMETERS, EQUAL_EPOCHS, EQUAL_MINUTES = 100_000, 3, 0.75

MARKED = ("onehot_cnn", "multiscale_cnn", "clockwork", "lstm", "specnet")
"""Networks of the ten marks: a fast one of each kind."""

TRACKED = ("bigru", "onehot_cnn", "multiscale_cnn", "danq", "specnet_whole")
TRACK_BASELINES = ("gc", "kmer_bag")
TRACK_MODELS = (*TRACKED, *TRACK_BASELINES)

TIMED = tuple(model for model in SECONDS if model not in SLOW)
"""Networks of equal time: the others take some thirty steps in it at most."""

DIVISIONS = (0, 1, 3)
"""Seeds of the divisions; 2 leaves one window for the test."""

SIMULATED = {"small": 2_000, "large": 40_000}
"""Training windows of the made-up files: twenty times as many have to fit into the same memory."""

SIMULATED_STEPS = {"onehot_cnn": 300, "deepsea": 30}
FOLDER = Path("runs/simulated_919")

INTERVALS = 60.0
"""CPU seconds, about, of the intervals and figures of 919 labels."""


def expected(model: str, data: Set, seen: float, looks: int) -> float:
    """CPU seconds of a training on so many windows with so many looks at the validation, and of its test."""
    windows = seen + SCORED * (looks * data.val + data.test)
    return START + windows / 64 * SECONDS[model] * data.length / 100


def schedule(model: str, data: Set) -> tuple[int, int]:
    """Epochs, and steps of each (0 = every window once): ``LOOKS`` at the validation at least."""
    fit = (60 * MINUTES - START) / (SECONDS[model] * data.length / 6400) - SCORED * data.test
    epochs = min(int(max(fit / (data.windows + SCORED * data.val), LEAST / data.windows)), MOST_EPOCHS)
    if epochs >= LOOKS:
        return epochs, 0
    return LOOKS, -(-int(max(fit - LOOKS * SCORED * data.val, LEAST)) // (LOOKS * BATCH))


def seen(model: str, data: Set) -> int:
    """Windows of a whole training."""
    epochs, steps = schedule(model, data)
    return epochs * (steps * BATCH or data.windows)


def files(name: str, model: str = "") -> list[str]:
    """The configurations of a set, and of the picture of a model that reads one."""
    own = [PICTURES[model]] if model in PICTURES else []
    # The set comes last: a picture's configuration may name another task.
    return [part for file in (f"{CONFIGS}/base.yaml", *own, f"{CONFIGS}/{name}.yaml") for part in ("--config", file)]


def training(stage: str, name: str, model: str, seed: int, data: Set, *more: str, run: str = "") -> Job:
    """A training run on one thread."""
    run = f"{run or name}_s{seed}"
    command = ["-m", "classify", "train", *files(name, model), "--model", model, "--training.threads", "1"]
    command += ["--training.batch_size", str(BATCH)]
    if model in ORDINARY and data.length < PICTURE_WINDOW:
        command += ["--image.spectrogram.window", str(SHORT_WINDOW)]
    if model in PLACED:
        command += ["--model_options.window", str(data.length)]
    command += [*more, "--training.progress", "false", "--seed", str(seed), "--name", run]
    folder = f"runs/chromatin/{model}/{run}"
    return Job(stage, tuple(command), Path(folder) / "report.html", run=folder)


def planned(stage: str, name: str, model: str, seed: int, data: Set, *more: str) -> Job:
    """A training for as many epochs as the set's minutes allow."""
    epochs, steps = schedule(model, data)
    lengths = ("--training.epochs", str(epochs), "--training.steps", str(steps))
    return training(stage, name, model, seed, data, *lengths, *more)


def baselines(stage: str, name: str, words: tuple[str, ...], seed: int = 0, *more: str) -> Job:
    """The regressions on the same windows: these do not change from epoch to epoch, so one is enough."""
    command = ["-m", "classify", "baselines", *files(name), "--training.epochs", "1", *more]
    command += ["--name", f"{name}_s{seed}", "--only", *words]
    return Job(stage, tuple(command), Path(f"runs/chromatin/{words[-1]}/{name}_s{seed}/report.html"))


def divided(seed: int) -> tuple[str, ...]:
    """Settings of the tracks: fifty blocks are few, so each seed divides them anew, for all models alike."""
    return ("--data.split.test_fraction", "0.2", "--data.split.seed", str(DIVISIONS[seed]))


def tracks() -> Iterator[Job]:
    """The 104 tracks."""
    for seed in SEEDS:
        yield baselines("tracks", "tracks_chr22", TRACK_BASELINES, seed, *divided(seed))
        for model in TRACKED:
            yield planned("tracks", "tracks_chr22", model, seed, TRACKS, *divided(seed))


def simulated() -> Iterator[Job]:
    """919 labels of 1,000 nt in DeepSEA's format, of two sizes; training reads them from the disk."""
    for size, windows in SIMULATED.items():
        folder = FOLDER / size
        write = Job("simulated", ("reports/chromatin/simulate.py", str(folder), str(windows)), folder / "names.txt")
        more = []
        for model, steps in SIMULATED_STEPS.items():
            if model == "deepsea" and size == "small":
                continue
            options = ["--data.root", str(folder), "--data.names", "names.txt"]
            options += ["--training.epochs", "1", "--training.steps", str(steps)]
            more.append(training("simulated", "deepsea", model, 0, TRACKS, *options, run=f"simulated_{size}"))
        yield Job(write.stage, write.arguments, write.done, more=tuple(more))


def equal() -> Iterator[Job]:
    """Equal parameters for equal epochs; and every network for the same CPU time, with a rate that does not hang on epochs."""
    data = OPEN["vcm_open"]
    # More epochs than fit in: the clock ends them.
    clock = ("--training.cpu_minutes", str(EQUAL_MINUTES), "--training.epochs", "1000", "--training.patience", "0")
    for model in TIMED:
        rate = ("--optimiser.schedule", "constant")
        yield training("time", "vcm_open", model, 0, data, *clock, *rate, run="vcm_open_time")
    for model, (option, value) in EQUAL.items():
        width = (f"--model_options.{option}", str(value), "--training.epochs", str(EQUAL_EPOCHS))
        yield training("parameters", "vcm_open", model, 0, data, *width, run="vcm_open_parameters")


def everything() -> Iterator[Job]:
    """All jobs: what the conclusions rest on first."""
    for name in SETS:
        yield baselines("open" if name in OPEN else "histone", name, BASELINES)
    for seed in SEEDS:
        for name, data in OPEN.items():
            yield from (planned("open", name, model, seed, data) for model in SECONDS if not seed or model not in ONCE)
        if not seed:
            yield from simulated()
            yield from tracks()
    for name, data in HISTONE.items():
        yield from (planned("histone", name, model, 0, data) for model in MARKED)
    yield from equal()


def minutes() -> dict[str, float]:
    """CPU minutes that the runs of each stage are expected to take, of training and test."""
    found = dict[str, float]()
    for job in (job for first in everything() for job in first.all()):
        plain = TRACK_REGRESSIONS if job.stage == "tracks" else REGRESSIONS
        found[job.stage] = found.get(job.stage, 0.0) + (_seconds(job) / 60 if job.run else plain)
    return found


def _seconds(job: Job) -> float:
    """CPU seconds of a network's job."""
    model = Path(job.run).parent.name
    data = SETS.get(next((name for name in SETS if f"{CONFIGS}/{name}.yaml" in job.arguments), ""), TRACKS)
    if job.stage == "time":
        return START + 60 * EQUAL_MINUTES
    if job.stage == "parameters":
        return expected(model, data, EQUAL_EPOCHS * data.windows, EQUAL_EPOCHS)
    if job.stage == "simulated":
        return INTERVALS + expected(model, SIMULATION, BATCH * SIMULATED_STEPS[model], 1)
    return expected(model, data, seen(model, data), schedule(model, data)[0])


if __name__ == "__main__":
    command_line(__doc__, ROOT, list, everything)
