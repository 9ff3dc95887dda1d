"""How YAML files and command lines fill a ``RunSettings``.

jsonargparse makes the options and reads the YAML; unknown keys and wrong types are errors. Only light imports here,
so that ``--help`` answers at once: the settings of a task come from its module, which must stay free of torch.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace

from classify.settings import (
    AugmentSettings,
    LetterSettings,
    OptimiserSettings,
    PreprocessSettings,
    RunSettings,
    TrainingSettings,
)
from classify.shipped import shipped_folder
from classify.tasks import TASKS
from specgen.errors import InputError
from specgen.parser import CommandParser, load_settings
from specgen.settings import ImageSettings

__all__ = ["flat", "parse_run", "run_parser", "settings_from", "to_yaml"]


def _peek(arguments: Sequence[str], key: str, default: str) -> str:
    """Value of ``key`` on the command line, else in the last ``--config`` file, else the default."""
    value = default
    for given in _values(arguments, "config"):
        _check_there(given)
        value = str(load_settings(given).get(key, value))
    return [value, *_values(arguments, key)][-1]


def _check_there(given: str) -> None:
    """Say how to come by a shipped settings file that is named as in a checkout, outside of one."""
    parts = Path(given).parts
    if not Path(given).exists() and "configs" in parts:
        shipped = "/".join(parts[parts.index("configs") + 1 :])
        if (shipped_folder("configs") / shipped).is_file():
            raise InputError(
                f"{given}: there is no such file here; it comes with the package: `python -m classify configs --out configs`"
            )


def _values(arguments: Sequence[str], key: str) -> list[str]:
    found = []
    for i, argument in enumerate(arguments):
        if argument == f"--{key}" and i + 1 < len(arguments):
            found.append(arguments[i + 1])
        elif argument.startswith(f"--{key}="):
            found.append(argument.split("=", 1)[1])
    return found


def run_parser(arguments: Sequence[str], command: str, about: str) -> CommandParser:
    """The parser of a command that takes a whole ``RunSettings``: options depend on the task named in ``arguments``."""
    task = TASKS[_peek(arguments, "task", RunSettings.task)]
    parser = CommandParser(prog=f"python -m classify {command}", description=about)
    parser.add_argument("--config", action="config", help="YAML file with any of the settings below")
    for item in dataclasses.fields(RunSettings):
        if item.name == "data":
            parser.add_argument("--data", type=task.Settings, default=task.Settings())
        else:
            default = item.default if item.default is not dataclasses.MISSING else item.default_factory()  # type: ignore
            parser.add_argument(f"--{item.name}", type=_TYPES[item.name], default=default, help=_HELP.get(item.name))
    return parser


_TYPES: dict[str, Any] = {
    "task": str,
    "model": str,
    "model_options": dict[str, Any],
    "letters": LetterSettings,
    "image": ImageSettings,
    "preprocess": PreprocessSettings,
    "augment": AugmentSettings,
    "optimiser": OptimiserSettings,
    "training": TrainingSettings,
    "seed": int,
    "name": str,
    "runs": str,
}
_HELP = {
    "task": "a registered task",
    "model": "a registered model, or timm:<name>",
    "model_options": "keyword arguments of the model's builder",
    "seed": "of weights, crops and order",
    "name": "last part of the run folder <runs>/<task>/<model>/<name>",
    "runs": "folder of all runs",
}


def parse_run(
    arguments: Sequence[str] | None, command: str, about: str, extra: dict[str, dict[str, Any]] | None = None
) -> tuple[RunSettings, Namespace]:
    """Settings from a command line.

    Parameters
    ----------
    arguments
        Without the program's name; None = ``sys.argv[2:]``.
    extra
        Further options of the command: name -> keyword arguments of ``add_argument``.

    Returns
    -------
    RunSettings, Namespace
        The run's settings, and the extra options.

    Raises
    ------
    InputError
        An unknown key, a wrong type, an unreadable file: names the key, what was expected and what came.
    """
    arguments = list(sys.argv[2:] if arguments is None else arguments)
    parser = run_parser(arguments, command, about)
    for name, options in (extra or {}).items():
        parser.add_argument(f"--{name}", **options)
    parsed = parser.instantiate(parser.parse_args(parser.friendly(arguments)))
    return _run_settings(parsed), Namespace(**{n: parsed[n] for n in extra or {}})


def _run_settings(parsed: Any) -> RunSettings:
    return RunSettings(**{item.name: parsed[item.name] for item in dataclasses.fields(RunSettings)})


def settings_from(body: Mapping[str, Any], command: str) -> RunSettings:
    """Settings from a mapping, as a YAML file of them would hold; what is not named has its default.

    Raises
    ------
    InputError
        An unknown key or a wrong value, as for ``parse_run``.
    """
    parser = _plain_parser(str(body.get("task", RunSettings.task)), command)
    parser.check_sections(body)
    return _run_settings(parser.instantiate(parser.parse_object(dict(body))))


def to_yaml(settings: RunSettings) -> str:
    """Every setting, defaults included, as YAML that ``--config`` reads back to the same settings."""
    return yaml.safe_dump(dataclasses.asdict(settings), sort_keys=False, allow_unicode=True)


@lru_cache
def _plain_parser(task: str, command: str) -> CommandParser:
    return run_parser([f"--task={task}"], command, "")


def flat(body: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one of dotted keys; an empty one is a value."""
    if not isinstance(body, dict) or not body:
        return {prefix: body}
    return {k: v for key, item in body.items() for k, v in flat(item, f"{prefix}.{key}" if prefix else key).items()}
