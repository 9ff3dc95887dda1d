"""Comparison of runs that answer for several labels, or for the next base, against naive resampling and scikit-learn."""

import math
import re

import numpy as np
import pytest
from made_up import make_bases, make_labels, make_run
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score
from test_reporting import Page
from toy import one_line, rows_of

from classify.__main__ import main
from classify.chromatin import scoring
from classify.comparison import compare
from classify.paired import Resampling
from classify.significance import bootstrap_p, holm
from specgen.errors import InputError

R = 60
FEW = Resampling(resamples=R)
N, K = 80, 3
BLOCKS = [f"block{i % 16:02}" for i in range(N)]


def labels_of(seed, strength, k=K, unknown=7):
    """Truth (n, k), alike for every seed, and probabilities that follow it with some strength; stored as float32."""
    truth = np.random.default_rng(99).integers(2, size=(N, k)).astype(np.int8)
    z = np.random.default_rng(seed).normal(size=(N, k)) + strength * (truth - 0.5)
    truth[:unknown, 0] = -1
    return truth, expit(z).astype(np.float32)


def resampled(groups):
    """Rows of examples of each resample, the slow way: whole groups by the numbers of the same generator."""
    names, members = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(0).integers(len(names), size=(R, len(names)))
    return [np.concatenate([np.flatnonzero(members == g) for g in row]) for row in drawn]


def macro(truth, chances, of):
    """Mean over labels of a ranking metric of the known examples; those without both kinds are left out."""
    found = []
    for label, chance in zip(truth.T, chances.T, strict=True):
        known = label >= 0
        if len(set(label[known])) == 2:
            found.append(of(label[known], chance[known]))
    return np.mean(found)


@pytest.fixture
def labelled(tmp_path):
    """Two seeds of a good model, and two single ones."""
    good = [
        make_labels(tmp_path / f"good{s}", *labels_of(s, 3), model="good", seed=s, groups=BLOCKS, val_auroc=0.9)
        for s in range(2)
    ]
    rest = [
        make_labels(tmp_path / name, *labels_of(seed, 1), model=name, groups=BLOCKS, val_auroc=0.8)
        for name, seed in (("poor", 7), ("third", 8))
    ]
    return [*good, *rest]


def test_labels_are_compared_as_windows_are(labelled, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["compare", *map(str, labelled), "--out", str(out), "--resamples", str(R)]) == 0
    said = capsys.readouterr().out
    rows = {row["label"]: row for row in rows_of(out / "compare.csv")}
    truth = labels_of(0, 3)[0]
    takes = resampled(BLOCKS)
    tests = {}
    for name, of in (("auroc", roc_auc_score), ("auprc", average_precision_score)):
        values, draws = {}, {}
        for model, seeds in {"good": [(0, 3), (1, 3)], "poor": [(7, 1)], "third": [(8, 1)]}.items():
            chances = [labels_of(*one)[1] for one in seeds]
            values[model] = np.mean([macro(truth, one, of) for one in chances])
            draws[model] = np.mean([[macro(truth[t], one[t], of) for t in takes] for one in chances], axis=0)
            assert float(rows[model][name]) == pytest.approx(values[model])
            told = [float(rows[model][f"{name}_{end}"]) for end in ("low", "high")]
            assert told == pytest.approx(np.quantile(draws[model], [0.025, 0.975]))
        for model in ("poor", "third"):
            apart = draws[model] - draws["good"]
            assert float(rows[model][f"{name}_difference"]) == pytest.approx(values[model] - values["good"])
            assert float(rows[model][f"{name}_difference_low"]) == pytest.approx(np.quantile(apart, 0.025))
            tests[name, model] = bootstrap_p(apart)
        corrected = holm([tests[name, model] for model in ("poor", "third")])
        for model, adjusted in zip(("poor", "third"), corrected, strict=True):
            assert float(rows[model][f"{name}_difference_p"]) == pytest.approx(tests[name, model])
            assert float(rows[model][f"{name}_difference_p_holm"]) == pytest.approx(adjusted)
    assert (rows["good"]["seeds"], rows["good"]["validation_auroc"], rows["good"]["against"]) == ("0, 1", "0.9", "")
    assert float(rows["poor"]["cpu_minutes"]) == 1.5
    assert "Reference: good, the best on validation (mean AUROC 0.9000)." in said
    assert "DeLong" not in said
    files = {path.name for path in out.iterdir()}
    assert {"roc.png", "precision_recall.png", "gc_bins.png", "labels.csv"} <= files
    assert not {"calibration.png", "length_bins.png"} & files
    assert {row["metric"] for row in rows_of(out / "bins.csv")} == {"auroc", "auprc"}
    own = [row for row in rows_of(out / "labels.csv") if (row["label"], row["model"]) == ("f1", "good")]
    assert float(own[0]["auroc"]) == pytest.approx(
        np.mean([roc_auc_score(truth[:, 1], labels_of(s, 3)[1][:, 1]) for s in range(2)])
    )
    page = Page((out / "compare.html").read_text(encoding="utf-8"))
    assert "3 labels, of which 3 hold for some of them" in page.text
    assert "AUROC of each label" in page.text


