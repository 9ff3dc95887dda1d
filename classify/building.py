"""A configuration to the network that it describes: view, model and task put together, and whether they fit. No training here."""

from __future__ import annotations

import torch

from classify.hardware import Plan
from classify.models import MODELS, build_model
from classify.models.base import fetching
from classify.module import Classifier
from classify.settings import RunSettings
from classify.tasks import Task
from classify.views import build_view
from specgen.errors import InputError

__all__ = ["build_classifier"]


def build_classifier(settings: RunSettings, task: Task, kind: str, plan: Plan, *, fetch: bool = True) -> Classifier:
    """View, model and task of a configuration, with freshly seeded weights.

    Parameters
    ----------
    kind
        What examples are made of, see ``Examples.kind``.
    fetch
        Whether pretrained weights that the options ask for are fetched; not where those of a run take their place.

    Raises
    ------
    InputError
        A model of letters on pictures, letters to be turned where there are none, or a model of pictures of several
        bands on others.
    """
    changing = {
        "augment.reverse_complement": settings.augment.reverse_complement,
        "augment.shift": settings.augment.shift,
        "augment.reshuffle": settings.augment.reshuffle,
        "training.both_strands": settings.training.both_strands,
    }
    for key, on in changing.items():
        if on and kind != "codes":
            raise InputError(f"{key}: changes letters, which cannot be made from {kind}")
    answers = MODELS[settings.model].answers
    if answers != task.answers:
        fitting = ", ".join(name for name in MODELS if MODELS[name].answers == task.answers)
        raise InputError(
            f"model {settings.model!r} answers for each {answers}, task {settings.task!r} asks for each {task.answers}; "
            f"these do: {fitting}"
        )
    if settings.training.both_strands and answers != "window":
        raise InputError(f"training.both_strands: the mean of both strands' answers for each {answers} has no meaning")
    torch.manual_seed(settings.seed)
    with fetching(fetch):
        model = plan.place(build_model(settings.model, task.outputs, settings.model_options))
    view = build_view(kind, MODELS[settings.model].view, settings)
    bands = getattr(model, "bands", 1)
    if kind == "codes" and bands not in (1, settings.image.bands):
        raise InputError(
            f"image.bands: model {settings.model!r} reads pictures of {bands} bands, got {settings.image.bands}; "
            f"--config configs/coding/{settings.model}.yaml has its picture"
        )
    return Classifier(task, view, model, settings, plan.memory_format)
