"""One table over all tasks: the best network of letters, the best of pictures, and the best trivial baseline of each.

    python reports/summary.py            # reads runs/, writes reports/README.md

The network is chosen by its validation score, the mean over seeds (and over the sets of a benchmark of several), and its
test score is told. Baselines are fitted without looking at validation, so the one with the best test score is shown, which
favours them. A benchmark whose runs are not there is left out and named. Nothing is trained here.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "reports"))

from pages import around, read_json  # noqa: E402

from classify.baselines import BASELINES  # noqa: E402
from classify.models import MODELS  # noqa: E402
from specgen.errors import InputError  # noqa: E402
from specgen.files import write_atomic  # noqa: E402

DEEPBIND = tuple(
    sorted(file.stem for file in (ROOT / "configs/tfbs/factors").glob("*.yaml") if file.stem[:6] != "peaks_")
)
"""The ten sets of DeepBind: a configuration each."""


ABOUT = """# Results

The best network of letters, the best of pictures and the best trivial baseline of each benchmark: test score with its 95 %
interval (mean over seeds and sets, and the mean of their intervals), parameters, and minutes of training on one core of the
machine that the benchmark ran on. Networks are chosen by validation; of baselines the best on the test is shown.
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
    """

    title: str
    page: str
    runs: str
    names: tuple[str, ...]
    metric: str = "auroc"
    monitor: str = "val_auroc"


BENCHMARKS = (
    Benchmark("coding against non-coding, 600 nt", "coding", "coding", ("human600",)),
    Benchmark("exon starts behind an intron, S. pombe", "exon_start", "exon_start", ("spombeacceptor",)),
    Benchmark("all exon starts, S. pombe", "exon_start", "exon_start", ("spombe201",)),
    Benchmark("two motifs at a distance (simulated)", "motifs", "motifs", ("spaced_filter",)),
    Benchmark("bound windows, ten ENCODE sets", "tfbs", "tfbs", DEEPBIND),
    Benchmark("bound windows, five GUE tasks", "tfbs", "tfbs", tuple(f"tf{i}" for i in range(5)), "mcc"),
)

KINDS = {"onehot": "letters", "image": "pictures", "": "trivial"}
"""What a model reads, by its registered view; baselines have none."""


@dataclass
class Entry:
    """A model on a benchmark."""

    model: str
    bodies: list[dict[str, Any]]
    validation: float

    @property
    def entries(self) -> list[dict[str, float]]:
        """Test scores with intervals, one a run."""
        return [body["score"] for body in self.bodies]

    def cells(self) -> list[str]:
        """Name, score, seeds, parameters, minutes of training."""
        costs = [body["cost"] for body in self.bodies]
        minutes = float(np.mean([cost.get("wall_seconds") or 0.0 for cost in costs])) / 60
        return [f"`{self.model}`", around(self.entries), f"{costs[0].get('parameters') or 0:,}", f"{minutes:.1f}"]


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
            history = folder / "metrics.csv"
            if history.is_file():
                validation.append(float(pd.read_csv(history)[benchmark.monitor].max()))
    return Entry(model, bodies, float(np.mean(validation)) if validation else float("nan"))


def best(benchmark: Benchmark, kind: str) -> Entry | None:
    """The best model of a kind: networks by validation, baselines by the test."""
    known = BASELINES if kind == "" else [name for name in MODELS if MODELS[name].view == kind]
    found = [made for name in known if (made := entry(benchmark, name)) is not None]
    if kind == "":
        return max(found, key=lambda one: np.mean([score["value"] for score in one.entries]), default=None)
    return max(found, key=lambda one: one.validation, default=None)


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
