"""``python -m classify motifs``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classify.motifs.settings import FilterSettings
from classify.runs import check_inputs
from specgen.errors import InputError
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Read the motifs off a run's filters, and print the most telling ones."""
    parser = CommandParser(
        prog="python -m classify motifs",
        description="What the filters of a trained network of letters look for: matrices from their activations, logos, "
        "matches in a database of motifs with p and q values, filters that answer together, and activation maps.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a trained network that reads letters")
    parser.add_argument(
        "--database", type=str, default="", help="matrices in JASPAR, MEME or TRANSFAC format, plain or .gz"
    )
    parser.add_argument("--out", type=str, default="", help="folder for what is found; default: RUN/motifs")
    parser.add_argument("--input", type=str, default="", help="FASTA or FASTQ; default: the run's own examples")
    parser.add_argument("--split", type=str, default="test", help="of the run's own examples: train, val, test or all")
    parser.add_argument("--draw", type=int, default=2, help="windows whose activation maps are drawn")
    parser.add_argument("--threshold", type=float, default=1e-4, help="p-value of the sites that are marked in them")
    parser.add_argument(
        "--seqlets",
        type=int,
        default=0,
        help="windows whose attributions TF-MoDISco clusters, in minutes (needs modisco-lite)",
    )
    parser.add_argument("--filters", type=FilterSettings, default=FilterSettings())
    parsed = parser.parse_args(list(arguments))
    if parsed.draw < 0 or parsed.seqlets < 0:
        raise InputError(f"--draw, --seqlets: expected 0 or more, got {parsed.draw} and {parsed.seqlets}")
    settings = parser.instantiate(parsed).filters
    check_inputs(parsed.run, parsed.input, parsed.database)
    from classify.distributed import check_alone
    from classify.motifs.discovery import Sources, discover

    check_alone("motifs")
    out = Path(parsed.out) if parsed.out else Path(parsed.run) / "motifs"
    sources = Sources(parsed.input, parsed.split, parsed.database)
    body = discover(
        Path(parsed.run), out, settings, sources, draw=parsed.draw, threshold=parsed.threshold, seqlets=parsed.seqlets
    )
    for row in [row for row in body["filters"] if row["consensus"]][:5]:
        told = f", AUROC {row['auroc']:.3f}" if row["auroc"] is not None else ""
        print(
            f"filter {row['number']:3}: {row['consensus']}, {row['information']:.1f} bits, {row['sites']} sites{told}{_like(row)}"
        )
    for row in body["seqlets"]:
        print(f"{row['name']}: {row['consensus']}, {row['information']:.1f} bits, {row['seqlets']} seqlets{_like(row)}")
    print(f"{len(body['filters']) - body['silent']} of {len(body['filters'])} filters have a motif")
    print(f"written: {out / 'motifs.html'}, {out / 'motifs.json'}, {out / 'filters.meme'}, {out / 'coactivation.json'}")


def _like(row: dict[str, Any]) -> str:
    """The best match of a motif, in words."""
    return "".join(
        f"; like {match['label'] or match['name']} (q {match['q']:.1e}, similarity {match['similarity']:.2f})"
        for match in row["matches"][:1]
    )
