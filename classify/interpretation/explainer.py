"""A trained run made ready to be explained: log-odds of one class as a function of letters, attribution, map and picture.

Explanations are computed in float32 whatever the run's precision. No files here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classify.evaluation import Loaded
from classify.hardware import laid_out
from classify.interpretation.attribution import (
    Attribution,
    indicators_of,
    integrated_gradients,
    log_odds,
    references_of,
)
from classify.interpretation.gradcam import choose_layer, grad_cam
from classify.interpretation.settings import AttributionSettings
from classify.views import SpectrogramView, picture_of
from specgen.errors import InputError, UnknownName
from specgen.image import to_uint8
from specgen.sequences import LETTERS, Codes

__all__ = ["METHODS", "Explainer"]

METHODS = ("gradcam", "ig")


@dataclass
class Explainer:
    """A loaded run and what its windows are explained with.

    Attributes
    ----------
    loaded
        See ``evaluation.load_run``.
    settings
        See ``AttributionSettings``.
    methods
        Of ``METHODS``; none = all that the model allows (Grad-CAM needs pictures).

    Raises
    ------
    InputError
        A run on pictures made elsewhere, a target or layer that does not exist, Grad-CAM for a model of letters.
    """

    loaded: Loaded
    settings: AttributionSettings
    methods: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        task = self.loaded.task
        if not task.window:
            raise InputError(f"task {task.name}: was trained on pictures; how to make them from letters is not known")
        if self.settings.target:
            if self.settings.target not in task.classes:
                raise UnknownName("attribution.target", self.settings.target, task.classes)
        elif len(task.classes) != (2 if task.exclusive else 1):
            raise InputError(f"attribution.target: expected one of {', '.join(task.classes)}")
        # The last one: the positive of two classes, or the only label.
        self.target = task.classes.index(self.settings.target) if self.settings.target else len(task.classes) - 1
        for name in self.methods:
            if name not in METHODS:
                raise UnknownName("method", name, METHODS)
        example = self.prepared(np.full((1, task.window), LETTERS.index("N"), dtype=np.uint8))
        pictures = example.ndim == 4
        if not pictures and "gradcam" in self.methods:
            raise InputError(f"method gradcam: model {self.loaded.settings.model!r} reads letters and no pictures")
        self.methods = self.methods or (METHODS if pictures else ("ig",))
        self.recurrent = any(isinstance(layer, nn.RNNBase) for layer in self.loaded.module.model.modules())
        self.layer = ""
        if "gradcam" in self.methods:
            self.layer = choose_layer(self.loaded.module.model, example, self.settings.layer)

    def prepared(self, codes: Codes) -> Tensor:
        """uint8 codes (B, L) as the model reads them."""
        module = self.loaded.module
        with torch.no_grad():
            prepared: Tensor = laid_out(module.view(torch.from_numpy(codes).to(self.loaded.plan.device)), module.layout)
        return prepared

    def score(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) or codes (B, L) to log-odds (B,) of the target, differentiable."""
        # cuDNN differentiates recurrent layers in training mode only.
        with torch.backends.cudnn.flags(enabled=not self.recurrent):
            logits: Tensor = self.loaded.module(letters.to(self.loaded.plan.device))
        # The logit of a label that holds by itself is its log-odds.
        return log_odds(logits, self.target) if self.loaded.task.exclusive else logits[:, self.target]

    def score_codes(self, codes: Codes) -> NDArray[np.float64]:
        """uint8 codes (n, L) to log-odds (n,)."""
        parts = torch.from_numpy(codes).split(2 * self.settings.at_once)
        with torch.inference_mode():
            return np.concatenate([self.score(part).double().cpu().numpy() for part in parts])

    def attribute(self, codes: Codes) -> Attribution:
        """Integrated gradients of a window, uint8 (L,)."""
        device = self.loaded.plan.device
        references = references_of(codes, self.settings).to(device)
        return integrated_gradients(self.score, indicators_of(codes).to(device), references, self.settings)

    def map(self, codes: Codes) -> NDArray[np.float32]:
        """Grad-CAM map (H, W) of a window, uint8 (L,)."""
        maps = grad_cam(self.loaded.module.model, self.prepared(codes[None]), self.target, self.layer)
        array: NDArray[np.float32] = maps[0].cpu().numpy()
        return array

    @property
    def bands(self) -> int:
        """Bands of the picture, see ``ImageSettings``."""
        view = self.loaded.module.view
        return view.imager.settings.bands if isinstance(view, SpectrogramView) else 1

    def picture(self, codes: Codes) -> tuple[NDArray[np.uint8] | None, NDArray[np.float64] | None]:
        """The picture (H, W, 3) that the model sees of a window, and the middle of each column in nt; none of letters."""
        view = self.loaded.module.view
        pictures = picture_of(view, torch.from_numpy(codes[None]).to(self.loaded.plan.device))
        if pictures is None or not isinstance(view, SpectrogramView):
            return None, None
        return to_uint8(pictures)[0], view.imager.settings.middles(len(codes))
