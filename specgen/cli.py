"""How both command lines start and end: pick a command, turn errors into exit codes. Imports next to nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence

from specgen.errors import InputError, UnknownName

__all__ = ["run_command"]


def run_command(program: str, commands: Mapping[str, str], arguments: Sequence[str] | None = None) -> int:
    """Run ``<program>.commands.<command>.run(rest)``, importing that module only.

    Parameters
    ----------
    program
        Package whose commands these are.
    commands
        Name -> one line of help.
    arguments
        Without the program's name; None = ``sys.argv[1:]``.

    Returns
    -------
    int
        Exit code: 0, 2 for bad input or a file that cannot be used (one line on stderr, no traceback), 130 for Ctrl-C.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, commands))
        print(f"usage: python -m {program} COMMAND [options]\n")
        print("\n".join(f"  {name:{width}}  {about}" for name, about in commands.items()))
        print("\nCOMMAND --help names the options of a command.")
        return 0 if arguments else 2
    command, *rest = arguments
    try:
        if command not in commands:
            raise UnknownName("command", command, commands)
        importlib.import_module(f"{program}.commands.{command}").run(rest)
    except InputError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output went away (head, less): not an error
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
        print(f"{program}: {reason if error.filename is None else f'{error.filename}: {reason}'}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"\n{program}: {str(error) or 'stopped'}", file=sys.stderr)
        return 130
    return 0
