"""kmer_resnet: our network for sites that lie anywhere in a window and on either strand.

Two parts whose logits are added, a wide and a deep one (Cheng et al. 2016, arXiv:1606.07792). The wide one gives every
word of 6 letters in 8 places a weight and sums them over the window: the gapped k-mer regression that is hard to beat on bound
windows, as a layer. The deep one looks for motifs with long filters and for what they have to do with each other with residual
blocks (He et al. 2016, arXiv:1603.05027). Both read both strands, so that a window and its reverse complement get the same
logits: a filter is laid on the letters and, turned, on the letters of the other strand (Shrikumar et al. 2017, bioRxiv 103663),
and what stands behind reads the two in either order. Sizes are ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classify.models.base import check_blocks, check_sizes, register_model
from classify.models.gapped_words import GappedWords
from specgen.errors import InputError

__all__ = ["KmerResNet", "kmer_resnet"]

POOL = 9
"""Places that are pooled into one; odd, so that a window of any length can be cut into as many from either end."""

HIDDEN = 64
"""Width of the head."""

PACE = 0.0065
"""A weight of a word moves so much slower than any other: Adam takes equal steps, and a rare word has seen little."""

WIDEST = 10
"""Places that a word may span: 6 letters have 126 forms in so many, of 4,096 words each."""

LEAST = 4
"""Letters of a motif that have to lie within the window; the rest may hang over its end."""


class _Unit(nn.Module):
    """Two convolutions, normalised and rectified before each, added to what came in."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, P) to the same."""
        added: Tensor = maps + self.layers(maps)
        return added


class KmerResNet(nn.Module):
    """Letters to logits that are the same for the reverse complement, see the module.

    Parameters
    ----------
    filters, kernel
        Of the first layer.
    width, blocks
        Channels of the residual blocks, and how many of them, with dilations 1, 2, 4, ...
    words, span
        Letters of a word of the wide part, 3 to 6, and places that they lie within, ``words`` to 10; 0 words = no wide part.
    dropout
        Before and within the head; a third of it within the blocks.
    """

    def __init__(
        self, outputs: int, filters: int, kernel: int, width: int, blocks: int, words: int, span: int, dropout: float
    ) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, filters, kernel, bias=False)
        self.norm = nn.BatchNorm1d(filters)
        self.mix = nn.Conv1d(2 * filters, width, 1, bias=False)
        self.blocks = nn.Sequential(*(_Unit(width, 2**i, dropout / 3) for i in range(blocks)))
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(filters + 2 * width, HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, outputs),
        )
        self.words = GappedWords(words, span, outputs) if words else None

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        around = F.pad(letters, 2 * [max(0, self.stem.kernel_size[0] - LEAST)], value=0.25)
        # Turned filters on these letters are the filters on the turned letters, place by place.
        found = torch.cat([self.stem(around), F.conv1d(around, self.stem.weight.flip((1, 2)))])
        more = -found.shape[2] % POOL
        more += POOL * (more % 2)
        # The best of some places is normalised, which is less work than all of them.
        best_of = F.max_pool1d(F.pad(found, 2 * [more // 2], value=-torch.inf), POOL)
        ahead, behind = self.norm(best_of).relu().chunk(2)
        best = torch.maximum(ahead, behind).amax(2)
        both = torch.stack([torch.cat([ahead, behind], 1), torch.cat([behind, ahead], 1).flip(2)]).flatten(0, 1)
        one, other = self.blocks(self.mix(both)).chunk(2)
        told = [best, torch.maximum(one.amax(2), other.amax(2)), (one.mean(2) + other.mean(2)) / 2]
        logits: Tensor = self.head(torch.cat(told, 1))
        if self.words is not None:
            logits = logits + PACE * self.words(letters)
        return logits


@register_model(
    "kmer_resnet",
    view="onehot",
    note="ours for sites on either strand: residual blocks behind motif filters, and a weight for each gapped 6-mer",
)
def kmer_resnet(
    outputs: int = 2,
    filters: int = 128,
    kernel: int = 15,
    width: int = 32,
    blocks: int = 2,
    words: int = 6,
    span: int = 8,
    dropout: float = 0.3,
) -> KmerResNet:
    """128 filters of 15 on both strands, two residual blocks of 32, a weight for each gapped word; 209,154 parameters for 2
    outputs.

    ``training.both_strands`` and ``augment.reverse_complement`` only cost time with it.
    """
    check_sizes("kmer_resnet", filters=filters, kernel=kernel, width=width)
    check_blocks("kmer_resnet", blocks, least=0)
    if words not in (0, 3, 4, 5, 6):
        raise InputError(f"kmer_resnet: expected 3 to 6 for words, or 0 for none, got {words!r}")
    if words and not (isinstance(span, int) and words <= span <= WIDEST):
        raise InputError(f"kmer_resnet: expected {words} (words) to {WIDEST} for span, got {span!r}")
    return KmerResNet(outputs, filters, kernel, width, blocks, words, span, dropout)
