"""What an explanation is made with: frozen dataclasses that check themselves. No torch, so that ``--help`` answers at once."""

from __future__ import annotations

from dataclasses import dataclass

from specgen.errors import InputError, UnknownName
from specgen.simulate import SimulationSettings

__all__ = ["REFERENCES", "AttributionSettings", "MeasureSettings"]

REFERENCES = ("uniform", "shuffled")
"""Where integrated gradients start: a quarter of each base everywhere, or shuffles that keep every pair of letters."""


@dataclass(frozen=True)
class AttributionSettings:
    """How the log-odds of a class are shared out among letters, and drawn.

    Attributes
    ----------
    target
        Class whose log-odds are explained; empty = the positive class of two.
    reference
        uniform: .25 of each base everywhere; shuffled: the mean over ``shuffles`` of the window that keep its counts of
        dinucleotides. With the min-max scale take the second: a picture of nearly equal letters is stretched to the full
        range, so there the path from the first begins with a jump, which no number of points makes complete.
    shuffles
        References of the second kind.
    steps, limit
        Points of the integral (Gauss-Legendre): doubled from ``steps`` up to ``limit`` until it is complete.
    tolerance
        Complete means that the attributions sum to the difference of the log-odds within this share of it.
    at_once
        Points that go through the network together, with their gradients.
    layer
        Layer of the Grad-CAM map; empty = the last one that still has a frequency and a time axis.
    smooth
        Letters of the moving mean that is drawn over the raw values; a multiple of 3 averages over whole codons.
    seed
        Of the shuffles.
    """

    target: str = ""
    reference: str = "uniform"
    shuffles: int = 10
    steps: int = 32
    limit: int = 512
    tolerance: float = 0.01
    at_once: int = 16
    layer: str = ""
    smooth: int = 33
    seed: int = 0

    def __post_init__(self) -> None:
        if self.reference not in REFERENCES:
            raise UnknownName("attribution.reference", self.reference, REFERENCES)
        for key in ("shuffles", "steps", "at_once", "smooth"):
            if getattr(self, key) < 1:
                raise InputError(f"attribution.{key}: expected at least 1, got {getattr(self, key)}")
        if self.limit < self.steps:
            raise InputError(f"attribution.limit: expected at least steps ({self.steps}), got {self.limit}")
        if not 0 < self.tolerance < 1:
            raise InputError(f"attribution.tolerance: expected above 0 and below 1, got {self.tolerance}")
        if self.seed < 0:
            raise InputError(f"attribution.seed: expected 0 or more, got {self.seed}")


@dataclass(frozen=True)
class MeasureSettings:
    """The made-up transcripts that attributions are measured on, and how.

    Every window holds one end of a CDS: so many letters of it, and UTR for the rest, in turn with the CDS at the right
    (its start is in the window) and at the left (its stop is), so that no preference for one end helps. One for the middle,
    as that of a spectrogram of long frames, lowers the enrichment: compare it with that of the control (``measures.NULLS``).

    Attributes
    ----------
    cds_low, cds_high
        Share of the window that the CDS covers, drawn uniformly. Below a half, since no enrichment exceeds its inverse.
    shortest, longest
        Length of the transcripts, in windows; UTRs have to be long enough to fill one.
    codon_bias, substitutions, indels
        See ``specgen.simulate.SimulationSettings``.
    seed
        Of the transcripts and every other draw; not the one of the training data.
    block
        Letters that are deleted or inserted together.
    points
        Steps of a curve.
    orders
        Random orders that a curve is compared with, for each window.
    shuffles
        Shuffled attributions for each window.
    resamples
        Of the windows, for 95 % intervals.
    """

    cds_low: float = 0.25
    cds_high: float = 0.45
    shortest: float = 2.5
    longest: float = 5.0
    codon_bias: float = 1.0
    substitutions: float = 0.0
    indels: float = 0.0
    seed: int = 20_011
    block: int = 15
    points: int = 20
    orders: int = 2
    shuffles: int = 100
    resamples: int = 1000

    def __post_init__(self) -> None:
        if not 0 < self.cds_low <= self.cds_high < 1:
            raise InputError(
                "measure.cds_low, measure.cds_high: expected shares above 0 and below 1, the lower first, "
                f"got {self.cds_low} and {self.cds_high}"
            )
        if not 1 <= self.shortest <= self.longest:
            raise InputError(
                "measure.shortest, measure.longest: expected at least 1 window, the lower first, "
                f"got {self.shortest} and {self.longest}"
            )
        for key in ("block", "points", "orders", "shuffles", "resamples"):
            if getattr(self, key) < 1:
                raise InputError(f"measure.{key}: expected at least 1, got {getattr(self, key)}")
        self.simulation(1, 600)  # the generator checks what is its own

    def simulation(self, n: int, window: int) -> SimulationSettings:
        """Settings of the generator for ``n`` coding transcripts, from which windows of ``window`` nt are to be cut."""
        return SimulationSettings(
            n=n,
            min_length=round(self.shortest * window),
            max_length=round(self.longest * window),
            codon_bias=self.codon_bias,
            substitutions=self.substitutions,
            indels=self.indels,
            seed=self.seed,
        )
