"""Clockwork RNN (Koutnik et al. 2014, arXiv:1402.3511): modules of hidden units that are updated at periods of their own.

Module i is due at steps t with t mod T_i == 0 and keeps its state otherwise. It reads the input and the states at t - 1 of
itself and of all slower modules, never those of a faster one, so the recurrent matrix is block-triangular:

    h_i(t) = tanh(W_i x(t) + sum over j >= i of U_ij h_j(t - 1) + b_i)        periods T_1 < T_2 < ... < T_g

Since nothing flows from fast to slow, modules can be done one after the other, the slowest first: what a module reads of the
slower ones is then known at all its ticks, and is input like the letters. Left is a plain RNN over the ticks of the module,
which PyTorch has in one call. No loop over time or units in Python, no work at steps that are not due, no weights that
cannot act. The layer, a classifier of windows on it and a network of the next base; training recipes are elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from classify.models.base import check_sizes, register_model
from classify.models.recurrent import Readout
from specgen.errors import InputError

__all__ = ["Clockwork", "ClockworkClassifier", "ClockworkLM", "clockwork", "clockwork_lm"]

PERIODS = (1, 2, 4, 8, 16, 32, 64, 128)


class Clockwork(nn.Module):
    """One layer of equally wide modules.

    Parameters
    ----------
    inputs
        Numbers a step.
    width
        Hidden units, those of the fastest module first.
    periods
        Steps between two updates of each module, increasing; any numbers, not only powers of 2.

    Attributes
    ----------
    modules_
        The plain RNN of each module, whose input is that of the layer, then the states of the slower modules in order. As
        PyTorch has it, each has two bias vectors.

    Raises
    ------
    InputError
        Periods that are no increasing whole numbers of at least 1, or a width that they do not divide.
    """

    def __init__(self, inputs: int, width: int, periods: Sequence[int]) -> None:
        super().__init__()
        check_sizes("clockwork", width=width)
        if (
            not isinstance(periods, Sequence)
            or not periods
            or any(not isinstance(period, int) or isinstance(period, bool) or period < 1 for period in periods)
            or any(fast >= slow for fast, slow in pairwise(periods))
        ):
            raise InputError(f"clockwork: expected periods to be increasing whole numbers above 0, got {periods!r}")
        if width % len(periods):
            raise InputError(f"clockwork: expected a width that {len(periods)} modules can share, got {width}")
        self.inputs, self.width, self.periods, self.share = inputs, width, tuple(periods), width // len(periods)
        slower = range(len(periods) - 1, -1, -1)
        self.modules_ = nn.ModuleList(
            nn.RNN(inputs + count * self.share, self.share, batch_first=True) for count in slower
        )
        for count, module in zip(slower, self.modules_, strict=True):
            # PyTorch's bounds for a plain RNN with as many states as a unit of the module reads.
            bound = ((count + 1) * self.share) ** -0.5
            for weights in module.parameters():
                nn.init.uniform_(weights, -bound, bound)

    def recurrent(self, *, gradient: bool = False) -> Tensor:
        """Recurrent matrix (width, width), or its gradient: row i of blocks is module i; blocks that do not exist are 0."""
        blocks = []
        for number, module in enumerate(self.modules_):
            own, seen = (p.grad if gradient else p for p in (module.weight_hh_l0, module.weight_ih_l0))
            if not (isinstance(own, Tensor) and isinstance(seen, Tensor)):
                raise ValueError("a backward pass has to come before gradients")
            nothing = own.new_zeros(self.share, number * self.share)
            blocks.append(torch.cat([nothing, own, seen[:, self.inputs :]], 1))
        return torch.cat(blocks).detach()

    def forward(self, steps: Tensor, state: Tensor | None = None, start: int = 0) -> Tensor:
        """States after each step.

        Parameters
        ----------
        steps
            float (B, L, inputs), L of 1 or more.
        state
            float (B, width), what the last call ended with; None = zeros.
        start
            Steps that were done before these, by which the clocks stand.

        Returns
        -------
        Tensor
            float (B, L, width). The last is the ``state`` to go on with.
        """
        batch, length, _ = steps.shape
        if state is None:
            state = steps.new_zeros(batch, self.width)
        # Of each module that is done, slowest first: its period, its first tick, its state before and after each tick.
        held: list[tuple[int, int, Tensor]] = []
        for number in range(len(self.periods) - 1, -1, -1):
            period = self.periods[number]
            first = -start % period
            own = state[:, number * self.share : (number + 1) * self.share]
            kept = own[:, None]
            if first < length:
                ticks = torch.arange(first, length, period, device=steps.device)
                seen = [steps[:, first::period]]
                # How often a slower module was updated before a tick is where its state at the step before lies.
                seen += [past[:, (ticks - begin + every - 1) // every] for every, begin, past in reversed(held)]
                states, _ = self.modules_[number](torch.cat(seen, 2), own[None].contiguous())
                kept = torch.cat([kept.to(states.dtype), states], 1)
            held.append((period, first, kept))
        times = torch.arange(length, device=steps.device)
        return torch.cat([past[:, (times - begin) // every + 1] for every, begin, past in reversed(held)], 2)


class ClockworkStack(nn.Module):
    """Clockwork layers along the letters, dropout between them."""

    def __init__(self, width: int, periods: Sequence[int], layers: int, dropout: float) -> None:
        super().__init__()
        check_sizes("clockwork", layers=layers)
        self.layers = nn.ModuleList(Clockwork(width if number else 4, width, periods) for number in range(layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to states (B, L, width)."""
        states = letters.transpose(1, 2)
        for number, layer in enumerate(self.layers):
            states = layer(self.dropout(states) if number else states)
        return states


