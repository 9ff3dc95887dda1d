"""Regenerate every table and figure of this report, and its README.md, from the run folders that ``make.py`` made.

    python reports/language/page.py            # reads runs/, writes reports/language/

The published perplexity is the one that the text is asked about; every other number is looked up.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

from cost_pages import CostTables  # noqa: E402
from make import DIVIDED, EQUAL_PARAMETERS, GENOMES, LONG, MADE_UP, SECONDS, SPLITS, Long, everything, minutes  # noqa: E402
from pages import NOT_YET, around, grid, read_json, spread, write_page  # noqa: E402

from classify.reporting.finished import validation_score  # noqa: E402

HERE = Path("reports/language")
PUBLISHED = 3.679
"""Perplexity on E. coli, written down from the published table; its division is not described."""

TITLES = {"ecoli": "*E. coli*", "yeast": "*S. cerevisiae*", "repeat": "repeated unit", "random": "random letters"}
TARGETS = {"repeat": (1.0, 1.01), "random": (3.95, 4.05), "ecoli": (1.0, 3.75), "yeast": (1.0, 3.79)}
"""What the perplexity has to lie between."""

CHAINS = ("plain", "interpolated", "mixed")
"""How the names of the Markov chains begin."""

ABOUT = {
    "clean": "twenty blocks, gaps of 1,000 nt, the other strand of training blocks learnt",
    "pieces": "pieces of 1,000 nt, every tenth tested, no gaps",
    "other_strand": "as the first, and the other strand of validation and test learnt",
    "all": "as the first, and validation and test learnt, on both strands",
}


class LanguageTables(CostTables):
    """What the text may ask for."""

    def __init__(self) -> None:
        super().__init__(
            Path("runs/language"),
            HERE,
            everything(),
            "",
            minutes=minutes(),
            metric="perplexity",
            title="perplexity",
            judged="bits_per_base",
            validated="val_loss",
            unit="bits a base",
            higher=False,
        )

    def scores(self, model: str, name: str) -> list[dict[str, Any]]:
        """Perplexity of each seed."""
        return self.entries(f"{model}/{name}_s?", "perplexity")

    def chains(self, name: str, models: Iterable[str] = tuple(SECONDS)) -> dict[str, list[float]]:
        """Perplexity of the Markov chains that runs stand beside, one a different genome."""
        found: dict[str, dict[str, float]] = {}
        for model in models:
            for folder in self.folders(f"{model}/{name}_s?"):
                for chain, score in (read_json(folder / "metrics.json").get("bounds") or {}).items():
                    found.setdefault(chain, {})[folder.name] = score["perplexity"]
        return {chain: list(scores.values()) for chain, scores in found.items()}

    def perplexities(self) -> str:
        """A row a model and a chain, a column a genome."""
        names = [*MADE_UP, *GENOMES]
        rows = [[f"`{model}`", *(around(self.scores(model, name)) for name in names)] for model in SECONDS]
        for which in LONG:
            rows.append([longer(which), *(around(self.scores(which.model, which.name(name))) for name in names)])
        for kind in CHAINS:
            rows.append([f"{kind} Markov chain", *(self._chain(name, kind) for name in names)])
        rows = [row for row in rows if any(row[1:])]
        return grid(["model", *(TITLES[name] for name in names)], rows)

    def _chain(self, name: str, kind: str) -> str:
        """Perplexity and order of the chain that validation chose."""
        found = {chain: scores for chain, scores in self.chains(name).items() if chain.startswith(kind)}
        orders = sorted(int(chain.rsplit(" ", 1)[1]) for chain in found)
        scores = [score for some in found.values() for score in some]
        return f"{spread(scores)}, order {'-'.join(map(str, sorted({orders[0], orders[-1]})))}" if scores else ""

    def targets(self) -> str:
        """Whether the best network of each genome, by validation, is where it has to be, and the chain that tells repeats."""
        lines = []
        for name, (low, high) in TARGETS.items():
            best = self._chosen(name)
            if best is None:
                lines.append(f"- {TITLES[name]}: not made yet.")
                continue
            label, value = best
            verdict = "yes" if low <= value <= high else "no"
            wanted = f"{low:g} to {high:g}" if name == "random" else f"at most {high:g}"
            lines.append(
                f"- {TITLES[name]}, {wanted}: **{verdict}**, {value:.3f} ({label}){self._mixed(name, low, high)}."
            )
        return "\n".join(lines) + "\n"

    def _mixed(self, name: str, low: float, high: float) -> str:
        """What the chain that tells repeats has to say to a target."""
        told = [
            score
            for model in SECONDS
            for body in self.bodies(f"{model}/{name}_s?")
            for chain, score in (body.get("bounds") or {}).items()
            if chain.startswith(CHAINS[-1])
        ]
        if not told:
            return ""
        value, share = (float(np.mean([score[key] for score in told])) for key in ("perplexity", "repeated"))
        text = f"; the mixed chain **{'yes' if low <= value <= high else 'no'}**, {value:.3f}"
        if name not in GENOMES:
            return text
        other = float(np.mean([score["perplexity_other"] for score in told]))
        return f"{text}, which is {other:.3f} but for the {share:.1%} of bases behind 20 letters that were learnt elsewhere"

    def _chosen(self, name: str) -> tuple[str, float] | None:
        """The network with the best validation loss, mean over seeds, and its test perplexity; without leaks."""
        found = []
        tried = [(f"`{model}`", model, name) for model in SECONDS]
        for label, model, run in (*tried, *((longer(which), which.model, which.name(name)) for which in LONG)):
            folders = self.folders(f"{model}/{run}_s?")
            losses = [validation_score(folder, read_json(folder / "metrics.json"), "val_loss") for folder in folders]
            if folders and None not in losses:
                value = float(np.mean([entry["value"] for entry in self.scores(model, run)]))
                found.append((float(np.mean(losses)), label, value))
        return min(found)[1:] if found else None

    # Cost

    def costs(self, name: str) -> str:
        """Cost table and figure of a genome."""
        return self.cost_section(self.rows_of([name], tuple(SECONDS)), name)

    def recommendation(self) -> str:
        """What to take, of each genome."""
        return self.advice({TITLES[name]: [name] for name in GENOMES}, tuple(SECONDS))

    def clockwork(self) -> str:
        """The clockwork network beside the GRU and the LSTM: perplexity, and windows a CPU second of training."""
        lines = []
        for name, title in (("ecoli", "widths by default"), ("ecoli_equal", f"about {EQUAL_PARAMETERS:,} parameters")):
            rows = {row.model: row for row in self.rows_of([name], tuple(SECONDS))}
            if "clockwork_lm" not in rows:
                continue
            own = rows["clockwork_lm"]
            for other in (rows[model] for model in ("gru_lm", "lstm_lm") if model in rows):
                rate, theirs = (row.costs["examples_per_cpu_second"] for row in (own, other))
                speed = (
                    f"{rate / theirs:.2f} times as many windows a CPU second" if rate and theirs else "speed not told"
                )
                lines.append(
                    f"- {title}: {own.score} against {other.score} of `{other.model}`, {speed}, "
                    f"{own.costs['parameters']:,.0f} parameters against {other.costs['parameters']:,.0f}."
                )
        return "\n".join(lines) + "\n" if lines else NOT_YET

    # The published figure

    def splits(self) -> str:
        """A row a division: a network on the test and on its training letters, and the chains."""
        rows = []
        for split in SPLITS:
            folders = self._split(split)
            if folders:
                training = [math.exp(_column(folder, "train_loss")[-1]) for folder in folders]
                name = folders[0].name.rpartition("_s")[0]
                chains = [self._chain(name, kind) for kind in CHAINS]
                rows.append([ABOUT[split], around(self.scores(DIVIDED, name)), spread(training), *chains])
        return grid(
            ["division", f"`{DIVIDED}`, test", f"`{DIVIDED}`, training", *(f"{kind} chain" for kind in CHAINS)], rows
        )

    def _split(self, split: str) -> list[Path]:
        return self.folders(f"{DIVIDED}/ecoli_s?" if split == "clean" else f"{DIVIDED}/ecoli_split_{split}_s?")

    def answer(self) -> str:
        """Under which divisions anything came down to the published figure."""
        found, reached = dict[str, float](), []
        for split in SPLITS:
            folders = self._split(split)
            if not folders:
                continue
            name = folders[0].name.rpartition("_s")[0]
            scores = {f"`{DIVIDED}`": float(np.mean([e["value"] for e in self.scores(DIVIDED, name)]))}
            scores |= {f"the {chain}": float(np.mean(some)) for chain, some in self.chains(name, [DIVIDED]).items()}
            if split == "clean":
                chosen = self._chosen("ecoli")
                scores |= {chosen[0]: chosen[1]} if chosen else {}
            which = min(scores, key=lambda key: scores[key])
            found[split] = scores[which]
            if scores[which] <= PUBLISHED:
                reached.append(f"{ABOUT[split]} ({which}: {scores[which]:.3f})")
        if len(found) < len(SPLITS):
            return f"{len(found)} of {len(SPLITS)} divisions made; no answer yet.\n"
        if not reached:
            closest = min(found, key=lambda key: found[key])
            return f"Under none of these. The lowest is {found[closest]:.3f}: {ABOUT[closest]}.\n"
        clean = "" if "clean" not in found or found["clean"] <= PUBLISHED else (
            f" On the clean division the lowest of these is {found['clean']:.3f}."
        )  # fmt: skip
        return f"It is reached under: {'; '.join(reached)}.{clean}\n{self._longer()}"

    def _longer(self) -> str:
        """What longer trainings of E. coli reach without any leak."""
        known = [(longer(which), self.scores(which.model, which.name("ecoli"))) for which in LONG]
        told = [f"{label}, {np.mean([e['value'] for e in some]):.3f}" for label, some in known if some]
        return f"\nWithout any leak: {'; '.join(told)}.\n" if told else ""

    @property
    def published(self) -> str:
        """Perplexity, and bits a base."""
        return f"{PUBLISHED} ({math.log2(PUBLISHED):.3f} bits a base)"


def longer(which: Long) -> str:
    """A longer training, as the tables call it."""
    return f"`{which.model}`, windows of {which.window} nt, longer"


def _column(folder: Path, name: str) -> list[float]:
    """A column of metrics.csv."""
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


if __name__ == "__main__":
    write_page(ROOT, HERE, LanguageTables)
