"""The page of a run: one self-contained ``report.html`` with its figures, numbers, pictures and settings.

What goes on the page and in which words and units is decided here; how it looks, in ``templates``. No number is
computed that the run folder does not hold.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from classify.reporting._files import read_history, read_metrics, read_predictions, read_text
from classify.reporting.barcodes import draw_barcodes
from classify.reporting.curves import chart, precision_recall_curves, roc_curves
from classify.reporting.figures import best_epoch, draw_all, png
from classify.reporting.html import METRICS, data_uri, number, render, shorten
from classify.reporting.ranked import SHOWN, example_of, ranked_figure
from classify.spoken import without_group
from specgen.errors import InputError
from specgen.files import parse_json, write_atomic

__all__ = ["flatten", "measure", "ranked_labels", "shorten", "write_report"]

COSTS = {
    "wall_seconds": ("Wall time", 1.0, "s"),
    "cpu_seconds": ("CPU time", 1.0, "s"),
    "gpu_seconds": ("GPU time", 1.0, "s"),
    "peak_rss_bytes": ("Peak memory", 2.0**20, "MiB"),
    "gpu_peak_bytes": ("Peak GPU memory", 2.0**20, "MiB"),
    "processes": ("Processes", 1.0, ""),
    "parameters": ("Parameters", 1e6, "M"),
    "flops_per_example": ("Compute per example", 1e9, "GFLOPs"),
    "examples_seen": ("Examples seen", 1.0, ""),
    "examples_per_second": ("Throughput of training", 1.0, "examples/s"),
    "best_epoch_seconds": ("Time to the best epoch", 1.0, "s"),
    "best_epoch_cpu_seconds": ("CPU time to the best epoch", 1.0, "s"),
    "cpu_energy_joules": ("Energy of the machine's CPUs", 1000.0, "kJ"),
    "gpu_energy_joules": ("Energy of the GPU", 1000.0, "kJ"),
    "test_examples_per_second": ("Throughput of scoring", 1.0, "windows/s"),
}
"""Heading, divisor and unit of each cost."""

CAPTIONS = {
    "history": "Loss and accuracy after each epoch, on the training and the validation set; the dotted line is the "
    "epoch whose weights were kept.",
    "confusion": "Test examples by true class (rows) and predicted class (columns): count, and share of the true "
    "class.",
    "roc": "True against false positive rate over all thresholds; the diagonal is guessing.",
    "precision_recall": "Precision against recall over all thresholds; the thin line is the prevalence, which "
    "guessing reaches.",
    "features": "Left: the labels of each group by their AUROC, best first. Right: average precision of each label against "
    "the share of test examples that have it, which guessing reaches (dotted).",
    "calibration": "How often a prediction came true against the probability it was given, and how many test "
    "examples got that probability. On the diagonal, probabilities can be taken at their word.",
    "barcode_inputs": "Letters of a sample of validation examples, a row each, as the network reads them, beside their true "
    "labels; the same sample and order in all barcode maps. It is drawn evenly over what holds and what does not.",
    "barcode_epochs": "Truth (upper strip) and probabilities after each epoch (a strip each, downwards) of the same validation "
    "examples, or, of many labels, of the examples that hold most of them.",
    "barcode_maps": "Truth and probabilities of all examples of the sample (rows) and labels (columns): those that hold for "
    "most validation examples.",
}
WIDE = ("history", "features", "barcode_inputs", "barcode_epochs", "barcode_maps")
"""Figures as wide as the page."""

ENDS = 25
"""Labels that the page shows of either end of their ranking; all are in metrics.json."""

PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


def measure(value: float | None, divisor: float, unit: str) -> str:
    """A cost in its unit to four significant digits ("372.8 s (6.2 min)"), None as "not measured"."""
    if value is None:
        return "not measured"
    scaled = value / divisor
    whole = scaled >= 1000 or (divisor == 1 and float(scaled).is_integer())
    text = f"{scaled:,.0f}" if whole else f"{scaled:.4g}"
    spelled = f"{text} {unit}".strip()
    if unit == "s" and scaled >= 120:
        spelled += f" ({scaled / 3600:.1f} h)" if scaled >= 7200 else f" ({scaled / 60:.1f} min)"
    return spelled


def flatten(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(dotted key, text) of a nested mapping."""
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield f"{prefix}{key}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{key}", f"{value:g}" if isinstance(value, float) else number(value)


