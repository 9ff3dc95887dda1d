"""``python -m classify``: one module a command, imported only when it is called, so that help answers at once."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from specgen.errors import InputError

__all__ = ["main"]

COMMANDS = {
    "train": "train a model on a task, evaluate it on the test split, write its report",
    "evaluate": "score the test split of a trained run again and rewrite its report",
    "predict": "class probabilities for the records of a FASTA or FASTQ file",
    "baselines": "fit the trivial baselines on the same examples and splits",
    "compare": "one table of several runs, with intervals, and their ROC curves",
    "list": "name tasks, models, views, baselines",
}


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {about}" for name, about in COMMANDS.items()]
    return "\n".join(
        [
            "usage: python -m classify COMMAND [options]",
            "",
            *lines,
            "",
            "COMMAND --help names the options of a command.",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0, 2 for bad input (one line on stderr), 130 for Ctrl-C."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0 if arguments else 2
    command, *rest = arguments
    try:
        if command not in COMMANDS:
            from specgen.errors import UnknownName

            raise UnknownName("command", command, COMMANDS)
        return int(importlib.import_module(f"classify.commands.{command}").run(rest) or 0)
    except InputError as error:
        print(f"classify: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of our output went away (head, less): not an error.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt as error:
        print(f"\nclassify: {error or 'stopped'}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
