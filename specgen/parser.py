"""The parser of every command: jsonargparse, failing in one line that suggests near names."""

from __future__ import annotations

import difflib
import re
from typing import Any, NoReturn

from jsonargparse import ArgumentParser

from specgen.errors import InputError

__all__ = ["CommandParser"]


class CommandParser(ArgumentParser):  # type: ignore[misc]
    """jsonargparse's parser with this project's way of failing: one ``InputError`` line, near names suggested."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # No abbreviations: a mistyped key must not become another one.
        super().__init__(*args, allow_abbrev=False, exit_on_error=False, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise the innermost reason as one ``InputError``."""
        cause: BaseException | None = ex
        while cause is not None:
            if isinstance(cause, InputError):
                raise InputError(str(cause))
            cause = cause.__cause__ or cause.__context__
        text = " ".join(str(message).split())
        known = sorted({action.dest for action in self._actions if action.dest})
        if any(sign in text for sign in ("not expected", "nrecognized", "accept")):
            for key in re.findall(r"--([\w.]+)|[\"']([\w.]+)[\"']", text):
                if near := _nearest_key("".join(key), known):
                    text += f"; did you mean {near}?"
                    break
        raise InputError(text)


def _nearest_key(key: str, known: list[str]) -> str:
    """Known keys like ``key`` or with a last part like its last part; empty for a key that is known itself."""
    if key in known:
        return ""
    leaves = {name.rsplit(".", 1)[-1]: name for name in known}
    near = difflib.get_close_matches(key, known, n=2, cutoff=0.8)
    near += [leaves[leaf] for leaf in difflib.get_close_matches(key.rsplit(".", 1)[-1], leaves, n=1, cutoff=0.7)]
    return " or ".join(dict.fromkeys(near))
