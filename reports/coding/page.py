"""Regenerate every table and figure of this report, and its README.md, from the run folders that ``make.py`` made.

    python reports/coding/page.py            # reads runs/, writes reports/coding/

A table whose runs are not there, or are not those that ``make.py`` would make now, says so in its place. The text is
``README.md.j2``; every result in it is looked up.
"""

from __future__ import annotations

import csv
import html
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from folds import folds_table
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from make import ALTERED, FOLDS, LAST, everything

from classify.baselines import BASELINES
from classify.comparison import compare
from classify.reporting.finished import read_finished
from specgen.errors import InputError
from specgen.files import write_atomic

ROOT = Path(__file__).resolve().parents[2]
HERE = Path("reports/coding")

TABLES = {
    "headline": ("*/human600_s*", "specnet"),
    "human300": ("*/human300_s?", "specnet"),
    "human1200": ("*/human1200_s?", "specnet"),
    "human2400": ("*/human2400_s?", "specnet"),
    "pseudogene": ("*/human600_s?/on/pseudogene", "specnet"),
    "mouse": ("*/human600_s?/on/mouse", "specnet"),
    "permuted_labels": ("*/permuted_labels_s0", "specnet"),
    "length_probe": ("*/length_probe_s0", "specnet"),
    "dinucleotide": ("*/dinucleotide_s0", "specnet"),
    "matched": ("*/matched_s0", "specnet"),
    "mrna": ("*/mrna_s0", "specnet"),
    "utr": ("*/utr_s0", "specnet"),
    "paper": ("*/paper*_s0", ""),
}
"""Folder of the report -> the run folders below runs/coding, and what the others are tested against."""

WHOLE = ("headline",)
"""Tables of which the figures are kept; of the others the CSV."""


