"""Any image model of timm as ``timm:<name>``."""

from __future__ import annotations

from typing import Any

from torch import nn

from classify.models.base import MODELS, ModelEntry, fetches
from specgen.errors import InputError, UnknownName

__all__: list[str] = []

ELSEWHERE = {"checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"}
"""Options of ``timm.create_model`` that name files and addresses of weights, of which some are pickles (code that runs)."""


def _entry(name: str) -> ModelEntry:
    import timm  # slow to import, and only this family needs it

    architecture = name.split(".", 1)[0]
    if not timm.is_model(architecture):
        raise UnknownName("timm model", name, timm.list_models())

    def build(outputs: int = 2, pretrained: bool = False, **options: Any) -> nn.Module:
        """``timm.create_model``; ``pretrained`` weights come from timm's cache or hub, and from nowhere else."""
        if refused := sorted(ELSEWHERE & set(options)):
            raise InputError(
                f"model_options of 'timm:{name}': {refused[0]}: names weights elsewhere, which a run folder of somebody else's "
                "could do; expected options of the architecture, or pretrained"
            )
        try:
            network: nn.Module = timm.create_model(
                name, pretrained=pretrained and fetches(), num_classes=outputs, **options
            )
        except (OSError, RuntimeError) as error:
            if not pretrained:
                raise
            raise InputError(
                f"timm:{name}: pretrained weights cannot be had ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
            ) from None
        return network

    return ModelEntry(build, "image", "timm (PyTorch Image Models) by name")


MODELS.add_family("timm", _entry)
