"""The alphabet: nucleotide letters as uint8 codes, and what can be done to codes alone.

A code is BAM's 4-bit nibble: A=1, C=2, G=4, T/U=8, an ambiguity letter is the OR of its bases (N=15), and 0 is
padding. The complement is the bit reversal of the nibble. Letters are never deleted, since that would shift the
reading frame; a letter that is no nucleotide is an error naming record and position.

NumPy only, so that it imports fast. Reading files lives in ``records``; numbers for letters in ``representations``.
Source of the codes: SAM/BAM specification, section 4.2 (``=ACMGRSVTWYHKDBN``).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from specgen.errors import InputError

__all__ = [
    "BASES",
    "DIGITS",
    "INDICATORS",
    "LETTERS",
    "Codes",
    "between_blanks",
    "crop_start",
    "decode",
    "encode",
    "gather_windows",
    "gc_share",
    "pad",
    "reverse_complement",
    "tile_starts",
]

Codes = NDArray[np.uint8]
"""uint8 array (..., length in nt) of 4-bit base codes."""

BASES = "ACGT"
LETTERS = "=ACMGRSVTWYHKDBN"
"""Letter of each code 0..15; '=' stands for padding and is refused as input."""

INDICATORS: NDArray[np.float32] = np.array(
    [[(code >> base) & 1 for base in range(4)] for code in range(16)], dtype=np.float32
)
"""(16, 4) share of A, C, G, T in each code: an ambiguity is the mean of its bases, padding is all zero."""
INDICATORS /= np.maximum(INDICATORS.sum(axis=1, keepdims=True), 1)

DIGITS: NDArray[np.int64] = np.full(16, 4, dtype=np.int64)
"""(16,) number of the base of each code, A, C, G, T; 4 = ambiguous or padding."""
DIGITS[[1, 2, 4, 8]] = range(4)

_INVALID = 255
_ENCODE = np.full(256, _INVALID, dtype=np.uint8)
for _code, _letter in enumerate(LETTERS):
    if _code:
        _ENCODE[ord(_letter)] = _ENCODE[ord(_letter.lower())] = _code
_ENCODE[ord("U")] = _ENCODE[ord("u")] = 8
_TABLE = _ENCODE.tobytes()
_DECODE = np.frombuffer(LETTERS.encode(), dtype=np.uint8)
# Bit reversal of the nibble: A(0001) <-> T(1000), C(0010) <-> G(0100).
_COMPLEMENT = np.array([int(f"{code:04b}"[::-1], 2) for code in range(16)], dtype=np.uint8)


def encode(sequence: str | bytes | bytearray, *, name: str = "sequence") -> Codes:
    """Letters to codes.

    Parameters
    ----------
    sequence
        A, C, G, T, U or an IUPAC ambiguity letter, either case.
    name
        What to call the sequence in an error message.

    Returns
    -------
    Codes
        uint8 (length,).

    Raises
    ------
    InputError
        At the first letter that is no nucleotide (gaps included): names record, 1-based position and letter.
    """
    raw = sequence.encode("latin-1", "replace") if isinstance(sequence, str) else sequence
    # Five times as fast as an index array, which a chromosome notices.
    codes = np.frombuffer(raw.translate(_TABLE), dtype=np.uint8)
    if isinstance(raw, bytes):
        codes = codes.copy()  # bytes would make it read-only
    if codes.size and codes.max() == _INVALID:  # no mask as long as a chromosome unless there is a fault
        position = int((codes == _INVALID).argmax())
        letter = chr(raw[position])
        letters = "".join(sorted({chr(byte) for byte in raw} - set("ACGTUNacgtun")))
        hint = " (a protein sequence?)" if set(letters.upper()) & set("EFILPQ") else ""
        hint = " (remove gaps first)" if letter in "-.*" and not hint else hint
        raise InputError(
            f"{name}: letter {letter!r} at position {position + 1} is no nucleotide; "
            f"expected A, C, G, T, U or an IUPAC code{hint}"
        )
    return codes


def decode(codes: Codes) -> str:
    """Codes (length,) to upper-case letters; padding becomes '='."""
    return _DECODE[codes].tobytes().decode("ascii")


def reverse_complement(codes: Codes) -> Codes:
    """The other strand, read 5' to 3': uint8 (..., length) to the same shape. Its own inverse."""
    return _COMPLEMENT[codes][..., ::-1]


def pad(codes: Codes, length: int) -> Codes:
    """``codes`` (n,) with padding (0) appended up to ``length`` nt; longer input comes back unchanged."""
    return codes if len(codes) >= length else np.pad(codes, (0, length - len(codes)))


def between_blanks(codes: Codes) -> slice:
    """Where the letters of a padded sequence stand: all but the blanks (0) at its ends; empty where there is nothing else."""
    letters = np.flatnonzero(codes)
    return slice(int(letters[0]), int(letters[-1]) + 1) if len(letters) else slice(0, 0)


def crop_start(total: int, length: int, rng: np.random.Generator | None = None) -> int:
    """Start (0-based) of a crop of ``length`` out of ``total`` nt: random with ``rng``, else centred.

    Raises
    ------
    InputError
        When the sequence is shorter than the crop.
    """
    if total < length:
        raise InputError(f"a sequence of {total} nt is shorter than the crop of {length} nt")
    return int(rng.integers(total - length + 1)) if rng is not None else (total - length) // 2


def tile_starts(total: int, length: int, *, stride: int | None = None, most: int = 0) -> NDArray[np.int64]:
    """0-based starts of the tiles that cover a sequence of ``total`` nt, ascending.

    Tiles lie ``stride`` nt apart (default: edge to edge); the last one is moved back so that it ends with the
    sequence. With ``most`` > 0 no more than that many are kept, spread evenly, so one giant transcript costs no more
    than any other; a single one is the centre crop.

    Raises
    ------
    InputError
        When the sequence is shorter than one tile.
    """
    if total < length:
        raise InputError(f"a sequence of {total} nt is shorter than the tile of {length} nt")
    last = total - length
    if most == 1:
        return np.array([last // 2], dtype=np.int64)
    starts = np.arange(0, last + 1, stride or length, dtype=np.int64)
    if starts[-1] != last:
        starts = np.append(starts, last)
    if most and len(starts) > most:
        starts = starts[np.linspace(0, len(starts) - 1, most).round().astype(np.int64)]
    return starts


def gather_windows(codes: Codes, starts: NDArray[np.int64], length: int) -> Codes:
    """Windows (len(starts), length) of ``codes`` (n,); each start + length must lie inside."""
    return np.lib.stride_tricks.sliding_window_view(codes, length)[starts]


def gc_share(codes: Codes) -> float:
    """Share of G and C, 0..1, among the letters of one sequence (n,): an ambiguity counts its share, padding not at all.

    nan where there is no letter.
    """
    counts = np.bincount(codes, minlength=16)
    letters = int(counts[1:].sum())
    return float(counts @ INDICATORS[:, 1:3].sum(axis=1, dtype=np.float64)) / letters if letters else math.nan
