"""Comparison of made-up runs: seeds in one row, intervals and tests of hand-made numbers, names that are not trusted."""

import json
import math

import numpy as np
import pytest
from made_up import make_run
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score
from test_reporting import Page, charts
from toy import one_line, rows_of

from classify.__main__ import main
from classify.comparison import compare
from classify.metrics import bootstrap_draws, classification_metrics
from classify.paired import Resampling, binned, score, versus
from classify.reporting import comparison_figures, overlays
from classify.reporting.contenders import contenders, pick
from classify.reporting.finished import read_finished
from classify.settings import RunSettings
from classify.significance import delong_test
from specgen.errors import InputError

FEW = Resampling(resamples=60)
NASTY = '<script>alert("x")</script>'


def made_up(seed, strength, n=60):
    """Labels (n,), alike for every seed, and probabilities (n,) that follow them with some strength."""
    labels = np.random.default_rng(99).integers(2, size=n)
    z = np.random.default_rng(seed).normal(size=n) + strength * (labels - 0.5)
    return labels, 1 / (1 + np.exp(-z))


def rows(tmp_path, *folders, per_run=False):
    return contenders([read_finished(folder) for folder in folders], per_run=per_run)


@pytest.fixture
def two_models(tmp_path):
    """Three seeds of a good model and one run of a poor one; genes of two records."""
    groups = [f"gene{i // 2}" for i in range(60)]
    good = [make_run(tmp_path / f"good{s}", *made_up(s, 3), model="good", seed=s, groups=groups) for s in range(3)]
    return [*good, make_run(tmp_path / "poor", *made_up(7, 0.5), model="poor", groups=groups)]


# Rows


def test_a_row_is_a_model_with_its_settings_whatever_its_seed_name_and_threads(tmp_path):
    data = made_up(0, 1)
    same = [make_run(tmp_path / "a" / f"s{s}", *data, seed=s) for s in (2, 0, 1)]
    wider = make_run(tmp_path / "wide", *data, settings={"optimiser": {"lr": 0.1}})
    narrow = make_run(tmp_path / "narrow", *data, settings={"optimiser": {"lr": 0.2}})
    grouped = rows(tmp_path, *same)
    assert [(row.label, [run.seed for run in row.runs]) for row in grouped] == [("conv3", [0, 1, 2])]
    assert [row.label for row in rows(tmp_path, wider, narrow)] == ["conv3 (lr 0.1)", "conv3 (lr 0.2)"]
    assert [row.label for row in rows(tmp_path, *same, per_run=True)] == ["conv3 s2", "conv3 s0", "conv3 s1"]


def test_a_setting_that_an_earlier_version_had_not_counts_as_its_default(tmp_path):
    data, default = made_up(0, 1), RunSettings().training.both_strands
    older = make_run(tmp_path / "older", *data, seed=0)
    same, other = (
        make_run(tmp_path / name, *data, seed=1, settings={"training": {"epochs": 3, "both_strands": value}})
        for name, value in (("same", default), ("other", not default))
    )
    assert len(rows(tmp_path, older, same)) == 1
    assert len(rows(tmp_path, older, other)) == 2


def test_runs_on_other_examples_are_other_rows_with_other_labels(tmp_path):
    labels, chances = made_up(0, 1)
    here = make_run(tmp_path / "here", labels, chances)
    there = make_run(tmp_path / "here2" / "here", labels, chances, ids=[f"x{i}" for i in range(60)])
    labels_of_rows = [row.label for row in rows(tmp_path, here, there)]
    assert len(set(labels_of_rows)) == 2


def test_predictions_are_put_in_one_order(tmp_path):
    labels, chances = made_up(0, 1)
    order = np.random.default_rng(0).permutation(60)
    ids, genes = ([f"{what}{i}" for i in order] for what in ("rec", "gene"))
    straight = make_run(tmp_path / "a", labels, chances)
    shuffled = make_run(tmp_path / "b", labels[order], chances[order], ids=ids, groups=genes, seed=1)
    (row,) = rows(tmp_path, straight, shuffled)
    np.testing.assert_array_equal(row.runs[0].probabilities, row.runs[1].probabilities)


