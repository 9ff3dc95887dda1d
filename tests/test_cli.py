"""Both command lines as a user meets them: help, exit codes, one line a mistake, restarts, nasty names, full disks."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from classify.__main__ import COMMANDS as CLASSIFY
from classify.__main__ import main as classify
from classify.lines import text_lines
from specgen.__main__ import COMMANDS as SPECGEN
from specgen.__main__ import main as specgen
from specgen.cli import run_command
from specgen.errors import InputError
from specgen.ledger import Ledger
from specgen.png import read_png_metadata

ROOT = Path(__file__).resolve().parents[1]
NASTY = [
    "a/b",
    "../../etc/passwd",
    "..",
    "/absolute",
    "\"quoted\"_'id'",
    "<script>alert(1)</script>",
    "x" * 300,
    "ДНК-配列-Ω",
    ".hidden",
    "-rf",
    "a\\b",
    "$(id)`id`",
    "CON",
    "%s%n{0}",
]


def run(*arguments, cwd=None, stdin=None, limit=120):
    """A finished subprocess ``python -m ...``."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=cwd or ROOT, input=stdin, capture_output=True, text=True, timeout=limit,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
    )  # fmt: skip


def failed_in_one_line(done, match):
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert match in lines[0]
    assert done.stdout == ""


def letters(seed, n=700):
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), n))


def fasta(path, names, n=700):
    path.write_text("".join(f">{name} word\n{letters(i, n)}\n" for i, name in enumerate(names)), encoding="utf-8")
    return path


def quiet(capsys, *arguments, code=0, match="", program="specgen"):
    """A command in this process; the one line of an error, or what was printed."""
    capsys.readouterr()
    assert {"specgen": specgen, "classify": classify}[program]([str(argument) for argument in arguments]) == code
    said = capsys.readouterr()
    if code:
        assert len(said.err.strip().splitlines()) == 1
        assert "Traceback" not in said.err
        assert match in said.err
        assert said.out == ""
        return said.err
    assert said.err == ""
    return said.out


# Starting


@pytest.mark.parametrize("program", ["specgen", "classify"])
def test_no_arguments(program):
    done = run(program)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for verb in SPECGEN if program == "specgen" else CLASSIFY:
        assert verb in done.stdout
    helped = run(program, "--help")
    assert helped.returncode == 0
    assert helped.stdout == done.stdout


@pytest.mark.parametrize(("program", "verbs"), [("specgen", list(SPECGEN)), ("classify", list(CLASSIFY))])
def test_help_of_every_command_without_torch(program, verbs):
    """One process for all of a program's: what one had loaded would still be there after it."""
    heavy = ("torch", "lightning", "torchvision", "scipy", "numba", "sklearn", "matplotlib", "timm", "pandas", "PIL")
    code = (
        "import sys\n"
        f"from {program}.__main__ import main\n"
        f"for verb in {verbs!r}:\n"
        "    try:\n"
        "        main([verb, '--help'])\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, (verb, end.code)\n"
        f"    heavy = [name for name in {heavy!r} if name in sys.modules]\n"
        "    assert not heavy, (verb, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = [line.split()[1:5] for line in done.stdout.splitlines() if line.startswith("usage:")]
    assert told == [["python", "-m", program, verb] for verb in verbs]
    assert done.stderr == ""


def test_help_as_a_module():
    done = run("classify", "train", "--help")
    assert done.returncode == 0
    for option in ("--resume", "--overwrite", "--data.simulate.n", "--training.epochs", "--config"):
        assert option in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["terminated", "interrupted"]
)
def test_a_stopped_command_says_so(number, code, monkeypatch, capsys):
    def command(rest):
        os.kill(os.getpid(), number)
        time.sleep(30)

    monkeypatch.setitem(sys.modules, "made_up.commands.wait", SimpleNamespace(run=command))
    interrupt, terminate = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin deaf to it
    try:
        assert run_command("made_up", {"wait": "waits"}, ["wait"]) == code
        assert signal.getsignal(signal.SIGTERM) == terminate
    finally:
        signal.signal(signal.SIGINT, interrupt)
    assert capsys.readouterr().err == "\nmade_up: stopped\n"


