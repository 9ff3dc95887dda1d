"""``python -m classify scan``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from classify.bootstrap import interval_text
from classify.exons.prepared import KINDS
from classify.exons.windows import LEAST_BEHIND_AG
from classify.runs import check_inputs, check_names
from classify.scanning.settings import ScanSettings
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Scan, and say what was called and how good it is."""
    parser = CommandParser(
        prog="python -m classify scan",
        description="Slide a trained network over the contigs of a genome, base by base or in steps, on both strands or their "
        "mean: bedGraph and bigWig of probabilities, BED of calls, and precision and recall where an annotation is given. Of a "
        "run of the next base: bedGraph and bigWig of the bits that each base costs, and no calls.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained model")
    parser.add_argument("--genome", type=str, required=True, help="FASTA, plain, gzip or bgzip")
    parser.add_argument("--out", type=str, required=True, help="first part of the names of the files to write")
    parser.add_argument("--annotation", type=str, default="", help="GTF or GFF3 of the true exon starts")
    parser.add_class_arguments(ScanSettings, None)
    parser.add_argument("--progress", type=bool, default=True, help="show a progress bar")
    parsed = parser.parse_args(parser.friendly(arguments))
    settings = ScanSettings(**{key: parsed[key] for key in ScanSettings.__dataclass_fields__})
    check_inputs(parsed.run, parsed.genome, parsed.annotation, settings.regions)
    check_names(parsed.out)
    from classify.distributed import check_alone
    from classify.scanning.scan import scan

    check_alone("scan")
    body = scan(
        Path(parsed.run), parsed.genome, parsed.out, settings, annotation=parsed.annotation, progress=parsed.progress
    )
    if "bits" in body:
        _tell_bits(body, parsed.out)
    else:
        _tell_calls(body, parsed.out, settings)
    print("".join(f"{line}\n" for line in _doubts(body, settings)), end="")
    for name in body["empty"]:
        what = "base has a value" if "bits" in body else f"position of {settings.floor:g} or more"
        print(f"note: no {what}, so there is no {name}")
    print("".join(f"note: {line}\n" for line in _left_out(body, settings)), end="")
    if body["seen_in_training"]:
        print(f"note: the run was trained on {', '.join(body['seen_in_training'])}; figures on them flatter")


def _tell_bits(body: dict[str, Any], out: str) -> None:
    """Of a run of the next base: what its bases cost, for each strand."""
    for strand, told in body["bits"].items():
        bits = "" if told["bits_per_base"] is None else f", {told['bits_per_base']:.4f} bits a base"
        bits += f" (perplexity {told['perplexity']:.4f})" if bits else ""
        part, side = {"+": (".plus", "strand +"), "-": (".minus", "strand -")}.get(strand, ("", "mean of both strands"))
        print(f"{out}{part}.bedGraph: {side}, {told['bases']:,} bases{bits}")


def _tell_calls(body: dict[str, Any], out: str, settings: ScanSettings) -> None:
    """What was called, and how good it is."""
    calls = body["calls"]
    files = f"{out}{'.bed' if len(calls) == 1 else '.*.bed'}"
    print(
        f"{files}: {sum(calls.values())} calls of {settings.threshold:g} or more; {body['places']['scored']:,} places of "
        f"{body['places']['contigs']} contigs were scored"
    )
    if len(calls) > 1:
        print("".join(f"{name:20} {n} calls\n" for name, n in calls.items()), end="")
    for name, quality in body.get("quality", {}).items():
        shown = ", ".join(
            f"{key.replace('_', ' ')} {interval_text(quality[key], '.3f')}"
            for key in ("average_precision", "precision", "recall")
        )
        rate = f", prevalence {quality['prevalence']:.2e}" if quality["prevalence"] is not None else ""
        print(f"{name:10} {quality['n_true']} sites{rate}: {shown}")


def _left_out(body: dict[str, Any], settings: ScanSettings) -> Iterator[str]:
    """Where was not looked, though it was asked for."""
    if blank := body["places"]["left_out_for_blanks"]:
        yield (
            f"{blank:,} places at ends of contigs were not scored: more than {settings.max_ambiguous:.0%} of their windows are "
            "blank or ambiguous letters, and the run was trained on no blank ones"
        )
    if missing := body.get("regions", {}).get("not_in_genome"):
        names = ", ".join([*list(missing)[:5], *(["..."] if len(missing) > 5 else [])])
        yield (
            f"{sum(missing.values()):,} of the {body['regions']['intervals']:,} regions of {settings.regions} lie on contigs "
            f"that {body['genome']} does not have ({names})"
        )


def _doubts(body: dict[str, Any], settings: ScanSettings) -> Iterator[str]:
    """What the figures do not tell by themselves."""
    for name, quality in body.get("quality", {}).items():
        there, n = body["preceded"].get(settings.behind, {}).get(name, 0), quality["n_true"]
        if settings.behind and there < n:
            yield f"note: {n - there} of the {n} sites of {name} are not behind {settings.behind}, where alone was looked"
    if acceptors := body.get("quality", {}).get(KINDS[0], {}).get("n_true"):
        share = body["preceded"]["AG"][KINDS[0]] / acceptors
        if share < LEAST_BEHIND_AG:
            yield (
                f"WARNING: {share:.1%} of the annotation's acceptors stand behind AG; about 99 % do in most genomes: is it of "
                "this genome, of the same release?"
            )
