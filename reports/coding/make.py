"""Make every run of the coding benchmark, in the order of their worth, and then its page.

    python reports/coding/make.py                # everything; stop it at any time and start it again
    python reports/coding/make.py --only headline
    python reports/coding/make.py --list         # what there is to do, and what is done

A finished run is kept, an unfinished one goes on from its checkpoint. One job a core, each on one thread, so that the
result of a run does not depend on how many are made at once. ``page.py`` makes the tables and figures from the runs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from specgen.files import write_atomic

ROOT = Path(__file__).resolve().parents[2]
DATA = os.environ.setdefault("SPECGEN_DATA", str(ROOT.parent / "shared" / "data"))
SETS = Path(DATA) / "coding_noncoding"
MRNA = SETS / "human_mrna_refseq.fa.gz"
BENCHMARK = "configs/coding/benchmark"
LOGS = Path("runs/logs")
TABLES = (Path("runs/loci.csv"), Path("runs/clusters.csv"))
"""What the configurations name and the first jobs make; other clusters are other splits."""


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
        """Whether it is done, by this command and from what its files hold now."""
        there = self.done.exists() and not (self.done.parent / "INCOMPLETE").exists()
        return there and self.told() == f"done {self.key()}"

    @property
    def log(self) -> Path:
        """What the command printed; beside it, ending in .state, what ``told`` reads."""
        return LOGS / f"{str(self.done).replace('/', '_')}.log"

    def key(self) -> str:
        """Hash of the command, the configurations and scripts that it names, and the tables that these name."""
        read = hashlib.sha256("\0".join(self.arguments).encode())
        for file in (*TABLES, *(Path(word) for word in self.arguments)):
            named = file.suffix in (".csv", ".py", ".yaml") and file != self.done
            if self.stage != "prepare" and named and file.is_file():
                read.update(file.read_bytes())
        return read.hexdigest()[:16]

    def told(self) -> str:
        """How the last attempt ended: "begun <key>", "done <key>", or nothing."""
        state = self.log.with_suffix(".state")
        return state.read_text(encoding="utf-8") if state.is_file() else ""

    def tell(self, what: str) -> None:
        """See ``told``."""
        LOGS.mkdir(parents=True, exist_ok=True)
        write_atomic(self.log.with_suffix(".state"), f"{what} {self.key()}")

    def all(self) -> Iterator[Job]:
        """This job and those behind it."""
        yield self
        for job in self.more:
            yield from job.all()

    def command(self) -> list[str]:
        """With ``--resume`` where there is something to go on from."""
        if not self.run:
            return list(self.arguments)
        there = (Path(self.run) / "checkpoints" / "last.ckpt").exists()
        same = self.told() == f"begun {self.key()}"
        return [*self.arguments, "--resume" if there and same else "--overwrite"]


def cluster(stage: str, name: str, *files: str, more: tuple[Job, ...] = ()) -> Job:
    """Near-duplicates among the non-coding records and ``files``."""
    noncoding = [str(SETS / f"human_{name}.fa.gz") for name in ("ncrna", "lincrna")]
    out = f"runs/{name}.csv"
    return Job(stage, ("-m", "classify", "cluster", *noncoding, *files, "--out", out), Path(out), more=more)


def prepare() -> list[Job]:
    """Loci, derived sets, near-duplicate clusters and the split: minutes, needed by all."""
    mrna, made = str(MRNA), "runs/sets"
    pseudogenes, cds = (str(SETS / f"human_{name}.fa.gz") for name in ("pseudogene_cdna_ensembl", "cds_refseq"))
    loci = Job("prepare", ("reports/coding/loci.py", mrna, "runs/loci.csv"), Path("runs/loci.csv"))
    gc = ("-m", "classify", "baselines", "--config", f"{BENCHMARK}/base.yaml", "--only", "gc")
    paper = ("reports/coding/paper_set.py", made, "runs/loci.csv")
    pictures = ("-m", "specgen", "render", f"{made}/paper_cdn.fa.gz", f"{made}/paper_lnsd.fa.gz")
    pictures += ("--label", "CDN", "LNSD", "--out", "runs/paper", "--windows.place", "random", "--windows.trim", "0")
    return [
        loci,
        Job("prepare", ("reports/coding/sets.py", str(SETS), made), Path(made) / "human_utr.fa.gz"),
        cluster("prepare", "clusters", pseudogenes, cds),
        Job("prepare", gc, Path("runs/coding/gc/benchmark/report.html")),
        Job("prepare", paper, Path(made) / "paper_cdn.fa.gz"),
        Job("prepare", pictures, Path("runs/paper/SHA256SUMS")),
    ]


BASE = ("--config", f"{BENCHMARK}/base.yaml")


def training(
    stage: str,
    model: str,
    name: str,
    seed: int,
    *arguments: str,
    base: tuple[str, ...] = BASE,
    more: tuple[Job, ...] = (),
) -> Job:
    """A training run on one thread."""
    given = f"configs/coding/{model}.yaml"
    files = ["--config", given] if (ROOT / given).exists() else ["--model", model]
    if model.endswith("_cnn"):
        files += ["--optimiser.lr", "2e-3", "--optimiser.weight_decay", "5e-2"]  # as specnet
    command = ["-m", "classify", "train", *files, *base, *arguments]
    command += ["--training.threads", "1", "--training.progress", "false", "--seed", str(seed), "--name", name]
    folder = f"runs/coding/{model}/{name}"
    return Job(stage, tuple(command), Path(folder) / "report.html", folder, more)


def on(stage: str, folder: str, name: str, *configs: str, split: str = "all") -> Job:
    """A finished run scored on another set, without retraining."""
    files = [f"{BENCHMARK}/{config}.yaml" for config in configs]
    command = ("-m", "classify", "evaluate", "--run", folder, "--on", *files, "--as", name, "--split", split)
    return Job(stage, command, Path(folder) / "on" / name / "report.html")


def baselines(stage: str, name: str, seed: int, *arguments: str, more: tuple[Job, ...] = ()) -> Job:
    """All baselines on one configuration."""
    command = ["-m", "classify", "baselines", *BASE, *arguments]
    command += ["--seed", str(seed), "--name", name]
    return Job(stage, tuple(command), Path(f"runs/coding/spectral_rotation/{name}/report.html"), more=more)


LETTERS = ("orf", "cpat", "period3_snr", "kmer6")
"""Baselines that are scored on the other sets."""

ALTERED = ("reverse_complement", "mononucleotide", "dinucleotide", "codon")
"""Controls that the test set of a finished run is put through."""

FEWER = ("--training.epochs", "4")
"""Of the controls that are trained: half the budget of the table."""


def others(folder: str, *, altered: bool) -> tuple[Job, ...]:
    """A run of the headline, on pseudogenes, on mouse, and on the altered test set."""
    names = {name: f"controls/{name}" for name in ALTERED} if altered else {}
    sets = {"pseudogene": "pseudogene", "mouse": "mouse"}
    jobs = [on("transfer", folder, name, config) for name, config in sets.items()]
    # The classes, files and split are those of the run; only the letters are altered.
    return (*jobs, *(on("altered", folder, name, "base", config, split="test") for name, config in names.items()))


def explain(model: str) -> Job:
    """A network of simulated transcripts, and how much of its attribution lies inside the CDS of new ones.

    Trained on transcripts, not on the benchmark: there a window is all CDS or none, so nothing is learnt about where.
    """
    folder = f"runs/coding/{model}/simulated_s0"
    command = ("-m", "classify", "explain", "--run", folder, "--simulated", "120", "--out", f"runs/explain/{model}")
    measured = Job("explain", (*command, "--most", "3"), Path(f"runs/explain/{model}/measures.json"))
    size = ("--data.simulate.n", "1500", "--training.epochs", "8")
    return training("explain", model, "simulated_s0", 0, *size, base=(), more=(measured,))


def transcripts() -> Job:
    """Training sets clean of CPAT's test set, a network on them, and the verdicts on whole transcripts."""
    folder = "runs/coding/specnet/transcripts_s0"
    scored = Job(
        "transcripts",
        ("reports/coding/transcripts.py", "--runs", folder),
        Path("runs/transcripts/tiles/specnet-transcripts_s0-test.npz"),
    )
    base = ("--config", "configs/coding/transcripts.yaml", "--training.epochs", "3")
    network = training("transcripts", "specnet", "transcripts_s0", 0, base=base, more=(scored,))
    sets = Path("runs/transcripts/sets/groups.csv")
    return Job("transcripts", ("reports/coding/transcripts.py",), sets, more=(network,))


