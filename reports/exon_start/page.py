"""Regenerate every table and figure of this report, and its README.md, from the run folders that ``make.py`` made.

    python reports/exon_start/page.py            # reads runs/, writes reports/exon_start/

A table whose runs are not there, or are not those that ``make.py`` would make now, says so in its place. The text is
``README.md.j2``; every result in it is looked up.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from make import BASELINES, CHOSEN, GENOMES, MODELS, OURS, PICTURES, SORTS, TRAPS, TRIALS, everything, trial  # noqa: E402
from pages import NOT_YET, Tables, around, read_json, spread, write_page  # noqa: E402

from classify.bootstrap import interval_text  # noqa: E402

HERE = Path("reports/exon_start")

TABLES = {f"{name}_{sort}": (f"*/{name}{sort}_s?", OURS) for name in GENOMES for sort in SORTS}
"""Folder of the report -> the run folders below runs/exon_start, and what the others are tested against."""

WINDOWS = ("101", "201", "301")


class ExonTables(Tables):
    """What the text may ask for."""

    def __init__(self) -> None:
        super().__init__(Path("runs/exon_start"), HERE, everything(), BASELINES[-1], TABLES)

    def windows(self, name: str, models: tuple[str, ...]) -> str:
        """Accuracy and AUROC of each model at each window: mean over seeds, and their range."""
        lines = ["| model | " + " | ".join(f"{w} nt, accuracy | {w} nt, AUROC" for w in WINDOWS) + " | seeds |"]
        lines.append("|" + " --- |" * (2 + 2 * len(WINDOWS)))
        for model in models:
            cells, seeds = [], 0
            for window in WINDOWS:
                bodies = self.bodies(f"{model}/{name}{window}_s?")
                seeds = max(seeds, len(bodies))
                cells += [spread([body["metrics"][key]["value"] for body in bodies]) for key in ("accuracy", "auroc")]
            lines.append("| " + " | ".join([model, *cells, str(seeds)]) + " |")
        return "\n".join(lines) + "\n"

    def ahead(self) -> str:
        """Our network beside the others on each genome, starts behind an intron, with the mean of the seeds' intervals."""
        models = (OURS, "exon_enhanced", PICTURES, *BASELINES)
        lines = [
            "| genome | test windows, loci | metric | " + " | ".join(models) + " |",
            "|" + " --- |" * (3 + len(models)),
        ]
        for genome in GENOMES:
            found = {model: self.bodies(f"{model}/{genome}acceptor_s?") for model in models}
            if not found[OURS]:
                continue
            size = f"{found[OURS][0]['n']:,}, {found[OURS][0]['groups']:,}"
            for key in ("accuracy", "auroc"):
                cells = [around([body["metrics"][key] for body in found[model]]) for model in models]
                lines.append("| " + " | ".join([genome, size, key, *cells]) + " |")
        return "\n".join(lines) + "\n"

    def choice(self, sort: str) -> str:
        """Best validation accuracy of each network with each learning rate that was tried on a sort of starts."""
        lines = ["| model | " + " | ".join(TRIALS) + " | taken |", "|" + " --- |" * (2 + len(TRIALS))]
        for model, taken in CHOSEN[sort].items():
            cells = []
            for rate in TRIALS:
                folders = [folder for seed in range(3) for folder in self.folders(f"{model}/{trial(sort, rate, seed)}")]
                cells.append(spread([pd.read_csv(folder / "metrics.csv")["val_accuracy"].max() for folder in folders]))
            lines.append("| " + " | ".join([model, *cells, taken]) + " |")
        return "\n".join(lines) + "\n"

    def longer(self) -> str:
        """The same after five times the budget."""
        lines = ["| model | accuracy | AUROC | seeds |", "|" + " --- |" * 4]
        for model in (OURS, "exon_enhanced"):
            bodies = self.bodies(f"{model}/spombeacceptor_longer_s?")
            cells = [around([body["metrics"][key] for body in bodies]) for key in ("accuracy", "auroc")]
            lines.append("| " + " | ".join([model, *cells, str(len(bodies))]) + " |")
        return "\n".join(lines) + "\n"

    def by_kind(self, name: str) -> str:
        """AUROC of each kind of start against each kind of negative, mean over seeds."""
        models = [OURS, "exon_enhanced", *BASELINES]
        found = {model: self.bodies(f"{model}/{name}201_s?") for model in models}
        found = {model: bodies for model, bodies in found.items() if bodies}
        if not found:
            return NOT_YET
        pairs = [(row["positives"], row["negatives"]) for row in next(iter(found.values()))[0]["by_kind"]]
        lines = ["| starts | negatives | n | " + " | ".join(found) + " |", "|" + " --- |" * (3 + len(found))]
        for i, (positives, negatives) in enumerate(pairs):
            row = next(iter(found.values()))[0]["by_kind"][i]
            cells = [positives, negatives, f"{row['n_positive']} + {row['n_negative']}"]
            for bodies in found.values():
                cells.append(spread([body["by_kind"][i]["auroc"]["value"] for body in bodies]))
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def traps(self, model: str) -> str:
        """What each trap of the known system does to the accuracy that is reported, one at a time."""
        lines = ["| trap | test windows | accuracy | AUROC | accuracies of the seeds |", "|" + " --- |" * 5]
        for trap in (*TRAPS, "validation"):
            bodies = self.bodies(f"{model}/trap_{trap}_s?")
            cells = [around([body["metrics"][key] for body in bodies]) for key in ("accuracy", "auroc")]
            seeds = ", ".join(f"{body['metrics']['accuracy']['value']:.3f}" for body in bodies)
            lines.append("| " + " | ".join([trap, f"{bodies[0]['n']:,}" if bodies else "", *cells, seeds]) + " |")
        return "\n".join(lines) + "\n"

    def each(self, pattern: str) -> str:
        """Mean AUROC over seeds on each genome, whose name takes the place of {} in the pattern of run folders."""
        found = []
        for genome in GENOMES:
            values = [body["metrics"]["auroc"]["value"] for body in self.bodies(pattern.format(genome))]
            found.append(f"{sum(values) / len(values):.3f} ({genome})" if values else f"not made yet ({genome})")
        return ", ".join(found)

    def trap_span(self, model: str) -> str:
        """Least and greatest change of mean accuracy by a trap."""
        means = {}
        for trap in (*TRAPS, "validation"):
            values = [body["metrics"]["accuracy"]["value"] for body in self.bodies(f"{model}/trap_{trap}_s?")]
            if not values:
                return "(not made yet)"
            means[trap] = sum(values) / len(values)
        changes = [mean - means["none"] for trap, mean in means.items() if trap != "none"]
        return f"{min(changes):+.3f} to {max(changes):+.3f}"

    def trap_interval(self, model: str) -> str:
        """Mean half width of the intervals of accuracy, without a trap."""
        found = [body["metrics"]["accuracy"] for body in self.bodies(f"{model}/trap_none_s?")]
        widths = [(entry["high"] - entry["low"]) / 2 for entry in found]
        return f"{sum(widths) / len(widths):.3f}" if widths else "(not made yet)"

    def across(self, model: str) -> str:
        """AUROC of models of one genome (rows) on the test windows of another (columns), mean over seeds."""
        lines = ["| trained on | " + " | ".join(GENOMES) + " |", "|" + " --- |" * (1 + len(GENOMES))]
        for trained in (*GENOMES, "all"):
            cells = []
            for tested in GENOMES:
                runs = "all_s?" if trained == "all" else f"{trained}acceptor_s?"
                place = f"{model}/{runs}" + ("" if tested == trained else f"/on/{tested}")
                cells.append(spread([body["metrics"]["auroc"]["value"] for body in self.bodies(place)]))
            lines.append("| " + " | ".join([trained, *cells]) + " |")
        return "\n".join(lines) + "\n"

    def scanned(self, name: str) -> str:
        """Precision and recall of a scan, by kind of start."""
        file = self.runs.parent / f"scans/{name}.json"
        if not file.is_file():
            return f"*Not made yet: no {file}.*\n"
        body = read_json(file)
        columns = ("average_precision", "precision", "recall", "f1", "top_k")
        lines = ["| starts | n | prevalence | " + " | ".join(columns) + " |", "|" + " --- |" * (3 + len(columns))]
        for kind, quality in body["quality"].items():
            cells = [kind, str(quality["n_true"]), f"{quality['prevalence']:.1e}"]
            lines.append("| " + " | ".join([*cells, *(interval_text(quality[key], ".3f") for key in columns)]) + " |")
        self.picture(f"scans/{name}.png", f"scan_{name}.png")
        return "\n".join(lines) + f"\n\n![precision against recall](scan_{name}.png)\n"

    @property
    def genomes(self) -> tuple[str, ...]:
        """Names of the genomes."""
        return tuple(GENOMES)

    @property
    def models(self) -> tuple[str, ...]:
        """The known system's models."""
        return MODELS


if __name__ == "__main__":
    write_page(ROOT, HERE, ExonTables)
