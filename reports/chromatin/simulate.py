"""Write a made-up set in the format of DeepSEA's three files, at full width: 1,000 nt and 919 labels.

python reports/chromatin/simulate.py runs/simulated_919/large 40000
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from classify.chromatin.simulation import simulate_mat, simulated_names  # noqa: E402
from specgen.files import write_atomic  # noqa: E402

LENGTH, LABELS, SEED = 1000, 919, 0
HELD_OUT = {"valid": 400, "test": 800}
"""Other numbers than those of letters and labels, by which the axes are told apart."""


def write(folder: Path, windows: int, length: int = LENGTH, labels: int = LABELS) -> None:
    """train.mat of ``windows``, valid.mat, test.mat, and names.txt last."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, n in {"train": windows, **HELD_OUT}.items():
        simulate_mat(folder / f"{part}.mat", n, length, labels, SEED, part)
    write_atomic(folder / "names.txt", "".join(f"{name}\n" for name in simulated_names(labels)))


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
