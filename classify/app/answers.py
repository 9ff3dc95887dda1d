"""What a trained run says of a few records: verdicts of all, and signal, picture and attribution of one. No server here."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.evaluation import Loaded
from classify.interpretation.explainer import Explainer
from classify.interpretation.explaining import centre_window, explain_window
from classify.interpretation.figures import window_figure
from classify.interpretation.settings import AttributionSettings
from classify.labels import labels_of
from classify.pooling import POOLS
from classify.prediction import load_reader, verdicts
from classify.reporting.figures import png
from classify.reporting.html import data_uri
from classify.reporting.ranked import SHOWN, ranked_rows, read_prevalences
from classify.tiling import TilingSettings
from specgen.errors import InputError, SpecgenError
from specgen.plot import show_figure
from specgen.records import Record
from specgen.sequences import Codes, decode
from specgen.settings import ImageSettings

__all__ = ["Desk", "Stopped", "lettered"]

LINE = 60
"""Letters of a line, a multiple of 3, so that codons stand below one another."""

SHADES = 4
"""Of each sign: ``up1`` to ``up4`` speak for the class, ``down1`` to ``down4`` against it."""

STRONGEST = 10
"""Letters of the table."""


class Stopped(SpecgenError):
    """The program ends while an answer is computed."""


@dataclass
class Desk:
    """A trained run, loaded once, that answers about records, one request at a time.

    Attributes
    ----------
    run
        Its folder: any that ``predict`` takes.
    tiling
        As for ``predict``.
    attribution
        As for ``explain``; ``target`` is the class that is explained where nobody asks for another.
    loaded
        See ``evaluation.load_run``.
    turn
        Held by whoever has it answer.
    unexplained
        Why this run's verdicts cannot be explained; empty where they can.

    Raises
    ------
    InputError
        What ``predict`` refuses.
    """

    run: Path
    tiling: TilingSettings = field(default_factory=TilingSettings)
    attribution: AttributionSettings = field(default_factory=AttributionSettings)
    loaded: Loaded = field(init=False)
    turn: threading.Lock = field(init=False, default_factory=threading.Lock)
    unexplained: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.loaded = load_reader(self.run)
        self._stopping = threading.Event()
        self.loaded.module.model.register_forward_pre_hook(self._go_on)
        task = self.loaded.task
        POOLS[self.tiling.pool].check(task.outputs if task.exclusive else 1)
        self.labels = [] if task.exclusive else labels_of(self.run, task)
        self.prevalences = {} if task.exclusive else read_prevalences(self.run)
        wanted = self.attribution.target
        try:
            self._explainer(wanted or task.classes[-1])
        except InputError as error:
            if wanted and wanted not in task.classes:
                raise
            self.unexplained = str(error)

    def _go_on(self, *_: Any) -> None:
        if self._stopping.is_set():
            raise Stopped("stopped")

    def stop(self) -> None:
        """End what is computed before the network is asked again, and answer no more; returns once nothing is computed.

        A thread within torch cannot be left behind: the interpreter ends before it, and that aborts.
        """
        self._stopping.set()
        with self.turn:
            pass

    def about(self) -> dict[str, Any]:
        """What the page says of the run, whatever it is asked."""
        task, settings = self.loaded.task, self.loaded.settings
        return {
            "run": str(self.run),
            "model": settings.model,
            "task": task.name,
            "classes": task.classes,
            "exclusive": task.exclusive,
            "needed": task.window + task.cut,
            "pool": POOLS[self.tiling.pool].note,
            "unexplained": self.unexplained,
            "usual": self._target(None),
        }

    def answer(self, records: list[Record], number: int = 0, target: str = "") -> dict[str, Any]:
        """What the page shows of records.

        Parameters
        ----------
        records
            At least one.
        number
            Of the record that is drawn, from 1; 0 = the first that is long enough for a window.
        target
            Class whose log-odds are explained; empty = the one of the settings, the positive of two, or the likeliest.

        Returns
        -------
        dict
            ``rows``, one a record: number, name, length, tiles, padded, probabilities (k,) and verdict (both None where it is too
            short), above (labels that are called; of classes that exclude one another empty). ``drawn``: the record in detail.

        Raises
        ------
        InputError
            No such class.
        Stopped
            ``stop`` was called meanwhile.
        """
        self._go_on()
        if target and target not in self.loaded.task.classes:
            raise InputError(f"class: expected one of those of the run, got {target[:100]!r}")
        rows = []
        for i, (tiled, chances) in enumerate(verdicts(self.loaded, records, self.tiling), 1):
            row = {
                "number": i,
                "name": tiled.name,
                "length": tiled.length,
                "tiles": len(tiled.starts),
                "padded": tiled.padded,
            }
            rows.append(row | self._verdict(chances))
        task = self.loaded.task
        first = next((i for i, record in enumerate(records) if centre_window(task, record) is not None), 0)
        number = number or first + 1
        return {"rows": rows, "drawn": self._draw(records[number - 1], rows[number - 1], target)}

    def _verdict(self, chances: NDArray[np.float64] | None) -> dict[str, Any]:
        if chances is None:
            return {"probabilities": None, "verdict": None, "above": []}
        names = self.loaded.task.classes
        called = [one["name"] for one, chance in zip(self.labels, chances, strict=False) if chance >= one["threshold"]]
        return {"probabilities": chances.tolist(), "verdict": names[int(chances.argmax())], "above": called}

    def _explainer(self, target: str) -> Explainer:
        return Explainer(self.loaded, dataclasses.replace(self.attribution, target=target))

    def _target(self, likeliest: str | None) -> str:
        """The class that is explained where nobody asks for one: that of ``explain`` where it has one, or the likeliest."""
        names = self.loaded.task.classes
        alone = names[-1] if len(names) == (2 if self.loaded.task.exclusive else 1) else ""
        return self.attribution.target or alone or likeliest or ""

    def _draw(self, record: Record, row: dict[str, Any], target: str) -> dict[str, Any]:
        """Everything of one record; ``notes`` tell what is missing."""
        drawn: dict[str, Any] = {"row": row, "notes": [], "signal": "", "ranked": [], "shown": SHOWN, "explained": None}
        if self.labels and row["probabilities"] is not None:
            drawn["ranked"] = ranked_rows(self.labels, np.array(row["probabilities"]), self.prevalences)
        window = centre_window(self.loaded.task, record)
        if window is None:
            needed = self.loaded.task.window + self.loaded.task.cut
            drawn["notes"].append(
                f"Nothing is drawn: {row['length']:,} nt are fewer than the {needed:,} nt of a window."
            )
            return drawn
        codes, start = window
        drawn |= {"start": start, "end": start + len(codes)}
        try:
            title = f"{record.name}, {start + 1:,} to {start + len(codes):,} of {row['length']:,} nt"
            drawn["signal"] = data_uri(png(show_figure(codes, self._image(len(codes)), title=title, start=start)))
        except InputError as error:
            drawn["notes"].append(f"No spectrogram: {error}")
        if self.unexplained:
            return drawn
        try:
            explainer = self._explainer(target or self._target(row["verdict"] or self.loaded.task.classes[0]))
            found = explain_window(explainer, record.name, codes, start)
        except InputError as error:
            drawn["notes"].append(f"No attribution: {error}")
            return drawn
        values = found.drawn.letters
        drawn["explained"] = found.body | {
            "target": self.loaded.task.classes[explainer.target],
            "picture": data_uri(png(window_figure(found.drawn))),
            "lines": [] if values is None else lettered(codes, values, start),
            "strongest": [] if values is None else _strongest(codes, values, start),
        }
        return drawn

    def _image(self, length: int) -> ImageSettings:
        """The run's picture. Of a network of letters, that of its settings, with shorter frames where its windows are short."""
        image = self.loaded.settings.image
        if length >= image.spectrogram.window or length < 6:
            return image
        frame = length // 6 * 3
        return dataclasses.replace(image, spectrogram=dataclasses.replace(image.spectrogram, window=frame))


