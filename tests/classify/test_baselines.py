"""Baselines: each feature against a naive count or Fourier transform, and a whole baseline run on simulated data."""

import csv
import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.baseline_fit import fit_baseline
from classify.baselines import BASELINES, kmer_frequencies
from classify.settings import RunSettings, TrainingSettings
from classify.tasks import TASKS
from classify.tasks.coding import CodingSettings
from specgen.errors import InputError, UnknownName
from specgen.sequences import decode, encode
from specgen.simulate import SimulationSettings

letters = st.text("ACGT", min_size=12, max_size=90)
ambiguous = st.text("ACGTN", min_size=8, max_size=40)


def features(name, text, length=0):
    return BASELINES[name].features(encode(text)[None], np.array([length or len(text)]))[0]


def powers(text):
    """Voss power P(k), k = 0 .. n-1, of the multiple-of-3 part of a text, by the definition of the DFT."""
    n = len(text) // 3 * 3
    wave = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    rows = np.array([[letter == base for letter in text[:n]] for base in "ACGT"], dtype=float)
    return (np.abs(rows @ wave) ** 2).sum(0)


@given(letters)
def test_period3_is_the_signal_to_noise_of_the_naive_dft(text):
    power = powers(text)
    n = len(power)
    # Both powers are divided by n and 1e-3 is added, so that a text of one letter has a value.
    expected = np.log((power[n // 3] / n + 1e-3) / (power[1:].mean() / n + 1e-3))
    assert features("period3_snr", text)[0] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_period3_of_a_steady_frame_and_of_nothing():
    rng = np.random.default_rng(0)
    coding = "".join("GC"[rng.random() < 0.5] + "".join(rng.choice(list("ACGT"), 2)) for _ in range(200))
    assert features("period3_snr", coding)[0] > np.log(4)
    random = ["".join(rng.choice(list("ACGT"), 600)) for _ in range(300)]
    values = np.exp([features("period3_snr", text)[0] for text in random])
    # Gamma(3, 1/3) has mean 1; its standard error over 300 draws is 0.033.
    assert values.mean() == pytest.approx(1, abs=0.15)
    assert np.isfinite(features("period3_snr", "A" * 600)).all()
    assert np.isfinite(features("period3_snr", "N" * 600)).all()


@given(ambiguous, st.integers(1, 3))
def test_kmers_against_naive_counting(text, k):
    names = ["".join(word) for word in itertools.product("ACGT", repeat=k)]
    words = [text[i : i + k] for i in range(len(text) - k + 1)]
    clean = [word for word in words if set(word) <= set("ACGT")]
    expected = [clean.count(name) / max(len(clean), 1) for name in names]
    assert kmer_frequencies(encode(text)[None], k)[0].tolist() == pytest.approx(expected)


@given(st.lists(st.text("ACGTN", min_size=9, max_size=9), min_size=1, max_size=5))
def test_kmers_of_a_batch_are_those_of_its_rows(texts):
    windows = np.stack([encode(text) for text in texts])
    alone = np.concatenate([kmer_frequencies(row[None], 2) for row in windows])
    assert kmer_frequencies(windows, 2) == pytest.approx(alone)


def test_kmer_baselines():
    text = "ACGTTGCANNACGGAT"
    one = features("kmer3", text)
    assert one.shape == (84,)
    assert one[:4] == pytest.approx([text.count(base) / 14 for base in "ACGT"])
    assert features("kmer6", text).shape == (4096,)
    assert features("kmer6", "AAAAAAC")[[0, 1]] == pytest.approx([0.5, 0.5])


@given(st.text("ACGTNSWRYKMBDHV", min_size=1, max_size=30))
def test_gc(text):
    share = {"G": 1, "C": 1, "A": 0, "T": 0, "S": 1, "W": 0, "B": 2 / 3, "D": 1 / 3, "H": 1 / 3, "V": 2 / 3}
    expected = sum(share.get(letter, 0.5) for letter in text) / len(text)
    assert features("gc", text)[0] == pytest.approx(expected, abs=1e-6)


def test_lengths():
    windows = np.ones((4, 5), dtype=np.uint8)
    lengths = np.array([0, 1, 602, 600])
    assert BASELINES["length"].features(windows, lengths)[:, 0] == pytest.approx(np.log([1, 1, 602, 600]))
    assert BASELINES["length_mod3"].features(windows, lengths).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_every_baseline_is_finite_and_one_row_a_window():
    rng = np.random.default_rng(0)
    windows = rng.choice(np.array([1, 2, 4, 8, 15], dtype=np.uint8), (3, 60))
    for name in BASELINES:
        values = BASELINES[name].features(windows, np.array([60, 61, 62]))
        assert values.ndim == 2
        assert len(values) == 3
        assert np.isfinite(values).all()
        assert BASELINES[name].note


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    data = CodingSettings(simulate=SimulationSettings(n=100, min_length=330, max_length=400), length=300)
    folder = str(tmp_path_factory.mktemp("runs"))
    return RunSettings(data=data, runs=folder, name="tiny", training=TrainingSettings(progress=False))


@pytest.fixture(scope="module")
def examples(settings):
    return TASKS["coding"](settings.data).load()


def test_a_baseline_run_is_a_finished_run(settings, examples):
    body = fit_baseline("kmer3", settings, examples)
    folder = dataclasses.replace(settings, model="kmer3").folder
    assert folder.parts[-3:] == ("coding", "kmer3", "tiny")
    names = {path.name for path in folder.iterdir()}
    assert names >= {"config.yaml", "environment.json", "metrics.json", "model.json", "predictions.csv", "report.html"}
    assert "INCOMPLETE" not in names
    stored = json.loads((folder / "metrics.json").read_text())
    assert stored["metrics"]["accuracy"]["value"] == body["metrics"]["accuracy"]["value"]
    assert stored["model"] == "kmer3"
    assert stored["cost"]["parameters"] == 85
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    test = examples.part("test")
    assert [row["id"] for row in rows] == test.ids
    right = np.mean([row["label"] == row["predicted"] for row in rows])
    assert stored["metrics"]["accuracy"]["value"] == pytest.approx(right)
    again = dataclasses.replace(settings, name="again")
    fit_baseline("kmer3", again, examples)
    other = dataclasses.replace(again, model="kmer3").folder / "predictions.csv"
    assert other.read_bytes() == (folder / "predictions.csv").read_bytes()


def test_a_baseline_scores_the_tiles_that_networks_score(settings, examples):
    from classify.datasets import TileDataset

    fit_baseline("gc", settings, examples)
    folder = dataclasses.replace(settings, model="gc").folder
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    test = examples.part("test")
    tiles = TileDataset(test, settings.training.test_tiles)
    assert [int(row["tiles"]) for row in rows] == np.bincount(tiles.rows).tolist()
    weights = json.loads((folder / "model.json").read_text())
    assert len(weights["coefficients"][0]) == 1
    # One feature: the mean decision of a record is monotone in the mean GC of its tiles.
    mean = [
        np.mean([
            np.mean([letter in "GC" for letter in decode(test.sequences[i][start : start + 300])])
            for start in tiles.starts[tiles.rows == i]
        ])
        for i in range(len(test))
    ]  # fmt: skip
    chance = np.array([float(row["p_CDN"]) for row in rows])
    sign = np.sign(weights["coefficients"][0][0])
    assert (np.diff(sign * chance[np.argsort(mean)]) >= -2e-6).all()


def test_baselines_read_no_pictures(settings, tmp_path):
    from classify.examples import Examples

    pictures = Examples(
        ("LNSD", "CDN"), ["a"], np.array([0]), ["a"], [""], np.zeros(1, np.int64), np.array(["test"]),
        pictures=[(tmp_path / "a.png", -1)],
    )  # fmt: skip
    with pytest.raises(InputError, match="baseline 'gc' reads letters, which cannot be made from pictures"):
        fit_baseline("gc", dataclasses.replace(settings, runs=str(tmp_path / "runs")), pictures)
    assert not (tmp_path / "runs").exists()


def test_unknown_baseline(settings, examples):
    with pytest.raises(UnknownName, match=r"unknown baseline 'kmer4'; did you mean 'kmer[36]'"):
        fit_baseline("kmer4", settings, examples)
