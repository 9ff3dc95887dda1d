"""Simulated transcripts, the embedded data set: coding ones with a reading frame, non-coding ones without.

A coding transcript is 5' UTR, ATG, sense codons drawn one by one from human codon usage, a stop codon, 3'
UTR. A non-coding transcript, and every UTR, is an order-2 Markov chain with the statistics of human lncRNA.
What would tell the classes apart for free is matched: record i of both has the same drawn length, and the
chain is tilted (the odds of C and G times one factor) until its expected GC equals that of the codons, so
that GC is level along a coding transcript and alike in both classes. Noise falls on both alike. What differs
is the reading frame.

What this is NOT: there are no introns and no splicing history, no gene families, no repeats, no correlations
between amino acids or codon pairs, no real UTR motifs (Kozak, poly-A), no isochores. Results on it show that
a method finds a reading frame; they say nothing of real genomes.

NumPy only. The tables live in ``_statistics``; splits and labels for training belong to tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from specgen._statistics import BACKGROUND, CODON_USAGE
from specgen.errors import InputError
from specgen.sequences import BASES, Codes, encode

__all__ = ["SimulatedRecord", "SimulationSettings", "simulate"]

Bases = NDArray[np.uint8]
"""uint8 (length in nt,) of base indices, 0..3 for A, C, G, T. Only used in here; records carry ``Codes``."""

_CODE_OF_BASE = encode(BASES)
_PAIRS = [first + second for first in BASES for second in BASES]
_CODONS = np.stack(np.unravel_index(np.arange(64), (4, 4, 4)), axis=1).astype(np.uint8)
"""(64, 3) bases of every codon, in the order AAA, AAC, ... TTT."""
_USAGE = np.array([CODON_USAGE[pair] for pair in _PAIRS]).ravel()
_CHAIN = np.array([BACKGROUND[pair] for pair in _PAIRS])
_IS_GC = np.array([0.0, 1.0, 1.0, 0.0])
_ATG = np.array([0, 3, 2], dtype=np.uint8)
_IS_STOP = np.isin(
    np.arange(64),
    [BASES.index(a) * 16 + BASES.index(b) * 4 + BASES.index(c) for a, b, c in ("TAA", "TAG", "TGA")],
)
_STOP_USAGE = np.where(_IS_STOP, _USAGE, 0) / _USAGE[_IS_STOP].sum()

_CDS_SHARE = (0.4, 0.8)
_FIVE_PRIME_SHARE = (0.1, 0.5)
"""CDS share of the transcript, and 5' share of its UTRs; uniform in these ranges. In CPAT's human test mRNA
of 700-2000 nt (1278 transcripts) the quartiles are 0.47 and 0.77, and 0.14 and 0.46."""

_SHORTEST, _LONGEST, _MOST, _CHROMOSOMES = 60, 100_000, 1_000_000, 10


@dataclass(frozen=True)
class SimulationSettings:
    """What to simulate.

    Parameters
    ----------
    n
        Transcripts per class.
    min_length, max_length
        Range of the transcript lengths in nt, both ends included, drawn uniformly and alike for both classes.
    codon_bias
        1 = human codon usage, 0 = uniform over the 61 sense codons, linear in between. Stop codons are
        always drawn with their human frequencies. At 0 the lack of stop codons in frame still tells the
        classes apart.
    substitutions
        Probability per base of becoming one of the three other bases, in both classes.
    indels
        Probability per base of an insertion after it or of its deletion, in both classes. A transcript gets
        as many insertions as deletions, so that its length stays as drawn; each of them shifts the reading
        frame.
    seed
        Of all random draws. Equal settings give equal records (within one NumPy version).

    Raises
    ------
    InputError
        For a value out of range; names the key, the range and the value.
    """

    n: int = 2000
    min_length: int = 700
    max_length: int = 2000
    codon_bias: float = 1.0
    substitutions: float = 0.0
    indels: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._check("n", 1, _MOST, whole=True)
        self._check("min_length", _SHORTEST, _LONGEST, whole=True)
        self._check("max_length", self.min_length, _LONGEST, whole=True)
        self._check("codon_bias", 0, 1)
        self._check("substitutions", 0, 1)
        self._check("indels", 0, 1)
        self._check("seed", 0, 2**32 - 1, whole=True)

    def _check(self, key: str, low: int, high: int, *, whole: bool = False) -> None:
        value = getattr(self, key)
        right_kind = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
        # Written so that NaN fails too.
        if not (right_kind and low <= value <= high):
            kind = "a whole number" if whole else "a number"
            raise InputError(f"{key}: expected {kind} from {low} to {high}, got {value!r}")


@dataclass(frozen=True)
class SimulatedRecord:
    """One simulated transcript.

    Attributes
    ----------
    name
        Unique.
    codes
        uint8 (length,), see ``sequences``.
    coding
        The class.
    cds
        0-based half-open interval from the start codon's first base to the stop codon's last one; (0, 0) when
        non-coding. With indels its length need not be divisible by 3.
    gene
        Group of the record; every record is a gene of its own.
    chromosome
        "sim1" to "sim10", in turn; both classes are on each, and the two records of one length share theirs.
    """

    name: str
    codes: Codes
    coding: bool
    cds: tuple[int, int]
    gene: str
    chromosome: str


def simulate(settings: SimulationSettings) -> Iterator[SimulatedRecord]:
    """Stream ``settings.n`` pairs of one coding and one non-coding record, coding first.

    Record i of a class depends on i, the class and the settings other than ``n``: a larger ``n`` appends
    records. Noise is drawn last, so a noisy transcript is the noise-free one of the same seed plus its
    noise.

    Yields
    ------
    SimulatedRecord
    """
    usage = _sense_usage(settings.codon_bias)
    gc = float(usage @ _gc(_CODONS))
    for index in range(settings.n):
        length = int(_generator(settings, 0, index).integers(settings.min_length, settings.max_length, endpoint=True))
        for coding in (True, False):
            rng = _generator(settings, 1 if coding else 2, index)
            if coding:
                bases, cds = _coding(length, usage, gc, rng)
            else:
                bases, cds = _background(length, _partner_gc(length, gc), rng), (0, 0)
            bases = _substitute(bases, settings.substitutions, rng)
            bases, cds = _shift(bases, cds, settings.indels, rng)
            name = f"{'coding' if coding else 'noncoding'}_{index + 1:06d}"
            chromosome = f"sim{index % _CHROMOSOMES + 1}"
            yield SimulatedRecord(name, _CODE_OF_BASE[bases], coding, cds, f"gene_{name}", chromosome)


def _generator(settings: SimulationSettings, stream: int, index: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(stream, index)))


def _gc(codons: Bases) -> NDArray[np.float64]:
    share: NDArray[np.float64] = _IS_GC[codons].mean(axis=-1)
    return share


def _sense_usage(bias: float) -> NDArray[np.float64]:
    """(64,) probability of each codon inside a CDS; stop codons have none."""
    real = np.where(_IS_STOP, 0, _USAGE)
    usage: NDArray[np.float64] = bias * real / real.sum() + (1 - bias) * ~_IS_STOP / (~_IS_STOP).sum()
    return usage


def _partner_gc(length: int, gc: float) -> float:
    """Expected GC of a coding transcript whose codons and UTRs have ``gc``: start and stop codon lower it."""
    fixed = float(_gc(_ATG) + _STOP_USAGE @ _gc(_CODONS))
    return gc + 3 * (fixed - 2 * gc) / length


def _coding(
    length: int, usage: NDArray[np.float64], gc: float, rng: np.random.Generator
) -> tuple[Bases, tuple[int, int]]:
    codons = int(length * rng.uniform(*_CDS_SHARE)) // 3
    untranslated = length - 3 * codons
    start = int(untranslated * rng.uniform(*_FIVE_PRIME_SHARE))
    parts = [
        _background(start, gc, rng),
        _ATG,
        _CODONS[rng.choice(64, size=codons - 2, p=usage)].ravel(),
        _CODONS[rng.choice(64, p=_STOP_USAGE)],
        _background(untranslated - start, gc, rng),
    ]
    return np.concatenate(parts), (start, start + 3 * codons)


def _background(length: int, gc: float, rng: np.random.Generator) -> Bases:
    """A stationary order-2 chain of ``length`` nt with the expected GC share ``gc``."""
    # Rounding lets the cache serve every length; 5e-5 is far below the spread of one transcript's GC (0.01).
    start, cumulative = _tilted(round(gc, 4))
    state = int(np.searchsorted(start, rng.random(), side="right"))
    draws = rng.random((length, 1))
    # The next pair of bases for every position and every current pair; the loop only follows the pointers.
    base = sum((draws >= edge).astype(np.uint8) for edge in cumulative)
    following = (4 * (np.arange(16, dtype=np.uint8) % 4) + base).astype(np.uint8).tobytes()
    visited = bytearray(length)
    for position in range(length):
        state = following[16 * position + state]
        visited[position] = state
    return np.frombuffer(visited, dtype=np.uint8) % 4


@lru_cache(maxsize=4096)
def _tilted(gc: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The background chain with the odds of C and G scaled so that the stationary GC share is ``gc``.

    Returns
    -------
    tuple
        Cumulative probabilities: of the first pair of bases, (15,), the 16th being implied; and of the next
        base A, C and G by the current pair, (3, 16), T being implied.
    """
    low, high = -5.0, 5.0
    for _ in range(40):
        tilt = (low + high) / 2
        chain = _CHAIN * np.exp(tilt * _IS_GC)
        chain /= chain.sum(axis=1, keepdims=True)
        stationary = _stationary(chain)
        # GC grows with the tilt, so bisection finds it.
        if stationary @ (chain @ _IS_GC) < gc:
            low = tilt
        else:
            high = tilt
    return np.cumsum(stationary)[:-1], np.cumsum(chain, axis=1)[:, :-1].T


