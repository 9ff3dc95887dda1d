"""``python -m classify effects``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classify.effects.settings import EffectsSettings
from classify.runs import check_inputs, check_names
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Score variants, and say how many were and why others were not."""
    parser = CommandParser(
        prog="python -m classify effects",
        description="What each variant of a VCF does to what a trained network says of the window around it: differences of "
        "logits and probabilities, or, of a run of the next base, of the log-likelihood of the window, as a table and as INFO "
        "fields. Of a run that asks what stands in the middle of a window (exon starts) also the strongest loss and gain near "
        "the variant, with place (offset from POS) and strand. Each ALT is scored alone against the reference, "
        "whatever other variants lie near it.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained model")
    parser.add_argument("--vcf", type=str, required=True, help="VCF, plain, gzip or bgzip")
    parser.add_argument(
        "--genome", type=str, required=True, help="FASTA, plain, gzip or bgzip; an index saves reading it"
    )
    parser.add_argument("--out", type=str, required=True, help="first part of the names of the files to write")
    parser.add_class_arguments(EffectsSettings, None)
    parser.add_argument("--progress", type=bool, default=True, help="show a progress bar")
    parsed = parser.parse_args(parser.friendly(arguments))
    settings = EffectsSettings(**{key: parsed[key] for key in EffectsSettings.__dataclass_fields__})
    check_inputs(parsed.run, parsed.vcf, parsed.genome)
    check_names(parsed.out)
    from classify.distributed import check_alone
    from classify.effects.effects import effects

    check_alone("effects")
    done = effects(Path(parsed.run), parsed.vcf, parsed.genome, parsed.out, settings, progress=parsed.progress)
    print(
        f"{parsed.out}.tsv, {parsed.out}.vcf: {done['scored']:,} of {done['alleles']:,} alternative alleles scored, "
        f"on {done['rows']:,} lines"
    )
    for reason, count in sorted(done["unscored"].items()):
        print(f"not scored: {count:,} {_why(reason, done['absent'], parsed.genome)}")
    if done["without_alt"]:
        print(f"not scored: {done['without_alt']:,} lines without an alternative")
    if done["beyond"]:
        print(
            f"note: {done['beyond']:,} alleles have windows that reach beyond an end of their contig and are blank there"
        )


def _why(reason: str, absent: Sequence[str], genome: str) -> str:
    """A reason in words."""
    if reason != "absent_contig":
        return reason.replace("_", " ")
    names = ", ".join([*(repr(name[:40]) for name in absent[:3]), *(["..."] if len(absent) > 3 else [])])
    return f"on {len(absent):,} contig{'s'[: len(absent) != 1]} that {genome} has not: {names}"
