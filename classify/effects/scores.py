"""What a trained network says of windows of alleles, and what of it is told of an allele against the reference.

Of networks that answer for windows: log odds of each class, from logits of a strand or averaged over both, and the strongest
loss and gain of the class beside the variant. Of networks of the next base: the log-likelihood of the window, the sum of log2
of the probabilities of its bases, each given the letters before it in the window; all behind the first are counted, as in
training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp

from classify.effects.settings import BESIDE, READ, EffectsSettings
from classify.effects.tables import Effect, Number
from classify.evaluation import Loaded, predict_logits
from specgen.errors import InputError
from specgen.sequences import Codes, reverse_complement

__all__ = ["Floats", "Likelihood", "LogOdds", "Score", "Spread"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ALONE = "each ALT alone against the reference"
_NAMES = {"+": "strand +", "-": "strand -", "both": "mean of both strands"}
_SUFFIXES = {"+": "plus", "-": "minus"}
_MORE = 5
"""What is told of a loss or a gain."""


class Spread(NamedTuple):
    """Comparisons of windows beside a variant, those nearest to it first.

    Attributes
    ----------
    before, after
        int64 (c, 2): places of the windows of the reference and of the alternative; the lower value of two counts.
    offsets
        int64 (c,) nt from POS to the letter of the reference at which each stands.
    """

    before: Ints
    after: Ints
    offsets: Ints


class Score:
    """What is told of alleles; the kinds that derive from this say of what.

    Attributes
    ----------
    settings
        With the strands and the distance that are meant where none were named.
    told_of
        Strands that are told of, as text; both = their mean, which comes first.
    numbers
        What is told of each class.
    classes
        Names of those whose effects are told; one of no name where they have none.

    Raises
    ------
    InputError
        Settings that say nothing of such a run.
    """

    numbers: list[Number]
    classes: list[str]

    def __init__(self, loaded: Loaded, settings: EffectsSettings) -> None:
        self.loaded, self.settings = loaded, settings
        self.told_of = ["both", "+", "-"] if settings.strands == "each" else [settings.strands]

    def values(self, windows: Codes) -> Floats:
        """(n, strands, ...) what ``told`` needs of windows, uint8 (n, W)."""
        raise NotImplementedError

    def told(self, before: Floats, after: Floats) -> Effect | str:
        """What is told of two windows, from the values of each, (strands, ...), or a word why there is nothing."""
        raise NotImplementedError

    def strongest(self, values: Floats, spread: Spread) -> Effect:
        """What is told of the windows beside a variant, behind what ``told`` tells; of kinds whose distance may be over 0."""
        raise NotImplementedError

    def _read(self, windows: Codes) -> Iterator[tuple[torch.Tensor, NDArray[np.float32]]]:
        """Of each strand that is read what the network was given, and its logits."""
        # A network that averages both strands by itself says the same of either.
        for strand in (1,) if self.loaded.settings.training.both_strands else READ[self.settings.strands]:
            turned = windows if strand > 0 else np.ascontiguousarray(reverse_complement(windows))
            inputs = torch.from_numpy(turned)
            logits = predict_logits(self.loaded, inputs) if len(windows) else np.zeros((0, 0), dtype=np.float32)
            yield inputs, logits

    def _of_strands(self, columns: Sequence[Number]) -> list[Number]:
        """The columns of each strand that is told; {strands} in what they are about is which."""
        found = []
        for name in self.told_of:
            more = _SUFFIXES.get(name, "") if len(self.told_of) > 1 else ""
            for number in columns:
                column, field = number.column, number.field
                if more:
                    column, field = f"{column}_{more}", field and f"{field}_{more.upper()}"
                found.append(Number(column, field, number.about.replace("{strands}", _NAMES[name])))
        return found


class LogOdds(Score):
    """Differences of log odds [nats] of classes, and their probabilities.

    Values are (n, strands, 2, classes): log odds and probabilities.
    """

    def __init__(self, loaded: Loaded, settings: EffectsSettings) -> None:
        averaged, task = bool(loaded.settings.training.both_strands), loaded.task
        distance = settings.distance
        super().__init__(
            loaded,
            replace(
                settings,
                strands="both" if averaged else settings.strands or "each",
                distance=(BESIDE if task.centred else 0) if distance is None else distance,
            ),
        )
        self._chosen = settings.chosen(task.classes, exclusive=task.exclusive)
        self.classes = [task.classes[i] for i in self._chosen]
        about = f"logit (log odds in nats) of {{label}} with ALT minus that with REF, {{strands}}; {_ALONE}"
        self.numbers = self._of_strands(
            [
                Number("delta_logit", "DELTA", about),
                Number("logit_ref"),
                Number("p_ref", "PREF", "probability of {label} with REF, {strands}"),
                Number("p_alt", "PALT", "probability of {label} with ALT, {strands}"),
            ]
        )
        if self.settings.distance:
            self.numbers += [*self._strongest_of("loss", "falls"), *self._strongest_of("gain", "rises")]

    def _strongest_of(self, name: str, moves: str) -> list[Number]:
        where = f"where {{label}} {moves} most, by -ln(1 - p), within {self.settings.distance} nt of the variant"
        tag = name.upper()
        return [
            Number(f"{name}_logit", tag, f"logit of {{label}} with ALT minus that with REF {where}; {_ALONE}"),
            Number(f"{name}_p_ref", f"{tag}_PREF", f"probability of {{label}} with REF {where}"),
            Number(f"{name}_p_alt", f"{tag}_PALT", f"probability of {{label}} with ALT {where}"),
            Number(f"{name}_offset", f"{tag}_AT", f"nt from POS to the letter {where}", "Integer"),
            Number(f"{name}_strand", f"{tag}_STRAND", f"strand {where}; both = mean of both", "String"),
        ]

    def values(self, windows: Codes) -> Floats:
        """See ``Score.values``."""
        task, chosen = self.loaded.task, self._chosen
        if not len(windows):
            return np.zeros((0, len(self.told_of), 2, len(chosen)))
        read = [logits.astype(np.float64) for _, logits in self._read(windows)]
        if len(read) > 1:
            mean = np.mean(read, axis=0)
            read = [mean, *read] if len(self.told_of) > 1 else [mean]
        of_each = [
            np.stack(
                [_log_odds(some, exclusive=task.exclusive)[:, chosen], task.probabilities(some)[:, chosen]], axis=1
            )
            for some in read
        ]
        return np.stack(of_each, axis=1)

    def told(self, before: Floats, after: Floats) -> Effect | str:
        """See ``Score.told``."""
        (ref, p), (alt, q) = (np.moveaxis(some, 1, 0) for some in (before, after))  # (strands, classes) each
        columns = np.stack([alt - ref, ref, p, q], axis=1)
        told: list[list[float | str]] = columns.reshape(-1, len(self.classes)).T.tolist()
        return told

    def strongest(self, values: Floats, spread: Spread) -> Effect:
        """See ``Score.strongest``: of each class what ``numbers`` has of the strongest loss, then of the gain.

        The strongest is that of the largest change of -ln(1 - p). Where p is small that is the change of p: log odds move far
        where no site is and none comes. Where p is near 1 it is the change of the log odds: networks that learnt from as many
        sites as other places say 1.000 of a site before and behind a loss of nats. Of equal ones the nearest to POS, the plus
        strand first. NaN where no probability falls, or rises.

        Parameters
        ----------
        values
            Of the windows to which ``spread`` points.
        """
        found: list[list[float | str]] = []
        # A site stands on one strand: where they are told apart the mean is not asked.
        strands = self.told_of[1:] or self.told_of
        values = values[:, -len(strands) :]
        for i in range(len(self.classes)):
            (odds, p), (other, q) = (
                np.moveaxis(values[places, :, :, i].min(axis=1), -1, 0) for places in (spread.before, spread.after)
            )  # (c, strands) each
            changes = (np.logaddexp(0, other) - np.logaddexp(0, odds)).ravel()
            told: list[float | str] = []
            for sign in (-1, 1):
                if not len(changes) or (sign * changes).max() <= 0:
                    told += [math.nan] * _MORE
                    continue
                row, strand = divmod(int((sign * changes).argmax()), len(strands))
                numbers = (other[row, strand] - odds[row, strand], p[row, strand], q[row, strand])
                told += [*map(float, numbers), int(spread.offsets[row]), strands[strand]]
            found.append(told)
        return found


class Likelihood(Score):
    """Differences of the log-likelihood [bits] of the window; values are (n, strands, 2): log2 likelihoods, and bases asked for.

    Both windows have to hold as many bases that are asked for: with one more of them, as where an insertion at a contig's end
    leaves less of the window blank, the likelihood is that of more letters, which is no effect.
    """

    def __init__(self, loaded: Loaded, settings: EffectsSettings) -> None:
        for name, asked in (("classes", settings.classes), ("distance", settings.distance)):
            if asked:
                shown = ", ".join(asked) if isinstance(asked, list) else f"{asked}"
                raise InputError(f"{name}: a run of the next base tells of whole windows; expected none, got {shown}")
        super().__init__(loaded, replace(settings, strands=settings.strands or "+", distance=0))
        self.classes = [""]
        about = f"log2 likelihood of the window with ALT minus that with REF, {{strands}}; {_ALONE}"
        self.numbers = self._of_strands(
            [
                Number("delta_log2_likelihood", "DELTA", about),
                Number("log2_likelihood_ref", "LREF", "log2 likelihood of the window with REF, {strands}"),
            ]
        )

    def values(self, windows: Codes) -> Floats:
        """See ``Score.values``; strands are those that are read, which ``told`` averages."""
        task = self.loaded.task
        found = []
        for inputs, logits in self._read(windows):
            if not len(windows):
                return np.zeros((0, 1, 2))
            truth = task.truth(inputs, torch.zeros(len(inputs)), training=True)
            nats = task.kept(torch.from_numpy(logits), truth).numpy()  # (n, 3): nats, right answers and bases
            found.append(np.stack([-nats[:, 0] / math.log(2), nats[:, 2]], axis=1))
        return np.stack(found, axis=1)

    def told(self, before: Floats, after: Floats) -> Effect | str:
        """See ``Score.told``."""
        if (before[:, 1] != after[:, 1]).any():
            return "unequal_windows"
        apart = slice(None) if len(self.told_of) > 1 else slice(0)
        ref, alt = ([some[:, 0].mean(), *some[apart, 0]] for some in (before, after))
        return [[value for one, other in zip(ref, alt, strict=True) for value in (float(other - one), float(one))]]


def _log_odds(logits: Floats, *, exclusive: bool) -> Floats:
    """(n, k) ln p/(1 - p) of each class; the logit of a label that holds by itself is that already."""
    if not exclusive:
        return logits
    k = logits.shape[1]
    others = [logsumexp(logits[:, [j for j in range(k) if j != i]], axis=1) for i in range(k)]
    return logits - np.stack(others, axis=1)
