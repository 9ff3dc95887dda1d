"""The exon-start networks of the student project ExonSearch (Stadniuk 2025, github.com/krllstdn/ExonSearch).

The Keras models layer by layer, on one-hot letters (B, 4, L); that their rows were A, T, C, G and ours are A, C, G, T is
a matter of names. What Keras does otherwise than PyTorch is kept: batch normalisation with momentum .99 (here .01) and
epsilon 1e-3, layer normalisation with epsilon 1e-3, Glorot-uniform weights (Glorot & Bengio 2010) and zero biases,
attention whose keys and values have widths of their own. The activation belongs to the convolution and comes before the
batch normalisation; convolutions are unpadded unless they say "same".

With ``outputs=1`` the parameters are those of Keras without the moving statistics of batch normalisation. The package
builds them with two outputs: under softmax the difference of the two logits is the one logit that the authors put into
their sigmoid, so it is the same model (its last layer starts with a spread larger by about the square root of 2, and is one
row of weights larger).
What is left: PyTorch's moving variance is that of a sample, n / (n - 1) times that of Keras, with n = B * L; N is a quarter of
each base here and zeros there; Adam's epsilon is 1e-8 here and 1e-7 there.

The models and what they are made of; learning rates stand in ``configs/exon_start``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classify.models.base import register_model

__all__ = [
    "Branches",
    "ExonSearch",
    "Gate",
    "SelfAttention",
    "SqueezeExcite",
    "exon_attention",
    "exon_complex",
    "exon_enhanced",
    "exon_enhanced_301",
    "exon_enhanced_se",
    "exon_simple",
]

EPSILON = 1e-3
"""Of Keras' batch and layer normalisation; PyTorch has 1e-5."""

MOMENTUM = 0.01
"""Share of the new batch in the moving statistics: 1 - .99 of Keras. They need some 500 steps to settle; a shorter training
should raise it (``bn_momentum``), or every prediction is one class until then."""


def _norm(width: int, momentum: float) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(width, eps=EPSILON, momentum=momentum)


class _ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each place: (B, width, L) to the same."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=EPSILON)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.transpose(1, 2)).transpose(1, 2)


class Branches(nn.Module):
    """Two padded convolutions side by side, of 5 and 3 letters, ``width`` channels together, each with swish."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.wide = nn.Conv1d(inputs, width // 2, 5, padding="same")
        self.narrow = nn.Conv1d(inputs, width // 2, 3, padding="same")

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, L) to (B, width, L)."""
        return F.silu(torch.cat([self.wide(maps), self.narrow(maps)], dim=1))


