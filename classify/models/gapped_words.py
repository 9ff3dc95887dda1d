"""Weights of gapped words, summed over a window and both strands: the gapped k-mer regression as a layer.

A gapped word is k letters at fixed places within a span, the others being free (Ghandi et al. 2014, PLoS Comput. Biol.
10:e1003711); with a span of k it is a k-mer. The counts themselves, for regressions, are those of ``classify.gapped``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from classify.gapped import canonical_kmers, patterns
from classify.models.kmers import word_means

__all__ = ["GappedWords"]

NO_WORD = -(10**7)
"""In place of a letter's number 0 to 3: a word with it has a number below 0, whatever the others are."""


class GappedWords(nn.Module):
    """A weight for each gapped word and output, zero at first; a word and its reverse complement have one weight.

    A word of which a letter is not one of the four counts as what it may be, weighted by the products of its indicators
    (``KmerEmbedding``): N as the mean of four, and not at all where there is padding. Where gradients of the letters are
    asked for, all are computed in that way, which takes 4**k products a word.

    Parameters
    ----------
    k, span
        Letters of a word, and places that they lie within.
    outputs
        Sums.
    """

    partner: Tensor
    turned: Tensor

    def __init__(self, k: int, span: int, outputs: int) -> None:
        super().__init__()
        self.k, self.forms = k, patterns(span, k)
        number = {form: i for i, form in enumerate(self.forms)}
        other = [number[tuple(form[-1] - place for place in reversed(form))] for form in self.forms]
        self.weights = nn.Parameter(torch.zeros(len(self.forms), 4**k, outputs))
        self.register_buffer("partner", torch.tensor(other), persistent=False)
        self.register_buffer("turned", torch.from_numpy(canonical_kmers(k)[1]), persistent=False)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to sums (B, outputs)."""
        here = [i for i, form in enumerate(self.forms) if form[-1] < letters.shape[2]]
        # What a word says of one strand, its reverse complement says of the other: each window is read once.
        table = (self.weights + self.weights[self.partner][:, self.turned])[here]
        if letters.requires_grad:
            sums: Tensor = checkpoint(self._multiplied, letters, table, here, use_reentrant=False)
            return sums
        certain = ((letters == 0) | (letters == 1)).all(1) & (letters.sum(1) == 1)
        blank = (letters == 0).all(1)
        digits = letters.argmax(1).masked_fill(blank, NO_WORD)
        ids = torch.cat([digits[:, :0], *(self._numbers(digits, i, row) for row, i in enumerate(here))], 1)
        # A column at a time: the gradient of whole rows takes ten times as long. The last row is that of no word.
        columns = F.pad(table.flatten(0, 1), (0, 0, 0, 1)).T
        ids = torch.where(ids < 0, columns.shape[1] - 1, ids)
        found = columns.gather(1, ids.reshape(1, -1).expand(len(columns), -1)).reshape(len(columns), *ids.shape)
        sums = found.sum(2).T
        unsure = ~(certain | blank).all(1)
        if torch.jit.is_tracing() or unsure.any():  # type: ignore[attr-defined]
            sums = sums.index_put((unsure.nonzero()[:, 0],), self._multiplied(letters[unsure], table, here))
        return sums

    def _numbers(self, digits: Tensor, form: int, row: int) -> Tensor:
        """(B, places) which of the table's words stand at each place of which a word of this form begins."""
        places = self.forms[form]
        end = digits.shape[1] - places[-1]
        number = torch.full_like(digits[:, :end], row * 4**self.k)
        for j, place in enumerate(places):
            number = number + digits[:, place : place + end] * 4 ** (self.k - 1 - j)
        return number

    def _multiplied(self, letters: Tensor, table: Tensor, here: list[int]) -> Tensor:
        """(B, outputs) sums over all words by the products of their indicators."""
        total = letters.new_zeros(len(letters), table.shape[2])
        for weights, form in zip(table, here, strict=True):
            places = self.forms[form]
            end = letters.shape[2] - places[-1]
            windows = torch.stack([letters[:, :, place : place + end] for place in places], 3)  # (B, 4, end, k)
            total = total + word_means(windows.transpose(1, 2).flatten(0, 1), weights).unflatten(0, (-1, end)).sum(1)
        return total
