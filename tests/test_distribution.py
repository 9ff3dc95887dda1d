"""What is built and handed out: files of a wheel, versions told alike, and a laboratory's first hour with the wheel alone."""

import csv
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
import yaml

import specgen
from classify.__main__ import main
from classify.shipped import FOLDERS, shipped_folder

ROOT = Path(__file__).resolve().parents[1]
WINDOW, CONTIG = 600, 660
CUT = 9
"""nt that prediction takes off both ends of a record, as training does."""

LEFT_OUT = shutil.ignore_patterns(".*", "runs", "build", "dist", "*.egg-info", "__pycache__", "demo")


def finished(*command, cwd, limit=1800, **environment):
    """What a command said; it has to end well. Nothing of this process's own surroundings helps it along."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SPECGEN", "VIRTUAL_ENV"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env={**kept, "OMP_NUM_THREADS": "1", **environment}, capture_output=True,
        text=True, timeout=limit,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def uv(*arguments, cwd):
    beside = Path(sys.executable).with_name("uv")
    return finished(beside if beside.exists() else "uv", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder of the sdist, and the wheel that was built from it: the tests lie in the tree, and must not get in."""
    tree, out = tmp_path_factory.mktemp("tree") / "specgen", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
    # With the setuptools that is here: nothing is fetched.
    uv("build", "--no-build-isolation", "--python", sys.executable, "--out-dir", out, tree, cwd=out)
    return out


@pytest.fixture(scope="module")
def wheel(built):
    [path] = built.glob("*.whl")
    return path


@pytest.mark.slow
def test_files_of_the_wheel(wheel):
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    kept = [path for package in ("specgen", "classify") for path in (ROOT / package).rglob("*")]
    wanted = {path.relative_to(ROOT).as_posix() for path in kept if path.suffix in (".py", ".j2", ".js", ".typed")}
    shipped = [path for name in FOLDERS for path in (ROOT / name).rglob("*.yaml")]
    assert shipped
    assert found == wanted | {f"classify/_shipped/{path.relative_to(ROOT).as_posix()}" for path in shipped}
    assert {"specgen/py.typed", "classify/py.typed"} < found


