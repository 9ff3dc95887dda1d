"""Motifs planted into made-up sequences, against sequences without them: what a network learns where the truth is known.

How sequences are made, and what a perfect detector reaches on them, is in ``classify.planted``; here they become examples.
Scores stand beside that ceiling and are told apart by sort of negative; planted places are kept as ``Examples.marks``.
Noise on what a network reads is no matter of the letters, see ``letters.noise`` of the run's settings.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from classify.examples import Examples, check_classes, drop_duplicates
from classify.planted.background import bases_of
from classify.planted.ceilings import Detector, detectors
from classify.planted.schemes import scheme_of
from classify.planted.settings import PlantingSettings
from classify.planted.simulation import plant
from classify.splits import SplitSettings, assign_splits
from classify.tasks.base import Task, register_task

__all__ = ["MotifsSettings", "MotifsTask"]


def _split() -> SplitSettings:
    return SplitSettings(test_fraction=0.2, val_fraction=0.1, seed=42)


@dataclass(frozen=True)
class MotifsSettings:
    """The ``data`` section for planted motifs.

    Attributes
    ----------
    simulate
        What is planted into what, see ``classify.planted.settings``.
    split
        70/10/20 by hash of each sequence's name, so about that; every sequence is a group of its own.
    """

    simulate: PlantingSettings = field(default_factory=PlantingSettings)
    split: SplitSettings = field(default_factory=_split)

    def __post_init__(self) -> None:
        scheme_of(self.simulate)


@register_task("motifs")
class MotifsTask(Task):
    """See the module's docstring."""

    Settings = MotifsSettings
    about = "planted motifs (one, a pair, a pair at a distance) against made-up sequences without them"
    settings: MotifsSettings

    @property
    def classes(self) -> tuple[str, ...]:
        return ("background", "motif")

    @property
    def window(self) -> int:
        return self.settings.simulate.length

    def load(self) -> Examples:
        """See ``Task.load``."""
        records = list(plant(self.settings.simulate))
        ids = [record.name for record in records]
        split = assign_splits(ids, [""] * len(ids), ids, self.settings.split)
        classes = self.classes
        examples = Examples(
            classes=classes,
            ids=ids,
            labels=np.array([record.positive for record in records], dtype=np.int64),
            groups=ids,
            chromosomes=[""] * len(ids),
            lengths=np.full(len(ids), self.window, dtype=np.int64),
            split=split,
            sequences=[record.codes for record in records],
            window=self.window,
            kinds=[record.kind for record in records],
            marks=[tuple((site.start, site.end) for site in record.sites) for record in records],
            counts={
                "simulated": {
                    classes[label]: sum(record.positive == label for record in records) for label in range(2)
                },
                **{f"kind_{name}": n for name, n in Counter(record.kind for record in records).items()},
            },
        )
        return check_classes(drop_duplicates(examples), splits=self.settings.split.splits)

    def bounds(self, test: Examples) -> dict[str, dict[str, float]]:
        """Ceilings: of each perfect detector in expectation, and what it reaches on these very sequences."""
        if test.sequences is None or not len(test):
            return {}
        bases = bases_of(np.stack(list(test.sequences)))
        found = {}
        for detector in self._detectors.values():
            found[detector.about] = detector.expected(test.kinds, test.labels)
            found[f"{detector.about}, on these sequences"] = detector.reached(test.kinds, test.labels, bases)
        return found

    @cached_property
    def _detectors(self) -> dict[str, Detector]:
        return detectors(self.settings.simulate)
