"""Whether an annotation is one of this genome. Names and lengths only; no letters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from classify.exons.annotation import Annotation
from classify.exons.rows import line_of
from specgen.errors import InputError

__all__ = ["on_genome"]

_ACCESSION = re.compile(r"^(?:[NA][CTWZ]_|CM|CP|GL|KI|KZ|[A-Z]{2})\d{6,}(?:\.\d+)?$")
"""NCBI's and the INSDC's names of sequences: NC_000001.11, CM000663.2, GL000191.1."""


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
    missing = [name for name in exons.contigs if name not in lengths]
    spelt = {_bare(name): name for name in lengths}
    other = {name: spelt[_bare(name)] for name in missing if _bare(name) in spelt}
    renamed = [name for name in missing if name in other]
    if renamed or len(missing) == len(exons.contigs):
        raise InputError(f"{exons.path}: {_mismatch(missing, renamed, other, lengths, genome)}")
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


def _bare(name: str) -> str:
    """What spellings of one sequence have in common: no "chr", no capitals, the mitochondrion as "m"."""
    bare = name.lower().removeprefix("chr")
    return "m" if bare == "mt" else bare


def _mismatch(
    missing: list[str], renamed: list[str], other: Mapping[str, str], lengths: Mapping[str, int], genome: str
) -> str:
    if renamed:
        name = renamed[0]
        return (
            f"names {len(renamed)} sequences otherwise than {genome}: {name!r} here is {other[name]!r} there (the prefix chr); "
            "take both from one source, or rename one"
        )
    mine, theirs = missing[:3], list(lengths)[:3]
    text = f"no sequence in common with {genome}: {', '.join(mine)} here, {', '.join(theirs)} there"
    accessions = [all(map(_ACCESSION.match, names)) for names in (mine, theirs)]
    if accessions[0] != accessions[1]:
        which = "the annotation" if accessions[0] else "the genome"
        text += f"; {which} has NCBI accessions, take both from one source"
    return text
