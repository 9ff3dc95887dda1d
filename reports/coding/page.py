"""Regenerate every table and figure of this report, and its README.md, from the run folders that ``make.py`` made.

    python reports/coding/page.py            # reads runs/, writes reports/coding/

A table whose runs are not there, or are not those that ``make.py`` would make now, says so in its place. The text is
``README.md.j2``; every result in it is looked up.
"""

from __future__ import annotations

import html
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from folds import folds_table  # noqa: E402
from make import ALTERED, FOLDS, LAST, everything  # noqa: E402
from pages import Tables, read_json, write_page  # noqa: E402

from classify.bootstrap import interval_text  # noqa: E402
from classify.reporting.finished import read_finished  # noqa: E402

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


class CodingTables(Tables):
    """What the text may ask for."""

    def __init__(self) -> None:
        super().__init__(Path("runs/coding"), HERE, everything(), LAST, TABLES, WHOLE)

    def filtered(self) -> str:
        """What was read and dropped on the way to the table at 600 nt."""
        folder = self.runs / "gc" / "human600_s0"
        if not self.finished(folder):
            return "*Not made yet.*"
        data = read_json(folder / "metrics.json")["data"]
        read, short = data["records_read"], data["shorter_than_crop_dropped"]
        return (
            f"of {read['CDN']:,} + {read['LNSD']:,} records, {short['CDN']:,} + {short['LNSD']:,} are shorter than the crop, and "
            f"{data['near_duplicates_of_other_class_dropped']:,} non-coding ones share a cluster with a CDS"
        )

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
                body = read_json(place / "metrics.json")
                (true_negative, false_positive), (false_negative, true_positive) = body["confusion"]
                shares = (
                    true_positive / (true_positive + false_negative),
                    false_positive / (true_negative + false_positive),
                )
                cells = [
                    folder.parent.name,
                    name or "as it is",
                    *(interval_text(body["metrics"][key], ".3f") for key in ("accuracy", "auroc")),
                ]
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
            body, name = read_json(file), file.parent.name
            found = [
                body["share_of_letters"],
                *(body["enrichment"][kind]["attribution"] for kind in ("absolute", "positive")),
            ]
            cells = [name, str(body["windows"]), str(body["called"]), *(interval_text(entry, ".2f") for entry in found)]
            lines.append(
                "| " + " | ".join([*cells, interval_text(body["enrichment"]["positive"]["control"], ".2f")]) + " |"
            )
            for source, copy in (("measures.png", f"explain_{name}.png"), ("0001.png", f"explain_{name}_window.png")):
                if self.picture(f"explain/{name}/{source}", copy):
                    figures.append(f"![{name}]({copy})")
        return "\n".join([*lines, "", *figures]) + "\n" if len(lines) > 2 else "*Not made yet.*\n"


if __name__ == "__main__":
    write_page(ROOT, HERE, CodingTables)
