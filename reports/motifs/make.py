"""Make every run of the planted motifs, five seeds of each experiment.

    python reports/motifs/make.py                # everything; stop it at any time and start it again
    python reports/motifs/make.py --only spaced
    python reports/motifs/make.py --list         # what there is to do, and what is done

A seed is that of the weights and of the sequences, so that the spread of a score holds both. A finished run is kept, an
unfinished one goes on from its checkpoint. One job a core, each on one thread.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from jobs import Job, command_line  # noqa: E402

CONFIGS = "configs/motifs"
SEEDS = range(5)
RECOVERY_SEEDS = range(10)
RECOVERY_KERNELS = (7, 9, 11)

KERNELS = (3, 5, 7, 11, 15)
NOISES, PROBABILITIES = (0.0, 0.05, 0.2), (1.0, 0.8, 0.6)
"""The notebook's noise is .05; without and with more of it, what it does can be told from what the seed does."""

ACCIDENTAL = ("filter", "keep")
SPACED = {"spaced": "deepbind_small", "spaced_two_layers": "motif_pair", "spaced_wide": "motif_pair_wide"}
FAR_FROM_ENDS = ("--data.simulate.length", "181", "--data.simulate.margin", "50")
"""The same gaps with 50 letters at either end: a network that sees 35 letters and not the gap could feel the ends at 10."""

PICTURES = "specnet_site"
"""Reads pictures of the same sequences, with the settings of task tfbs for them, and the training of all other networks here."""

OTHERS = ("deepbind", "deepmotif_cnn", "deepmotif_rnn", "deepmotif_cnn_rnn", "basset")
"""Networks that were not made for this, with the notebook's training."""

EXPLAINED = ("recovery11", "single")
"""Runs of which dashboards are made: the small network without occurrences by chance, and the others with them."""

PLANTED, N_PLANTED = Path("runs/planted_motifs"), "20"


def training(
    stage: str,
    config: str,
    model: str,
    name: str,
    seed: int,
    *arguments: str,
    first: tuple[str, ...] = (),
    more: tuple[Job, ...] = (),
) -> Job:
    """A training run on one thread; the configurations ``first`` are read before those of the experiment, which overrule them."""
    named = f"{name}_s{seed}"
    files = (*first, f"{CONFIGS}/base.yaml", f"{CONFIGS}/{config}.yaml")
    command = ["-m", "classify", "train", *(part for file in files for part in ("--config", file)), "--model", model]
    command += [*arguments, "--data.simulate.seed", str(seed), "--data.split.seed", str(seed)]
    command += ["--training.threads", "1", "--training.progress", "false", "--seed", str(seed), "--name", named]
    folder = f"runs/motifs/{model}/{named}"
    explained = (boards(folder),) if not seed and name in EXPLAINED else ()
    return Job(stage, tuple(command), Path(folder) / "report.html", (), folder, more=(*more, *explained))


def boards(folder: str) -> Job:
    """Dashboards of a run on planted sequences: how much of an attribution lies on the motif, and nothing optimised."""
    out = f"{folder}/planted"
    command = ("-m", "classify", "dashboard", "--run", folder, "--input", f"{PLANTED}/planted.fa", "--out", out)
    options = ("--sites", f"{PLANTED}/planted.bed", "--most", N_PLANTED, "--optimisation.steps", "0")
    reads = (Path(folder) / "model.safetensors", PLANTED / "planted.fa")
    return Job("explained", (*command, *options), Path(out) / "dashboard.html", reads, clear=out)


def planted() -> Job:
    """The sequences of the dashboards."""
    script = ("reports/motifs/planted.py", N_PLANTED, str(PLANTED))
    return Job("explained", script, PLANTED / "planted.fa")


def found(folder: str) -> Job:
    """The motifs of a run's filters."""
    command = ("-m", "classify", "motifs", "--run", folder, "--draw", "0")
    read = Path(folder) / "model.safetensors"
    return Job("recovery", command, Path(folder) / "motifs" / "motifs.html", (read,))


def recovery(kernel: int, seed: int) -> Job:
    """A run without occurrences by chance, and what its filters hold."""
    name = f"recovery{kernel}"
    options = ("--model_options.kernel", str(kernel), "--data.simulate.accidental", "filter")
    more = (found(f"runs/motifs/deepbind_small/{name}_s{seed}"),)
    return training("recovery", "single", "deepbind_small", name, seed, *options, more=more)


def of_seed(seed: int) -> Iterator[Job]:
    """Every experiment once."""
    for kernel in KERNELS:
        options = ("--model_options.kernel", str(kernel))
        yield training("kernels", "single", "deepbind_small", f"kernel{kernel}", seed, *options)
    for accidental in ACCIDENTAL:
        yield training(
            "pair", "pair", "deepbind_small", f"pair_{accidental}", seed, "--data.simulate.accidental", accidental
        )
        for config, model in SPACED.items():
            yield training(
                "spaced", config, model, f"spaced_{accidental}", seed, "--data.simulate.accidental", accidental
            )
    for config, model in SPACED.items():
        yield training("spaced", config, model, "spaced_far_from_ends", seed, *FAR_FROM_ENDS)
    pictures = ("--model_options", "{}", "--data.simulate.accidental", "filter")
    yield training(
        "pictures", "spaced", PICTURES, "spaced_filter", seed, *pictures, first=("configs/tfbs/specnet_site.yaml",)
    )
    for noise in NOISES:
        for probability in PROBABILITIES:
            grid = ("--letters.noise", str(noise), "--data.simulate.motif_prob", str(probability))
            name = f"noise{noise:g}_prob{probability:g}"
            yield training("noise", "noisy", "deepbind_small", name, seed, *grid)
    for model in OTHERS:
        for config in ("single", "pair", "spaced"):
            # The options of the configurations are those of the small model.
            yield training("models", config, model, config, seed, "--model_options", "{}")


def everything() -> Iterator[Job]:
    """All jobs: each experiment with one seed before the next one."""
    for seed in SEEDS:
        yield from of_seed(seed)
    for seed in RECOVERY_SEEDS:
        for kernel in RECOVERY_KERNELS:
            yield recovery(kernel, seed)


if __name__ == "__main__":
    command_line(__doc__, ROOT, lambda: [planted()], everything)
