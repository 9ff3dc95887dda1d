"""Whether a table of places is one of this genome: the names of its sequences. Names and lengths only; no letters."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from specgen.errors import InputError

__all__ = ["missing_sequences"]

_ACCESSION = re.compile(r"^(?:[NA][CTWZ]_|CM|CP|GL|KI|KZ|[A-Z]{2})\d{6,}(?:\.\d+)?$")
"""NCBI's and the INSDC's names of sequences: NC_000001.11, CM000663.2, GL000191.1."""


def missing_sequences(
    path: str, names: Collection[str], lengths: Mapping[str, int], genome: str, what: str = "annotation"
) -> list[str]:
    """Those of ``names`` that the genome does not have, in their order.

    Parameters
    ----------
    path, what
        The table that names them, and what it is.
    lengths
        nt of each sequence of the genome.

    Raises
    ------
    InputError
        No sequence in common, or names that differ by "chr" or capitals alone.
    """
    missing = [name for name in names if name not in lengths]
    spelt = {_bare(name): name for name in lengths}
    other = {name: spelt[_bare(name)] for name in missing if _bare(name) in spelt}
    renamed = [name for name in missing if name in other]
    if renamed or len(missing) == len(names):
        raise InputError(f"{path}: {_mismatch(missing, renamed, other, lengths, genome, what)}")
    return missing


def _bare(name: str) -> str:
    """What spellings of one sequence have in common: no "chr", no capitals, the mitochondrion as "m"."""
    bare = name.lower().removeprefix("chr")
    return "m" if bare == "mt" else bare


def _mismatch(
    missing: list[str],
    renamed: list[str],
    other: Mapping[str, str],
    lengths: Mapping[str, int],
    genome: str,
    what: str,
) -> str:
    if renamed:
        name = renamed[0]
        return (
            f"names {len(renamed)} sequences otherwise than {genome}: {name!r} here is {other[name]!r} there (chr, capitals); "
            "take both from one source, or rename one"
        )
    mine, theirs = missing[:3], list(lengths)[:3]
    text = f"no sequence in common with {genome}: {', '.join(mine)} here, {', '.join(theirs)} there"
    accessions = [all(map(_ACCESSION.match, names)) for names in (mine, theirs)]
    if accessions[0] != accessions[1]:
        which = f"the {what}" if accessions[0] else "the genome"
        text += f"; {which} has NCBI accessions, take both from one source"
    return text