@pytest.mark.slow
def test_examples_are_in_the_sdist_alone(built, wheel):
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        found = {name.split("/", 1)[1] for name in archive.getnames() if "/examples/" in name}
    assert found == {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*.py")}
    assert not any("examples/" in name for name in zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_scripts_of_the_wheel_are_named_as_nobody_elses(wheel):
    archive = zipfile.ZipFile(wheel)
    [name] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    scripts = ConfigParser()
    scripts.read_string(archive.read(name).decode())
    assert dict(scripts["console_scripts"]) == {
        "specgen": "specgen.__main__:main", "specgen-classify": "classify.__main__:main"
    }  # fmt: skip


def test_versions_are_told_alike():
    newest = re.search(
        r"^## (\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert newest
    assert newest[1] == specgen.__version__
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == specgen.__version__
    assert {"cff-version", "message", "title", "authors", "license"} <= set(cited)


def test_the_build_ships_what_the_package_looks_for():
    found = re.search(r"^FOLDERS = (.*)$", (ROOT / "setup.py").read_text(), re.M)
    assert found
    assert found[1].replace("'", '"') == str(FOLDERS).replace("'", '"')
    for name in FOLDERS:
        assert shipped_folder(name) == ROOT / name
    with pytest.raises(ValueError, match="reports: expected one of configs, data"):
        shipped_folder("reports")


def test_python_versions_are_told_alike():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    least = setup["options"]["python_requires"].removeprefix(">=")
    assert f"Programming Language :: Python :: {least}" in setup["metadata"]["classifiers"]
    text = (ROOT / "pyproject.toml").read_text()
    assert f'python_version = "{least}"' in text
    assert f'target-version = "py{least.replace(".", "")}"' in text


class TestConfigs:
    def test_are_written_as_they_are_and_named(self, tmp_path, capsys):
        out = tmp_path / "configs"
        assert main(["configs", "--out", str(out)]) == 0
        files = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        source = ROOT / "configs"
        assert files == {path.relative_to(source): path.read_bytes() for path in source.rglob("*.yaml")}
        assert main(["configs", "--out", str(out)]) == 0  # again: nothing differs
        capsys.readouterr()
        assert main(["configs"]) == 0
        assert {Path(line.split()[0]) for line in capsys.readouterr().out.splitlines()} == set(files)

    @pytest.mark.parametrize(
        ("which", "number"),
        [("coding/demo", 1), ("configs/coding/demo.yaml", 1), ("motifs/", None), ("language", None)],
    )
    def test_some(self, tmp_path, which, number):
        assert main(["configs", which, "--out", str(tmp_path)]) == 0
        found = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.yaml")}
        folder = which.strip("/")
        wanted = {path.relative_to(ROOT / "configs") for path in (ROOT / "configs" / folder).rglob("*.yaml")}
        assert found == wanted if number is None else found == {Path("coding/demo.yaml")}

    def test_a_changed_file_is_kept_and_nothing_else_written(self, tmp_path, capsys):
        (tmp_path / "coding").mkdir()
        (tmp_path / "coding" / "demo.yaml").write_text("mine: 1\n")
        assert main(["configs", "coding", "--out", str(tmp_path)]) == 2
        assert "demo.yaml: is there already and says something else" in capsys.readouterr().err
        assert [path.name for path in tmp_path.rglob("*.yaml")] == ["demo.yaml"]

    def test_unknown(self, tmp_path, capsys):
        assert main(["configs", "codng", "--out", str(tmp_path)]) == 2
        assert "no shipped settings file or folder 'codng'; did you mean 'coding'" in capsys.readouterr().err

    def test_a_shipped_file_that_is_not_here_is_told(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert main(["train", "--config", "configs/coding/demo.yaml"]) == 2
        assert "it comes with the package: `python -m classify configs --out configs`" in capsys.readouterr().err
        assert main(["train", "--config", "configs/coding/none.yaml"]) == 2
        assert "comes with the package" not in capsys.readouterr().err


SCORE = """
import csv, sys
import numpy as np, onnxruntime
letters = open(sys.argv[1]).read().split()[1::2]
onehot = np.array([[[float(base == letter) for letter in text] for base in "ACGT"] for text in letters], np.float32)
session = onnxruntime.InferenceSession(sys.argv[2], providers=["CPUExecutionProvider"])
out = csv.writer(sys.stdout, lineterminator="\\n")
out.writerows(session.run(["probabilities"], {session.get_inputs()[0].name: onehot})[0].tolist())
"""
CONSUMER = """
from specgen.sequences import decode, encode
text: str = decode(encode("ACGT"))
wrong: int = decode(encode("ACGT"))
"""


@pytest.mark.slow
def test_the_wheel_alone_trains_scans_and_exports(wheel, tmp_path):
    """In an empty folder: scan, prediction and ONNX agree on the same windows; the bigWig by a reader of another origin."""
    bigtools = pytest.importorskip("pybigtools")
    home, venv = tmp_path / "lab", tmp_path / "venv"
    home.mkdir()
    uv("venv", "--python", sys.executable, venv, cwd=tmp_path)
    uv("pip", "install", "--python", venv, "-c", ROOT / "constraints.txt", f"{wheel}[export]", cwd=tmp_path)
    programs = venv / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    places = finished(python, "-c", "import specgen, classify; print(specgen.__file__, classify.__file__)", cwd=home)
    assert all(place.startswith(str(venv)) for place in places.split())

    def classify(*arguments):
        return finished(programs / "specgen-classify", *arguments, cwd=home)

    assert "ensembl_human" in classify("list")
    assert "voss" in finished(programs / "specgen", "list", cwd=home)
    classify("configs", "--out", "configs")
    few = [
        "--data.simulate.n",
        "40",
        "--training.epochs",
        "1",
        "--training.progress",
        "false",
        "--training.threads",
        "1",
    ]
    few += ["--training.precision", "32-true"]  # bf16 would differ by more than what is asked for
    classify("train", "--config", "configs/coding/demo.yaml", *few)
    run = home / "runs" / "coding" / "inception" / "demo"
    assert (run / "report.html").stat().st_size > 10_000

    text = "".join(np.random.default_rng(1).choice(list("ACGT"), CONTIG))
    reach = WINDOW // 2 + CUT
    middles = range(reach, CONTIG - reach + 1)
    (home / "contig.fa").write_text(f">ctg\n{text}\n")
    for name, length in (("records.fa", reach), ("windows.fa", WINDOW // 2)):
        (home / name).write_text("".join(f">{i}\n{text[i - length : i + length]}\n" for i in middles))
    tracks = ["--out", "scan", "--strands", "+", "--floor", "0", "--progress", "false"]
    classify("scan", "--run", run, "--genome", "contig.fa", *tracks)
    classify("predict", "--run", run, "--input", "records.fa", "--out", "windows.csv")
    classify("export", "--run", run, "--out", "model.onnx")
    (home / "score.py").write_text(SCORE)
    told = finished(python, "score.py", "windows.fa", "model.onnx", cwd=home)
    graph = np.array([list(map(float, line.split(","))) for line in told.split()])
    with (home / "windows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    predicted = np.array([[float(value) for value in list(row.values())[-2:]] for row in rows])
    assert graph.shape == predicted.shape == (len(middles), 2)
    np.testing.assert_allclose(graph, predicted, atol=1e-4)
    assert np.ptp(graph[:, 1]) > 0

    track = bigtools.open(str(home / "scan.plus.bw"))
    assert track.chroms() == {"ctg": CONTIG}
    values = np.asarray(track.values("ctg"))
    # Tracks hold three decimals, so that equal neighbours are one run.
    np.testing.assert_allclose(values[middles.start : middles.stop], graph[:, 1], atol=5e-4 + 1e-4)
    assert len(values) == CONTIG


@pytest.mark.slow
def test_types_of_the_installed_packages_reach_who_imports_them(wheel, tmp_path):
    uv("venv", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    uv("pip", "install", "--python", tmp_path / "venv", "--no-deps", wheel, cwd=tmp_path)
    uv("pip", "install", "--python", tmp_path / "venv", "-c", ROOT / "constraints.txt", "numpy", cwd=tmp_path)
    (tmp_path / "consumer.py").write_text(CONSUMER)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "consumer.py"],
        cwd=tmp_path, capture_output=True, text=True, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1, done.stdout
    assert errors[0].startswith("consumer.py:4: error: Incompatible types in assignment")
