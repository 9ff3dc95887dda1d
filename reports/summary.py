"""One table over all tasks: the best network of letters, the best of pictures, and the best trivial baseline of each.

    python reports/summary.py            # reads runs/ and reports/results.csv, writes reports/results.csv and reports/README.md

``results.csv`` keeps a row a model and benchmark, so that the table can be made where the runs are no longer; models of
which runs are there are read from these anew. The model is chosen by its validation score, the mean over seeds (and over the
sets of a benchmark of several), and its test score is told. Where a model's runs tell no validation score (runs of earlier
versions; Markov chains), the one with the best test score is shown, which favours it. A benchmark without any result is
left out and named. Nothing is trained here.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "reports"))

from jobs import configured  # noqa: E402
from pages import read_json  # noqa: E402

from classify.baselines import BASELINES  # noqa: E402
from classify.bootstrap import interval_text  # noqa: E402
from classify.models import MODELS  # noqa: E402
from classify.reporting.finished import validation_score  # noqa: E402
from specgen.errors import InputError  # noqa: E402
from specgen.files import write_atomic  # noqa: E402

RESULTS = Path("reports/results.csv")

DEEPBIND = configured(ROOT / "configs/tfbs/factors", but="peaks_")
"""The ten sets of DeepBind: a configuration each."""


HISTONE = tuple(sorted(file.stem for file in (ROOT / "configs/chromatin").glob("histone_*.yaml")))
"""The ten marks: a configuration each."""

ABOUT = """# Results

The best network of letters, the best of pictures and the best trivial baseline of each benchmark: test score with its 95 %
interval (mean over seeds and sets, and the mean of their intervals), runs, parameters, and minutes of training of a run on one
core of the machine that the benchmark ran on. Models are chosen by validation. Where one of a kind has no validation score on
record the best on the test is shown, marked with an asterisk, which favours it. Of the next base no pictures are learnt from:
a picture shows the letters that are asked for. All models: [results.csv](results.csv).
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

    def better(self, score: float) -> float:
        """A score of which the higher is the better one."""
        return -score if self.lower else score


BENCHMARKS = (
    Benchmark("coding against non-coding, 600 nt", "coding", "coding", ("human600",)),
    Benchmark("exon starts behind an intron, S. pombe", "exon_start", "exon_start", ("spombeacceptor",)),
    Benchmark("all exon starts, S. pombe", "exon_start", "exon_start", ("spombe201",)),
    Benchmark("two motifs at a distance (simulated)", "motifs", "motifs", ("spaced_filter",), bound="blind to spacing"),
    Benchmark("bound windows, ten ENCODE sets", "tfbs", "tfbs", DEEPBIND),
    Benchmark("bound windows, five GUE tasks", "tfbs", "tfbs", tuple(f"tf{i}" for i in range(5)), "mcc"),
    Benchmark("open chromatin, 600 nt", "chromatin", "chromatin", ("vcm_open",)),
    Benchmark("accessible regions of yeast (ATAC), 500 nt", "chromatin", "chromatin", ("yeast_atac",)),
    Benchmark("enhancers, 200 nt", "chromatin", "chromatin", ("enhancers",)),
    Benchmark("ten histone marks of yeast, 500 nt", "chromatin", "chromatin", HISTONE),
    Benchmark("104 tracks of chr22:20-21 Mb", "chromatin", "chromatin", ("tracks_chr22",)),
    *(
        Benchmark(
            f"next base, {title} nt", "language", "language", (name,), "perplexity", "val_loss", True, "Markov chain"
        )
        for name, title in (
            ("ecoli", "E. coli, windows of 100"),
            ("ecoli_long", "E. coli, windows of 500"),
            ("yeast", "S. cerevisiae, windows of 100"),
            ("yeast_long", "S. cerevisiae, windows of 500"),
        )
    ),
)

KINDS = {"onehot": "letters", "image": "pictures", "": "trivial"}
"""What a model reads, by its registered view; baselines have none."""


@dataclass(frozen=True)
class Result:
    """A model on a benchmark: means over its runs, which are seeds and sets. A row of ``results.csv``; what is not known is None.

    Attributes
    ----------
    benchmark, reads, model
        Title, what it reads (of ``KINDS``), and name.
    runs
        Seeds, of all sets.
    value, low, high
        Test score and the ends of its 95 % interval.
    validation
        Score of the kept epochs.
    parameters, minutes
        Trainable parameters; wall time of training [min].
    """

    benchmark: str
    reads: str
    model: str
    runs: int
    value: float
    low: float | None = None
    high: float | None = None
    validation: float | None = None
    parameters: int | None = None
    minutes: float | None = None

    def cells(self, by_test: bool) -> list[str]:
        """Name, score, runs, parameters, minutes of training."""
        score = interval_text({"value": self.value, "low": self.low, "high": self.high}, ".3f")
        told = ["" if self.parameters is None else f"{self.parameters:,}"]
        told += ["" if self.minutes is None else f"{self.minutes:.1f}"]
        return [f"`{self.model}`" + ("*" if by_test else ""), score, str(self.runs), *told]


