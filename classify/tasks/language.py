"""The next base of a genome, asked for behind every letter of a window.

Place t of a network's output holds logits of the letter behind letter t. Ambiguous letters are read and not asked for.
Windows of validation and test overlap by ``context``: those letters are only read, so every base behind the first of a block is
scored once, with at least that many letters before it, but for what stands behind a block's last whole window. An example is a
window; what is kept of one are three sums: nats, right answers and bases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.examples import Examples, StoredLetters
from classify.language.baseline import markov_scores, mixed_score
from classify.language.blocks import Block, Contig, blocks_of, read_contigs, strands_learnt
from classify.language.contexts import LONGEST
from classify.language.letters import GenomeLetters
from classify.language.scoring import perplexity_summary, ratios
from classify.language.settings import GenomeSettings
from classify.splits import SPLITS
from classify.tasks.base import Task, register_task
from specgen.errors import InputError
from specgen.sequences import BASES

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LanguageSettings", "LanguageTask"]

STRETCH = 10_000
"""nt of a genome that are resampled together for intervals."""

LONGEST_CONTEXT = 10
"""Highest order of the chains that scores stand beside."""

UNKNOWN = -1


@dataclass(frozen=True)
class LanguageSettings(GenomeSettings):
    """The ``data`` section for the next base; the rest is in ``GenomeSettings``.

    Attributes
    ----------
    window
        nt that a network reads at a time, 50 to 1,000.
    context
        Letters at the start of a window of validation and test that are read and not scored; training learns from all
        behind the first. 10 scores the bases that Markov chains up to order 10 score.
    """

    window: int = 100
    context: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 50 <= self.window <= 1000:
            raise InputError(f"data.window: expected 50 to 1000 nt, got {self.window}")
        if not 1 <= self.context < self.window:
            raise InputError(f"data.context: expected 1 to {self.window - 1} nt, got {self.context}")


@register_task("language")
class LanguageTask(Task):
    """See the module's docstring."""

    Settings = LanguageSettings
    about = "the next base of a genome: FASTA files, a repeated unit, or random letters; perplexity and bits a base"
    answers = "position"
    monitors = ("val_loss", "val_accuracy")
    settings: LanguageSettings

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the genomes: an example's label says which it is of."""
        names = [Path(path).name.removesuffix(".gz") for path in self.settings.genomes] or [self.settings.simulate.kind]
        return tuple(f"{i + 1}/{name}" if names.count(name) > 1 else name for i, name in enumerate(names))

    @property
    def barcoded(self) -> NDArray[np.int64]:
        return np.arange(0)

    @property
    def outputs(self) -> int:
        return len(BASES)

    @property
    def window(self) -> int:
        return self.settings.window

    @property
    def context(self) -> int:
        return self.settings.context

    @cached_property
    def _contigs(self) -> list[Contig]:
        return read_contigs(self.settings)

    @cached_property
    def _blocks(self) -> list[Block]:
        return blocks_of(self._contigs, self.settings)

    def load(self) -> Examples:
        """See ``Task.load``.

        Raises
        ------
        InputError
            A file that cannot be read, or a split without a whole window.
        """
        rows = [row for block in self._blocks for row in self._windows(block)]
        split = np.array([name for *_, name in rows], dtype="<U5")
        if missing := [name for name in SPLITS if not (split == name).any()]:
            raise InputError(
                f"data: no block of {missing[0]} is as long as a window of {self.window} nt; give longer sequences, fewer blocks "
                "or a smaller data.gap"
            )
        contig = np.array([block.contig for block, *_ in rows], dtype=np.int64)
        start = np.array([low for _, low, *_ in rows], dtype=np.int64)
        reverse = np.array([turned for *_, turned, _ in rows])
        store = GenomeLetters(self._contigs, contig, start, reverse, self.window)
        several, named = len(self.classes) > 1, [self._contigs[i] for i in contig.tolist()]
        names = [f"{item.genome + 1}/{item.name}" if several else item.name for item in named]
        letters = {name: sum(len(b) for b in self._blocks if b.split == name) for name in SPLITS}
        return Examples(
            classes=self.classes,
            ids=[
                f"{name}:{low + 1}-{low + self.window}{'-' if turned else '+'}"
                for name, (_, low, turned, _) in zip(names, rows, strict=True)
            ],
            labels=np.array([item.genome for item in named], dtype=np.int64),
            groups=[
                f"{block.name}:{name}:{low // STRETCH}" for name, (block, low, *_) in zip(names, rows, strict=True)
            ],
            chromosomes=names,
            lengths=np.full(len(rows), self.window, dtype=np.int64),
            split=split,
            sequences=StoredLetters(store, np.arange(len(rows)), 0, self.window),
            window=self.window,
            counts={
                "nt": sum(len(item.codes) for item in self._contigs),
                **{f"nt_{name}": n for name, n in letters.items()},
                "nt_in_gaps": sum(len(item.codes) for item in self._contigs) - sum(letters.values()),
                **self._leak,
            },
        )

    @property
    def _leak(self) -> dict[str, str]:
        """What reports say where held-out letters are learnt from."""
        leak = self.settings.leak
        return {"leak": f"{leak}: held-out letters were learnt from, these are no results"} if leak != "none" else {}

    def _windows(self, block: Block) -> Iterator[tuple[Block, int, bool, str]]:
        """Block, first nt, strand and split of its windows; what is left behind the last is shorter than one."""
        strands = [("train", turned) for turned in strands_learnt(block.split, self.settings)]
        for split, turned in strands if block.split == "train" else [*strands, (block.split, False)]:
            step = self.window if split == "train" else self.window - self.settings.context
            for low in range(block.start, block.end - self.window + 1, step):
                yield block, low, turned, split

    def truth(self, inputs: Tensor, labels: Tensor, *, training: bool) -> Tensor:
        """int64 (B, L): number of the base behind each letter, A, C, G, T; -1 where none is asked for."""
        import torch

        table = torch.full((16,), UNKNOWN, dtype=torch.int64)
        for number in range(len(BASES)):
            table[1 << number] = number
        found = torch.full(inputs.shape, UNKNOWN, dtype=torch.int64, device=inputs.device)
        first = 1 if training else self.settings.context
        found[:, first - 1 : -1] = table.to(inputs.device)[inputs[:, first:].long()]
        return found

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy [nats] of logits (B, 4, L) against ``truth`` (B, L) over all bases that are asked for."""
        from torch.nn import functional as F

        # The sum over at least one: a batch of ambiguous letters alone is no fault.
        asked = (labels != UNKNOWN).sum().clamp(min=1)
        return F.cross_entropy(logits, labels, ignore_index=UNKNOWN, reduction="sum") / asked

    def right(self, logits: Tensor, truth: Tensor) -> Tensor:
        """(B,) share of each window's bases that are the likeliest."""
        asked = (truth != UNKNOWN).sum(1).clamp(min=1)
        return ((logits.argmax(1) == truth).sum(1) / asked).double()

    def costs(self, logits: Tensor, truth: Tensor) -> Tensor:
        """float64 (B, L) nats of the base behind each letter: -ln of its probability; 0 where none is asked for."""
        from torch.nn import functional as F

        return F.cross_entropy(logits.double(), truth, ignore_index=UNKNOWN, reduction="none")

    def kept(self, logits: Tensor, truth: Tensor) -> Tensor:
        """float64 (B, 3): nats, right answers and bases of each window."""
        import torch

        nats = self.costs(logits, truth).sum(1)
        right = (logits.argmax(1) == truth).sum(1)
        return torch.stack([nats, right.double(), (truth != UNKNOWN).sum(1).double()], dim=1)

    def validation(self, labels: NDArray[np.int64], kept: NDArray[np.float64]) -> dict[str, float]:
        """loss [nats a base] and accuracy of all validation bases."""
        found = ratios(kept.sum(axis=0))
        return {"loss": float(found["log_loss"]), "accuracy": float(found["accuracy"])}

    def table(self, test: Examples, kept: NDArray[np.float64]) -> tuple[list[str], list[list[Any]]]:
        """Genome, bases that were asked for, bits a base and accuracy of each window; empty where it has none."""
        rows: list[list[Any]] = []
        for label, row in zip(test.labels.tolist(), kept, strict=True):
            found = ratios(row) if row[2] else {}
            shown = [f"{found[key]:.6g}" if found else "" for key in ("bits_per_base", "accuracy")]
            rows.append([self.classes[label], int(row[2]), *shown])
        return ["genome", "bases", "bits_per_base", "accuracy"], rows

    def body(self, test: Examples, kept: NDArray[np.float64], seed: int, decided: Mapping[str, Any]) -> dict[str, Any]:
        """See ``Task.body``; ``per_genome`` has the same of each genome alone, where there are several."""
        groups = np.array(test.groups)
        body = {
            "answers": self.answers,
            **perplexity_summary(kept, test.groups, seed),
            "bounds": self.bounds(test),
            "by_kind": [],
        }
        if len(self.classes) > 1:
            members = {name: test.labels == i for i, name in enumerate(self.classes)}
            body["per_genome"] = {
                name: perplexity_summary(kept[mask], groups[mask].tolist(), seed) for name, mask in members.items()
            }
        return body

    def bounds(self, test: Examples) -> dict[str, dict[str, float]]:
        """Markov chains on the same blocks: the orders that validation chooses, and all mixed; nothing where blocks are too short
        for them."""
        if min(sum(len(b) - LONGEST_CONTEXT for b in self._blocks if b.split == s) for s in SPLITS) < 1:
            return {}
        scores = markov_scores(self._contigs, self._blocks, LONGEST_CONTEXT, self.settings)
        found = {}
        for kind, interpolated in (("plain", False), ("interpolated", True)):
            best = scores.best(interpolated=interpolated)
            found[f"{kind} Markov chain of order {best.fit.order}"] = {
                "perplexity": best.perplexity,
                "bits_per_base": best.test,
            }
        mixed = mixed_score(self._contigs, self._blocks, LONGEST_CONTEXT, self.settings)
        found[f"mixed Markov chain of orders to {LONGEST}"] = {
            "perplexity": 2**mixed.test,
            "bits_per_base": mixed.test,
            "repeated": mixed.repeated,
            "perplexity_other": 2**mixed.test_other,
        }
        return found
