"""The parser of every command: jsonargparse, failing in one line that suggests near names."""

from __future__ import annotations

import difflib
from typing import NoReturn

from jsonargparse import ArgumentParser

from specgen.errors import InputError

__all__ = ["CommandParser"]


class CommandParser(ArgumentParser):  # type: ignore[misc]
    """jsonargparse's parser with this project's way of failing: one ``InputError`` line, near names suggested."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise the innermost reason as one ``InputError``."""
        cause: BaseException | None = ex
        while cause is not None:
            if isinstance(cause, InputError):
                raise InputError(str(cause))
            cause = cause.__cause__ or cause.__context__
        text = " ".join(str(message).split())
        known = sorted({action.dest for action in self._actions if action.dest})
        words = [word.strip("'\".,:") for word in text.split()]
        for word in words:
            leaf = word.removeprefix("--").split("=")[0]
            if (
                leaf
                and leaf not in known
                and ("not expected" in text or "nrecognized" in text or "not accepted" in text)
            ):
                near = difflib.get_close_matches(leaf, known, n=2, cutoff=0.6)
                leaves = {key.rsplit(".", 1)[-1]: key for key in known}
                near = near or [leaves[m] for m in difflib.get_close_matches(leaf.rsplit(".", 1)[-1], leaves, n=2)]
                if near:
                    text += f"; did you mean {' or '.join(near)}?"
                    break
        raise InputError(text)
