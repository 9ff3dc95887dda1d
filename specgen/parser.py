"""The parser of every command: jsonargparse, failing in one line that suggests near names."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn, get_args

import yaml
from jsonargparse import ArgumentParser

from specgen.errors import InputError
from specgen.files import check_letters

__all__ = ["CommandParser", "load_settings"]

MOST_VALUES = 1_000_000
"""Values of a settings file, those counted again that an alias (``*name``) repeats."""


LARGEST = 10**300
"""Of a whole number in settings: larger ones are no floats, and every comparison with one would have to know it."""


def load_settings(file: str) -> dict[str, Any]:
    """A YAML file of settings as a mapping.

    Raises
    ------
    InputError
        It cannot be read, is no YAML, nests too deeply, repeats itself too often by its aliases, or holds something other
        than a mapping.
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
        loaded = yaml.safe_load(text)
        values = _values(loaded, {})
        if "\\u" in text.lower() and values <= MOST_VALUES:
            check_letters(loaded)
    except RecursionError:
        raise InputError(f"{file}: is nested too deeply for settings, or holds itself") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    # PyYAML's makers of numbers, truths and dates raise whatever Python does of a text that is none (2001-99-99, !!bool x).
    except (yaml.YAMLError, ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:
        raise InputError(f"{file}: is no YAML ({' '.join(str(error).split())})") from None
    if not isinstance(loaded, dict):
        raise InputError(f"{file}: expected a mapping of settings, got {type(loaded).__name__}")
    if values > MOST_VALUES:
        raise InputError(f"{file}: repeats itself by its aliases: {values:,} values, expected at most {MOST_VALUES:,}")
    return loaded


def _values(loaded: Any, known: dict[int, int]) -> int:
    """How many values there are if each alias is written out; ``known`` holds those of the collections that were counted."""
    if not isinstance(loaded, dict | list | tuple | set):
        if isinstance(loaded, int) and abs(loaded) > LARGEST:
            raise ValueError(f"a number of {len(str(abs(loaded)))} digits")
        return 1
    if id(loaded) not in known:
        known[id(loaded)] = 1 << 62  # a collection that holds itself
        inner = [*loaded.keys(), *loaded.values()] if isinstance(loaded, dict) else loaded
        known[id(loaded)] = 1 + sum(_values(item, known) for item in inner)
    return known[id(loaded)]


class CommandParser(ArgumentParser):  # type: ignore[misc]
    """jsonargparse's parser with this project's way of failing: one ``InputError`` line, near names suggested."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # No abbreviations: a mistyped key must not become another one.
        super().__init__(*args, allow_abbrev=False, exit_on_error=False, **kwargs)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, *rest: Any, **kwargs: Any
    ) -> Any:
        """Parse, after a look at every settings file; one that cannot be used is an ``InputError``, too."""
        try:
            for file in _settings_files(args or ()) if "--config" in self._option_string_actions else ():
                self._check_settings_file(file)
            return self._without_nothing(super().parse_args(args, *rest, **kwargs))
        except RecursionError:
            raise InputError("settings: a value is nested too deeply") from None
        except OSError as error:
            raise InputError(f"{error.filename or 'settings'}: cannot be read ({error.strerror or error})") from None
        except UnicodeError as error:  # a file given as the value of an option
            raise InputError(f"settings: not text in UTF-8 ({error})") from None

    def parse_object(self, *args: Any, **kwargs: Any) -> Any:
        """Settings from plain data, as of a file."""
        return self._without_nothing(super().parse_object(*args, **kwargs))

    def _without_nothing(self, parsed: Any) -> Any:
        """``parsed``, unless it has null where there is to be a value: jsonargparse takes null for any type."""
        for action in self._actions:
            kind = getattr(action, "_typehint", None)
            if kind is None or kind is Any or NoneType in get_args(kind) or action.default is None:
                continue
            if action.dest in parsed and parsed[action.dest] is None:
                raise InputError(f"{action.dest}: expected {getattr(kind, '__name__', kind)}, got null")
        return parsed

    def _check_settings_file(self, file: str) -> None:
        """Its shape; names and types are jsonargparse's business, and so are missing files, folders and pipes."""
        if not Path(file).is_file():
            return
        self.check_sections(load_settings(file), f"{file}: ")

    def check_sections(self, loaded: Mapping[str, Any], where: str = "") -> None:
        """Refuse a plain value in place of a section of settings (``InputError``, beginning with ``where``)."""
        # jsonargparse takes a plain value in place of a section silently, and forgets it.
        for section in sorted({a.dest.rpartition(".")[0] for a in self._actions if "." in a.dest}):
            value: Any = loaded
            for part in section.split("."):
                if not isinstance(value, Mapping) or part not in value:
                    break
                value = value[part]
            else:
                if not isinstance(value, Mapping):
                    raise InputError(f"{where}{section}: expected a mapping of settings, got {value!r}")

    def friendly(self, arguments: Sequence[str]) -> list[str]:
        """``arguments`` with settings files first, so that the command line has the last word, and lists as one value.

        ``--data.coding a.fa b.fa`` for a list-typed key: the plain values after it become one JSON list.
        """
        lists = {
            f"--{action.dest}" for action in self._actions if "list[" in str(getattr(action, "_typehint", "")).lower()
        }
        files: list[str] = []
        found: list[str] = []
        rest = list(arguments)
        while rest:
            key, equals, value = rest.pop(0).partition("=")
            if key == "--config" and (equals or rest):
                files += ["--config", value if equals else rest.pop(0)]
            elif key not in lists:
                found.append(f"{key}{equals}{value}")
            else:
                values = [value] if equals else []
                while not equals and rest and not rest[0].startswith("--"):
                    values.append(rest.pop(0))
                plain = values and not values[0].startswith("[") and values != ["null"]
                found += [key, json.dumps(values)] if plain else [key, *values]
        return files + found

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


def _settings_files(arguments: Sequence[str]) -> Iterator[str]:
    for i, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option == "--config" and (equals or i + 1 < len(arguments)):
            yield value if equals else arguments[i + 1]


def _nearest_key(key: str, known: list[str]) -> str:
    """Known keys like ``key`` or with a last part like its last part; empty for a key that is known itself."""
    if key in known:
        return ""
    leaves = {name.rsplit(".", 1)[-1]: name for name in known}
    near = difflib.get_close_matches(key, known, n=2, cutoff=0.8)
    near += [leaves[leaf] for leaf in difflib.get_close_matches(key.rsplit(".", 1)[-1], leaves, n=1, cutoff=0.7)]
    return " or ".join(dict.fromkeys(near))
