"""The page of a comparison: one self-contained ``compare.html`` with its tables, figures and what was compared.

What goes on the page and in which words is decided here; how it looks, in ``templates``. No number is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classify.reporting.html import METRICS, data_uri, render
from classify.reporting.page import flatten, ranked_labels
from classify.reporting.tables import HEADS, TEST_HEADS, p_value

__all__ = ["comparison_page"]

CAPTIONS = {
    "roc": "True against false positive rate over all thresholds, averaged over labels where there are "
    "several; the diagonal is guessing. Seeds of one model are thin "
    "lines, the thick one is their mean at each false positive rate.",
    "precision_recall": "Precision against recall over all thresholds, averaged over seeds at each recall; the dotted "
    "line is the prevalence, which guessing reaches.",
    "calibration": "How often a prediction came true against the probability it was given, all seeds of a model "
    "together; a larger marker stands for more predictions. On the diagonal, probabilities can be taken at their word.",
    "length_bins": "Metrics by length of the whole record, in bins with about as many test examples each; bars "
    "are intervals. Rankings compare only examples within a bin.",
    "gc_bins": "Metrics by the share of G and C in the whole record, in bins with about as many test examples "
    "each; bars are intervals. Rankings compare only examples within a bin.",
}
COSTS = {
    "parameters": ("parameters", 0),
    "examples_seen": ("examples seen", 0),
    "epochs": ("epochs", 1),
    "minutes": ("minutes", 1),
    "cpu_minutes": ("CPU minutes", 1),
    "peak_mib": ("peak memory [MiB]", 0),
    "gflops_per_example": ("GFLOPs per example", 3),
    "best_epoch_minutes": ("minutes to the best epoch", 1),
    "examples_per_second": ("examples/s in training", 0),
    "test_examples_per_second": ("windows/s in scoring", 0),
    "gpu_minutes": ("GPU minutes", 1),
    "gpu_peak_mib": ("peak GPU memory [MiB]", 0),
    "cpu_energy_kj": ("energy of the machine's CPUs [kJ]", 1),
    "gpu_energy_kj": ("energy of the GPU [kJ]", 1),
}
"""Heading of each cost, and decimal places."""


def comparison_page(
    body: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    charts: Mapping[str, Mapping[str, Any]],
    columns: Sequence[str] = (),
) -> str:
    """The page as HTML: one script of ours, no request to anywhere, every name escaped.

    Parameters
    ----------
    body
        What ``classify.comparison`` found, plain data without nan.
    pictures
        PNG files by the name of their figure, in reading order.
    charts
        What the page draws itself instead, by the same names; see ``classify.reporting.curves.chart``.
    columns
        Labels of the rows that the table of several labels has room for.
    """
    names = list(dict.fromkeys(name for row in body["models"] for name in row["metrics"]))
    labels = ", ".join(row["label"] for row in body["models"])
    figures = [
        {
            "name": name,
            "chart": charts.get(name),
            "uri": data_uri(content),
            "caption": CAPTIONS[name],
            "wide": name.endswith("_bins"),
            "alternative": f"{name.replace('_', ' ')} of {labels}; compare.csv and bins.csv have the numbers.",
        }
        for name, content in pictures.items()
    ]
    return render(
        "compare.html.j2",
        body=body,
        metrics=[(name, *METRICS.get(name, (name, ""))) for name in names],
        heads=HEADS,
        test_heads=TEST_HEADS,
        features=ranked_labels(body["features"]),
        columns=columns,
        costs=[(key, *COSTS[key]) for key in COSTS],
        data=list(flatten(body["data"])),
        figures=figures,
        level=f"{100 * body['level']:g}",
        p_value=p_value,
    )
