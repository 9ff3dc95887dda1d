"""Whether an annotation is one of this genome. Names and lengths only; no letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from classify.contigs import missing_sequences
from classify.exons.annotation import Annotation
from classify.exons.rows import line_of
from specgen.errors import InputError

__all__ = ["on_genome"]


def on_genome(exons: Annotation, lengths: Mapping[str, int], genome: str) -> Annotation:
    """The exons on sequences that the genome has; ``counts`` gets the names of others, and how many exons they have.

    Parameters
    ----------
    lengths
        nt of each sequence of the genome.

    Raises
    ------
    InputError
        No sequence in common, names that differ by "chr" alone, or an exon that ends past its sequence.
    """
    missing = missing_sequences(exons.path, exons.contigs, lengths, genome)
    ends = np.array([lengths.get(name, 0) for name in exons.contigs], dtype=np.int64)
    here = ends[exons.contig] > 0
    kept = exons.take(here)
    if (past := kept.end > ends[kept.contig]).any():
        row = int(past.argmax())
        name = exons.contigs[kept.contig[row]]
        line = line_of(exons.path, exons.features, name.encode(), int(kept.end[row]))
        raise InputError(
            f"{exons.path}: {line}the exon {name}:{kept.start[row]}-{kept.end[row]} ends past the "
            f"{lengths[name]} nt of that sequence in {genome}; is it the same assembly?"
        )
    told = {"contigs_missing": missing[:20], "exons_on_missing_contigs": int((~here).sum())}
    return replace(kept, counts={**exons.counts, **told})