def test_a_reference_is_meant_by_label_model_name_or_folder(two_models, tmp_path):
    grouped = rows(tmp_path, *two_models)
    assert pick("good", grouped) is grouped[0]
    assert pick("good1", grouped) is grouped[0]
    assert pick(str(two_models[3]), grouped) is grouped[1]
    with pytest.raises(InputError, match="did you mean 'good'"):
        pick("goood", grouped)
    with pytest.raises(InputError, match="may be any of 'good good0', 'good good1', 'good good2'"):
        pick("good", rows(tmp_path, *two_models, per_run=True))


# Numbers


def test_a_row_is_the_mean_of_its_seeds(two_models, tmp_path):
    row = rows(tmp_path, *two_models)[0]
    found = score(row, FEW)
    labels = made_up(0, 3)[0]
    areas = [roc_auc_score(labels, made_up(s, 3)[1]) for s in range(3)]
    value = found.estimates["auroc"]
    assert value.value == pytest.approx(np.mean(areas))
    assert value.sd == pytest.approx(np.std(areas, ddof=1))
    assert (value.least, value.most) == (pytest.approx(min(areas)), pytest.approx(max(areas)))
    draws = [
        bootstrap_draws(run.labels, run.probabilities, run.groups, resamples=60, seed=0, positive=1)["auroc"]
        for run in row.runs
    ]
    low, high = np.quantile(np.mean(draws, axis=0), [0.025, 0.975])
    assert (value.low, value.high) == (pytest.approx(low), pytest.approx(high))
    single = score(rows(tmp_path, two_models[3])[0], FEW).estimates["auroc"]
    assert math.isnan(single.sd)


def test_accuracy_by_hand(tmp_path):
    labels = [0, 0, 1, 1]
    first = make_run(tmp_path / "a", labels, [0.1, 0.2, 0.8, 0.9], seed=0)  # 4 of 4
    second = make_run(tmp_path / "b", labels, [0.1, 0.8, 0.2, 0.9], seed=1)  # 2 of 4
    other = make_run(tmp_path / "c", labels, [0.9, 0.2, 0.8, 0.9], model="other")  # 3 of 4
    scored = [score(row, FEW) for row in rows(tmp_path, first, second, other)]
    assert scored[0].estimates["accuracy"].value == 0.75
    assert scored[0].estimates["accuracy"].sd == pytest.approx(math.sqrt(0.125))
    against = versus(scored, scored[0], FEW)[1]
    assert against["accuracy"]["value"] == 0
    # AUROCs: the mean of 1 and 3/4, against 2.5/4 (one pair is tied).
    assert against["auroc"]["value"] == pytest.approx(0.625 - 0.875)
    assert "mcnemar" not in against


def test_differences_are_ours_minus_theirs_and_tested_every_way(two_models, tmp_path):
    scored = [score(row, Resampling(300)) for row in rows(tmp_path, *two_models)]
    none, against = versus(scored, scored[0], Resampling(300))
    assert none is None
    for name in ("auroc", "accuracy"):
        assert against[name]["low"] <= against[name]["value"] <= against[name]["high"] < 0
        assert against[name]["p"] == against[name]["holm"] < 0.05
    turned = versus(scored, scored[1], Resampling(300))[0]
    assert turned["auroc"]["value"] == -against["auroc"]["value"]
    assert turned["auroc"]["p"] == against["auroc"]["p"]
    labels = made_up(0, 3)[0]
    scores = [made_up(7, 0.5)[1], *(made_up(s, 3)[1] for s in range(3))]
    expected = delong_test(labels == 1, scores, [1, -1 / 3, -1 / 3, -1 / 3])
    assert against["delong"]["p"] == pytest.approx(expected.p)


def test_single_runs_have_mcnemar_and_p_values_are_corrected_over_rows(two_models, tmp_path):
    scored = [score(row, FEW) for row in rows(tmp_path, *two_models, per_run=True)]
    tests = versus(scored, scored[0], FEW)
    labels, ours = made_up(7, 0.5)
    theirs = made_up(0, 3)[1]
    right = [(chance > 0.5) == (labels == 1) for chance in (ours, theirs)]
    found = tests[3]["mcnemar"]
    assert (found["ours"], found["theirs"]) == ((right[0] & ~right[1]).sum(), (~right[0] & right[1]).sum())
    for test in ("auroc", "accuracy", "delong", "mcnemar"):
        smallest = min((entry[test] for entry in tests[1:]), key=lambda entry: entry["p"])
        assert smallest["holm"] == pytest.approx(min(1, 3 * smallest["p"]))


