"""Regenerate every table and figure of this report, and its README.md, from the run folders that ``make.py`` made.

python reports/chromatin/page.py            # reads runs/, writes reports/chromatin/
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from costs import Costs, cost_table, draw, gather, told, write_costs  # noqa: E402
from make import (  # noqa: E402
    BASELINES,
    EQUAL,
    EQUAL_EPOCHS,
    EQUAL_MINUTES,
    EQUAL_PARAMETERS,
    HISTONE,
    LEAST,
    MARKED,
    MINUTES,
    OPEN,
    SECONDS,
    SIMULATED,
    SIMULATED_STEPS,
    SLOW,
    TRACK_BASELINES,
    TRACKED,
    everything,
    minutes,
)
from pages import Tables, around, read_json, write_page  # noqa: E402

HERE = Path("reports/chromatin")
NETWORKS = tuple(SECONDS)
TITLES = {
    "vcm_open": "open chromatin, 600 nt",
    "yeast_atac": "yeast ATAC, 500 nt",
    "enhancers": "enhancers, 200 nt",
}
NOT_YET = "*Not made yet.*\n"


class ChromatinTables(Tables):
    """What the text may ask for."""

    def __init__(self) -> None:
        super().__init__(Path("runs/chromatin"), HERE, everything(), BASELINES[-1], {})

    def rows_of(self, names: Iterable[str], models: Sequence[str], metric: str = "auroc") -> list[Costs]:
        """Of the models that have finished runs of every set."""
        names, found = list(names), []
        for model in models:
            parts = [self.folders(f"{model}/{name}_s?") for name in names]
            row = gather(model, parts, metric)
            found += [row] if row else []
        return found

    # Sets of one label

    def scores(self, metric: str = "auroc") -> str:
        """A row a model, a column a set: test scores of the open sets."""
        return self._matrix(list(OPEN), [TITLES[name] for name in OPEN], metric, intervals=True)

    def marks(self) -> str:
        """A row a model, a column a mark, and their mean."""
        return self._matrix(list(HISTONE), [name.partition("_")[2] for name in HISTONE], "auroc", intervals=False)

    def _matrix(self, names: Sequence[str], titles: Sequence[str], metric: str, *, intervals: bool) -> str:
        heads = ["model", "seeds", *titles, *([] if intervals else ["mean"])]
        lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
        for model in (*NETWORKS, *BASELINES):
            entries = [self.entries(model, name, metric) for name in names]
            if not any(entries):
                continue
            means = [float(np.mean([entry["value"] for entry in some])) if some else None for some in entries]
            plain = ["" if mean is None else f"{mean:.3f}" for mean in means]
            cells = [around(some) for some in entries] if intervals else plain
            if not intervals:
                known = [mean for mean in means if mean is not None]
                cells.append(f"**{np.mean(known):.3f}**" if len(known) == len(names) else "")
            seeds = sorted({len(some) for some in entries if some})
            cells = [f"`{model}`", "-".join(map(str, sorted({seeds[0], seeds[-1]}))), *cells]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n" if len(lines) > 2 else NOT_YET

    def entries(self, model: str, name: str, metric: str) -> list[dict[str, Any]]:
        """The score of each seed."""
        bodies = [read_json(folder / "metrics.json") for folder in self.folders(f"{model}/{name}_s?")]
        return [body["metrics"][metric] for body in bodies if body["metrics"].get(metric)]

    # Cost

    def costs(self, which: str) -> str:
        """The cost table of a group of sets, and the figure of it."""
        names = {"open": list(OPEN), "histone": list(HISTONE)}.get(which, [which])
        models = (*NETWORKS, *BASELINES)
        return self._costs(self.rows_of(names, models), which)

    def equal(self, which: str) -> str:
        """Of equal parameters or of equal time."""
        return self._costs(self.rows_of([f"vcm_open_{which}"], NETWORKS), which)

    def _costs(self, rows: Sequence[Costs], name: str, metric: str = "AUROC") -> str:
        if not rows:
            return NOT_YET
        write_costs(rows, self.here / f"cost_{name}.csv")
        picture = draw(rows, self.here / f"cost_{name}.png", metric)
        return "\n".join([cost_table(rows, metric), *([f"![{metric} against cost]({picture})\n"] if picture else [])])

    def recommendation(self) -> str:
        """What to take, of each set and over all, by the rule of ``costs.recommended``."""
        groups = {**{TITLES[name]: [name] for name in OPEN}, "ten histone marks": list(HISTONE)}
        lines = []
        for title, names in {**groups, "all of these": [*OPEN, *HISTONE]}.items():
            rows = self.rows_of(names, (*NETWORKS, *BASELINES))
            lines.append(f"- **{title}**: {told(rows)}" if rows else f"- **{title}**: not made yet.")
        return "\n".join(lines) + "\n"

    def regression(self) -> str:
        """How many of the thirteen sets a network does better on than the 6-mers, by test AUROC."""
        better = made = 0
        for name in (*OPEN, *HISTONE):
            rows = {row.model: row.value for row in self.rows_of([name], (*NETWORKS, "kmer6"))}
            if "kmer6" in rows and len(rows) > 1:
                made += 1
                better += max(value for model, value in rows.items() if model != "kmer6") > rows["kmer6"]
        return f"{better} of {made}" if made else "(not made yet)"

    # Tracks

    def tracks(self) -> str:
        """Means over the labels of the tracks."""
        lines = ["| model | divisions | AUROC | PR AUC | F1 | micro F1 |", "|" + " --- |" * 6]
        for model in (*TRACKED, *SLOW, *TRACK_BASELINES):
            found = {name: self.entries(model, "tracks_chr22", name) for name in ("auroc", "auprc", "f1", "micro_f1")}
            if found["auroc"]:
                cells = [f"`{model}`", str(len(found["auroc"])), *(around(some) for some in found.values())]
                lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n" if len(lines) > 2 else NOT_YET

    def duel(self, ours: str, theirs: str) -> str:
        """F1 of each track, means over the divisions that both have a run of: on how many which is ahead, and the ends."""
        gains = self._gains(ours, theirs)
        if not gains:
            return NOT_YET
        names = sorted(gains, key=lambda name: gains[name][0] - gains[name][1], reverse=True)
        ahead = sum(mine > other for mine, other in gains.values())
        behind = sum(mine < other for mine, other in gains.values())
        p = binomtest(ahead, ahead + behind).pvalue if ahead + behind else 1.0
        lines = [
            f"`{ours}` ahead of `{theirs}` on {ahead} of {len(gains)} tracks, behind on {behind} (sign test p = {p:.2g}, "
            "which takes tracks as independent); F1 of the five at either end:",
            "",
            f"| track | `{ours}` | `{theirs}` |",
            "| --- | --- | --- |",
        ]
        shown = [*names[:5], *[name for name in names[-5:] if name not in names[:5]]]
        lines += [f"| {name} | {gains[name][0]:.3f} | {gains[name][1]:.3f} |" for name in shown]
        return "\n".join(lines) + "\n"

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
        return self._costs(self.rows_of(["tracks_chr22"], (*TRACKED, *SLOW, *TRACK_BASELINES)), "tracks")

    # Simulated

    def simulated(self) -> str:
        """Memory by the size of the file that training reads."""
        heads = [
            "model",
            "training windows",
            "size on disk [MiB]",
            "windows seen",
            "peak memory [MiB]",
            "windows/s",
            "AUROC",
        ]
        lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
        for model in SIMULATED_STEPS:
            for size, windows in SIMULATED.items():
                for folder in self.folders(f"{model}/simulated_{size}_s?"):
                    body = read_json(folder / "metrics.json")
                    file = Path("runs/simulated_919") / size / "train.mat"
                    disk = f"{file.stat().st_size / 2**20:,.0f}" if file.is_file() else ""
                    cost = body["cost"]
                    cells = [f"`{model}`", f"{windows:,}", disk, f"{cost['examples_seen']:,}"]
                    cells += [f"{cost['peak_rss_bytes'] / 2**20:,.0f}", f"{cost['examples_per_second']:.1f}"]
                    lines.append("| " + " | ".join([*cells, around([body["metrics"]["auroc"]])]) + " |")
        return "\n".join(lines) + "\n" if len(lines) > 2 else NOT_YET

    # Protocol

    def budget(self) -> str:
        """CPU minutes that were expected of the networks, and those that the finished ones took."""
        parts = ", ".join(f"{stage} {value:.0f}" for stage, value in minutes().items())
        took = [read_json(folder / "training.json")["cost"]["cpu_seconds"] for folder in self.folders("*/*")]
        return (
            f"expected of all networks {sum(minutes().values()):.0f} CPU minutes at most ({parts}); "
            f"the {len(took)} finished runs took {sum(took) / 60:.0f}"
        )

    @property
    def numbers(self) -> dict[str, Any]:
        """Of the protocol."""
        return {
            "minutes": MINUTES,
            "least": LEAST,
            "equal_parameters": EQUAL_PARAMETERS,
            "equal_epochs": EQUAL_EPOCHS,
            "equal_minutes": EQUAL_MINUTES,
            "scaled": ", ".join(f"`{model}`" for model in EQUAL),
            "slow": ", ".join(f"`{model}`" for model in SLOW),
            "marked": ", ".join(f"`{model}`" for model in MARKED),
        }


if __name__ == "__main__":
    write_page(ROOT, HERE, ChromatinTables)
