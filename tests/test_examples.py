"""``examples/``: each script runs in an empty folder, leaves and prints what it says; its numbers, by other means."""

import ast
import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
PNG = b"\x89PNG\r\n\x1a\n"


def run(name, *arguments, cwd, code=0, **environment):
    """What a script printed, from a folder where nothing else is."""
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=cwd, env=surroundings, capture_output=True, text=True, timeout=900)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def loaded(name):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_each_says_what_it_shows_and_has_a_test_and_a_place_in_the_documentation(script):
    told = ast.get_docstring(ast.parse(script.read_text()))
    assert "\nExpect " in told
    assert f"\n    python examples/{script.name} --out " in told
    assert f'run("{script.stem}", ' in Path(__file__).read_text()
    for page in ("README.md", "docs/examples.md"):
        assert script.name in (ROOT / page).read_text(), page


def test_draw_a_sequence(tmp_path):
    told = run("draw_a_sequence", "--out", "pictures.png", cwd=tmp_path)
    assert left(tmp_path) == ["pictures.png"]
    assert (tmp_path / "pictures.png").read_bytes().startswith(PNG)
    found = {
        name: (float(a), float(b)) for name, a, b in re.findall(r"^  (\w+) +([\d.]+) +shuffled +([\d.]+)$", told, re.M)
    }
    assert list(found) == ["voss", "delta_z", "eiip", "complex_2"]
    assert all(kept > 1.5 * shuffled for kept, shuffled in found.values())
    assert found["voss"] == found["delta_z"]


def test_period_three(tmp_path):
    told = run("period_three", "--n", "100", "--out", "roc.png", cwd=tmp_path)
    assert left(tmp_path) == ["roc.png"]
    assert (tmp_path / "roc.png").read_bytes().startswith(PNG)
    script = loaded("period_three")
    codes, labels, _ = script.windows(100)
    spectra = np.abs(np.fft.fft([[codes[i] == code for code in (1, 2, 4, 8)] for i in range(len(codes))])) ** 2
    power = spectra.sum(1)[:, 1:301]  # up to 1/2 cycles/base, without the constant
    naive = power[:, 199] / np.delete(power, 199, axis=1).mean(1)
    assert script.period_three(codes) == pytest.approx(naive, rel=1e-3)
    gc = np.isin(codes, (2, 4)).mean(1)
    for name, score in (("period 3", naive), ("GC content", gc)):
        assert f"{name:10}  AUROC {roc_auc_score(labels, score):.3f} [" in told
    assert roc_auc_score(labels, naive) > 0.85
    assert abs(roc_auc_score(labels, gc) - 0.5) < 0.1


def test_own_representation(tmp_path):
    told = run("own_representation", "--out", "own.png", cwd=tmp_path)
    assert left(tmp_path) == ["own.png"]
    assert (tmp_path / "own.png").read_bytes().startswith(PNG)
    coding, other = map(float, re.findall(r"^  (?:non-)?coding +([\d.]+)$", told, re.M))
    assert coding > 1.5 * other


@pytest.mark.slow
def test_own_representation_is_a_plug_in(tmp_path):
    (tmp_path / "plugins").mkdir()
    shutil.copy(ROOT / "examples" / "own_representation.py", tmp_path / "plugins")
    options = ["--image.representation", "bonds_and_rings", "--image.palette", "colormap:viridis"]
    subprocess.run(
        [sys.executable, "-m", "specgen", "show", "ACGGTC" * 100, *options], cwd=tmp_path, check=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SPECGEN_PLUGINS": "plugins"},
    )  # fmt: skip
    assert (tmp_path / "show.png").read_bytes().startswith(PNG)


@pytest.mark.slow
def test_cross_validate_estimator(tmp_path):
    told = run("cross_validate_estimator", "--out", "scores.csv", cwd=tmp_path)
    assert left(tmp_path) == ["scores.csv"]
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    means = {}
    for name in dict.fromkeys(row["model"] for row in rows):
        scores = [float(row["auroc"]) for row in rows if row["model"] == name]
        assert len(scores) == 3
        means[name] = np.mean(scores)
        assert f"  {name:38} AUROC {means[name]:.3f} " in told
    network, apart, blind = means.values()
    assert min(network, apart) > 0.8
    assert blind > apart + 0.02  # copies on both sides
    texts, labels, groups = loaded("cross_validate_estimator").families(5)
    assert (np.unique(groups, return_counts=True)[1] == 3).all()
    assert all(len(set(labels[groups == group])) == 1 for group in groups)
    copies = [np.array([list(text) for text in texts[groups == group]]) for group in np.unique(groups)]
    alike = np.mean([(one[0] == one[1]).mean() for one in copies])
    assert alike == pytest.approx(
        (1 - 0.075) ** 2 + 0.075**2 / 3, abs=0.03
    )  # a quarter of the new letters is the old one


@pytest.mark.slow
def test_score_with_a_trained_run(tmp_path):
    told = run("score_with_a_trained_run", "--out", "scored", cwd=tmp_path)
    out = tmp_path / "scored"
    assert left(tmp_path) == ["scored"]
    assert left(out) == ["runs", "transcripts.fa", "windows.csv", "windows.png"]
    assert (out / "windows.png").read_bytes().startswith(PNG)
    inside, outside = map(float, re.findall(r"([\d.]+) in \d+", told))
    assert inside > outside + 0.1
    with (out / "windows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)} windows of 6 records" in told
    # A window as a record of its own, by the command.
    place = out / "runs" / "coding" / "kmer_resnet" / "example"
    letters = dict(zip(*[iter((out / "transcripts.fa").read_text().split())] * 2, strict=True))
    chosen = rows[7]
    window = letters[f">{chosen['record']}"][int(chosen["start"]) : int(chosen["end"])]
    assert len(window) == 300
    (tmp_path / "one.fa").write_text(
        f">one\nAAAAAAAAA{window}AAAAAAAAA\n"
    )  # prediction cuts nine letters off both ends
    from classify.__main__ import main

    assert (
        main(["predict", "--run", str(place), "--input", str(tmp_path / "one.fa"), "--out", str(tmp_path / "p.csv")])
        == 0
    )
    with (tmp_path / "p.csv").open(newline="") as file:
        [predicted] = csv.DictReader(file)
    assert float(predicted["p_CDN"]) == pytest.approx(
        float(chosen["p_CDN"]), abs=0.02
    )  # bf16 in batches of other sizes

    # The same run on a file that is given; then on one that has nothing long enough, which leaves no table.
    run(
        "score_with_a_trained_run",
        "--run",
        str(place),
        "--input",
        str(tmp_path / "one.fa"),
        "--out",
        "again",
        cwd=tmp_path,
    )
    assert left(tmp_path / "again") == ["windows.csv", "windows.png"]
    (tmp_path / "short.fa").write_text(">short\nACGT\n")
    arguments = ("--run", str(place), "--input", "short.fa", "--out", "none")
    error = run("score_with_a_trained_run", *arguments, cwd=tmp_path, code=2)
    assert error == "score_with_a_trained_run.py: short.fa: expected a record of at least 300 nt, got none\n"
    assert not (tmp_path / "none").exists()
