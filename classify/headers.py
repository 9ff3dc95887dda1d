"""What a FASTA header says of its record: gene, chromosome, position. Ensembl, GENCODE, UCSC, or a table of your own.

Groups (genes, or loci where a header names no gene) and chromosomes are what splits are made of, so a record whose
header says nothing becomes a group of its own, and the caller counts those. No sequences and no splits here.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from specgen.errors import InputError

__all__ = ["Origin", "distinct_name", "group_loci", "normalise_chromosome", "parse_header", "read_table"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record comes from. Empty text and -1 mean unknown; ``start`` is 0-based, ``end`` exclusive."""

    gene: str = ""
    chromosome: str = ""
    start: int = -1
    end: int = -1
    strand: str = ""


# ENST.. cdna chromosome:GRCh38:3:177050602:177196423:-1 gene:ENSG00000177565.16 ...
_ENSEMBL_PLACE = re.compile(
    r"\b(?:chromosome|scaffold|supercontig|primary_assembly):[^:\s]*:([^:\s]+):(\d{1,15}):(\d{1,15}):(-?1)\b"
)
_ENSEMBL_GENE = re.compile(r"\bgene:(\S+)")
# ENSMUST..|ENSMUSG..|OTTMUSG..|...
_GENCODE = re.compile(r"^[^|\s]+\|(ENS[A-Z]*G\d+[^|\s]*)\|")
# hg19_.._NM_173083 range=chr1:226418850-226497204 5'pad=0 3'pad=0 strand=- repeatMasking=none
_UCSC_PLACE = re.compile(r"\brange=([^:\s]+):(\d{1,15})-(\d{1,15})(?!\d)")
# chr1:855169-855404 or chr1:855169-855404(+), as bedtools getfasta names what it cuts out
_BARE_PLACE = re.compile(r"^([^:|\s]+):(\d{1,15})-(\d{1,15})(?!\d)(?:\(([+-])\))?")
_CHROM = re.compile(r"\bchrom=(\S+)")
_STRAND = re.compile(r"\bstrand=([+-])")
# Fix patches (CHR_HG126_PATCH), UCSC's chrUn_..., and scaffolds under their accession (KI270742.1).
_UNPLACED = re.compile(r"^(?:CHR_HG|HG\d|CHRUN|UN_|[A-Z]{2}\d{6}\.\d)", re.IGNORECASE)
_HAPLOTYPE = re.compile(r"^(?:CHR_)?HSCHR(\d+|X|Y)_", re.IGNORECASE)


def normalise_chromosome(name: str) -> str:
    """One spelling of a chromosome: "chr1", "CHR1" and "1" are "1"; alternative haplotypes count as their chromosome.

    Fix patches (CHR_HG126_PATCH) and unplaced scaffolds (``chrUn_...``) do not tell which chromosome they repeat: they
    come back empty, so that a chromosome split can leave them out.
    """
    if haplotype := _HAPLOTYPE.match(name):
        return haplotype.group(1).upper()
    if _UNPLACED.match(name):
        return ""
    bare = name
    if name[:3].lower() == "chr" and len(name) > 3:
        bare = name[3:].split("_", 1)[0]  # chr6_apd_hap1, chr1_gl000191_random
    return "MT" if bare.upper() in ("M", "MT") else bare


def chromosomes_of(contigs: Sequence[str]) -> list[str]:
    """``normalise_chromosome`` of each; where all come back empty (an assembly under accessions), the names as they are."""
    names = [normalise_chromosome(name) for name in contigs]
    return names if any(names) else list(contigs)


def parse_header(header: str) -> Origin:
    """Read whatever of ``Origin`` the header tells."""
    gene = ""
    if match := _ENSEMBL_GENE.search(header) or _GENCODE.match(header):
        gene = re.sub(r"\.\d+$", "", match.group(1))  # one gene in two releases is one group
    if match := _ENSEMBL_PLACE.search(header):
        chromosome, start, end, strand = match.groups()
        return Origin(gene, normalise_chromosome(chromosome), int(start) - 1, int(end), "-" if strand == "-1" else "+")
    strand_match = _STRAND.search(header)
    strand = strand_match.group(1) if strand_match else ""
    if match := _UCSC_PLACE.search(header):
        chromosome, start, end = match.groups()
        return Origin(gene, normalise_chromosome(chromosome), int(start) - 1, int(end), strand)
    if match := _BARE_PLACE.match(header):
        chromosome, start, end, turned = match.groups()
        return Origin(gene, normalise_chromosome(chromosome), int(start), int(end), turned or strand)
    if match := _CHROM.search(header):
        return Origin(gene, normalise_chromosome(match.group(1)), strand=strand)
    return Origin(gene)


def distinct_name(name: str, seen: set[str]) -> str:
    """The first of name, name#2, name#3, ... that is not in ``seen``, where it is added.

    Names are unique within a file, not across files.
    """
    variants = itertools.chain([name], (f"{name}#{number}" for number in itertools.count(2)))
    found = next(variant for variant in variants if variant not in seen)
    seen.add(found)
    return found


def read_table(path: str | Path) -> dict[str, Origin]:
    """Origins by record name from a CSV or TSV table with the columns ``id`` and ``gene`` and/or ``chromosome``.

    Raises
    ------
    InputError
        No such file, a missing column, a row of the wrong length, or an id given twice.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            first = handle.readline()
            handle.seek(0)
            rows = csv.DictReader(handle, delimiter="\t" if "\t" in first else ",")
            columns = rows.fieldnames or []
            if "id" not in columns or not {"gene", "chromosome"} & set(columns):
                raise InputError(
                    f"{path}: expected the columns id and gene and/or chromosome, got {', '.join(columns)}"
                )
            table: dict[str, Origin] = {}
            for row in rows:
                if None in row or None in row.values():
                    raise InputError(f"{path}: line {rows.line_num} has not {len(columns)} columns")
                if row["id"] in table:
                    raise InputError(f"{path}: line {rows.line_num} repeats the id {row['id']!r}")
                chromosome = normalise_chromosome(row.get("chromosome") or "")
                table[row["id"]] = Origin(row.get("gene") or "", chromosome)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from None
    return table


def group_loci(origins: Iterable[Origin]) -> list[str]:
    """A group name per record: the gene; else the locus (overlapping ranges on one strand); else empty.

    Transcripts whose headers give a range but no gene (UCSC tables) are isoforms of one gene when they overlap on the
    same strand, so overlapping ranges are merged with bioframe's ``cluster``.
    """
    origins = list(origins)
    names = [origin.gene for origin in origins]
    placed = [i for i, origin in enumerate(origins) if not origin.gene and origin.start >= 0]
    if placed:
        import bioframe  # slow to import, and only UCSC-style headers need it
        import pandas as pd

        frame = pd.DataFrame(
            {
                "chrom": [origins[i].chromosome or "unplaced" for i in placed],
                "start": [origins[i].start for i in placed],
                "end": [origins[i].end for i in placed],
                "strand": [origins[i].strand or "+" for i in placed],
            }
        )
        clusters = bioframe.cluster(frame, on=["strand"], min_dist=None)
        for i, chrom, strand, start in zip(
            placed, clusters["chrom"], clusters["strand"], clusters["cluster_start"], strict=True
        ):
            names[i] = f"locus:{chrom}{strand}{start}"
    return names
