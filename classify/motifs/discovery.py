"""The motifs of a trained run, from its filters to a page: ``python -m classify motifs``.

What is computed lives in the neighbours; here are the order, the body of ``motifs.json``, and the files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from classify.evaluation import Loaded, load_run, predict_logits
from classify.metrics import ranking
from classify.motifs.figures import Mark, coactivation_figure, coactivation_order, logo_figure, maps_figure
from classify.motifs.filters import FilterMotif, Responses, coactivation, filter_motifs, responses
from classify.motifs.formats import meme_text, read_motifs
from classify.motifs.hits import scan_windows
from classify.motifs.inputs import Windows, run_windows, windows_of_file
from classify.motifs.layers import LetterLayer, first_layer
from classify.motifs.maps import letter_maps
from classify.motifs.matrices import Motif
from classify.motifs.page import motifs_page
from classify.motifs.patterns import attributed_motifs, seqlet_row
from classify.motifs.settings import FilterSettings
from classify.motifs.tomtom import FEW, MotifMatch, match_motifs
from classify.reporting.figures import png
from specgen.errors import InputError
from specgen.files import finite, write_atomic
from specgen.sequences import Codes

__all__ = ["Sources", "discover"]

MATCHES = 3
"""Matches of each filter that are kept."""

BELIEVED = 0.05
"""q-value below which a filter is called by its best match."""

MARKED = 4
"""Filters whose sites are marked in the activation maps."""


class Sources(NamedTuple):
    """What filters are shown, and compared with.

    Attributes
    ----------
    input
        FASTA or FASTQ; empty = the run's own examples.
    split
        Of the run's own examples: train, val, test or all.
    database
        Matrices to be matched with; empty = none.
    """

    input: str = ""
    split: str = "test"
    database: str = ""


def discover(
    run: Path, out: Path, settings: FilterSettings, sources: Sources, *, draw: int = 2, threshold: float = 1e-4,
    seqlets: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Filters to motifs, logos, matches, co-activation and activation maps, in ``out``.

    Parameters
    ----------
    run
        Folder of a trained network that reads letters.
    out
        A new folder, or one that this wrote.
    draw
        Windows whose activation maps are drawn: those that the network is surest of.
    threshold
        p-value of the sites that are marked in them.
    seqlets
        Windows, the surest ones again, whose attributions are clustered by TF-MoDISco; 0 = none.

    Returns
    -------
    dict
        The body of ``motifs.json``.

    Raises
    ------
    InputError
        No trained network of letters, a network whose first convolution does not read them, bad input or database, a folder
        that holds something else.
    """
    _check_folder(out)
    database = read_motifs(sources.database) if sources.database else []
    loaded = load_run(run)
    model, name = loaded.module.model, f"{run}: model {loaded.settings.model!r}"
    layer = first_layer(model, _letters_of(loaded, run), name)
    windows = (
        windows_of_file(loaded, sources.input, settings.most)
        if sources.input
        else run_windows(loaded, sources.split, settings.most)
    )
    found = responses(model, layer, windows.codes)
    motifs = filter_motifs(model, layer, windows.codes, settings, found)
    matches = _matches(motifs, database)
    correlation = coactivation(found)
    rows = [_row(motif, found, windows, matches.get(motif.number, [])) for motif in motifs]
    rows.sort(key=lambda row: (-abs((row["auroc"] or 0.5) - 0.5), -row["information"]))
    body: dict[str, Any] = {
        "run": run.as_posix(),
        "model": loaded.settings.model,
        "classes": list(loaded.task.classes),
        "layer": asdict(layer),
        "settings": asdict(settings),
        "sequences": windows.told,
        "background": motifs[0].background.tolist(),
        "database": {"file": sources.database, "motifs": len(database), "few": 0 < len(database) < FEW},
        "filters": rows,
        "silent": sum(not row["sites"] for row in rows),
    }
    files: dict[str, bytes | str] = {
        f"logos/{motif.motif.name}.png": png(
            logo_figure(
                motif.motif, (motif.start, motif.stop), background=motif.background, pseudocount=motif.pseudocount
            )
        )
        for motif in motifs
        if motif.core is not None
    }
    files["filters.meme"] = meme_text(_cores(motifs), motifs[0].background)
    files["coactivation.png"] = png(coactivation_figure(correlation, [str(i) for i in range(layer.filters)]))
    order = [int(i) for i in coactivation_order(correlation)]
    together = {"filters": list(range(layer.filters)), "order": order, "correlation": correlation.tolist()}
    named = {
        row["number"]: row["matches"][0]["label"] or row["matches"][0]["name"]
        for row in rows
        if row["matches"] and row["matches"][0]["q"] < BELIEVED
    }
    body["maps"] = []
    surest = _surest(loaded, windows, max(draw, seqlets))
    body["seqlets"] = []
    for one in attributed_motifs(loaded, windows.codes[surest[:seqlets]]) if seqlets else ():
        told, picture = seqlet_row(one, database, motifs[0].background, settings)
        body["seqlets"].append(told)
        files[told["file"]] = picture
    for index in surest[:draw]:
        figure, told = _map(loaded, layer, motifs, rows, named, windows, index, threshold)
        files[f"maps/{len(body['maps']) + 1}.png"] = figure
        body["maps"].append({"file": f"maps/{len(body['maps']) + 1}.png", **told})
    files["motifs.html"] = motifs_page(body, {n: c for n, c in files.items() if isinstance(c, bytes)})
    files["coactivation.json"] = _json(together)
    files["motifs.json"] = _json(body)
    _write(out, files)
    return body


