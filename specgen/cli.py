"""How both command lines start and end: pick a command, turn errors into exit codes. Imports next to nothing."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from specgen.errors import InputError, UnknownName, shortage

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
        Exit code: 0, 2 for bad input, a file that cannot be used, or too little memory, room or handles (one line on stderr,
        no traceback), 130 for Ctrl-C, 143 for SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, commands))
        print(f"usage: python -m {program} COMMAND [options]\n")
        print("\n".join(f"  {name:{width}}  {about}" for name, about in commands.items()))
        print("\nCOMMAND --help names the options of a command.")
        return 0 if arguments else 2
    command, *rest = arguments
    terminated: list[int] = []
    try:
        if command not in commands:
            raise UnknownName("command", command, commands)
        with _terminable() as terminated:
            importlib.import_module(f"{program}.commands.{command}").run(rest)
    except InputError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output went away (head, less): not an error
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
        line = InputError(reason if error.filename is None else f"{error.filename}: {reason}")
        print(f"{program}: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"\n{program}: {str(error) or 'stopped'}", file=sys.stderr)
        return 143 if terminated else 130
    except Exception as error:
        if not (short := shortage(error)):
            raise
        print(f"{program}: {InputError(short)}", file=sys.stderr)
        return 2
    return 0


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """SIGTERM, as ``kill`` and batch systems send it, ends a command as Ctrl-C does; the list then holds its number.

    Not where a launcher runs several processes: one that waits for the others would not come to it.
    """
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread() or int(os.environ.get("WORLD_SIZE", 1)) > 1:
        yield caught
        return
    owner = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a fork of this process: to be ended as any other
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        caught.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGTERM, before)