def test_a_model_against_its_copy_differs_by_nothing(tmp_path):
    a, b = (make_run(tmp_path / name, *made_up(0, 1), model=name) for name in "ab")
    scored = [score(row, FEW) for row in rows(tmp_path, a, b)]
    against = versus(scored, scored[0], FEW)[1]
    assert against["auroc"] == {"value": 0, "low": 0, "high": 0, "p": 1, "holm": 1}
    assert against["delong"]["p"] == against["mcnemar"]["p"] == 1


def test_bins_hold_their_examples(tmp_path):
    labels, chances = made_up(0, 1)
    lengths = np.arange(60) + 700
    run = make_run(tmp_path / "a", labels, chances, lengths=lengths)
    scored = [score(row, FEW) for row in rows(tmp_path, run)]
    found = binned(scored, scored[0], "length", FEW)
    assert len(found) == 3 * 2  # 60 examples: three bins, two metrics
    for entry in found:
        inside = slice(20 * (entry["bin"] - 1), 20 * entry["bin"])
        assert (entry["n"], entry["groups"]) == (20, 20)
        both = np.column_stack([1 - chances, chances])[inside]
        expected = classification_metrics(labels[inside], both, positive=1)[entry["metric"]]
        assert entry["value"] == pytest.approx(expected)
    assert (found[0]["low"], found[-1]["high"]) == (700, 759)


def test_no_bins_of_what_runs_do_not_say(tmp_path):
    old = make_run(tmp_path / "old", *made_up(0, 1), gc=False, lengths=np.zeros(60, dtype=int))
    scored = [score(row, FEW) for row in rows(tmp_path, old)]
    assert binned(scored, scored[0], "gc", FEW) == binned(scored, scored[0], "length", FEW) == []
    text = compare([old], tmp_path / "out", how=FEW)
    assert "No bins by gc: predictions.csv of the reference does not say it" in text
    assert not list((tmp_path / "out").glob("*_bins.png"))


def test_curves_at_every_rate_have_the_areas_of_scikit_learn():
    labels, chances = made_up(0, 1, n=300)
    roc, precision = overlays._roc(labels == 1, chances), overlays._precision(labels == 1, chances)
    assert np.trapezoid(roc, overlays.GRID) == pytest.approx(roc_auc_score(labels, chances), abs=2e-3)
    assert precision[1:].mean() == pytest.approx(average_precision_score(labels, chances), abs=2e-3)
    assert precision[-1] >= labels.mean()


# The reference


def test_the_reference_is_the_best_on_validation(tmp_path):
    a = make_run(tmp_path / "a", *made_up(0, 4), model="best_on_test", val_auroc=0.7)
    b = make_run(tmp_path / "b", *made_up(1, 1), model="best_on_validation", val_auroc=0.9)
    c = make_run(tmp_path / "c", *made_up(2, 5), model="baseline")
    assert read_finished(b).validation == 0.9  # of the kept epoch, not of the others
    text = compare([a, b, c], how=FEW)
    assert "Reference: best_on_validation, the best on validation (mean AUROC 0.9000); 1 of 3 models" in text
    assert "minus best_on_validation" in text
    assert "Reference: baseline, named by --against." in compare([a, b, c], against="baseline", how=FEW)


def test_a_reference_chosen_on_the_test_set_is_owned_up_to(two_models):
    text = compare(two_models, how=FEW)
    assert "Reference: good, the best mean AUROC on the test set itself" in text


# What is written


