"""Measurements of attributions with planted answers, and ``python -m classify explain`` from end to end."""

import json

import numpy as np
import pytest
from PIL import Image
from torch import nn
from toy import SMALL, fasta, one_line, rows_of

from classify.__main__ import main
from classify.interpretation.figures import smoothed
from classify.interpretation.measures import (
    edge_windows,
    interval,
    kept_curve,
    ranked_blocks,
    record_curves,
    shares,
    shuffled_shares,
    summarise,
)
from classify.interpretation.settings import MeasureSettings
from classify.interpretation.sites import read_cds
from classify.models import register_model
from specgen.errors import InputError
from specgen.sequences import decode, encode
from specgen.simulate import simulate

# Shares


def test_shares_of_planted_attributions():
    inside = np.repeat([False, True, False], [10, 20, 30])
    assert shares(inside * 1.0, inside) == {"absolute": 1.0, "positive": 1.0}
    assert shares(np.ones(60), inside)["absolute"] == pytest.approx(20 / 60)
    signed = np.where(inside, 1.0, -1.0)
    assert shares(signed, inside) == {"absolute": pytest.approx(20 / 60), "positive": 1.0}
    assert shares(-signed, inside) == {"absolute": pytest.approx(20 / 60), "positive": 0.0}
    assert np.isnan(shares(np.full(60, -1.0), inside)["positive"])
    assert np.isnan(shares(np.zeros(60), inside)["absolute"])


def test_shuffled_attributions_are_where_letters_are():
    inside = np.arange(600) < 150
    planted = inside * 1.0
    found = shuffled_shares(planted, inside, 300, np.random.default_rng(0))
    for null in ("permuted", "rotated"):
        assert found[null]["absolute"] == pytest.approx(0.25, abs=0.03), null


def row(letters, inside, rng, curves=None):
    x = np.linspace(0, 1, 3)
    return {
        "letters": inside.mean(),
        "shares": shares(letters, inside),
        "null": {**shuffled_shares(letters, inside, 50, rng), "control": shares(np.ones(len(inside)), inside)},
        "x": x,
        "curves": curves or {name: np.zeros((1, 3)) for name in ("insertion", "deletion", "random")},
    }


def test_planted_attributions_are_enriched_as_planted():
    rng = np.random.default_rng(0)
    inside = np.arange(600) < 200
    uniform_inside = [row(inside * rng.random(600), inside, rng) for _ in range(20)]
    body = summarise(uniform_inside, MeasureSettings())
    for kind in ("absolute", "positive"):
        assert body["enrichment"][kind]["attribution"]["value"] == pytest.approx(3)
        assert body["enrichment"][kind]["control"]["value"] == pytest.approx(1)
        null = body["enrichment"][kind]["permuted"]
        assert null["low"] < null["value"] < null["high"]
        assert null["value"] == pytest.approx(1, abs=0.05)
    everywhere = summarise([row(rng.normal(size=600), inside, rng) for _ in range(50)], MeasureSettings())
    entry = everywhere["enrichment"]["positive"]["attribution"]
    assert entry["low"] < 1 < entry["high"]
    assert entry["n"] == 50


def test_curves_are_averaged_in_both_units():
    curves = {
        "insertion": np.array([[0.0, 2.0, 2.0]]),
        "deletion": np.array([[2.0, 0.0, 0.0]]),
        "random": np.array([[0.0, 0.0, 2.0], [0.0, 2.0, 2.0]]),
    }
    inside = np.arange(60) < 20
    one = row(np.ones(60), inside, np.random.default_rng(0), curves)
    area = summarise([one, one], MeasureSettings())["area"]
    assert area["log_odds"]["insertion"]["value"] == pytest.approx(1.5)
    assert area["log_odds"]["deletion"]["value"] == pytest.approx(0.5)
    assert area["log_odds"]["random"]["value"] == pytest.approx(1.0)
    assert area["log_odds"]["insertion_above_random"]["value"] == pytest.approx(0.5)
    assert area["log_odds"]["deletion_below_random"]["value"] == pytest.approx(0.5)
    p = 1 / (1 + np.exp(-2))
    of_random = np.mean([np.trapezoid([0.5, middle, p], [0, 0.5, 1]) for middle in (0.5, p)])
    assert area["probability"]["random"]["value"] == pytest.approx(of_random)
    assert area["share_of_whole"] == {"insertion": 0.75, "deletion": 0.25, "random": 0.5}


