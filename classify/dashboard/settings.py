"""What a dashboard is made with: frozen dataclasses that check themselves. No torch, so that ``--help`` answers at once."""

from __future__ import annotations

from dataclasses import dataclass

from specgen.errors import InputError

__all__ = ["OptimisationSettings"]


@dataclass(frozen=True)
class OptimisationSettings:
    """How the letters are found that a network likes best, see ``optimisation``.

    Defaults are those of the Deep Motif Dashboard (Lanchantin et al. 2017, arXiv:1608.03644).

    Attributes
    ----------
    steps
        Of RMSprop; 0 = leave class optimisation out.
    lr
        Learning rate.
    weight
        Of the squared norm that is added to the loss.
    floor
        Added to each entry before the columns are made to sum to 1.
    seed
        Of the uniform random beginning.
    """

    steps: int = 1000
    lr: float = 0.05
    weight: float = 0.009
    floor: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise InputError(f"optimisation.steps: expected 0 or more, got {self.steps}")
        if self.lr <= 0:
            raise InputError(f"optimisation.lr: expected above 0, got {self.lr}")
        if self.weight < 0:
            raise InputError(f"optimisation.weight: expected 0 or more, got {self.weight}")
        if self.floor <= 0:
            raise InputError(f"optimisation.floor: expected above 0, got {self.floor}")
        if self.seed < 0:
            raise InputError(f"optimisation.seed: expected 0 or more, got {self.seed}")
