"""Rendering jobs: the same pictures in every form, nothing lost and nothing doubled whatever happens."""

from __future__ import annotations

import contextlib
import csv
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from engine_tasks import dies, dies_once, fails, prepared, square
from filelock import FileLock
from PIL import Image

from specgen import jobs
from specgen.engines import ENGINES, LOSSES, EngineSettings, local
from specgen.errors import InputError
from specgen.image import Imager
from specgen.jobs import RenderResult, render
from specgen.ledger import COLUMNS, Ledger
from specgen.outputs import OUTPUTS, open_pictures
from specgen.records import read_records
from specgen.selection import WindowSettings
from specgen.settings import ImageSettings
from specgen.verification import verify

ROOT = Path(__file__).resolve().parents[2]
HERE = EngineSettings(workers=1)
TILES = WindowSettings(length=400, trim=0, place="tiles", stride=50)


def fasta(path: Path, *lengths: int, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    text = "".join(f">r{i} gene:g{i}\n{''.join(rng.choice(list('ACGT'), n))}\n" for i, n in enumerate(lengths))
    path.write_text(text)
    return str(path)


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """13 + 9 windows in two classes."""
    return [fasta(tmp_path / "CDN.fa", 700, 650), fasta(tmp_path / "LNSD.fa", 800, 300, seed=1)]


def run(inputs: list[str], out: Path, **more: Any) -> RenderResult:
    settings: dict[str, Any] = {"shard": 5, "engine": HERE, "progress": False, **more}
    return render(inputs, [], out, ImageSettings(), TILES, **settings)


def rows(out: Path, name: str = "manifest.csv") -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def tree(out: Path) -> dict[str, bytes]:
    """Everything in a finished job but the lock."""
    return {
        str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file() and p.name != ".lock"
    }


def pictures_of(out: Path) -> list[str]:
    return [row["file"] for row in rows(out)]


def pictures(out: Path) -> np.ndarray:
    found = []
    for row in rows(out):
        path = out / row["file"]
        found.append(np.asarray(Image.open(path)) if path.suffix == ".png" else open_pictures(path)[int(row["index"])])
    return np.stack(found)


class TestOutputs:
    @pytest.mark.parametrize("output", OUTPUTS)
    def test_every_form_holds_the_pictures_of_the_manifest(
        self, inputs: list[str], tmp_path: Path, output: str
    ) -> None:
        assert run(inputs, tmp_path / "job", output=output) == RenderResult(22, 0, 1, 0)
        codes = []
        letters = {(Path(f).name, r.name): r.codes for f in inputs for r in read_records(f)}
        for row in rows(tmp_path / "job"):
            start = int(row["start"])
            codes.append(letters[row["source"], row["record"]][start : start + 400])
            assert row["class"] == row["source"].removesuffix(".fa") == row["file"].split("/")[0]
        np.testing.assert_array_equal(pictures(tmp_path / "job"), Imager().paint(np.stack(codes)))
        assert verify(tmp_path / "job", progress=False) == 22

    @pytest.mark.parametrize("output", OUTPUTS)
    def test_the_same_bytes_each_time(self, inputs: list[str], tmp_path: Path, output: str) -> None:
        for name in ("a", "b"):
            run(inputs, tmp_path / name, output=output, batch_size=3 if name == "a" else 64)
        assert tree(tmp_path / "a") == tree(tmp_path / "b")

    def test_torchvision_reads_the_folder(self, inputs: list[str], tmp_path: Path) -> None:
        from torchvision.datasets import ImageFolder

        run(inputs, tmp_path / "job")
        folder = ImageFolder(str(tmp_path / "job"))
        assert folder.classes == ["CDN", "LNSD"]
        assert len(folder) == 22
        assert folder[0][0].size == (224, 224)

    def test_webdataset_streams_the_tars(self, inputs: list[str], tmp_path: Path) -> None:
        import webdataset

        run(inputs, tmp_path / "job", output="tar")
        tars = sorted(str(path) for path in (tmp_path / "job").rglob("*.tar"))
        streamed = webdataset.WebDataset(tars, shardshuffle=False).decode("rgb8").to_tuple("png", "cls", "json")
        for (picture, target, told), row, ours in zip(
            streamed, rows(tmp_path / "job"), pictures(tmp_path / "job"), strict=True
        ):
            np.testing.assert_array_equal(picture, ours)
            assert ["CDN", "LNSD"][target] == row["class"] == told["class"]
            assert {key: told[key] for key in ("record", "header", "start")} == {
                key: row[key] for key in ("record", "header", "start")
            }

    def test_h5py_and_numpy_read_the_rest(self, inputs: list[str], tmp_path: Path) -> None:
        import h5py

        run(inputs, tmp_path / "h", output="hdf5")
        run(inputs, tmp_path / "n", output="npy")
        with h5py.File(tmp_path / "h/LNSD/000003.h5") as file:
            array = np.load(tmp_path / "n/LNSD/000003.npy", allow_pickle=False)
            np.testing.assert_array_equal(file["pictures"][:], array)
            assert file.attrs["class"] == "LNSD"
            assert file["start"][:].tolist() == [0, 50, 100, 150, 200]
            assert json.loads(file.attrs["specgen"])["windows"]["stride"] == 50

    def test_no_such_form(self, inputs: list[str], tmp_path: Path) -> None:
        with pytest.raises(InputError, match="unknown output 'jpeg'"):
            run(inputs, tmp_path / "job", output="jpeg")

    @pytest.mark.parametrize(("name", "data"), [("a.npy", b"no"), ("a.h5", b""), ("a.tar", b"x" * 600), ("a.zip", b"")])
    def test_what_is_no_file_of_pictures(self, tmp_path: Path, name: str, data: bytes) -> None:
        with pytest.raises(InputError, match=r"no such file|expected a file ending"):
            open_pictures(tmp_path / name)
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=f"{name}: (cannot be read|expected a file ending)"):
            open_pictures(tmp_path / name)

    def test_an_array_that_is_no_pictures(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", np.zeros((3, 4, 4)))
        with pytest.raises(InputError, match="expected uint8 pictures"):
            open_pictures(tmp_path / "a.npy")


class TestResuming:
    def test_processes_render_what_one_does(self, inputs: list[str], tmp_path: Path) -> None:
        run(inputs, tmp_path / "one")
        assert run(inputs, tmp_path / "two", engine=EngineSettings(workers=2)).written == 22
        assert tree(tmp_path / "one") == tree(tmp_path / "two")

    @pytest.mark.parametrize("output", ["png", "npy"])
    def test_stopped_after_each_shard(self, inputs: list[str], tmp_path: Path, output: str, monkeypatch: Any) -> None:
        run(inputs, tmp_path / "whole", output=output)
        real, seen = jobs._render_shard, []

        def stops(work: Any, shard: Any) -> Any:
            if len(seen) % 2:
                seen.append(None)
                raise KeyboardInterrupt
            seen.append(shard.number)
            return real(work, shard)

        monkeypatch.setattr(jobs, "_render_shard", stops)
        for _ in range(4):
            with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
                run(inputs, tmp_path / "job", output=output)
            assert not (tmp_path / "job" / "SHA256SUMS").exists()
            with pytest.raises(InputError, match=r"the job is not finished \(\d shards done\)"):
                verify(tmp_path / "job", progress=False)
        assert run(inputs, tmp_path / "job", output=output) == RenderResult(4, 18, 1, 0)
        assert [n for n in seen if n is not None] == [0, 1, 2, 3, 4]
        assert tree(tmp_path / "job") == tree(tmp_path / "whole")

    def test_a_line_cut_short_and_a_shard_without_one(self, inputs: list[str], tmp_path: Path) -> None:
        out = tmp_path / "job"
        run(inputs, out)
        whole = tree(out)
        lines = (out / "shards.csv").read_text().splitlines(keepends=True)
        (out / "shards.csv").unlink()
        (out / "SHA256SUMS").unlink()
        # Killed while recording shard 2, with shard 3 in place and unrecorded, and something half written.
        (out / "journal.csv").write_text("".join(lines[1:3]) + lines[3][:20])
        (out / ".tmp").mkdir()
        (out / ".tmp" / "000004-host-1").mkdir()
        assert run(inputs, out) == RenderResult(12, 10, 1, 0)
        assert tree(out) == whole

    def test_no_room_for_the_first_record(self, inputs: list[str], tmp_path: Path, monkeypatch: Any) -> None:
        def full(self: Ledger, done: Any) -> None:
            raise OSError(28, "No space left on device", str(self.journal))

        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "add", full)
            with pytest.raises(OSError, match="No space left"):
                run(inputs, tmp_path / "job")
        assert run(inputs, tmp_path / "job").written == 22
        run(inputs, tmp_path / "whole")
        assert tree(tmp_path / "job") == tree(tmp_path / "whole")

    @pytest.mark.parametrize("output", OUTPUTS)
    def test_a_truncated_or_missing_shard_is_made_anew(self, inputs: list[str], tmp_path: Path, output: str) -> None:
        out = tmp_path / "job"
        run(inputs, out, output=output)
        whole = tree(out)
        first, second = (out / row["file"] for row in rows(out, "shards.csv")[1:3])
        target = sorted(first.iterdir())[0] if first.is_dir() else first
        target.write_bytes(target.read_bytes()[:-100])
        if second.is_dir():
            sorted(second.iterdir())[0].unlink()
        else:
            second.unlink()
        with pytest.raises(InputError, match=r"has \d+ bytes, expected \d+; .*(is missing|has \d+ bytes)"):
            verify(out, progress=False)
        assert run(inputs, out, output=output).written == sum(int(r["windows"]) for r in rows(out, "shards.csv")[1:3])
        assert tree(out) == whole

    def test_verify_finds_what_a_look_at_sizes_does_not(self, inputs: list[str], tmp_path: Path) -> None:
        out = tmp_path / "job"
        run(inputs, out, output="npy")
        path = out / rows(out, "shards.csv")[0]["file"]
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(bytes(data))
        (out / "CDN" / "mine.npy").write_bytes(b"")
        (out / "foreign").touch()
        lines = (out / "manifest.csv").read_text().splitlines(keepends=True)
        (out / "manifest.csv").write_text("".join(lines[:-1]))
        with pytest.raises(InputError) as error:
            verify(out, progress=False)
        for said in (
            "000000.npy has another content", "CDN/mine.npy is not of this job", "foreign is not of this job",
            "manifest.csv has another content",
        ):  # fmt: skip
            assert said in str(error.value)
        (out / "foreign").unlink()
        assert run(inputs, out, output="npy").written == 0
        (out / "CDN" / "mine.npy").unlink()
        path.unlink()
        assert run(inputs, out, output="npy").written == 5
        assert verify(out, progress=False) == 22

    def test_a_folder_without_a_job(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="holds no job of this program"):
            verify(tmp_path, progress=False)

    def test_killed_before_it_was_pinned(self, inputs: list[str], tmp_path: Path) -> None:
        out = tmp_path / "job"
        (out / ".tmp").mkdir(parents=True)
        for name in (".lock", ".job.json.123.tmp", ".tmp/000000-host-1"):
            (out / name).write_text("{")
        assert run(inputs, out).written == 22
        assert verify(out, progress=False) == 22
        assert {path.name for path in out.iterdir()} <= {
            ".lock", "CDN", "LNSD", "SHA256SUMS", "job.json", "manifest.csv", "shards.csv"
        }  # fmt: skip

    def test_one_at_a_time(self, inputs: list[str], tmp_path: Path) -> None:
        run(inputs, tmp_path / "job")
        (tmp_path / "job" / ".tmp").mkdir()
        before = tree(tmp_path / "job")
        with FileLock(tmp_path / "job" / ".lock"):
            with pytest.raises(InputError, match="another process is at work"):
                run(inputs, tmp_path / "job")
            assert tree(tmp_path / "job") == before
            assert {".lock", ".tmp"} <= {path.name for path in (tmp_path / "job").iterdir()}

    def test_a_second_start_does_not_disturb_the_first(
        self, inputs: list[str], tmp_path: Path, monkeypatch: Any
    ) -> None:
        """Before anything is recorded, too, when a failure of one's own would remove what was begun."""
        real, refused = jobs._render_shard, list[int]()

        def disturbed(work: Any, shard: Any) -> Any:
            with pytest.raises(InputError, match="another process is at work"):
                run(inputs, tmp_path / "job")
            refused.append(shard.number)
            return real(work, shard)

        monkeypatch.setattr(jobs, "_render_shard", disturbed)
        assert run(inputs, tmp_path / "job").written == 22
        assert refused == [0, 1, 2, 3, 4]
        assert verify(tmp_path / "job", progress=False) == 22

    def test_another_job_that_came_between_look_and_lock(
        self, inputs: list[str], tmp_path: Path, monkeypatch: Any
    ) -> None:
        real = jobs.count_windows

        def slow(*arguments: Any) -> Any:
            with monkeypatch.context() as patched:
                patched.setattr(jobs, "count_windows", real)
                run(inputs, tmp_path / "job", output="npy")
            return real(*arguments)

        monkeypatch.setattr(jobs, "count_windows", slow)
        with pytest.raises(InputError, match='output was "npy", now "png"'):
            run(inputs, tmp_path / "job")
        assert verify(tmp_path / "job", progress=False) == 22

    def test_an_input_cut_short(self, inputs: list[str], tmp_path: Path, monkeypatch: Any) -> None:
        import io

        whole = Path(inputs[0]).read_bytes()
        for data in (whole, whole[: whole.rfind(b">")]):
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
            if data is whole:
                assert run(["-"], tmp_path / "job", shard=1).written == 13
                before = tree(tmp_path / "job")
            else:
                with pytest.raises(
                    InputError, match="holds 13 shards or more, and the input gives 7: it has been cut short"
                ):
                    run(["-"], tmp_path / "job", shard=1)
        assert tree(tmp_path / "job") == before

    def test_two_inputs_of_one_name(self, tmp_path: Path) -> None:
        paths = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            paths.append(fasta(tmp_path / name / "x.fa", 700, seed=ord(name)))
        render(paths, ["A", "B"], tmp_path / "job", ImageSettings(), TILES, engine=HERE, progress=False)
        assert {row["source"] for row in rows(tmp_path / "job")} == set(paths)

    def test_names_may_repeat(self, tmp_path: Path) -> None:
        pair = "@x/1 1\n{0}\n+\n{1}\n@x/1 2\n{0}\n+\n{1}\n".format("ACGT" * 100, "I" * 400)
        (tmp_path / "x.fq").write_text(pair)
        assert run([str(tmp_path / "x.fq")], tmp_path / "job").written == 2
        assert len(set(pictures_of(tmp_path / "job"))) == 2

    @pytest.mark.parametrize("inputs", [["-", "-"], ["-", "/dev/stdin"]])
    def test_one_stream_at_most(self, tmp_path: Path, inputs: list[str]) -> None:
        with pytest.raises(InputError, match="one input at most that is standard input or a pipe"):
            render(inputs, ["A", "B"], tmp_path / "job", ImageSettings(), TILES)

    @pytest.mark.parametrize("label", ["manifest.csv", "job.json", "x" * 61])
    def test_labels_that_the_job_needs_itself(self, inputs: list[str], tmp_path: Path, label: str) -> None:
        with pytest.raises(InputError, match=r"at most 60 letters, digits.*none of the job's own file names"):
            render(inputs, [label, "B"], tmp_path / "job", ImageSettings(), TILES)

    def test_a_damaged_record(self, inputs: list[str], tmp_path: Path) -> None:
        run(inputs, tmp_path / "job")
        path = tmp_path / "job" / "shards.csv"
        path.write_text(",".join(COLUMNS) + "\nzero,CDN/000000,5\n")
        with pytest.raises(InputError, match=r"shards\.csv: line 2 is no record of a shard"):
            run(inputs, tmp_path / "job")

    @pytest.mark.parametrize(
        ("more", "match"),
        [
            ({"output": "tar"}, 'output was "png", now "tar"'),
            ({"shard": 6}, "shard was 5, now 6"),
        ],
    )
    def test_other_settings(self, inputs: list[str], tmp_path: Path, more: dict[str, Any], match: str) -> None:
        run(inputs, tmp_path / "job")
        with pytest.raises(InputError, match=match):
            run(inputs, tmp_path / "job", **more)

    def test_other_code(self, inputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run(inputs, tmp_path / "job")
        monkeypatch.setattr("specgen.__version__", "99.0")
        with pytest.raises(InputError, match=r'specgen was ".*", now "99\.0"'):
            run(inputs, tmp_path / "job")

    @pytest.mark.parametrize("more", [{"shard": 0}, {"batch_size": 0}])
    def test_numbers_that_make_no_sense(self, inputs: list[str], tmp_path: Path, more: dict[str, Any]) -> None:
        with pytest.raises(InputError, match="expected at least 1, got 0"):
            run(inputs, tmp_path / "job", **more)

    def test_no_gpu_here(self, inputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
        with pytest.raises(InputError, match="cuda:1 was asked for, and there are 1 CUDA GPUs"):
            run(inputs, tmp_path / "job", engine=EngineSettings(device="cuda:1"))
        for name in ("gpu", "cpu:0", "cuda:x"):
            with pytest.raises(InputError, match=f"expected cpu, cuda or cuda:<number>, got '{name}'"):
                EngineSettings(device=name)


class TestLocalEngine:
    """Who has which task and what becomes of lost ones; ``TestResuming`` and ``TestKilled`` have workers as they are."""

    @pytest.fixture(autouse=True)
    def _workers_without_torch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("specgen.engines.prepare_worker", prepared)

    def test_each_task_once(self) -> None:
        for workers in (1, 2):
            assert sorted(local(square, iter(range(20)), EngineSettings(workers=workers))) == [n * n for n in range(20)]

    def test_few_tasks_are_held(self) -> None:
        asked = 0

        def tasks() -> Iterator[int]:
            nonlocal asked
            for n in range(30):
                asked += 1
                yield n

        for done, _ in enumerate(local(square, tasks(), EngineSettings(workers=2)), start=1):
            assert asked <= done + 2 * 2 + 1

    def test_lost_workers_are_replaced(self, tmp_path: Path) -> None:
        tasks = iter([(n, str(tmp_path)) for n in range(8)])
        assert sorted(local(dies_once, tasks, EngineSettings(workers=2))) == list(range(8))

    def test_losing_them_always_ends(self) -> None:
        with pytest.raises(InputError, match=f"lost {LOSSES + 1} times before one shard was done; too little memory"):
            list(local(dies, iter([1, 2]), EngineSettings(workers=2)))

    def test_an_error_comes_through_and_stops_the_workers(self) -> None:
        with pytest.raises(InputError, match="task 3 is bad"):
            list(local(fails, iter(range(10)), EngineSettings(workers=2)))
        assert not multiprocessing.active_children()

    def test_settings(self) -> None:
        with pytest.raises(InputError, match="unknown engine 'loca'; did you mean 'local'"):
            EngineSettings("loca")
        with pytest.raises(InputError, match=r"engine\.workers: expected 0 or more"):
            EngineSettings(workers=-1)
        assert set(ENGINES) == {"local", "ray"}


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def command(source: str, out: Path, shard: int) -> list[str]:
    return [
        sys.executable, "-m", "specgen", "render", source, "--label", "CDN", "--out", str(out), "--progress", "false",
        "--windows.place", "tiles", "--windows.length", "400", "--windows.trim", "0", "--windows.stride", "5",
        "--shard", str(shard), "--engine.workers", "2", "--output", "npy",
    ]  # fmt: skip


def wait_until(condition: Callable[[], bool], limit: float = 600) -> None:
    """Returns as soon as it holds: the limit is for what never will, on machines however busy."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Worker processes of a job."""
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(process.pid).children()
        return [child.pid for child in found if "spawn_main" in " ".join(child.cmdline())]
    return []


class TestKilled:
    def test_workers_do_not_outlive_their_parent(self, tmp_path: Path) -> None:
        source = fasta(tmp_path / "x.fa", 30_000)
        out = tmp_path / "job"
        process = subprocess.Popen(command(source, out, 20), cwd=ROOT, start_new_session=True)
        try:
            wait_until(lambda: (out / "journal.csv").exists())
        finally:
            process.kill()
            process.wait()
        wait_until(lambda: not alive(process.pid))

    @pytest.mark.slow
    def test_twenty_times_at_random_moments(self, tmp_path: Path) -> None:
        """Parent or a worker, at any moment of a job or of its start: the same checksums, nothing lost or doubled."""
        source = fasta(tmp_path / "x.fa", 60_000)
        whole, out = tmp_path / "whole", tmp_path / "job"
        subprocess.run(command(source, whole, 25), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        rng = random.Random(0)
        kills = {"parent": 0, "worker": 0}
        while sum(kills.values()) < 20:
            if rng.random() < 0.5 and (out / "CDN").exists():  # so that there is always something left to do
                for path in rng.sample(sorted((out / "CDN").iterdir()), k=len(list((out / "CDN").iterdir())) // 2):
                    path.unlink()
            process = subprocess.Popen(
                command(source, out, 25), cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL
            )
            aim = "worker" if sum(kills.values()) % 2 else "parent"
            if aim == "worker":
                wait_until(lambda process=process: bool(workers_of(process)) or process.poll() is not None)
            time.sleep(rng.uniform(0, 7))
            victims = workers_of(process) if aim == "worker" else [process.pid]
            if process.poll() is None and victims:
                os.kill(rng.choice(victims), signal.SIGKILL)
                kills[aim] += 1
                if aim == "worker":  # the job goes on by itself; then it is stopped, too
                    time.sleep(rng.uniform(0, 4))
            process.kill()
            process.wait()
        subprocess.run(command(source, out, 25), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        assert kills == {"parent": 10, "worker": 10}
        assert tree(out) == tree(whole)
        assert verify(out, progress=False) == len(rows(whole))


class TestRay:
    def test_not_installed(self, monkeypatch: pytest.MonkeyPatch, inputs: list[str], tmp_path: Path) -> None:
        monkeypatch.setitem(sys.modules, "ray", None)
        with pytest.raises(InputError, match="ray is not installed; the extra 'ray' brings it"):
            run(inputs, tmp_path / "job", engine=EngineSettings("ray"))
        assert not (tmp_path / "job").exists()

    @pytest.mark.slow
    def test_a_node_is_lost_in_the_middle(self, tmp_path: Path) -> None:
        pytest.importorskip("ray")
        import ray
        from ray.cluster_utils import Cluster

        source = fasta(tmp_path / "x.fa", 60_000)
        settings: dict[str, Any] = {"shard": 100, "progress": False, "output": "npy"}
        windows = WindowSettings(length=400, trim=0, place="tiles", stride=20)
        render([source], ["CDN"], tmp_path / "whole", ImageSettings(), windows, engine=HERE, **settings)
        started = tmp_path / "started"
        started.mkdir()
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        try:
            doomed = cluster.add_node(num_cpus=1)
            doomed_id = doomed.node_id
            cluster.wait_for_nodes()
            ray.init(address=cluster.address, log_to_driver=False)
            real = ENGINES["ray"]

            def losing(work: Any, tasks: Any, engine: Any) -> Iterator[Any]:
                """The engine, with a node that is taken away while it has a shard in work."""

                def noting(task: Any) -> Any:
                    node = ray.get_runtime_context().get_node_id()
                    (started / f"{task.number}@{node}").touch()
                    while node == doomed_id:
                        time.sleep(0.1)
                    return work(task)

                def loses() -> None:
                    wait_until(lambda: any(doomed_id in path.name for path in started.iterdir()))
                    cluster.remove_node(doomed, allow_graceful=False)

                thread = threading.Thread(target=loses)
                thread.start()
                yield from real(noting, tasks, engine)
                thread.join()

            with pytest.MonkeyPatch.context() as patched:
                patched.setitem(ENGINES._entries, "ray", losing)
                out = tmp_path / "job"
                render([source], ["CDN"], out, ImageSettings(), windows, engine=EngineSettings("ray"), **settings)
        finally:
            ray.shutdown()
            cluster.shutdown()
        where = [path.name.split("@") for path in started.iterdir() if "@" in path.name]
        assert len({node for _, node in where}) == 2
        assert len(where) > len({number for number, _ in where})  # what the lost node had was done again
        assert tree(tmp_path / "job") == tree(tmp_path / "whole")
        assert verify(tmp_path / "job", progress=False) == len(rows(tmp_path / "whole"))
