"""Grad-CAM: which part of the picture the last spatial layer of a 2D network takes for the class.

captum weighs and sums the layer's maps; here the layer is found, whatever the network. Source: Selvaraju et al. 2017,
arXiv:1610.02391. Networks that keep channels last inside (Swin) are not understood: name a layer before that.
"""

from __future__ import annotations

from typing import Any

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn
from torch.nn import functional as F

from classify.interpretation.attribution import log_odds
from specgen.errors import InputError, UnknownName

__all__ = ["choose_layer", "grad_cam", "spatial_layers"]

_AVERAGES = (nn.AvgPool2d, nn.AdaptiveAvgPool2d)


def spatial_layers(model: nn.Module, pictures: Tensor) -> dict[str, nn.Module]:
    """Layers whose output is (B, C, H, W) with H or W > 1, by name, in the order in which they end (containers last).

    Parameters
    ----------
    pictures
        What the model reads, (B, 3, H, W).
    """
    ended: dict[str, nn.Module] = {}
    hooks = []

    def watch(name: str) -> Any:
        def note(module: nn.Module, _: Any, output: Any) -> None:
            ended.pop(name, None)  # a layer that is used twice counts where it is used last
            if isinstance(output, Tensor) and output.ndim == 4 and max(output.shape[2:]) > 1:
                ended[name] = module

        return note

    try:
        for name, module in model.named_modules():
            if name:
                hooks.append(module.register_forward_hook(watch(name)))
        with torch.no_grad():
            model(pictures)
    finally:
        for hook in hooks:
            hook.remove()
    return ended


def choose_layer(model: nn.Module, pictures: Tensor, name: str = "") -> str:
    """``name`` if it will do, or the last layer whose maps are still larger than one place.

    An average over places keeps what Grad-CAM needs but coarsens it, so such a pool is taken only where there is nothing else.

    Raises
    ------
    InputError
        A name that is no spatial layer of the model, or a model that has none.
    """
    layers = spatial_layers(model, pictures)
    if name:
        if name not in layers:
            raise UnknownName("layer", name, layers)
        return name
    if not layers:
        raise InputError("Grad-CAM: the model has no layer whose maps are larger than one place")
    finer = [key for key, module in layers.items() if not isinstance(module, _AVERAGES)]
    return (finer or [*layers])[-1]


def grad_cam(model: nn.Module, pictures: Tensor, target: int, layer: str) -> Tensor:
    """Maps (B, H, W) >= 0 of the size of the pictures (bilinear), in log-odds of class ``target`` as far as linear.

    Parameters
    ----------
    model
        Gives logits (B, k).
    pictures
        What it reads, (B, 3, H, W).
    layer
        A name of ``spatial_layers``.
    """
    cam = LayerGradCam(lambda inputs: log_odds(model(inputs).float(), target), model.get_submodule(layer))
    maps: Tensor = cam.attribute(pictures, relu_attributions=True)
    return F.interpolate(maps.detach().float(), pictures.shape[2:], mode="bilinear", align_corners=False)[:, 0]