def test_nothing_called_gives_nothing():
    body = summarise([], MeasureSettings())
    assert body["area"] == {}
    assert body["enrichment"]["absolute"]["attribution"]["n"] == 0


def test_intervals():
    values = np.random.default_rng(0).normal(5, 1, 400)
    found = interval(np.append(values, np.nan), 2000, 0)
    assert found["value"] == values.mean()
    assert found["n"] == 400
    error = values.std() / 20
    assert found["low"] == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert found["high"] == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)
    assert interval(np.array([2.0]), 10, 0)["value"] == 2
    assert np.isnan(interval(np.array([2.0]), 10, 0)["low"])


# Curves


def known_letters(codes):
    """Letters that are not N, the first ten counting ten times."""
    return ((codes != 15) * np.where(np.arange(codes.shape[1]) < 10, 10.0, 1.0)).sum(axis=1)


def test_blocks_are_ranked_by_their_mean():
    letters = np.array([0, 0, 3, 3, 1, 1, 5.0])  # the last block is a single letter
    assert ranked_blocks(letters, 2).tolist() == [3, 1, 2, 0]
    assert ranked_blocks(np.zeros(6), 3).tolist() == [0, 1]


def test_a_curve_by_hand():
    codes = encode("ACGT" * 5)
    x, curve = kept_curve(known_letters, codes, np.array([1, 0]), 10, 2)
    assert x.tolist() == [0, 0.5, 1]
    assert curve.tolist() == [0, 10, 110]
    x, curve = kept_curve(known_letters, codes, np.array([2, 0, 1]), 8, 3)  # blocks of 8, 8 and 4
    assert x.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert curve.tolist() == [0, 4, 84, 110]


def test_insertion_rises_and_deletion_falls_sooner_than_by_chance():
    codes = encode("ACGT" * 10)
    weights = np.where(np.arange(40) < 10, 10.0, 1.0)
    settings = MeasureSettings(block=5, points=8, orders=3)
    x, curves = record_curves(known_letters, codes, weights, settings, np.random.default_rng(0))
    assert {name: values.shape for name, values in curves.items()} == {
        "insertion": (1, 9), "deletion": (1, 9), "random": (3, 9),
    }  # fmt: skip
    assert curves["insertion"][0].tolist() == [0, 50, 100, 105, 110, 115, 120, 125, 130]
    assert curves["deletion"][0].tolist() == [130, 80, 30, 25, 20, 15, 10, 5, 0]
    area = {name: np.trapezoid(values, x).mean() for name, values in curves.items()}
    assert area["deletion"] < area["random"] < area["insertion"]


@pytest.mark.parametrize("points", [3, 7, 20, 100])
def test_what_is_kept_and_what_is_deleted_lie_on_one_axis(points):
    x, _ = kept_curve(known_letters, encode("A" * 53), np.arange(11), 5, points)
    np.testing.assert_allclose(x, 1 - x[::-1])


# Windows


def test_windows_hold_one_end_of_a_cds():
    settings = MeasureSettings()
    windows = list(edge_windows(4, 600, settings, trim=9))
    assert len(windows) == 4
    drawn = simulate(settings.simulation(200, 600))
    records = {}
    while len(records) < 4:
        record = next(drawn)
        if record.name in {window.name for window in windows}:
            records[record.name] = record
    for number, window in enumerate(windows):
        record, (begin, end) = records[window.name], window.cds
        assert decode(window.codes) == decode(record.codes)[window.start : window.start + 600]
        assert window.start >= 9
        assert window.start + 600 <= len(record.codes) - 9
        expected = [record.cds[0] <= window.start + i < record.cds[1] for i in range(600)]
        assert window.inside.tolist() == expected
        assert 150 <= end - begin <= 270
        assert (end == 600) == (number % 2 == 0)
        if end == 600:
            assert decode(window.codes[begin : begin + 3]) == "ATG"
        else:
            assert decode(window.codes[end - 3 : end]) in ("TAA", "TAG", "TGA")
        assert len(window.control) == 600
        assert (window.control != window.codes).mean() > 0.5


def test_transcripts_without_such_windows():
    with pytest.raises(InputError, match="measure: only 0 of 1 windows in 50 transcripts"):
        list(edge_windows(1, 600, MeasureSettings(shortest=1, longest=1)))


# Drawing


