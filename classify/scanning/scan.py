"""A genome through a trained network: blocks, then tracks and calls, then how they compare with an annotation."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import specgen
from classify.evaluation import Loaded
from classify.exons.annotation import read_annotation
from classify.exons.prepared import KINDS, PreparedSet
from classify.exons.starts import exon_starts
from classify.exons.windows import ACCEPTOR_END, cut_windows, preceded
from classify.prediction import load_reader
from classify.reporting.figures import png
from classify.runs import RunFolder, check_twice
from classify.scanning.bases import Bases
from classify.scanning.figures import precision_recall
from classify.scanning.former import remove_former
from classify.scanning.parts import BLOCK, Contig, Part, contigs_of, parts, scan_blocks, wanted_of
from classify.scanning.peaks import Calls, call_quality
from classify.scanning.regions import read_scan_regions
from classify.scanning.seen import seen_in_training
from classify.scanning.settings import STRANDS, ScanSettings
from classify.scanning.tracks import SIGNS, check_bigwig, write_bed, write_bedgraph, write_bigwig
from classify.scanning.values import Scored, Windows
from specgen.errors import InputError
from specgen.files import expand, finite, free_lock, take_lock, write_atomic
from specgen.genome import read_contigs
from specgen.ledger import identity
from specgen.sequences import Codes
from specgen.windows import safe_name

__all__ = ["scan"]

TITLES = {1: ".plus", -1: ".minus", 0: ""}
KINDS_OF_RUNS: dict[str, type[Scored]] = {"window": Windows, "position": Bases}
"""What a run is asked, by what its task answers for."""


def scan(
    run: Path, genome: str, out: str, settings: ScanSettings, *, annotation: str = "", progress: bool = True
) -> dict[str, Any]:
    """Write ``<out>.plus.bedGraph``, ``.plus.bw`` (and minus), ``<out>.bed``, and ``<out>.json`` of what they are.

    Tracks of the mean of both strands are ``<out>.bedGraph`` and ``<out>.bw``. Of several labels each has its own files,
    ``<out>.<number>_<label>.bed`` and so on. A run of the next base has tracks of bits a base (see ``bases``), no calls and so no
    ``<out>.bed``. What is done of a stopped scan lies in ``<out>.part`` and is not done again. Files that an earlier scan of the
    same name made, and this one does not, are removed.

    Parameters
    ----------
    run
        Folder of a trained network.
    genome
        FASTA.
    annotation
        GTF or GFF3 of the true exon starts, for precision and recall; empty = none.

    Returns
    -------
    dict
        The body of ``<out>.json``. ``places`` counts steps on each strand that has a track: those that were scored, of how many
        contigs, and those that were not for the blank letters of their windows alone, see ``values.Windows``. ``regions`` counts
        those of the file, and those on contigs that the genome does not have.

    Raises
    ------
    InputError
        Bad input; a run whose model reads pictures made elsewhere or tells no probability of a window; settings that say nothing
        of the run; an annotation where not every base of both strands is asked about one class; parts of another scan.
    KeyboardInterrupt
        Stopped; the message says what is kept.
    """
    genome = str(expand(genome))
    check_twice(genome)
    loaded = load_reader(run, answers=KINDS_OF_RUNS)
    scored = KINDS_OF_RUNS[loaded.task.answers].of(loaded, settings, run)
    settings = scored.settings
    if annotation and not scored.calls:
        raise InputError(f"{annotation}: exon starts are compared with calls, and {run} makes none")
    if annotation and (len(scored.outputs) > 1 or settings.step > 1 or settings.strands == "mean" or settings.regions):
        raise InputError(
            f"{annotation}: exon starts are compared with calls to the base; expected one class, step 1, a strand, and no regions"
        )
    every = contigs_of(genome)
    contigs = wanted_of(every, settings.contigs, genome)
    regions = read_scan_regions(settings.regions, every, contigs, genome) if settings.regions else None
    inside = None if regions is None else regions.inside
    check_bigwig(contigs)
    _check_rules(loaded)
    truth = _truth(annotation, contigs, settings) if annotation else None
    told: dict[str, Any] = {"seen_in_training": seen_in_training(run, contigs, inside, loaded.task.window)}
    if regions is not None:
        told["regions"] = {"intervals": regions.intervals, "not_in_genome": regions.missing}
    with _alone(out):
        pins = {**_pins(loaded, run, genome, settings), "blanks": scored.blanks}
        try:
            resumed = scan_blocks(scored, genome, contigs, inside, Path(f"{out}.part"), pins, progress=progress)
        except KeyboardInterrupt:
            kept = sum(1 for _ in Path(f"{out}.part").glob("*.npz"))
            raise KeyboardInterrupt(
                f"stopped; the same command goes on (blocks of {BLOCK:,} nt kept in {out}.part: {kept})"
            ) from None
        return _written(run, genome, out, scored, contigs, truth, {**told, "blocks_from_before": resumed})


def _written(
    run: Path,
    genome: str,
    out: str,
    scored: Scored,
    contigs: list[Contig],
    truth: dict[str, Calls] | None,
    more: dict[str, Any],
) -> dict[str, Any]:
    """Tracks, calls and quality from the blocks, which are then taken away."""
    folder, settings, classes = Path(f"{out}.part"), scored.settings, scored.loaded.task.classes
    strands = STRANDS[settings.strands]
    calls, empty, files = dict[str, int](), list[str](), list[str]()
    for output in scored.outputs:
        first = out if len(scored.outputs) == 1 else f"{out}.{output + 1}_{safe_name(classes[output])}"
        of = partial(parts, folder, contigs, settings.step, output=output)
        for strand in strands:
            track = f"{first}{TITLES[strand]}"
            write_bedgraph(Path(f"{track}.bedGraph"), of(strand=strand), scored.decimals)
            there = write_bigwig(Path(f"{track}.bw"), contigs, of(strand=strand))
            files += [f"{track}.bedGraph", *([f"{track}.bw"] if there else [])]
            empty += [] if there else [f"{track}.bw"]
        if not scored.calls:
            continue
        name = "call" if len(scored.outputs) == 1 else safe_name(classes[output])
        calls[classes[output]] = write_bed(
            Path(f"{first}.bed"), [of(strand=strand) for strand in strands], settings.threshold, settings.step, name
        )
        files.append(f"{first}.bed")
    places = _places(
        part for strand in strands for part in parts(folder, contigs, settings.step, strand, scored.outputs[0])
    )
    body = {
        "run": run.as_posix(),
        "genome": genome,
        "contigs": {contig.name: contig.length for contig in contigs},
        "settings": dataclasses.asdict(settings),
        "places": places,
        "calls": calls,
        "empty": empty,
        **more,
    }
    if not scored.calls:
        body["bits"] = {
            SIGNS[strand]: _bits(parts(folder, contigs, 1, strand, scored.outputs[0])) for strand in strands
        }
    if truth is not None:
        peaks = _peaks(folder, contigs, strands, scored.outputs[0])
        # Where only some places are scored, sites that are not among them are missed: no share of those places is the prevalence.
        whole = 0 if settings.behind else places["scored"]
        of_kind = {name: (_without(peaks, truth["all"], sites), sites) for name, sites in truth.items()}
        seed = scored.loaded.settings.seed
        body["quality"] = {
            name: call_quality(some, sites, settings.threshold, whole, seed) for name, (some, sites) in of_kind.items()
        }
        body["preceded"] = {
            name: _preceded(genome, contigs, truth, letters)
            for name, letters in {"AG": ACCEPTOR_END, settings.behind: settings.letters}.items()
            if name
        }
        write_atomic(Path(f"{out}.png"), png(precision_recall(of_kind)))
        files.append(f"{out}.png")
    body["files"] = [Path(file).name for file in files]
    remove_former(out, body["files"])
    told: dict[str, Any] = finite(body)
    write_atomic(Path(f"{out}.json"), json.dumps(told, indent=1) + "\n")
    shutil.rmtree(folder)
    return told


@contextmanager
def _alone(out: str) -> Iterator[None]:
    """Refuse a second scan into the same files."""
    lock = take_lock(Path(f"{out}.part.lock"), f"{out}: another process is scanning into it", out)
    try:
        yield
    finally:
        free_lock(lock)


def _pins(loaded: Loaded, run: Path, genome: str, settings: ScanSettings) -> dict[str, Any]:
    """What blocks depend on; ``threshold`` decides on calls alone."""
    plan = loaded.plan
    files = {"genome": genome, "model": str(RunFolder(run).weights), "settings of the run": str(RunFolder(run).config)}
    told = {name: identity(file) for name, file in files.items()} | {"version": specgen.__version__, "block": BLOCK}
    if settings.regions:
        told["regions"] = identity(str(expand(settings.regions)))
    without = ("threshold", "contigs", "regions")
    rest = {key: value for key, value in dataclasses.asdict(settings).items() if key not in without}
    return {**told, **rest, "machine": [plan.device, plan.precision, plan.threads]}


def _places(found: Iterable[Part]) -> dict[str, int]:
    """Steps that were scored, of how many contigs, and those that were not for their blank letters."""
    of, blank = Counter[int](), 0
    for part in found:
        of[part.contig.number] += part.scored
        blank += part.blank
    return {"scored": of.total(), "contigs": sum(n > 0 for n in of.values()), "left_out_for_blanks": blank}


def _bits(found: Iterable[Part]) -> dict[str, Any]:
    """Bases that have bits on a strand, and their mean."""
    bases, bits = np.sum([(0, 0.0), *((part.scored, part.total) for part in found)], axis=0)
    mean = bits / bases if bases else math.nan
    return {"bases": int(bases), "bits_per_base": float(mean), "perplexity": float(2**mean)}


def _check_rules(loaded: Loaded) -> None:
    """Refuse a run that learnt places which no scan looks at: coordinates and letters of the forward strand for all."""
    for path in getattr(loaded.task.settings, "prepared", ()):
        if expand(path).is_file() and not PreparedSet(expand(path)).settings["strand_aware"]:
            raise InputError(
                f"{path}: was prepared without regard to strands, which is how the run reads them; a scan looks at starts in "
                "transcript direction"
            )


def _without(peaks: Calls, every: Calls, sites: Calls) -> Calls:
    """The peaks that are on no true site but one of ``sites``: a start of the other kind is no mistake."""
    others = np.setdiff1d(every.keys(), sites.keys())
    keep = ~np.isin(peaks.keys(), others)
    return Calls(peaks.contig[keep], peaks.position[keep], peaks.strand[keep], peaks.value[keep])


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


def _preceded(genome: str, contigs: Sequence[Contig], truth: dict[str, Calls], letters: Codes) -> dict[str, int]:
    """How many true sites of each kind stand right behind some letters."""
    found = dict.fromkeys(truth, 0)
    numbers = {contig.name: contig.number for contig in contigs}
    for name, length, fetch in read_contigs(genome, numbers):
        codes = fetch(0, length)
        for kind, sites in truth.items():
            here = sites.contig == numbers[name]
            strands = sites.strand[here].astype(np.int8)
            windows = cut_windows(codes, sites.position[here] + 1, strands, 2 * len(letters) + 1)
            found[kind] += int(preceded(windows, letters).sum())
    return found


def _peaks(folder: Path, contigs: Sequence[Contig], strands: Sequence[int], output: int) -> Calls:
    """All peaks."""
    columns: list[tuple[Any, ...]] = []
    for strand in strands:
        for part in parts(folder, list(contigs), 1, strand, output):
            n = len(part.peaks)
            columns.append((np.full(n, part.contig.number), part.peaks, np.full(n, strand), part.heights))
    contig, position, side, value = (np.concatenate(column) for column in zip(*columns, strict=True))
    return Calls(contig, position, side, value.astype(np.float64))
