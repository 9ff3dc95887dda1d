"""How good attributions are, measured where the truth is known: share inside the CDS, insertion and deletion curves.

Arrays and functions of codes in, numbers out: no network, no file. Sources: insertion and deletion from Petsiuk, Das &
Saenko 2018 (arXiv:1806.07421), with N (a quarter of each base) in place of grey pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.interpretation.settings import MeasureSettings
from specgen.errors import InputError
from specgen.sequences import LETTERS, Codes
from specgen.simulate import simulate

__all__ = [
    "CURVES",
    "EdgeWindow",
    "Floats",
    "edge_windows",
    "interval",
    "kept_curve",
    "ranked_blocks",
    "record_curves",
    "shares",
    "shuffled_shares",
    "summarise",
]

Floats = NDArray[np.float64]
ScoreCodes = Callable[[Codes], Floats]
"""uint8 codes (n, L) to log-odds (n,)."""

SHARES = ("absolute", "positive")
"""Of the absolute values of the attributions, or of the positive ones alone."""
CURVES = ("insertion", "deletion", "random")
NULLS = ("permuted", "rotated", "control")
"""Attributions at random places, rotated as a whole, and those of a window without a CDS: how much lies there anyhow, since
a model may look more at the middle of its window than at the ends (a spectrogram has few frames there)."""
UNKNOWN = LETTERS.index("N")
_TRIES = 50
"""Transcripts drawn at most for each window."""


class EdgeWindow(NamedTuple):
    """A window that holds one end of a CDS.

    Attributes
    ----------
    name
        Of the transcript.
    codes
        uint8 (L,).
    cds
        The CDS in the window, 0-based half-open.
    start
        Of the window in its transcript.
    control
        uint8 (L,) letters at the same place of the non-coding transcript of the same length.
    """

    name: str
    codes: Codes
    cds: tuple[int, int]
    start: int
    control: Codes

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(L,) which letters are of the CDS."""
        place = np.arange(len(self.codes))
        return (place >= self.cds[0]) & (place < self.cds[1])


def edge_windows(n: int, window: int, settings: MeasureSettings, trim: int = 0) -> Iterator[EdgeWindow]:
    """``n`` windows of simulated coding transcripts, in turn with the CDS's start and its stop inside.

    Parameters
    ----------
    window
        nt.
    trim
        nt at both ends of a transcript that stay out, as in training.

    Raises
    ------
    InputError
        Transcripts of these settings have no such windows.
    """
    made = 0
    transcripts = simulate(settings.simulation(_TRIES * n, window))
    for number, (record, partner) in enumerate(zip(transcripts, transcripts, strict=True)):  # coding, non-coding
        share = np.random.default_rng((settings.seed, number)).uniform(settings.cds_low, settings.cds_high)
        inside = round(share * window)
        begin, end = record.cds
        at_right = made % 2 == 0
        start = begin + inside - window if at_right else end - inside
        if inside <= end - begin and start >= trim and start + window <= len(record.codes) - trim:
            cds = (window - inside, window) if at_right else (0, inside)
            yield EdgeWindow(
                record.name, record.codes[start : start + window], cds, start, partner.codes[start : start + window]
            )
            made += 1
            if made == n:
                return
    raise InputError(
        f"measure: only {made} of {n} windows in {_TRIES * n} transcripts; expected longer ones (measure.shortest, "
        f"measure.longest: {settings.shortest} and {settings.longest} windows) or more CDS (measure.cds_low, measure.cds_high)"
    )


def shares(letters: Floats, inside: NDArray[np.bool_]) -> dict[str, float]:
    """Share of an attribution (L,) that lies inside: of its absolute and of its positive values; nan where all are 0."""
    found = {}
    for name, weights in zip(SHARES, (np.abs(letters), np.maximum(letters, 0)), strict=True):
        total = weights.sum()
        found[name] = float(weights[inside].sum() / total) if total else float("nan")
    return found


