"""``classify prepare``: annotation and genome to the prepared file, contig by contig.

The annotation is held as columns, one contig as letters, and some thousand windows at a time. What can be wrong with the
input is met before the file is begun, which takes its name only once it is whole.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from classify.exons.annotation import read_annotation
from classify.exons.checks import on_genome
from classify.exons.negatives import NEGATIVES, Ground
from classify.exons.planning import ContigPlan, Plan, check_splits, make_plan
from classify.exons.prepared import COLUMNS, FORMAT, KINDS, VERSION
from classify.exons.settings import PrepareSettings
from classify.exons.starts import ACCEPTOR
from classify.exons.windows import ACCEPTOR_END, SLICE, AmbiguousRuns, cut_windows, preceded
from classify.exons.writing import new_hdf5
from classify.splits import SPLITS, stable_fraction, stable_number
from specgen.arrays import as_fixed
from specgen.errors import InputError
from specgen.genome import read_contigs, sequence_lengths
from specgen.ledger import hash_file
from specgen.sequences import Codes

__all__ = ["prepare"]

_STARTS = 2
"""Kinds that are exon starts, the first of ``KINDS``."""


def prepare(settings: PrepareSettings, *, progress: bool = True) -> dict[str, Any]:
    """Write the prepared file.

    Returns
    -------
    dict
        What was read, written, dropped and why: the file's ``counts``.

    Raises
    ------
    InputError
        Anything wrong with settings, genome or annotation, a split without exon starts, or no room on the disk.
    """
    from tqdm import tqdm

    _check_files(settings)
    lengths = sequence_lengths(settings.genome)
    exons = on_genome(read_annotation(settings.annotation, settings.features), lengths, settings.genome)
    plan = make_plan(exons, settings)
    counts: dict[str, Any] = {
        **exons.counts, "loci": plan.loci, "contigs": 0, "starts": {}, "negatives": {}, "negatives_missing": {}, "splits": {},
        "acceptors_behind_ag": 0,
        "dropped": {"without_split": plan.without_split, "ambiguous": 0},
    }  # fmt: skip
    del exons
    _check_room(settings, len(plan.starts) * (1 + len(plan.rules.negatives)))
    contigs = plan.contigs
    with new_hdf5(Path(settings.out)) as file, ThreadPoolExecutor() as pool:
        # A tenth of the time otherwise, and hashing leaves the interpreter free.
        digests = {key: pool.submit(_digest, getattr(settings, key)) for key in ("genome", "annotation")}
        total = sum(lengths[name] for name in contigs)
        with tqdm(total=total, unit="nt", unit_scale=True, disable=not progress, desc="prepare") as bar:
            for name, length, fetch in read_contigs(settings.genome, contigs):
                _write_contig(file, name, fetch(0, length), plan, plan.on(contigs[name]), settings, counts)
                bar.update(length)
        sizes = {
            split: sum(kinds.get(kind, 0) for kind in KINDS[:_STARTS]) for split, kinds in counts["splits"].items()
        }
        check_splits(sizes, plan.rules, settings.genome)  # unknown letters may have taken all
        _describe(file, plan, settings, counts, {key: found.result() for key, found in digests.items()})
    return counts


def _check_files(settings: PrepareSettings) -> None:
    """Refuse what is not named, cannot be read twice, or would be overwritten."""
    out = Path(settings.out)
    for key in ("genome", "annotation", "out"):
        if not getattr(settings, key):
            raise InputError(f"{key}: expected a file, got nothing")
    for key in ("genome", "annotation"):
        path = Path(getattr(settings, key))
        if not path.exists():
            raise InputError(f"{path}: no such file ({key})")
        if not path.is_file():
            raise InputError(f"{path}: expected a file, which can be read twice ({key})")
        if out.exists() and out.samefile(path):
            raise InputError(f"out: {out} is the {key}; expected another file")
    if out.is_dir():
        raise InputError(f"out: {out} is a folder; expected a file")


def _check_room(settings: PrepareSettings, rows: int) -> None:
    """Refuse a disk that has no room for so many rows, or takes no file so large."""
    out = Path(settings.out).absolute()
    folder = next(parent for parent in out.parents if parent.exists())
    needed = rows * (settings.width + sum(np.dtype(dtype).itemsize for dtype in COLUMNS.values()))
    if (free := shutil.disk_usage(folder).free) < needed:
        raise InputError(f"{out}: needs about {needed:,} bytes, of which the disk has {free:,}")
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.truncate(needed)  # where files may not grow so large, HDF5 takes the process with it
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None


def _describe(
    file: Any, plan: Plan, settings: PrepareSettings, counts: Mapping[str, Any], digests: Mapping[str, str]
) -> None:
    file.create_dataset("genes", data=as_fixed(plan.genes))
    texts = {
        "format": FORMAT,
        "protocol": settings.protocol,
        "settings": json.dumps(settings.resolved, sort_keys=True),
        **digests,
        "kinds": json.dumps(KINDS),
        "counts": json.dumps(counts, sort_keys=True),
    }
    file.attrs.update({key: as_fixed([text])[0] for key, text in texts.items()})
    file.attrs.update(version=VERSION, width=settings.width)


def _digest(path: str) -> str:
    """Name and SHA-256 of a file, as JSON."""
    return json.dumps({"file": Path(path).name, "sha256": hash_file(path)})


def _write_contig(
    file: Any,
    name: str,
    codes: Codes,
    plan: Plan,
    here: ContigPlan,
    settings: PrepareSettings,
    counts: dict[str, Any],
) -> None:
    """One group of the file, unless nothing is left of the contig."""
    ambiguous = AmbiguousRuns.of(codes)
    clear = ambiguous.share(here.starts.position, settings.width) <= settings.max_ambiguous
    counts["dropped"]["ambiguous"] += int((~clear).sum())
    if not clear.any():
        return
    starts, span = here.starts.take(clear), here.span[clear]
    ground = _ground(codes, ambiguous, here, clear, plan, settings)
    examples = [(starts.position, np.arange(len(starts)), starts.kind)]
    for kind in plan.rules.negatives:
        places, beside = NEGATIVES[kind].draw(ground, _generator(settings.seed, kind, name))
        examples.append((places, beside, np.full(len(places), KINDS.index(kind), dtype=np.uint8)))
        _add(counts["negatives_missing"], kind, len(starts) - len(places))
    position, beside, kinds = (np.concatenate(column) for column in zip(*examples, strict=True))
    keys = [beside, kinds, starts.strand[beside], position]
    if plan.rules.order == "gene":
        here_genes = {
            gene: stable_fraction(plan.genes[gene], settings.seed) for gene in np.unique(starts.gene).tolist()
        }
        keys.append(np.array([here_genes[gene] for gene in starts.gene[beside].tolist()]))
    order = np.lexsort(keys)
    position, beside, kinds = position[order], beside[order], kinds[order]
    strand, split = starts.strand[beside], here.split[span[beside]]
    group = file.create_group(f"contigs/{counts['contigs']}")
    counts["contigs"] += 1
    group.attrs["name"], group.attrs["length"] = as_fixed([name])[0], len(codes)
    columns = {
        "label": kinds < _STARTS,
        "kind": kinds,
        "gene": starts.gene[beside],
        "locus": here.locus[span[beside]],
        "strand": strand,
        "position": position,
        "split": split,
    }
    for key, dtype in COLUMNS.items():
        group.create_dataset(key, data=columns[key].astype(dtype))
    letters = group.create_dataset("codes", (len(position), settings.width), dtype=np.uint8)
    changes = [
        (KINDS.index(kind), change, _generator(settings.seed, f"letters of {kind}", name))
        for kind in plan.rules.negatives
        if (change := NEGATIVES[kind].change) is not None
    ]
    for rows in _slices(len(position)):
        windows = cut_windows(codes, position[rows], strand[rows], settings.width)
        some = np.flatnonzero(kinds[rows] == ACCEPTOR) + rows.start
        ends = cut_windows(codes, position[some], strand[some], 2 * len(ACCEPTOR_END) + 1)  # the file's may be narrower
        counts["acceptors_behind_ag"] += int(preceded(ends, ACCEPTOR_END).sum())
        for number, change, rng in changes:
            for row in np.flatnonzero(kinds[rows] == number):
                windows[row] = change(windows[row], rng)
        letters[rows] = windows
    for place, split_name in enumerate(SPLITS):
        for number, some in enumerate(np.bincount(kinds[split == place], minlength=len(KINDS)).tolist()):
            if some:
                _add(counts["starts" if number < _STARTS else "negatives"], KINDS[number], some)
                _add(counts["splits"].setdefault(split_name, {}), KINDS[number], some)


def _ground(
    codes: Codes, ambiguous: AmbiguousRuns, here: ContigPlan, clear: Any, plan: Plan, settings: PrepareSettings
) -> Ground:
    """What negatives are drawn from; ``clear`` (n,) tells which starts became examples."""
    starts, span = here.starts.take(clear), here.span[clear]
    return Ground(
        codes=codes,
        ambiguous=ambiguous,
        position=starts.position,
        strand=starts.strand,
        low=here.spans.low[span],
        high=here.spans.high[span],
        span=span,
        split=here.split[span],
        starts=here.every,
        territory=here.territory(len(codes), settings.width // 2) if plan.rules.position_disjoint else None,
        width=settings.width,
        min_distance=plan.rules.min_distance,
        max_ambiguous=settings.max_ambiguous,
    )


def _generator(seed: int, purpose: str, contig: str) -> np.random.Generator:
    """Random numbers of one purpose and contig, whatever other contigs there are."""
    return np.random.default_rng(stable_number(f"{purpose}\0{contig}", seed))


def _slices(count: int) -> Iterator[slice]:
    for low in range(0, count, SLICE):
        yield slice(low, min(low + SLICE, count))


def _add(counts: dict[str, int], key: str, number: int) -> None:
    counts[key] = counts.get(key, 0) + number
