"""Variants through a trained network: each allele's window beside the reference's, as a table and an annotated VCF.

Each ALT is scored by itself against the reference, whatever other variants lie in its window; haplotypes are not put
together. Effects are differences between the windows of the alternative and the reference, see ``alleles``: alternative minus
reference of log odds [nats], or of the log-likelihood [bits] where the network is of the next base, see ``scores``. Where a
network's answer depends on where in its window something stands (exon starts), that tells of a site at the variant alone, so
windows beside it are read, too, and the strongest loss and gain among them are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from classify.effects.alleles import Change, allele_windows, beside, change_of, reaches_beyond
from classify.effects.reading import Pool
from classify.effects.scores import Floats, Likelihood, LogOdds, Score, Spread
from classify.effects.settings import EffectsSettings
from classify.effects.tables import Effect, Fields, table_columns, table_rows
from classify.effects.variants import Row, read_vcf, variant_rows
from classify.noise import InputNoise
from classify.prediction import load_reader
from classify.runs import check_twice
from specgen.errors import InputError
from specgen.files import expand, replacing
from specgen.genome import Fetch, Genome

__all__ = ["effects"]

SCORES: dict[str, type[Score]] = {"window": LogOdds, "position": Likelihood}
"""What is told of alleles, by what a run's task answers for."""

MOST_WINDOWS, MOST_LETTERS, MOST_ROWS = 1024, 1 << 24, 4096
"""Windows, letters of them and of lines, and lines of the file that are held at once."""


class _Allele(NamedTuple):
    """An ALT that waits for its numbers: places of its two windows in the batch, and the comparisons beside it."""

    before: int
    after: int
    spread: Spread | None


class _Held(NamedTuple):
    """A line that waits for its numbers: its ALTs, or why they have none, and how many have windows beyond the contig's ends."""

    row: Row
    alleles: list[_Allele | str]
    beyond: int


def effects(
    run: Path, vcf: str, genome: str, out: str, settings: EffectsSettings, *, progress: bool = True
) -> dict[str, Any]:
    """Write ``<out>.tsv``, a row for each ALT, and ``<out>.vcf``, the lines as they came with INFO fields more.

    The VCF is read twice, first to check all of it against the genome: whatever is wrong with it is told before anything
    is scored. Memory does not grow with the number of variants. Both files take their names when they are whole;
    a stopped run leaves none and begins anew.

    Parameters
    ----------
    run
        Folder of a trained network that answers for windows of letters, or for the base behind each letter.
    vcf
        Plain, gzip or bgzip.
    genome
        FASTA; with an index (``samtools faidx``) lines may be in any order.

    Returns
    -------
    dict
        rows: lines; alleles: ALTs; scored: of those; without_alt: lines without any; unscored: how many ALTs by reason; absent:
        names of contigs that the genome does not have; beyond: how many ALTs have windows that are blank beyond an end of
        their contig; strands, distance: those that were meant.

    Raises
    ------
    InputError
        Bad input, such as a REF that is not the genome's; a run whose model reads pictures made elsewhere; an output that
        would replace its input.
    KeyboardInterrupt
        Stopped; the message says that nothing is kept.
    """
    loaded = load_reader(run, answers=SCORES)
    vcf, genome = str(expand(vcf)), str(expand(genome))
    targets = [Path(f"{out}.tsv"), Path(f"{out}.vcf")]
    for target in targets:
        if target.exists() and any(Path(source).exists() and target.samefile(source) for source in (vcf, genome)):
            raise InputError(f"{target}: is an input; choose another --out")
    check_twice(vcf, genome)
    score = SCORES[loaded.task.answers](loaded, settings)
    settings = score.settings
    fields = Fields(score.numbers, settings.tag, score.classes)
    columns = table_columns(score.numbers, score.classes)
    told_of_each = len(score.numbers) * len(score.classes)
    for part in loaded.module.modules():
        if isinstance(part, InputNoise):
            part.std = 0.0  # an alternative would get another draw, which is no effect of its letters
    try:
        with Genome(genome) as sequences, ExitStack() as stack:
            used, alleles = _checked(vcf, sequences, progress)
            header, lines = read_vcf(vcf)
            origin = (
                f"run {run.as_posix()}, genome {genome}, windows of {loaded.task.window} nt, strands {settings.strands}, "
                f"distance {settings.distance}"
            )
            try:
                top = fields.header(header, used, origin)
            except InputError as error:
                raise InputError(f"{vcf}: {error}") from None
            # Both are closed, which a full disk may refuse, before either is renamed.
            temporary = [stack.enter_context(replacing(target)) for target in targets]
            table, annotated = (
                stack.enter_context(path.open("w", encoding="utf-8", newline="\n")) for path in temporary
            )
            table.write("\t".join(columns) + "\n")
            annotated.writelines(f"{line}\n" for line in top)
            counts: Counter[str] = Counter()
            reasons: Counter[str] = Counter()
            with tqdm(total=alleles, unit=" alleles", disable=not progress) as bar:
                for batch, values in _batches(variant_rows(vcf, lines, sequences), sequences, score):
                    counts.update(beyond=sum(held.beyond for held in batch))
                    for row, found in _scored(batch, values, score):
                        annotated.write(fields.annotated(row, found) + "\n")
                        table.writelines("\t".join(cells) + "\n" for cells in table_rows(row, found, told_of_each))
                        counts.update(rows=1, alleles=len(found), without_alt=not found)
                        reasons.update(effect for effect in found if isinstance(effect, str))
                        bar.update(len(found))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; nothing was written, and the same command begins anew") from None
    scored = counts["alleles"] - reasons.total()
    told: dict[str, Any] = {name: counts[name] for name in ("rows", "alleles", "without_alt", "beyond")}
    told |= {"scored": scored, "unscored": dict(reasons), "absent": [name for name, n in used.items() if n is None]}
    return {**told, "strands": settings.strands, "distance": settings.distance}