def _data_uri(picture: Path, run: Path) -> str:
    """The picture's bytes, so that the page needs no other file."""
    try:
        return data_uri(picture.read_bytes(), PICTURES[picture.suffix.lower()])
    except OSError:
        raise InputError(f"{run}: {picture.relative_to(run)} is missing or cannot be read") from None


def _json(run: Path, name: str, command: str, kind: type) -> Any:
    content = parse_json(read_text(run, name, command), run / name)
    if not isinstance(content, kind):
        raise InputError(f"{run}: {name}: expected a {kind.__name__}, got a {type(content).__name__}")
    return content


def _gallery(run: Path) -> dict[str, list[dict[str, Any]]]:
    """Pictures by kind, right ones first, each with a ``uri``; empty without ``gallery/gallery.json``."""
    if not (run / "gallery" / "gallery.json").exists():
        return {}
    kinds: dict[str, list[dict[str, Any]]] = {"right": [], "wrong": []}
    for index, entry in enumerate(_json(run, "gallery/gallery.json", "evaluate", list)):
        try:
            name, kind = Path(entry["file"]), kinds[entry["kind"]]
            shown = {key: entry[key] for key in ("id", "label", "predicted", "probability")}
        except (KeyError, TypeError) as error:
            raise InputError(f"{run}: gallery/gallery.json: entry {index}: {error!r}") from None
        if not all(isinstance(shown[key], str) for key in ("id", "label", "predicted")):
            raise InputError(f"{run}: gallery/gallery.json: entry {index}: expected texts for id, label and predicted")
        # A file name is data from elsewhere: nothing outside the gallery may end up on the page.
        if name.name != str(name) or name.suffix.lower() not in PICTURES:
            raise InputError(f"{run}: gallery/gallery.json: entry {index}: {str(name)!r} names no picture in it")
        kind.append({**shown, "uri": _data_uri(run / "gallery" / name, run)})
    return {kind: entries for kind, entries in kinds.items() if entries}


