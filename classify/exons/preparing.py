"""``classify prepare``: annotation and genome to the prepared file, contig by contig.

The annotation is held as columns, one contig as letters, and some thousand windows at a time. Everything that can be
wrong with the input is met before the file is begun, which takes its name only once it is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.exons.annotation import Annotation, read_annotation
from classify.exons.checks import on_genome
from classify.exons.negatives import NEGATIVES, Ground
from classify.exons.prepared import FORMAT, KINDS, VERSION
from classify.exons.settings import PrepareSettings, Rules
from classify.exons.starts import Spans, Starts, exon_starts, find_loci, gene_spans, islands
from classify.exons.windows import SLICE, AmbiguousRuns, cut_windows
from classify.headers import normalise_chromosome
from classify.splits import SPLITS, assign_splits, stable_number
from specgen.errors import InputError
from specgen.files import replacing
from specgen.genome import read_contigs, sequence_lengths
from specgen.sequences import Codes

__all__ = ["prepare"]

_NONE = 255
"""Split of what has none."""


@dataclass(frozen=True)
class _Plan:
    """What the annotation says, before any letter is read; columns of starts and spans in the same order."""

    exons: Annotation
    starts: Starts
    spans: Spans
    locus: NDArray[np.int32]
    split: NDArray[np.uint8]
    rules: Rules
    settings: PrepareSettings
    every: Starts
    """All starts, those that become no examples, too: negatives keep their distance from them."""


def prepare(settings: PrepareSettings, *, progress: bool = True) -> dict[str, Any]:
    """Write the prepared file.

    Returns
    -------
    dict
        What was read, written, dropped and why: the file's ``counts``.

    Raises
    ------
    InputError
        Anything wrong with settings, genome or annotation, or a split without exon starts.
    """
    import h5py  # here and below: slow to import
    from tqdm import tqdm

    for key in ("genome", "annotation", "out"):
        if not getattr(settings, key):
            raise InputError(f"{key}: expected a file, got nothing")
    out = Path(settings.out)
    for key in ("genome", "annotation"):
        path = Path(getattr(settings, key))
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: expected a file that can be read twice ({key})")
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError(f"out: {out} is the {key}; expected another file")
    lengths = sequence_lengths(settings.genome)
    exons = on_genome(read_annotation(settings.annotation, settings.features), lengths, settings.genome)
    counts = dict(exons.counts)
    plan = _planned(exons, settings, counts)
    names = [exons.contigs[i] for i in np.unique(plan.starts.contig)]
    counts |= {"contigs": 0, "starts": {}, "negatives": {}, "negatives_missing": {}, "splits": {}}
    with replacing(out) as temporary, h5py.File(temporary, "w") as file:
        total = sum(lengths[name] for name in names)
        with tqdm(total=total, unit="nt", unit_scale=True, disable=not progress, desc="prepare") as bar:
            for name, length, fetch in read_contigs(settings.genome, set(names)):
                _write_contig(file, name, fetch(0, length), plan, counts)
                bar.update(length)
        file.create_dataset("genes", data=exons.genes, dtype=h5py.string_dtype())
        file.attrs.update(
            {
                "format": FORMAT,
                "version": VERSION,
                "protocol": settings.protocol,
                "settings": json.dumps(settings.resolved, sort_keys=True),
                "genome": _described(settings.genome),
                "annotation": _described(settings.annotation),
                "width": settings.width,
                "kinds": json.dumps(KINDS),
                "counts": json.dumps(counts, sort_keys=True),
            }
        )
    return counts


def _described(path: str) -> str:
    """Name and SHA-256 of a file, as JSON."""
    with open(path, "rb") as handle:
        return json.dumps({"file": Path(path).name, "sha256": hashlib.file_digest(handle, "sha256").hexdigest()})


def _planned(exons: Annotation, settings: PrepareSettings, counts: dict[str, Any]) -> _Plan:
    """Starts, genes, loci and splits."""
    rules = settings.rules
    every = exon_starts(exons, strand_aware=rules.strand_aware)
    starts = every.distinct() if rules.position_disjoint else every
    spans = gene_spans(exons, strand_aware=rules.strand_aware)
    locus, names = find_loci(spans, settings.width // 2)
    groups = names[locus] if rules.position_disjoint else spans.gene
    told = [exons.genes[i] for i in groups]
    chromosomes = [normalise_chromosome(name) for name in exons.contigs]
    assigned = assign_splits(told, [chromosomes[i] for i in spans.contig], told, rules.split)
    numbers = {**{name: i for i, name in enumerate(SPLITS)}, "": _NONE}
    split = np.array([numbers[str(name)] for name in assigned], dtype=np.uint8)
    if not rules.validation:
        split[split == SPLITS.index("val")] = SPLITS.index("train")
    of_start = split[spans.of(starts)]
    for number, name in enumerate(SPLITS):
        wanted = name in rules.split.splits and (rules.validation or name != "val")
        if wanted and not (of_start == number).any():
            got = ", ".join(f"{other} {int((of_start == i).sum())}" for i, other in enumerate(SPLITS))
            raise InputError(
                f"{settings.annotation}: no exon starts for {name} ({got}; {len(names)} loci); give other chromosomes, "
                "larger fractions, or split.strategy test"
            )
    counts["loci"] = len(names)
    counts["dropped"] = {"without_split": int((of_start == _NONE).sum()), "ambiguous": 0}
    return _Plan(exons, starts.take(of_start != _NONE), spans, locus, split, rules, settings, every)


def _write_contig(file: Any, name: str, codes: Codes, plan: _Plan, counts: dict[str, Any]) -> None:
    """One group of the file, unless nothing is left of the contig."""
    contig = plan.exons.contigs.index(name)
    width = plan.settings.width
    starts = plan.starts.take(plan.starts.contig == contig)
    clear = AmbiguousRuns.of(codes).share(starts.position, width) <= plan.settings.max_ambiguous
    counts["dropped"]["ambiguous"] += int((~clear).sum())
    starts = starts.take(clear)
    if not len(starts):
        return
    ground = _ground(codes, contig, starts, plan)
    columns = [(starts.position, np.arange(len(starts)), starts.kind)]
    for kind in plan.rules.negatives:
        places, beside = NEGATIVES[kind].draw(ground, _generator(plan.settings.seed, kind, name))
        columns.append((places, beside, np.full(len(places), KINDS.index(kind), dtype=np.uint8)))
        _add(counts["negatives_missing"], kind, len(starts) - len(places))
    position, beside, kind_of = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.lexsort((beside, kind_of, starts.strand[beside], position))
    position, beside, kind_of = position[order], beside[order], kind_of[order]
    spans = plan.spans.of(starts)[beside]
    strand = starts.strand[beside]
    group = file.create_group(f"contigs/{counts['contigs']}")
    counts["contigs"] += 1
    group.attrs["name"] = name
    group.attrs["length"] = len(codes)
    for key, values in (
        ("label", (kind_of < 2).astype(np.uint8)),
        ("kind", kind_of),
        ("gene", starts.gene[beside]),
        ("locus", plan.locus[spans]),
        ("strand", strand),
        ("position", position),
        ("split", plan.split[spans]),
    ):
        group.create_dataset(key, data=values)
    letters = group.create_dataset("codes", (len(position), width), dtype=np.uint8)
    changes = {
        KINDS.index(kind): (change, _generator(plan.settings.seed, f"{kind} letters", name))
        for kind in plan.rules.negatives
        if (change := NEGATIVES[kind].change) is not None
    }
    for rows in _slices(len(position)):
        windows = cut_windows(codes, position[rows], strand[rows], width)
        for number, (change, rng) in changes.items():
            for row in np.flatnonzero(kind_of[rows] == number):
                windows[row] = change(windows[row], rng)
        letters[rows] = windows
    for number, kind in enumerate(KINDS):
        for place, split in enumerate(SPLITS):
            some = int(((kind_of == number) & (plan.split[spans] == place)).sum())
            if some:
                _add(counts["starts" if number < 2 else "negatives"], kind, some)
                _add(counts["splits"].setdefault(split, {}), kind, some)


def _ground(codes: Codes, contig: int, starts: Starts, plan: _Plan) -> Ground:
    """What negatives are drawn from."""
    rows = plan.spans.of(starts)
    every = plan.every.take(plan.every.contig == contig)
    territory = None
    if plan.rules.position_disjoint:
        mine = plan.spans.contig == contig
        spans = Spans(*(getattr(plan.spans, key)[mine] for key in Spans.__dataclass_fields__))
        stretch = islands(spans, plan.settings.width // 2)
        low = np.full(stretch.max() + 1, len(codes), dtype=np.int64)
        high = np.zeros(len(low), dtype=np.int64)
        splits = np.zeros(len(low), dtype=np.uint8)
        np.minimum.at(low, stretch, spans.low)
        np.maximum.at(high, stretch, spans.high)
        splits[stretch] = plan.split[mine]
        territory = ((high[:-1] + low[1:]) // 2, splits)
    return Ground(
        codes, starts.position, starts.strand, plan.spans.low[rows], plan.spans.high[rows], rows, plan.split[rows],
        {strand: np.unique(every.position[every.strand == strand]) for strand in (1, -1)},
        territory, plan.settings.width, plan.rules.min_distance, plan.settings.max_ambiguous,
    )  # fmt: skip


def _generator(seed: int, purpose: str, contig: str) -> np.random.Generator:
    """Random numbers of one purpose and contig, whatever other contigs there are."""
    return np.random.default_rng([seed, stable_number(f"{purpose}\0{contig}", seed)])


def _slices(count: int) -> Iterator[slice]:
    for low in range(0, count, SLICE):
        yield slice(low, min(low + SLICE, count))


def _add(counts: dict[str, int], key: str, number: int) -> None:
    counts[key] = counts.get(key, 0) + number