def test_a_fork_of_a_command_dies_of_sigterm_as_others_do(monkeypatch):
    ended = []

    def command(rest):
        ready, begun = os.pipe()
        child = os.fork()
        if not child:
            os.write(begun, b"!")  # what comes in earlier is lost: Python forgets the signals that wait at a fork
            time.sleep(30)
            os._exit(0)
        os.read(ready, 1)
        os.kill(child, signal.SIGTERM)
        ended.append(os.waitpid(child, 0)[1])

    monkeypatch.setitem(sys.modules, "made_up.commands.fork", SimpleNamespace(run=command))
    assert run_command("made_up", {"fork": "forks"}, ["fork"]) == 0
    assert os.WTERMSIG(ended[0]) == signal.SIGTERM


@pytest.mark.parametrize(
    ("program", "wrong", "hint"),
    [
        ("specgen", "rendre", "did you mean 'render'"),
        ("classify", "trian", "did you mean 'train'"),
        ("classify", "zzz", "known: across, app, baselines, cluster"),
    ],
)
def test_unknown_commands(program, wrong, hint):
    failed_in_one_line(run(program, wrong), hint)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["specgen", "render", "none.fa", "--out", "out"], "none.fa: no such file"),
        (["specgen", "render", "bad.fa", "--out", "out"], "letter 'X' at position 5"),
        (["specgen", "render", "good.fa", "--out", "out", "--windows.length", "9000"], "none of 2 records"),
        (["specgen", "render", "good.fa", "--out", "out", "--image.palette", "delta_y"], "did you mean 'delta_z'"),
        (["specgen", "render", "good.fa", "--out", "out", "--image.palete", "x"], "did you mean image.palette"),
        (["specgen", "render", "good.fa", "--out", "out", "--windows.trim", "-1"], "windows.trim: expected at least 0"),
        (["specgen", "render", "good.fa", "--out", "out", "--batch_size", "0"], "batch_size: expected at least 1, got 0"),
        (["specgen", "render", "good.fa", "--out", "x" * 300], f"specgen: {'x' * 300}"),
        (["specgen", "show", "good.fa:none", "--out", "x.png"], "no record is named 'none'"),
        (["specgen", "show", "good.fa", "--out", "x.txt"], "expected a .png, .pdf or .svg file"),
        (["classify", "train", "--training.epochs", "x"], "training.epochs"),
        (["classify", "train", "--runs", "out", "--data.coding", "[a.fa]"], "no noncoding ones"),
        (["classify", "train", "--runs", "out", "--data.coding=[bad.fa]", "--data.noncoding=[good.fa]"], "letter 'X'"),
        (["classify", "train", "--runs", "out", "--data.images", "good.fa"], "no such folder of pictures"),
        (["classify", "train", "--runs", "out", "--model", "conv9"], "did you mean 'conv"),
        (["classify", "predict", "--run", "out", "--input", "good.fa"], "is no run folder"),
        (["classify", "baselines", "--runs", "out", "--only", "[gg]"], "unknown baseline 'gg'"),
        (["classify", "compare", "out"], "out: there is no such run folder"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, monkeypatch, capsys, arguments, match):
    fasta(tmp_path / "good.fa", ["a", "b"])
    (tmp_path / "bad.fa").write_text(">a\nACGTX\n")
    monkeypatch.chdir(tmp_path)
    program, *rest = arguments
    quiet(capsys, *rest, *(["--progress=false"] if rest[0] == "render" else []), code=2, match=match, program=program)
    written = [path for path in tmp_path.rglob("*") if path.suffix in (".png", ".csv", ".yaml", ".ckpt", ".tmp")]
    assert not written


@pytest.mark.parametrize("verb", ["render", "show"])
@pytest.mark.parametrize("equals", [True, False])
@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "none.yaml"),
        (b"image: \xe9\n", "s.yaml: is no YAML ('utf-8' codec can't decode"),
        (b"\xff\xfe", "s.yaml: is no YAML"),
        (b"a: [", "s.yaml: is no YAML"),
        (b"- a\n", "s.yaml: expected a mapping of settings, got list"),
        (b"", "s.yaml: expected a mapping of settings, got NoneType"),
        (b"image: 3\n", "s.yaml: image: expected a mapping of settings, got 3"),
        (b"image:\n  scale: db\n", "s.yaml: image.scale: expected a mapping of settings, got 'db'"),
        (b"image:\n  palete: voss\n", "did you mean image.palette"),
    ],
)  # fmt: skip
def test_settings_files_that_are_none(tmp_path, monkeypatch, capsys, verb, equals, content, match):
    fasta(tmp_path / "x.fa", "a")
    monkeypatch.chdir(tmp_path)
    name = "none.yaml" if content is None else "s.yaml"
    if content is not None:
        Path(name).write_bytes(content)
    config = [f"--config={name}"] if equals else ["--config", name]
    quiet(capsys, verb, "x.fa", "--out", "x.png", *config, code=2, match=match)
    assert not Path("x.png").exists()


