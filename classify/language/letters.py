"""Windows of genomes on either strand, cut when they are asked for: one byte a nt in memory, whatever their number.

No splits and no labels here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classify.language.blocks import Contig
from specgen.sequences import Codes, gather_windows, reverse_complement

__all__ = ["GenomeLetters"]


class GenomeLetters:
    """A ``Store`` (see ``examples``) of windows.

    Parameters
    ----------
    contigs
        The sequences.
    contig, start
        int64 (n,) where each row lies: index of its sequence, and 0-based first nt on the forward strand.
    reverse
        bool (n,) whether it is read from the other strand.
    length
        nt of every row.
    """

    def __init__(
        self,
        contigs: Sequence[Contig],
        contig: NDArray[np.int64],
        start: NDArray[np.int64],
        reverse: NDArray[np.bool_],
        length: int,
    ) -> None:
        sizes = np.array([len(item.codes) for item in contigs], dtype=np.int64)
        self.letters = np.concatenate([item.codes for item in contigs])
        self.places = (np.cumsum(sizes) - sizes)[contig] + start
        self.reverse, self.length = reverse, length

    def gather(self, rows: NDArray[np.int64], starts: NDArray[np.int64], window: int) -> Codes:
        """uint8 (n, window): the window of each row that begins at its start, in the direction of the row."""
        turned = self.reverse[rows]
        within = np.where(turned, self.length - window - starts, starts)
        found = gather_windows(self.letters, self.places[rows] + within, window)
        found[turned] = reverse_complement(found[turned])
        return found