class ClockworkClassifier(nn.Module):
    """Clockwork layers, a readout of a window, to logits."""

    def __init__(
        self, outputs: int, width: int, periods: Sequence[int], layers: int, dropout: float, pool: str
    ) -> None:
        super().__init__()
        self.stack = ClockworkStack(width, periods, layers, dropout)
        self.readout = Readout("clockwork", outputs, width, 1, pool, dropout)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs)."""
        logits: Tensor = self.readout(self.stack(letters))
        return logits


class ClockworkLM(nn.Module):
    """Clockwork layers, dropout, to logits at every place."""

    def __init__(self, outputs: int, width: int, periods: Sequence[int], layers: int, dropout: float) -> None:
        super().__init__()
        self.stack = ClockworkStack(width, periods, layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, outputs)

    def forward(self, letters: Tensor) -> Tensor:
        """Indicators (B, 4, L) to logits (B, outputs, L) of the letter behind each."""
        logits: Tensor = self.classifier(self.dropout(self.stack(letters)))
        return logits.transpose(1, 2)


@register_model(
    "clockwork", view="onehot", note="Clockwork RNN (Koutnik et al. 2014): modules of units with clocks of their own"
)
def clockwork(
    outputs: int = 2,
    width: int = 128,
    periods: Sequence[int] = PERIODS,
    layers: int = 1,
    dropout: float = 0.2,
    pool: str = "mean",
) -> ClockworkClassifier:
    """``width`` units in equal modules with the given periods; ``pool`` is "mean" over time or the "last" state.

    With g modules the recurrent matrix has (g + 1) / (2g) of a plain RNN's weights. Periods as published: powers of 2.
    """
    return ClockworkClassifier(outputs, width, periods, layers, dropout, pool)


@register_model(
    "clockwork_lm", view="onehot", answers="position", note="Clockwork RNN (Koutnik et al. 2014), next base"
)
def clockwork_lm(
    outputs: int = 4, width: int = 128, periods: Sequence[int] = PERIODS, layers: int = 2, dropout: float = 0.0
) -> ClockworkLM:
    """Two layers of 128 units in modules with periods 1 to 128; 36,356 parameters."""
    return ClockworkLM(outputs, width, periods, layers, dropout)
