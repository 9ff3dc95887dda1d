"""A made-up genome with genes on both strands: the simulated coding transcripts, cut into exons, with introns between.

What is real about it is what marks an exon's start behind an intron: GT at an intron's start, a pyrimidine-rich stretch and AG
at its end, codons behind it. Shares of the stretch are round numbers, not taken from a genome. Otherwise it is as empty as
``simulate`` says of its transcripts: results on it show that commands work, and say nothing of real genomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specgen.sequences import Codes, encode, reverse_complement
from specgen.simulate import SimulationSettings, simulate

__all__ = ["SimulatedContig", "SimulatedGene", "simulate_genome"]

_DONOR, _ACCEPTOR = encode("GTAAGT"), encode("CAG")
_TRACT, _PYRIMIDINES = 18, 0.85
_INTRON, _EXONS, _SPACER = (80, 250), (3, 5), (200, 600)
"""Ranges, ends included: nt of an intron, exons of a gene, nt between genes."""


@dataclass(frozen=True)
class SimulatedGene:
    """One gene with one transcript.

    Attributes
    ----------
    name
        Unique in the genome.
    strand
        "+" or "-".
    exons
        1-based closed intervals on the contig's forward strand, ascending.
    """

    name: str
    strand: str
    exons: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SimulatedContig:
    """A contig: its name, uint8 codes (length,), and its genes in order."""

    name: str
    codes: Codes
    genes: tuple[SimulatedGene, ...]


def simulate_genome(settings: SimulationSettings) -> Iterator[SimulatedContig]:
    """Contigs "sim1" to "sim10" of ``settings.n`` genes, whose transcripts are the coding ones of ``simulate(settings)``.

    What lies between genes and in introns is cut from the non-coding ones. The same settings give the same genome.

    Yields
    ------
    SimulatedContig
        Those with a gene; a contig is held in memory, and so are all transcripts.
    """
    pairs: dict[str, list[tuple[str, Codes, Codes]]] = {}
    records = simulate(settings)
    for coding, background in zip(records, records, strict=True):  # they come in turn
        pairs.setdefault(coding.chromosome, []).append((coding.gene, coding.codes, background.codes))
    for number, (name, members) in enumerate(pairs.items()):
        rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(3, number)))
        parts: list[Codes] = []
        genes: list[SimulatedGene] = []
        total = 0
        for gene, transcript, other in members:
            between = _piece(other, _SPACER, rng)
            letters, exons = _spliced_apart(transcript, other, rng)
            forward = bool(rng.integers(2))
            total += len(between)
            places = [(total + low + 1, total + high) for low, high in exons]
            if not forward:
                letters = reverse_complement(letters)
                places = [
                    (total + len(letters) - high + 1, total + len(letters) - low) for low, high in reversed(exons)
                ]
            genes.append(SimulatedGene(gene, "+" if forward else "-", tuple(places)))
            parts += [between, letters]
            total += len(letters)
        parts.append(_piece(members[-1][2], _SPACER, rng))
        yield SimulatedContig(name, np.concatenate(parts), tuple(genes))


def _piece(source: Codes, span: tuple[int, int], rng: np.random.Generator) -> Codes:
    """Letters from a random place of ``source``, as many as ``span`` says, or all of them."""
    size = min(len(source), int(rng.integers(*span, endpoint=True)))
    start = int(rng.integers(0, len(source) - size + 1))
    return source[start : start + size]


def _spliced_apart(
    transcript: Codes, background: Codes, rng: np.random.Generator
) -> tuple[Codes, list[tuple[int, int]]]:
    """The gene in transcript direction, and its exons as 0-based half-open intervals."""
    count = int(rng.integers(*_EXONS, endpoint=True))
    cuts = np.sort(rng.choice(np.arange(1, len(transcript) // 10), count - 1, replace=False)) * 10
    parts: list[Codes] = []
    exons, place = [], 0
    for number, exon in enumerate(np.split(transcript, cuts)):
        if number:
            kinds = np.where(rng.random(_TRACT) < _PYRIMIDINES, rng.choice([2, 8], _TRACT), rng.choice([1, 4], _TRACT))
            intron = np.concatenate([_DONOR, _piece(background, _INTRON, rng), kinds.astype(np.uint8), _ACCEPTOR])
            parts.append(intron)
            place += len(intron)
        parts.append(exon)
        exons.append((place, place + len(exon)))
        place += len(exon)
    return np.concatenate(parts), exons
