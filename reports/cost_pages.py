"""What the pages that weigh scores against cost share: rows, cost tables and figures, what to take, and the budget.

Which models and sets there are is the business of each report's ``page.py``. Nothing is trained here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from costs import Costs, cost_table, draw, gather, write_costs
from jobs import Job
from pages import NOT_YET, Tables, read_json
from recommending import told

__all__ = ["CostTables"]


class CostTables(Tables):
    """What the text of such a report may ask for.

    Parameters
    ----------
    runs, here, jobs, last
        As of ``Tables``.
    minutes
        CPU minutes that were expected of each stage.
    metric, title
        Of the tables, as ``metrics.json`` calls it and as the page does.
    judged, validated
        By which what to take is judged: the metric on the test, and on validation.
    unit
        Of the metric that judges.
    higher
        Whether the higher is the better, of both.
    """

    def __init__(
        self,
        runs: Path,
        here: Path,
        jobs: Iterable[Job],
        last: str,
        *,
        minutes: Mapping[str, float],
        metric: str,
        title: str,
        judged: str,
        validated: str,
        unit: str = "",
        higher: bool = True,
    ) -> None:
        super().__init__(runs, here, jobs, last, {})
        self.minutes, self.metric, self.title = minutes, metric, title
        self.judged, self.validated, self.unit, self.higher = judged, validated, unit, higher

    def rows_of(self, names: Iterable[str], models: Sequence[str], metric: str = "") -> list[Costs]:
        """Of the models that have finished runs of every set."""
        names = list(names)
        sets = {model: [self.folders(f"{model}/{name}_s?") for name in names] for model in models}
        rows = (gather(model, folders, metric or self.metric, self.validated) for model, folders in sets.items())
        return [row for row in rows if row]

    def cost_section(self, rows: Sequence[Costs], name: str) -> str:
        """Cost table and figure of some rows; beside the page the figure and the CSV."""
        if not rows:
            return NOT_YET
        write_costs(rows, self.here / f"cost_{name}.csv")
        picture = draw(rows, self.here / f"cost_{name}.png", self.title, higher=self.higher)
        table = cost_table(rows, self.title, higher=self.higher)
        return "\n".join([table, *([f"![{self.title} against cost]({picture})\n"] if picture else [])])

    def advice(self, groups: Mapping[str, Sequence[str]], models: Sequence[str]) -> str:
        """What to take of each group of sets, by the rule of ``recommending``."""
        found = {title: self.rows_of(names, models, self.judged) for title, names in groups.items()}
        lines = [
            f"- **{title}**: {told(rows, self.judged, higher=self.higher, unit=self.unit)}"
            for title, rows in found.items()
        ]
        return "\n".join(lines) + "\n"

    def budget(self) -> str:
        """CPU minutes that were expected, and those that the finished runs took, both of training and test, by kind of run."""
        parts = ", ".join(f"{stage} {value:.0f}" for stage, value in self.minutes.items())
        took = []
        for folder in self.folders("*/*"):
            cost = read_json(folder / "metrics.json")["cost"]
            took.append(cost["cpu_seconds"] + (cost.get("test_cpu_seconds") or 0.0))
        return (
            f"expected of all runs {sum(self.minutes.values()):.0f} CPU minutes ({parts}); "
            f"the {len(took)} of {len(self.wanted)} that are finished took {sum(took) / 60:.0f} in training and test"
        )
