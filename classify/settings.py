"""The one configuration of a run, as frozen dataclasses that check themselves. Parsing lives in ``config``."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specgen.errors import InputError, UnknownName
from specgen.settings import ImageSettings

__all__ = [
    "AugmentSettings",
    "LetterSettings",
    "OptimiserSettings",
    "PreprocessSettings",
    "RunSettings",
    "TrainingSettings",
    "check_name",
]

MOST_BARCODES = 64
"""Examples of a barcode map: their rows are still told apart."""


def check_name(key: str, name: str) -> None:
    """Refuse (``InputError``, naming ``key``) a name that is no plain folder name of at most 200 characters."""
    if len(name) > 200:
        raise InputError(f"{key}: expected at most 200 characters, got {len(name)}")
    if not name or name.startswith(".") or set(name) & set("/\\\0"):
        raise InputError(f"{key}: expected a plain folder name, got {name!r}")


@dataclass(frozen=True)
class PreprocessSettings:
    """What is done to a picture before a 2D network sees it (torchvision.transforms.v2); each step is one switch.

    Attributes
    ----------
    scale
        Brightness as 0..1; off = 0..255.
    standardise
        Subtract ``mean`` and divide by ``std`` (in units of 0..1), all channels alike.
    blur
        Gaussian blur of ``blur_sigma`` pixels, the denoising of the published recipe.
    """

    scale: bool = True
    standardise: bool = True
    mean: float = 0.485
    std: float = 0.229
    blur: bool = False
    blur_sigma: float = 1.0

    def __post_init__(self) -> None:
        if self.std <= 0 or self.blur_sigma <= 0:
            raise InputError(f"preprocess: expected std and blur_sigma above 0, got {self.std} and {self.blur_sigma}")


@dataclass(frozen=True)
class AugmentSettings:
    """What is done to letters in training only.

    Attributes
    ----------
    reverse_complement
        Share of the sequences that are read from the other strand, 0 to 1. Transcripts have a strand; peaks have none.
    shift
        nt by which a window's letters are moved at most, in either direction; blanks come in, and letters at its ends are
        lost. For sites that may lie anywhere in their windows.
    reshuffle
        Negatives that are dinucleotide shuffles of positives are shuffled anew whenever they are drawn, so that no network
        sees one twice. Validation and test keep theirs.
    """

    reverse_complement: float = 0.0
    shift: int = 0
    reshuffle: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.reverse_complement <= 1:
            raise InputError(f"augment.reverse_complement: expected 0 to 1, got {self.reverse_complement}")
        if self.shift < 0:
            raise InputError(f"augment.shift: expected 0 nt or more, got {self.shift}")


@dataclass(frozen=True)
class LetterSettings:
    """How letters become numbers, for every model and in training, test and prediction alike.

    Attributes
    ----------
    noise
        Standard deviation of Gaussian noise on the indicators (0 and 1) of the four bases.
    seed
        Of the noise; a sequence's is decided by it and the letters alone.
    """

    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.noise < math.inf:
            raise InputError(f"letters.noise: expected a number of at least 0, got {self.noise}")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"letters.seed: expected a whole number from 0 to {2**32 - 1}, got {self.seed}")


@dataclass(frozen=True)
class OptimiserSettings:
    """Optimiser and learning-rate schedule.

    Attributes
    ----------
    name
        sgd or adamw.
    lr
        Peak learning rate.
    momentum
        For sgd.
    weight_decay
        L2 penalty (sgd) or decoupled decay (adamw).
    schedule
        constant, or cosine: linear warm-up over ``warmup`` of all steps, then half a cosine to zero.
    warmup
        Share of the steps, for the cosine schedule.
    clip
        Largest gradient norm; 0 = no clipping.
    """

    name: str = "adamw"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 1e-2
    schedule: str = "cosine"
    warmup: float = 0.1
    clip: float = 1.0

    def __post_init__(self) -> None:
        for key, known in (("name", ("sgd", "adamw")), ("schedule", ("constant", "cosine"))):
            if getattr(self, key) not in known:
                raise UnknownName(f"optimiser.{key}", getattr(self, key), known)
        if not 0 < self.lr < math.inf:
            raise InputError(f"optimiser.lr: expected a number above 0, got {self.lr}")
        for key, most in (("momentum", 1.0), ("weight_decay", math.inf), ("warmup", 1.0), ("clip", math.inf)):
            if not 0 <= getattr(self, key) <= most:
                raise InputError(f"optimiser.{key}: expected a number from 0 to {most:g}, got {getattr(self, key)}")


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how to train.

    Attributes
    ----------
    epochs
        Passes over the training examples (one random crop each).
    batch_size
        Examples per step of each process.
    order
        shuffled: every example once an epoch, in random order; slices: each batch a run of neighbours of one
        chromosome, as ExonSearch draws them.
    steps
        Batches of an epoch; 0 = as many as show every example once.
    accumulate
        Steps whose gradients are added up before the weights move; less memory than a larger ``batch_size``.
    patience
        Epochs without a better ``monitor`` before stopping; 0 = never stop early.
    cpu_minutes
        CPU minutes after which training ends, with a validation, within an epoch, too; 0 = no limit. For equal budgets of
        models: give more epochs than fit in, and a constant learning rate, since a schedule spans all epochs.
    monitor
        val_auroc, val_accuracy or val_loss: decides the best checkpoint.
    precision
        auto, 32-true or bf16-mixed; auto is bf16 where the processor has it.
    memory_format
        auto, channels_last or contiguous, of pictures and convolutions.
    compile
        torch.compile the model: minutes at the start, for GPUs and long runs.
    threads
        CPU threads; 0 = all that the process may use. Results repeat bit for bit at one thread count.
    keep_memory
        On a CPU, keep freed memory for the next step: faster, with a higher peak.
    workers
        Loader processes. Crops of letters take microseconds; picture files are worth a process or two.
    prefetch
        Batches that each loader process is ahead.
    pin_memory
        Batches in page-locked memory; null = where there is a GPU.
    checkpoint_minutes
        Minutes between checkpoints within an epoch; 0 = at ends of epochs only.
    val_tiles
        Most windows per sequence whose logits are averaged in validation.
    test_tiles
        The same in the test and in prediction; the mean of several is better than one of them alone.
    both_strands
        Logits of validation, test and prediction are the mean of those of a window and of its reverse complement.
    barcodes
        Validation examples whose probabilities are kept of each epoch, for barcode maps; 0 = none. They change no result.
    progress
        Show progress bars.
    """

    epochs: int = 10
    batch_size: int = 50
    order: str = "shuffled"
    steps: int = 0
    accumulate: int = 1
    patience: int = 0
    cpu_minutes: float = 0.0
    monitor: str = "val_auroc"
    precision: str = "auto"
    memory_format: str = "auto"
    compile: bool = False
    threads: int = 0
    keep_memory: bool = True
    workers: int = 0
    prefetch: int = 2
    pin_memory: bool | None = None
    checkpoint_minutes: float = 10.0
    val_tiles: int = 1
    test_tiles: int = 8
    both_strands: bool = False
    barcodes: int = 0
    progress: bool = True

    def __post_init__(self) -> None:
        for key, known in (
            ("monitor", ("val_auroc", "val_accuracy", "val_loss")),
            ("precision", ("auto", "32-true", "bf16-mixed")),
            ("memory_format", ("auto", "channels_last", "contiguous")),
            ("order", ("shuffled", "slices")),
        ):
            if getattr(self, key) not in known:
                raise UnknownName(f"training.{key}", getattr(self, key), known)
        some = ("epochs", "batch_size", "accumulate", "prefetch", "val_tiles", "test_tiles")
        any_ = ("steps", "checkpoint_minutes", "patience", "cpu_minutes", "threads", "workers")
        for key, least in (*((key, 1) for key in some), *((key, 0) for key in any_)):
            if not least <= getattr(self, key) < math.inf:
                raise InputError(f"training.{key}: expected at least {least}, got {getattr(self, key)}")
        if not 0 <= self.barcodes <= MOST_BARCODES:
            raise InputError(f"training.barcodes: expected 0 to {MOST_BARCODES}, got {self.barcodes}")


