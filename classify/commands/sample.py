"""``python -m classify sample``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classify.runs import check_inputs
from specgen.errors import InputError
from specgen.parser import CommandParser

WIDTH = 80
"""Letters of a line of FASTA."""


def run(arguments: Sequence[str]) -> None:
    """Draw sequences and write them as FASTA."""
    parser = CommandParser(
        prog="python -m classify sample",
        description="Sequences drawn letter by letter from a trained network of the next base, as FASTA.",
    )
    parser.add_argument("--run", type=str, required=True, help="run folder of a network of the next base")
    parser.add_argument("--out", type=str, required=True, help="FASTA file; - = standard output")
    parser.add_argument("--sequences", type=int, default=1, help="how many")
    parser.add_argument("--length", type=int, default=1000, help="nt of each, the start included")
    parser.add_argument("--start", type=str, default="", help="letters that all begin with; default: one by chance")
    parser.add_argument("--temperature", type=float, default=1.0, help="below 1: likely letters more often")
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    parser.add_argument("--progress", type=bool, default=True, help="show a bar")
    parsed = parser.parse_args(parser.friendly(arguments))
    check_inputs(parsed.run)
    from classify.distributed import check_alone
    from classify.evaluation import load_run
    from classify.language.sampling import draw_sequences
    from specgen.files import write_atomic
    from specgen.sequences import decode, encode

    check_alone("sample")
    start = encode(parsed.start, name="--start")
    loaded = load_run(Path(parsed.run), answers="position")
    device = loaded.plan.device
    drawn = draw_sequences(
        lambda codes: loaded.module(codes.to(device)),
        start,
        n=parsed.sequences,
        length=parsed.length,
        window=loaded.task.window,
        temperature=parsed.temperature,
        seed=parsed.seed,
        progress=parsed.progress and parsed.out != "-",
    )
    lines = []
    for number, codes in enumerate(drawn, 1):
        letters = decode(codes)
        lines.append(f">sample{number} seed={parsed.seed} temperature={parsed.temperature:g}")
        lines += [letters[i : i + WIDTH] for i in range(0, len(letters), WIDTH)]
    text = "\n".join(lines) + "\n"
    if parsed.out == "-":
        print(text, end="")
        return
    if Path(parsed.out).is_dir():
        raise InputError(f"{parsed.out}: is a folder, expected the name of a FASTA file")
    write_atomic(Path(parsed.out), text)
    many = "sequence" if parsed.sequences == 1 else "sequences"
    print(f"written: {parsed.out}, {parsed.sequences} {many} of {parsed.length} nt")
