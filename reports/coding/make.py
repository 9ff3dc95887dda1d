"""Make every run of the coding benchmark, in the order of their worth, and then its page.

    python reports/coding/make.py                # everything; stop it at any time and start it again
    python reports/coding/make.py --only headline
    python reports/coding/make.py --list         # what there is to do, and what is done

A finished run is kept, an unfinished one goes on from its checkpoint. One job a core, each on one thread, so that the
result of a run does not depend on how many are made at once. ``page.py`` makes the tables and figures from the runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from jobs import Job, command_line  # noqa: E402

DATA = os.environ.setdefault("SPECGEN_DATA", str(ROOT.parent / "shared" / "data"))
SETS = Path(DATA) / "coding_noncoding"
MRNA = SETS / "human_mrna_refseq.fa.gz"
BENCHMARK = "configs/coding/benchmark"
SPLIT = (Path("runs/loci.csv"), Path("runs/clusters.csv"))
"""What decides the split of the benchmark; other clusters are another split."""

SEEN = Path("runs/coding/gc/benchmark/split.csv")
"""The split that the benchmark's models know, for sets that have to be new to them."""


def cluster(stage: str, name: str, *files: str, reads: tuple[Path, ...] = (), more: tuple[Job, ...] = ()) -> Job:
    """Near-duplicates among the non-coding records and ``files``."""
    noncoding = [str(SETS / f"human_{name}.fa.gz") for name in ("ncrna", "lincrna")]
    out = f"runs/{name}.csv"
    return Job(stage, ("-m", "classify", "cluster", *noncoding, *files, "--out", out), Path(out), reads, more=more)


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
        Job("prepare", gc, Path("runs/coding/gc/benchmark/report.html"), SPLIT),
        Job("prepare", paper, Path(made) / "paper_cdn.fa.gz", SPLIT[:1]),
        Job("prepare", pictures, PICTURES, tuple(Path(made) / f"paper_{name}.fa.gz" for name in ("cdn", "lnsd"))),
    ]


BASE = ("--config", f"{BENCHMARK}/base.yaml")
PICTURES = Path("runs/paper/SHA256SUMS")


