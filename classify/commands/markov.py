"""``python -m classify markov``."""

from __future__ import annotations

from collections.abc import Sequence

from classify.language.settings import GenomeSettings
from specgen.errors import InputError
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Count, choose on validation, and print one line for each order."""
    parser = CommandParser(
        prog="python -m classify markov",
        description="Perplexity of order-k Markov chains on held-out blocks of genomes: what every model of the next base "
        "has to beat. Smoothing and order are chosen on the validation blocks; the mixed chain has all orders to 20, and so "
        "tells repeats.",
    )
    parser.add_argument("--data", type=GenomeSettings, default=GenomeSettings())
    parser.add_argument("--most", type=int, default=10, help="highest order")
    parsed = parser.instantiate(parser.parse_args(parser.friendly(arguments)))
    from classify.language.baseline import markov_scores, mixed_score
    from classify.language.blocks import blocks_of, read_contigs
    from classify.language.contexts import LONGEST
    from classify.language.markov import MOST

    if not 0 <= parsed.most <= MOST:
        raise InputError(f"most: expected an order from 0 to {MOST}, got {parsed.most}")
    contigs = read_contigs(parsed.data)
    blocks = blocks_of(contigs, parsed.data)
    found = markov_scores(contigs, blocks, parsed.most, parsed.data)
    print(
        f"bases: {', '.join(f'{split} {n:,}' for split, n in found.bases.items())} with {parsed.most} letters before them"
    )
    print("chain          order  weight  val perplexity  test perplexity  bits/base")
    for score in found.scores:
        kind = "interpolated" if score.fit.interpolated else "plain"
        chosen = "  chosen" if score is found.best(interpolated=score.fit.interpolated) else ""
        print(
            f"{kind:14} {score.fit.order:5}  {score.fit.weight:6g}  {2**score.validation:14.4f}  "
            f"{score.perplexity:15.4f}  {score.test:9.4f}{chosen}"
        )
    mixed = mixed_score(contigs, blocks, parsed.most, parsed.data)
    print(
        f"{'mixed':14} 0-{LONGEST:3}          {2**mixed.validation:14.4f}  {2**mixed.test:15.4f}  {mixed.test:9.4f}\n"
        f"{mixed.repeated:.2%} of the test bases stand behind {LONGEST} letters that are learnt elsewhere, with a perplexity of "
        f"{2**mixed.test_repeated:.4f}; the others have {2**mixed.test_other:.4f}."
    )