def shuffled_shares(
    letters: Floats, inside: NDArray[np.bool_], times: int, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Mean ``shares`` of ``times`` attributions at random places: letter by letter, and rotated as a whole.

    Rotation keeps neighbours together, as attributions are smooth.
    """
    moves: dict[str, Callable[[], Floats]] = {
        "permuted": lambda: rng.permutation(letters),
        "rotated": lambda: np.roll(letters, int(rng.integers(len(letters)))),
    }
    found = {}
    for name, move in moves.items():
        drawn = [shares(move(), inside) for _ in range(times)]
        found[name] = {kind: float(np.mean([one[kind] for one in drawn])) for kind in SHARES}
    return found


def ranked_blocks(letters: Floats, block: int) -> NDArray[np.int64]:
    """Blocks of ``block`` letters (the last may be shorter), the highest mean attribution first; ties stay in place."""
    starts = np.arange(0, len(letters), block)
    means = np.add.reduceat(letters, starts) / np.diff(np.append(starts, len(letters)))
    return np.argsort(-means, kind="stable").astype(np.int64)


def kept_curve(
    score: ScoreCodes, codes: Codes, order: NDArray[np.int64], block: int, points: int
) -> tuple[Floats, Floats]:
    """Log-odds of a window of which only the first blocks of ``order`` are kept, and the rest is N.

    Returns
    -------
    share of the blocks kept (p,), from 0 to 1, and log-odds (p,); p is about ``points`` + 1, less where blocks are fewer.
    """
    counts = np.linspace(0, len(order), points + 1).round().astype(np.int64)
    counts = np.unique([counts, len(order) - counts])  # the same read from the other end, where deletion begins
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    of_letter = np.repeat(rank, block)[: len(codes)]
    masked = np.where(of_letter < counts[:, None], codes, UNKNOWN).astype(np.uint8)
    return counts / len(order), score(masked)


def record_curves(
    score: ScoreCodes, codes: Codes, letters: Floats, settings: MeasureSettings, rng: np.random.Generator
) -> tuple[Floats, dict[str, Floats]]:
    """Log-odds along the curves of one window.

    Returns
    -------
    x (p,) from 0 to 1, and (k, p) for each of ``CURVES``: insertion, x of the blocks put into N, best first; deletion, x of
    the blocks taken away, best first; random, x put into N in k random orders (taking away is the same from right to left).
    """
    order = ranked_blocks(letters, settings.block)
    x, insertion = kept_curve(score, codes, order, settings.block, settings.points)
    _, kept_worst = kept_curve(score, codes, order[::-1], settings.block, settings.points)
    random = [
        kept_curve(score, codes, rng.permutation(order), settings.block, settings.points)[1]
        for _ in range(settings.orders)
    ]
    return x, {"insertion": insertion[None], "deletion": kept_worst[None, ::-1], "random": np.stack(random)}


def interval(values: Floats, resamples: int, seed: int) -> dict[str, float | int]:
    """Mean of (n,) with its 95 % percentile interval over resampled records; what is nan is left out and not in ``n``."""
    kept = values[~np.isnan(values)]
    nothing = float("nan")
    if len(kept) < 2:
        return {"value": float(kept[0]) if len(kept) else nothing, "low": nothing, "high": nothing, "n": len(kept)}
    drawn = np.random.default_rng(seed).integers(len(kept), size=(resamples, len(kept)))
    low, high = np.quantile(kept[drawn].mean(axis=1), [0.025, 0.975])
    return {"value": float(kept.mean()), "low": float(low), "high": float(high), "n": len(kept)}


def _probability(log_odds: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(log_odds / 2))


def summarise(rows: list[dict[str, Any]], settings: MeasureSettings) -> dict[str, Any]:
    """Means and intervals over records.

    Parameters
    ----------
    rows
        One a record that the model calls coding: ``letters`` (share of the letters inside the CDS), ``shares``,
        ``null`` (``shuffled_shares``, and the ``shares`` of the control), ``x`` and ``curves`` (``record_curves``).

    Returns
    -------
    dict
        enrichment: share of the attribution inside the CDS over the share of the letters, 1 = as by chance, by kind of
        share and of attribution; curves: mean log-odds and probabilities; area: under each, and how far the order of the
        attribution is ahead of a random one, by interval.
    """

    def over(values: list[float]) -> dict[str, float | int]:
        return interval(np.array(values, dtype=np.float64), settings.resamples, settings.seed)

    enrichment: dict[str, Any] = {}
    for kind in SHARES:
        enrichment[kind] = {"attribution": over([row["shares"][kind] / row["letters"] for row in rows])}
        for null in NULLS:
            enrichment[kind][null] = over([row["null"][null][kind] / row["letters"] for row in rows])
    body: dict[str, Any] = {"share_of_letters": over([row["letters"] for row in rows]), "enrichment": enrichment}
    if not rows:
        return body | {"curves": {}, "area": {}}
    x = rows[0]["x"]
    stacked = {name: np.stack([row["curves"][name] for row in rows]) for name in CURVES}
    body["curves"], body["area"] = {"x": x.tolist()}, {}
    for unit, scale in (("log_odds", lambda values: values), ("probability", _probability)):
        curves = {name: scale(values) for name, values in stacked.items()}  # (records, k, p)
        areas = {name: np.trapezoid(values, x).mean(axis=1) for name, values in curves.items()}
        means = {name: values.mean(axis=(0, 1)) for name, values in curves.items()}
        body["curves"][unit] = {name: values.tolist() for name, values in means.items()}
        body["area"][unit] = {name: over(values.tolist()) for name, values in areas.items()} | {
            "insertion_above_random": over((areas["insertion"] - areas["random"]).tolist()),
            "deletion_below_random": over((areas["random"] - areas["deletion"]).tolist()),
        }
    # Models differ in how large their log-odds are: here nothing is 0 and the whole window 1.
    empty, full = (body["curves"]["log_odds"]["insertion"][i] for i in (0, -1))
    body["area"]["share_of_whole"] = {
        name: (body["area"]["log_odds"][name]["value"] - empty) / (full - empty) if full != empty else float("nan")
        for name in CURVES
    }
    return body
