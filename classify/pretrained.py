"""A trained network in the layout of model hubs: config.json, model.safetensors and README.md in a folder, and back.

``save_pretrained``, ``from_pretrained`` and ``push_to_hub`` are huggingface_hub's; what is here is what they write and read.
Nothing in the folder is pickled, and no path of the machine that trained is in it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import ModelHubMixin, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from typing_extensions import Self

from classify.building import build_classifier
from classify.config import settings_from
from classify.evaluation import Loaded, predict_logits, run_settings
from classify.hardware import choose
from classify.labels import check_labels, labels_of
from classify.model_card import model_card
from classify.module import Classifier
from classify.prediction import load_reader
from classify.settings import RunSettings
from classify.tasks import TASKS
from specgen.errors import InputError, first_line
from specgen.estimator import letters_of
from specgen.files import read_json, write_atomic

__all__ = ["PretrainedClassifier", "without_places"]

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
FORMAT = 1
"""Of config.json; raised when what is written can no longer be read by what reads the one before."""

_ABSOLUTE = re.compile(r"^(?:[/~$\\]|[A-Za-z]:[/\\])")


def without_places(value: Any) -> Any:
    """Plain data whose absolute paths (also those from ``~``, ``$`` or a drive) are the last name of them alone."""
    if isinstance(value, Mapping):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(item) for item in value]
    if isinstance(value, str) and _ABSOLUTE.match(value):
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return value


class PretrainedClassifier(nn.Module, ModelHubMixin):  # type: ignore[misc]
    """A trained network with its view and the meaning of its outputs.

    Parameters
    ----------
    run_settings
        Every setting of the run; paths in it are not read.
    tensors
        The network's weights by name.
    card
        Text of README.md.
    labels
        Of a task whose examples may have several labels, and of no other: what each is, see ``labels.labels_of``. The settings
        may only say which file names them, and no file is read for that.

    Attributes
    ----------
    labels
        name, cell, factor, treatment, group and threshold of each output, in order; empty where classes exclude one another.

    Raises
    ------
    InputError
        Weights of another network; labels of a task whose classes exclude one another, or none of one whose do not.
    """

    classifier: Classifier

    def __init__(
        self,
        run_settings: RunSettings,
        tensors: Mapping[str, Tensor],
        card: str = "",
        labels: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__()
        self.run_settings, self.card = run_settings, card
        self.task, self.plan = TASKS[run_settings.task](run_settings.data), choose(run_settings.training)
        if bool(labels) == self.task.exclusive:
            wanted = "none" if labels else "some (a folder of an earlier version has none: export the run once more)"
            raise InputError(f"labels: expected {wanted} of task {self.task.name!r}, got {len(labels)}")
        if labels:
            self.task.know_classes([label["name"] for label in labels])
        self.labels = [dict(label) for label in labels]
        self.classifier = build_classifier(run_settings, self.task, "codes", self.plan, fetch=False)
        try:
            self.classifier.model.load_state_dict(dict(tensors))
        except RuntimeError as error:
            raise InputError(
                f"{WEIGHTS}: does not hold the weights of model {run_settings.model!r} ({first_line(error)})"
            ) from None
        self.eval()

    @classmethod
    def from_run(cls, run: Path) -> Self:
        """A finished run, with the card that its folder gives.

        Raises
        ------
        InputError
            As ``load_run``; a run of picture files; a run without metrics.
        """
        task = TASKS[run_settings(run).task]
        loaded = load_reader(run, answers=task.answers)
        tensors, labels = loaded.module.model.state_dict(), labels_of(run, loaded.task)
        return cls(loaded.settings, tensors, model_card(run, loaded.task), labels)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs' classes, or of their labels where an example may have several."""
        return self.task.classes

    @property
    def thresholds(self) -> dict[str, float]:
        """Probability from which each label is called, by name, as validation chose it; empty without ``labels``."""
        return {label["name"]: label["threshold"] for label in self.labels}

    @property
    def window(self) -> int:
        """nt that the network reads."""
        return self.task.window

    def forward(self, letters: Tensor) -> Tensor:
        """uint8 codes (B, window) to float32 logits, both strands' mean where the run says so."""
        logits: Tensor = self.classifier.scored(letters)
        return logits

    def predict_proba(self, sequences: Sequence[Any]) -> NDArray[np.float64]:
        """Probabilities (n, k) of sequences of exactly ``window`` nt: texts, bytes or codes.

        Raises
        ------
        InputError
            Another length, or what is no sequence.
        """
        codes = letters_of(sequences)
        if other := [i for i, item in enumerate(codes) if len(item) != self.window]:
            raise InputError(f"X[{other[0]}]: expected {self.window} nt, got {len(codes[other[0]])}")
        loaded = Loaded(self.run_settings, self.task, self.classifier.to(self.plan.device), self.plan)
        logits = predict_logits(loaded, torch.from_numpy(np.stack(codes)))
        return self.task.probabilities(logits.astype(np.float64))

    def predict_named(self, sequences: Sequence[Any]) -> list[dict[str, float]]:
        """Probabilities of each sequence by the names of ``classes``, in their order.

        Raises
        ------
        InputError
            As ``predict_proba``; a network that answers for each position, and so has no verdict on a sequence.
        """
        if self.task.answers != "window":
            raise InputError(f"{self.run_settings.model}: answers for each {self.task.answers}; see predict_proba")
        return [dict(zip(self.classes, row, strict=True)) for row in self.predict_proba(sequences).tolist()]

    def predict(self, sequences: Sequence[Any]) -> list[list[str]]:
        """Names that are called for each sequence, the likeliest first: labels that reach their thresholds, any number of them;
        of classes that exclude one another the likeliest alone.

        Raises
        ------
        InputError
            As ``predict_named``.
        """
        thresholds, called = self.thresholds, []
        for named in self.predict_named(sequences):
            names = sorted(named, key=lambda name: -named[name])
            called.append([name for name in names if named[name] >= thresholds[name]] if thresholds else names[:1])
        return called

    def _save_pretrained(self, save_directory: Path) -> None:
        # The card and the configuration are there before the library looks for them: it writes none of its own.
        body = {"format": FORMAT, "library": "specgen", "run": without_places(dataclasses.asdict(self.run_settings))}
        body["run"]["runs"] = "runs"
        if self.labels:
            body["labels"] = self.labels
        weights = {key: value.cpu().contiguous() for key, value in self.classifier.model.state_dict().items()}
        write_atomic(save_directory / WEIGHTS, save(weights))
        write_atomic(save_directory / CONFIG, json.dumps(body, indent=2) + "\n")
        write_atomic(save_directory / CARD, self.card)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> Self:
        """A folder of ``save_pretrained``, or a repository of a hub; ``options`` are the library's.

        Raises
        ------
        InputError
            No such folder or repository, one that is damaged, or no connection.
        """
        place = str(pretrained_model_name_or_path)
        config = Path(place) / CONFIG
        if config.is_file():  # the library reads it first, and has no message for it
            read_json(config, "")
        try:
            made: Self = super().from_pretrained(pretrained_model_name_or_path, **options)
        except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError) as error:
            reason = first_line(error)
            raise InputError(
                f"{place}: no such folder, and no repository of a hub that can be reached ({reason})"
            ) from None
        return made

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **ignored: Any,
    ) -> Self:
        folder = Path(model_id)
        paths = {name: folder / name for name in (CONFIG, WEIGHTS, CARD)}
        if not folder.is_dir():
            options: dict[str, Any] = {"revision": revision, "cache_dir": cache_dir, "force_download": force_download}
            options |= {"local_files_only": local_files_only, "token": token}
            for name in (CONFIG, WEIGHTS):
                paths[name] = Path(hf_hub_download(model_id, name, **options))
            with suppress(EntryNotFoundError):  # a model works without its card
                paths[CARD] = Path(hf_hub_download(model_id, CARD, **options))
        body = read_json(paths[CONFIG], f"{paths[CONFIG]}: no such file; expected a folder of save_pretrained")
        if body.get("format") != FORMAT or not isinstance(body.get("run"), dict):
            raise InputError(f"{paths[CONFIG]}: expected format {FORMAT} and a run, got {body.get('format')!r}")
        try:
            tensors = load(paths[WEIGHTS].read_bytes())
        except OSError as error:
            raise InputError(f"{paths[WEIGHTS]}: cannot be read ({error.strerror or error})") from None
        except SafetensorError as error:
            raise InputError(f"{paths[WEIGHTS]}: is no safetensors file ({error})") from None
        try:
            card = paths[CARD].read_text(encoding="utf-8") if paths[CARD].is_file() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{paths[CARD]}: cannot be read as text in UTF-8 ({error})") from None
        labels = check_labels(body.get("labels", []), paths[CONFIG])
        return cls(settings_from(body["run"], "from_pretrained"), tensors, card, labels)
