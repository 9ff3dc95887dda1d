"""Dashboards of the records of a file into a folder: two PNGs and a JSON for each, one page and one JSON for all.

What the methods say is in ``tracks``, ``activations`` and ``optimisation``, how it looks in ``drawing``; here are the loop
and the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from classify.dashboard.activations import activation_maps
from classify.dashboard.drawing import Board, board_figure, matrix_figure
from classify.dashboard.optimisation import class_optimised
from classify.dashboard.settings import OptimisationSettings
from classify.dashboard.tracks import TRACKS, temporal_scores
from classify.evaluation import load_run
from classify.interpretation.explainer import Explainer
from classify.interpretation.explaining import centre_windows
from classify.interpretation.settings import AttributionSettings
from classify.interpretation.sites import Site, check_named
from classify.motifs.figures import Mark, maps_figure
from classify.motifs.maps import LetterMap
from classify.reporting.figures import png
from classify.reporting.html import data_uri, render
from classify.runs import RunFolder
from specgen.errors import InputError
from specgen.files import new_folder, write_atomic
from specgen.sequences import BASES, decode

__all__ = ["make_dashboards", "share_on_sites"]


def make_dashboards(
    run: Path,
    source: str,
    out: Path,
    *,
    most: int,
    attribution: AttributionSettings,
    optimisation: OptimisationSettings,
    methods: Sequence[str] = (),
    sites: Mapping[str, Sequence[Site]] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Dashboards of the centre window of the first ``most`` records of a file that are long enough for one.

    Parameters
    ----------
    methods
        Of ``TRACKS``; none = all.
    sites
        Known places by record name, which are drawn, and for which each method's share of the attribution is told.

    Returns
    -------
    dict
        The body of ``dashboard.json``.

    Raises
    ------
    InputError
        Bad input, a folder that holds something, a run that cannot be explained, or no record that is long enough.
    """
    chosen = {name: TRACKS[name] for name in methods or TRACKS}
    explainer = Explainer(load_run(run), attribution)
    task = explainer.loaded.task
    with new_folder(out) as place:
        folder = RunFolder(place)
        target = task.classes[explainer.target]
        counts = {"longer": 0, "too_short": 0}
        boards: list[dict[str, Any]] = []
        pictures: list[tuple[bytes, bytes]] = []
        for name, codes, start in centre_windows(task, source, most, counts, progress):
            inside = [
                site for site in (sites or {}).get(name, ()) if site.end > start and site.start < start + len(codes)
            ]
            try:
                tracks = {method: find(explainer, codes) for method, find in chosen.items()}
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
            temporal = temporal_scores(explainer, codes)
            chance = float(1 / (1 + np.exp(-explainer.score_codes(codes[None])[0])))
            picture, columns = explainer.picture(codes)
            title = f"{name}: p({target}) = {chance:.3f}"
            board = Board(title, codes, start, tracks, temporal, target, inside, picture, columns)
            body = _body(board, name, chance)
            stem = f"{len(boards) + 1:04d}"
            maps = activation_maps(explainer, codes)
            pictures.append((png(board_figure(board)), _drawn(board, maps) if maps else b""))
            for ending, content in zip((".png", ".maps.png"), pictures[-1], strict=True):
                if content:
                    write_atomic(folder.path / f"{stem}{ending}", content)
            folder.write_json(f"{stem}.json", body | _numbers(board, maps))
            boards.append(body)
        if not boards:
            raise InputError(f"{source}: holds no record of {task.window} nt or more, which is a window of this run")
        check_named(sites, [board["record"] for board in boards])
        whole: dict[str, Any] = {
            "run": str(run),
            "model": explainer.loaded.settings.model,
            "task": task.name,
            "target": target,
            "input": source,
            "window": task.window,
            "methods": list(chosen),
            "attribution": asdict(attribution),
            **counts,
            "share_on_sites": _mean_shares(boards),
            "records": boards,
        }
        best = _optimised(explainer, folder, optimisation, target)
        folder.write_json("dashboard.json", whole | {"optimised": best[0]})
        page = render(
            "dashboard.html.j2",
            body=whole | {"optimised": best[0]},
            boards=[
                dict(board, uri=data_uri(whole), maps_uri=data_uri(maps) if maps else "")
                for board, (whole, maps) in zip(boards, pictures, strict=True)
            ],
            optimised_uri=data_uri(best[1]) if best[1] else "",
        )
        write_atomic(folder.path / "dashboard.html", page)
        return whole


