"""``python -m classify sweep``."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Any

import yaml

from classify.config import to_yaml
from classify.sweeping.settings import StudySettings
from classify.sweeping.space import base_settings, check_space, read_space
from specgen.errors import InputError
from specgen.parser import CommandParser

ABOUT = (
    "Search any settings of a run by its validation split; the test split is not scored. Stop it at any time: the same "
    "command goes on."
)


def run(arguments: Sequence[str]) -> None:
    """Parse, search, write the tables, and name them."""
    switch: dict[str, Any] = {"action": "store_true"}
    parser = CommandParser(prog="python -m classify sweep", description=ABOUT)
    parser.add_argument("--config", action="config", help="YAML file with any of the settings below")
    parser.add_argument(
        "--base", type=Any, default={}, help="settings of all trials: a mapping, a file, or a list of them"
    )
    space = "setting -> list of choices, or {low, high, log, step}"
    parser.add_argument("--space", type=dict[str, Any], default={}, help=space)
    parser.add_argument("--study", type=StudySettings, default=StudySettings())
    parser.add_argument("--out", type=str, default="", help="folder of the study; empty = <runs>/sweeps/<study.name>")
    parser.add_argument("--extend", **switch, help="go on to more trials than the study was begun with")
    parser.add_argument("--report-only", **switch, help="write the tables and figures of what is there")
    parsed = parser.instantiate(parser.parse_args(list(arguments)))
    options: StudySettings = parsed.study
    base, axes = base_settings(parsed.base), read_space(parsed.space)
    check_space(base, axes)
    folder = options.folder(parsed.out, base.runs)
    wanted = {"base": yaml.safe_load(to_yaml(base)), "space": parsed.space, "study": dataclasses.asdict(options)}

    from classify.sweeping.records import reopen  # heavy imports only once the settings are known to be good
    from classify.sweeping.tables import report, write_trials

    if parsed.report_only:
        study = reopen(folder)
        if study is None:
            raise InputError(f"{folder}: holds no study to report on")
        print(report(study, folder), end="")
        return
    from classify.distributed import check_alone
    from classify.sweeping.study import sweep
    from classify.trainer import Interrupted

    check_alone("sweep")
    try:
        study = sweep(
            base, axes, options, wanted, folder, extend=parsed.extend, after=lambda study: write_trials(study, folder)
        )
    except KeyboardInterrupt:
        again = f"stopped; go on with: python -m classify sweep {shlex.join(arguments)}"
        if (begun := reopen(folder)) is not None:
            report(begun, folder)
        raise Interrupted(again) from None
    print(report(study, folder), end="")
