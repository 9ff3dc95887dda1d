"""Reading VCF: header, and line by line what is to be scored of it, checked against the genome.

The format is VCF 4.1 to 4.5 (hts-specs), of which only the first five columns and the names in the header are looked at;
all else goes through as it came, so lines are read as text, with the numbers that messages name. Multi-allelic lines
are an ALT after another, and lines that overlap know nothing of each other. No network, no windows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from classify.contigs import missing_sequences
from classify.lines import text_lines
from specgen.errors import InputError
from specgen.files import PASSING
from specgen.genome import Fetch, Genome
from specgen.sequences import Codes, decode, encode

__all__ = ["Header", "Row", "read_vcf", "variant_rows"]

_WHAT = "a VCF file (plain, gzip or bgzip)"
_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_BASES = re.compile(r"[ACGTNRYSWKMBDHV]+", re.IGNORECASE)
_BREAKEND = re.compile(r".*[\[\]].*|\.[A-Za-z]+|[A-Za-z]+\.")
_DECLARED = re.compile(r"##(INFO|contig)=<(?:[^\"]*?,)?ID=([^,>]+)")
_N = 15
_SHOWN = 20
"""Letters of an allele that a message shows."""


class Header(NamedTuple):
    """What stands in front of the first variant.

    Attributes
    ----------
    meta
        Lines that begin with ##.
    columns
        The line that begins with #CHROM.
    infos, contigs
        Names that are declared.
    """

    meta: list[str]
    columns: str
    infos: set[str]
    contigs: set[str]


class Row(NamedTuple):
    """A line of variants.

    Attributes
    ----------
    columns
        Its first eight, as text, and the rest as one.
    contig, start
        0-based place of the first letter of REF.
    reference
        uint8 codes of REF, which are those of the genome where this has the contig.
    alternatives
        uint8 codes of each ALT; a word where it has none: spanning_deletion (*), breakend, symbolic, or absent_contig. Empty for
        a line without ALT.
    """

    columns: list[str]
    contig: str
    start: int
    reference: Codes
    alternatives: list[Codes | str]


def read_vcf(path: str) -> tuple[Header, Iterator[tuple[int, str]]]:
    """Header, and number and text of each line behind it.

    Raises
    ------
    InputError
        A file that cannot be read, is none, or lacks its header.
    """
    lines = text_lines(path, _WHAT, PASSING)
    meta: list[str] = []
    for number, line in lines:
        if not meta and not line.startswith("##fileformat=VCF"):
            hint = " (BCF? bcftools view makes VCF of it)" if line.startswith("BCF") else ""
            raise InputError(
                f"{path}: line {number}: expected ##fileformat=VCFv4.x, as {_WHAT} begins, got {line[:40]!r}{hint}"
            )
        if line.startswith("##"):
            meta.append(line)
            continue
        if tuple(line.split("\t", 8)[:8]) != _COLUMNS:
            raise InputError(f"{path}: line {number}: expected the header line {' '.join(_COLUMNS)}, got {line[:40]!r}")
        found = [match.groups() for text in meta if (match := _DECLARED.match(text))]
        infos, contigs = ({name for kind, name in found if kind == wanted} for wanted in ("INFO", "contig"))
        return Header(meta, line, infos, contigs), lines
    raise InputError(f"{path}: ends without the header line {' '.join(_COLUMNS)}")


def variant_rows(path: str, lines: Iterator[tuple[int, str]], genome: Genome) -> Iterator[tuple[Row, Fetch | None]]:
    """The lines behind a header, each with a way to cut its contig; None where the genome does not have that.

    Call sets name contigs, such as decoys, that a FASTA need not have, so some may be missing. Lines may be in any order where
    the genome has an index; else those of a contig have to stand together, since contigs are read one at a time.

    Raises
    ------
    InputError
        A line that is none, contigs of which the genome has not one, a contig that it spells otherwise, a place beyond its ends,
        a contig that comes back, or a REF that is not what the genome has there; names the line.
    """
    done: set[str] = set()
    absent: dict[str, str] = {}
    present = False
    contig, fetch = "", None
    for number, line in lines:
        where = f"{path}: line {number}"
        columns = line.split("\t", 8)
        if len(columns) < 8:
            raise InputError(f"{where}: expected 8 columns or more with tabs between them, got {len(columns)}")
        if columns[0] not in genome.lengths:
            if columns[0] not in absent:
                missing_sequences(
                    where, [*genome.lengths, columns[0]], genome.lengths, genome.path, "VCF"
                )  # tells spellings
                absent[columns[0]] = where
            yield _row(columns, where, None), None
            continue
        present = True
        if fetch is None or columns[0] != contig:
            done.add(contig)
            contig = columns[0]
            if contig in done and not genome.indexed:
                raise InputError(
                    f"{where}: contig {contig!r} comes back after another; sort the file (bcftools sort), or make an index "
                    f"of {genome.path} (samtools faidx)"
                )
            fetch = genome.sequence(contig)
        yield _row(columns, where, (genome, fetch)), fetch
    if absent and not present:
        missing_sequences(next(iter(absent.values())), list(absent), genome.lengths, genome.path, "VCF")


def _row(columns: list[str], where: str, held: tuple[Genome, Fetch] | None) -> Row:
    """The line as it is read, against the contig where the genome has that."""
    contig, position, _, ref, alts = columns[:5]
    if not re.fullmatch(r"[0-9]{1,18}", position):
        raise InputError(f"{where}: expected a position from 1 on, got {position[:_SHOWN]!r}")
    if not _BASES.fullmatch(ref):
        raise InputError(f"{where}: expected REF of letters A, C, G, T and N, got {_short(ref)!r}")
    start = int(position) - 1
    reference = encode(ref, name=f"{where}: REF")
    alternatives = [] if alts == "." else [_alternative(alt, where) for alt in alts.split(",")]
    if held is None:
        return Row(columns, contig, start, reference, ["absent_contig"] * len(alternatives))
    genome, fetch = held
    length = genome.lengths[contig]
    if not 0 <= start <= start + len(ref) <= length:
        raise InputError(
            f"{where}: {contig}:{position} with REF of {len(ref)} nt lies outside of that sequence, which is 1 to {length} in "
            f"{genome.path}; is it the same assembly?"
        )
    _check_reference(reference, fetch(start, start + len(ref)), f"{where}: {contig}:{position}", genome.path)
    return Row(columns, contig, start, reference, alternatives)


def _check_reference(told: Codes, found: Codes, place: str, genome: str) -> None:
    # VCF reduces R, Y and the like to the first of their bases, which is their lowest bit; N stays.
    first = np.where(found == _N, found, found & -found.astype(np.int16)).astype(np.uint8)
    same = (told == found) | (told == first)
    if not same.all():
        at = int((~same).argmax())
        which = f", which differ at letter {at + 1}" if len(told) > 1 else ""
        raise InputError(
            f"{place}: expected the reference {_short(decode(told))}, as REF says, found {_short(decode(found))} in "
            f"{genome}{which}; is it the same assembly?"
        )


def _alternative(text: str, where: str) -> Codes | str:
    if _BASES.fullmatch(text):
        return encode(text, name=f"{where}: ALT")
    if text == "*":
        return "spanning_deletion"
    if _BREAKEND.fullmatch(text):
        return "breakend"
    if re.fullmatch(r"<[^<>\s]+>", text):
        return "symbolic"
    raise InputError(f"{where}: expected ALT of letters, *, <...> or a breakend, got {_short(text)!r}")


def _short(letters: str) -> str:
    return letters if len(letters) <= _SHOWN else f"{letters[: _SHOWN - 3]}..."
