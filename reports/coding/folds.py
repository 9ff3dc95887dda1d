"""Models over all chromosomes: folds pooled, each record scored by a model that has not seen its chromosome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import norm

from classify.metrics import grouped_bootstrap
from classify.reporting.answered import WindowRun
from classify.reporting.finished import read_finished
from classify.significance import delong_test, holm, mcnemar

__all__ = ["folds_table"]


def folds_table(runs: Path, names: Sequence[str], finished: Callable[[Path], bool], against: str) -> str:
    """Markdown: accuracy of the pooled records, mean AUROC of the folds, paired tests against a model.

    Parameters
    ----------
    runs
        Holds ``<model>/<name>``.
    names
        Of the runs, one for each fold; models without a finished run of each are left out.
    against
        The model that the others are tested against: McNemar on all records; DeLong in each fold, whose differences
        are added up. Holm over the models of the table.
    """
    models = sorted({path.parent.name for path in runs.glob(f"*/{names[-1]}")})
    held = {
        model: [read_finished(runs / model / name) for name in names]
        for model in models
        if all(finished(runs / model / name) for name in names)
    }
    if against not in held:
        return "*Not made yet.*\n"
    reference = held[against]
    rows, areas, counts = [], [], []
    for model, runs_of in held.items():
        labels = np.concatenate([run.labels for run in runs_of])
        probabilities = np.concatenate([run.probabilities for run in runs_of])
        groups = np.concatenate([np.asarray(run.table["group"]) for run in runs_of])
        pooled = grouped_bootstrap(labels, probabilities, groups, positive=1)
        area = float(np.mean([delong_test(run.labels == 1, _scores(run), (1.0,)).difference for run in runs_of]))
        rows.append((model, len(labels), pooled["accuracy"], area))
        tests = [
            delong_test(mine.labels == 1, np.stack([*_scores(mine), *_scores(theirs)]), (1.0, -1.0))
            for mine, theirs in zip(runs_of, reference, strict=True)
        ]
        error = np.sqrt(sum(test.error**2 for test in tests))
        areas.append(float(2 * norm.sf(abs(sum(test.difference for test in tests)) / error)) if error else np.nan)
        right = [np.concatenate([_right(run) for run in side]) for side in (runs_of, reference)]
        counts.append(mcnemar(*right))
    by_area, by_count = (
        holm(areas),
        holm([c.p if row[0] != against else np.nan for c, row in zip(counts, rows, strict=True)]),
    )
    lines = [
        "| model | records | accuracy | mean AUROC of the folds | AUROC, p (Holm) | accuracy, p (Holm) | only one right |",
        "|" + " --- |" * 7,
    ]
    for i in sorted(range(len(rows)), key=lambda i: -rows[i][2].value):
        model, n, accuracy, area = rows[i]
        cells = [model, f"{n:,}", f"{accuracy.value:.4f} [{accuracy.low:.4f}, {accuracy.high:.4f}]", f"{area:.4f}"]
        if model != against:
            cells += [_p(by_area[i]), _p(by_count[i]), f"{counts[i].ours} : {counts[i].theirs}"]
        lines.append("| " + " | ".join([*cells, *[""] * (7 - len(cells))]) + " |")
    return "\n".join(lines) + "\n"


def _scores(run: WindowRun) -> np.ndarray:
    return run.probabilities[:, 1][None]


def _right(run: WindowRun) -> np.ndarray:
    right: np.ndarray = run.probabilities.argmax(axis=1) == run.labels
    return right


def _p(value: float) -> str:
    return "" if np.isnan(value) else "< .0001" if value < 1e-4 else f"{value:.4f}"
