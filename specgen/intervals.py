"""Intervals over a genome as records: BED, narrowPeak, GTF and GFF3 rows, cut out, spliced, and turned to their strand.

bioframe parses the tables. The genome is read with pysam where an index lies beside it (``samtools faidx``), and else
streamed chromosome by chromosome, which works for plain gzip, too; both give the same records in the same order, that
of the genome's sequences and, within one, of the intervals' starts. Coordinates are 0-based and half-open here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specgen.errors import InputError
from specgen.records import Record, read_records
from specgen.sequences import Codes, encode, reverse_complement
from specgen.settings import RegionSettings

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

# How rows of one transcript and of one gene are told: GTF's attributes, GFF3's.
_TRANSCRIPT = {"gtf": r'\btranscript_id "([^"]+)"', "gff": r"(?:^|;)Parent=([^;]+)"}
_GENE = {"gtf": r'\bgene_id "([^"]+)"', "gff": r"(?:^|;)(?:gene_id|gene|locus_tag)=([^;]+)"}
_NAME = {"gtf": r'\b(?:transcript_id|gene_id) "([^"]+)"', "gff": r"(?:^|;)ID=([^;]+)"}


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
    for chrom, length, fetch in _genome(settings.genome, set(left)):
        for region in left.pop(chrom).sort_values(["start", "end"], kind="stable").itertuples():
            if not 0 <= region.start < region.end <= length:
                raise InputError(
                    f"{path}: interval {chrom}:{region.start}-{region.end} (0-based) does not lie in the {length} nt "
                    f"of that sequence in {settings.genome}"
                )
            if region.blocks[0][0] < region.start or region.blocks[-1][1] > region.end:
                raise InputError(
                    f"{path}: the blocks of {region.name} leave its interval {chrom}:{region.start}-{region.end}"
                )
            inside = fetch(region.start, region.end)
            codes = np.concatenate([inside[low - region.start : high - region.start] for low, high in region.blocks])
            yield Record(region.name, region.header, reverse_complement(codes) if region.strand == "-" else codes)
    if left:
        names = ", ".join(sorted(left)[:3])
        raise InputError(f"{settings.genome}: has no sequence named {names}, which {path} asks for")


def _genome(path: str, wanted: set[str]) -> Iterator[tuple[str, int, Callable[[int, int], Codes]]]:
    """Name, length and a way to cut of every wanted sequence, in the order of the genome."""
    if (indexed := _indexed(path)) is not None:
        with indexed as fasta:
            for name, length in zip(fasta.references, fasta.lengths, strict=True):
                if name in wanted:
                    yield name, length, _fetcher(path, fasta, name)
        return
    for record in read_records(path):
        if record.name in wanted:
            yield record.name, len(record.codes), _cutter(record.codes)


def _cutter(codes: Codes) -> Callable[[int, int], Codes]:
    return lambda start, end: codes[start:end]


def _fetcher(path: str, fasta: Any, name: str) -> Callable[[int, int], Codes]:
    return lambda start, end: encode(fasta.fetch(name, start, end), name=f"{path}: {name}:{start + 1}-{end}")


def _indexed(path: str) -> Any:
    """pysam's reader where an index lies beside the genome; None where none does, or pysam is not there (Windows)."""
    if not Path(f"{path}.fai").is_file():
        return None
    try:
        import pysam
    except ImportError:
        return None
    pysam.set_verbosity(0)  # htslib would say on stderr what the error below says
    try:
        return pysam.FastaFile(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read by its index ({error}); make it anew with samtools faidx") from None


def _load(path: str, settings: RegionSettings) -> Any:
    """A frame with chrom, start, end, strand, name, header and blocks, one row a record."""
    import bioframe  # slow to import, and FASTA input does without
    import pandas as pd

    kind = _kind(path)
    if kind is None:
        raise InputError(f"{path}: expected a file ending in {', '.join(_KINDS)} (or .gz) where a genome is given")
    annotation = kind in ("gtf", "gff")
    try:
        table = bioframe.read_table(path, schema="gtf" if annotation else kind, comment="#", dtype=str)
        table = table[~table["chrom"].astype(str).str.startswith(("track", "browser"))]
        table = table.assign(start=pd.to_numeric(table["start"]), end=pd.to_numeric(table["end"]))
        if table[["chrom", "start", "end"]].isna().to_numpy().any():
            raise ValueError("a row without sequence name, start or end")
        table = table.astype({"chrom": str, "start": np.int64, "end": np.int64})
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, EOFError, ValueError, UnicodeDecodeError, KeyError) as error:
        raise InputError(
            f"{path}: cannot be read as {kind.removesuffix('12')} ({' '.join(str(error).split())})"
        ) from None
    if annotation:
        table = _annotated(path, kind, table, settings)
    if not len(table):
        raise InputError(f"{path}: holds no intervals")
    strand = table["strand"].fillna(".").astype(str) if "strand" in table else "."
    table = table.assign(strand=strand)
    if "blocks" not in table:
        table = table.assign(blocks=_bed_blocks(path, table) if settings.splice else _whole(table))
    given = table["name"].fillna("").astype(str) if "name" in table else pd.Series("", index=table.index)
    place = table["chrom"] + ":" + (table["start"] + 1).astype(str) + "-" + table["end"].astype(str)
    unnamed = given.isin(["", "."])
    names = given.where(~unnamed, place + "(" + table["strand"] + ")").str.split().str[0]
    gene = " gene:" + table["gene"] if "gene" in table else ""
    header = names + gene + " range=" + place + " strand=" + table["strand"]
    return table.assign(name=names, header=header)[["chrom", "start", "end", "strand", "name", "header", "blocks"]]


