"""Plain recurrent networks of letters: LSTM and GRU, in one direction or both, and the bidirectional GRU of a published text.

The recurrence runs along the sequence, each sequence for itself. Sources: LSTM: Hochreiter & Schmidhuber 1997, Neural
Computation 9:1735; GRU: Cho et al. 2014, arXiv:1406.1078; both directions: Schuster & Paliwal 1997, IEEE Transactions on Signal
Processing 45:2673. PyTorch's layers have two bias vectors where published counts often have one.

What reads states and gives logits (``Readout``) is shared with other recurrent layers; those live in files of their own.
"""

from __future__ import annotations

from torch import Tensor, nn

from classify.models.base import check_sizes, register_model
from specgen.errors import InputError

__all__ = ["Readout", "RecurrentClassifier", "bigru", "bigru_text", "bilstm", "gru", "lstm"]

POOLS = ("mean", "last")


class Readout(nn.Module):
    """Logits of the states of a recurrent layer.

    Parameters
    ----------
    model
        Its name, for errors.
    width
        States of one direction.
    directions
        1 or 2.
    pool
        "mean" of each state over time, or the "last" state: of the direction that runs backwards the one at the first letter.
    dropout
        Of what is pooled.

    Raises
    ------
    InputError
        Another way of pooling.
    """

    def __init__(self, model: str, outputs: int, width: int, directions: int, pool: str, dropout: float) -> None:
        super().__init__()
        if pool not in POOLS:
            raise InputError(f"{model}: expected pool to be one of {', '.join(POOLS)}, got {pool!r}")
        self.pool, self.width = pool, width
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(directions * width, outputs)

    def forward(self, states: Tensor) -> Tensor:
        """States (B, L, directions * width), forward first, to logits (B, outputs)."""
        if self.pool == "mean":
            pooled = states.mean(1)
        else:
            pooled = states[:, -1].clone()
            pooled[:, self.width :] = states[:, 0, self.width :]
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits


class RecurrentClassifier(nn.Module):
    """Letters, perhaps embedded, through one of PyTorch's recurrent layers, to logits.

    Parameters
    ----------
    model
        Its name, for errors.
    kind
        ``nn.LSTM`` or ``nn.GRU``.
    width
        States of a direction.
    layers
        Recurrent layers, one upon the other.
    bidirectional
        Whether each layer runs in both directions.
    dropout
        Between layers, and before the logits.
    pool
        See ``Readout``.
    embedding
        Numbers that a letter is turned into by a linear map without bias; 0 = the four indicators themselves. On one-hot
        letters such a map is a table of embeddings, and an unknown base, a quarter of each, is the mean of the four.

    Raises
    ------
    InputError
        Sizes below 1, or another ``pool``.
    """

    def __init__(
        self,
        model: str,
        outputs: int,
        kind: type[nn.LSTM] | type[nn.GRU],
        *,
        width: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
        pool: str,
        embedding: int = 0,
    ) -> None:
        super().__init__()
        check_sizes(model, width=width, layers=layers)
        self.embedding: nn.Module = nn.Linear(4, embedding, bias=False) if embedding else nn.Identity()
        self.recurrent = kind(
            embedding or 4,
            width,
            layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=dropout if layers > 1 else 0.0,  # it has nothing to act on behind the last layer, and would warn
        )
        self.readout = Readout(model, outputs, width, 1 + bidirectional, pool, dropout)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        # (B, L, 4): batch_first, or the recurrence would run from one sequence of the batch to the next.
        states, _ = self.recurrent(self.embedding(letters.transpose(1, 2)))
        logits: Tensor = self.readout(states)
        return logits


@register_model("lstm", view="onehot", note="an LSTM along the letters (Hochreiter & Schmidhuber 1997)")
def lstm(
    outputs: int = 2, width: int = 128, layers: int = 1, dropout: float = 0.2, pool: str = "mean"
) -> RecurrentClassifier:
    """LSTM of ``width`` states; ``pool`` is "mean" over time or the "last" state."""
    return RecurrentClassifier(
        "lstm", outputs, nn.LSTM, width=width, layers=layers, bidirectional=False, dropout=dropout, pool=pool
    )


@register_model("gru", view="onehot", note="a GRU along the letters (Cho et al. 2014)")
def gru(
    outputs: int = 2, width: int = 128, layers: int = 1, dropout: float = 0.2, pool: str = "mean"
) -> RecurrentClassifier:
    """GRU of ``width`` states; ``pool`` is "mean" over time or the "last" state."""
    return RecurrentClassifier(
        "gru", outputs, nn.GRU, width=width, layers=layers, bidirectional=False, dropout=dropout, pool=pool
    )


@register_model("bilstm", view="onehot", note="an LSTM along the letters in both directions")
def bilstm(
    outputs: int = 2, width: int = 128, layers: int = 1, dropout: float = 0.2, pool: str = "mean"
) -> RecurrentClassifier:
    """LSTM of ``width`` states in each direction."""
    return RecurrentClassifier(
        "bilstm", outputs, nn.LSTM, width=width, layers=layers, bidirectional=True, dropout=dropout, pool=pool
    )


@register_model("bigru", view="onehot", note="a GRU along the letters in both directions")
def bigru(
    outputs: int = 2, width: int = 128, layers: int = 1, dropout: float = 0.2, pool: str = "mean"
) -> RecurrentClassifier:
    """GRU of ``width`` states in each direction."""
    return RecurrentClassifier(
        "bigru", outputs, nn.GRU, width=width, layers=layers, bidirectional=True, dropout=dropout, pool=pool
    )


@register_model(
    "bigru_text",
    view="onehot",
    note="letters as text: embedding of 2, two bidirectional GRU layers of 128; what follows the layers is unverified",
)
def bigru_text(
    outputs: int = 2,
    embedding: int = 2,
    width: int = 128,
    layers: int = 2,
    dropout: float = 0.05,
    pool: str = "last",
) -> RecurrentClassifier:
    """Embedded letters through two bidirectional GRU layers.

    Published: windows of 100 nt, learning rate .001, dropout keeping .95 (PyTorch's .05). That the last states are read, and
    where dropout acts, is unverified. The embedding is a linear map of the four indicators without bias, which for one-hot
    letters is a table of four rows; N, a quarter of each base, is embedded as their mean.
    """
    check_sizes("bigru_text", embedding=embedding)
    return RecurrentClassifier(
        "bigru_text", outputs, nn.GRU, width=width, layers=layers, bidirectional=True, dropout=dropout, pool=pool,
        embedding=embedding,
    )  # fmt: skip
