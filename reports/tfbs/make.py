"""Make every run of the TFBS benchmark, in the order of their worth.

    python reports/tfbs/make.py                      # everything; stop it at any time and start it again
    python reports/tfbs/make.py --only deepbind
    python reports/tfbs/make.py --list               # what there is to do, and what is done

A finished run is kept, an unfinished one goes on from its checkpoint. One job a core, each on one thread.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from jobs import Job, command_line, configured  # noqa: E402

DATA = os.environ.setdefault("SPECGEN_DATA", str(ROOT.parent / "shared" / "data"))
JASPAR = Path(DATA) / "motifs" / "jaspar2024_core.transfac.gz"
DATABASE = Path("runs/jaspar/vertebrates.transfac.gz")
CONFIGS = "configs/tfbs"

DEEPBIND = configured(ROOT / "configs/tfbs/factors", but="peaks_")
"""The ten sets of DeepBind: a configuration each."""
GUE = tuple(f"tf{i}" for i in range(5))
PEAKS = tuple(f"peaks_{factor}" for factor in ("CTCF", "MAX", "CEBPB"))
OTHERS = ("nfe2", "ctcf_shuffled")

SETS = {
    **{name: ("deepbind", ("sets/deepbind", f"factors/{name}")) for name in DEEPBIND},
    **{name: ("gue", (f"sets/{name}",)) for name in GUE},
    **{name: ("peaks", ("sets/peaks", f"factors/{name}")) for name in PEAKS},
    **{name: ("others", (f"sets/{name}",)) for name in OTHERS},
}
"""Set -> stage, and its configurations after the base."""

OURS = "kmer_resnet"
DETECTORS = "deepbind"
"""The one whose filters are looked at: one layer, a detector each. Filters of deep networks hold parts of motifs."""

MODELS = (DETECTORS, "deepmotif_cnn")
"""Networks of letters."""

SLOW = {"deepmotif_rnn": "1.5", "deepmotif_cnn_rnn": "1.5", "specnet_site": "2", "basset": "3"}
"""CPU minutes that large networks, recurrent ones and pictures may take; to their end they would take 3 to 20 times that."""

SLOW_SETS = DEEPBIND[:4]

PICTURES = "specnet_site"
"""The slow network that is trained on all other sets of the two collections, too, since it is the one that reads pictures."""

GUE_EPOCHS = {OURS: "5"}
GUE_EPOCHS_OF_OTHERS = "8"
"""Sets of 19,000 to 32,000 windows: as many windows are seen as in the ten sets with the epochs of the configurations."""

BASELINES = ("kmer6_rc", "gkm8")
SEEDS = range(3)


def files(name: str, model: str = "") -> list[str]:
    """The configurations of a set, with a model's own where there is one."""
    own = [model] if model and (ROOT / CONFIGS / f"{model}.yaml").exists() else []
    return [part for file in ("base", *SETS[name][1], *own) for part in ("--config", f"{CONFIGS}/{file}.yaml")]


def training(name: str, model: str, seed: int, stage: str = "") -> Job:
    """A training run on one thread."""
    run = f"{name}_s{seed}"
    command = ["-m", "classify", "train", *files(name, model), "--model", model, "--training.threads", "1"]
    command += ["--training.progress", "false", "--seed", str(seed), "--name", run]
    if name in GUE:
        command += ["--training.epochs", GUE_EPOCHS.get(model, GUE_EPOCHS_OF_OTHERS)]
    if model in SLOW:
        command += ["--training.cpu_minutes", SLOW[model]]
    folder = f"runs/tfbs/{model}/{run}"
    more = (found(folder),) if model == DETECTORS and not seed and name in DEEPBIND else ()
    return Job(stage or SETS[name][0], tuple(command), Path(folder) / "report.html", run=folder, more=more)


def found(folder: str) -> Job:
    """The motifs of a run's filters, on its validation windows, and what they are like."""
    command = ("-m", "classify", "motifs", "--run", folder, "--database", str(DATABASE), "--split", "val")
    reads = (Path(folder) / "model.safetensors", DATABASE)
    return Job("factors", (*command, "--draw", "0"), Path(folder) / "motifs" / "motifs.html", reads)


FRESH, FRESH_SHUFFLES = "_fresh", "3"
"""Ends the names of sets whose baselines learn from several shuffles of each peak, as networks do."""


def baselines(name: str, stage: str = "", ending: str = "", epochs: str = "1") -> Job:
    """The k-mer baselines on the same windows: without fresh shuffles these do not change from epoch to epoch."""
    run = f"{name}{ending}_s0"
    command = ["-m", "classify", "baselines", *files(name), "--training.epochs", epochs, "--name", run]
    done = Path(f"runs/tfbs/{BASELINES[-1]}/{run}/report.html")
    return Job(stage or SETS[name][0], (*command, "--only", *BASELINES), done)


def everything() -> Iterator[Job]:
    """All jobs: what the conclusions rest on first."""
    for name in SETS:
        yield baselines(name)
    for model in (OURS, DETECTORS):
        for name in SETS:
            yield training(name, model, 0)
    for name in DEEPBIND:
        yield baselines(name, "fresh", FRESH, FRESH_SHUFFLES)
    for model in MODELS[1:]:
        for name in DEEPBIND:
            yield training(name, model, 0)
    for model in SLOW:
        for name in SLOW_SETS:
            yield training(name, model, 0, "slow")
    for seed in SEEDS[1:]:
        for name in DEEPBIND:
            yield training(name, OURS, seed, "seeds")
    for name in (*DEEPBIND, *GUE):
        if name not in SLOW_SETS:
            yield training(name, PICTURES, 0, "pictures")


def vertebrates() -> Job:
    """The database."""
    return Job("factors", ("reports/tfbs/vertebrates.py", str(JASPAR), str(DATABASE)), DATABASE, (JASPAR,))


if __name__ == "__main__":
    command_line(__doc__, ROOT, lambda: [vertebrates()], everything)