class Gate(nn.Module):
    """The authors' attention gate: each place times sigmoid of a padded convolution to one channel."""

    def __init__(self, width: int, kernel: int = 1) -> None:
        super().__init__()
        self.score = nn.Conv1d(width, 1, kernel, padding="same")

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, L) to the same."""
        gated: Tensor = maps * self.score(maps).sigmoid()
        return gated


class SqueezeExcite(nn.Module):
    """Each channel times a sigmoid of what all channels' means say (Hu et al. 2018, arXiv:1709.01507), with swish."""

    def __init__(self, width: int, ratio: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(width, width // ratio)
        self.excite = nn.Linear(width // ratio, width)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, L) to the same."""
        share = self.excite(F.silu(self.squeeze(maps.mean(2)))).sigmoid()
        return maps * share[..., None]


class SelfAttention(nn.Module):
    """Keras' MultiHeadAttention of a sequence on itself (Vaswani et al. 2017, arXiv:1706.03762), without positions.

    Parameters
    ----------
    width
        Channels that come in and go out.
    heads, key, value
        Heads, and the width of the keys and of the values of one head.

    Glorot's bounds are those of the four matrices, as in current Keras; older ones took them from the kernels' three axes.
    """

    def __init__(self, width: int, heads: int, key: int, value: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, heads * key), nn.Linear(width, heads * key)
        self.value, self.out = nn.Linear(width, heads * value), nn.Linear(heads * value, width)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, L) to the same."""
        places = maps.transpose(1, 2)
        query, key, value = (
            layer(places).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        heads = F.scaled_dot_product_attention(query, key, value)
        mixed: Tensor = self.out(heads.transpose(1, 2).flatten(2))
        return mixed.transpose(1, 2)


class ExonSearch(nn.Module):
    """Feature layers, one value of each channel over all places, a dense layer, dropout, logits.

    Parameters
    ----------
    features
        (B, 4, L) to (B, width, L').
    pool
        "max" or "mean" over the places.
    width, hidden
        Channels of the features, and of the dense layer.
    activation
        Of the dense layer.
    """

    def __init__(
        self,
        features: nn.Module,
        pool: str,
        width: int,
        hidden: int,
        activation: nn.Module,
        dropout: float,
        outputs: int,
    ) -> None:
        super().__init__()
        self.features, self.pool = features, pool
        self.dense = nn.Sequential(nn.Linear(width, hidden), activation, nn.Dropout(dropout))
        self.classifier = nn.Linear(hidden, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        maps = self.features(letters)
        logits: Tensor = self.classifier(self.dense(maps.amax(2) if self.pool == "max" else maps.mean(2)))
        return logits


@register_model("exon_simple", view="onehot", note="ExonSearch's simple CNN (52,033 parameters with one output)")
def exon_simple(outputs: int = 2) -> ExonSearch:
    """Two convolutions, global maximum; 52,033 parameters for 1 output. Published learning rate 1e-3."""
    features = nn.Sequential(nn.Conv1d(4, 64, 10), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(64, 128, 5), nn.ReLU())
    return ExonSearch(features, "max", 128, 64, nn.ReLU(), 0.5, outputs)


@register_model(
    "exon_attention", view="onehot", note="ExonSearch's CNN with self-attention (118,337 parameters with one output)"
)
def exon_attention(outputs: int = 2) -> ExonSearch:
    """As simple, then self-attention (no residual, no positions) and the mean; 118,337 parameters for 1 output.

    Published learning rate 5e-4.
    """
    features = nn.Sequential(
        nn.Conv1d(4, 64, 10), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(64, 128, 5), nn.ReLU(),
        _ChannelNorm(128), SelfAttention(128, heads=4, key=32, value=32),
    )  # fmt: skip
    return ExonSearch(features, "mean", 128, 64, nn.ReLU(), 0.5, outputs)


@register_model("exon_complex", view="onehot", note="ExonSearch's complex CNN (177,473 parameters with one output)")
def exon_complex(outputs: int = 2, bn_momentum: float = MOMENTUM) -> ExonSearch:
    """Three convolutions with batch normalisation; 177,473 parameters for 1 output. Published learning rate 1e-3."""
    features = nn.Sequential(
        nn.Conv1d(4, 64, 15), nn.ReLU(), _norm(64, bn_momentum), nn.MaxPool1d(2),
        nn.Conv1d(64, 128, 5), nn.ReLU(), _norm(128, bn_momentum), nn.MaxPool1d(2),
        nn.Conv1d(128, 256, 3), nn.ReLU(), _norm(256, bn_momentum),
    )  # fmt: skip
    return ExonSearch(features, "max", 256, 128, nn.ReLU(), 0.4, outputs)


def _enhanced(last: nn.Module, outputs: int, momentum: float) -> ExonSearch:
    """The convolutions of enhanced, ``last``, and the mean."""
    layers = [nn.Conv1d(4, 96, 15, padding="same"), nn.SiLU(), _norm(96, momentum), nn.MaxPool1d(2)]
    inputs = 96
    for width in (128, 256, 512):
        layers += [Branches(inputs, width), _norm(width, momentum), nn.MaxPool1d(2)]
        inputs = width
    return ExonSearch(nn.Sequential(*layers, last), "mean", inputs, 256, nn.SiLU(), 0.6, outputs)


@register_model(
    "exon_enhanced",
    view="onehot",
    note="ExonSearch's best CNN, with a gate over places (845,346 parameters with one output)",
)
def exon_enhanced(outputs: int = 2, bn_momentum: float = MOMENTUM) -> ExonSearch:
    """Three inception-like blocks and a gate; 845,346 parameters for 1 output. Published learning rate 3e-4."""
    return _enhanced(Gate(512), outputs, bn_momentum)


@register_model(
    "exon_enhanced_se",
    view="onehot",
    note="exon_enhanced with squeeze-excite for the gate (910,945 parameters with one output)",
)
def exon_enhanced_se(outputs: int = 2, bn_momentum: float = MOMENTUM) -> ExonSearch:
    """As enhanced with squeeze-excite; 910,945 parameters for 1 output. Published learning rate 3e-4."""
    return _enhanced(SqueezeExcite(512, ratio=8), outputs, bn_momentum)


@register_model(
    "exon_enhanced_301",
    view="onehot",
    note="ExonSearch's sixth model, which its authors never trained: it was stopped in its first batch",
)
def exon_enhanced_301(outputs: int = 2, bn_momentum: float = MOMENTUM) -> ExonSearch:
    """Gate of 25 places and wide self-attention; 1,049,186 parameters for 1 output, a count that nobody has published.

    Meant for 301 nt, reads any. Learning rate of the source 3e-4.
    """
    features = nn.Sequential(
        nn.Conv1d(4, 96, 5, padding="same"), nn.GELU(), _norm(96, bn_momentum), nn.MaxPool1d(2),
        nn.Conv1d(96, 192, 11, padding="same"), nn.GELU(), _norm(192, bn_momentum), nn.MaxPool1d(2),
        Gate(192, 25), SelfAttention(192, heads=8, key=64, value=192),
    )  # fmt: skip
    return ExonSearch(features, "mean", 192, 256, nn.GELU(), 0.6, outputs)
