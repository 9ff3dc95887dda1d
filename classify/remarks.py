"""What has to be known to read the numbers of a comparison, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from classify.paired import Resampling, Scored
from classify.reporting.tables import HEADS

__all__ = ["remarks"]

INDEPENDENT = (
    "DeLong (of the mean AUROC over seeds) and McNemar (exact, single runs only; in brackets examples that only "
    "the model : only the reference called rightly) take examples as independent, also within a group. "
)


def remarks(
    scored: Sequence[Scored], reference: Scored, why: str, bins: Mapping[str, Sequence[Any]], how: Resampling
) -> list[str]:
    """One sentence or a few each.

    Parameters
    ----------
    why
        How the reference was chosen.
    bins
        Rows of ``bins.csv`` by quantity.
    """
    level = f"{100 * how.level:g}"
    notes = [
        f"{level} % intervals: percentiles of {how.resamples:,} bootstrap resamples of whole groups, the same for every "
        "model. They speak of the test set at these seeds, not of other seeds."
    ]
    if bare := [item for item in scored if _bare(item)]:
        groups = sorted({len(set(item.row.first.groups)) for item in bare})
        first = HEADS[reference.row.first.compared[0]]
        notes[0] += (
            f" {first} of {', '.join(item.row.label for item in bare)} has none: their tests have "
            f"{' or '.join(map(str, groups))} groups, which are too few, or labels that are too rare or too many to be resampled."
        )
    if "ece" in reference.estimates:
        notes[0] += " Resampling biases the calibration error (ECE) upwards, so that its interval lies high."
    if reference.row.first.metrics.get("features"):
        notes.append(
            "AUROC, PR AUC and F1 are means over the labels that hold for some test examples and not for others; F1 is that of "
            "thresholds chosen on validation."
        )
    if any(len(item.row.runs) > 1 for item in scored):
        notes.append("Seeds of one model share a row: means over seeds, ± their standard deviation.")
    notes += _bounds(scored)
    notes.append(f"Reference: {reference.row.label}, {why}.")
    if len(scored) > 1:
        notes.append(
            f"p: two-sided, from the paired resamples, which give no less than {2 / (how.resamples + 1):.2g}. "
            + (INDEPENDENT if reference.row.first.tests else "")
            + "Holm: corrected for the models of this table."
        )
    if any(item.row.first.examples != reference.row.first.examples for item in scored):
        notes.append("Some runs were tested on other examples than the reference: no difference is given for them.")
    if len({str(item.row.first.metrics["task"]) for item in scored}) > 1:
        notes.append("The runs are of different tasks.")
    if any(
        "seed" in item.row.first.settings and len({repr(r.seed) for r in item.row.runs}) < len(item.row.runs)
        for item in scored
    ):
        notes.append("Some rows hold several runs of one seed, which makes their spread over seeds too small.")
    for column in bins:
        inside = {entry["label"] for entry in bins[column]}
        if not inside:
            notes.append(
                f"No bins by {column}: predictions.csv of the reference does not say it (pictures, or an old run)."
            )
        elif missing := [item.row.label for item in scored if item.row.label not in inside]:
            notes.append(
                f"Not in the bins by {column}, which their predictions.csv does not say: {', '.join(missing)}."
            )
    return notes


def _bare(item: Scored) -> bool:
    """Whether a score that is known has no interval."""
    estimate = item.estimates[item.row.first.compared[0]]
    return math.isnan(estimate.low) and not math.isnan(estimate.value)


def _bounds(scored: Sequence[Scored]) -> list[str]:
    """What the tasks say that scores stand beside, a sentence each; a range where the runs have different ones."""
    metric = scored[0].row.first.compared[0]
    found: dict[str, list[float]] = {}
    for item in scored:
        for run in item.row.runs:
            for name, known in (run.metrics.get("bounds") or {}).items():
                if known.get(metric) is not None:
                    found.setdefault(name, []).append(known[metric])
    ends = {name: sorted({f"{min(values):.3f}", f"{max(values):.3f}"}) for name, values in found.items()}
    return [f"Beside the scores, {name}: {HEADS[metric]} {' to '.join(span)}." for name, span in ends.items()]