def lettered(codes: Codes, values: NDArray[np.float64], start: int) -> list[dict[str, Any]]:
    """Lines of letters with a shade for each stretch, by what the letters say.

    Parameters
    ----------
    codes
        uint8 (L,).
    values
        (L,) log-odds of each letter.
    start
        Place of the first letter in the record, 0-based.

    Returns
    -------
    list of dict
        place (1-based, of the line's first letter) and parts: (shade, letters), the shade empty where a letter says next to
        nothing, else "up" or "down" and 1 to ``SHADES``, by quarters of the largest absolute value.
    """
    text = decode(codes)
    largest = float(np.abs(values).max()) or 1.0
    levels = np.round(values / largest * SHADES).astype(int)
    lines = []
    for begin in range(0, len(text), LINE):
        parts: list[tuple[str, str]] = []
        for letter, level in zip(text[begin : begin + LINE], levels[begin : begin + LINE].tolist(), strict=True):
            shade = f"{'up' if level > 0 else 'down'}{abs(level)}" if level else ""
            if parts and parts[-1][0] == shade:
                parts[-1] = shade, parts[-1][1] + letter
            else:
                parts.append((shade, letter))
        lines.append({"place": start + begin + 1, "parts": parts})
    return lines


def _strongest(codes: Codes, values: NDArray[np.float64], start: int) -> list[dict[str, Any]]:
    order = np.argsort(-np.abs(values), kind="stable")[:STRONGEST].tolist()
    text = decode(codes)
    return [{"place": start + i + 1, "letter": text[i], "value": float(values[i])} for i in order]