def test_a_settings_file_through_a_pipe_or_as_an_option(tmp_path, capsys):
    source, out, pipe = fasta(tmp_path / "x.fa", "a"), tmp_path / "job", tmp_path / "pipe"
    settings = tmp_path / "s.yaml"
    settings.write_bytes(b"\xff")
    render(capsys, out, source, code=2, match="not text in UTF-8", more=["--image", settings])
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", f"echo 'windows: {{length: 500}}' > '{pipe}'"]):
        assert "shorter than 518 nt" in render(capsys, out, source, more=["--config", pipe])


def test_lines_of_standard_input_leave_it_open(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"a\n\nb\n"))))
    assert list(text_lines("-", "a table")) == [(1, "a"), (3, "b")]
    assert not sys.stdin.buffer.closed
    with pytest.raises(InputError, match="is empty"):  # read to its end, and no traceback
        list(text_lines("-", "a table"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(36, "File name too long", "a/b"), "specgen: a/b: File name too long\n"),
        (PermissionError(13, "Permission denied"), "specgen: Permission denied\n"),
        (OSError("truncated\n file"), "specgen: truncated file\n"),
        (TimeoutError(), "specgen: TimeoutError\n"),
        (FileNotFoundError(2, "No such file", "a\nb"), "specgen: a\\nb: No such file\n"),
        (MemoryError("Unable to allocate 3 TiB"), "specgen: out of memory (Unable to allocate 3 TiB)\n"),
    ],
)
def test_what_the_system_refuses_is_one_line(monkeypatch, capsys, error, said):
    def fail(_):
        raise error

    monkeypatch.setattr("specgen.commands.list.run", fail)
    assert quiet(capsys, "list", code=2) == said


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["specgen", "show", "none.fa"], "none.fa: no such file"),
        (["classify", "train", "--sed", "1"], "did you mean seed"),
    ],
)
def test_bad_input_to_a_process(tmp_path, arguments, match):
    failed_in_one_line(run(*arguments, cwd=tmp_path), match)
    assert not list(tmp_path.iterdir())


