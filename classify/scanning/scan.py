"""A genome through a trained network: blocks, then tracks and calls, then how they compare with an annotation."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classify.evaluation import Loaded, load_run
from classify.exons.annotation import read_annotation
from classify.exons.prepared import KINDS
from classify.exons.starts import exon_starts
from classify.headers import normalise_chromosome
from classify.reporting.figures import png
from classify.runs import RunFolder
from classify.scanning.figures import precision_recall
from classify.scanning.parts import Contig, contigs_of, parts, scan_blocks
from classify.scanning.peaks import Calls, call_quality
from classify.scanning.settings import STRANDS, ScanSettings
from classify.scanning.tracks import write_bed, write_bedgraph, write_bigwig
from specgen.errors import InputError
from specgen.files import expand, finite, write_atomic
from specgen.ledger import identity

__all__ = ["scan"]

TITLES = {1: "plus", -1: "minus"}


def scan(
    run: Path, genome: str, out: str, settings: ScanSettings, *, annotation: str = "", progress: bool = True
) -> dict[str, Any]:
    """Write ``<out>.plus.bedGraph``, ``.plus.bw`` (and minus), ``<out>.bed``, and ``<out>.json`` of what they are.

    What is done of a stopped scan lies in ``<out>.part`` and is not done again.

    Parameters
    ----------
    run
        Folder of a trained network of two classes.
    genome
        FASTA.
    annotation
        GTF or GFF3 of the true exon starts, for precision and recall; empty = none.

    Returns
    -------
    dict
        The body of ``<out>.json``.

    Raises
    ------
    InputError
        Bad input; a run whose model reads pictures made elsewhere or has more than two classes; parts of another scan.
    """
    loaded = load_run(run)
    if not loaded.task.window:
        raise InputError(f"{run}: was trained on a folder of pictures; how to make them from letters is not known")
    if len(loaded.task.classes) != 2:
        raise InputError(f"{run}: has {len(loaded.task.classes)} classes; a scan gives the probability of one of two")
    contigs = contigs_of(genome, settings.contigs)
    truth = _truth(annotation, contigs, settings) if annotation else None
    folder = Path(f"{out}.part")
    resumed = scan_blocks(
        loaded, genome, contigs, settings, folder, _pins(loaded, run, genome, settings), progress=progress
    )
    strands = STRANDS[settings.strands]
    for strand in strands:
        write_bedgraph(Path(f"{out}.{TITLES[strand]}.bedGraph"), parts(folder, contigs, strand))
        write_bigwig(Path(f"{out}.{TITLES[strand]}.bw"), contigs, parts(folder, contigs, strand))
    calls = write_bed(Path(f"{out}.bed"), [parts(folder, contigs, strand) for strand in strands], settings.threshold)
    body = {
        "run": run.as_posix(),
        "genome": genome,
        "contigs": {contig.name: contig.length for contig in contigs},
        "settings": dataclasses.asdict(settings),
        "calls": calls,
        "seen_in_training": _seen(run, contigs),
        "blocks_from_before": resumed,
    }
    if truth is not None:
        peaks, scored = _peaks(folder, contigs, strands)
        body["quality"] = {
            name: call_quality(peaks, sites, settings.threshold, scored, loaded.settings.seed)
            for name, sites in truth.items()
        }
        write_atomic(Path(f"{out}.png"), png(precision_recall(peaks, truth)))
    told: dict[str, Any] = finite(body)
    write_atomic(Path(f"{out}.json"), json.dumps(told, indent=1) + "\n")
    shutil.rmtree(folder)
    return told


def _pins(loaded: Loaded, run: Path, genome: str, settings: ScanSettings) -> dict[str, Any]:
    """What blocks depend on; ``threshold`` decides on calls alone."""
    plan = loaded.plan
    told = {"genome": identity(genome), "model": identity(str(RunFolder(run).weights))}
    rest = {key: value for key, value in dataclasses.asdict(settings).items() if key not in ("threshold", "contigs")}
    return {**told, **rest, "machine": [plan.device, plan.precision, plan.threads]}


def _seen(run: Path, contigs: Sequence[Contig]) -> list[str]:
    """Scanned contigs on which the run has training or validation examples: figures on them flatter."""
    known = {row["chromosome"] for row in RunFolder(run).split_rows() if row["split"] != "test"}
    return [contig.name for contig in contigs if normalise_chromosome(contig.name) in known]


def _truth(annotation: str, contigs: Sequence[Contig], settings: ScanSettings) -> dict[str, Calls]:
    """True starts on the scanned contigs and strands: all of them, and by kind."""
    numbers = {contig.name: contig.number for contig in contigs}
    exons = read_annotation(str(expand(annotation)))
    starts = exon_starts(exons).distinct()
    of = np.array([numbers.get(name, -1) for name in exons.contigs])[starts.contig]
    keep = (of >= 0) & np.isin(starts.strand, STRANDS[settings.strands])
    if not keep.any():
        raise InputError(
            f"{annotation}: has no exon start on {', '.join(list(numbers)[:5])}; its contigs are {', '.join(exons.contigs[:5])}"
        )
    told = {"all": np.ones(len(of), dtype=bool)}
    told |= {KINDS[kind]: starts.kind == kind for kind in np.unique(starts.kind).tolist()}
    return {
        name: Calls(
            of[keep & mask], starts.position[keep & mask] - 1, starts.strand[keep & mask].astype(np.int64), np.ones(0)
        )
        for name, mask in told.items()
    }


def _peaks(folder: Path, contigs: Sequence[Contig], strands: Sequence[int]) -> tuple[Calls, int]:
    """All peaks, and how many positions were scored."""
    columns: list[tuple[Any, ...]] = []
    scored = 0
    for strand in strands:
        for part in parts(folder, list(contigs), strand):
            n = len(part.peaks)
            columns.append((np.full(n, part.contig.number), part.peaks, np.full(n, strand), part.heights))
            scored += part.scored
    contig, position, side, value = (np.concatenate(column) for column in zip(*columns, strict=True))
    return Calls(contig, position, side, value.astype(np.float64)), scored
