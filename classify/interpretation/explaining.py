"""Explanations of a run: windows of a file, or simulated ones with a known CDS, into a folder of numbered files.

What is computed is in ``explainer`` and ``measures``; here are the loops and the files.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from classify.evaluation import load_run
from classify.interpretation.attribution import Attribution
from classify.interpretation.explainer import Explainer
from classify.interpretation.figures import Drawn, measures_figure, smoothed, window_figure
from classify.interpretation.frames import read_frames
from classify.interpretation.measures import (
    EdgeWindow,
    edge_windows,
    record_curves,
    shares,
    shuffled_shares,
    summarise,
)
from classify.interpretation.settings import AttributionSettings, MeasureSettings
from classify.interpretation.sites import check_named
from classify.reporting.figures import png
from classify.runs import RunFolder
from classify.tasks import Task
from specgen.errors import InputError
from specgen.files import new_folder, write_atomic
from specgen.records import Record, read_records
from specgen.sequences import Codes, decode, tile_starts

__all__ = [
    "Explained",
    "centre_window",
    "centre_windows",
    "explain_file",
    "explain_simulated",
    "explain_window",
]


def explain_file(
    run: Path, source: str, out: Path, *, most: int, settings: AttributionSettings, methods: tuple[str, ...] = (),
    cds: dict[str, tuple[int, int]] | None = None, progress: bool = True,
) -> dict[str, int]:  # fmt: skip
    """Explain the centre window of the first ``most`` records of a file that are long enough for one.

    Parameters
    ----------
    cds
        Known CDS by record name, 0-based half-open in the record, to be drawn.

    Returns
    -------
    dict
        explained, longer (of them, records of more than a window), too_short (of the records read until then), incomplete
        (attributions that missed the tolerance).

    Raises
    ------
    InputError
        Bad input, a folder that holds something, or what ``Explainer`` refuses.
    """
    explainer = Explainer(load_run(run), settings, methods)
    with new_folder(out) as place:
        folder = RunFolder(place)
        counts = {"explained": 0, "longer": 0, "too_short": 0, "incomplete": 0}
        bodies: list[dict[str, Any]] = []
        for name, window, start in centre_windows(explainer.loaded.task, source, most, counts, progress):
            bodies.append(_explain(explainer, folder, len(bodies) + 1, name, window, start, (cds or {}).get(name)))
        if not bodies:
            needed = explainer.loaded.task.window + explainer.loaded.task.cut
            raise InputError(
                f"{source}: all {counts['too_short']} records are shorter than the {needed} nt of a window"
            )
        check_named(cds, [body["record"] for body in bodies])
        counts["explained"] = len(bodies)
        counts["incomplete"] = sum(not body["ig"]["complete"] for body in bodies if "ig" in body)
        folder.write_json("explain.json", _head(explainer, run) | {"input": source, **counts, "records": bodies})
        return counts


def centre_windows(
    task: Task, source: str, most: int, counts: dict[str, int], progress: bool
) -> Iterator[tuple[str, Codes, int]]:
    """Name, window (L,) and its place in the record, 0-based, for the first ``most`` records that are long enough.

    Shorter ones are counted in ``counts["too_short"]``, those of more than a window in ``counts["longer"]``.
    """
    found = 0
    with tqdm(total=most, unit=" records", disable=not progress, leave=False) as bar:
        for record in read_records(source, unique=False):
            window = centre_window(task, record)
            if window is None:
                counts["too_short"] += 1
                continue
            counts["longer"] += len(record.codes) > task.window + task.cut
            yield record.name, *window
            found += 1
            bar.update()
            if found == most:
                return


def centre_window(task: Task, record: Record) -> tuple[Codes, int] | None:
    """The window (L,) in the middle of a record and its place there, 0-based; None where the record is shorter than one."""
    codes = task.prepare(record.codes)
    if len(codes) < task.window:
        return None
    start = int(tile_starts(len(codes), task.window, most=1)[0])
    return np.ascontiguousarray(codes[start : start + task.window]), start + task.cut // 2


def explain_simulated(
    run: Path, n: int, out: Path, *, most: int, settings: AttributionSettings, measure: MeasureSettings,
    progress: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Measure attributions on ``n`` simulated windows that hold part of a CDS; the first ``most`` are drawn as well.

    Only windows that the model calls the target's are measured. Writes measures.json, .csv and .png.

    Returns
    -------
    dict
        The body of measures.json.
    """
    explainer = Explainer(load_run(run), settings)
    with new_folder(out) as place:
        folder = RunFolder(place)
        task = explainer.loaded.task
        rows: list[dict[str, Any]] = []
        table: list[list[Any]] = []
        windows = edge_windows(n, task.window, measure, task.cut // 2)
        for number, window in enumerate(tqdm(windows, total=n, unit=" windows", disable=not progress, leave=False), 1):
            score = float(explainer.score_codes(window.codes[None])[0])
            called = score > 0
            line: list[Any] = [number, window.name, window.start, *window.cds, f"{score:.6g}", int(called)]
            attribution = explainer.attribute(window.codes) if called or number <= most else None
            if number <= most:
                cds = window.cds[0] + window.start, window.cds[1] + window.start
                _explain(explainer, folder, number, window.name, window.codes, window.start, cds, attribution)
            if called and attribution is not None:
                row = _measured(explainer, window, attribution, measure, number)
                rows.append(row)
                ratios = [f"{row['shares'][kind] / row['letters']:.6g}" for kind in row["shares"]]
                line += [*ratios, attribution.steps, f"{attribution.error:.3g}"]
            table.append([*line, *[""] * (len(COLUMNS) - len(line))])
        body = _head(explainer, run) | {
            "measure": asdict(measure),
            "simulation": asdict(measure.simulation(n, task.window)) | {"n": n},
            "window": task.window,
            "windows": n,
            "called": len(rows),
            "incomplete": sum(not row["complete"] for row in rows),
            **summarise(rows, measure),
        }
        folder.write_csv("measures.csv", COLUMNS, table)
        write_atomic(folder.path / "measures.png", png(measures_figure(body)))
        folder.write_json("measures.json", body)
        return body


COLUMNS = (
    "number", "record", "window_start", "cds_start", "cds_end", "log_odds", "called", "enrichment_absolute",
    "enrichment_positive", "steps", "error",
)  # fmt: skip
"""Of measures.csv; the CDS is 0-based half-open in the window."""


def _measured(
    explainer: Explainer, window: EdgeWindow, attribution: Attribution, measure: MeasureSettings, number: int
) -> dict[str, Any]:
    rng = np.random.default_rng((measure.seed, number))
    inside, letters = window.inside, attribution.letters
    x, curves = record_curves(explainer.score_codes, window.codes, letters, measure, rng)
    return {
        "letters": float(inside.mean()),
        "shares": shares(letters, inside),
        "null": {
            **shuffled_shares(letters, inside, measure.shuffles, rng),
            "control": shares(explainer.attribute(window.control).letters, inside),
        },
        "complete": attribution.complete,
        "x": x,
        "curves": curves,
    }


class Explained(NamedTuple):
    """What is found of one window: the numbers that its JSON holds, and what is drawn."""

    body: dict[str, Any]
    drawn: Drawn


def explain_window(
    explainer: Explainer, name: str, codes: Codes, start: int, cds: tuple[int, int] | None = None,
    attribution: Attribution | None = None,
) -> Explained:  # fmt: skip
    """Explain one window by the explainer's methods.

    Parameters
    ----------
    codes
        uint8 (L,).
    start
        Place of its first letter in the record, 0-based.
    cds
        Known CDS, 0-based half-open in the record, to be drawn.
    attribution
        Where it is there already.

    Raises
    ------
    InputError
        The window cannot be explained; names the record.
    """
    task = explainer.loaded.task
    with torch.inference_mode():
        logits = explainer.loaded.module(torch.from_numpy(codes[None]).to(explainer.loaded.plan.device))
    probabilities = task.probabilities(logits.double().cpu().numpy())[0]
    frames = read_frames(codes)
    picture, columns = explainer.picture(codes)
    body: dict[str, Any] = {
        "record": name,
        "start": start,
        "length": len(codes),
        "probabilities": dict(zip(task.classes, probabilities.tolist(), strict=True)),
        "longest_orf": [start + edge for edge in frames.longest] if frames.longest[1] else None,
        "cds": cds,
    }
    letters, cam = None, None
    try:
        if "ig" in explainer.methods:
            found = attribution or explainer.attribute(codes)
            letters = found.letters
            body["ig"] = {
                "log_odds": found.score,
                "reference": found.reference,
                "sum": float(letters.sum()),
                "error": found.error,
                "complete": found.complete,
                "steps": found.steps,
            }
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if "gradcam" in explainer.methods:
        cam = explainer.map(codes)
        body["gradcam"] = {"layer": explainer.layer, "largest": float(cam.max())}
    target = task.classes[explainer.target]
    title = f"{name}: p({target}) = {probabilities[explainer.target]:.3f}"
    smooth = explainer.settings.smooth
    return Explained(body, Drawn(title, codes, start, cds, letters, picture, cam, columns, smooth, explainer.bands))


def _explain(
    explainer: Explainer, folder: RunFolder, number: int, name: str, codes: Codes, start: int,
    cds: tuple[int, int] | None, attribution: Attribution | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Explain one window into <number>.png, .json, .csv and _gradcam.npy; the body of the JSON."""
    stem = f"{number:04d}"
    found = explain_window(explainer, name, codes, start, cds, attribution)
    body, letters, cam = {"number": number, **found.body}, found.drawn.letters, found.drawn.cam
    if cam is not None:
        body["gradcam"]["file"] = f"{stem}_gradcam.npy"
        held = io.BytesIO()
        np.save(held, cam, allow_pickle=False)
        write_atomic(folder.path / f"{stem}_gradcam.npy", held.getvalue())
    if letters is not None:
        smooth = smoothed(letters, explainer.settings.smooth)
        folder.write_csv(
            f"{stem}.csv",
            ("position", "letter", "attribution", "smoothed"),
            [(start + i, letter, f"{letters[i]:.6g}", f"{smooth[i]:.6g}") for i, letter in enumerate(decode(codes))],
        )
    write_atomic(folder.path / f"{stem}.png", png(window_figure(found.drawn)))
    folder.write_json(f"{stem}.json", body)
    return body


def _head(explainer: Explainer, run: Path) -> dict[str, Any]:
    return {
        "run": str(run),
        "model": explainer.loaded.settings.model,
        "target": explainer.loaded.task.classes[explainer.target],
        "methods": list(explainer.methods),
        "layer": explainer.layer,
        "attribution": asdict(explainer.settings),
    }
