"""Intervals over a genome as records: BED, narrowPeak, GTF and GFF3 rows, cut out, spliced, and turned to their strand.

bioframe parses the tables, ``genome`` reads the letters. The records come in the order of the genome's sequences and,
within one, of the intervals' starts. Coordinates are 0-based and half-open here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specgen.errors import InputError
from specgen.genome import read_contigs
from specgen.records import DAMAGED, Record, open_decompressed
from specgen.selection import RegionSettings
from specgen.sequences import reverse_complement

__all__ = ["is_interval_file", "read_regions"]

_KINDS = {
    ".bed": "bed12",
    ".narrowpeak": "narrowPeak",
    ".broadpeak": "broadPeak",
    ".gtf": "gtf",
    ".gff": "gff",
    ".gff3": "gff",
}
"""File ending -> schema; every one may be followed by .gz or .bgz."""

# How a row tells its transcripts, its gene and its own name, the best first: GTF's attributes (quoted or not), GFF3's.
_TRANSCRIPT = {"gtf": r'(?:^|;)\s*transcript_id\s+"?([^";]+)', "gff": r"(?:^|;)\s*Parent=([^;]+)"}
_GENE = {"gtf": r'(?:^|;)\s*gene_id\s+"?([^";]+)', "gff": r"(?:^|;)\s*(?:gene_id|gene|locus_tag)=([^;]+)"}
_NAMES = {"gtf": (_TRANSCRIPT["gtf"], _GENE["gtf"]), "gff": (r"(?:^|;)\s*ID=([^;]+)",)}

_PARTS = ("CDS", "exon", "UTR", "five_prime_utr", "three_prime_utr", "five_prime_UTR", "three_prime_UTR")
"""Features that are parts of a transcript; splicing anything else would join the isoforms of a gene."""


def _kind(path: str) -> str | None:
    return _KINDS.get(Path(re.sub(r"\.b?gz$", "", path.lower())).suffix)


def is_interval_file(path: str) -> bool:
    """Whether a file's name says that it holds intervals."""
    return _kind(path) is not None