def test_a_reader_that_goes_away(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "specgen", "list"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    _, said = process.communicate(timeout=120)
    assert said == b""


# render, show, list


def render(capsys, out, *inputs, code=0, match="", more=()):
    return quiet(capsys, "render", *inputs, "--out", out, "--progress", "false", *more, code=code, match=match)


def test_list(capsys):
    said = quiet(capsys, "list")
    for name in ("voss", "delta_z", "hann", "log1p", "weighted", "colormap:<name>"):
        assert name in said


def test_list_of_classify(capsys):
    said = quiet(capsys, "list", program="classify")
    for name in ("coding", "conv7", "inception_v3", "timm:<name>", "kmer6", "codes -> image"):
        assert name in said


def test_render_and_restart(tmp_path, capsys):
    coding, other = fasta(tmp_path / "CDN.fa", "abc"), fasta(tmp_path / "LNSD.fasta", ["x", "y"])
    with other.open("a") as file:
        file.write(">short\nACGT\n")
    out = tmp_path / "job"
    said = render(capsys, out, coding, other)
    assert "5 pictures written, 0 were there, 1 records shorter than 618 nt left out" in said
    pictures = sorted(out.rglob("*.png"))
    assert [path.parent.parent.name for path in pictures] == ["CDN"] * 3 + ["LNSD"] * 2
    with (out / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["record"] for row in rows] == ["a", "b", "c", "x", "y"]
    assert {out / row["file"] for row in rows} == set(pictures)
    for path in pictures:
        with Image.open(path) as picture:
            assert (picture.size, picture.mode) == ((224, 224), "RGB")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in pictures}
    manifest = (out / "manifest.csv").read_bytes()
    for path in pictures[1:3]:
        path.unlink()
    (out / "manifest.csv").unlink()
    assert "3 pictures written, 2 were there" in render(capsys, out, coding, other)
    assert (out / "manifest.csv").read_bytes() == manifest
    for i, path in enumerate(pictures):  # the damaged shard was made anew, the other left alone
        assert path.read_bytes() == before[path][0]
        assert (path.stat().st_mtime_ns == before[path][1]) == (i > 2)
    assert "0 pictures written, 5 were there" in render(capsys, out, coding, other)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (["--image.palette", "colormap:viridis"], 'image.palette was "delta_z", now "colormap:viridis"'),
        (["--windows.length", "500"], "windows.length was 600, now 500"),
        (["--label", "Z"], 'inputs[0].class was "CDN", now "Z"'),
    ],
)
def test_a_job_of_other_settings(tmp_path, capsys, more, match):
    coding, out = fasta(tmp_path / "CDN.fa", "ab"), tmp_path / "job"
    render(capsys, out, coding)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    render(capsys, out, coding, code=2, match=match, more=more)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_a_job_of_other_input_or_a_folder_of_somebody_else(tmp_path, capsys):
    coding, out = fasta(tmp_path / "CDN.fa", "ab"), tmp_path / "job"
    render(capsys, out, coding)
    fasta(coding, "abc")
    render(capsys, out, coding, code=2, match="holds a job of other settings: inputs[0].")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.doc").write_text("mine")
    render(capsys, theirs, coding, code=2, match="is not a folder of this program")
    assert [path.name for path in theirs.iterdir()] == ["thesis.doc"]
    for text in ("{", "[]"):
        (out / "job.json").write_text(text)
        render(capsys, out, coding, code=2, match="job.json: cannot be read")


def test_nasty_names_stay_inside(tmp_path, capsys):
    source, out = fasta(tmp_path / "x.fa", NASTY), tmp_path / "deep" / "er" / "job"
    render(capsys, out, source, more=["--label", "CDN"])
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and out not in path.parents and path != source]
    assert not outside
    pictures = sorted((out / "CDN" / "000000").iterdir())
    assert len(pictures) == len(NASTY) == len(list(out.rglob("*.png")))
    for path, name in zip(pictures, NASTY, strict=True):
        assert path.name.isascii()
        assert len(path.name) < 120
        assert not set(path.name) & set("/\\\"'<>$`% (){}")
        assert not path.name.startswith((".", "-"))
        assert read_png_metadata(path)["record"] == name
    with (out / "manifest.csv").open(encoding="utf-8") as file:
        assert [row["record"] for row in csv.DictReader(file)] == NASTY


@pytest.mark.parametrize("label", ["a/b", "..", ".", "", "ü", "a b", "x" * 100])
def test_labels_that_are_no_folder(tmp_path, capsys, label):
    source = fasta(tmp_path / "x.fa", "a")
    render(capsys, tmp_path / "out", source, code=2, match="cannot be a folder name", more=[f"--label={label}"])
    assert not (tmp_path / "out").exists()


def test_as_many_labels_as_files(tmp_path, capsys):
    source = fasta(tmp_path / "x.fa", "a")
    render(
        capsys,
        tmp_path / "out",
        source,
        code=2,
        match="expected one for each of the 1 files, got 2",
        more=["--label", "a", "b"],
    )


def test_render_from_standard_input(tmp_path, monkeypatch, capsys):
    source = fasta(tmp_path / "x.fa", "ab")
    with source.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        render(capsys, tmp_path / "job", "-", more=["--label", "CDN", "--engine.workers", "1"])
    assert len(list((tmp_path / "job" / "CDN").rglob("*.png"))) == 2


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_show(tmp_path, capsys, suffix):
    source, out = fasta(tmp_path / "x.fa", ["one", "two"]), tmp_path / "sub" / f"x.{suffix}"
    said = quiet(capsys, "show", f"{source}:two", "--start", "20", "--length", "400", "--out", out)
    assert "two, letters 21 to 420" in said
    assert out.read_bytes()[:5] in (b"\x89PNG\r", b"%PDF-", b"<?xml")
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("n", [400, 600])
def test_show_literal_letters(tmp_path, capsys, n):
    text, out = letters(0, n), tmp_path / "x.png"
    assert f"{text[:12]}..., letters 1 to {n}" in quiet(capsys, "show", text, "--out", out)
    assert out.is_file()
    quiet(capsys, "show", f"{text}:1", "--out", out, code=2, match="no such file")


