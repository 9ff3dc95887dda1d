"""Fixtures shared by all tests: real data, devices, naive one-hot letters; the order of files; the hypothesis profile."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("ci")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# What each letter stands for, written out by hand; '=' is padding.
MEANING = {
    "=": "", "A": "A", "C": "C", "G": "G", "T": "T", "M": "AC", "R": "AG", "W": "AT", "S": "CG", "Y": "CT",
    "K": "GT", "V": "ACG", "H": "ACT", "D": "AGT", "B": "CGT", "N": "ACGT",
}  # fmt: skip

# A file is one worker's. What takes longest is begun first, or the other workers end up waiting for it. test_motifs is the
# very first, since it has numba compile memelite in a new installation, and test_motif_filters, which needs the same, far
# behind it, or two workers would compile at once.
LONGEST = (
    "classify/test_motifs.py",
    "classify/test_processes.py",
    "hard/test_hardships.py",
    "specgen/test_spectrogram.py",
    "classify/test_runs.py",
    "specgen/test_jobs.py",
    "classify/test_sweep.py",
    "classify/test_models.py",
    "classify/test_export.py",
    "test_cli.py",
    "specgen/test_representations.py",
    "classify/test_dashboard.py",
    "classify/test_kmers.py",
    "classify/test_mending.py",
    "specgen/test_colour.py",
    "classify/test_prediction.py",
    "classify/test_rescoring.py",
    "classify/test_app.py",
    "classify/test_motif_filters.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``LONGEST`` first, every other file as it was found."""
    place = {Path(__file__).parent / name: n for n, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real data sets: ``SPECGEN_DATA``, else ``shared/data`` beside the repository."""
    folder = Path(os.environ.get("SPECGEN_DATA") or SHARED_DATA)
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set SPECGEN_DATA to the folder that holds coding_noncoding/")
    return folder


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> torch.device:
    """Every device there is; the GPU variant is skipped without one."""
    import torch

    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.device(request.param)


@pytest.fixture(scope="session")
def one_hot() -> Callable[[str], NDArray[np.float32]]:
    """Naive indicators (4, L) of a text: each letter is shared evenly among its bases, '=' is padding."""

    def indicators(text: str) -> NDArray[np.float32]:
        out = np.zeros((4, len(text)), dtype=np.float32)
        for position, letter in enumerate(text):
            for base in MEANING[letter]:
                out["ACGT".index(base), position] = 1 / len(MEANING[letter])
        return out

    return indicators