class Tables:
    """What the text may ask for."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        done = {job.done.parent for first in everything() for job in first.all() if job.finished}
        # All baselines of a name are one job.
        self.done = done | {
            runs / word / place.name for place in done if place.parent.name == LAST for word in BASELINES
        }
        self.rows: dict[str, list[dict[str, str]]] = {}
        self.text: dict[str, str] = {}
        for name, (pattern, against) in TABLES.items():
            self._make(name, pattern, against)

    def _make(self, name: str, pattern: str, against: str) -> None:
        folders = [
            path.parent for path in sorted(self.runs.glob(f"{pattern}/report.html")) if self.finished(path.parent)
        ]
        if not folders:
            self.text[name], self.rows[name] = f"*Not made yet: no finished run matches `{self.runs}/{pattern}`.*\n", []
            return
        known = any(against == folder.relative_to(self.runs).parts[0] for folder in folders)
        with tempfile.TemporaryDirectory() as made:
            self.text[name] = compare(folders, Path(made), against=against if known else "")
            with (Path(made) / "compare.csv").open(newline="", encoding="utf-8") as file:
                self.rows[name] = list(csv.DictReader(file))
            wanted = [path for path in sorted(Path(made).iterdir()) if path.suffix in (".csv", ".png")]
            wanted = wanted if name in WHOLE else [Path(made) / "compare.csv"]
            (HERE / name).mkdir(exist_ok=True)
            for path in wanted:
                shutil.copyfile(path, HERE / name / path.name)

    def finished(self, folder: Path) -> bool:
        """Whether a run is the one that its job would make now."""
        return folder in self.done

    def table(self, name: str) -> str:
        """The Markdown of a comparison."""
        return self.text[name]

    def value(self, name: str, model: str, column: str = "auroc", form: str = ".3f") -> str:
        """One number of a table: a column of its CSV."""
        found = [row for row in self.rows[name] if row["model"] == model]
        if len(found) > 1:
            raise InputError(
                f"{name}: {len(found)} rows of {model}; their settings differ, so none stands for the model"
            )
        return format(float(found[0][column]), form) if found and found[0][column] else "(not made yet)"

    def folds(self) -> str:
        """All chromosomes, each scored by models that have not seen it."""
        names = ["human600_s0", *(f"fold{i + 1}_s0" for i in range(len(FOLDS)))]
        return folds_table(self.runs, names, self.finished, "specnet")

    def altered(self) -> str:
        """Accuracy, AUROC and the share called coding of either class, of finished runs on altered test sets."""
        lines = ["| model | test set | accuracy | AUROC | CDS called coding | non-coding called coding |"]
        lines.append("|" + " --- |" * 6)
        for folder in sorted(self.runs.glob("*/human600_s0")):
            for name in ("", *ALTERED):
                place = folder / "on" / name if name else folder
                if not self.finished(place) or not (folder / "on" / ALTERED[0]).is_dir():
                    continue
                body = json.loads((place / "metrics.json").read_text(encoding="utf-8"))
                (true_negative, false_positive), (false_negative, true_positive) = body["confusion"]
                shares = (
                    true_positive / (true_positive + false_negative),
                    false_positive / (true_negative + false_positive),
                )
                cells = [folder.parent.name, name or "as it is", *(_shown(body, key) for key in ("accuracy", "auroc"))]
                lines.append("| " + " | ".join([*cells, *(f"{share:.3f}" for share in shares)]) + " |")
        return "\n".join(lines) + "\n" if len(lines) > 2 else "*Not made yet.*\n"

    def errors(self, *models: str) -> str:
        """Test records that one of some models gets wrong, with the mean log-odds of coding over the seeds of each."""
        odds: dict[str, Any] = {}
        for model in models:
            folders = [folder for folder in sorted(self.runs.glob(f"{model}/human600_s*")) if self.finished(folder)]
            runs = [read_finished(folder) for folder in folders]
            if not runs:
                return "*Not made yet.*\n"
            odds[model] = np.mean([np.log(run.probabilities[:, 1] / run.probabilities[:, 0]) for run in runs], axis=0)
            table, labels = runs[0].table, runs[0].labels
        wrong = [i for i in range(len(labels)) if any((odds[model][i] > 0) != labels[i] for model in models)]
        wrong.sort(key=lambda i: -sum(odds[model][i] for model in models))
        lines = ["| record | class | length [nt] | " + " | ".join(models) + " |", "|" + " --- |" * (3 + len(models))]
        for i in wrong:
            name = html.escape(str(table["id"][i])).replace("|", "\\|")
            cells = [name, runs[0].classes[labels[i]], str(table["length"][i]), *(f"{odds[m][i]:+.1f}" for m in models)]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def explained(self) -> str:
        """Share of the attribution inside the CDS of simulated transcripts, over the share of the letters; figures."""
        lines = [
            "| model | windows | called coding | letters in the CDS | enrichment | of the positive part | without a CDS |"
        ]
        lines.append("|" + " --- |" * 7)
        figures = []
        for file in sorted((self.runs.parent / "explain").glob("*/measures.json")):
            body, name = json.loads(file.read_text(encoding="utf-8")), file.parent.name
            found = [
                body["share_of_letters"],
                *(body["enrichment"][kind]["attribution"] for kind in ("absolute", "positive")),
            ]
            cells = [name, str(body["windows"]), str(body["called"]), *map(_interval, found)]
            lines.append("| " + " | ".join([*cells, _interval(body["enrichment"]["positive"]["control"])]) + " |")
            for source, copy in (("measures.png", f"explain_{name}.png"), ("0001.png", f"explain_{name}_window.png")):
                if self.picture(f"explain/{name}/{source}", copy):
                    figures.append(f"![{name}]({copy})")
        return "\n".join([*lines, "", *figures]) + "\n" if len(lines) > 2 else "*Not made yet.*\n"

    def extra(self, path: str, skip: int = 0) -> str:
        """A Markdown text that another command wrote below ``runs``, without its first lines."""
        file = self.runs.parent / path
        if not file.is_file():
            return f"*Not made yet: no {file}.*\n"
        return "\n".join(file.read_text(encoding="utf-8").split("\n")[skip:])

    def picture(self, path: str, name: str) -> str:
        """A figure below ``runs``, copied here; the name of the copy."""
        file = self.runs.parent / path
        if file.is_file():
            shutil.copyfile(file, HERE / name)
        return name if file.is_file() else ""


def _interval(entry: dict[str, Any]) -> str:
    if entry["value"] is None:
        return ""
    around = "" if entry["low"] is None else f" [{entry['low']:.2f}, {entry['high']:.2f}]"
    return f"{entry['value']:.2f}{around}"


def _shown(body: dict[str, Any], key: str) -> str:
    entry = body["metrics"][key]
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def main() -> None:
    """Tables, then the text."""
    os.chdir(ROOT)
    tables = Tables(Path("runs/coding"))
    environment = Environment(loader=FileSystemLoader(HERE), undefined=StrictUndefined, keep_trailing_newline=True)
    text = environment.get_template("README.md.j2").render(t=tables)
    write_atomic(HERE / "README.md", text)
    print(f"{HERE / 'README.md'}: {sum(bool(rows) for rows in tables.rows.values())} of {len(TABLES)} tables made")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"page: {error}")
