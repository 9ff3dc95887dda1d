"""Readers of what finished runs hold, as compare, ensemble, across, export, scan and reports read it; all are in READERS."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from folder_readers import AGAIN, READERS, Case, again
from run_readers import _finished, _image, reader

from classify.chromatin.scoring import feature_summary
from classify.config import settings_from
from classify.features import Feature
from classify.language.scoring import perplexity_summary
from classify.runs import RunFolder, to_csv
from classify.tasks import TASKS

__all__ = ["AGAIN", "READERS", "Case"]


@reader
def training_json(folder: Path) -> Case:
    """training.json, as evaluate and sweeps read it."""
    seed = json.dumps({"cost": {"wall_seconds": 1.5, "gpu_seconds": None}, "training": {"best_epoch": 1}}).encode()
    return Case(folder / "training.json", [seed], lambda path: RunFolder(folder).read_training())


@reader
def decided_json(folder: Path) -> Case:
    """Thresholds of labels, as exports and rankings read them."""
    from classify.labels import check_labels, labels_of

    task: Any = SimpleNamespace(features=[Feature("f0"), Feature("f1")])
    seed = json.dumps({"thresholds": {"f0": 0.25, "f1": 0.75}}).encode()
    return Case(folder / "decided.json", [seed], lambda path: check_labels(labels_of(folder, task), path))


@reader
def scanned_split(folder: Path) -> Case:
    """split.csv as ``scan`` reads it."""
    from classify.peaks.places import Intervals
    from classify.scanning.parts import Contig
    from classify.scanning.seen import seen_in_training

    seed = b"id,group,chromosome,label,split\n1/c1:5-20+,G1,1/c1,CDN,train\nc2:1-9,G2,c2,LNSD,val\nw/240:7+:first,G,c1,,train\n"
    contigs = [Contig(0, "c1", 240), Contig(1, "c2", 240)]

    def read(path: Path) -> None:
        for regions in (None, {"c1": Intervals(np.array([5]), np.array([30]))}):
            seen_in_training(folder, contigs, regions, 20)

    return Case(folder / "split.csv", [seed], read)


@reader
def former_scan(folder: Path) -> Case:
    """What <out>.json says that the scan before made: whatever it names, nothing but tracks and calls of that name go."""
    from classify.scanning.former import remove_former

    def read(path: Path) -> None:
        (folder / "other.bed").touch()
        remove_former(str(folder / "s"), ["s.bed"])
        assert (folder / "other.bed").exists()
        assert path.exists()

    return Case(folder / "s.json", [b'{"files": ["s.bed", "s.plus.bw", "s.1_a.bed", "../s.bed"]}\n'], read)


BASELINES_OF_LETTERS = ("gkm8", "hexamer", "cpat", "spectral_rotation", "pwm")


def _fitted(folder: Path, name: str) -> Case:
    """model.json of a baseline whose features have learnt something."""
    from classify.baselines import BASELINES
    from classify.examples import Examples
    from classify.fitted import load_baseline

    n = 12
    rng = np.random.default_rng(0)
    train = Examples(
        classes=("LNSD", "CDN"), ids=[str(i) for i in range(n)], labels=np.arange(n) % 2, groups=[str(i) for i in range(n)],
        chromosomes=[""] * n, lengths=np.full(n, 60), split=np.array(["train"] * n),
        sequences=[(1 << rng.integers(0, 4, 60)).astype(np.uint8) for _ in range(n)], window=60,
    )  # fmt: skip
    baseline = BASELINES[name]
    state = baseline.state(train, 0)
    width = baseline(np.ones((1, 12), np.uint8), np.array([12]), state).shape[1]
    body = {
        "mean": [0.0] * width, "scale": [1.0] * width, "coefficients": [[0.5] * width], "intercept": [0.1], "penalty": 1.0,
        "state": state,
    }  # fmt: skip

    def read(path: Path) -> None:
        fitted = load_baseline(RunFolder(folder), name)
        fitted.decide(fitted.features(np.ones((2, 60), dtype=np.uint8), np.array([60, 600])))

    return Case(folder / "model.json", [json.dumps(body).encode()], read)


def _add_fitted(name: str) -> None:
    def make(folder: Path) -> Case:
        return _fitted(folder, name)

    make.__name__ = f"fitted_{name}"
    again(make) if name in ("gkm8", "cpat") else reader(make)


for _name in BASELINES_OF_LETTERS:
    _add_fitted(_name)


def _two(folder: Path, make: Callable[[Path], None]) -> tuple[Path, Path]:
    """A run that is going to be damaged beside one that is not."""
    runs = folder / "a", folder / "b"
    for run in runs:
        run.mkdir()
        make(run)
    return runs


def _compared(folder: Path, make: Callable[[Path], None], name: str) -> Case:
    """A file of a run as ``compare`` reads it, with its page; figures are left out, which take a second each time."""
    from classify import comparison
    from classify.paired import Resampling

    runs = _two(folder, make)
    seed = (runs[0] / name).read_bytes()

    def read(path: Path) -> None:
        with patch.object(comparison, "comparison_figures", return_value={}):
            comparison.compare(runs, folder / "compared", how=Resampling(20))

    return Case(runs[0] / name, [seed], read, text=not name.endswith("safetensors"))


def _answers(folder: Path, body: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    run = RunFolder(folder)
    run.config.write_text("task: x\nmodel: y\nseed: 0\n")
    told = {
        "task": "x",
        "model": "y",
        "name": folder.name,
        "training": {"best_epoch": 1},
        "cost": {"wall_seconds": 1.5},
    }
    run.write_json("metrics.json", {**told, **body})
    run.write_csv("predictions.csv", list(rows[0]), [list(row.values()) for row in rows])


def _of_labels(folder: Path) -> None:
    """A finished run of two labels of six windows."""
    from safetensors.numpy import save_file

    truth = (np.arange(12).reshape(6, 2) % 3 > 0).astype(np.int8)
    chances = (np.arange(12).reshape(6, 2) / 12).astype(np.float32)
    features = [Feature("f0", group="TF"), Feature("f1", group="DNase")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        body = feature_summary(truth, chances.astype(float), np.full(2, 0.5), features, list("abcdef"), 0, resamples=10)
    save_file({"labels": truth, "probabilities": chances}, folder / "predictions.safetensors")
    rows = [{"id": f"w{i}", "group": "abcdef"[i], "length": 60, "gc": f"{i / 10}"} for i in range(6)]
    _answers(folder, {"answers": "label", **body}, rows)
    (folder / "labels.csv").write_text(to_csv(("name", "train_known", "train_positives"), [("f0", 9, 3), ("f1", 9, 2)]))


def _of_bases(folder: Path) -> None:
    """A finished run of the next base."""
    sums = np.array([[9.0, 3, 10], [8.0, 4, 9], [0.0, 0, 0], [12.0, 5, 11]])
    body = perplexity_summary(sums, list("abcd"), 0, resamples=10)
    rows = [
        {"id": f"w{i}", "group": "abcd"[i], "length": 60, "gc": "0.5", "bases": bases, "bits_per_base": bits, "accuracy": right}
        for i, (bases, bits, right) in enumerate([(10, 1.3, 0.3), (9, 1.3, 0.4), (0, "", ""), (11, 1.6, 0.5)])
    ]  # fmt: skip
    bounds = {"Markov chain": {"perplexity": 3.5, "bits_per_base": 1.8}}
    _answers(folder, {"answers": "position", **body, "bounds": bounds}, rows)


@reader
def comparison_metrics(folder: Path) -> Case:
    """metrics.json of classes, through the whole of ``compare``."""
    return _compared(folder, _finished, "metrics.json")


@reader
def comparison_predictions(folder: Path) -> Case:
    return _compared(folder, _finished, "predictions.csv")


@again
def comparison_config(folder: Path) -> Case:
    return _compared(folder, _finished, "config.yaml")


@reader
def comparison_label_metrics(folder: Path) -> Case:
    return _compared(folder, _of_labels, "metrics.json")


@again
def comparison_label_arrays(folder: Path) -> Case:
    return _compared(folder, _of_labels, "predictions.safetensors")


@reader
def comparison_base_metrics(folder: Path) -> Case:
    return _compared(folder, _of_bases, "metrics.json")


@again
def comparison_base_predictions(folder: Path) -> Case:
    return _compared(folder, _of_bases, "predictions.csv")


@reader
def ensemble_metrics(folder: Path) -> Case:
    """metrics.json of a member of an ensemble."""
    from classify import ensembling, evaluation

    runs = _two(folder, _finished)
    seed = (runs[0] / "metrics.json").read_bytes()

    def read(path: Path) -> None:
        with patch("classify.reporting.page.write_report"):
            ensembling.ensemble(list(runs), folder / "out")

    assert evaluation  # imported here, so that it is not timed
    return Case(runs[0] / "metrics.json", [seed], read)


@reader
def crossed_metrics(folder: Path) -> Case:
    """metrics.json as ``across`` reads it."""
    from classify.crossing import METRICS, _body, matrix, write_crossing

    _finished(folder)

    def read(path: Path) -> None:
        bodies = {("a", "a"): _body(folder)}
        for metric in METRICS:
            matrix(bodies, metric)
        write_crossing(folder / "out", bodies)

    return Case(folder / "metrics.json", [(folder / "metrics.json").read_bytes()], read)


@reader
def card_metrics(folder: Path) -> Case:
    """metrics.json as the model card of an export reads it."""
    from classify import model_card as module

    _finished(folder)
    settings = settings_from({"model": "deepbind", "data": {"length": 60}}, "train")
    task = TASKS["coding"](settings.data)
    body = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps({**body, "model_note": "a note"}))

    def read(path: Path) -> None:
        with patch.object(module, "run_settings", return_value=settings):
            module.model_card(folder, task)

    return Case(folder / "metrics.json", [(folder / "metrics.json").read_bytes()], read)


def _reported(folder: Path, make: Callable[[Path], None], name: str) -> Case:
    """A file of a run as its report reads it; of the figures, which take a second, that of the history alone is made."""
    from classify.reporting import figures, page
    from classify.reporting._files import read_history

    make(folder)
    run = RunFolder(folder)
    run.write_json("environment.json", {"python": "3.11", "plan": ["a", "b"], "threads": 2, "gpu": None})
    (folder / "gallery").mkdir()
    (folder / "gallery" / "right_000.png").write_bytes(_image("png"))
    entry = {
        "file": "right_000.png",
        "id": "r0",
        "label": "CDN",
        "predicted": "CDN",
        "probability": 0.9,
        "kind": "right",
    }
    run.write_json("gallery/gallery.json", [entry])

    def drawn(folder: Path) -> list[Path]:
        if name == "metrics.csv" and (history := read_history(folder)) is not None:
            figures.history_figure(history, figures.best_epoch(history, {}))
        return []

    def read(path: Path) -> None:
        with patch.object(page, "draw_all", drawn), patch.object(page, "png", return_value=b""):
            page.write_report(folder)

    return Case(folder / name, [(folder / name).read_bytes()], read)


@again
def report_metrics(folder: Path) -> Case:
    """metrics.json as the page of a run reads it."""
    return _reported(folder, _finished, "metrics.json")


@again
def report_history(folder: Path) -> Case:
    return _reported(folder, _finished, "metrics.csv")


@again
def report_gallery(folder: Path) -> Case:
    return _reported(folder, _finished, "gallery/gallery.json")


@again
def report_environment(folder: Path) -> Case:
    return _reported(folder, _finished, "environment.json")


@again
def report_label_metrics(folder: Path) -> Case:
    return _reported(folder, _of_labels, "metrics.json")


@again
def report_labels(folder: Path) -> Case:
    """labels.csv as the page of a run of several labels reads it."""
    return _reported(folder, _of_labels, "labels.csv")