def share_on_sites(letters: np.ndarray[Any, Any], start: int, sites: Sequence[Site]) -> float | None:
    """Share of the absolute attribution (L,) of a window at ``start`` that lies on its sites, 0..1; none without sites."""
    on = np.zeros(len(letters), dtype=bool)
    for site in sites:
        on[max(0, site.start - start) : max(0, site.end - start)] = True
    total = float(np.abs(letters).sum())
    return float(np.abs(letters[on]).sum()) / total if on.any() and total else None


def _body(board: Board, name: str, chance: float) -> dict[str, Any]:
    """What the page and the common JSON say of a record."""
    methods = {}
    for method, track in board.tracks.items():
        share = share_on_sites(track.letters, board.start, board.sites)
        methods[method] = {"unit": track.unit, "share_on_sites": share, **track.facts}
    on = sum(min(s.end, board.start + len(board.codes)) - max(s.start, board.start) for s in board.sites)
    return {
        "record": name,
        "start": board.start,
        "length": len(board.codes),
        "probability": chance,
        "sites": [site._asdict() for site in board.sites],
        "share_of_letters_on_sites": on / len(board.codes) if board.sites else None,
        "methods": methods,
    }


def _drawn(board: Board, maps: Sequence[LetterMap]) -> bytes:
    """The activation maps with the sites on them."""
    length = len(board.codes)
    inside = [
        (max(0, site.start - board.start), min(length, site.end - board.start), site.name) for site in board.sites
    ]
    marks = [Mark(start, end, name or "site") for start, end, name in inside]
    return png(maps_figure(board.codes, maps, marks, title=board.title))


def _numbers(board: Board, maps: Sequence[LetterMap]) -> dict[str, Any]:
    """Everything that is drawn."""
    return {
        "letters": decode(board.codes),
        "rows": BASES,
        "scores": {name: track.letters.tolist() for name, track in board.tracks.items()},
        "grids": {name: track.grid.tolist() for name, track in board.tracks.items() if track.grid is not None},
        "forwards": board.temporal[0].tolist(),
        "backwards": board.temporal[1].tolist(),
        "activations": [
            {"layer": one.name, "middle": one.middle.tolist(), "values": one.values.tolist()} for one in maps
        ],
    }


def _mean_shares(boards: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean share on the sites by method, over the records that have any."""
    found: dict[str, list[float]] = {}
    for board in boards:
        for method, facts in board["methods"].items():
            if facts["share_on_sites"] is not None:
                found.setdefault(method, []).append(facts["share_on_sites"])
    return {method: float(np.mean(shares)) for method, shares in found.items()}


def _optimised(
    explainer: Explainer, folder: RunFolder, settings: OptimisationSettings, target: str
) -> tuple[dict[str, Any] | None, bytes]:
    """The letters that the class likes best: facts for the JSON, and the logo; its matrix as JSON of its own."""
    if not settings.steps:
        return None, b""
    found = class_optimised(explainer, explainer.loaded.task.window, settings)
    facts = asdict(settings) | {
        "before": found.before,
        "after": found.after,
        "of_consensus": found.of_consensus,
        "consensus": found.consensus,
    }
    picture = png(matrix_figure(found.matrix, f"class optimisation: {target}"))
    write_atomic(folder.path / "optimised.png", picture)
    folder.write_json("optimised.json", facts | {"rows": BASES, "matrix": found.matrix.tolist()})
    return facts, picture
