"""exon_resnet: our network for exon starts. It knows that the site, if there is one, lies at the centre of the window.

The letters are read in three ways. Near the site each place has weights of its own, as in a position weight
matrix; dilated residual blocks in the manner of SpliceAI (Jaganathan et al. 2019, Cell 176:535; pre-activation after He
et al. 2016, arXiv:1603.05027) see at every letter how the places hang together; and the whole window, four letters
pooled into one, tells what kind of sequence lies on either side. Nothing is averaged over all places: what is in front of
the site and what is behind it reach the head apart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classify.models.base import check_blocks, check_sizes, register_model
from specgen.errors import InputError

__all__ = ["ExonResNet", "exon_resnet"]

STEP = 4
"""Letters of the context that are pooled into one place."""

BINS = 4
"""Parts of the window that the context is pooled over; even, so that hardly more than the site is in two of them."""

TAP = 4
"""Channels of each place near the site that reach the head."""

HIDDEN = 32
"""Width of the head, small against learning a thousand starts by heart."""


class _Unit(nn.Module):
    """Two dilated convolutions, normalised and rectified before each, added to what came in."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, padding="same", dilation=dilation, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, padding="same", dilation=dilation, bias=False),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, L) to the same."""
        added: Tensor = maps + self.layers(maps)
        return added


def _units(width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(_Unit(width, 2**i) for i in range(blocks)), nn.BatchNorm1d(width), nn.ReLU())


class ExonResNet(nn.Module):
    """Letters to logits, see the module.

    Parameters
    ----------
    width
        Channels.
    blocks
        Residual units near the site, with dilations 1, 2, 4, ...; the context has one fewer, on its pooled places.
    reach
        nt to either side of the centre that are read letter by letter; a smaller window is padded.
    dropout
        Before and within the head.
    hidden_letters
        Share of letters that training replaces by N (a quarter of each base), so that no single one is relied on.

    Raises
    ------
    InputError
        Nothing to build.
    """

    def __init__(
        self, outputs: int, width: int, blocks: int, reach: int, dropout: float, hidden_letters: float
    ) -> None:
        super().__init__()
        check_sizes("exon_resnet", width=width, reach=reach)
        check_blocks("exon_resnet", blocks)
        if not 0 <= hidden_letters < 1:
            raise InputError(f"exon_resnet: expected hidden_letters from 0 to below 1, got {hidden_letters}")
        self.reach, self.hidden_letters = reach, hidden_letters
        places = 2 * reach + 1
        self.stem = nn.Conv1d(4, width, 11, padding="same", bias=False)
        self.site = _units(width, blocks)
        self.tap = nn.Conv1d(width, TAP, 1)
        self.context = _units(width, blocks - 1)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(TAP * places + width + 2 * BINS * width, HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.classifier = nn.Linear(HIDDEN, outputs)
        self.matrix = nn.Linear(4 * places, outputs, bias=False)
        nn.init.zeros_(self.matrix.weight)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L), with the would-be site at index L // 2, to logits (B, outputs)."""
        if self.training and self.hidden_letters:
            hidden = torch.rand_like(letters[:, :1]) < self.hidden_letters
            letters = torch.where(hidden, 0.25, letters)
        maps = self.stem(letters)
        site = self.site(self._near(maps))
        context = self.context(F.max_pool1d(maps, STEP, ceil_mode=True))
        parts = torch.cat([F.adaptive_avg_pool1d(context, BINS), F.adaptive_max_pool1d(context, BINS)], dim=2)
        found = torch.cat([self.tap(site).flatten(1), site[:, :, self.reach], parts.flatten(1)], dim=1)
        logits: Tensor = self.classifier(self.head(found)) + self.matrix(self._near(letters).flatten(1))
        return logits

    def _near(self, maps: Tensor) -> Tensor:
        """The places within reach of the centre, (B, C, 2 reach + 1), padded with zeros where the window ends before."""
        length = maps.shape[2]
        return F.pad(maps, (self.reach - length // 2, self.reach - (length - 1 - length // 2)))


@register_model(
    "exon_resnet",
    view="onehot",
    note="our exon-start network: weights for each place, dilated residual units near the site, pooled context",
)
def exon_resnet(
    outputs: int = 2,
    width: int = 24,
    blocks: int = 3,
    reach: int = 40,
    dropout: float = 0.5,
    hidden_letters: float = 0.15,
) -> ExonResNet:
    """For windows of 51 to 1001 nt whose centre is the would-be exon's first letter; for AdamW near 3e-3."""
    return ExonResNet(outputs, width, blocks, reach, dropout, hidden_letters)