def read_regions(path: str, settings: RegionSettings) -> Iterator[Record]:
    """The sequence of every interval of a file.

    Parameters
    ----------
    path
        BED, narrowPeak, broadPeak, GTF or GFF3, told by its ending, plain or gzip.
    settings
        The genome, and which rows to take how.

    Yields
    ------
    Record
        Named by the row's name or id, else by its place; the header tells gene, range (1-based) and strand.

    Raises
    ------
    InputError
        A file that cannot be read or parsed, no row of the wanted feature, a sequence that the genome does not have,
        or an interval beyond its end.
    """
    table = _load(path, settings)
    left = {str(name): rows for name, rows in table.groupby("chrom", sort=False)}
    for chrom, length, fetch in read_contigs(settings.genome, set(left)):
        for region in left.pop(chrom).sort_values(["start", "end"], kind="stable").itertuples():
            if not 0 <= region.start < region.end <= length:
                raise InputError(
                    f"{path}: interval {chrom}:{region.start}-{region.end} (0-based) does not lie in the {length} nt "
                    f"of that sequence in {settings.genome}"
                )
            low, high, blocks = region.start, region.end, region.blocks
            if settings.width:
                low = max(0, min(region.centre - settings.width // 2, length - settings.width))
                high = min(low + settings.width, length)
                blocks = ((low, high),)
            if blocks[0][0] < low or blocks[-1][1] > high:
                raise InputError(f"{path}: the blocks of {region.name} leave its interval {chrom}:{low}-{high}")
            inside = fetch(low, high)
            codes = np.concatenate([inside[a - low : b - low] for a, b in blocks])
            header = f"{region.header} range={chrom}:{low + 1}-{high} strand={region.strand}"
            codes = reverse_complement(codes) if region.strand == "-" else codes
            yield Record(region.name, header, codes)
    if left:
        names = ", ".join(sorted(left)[:3])
        raise InputError(f"{settings.genome}: has no sequence named {names}, which {path} asks for")


def _rows(path: str, feature: str) -> tuple[list[str], int]:
    """Lines of a table without comments and headers (of one feature, unless it is empty), and how many there were."""
    kept, count = [], 0
    with open_decompressed(path) as handle:
        for line in io.TextIOWrapper(handle, encoding="utf-8"):
            if line.startswith("##FASTA"):
                break
            if line.startswith(("#", "track ", "track\t", "browser ")) or not line.strip():
                continue
            count += 1
            if not feature or line.split("\t", 3)[2:3] == [feature]:
                kept.append(line.rstrip("\r\n"))
    return kept, count


def _load(path: str, settings: RegionSettings) -> Any:
    """A frame with chrom, start, end, centre, strand, name, header and blocks, one row a record."""
    import bioframe  # slow to import, and FASTA input does without

    kind = _kind(path)
    if kind is None:
        raise InputError(f"{path}: expected a file ending in {', '.join(_KINDS)} (or .gz) where a genome is given")
    annotation = kind in ("gtf", "gff")
    schema = "gtf" if annotation else kind
    columns = len(bioframe.SCHEMAS[schema])
    try:
        lines, count = _rows(path, settings.feature if annotation else "")
        if not lines:
            what = f"rows of feature {settings.feature!r} among its {count}" if count and annotation else "intervals"
            raise InputError(f"{path}: holds no {what}")
        text = io.StringIO("\n".join("\t".join(line.split("\t")[:columns]) for line in lines))
        # Every field is text to begin with: neither a quote nor a name "NA" means anything in these formats.
        table = bioframe.read_table(text, schema=schema, dtype=str, quoting=csv.QUOTE_NONE, keep_default_na=False)
        table = table.assign(start=table["start"].astype("int64"), end=table["end"].astype("int64")).fillna("")
        if "relSummit" in table:  # -1 = not known
            table = table.assign(relSummit=table["relSummit"].replace("", "-1").astype("int64"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (
        *DAMAGED,
        OSError,
        ValueError,
        OverflowError,
        KeyError,
        IndexError,
    ) as error:  # type: ignore[misc]
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as {kind.removesuffix('12')} ({reason})") from None
    strand = table["strand"].where(table["strand"].isin(["+", "-"]), ".") if "strand" in table else "."
    table = table.assign(strand=strand)
    table = table.assign(name=table["name"].str.strip() if "name" in table else "")
    if annotation:
        table = _annotated(kind, table, settings)
    if "blocks" not in table:
        table = table.assign(blocks=_bed_blocks(path, table) if settings.splice else _whole(table))
    place = table["chrom"] + ":" + (table["start"] + 1).astype(str) + "-" + table["end"].astype(str)
    first = table["name"].str.replace(r"\s.*", "", regex=True)
    names = first.where(~first.isin(["", "."]), place + "(" + table["strand"] + ")")
    header = names + " gene:" + table["gene"] if "gene" in table else names
    centre = (table["start"] + table["end"]) // 2
    if "relSummit" in table:
        centre = centre.where(table["relSummit"] < 0, table["start"] + table["relSummit"])
    table = table.assign(name=names, header=header, centre=centre)
    return table[["chrom", "start", "end", "centre", "strand", "name", "header", "blocks"]]


def _annotated(kind: str, table: Any, settings: RegionSettings) -> Any:
    """Names and genes of GTF and GFF3 rows, spliced where asked for; starts become 0-based."""
    text = table["attributes"]
    name = text.str.extract(_NAMES[kind][0], expand=False)
    for other in _NAMES[kind][1:]:
        name = name.fillna(text.str.extract(other, expand=False))
    gene = text.str.extract(_GENE[kind], expand=False).fillna(name).fillna("")
    table = table.assign(
        start=table["start"] - 1, name=name.fillna(""), gene=gene.str.strip().str.replace(r"\s", "_", regex=True)
    )
    transcript = text.str.extract(_TRANSCRIPT[kind], expand=False)
    if not settings.splice or settings.width or settings.feature not in _PARTS or transcript.isna().all():
        return table
    # Rows without a transcript stay records of their own; a GFF3 row may belong to several.
    alone = transcript.isna()
    key = transcript.str.split(",").where(~alone, [[f"row {i}"] for i in range(len(table))])
    table = table.assign(key=key, title=transcript.str.split(",").where(~alone, [[n] for n in table["name"]]))
    table = table.explode(["key", "title"]).sort_values("start", kind="stable")
    grouped = table.groupby(["chrom", "strand", "key"], sort=False)
    spliced = grouped.agg(start=("start", "min"), end=("end", "max"), gene=("gene", "first"), name=("title", "first"))
    blocks = [_merged(list(zip(rows["start"], rows["end"], strict=True))) for _, rows in grouped[["start", "end"]]]
    return spliced.reset_index().assign(blocks=blocks)


def _merged(blocks: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Ascending blocks without overlaps: a row given twice must not give its letters twice."""
    merged: list[tuple[int, int]] = []
    for start, end in blocks:
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((int(start), int(end)))
    return tuple(merged)


def _whole(table: Any) -> list[tuple[tuple[int, int], ...]]:
    return [((start, end),) for start, end in zip(table["start"].tolist(), table["end"].tolist(), strict=True)]


def _bed_blocks(path: str, table: Any) -> list[tuple[tuple[int, int], ...]]:
    """The blocks of BED12 rows; the whole interval of others."""
    whole = _whole(table)
    if "blockSizes" not in table or "blockStarts" not in table:
        return whole
    blocks = []
    for interval, sizes, offsets in zip(whole, table["blockSizes"], table["blockStarts"], strict=True):
        if not sizes or not offsets:
            blocks.append(interval)
            continue
        start = interval[0][0]
        try:
            pairs = zip(offsets.strip(",").split(","), sizes.strip(",").split(","), strict=True)
            found = sorted((start + int(low), start + int(low) + int(size)) for low, size in pairs)
        except ValueError:
            raise InputError(
                f"{path}: the interval at {start} is no BED12 row: {sizes} and {offsets}; "
                "--regions.splice false takes whole intervals"
            ) from None
        blocks.append(_merged(found))
    return blocks
