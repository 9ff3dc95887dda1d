"""Hashes of letters and pixels, by which copies are found."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["digest"]


def digest(values: NDArray[np.uint8]) -> bytes:
    """16-byte hash of letters or pixels."""
    return hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16).digest()