def headline(model: str, seed: int) -> Job:
    """A network at 600 nt; two seeds of it are also scored on the other sets."""
    name = f"human600_s{seed}"
    folder = f"runs/coding/{model}/{name}"
    more = others(folder, altered=model == "specnet" and not seed) if seed < 2 else ()
    return training("headline", model, name, seed, more=more)


def everything() -> Iterator[Job]:
    """All jobs but those of ``prepare``: what the conclusions rest on first."""
    for seed in range(5):
        yield headline("specnet", seed)
        yield headline("dilated_cnn", seed)
        if seed < 2:
            folders = {word: f"runs/coding/{word}/human600_s{seed}" for word in LETTERS}
            more = [job for word in LETTERS for job in others(folders[word], altered=word in ("cpat", "kmer6"))]
            yield baselines("headline", f"human600_s{seed}", seed, more=() if seed else tuple(more))
            yield headline("frame_cnn", seed)
    for control in ("permuted_labels", "length_probe", "dinucleotide"):
        match = ("--data.match", '["dinucleotide"]') if control == "dinucleotide" else ()
        changed = ("--data.controls", f'["{control}"]', *match, *FEWER)
        yield training("controls", "specnet", f"{control}_s0", 0, *changed)
        yield baselines("controls", f"{control}_s0", 0, *changed)
    for length, hop, window in ((300, 3, 12), (1200, 6, 12), (2400, 12, 24)):
        crop = ("--data.length", str(length))
        picture = ("--image.spectrogram.hop", str(hop), "--image.spectrogram.window", str(window))
        for seed in range(2):
            name = f"human{length}_s{seed}"
            yield training("lengths", "specnet", name, seed, *crop, *picture)
            if not seed:
                yield training("lengths", "dilated_cnn", name, seed, *crop)
                yield baselines("lengths", name, seed, *crop)
    for model in ("specnet", "dilated_cnn"):
        yield explain(model)
    yield transcripts()
    yield from harder("matched")
    yield cluster("harder", "clusters_mrna", str(MRNA), more=harder("mrna"))
    yield cluster("harder", "clusters_utr", "runs/sets/human_utr.fa.gz", more=harder("utr"))
    yield training("headline", "inception", "human600_s0", 0)
    for model in ("inception", "conv3", "conv5", "conv7"):
        yield from paper(model)


