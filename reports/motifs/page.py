"""Regenerate every table of this report, and its README.md, from the run folders that ``make.py`` made.

    python reports/motifs/page.py            # reads runs/, writes reports/motifs/

Published figures are those of the course exercise whose experiments these are; every other number is looked up.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from make import (  # noqa: E402
    ACCIDENTAL,
    KERNELS,
    NOISES,
    OTHERS,
    PICTURES,
    PROBABILITIES,
    RECOVERY_KERNELS,
    SPACED,
    everything,
)
from pages import Tables, grid, read_json, spread, write_page  # noqa: E402

from classify.motifs.formats import read_motifs  # noqa: E402
from classify.motifs.similarity import recovery  # noqa: E402
from specgen.sequences import INDICATORS, encode  # noqa: E402

HERE = Path("reports/motifs")
MOTIF = "ACGTG"
PUBLISHED = {
    "kernel3": ".558",
    "kernel5": ".954",
    "kernel7": ".948",
    "kernel11": ".941",
    "kernel15": ".927",
    "noise0.05_prob1": ".824",
    "noise0.05_prob0.8": ".866",
    "noise0.05_prob0.6": ".715",
    "pair_keep": ".942",
    "spaced_two_layers_keep": ".874",
}
"""AUROC of one run each."""

HERE_ALONE = ", on these sequences"
"""Ends the ceilings that a detector reaches on the very test sequences; the table has those of expectation."""

GRADIENTS = "integrated_gradients"

KINDS = ("far_apart", "one_a", "one_b", "none")
"""Negatives of spaced motifs."""


class MotifTables(Tables):
    """What the text may ask for."""

    def __init__(self) -> None:
        super().__init__(Path("runs/motifs"), HERE, everything(), "", {})

    @property
    def motif(self) -> str:
        """What is planted."""
        return MOTIF

    def row(self, cells: Sequence[str], model: str, name: str, published: str = "") -> str:
        """A line of a table: AUROC over seeds, published figure, ceilings, seeds."""
        bodies = self.bodies(f"{model}/{name}_s?")
        ceilings = ", ".join(
            f"{bound.removeprefix('perfect ')} {spread([body['bounds'][bound]['auroc'] for body in bodies])}"
            for bound in (bodies[0]["bounds"] if bodies else ())
            if not bound.endswith(HERE_ALONE)
        )
        scores = spread([body["metrics"]["auroc"]["value"] for body in bodies])
        return "| " + " | ".join([*cells, scores, published, ceilings, str(len(bodies))]) + " |"

    def kernels(self) -> str:
        """One motif of five letters, one layer, by the width of its filters."""
        names = {kernel: f"kernel{kernel}" for kernel in KERNELS}
        rows = [self.row([str(k)], "deepbind_small", name, PUBLISHED[name]) for k, name in names.items()]
        return _table(["kernel"], rows)

    def noise(self) -> str:
        """One motif, by noise on the input and by the share of positives that hold it."""
        rows = []
        for noise in NOISES:
            for probability in PROBABILITIES:
                name = f"noise{noise:g}_prob{probability:g}"
                cells = [f"{noise:g}", f"{probability:g}"]
                rows.append(self.row(cells, "deepbind_small", name, PUBLISHED.get(name, "")))
        return _table(["noise (sd)", "motif_prob"], rows)

    def pair(self) -> str:
        """Two motifs, of which positives hold one or both."""
        names = {kind: f"pair_{kind}" for kind in ACCIDENTAL}
        rows = [self.row([kind], "deepbind_small", name, PUBLISHED.get(name, "")) for kind, name in names.items()]
        return _table(["occurrences by chance"], rows)

    def spaced(self) -> str:
        """Two motifs at a distance, against four kinds of negatives, by what the network can see."""
        rows = []
        for kind in (*ACCIDENTAL, "far_from_ends"):
            pictured = {PICTURES: PICTURES} if kind == "filter" else {}
            for config, model in (SPACED | pictured).items():
                published = PUBLISHED.get(f"{config}_{kind}", "")
                line = self.row([kind.replace("_", " "), model], model, f"spaced_{kind}", published).removesuffix(" |")
                rows.append(" | ".join([line, *self._by_kind(model, f"spaced_{kind}")]) + " |")
        return _table(["sequences", "model"], rows, [f"AUROC, {kind}" for kind in KINDS])

    def _by_kind(self, model: str, name: str) -> list[str]:
        """AUROC against each kind of negative."""
        bodies = self.bodies(f"{model}/{name}_s?")
        found = [{row["negatives"]: row["auroc"]["value"] for row in body["by_kind"]} for body in bodies]
        return [spread([rows[kind] for rows in found]) for kind in KINDS]

    def others(self) -> str:
        """Networks that were not made for these experiments."""
        rows = [self.row([model, config], model, config) for model in OTHERS for config in ("single", "pair", "spaced")]
        return _table(["model", "experiment"], rows)

    def explained(self) -> str:
        """Share of the absolute attribution on the motif, a row a network, and what integrated gradients leave unexplained."""
        rows, methods = [], list[str]()
        for folder in self.folders("*/recovery11_s0") + self.folders("*/single_s0"):
            file = folder / "planted" / "dashboard.json"
            if not self.finished(file.parent):
                continue
            told = read_json(file)
            methods = methods or list(told["share_on_sites"])
            shares = [f"{told['share_on_sites'][method]:.3f}" for method in methods]
            every = [record["methods"][GRADIENTS]["completeness_error"] for record in told["records"]]
            rows.append([folder.parent.name, *shares, f"{np.mean(np.abs(every)):.1e}", f"{np.max(np.abs(every)):.1e}"])
        return grid(["model", *methods, "completeness error, mean", "largest"], rows)

    def recovered(self) -> str:
        """Of how many seeds a filter holds the planted motif, by the width of the filters."""
        planted = INDICATORS[encode(MOTIF)].astype(np.float64)
        lines = [
            "| kernel | seeds | recovered | consensus equal | similarity of the best filter |",
            "|" + " --- |" * 5,
        ]
        for kernel in RECOVERY_KERNELS:
            best = []
            for folder in self.folders(f"deepbind_small/recovery{kernel}_s?"):
                file = folder / "motifs" / "filters.meme"
                if file.is_file():
                    told = [recovery(motif, planted) for motif in read_motifs(file)]
                    best.append(max(told, key=lambda one: (one.recovered, one.alignment.similarity)))
            cells = [str(kernel), str(len(best)), str(sum(one.recovered for one in best))]
            cells += [str(sum(one.consensus for one in best)), spread([one.alignment.similarity for one in best])]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"


def _table(heads: Sequence[str], rows: Sequence[str], more: Sequence[str] = ()) -> str:
    heads = [*heads, "AUROC", "published", "ceilings", "seeds", *more]
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads), *rows]) + "\n"


if __name__ == "__main__":
    write_page(ROOT, HERE, MotifTables)