def test_show_refuses_what_does_not_fit(tmp_path, capsys):
    source, out = fasta(tmp_path / "x.fa", ["one"]), tmp_path / "x.png"
    quiet(
        capsys, "show", source, "--start", "500", "--out", out, code=2, match="expected at least start + length = 1100"
    )
    quiet(capsys, "show", source, "--length", "100", "--out", out, code=2, match="fewer than the spectrogram window")
    quiet(capsys, "show", tmp_path / "none.fa", "--out", out, code=2, match="no such file")
    quiet(capsys, "show", source, "--length", "-5", "--out", out, code=2, match="-5 nt")
    assert not out.exists()


def test_windows_leave_out_the_trimmed_ends(tmp_path, capsys):
    source, out = tmp_path / "x.fa", tmp_path / "job"
    # 617 nt is one too few, 618 has one place, 720 has 103 (9 to 111).
    source.write_text(f">few\n{letters(0, 617)}\n>one\n{letters(1, 618)}\n>more\n{letters(2, 720)}\n")
    for place, starts in (("centre", [9, 60]), ("tiles", [9, 9, 111]), ("random", [9, None])):
        said = render(capsys, out / place, source, more=["--windows.place", place])
        assert f"{len(starts)} pictures written, 0 were there, 1 records shorter than 618 nt left out" in said
        with (out / place / "manifest.csv").open() as file:
            found = [int(row["start"]) for row in csv.DictReader(file)]
        assert all(start == wanted or wanted is None for start, wanted in zip(found, starts, strict=True))
        assert all(9 <= start <= 111 for start in found)
    render(capsys, out / "none", source, more=["--windows.trim", "0"])
    cut = tmp_path / "cut" / "x.fa"
    cut.parent.mkdir()
    cut.write_text(f">few\nA\n>one\n{letters(1, 618)[9:-9]}\n>more\n{letters(2, 720)[9:-9]}\n")
    render(capsys, out / "cut", cut, more=["--windows.trim", "0", "--windows.place", "random"])
    pixels = [
        [np.asarray(Image.open(path)) for path in sorted((out / name).rglob("*.png"))] for name in ("random", "cut")
    ]
    assert all((a == b).all() for a, b in zip(*pixels, strict=True))
    long = ["--windows.length", "710"]
    render(capsys, out / "long", source, code=2, more=long, match="728 nt needed (window 710 + 2 x trim 9)")


def test_a_failed_start_leaves_nothing(tmp_path, capsys):
    source, out = tmp_path / "x.fa", tmp_path / "deep" / "job"
    for bad, match in (
        (">p\nMEFILPQ\n", "a protein sequence?"),
        (">s\nACGT\n", "none of 1 records"),
        ("", "no records"),
    ):
        source.write_text(bad)
        render(capsys, out, source, code=2, match=match)
        assert [path.name for path in tmp_path.iterdir()] == ["x.fa"]
    out.mkdir(parents=True)
    render(capsys, out, source, code=2, match="no records")
    assert not list(out.iterdir())
    fasta(source, "ab")
    assert "2 pictures written" in render(capsys, out, source)


def test_a_first_picture_that_cannot_be_written_leaves_nothing(tmp_path, capsys, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    source, out = fasta(tmp_path / "x.fa", "ab"), tmp_path / "deep" / "job"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        render(capsys, out, source, code=2, match="No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["x.fa"]
    assert "2 pictures written" in render(capsys, out, source)


def test_a_fault_anywhere_in_the_input_is_met_first(tmp_path, capsys):
    source, out = fasta(tmp_path / "x.fa", "ab"), tmp_path / "job"
    source.write_text(source.read_text() + ">p\nMEFILPQ\n")
    render(capsys, out, source, code=2, match="a protein sequence?", more=["--shard", "1"])
    assert not out.exists()


def test_a_stream_that_failed_later_goes_on(tmp_path, capsys, monkeypatch):
    """What can be read only once is rendered as it comes, and compared by its letters when it comes again."""
    good, out = fasta(tmp_path / "x.fa", "abc").read_bytes(), tmp_path / "job"

    def stdin(data):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))

    more = ["--shard", "1", "--engine.workers", "1"]
    stdin(good + b">p\nMEFILPQ\n")
    render(capsys, out, "-", code=2, match="standard input: record 'p': letter 'E'", more=more)
    assert len(list(out.rglob("*.png"))) == 3
    assert not (out / "manifest.csv").exists()
    stdin(fasta(tmp_path / "y.fa", "bca").read_bytes())
    render(capsys, out, "-", code=2, match="holds pictures of other letters than shard 0", more=more)
    stdin(good)
    assert "0 pictures written, 3 were there" in render(capsys, out, "-", more=more)
    assert (out / "manifest.csv").exists()