def of_runs(benchmark: Benchmark, model: str, reads: str) -> Result | None:
    """What a model did, where all sets of the benchmark have a finished run of it: means over seeds, then over sets."""
    rows, parameters = [], None
    for name in benchmark.names:
        files = sorted(Path("runs", benchmark.runs, model).glob(f"{name}_s[0-9]/metrics.json"))
        if not files:
            return None
        for file in files:
            body = read_json(file)
            parameters = body["cost"].get("parameters")
            row = {key: body["metrics"][benchmark.metric].get(key) for key in ("value", "low", "high")}
            row["validation"] = validation_score(file.parent, body, benchmark.monitor)
            row["minutes"] = body["cost"].get("wall_seconds", float("nan")) / 60
            rows.append({"set": name, **row})
    runs = pd.DataFrame(rows).set_index("set").astype(float)
    means = runs.groupby("set").mean().mean()
    # A mean of some of them would be that of other runs.
    told = {column: float(means[column]) for column in runs if runs[column].notna().all()}
    return Result(benchmark.title, reads, model, len(runs), parameters=parameters, **told)


def bounds(benchmark: Benchmark) -> list[Result]:
    """The trivial answers that the runs of all networks tell beside their own; those that every run tells."""
    found: dict[str, dict[str, float]] = {}
    for model in MODELS:
        for name in benchmark.names:
            for file in Path("runs", benchmark.runs, model).glob(f"{name}_s[0-9]/metrics.json"):
                for title, scores in (read_json(file).get("bounds") or {}).items():
                    if benchmark.bound and benchmark.bound in title:
                        found.setdefault(title, {})[f"{model}/{file.parent.name}"] = scores[benchmark.metric]
    most = max(map(len, found.values()), default=0)
    return [
        Result(benchmark.title, KINDS[""], title, most, float(np.mean(list(values.values()))))
        for title, values in found.items()
        if len(values) == most
    ]


def gather(benchmark: Benchmark) -> list[Result]:
    """What the runs at hand tell."""
    models = [(name, KINDS[MODELS[name].view]) for name in MODELS] + [(name, KINDS[""]) for name in BASELINES]
    return [made for model in models if (made := of_runs(benchmark, *model)) is not None] + bounds(benchmark)


def read_results(path: Path) -> list[Result]:
    """The rows of ``results.csv``; none where there is no such file."""
    if not path.is_file():
        return []
    kinds = {field.name: {"str": str, "int": int}.get(str(field.type).split(" ")[0], float) for field in fields(Result)}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        return [Result(**{name: kinds[name](text) for name, text in row.items() if text}) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a table of results ({error})") from error


def write_results(path: Path, results: Sequence[Result]) -> None:
    """``results.csv``, in the order given."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Result)], lineterminator="\n")
    writer.writeheader()
    for result in results:
        row = asdict(result)
        writer.writerow({name: f"{x:.6g}" if isinstance(x, float) else x for name, x in row.items() if x is not None})
    write_atomic(path, text.getvalue())


def refreshed(known: Sequence[Result]) -> list[Result]:
    """What is known, with what the runs at hand tell in place of older rows of the same model, in the order of the benchmarks."""
    made = []
    for benchmark in BENCHMARKS:
        rows = {row.model: row for row in known if row.benchmark == benchmark.title}
        made += list((rows | {row.model: row for row in gather(benchmark)}).values())
    return made


def best(benchmark: Benchmark, results: Iterable[Result], reads: str) -> tuple[Result, bool] | None:
    """The best model of a kind, and whether it was chosen by the test, since one of the kind tells no validation score."""
    found = [row for row in results if row.benchmark == benchmark.title and row.reads == reads]
    if not found:
        return None
    by_validation = {row.model: row.validation for row in found if row.validation is not None}
    by_test = len(by_validation) < len(found)
    scores = {row.model: row.value for row in found} if by_test else by_validation
    return max(found, key=lambda row: benchmark.better(scores[row.model])), by_test


def table(results: Sequence[Result]) -> tuple[str, list[str]]:
    """The Markdown, and the titles of benchmarks without any result."""
    heads = ["benchmark", "metric", "reads", "model", "test score", "runs", "parameters", "minutes"]
    lines, missing = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)], []
    for benchmark in BENCHMARKS:
        made = {reads: best(benchmark, results, reads) for reads in KINDS.values()}
        if not any(made.values()):
            missing.append(benchmark.title)
            continue
        title = f"[{benchmark.title}]({benchmark.page}/README.md)"
        for reads, one in made.items():
            cells = one[0].cells(one[1]) if one else ["*none*", "", "", "", ""]
            lines.append("| " + " | ".join([title, benchmark.metric, reads, *cells]) + " |")
            title = ""
    return "\n".join(lines) + "\n", missing


def main() -> None:
    """Write both files; one line on bad input."""
    os.chdir(ROOT)
    try:
        results = refreshed(read_results(RESULTS))
    except InputError as error:
        sys.exit(f"summary: {error}")
    write_results(RESULTS, results)
    text, missing = table(results)
    parts = [ABOUT, text]
    if missing:
        parts.append(f"Not run yet: {'; '.join(missing)}.\n")
    parts.append("Made by `python reports/summary.py` from the runs that each report's `make.py` makes.\n")
    write_atomic(Path("reports/README.md"), "\n".join(parts))
    print(f"reports/README.md: {len(BENCHMARKS) - len(missing)} of {len(BENCHMARKS)} benchmarks")


if __name__ == "__main__":
    main()