def test_files_carry_the_same_numbers(two_models, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["compare", *map(str, two_models), "--out", str(out), "--resamples", "60"]) == 0
    said = capsys.readouterr().out
    assert (out / "compare.md").read_text() in said
    table = rows_of(out / "compare.csv")
    assert [(row["label"], row["runs"], row["seeds"]) for row in table] == [
        ("good", "3", "0, 1, 2"),
        ("poor", "1", "0"),
    ]
    page = Page((out / "compare.html").read_text(encoding="utf-8"))
    for row in table:
        for name in ("accuracy", "auroc", "auprc", "mcc", "ece"):
            value, low, high = (float(row[f"{name}{part}"]) for part in ("", "_low", "_high"))
            assert f"{value:.3f} [{low:.3f}, {high:.3f}]" in said
            assert f"{value:.3f}{low:.3f} to {high:.3f}" in page.text
    assert f"± {float(table[0]['auroc_sd']):.3f}" in said
    assert table[1]["auroc_sd"] == ""
    assert float(table[0]["minutes"]) == 2  # of 1, 2 and 3
    poor = table[1]
    assert poor["against"] == "good"
    assert float(poor["auroc_difference"]) == pytest.approx(float(poor["auroc"]) - float(table[0]["auroc"]))
    assert f"{float(poor['auroc_difference']):+.3f}" in page.text
    assert {row["label"] for row in rows_of(out / "bins.csv")} == {"good", "poor"}
    for name in ("roc", "precision_recall", "calibration", "length_bins", "gc_bins"):
        with Image.open(out / f"{name}.png") as picture:
            assert np.asarray(picture.convert("L")).std() > 5
    assert len(page.all("img")) == 3
    assert len(charts((out / "compare.html").read_text(encoding="utf-8"))) == 2
    assert all(image["src"].startswith("data:image/png;base64,") and image["alt"] for image in page.all("img"))
    assert not {"link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert {link["href"] for link in page.all("a")} == {"compare.csv", "bins.csv", "compare.md"}
    for expected in (
        "60 test examples from 30 groups",
        "note of good",
        "records_read.CDN",
        f"{two_models[3]}/config.yaml",
    ):
        assert expected in page.text


def test_every_run_can_have_a_row(two_models, capsys):
    assert main(["compare", *map(str, two_models), "--per-run", "--against", "poor", "--resamples", "60"]) == 0
    said = capsys.readouterr().out
    assert all(f"| good good{s} |" in said for s in range(3))
    assert "minus poor poor" in said


def test_hostile_names_stay_text(tmp_path):
    classes = [NASTY, "a|b\n$x$"]
    a = make_run(tmp_path / "a", *made_up(0, 1), model=NASTY, classes=classes)
    b = make_run(tmp_path / "b", *made_up(1, 2), model="x | $y$ {{ 7 * 7 }}", classes=classes)
    out = tmp_path / "out"
    text = compare([a, b], out, how=FEW)
    page = (out / "compare.html").read_text(encoding="utf-8")
    assert len(Page(page).all("script")) == 3  # ours, and the data of two figures
    assert NASTY in {curve["name"] for one in charts(page) for curve in one["curves"]}
    assert "<script" not in text
    assert NASTY in Page(page).text
    assert "{{ 7 * 7 }}" in Page(page).text
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in table[:4]}) == 1


def test_many_models_are_all_in_the_tables_and_the_best_in_the_figures(tmp_path, monkeypatch):
    drawn = {}
    overlays = {name: (metric, lambda *_: empty()) for name, (metric, _) in comparison_figures.OVERLAYS.items()}
    overlays["roc"] = ("auroc", lambda rows, areas: drawn.update(rows=rows) or empty())
    monkeypatch.setattr(comparison_figures, "OVERLAYS", overlays)
    monkeypatch.setattr(comparison_figures, "bins_overlay", lambda *_: empty())
    runs = [make_run(tmp_path / f"m{i}", *made_up(i, i / 4), model=f"m{i:02}") for i in range(14)]
    text = compare(runs, tmp_path / "out", against="m00", how=Resampling(10))
    assert all(f"| m{i:02} |" in text for i in range(1, 14))
    labels = [row.label for row in drawn["rows"]]
    assert len(labels) == 14
    assert labels[11] == "m00"


def empty():
    from matplotlib.figure import Figure

    return Figure(figsize=(1, 1))