# Places that cannot be written


def test_below_a_file(tmp_path, capsys):
    source = fasta(tmp_path / "x.fa", "a")
    render(capsys, source / "out", source, code=2, match="cannot be written")
    render(capsys, source, source, code=2, match="is not a folder of this program")
    quiet(capsys, "show", source, "--out", source / "x.png", code=2, match="cannot be written")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_for_standard_output():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "specgen", "list"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )  # fmt: skip
    assert done.returncode != 0
    assert "No space left" in done.stderr


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 300 KB."""
    place = tmp_path / "small"
    place.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)], capture_output=True)
    except OSError as error:
        pytest.skip(f"cannot mount a small tmpfs ({error})")
    if done.returncode:
        pytest.skip(f"cannot mount a small tmpfs ({done.stderr.decode().strip()})")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_while_rendering(full_disk, tmp_path, capsys):
    source, out = fasta(tmp_path / "x.fa", "abcdefghijkl"), full_disk / "job"
    render(capsys, out, source, code=2, match="No space left on device")
    assert not (out / "manifest.csv").exists()
    assert not out.exists()  # its one shard was not finished
    render(capsys, out, source, code=2, match="No space left on device", more=["--shard", "2"])
    whole = list(out.rglob("*.png"))
    assert whole
    assert not len(whole) % 2
    for path in whole:
        with Image.open(path) as picture:
            picture.load()
    # A worker may have placed a shard for whose record there was no room: that one is made again.
    recorded = sum(entry.windows for entry in Ledger(out).read().values())
    assert recorded <= len(whole)
    subprocess.run(["mount", "-o", "remount,size=4m", str(full_disk)], check=True)
    assert f"{12 - recorded} pictures written, {recorded} were there" in render(
        capsys, out, source, more=["--shard", "2", "--engine.workers", "1"]
    )
    subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
    render(capsys, full_disk / "other", source, code=2, match="Read-only file system")
    assert quiet(capsys, "render", "--out", out, "--progress", "false", "--verify").startswith(f"{out}: complete")


# SIGKILL


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_weights(tmp_path):
    common = [
        "classify", "train", "--model", "conv3", "--data.simulate.n", "30", "--data.simulate.max_length", "900",
        "--data.split.test_fraction", "0.25", "--data.split.val_fraction", "0.25", "--training.batch_size", "8",
        "--training.epochs", "3", "--training.threads", "1", "--training.progress", "false",
        "--training.precision", "32-true", "--training.test_tiles", "1",
    ]  # fmt: skip
    whole = run(*common, "--runs", tmp_path / "whole", limit=900)
    assert whole.returncode == 0, whole.stderr
    killed = tmp_path / "killed" / "coding" / "conv3" / "default"
    process = subprocess.Popen(
        [sys.executable, "-m", *common, "--runs", str(tmp_path / "killed")],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not (killed / "checkpoints" / "last.ckpt").exists():
            assert process.poll() is None, "ended before it could be killed"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (killed / "INCOMPLETE").is_file()
    assert not (killed / "model.safetensors").exists()
    done = run("classify", "train", "--config", killed / "config.yaml", "--resume", limit=900)
    assert done.returncode == 0, done.stderr
    reference = tmp_path / "whole" / "coding" / "conv3" / "default"
    for name in ("model.safetensors", "predictions.csv"):
        assert (killed / name).read_bytes() == (reference / name).read_bytes()
    assert not (killed / "INCOMPLETE").exists()
    assert json.loads((killed / "metrics.json").read_text())["metrics"]["accuracy"]["value"] is not None
