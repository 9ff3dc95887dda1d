"""Regenerate every table of this report, and its README.md, from the run folders that ``make.py`` made.

python reports/tfbs/page.py            # reads runs/, writes reports/tfbs/
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from make import (  # noqa: E402
    BASELINES,
    DATABASE,
    DEEPBIND,
    DETECTORS,
    FRESH,
    FRESH_SHUFFLES,
    GUE,
    MODELS,
    OTHERS,
    OURS,
    PEAKS,
    PICTURES,
    SLOW,
    SLOW_SETS,
    everything,
)
from pages import Tables, around, grid, read_json, write_page  # noqa: E402

HERE = Path("reports/tfbs")

NETWORKS = (OURS, *MODELS)

MATCHED = 0.05
"""q-value up to which a detector counts as like a matrix."""

E_BOX = ("bHLH-ZIP", "PAS domain factors", "Hairy-related factors")
"""Families whose matrices are CACGTG or nearly."""

ETS = ("Ets-related", "ZBTB11")
"""JASPAR's matrix of ZBTB11, ACTTCCGG, is an Ets site; it was added here once it had come out as the best match of one."""

KNOWN = {
    "ARID3A_K562": ("ARID-related",),
    "CTCFL_K562": ("CTCFL", "CTCF"),
    "ELK1_GM12878": ETS,
    "FOXA1_HepG2": ("FOX",),
    "GABPA_GM12878": ETS,
    "MYC_H1-hESC": E_BOX,
    "REST_GM12878": ("REST",),
    "SP1_GM12878": ("Three-zinc finger Kruppel-related",),
    "USF1_HepG2": E_BOX,
    "ZBTB7A_HepG2": ("ZBTB7A",),
}
"""What counts as the factor: a matrix of this name, or of this family of JASPAR 2024. Families of zinc fingers that hold
unlike matrices are not named."""

PUBLISHED = {
    "DNABERT-2": (0.7199, 0.7606, 0.6652, 0.5854, 0.7743),
    "Nucleotide Transformer 2.5B multi-species": (0.6664, 0.7028, 0.5872, 0.5165, 0.6934),
    "DNABERT (6-mers)": (0.6684, 0.7014, 0.6103, 0.5189, 0.7097),
    "HyenaDNA": (0.6230, 0.6786, 0.4685, 0.4178, 0.6123),
}
"""MCC of fine-tuned models on tf0..tf4: Zhou et al. 2023 (arXiv:2306.15006), table 6. Written down from memory: unverified."""