def test_more_than_two_classes(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    chances = rng.dirichlet(np.ones(3), size=(2, 90)) * 0.4
    chances[:, np.arange(90), labels] += 0.6
    a, b = (
        make_run(tmp_path / n, labels, p, model=n, classes=["x", "y", "NA"]) for n, p in zip("ab", chances, strict=True)
    )
    text = compare([a, b], tmp_path / "out", how=FEW)
    assert "minus" in text
    table = rows_of(tmp_path / "out" / "compare.csv")
    assert table[1]["delong_p"] == ""
    assert table[1]["mcnemar_p"] != ""


def test_one_class_or_one_group_leaves_blanks(tmp_path):
    a, b = (
        make_run(tmp_path / m, np.ones(30, dtype=int), np.linspace(0.3, 0.9, 30), model=m, groups=["g"] * 30)
        for m in "ab"
    )
    compare([a, b], tmp_path / "out", how=FEW)
    row = rows_of(tmp_path / "out" / "compare.csv")[1]
    assert row["auroc"] == row["auroc_low"] == row["accuracy_low"] == row["auroc_difference_p"] == ""
    assert float(row["accuracy"]) == pytest.approx(20 / 30)


# What cannot be compared


def test_other_examples_are_listed_and_not_tested(tmp_path):
    labels, chances = made_up(0, 1)
    a = make_run(tmp_path / "a", labels, chances, model="a")
    b = make_run(tmp_path / "b", labels[:50], chances[:50], model="b")
    text = compare([a, b], tmp_path / "out", how=FEW)
    assert "tested on other examples than the reference" in text
    assert "| b |" in text
    assert "minus" not in text
    assert [row["auroc_difference"] for row in rows_of(tmp_path / "out" / "compare.csv")] == ["", ""]


def test_a_run_given_twice_counts_once(two_models):
    text = compare([*two_models, two_models[0]], how=FEW)
    assert "| good | good0, good1, good2 | 0, 1, 2 |" in text


def damaged(folder, name, change):
    path = folder / name
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "INCOMPLETE").write_text("training is\nnot finished\n"), "not finished (training is not"),
        (lambda run: (run / "metrics.json").unlink(), "metrics.json is missing"),
        (lambda run: (run / "predictions.csv").unlink(), "predictions.csv is missing"),
        (lambda run: (run / "config.yaml").unlink(), "config.yaml is missing"),
        (lambda run: (run / "config.yaml").write_text("[1]"), "expected a mapping of settings"),
        (lambda run: damaged(run, "predictions.csv", lambda text: text.replace("group", "gruop", 1)), "lacks group"),
        (lambda run: damaged(run, "metrics.json", lambda text: text[:-1]), "metrics.json: cannot be read"),
    ],
)
def test_a_run_that_cannot_be_read_is_named_in_one_line(two_models, tmp_path, capsys, damage, message):
    damage(two_models[1])
    assert main(["compare", *map(str, two_models), "--out", str(tmp_path / "out")]) == 2
    assert str(two_models[1]) in one_line(capsys, message)
    assert not (tmp_path / "out").exists()


def test_bad_requests_are_one_line(two_models, tmp_path, capsys):
    other = make_run(tmp_path / "other", *made_up(0, 1), classes=["x", "y"])
    for arguments, message in (
        ([str(other)], "has LNSD, CDN"),
        (["--against", "poo"], "did you mean 'poor'"),
        (["--resamples", "0"], "expected resamples >= 1, got 0"),
        ([str(tmp_path / "none")], "there is no such run folder"),
    ):
        assert main(["compare", *map(str, two_models), *arguments]) == 2
        one_line(capsys, message)


def test_seeds_that_are_no_numbers(two_models):
    """A configuration may hold anything; runs of one seed are told whatever it is."""
    for run in two_models[:2]:
        damaged(
            run, "config.yaml", lambda text: text.replace("seed: 0", "seed: [1, 2]").replace("seed: 1", "seed: [1, 2]")
        )
    assert "[1, 2]" in compare(two_models, how=FEW)


def test_settings_of_metrics_json_say_the_validation_score(tmp_path):
    run = make_run(tmp_path / "a", *made_up(0, 1))
    assert read_finished(run).validation is None
    body = json.loads((run / "metrics.json").read_text())
    body["training"]["val_auroc"] = 0.75
    (run / "metrics.json").write_text(json.dumps(body))
    assert read_finished(run).validation == 0.75