def test_smoothing_is_a_mean_of_what_there_is():
    assert smoothed(np.array([3.0, 0, 0, 3, 0]), 3).tolist() == [1.5, 1, 1, 1, 1.5]
    assert smoothed(np.ones(4), 33).tolist() == [1, 1, 1, 1]


# The command


@register_model("toy_letters_test", view="onehot", note="only in tests")
def toy_letters(outputs: int = 2) -> nn.Module:
    """A network of letters."""
    return nn.Sequential(nn.Conv1d(4, 4, 6), nn.ReLU(), nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(8, outputs))


@pytest.fixture(scope="module")
def of_letters(tmp_path_factory):
    runs = tmp_path_factory.mktemp("letters")
    options = ["--model", "toy_letters_test", "--runs", str(runs), "--training.epochs", "1"]
    assert main(["train", *SMALL, *options]) == 0
    return runs / "coding" / "toy_letters_test" / "default"


NAMES = ["a", "../../etc/passwd", "$x$<script>alert(1)</script>", "short", "ДНК"]


@pytest.fixture
def source(tmp_path):
    rng = np.random.default_rng(0)
    records = [(name, "".join(rng.choice(list("ACGT"), 100 if name == "short" else 700))) for name in NAMES]
    (tmp_path / "in.fa").write_text(fasta(records), encoding="utf-8")
    return tmp_path / "in.fa"


def explain(run, out, *more):
    fixed = ["--attribution.steps", "8", "--attribution.limit", "64", "--progress", "false"]
    return main(["explain", "--run", str(run), "--out", str(out), *fixed, *map(str, more)])


def test_records_of_a_file_are_explained(base, source, tmp_path, capsys):
    out = tmp_path / "out"
    (tmp_path / "cds.bed").write_text("# known\na\t60\t300\tx\n")
    assert explain(base, out, "--input", source, "--cds", tmp_path / "cds.bed", "--most", 4) == 0
    said = capsys.readouterr().out
    assert "4 records explained (--most 4), 0 attributions not complete; 1 records before them shorter" in said
    assert "of 4 longer ones the window in the middle alone; predict tells the mean" in said
    numbered = {f"{i:04d}{end}" for i in range(1, 5) for end in (".png", ".json", ".csv", "_gradcam.npy")}
    assert {path.name for path in out.iterdir()} == numbered | {"explain.json"}
    body = json.loads((out / "explain.json").read_text(encoding="utf-8"))
    assert [record["record"] for record in body["records"]] == [name for name in NAMES if name != "short"]
    assert (body["layer"], body["target"], body["methods"]) == ("layers.0", "CDN", ["gradcam", "ig"])
    letters = dict(zip(NAMES, source.read_text(encoding="utf-8").split("\n")[1::2], strict=True))
    for record in body["records"]:
        stem = f"{record['number']:04d}"
        assert json.loads((out / f"{stem}.json").read_text(encoding="utf-8")) == record
        rows = rows_of(out / f"{stem}.csv")
        assert [int(line["position"]) for line in rows] == list(range(50, 650))  # the centre, and 9 nt are cut off
        assert "".join(line["letter"] for line in rows) == letters[record["record"]][50:650]
        total = sum(float(line["attribution"]) for line in rows)
        assert total == pytest.approx(record["ig"]["log_odds"] - record["ig"]["reference"], rel=0.02, abs=1e-4)
        p = record["probabilities"]["CDN"]
        assert record["ig"]["log_odds"] == pytest.approx(np.log(p / (1 - p)), abs=1e-4)
        cam = np.load(out / f"{stem}_gradcam.npy", allow_pickle=False)
        assert cam.shape == (224, 224)
        assert cam.min() >= 0
        with Image.open(out / f"{stem}.png") as picture:
            assert min(picture.size) > 500
    assert body["records"][0]["cds"] == [60, 300]
    assert body["records"][1]["cds"] is None


def test_one_method_alone(base, source, tmp_path):
    assert explain(base, tmp_path / "out", "--input", source, "--most", 1, "--method", "gradcam") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "0001.png", "0001.json", "0001_gradcam.npy", "explain.json",
    }  # fmt: skip


def test_a_model_of_letters_is_explained_by_the_same_command(of_letters, source, tmp_path, capsys):
    assert explain(of_letters, tmp_path / "out", "--input", source, "--most", 1) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"0001.png", "0001.json", "0001.csv", "explain.json"}
    assert explain(of_letters, tmp_path / "no", "--input", source, "--method", "ig,gradcam") == 2
    one_line(capsys, "reads letters and no pictures")


