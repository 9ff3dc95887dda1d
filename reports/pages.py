"""What the pages of all reports share: tables from run folders that are what their ``make.py`` would make now, and the text.

A report's ``page.py`` names its tables and adds what it alone shows. Nothing is trained here.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jobs import Job

from classify.baselines import BASELINES
from classify.bootstrap import interval_text
from classify.comparison import compare
from specgen.errors import InputError
from specgen.files import write_atomic

__all__ = ["NOT_YET", "Tables", "around", "grid", "read_json", "spread", "write_page"]

NOT_YET = "*Not made yet.*\n"
"""In the place of a table without a row."""


class Tables:
    """What the text of a report may ask for.

    Parameters
    ----------
    runs
        Folder of the task's runs, ``<model>/<name>``.
    here
        Folder of the report.
    jobs
        What ``make.py`` would make.
    last
        The baseline whose run is there once all of a name are.
    tables
        Folder of the report -> pattern of the run folders below ``runs``, and the model that others are tested against.
    whole
        Tables of which the figures are kept; of the others the CSV.
    """

    def __init__(
        self,
        runs: Path,
        here: Path,
        jobs: Iterable[Job],
        last: str,
        tables: Mapping[str, tuple[str, str]],
        whole: Sequence[str] = (),
    ) -> None:
        self.runs, self.here, self.whole = runs, here, whole
        every = [job for first in jobs for job in first.all()]
        folders = {folder: job for job in every for folder in self._folders_of(job, last)}
        self.done = {folder: job.done.name for folder, job in folders.items() if job.finished}
        self.wanted = {folder: job.stage for folder, job in folders.items() if runs in folder.parents}
        self.rows: dict[str, list[dict[str, str]]] = {}
        self.text: dict[str, str] = {}
        for name, (pattern, against) in tables.items():
            self._make(name, pattern, against)

    def _folders_of(self, job: Job, last: str) -> Iterator[Path]:
        """The run folders that a job makes: all baselines of a name are one job."""
        place = job.done.parent
        yield place
        if last and self.runs / last in place.parents:
            name = place.relative_to(self.runs / last)
            yield from (self.runs / word / name for word in _only(job.arguments) if word != last)

    def folders(self, pattern: str) -> list[Path]:
        """Finished run folders that match, in order."""
        found = (path.parent for path in sorted(self.runs.glob(f"{pattern}/report.html")))
        return [folder for folder in found if self.finished(folder)]

    def bodies(self, pattern: str) -> list[dict[str, Any]]:
        """``metrics.json`` of the finished runs that match: the seeds of a model."""
        return [read_json(folder / "metrics.json") for folder in self.folders(pattern)]

    def entries(self, pattern: str, metric: str) -> list[dict[str, Any]]:
        """A score with its interval of each finished run that matches and has it."""
        return [body["metrics"][metric] for body in self.bodies(pattern) if body["metrics"].get(metric)]

    def hours(self) -> str:
        """CPU hours of training, of all runs that the tables stand on."""
        files = [folder / "training.json" for folder in self.folders("*/*")]
        told = [read_json(file)["cost"]["cpu_seconds"] for file in files if file.is_file()]
        return f"{sum(told) / 3600:.1f} CPU hours for {len(told)} trainings"

    def missing(self) -> str:
        """The runs that ``make.py`` would make now and that are not finished, by stage and model."""
        wanted: dict[str, list[Path]] = {}
        for folder, stage in self.wanted.items():
            wanted.setdefault(stage, []).append(folder)
        lines = []
        for stage, folders in wanted.items():
            lacking: dict[str, list[str]] = {}
            for folder in (folder for folder in folders if not self.finished(folder)):
                lacking.setdefault(folder.parent.name, []).append(folder.name)
            n = sum(map(len, lacking.values()))
            named = "; ".join(f"`{model}`: {', '.join(names)}" for model, names in lacking.items())
            named = "" if n == len(folders) else f": {named}"
            lines += [f"- {stage}: {n} of {len(folders)} runs are missing{named}."] if n else []
        return "\n".join(lines) + "\n" if lines else "All runs are made.\n"

    def _make(self, name: str, pattern: str, against: str) -> None:
        folders = self.folders(pattern)
        if not folders:
            self.text[name], self.rows[name] = f"*Not made yet: no finished run matches `{self.runs}/{pattern}`.*\n", []
            return
        known = any(against == folder.relative_to(self.runs).parts[0] for folder in folders)
        with tempfile.TemporaryDirectory() as made:
            self.text[name] = compare(folders, Path(made), against=against if known else "")
            with (Path(made) / "compare.csv").open(newline="", encoding="utf-8") as file:
                self.rows[name] = list(csv.DictReader(file))
            wanted = [path for path in sorted(Path(made).iterdir()) if path.suffix in (".csv", ".png")]
            wanted = wanted if name in self.whole else [Path(made) / "compare.csv"]
            (self.here / name).mkdir(parents=True, exist_ok=True)
            for path in wanted:
                shutil.copyfile(path, self.here / name / path.name)

    def finished(self, folder: Path) -> bool:
        """Whether a run, or what another job makes, is what it would make now."""
        return folder in self.done and (folder / self.done[folder]).is_file()

    def table(self, name: str, notes: bool = True) -> str:
        """The Markdown of a comparison; without ``notes`` its tables alone, for pages that say once how to read them."""
        text = self.text[name]
        if notes or "\n|" not in f"\n{text}":
            return text
        return "\n\n".join(part for part in text.strip().split("\n\n") if part.startswith("|")) + "\n"

    def value(self, name: str, model: str, column: str = "auroc", form: str = ".3f") -> str:
        """One number of a table: a column of its CSV."""
        found = [row for row in self.rows[name] if row["model"] == model]
        if len(found) > 1:
            raise InputError(
                f"{name}: {len(found)} rows of {model}; their settings differ, so none stands for the model"
            )
        return format(float(found[0][column]), form) if found and found[0][column] else "(not made yet)"

    def extra(self, path: str, skip: int = 0) -> str:
        """A Markdown text that another command wrote below ``runs``, without its first lines, headings a level deeper."""
        file = self.runs.parent / path
        if not file.is_file():
            return f"*Not made yet: no {file}.*\n"
        return re.sub("(?m)^#", "##", "\n".join(file.read_text(encoding="utf-8").split("\n")[skip:]))

    def picture(self, path: str, name: str) -> str:
        """A figure below ``runs``, copied beside the page; the name of the copy."""
        file = self.runs.parent / path
        if file.is_file():
            shutil.copyfile(file, self.here / name)
        return name if file.is_file() else ""


def _only(arguments: Sequence[str]) -> Sequence[str]:
    """The baselines that a command names behind ``--only``; all where it names none."""
    if "--only" not in arguments:
        return tuple(BASELINES)
    words = arguments[arguments.index("--only") + 1 :]
    return words[: next((i for i, word in enumerate(words) if word.startswith("-")), len(words))]


def read_json(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; ``NOT_YET`` without a row."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, *rows)]
    return "\n".join([lines[0], "|" + " --- |" * len(heads), *lines[1:]]) + "\n" if rows else NOT_YET


def spread(values: Sequence[float]) -> str:
    """Mean and range over seeds; nothing without any."""
    if not values:
        return ""
    mean, low, high = float(np.mean(values)), min(values), max(values)
    return f"{mean:.3f}" if low == high else f"{mean:.3f} ({low:.3f}-{high:.3f})"


def around(entries: Sequence[Mapping[str, Any]]) -> str:
    """Mean over seeds, and the mean of their intervals; nothing without any."""
    if not entries:
        return ""
    rows = [[entry[key] for key in ("value", "low", "high")] for entry in entries]
    # A mean of some intervals would be that of other runs.
    value, *ends = (None if None in column else float(np.mean(column)) for column in zip(*rows, strict=True))
    low, high = (None, None) if None in ends else ends
    return interval_text({"value": value, "low": low, "high": high}, ".3f")


def write_page(root: Path, here: Path, tables: Callable[[], Tables]) -> None:
    """``README.md`` of a report from its ``README.md.j2``; exits with one line on bad input."""
    os.chdir(root)
    try:
        made = tables()
        environment = Environment(loader=FileSystemLoader(here), undefined=StrictUndefined, keep_trailing_newline=True)
        write_atomic(here / "README.md", environment.get_template("README.md.j2").render(t=made))
    except InputError as error:
        sys.exit(f"page: {error}")
    told = f", {sum(map(bool, made.rows.values()))} of {len(made.rows)} tables made" if made.rows else ""
    print(f"{here / 'README.md'} written{told}")
