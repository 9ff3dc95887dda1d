"""Shallow convolutional networks of letters that look for motifs: DeepBind's, its teaching form, a pair's, and Basset.

Sources: DeepBind: Alipanahi et al. 2015, Nature Biotechnology 33:831. Basset: Kelley, Snoek & Rinn 2016, Genome Research
26:990. The teaching form and the two-layer one are those of a course exercise. Convolutions are unpadded unless said.

Totals are for one output, as published. The package builds two: under softmax the difference of the two logits is what the
authors put into their sigmoid, so it is the same model with one row of weights more.

The models of the Deep Motif Dashboard live in ``deepmotif``.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from classify.models.base import check_sizes, register_model

__all__ = [
    "Basset",
    "DeepBind",
    "MotifCNN",
    "basset",
    "deepbind",
    "deepbind_small",
    "motif_pair",
    "motif_pair_wide",
]


class DeepBind(nn.Module):
    """Motif detectors with thresholds, the best match of each, dropout, one dense layer."""

    def __init__(self, outputs: int, motifs: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.detectors = nn.Conv1d(4, motifs, kernel)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(motifs, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        # A quarter of each base beyond the ends, so that a motif may hang over them.
        around = F.pad(letters, 2 * [self.detectors.kernel_size[0] - 1], value=0.25)
        logits: Tensor = self.classifier(self.dropout(self.detectors(around).relu().amax(2)))
        return logits


@register_model(
    "deepbind",
    view="onehot",
    note="DeepBind (Alipanahi et al. 2015), 1,057 parameters with one output; what is beyond the ends is unverified",
)
def deepbind(outputs: int = 2, motifs: int = 16, kernel: int = 16, dropout: float = 0.25) -> DeepBind:
    """16 motif detectors of 16 letters, maximum, dense; 1,057 parameters for 1 output.

    Published: dropout drawn from {0, 0, .25, .5}; SGD with momentum .95 to .99, learning rate log-uniform from 5e-4 to .05,
    batch 64, 20,000 steps. The padding with a quarter of each base is unverified; it has no parameters.
    """
    check_sizes("deepbind", motifs=motifs, kernel=kernel)
    return DeepBind(outputs, motifs, kernel, dropout)


class MotifCNN(nn.Module):
    """Convolutions with ReLU, the maximum of each channel over all places, a dense layer of 32 with ReLU, logits.

    Parameters
    ----------
    filters
        Channels of every convolution.
    kernels, dilations
        Of each convolution.
    """

    def __init__(
        self, outputs: int, filters: int, kernels: tuple[int, ...], dilations: tuple[int, ...], hidden: int = 32
    ) -> None:
        super().__init__()
        inputs, layers = 4, []
        for kernel, dilation in zip(kernels, dilations, strict=True):
            layers += [nn.Conv1d(inputs, filters, kernel, dilation=dilation), nn.ReLU()]
            inputs = filters
        self.features = nn.Sequential(*layers)
        self.dense = nn.Linear(filters, hidden)
        self.classifier = nn.Linear(hidden, outputs)
        self.receptive_field = 1 + sum((k - 1) * d for k, d in zip(kernels, dilations, strict=True))

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        logits: Tensor = self.classifier(self.dense(self.features(letters).amax(2)).relu())
        return logits


@register_model(
    "deepbind_small",
    view="onehot",
    note="one layer of 16 motif detectors, the teaching form of DeepBind (913 parameters with kernel 5 and one output)",
)
def deepbind_small(outputs: int = 2, kernel: int = 5, filters: int = 16) -> MotifCNN:
    """16 detectors of ``kernel`` letters, maximum, dense 32; 64 * kernel + 593 parameters for 1 output, 913 with 5."""
    check_sizes("deepbind_small", kernel=kernel, filters=filters)
    return MotifCNN(outputs, filters, (kernel,), (1,))


@register_model(
    "motif_pair",
    view="onehot",
    note="two layers of 24 filters of 5, for motifs that act together (4,241 parameters with one output); sees 9 letters",
)
def motif_pair(
    outputs: int = 2, kernel: int = 5, second_kernel: int = 5, dilation: int = 1, filters: int = 24
) -> MotifCNN:
    """Two convolutions, maximum, dense 32; 4,241 parameters for 1 output.

    A place of the second layer sees ``kernel + (second_kernel - 1) * dilation`` letters: 9. Behind the maximum only which
    motifs are there is left, so two of them farther apart than that cannot be told from two at another distance.
    """
    check_sizes("motif_pair", kernel=kernel, second_kernel=second_kernel, dilation=dilation, filters=filters)
    return MotifCNN(outputs, filters, (kernel, second_kernel), (1, dilation))


@register_model(
    "motif_pair_wide",
    view="onehot",
    note="motif_pair with a second kernel of 31 (19,217 parameters with one output): sees 35 letters, two motifs and a gap",
)
def motif_pair_wide(
    outputs: int = 2, kernel: int = 5, second_kernel: int = 31, dilation: int = 1, filters: int = 24
) -> MotifCNN:
    """``motif_pair`` that sees the gap; 19,217 parameters for 1 output.

    35 letters are two motifs of 5 with up to 25 between them. A long kernel and no dilated one: every gap must have a weight.
    """
    check_sizes("motif_pair_wide", kernel=kernel, second_kernel=second_kernel, dilation=dilation, filters=filters)
    return MotifCNN(outputs, filters, (kernel, second_kernel), (1, dilation))


class Basset(nn.Module):
    """Three convolutions with batch normalisation and pooling, two dense layers with batch normalisation and dropout.

    Windows too short for three unpadded convolutions get padded ones; the last pooling leaves 10 places of any window. At
    600 nt it is a plain pooling by 4 of 40 places.
    """

    WIDTHS, KERNELS, POOLS, PLACES = (300, 200, 200), (19, 11, 7), (3, 4), 10

    def __init__(self, outputs: int, hidden: int, dropout: float) -> None:
        super().__init__()
        inputs = (4, *self.WIDTHS[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, kernel)
            for before, after, kernel in zip(inputs, self.WIDTHS, self.KERNELS, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in self.WIDTHS)
        dense: list[nn.Module] = []
        width = self.WIDTHS[-1] * self.PLACES
        for _ in range(2):
            dense += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout)]
            width = hidden
        self.dense = nn.Sequential(*dense)
        self.classifier = nn.Linear(hidden, outputs)

    def padded(self, length: int) -> bool:
        """Whether a window of ``length`` nt is too short to go without padding."""
        for kernel, pool in zip(self.KERNELS, (*self.POOLS, 1), strict=True):
            length = (length - kernel + 1) // pool
        return length < 1

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L), L of 12 nt or more, to logits (B, outputs)."""
        maps, padded = letters, self.padded(letters.shape[2])
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            if padded:
                maps = F.pad(maps, 2 * [self.KERNELS[number] // 2])
            maps = norm(convolution(maps)).relu()
            if number < len(self.POOLS):
                maps = F.max_pool1d(maps, self.POOLS[number])
        logits: Tensor = self.classifier(self.dense(F.adaptive_max_pool1d(maps, self.PLACES).flatten(1)))
        return logits


@register_model(
    "basset",
    view="onehot",
    note="Basset (Kelley et al. 2016) for any window; its geometry at 600 nt (no padding, 2,000 features) is unverified",
)
def basset(outputs: int = 2, hidden: int = 1000, dropout: float = 0.3) -> Basset:
    """300, 200 and 200 filters of 19, 11 and 7, pooling 3, 4 and 4, dense 1000 and 1000; 4,135,064 parameters for 164 outputs.

    Published: learning rate .002, momentum .98, weight norm at most 7 (which is not done here); the optimiser (RMSprop), the
    window of 600 nt, and a geometry without padding that leaves 2,000 features are unverified.
    """
    check_sizes("basset", hidden=hidden)
    return Basset(outputs, hidden, dropout)