def test_too_few_groups_of_labels_have_values_alone(tmp_path):
    few = [f"block{i % 7}" for i in range(N)]
    runs = [make_labels(tmp_path / m, *labels_of(i, 1), model=m, groups=few) for i, m in enumerate("ab")]
    said = compare(runs, tmp_path / "out", how=FEW)
    for row in rows_of(tmp_path / "out" / "compare.csv"):
        assert row["auroc"]
        assert row["auroc_low"] == row["log_loss_low"] == row["auroc_difference_low"] == row["auroc_difference_p"] == ""
    first = next(line for line in said.splitlines() if line.startswith("95 % intervals"))
    assert re.search("AUROC of [ab], [ab] has none: their tests have 7 groups, which are too few", first)


def test_of_many_labels_the_page_has_both_ends_and_no_curves(tmp_path):
    out = tmp_path / "out"
    runs = [make_labels(tmp_path / m, *labels_of(i, 1, 60, 0), model=m) for i, m in enumerate("ab")]
    few = [make_labels(tmp_path / f"few_{m}", *labels_of(i, 1), model=m) for i, m in enumerate("ab")]
    compare(few, out, how=Resampling(10))
    assert (out / "roc.png").exists()
    compare(runs, out, how=Resampling(10))
    assert not (out / "roc.png").exists()  # of the comparison before
    assert len(rows_of(out / "labels.csv")) == 120
    page = (out / "compare.html").read_text(encoding="utf-8")
    assert "10 more" in page
    assert sum(f">f{j}<" in page for j in range(60)) == 50


def test_fewer_resamples_of_many_labels_are_owned_up_to(labelled, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "WORK", N * K * 230)
    text = compare(labelled, how=Resampling(300))
    assert "percentiles of 230 bootstrap resamples" in text
    assert "230 resamples are made, not 300" in text
    assert f"no less than {2 / 231:.2g}" in text
    monkeypatch.setattr(scoring, "WORK", N * K * 199)
    text = compare(labelled, how=Resampling(300))
    assert "AUROC of good, " in text
    assert "resamples are made" not in text


def sums_of(seed, cost, n=30):
    """Nats, right answers and bases (n, 3); the last window has none."""
    rng = np.random.default_rng(seed)
    bases = np.random.default_rng(99).integers(50, 100, size=n).astype(float)
    bases[-1] = 0
    return np.column_stack([bases * (cost + 0.1 * rng.random(n)), np.floor(bases * 0.4), bases])


