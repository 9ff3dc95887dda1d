"""The page and the figures of a made-up run: complete, self-contained, escaped; and what a broken run says."""

import base64
import csv
import hashlib
import html
import json
import os
import re
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import precision_recall_curve, roc_curve

from classify.metrics import summary
from classify.reporting._files import read_predictions
from classify.reporting.curves import AXES, MOST, POINTS, chart, precision_recall_curves, roc_curves
from classify.reporting.figures import best_epoch, draw_all, history_figure, roc_figure
from classify.reporting.page import _tables, measure, shorten, write_report
from classify.spoken import _spoken
from specgen.errors import InputError

NASTY = [
    '<script>alert("x")</script>',
    "../../etc/passwd",
    "\"quoted\" 'id' & more {{ 7 * 7 }}",
    "x" * 300,
    "ДНК-配列-Ω",
]
CLASSES = {2: ["LNSD", "CDN"], 3: ["NA", "a$very$long_name_of_a_class_<i>", "_hidden"]}


def make_run(run, k=2, *, history=True, gallery=True, n=60, seed=0):
    """Write a whole run folder of ``n`` test examples and ``k`` classes."""
    names, rng = CLASSES[k], np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), labels] += 2
    odds = np.exp(logits)
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    groups = [f"gene{i // 2}" for i in range(n)]
    (run / "gallery").mkdir(parents=True)
    with open(run / "predictions.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        columns = ["id", "group", "chromosome", "length", "tiles", "label", "predicted"]
        writer.writerow([*columns, *(f"p_{name}" for name in names)])
        for i in range(n):
            row = [NASTY[i % len(NASTY)], groups[i], "chr8", 900 + i, 2, names[labels[i]], names[predicted[i]]]
            writer.writerow([*row, *(f"{value:.6f}" for value in probabilities[i])])
    if history:
        epochs = np.arange(5)
        table = {
            "epoch": epochs,
            "train_loss": 0.7 - 0.1 * epochs,
            "train_accuracy": 0.5 + 0.1 * epochs,
            "val_loss": 0.7 - 0.08 * epochs,
            "val_accuracy": 0.5 + 0.08 * epochs,
            "val_auroc": [0.5, 0.7, 0.9, 0.8, 0.8],
            "lr": 1e-3,
            "seconds": 2.5,
        }
        pd.DataFrame(table).to_csv(run / "metrics.csv", index=False)
    (run / "config.yaml").write_text("task: coding\nmodel: conv5\npalette: '<b>bold</b>'\n")
    environment = {"python": "3.11.2", "versions": {"torch": "2.9"}, "threads": 2, "gpu": None}
    (run / "environment.json").write_text(json.dumps(environment))
    body = {
        "task": "coding",
        "model": "conv5",
        "name": "seed0",
        "split": "test",
        "model_note": "A reconstruction: the paper gives <no> padding.",
        "data": {"train": dict.fromkeys(names, 1234), "crop": 600},
        "training": {"epochs": 5, "optimiser": {"lr": 0.001}},
        **summary(labels, probabilities, groups, names, 1 if k == 2 else None, resamples=50),
        "cost": {
            "wall_seconds": 372.81,
            "cpu_seconds": 9000.0,
            "peak_rss_bytes": 3 * 2**29,
            "gpu_seconds": None,
            "gpu_peak_bytes": None,
            "parameters": 744620,
            "flops_per_example": 1.5e9,
            "examples_seen": 96000,
            "examples_per_second": 257.51,
        },
    }
    (run / "metrics.json").write_text(json.dumps(body, allow_nan=False))
    entries = []
    for i, identifier in enumerate(NASTY):
        kind = ("right", "wrong")[i % 2]
        file = f"{kind}_{i:03}.png"
        Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(run / "gallery" / file)
        entry = {"file": file, "id": identifier, "label": names[0], "predicted": names[i % 2]}
        entries.append({**entry, "probability": 0.9123, "kind": kind})
    if gallery:
        (run / "gallery" / "gallery.json").write_text(json.dumps(entries))
    return run


class Page(HTMLParser):
    """What a browser would make of a page: open tags, attributes, visible text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        assert self.open == [], f"unclosed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module", params=[2, 3])
def reported(request, tmp_path_factory):
    """A run folder with its report, and the number of classes."""
    run = make_run(tmp_path_factory.mktemp("runs") / "coding", request.param)
    assert write_report(run) == run / "report.html"
    return run, request.param


def test_page_asks_for_nothing(reported):
    text = (reported[0] / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert not {"link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert {link["href"] for link in page.all("a")} == {"metrics.json", "predictions.csv", "metrics.csv"}


def policy(text):
    """Directives of the content security policy of a page."""
    [found] = [
        meta["content"] for meta in Page(text).all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    return dict(part.strip().split(" ", 1) for part in found.split(";"))


def test_the_one_script_and_the_one_style_are_allowed_by_their_digests(reported):
    text = (reported[0] / "report.html").read_text(encoding="utf-8")
    for tag in ("script", "style"):
        inside = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.S)
        digests = [base64.b64encode(hashlib.sha256(found.encode()).digest()).decode() for found in inside]
        assert len(digests) == 1
        assert policy(text)[f"{tag}-src"] == f"'sha256-{digests[0]}'"
    assert policy(text) | {"script-src": "", "style-src": ""} == {
        **{"default-src": "'none'", "img-src": "data:", "style-src": "", "script-src": ""},
        **{"base-uri": "'none'", "form-action": "'none'"},
    }
    script = files("classify.reporting") / "templates" / "page.js"
    assert f"<script>{script.read_text(encoding='utf-8').rstrip()}</script>" in text
    assert not [
        name for _, attributes in Page(text).tags for name in attributes if name == "style" or name.startswith("on")
    ]
    assert {attributes.get("type") for attributes in Page(text).all("script")} == {None, "application/json"}


def charts(text):
    """The data of the curves of a page, in its order."""
    return [json.loads(found) for found in re.findall(r'<script type="application/json">(.*?)</script>', text, re.S)]


def test_curves_are_those_of_scikit_learn(reported):
    run, k = reported
    body = json.loads((run / "metrics.json").read_text())
    labels, chances = read_predictions(run, body)
    classes = [1] if k == 2 else range(k)
    text = (run / "report.html").read_text(encoding="utf-8")
    roc, precision_recall = charts(text)
    assert [curve["name"] for curve in roc["curves"]] == [CLASSES[k][c] for c in classes]
    for c, first, second in zip(classes, roc["curves"], precision_recall["curves"], strict=True):
        expected = roc_curve(labels == c, chances[:, c])
        np.testing.assert_allclose(np.array([first["x"], first["y"]]), expected[:2], atol=5e-5)
        assert first["threshold"][0] is None
        np.testing.assert_allclose(first["threshold"][1:], expected[2][1:], rtol=5e-4)
        precision, recall, threshold = precision_recall_curve(labels == c, chances[:, c])
        np.testing.assert_allclose(np.array([second["x"], second["y"]]), [recall, precision], atol=5e-5)
        np.testing.assert_allclose(second["threshold"][:-1], threshold, rtol=5e-4)
        assert second["threshold"][-1] is None
    assert f"{body['metrics']['auroc']['value']:.3f}" in text


def test_charts_of_many_points_keep_the_ends_and_stay_near():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=50_000)
    scores = rng.normal(labels, 1.5)
    chances = np.column_stack([-scores, scores])
    [full] = roc_curves(labels, chances, ["a", "b"], 1)
    [drawn] = chart("roc", [full])["data"]["curves"]
    assert len(full.x) > 5_000
    assert len(drawn["x"]) <= POINTS + 1
    assert (drawn["x"][0], drawn["y"][0], drawn["x"][-1], drawn["y"][-1]) == (0, 0, 1, 1)
    assert np.abs(np.interp(full.x, drawn["x"], drawn["y"]) - full.y).max() < 0.01
    assert set(drawn["x"]) <= set(np.round(full.x, 4))


def test_names_of_many_classes_and_of_none():
    labels = np.arange(60) % 30
    chances = np.eye(30)[labels]
    drawn = chart("precision_recall", precision_recall_curves(labels, chances, list(map(str, range(30))), None))
    assert (len(drawn["lines"]), drawn["more"]) == (MOST, 6)
    assert len({(line["colour"], line["dash"]) for line in drawn["lines"]}) == MOST
    assert chart("roc", roc_curves(np.zeros(4, dtype=np.int64), np.full((4, 2), 0.5), ["a", "b"], 1)) is None


HOSTILE = "</script><img src=x onerror=alert(1)>\u2028<!--<script>"


def test_data_of_curves_cannot_end_its_element(tmp_path):
    run = make_run(tmp_path / "run")
    for path in (run / "metrics.json", run / "predictions.csv", run / "gallery" / "gallery.json"):
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace("CDN", json.dumps(HOSTILE)[1:-1] if path.suffix == ".json" else HOSTILE), encoding="utf-8"
        )
    text = write_report(run).read_text(encoding="utf-8")
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, re.S)
    assert [curve["name"] for one in found for curve in json.loads(one)["curves"]] == [HOSTILE] * 2
    assert not re.search("[<>&\u2028\u2029]", "".join(found))
    assert "<img src=x" not in text
    assert shorten(HOSTILE) in Page(text).text


def test_page_says_what_the_run_holds(reported):
    run, k = reported
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    body = json.loads((run / "metrics.json").read_text())
    accuracy = body["metrics"]["accuracy"]
    for expected in (
        "conv5 on coding",
        "A reconstruction: the paper gives <no> padding.",
        f"{accuracy['value']:.3f}",
        f"{accuracy['low']:.3f} to {accuracy['high']:.3f}",
        "from 30 groups",
        "372.8 s (6.2 min)",
        "9,000 s (2.5 h)",
        "1,536 MiB",
        "0.7446 M",
        "1.5 GFLOPs",
        "not measured",
        "1,234",
        "palette: '<b>bold</b>'",
        "versions.torch",
        f"python -m classify train --config {run.as_posix()}/config.yaml",
    ):
        assert expected in page.text
    for row in body["confusion"]:
        assert f"{sum(row)}" in page.text
    assert all(image["alt"] for image in page.all("img"))
    assert len(page.all("img")) == 3 + len(NASTY)
    assert len([svg for svg in page.all("svg") if svg.get("role") == "img" and svg["aria-label"]]) == 2
    assert ("The positive class is CDN" in page.text) == (k == 2)


def test_page_escapes_and_shortens_ids(reported):
    text = (reported[0] / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.all("script")) == 3  # ours, and the data of two figures
    assert html.escape(NASTY[0], quote=False).replace('"', "&#34;") in text
    for identifier in NASTY:
        assert shorten(identifier) in page.text
    assert NASTY[3] not in page.text
    assert NASTY[3] in [span.get("title") for span in page.all("span")]


def test_pictures_are_embedded_unchanged(reported):
    text = (reported[0] / "report.html").read_text(encoding="utf-8")
    embedded = {base64.b64decode(found) for found in re.findall(r"base64,([A-Za-z0-9+/=]+)", text)}
    figures = [file for file in (reported[0] / "figures").glob("*.png") if file.stem not in AXES]
    assert {file.read_bytes() for file in [*figures, *(reported[0] / "gallery").glob("*.png")]} == embedded


def test_figures_have_readable_sizes(reported):
    expected = ["calibration", "confusion", "history", "precision_recall", "roc"]
    found = sorted((reported[0] / "figures").iterdir())
    assert [file.name for file in found] == [f"{name}.png" for name in expected]
    for file in found:
        with Image.open(file) as picture:
            assert 600 <= picture.width <= 1600
            assert 450 <= picture.height <= 1200
            assert np.asarray(picture.convert("L")).std() > 5


def test_a_second_report_replaces_the_first_and_leaves_nothing_behind(tmp_path):
    run = make_run(tmp_path / "run")
    write_report(run)
    before = sorted(path.name for path in run.rglob("*"))
    (run / "report.html").write_text("old")
    write_report(run)
    assert sorted(path.name for path in run.rglob("*")) == before
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_failed_write_keeps_the_old_page(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run", gallery=False)
    write_report(run)
    before = (run / "report.html").read_bytes()
    replace = os.replace

    def full_disk(source, target):
        if str(target).endswith("report.html"):
            raise OSError("disk full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(InputError, match=r"report\.html: cannot be written \(disk full\)"):
        write_report(run)
    assert (run / "report.html").read_bytes() == before
    assert not list(run.glob(".*.tmp"))


def test_a_baseline_has_neither_history_nor_gallery(tmp_path):
    run = make_run(tmp_path / "run", history=False, gallery=False)
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert len(page.all("img")) == 2
    assert "Gallery" not in page.text
    assert "metrics.csv" not in {link["href"] for link in page.all("a")}


@pytest.mark.parametrize(("n", "told"), [(0, False), ("many", False), (3165, True)])
def test_a_page_tells_of_records_that_name_no_gene(tmp_path, n, told):
    run = make_run(tmp_path / "run", history=False, gallery=False)
    change_metrics(run, data={"records_without_gene_or_locus": n})
    text = Page(write_report(run).read_text(encoding="utf-8")).text
    assert ("3,165 records name no gene or locus, and each is a group of its own" in text) == told


@pytest.mark.parametrize(("right", "told"), [(0, True), (5, True), (6, False), (60, False)])
def test_a_page_tells_of_classes_that_are_hardly_called(tmp_path, right, told):
    run = make_run(tmp_path / "run", history=False, gallery=False)
    body = json.loads((run / "metrics.json").read_text())
    for name, recall in (("LNSD", 1.0), ("CDN", right / 60)):
        body["per_class"][name] |= {"recall": recall, "support": 60}
    (run / "metrics.json").write_text(json.dumps(body))
    assert ("Of CDN less than a tenth is called so" in Page(write_report(run).read_text(encoding="utf-8")).text) == told


def test_undefined_metrics_are_dashes(tmp_path):
    run = make_run(tmp_path / "run", history=False, gallery=False)
    rows = (run / "predictions.csv").read_text().replace(",LNSD,", ",CDN,").splitlines()
    (run / "predictions.csv").write_text("\n".join(rows))
    body = json.loads((run / "metrics.json").read_text())
    chance = np.tile([0.4, 0.6], (60, 1))
    body |= summary([1] * 60, chance, np.arange(60), CLASSES[2], 1, resamples=10)
    (run / "metrics.json").write_text(json.dumps(body))
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert "AUROC–" in page.text
    assert "auroc was undefined in 10 of them" in page.text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("metrics.json", "metrics.json is missing; run `python -m classify evaluate --run {run}` first"),
        ("predictions.csv", "predictions.csv is missing; run `python -m classify evaluate --run {run}` first"),
        ("config.yaml", "config.yaml is missing; run `python -m classify train --config FILE` first"),
        ("environment.json", "environment.json is missing; run `python -m classify train --config FILE` first"),
        ("gallery/right_000.png", "gallery/right_000.png is missing or cannot be read"),
    ],
)
def test_a_missing_file_is_named(tmp_path, name, message):
    run = make_run(tmp_path / "run")
    (run / name).unlink()
    with pytest.raises(InputError) as error:
        write_report(run)
    assert str(error.value) == f"{run}: {message.format(run=run)}"
    assert not (run / "report.html").exists()


def test_no_folder_at_all(tmp_path):
    with pytest.raises(InputError, match="there is no such run folder"):
        write_report(tmp_path / "nowhere")


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(InputError, match=r"is no run folder \(no config.yaml\); expected RUNS/TASK/MODEL/NAME"):
        write_report(tmp_path)


def change_metrics(run, **changes):
    body = json.loads((run / "metrics.json").read_text()) | changes
    (run / "metrics.json").write_text(json.dumps({key: item for key, item in body.items() if item != "gone"}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "metrics.json").write_text("{"), "metrics.json: cannot be read"),
        (lambda run: (run / "metrics.json").write_text("[]"), r"metrics.json: it: expected an object, got '\[\]'"),
        (lambda run: change_metrics(run, confusion="gone"), "metrics.json: lacks confusion; run"),
        (lambda run: change_metrics(run, confusion=[[1]]), "confusion is not 2 x 2"),
        (lambda run: change_metrics(run, metrics={"auroc": {"value": 1}}), "metrics.auroc lacks high, low"),
        (lambda run: change_metrics(run, metrics=[1]), r"metrics.json: metrics: expected an object, got '\[1\]'"),
        (
            lambda run: change_metrics(run, metrics={"auroc": 1}),
            "metrics.json: metrics.auroc: expected an object, got '1'",
        ),
        (
            lambda run: change_metrics(run, confusion=[[1, "x"], [2, 3]]),
            r"confusion\[0\]\[1\]: expected a whole number",
        ),
        (lambda run: change_metrics(run, labels=["a", "a"]), "labels are not distinct, or positive is none of them"),
        (lambda run: change_metrics(run, positive="x"), "labels are not distinct, or positive is none of them"),
        (lambda run: change_metrics(run, answers=[]), "answers: expected a text"),
        (lambda run: change_metrics(run, cost={"wall_seconds": "1"}), "cost.wall_seconds: expected a number, got '1'"),
        (
            lambda run: change_metrics(run, cost={"wall_seconds": 10**400}),
            "metrics.json: cannot be read .a number of 401 digits",
        ),
        (lambda run: change_metrics(run, bounds={"a": None}), "bounds.a: expected an object, got null"),
        (lambda run: change_metrics(run, training={"best_epoch": 1.5}), "training.best_epoch: expected a whole number"),
        (lambda run: change_metrics(run, n=61), "60 rows, metrics.json says 61"),
        (lambda run: (run / "predictions.csv").write_text(""), "predictions.csv: No columns"),
        (lambda run: (run / "predictions.csv").write_text("id,label\na,CDN\n"), "predictions.csv: .*p_LNSD"),
        (
            lambda run: (run / "predictions.csv").write_text(
                (run / "predictions.csv").read_text().replace(",LNSD,", ",X,", 1)
            ),
            "predictions.csv holds class 'X'",
        ),
        (
            lambda run: (run / "predictions.csv").write_text("label,p_LNSD,p_CDN\nCDN,,0.5\n"),
            "predictions.csv: could not convert",
        ),
        (lambda run: (run / "metrics.csv").write_text("epoch\n1\n"), "metrics.csv lacks the columns train_loss"),
        (
            lambda run: (run / "metrics.csv").write_text(
                "epoch,train_loss,train_accuracy,val_loss,val_accuracy\n1,1,1,1,x\n"
            ),
            "metrics.csv: expected numbers in the column 'val_accuracy'",
        ),
        (
            lambda run: (run / "metrics.csv").write_text(
                "epoch,train_loss,train_accuracy,val_loss,val_accuracy\n1e999,1,1,1,1\n"
            ),
            r"metrics.csv: expected (whole )?numbers in the column 'epoch'",  # as pandas has it, no number or an infinite one
        ),
        (lambda run: (run / "environment.json").write_text("[]"), "expected a dict, got a list"),
        (
            lambda run: change_metrics(run, by_group=[{"auroc": {"value": 1}}]),
            r"by_group\[0\].auroc lacks high, low",
        ),
        (
            lambda run: (run / "gallery/gallery.json").write_text(
                '[{"file": "a.png", "kind": "right", "id": "a", "label": [], "predicted": "b", "probability": 1}]'
            ),
            "entry 0: expected texts for id, label and predicted",
        ),
        (
            lambda run: (run / "gallery/gallery.json").write_text('[{"file": "a.png"}]'),
            "entry 0: KeyError",
        ),
    ],
)
def test_a_damaged_run_says_so_in_one_line(tmp_path, damage, message):
    run = make_run(tmp_path / "run")
    damage(run)
    with pytest.raises(InputError, match=message) as error:
        write_report(run)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("file", ["../secret.png", "/etc/hostname.png", "notes.txt"])
def test_the_gallery_shows_only_its_own_pictures(tmp_path, file):
    run = make_run(tmp_path / "run")
    (run / "secret.png").write_bytes(b"secret")
    entry = {"file": file, "id": "a", "label": "CDN", "predicted": "CDN", "probability": 1, "kind": "right"}
    (run / "gallery" / "gallery.json").write_text(json.dumps([entry]))
    with pytest.raises(InputError, match="names no picture in it"):
        write_report(run)


def test_best_epoch_is_the_one_that_the_run_kept():
    history = pd.DataFrame({"epoch": [0, 1, 2], "val_auroc": [0.5, 0.9, 0.8], "val_loss": [3, 2, 1]})
    assert best_epoch(history, {"training": {"best_epoch": 0}}) == 0
    assert best_epoch(history, {}) == 1
    assert best_epoch(history.drop(columns="val_auroc"), {"training": None}) == 2
    assert best_epoch(history[["epoch"]], {}) is None


def test_history_figure_marks_the_best_epoch():
    history = pd.DataFrame(
        {
            "epoch": [0, 1],
            "train_loss": [1, 0.5],
            "train_accuracy": [0.5, 0.7],
            "val_loss": [1, np.nan],
            "val_accuracy": [0.5, np.nan],
        }
    )
    left, _ = history_figure(history, best=1).axes
    assert [line.get_label() for line in left.lines] == ["training", "validation", "best epoch (1)"]
    assert left.lines[1].get_xdata().tolist() == [0]
    assert "nats" in left.get_ylabel()
    assert [tick for tick in left.get_xticks() if 0 <= tick <= 1] == [0, 1]


def test_one_class_has_no_curve_but_a_word_about_it():
    figure = roc_figure(np.ones(4, dtype=np.int64), np.full((4, 2), 0.5), ["a", "b"], 1)
    assert "undefined" in figure.axes[0].texts[0].get_text()


def test_draw_all_returns_the_files(tmp_path):
    run = make_run(tmp_path / "run")
    paths = draw_all(run)
    assert [path.stem for path in paths] == ["history", "confusion", "roc", "precision_recall", "calibration"]
    assert all(path.is_file() for path in paths)


@pytest.mark.parametrize(
    ("value", "divisor", "unit", "text"),
    [
        (None, 1.0, "s", "not measured"),
        (0.51234, 1.0, "s", "0.5123 s"),
        (60.0, 1.0, "s", "60 s"),
        (7200.0, 1.0, "s", "7,200 s (2.0 h)"),
        (744620, 1e6, "M", "0.7446 M"),
        (96000, 1.0, "", "96,000"),
    ],
)
def test_costs_have_units(value, divisor, unit, text):
    assert measure(value, divisor, unit) == text


def test_shorten_keeps_both_ends():
    text = "ENST0001" + "x" * 100 + "-tail"
    assert len(shorten(text, 20)) == 20
    assert shorten(text, 20).startswith("ENST0001")
    assert shorten(text, 20).endswith("-tail")
    assert shorten("short") == "short"


COUNTS = {
    "contigs": 7, "dropped": {"ambiguous": 0, "short": 2}, "names": ["a", "b"],
    "splits": {"test": {"first": 1, "acceptor": 2}, "val": {"first": 3}, "seed": 4},
}  # fmt: skip


def test_counts_of_any_depth_are_one_grid():
    told = _tables(COUNTS)
    assert told["columns"] == ["ambiguous", "short", "seed", "first", "acceptor"]
    assert told["rows"] == [
        ("dropped", ["0", "2", "–", "–", "–"]),
        ("splits", ["–", "–", "4", "–", "–"]),
        ("splits test", ["–", "–", "–", "1", "2"]),
        ("splits val", ["–", "–", "–", "3", "–"]),
    ]
    assert told["plain"] == [("contigs", "7"), ("names", "a, b")]


def test_counts_are_spoken_without_what_is_nothing():
    assert list(_spoken(COUNTS)) == [
        "contigs: 7",
        "names: ['a', 'b']",
        "dropped: short 2",
        "splits: seed 4",
        "splits test: first 1, acceptor 2",
        "splits val: first 3",
    ]
