"""The three networks of the Deep Motif Dashboard (Lanchantin et al. 2017, arXiv:1608.03644): CNN, RNN and CNN-RNN on 101 nt.

Two outputs, as published (log-softmax with negative log-likelihood is cross-entropy); dropout .5; padding and unknown letters
are zeros. Published training: Adam, learning rate 1e-2 halved every 10 epochs, gradients clamped to +-5, batch 256, 50 epochs.
PyTorch's LSTM has two bias vectors where published counts have one: 4 * 32 more for each direction.
"""

from __future__ import annotations

from torch import Tensor, nn

from classify.models.base import register_model

__all__ = ["DeepMotifCNN", "DeepMotifRNN", "deepmotif_cnn", "deepmotif_cnn_rnn", "deepmotif_rnn"]

HIDDEN = 32


class DeepMotifCNN(nn.Module):
    """Three convolutions, two of them pooled by 2, the maximum over all places, logits."""

    def __init__(self, outputs: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(4, 128, 9), nn.ReLU(), nn.MaxPool1d(2), nn.Dropout(dropout),
            nn.Conv1d(128, 128, 5), nn.ReLU(), nn.MaxPool1d(2), nn.Dropout(dropout),
            nn.Conv1d(128, 128, 3), nn.ReLU(), nn.Dropout(dropout),
        )  # fmt: skip
        self.classifier = nn.Linear(128, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L), L of 30 nt or more, to logits (B, outputs)."""
        logits: Tensor = self.classifier(self.features(letters).amax(2))
        return logits


class DeepMotifRNN(nn.Module):
    """A bidirectional LSTM of 32 over what ``features`` makes of the letters, the mean of each direction over time, logits."""

    def __init__(self, outputs: int, features: nn.Module, width: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.lstm = nn.LSTM(width, HIDDEN, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(2 * HIDDEN, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        # (B, places, width): the recurrence runs along the sequence, each sequence for itself.
        states, _ = self.lstm(self.features(letters).transpose(1, 2))
        logits: Tensor = self.classifier(self.dropout(states).mean(1))
        return logits


@register_model(
    "deepmotif_cnn", view="onehot", note="Deep Motif Dashboard's CNN (136,322 parameters, Lanchantin et al. 2017)"
)
def deepmotif_cnn(outputs: int = 2, dropout: float = 0.5) -> DeepMotifCNN:
    """128 filters of 9, 5 and 3; 136,322 parameters."""
    return DeepMotifCNN(outputs, dropout)


@register_model(
    "deepmotif_rnn",
    view="onehot",
    note="Deep Motif Dashboard's LSTM (9,858 parameters; 9,602 where an LSTM has one bias; Lanchantin et al. 2017)",
)
def deepmotif_rnn(outputs: int = 2, dropout: float = 0.5) -> DeepMotifRNN:
    """A bidirectional LSTM on letters; 9,858 parameters, 9,602 in counts with one bias."""
    return DeepMotifRNN(outputs, nn.Identity(), 4, dropout)


@register_model(
    "deepmotif_cnn_rnn",
    view="onehot",
    note="Deep Motif Dashboard's CNN-RNN (46,338 parameters; 46,082 where an LSTM has one bias; Lanchantin et al. 2017)",
)
def deepmotif_cnn_rnn(outputs: int = 2, dropout: float = 0.5) -> DeepMotifRNN:
    """128 filters of 9 on padded letters, then the LSTM; 46,338 parameters, 46,082 in counts with one bias."""
    features = nn.Sequential(nn.Conv1d(4, 128, 9, padding=4), nn.ReLU())
    return DeepMotifRNN(outputs, features, 128, dropout)
