"""Every command that writes, where it is stopped, where the machine has too little, and where somebody else does the same."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hardships import (
    Command,
    Done,
    Trouble,
    begin,
    commands_on,
    ended,
    faults_of_refusal,
    faults_of_repeat,
    faults_of_stop,
    faults_of_two,
    run,
    wait,
)  # fmt: skip

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX")

EVERY = list(commands_on(Path()))
QUICK = ("prepare", "render npy", "scan", "effects")
"""Commands that take a tenth of a second beside their start."""
AT = {
    "train": 12,
    "across": 30,
    "evaluate": 3,
    "baselines": 12,
    "explain": 2,
    "dashboard": 4,
    "motifs": 6,
    "export hub": 6,
    "sweep": 40,
}
"""Moments of longer ones that come early."""
Known = Callable[[str], tuple[Path, Done]]


def marked(names: list[str], quick: tuple[str, ...] = QUICK) -> list[object]:
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def moments(done: Done, number: int) -> list[int]:
    """So many of a command's, evenly."""
    count = len(done.moments)
    return sorted({1 + round((count - 1) * i / (number - 1)) for i in range(number)})


# Stopped


@pytest.mark.parametrize("name", marked(EVERY))
def test_terminated_and_called_again(commands: dict[str, Command], known: Known, tmp_path: Path, name: str) -> None:
    whole, done = known(name)
    assert not faults_of_stop(commands[name], tmp_path / "x", signal.SIGTERM, 1 + len(done.moments) // 2, whole)


@pytest.mark.parametrize(
    "name",
    ["train", "export hub", *(pytest.param(n, marks=pytest.mark.slow) for n in AT if n not in ("train", "export hub"))],
)
def test_terminated_early(commands: dict[str, Command], tmp_path: Path, name: str) -> None:
    """Of what takes longer: one line, and nothing half-written."""
    assert not faults_of_stop(commands[name], tmp_path / "x", signal.SIGTERM, AT[name], None)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.parametrize("name", EVERY)
def test_stopped_at_many_moments(
    commands: dict[str, Command], known: Known, tmp_path: Path, name: str, number: signal.Signals
) -> None:
    whole, done = known(name)
    for at in moments(done, 7):
        faults = faults_of_stop(commands[name], tmp_path / str(at), number, at, whole)
        assert not faults, (done.moments[at - 1], faults)


# Too little


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a file system of so many bytes, or a mounted one larger."""
    place = tmp_path / "small"
    place.mkdir()
    mounted: list[int] = []

    def sized(size: int) -> Path:
        how = f"remount,size={size}" if mounted else f"size={size}"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(place)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"cannot mount a small tmpfs ({done.stderr.strip()})")
        mounted.append(size)
        return place

    if shutil.which("mount") is None:
        pytest.skip("cannot mount a small tmpfs")
    yield sized
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


def pages_of(paths: Iterable[Path]) -> int:
    """Pages of a tmpfs that files take; folders take none."""
    return sum(-(-path.stat().st_size // 4096) for path in paths if path.is_file())


def pages_needed(command: Command, whole: Path) -> int:
    """Pages beside those of what a call was given: of all files that it adds, or of the largest that it replaces."""
    given = {
        whole / name / old.relative_to(source): old
        for source, name in command.copied
        for old in Path(source).rglob("*")
    }
    replaced = [path for path, old in given.items() if path.stat().st_mtime_ns != old.stat().st_mtime_ns]
    return pages_of(set(whole.rglob("*")) - given.keys()) or max(pages_of([path]) for path in replaced)


@pytest.mark.parametrize("share", [0.6, *(pytest.param(x, marks=pytest.mark.slow) for x in (0.1, 0.9))])
@pytest.mark.parametrize("name", marked(EVERY, ("scan",)))
def test_a_full_disk(
    commands: dict[str, Command], known: Known, disk: Callable[[int], Path], name: str, share: float
) -> None:
    """Refused in one line; where there is room again the same command ends as it should have."""
    command, (whole, _) = commands[name], known(name)
    before = sum(pages_of(Path(source).rglob("*")) for source, _ in command.copied)
    place = disk(4096 * (before + max(1, int(share * pages_needed(command, whole)))))
    for source, copy in command.copied:
        shutil.copytree(source, place / copy)
    match = "of which the disk has" if name == "prepare" else "No space left on device"
    assert not faults_of_refusal(command, place, whole, Trouble(), match)
    disk(1 << 28)
    assert not faults_of_repeat(command, place, whole)


@pytest.mark.parametrize("short", ["Too many open files", "out of memory", "File too large"])
@pytest.mark.parametrize("name", marked(EVERY, ("prepare", "scan")))
def test_the_system_refuses(commands: dict[str, Command], known: Known, tmp_path: Path, name: str, short: str) -> None:
    """As it does in the middle of a command, or of its largest file: that is a full disk with another reason."""
    command, (whole, done) = commands[name], known(name)
    middle = 1 + len(done.moments) // 2
    most = max(path.stat().st_size for path in whole.rglob("*") if path.is_file()) // 2
    trouble = {
        "Too many open files": Trouble(at=middle, act=no_handles),
        "out of memory": Trouble(at=middle, act=no_memory),
        "File too large": Trouble(limits=((resource.RLIMIT_FSIZE, most),)),
    }[short]
    assert not faults_of_refusal(command, tmp_path / "x", whole, trouble, short)
    assert not faults_of_repeat(command, tmp_path / "x", whole)


def no_handles() -> None:
    most = max(int(name) for name in os.listdir("/proc/self/fd"))
    for low in range(3, most):  # those below are free to be taken, or the limit would come later
        try:
            os.fstat(low)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def no_memory() -> None:
    raise MemoryError("Unable to allocate 3.64 TiB for an array with shape (1000000, 1000000) and data type float32")


# Somebody else


@pytest.mark.parametrize("name", marked(EVERY, ("prepare", "scan")))
def test_two_at_once(commands: dict[str, Command], known: Known, tmp_path: Path, name: str) -> None:
    """One is held while the other does all of its work, or is refused: what is there in the end is one's, and whole."""
    whole, done = known(name)
    assert not faults_of_two(commands[name], tmp_path / "x", whole, max(1, len(done.moments) // 2))


def test_two_trainings_at_once(commands: dict[str, Command], tmp_path: Path) -> None:
    """The second is told so, whatever it was asked for, before it has read anything."""
    place, go = tmp_path / "x", tmp_path / "go"
    first = begin(commands["train"], place, Trouble(signal.SIGTERM, at=12, act=partial(wait, f"{go}.reached", str(go))))
    wait("", f"{go}.reached")
    for more in ((), ("--overwrite",), ("--resume",)):
        done = run(commands["train"], place, more=more)
        assert done.code == 2
        assert done.err.endswith("runs/coding/deepbind_small/default: another process is at work in this folder\n")
    go.touch()
    assert ended(*first).code == 143
    assert not list(place.rglob(".lock"))


# Links


@pytest.mark.parametrize("name", marked(EVERY, ("effects",)))
def test_links_in_the_place_of_results(commands: dict[str, Command], known: Known, tmp_path: Path, name: str) -> None:
    """What a link at a result's name points to is never written through: the link is replaced."""
    command, (whole, _) = commands[name], known(name)
    if command.copied or name.startswith(
        ("render", "configs", "simulate", "export hub", "train", "baselines", "sweep", "ensemble")
    ):
        pytest.skip("refuses a folder that holds something")
    place, victim = tmp_path / "x", tmp_path / "victim"
    place.mkdir()
    victim.write_text("mine")
    for path in (path for path in whole.rglob("*") if path.is_file()):
        link = place / path.relative_to(whole)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(victim)
    done = run(command, place)
    assert done.code in (0, 2), done.err
    assert victim.read_text() == "mine"
    if not done.code:
        assert not [path for path in place.rglob("*") if path.is_symlink()]