def _annotated(path: str, kind: str, table: Any, settings: RegionSettings) -> Any:
    """Rows of the wanted feature, spliced where asked for; starts become 0-based."""
    features = sorted(table["feature"].dropna().astype(str).unique())
    table = table[table["feature"] == settings.feature]
    if not len(table):
        raise InputError(f"{path}: has no rows of feature {settings.feature!r}; it has {', '.join(features[:12])}")
    text = table["attributes"].fillna("").astype(str)
    table = table.assign(start=table["start"] - 1, name=text.str.extract(_NAME[kind], expand=False))
    gene = text.str.extract(_GENE[kind], expand=False)
    table = table.assign(gene=gene.fillna(table["name"]).fillna("").str.replace(r"\s", "_", regex=True))
    transcript = text.str.extract(_TRANSCRIPT[kind], expand=False)
    if not settings.splice or transcript.isna().all():
        return table
    # Rows without a transcript stay records of their own.
    key = transcript.fillna(table["name"]).fillna(table["chrom"] + ":" + table["start"].astype(str))
    table = table.assign(transcript=key).sort_values("start", kind="stable")
    grouped = table.groupby(["chrom", "strand", "transcript"], sort=False)
    spliced = grouped.agg(start=("start", "min"), end=("end", "max"), gene=("gene", "first")).reset_index()
    blocks = [_merged(list(zip(rows["start"], rows["end"], strict=True))) for _, rows in grouped[["start", "end"]]]
    return spliced.rename(columns={"transcript": "name"}).assign(blocks=blocks)


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
        if not isinstance(sizes, str) or not isinstance(offsets, str):
            blocks.append(interval)
            continue
        start = interval[0][0]
        try:
            pairs = zip(offsets.strip(",").split(","), sizes.strip(",").split(","), strict=True)
            found = sorted((start + int(low), start + int(low) + int(size)) for low, size in pairs)
        except ValueError:
            raise InputError(f"{path}: the interval at {start} is no BED12 row: {sizes} and {offsets}") from None
        blocks.append(_merged(found))
    return blocks