@dataclass(frozen=True)
class RunSettings:
    """Everything that decides a run; ``config.yaml`` of the run folder holds it.

    Attributes
    ----------
    task
        A registered task; its settings are ``data``.
    model
        A registered model, or ``timm:<name>``.
    model_options
        Keyword arguments of the model's builder.
    data
        The task's own settings dataclass.
    letters
        How letters become numbers.
    image, preprocess
        How letters become pictures, for models that read pictures.
    augment
        What training does to letters first.
    seed
        Of weights, crops and order; the split has its own.
    name
        Folder of this run: ``<runs>/<task>/<model>/<name>``.
    runs
        Folder of all runs.
    """

    task: str = "coding"
    model: str = "conv5"
    model_options: dict[str, Any] = field(default_factory=dict)
    data: Any = None
    letters: LetterSettings = field(default_factory=LetterSettings)
    image: ImageSettings = field(default_factory=ImageSettings)
    preprocess: PreprocessSettings = field(default_factory=PreprocessSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    seed: int = 0
    name: str = "default"
    runs: str = "runs"

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise InputError(f"seed: expected a whole number from 0 to {2**32 - 1}, got {self.seed}")
        check_name("name", self.name)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.runs) / self.task / self.model.replace(":", "-").replace("/", "-") / self.name