def _stationary(chain: NDArray[np.float64]) -> NDArray[np.float64]:
    """(16,) share of each pair of bases in the long run of ``chain`` (16, 4)."""
    step = np.zeros((16, 16))
    for pair in range(16):
        step[pair, 4 * (pair % 4) : 4 * (pair % 4) + 4] = chain[pair]
    # Every pair is reachable in two steps, so powers converge geometrically.
    row: NDArray[np.float64] = np.linalg.matrix_power(step, 256)[0]
    return row


def _substitute(bases: Bases, rate: float, rng: np.random.Generator) -> Bases:
    hit = rng.random(len(bases)) < rate
    shift = rng.integers(1, 4, size=len(bases), dtype=np.uint8)
    return np.where(hit, (bases + shift) % 4, bases).astype(np.uint8)


def _shift(bases: Bases, cds: tuple[int, int], rate: float, rng: np.random.Generator) -> tuple[Bases, tuple[int, int]]:
    """As many one-base insertions as deletions, at distinct random places; the CDS interval moves along."""
    length = len(bases)
    count = int(rng.binomial(length // 2, rate))
    places = rng.permutation(length)[: 2 * count]
    copies = np.ones(length, dtype=np.int64)
    copies[places[:count]] = 0
    copies[places[count:]] = 2
    source = np.repeat(np.arange(length), copies)
    shifted = bases[source]
    shifted[1:][source[1:] == source[:-1]] = rng.integers(4, size=count, dtype=np.uint8)
    edges = np.concatenate(([0], np.cumsum(copies)))
    return shifted, (int(edges[cds[0]]), int(edges[cds[1]]))