def _checked(vcf: str, genome: Genome, progress: bool) -> tuple[dict[str, int | None], int]:
    """Read all lines; nt of each contig that they name, None where the genome does not have it, and how many ALTs there are."""
    used: dict[str, int | None] = {}
    alleles = 0
    with tqdm(variant_rows(vcf, read_vcf(vcf)[1], genome), "check", unit=" lines", disable=not progress) as bar:
        for row, _ in bar:
            used.setdefault(row.contig, genome.lengths.get(row.contig))
            alleles += len(row.alternatives)
    return used, alleles


def _batches(
    rows: Iterable[tuple[Row, Fetch | None]], genome: Genome, score: Score
) -> Iterator[tuple[list[_Held], Floats]]:
    """Lines, and the values of the windows of their alleles; a window that several alleles share is read once."""
    width = score.loaded.task.window
    most = max(1, min(MOST_WINDOWS, MOST_LETTERS // width))
    pool = Pool(score, width, most)
    held: list[_Held] = []
    letters = 0
    for row, fetch in rows:
        alleles: list[_Allele | str] = []
        beyond = 0
        for alternative in row.alternatives:
            if isinstance(alternative, str) or fetch is None:
                alleles.append(str(alternative))
                continue
            change, length = change_of(row.start, row.reference, alternative), genome.lengths[row.contig]
            allele = _allele(change, row.start, fetch, length, pool, score.settings)
            alleles.append(allele)
            beyond += not isinstance(allele, str) and reaches_beyond(
                change, length, width, score.settings.distance or 0
            )
        held.append(_Held(row, alleles, beyond))
        letters += sum(map(len, row.columns))
        if len(pool) >= most or len(held) >= MOST_ROWS or letters >= MOST_LETTERS:
            yield held, pool.values()
            held, letters = [], 0
    if held:
        yield held, pool.values()


def _allele(
    change: Change, start: int, fetch: Fetch, length: int, pool: Pool, settings: EffectsSettings
) -> _Allele | str:
    """Windows of reference and alternative, or why there are none."""
    longest = max(len(change.before), len(change.after))
    if longest == 0 or longest > pool.width:
        return "longer_than_window" if longest else "same_as_reference"
    pair = allele_windows(change, fetch, length, pool.width)
    if max(float((np.bitwise_count(window) > 1).mean()) for window in pair) > settings.max_ambiguous:
        return "ambiguous"
    before, after = pool.places(np.stack(pair))
    if not settings.distance:
        return _Allele(before, after, None)
    around = beside(change, fetch, length, pool.width, settings.distance)
    mine, other = (
        pool.around(*some, settings.max_ambiguous)[compared]
        for some, compared in zip(
            zip(around.letters, around.middles, strict=True), (around.before, around.after), strict=True
        )
    )
    offsets = around.places - start
    clear = np.flatnonzero((mine >= 0).all(axis=1) & (other >= 0).all(axis=1))
    nearest = clear[np.argsort(np.abs(offsets[clear]), kind="stable")]
    return _Allele(before, after, Spread(mine[nearest], other[nearest], offsets[nearest]))


def _scored(batch: Sequence[_Held], values: Floats, score: Score) -> Iterator[tuple[Row, list[Effect | str]]]:
    """The lines of a batch with the effect of each ALT."""
    for held in batch:
        yield (
            held.row,
            [allele if isinstance(allele, str) else _effect(allele, values, score) for allele in held.alleles],
        )


def _effect(allele: _Allele, values: Floats, score: Score) -> Effect | str:
    told = score.told(values[allele.before], values[allele.after])
    if isinstance(told, str) or allele.spread is None:
        return told
    return [[*one, *other] for one, other in zip(told, score.strongest(values, allele.spread), strict=True)]
