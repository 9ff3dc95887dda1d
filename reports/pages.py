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
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jobs import Job

from classify.baselines import BASELINES
from classify.comparison import compare
from classify.metrics import interval_text
from specgen.errors import InputError
from specgen.files import write_atomic

__all__ = ["Tables", "around", "read_json", "spread", "write_page"]


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
        done = {job.done.parent for first in jobs for job in first.all() if job.finished}
        # All baselines of a name are one job.
        self.done = done | {
            runs / word / place.relative_to(runs / last)
            for place in done
            if runs / last in place.parents
            for word in BASELINES
        }
        self.rows: dict[str, list[dict[str, str]]] = {}
        self.text: dict[str, str] = {}
        for name, (pattern, against) in tables.items():
            self._make(name, pattern, against)

    def folders(self, pattern: str) -> list[Path]:
        """Finished run folders that match, in order."""
        found = (path.parent for path in sorted(self.runs.glob(f"{pattern}/report.html")))
        return [folder for folder in found if self.finished(folder)]

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
        """Whether a run is the one that its job would make now."""
        return folder in self.done and (folder / "report.html").is_file()

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


def read_json(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


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
    mean = {key: float(np.mean([entry[key] for entry in entries])) for key in ("value", "low", "high")}
    return interval_text(mean, ".3f")


def write_page(root: Path, here: Path, tables: Callable[[], Tables]) -> None:
    """``README.md`` of a report from its ``README.md.j2``; exits with one line on bad input."""
    os.chdir(root)
    try:
        made = tables()
        environment = Environment(loader=FileSystemLoader(here), undefined=StrictUndefined, keep_trailing_newline=True)
        write_atomic(here / "README.md", environment.get_template("README.md.j2").render(t=made))
    except InputError as error:
        sys.exit(f"page: {error}")
    print(f"{here / 'README.md'}: {sum(bool(rows) for rows in made.rows.values())} of {len(made.rows)} tables made")
