"""Names that come with data are never places: records, members of archives, links, files that another file names."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from run_readers import READERS

from classify.chromatin.arrays import ArrayFile
from classify.chromatin.settings import ArraySettings
from classify.pretrained import PretrainedClassifier
from specgen.errors import InputError
from specgen.files import write_atomic
from specgen.ledger import Ledger
from specgen.outputs import OUTPUTS, open_pictures
from specgen.verification import verify
from specgen.windows import Shard

HOSTILE = (
    "../../evil", "/etc/evil", "..", ".", "~root", "$HOME/evil", "a/../../b", "-rf", "a\\..\\b", "C:\\evil", "CON", "\x1b[31m",
    "x" * 400, "a\0b", "%2e%2e%2f", "...", "\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}/x", "job.json",
)  # fmt: skip


def shard() -> Shard:
    n = len(HOSTILE)
    records = tuple((i + 1, name, f"{name} gene:x") for i, name in enumerate(HOSTILE))
    codes = np.ones((n, 9), dtype=np.uint8)
    return Shard(0, "a", 0, "x.fa", 9, codes, np.zeros(n, np.int64), np.arange(n), records)


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def pictures() -> list[np.ndarray]:
    return [np.zeros((len(HOSTILE), 8, 8, 3), dtype=np.uint8)]


def test_names_of_records_are_no_places(tmp_path: Path) -> None:
    """Every picture lies in its shard's folder, whatever its record is called, under a name of its own."""
    out = tmp_path / "deep" / "er" / "job"
    out.mkdir(parents=True)
    OUTPUTS["png"].write(out / "000000", shard(), pictures(), {})
    written = tree(tmp_path) - {"deep", "deep/er", "deep/er/job", "deep/er/job/000000"}
    assert len(written) == len(HOSTILE)
    assert {Path(name).parent.as_posix() for name in written} == {"deep/er/job/000000"}
    assert all(len(Path(name).name) < 100 and Path(name).name.isascii() for name in written)


def test_names_of_records_in_archives(tmp_path: Path) -> None:
    """Whoever unpacks a tar of ours gets plain files in one folder."""
    OUTPUTS["tar"].write(tmp_path / "x.tar", shard(), pictures(), {})
    with tarfile.open(tmp_path / "x.tar") as tar:
        members = tar.getmembers()
    assert len(members) == 3 * len(HOSTILE)
    assert all(member.isfile() and "/" not in member.name and not member.name.startswith(".") for member in members)


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "png")
    return out.getvalue()


def test_archives_of_others_are_read_where_they_lie(tmp_path: Path) -> None:
    """Members with paths are pictures like others; links are not followed; nothing is unpacked."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(png())
    inside = tmp_path / "inside"
    inside.mkdir()
    with tarfile.open(inside / "x.tar", "w") as tar:
        for name in ("../evil.png", "/evil.png"):
            member = tarfile.TarInfo(name)
            member.size = len(png())
            tar.addfile(member, io.BytesIO(png()))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            member = tarfile.TarInfo("link.png")
            member.type, member.linkname = kind, str(secret)
            tar.addfile(member)
    before = tree(tmp_path)
    found = open_pictures(inside / "x.tar")
    assert found[0].shape == found[1].shape == (4, 4, 3)
    for place in (2, 3):
        with pytest.raises(OSError, match="cannot identify image"):  # ``read_picture`` makes a line of it
            found[place]
    assert tree(tmp_path) == before


def test_hdf5_may_not_point_elsewhere(tmp_path: Path) -> None:
    other, windows = tmp_path / "other.h5", np.zeros((6, 4, 9), np.uint8)
    with h5py.File(other, "w") as file:
        file["x"] = windows
    (tmp_path / "raw").write_bytes(bytes(6 * 4 * 9))
    for kind in ("link", "external", "virtual"):
        path = tmp_path / f"{kind}.h5"
        with h5py.File(path, "w") as file:
            file["y"] = np.zeros((6, 3), np.uint8)
            if kind == "link":
                file["x"] = h5py.ExternalLink(str(other), "x")
            elif kind == "external":
                file.create_dataset("x", (6, 4, 9), np.uint8, external=[(str(tmp_path / "raw"), 0, 216)])
            else:
                layout = h5py.VirtualLayout((6, 4, 9), np.uint8)
                layout[:] = h5py.VirtualSource(str(other), "x", (6, 4, 9))
                file.create_virtual_dataset("x", layout)
        with pytest.raises(InputError, match="lies in another file"):
            ArrayFile(path, ArraySettings())


@pytest.mark.parametrize("file", ["../victim", "/etc/passwd", "a/../../victim", "a/b\0", "a" * 256])
def test_a_journal_names_nothing_outside_of_its_job(tmp_path: Path, file: str) -> None:
    """Or ``--verify`` would name files of others as too many, with the advice to remove them; nor what can be no file's name."""
    out = tmp_path / "job"
    out.mkdir()
    (tmp_path / "victim").write_text("x")
    case = READERS["job_shards"](out)
    case.path.write_text(case.seeds[0].decode().replace("a/000000.npy", file))
    with pytest.raises(InputError, match="no record of a shard"):
        verify(out, progress=False)
    with pytest.raises(InputError, match="no record of a shard"):
        Ledger(out).read()


def test_writing_replaces_links_and_does_not_follow_them(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for link in (tmp_path / "x", tmp_path / f".y.{os.getpid()}.tmp"):
        link.symlink_to(victim)
    for name in ("x", "y"):
        write_atomic(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"
        assert not (tmp_path / name).is_symlink()
    assert victim.read_text() == "mine"


def test_links_in_a_hub_folder(tmp_path: Path) -> None:
    """A hub's cache holds links, which are read; saving over links leaves what they point to as it was."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    READERS["model_card"](blobs)
    names = ("config.json", "model.safetensors", "README.md")
    kept = {name: (blobs / name).read_bytes() for name in names}
    for name in names:
        (snapshot / name).symlink_to(Path("..") / "blobs" / name)
    model = PretrainedClassifier.from_pretrained(snapshot, local_files_only=True)
    model.card = "changed"
    model.save_pretrained(snapshot)
    assert (snapshot / "README.md").read_text() == "changed"
    assert not (snapshot / "README.md").is_symlink()
    assert {name: (blobs / name).read_bytes() for name in names} == kept


def test_places_in_the_settings_of_a_hub_folder_are_not_used(tmp_path: Path) -> None:
    """Files that a stranger's config.json names are neither read nor made."""
    import json

    folder = tmp_path / "hub"
    folder.mkdir()
    READERS["hub_config"](folder)
    body = json.loads((folder / "config.json").read_text())
    body["run"]["runs"] = str(tmp_path / "evil")
    body["run"]["data"]["coding"], body["run"]["data"]["noncoding"] = ["/no/such.fa"], ["../../no/such.fa"]
    body["run"]["data"]["table"] = "/no/such.csv"
    (folder / "config.json").write_text(json.dumps(body))
    before = tree(tmp_path)
    assert PretrainedClassifier.from_pretrained(folder, local_files_only=True).window == 60
    assert tree(tmp_path) == before