def _tables(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Data counts as one grid (rows: entries that are mappings, columns: their keys) and the plain rest."""
    nested = dict(_rows(counts))
    columns = list(dict.fromkeys(column for row in nested.values() for column in row))
    return {
        "columns": columns,
        "rows": [(key, [number(row.get(column)) for column in columns]) for key, row in nested.items()],
        "plain": list(flatten({key: value for key, value in counts.items() if not isinstance(value, Mapping)})),
    }


def _rows(counts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The mappings of numbers in a mapping, however deep, each with the keys that lead to it."""
    for key, value in counts.items():
        if isinstance(value, Mapping):
            name = f"{above} {key}".strip()
            if numbers := {inner: number for inner, number in value.items() if not isinstance(number, Mapping)}:
                yield name, numbers
            yield from _rows(value, name)


def ranked_labels(features: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Labels by AUROC, best first, those without one last: all of them, or both ends and how many are between."""
    rows = sorted(features, key=lambda row: (row["auroc"] is None, -(row["auroc"] or 0.0), row["name"]))
    scored = sum(row["auroc"] is not None for row in rows)
    if len(rows) <= 2 * ENDS:
        return {"best": rows, "worst": [], "between": 0, "unscored": 0}
    best, worst = rows[:ENDS], rows[max(ENDS, scored - ENDS) : scored]
    return {
        "best": best,
        "worst": worst,
        "between": max(0, scored - len(best) - len(worst)),
        "unscored": len(rows) - max(scored, ENDS),
    }


def _example(run: Path, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """One test example with its labels ranked and drawn, where a run has several labels."""
    found = example_of(run, body)
    if found is None:
        return None
    name, rows = found
    picture = write_atomic(run / "figures" / "example.png", png(ranked_figure(rows, name)))
    held = sum(row["true"] is True for row in rows)
    return {"id": name, "rows": rows, "held": held, "uri": _data_uri(picture, run)}


def _charts(run: Path, body: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Curves that the page draws itself, by the names of their figures."""
    if "labels" not in body:
        return {}
    names, (labels, probabilities) = body["labels"], read_predictions(run, dict(body))
    positive = names.index(body["positive"]) if body["positive"] in names else None
    kinds = {"roc": roc_curves, "precision_recall": precision_recall_curves}
    return {kind: chart(kind, of(labels, probabilities, names, positive)) for kind, of in kinds.items()}


def _metric_rows(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = [name for name in METRICS if name in metrics] + [name for name in metrics if name not in METRICS]
    rows = []
    for name in known:
        title, better = METRICS.get(name, (name, ""))
        rows.append({"name": name, "title": title, "better": better, **metrics[name]})
    return rows


def _alternative(figure: str, body: Mapping[str, Any]) -> str:
    """What a reader who cannot see the figure should know."""
    metrics = body["metrics"]

    def value(name: str) -> str:
        return number(metrics.get(name, {}).get("value"))

    classes = len(body.get("labels", ()))
    return {
        "history": "Two line charts: loss and accuracy against epoch, training and validation.",
        "confusion": f"Confusion matrix of {classes} classes, accuracy {value('accuracy')}; "
        "the table above has its numbers.",
        "roc": f"ROC curve, area {value('auroc')}.",
        "precision_recall": f"Precision-recall curve, average precision {value('auprc')}.",
        "features": f"AUROC of {body.get('labels_scored', 0)} labels in order; their average precision against prevalence.",
        "calibration": f"Reliability diagram and histogram, calibration error {value('ece')}.",
        "barcode_inputs": "Letters of sampled validation examples as coloured bars; barcodes.safetensors has them.",
        "barcode_epochs": "Heat maps of probabilities by epoch below the truth; barcodes.safetensors has the numbers.",
        "barcode_maps": "Heat maps of truth and probabilities, examples by labels; barcodes.safetensors has the numbers.",
    }[figure]


def _missed(classes: Mapping[str, Any]) -> list[str]:
    """Classes that make a tenth of the examples or more, of which less than a tenth is called so."""
    examples = sum(found["support"] for found in classes.values())
    return [
        name
        for name, found in classes.items()
        if found["support"] >= examples / 10 and found["recall"] is not None and found["recall"] < 0.1
    ]


def write_report(run: Path) -> Path:
    """Draw the figures of a run and write its ``report.html``; both are replaced as whole files.

    Parameters
    ----------
    run
        A run folder with ``config.yaml``, ``environment.json``, ``metrics.json`` and ``predictions.csv``, and
        perhaps ``metrics.csv`` and ``gallery/``.

    Returns
    -------
    Path
        The page: one HTML file with everything embedded, one script of ours and no request to anywhere.

    Raises
    ------
    InputError
        When a file of the run is missing, incomplete or contradicts another; one line says what to run.
    """
    run = Path(run)
    body = read_metrics(run)
    config = shlex.quote((run / "config.yaml").as_posix())
    settings = read_text(run, "config.yaml", "train")
    surroundings = _json(run, "environment.json", "train", dict)
    gallery, history = _gallery(run), read_history(run)
    charts = _charts(run, body)
    figures = [
        {
            "name": path.stem,
            "chart": charts.get(path.stem),
            "uri": _data_uri(path, run),
            "caption": CAPTIONS[path.stem],
            "alternative": _alternative(path.stem, body),
        }
        for path in [*draw_all(run), *draw_barcodes(run, None if history is None else best_epoch(history, body))]
    ]
    cost = body.get("cost") or {}
    page = render(
        "report.html.j2",
        body=body,
        note=body.get("model_note"),
        alone=without_group(body.get("data") or {}),
        missed=_missed(body.get("per_class") or {}),
        metrics=_metric_rows(body["metrics"]),
        bounds=body.get("bounds") or {},
        features=ranked_labels(body.get("features") or []),
        data=_tables(body.get("data") or {}),
        training=list(flatten(body.get("training") or {})),
        costs=[(title, measure(cost[key], by, unit)) for key, (title, by, unit) in COSTS.items() if key in cost],
        environment=list(flatten(surroundings)),
        settings=settings,
        figures=figures,
        wide=WIDE,
        example=_example(run, body),
        shown=SHOWN,
        gallery=gallery,
        has_history=history is not None,
        command=body.get("repeat")
        or f"python -m classify {body.get('command', 'train')} --config {config} --name again",
    )
    return write_atomic(run / "report.html", page.encode("utf-8"))
