"""The compiled loop of the BSD sum behind ``checksums``. Nothing but arithmetic on bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specgen.sliding import compiled

__all__ = ["rotate_add"]


@compiled
def rotate_add(data: NDArray[np.uint8], state: int) -> int:
    """The sum (0 to 65535) after the bytes (n,) that follow those which gave ``state``."""
    for i in range(len(data)):
        state = ((state >> 1) + ((state & 1) << 15) + data[i]) & 0xFFFF
    return state