def test_fewer_bits_are_better(tmp_path):
    groups = [f"stretch{i % 9}" for i in range(30)]
    runs = {"good": [(0, 1.1), (1, 1.15)], "poor": [(7, 1.3)]}
    losses = {"good": 1.2, "poor": 1.3}
    folders = [
        make_bases(tmp_path / f"{m}{s}", sums_of(s, c), model=m, seed=s, groups=groups, val_loss=losses[m])
        for m, seeds in runs.items()
        for s, c in seeds
    ]
    out = tmp_path / "out"
    text = compare(folders, out, how=FEW)
    rows = rows_of(out / "compare.csv")
    assert [row["label"] for row in rows] == ["good", "poor"]
    assert "Reference: good, the best on validation (mean loss [nats] 1.2000)." in text
    assert f"Beside the scores, Markov chain: bits a base {math.log2(3.5):.3f}." in text
    assert [row["validation_loss"] for row in rows] == ["1.2", "1.3"]
    takes, draws = resampled(groups), {}
    for row, (model, seeds) in zip(rows, runs.items(), strict=True):
        each = [sums_of(*one) for one in seeds]
        bits = np.mean([one[:, 0].sum() / one[:, 2].sum() / math.log(2) for one in each])
        draws[model] = np.mean(
            [[one[t, 0].sum() / one[t, 2].sum() / math.log(2) for t in takes] for one in each], axis=0
        )
        assert float(row["bits_per_base"]) == pytest.approx(bits)
        assert float(row["bits_per_base_low"]) == pytest.approx(np.quantile(draws[model], 0.025))
        assert float(row["perplexity"]) == pytest.approx(
            np.mean([math.exp(one[:, 0].sum() / one[:, 2].sum()) for one in each])
        )
    apart = draws["poor"] - draws["good"]
    assert float(rows[1]["bits_per_base_difference"]) > 0.2
    assert float(rows[1]["bits_per_base_difference_high"]) == pytest.approx(np.quantile(apart, 0.975))
    assert float(rows[1]["bits_per_base_difference_p"]) == pytest.approx(bootstrap_p(apart))
    assert float(rows[1]["accuracy_difference"]) == pytest.approx(0)
    assert {path.name for path in out.glob("*.png")} == {"gc_bins.png"}
    page = Page((out / "compare.html").read_text(encoding="utf-8"))
    assert f"{int(sums_of(0, 1)[:, 2].sum()):,} bases were predicted" in page.text


def test_without_validation_the_reference_is_the_least_bits(tmp_path):
    folders = [make_bases(tmp_path / m, sums_of(0, cost), model=m) for m, cost in (("worse", 1.3), ("better", 1.1))]
    assert "Reference: better, the best mean bits a base on the test set itself" in compare(folders, how=FEW)


def test_other_windows_are_listed_and_not_tested(tmp_path, labelled):
    other = make_labels(tmp_path / "other", *labels_of(5, 1), model="other")  # the same windows in other groups
    text = compare([*labelled[:2], other], how=FEW)
    assert "tested on other examples than the reference" in text
    assert "minus" not in text
    bases = [make_bases(tmp_path / m, sums_of(0, 1.1), model=m, ids=[f"{m}:{i}" for i in range(30)]) for m in "ab"]
    assert "tested on other examples than the reference" in compare(bases, how=FEW)


def test_what_cannot_be_compared_is_one_line(tmp_path, labelled, capsys):
    bases = make_bases(tmp_path / "bases", sums_of(0, 1.1))
    classes = make_run(tmp_path / "classes", [0, 1, 1, 0], [0.1, 0.7, 0.8, 0.4])
    named = make_labels(tmp_path / "named", *labels_of(0, 1), names=["f0", "x", "f2"])
    for other, message in (
        (bases, "for each label, that of"),
        (classes, "for each label, that of"),
        (named, "different labels"),
    ):
        assert main(["compare", str(labelled[0]), str(other), "--out", str(tmp_path / "out")]) == 2
        assert str(other) in one_line(capsys, message)
    for folder, of in ((labelled[0], "label"), (bases, "position")):
        assert main(["ensemble", str(folder), str(folder), "--out", str(tmp_path / "out")]) == 2
        one_line(capsys, f"answers for each {of}; expected one that answers for each window")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("predictions.safetensors", lambda data: data[:-5], "predictions.safetensors: cannot be read"),
        ("predictions.csv", lambda data: data.rsplit(b"\n", 2)[0] + b"\n", "has 79 rows, metrics.json says 80"),
        ("metrics.json", lambda data: data.replace(b'"threshold": 0.5', b'"threshold": 7', 1), "threshold from 0 to 1"),
    ],
)
def test_damaged_labels_are_named(labelled, name, change, message):
    path = labelled[0] / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=message):
        compare(labelled)


@pytest.mark.parametrize(("was", "now"), [("c:0,", "c:0,,"), (",50,", ",x,"), (",50,", ",-50,")])
def test_damaged_bases_are_named(tmp_path, was, now):
    sums = sums_of(0, 1.1)
    sums[0] = [60, 20, 50]
    run = make_bases(tmp_path / "a", sums)
    path = run / "predictions.csv"
    path.write_text(path.read_text().replace(was, now, 1))
    with pytest.raises(InputError, match=r"predictions\.csv: "):
        compare([run])
