"""What is exported of a run: indicators or codes in, probabilities and logits out, as one module that can be traced.

The front end is inside: letters to signal, STFT, colours and preprocessing, in float32 and real arithmetic. What the graph says
is held against the run itself (``differences``), whatever the format. No file is written here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.transforms import v2

import specgen
from classify.evaluation import Loaded, predict_logits, run_settings
from classify.prediction import load_reader
from classify.runs import RunFolder
from classify.tasks import TASKS
from classify.views import SpectrogramView
from specgen.errors import InputError, UnknownName
from specgen.portable import PortableImager
from specgen.sequences import BASES, INDICATORS, LETTERS, Codes

__all__ = [
    "INPUTS", "TOLERANCE", "Answers", "Graph", "check_answers", "describe", "example_windows", "indicators", "load_portable",
    "reference",
]  # fmt: skip

INPUTS = ("onehot", "codes")
"""What a graph can read: float32 indicators (B, 4, window), or uint8 codes (B, window)."""

TOLERANCE = 1e-4
"""Greatest difference of a probability, and of a logit relative to the greatest one (at least 1), from the run's own."""


class Answers(NamedTuple):
    """Of windows: probabilities and logits, (B, k) or (B, k, window)."""

    probabilities: NDArray[np.floating[Any]]
    logits: NDArray[np.floating[Any]]


class _Blur(nn.Module):
    """torchvision's Gaussian blur of one sigma, without the draw of it: pictures (B, 3, H, W), mirrored at the edges."""

    kernel: Tensor

    def __init__(self, blur: v2.GaussianBlur) -> None:
        super().__init__()
        kernels = []
        for size in reversed(blur.kernel_size):
            places = torch.arange(size) - (size - 1) / 2
            kernels.append((-0.5 * (places / blur.sigma[0]).square()).softmax(0))
        self.pads = [side for size in blur.kernel_size for side in (size // 2, size // 2)]
        self.register_buffer("kernel", torch.outer(*kernels).expand(3, 1, -1, -1).clone(), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        padded = nn.functional.pad(pictures, self.pads, mode="reflect")
        return nn.functional.conv2d(padded, self.kernel, groups=3)


def _plain(step: nn.Module) -> nn.Module:
    """A step of preprocessing as one that can be traced."""
    return _Blur(step) if isinstance(step, v2.GaussianBlur) else step


class Graph(nn.Module):
    """View, model, both strands and probabilities of a run in one forward pass.

    Parameters
    ----------
    loaded
        As ``load_portable`` gives it.
    reads
        One of ``INPUTS``.

    Raises
    ------
    UnknownName
        Another input.
    """

    table: Tensor

    def __init__(self, loaded: Loaded, reads: str) -> None:
        super().__init__()
        if reads not in INPUTS:
            raise UnknownName("input", reads, INPUTS)
        self.reads, self.exclusive = reads, loaded.task.exclusive
        self.both = loaded.settings.training.both_strands
        view, self.model = loaded.module.view, loaded.module.model
        if isinstance(view, SpectrogramView):
            self.front: nn.Module = nn.Sequential(PortableImager(view.imager), *map(_plain, view.preprocess))
        else:  # indicators are what the others of letters read
            self.front = nn.Identity()
        self.register_buffer("table", torch.from_numpy(INDICATORS.copy()), persistent=False)

    def forward(self, letters: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and logits of what ``reads`` says."""
        onehot = self.table[letters.long()].transpose(1, 2) if self.reads == "codes" else letters
        logits: Tensor = self.model(self.front(onehot))
        if self.both:  # A, C, G, T from the end are the complements of T, G, C, A
            logits = (logits + self.model(self.front(onehot.flip((1, 2))))) / 2
        return logits.softmax(1) if self.exclusive else logits.sigmoid(), logits


def indicators(codes: Codes) -> NDArray[np.float32]:
    """uint8 codes (B, L) to float32 (B, 4, L), rows A, C, G, T: what a graph that reads "onehot" wants."""
    return np.ascontiguousarray(INDICATORS[codes].transpose(0, 2, 1))


def load_portable(run: Path) -> Loaded:
    """A trained run on the CPU in float32, checked for what no graph can hold.

    Raises
    ------
    InputError
        As ``load_run``; a run of picture files, whose letters are not known; noise that is a hash of the letters.
    """
    task = TASKS[run_settings(run).task]
    loaded = load_reader(run, answers=task.answers)
    if loaded.settings.letters.noise:
        raise InputError(
            f"{run}: letters.noise is {loaded.settings.letters.noise:g}; noise drawn from a hash of the letters is no "
            "operation of a graph, expected 0"
        )
    plan = replace(loaded.plan, device="cpu", precision="32-true")
    return loaded._replace(module=loaded.module.float().cpu().eval(), plan=plan)


def example_windows(window: int, n: int = 5, seed: int = 0) -> Codes:
    """uint8 (n, window): random bases; the second has a quarter of N, and blank letters end the third."""
    rng = np.random.default_rng(seed)
    codes = (1 << rng.integers(0, 4, (n, window))).astype(np.uint8)
    codes[1:2, rng.random(window) < 0.25] = 15
    codes[2:3, window - window // 4 :] = 0
    return codes


def reference(loaded: Loaded, codes: Codes) -> Answers:
    """What the run itself says of windows, as ``predict`` would: view, model and probabilities without any of ``Graph``."""
    logits = predict_logits(loaded, torch.from_numpy(codes))
    return Answers(loaded.task.probabilities(logits.astype(np.float64)), logits)


def check_answers(found: Answers, expected: Answers, what: str) -> float:
    """The greatest difference of a probability.

    Raises
    ------
    InputError
        A difference beyond ``TOLERANCE``, or a number that is none.
    """
    far = float(np.abs(found.probabilities - expected.probabilities).max())
    size = max(1.0, float(np.abs(expected.logits).max()))
    logits = float(np.abs(found.logits - expected.logits).max()) / size
    if not (far <= TOLERANCE and logits <= TOLERANCE):  # nor is a number that is none
        raise InputError(
            f"{what}: differs from the run by {far:.1e} in a probability and by {logits:.1e} of the greatest logit, "
            f"expected at most {TOLERANCE:g}; nothing was written"
        )
    return far


def describe(run: Path, loaded: Loaded, reads: str) -> dict[str, str]:
    """What somebody with the file alone has to know, as texts; lists and numbers are JSON."""
    task, settings = loaded.task, loaded.settings
    alphabet = BASES if reads == "onehot" else LETTERS
    decided = RunFolder(run).read_decided()
    body: dict[str, Any] = {
        "task": settings.task,
        "model": settings.model,
        # Of positions the answers are the next base; the classes of such a task tell genomes apart.
        "classes": list(task.classes if task.answers == "window" else BASES),
        "exclusive": task.exclusive,
        "answers": task.answers,
        "input": reads,
        "alphabet": alphabet,
        "window": task.window,
        "cut": task.cut,
        "both_strands": settings.training.both_strands,
        "threshold": decided.get("thresholds", decided or 0.5),
        "seed": settings.seed,
        "weights_sha256": hashlib.sha256(RunFolder(run).weights.read_bytes()).hexdigest(),
        "specgen": specgen.__version__,
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in body.items()}