def _letters_of(loaded: Loaded, run: Path) -> int:
    """nt of the windows of a network that reads letters."""
    window = loaded.task.window
    if not window:
        raise InputError(f"{run}: was trained on a folder of pictures; there are no filters of letters")
    with torch.inference_mode():
        codes = torch.zeros(1, window, dtype=torch.uint8, device=loaded.plan.device)
        seen = loaded.module.view(codes)
    if seen.shape != (1, 4, window):
        raise InputError(
            f"{run}: model {loaded.settings.model!r} reads pictures of sequences; there are no filters of letters "
            "(python -m classify explain attributes its pictures to letters)"
        )
    return window


def _cores(motifs: Sequence[FilterMotif]) -> list[Motif]:
    return [motif.core for motif in motifs if motif.core is not None]


def _matches(motifs: Sequence[FilterMotif], database: Sequence[Motif]) -> dict[int, list[MotifMatch]]:
    """The best matches of each filter that has a motif, by its number."""
    if not database:
        return {}
    numbers = [motif.number for motif in motifs if motif.core is not None]
    told = match_motifs(
        _cores(motifs), database, most=MATCHES, background=motifs[0].background, pseudocount=motifs[0].pseudocount
    )
    return dict(zip(numbers, told, strict=True))


def _row(motif: FilterMotif, found: Responses, windows: Windows, matches: Sequence[MotifMatch]) -> dict[str, Any]:
    """One filter as ``motifs.json`` has it."""
    core, labels = motif.core, windows.labels
    auroc = None
    if labels is not None and set(labels.tolist()) == {0, 1}:
        auroc = float(ranking(labels == 1, found.values[:, motif.number])[0][0])
    return {
        "number": motif.number,
        "name": motif.motif.name,
        "sites": motif.sites,
        "sequences": motif.sequences,
        "left_out": motif.left_out,
        "maximum": motif.maximum,
        "threshold": motif.threshold,
        "auroc": auroc,
        "information": float(motif.information[motif.start : motif.stop].sum()),
        "information_of_places": motif.information.tolist(),
        "core": [motif.start, motif.stop],
        "consensus": core.consensus if core else "",
        "letters": core.letters if core else "",
        "counts": motif.motif.counts.tolist(),
        "probabilities": motif.motif.probabilities(motif.background, motif.pseudocount).tolist(),
        "matches": [match.told() for match in matches],
    }


def _surest(loaded: Loaded, windows: Windows, draw: int) -> list[int]:
    """The windows with the highest probability of the last class, which is the positive one of two."""
    if not draw:
        return []  # the network need not run
    size = 512
    logits = np.concatenate(
        [
            predict_logits(loaded, torch.from_numpy(np.ascontiguousarray(windows.codes[low : low + size])))
            for low in range(0, len(windows.codes), size)
        ]
    )
    chances = loaded.task.probabilities(logits.astype(np.float64))[:, -1]
    return [int(i) for i in np.argsort(-chances, kind="stable")[:draw]]


def _map(
    loaded: Loaded, layer: LetterLayer, motifs: Sequence[FilterMotif], rows: Sequence[dict[str, Any]],
    named: dict[int, str], windows: Windows, index: int, threshold: float,
) -> tuple[bytes, dict[str, Any]]:  # fmt: skip
    """The activation maps of one window as a PNG, and what it says."""
    window: Codes = np.ascontiguousarray(windows.codes[index])
    best = [row["number"] for row in rows if row["consensus"]][:MARKED]
    chosen = [core for i in best if (core := motifs[i].core) is not None]
    hits = scan_windows(
        window[None], chosen, threshold=threshold, background=motifs[0].background, pseudocount=motifs[0].pseudocount
    )
    told = [
        {
            "filter": best[motif], "start": start, "stop": start + len(chosen[motif]), "strand": strand, "score": score,
            "p": p,
        }
        for motif, start, strand, score, p in zip(
            hits.motif.tolist(), hits.start.tolist(), hits.strand.tolist(), hits.score.tolist(), hits.p.tolist(), strict=True
        )
    ]  # fmt: skip
    names = [[f"{i} {named.get(i, '')}".strip() for i in range(layer.filters)]]
    marks = [
        Mark(hit["start"], hit["stop"], f"{names[0][hit['filter']]} {'+' if hit['strand'] > 0 else '−'}")
        for hit in told
    ]
    maps = letter_maps(loaded.module.model, window)
    figure = maps_figure(window, maps, marks, title=windows.names[index], names=names)
    return png(figure), {
        "record": windows.names[index],
        "layers": [one.name for one in maps],
        "hits": told,
    }


MADE = {"motifs.json", "motifs.html", "filters.meme", "coactivation.json", "coactivation.png", "logos", "maps"}
"""What lies in the folder: all of it, or what a call had written that was stopped."""


def _check_folder(out: Path) -> None:
    if out.exists() and (not out.is_dir() or (not {path.name for path in out.iterdir()} & MADE and any(out.iterdir()))):
        raise InputError(f"{out}: holds something that is no result of this command; expected the name of a new folder")


def _json(body: dict[str, Any]) -> str:
    return json.dumps(finite(body), indent=1, ensure_ascii=False) + "\n"


def _write(out: Path, files: dict[str, bytes | str]) -> None:
    """All files in their order, ``motifs.json`` last; first of all what an earlier call left is removed."""
    for pattern in ("motifs.json", "motifs.html", "logos/*.png", "maps/*.png"):
        for old in out.glob(pattern):
            old.unlink()
    for name, content in files.items():
        write_atomic(out / name, content)
