"""A network as a scikit-learn classifier of sequences: the one loop of ``training``, in a folder that is gone when it ends.

Conventions are scikit-learn's: parameters in the constructor, where nothing is decided; state with a trailing underscore; clones,
pipelines, searches and grouped cross-validation work. The global random state and number of threads are left as they were.
Reports, tests and checkpoints belong to run folders, which are made by ``python -m classify train``.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors.numpy import load_file
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d
from typing_extensions import Self

from classify.building import build_classifier
from classify.config import settings_from
from classify.evaluation import Loaded, predict_logits
from classify.examples import Examples, check_classes
from classify.hardware import choose
from classify.held_out import hold_out
from classify.module import average_tiles
from classify.settings import RunSettings
from classify.tasks.base import Task
from classify.training import fit
from specgen.errors import InputError
from specgen.estimator import letters_of
from specgen.sequences import Codes, gather_windows, tile_starts

__all__ = ["SequenceClassifier"]


@dataclass(frozen=True)
class _Given:
    """What a task of sequences that are there already has to know."""

    classes: tuple[str, ...]
    window: int


class _GivenTask(Task):
    """Exclusive classes of sequences in memory; it loads nothing, so it is not registered."""

    name = "sequences"
    about = "sequences in memory"

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.settings.classes)

    @property
    def window(self) -> int:
        return int(self.settings.window)


class SequenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Sequences to classes, by any registered network of windows.

    Parameters
    ----------
    model, model_options
        A registered model (``python -m classify list``), and keyword arguments of its builder.
    window
        nt that the network reads: random crops in training; in prediction tiles, whose logits are averaged. None = as many as
        the shortest sequence in ``fit`` has.
    epochs, batch_size, lr, weight_decay, patience
        See ``settings.TrainingSettings`` and ``OptimiserSettings``.
    validation_fraction
        Share of each class, whole groups, that the best epoch is chosen by; never learnt from.
    both_strands
        Whether half of the sequences are learnt from the other strand, and logits are means of both.
    threads
        CPU threads; results repeat bit for bit at one number of them.
    random_state
        Seed of weights, crops, order and the choice of validation groups, 0 to 2**32 - 1.
    settings
        Further settings as a configuration file would hold them, such as ``{"image": {"palette": "hue"}}``; parameters above win.

    Attributes
    ----------
    classes_
        Sorted labels; columns of ``predict_proba``.
    window_
        nt that the network reads.
    settings_
        Every setting of the run.
    weights_
        Tensors of the network by name, of the best epoch.

    Examples
    --------
    >>> model = SequenceClassifier("deepbind", epochs=3).fit(sequences, labels, groups=genes)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: str = "dilated_cnn",
        *,
        model_options: Mapping[str, Any] | None = None,
        window: int | None = None,
        epochs: int = 10,
        batch_size: int = 50,
        lr: float = 1e-3,
        weight_decay: float = 1e-2,
        patience: int = 0,
        validation_fraction: float = 0.15,
        both_strands: bool = False,
        threads: int = 1,
        random_state: int | np.random.RandomState | None = 0,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.model_options = model_options
        self.window = window
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.both_strands = both_strands
        self.threads = threads
        self.random_state = random_state
        self.settings = settings

    def fit(self, X: Sequence[Any], y: ArrayLike, groups: ArrayLike | None = None) -> Self:  # noqa: N803
        """Train, choosing the epoch by sequences that are held out.

        Parameters
        ----------
        X
            n sequences: texts, bytes or uint8 codes (L,).
        y
            (n,) labels of two classes or more.
        groups
            (n,) what must not lie on both sides of that choice, such as genes; equal sequences never do. A missing one (None,
            NaN) is a group of its own.

        Raises
        ------
        InputError
            Bad sequences, labels, groups or settings; a class with too few groups to hold one out.
        """
        self._check_parameters()
        letters = letters_of(X)
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        for name, column in (("y", labels), ("groups", groups)):
            if column is not None and len(np.asarray(column)) != len(letters):
                raise InputError(f"{name}: expected {len(letters)} entries as X has, got {len(np.asarray(column))}")
        self.classes_, index = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"y: expected at least two classes, got one class: {self.classes_[0]!r}")
        self.window_ = min(map(len, letters)) if self.window is None else self.window
        self._check_lengths(letters)
        self._network: Loaded | None = None
        # A number is the seed; scikit-learn's other two draw one.
        seed = self.random_state
        self.seed_ = int(seed) if isinstance(seed, Integral) else int(check_random_state(seed).randint(2**31))
        with tempfile.TemporaryDirectory(prefix="sequence_classifier_") as runs, _undisturbed():
            self.settings_ = self._run_settings(runs)
            examples = self._examples(letters, index, groups)
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                run, _ = fit(self.settings_, examples=examples, task=self._task())
            self.weights_ = load_file(run.weights)
        return self

    def predict_proba(self, X: Sequence[Any]) -> NDArray[np.float64]:  # noqa: N803
        """Probabilities (n, classes), of the mean logits of each sequence's tiles.

        Raises
        ------
        InputError
            Bad sequences, or one shorter than ``window_``.
        """
        check_is_fitted(self)
        letters = letters_of(X)
        self._check_lengths(letters)
        with _undisturbed():
            loaded = self._loaded()
            torch.set_num_threads(loaded.plan.threads)
            most = loaded.settings.training.test_tiles
            tiles = [
                gather_windows(codes, tile_starts(len(codes), self.window_, most=most), self.window_)
                for codes in letters
            ]
            logits = predict_logits(loaded, torch.from_numpy(np.concatenate(tiles)))
        rows = np.repeat(np.arange(len(tiles)), [len(part) for part in tiles])
        return loaded.task.probabilities(average_tiles(logits, rows, rows)[0])

    def predict(self, X: Sequence[Any]) -> NDArray[Any]:  # noqa: N803
        """(n,) the likeliest class of each sequence."""
        chosen: NDArray[Any] = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[chosen]
        return found

    def _check_parameters(self) -> None:
        window, share, settings = self.window, self.validation_fraction, self.settings
        if window is not None and (not isinstance(window, Integral) or window < 1):
            raise InputError(f"window: expected a whole number of nt from 1 on, or None, got {window!r}")
        if not isinstance(share, Real) or not 0 < share < 1:
            raise InputError(f"validation_fraction: expected a share above 0 and below 1, got {share!r}")
        for key in ("training", "optimiser", "augment"):
            if settings is not None and not isinstance(settings.get(key, {}), Mapping):
                raise InputError(f"settings[{key!r}]: expected a mapping, got {settings[key]!r}")

    def _check_lengths(self, letters: list[Codes]) -> None:
        if short := [i for i, codes in enumerate(letters) if len(codes) < self.window_]:
            raise InputError(
                f"X[{short[0]}]: expected at least the window of {self.window_} nt, got {len(letters[short[0]])}"
            )

    def _run_settings(self, runs: str) -> RunSettings:
        body = {key: dict(v) if isinstance(v, Mapping) else v for key, v in (self.settings or {}).items()}
        training = {key: getattr(self, key) for key in ("epochs", "batch_size", "patience", "threads")}
        own: dict[str, dict[str, Any]] = {
            "training": {**training, "progress": False, **({"both_strands": True} if self.both_strands else {})},
            "optimiser": {"lr": self.lr, "weight_decay": self.weight_decay},
            "augment": {"reverse_complement": 0.5} if self.both_strands else {},
        }
        for key, values in own.items():
            body[key] = {**body.get(key, {}), **values}
        body["training"].setdefault("keep_memory", False)  # it could not be taken back when the fit ends
        plain = {"model": self.model, "model_options": dict(self.model_options or {}), "runs": runs}
        return settings_from({**body, **plain, "seed": self.seed_, "name": "fit"}, "fit")

    def _task(self) -> Task:
        return _GivenTask(_Given(tuple(map(str, self.classes_)), self.window_))

    def _examples(self, letters: list[Codes], labels: NDArray[np.int64], groups: ArrayLike | None) -> Examples:
        named = None if groups is None else _group_names(np.asarray(groups, dtype=object))
        together, split = hold_out(letters, named, labels, self.validation_fraction, self.seed_)
        examples = Examples(
            classes=tuple(map(str, self.classes_)),
            ids=[str(i) for i in range(len(letters))],
            labels=labels.astype(np.int64),
            groups=together,
            chromosomes=[""] * len(letters),
            lengths=np.array([len(codes) for codes in letters], dtype=np.int64),
            split=split,
            sequences=letters,
            window=self.window_,
        )
        return check_classes(examples, splits=("train", "val"))

    def _loaded(self) -> Loaded:
        """The network; built once for each process, since it is not part of what is stored."""
        if self._network is None:
            task, plan = self._task(), choose(self.settings_.training)
            module = build_classifier(self.settings_, task, "codes", plan, fetch=False)
            module.model.load_state_dict({key: torch.from_numpy(value) for key, value in self.weights_.items()})
            self._network = Loaded(self.settings_, task, module.eval().to(plan.device), plan)
        return self._network

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        return {**state, "_network": None} if "_network" in state else state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = False, True, True
        return tags


def _group_names(groups: NDArray[Any]) -> list[str]:
    """A name for each group, and for each sequence of which it is not known."""
    unknown = pd.isna(groups).tolist()
    return [f"row {i}" if lost else f"group {name}" for i, (name, lost) in enumerate(zip(groups, unknown, strict=True))]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """While it lasts, random states and PyTorch's threads and rules may change; they are put back behind it."""
    threads, legacy = torch.get_num_threads(), np.random.get_state()
    strict = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        np.random.set_state(legacy)
        torch.use_deterministic_algorithms(strict[0], warn_only=strict[1])
        torch.set_num_threads(threads)
