"""Run folders without weights, made up of labels and scores: what ``compare`` reads, written by no training."""

import csv
import json

import numpy as np
import yaml

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
