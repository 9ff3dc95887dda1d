"""Make every run of the coding benchmark, in the order of their worth, and then its page.

    python reports/coding/make.py                # everything; stop it at any time and start it again
    python reports/coding/make.py --only headline
    python reports/coding/make.py --list         # what there is to do, and what is done

A finished run is kept, an unfinished one goes on from its checkpoint. One job a core, each on one thread, so that the
result of a run does not depend on how many are made at once. ``page.py`` makes the tables and figures from the runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = os.environ.setdefault("SPECGEN_DATA", str(ROOT.parent / "shared" / "data"))
SETS = Path(DATA) / "coding_noncoding"
BENCHMARK = "configs/coding/benchmark"
LOGS = Path("runs/logs")


@dataclass(frozen=True)
class Job:
    """A command and the file that exists once it is done.

    Attributes
    ----------
    stage
        What ``--only`` selects by.
    arguments
        Of ``python``.
    done
        Made by the command at its end.
    run
        Folder of a training run, which can be resumed; empty for other commands.
    """

    stage: str
    arguments: tuple[str, ...]
    done: Path
    run: str = ""
    more: tuple[Job, ...] = field(default=())
    """Jobs that need this one."""

    @property
    def finished(self) -> bool:
        return self.done.exists() and not (self.done.parent / "INCOMPLETE").exists()

    def command(self) -> list[str]:
        """With ``--resume`` where there is something to go on from."""
        if not self.run:
            return list(self.arguments)
        there = (Path(self.run) / "checkpoints" / "last.ckpt").exists()
        return [*self.arguments, "--resume" if there else "--overwrite"]


def prepare() -> list[Job]:
    """Loci, derived sets and near-duplicate clusters: a minute, needed by all."""
    files = [f"{name}.fa.gz" for name in ("human_cds_refseq", "human_ncrna", "human_lincrna")]
    extra = ["human_pseudogene_cdna_ensembl.fa.gz"]
    mrna = str(SETS / "human_mrna_refseq.fa.gz")
    return [
        Job("prepare", ("reports/coding/loci.py", mrna, "runs/loci.csv"), Path("runs/loci.csv")),
        Job("prepare", ("reports/coding/sets.py", "runs/sets"), Path("runs/sets/human_utr.fa.gz")),
        Job(
            "prepare",
            ("-m", "classify", "cluster", *(str(SETS / f) for f in files + extra), "--out", "runs/clusters.csv"),
            Path("runs/clusters.csv"),
        ),
    ]


def training(stage: str, model: str, name: str, seed: int, *arguments: str, more: tuple[Job, ...] = ()) -> Job:
    """A training run on one thread."""
    given = f"configs/coding/{model}.yaml"
    files = ["--config", given] if (ROOT / given).exists() else ["--model", model]
    if model.endswith("_cnn"):
        files += ["--optimiser.lr", "2e-3", "--optimiser.weight_decay", "5e-2"]  # as specnet
    command = ["-m", "classify", "train", *files, "--config", f"{BENCHMARK}/base.yaml", *arguments]
    command += ["--training.threads", "1", "--training.progress", "false", "--seed", str(seed), "--name", name]
    folder = f"runs/coding/{model}/{name}"
    return Job(stage, tuple(command), Path(folder) / "report.html", folder, more)


def on(stage: str, folder: str, name: str, config: str, *arguments: str) -> Job:
    """A finished run scored on another set, without retraining."""
    command = ["-m", "classify", "evaluate", "--run", folder, "--on", f"{BENCHMARK}/{config}.yaml", "--as", name]
    return Job(stage, (*command, *arguments), Path(folder) / "on" / name / "report.html")


def baselines(stage: str, name: str, seed: int, *arguments: str, more: tuple[Job, ...] = ()) -> Job:
    """All baselines on one configuration."""
    command = ["-m", "classify", "baselines", "--config", f"{BENCHMARK}/base.yaml", *arguments]
    command += ["--seed", str(seed), "--name", name]
    return Job(stage, tuple(command), Path(f"runs/coding/spectral_rotation/{name}/report.html"), more=more)