def harder(name: str) -> tuple[Job, ...]:
    """specnet and the baselines trained on other classes."""
    config = ("--config", f"{BENCHMARK}/{name}.yaml", *FEWER)
    return training("harder", "specnet", f"{name}_s0", 0, *config), baselines("harder", f"{name}_s0", 0, *config)


def paper(model: str) -> Iterator[Job]:
    """The published experiment on fixed pictures, 80/20; a twelfth of the training pictures chooses the epoch."""
    split = (
        "--data.split.strategy",
        "record",
        "--data.split.test_fraction",
        "0.2",
        "--data.split.val_fraction",
        "0.08",
    )
    for name, change in (("", ()), ("_plain", ("--preprocess.standardise", "false", "--preprocess.blur", "false"))):
        if name and model != "inception":
            continue  # the ablation is made where it is affordable
        command = ("-m", "classify", "train", "--config", f"configs/coding/{model}.yaml", "--config")
        command += ("configs/coding/paper.yaml", "--data.images", "runs/paper", *split, *change, "--training.epochs")
        command += (str(PAPER_EPOCHS[model]), "--training.threads", "1", "--training.progress", "false")
        folder = f"runs/coding/{model}/paper{name}_s0"
        yield Job("paper", (*command, "--name", f"paper{name}_s0"), Path(folder) / "report.html", folder)


PAPER_EPOCHS = {"inception": 25, "conv3": 5, "conv5": 5, "conv7": 5}
"""Published: 125, which take 200,000 examples and 5 hours a run for the plain networks at 10 pictures/s."""


class Board:
    """What is waiting, shared by the workers; a job that is done may add others behind."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.waiting, self.running, self.failed, self.lock = list(jobs), 0, list[Job](), Lock()

    def take(self) -> Job | None:
        """The next job; nothing once none is waiting and none that is running can add any."""
        while True:
            with self.lock:
                if self.waiting:
                    self.running += 1
                    return self.waiting.pop(0)
                if not self.running:
                    return None
            time.sleep(0.5)

    def give(self, job: Job, done: bool) -> None:
        """Report a job that was taken."""
        with self.lock:
            self.running -= 1
            self.waiting += job.more if done else ()
            self.failed += [] if done else [job]


def work(cpu: int, board: Board) -> None:
    """Take jobs until there are none; one core, one thread each."""
    while (job := board.take()) is not None:
        board.give(job, job.finished or make(job, cpu))


def make(job: Job, cpu: int) -> bool:
    """Run one job on one core; whether it ended well."""
    print(f"{time.strftime('%H:%M:%S')} cpu {cpu}: {job.stage}: {job.done.parent}", flush=True)
    command = job.command()
    job.tell("begun")
    with job.log.open("ab") as out:
        code = subprocess.run(
            [sys.executable, *command],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
            check=False,
        ).returncode
    if not code and job.done.exists():
        job.tell("done")
        return True
    print(f"FAILED ({code}), see {job.log}", flush=True)
    return False


def main() -> None:
    """Parse, prepare, make, say what failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="stages, separated by commas; default: all")
    parser.add_argument("--cpus", default="", help="cores to use, separated by commas; default: all there are")
    parser.add_argument("--list", action="store_true", help="name the jobs and whether they are done; make nothing")
    given = parser.parse_args()
    os.chdir(ROOT)
    jobs = [job for job in everything() if not given.only or job.stage in given.only.split(",")]
    if given.list:
        for job in (j for first in [*prepare(), *jobs] for j in first.all()):
            print("done" if job.finished else "    ", job.stage, job.done)
        return
    cpus = [int(c) for c in given.cpus.split(",")] if given.cpus else sorted(os.sched_getaffinity(0))
    for batch, workers in ((prepare(), cpus[:1]), (jobs, cpus)):
        board = Board(batch)
        with ThreadPoolExecutor(len(workers)) as pool:
            list(pool.map(lambda cpu, board=board: work(cpu, board), workers))
        if board.failed:
            sys.exit(f"{len(board.failed)} jobs failed; the same command goes on with them")


if __name__ == "__main__":
    main()
