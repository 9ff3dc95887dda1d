"""The run folder: the one contract between train, evaluate, predict, explain and compare.

Paths, and reading and writing of what lies at them: always under a temporary name first, then renamed. A folder is
complete, or holds the file ``INCOMPLETE`` that says what to do. Nothing in it is pickled code.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from specgen.errors import InputError
from specgen.files import expand, finite, read_json, write_atomic
from specgen.ledger import is_stream

__all__ = ["Results", "RunFolder", "check_inputs", "check_names", "check_twice", "to_csv"]


def to_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows under a header line, as text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def check_inputs(run: str | Path, *files: str) -> None:
    """Refuse what is not there before libraries are loaded, which takes seconds, and before anything is written.

    Parameters
    ----------
    run
        A run folder.
    files
        Files to be read; empty and - (standard input) are none.

    Raises
    ------
    InputError
        A folder without config.yaml, or no such file.
    """
    if not RunFolder(Path(run)).config.is_file():
        raise InputError(f"{run}: is no run folder (no config.yaml)")
    for file in files:
        if file not in ("", "-") and not expand(file).exists():
            raise InputError(f"{file}: no such file")


def check_twice(*files: str) -> None:
    """Refuse what can be read only once: standard input (-), a pipe.

    Raises
    ------
    InputError
        Naming it.
    """
    for file in files:
        if is_stream(file):
            name = "standard input" if file == "-" else file
            raise InputError(f"{name}: can be read only once, as pipes can; expected a file, which is read twice")


def check_names(out: str) -> None:
    """Refuse what is no first part of the names of files, so that theirs would begin with a dot or lie beside a folder.

    Raises
    ------
    InputError
        A folder, or nothing behind the last /.
    """
    if not out or out.endswith(("/", os.sep)) or Path(out).is_dir():
        got = f"the folder {out}" if out else "nothing"
        raise InputError(f"--out: expected the first part of the names of files, such as {Path(out) / 'x'}, got {got}")


@dataclass(frozen=True)
class RunFolder:
    """Places inside a run folder."""

    path: Path

    @property
    def config(self) -> Path:
        """config.yaml: every setting, rerunnable."""
        return self.path / "config.yaml"

    @property
    def environment(self) -> Path:
        """environment.json: versions, commit, machine, threads."""
        return self.path / "environment.json"

    @property
    def history(self) -> Path:
        """metrics.csv: one row an epoch."""
        return self.path / "metrics.csv"

    @property
    def metrics(self) -> Path:
        """metrics.json: test metrics with intervals, and cost."""
        return self.path / "metrics.json"

    @property
    def predictions(self) -> Path:
        """predictions.csv: every test example once."""
        return self.path / "predictions.csv"

    @property
    def weights(self) -> Path:
        """model.safetensors: weights of the best epoch."""
        return self.path / "model.safetensors"

    @property
    def baseline(self) -> Path:
        """model.json: a fitted baseline."""
        return self.path / "model.json"

    @property
    def labels(self) -> Path:
        """labels.csv: what each of several labels is, and how many training examples have it, see ``Task.listed``."""
        return self.path / "labels.csv"

    @property
    def decided(self) -> Path:
        """decided.json: what validation chose beside the weights, see ``Task.decide``."""
        return self.path / "decided.json"

    def on(self, name: str) -> RunFolder:
        """on/<name>: what this run scored on other data."""
        return RunFolder(self.path / "on" / name)

    @property
    def last(self) -> Path:
        """checkpoints/last.ckpt: what --resume goes on from."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> Path:
        """checkpoints/best.ckpt: the epoch that validation chose."""
        return self.path / "checkpoints" / "best.ckpt"

    def failed_batch(self, process: int = 0) -> Path:
        """failed_batch.safetensors: what gave a loss that was no number."""
        return self.path / f"failed_batch{process or ''}.safetensors"

    @property
    def marker(self) -> Path:
        """INCOMPLETE: there until the last step is done."""
        return self.path / "INCOMPLETE"

    def begin(self, why: str) -> None:
        """Mark the folder incomplete, creating it."""
        write_atomic(self.marker, why + "\n")

    def clear(self) -> None:
        """Remove what an earlier run left, so that nothing old stands beside the new."""
        for path in (
            self.metrics,
            self.history,
            self.predictions,
            self.weights,
            self.baseline,
            self.decided,
            self.path / "predictions.safetensors",
            self.path / "barcodes.safetensors",
            self.labels,
            self.path / "report.html",
        ):
            path.unlink(missing_ok=True)
        for path in (self.path / "training.json", *self.path.glob("failed_batch*.safetensors")):
            path.unlink(missing_ok=True)
        for folder in ("checkpoints", "figures", "gallery", "motifs", "on", "tensorboard"):
            shutil.rmtree(self.path / folder, ignore_errors=True)

    def finish(self) -> None:
        """Take the mark away."""
        self.marker.unlink(missing_ok=True)

    def write_json(self, name: str, body: Mapping[str, Any] | Sequence[Any]) -> None:
        """Write plain data as indented JSON, undefined numbers as null."""
        write_atomic(self.path / name, json.dumps(finite(body), indent=2, ensure_ascii=False) + "\n")

    def write_csv(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write rows under a header line."""
        write_atomic(self.path / name, to_csv(columns, rows))

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the run.

        Raises
        ------
        InputError
            It is missing or damaged.
        """
        path = self.path / name
        return read_json(path, f"{path}: no such file; is {self.path} a finished run folder?")

    def read_training(self) -> dict[str, Any]:
        """training.json: the mappings ``cost`` and ``training``.

        Raises
        ------
        InputError
            It is missing or damaged.
        """
        body = self.read_json("training.json")
        for key in ("cost", "training"):
            if not isinstance(body.get(key), dict):
                raise InputError(f"{self.path / 'training.json'}: expected an object {key!r}")
        return body

    def read_decided(self) -> dict[str, Any]:
        """decided.json; empty where validation had nothing to decide.

        Raises
        ------
        InputError
            It is damaged, or a threshold is no probability.
        """
        body = self.read_json(self.decided.name) if self.decided.is_file() else {}
        thresholds = body.get("thresholds", {})
        if not isinstance(thresholds, dict):
            raise InputError(f"{self.decided}: expected an object 'thresholds'")
        for name, value in thresholds.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise InputError(f"{self.decided}: {name!r}: expected a threshold from 0 to 1, got {str(value)[:200]}")
        return body

    def split_rows(self) -> Iterator[dict[str, str]]:
        """Rows of split.csv, one after the other; none where the run has no such file.

        Raises
        ------
        InputError
            It cannot be read, or lacks a column.
        """
        path = self.path / "split.csv"
        if not path.is_file():
            return
        columns = ("id", "group", "chromosome", "split")
        try:
            with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
                for place, row in enumerate(csv.DictReader(file), 1):
                    if missing := [key for key in columns if row.get(key) is None]:
                        raise InputError(f"{path}: row {place}: has no {missing[0]}")
                    yield row
        except (OSError, csv.Error) as error:
            raise InputError(f"{path}: cannot be read ({error})") from None


class Results(NamedTuple):
    """Where the results of scoring go, and what they are called.

    Attributes
    ----------
    folder
        Gets predictions.csv, metrics.json, gallery and report.
    name
        Of these results, for tables.
    split
        What was scored, in a word.
    repeat
        The command line that scores the same again; empty = the one that trained.
    """

    folder: RunFolder
    name: str
    split: str = "test"
    repeat: str = ""
