"""``python -m classify prepare``."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any

from classify.exons.prepared import KINDS
from classify.exons.settings import PROTOCOLS, PrepareSettings
from classify.exons.windows import LEAST_BEHIND_AG
from classify.splits import SPLITS, SplitSettings
from specgen.errors import UnknownName
from specgen.parser import CommandParser

ABOUT = (
    "A genome and its annotation to labelled windows around exon starts, in one HDF5 file for training. The protocol is a "
    "preset of rules, each of which can be set alone."
)


def run(arguments: Sequence[str]) -> None:
    """Parse, prepare, and print what was made of what."""
    # The protocol decides the defaults of the split, so it has to be known before the rest.
    first = _parser(PrepareSettings.protocol)
    parser = _parser(first.parse_args(first.friendly(arguments)).protocol)
    parsed = parser.instantiate(parser.parse_args(parser.friendly(arguments)))
    settings = PrepareSettings(**{item.name: parsed[item.name] for item in dataclasses.fields(PrepareSettings)})
    from classify.exons.preparing import prepare

    begin = time.perf_counter()
    counts = prepare(settings, progress=parsed.progress)
    print("\n".join([*_table(counts), *_acceptors(counts, settings)]))
    print(f"{settings.out}: written in {time.perf_counter() - begin:.1f} s")


def _parser(protocol: str) -> CommandParser:
    if protocol not in PROTOCOLS:
        raise UnknownName("protocol", protocol, PROTOCOLS)
    parser = CommandParser(prog="python -m classify prepare", description=ABOUT)
    parser.add_argument("--config", action="config", help="YAML file with any of the settings below")
    parser.add_class_arguments(PrepareSettings, None, skip={"split"})
    parser.add_argument("--split", type=SplitSettings, default=PROTOCOLS[protocol].split)
    parser.add_argument("--progress", type=bool, default=True, help="show a progress bar")
    return parser


def _table(counts: dict[str, Any]) -> Iterator[str]:
    """Lines for a terminal: what was found, what each split holds, what was left out."""
    yield (
        f"{counts['contigs']} contigs, {counts['genes']} genes in {counts['loci']} loci, {counts['transcripts']} transcripts, "
        f"{counts['exons']} exon rows"
    )
    splits = [name for name in SPLITS if name in counts["splits"]]
    yield f"{'':12}" + "".join(f"{name:>10}" for name in (*splits, "all"))
    for kind, total in {**counts["starts"], **counts["negatives"]}.items():
        row = [counts["splits"][name].get(kind, 0) for name in splits]
        yield f"{kind:12}" + "".join(f"{number:>10}" for number in (*row, total))
    left_out = {
        "exon starts with too many ambiguous letters": counts["dropped"]["ambiguous"],
        "exon starts in no split": counts["dropped"]["without_split"],
        f"exons on sequences that the genome lacks ({', '.join(counts['contigs_missing'][:3])})": counts[
            "exons_on_missing_contigs"
        ],
        **{f"places for {kind} that were not found": n for kind, n in counts["negatives_missing"].items()},
    }
    for what, number in left_out.items():
        if number:
            yield f"left out: {number} {what}"
    if parts := counts["transcripts_from_parts"]:
        yield (
            f"note: {parts} transcripts have no exon rows; their parts, such as CDS, were taken, so that their first starts may "
            "be those of translation"
        )


def _acceptors(counts: dict[str, Any], settings: PrepareSettings) -> Iterator[str]:
    """Whether introns end as introns do: a genome with the annotation of another has starts anywhere."""
    if not (acceptors := counts["starts"].get(KINDS[0], 0)):
        return
    share = counts["acceptors_behind_ag"] / acceptors
    yield f"{share:.1%} of the acceptors stand behind AG"
    if share < LEAST_BEHIND_AG and settings.rules.strand_aware:
        yield (
            "WARNING: about 99 % do in most genomes, and 6 % of all places; is this the annotation of this genome, of the same "
            "release?"
        )