class TfbsTables(Tables):
    """What the text may ask for."""

    def __init__(self) -> None:
        super().__init__(Path("runs/tfbs"), HERE, everything(), BASELINES[-1], {})

    def score(self, model: str, name: str, metric: str = "auroc") -> float:
        """Mean over seeds; nan where there is none."""
        values = [body["metrics"][metric]["value"] for body in self.bodies(f"{model}/{name}_s?")]
        return float(np.mean(values)) if values else float("nan")

    def scores(self, names: Iterable[str], metric: str, models: Iterable[str] = (*NETWORKS, *BASELINES)) -> str:
        """A row a set, a column a model, and their means."""
        names, models = (
            list(names),
            [model for model in models if any(self.bodies(f"{model}/{name}_s?") for name in names)],
        )
        lines = ["| set | " + " | ".join(models) + " |", "|" + " --- |" * (1 + len(models))]
        for name in names:
            cells = [
                around([body["metrics"][metric] for body in self.bodies(f"{model}/{name}_s?")]) for model in models
            ]
            lines.append("| " + " | ".join([name, *cells]) + " |")
        means = [float(np.mean([self.score(model, name, metric) for name in names])) for model in models]
        cells = ["" if np.isnan(mean) else f"**{mean:.3f}**" for mean in means]
        return "\n".join([*lines, "| " + " | ".join(["mean", *cells]) + " |"]) + "\n"

    def deepbind(self, metric: str) -> str:
        """The ten sets of DeepBind."""
        return self.scores(DEEPBIND, metric)

    def mean(self, model: str, metric: str = "auroc") -> str:
        """Mean of the ten sets."""
        mean = float(np.mean([self.score(model, name, metric) for name in DEEPBIND]))
        return "(not made yet)" if np.isnan(mean) else f"{mean:.3f}"

    def ahead(self) -> str:
        """On how many of the ten our network is at least as good as the best baseline, with fresh shuffles or without."""
        ours = [self.score(OURS, name) for name in DEEPBIND]
        best = [
            np.nanmax([self.score(word, f"{name}{ending}") for word in BASELINES for ending in ("", FRESH)])
            for name in DEEPBIND
        ]
        if np.isnan(ours).any() or np.isnan(best).any():
            return "(not made yet)"
        return str(sum(a >= b for a, b in zip(ours, best, strict=True)))

    def fresh(self) -> str:
        """The baselines from one shuffle of each peak and from several: AUROC of validation and of the test, means of the ten."""
        rows = []
        for word in BASELINES:
            for told, ending in (("1", ""), (FRESH_SHUFFLES, FRESH)):
                folders = [self.runs / word / f"{name}{ending}_s0" for name in DEEPBIND]
                if not all(map(self.finished, folders)):
                    continue
                val = [read_json(folder / "training.json")["training"]["val_auroc"] for folder in folders]
                test = [read_json(folder / "metrics.json")["metrics"]["auroc"]["value"] for folder in folders]
                rows.append([word, told, f"{np.mean(val):.4f}", f"{np.mean(test):.4f}"])
        return grid(["baseline", "shuffles of a peak", "validation", "test"], rows)

    def seeds(self, model: str) -> str:
        """Runs of a model on each of the ten sets: the least and the most."""
        found = [len(self.folders(f"{model}/{name}_s?")) for name in DEEPBIND]
        return str(min(found)) if min(found) == max(found) else f"{min(found)} to {max(found)}"

    def gue(self) -> str:
        """MCC on the GUE tasks, ours and published."""
        lines = [self.scores(GUE, "mcc").rstrip("\n"), "", "| published | " + " | ".join(GUE) + " | mean |"]
        lines.append("|" + " --- |" * (2 + len(GUE)))
        for model, values in PUBLISHED.items():
            cells = [f"{value:.3f}" for value in (*values, float(np.mean(values)))]
            lines.append("| " + " | ".join([model, *cells]) + " |")
        return "\n".join(lines) + "\n"

    def peaks(self) -> str:
        """Peaks over a genome: what became of them, and how they are told from windows of the same GC."""
        lines = ["| set | test windows, blocks | counted |", "|" + " --- |" * 3]
        for name in PEAKS:
            for body in self.bodies(f"{BASELINES[0]}/{name}_s?")[:1]:
                told = [f"{key.replace('_', ' ')} {n}" for key, n in body["data"].items() if isinstance(n, int) and n]
                lines.append("| " + " | ".join([name, f"{body['n']}, {body['groups']}", ", ".join(told)]) + " |")
        parts = ["\n".join(lines), "AUROC:", self.scores(PEAKS, "auroc"), "PR AUC:", self.scores(PEAKS, "auprc")]
        return "\n\n".join(parts)

    def others(self) -> str:
        """Smaller sets."""
        return self.scores(OTHERS, "auroc")

    def slow(self) -> str:
        """Large networks, recurrent ones and pictures beside ours, one seed."""
        return self.scores(SLOW_SETS, "auroc", (OURS, *SLOW))

    def pictures(self) -> str:
        """The network that reads pictures on all sets of both collections, beside ours and the k-mers, one seed."""
        models = (PICTURES, OURS, *BASELINES)
        parts = ["AUROC:", self.scores(DEEPBIND, "auroc", models), "MCC:", self.scores(GUE, "mcc", models)]
        return "\n\n".join(parts)

    def factors(self) -> str:
        """The best match of the detector that tells the classes apart best, of those that match anything, for each of the ten."""
        rows, right = [], 0
        for name in DEEPBIND:
            file = self.runs / DETECTORS / f"{name}_s0" / "motifs" / "motifs.json"
            if not self.finished(file.parent):
                continue
            filters = read_json(file)["filters"]
            row = next((row for row in filters if row["matches"] and row["matches"][0]["q"] <= MATCHED), None)
            if row is None:
                rows.append([name, "none matches", "", "", "", "", "no"])
                continue
            match = row["matches"][0]
            label = (match["label"] or match["name"]).split()[-1]
            family = _families(DATABASE).get(match["name"], "")
            told = {word.strip().upper() for word in (*label.split("::"), *family.split(";"))}
            known = bool(told & {word.upper() for word in KNOWN[name]})
            right += known
            telling = f"{row['auroc']:.3f}"
            rows.append([name, row["consensus"], telling, label, family, f"{match['q']:.1e}", "yes" if known else "no"])
        heads = ["set", "detector", "its AUROC", "best match", "family", "q", "the factor or its family"]
        return grid(heads, rows) + (f"\n{right} of {len(rows)}.\n" if rows else "")

    @property
    def shuffles(self) -> str:
        """Fresh shuffles that a regression has."""
        return FRESH_SHUFFLES

    @property
    def detectors(self) -> str:
        """The network whose filters are looked at."""
        return DETECTORS

    @property
    def ours(self) -> str:
        """Name of our network."""
        return OURS


@cache
def _families(file: Path) -> dict[str, str]:
    """Family of each matrix of a TRANSFAC file by its accession."""
    found, accession = dict[str, str](), ""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("AC "):
                accession = line[3:].strip()
            elif line.startswith("CC tf_family:"):
                found[accession] = line.partition(":")[2].strip()
    return found


if __name__ == "__main__":
    write_page(ROOT, HERE, TfbsTables)
