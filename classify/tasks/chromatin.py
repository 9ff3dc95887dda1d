"""Chromatin features: windows with several labels each, of which any number hold, answered with one sigmoid a label.

Tables with a column for each label, FASTA pairs, tracks of peaks over a genome, or DeepSEA's files. A label may be missing:
it is then neither learnt from nor scored. Thresholds are chosen on validation, in the epoch that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.chromatin.arrays import array_examples, count_labels
from classify.chromatin.features import parse_feature, read_features
from classify.chromatin.inputs import ChromatinSettings
from classify.chromatin.scoring import DEFAULT_THRESHOLD, best_thresholds, feature_summary, label_aurocs
from classify.chromatin.tables import column_names, table_examples
from classify.chromatin.tracks import read_tracks, track_examples, track_names
from classify.examples import Examples
from classify.features import Feature
from classify.peaks.reading import Peak
from classify.targets import AT_ONCE, UNKNOWN, Labels, counted
from classify.tasks.base import Task, register_task
from specgen.errors import InputError
from specgen.files import expand

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ChromatinTask"]

COLUMNS = 20
"""Labels up to which ``predictions.csv`` has columns for each."""

COUNTED = 200_000_000
"""Labels of all training examples that are counted for ``labels.csv``; more are for weights alone."""


@register_task("chromatin")
class ChromatinTask(Task):
    """See the module's docstring."""

    Settings = ChromatinSettings
    about = "several labels of each window: tables, FASTA pairs, tracks of peaks over a genome, or DeepSEA's files"
    exclusive = False
    settings: ChromatinSettings

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._known: tuple[str, ...] = ()
        self._weights: NDArray[np.float32] | None = None
        self._counts: NDArray[np.int64] | None = None  # of training: (2, k) how many are 0, and 1

    @cached_property
    def _peaks(self) -> list[Peak]:
        return read_tracks(self.settings.tracks, expand(self.settings.root))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels."""
        return self._known or self._classes

    def know_classes(self, names: Sequence[str]) -> None:
        """See ``Task.know_classes``; neither tables nor tracks are read for names then."""
        self._known = tuple(names)

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        """The names that settings give, so that a run can be loaded without its data; else those that the data tells.

        Raises
        ------
        InputError
            No input, or one that cannot be read.
        """
        wanted, patterns = self._wanted, bool(self.settings.tracks.files)
        if wanted and not (patterns and any(mark in name for name in wanted for mark in "*?[")):
            return tuple(wanted)
        return self._told()

    @cached_property
    def _wanted(self) -> list[str]:
        """Names of labels that the settings give."""
        settings = self.settings
        return read_features(expand(settings.root) / expand(settings.names)) if settings.names else settings.labels

    def _told(self) -> tuple[str, ...]:
        """Names of the labels in the data, of those that are wanted.

        Raises
        ------
        InputError
            No input, one that cannot be read, or names that do not fit it.
        """
        settings, root, wanted = self.settings, expand(self.settings.root), self._wanted
        if settings.tracks.files:
            files = ", ".join(str(root / expand(path)) for path in settings.tracks.files)
            return track_names(self._peaks, wanted, files)
        if settings.arrays.train or settings.arrays.test:
            k = count_labels(settings.arrays, root)
            if wanted and len(wanted) != k:
                raise InputError(f"{settings.names or 'data.labels'}: names {len(wanted)} labels, the arrays have {k}")
            return tuple(wanted or (f"label_{i + 1}" for i in range(k)))
        for part in reversed(settings.parts):
            if part.files:
                return column_names(root / expand(part.files[0]), settings.sequence, wanted)
        raise InputError("data: expected files of sequences (data.train), tracks (data.tracks) or arrays (data.arrays)")

    @property
    def features(self) -> list[Feature]:
        """What the labels are."""
        return [parse_feature(name, self.settings.names_are) for name in self.classes]

    @property
    def window(self) -> int:
        return self.settings.window

    @property
    def blanks(self) -> int:
        # Bins of tracks that reach over an end of their contig are left out, and arrays have N where they have no base.
        return self.settings.window if self.settings.any_files and self.settings.short == "pad" else 0

    def load(self) -> Examples:
        """See ``Task.load``; every drop is counted in ``Examples.counts``.

        Raises
        ------
        InputError
            No input, one that cannot be read, or a split without what it needs.
        """
        self._told()  # names that are not there
        settings, root, classes = self.settings, expand(self.settings.root), self.classes
        if settings.tracks.files:
            examples = track_examples(settings.tracks, root, self._peaks, classes, settings.window, settings.split)
        elif settings.arrays.train or settings.arrays.test:
            examples = array_examples(settings.arrays, root, classes, settings.window, settings.split)
        else:
            examples = table_examples(
                settings.parts,
                root,
                settings.sequence,
                classes,
                settings.window,
                settings.short,
                settings.split,
                settings.linked,
            )
        return self._checked(examples)

    def _checked(self, examples: Examples) -> Examples:
        """The examples, once every split has some, and validation a label by which an epoch can be chosen."""
        for split in self.settings.split.splits:
            part = examples.part(split)
            if not len(part):
                raise InputError(f"data: no {split} examples; give more groups, larger fractions, or other chromosomes")
            # The labels of training may be gigabytes in a file, and nothing is scored by them.
            if split == "train" or part.targets is None:
                continue
            if not counted(part.targets, len(self.classes)).all(axis=0).any():
                raise InputError(
                    f"data: no label has both 0 and 1 among the {len(part)} {split} examples; nothing could be scored "
                    "(data.tracks.empty keeps bins without a label)"
                )
        return examples

    def begin(self, train: Examples) -> None:
        """Count the labels where ones are weighted, or where that is cheap."""
        balanced = self.settings.pos_weight == "balanced"
        if balanced or len(train) * len(self.classes) <= COUNTED:
            assert train.targets is not None
            self._counts = counted(train.targets, len(self.classes))
        if balanced and self._counts is not None:
            zeros, ones = self._counts
            weights = np.clip(zeros / np.maximum(ones, 1), 1 / self.settings.most_weight, self.settings.most_weight)
            self._weights = weights.astype(np.float32)

    def listed(self) -> tuple[list[str], list[list[Any]]]:
        """name, group, cell, factor and treatment of each label; training examples where it is known, and where it holds."""
        counts = [["", ""]] * len(self.classes)
        if self._counts is not None:
            counts = np.stack([self._counts.sum(axis=0), self._counts[1]], axis=1).tolist()
        columns = ["name", "group", "cell", "factor", "treatment"]
        rows = [
            [*(getattr(feature, column) for column in columns), *count]
            for feature, count in zip(self.features, counts, strict=True)
        ]
        return [*columns, "train_known", "train_positives"], rows

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean binary cross-entropy [nats] of logits (B, k) against ``labels`` int8 (B, k) over all that are known."""
        import torch
        from torch.nn import functional as F

        known = labels != UNKNOWN
        weights = None if self._weights is None else torch.from_numpy(self._weights).to(logits)
        losses = F.binary_cross_entropy_with_logits(
            logits, (labels == 1).to(logits), pos_weight=weights, reduction="none"
        )
        return torch.where(known, losses, torch.zeros_like(losses)).sum() / known.sum().clamp(min=1)

    def right(self, logits: Tensor, truth: Tensor) -> Tensor:
        """(B,) share of each example's known labels that lie on the right side of probability one half."""
        known = truth != UNKNOWN
        right = ((logits > 0) == (truth == 1)) & known
        return right.sum(1).double() / known.sum(1).clamp(min=1)

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each label by itself, float64 of any shape; rows have no sum."""
        from scipy.special import expit

        found: NDArray[np.float64] = expit(np.asarray(logits, dtype=np.float64))
        return found

    def quick_metrics(self, labels: NDArray[Any], logits: NDArray[np.float64]) -> dict[str, float]:
        """accuracy: share of known labels on the right side of one half; auroc: mean over labels that have one."""
        known = labels != UNKNOWN
        right = ((logits > 0) == (labels == 1)) & known
        aurocs = label_aurocs(labels.astype(np.int8), logits)
        return {"accuracy": float(right.sum() / max(1, known.sum())), "auroc": float(np.nanmean(aurocs))}

    def decide(self, labels: NDArray[Any], kept: NDArray[np.float64]) -> dict[str, Any]:
        """thresholds: probability of each label that gives the best F1 of validation."""
        found = best_thresholds(labels.astype(np.int8), self.probabilities(kept))
        return {"thresholds": dict(zip(self.classes, found.tolist(), strict=True))}

    def table(self, test: Examples, kept: NDArray[np.float64]) -> tuple[list[str], list[list[Any]]]:
        """Truth and probability of each label where there are few; else how many hold, and the likeliest.

        ``predictions.safetensors`` has all of them in any case.
        """
        if len(self.classes) <= COLUMNS:
            probabilities, truth = self.probabilities(kept), _truth(test)
            columns = [f"{kind}_{name}" for name in self.classes for kind in ("label", "p")]
            shown = {1: "1", 0: "0", UNKNOWN: ""}
            return columns, [
                [cell for label, p in zip(row, chances, strict=True) for cell in (shown[label], f"{p:.9g}")]
                for row, chances in zip(truth.tolist(), probabilities.tolist(), strict=True)
            ]
        assert test.targets is not None
        rows: list[list[Any]] = []
        for some in _pieces(len(test)):
            probabilities, truth = self.probabilities(kept[some]), test.targets.gather(some)
            best = probabilities.argmax(axis=1)
            held, known = (truth == 1).sum(axis=1), (truth != UNKNOWN).sum(axis=1)
            rows += [
                [int(known[i]), int(held[i]), self.classes[best[i]], f"{probabilities[i, best[i]]:.9g}"]
                for i in range(len(some))
            ]
        return ["labels_known", "labels_held", "likeliest", "p_likeliest"], rows

    def arrays(self, test: Examples, kept: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """probabilities float32 (n, k) and labels int8 (n, k); ``features`` of ``metrics.json`` names the columns."""
        probabilities = np.empty(kept.shape, dtype=np.float32)
        for some in _pieces(len(test)):
            probabilities[some] = self.probabilities(kept[some])
        return {"probabilities": probabilities, "labels": np.ascontiguousarray(_truth(test))}

    def body(self, test: Examples, kept: NDArray[np.float64], seed: int, decided: Mapping[str, Any]) -> dict[str, Any]:
        """See ``Task.body``; what is in it stands in ``chromatin.scoring``."""
        known = decided.get("thresholds", {})
        thresholds = np.array([known.get(name, DEFAULT_THRESHOLD) for name in self.classes])
        return {
            "answers": "label",
            **feature_summary(
                _truth(test), kept, thresholds, self.features, test.groups, seed, chance=self.probabilities
            ),
            "bounds": self.bounds(test),
            "by_kind": [],
        }


def _pieces(n: int) -> list[NDArray[np.int64]]:
    """Rows in order, some thousand at a time: a table of probabilities of all of them may be gigabytes."""
    return np.array_split(np.arange(n), max(1, n // AT_ONCE))


def _truth(test: Examples) -> Labels:
    """int8 (n, k)."""
    assert test.targets is not None
    return test.targets.gather(np.arange(len(test)))
