"""Baselines: each feature against a naive count or Fourier transform, and a whole baseline run on simulated data."""

import csv
import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from classify.__main__ import main
from classify.baseline_fit import evaluate_baseline, fit_baseline
from classify.baselines import BASELINES, kmer_frequencies
from classify.coding_potential import fickett, hexamer_score, hexamer_tables, rotation_table
from classify.datasets import TileDataset, TrainDataset
from classify.examples import Examples
from classify.fitted import load_baseline
from classify.runs import RunFolder
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


def some_records():
    """Two classes with one record each of 90 nt; both labels and letters as a task hands them over."""
    rng = np.random.default_rng(1)
    return Examples(
        ("LNSD", "CDN"), ["a", "b"], np.array([0, 1]), ["a", "b"], ["", ""], np.array([90, 90]),
        np.array(["train", "train"]), sequences=[rng.choice(np.array([1, 2, 4, 8], dtype=np.uint8), 90) for _ in "ab"],
    )  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 5, 8, 60])
def test_every_baseline_is_finite_and_one_row_a_window(size):
    rng = np.random.default_rng(0)
    windows = rng.choice(np.array([1, 2, 4, 8, 15], dtype=np.uint8), (3, size))
    for name in BASELINES:
        state = BASELINES[name].state(some_records(), 0)
        assert json.loads(json.dumps(state)) == state
        values = BASELINES[name](windows, np.array([60, 61, 62]), state)
        assert values.ndim == 2
        assert len(values) == 3
        assert np.isfinite(values).all(), name
        assert BASELINES[name].note


def test_tables_are_of_the_right_class_and_frame():
    noncoding, coding = some_records().sequences
    tables = BASELINES["hexamer"].state(some_records(), 2)["hexamers"]
    assert tables == hexamer_tables([coding], [noncoding], 2)
    assert tables != hexamer_tables([noncoding], [coding], 2)
    assert BASELINES["spectral_rotation"].state(some_records(), 2)["phases"] == rotation_table([coding], 2)


def test_orf_and_cpat_features():
    text = "CCATGCCCCCCTGACC"  # 16 nt; 2 + ATG CCC CCC TGA + 2
    assert features("orf", text).tolist() == pytest.approx([5, 15 / 16, 12, 12 / 16])  # 5 codons in the first frame
    assert features("fickett", text)[0] == fickett(encode(text)[None])[0]
    state = BASELINES["cpat"].state(some_records(), 0)
    window, lengths = encode(text)[None], np.array([1000])
    hexamer = hexamer_score(window, state["hexamers"])[0]
    cpat = BASELINES["cpat"](window, lengths, state)[0]
    assert cpat.tolist() == pytest.approx([15, 15 / 16, fickett(window)[0], hexamer])
    assert BASELINES["cpat_length"](window, lengths, state)[0].tolist() == pytest.approx([*cpat, np.log(1000)])
    # Nothing of the whole record, but in the baseline that says so.
    assert BASELINES["cpat"](window, np.array([16]), state)[0].tolist() == cpat.tolist()


@pytest.mark.parametrize("trim", range(5))
def test_the_task_says_where_codons_begin(trim):
    text = "ATGCCCGGGAAATTTCCCGGGAAATTTTAA"
    task = TASKS["coding"](CodingSettings(trim=trim))
    left = decode(task.prepare(encode(text)))[task.frame :]
    whole = [text[i : i + 3] for i in range(0, len(text), 3)]
    assert left[:3] in whole
    assert left[:12] in text
    assert text.index(left[:12]) % 3 == 0
    assert text.index(left[:12]) - trim < 3  # and no codon is lost


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
    assert names >= {
        "config.yaml",
        "environment.json",
        "metrics.json",
        "model.json",
        "predictions.csv",
        "report.html",
        "split.csv",
    }
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
    def mean_gc(part, tiles):
        return np.array([
            np.mean([
                np.mean([letter in "GC" for letter in decode(part.sequences[i][start : start + 300])])
                for start in tiles.starts[tiles.rows == i]
            ])
            for i in range(len(part))
        ])  # fmt: skip

    chance = np.array([float(row["p_CDN"]) for row in rows])
    sign = np.sign(weights["coefficients"][0][0])
    assert (np.diff(sign * chance[np.argsort(mean_gc(test, tiles))]) >= -2e-6).all()
    # What validation said of it is told as networks tell it.
    val = examples.part("val")
    told = json.loads((folder / "metrics.json").read_text())["training"]
    assert set(told) == {"val_loss", "val_accuracy", "val_auroc"}
    validated = sign * mean_gc(val, TileDataset(val, settings.training.val_tiles))
    assert told["val_auroc"] == pytest.approx(roc_auc_score(val.labels, validated))
    body = evaluate_baseline(dataclasses.replace(settings, model="gc"), RunFolder(folder), examples)
    assert body["training"] == told


def test_baselines_read_no_pictures(settings, tmp_path):
    pictures = Examples(
        ("LNSD", "CDN"), ["a"], np.array([0]), ["a"], [""], np.zeros(1, np.int64), np.array(["test"]),
        pictures=[(tmp_path / "a.png", -1)],
    )  # fmt: skip
    with pytest.raises(InputError, match="baseline 'gc' reads letters, which cannot be made from pictures"):
        fit_baseline("gc", dataclasses.replace(settings, runs=str(tmp_path / "runs")), pictures)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["cpat_length", "spectral_rotation"])
