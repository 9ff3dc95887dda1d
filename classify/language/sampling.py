"""Sequences drawn from a network of the next base, letter by letter. Nothing is trained and no file is written here."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from tqdm import tqdm

from specgen.errors import InputError
from specgen.sequences import BASES, Codes, encode

__all__ = ["draw_sequences"]


def draw_sequences(
    logits_of: Callable[[Tensor], Tensor],
    start: Codes,
    *,
    n: int,
    length: int,
    window: int,
    temperature: float = 1.0,
    seed: int = 0,
    progress: bool = False,
) -> Codes:
    """Letters after given ones, each drawn from what the network says of it.

    Parameters
    ----------
    logits_of
        uint8 codes (n, l) to logits (n, 4, l) of the letter behind each, l at most ``window``.
    start
        uint8 (s,), read first, the same for all; empty = a first letter by chance.
    n, length
        Sequences, and letters of each, those of ``start`` included.
    window
        Letters that a letter is drawn from: the last ones, as many as the network saw at a time in training.
    temperature
        Above 0. Logits are divided by it: below 1 the likely letters come more often, above 1 less.
    seed
        Of the draws.

    Returns
    -------
    Codes
        uint8 (n, length).

    Raises
    ------
    InputError
        Numbers that cannot be, or a start longer than the sequences.
    """
    if n < 1 or length < 1:
        raise InputError(f"sequences, length: expected at least 1 of each, got {n} and {length}")
    if not temperature > 0:
        raise InputError(f"temperature: expected above 0, got {temperature}")
    if len(start) > length:
        raise InputError(f"start: has {len(start)} letters, which is more than the {length} of a sequence")
    chance = torch.Generator().manual_seed(seed)
    letters = torch.from_numpy(encode(BASES))
    made = torch.zeros(n, length, dtype=torch.uint8)
    made[:, : len(start)] = torch.from_numpy(start)
    begun = len(start)
    if not begun:
        made[:, 0] = letters[torch.randint(len(BASES), (n,), generator=chance)]
        begun = 1
    with torch.inference_mode():
        for place in tqdm(range(begun, length), "letters", disable=not progress, leave=False):
            logits = logits_of(made[:, max(0, place - window) : place])[:, :, -1]
            shares = (logits.double().cpu() / temperature).softmax(1)
            made[:, place] = letters[torch.multinomial(shares, 1, generator=chance)[:, 0]]
    drawn: Codes = made.numpy()
    return drawn
