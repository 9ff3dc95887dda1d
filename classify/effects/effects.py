"""Variants through a trained network: each allele's window beside the reference's, as a table and an annotated VCF.

Each ALT is scored by itself against the reference, whatever other variants lie in its window; haplotypes are not put
together. Effects are differences between the windows of the alternative and the reference, see ``alleles``: alternative minus
reference, over both strands, of log odds [nats], or of the log-likelihood [bits] where the network is of the next base, see
``scores``. Where a network's answer depends on where in its window something stands (exon starts), an effect tells of the
variant in the middle, and of no site beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from classify.effects.alleles import allele_windows, change_of
from classify.effects.scores import Likelihood, LogOdds, Score
from classify.effects.settings import EffectsSettings
from classify.effects.tables import Effect, Fields, table_columns, table_rows
from classify.effects.variants import Row, read_vcf, variant_rows
from classify.evaluation import Loaded
from classify.noise import InputNoise
from classify.prediction import load_reader
from classify.runs import check_twice
from specgen.errors import InputError
from specgen.files import expand, replacing
from specgen.genome import Fetch, Genome
from specgen.sequences import Codes

__all__ = ["effects"]

SCORES: dict[str, type[Score]] = {"window": LogOdds, "position": Likelihood}
"""What is told of alleles, by what a run's task answers for."""

MOST_WINDOWS, MOST_LETTERS, MOST_ROWS = 1024, 1 << 24, 4096
"""Windows, letters of them and of lines, and lines of the file that are held at once."""


class _Held(NamedTuple):
    """A line that waits for its numbers: of each ALT the places of its two windows in the batch, or why it has none."""

    row: Row
    alleles: list[tuple[int, int] | str]


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
        rows: lines; alleles: ALTs; scored: of those; without_alt: lines without any; unscored: how many ALTs by reason.

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
    fields = Fields(score.numbers, settings.tag, score.classes, settings.strands)
    columns = table_columns(score.numbers, score.classes)
    told_of_each = len(score.numbers.columns) * len(score.classes)
    for part in loaded.module.modules():
        if isinstance(part, InputNoise):
            part.std = 0.0  # an alternative would get another draw, which is no effect of its letters
    try:
        with Genome(genome) as sequences, ExitStack() as stack:
            used, alleles = _checked(vcf, sequences, progress)
            header, lines = read_vcf(vcf)
            origin = (
                f"run {run.as_posix()}, genome {genome}, windows of {loaded.task.window} nt, strands {settings.strands}"
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
                for batch, windows in _batches(variant_rows(vcf, lines, sequences), sequences, loaded, settings):
                    for row, found in _scored(batch, windows, score):
                        annotated.write(fields.annotated(row, found) + "\n")
                        table.writelines("\t".join(cells) + "\n" for cells in table_rows(row, found, told_of_each))
                        counts.update(rows=1, alleles=len(found), without_alt=not found)
                        reasons.update(effect for effect in found if isinstance(effect, str))
                        bar.update(len(found))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; nothing was written, and the same command begins anew") from None
    scored = counts["alleles"] - reasons.total()
    told = {name: counts[name] for name in ("rows", "alleles", "without_alt")}
    return {**told, "scored": scored, "unscored": dict(reasons)}


def _checked(vcf: str, genome: Genome, progress: bool) -> tuple[dict[str, int], int]:
    """Read all lines; nt of each contig that they name, and how many ALTs there are."""
    used: dict[str, int] = {}
    alleles = 0
    with tqdm(variant_rows(vcf, read_vcf(vcf)[1], genome), "check", unit=" lines", disable=not progress) as bar:
        for row, _ in bar:
            used.setdefault(row.contig, genome.lengths[row.contig])
            alleles += len(row.alternatives)
    return used, alleles


def _batches(
    rows: Iterable[tuple[Row, Fetch]], genome: Genome, loaded: Loaded, settings: EffectsSettings
) -> Iterator[tuple[list[_Held], Codes]]:
    """Lines, and the windows (n, W) of their alleles; a window that several alleles share is there once."""
    width = loaded.task.window
    most = max(1, min(MOST_WINDOWS, MOST_LETTERS // width))
    held: list[_Held] = []
    places: dict[bytes, int] = {}
    letters = 0
    for row, fetch in rows:
        alleles: list[tuple[int, int] | str] = []
        for alternative in row.alternatives:
            pair = _pair(row, alternative, fetch, genome.lengths[row.contig], width, settings.max_ambiguous)
            if isinstance(pair, str):
                alleles.append(pair)
                continue
            before, after = (places.setdefault(window.tobytes(), len(places)) for window in pair)
            alleles.append((before, after))
        held.append(_Held(row, alleles))
        letters += sum(map(len, row.columns))
        if len(places) >= most or len(held) >= MOST_ROWS or letters >= MOST_LETTERS:
            yield held, _stacked(places, width)
            held, places, letters = [], {}, 0
    if held:
        yield held, _stacked(places, width)


def _pair(
    row: Row, alternative: Codes | str, fetch: Fetch, length: int, width: int, most: float
) -> tuple[Codes, Codes] | str:
    """Windows of reference and alternative, or why there are none."""
    if isinstance(alternative, str):
        return alternative
    change = change_of(row.start, row.reference, alternative)
    longest = max(len(change.before), len(change.after))
    if longest == 0 or longest > width:
        return "longer_than_window" if longest else "same_as_reference"
    pair = allele_windows(change, fetch, length, width)
    unclear = max(float((np.bitwise_count(window) > 1).mean()) for window in pair)
    return pair if unclear <= most else "ambiguous"


def _stacked(places: dict[bytes, int], width: int) -> Codes:
    return np.frombuffer(bytearray(b"".join(places)), dtype=np.uint8).reshape(len(places), width)


def _scored(batch: Sequence[_Held], windows: Codes, score: Score) -> Iterator[tuple[Row, list[Effect | str]]]:
    """The lines of a batch with the effect of each ALT."""
    told = score.of(windows)
    for row, alleles in batch:
        yield row, [allele if isinstance(allele, str) else told(*allele) for allele in alleles]
