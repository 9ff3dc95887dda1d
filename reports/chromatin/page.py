"""Regenerate every table and figure of this report, and its README.md, from the run folders that ``make.py`` made.

python reports/chromatin/page.py            # reads runs/, writes reports/chromatin/
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from cost_pages import CostTables  # noqa: E402
from make import (  # noqa: E402
    BASELINES,
    EQUAL,
    EQUAL_EPOCHS,
    EQUAL_MINUTES,
    EQUAL_PARAMETERS,
    FOLDER,
    HISTONE,
    LEAST,
    MARKED,
    MINUTES,
    ONCE,
    OPEN,
    SECONDS,
    SETS,
    SIMULATED,
    SIMULATED_STEPS,
    TIMED,
    TRACK_MODELS,
    everything,
    minutes,
)
from pages import NOT_YET, around, grid, read_json, spread, write_page  # noqa: E402
from recommending import LEVEL, contrasts  # noqa: E402

from classify.significance import holm  # noqa: E402

HERE = Path("reports/chromatin")
NETWORKS = tuple(SECONDS)
TITLES = {
    "vcm_open": "open chromatin, 600 nt",
    "yeast_atac": "yeast ATAC, 500 nt",
    "enhancers": "enhancers, 200 nt",
}


class ChromatinTables(CostTables):
    """What the text may ask for."""

    def __init__(self) -> None:
        super().__init__(
            Path("runs/chromatin"),
            HERE,
            everything(),
            BASELINES[-1],
            minutes=minutes(),
            metric="auroc",
            title="AUROC",
            judged="auroc",
            validated="val_auroc",
        )

    # Sets of one label

    def scores(self, metric: str = "auroc") -> str:
        """A row a model, a column a set: test scores of the open sets."""
        return self._matrix(list(OPEN), [TITLES[name] for name in OPEN], metric, intervals=True)

    def accuracies(self) -> str:
        """A row a model, a column a set: share of the test windows that are called rightly at a probability of one half."""
        rows, commonest = [], dict[str, float]()
        for model in (*NETWORKS, *BASELINES):
            cells = []
            for name in OPEN:
                right = []
                for folder in self.folders(f"{model}/{name}_s?"):
                    arrays = load_file(folder / "predictions.safetensors")
                    labels = arrays["labels"] == 1
                    right.append(float(np.mean((arrays["probabilities"] >= 0.5) == labels)))
                    commonest[name] = float(max(labels.mean(), 1 - labels.mean()))
                cells.append(spread(right))
            rows += [[f"`{model}`", *cells]] if any(cells) else []
        rows += (
            [["the commoner class", *(f"{commonest[name]:.3f}" if name in commonest else "" for name in OPEN)]]
            if rows
            else []
        )
        return grid(["model", *(TITLES[name] for name in OPEN)], rows)

    def marks(self) -> str:
        """A row a model, a column a mark, and their mean."""
        return self._matrix(list(HISTONE), [name.partition("_")[2] for name in HISTONE], "auroc", intervals=False)

    def _matrix(self, names: Sequence[str], titles: Sequence[str], metric: str, *, intervals: bool) -> str:
        rows = []
        for model in (*NETWORKS, *BASELINES):
            entries = [self.entries(f"{model}/{name}_s?", metric) for name in names]
            if not any(entries):
                continue
            means = [float(np.mean([entry["value"] for entry in some])) if some else None for some in entries]
            plain = ["" if mean is None else f"{mean:.3f}" for mean in means]
            cells = [around(some) for some in entries] if intervals else plain
            if not intervals:
                known = [mean for mean in means if mean is not None]
                cells.append(f"**{np.mean(known):.3f}**" if len(known) == len(names) else "")
            seeds = sorted({len(some) for some in entries if some})
            rows.append([f"`{model}`", "-".join(map(str, sorted({seeds[0], seeds[-1]}))), *cells])
        return grid(["model", "seeds", *titles, *([] if intervals else ["mean"])], rows)

    # Cost

    def costs(self, which: str) -> str:
        """The cost table of a group of sets, and the figure of it."""
        names = {"open": list(OPEN), "histone": list(HISTONE)}.get(which, [which])
        return self.cost_section(self.rows_of(names, (*NETWORKS, *BASELINES)), which)

    def equal(self, which: str) -> str:
        """Of equal parameters or of equal time."""
        return self.cost_section(self.rows_of([f"vcm_open_{which}"], NETWORKS), which)

    def clocked(self) -> str:
        """Which runs of equal time their CPU budget ended."""
        bodies = [body for model in NETWORKS for body in self.bodies(f"{model}/vcm_open_time_s?")]
        ended = sum(bool(body["training"].get("out_of_cpu_minutes")) for body in bodies)
        return f"The CPU budget ended {ended} of {len(bodies)} finished runs." if bodies else "No run is finished yet."

    def recommendation(self) -> str:
        """What to take, of each set and over all."""
        groups = {**{TITLES[name]: [name] for name in OPEN}, "ten histone marks": list(HISTONE)}
        return self.advice({**groups, "all of these": [*OPEN, *HISTONE]}, (*NETWORKS, *BASELINES))

    def regression(self, baseline: str) -> str:
        """On how many of the sets the network that validation chooses does better on the test than a baseline."""
        found = []
        for name in SETS:
            networks, regression = (self.rows_of([name], models) for models in (NETWORKS, (baseline,)))
            known = [row for row in networks if row.validation is not None]
            if known and regression:
                chosen = max(known, key=lambda row: row.validation or 0.0)
                found += contrasts(regression, chosen, self.judged)
        ahead = [one.difference < 0 for one in found]
        sure = sum(better and p < LEVEL for better, p in zip(ahead, holm([one.p for one in found]), strict=True))
        return f"{sum(ahead)} of {len(found)} sets, on {sure} of them beyond chance" if found else "(not made yet)"

    # Tracks

    def tracks(self) -> str:
        """Means over the labels of the tracks."""
        rows = []
        for model in TRACK_MODELS:
            metrics = ("auroc", "auprc", "f1", "micro_f1")
            found = [self.entries(f"{model}/tracks_chr22_s?", metric) for metric in metrics]
            rows += [[f"`{model}`", str(len(found[0])), *map(around, found)]] if found[0] else []
        return grid(["model", "divisions", "AUROC", "PR AUC", "F1", "micro F1"], rows)

    def duel(self, ours: str, theirs: str) -> str:
        """F1 of each track, means over the divisions that both have a run of: on how many which is ahead, and the ends."""
        gains = self._gains(ours, theirs)
        if not gains:
            return NOT_YET
        names = sorted(gains, key=lambda name: gains[name][0] - gains[name][1], reverse=True)
        ahead = sum(mine > other for mine, other in gains.values())
        behind = sum(mine < other for mine, other in gains.values())
        p = binomtest(ahead, ahead + behind).pvalue if ahead + behind else 1.0
        shown = [*names[:5], *[name for name in names[-5:] if name not in names[:5]]]
        table = grid(
            ["track", f"`{ours}`", f"`{theirs}`"], [[name, *(f"{f1:.3f}" for f1 in gains[name])] for name in shown]
        )
        return (
            f"`{ours}` ahead of `{theirs}` on {ahead} of {len(gains)} tracks, behind on {behind} (sign test p = {p:.2g}, "
            f"which takes tracks as independent); F1 of the five at either end:\n\n{table}"
        )

    def _gains(self, ours: str, theirs: str) -> dict[str, tuple[float, float]]:
        """F1 of both, of the tracks that both have one for in some division."""
        pairs: dict[str, list[tuple[float, float]]] = {}
        for folder in self.folders(f"{ours}/tracks_chr22_s?"):
            other = self.runs / theirs / folder.name
            if not self.finished(other):
                continue
            one, two = (
                {row["name"]: row["f1"] for row in read_json(path / "metrics.json")["features"]}
                for path in (folder, other)
            )
            for name, value in one.items():
                if value is not None and two.get(name) is not None:
                    pairs.setdefault(name, []).append((value, two[name]))
        return {
            name: (float(np.mean([a for a, _ in some])), float(np.mean([b for _, b in some])))
            for name, some in pairs.items()
        }

    def track_costs(self) -> str:
        """Cost of the tracks' runs."""
        return self.cost_section(self.rows_of(["tracks_chr22"], TRACK_MODELS), "tracks")

    # Simulated

    def simulated(self) -> str:
        """Memory by the size of the file that training reads."""
        heads = ["model", "training windows", "MiB on disk", "windows seen", "peak memory [MiB]", "windows/s", "AUROC"]
        rows = []
        for model in SIMULATED_STEPS:
            for size, windows in SIMULATED.items():
                for body in self.bodies(f"{model}/simulated_{size}_s?"):
                    file, cost = FOLDER / size / "train.mat", body["cost"]
                    disk = f"{file.stat().st_size / 2**20:,.0f}" if file.is_file() else ""
                    cells = [f"`{model}`", f"{windows:,}", disk, f"{cost['examples_seen']:,}"]
                    cells += [f"{cost['peak_rss_bytes'] / 2**20:,.0f}", f"{cost['examples_per_second']:.1f}"]
                    rows.append([*cells, around([body["metrics"]["auroc"]])])
        return grid(heads, rows)

    # Protocol

    @property
    def numbers(self) -> dict[str, Any]:
        """Of the protocol."""
        return {
            "minutes": MINUTES,
            "least": LEAST,
            "equal_parameters": EQUAL_PARAMETERS,
            "equal_epochs": EQUAL_EPOCHS,
            "equal_minutes": EQUAL_MINUTES,
            "scaled": _named(EQUAL),
            "once": _named(ONCE),
            "marked": _named(MARKED),
            "untimed": _named(model for model in NETWORKS if model not in TIMED),
            "untracked": _named(model for model in NETWORKS if model not in TRACK_MODELS),
        }


def _named(models: Iterable[str]) -> str:
    return ", ".join(f"`{model}`" for model in models)


if __name__ == "__main__":
    write_page(ROOT, HERE, ChromatinTables)
