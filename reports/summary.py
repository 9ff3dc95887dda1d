"""One table over all tasks: the best network of letters, the best of pictures, and the best trivial baseline of each.

    python reports/summary.py            # reads runs/, writes reports/README.md

The model is chosen by its validation score, the mean over seeds (and over the sets of a benchmark of several), and its test
score is told. Where a baseline's run tells no validation score (runs of earlier versions; Markov chains), the one with the best
test score is shown, which favours it. A benchmark whose runs are not there is left out and named. Nothing is trained here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "reports"))

from jobs import configured  # noqa: E402
from pages import around, read_json  # noqa: E402

from classify.baselines import BASELINES  # noqa: E402
from classify.models import MODELS  # noqa: E402
from classify.reporting.finished import validation_score  # noqa: E402
from specgen.errors import InputError  # noqa: E402
from specgen.files import write_atomic  # noqa: E402

DEEPBIND = configured(ROOT / "configs/tfbs/factors", but="peaks_")
"""The ten sets of DeepBind: a configuration each."""


HISTONE = tuple(sorted(file.stem for file in (ROOT / "configs/chromatin").glob("histone_*.yaml")))
"""The ten marks: a configuration each."""

ABOUT = """# Results

The best network of letters, the best of pictures and the best trivial baseline of each benchmark: test score with its 95 %
interval (mean over seeds and sets, and the mean of their intervals), parameters, and minutes of training on one core of the
machine that the benchmark ran on. Models are chosen by validation. Of baselines whose runs tell no validation score the best on
the test is shown, marked with an asterisk, which favours them.
"""


@dataclass(frozen=True)
class Benchmark:
    """Runs that are one question.

    Attributes
    ----------
    title
        As the table calls it.
    page
        Folder of its report below ``reports``.
    runs
        Folder of the task below ``runs``.
    names
        Names of the runs, without ``_s<seed>``: several sets are averaged.
    metric, monitor
        Of ``metrics.json`` and of the epochs' ``metrics.csv``.
    lower
        Whether the lower score is the better one, of both.
    bound
        Begins the name of the trivial answer that every run tells beside its own score, where no baseline is fitted.
    """

    title: str
    page: str
    runs: str
    names: tuple[str, ...]
    metric: str = "auroc"
    monitor: str = "val_auroc"
    lower: bool = False
    bound: str = ""

    def best(self, scores: Iterable[float]) -> float:
        """The best of some."""
        return min(scores) if self.lower else max(scores)


BENCHMARKS = (
    Benchmark("coding against non-coding, 600 nt", "coding", "coding", ("human600",)),
    Benchmark("exon starts behind an intron, S. pombe", "exon_start", "exon_start", ("spombeacceptor",)),
    Benchmark("all exon starts, S. pombe", "exon_start", "exon_start", ("spombe201",)),
    Benchmark("two motifs at a distance (simulated)", "motifs", "motifs", ("spaced_filter",)),
    Benchmark("bound windows, ten ENCODE sets", "tfbs", "tfbs", DEEPBIND),
    Benchmark("bound windows, five GUE tasks", "tfbs", "tfbs", tuple(f"tf{i}" for i in range(5)), "mcc"),
    Benchmark("open chromatin, 600 nt", "chromatin", "chromatin", ("vcm_open",)),
    Benchmark("accessible regions of yeast (ATAC), 500 nt", "chromatin", "chromatin", ("yeast_atac",)),
    Benchmark("enhancers, 200 nt", "chromatin", "chromatin", ("enhancers",)),
    Benchmark("ten histone marks of yeast, 500 nt", "chromatin", "chromatin", HISTONE),
    Benchmark("104 tracks of chr22:20-21 Mb", "chromatin", "chromatin", ("tracks_chr22",)),
    *(
        Benchmark(
            f"next base, {title}", "language", "language", (name,), "perplexity", "val_loss", True, "Markov chain"
        )
        for name, title in (("ecoli", "E. coli"), ("yeast", "S. cerevisiae"))
    ),
)

KINDS = {"onehot": "letters", "image": "pictures", "": "trivial"}
"""What a model reads, by its registered view; baselines have none."""


@dataclass
class Entry:
    """A model on a benchmark."""

    model: str
    bodies: list[dict[str, Any]]
    validation: float
    by_test: bool = False

    @property
    def entries(self) -> list[dict[str, float]]:
        """Test scores with intervals, one a run."""
        return [body["score"] for body in self.bodies]

    def cells(self) -> list[str]:
        """Name, score, seeds, parameters, minutes of training."""
        costs = [body["cost"] for body in self.bodies]
        minutes = [cost.get("wall_seconds") for cost in costs]
        told = "" if None in minutes else f"{float(np.mean(minutes)) / 60:.1f}"
        parameters = costs[0].get("parameters")
        # What is known of a bound is its value.
        plain = f"{float(np.mean([score['value'] for score in self.entries])):.3f}"
        score = around(self.entries) if all("low" in score for score in self.entries) else plain
        name = f"`{self.model}`" + ("*" if self.by_test else "")
        return [name, score, "" if parameters is None else f"{parameters:,}", told]


def entry(benchmark: Benchmark, model: str) -> Entry | None:
    """What a model did, where all sets of the benchmark have a finished run of it."""
    bodies, validation = [], []
    for name in benchmark.names:
        folders = sorted(Path("runs", benchmark.runs, model).glob(f"{name}_s[0-9]"))
        found = [folder for folder in folders if (folder / "metrics.json").is_file()]
        if not found:
            return None
        for folder in found:
            body = read_json(folder / "metrics.json")
            bodies.append({"score": body["metrics"][benchmark.metric], "cost": body["cost"]})
            validation.append(validation_score(folder, body, benchmark.monitor))
    return Entry(model, bodies, float("nan") if None in validation else float(np.mean(validation)))


def best(benchmark: Benchmark, kind: str) -> Entry | None:
    """The best model of a kind: by validation; baselines that do not tell it by the test."""
    names = BASELINES if kind == "" else [name for name in MODELS if MODELS[name].view == kind]
    found = [made for name in names if (made := entry(benchmark, name)) is not None]
    if kind == "" and benchmark.bound:
        return bound(benchmark)
    if kind == "" and any(np.isnan(one.validation) for one in found):
        by_test = {one.model: float(np.mean([score["value"] for score in one.entries])) for one in found}
        best_one = next(one for one in found if by_test[one.model] == benchmark.best(by_test.values()))
        return replace(best_one, by_test=True)
    known = [one for one in found if not np.isnan(one.validation)]
    known_best = benchmark.best([one.validation for one in known]) if known else None
    return next((one for one in known if one.validation == known_best), None)


def bound(benchmark: Benchmark) -> Entry | None:
    """The trivial answer that the runs of all networks tell beside their own."""
    found: dict[str, dict[str, float]] = {}
    for model in MODELS:
        for name in benchmark.names:
            for file in Path("runs", benchmark.runs, model).glob(f"{name}_s[0-9]/metrics.json"):
                for title, scores in (read_json(file).get("bounds") or {}).items():
                    if benchmark.bound in title:
                        found.setdefault(title, {})[file.parent.name] = scores[benchmark.metric]
    if not found:
        return None
    # Those that every run tells; of baselines the best on the test is shown.
    most = max(len(values) for values in found.values())
    means = {title: float(np.mean(list(values.values()))) for title, values in found.items() if len(values) == most}
    title = next(title for title, mean in means.items() if mean == benchmark.best(means.values()))
    scores = [{"score": {"value": value}, "cost": {}} for value in found[title].values()]
    return Entry(title, scores, float("nan"), by_test=True)


def table() -> tuple[str, list[str]]:
    """The Markdown, and the titles of benchmarks without any run."""
    heads = ["benchmark", "metric", "reads", "model", "test score", "parameters", "minutes"]
    lines, missing = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)], []
    for benchmark in BENCHMARKS:
        made = {kind: best(benchmark, kind) for kind in KINDS}
        if not any(made.values()):
            missing.append(benchmark.title)
            continue
        title = f"[{benchmark.title}]({benchmark.page}/README.md)"
        for kind, one in made.items():
            cells = one.cells() if one else ["*not run*", "", "", ""]
            lines.append("| " + " | ".join([title, benchmark.metric, KINDS[kind], *cells]) + " |")
            title = ""
    return "\n".join(lines) + "\n", missing


def main() -> None:
    """Write the page; one line on bad input."""
    os.chdir(ROOT)
    try:
        text, missing = table()
    except InputError as error:
        sys.exit(f"summary: {error}")
    parts = [ABOUT, text]
    if missing:
        parts.append(f"Not run yet: {'; '.join(missing)}.\n")
    parts.append("Made by `python reports/summary.py` from the runs that each report's `make.py` makes.\n")
    write_atomic(Path("reports/README.md"), "\n".join(parts))
    print(f"reports/README.md: {len(BENCHMARKS) - len(missing)} of {len(BENCHMARKS)} benchmarks")


if __name__ == "__main__":
    main()
