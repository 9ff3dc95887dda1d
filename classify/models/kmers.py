"""Convolutional networks that differ in what their first filters read: letters, k-mers, or several lengths at once.

``onehot_cnn`` and ``kmer_cnn`` have the same body and head; what they differ in is the input, so one is the control of the
other. Embeddings of k-mers in the manner of word vectors: Mikolov et al. 2013, arXiv:1301.3781; for DNA: Ng 2017,
arXiv:1701.06279 (dna2vec). Filters of several lengths side by side: Szegedy et al. 2015, arXiv:1409.4842. Sizes are ours.

Files of vectors are only read here; learning vectors apart from a task is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classify.models.base import check_sizes, register_model
from specgen.arrays import map_array
from specgen.errors import InputError
from specgen.files import expand

__all__ = [
    "KmerEmbedding",
    "MultiScale",
    "PooledCNN",
    "kmer_cnn",
    "multiscale_cnn",
    "onehot_cnn",
    "read_vectors",
    "word_means",
]

KMERS = range(3, 7)

CHUNK = 4096
"""k-mers of uncertain letters that are averaged at a time: 4**6 weights of 4 bytes for each are 64 MiB."""


def read_vectors(path: str) -> Tensor:
    """Vectors of all k-mers from a .npy file.

    Parameters
    ----------
    path
        A float array (4**k, width), k of 3 to 6, rows in alphabetical order: AAA, AAC, AAG, AAT, ACA, ...

    Returns
    -------
    Tensor
        float32 (4**k, width).

    Raises
    ------
    InputError
        No such array in the file.
    """
    file = expand(path)
    array = map_array(file)
    rows = [4**k for k in KMERS]
    if array.ndim != 2 or array.shape[0] not in rows or not array.shape[1] or array.dtype.kind != "f":
        wanted = ", ".join(map(str, rows))
        raise InputError(f"{file}: expected floats (4**k, width) with {wanted} rows, got {array.dtype} {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array).all(1))
    if len(bad):
        raise InputError(f"{file}: row {bad[0]}: expected finite numbers, got {array[bad[0]].tolist()[:4]}")
    return torch.from_numpy(array.astype(np.float32))


class KmerEmbedding(nn.Module):
    """A vector for the k letters from each place on.

    For one-hot letters it is looked up. For any others it is what is linear in each of the k letters: the mean of the k-mers
    that they may be, weighted by the products of their indicators, so N is the mean of four, and a k-mer with padding is zero.
    Where gradients of the letters are asked for, all are computed in that way, which takes 4**k products a place.

    Parameters
    ----------
    k
        Letters.
    vectors
        (4**k, width): k-mers in alphabetical order.
    frozen
        Whether the vectors stay as they are: kept with the weights, but no parameter.
    """

    vectors: Tensor

    def __init__(self, k: int, vectors: Tensor, *, frozen: bool = False) -> None:
        super().__init__()
        self.k, self.width = k, vectors.shape[1]
        if frozen:
            self.register_buffer("vectors", vectors)
        else:
            self.vectors = nn.Parameter(vectors)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L), L of k or more, to vectors (B, width, L - k + 1)."""
        windows = letters.transpose(1, 2).unfold(1, self.k, 1)  # (B, places, 4, k)
        if letters.requires_grad:
            return word_means(windows.flatten(0, 1), self.vectors).unflatten(0, windows.shape[:2]).transpose(1, 2)
        places = 4 ** torch.arange(self.k - 1, -1, -1, device=letters.device)
        ids = (letters.argmax(1).unfold(1, self.k, 1) * places).sum(2)  # each letter is looked at once
        found = F.embedding(ids, self.vectors)
        certain = ((letters == 0) | (letters == 1)).all(1) & (letters.sum(1) == 1)
        unsure = ~certain.unfold(1, self.k, 1).all(2)
        if unsure.any():
            averaged = word_means(windows[unsure], self.vectors)
            found = found.index_put((unsure,), averaged.to(found.dtype))
        return found.transpose(1, 2)


def word_means(windows: Tensor, vectors: Tensor) -> Tensor:
    """What k uncertain letters say: the mean of the k-mers that they may be, weighted by the products of their indicators.

    Parameters
    ----------
    windows
        (n, 4, k) indicators.
    vectors
        (4**k, width).

    Returns
    -------
    Tensor
        (n, width).
    """
    # A graph cannot loop over a number that it will only know when it runs.
    chunks = [windows] if torch.jit.is_tracing() else windows.split(CHUNK)  # type: ignore[attr-defined]
    return torch.cat([_products(chunk) @ vectors for chunk in chunks])


def _products(windows: Tensor) -> Tensor:
    """Indicators (n, 4, k) to the weight of each k-mer (n, 4**k)."""
    weights = windows[..., 0]
    for place in range(1, windows.shape[2]):
        weights = (weights[:, :, None] * windows[:, None, :, place]).flatten(1)
    return weights


