"""What a sweep is: what all trials share, what is searched, and how long. No torch and no Optuna here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from specgen.errors import InputError, UnknownName

__all__ = ["PRUNERS", "SAMPLERS", "StudySettings"]

SAMPLERS = ("tpe", "random", "grid")
PRUNERS = ("median", "halving", "hyperband", "none")
MONITORS = ("val_auroc", "val_accuracy", "val_loss")


@dataclass(frozen=True)
class StudySettings:
    """How the space is searched.

    Attributes
    ----------
    name
        Of the study: its trials are the run folders ``<runs>/<task>/<model>/<name>_<number>``.
    trials
        Trainings, pruned and failed ones included. Combinations that do not exist cost nothing and do not count.
    seed
        Of what is drawn; the base's ``seed`` is that of each training.
    sampler
        tpe: tree-structured Parzen estimator; random; grid: every combination once, in an order drawn by ``seed``.
    pruner
        Which trainings stop early: median: those below the median of the others at the same epoch; halving: all but
        the best share at each rung; hyperband: several such brackets; none.
    monitor
        val_auroc, val_accuracy or val_loss: what trials are judged by, and their epochs.
    rungs
        Epochs after which pruning is decided. Empty = each epoch for median, 1, 3, 9, ... for the others, which need a
        geometric series of a whole ratio.
    startup
        Whole trainings before the median prunes any, and drawn at random before tpe looks at results.
    minutes
        No training is begun when this call has taken so long; 0 = no limit.
    keep_weights
        Keep the weights and checkpoints of ended trials.
    """

    name: str = "sweep"
    trials: int = 20
    seed: int = 0
    sampler: str = "tpe"
    pruner: str = "median"
    monitor: str = "val_auroc"
    rungs: list[int] = field(default_factory=list)
    startup: int = 5
    minutes: float = 0.0
    keep_weights: bool = False

    def __post_init__(self) -> None:
        for key, known in (("sampler", SAMPLERS), ("pruner", PRUNERS), ("monitor", MONITORS)):
            if getattr(self, key) not in known:
                raise UnknownName(f"study.{key}", getattr(self, key), known)
        for key, least in (("trials", 1), ("startup", 1), ("minutes", 0), ("seed", 0)):
            if not getattr(self, key) >= least:
                raise InputError(f"study.{key}: expected at least {least}, got {getattr(self, key)}")
        if not self.name or self.name.startswith(".") or set(self.name) & set("/\\\0") or len(self.name) > 150:
            raise InputError(f"study.name: expected a plain folder name of at most 150 characters, got {self.name!r}")
        if any(rung < 1 for rung in self.rungs) or sorted(set(self.rungs)) != self.rungs:
            raise InputError(f"study.rungs: expected ascending epochs from 1, got {self.rungs}")
        if self.pruner in ("halving", "hyperband"):
            first, ratio = self.series
            if self.rungs and self.rungs != [first * ratio**i for i in range(len(self.rungs))]:
                raise InputError(
                    f"study.rungs: pruner {self.pruner} expects a geometric series of a whole ratio, such as "
                    f"{[first, 3 * first, 9 * first]}, got {self.rungs}"
                )

    @property
    def series(self) -> tuple[int, int]:
        """First rung and ratio of the rungs of halving and hyperband."""
        first = self.rungs[0] if self.rungs else 1
        return first, max(2, self.rungs[1] // first) if len(self.rungs) > 1 else 3

    @property
    def direction(self) -> str:
        """minimize or maximize."""
        return "minimize" if self.monitor == "val_loss" else "maximize"

    def decides(self, epoch: int) -> bool:
        """Whether pruning is decided after ``epoch``, counted from 1."""
        if self.pruner == "none":
            return False
        if self.pruner == "median":
            return not self.rungs or epoch in self.rungs
        rung, ratio = self.series
        while rung < epoch:
            rung *= ratio
        return rung == epoch

    def folder(self, out: str, runs: str) -> Path:
        """Folder of storage, tables and figures: ``out``, else ``<runs>/sweeps/<name>``."""
        return Path(out) if out else Path(runs) / "sweeps" / self.name
