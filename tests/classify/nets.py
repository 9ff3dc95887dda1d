"""What the tests of networks share."""

import numpy as np
import torch

QUICK = {"kmer_resnet": {"words": 4, "span": 5}}
"""Options of networks that are slow as they are: the same graph, of fewer words."""


def letters(n, length, seed=0):
    """Indicators (n, 4, length) of random bases."""
    codes = torch.from_numpy(np.random.default_rng(seed).integers(0, 4, (n, length)))
    return torch.nn.functional.one_hot(codes, 4).transpose(1, 2).float()


def leaves(model):
    """Layers without layers in them."""
    return [layer for layer in model.modules() if not list(layer.children())]