class _Summary(nn.Module):
    """Mean and maximum of each channel over all places, a dense layer, logits."""

    def __init__(self, width: int, hidden: int, dropout: float, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.classifier = nn.Linear(hidden, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, places) to logits (B, outputs)."""
        logits: Tensor = self.classifier(self.dense(torch.cat([maps.mean(2), maps.amax(2)], 1)))
        return logits


class PooledCNN(nn.Module):
    """Padded convolutions with batch normalisation and ReLU, each pooled by 4 but for the last; mean and maximum; head.

    Parameters
    ----------
    embedding
        (B, 4, L) to (B, inputs, L').
    inputs
        What it gives.
    width
        Filters of the first convolution; each further one has twice as many.
    kernels
        Of each convolution.
    """

    def __init__(
        self, outputs: int, embedding: nn.Module, inputs: int, width: int, kernels: Sequence[int], dropout: float
    ) -> None:
        super().__init__()
        self.embedding = embedding
        layers: list[nn.Module] = []
        for number, kernel in enumerate(kernels):
            wide = width << number
            layers += [nn.MaxPool1d(4, ceil_mode=True)] if number else []
            layers += [nn.Conv1d(inputs, wide, kernel, padding="same", bias=False), nn.BatchNorm1d(wide), nn.ReLU()]
            inputs = wide
        self.features = nn.Sequential(*layers)
        self.head = _Summary(inputs, inputs, dropout, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        logits: Tensor = self.head(self.features(self.embedding(letters)))
        return logits


class MultiScale(nn.Module):
    """Padded convolutions of several lengths side by side, with batch normalisation and ReLU, ``width`` channels together."""

    def __init__(self, inputs: int, width: int, kernels: Sequence[int]) -> None:
        super().__init__()
        share = width // len(kernels)
        self.scales = nn.ModuleList(nn.Conv1d(inputs, share, kernel, padding="same", bias=False) for kernel in kernels)
        self.norm = nn.BatchNorm1d(share * len(kernels))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, L) to (B, width, L)."""
        together: Tensor = self.norm(torch.cat([scale(maps) for scale in self.scales], 1))
        return together.relu()


@register_model(
    "onehot_cnn", view="onehot", note="three pooled convolutions on one-hot letters, the control of kmer_cnn"
)
def onehot_cnn(outputs: int = 2, width: int = 64, kernel: int = 11, dropout: float = 0.3) -> PooledCNN:
    """``width`` filters of ``kernel`` letters, then two convolutions of 5 with twice as many filters each."""
    check_sizes("onehot_cnn", width=width, kernel=kernel)
    return PooledCNN(outputs, nn.Identity(), 4, width, (kernel, 5, 5), dropout)


@register_model("kmer_cnn", view="onehot", note="onehot_cnn on embedded k-mers, learnt or read from a file of vectors")
def kmer_cnn(
    outputs: int = 2,
    k: int = 4,
    embedding: int = 32,
    width: int = 64,
    kernel: int = 11,
    dropout: float = 0.3,
    vectors: str = "",
    frozen: bool = False,
) -> PooledCNN:
    """``onehot_cnn`` on a vector for each k-mer, k of 3 to 6.

    Parameters
    ----------
    embedding
        Numbers of a vector, where they are learnt from nothing: normally distributed with variance 1 / 4.
    vectors
        A .npy file (4**k, width) of them in alphabetical order, which must also be there when the run is evaluated.
    frozen
        Vectors that stay as the file has them.
    """
    check_sizes("kmer_cnn", k=k, embedding=embedding, width=width, kernel=kernel)
    if k not in KMERS:
        raise InputError(f"kmer_cnn: expected k of {KMERS.start} to {KMERS.stop - 1}, got {k}")
    if frozen and not vectors:
        raise InputError("kmer_cnn: frozen vectors have to come from a file, and vectors names none")
    # As large as indicators are on average over four rows, whatever k: the convolution then starts as on letters.
    table = read_vectors(vectors) if vectors else torch.randn(4**k, embedding) / 2
    if len(table) != 4**k:
        raise InputError(f"{expand(vectors)}: expected {4**k} rows for k of {k}, got {len(table)}")
    return PooledCNN(outputs, KmerEmbedding(k, table, frozen=frozen), table.shape[1], width, (kernel, 5, 5), dropout)


@register_model(
    "multiscale_cnn", view="onehot", note="filters of 5, 11, 21 and 41 letters side by side, two such layers"
)
def multiscale_cnn(
    outputs: int = 2, width: int = 128, kernels: Sequence[int] = (5, 11, 21, 41), dropout: float = 0.3
) -> nn.Sequential:
    """Two layers of filters of several lengths, pooling by 4 between them, mean and maximum, head.

    ``width`` filters a layer, shared evenly by ``kernels``; those of the second layer are half as long (odd, 3 or more).
    """
    if not isinstance(kernels, Sequence) or not kernels:
        raise InputError(f"multiscale_cnn: expected kernels to be a list of whole numbers, got {kernels!r}")
    check_sizes("multiscale_cnn", width=width, **{f"kernels[{i}]": kernel for i, kernel in enumerate(kernels)})
    if width % len(kernels):
        raise InputError(f"multiscale_cnn: expected a width that {len(kernels)} kernels can share, got {width}")
    shorter = [max(3, kernel // 2 | 1) for kernel in kernels]
    return nn.Sequential(
        MultiScale(4, width, kernels), nn.MaxPool1d(4, ceil_mode=True), MultiScale(width, width, shorter),
        _Summary(width, 128, dropout, outputs),
    )  # fmt: skip
