"""``classify`` with a network of letters so small that a million windows take minutes: what is left is the streaming.

python -m benchmarks.tiny predict --run RUN --input windows.fa --out out.csv
"""

from __future__ import annotations

import sys

from torch import Tensor, nn

from classify.__main__ import main
from classify.models import register_model


class TinyNet(nn.Module):
    """One convolution over the letters, its largest values, one linear layer."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.convolution, self.head = nn.Conv1d(4, 8, 9), nn.Linear(8, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        logits: Tensor = self.head(self.convolution(letters).relu().amax(-1))
        return logits


@register_model("tiny_letters", view="onehot", note="only in benchmarks")
def tiny_letters(outputs: int = 2) -> nn.Module:
    """``TinyNet``."""
    return TinyNet(outputs)


if __name__ == "__main__":
    sys.exit(main())
