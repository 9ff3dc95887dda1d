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

    Raises
    ------
    InputError
        Weights of another network.
    """

    classifier: Classifier

    def __init__(self, run_settings: RunSettings, tensors: Mapping[str, Tensor], card: str = "") -> None:
        super().__init__()
        self.run_settings, self.card = run_settings, card
        self.task, self.plan = TASKS[run_settings.task](run_settings.data), choose(run_settings.training)
        self.classifier = build_classifier(run_settings, self.task, "codes", self.plan)
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
        return cls(loaded.settings, loaded.module.model.state_dict(), model_card(run, loaded.task))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs' classes."""
        return self.task.classes

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

    def _save_pretrained(self, save_directory: Path) -> None:
        # The card and the configuration are there before the library looks for them: it writes none of its own.
        body = {"format": FORMAT, "library": "specgen", "run": without_places(dataclasses.asdict(self.run_settings))}
        body["run"]["runs"] = "runs"
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
        return cls(settings_from(body["run"], "from_pretrained"), tensors, card)