def training(
    stage: str,
    model: str,
    name: str,
    seed: int,
    *arguments: str,
    base: tuple[str, ...] = BASE,
    reads: tuple[Path, ...] = SPLIT,
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
    return Job(stage, tuple(command), Path(folder) / "report.html", reads, folder, more=more)


def fitted(folder: str) -> tuple[Path, ...]:
    """What a run has learnt: weights of a network, numbers of a baseline."""
    return Path(folder) / "model.safetensors", Path(folder) / "model.json"


def on(stage: str, folder: str, name: str, *configs: str, split: str = "all") -> Job:
    """A finished run scored on another set, without retraining."""
    files = [f"{BENCHMARK}/{config}.yaml" for config in configs]
    command = ("-m", "classify", "evaluate", "--run", folder, "--on", *files, "--as", name, "--split", split)
    return Job(stage, command, Path(folder) / "on" / name / "report.html", (*fitted(folder), *SPLIT, SEEN))


def baselines(
    stage: str, name: str, seed: int, *arguments: str, reads: tuple[Path, ...] = SPLIT, more: tuple[Job, ...] = ()
) -> Job:
    """All baselines on one configuration."""
    command = ["-m", "classify", "baselines", *BASE, *arguments]
    command += ["--seed", str(seed), "--name", name]
    return Job(stage, tuple(command), Path(f"runs/coding/{LAST}/{name}/report.html"), reads, more=more)


LAST = "spectral_rotation"
"""The baseline that is fitted last: when it is there, all are."""

LETTERS = ("orf", "cpat", "period3_snr", "kmer6")
"""Baselines that are scored on the other sets."""

FOLDS = (
    (("2", "9", "17", "22"), ("3", "19")),
    (("3", "13", "16", "19"), ("5", "12")),
    (("5", "12", "15", "X"), ("6", "11")),
    (("6", "10", "11", "18"), ("4", "7")),
    (("4", "7", "14", "21", "Y"), ("1", "20")),
)
"""Test and validation chromosomes of the further folds (the first is the table at 600 nt): every chromosome is in one test."""

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


def together(name: str, members: list[str]) -> Job:
    """The seeds of a model as one; far behind them in the list, so that they are done."""
    out = f"runs/coding/ensemble/human600_{name}"
    reads = tuple(file for member in members for file in (*fitted(member), Path(member) / "metrics.json"))
    command = ("-m", "classify", "ensemble", *members, "--out", out)
    return Job("headline", command, Path(out) / "report.html", reads, clear=out)


def explain(model: str) -> Job:
    """A network of simulated transcripts, and how much of its attribution lies inside the CDS of new ones.

    Trained on transcripts, not on the benchmark: there a window is all CDS or none, so nothing is learnt about where.
    """
    folder, out = f"runs/coding/{model}/simulated_s0", f"runs/explain/{model}"
    command = ("-m", "classify", "explain", "--run", folder, "--simulated", "120", "--out", out, "--most", "3")
    measured = Job("explain", command, Path(out) / "measures.json", fitted(folder), clear=out)
    size = ("--data.simulate.n", "1500", "--training.epochs", "8")
    return training("explain", model, "simulated_s0", 0, *size, base=(), reads=(), more=(measured,))


def transcripts() -> Job:
    """Training sets clean of CPAT's test set, a network on them, and the verdicts on whole transcripts."""
    folder, sets = "runs/coding/specnet/transcripts_s0", Path("runs/transcripts/sets/groups.csv")
    scripts = tuple(Path(f"reports/coding/transcript_{name}.py") for name in ("sets", "scores"))
    scored = Job(
        "transcripts",
        ("reports/coding/transcripts.py", "--runs", folder),
        Path("runs/transcripts/tiles/specnet-transcripts_s0-test.npz"),
        (*fitted(folder), sets, *scripts),
    )
    base = ("--config", "configs/coding/transcripts.yaml", "--training.epochs", "3")
    network = training("transcripts", "specnet", "transcripts_s0", 0, base=base, reads=(sets,), more=(scored,))
    return Job("transcripts", ("reports/coding/transcripts.py",), sets, scripts[:1], more=(network,))


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
        # With nothing to learn the table's rate of 2e-3 kills every unit of the head, and a constant would prove nothing.
        yield training("controls", "specnet", f"{control}_s0", 0, *changed, "--optimiser.lr", "3e-4")
        yield baselines("controls", f"{control}_s0", 0, *changed)
    for length, hop, window in ((300, 3, 12), (1200, 6, 12), (2400, 12, 24)):
        crop = ("--data.length", str(length))
        picture = ("--image.spectrogram.hop", str(hop), "--image.spectrogram.window", str(window))
        for seed in range(2):
            name = f"human{length}_s{seed}"
            yield training("lengths", "specnet", name, seed, *crop, *picture)
            if not seed:
                yield training("lengths", "dilated_cnn", name, seed, *crop)
                yield training("lengths", "frame_cnn", name, seed, *crop)
                yield baselines("lengths", name, seed, *crop)
    for model in ("specnet", "dilated_cnn"):
        yield explain(model)
    yield transcripts()
    yield together("specnet", [f"runs/coding/specnet/human600_s{seed}" for seed in range(5)])
    yield from harder("matched", SPLIT)
    yield cluster("harder", "clusters_mrna", str(MRNA), more=harder("mrna", (Path("runs/clusters_mrna.csv"),)))
    utr = "runs/sets/human_utr.fa.gz"
    yield cluster(
        "harder", "clusters_utr", utr, reads=(Path(utr),), more=harder("utr", (Path("runs/clusters_utr.csv"),))
    )
    for number in range(1, len(FOLDS) + 1):
        yield from fold(number)
    yield training("headline", "inception", "human600_s0", 0)
    for model in ("inception", "conv3", "conv5", "conv7"):
        yield from paper(model)


def fold(number: int) -> Iterator[Job]:
    """specnet and the baselines with other chromosomes held out."""
    test, val = ("[" + ", ".join(f'"{name}"' for name in names) + "]" for names in FOLDS[number - 1])
    split = ("--data.split.test_chromosomes", test, "--data.split.val_chromosomes", val)
    yield training("folds", "specnet", f"fold{number}_s0", 0, *split)
    yield baselines("folds", f"fold{number}_s0", 0, *split)


def harder(name: str, reads: tuple[Path, ...]) -> tuple[Job, ...]:
    """specnet and the baselines trained on other classes."""
    config = ("--config", f"{BENCHMARK}/{name}.yaml", *FEWER)
    network = training("harder", "specnet", f"{name}_s0", 0, *config, reads=reads)
    return network, baselines("harder", f"{name}_s0", 0, *config, reads=reads)


def paper(model: str) -> Iterator[Job]:
    """The published experiment on fixed pictures, 80/20; a tenth of the training pictures chooses the epoch."""
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
        yield Job("paper", (*command, "--name", f"paper{name}_s0"), Path(folder) / "report.html", (PICTURES,), folder)


PAPER_EPOCHS = {"inception": 12, "conv3": 5, "conv5": 5, "conv7": 5}
"""Published: 125, which take 200,000 examples and 5 hours a run for the plain networks at 10 pictures/s."""


if __name__ == "__main__":
    command_line(__doc__, ROOT, prepare, everything)
