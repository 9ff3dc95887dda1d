"""Training from every form that a rendering job can take: the same examples, splits, pixels and results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader

from classify.__main__ import main
from classify.datasets import TileDataset, TrainDataset
from classify.examples import Examples
from classify.pictures import Picture, read_picture
from classify.splits import SplitSettings
from classify.tasks import TASKS
from specgen.engines import EngineSettings
from specgen.errors import InputError
from specgen.jobs import render
from specgen.outputs import OUTPUTS
from specgen.selection import WindowSettings
from specgen.settings import ImageSettings

pytestmark = pytest.mark.usefixtures("unrendered")


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same windows in every form: 12 genes a class on three chromosomes, two windows each."""
    folder = tmp_path_factory.mktemp("jobs")
    rng = np.random.default_rng(0)
    inputs = []
    for kind in ("LNSD", "CDN"):
        lines = [
            f">{kind}{i} cdna chromosome:GRCh38:{i % 3 + 1}:{1 + 5000 * i}:{900 + 5000 * i}:1 gene:G{kind}{i}\n"
            f"{''.join(rng.choice(list('ACGT'), 820))}\n"
            for i in range(12)
        ]
        path = folder / f"{kind}.fa"
        path.write_text("".join(lines))
        inputs.append(str(path))
    windows = WindowSettings(length=400, trim=10, place="tiles")
    for output in OUTPUTS:
        engine = EngineSettings(workers=1)
        done = render(
            inputs, [], folder / output, ImageSettings(), windows, output=output, shard=7, engine=engine, progress=False
        )
        assert done.written == 48
    return {output: folder / output for output in OUTPUTS}


def load(folder: Path, **more: Any) -> Examples:
    task = TASKS["coding"]
    split = SplitSettings(test_chromosomes=("1",))
    found: Examples = task(task.Settings(images=str(folder), split=split, balance=False, **more)).load()
    return found


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_same_examples(jobs: dict[str, Path], output: str) -> None:
    truth, found = load(jobs["png"]), load(jobs[output])
    assert len(found) == 48
    assert len(set(found.ids)) == 48
    for column in ("groups", "chromosomes", "digests"):
        assert getattr(found, column) == getattr(truth, column)
    assert found.split.tolist() == truth.split.tolist()
    assert found.labels.tolist() == truth.labels.tolist()
    keys = [47, 0, 13, 30]
    for ours, theirs in (
        (TileDataset(found, 1), TileDataset(truth, 1)),
        (TrainDataset(found, 0), TrainDataset(truth, 0)),
    ):
        for a, b in zip(ours.__getitems__(keys), theirs.__getitems__(keys), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("output", sorted(set(OUTPUTS) - {"png"}))
def test_loader_processes_read_their_own(jobs: dict[str, Path], output: str) -> None:
    """Files that were opened before the fork, too."""
    examples = load(jobs[output])
    truth = TileDataset(examples, 1).__getitems__(range(48))[0].numpy()
    loader = DataLoader(TileDataset(examples, 1), batch_size=5, num_workers=2, collate_fn=lambda batch: batch)
    for _ in range(3):
        np.testing.assert_array_equal(np.concatenate([batch[0].numpy() for batch in loader]), truth)


@pytest.mark.parametrize(
    "output", ["tar", pytest.param("hdf5", marks=pytest.mark.slow), pytest.param("npy", marks=pytest.mark.slow)]
)
def test_training_ends_in_the_same_numbers(
    jobs: dict[str, Path], output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = []
    for name in ("png", output):
        arguments = [
            "train", "--model", "conv3", "--data.images", str(jobs[name]), "--data.split.test_chromosomes", '["1"]',
            "--training.epochs", "1", "--training.batch_size", "16", "--training.progress", "false", "--name", name,
            "--training.threads", "1",
        ]  # fmt: skip
        if not (tmp_path / "runs/coding/conv3" / name).exists():
            assert main(arguments) == 0
        results.append(json.loads((tmp_path / "runs/coding/conv3" / name / "metrics.json").read_text())["metrics"])
    assert results[0] == results[1]


def test_arrays_that_somebody_else_made(jobs: dict[str, Path], tmp_path: Path) -> None:
    """Without a manifest, of another size, in folders of their names."""
    rng = np.random.default_rng(1)
    for name, count in (("LNSD", 30), ("CDN", 20)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "all.npy", rng.integers(0, 256, (count, 32, 40, 3), dtype=np.uint8))
    task = TASKS["coding"]
    examples = task(task.Settings(images=str(tmp_path), balance=False)).load()
    assert examples.per_class() == {"LNSD": 30, "CDN": 20}
    assert examples.ids[0] == "LNSD/all.npy#0"
    assert examples.groups[0] == "picture:LNSD/all.npy#0"
    assert read_picture(examples.pictures[3]).shape == (3, 224, 224)  # type: ignore[index]


@pytest.mark.parametrize("output", sorted(set(OUTPUTS) - {"png"}))
def test_a_truncated_file(jobs: dict[str, Path], output: str, tmp_path: Path) -> None:
    shutil.copytree(jobs[output], tmp_path / "job")
    path = sorted((tmp_path / "job" / "CDN").iterdir())[0]
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(InputError, match=rf"{path.name}: (cannot be read|damaged)"):
        load(tmp_path / "job")


def test_a_place_that_is_not_there(jobs: dict[str, Path]) -> None:
    path = sorted((jobs["npy"] / "CDN").iterdir())[0]
    with pytest.raises(InputError, match="damaged picture"):
        read_picture(Picture(path, 99))
