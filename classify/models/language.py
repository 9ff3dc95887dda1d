"""Networks of the next base: recurrent ones and a causal dilated convolution, answering behind every letter.

Output t of each depends on letters 0 to t alone, in training as in use. Recurrent ones are torch's; gated dilated convolutions
are those of WaveNet (van den Oord et al. 2016, arXiv:1609.03499), with a kernel of two and doubling dilations.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classify.models.base import check_blocks, check_sizes, register_model

__all__ = ["CausalCNN", "RecurrentLM", "dilated_lm", "gru_lm", "lstm_lm", "rnn_lm"]


class RecurrentLM(nn.Module):
    """Recurrent layers from left to right, dropout between them and before the logits.

    Parameters
    ----------
    kind
        ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``.
    """

    def __init__(self, outputs: int, kind: Callable[..., nn.RNNBase], width: int, layers: int, dropout: float) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.recurrent = kind(4, width, num_layers=layers, dropout=between, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs, L) of the letter behind each."""
        states, _ = self.recurrent(letters.transpose(1, 2))
        logits: Tensor = self.classifier(self.dropout(states))
        return logits.transpose(1, 2)


class CausalCNN(nn.Module):
    """Gated residual convolutions over past letters; ``receptive_field`` is how many of them a place sees."""

    def __init__(self, outputs: int, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, width, 1)
        self.gates = nn.ModuleList(nn.Conv1d(width, 2 * width, 2, dilation=2**i) for i in range(blocks))
        self.mixes = nn.ModuleList(nn.Conv1d(width, 2 * width, 1) for _ in range(blocks))
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Conv1d(width, width, 1)
        self.classifier = nn.Conv1d(width, outputs, 1)
        self.receptive_field = 2**blocks

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs, L) of the letter behind each."""
        maps = self.stem(letters)
        skips = torch.zeros_like(maps)
        for number, (gate, mix) in enumerate(zip(self.gates, self.mixes, strict=True)):
            # Where all that a filter looks back to lies before the first letter, its other half is all that counts.
            near = maps.shape[2] <= 2**number
            assert isinstance(gate, nn.Conv1d)
            found = F.conv1d(maps, gate.weight[..., 1:], gate.bias) if near else gate(F.pad(maps, (2**number, 0)))
            value, opened = found.chunk(2, dim=1)
            change, skip = mix(self.dropout(value.tanh() * opened.sigmoid())).chunk(2, dim=1)
            # The last change leads nowhere: only its skip is read.
            maps, skips = maps + change, skips + skip
        logits: Tensor = self.classifier(self.hidden(skips.relu()).relu())
        return logits


def _recurrent(
    name: str, kind: Callable[..., nn.RNNBase], outputs: int, width: int, layers: int, dropout: float
) -> RecurrentLM:
    check_sizes(name, width=width, layers=layers)
    return RecurrentLM(outputs, kind, width, layers, dropout)


@register_model(
    "rnn_lm", view="onehot", answers="position", note="plain recurrent network (Elman 1990), tanh, next base"
)
def rnn_lm(outputs: int = 4, width: int = 128, layers: int = 2, dropout: float = 0.0) -> RecurrentLM:
    """Two layers of 128; 50,692 parameters."""
    return _recurrent("rnn_lm", nn.RNN, outputs, width, layers, dropout)


@register_model("lstm_lm", view="onehot", answers="position", note="LSTM (Hochreiter & Schmidhuber 1997), next base")
def lstm_lm(outputs: int = 4, width: int = 128, layers: int = 2, dropout: float = 0.0) -> RecurrentLM:
    """Two layers of 128; 201,220 parameters."""
    return _recurrent("lstm_lm", nn.LSTM, outputs, width, layers, dropout)


@register_model("gru_lm", view="onehot", answers="position", note="GRU (Cho et al. 2014), next base")
def gru_lm(outputs: int = 4, width: int = 128, layers: int = 2, dropout: float = 0.0) -> RecurrentLM:
    """Two layers of 128; 151,044 parameters."""
    return _recurrent("gru_lm", nn.GRU, outputs, width, layers, dropout)


@register_model(
    "dilated_lm", view="onehot", answers="position", note="gated causal dilated CNN in the manner of WaveNet, next base"
)
def dilated_lm(outputs: int = 4, width: int = 64, blocks: int = 6, dropout: float = 0.0) -> CausalCNN:
    """Six blocks of 64 channels: a place sees itself and the 63 letters before it; 153,732 parameters."""
    check_sizes("dilated_lm", width=width)
    check_blocks("dilated_lm", blocks)
    return CausalCNN(outputs, width, blocks, dropout)