@pytest.mark.parametrize("which", ["base", "of_letters"])
def test_measures_on_simulated_transcripts(which, request, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--simulated", 2, "--measure.points", 5, "--measure.orders", 1, "--measure.block", 30]
    targets = {}
    for target in ("LNSD", "CDN"):
        options += ["--attribution.target", target, "--most", int(target == "CDN")]
        assert explain(request.getfixturevalue(which), out / target, *options) == 0
        body = targets[target] = json.loads((out / target / "measures.json").read_text())
        assert body["windows"] == 2
        assert f"{body['called']} of 2 windows called {target}" in capsys.readouterr().out
        rows = rows_of(out / target / "measures.csv")
        assert sum(line["called"] == "1" for line in rows) == body["called"] == sum(bool(r["steps"]) for r in rows)
    assert {path.name for path in (out / "LNSD").iterdir()} == {f"measures.{end}" for end in ("json", "csv", "png")}
    assert json.loads((out / "CDN" / "0001.json").read_text())["cds"]
    # Two classes: every window is called one of them, and their log-odds are opposite.
    assert targets["LNSD"]["called"] + targets["CDN"]["called"] == 2
    found = next(body for body in targets.values() if body["called"])
    assert found["simulation"]["min_length"] == 1500
    assert set(found["enrichment"]["positive"]) == {"attribution", "permuted", "rotated", "control"}
    called = [line for line in rows_of(out / found["target"] / "measures.csv") if line["called"] == "1"]
    mean = np.mean([float(line["enrichment_absolute"]) for line in called])
    assert found["enrichment"]["absolute"]["attribution"]["value"] == pytest.approx(mean, rel=1e-4)
    assert len(found["curves"]["x"]) == 6


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ([], "expected one of --input FILE and --simulated N"),
        (["--input", "SOURCE", "--simulated", 3], "expected one of --input FILE and --simulated N"),
        (["--simulated", -1], "expected whole numbers above 0"),
        (["--input", "SOURCE", "--most", 0], "expected whole numbers above 0"),
        (["--simulated", 3, "--method", "ig"], "are for --input"),
        (["--input", "SOURCE", "--method", "gradcamp"], "unknown method 'gradcamp'; did you mean 'gradcam'"),
        (["--input", "SOURCE", "--attribution.layer", "layers.9"], "unknown layer 'layers.9'"),
        (["--input", "SOURCE", "--attribution.target", "CND"], "did you mean 'CDN'"),
        (["--input", "SOURCE", "--attribution.reference", "zero"], "unknown attribution.reference 'zero'"),
        (["--input", "SOURCE", "--cds", "nowhere.bed"], "nowhere.bed: no such file"),
        (
            ["--input", "SOURCE", "--cds", "OTHER"],
            "the BED file names none of the records that are drawn: zz there, a, ",
        ),
        (["--input", "nowhere.fa"], "nowhere.fa: no such file"),
        (["--input", "SHORT"], "short.fa: all 2 records are shorter than the 618 nt of a window"),
        (["--simulated", 1, "--measure.shortest", 1, "--measure.longest", 1], "only 0 of 1 windows"),
        (["--input", "SOURCE", "--out", "FULL"], "holds something already"),
        (["--input", "SOURCE", "--run", "nowhere"], "nowhere: is no run folder"),
    ],
)
def test_mistakes(base, source, tmp_path, capsys, options, match):
    (tmp_path / "other.bed").write_text("zz\t1\t9\n")
    (tmp_path / "short.fa").write_text(">a\nACGT\n>b\nAC\n")
    known = {"OTHER": tmp_path / "other.bed", "SHORT": tmp_path / "short.fa"}
    places = {"SOURCE": source, "FULL": tmp_path, **known}
    assert explain(base, tmp_path / "out", *(places.get(option, option) for option in options)) == 2
    one_line(capsys, match)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("line", ["a 1 2", "a\t1", "a\tx\t2", "a\t5\t5", "a\t-1\t5"])
def test_known_cds_that_are_none(tmp_path, line):
    (tmp_path / "cds.bed").write_text(f"track name=x\n{line}\n")
    with pytest.raises(InputError, match=r"cds\.bed: line 2: expected"):
        read_cds(str(tmp_path / "cds.bed"))
