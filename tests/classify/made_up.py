"""Run folders without weights, made up of labels and scores: what ``compare`` reads, written by no training."""

import csv
import json

import numpy as np
import yaml
from safetensors.numpy import save_file

from classify.chromatin.scoring import feature_summary
from classify.features import Feature
from classify.language.scoring import perplexity_summary
from classify.metrics import summary

CLASSES = ["LNSD", "CDN"]


def make_run(
    folder,
    labels,
    probabilities,
    *,
    model="conv3",
    seed=0,
    classes=CLASSES,
    groups=None,
    ids=None,
    settings=None,
    val_auroc=None,
    gc=True,
    lengths=None,
    task="coding",
    cost=None,
):
    """A finished run of ``probabilities`` (n,) of the last of two classes, or (n, k)."""
    labels = np.asarray(labels)
    rows = np.asarray(probabilities, dtype=float)
    rows = np.column_stack([1 - rows, rows]) if rows.ndim == 1 else rows
    n, k = rows.shape
    groups = [f"gene{i}" for i in range(n)] if groups is None else groups
    ids = [f"rec{i}" for i in range(n)] if ids is None else ids
    lengths = 600 + 10 * np.arange(n) if lengths is None else lengths
    folder.mkdir(parents=True)
    with (folder / "predictions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        columns = ["id", "group", "chromosome", "length", *(["gc"] if gc else []), "tiles", "label", "predicted"]
        writer.writerow([*columns, *(f"p_{name}" for name in classes)])
        for i in range(n):
            share = [f"{(i % 10) / 10:g}"] if gc else []
            row = [ids[i], groups[i], "1", int(lengths[i]), *share, 1, classes[labels[i]], classes[rows[i].argmax()]]
            writer.writerow([*row, *(repr(float(value)) for value in rows[i])])
    config = {"task": task, "model": model, "seed": seed, "name": folder.name, "runs": str(folder.parent)}
    config |= {"training": {"epochs": 3, "threads": seed}, **(settings or {})}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    training = {"best_epoch": 2, "epochs_run": 3, "monitor": "val_auroc"}
    if val_auroc is not None:
        lines = ["epoch,train_loss,train_accuracy,val_loss,val_accuracy,val_auroc,lr,seconds"]
        lines += [f"{epoch},1,0.5,1,0.5,{value},0.001,1" for epoch, value in ((1, 0.5), (2, val_auroc), (3, 0.6))]
        (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    body = {
        **{"task": task, "model": model, "name": folder.name, "split": "test", "command": "train"},
        **{"model_note": f"note of {model}", "data": {"records_read": dict.fromkeys(classes, n)}},
        "training": training,
        **summary(labels, rows, groups, list(classes), 1 if k == 2 else None, resamples=10),
        "cost": {"wall_seconds": 60.0 * (1 + seed), "parameters": 1000, "examples_seen": 300, **(cost or {})},
    }
    (folder / "metrics.json").write_text(json.dumps(body))
    return folder


def _write(folder, table, body, *, task, model, seed, training):
    """A run folder of rows ``table`` (dicts) that answers for something else than windows."""
    with (folder / "predictions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    config = {"task": task, "model": model, "seed": seed, "name": folder.name, "runs": str(folder.parent)}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    told = {
        "task": task,
        "model": model,
        "name": folder.name,
        "split": "test",
        "command": "train",
        "training": training,
    }
    cost = {"wall_seconds": 60.0, "cpu_seconds": 90.0, "parameters": 10, "peak_rss_bytes": 2**20}
    (folder / "metrics.json").write_text(json.dumps({**told, **body, "cost": cost}))
    return folder


def make_labels(
    folder, truth, chances, *, model="deepsea", seed=0, groups=None, names=None, threshold=0.5, val_auroc=None
):
    """A finished run of several labels: truth and probabilities (n, k)."""
    truth, chances = np.asarray(truth, dtype=np.int8), np.asarray(chances, dtype=np.float32)
    n, k = truth.shape
    groups = [f"block{i}" for i in range(n)] if groups is None else groups
    features = [Feature(name, group="TF") for name in (names or [f"f{j}" for j in range(k)])]
    folder.mkdir(parents=True)
    save_file({"labels": truth, "probabilities": chances}, folder / "predictions.safetensors")
    rows = [{"id": f"w{i}", "group": groups[i], "length": 600, "gc": f"{(i % 10) / 10:g}"} for i in range(n)]
    body = feature_summary(truth, chances.astype(float), np.full(k, threshold), features, groups, 0, resamples=20)
    training = {"best_epoch": 1, "epochs_run": 2, **({} if val_auroc is None else {"val_auroc": val_auroc})}
    body = {"answers": "label", **body}
    return _write(folder, rows, body, task="chromatin", model=model, seed=seed, training=training)


def make_bases(folder, sums, *, model="gru_lm", seed=0, groups=None, ids=None, val_loss=None):
    """A finished run of the next base: nats, right answers and bases (n, 3) of windows."""
    sums = np.asarray(sums, dtype=float)
    groups = [f"stretch{i // 3}" for i in range(len(sums))] if groups is None else groups
    folder.mkdir(parents=True)
    rows = []
    for i, (nats, right, bases) in enumerate(sums.tolist()):
        shares = [f"{nats / bases / np.log(2):.9g}", f"{right / bases:.9g}"] if bases else ["", ""]
        row = {"id": ids[i] if ids else f"c:{i}", "group": groups[i], "length": 100, "gc": f"{(i % 10) / 10:g}"}
        rows.append(row | {"bases": int(bases), "bits_per_base": shares[0], "accuracy": shares[1]})
    bounds = {"Markov chain": {"perplexity": 3.5, "bits_per_base": float(np.log2(3.5))}}
    body = {"answers": "position", **perplexity_summary(sums, groups, 0, resamples=20), "bounds": bounds}
    training = {"best_epoch": 1, "epochs_run": 2, **({} if val_loss is None else {"val_loss": val_loss})}
    return _write(folder, rows, body, task="language", model=model, seed=seed, training=training)
