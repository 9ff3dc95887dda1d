"""The tables of a comparison as Markdown and CSV, from the plain numbers that ``classify.comparison`` hands over.

No number is computed here. ``None`` is an undefined one: an empty cell.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from classify.bootstrap import interval_text
from classify.runs import to_csv

__all__ = ["HEADS", "LABEL_COLUMNS", "TEST_HEADS", "estimate", "p_value", "to_long_csv", "to_markdown"]

Body = Mapping[str, Any]

HEADS = {
    **{"accuracy": "accuracy", "auroc": "AUROC", "auprc": "PR AUC", "mcc": "MCC", "ece": "ECE", "f1": "F1"},
    **{
        "median_auroc": "median AUROC",
        "median_auprc": "median PR AUC",
        "micro_f1": "micro F1",
        "log_loss": "log loss [nats]",
    },
    **{"perplexity": "perplexity", "bits_per_base": "bits a base", "loss": "loss [nats]"},
}
"""Short headings of metrics and of scores of validation."""

TESTS = {"delong": ("error", "p", "holm"), "mcnemar": ("ours", "theirs", "p", "holm")}
TEST_HEADS = {"delong": "DeLong", "mcnemar": "McNemar"}
DIFFERENCES = ("value", "low", "high", "p", "holm")
"""What the CSV tells of tests, and of differences of metrics."""

LABEL_COLUMNS = ("label", "group", "known", "positives", "model", "auroc", "auprc", "f1")
COSTS = (
    *("parameters", "examples_seen", "epochs", "minutes", "cpu_minutes", "peak_mib", "gflops_per_example"),
    *("best_epoch_minutes", "examples_per_second", "test_examples_per_second"),
    *("gpu_minutes", "gpu_peak_mib", "cpu_energy_kj", "gpu_energy_kj"),
)
SHOWN_COSTS = {"minutes": ("min", 1), "cpu_minutes": ("CPU min", 1), "peak_mib": ("peak MiB", 0)}
"""Of the Markdown table, besides counts: heading and decimal places."""


def estimate(entry: Mapping[str, Any] | None, *, signed: bool = False) -> str:
    """ "0.953 [0.940, 0.965] ± 0.004": value, interval, and standard deviation over seeds where there are several."""
    if entry is None or entry["value"] is None:
        return ""
    text = interval_text(entry, "+.3f" if signed else ".3f")
    return f"{text} ± {entry['sd']:.3f}" if entry.get("sd") is not None else text


def p_value(value: float | None) -> str:
    """A p value to two digits; the smallest as "<0.0001"."""
    if value is None:
        return ""
    return "<0.0001" if value < 1e-4 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def _cell(text: Any) -> str:
    """Names from data as Markdown text: no new cell, no line, no HTML."""
    return " ".join(html.escape(str(text), quote=False).split()).replace("|", "\\|")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)]


def to_markdown(body: Body) -> str:
    """Two tables, models with their metrics and models against the reference, and what has to be known to read them."""
    rows = []
    for row in body["models"]:
        counts = (
            "" if row["cost"][key] is None else f"{row['cost'][key]:,.0f}" for key in ("parameters", "examples_seen")
        )
        spent = (
            "" if row["cost"][key] is None else f"{row['cost'][key]:,.{places}f}"
            for key, (_, places) in SHOWN_COSTS.items()
        )
        rows.append(
            [
                _cell(row["label"]),
                _cell(row["names"]),
                _cell(row["seeds"]),
                str(row["n"]),
                *(estimate(row["metrics"][name]) for name in body["shown"]),
                *counts,
                *spent,
            ]
        )
    heads = ["model", "name", "seeds", "test n", *(HEADS[name] for name in body["shown"]), "parameters", "seen"]
    heads += [title for title, _ in SHOWN_COSTS.values()]
    lines = _table(heads, rows)
    rows = []
    for row in body["models"]:
        if (against := row["against"]) is None:
            continue
        cells = [_cell(row["label"])]
        for name in body["compared"]:
            cells += [estimate(against[name], signed=True), p_value(against[name]["p"]), p_value(against[name]["holm"])]
        for name in body["tests"]:
            test = against.get(name, {})
            pair = f" ({test['ours']}:{test['theirs']})" if "ours" in test else ""
            cells += [p_value(test.get("p")) + pair, p_value(test.get("holm"))]
        rows.append(cells)
    if rows:
        reference = _cell(body["reference"]["label"])
        heads = [f"minus {reference}"]
        for name in body["compared"]:
            heads += [HEADS[name], "p", "Holm"]
        for name in body["tests"]:
            heads += [f"{TEST_HEADS[name]} p", "Holm"]
        lines += ["", *_table(heads, rows)]
    return "\n".join([*lines, "", *(f"{_cell(note)}\n" for note in body["notes"])]).rstrip("\n") + "\n"


def to_long_csv(body: Body) -> str:
    """One row a model: every metric with interval and spread over seeds, every test against the reference, cost."""
    metrics = list(dict.fromkeys(name for row in body["models"] for name in row["metrics"]))
    parts = {"": "value", "_low": "low", "_high": "high", "_sd": "sd", "_min": "least", "_max": "most"}
    columns = ["model", "label", "name", "seeds", "runs", "n", "groups", f"validation_{body['validated']}"]
    columns += [f"{name}{part}" for name in metrics for part in parts]
    tests = {**dict.fromkeys(body["compared"], DIFFERENCES), **{test: TESTS[test] for test in body["tests"]}}
    columns += ["against", *(_test_column(test, key) for test in tests for key in tests[test]), *COSTS]
    rows = []
    for row in body["models"]:
        against = row["against"] or {}
        rows.append(
            [
                *(row[key] for key in ("model", "label", "names", "seeds", "runs", "n", "groups", "validation")),
                *(row["metrics"][name][key] for name in metrics for key in parts.values()),
                body["reference"]["label"] if against else "",
                *(against.get(test, {}).get(key) for test in tests for key in tests[test]),
                *(row["cost"][key] for key in COSTS),
            ]
        )
    return to_csv(columns, rows)


def _test_column(test: str, key: str) -> str:
    differences = {"value": "", "low": "_low", "high": "_high", "p": "_p", "holm": "_p_holm"}
    return (
        f"{test}_difference{differences[key]}" if test not in TESTS else f"{test}_{'p_holm' if key == 'holm' else key}"
    )