def test_what_is_stored_scores_as_what_was_fitted(settings, examples, name):
    fit_baseline(name, settings, examples)
    chosen = dataclasses.replace(settings, model=name)
    run = RunFolder(chosen.folder)
    before = run.predictions.read_bytes(), run.baseline.read_bytes()
    evaluate_baseline(chosen, run, examples)
    assert run.predictions.read_bytes() == before[0]
    body = json.loads(before[1])
    # By hand from the file: standardise, weigh, average over tiles.
    test = examples.part("test")
    tiles = TileDataset(test, settings.training.test_tiles)
    windows, _, rows = (column.numpy() for column in tiles.__getitems__(range(len(tiles))))
    values = BASELINES[name](windows, test.lengths[rows], body["state"])
    odds = (values - body["mean"]) / body["scale"] @ np.array(body["coefficients"][0]) + body["intercept"][0]
    mean = np.bincount(rows, odds) / np.bincount(rows)
    with run.predictions.open() as file:
        chance = [float(line["p_CDN"]) for line in csv.DictReader(file)]
    assert chance == pytest.approx((1 / (1 + np.exp(-mean))).tolist(), rel=1e-4, abs=1e-6)
    # The very same file from the same command.
    fit_baseline(name, settings, examples)
    assert run.baseline.read_bytes() == before[1]


def test_counts_of_one_kind_keep_their_scale(settings, examples):
    fit_baseline("kmer6_rc", settings, examples)
    body = RunFolder(dataclasses.replace(settings, model="kmer6_rc").folder).read_json("model.json")
    train = examples.part("train")
    crops = np.concatenate([
        TrainDataset(train, settings.seed).__getitems__(epoch * len(train) + np.arange(len(train)))[0].numpy()
        for epoch in range(5)
    ])  # fmt: skip
    values = BASELINES["kmer6_rc"].features(crops, np.full(len(crops), 300))
    assert len(set(body["scale"])) == 1
    # Balanced epochs leave some crops out, so this is near and not equal.
    assert body["scale"][0] == pytest.approx(np.sqrt(values.var(axis=0).mean()), rel=0.01)
    fit_baseline("kmer3", settings, examples)
    other = RunFolder(dataclasses.replace(settings, model="kmer3").folder).read_json("model.json")
    assert len(set(other["scale"])) == 84


def test_only_training_records_make_the_tables(settings, examples):
    fit_baseline("hexamer", settings, examples)
    run = RunFolder(dataclasses.replace(settings, model="hexamer").folder)
    train = examples.part("train")
    parts = [[s for s, y in zip(train.sequences, train.labels, strict=True) if y == label] for label in (1, 0)]
    assert run.read_json("model.json")["state"]["hexamers"] == hexamer_tables(
        *parts, 0
    )  # nine letters are three codons


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda body: body.pop("scale"), "does not hold the fitted baseline 'orf'"),
        (lambda body: body.update(mean=[1.0]), "expected 4 finite coefficients"),
        (lambda body: body.update(mean=[0.0] * 3, scale=[1.0] * 3, coefficients=[[1.0] * 3]), "expected 4 finite"),
        (lambda body: body.update(intercept=[None]), "does not hold"),
        (lambda body: body.update(mean=[None, 1, 1, 1]), "expected 4 finite coefficients"),
        (lambda body: body.update(coefficients=[]), "does not hold"),
        (lambda body: body.update(scale=10**400), "cannot be read .a number of 401 digits"),
    ],
)
def test_a_damaged_baseline(tmp_path, change, message):
    run = RunFolder(tmp_path)
    body = {"mean": [0.0] * 4, "scale": [1.0] * 4, "coefficients": [[1.0] * 4], "intercept": [0.5], "penalty": 1}
    run.write_json("model.json", body := {**body, "state": {}})
    assert load_baseline(run, "orf").body() == body
    change(body)
    run.write_json("model.json", body)
    with pytest.raises(InputError, match=message) as caught:
        load_baseline(run, "orf")
    assert "\n" not in str(caught.value)


def test_nothing_is_fitted_to_test_data(settings, tmp_path):
    data = dataclasses.replace(settings.data, split=settings.data.split.all_test())
    everything = TASKS["coding"](data).load()
    assert set(everything.split) == {"test"}
    with pytest.raises(InputError, match=r"data\.split: no train examples to fit anything to"):
        fit_baseline("gc", dataclasses.replace(settings, data=data, runs=str(tmp_path / "runs")), everything)
    assert not (tmp_path / "runs").exists()


def test_unknown_baseline(settings, examples):
    with pytest.raises(UnknownName, match=r"unknown baseline 'kmer4'; did you mean 'kmer[36]'"):
        fit_baseline("kmer4", settings, examples)


def test_baselines_of_other_data_are_kept(tmp_path, capsys):
    words = ["baselines", "--only", "gc", "--runs", str(tmp_path), "--data.simulate.n", "60", "--data.length", "300"]
    assert main(words) == 0
    assert "note: no files were given; these are 120 simulated transcripts" in capsys.readouterr().out
    folder = tmp_path / "coding" / "gc" / "default"
    before = (folder / "metrics.json").read_bytes()
    assert main([*words, "--data.simulate.seed", "1"]) == 2
    said = capsys.readouterr().err
    assert f"{folder}: holds a run of other data: data.simulate.seed was 0, now 1; --name NAME makes another" in said
    assert (folder / "metrics.json").read_bytes() == before
    assert main([*words, "--training.test_tiles", "2"]) == 0  # the same data: fitted again, as before
    assert main([*words, "--data.simulate.seed", "1", "--overwrite"]) == 0
    assert (folder / "metrics.json").read_bytes() != before
