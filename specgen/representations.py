"""Numeric representations of nucleotides: a registry of citable tables, and the module that applies one.

A static representation is a 4 x C table W (rows A, C, G, T): the signal is x = u W, where u are the Voss indicators
of a letter. An ambiguity letter is the mean of its bases and padding is 0, so the whole map is linear in u and
differentiable with respect to a one-hot input. Cumulative forms (walks) apply a function on top; they are detrended,
since the Fourier transform of a random walk is a 1/f^2 slope that hides everything else.

Adding a representation is one ``register_representation`` call. No spectra and no colours here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from specgen.registry import Registry
from specgen.sequences import INDICATORS

__all__ = ["REPRESENTATIONS", "Representation", "SignalEncoder", "detrend_linear", "register_representation"]

REPRESENTATIONS: Registry[Representation] = Registry("representation")

Walk = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Representation:
    """A citable numeric map of the four bases.

    Attributes
    ----------
    name
        Registry key.
    table
        (4, C) float64 or complex128; rows A, C, G, T.
    channels
        A short name per column.
    source
        The paper or repository; says so where a value is unverified.
    walk
        Function on the signal (..., C, L), such as a detrended cumulative sum; None for a static map.
    """

    name: str
    table: NDArray[np.float64] | NDArray[np.complex128]
    channels: tuple[str, ...]
    source: str
    walk: Walk | None = None

    @property
    def is_complex(self) -> bool:
        """True when the signal is complex and its spectrum therefore has two different half-axes."""
        return bool(np.iscomplexobj(self.table))

    @property
    def noise_power(self) -> NDArray[np.float64]:
        """(C,) variance of each channel over independent uniform bases.

        Times the taper's sum of squares, this is the expected power of a bin on random letters: the floor P0. For a
        walk it is that of the steps, so P0 is a unit there and not the (1/f^2) floor.
        """
        centred = self.table - self.table.mean(axis=0)
        variance: NDArray[np.float64] = (np.abs(centred) ** 2).mean(axis=0)
        return variance

    def table16(self) -> NDArray[np.float64] | NDArray[np.complex128]:
        """(16, C) value of every 4-bit code: ambiguity = mean of its bases, padding = 0."""
        return INDICATORS.astype(np.float64) @ self.table


def register_representation(
    name: str,
    table: ArrayLike,
    channels: tuple[str, ...],
    source: str,
    walk: Walk | None = None,
) -> Representation:
    """Add a representation to the registry.

    Parameters
    ----------
    table
        (4,) or (4, C), real or complex; rows A, C, G, T.

    Raises
    ------
    ValueError
        A taken name, or a table that does not have four rows and one column per channel name.
    """
    array = np.asarray(table)
    array = array[:, None] if array.ndim == 1 else array
    array = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    if array.shape != (4, len(channels)):
        raise ValueError(f"representation {name!r}: table {array.shape}, expected (4, {len(channels)})")
    return REPRESENTATIONS.add(name, Representation(name, array, channels, source, walk))


def detrend_linear(signal: Tensor) -> Tensor:
    """``signal`` (..., L) minus its least-squares straight line along the last axis."""
    length = signal.shape[-1]
    time = torch.arange(length, dtype=signal.dtype, device=signal.device) - (length - 1) / 2
    slope = (signal * time).sum(-1, keepdim=True) / time.square().sum().clamp_min(1e-12)
    return signal - signal.mean(-1, keepdim=True) - slope * time


def _detrended_sum(signal: Tensor) -> Tensor:
    return detrend_linear(signal.cumsum(-1))


_WIDE = {4: torch.float32, 8: torch.float64, 16: torch.complex128}
"""Scalars by their size in bytes: what a row of a table can be moved as."""


def _rows(table: Tensor, index: Tensor) -> Tensor:
    """Rows of ``table`` (16, C) at ``index`` (N,): (N, C).

    On the CPU a 1-D ``index_select`` is several times as fast as one of rows, and that as advanced indexing; so a row of 4, 8 or
    16 bytes is moved as one number. Its bits are not looked at.
    """
    wide = _WIDE.get(table.shape[1] * table.element_size())
    if wide is None or table.device.type != "cpu" or torch.compiler.is_exporting():
        return table.index_select(0, index)
    return table.view(wide).view(-1).index_select(0, index).view(-1, 1).view(table.dtype)


class SignalEncoder(nn.Module):
    """Codes or one-hot letters to a numeric signal.

    Parameters
    ----------
    representation
        A registered name or a ``Representation``.

    Input
        uint8 codes (B, L), or float indicators (B, 4, L) in the order A, C, G, T (gradients flow to these).
    Output
        float32 (B, C, L), or complex64 for complex representations.
    """

    table16: Tensor
    table4: Tensor

    def __init__(self, representation: str | Representation) -> None:
        super().__init__()
        self.representation = REPRESENTATIONS[representation] if isinstance(representation, str) else representation
        kind = torch.complex64 if self.representation.is_complex else torch.float32
        self.register_buffer("table16", torch.from_numpy(self.representation.table16()).to(kind), persistent=False)
        self.register_buffer("table4", torch.from_numpy(self.representation.table).to(kind), persistent=False)

    def forward(self, letters: Tensor) -> Tensor:
        if letters.ndim == 2:
            rows = _rows(self.table16, letters.reshape(-1).int())
            signal = rows.view(*letters.shape, -1).transpose(1, 2)
        elif letters.ndim == 3 and letters.shape[1] == 4:
            with torch.autocast(letters.device.type, enabled=False):
                signal = torch.einsum("bal,ac->bcl", letters.to(self.table4.dtype), self.table4)
        else:
            raise ValueError(f"expected codes (B, L) or indicators (B, 4, L), got {tuple(letters.shape)}")
        return signal if self.representation.walk is None else self.representation.walk(signal)


_S2, _S6 = math.sqrt(2), math.sqrt(6)
_TETRAHEDRON: list[list[float]] = [
    [0, 0, 1],
    [-_S2 / 3, _S6 / 3, -1 / 3],
    [-_S2 / 3, -_S6 / 3, -1 / 3],
    [2 * _S2 / 3, 0, -1 / 3],
]
_DELTA_Z: list[list[float]] = [[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]]

# Rows A, C, G, T throughout.
register_representation("voss", np.eye(4), ("A", "C", "G", "T"), "Voss 1992 (unverified): binary indicators")
register_representation("integer", [2, 1, 3, 0], ("x",), "ML-DSP and MathFeature code: T=0 C=1 A=2 G=3")
register_representation("integer_mldsp_1", [3, 2, 4, 1], ("x",), "ML-DSP variant: T=1 C=2 A=3 G=4")
register_representation("integer_mldsp_dl", [0, 3, 2, 1], ("x",), "MLDSP-but-its-DL: A=0 T=1 G=2 C=3")
register_representation("integer_wavedna", [1, 2, 3, 4], ("x",), "WaveDNA: A=1 C=2 G=3 T=4")
register_representation("ordinal", [0.25, 0.5, 0.75, 1.0], ("x",), "dna_parser: A=.25 C=.5 G=.75 T=1")
register_representation(
    "real", [-1.5, 0.5, -0.5, 1.5], ("x",), "ML-DSP code, MathFeature, num-rep-dna, Borrayo et al. 2014"
)
register_representation(
    "eiip",
    [0.1260, 0.1340, 0.0806, 0.1335],
    ("x",),
    "Electron-ion interaction potential, Nair & Sreenadhan 2006 (unverified)",
)
register_representation("atomic", [70, 58, 78, 66], ("x",), "Atomic number, Kwan & Arniker 2009")
register_representation("mass", [134, 110, 150, 125], ("x",), "Molecular mass (values unverified)")
register_representation("paired", [1, -1, -1, 1], ("WS",), "Paired numeric: A/T +1, C/G -1")
register_representation("purine", [-1, 1, -1, 1], ("YR",), "Purine/pyrimidine (PP): purine -1, pyrimidine +1 (ML-DSP)")
for _row, _base in enumerate("ACGT"):
    register_representation(f"just_{_base.lower()}", np.eye(4)[_row], (_base,), f"Just-{_base} (ML-DSP)")
register_representation(
    "complex_1",
    [1 + 1j, -1 + 1j, -1 - 1j, 1 - 1j],
    ("z",),
    "MathFeature, num-rep-dna, Borrayo et al. 2014: Re = W/S, Im = M/K",
)
register_representation(
    "complex_2",
    [1 + 1j, -1 - 1j, -1 + 1j, 1 - 1j],
    ("z",),
    "Chakravarthy et al. 2004 (QPSK); dna_parser: Re = W/S, Im = R/Y",
)
register_representation("complex_3", [1, 1j, -1j, -1], ("z",), "Cheever et al. 1989: unit axes, complement = negation")
register_representation(
    "quaternion",
    [[1, 1, 1], [1, -1, -1], [-1, -1, 1], [-1, 1, -1]],
    ("i", "j", "k"),
    "num-rep-dna: pure quaternion, its three imaginary parts as channels",
)
register_representation(
    "tetrahedron",
    _TETRAHEDRON,
    ("r", "g", "b"),
    "Silverman & Linsker 1986; Anastassiou 2001 (IEEE Signal Process. Mag. 18(4):8-20)",
)
register_representation(
    "anastassiou_2",
    [[0.0, 0.0, 1.0], [0.244, 0.911, -0.333], [-0.817, -0.471, -0.333], [0.911, -0.244, -0.333]],
    ("r", "g", "b"),
    "Anastassiou 2001, second colour map (g and b of G unverified; chosen so that its norm is 1)",
)
register_representation("delta_z", _DELTA_Z, ("RY", "MK", "WS"), "Increments of the Z-curve (Zhang & Zhang 1994)")
register_representation(
    "z_curve",
    _DELTA_Z,
    ("RY", "MK", "WS"),
    "Cumulative Z-curve (Zhang & Zhang 1994), minus its straight line",
    _detrended_sum,
)
register_representation(
    "walk_ry",
    [-1, 1, -1, 1],
    ("YR",),
    "DNA walk, Peng et al. 1992 (unverified): purine -1, pyrimidine +1; minus its straight line",
    _detrended_sum,
)
register_representation(
    "walk_2d",
    [[-1, 0], [0, -1], [0, 1], [1, 0]],
    ("TA", "GC"),
    "Two-dimensional DNA walk (dna_parser), minus its straight line",
    _detrended_sum,
)
