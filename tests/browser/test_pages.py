"""``report.html`` and ``compare.html`` in a real browser, opened as files.

What is clicked and checked, on reports of two and three classes and of several labels, one with hostile names, and a comparison:

- Opening: no console message, no dialog, no request of any kind (``conftest.watched``, for every test here); a script, style or
  picture that is put into the page afterwards is refused by its policy.
- Column heads: click, Enter and Space; ``aria-sort``; largest number or first name first, then the other way, then as it was;
  unknown values last; the order against Python's.
- Curves: pointer and arrow keys tell false positive rate, true positive rate and threshold, or all models' values; against
  scikit-learn's numbers. Escape, leaving and losing the focus hide them; a tap on a phone.
- Filters of gallery and labels: choices, words, counts, headings of empty parts, "Show all".
- Keyboard: Tab reaches all that can be used, in the order of the page, each with a visible outline.
- Contrast of all text, 4.5:1, and of curves, 3:1 (WCAG 2.2, 1.4.3 and 1.4.11), light and dark.
- 360 px: no sideways scroll of the page. Print: no controls, light, nothing cut off. Without scripts: nothing is missing.
- Hostile names stay text, in tables, filters, legends and the data of curves.

Screenshots of every page, light, dark, phone, print and without scripts, go to the folder ``SPECGEN_SCREENSHOTS``.
"""

import json
import re

import numpy as np
import pytest
from looks import CONTRAST, PHONE, REACHABLE, REFUSED, TOLD
from made_up import make_run as made_up_run
from sklearn.metrics import roc_curve
from test_reporting import CLASSES, make_run

from classify.comparison import compare
from classify.paired import Resampling
from classify.reporting._files import read_predictions
from classify.reporting.page import write_report

# With four reports and a comparison of six runs they take a minute or two; test_opening.py is the quick one.
pytestmark = pytest.mark.slow

HOSTILE = "</script><img src=x onerror=alert(1)>"
LINES = "\u2028\u2029<!--<script>"


def labelled_run(run):
    """A report with one row a label: 60 labels, some of which no test example has."""
    make_run(run, history=False, gallery=False)
    body = json.loads((run / "metrics.json").read_text())
    value = {"value": 0.8, "low": 0.7, "high": 0.9}
    rng = np.random.default_rng(0)
    names = [HOSTILE, LINES, *(f"label{i}" for i in range(58))]
    features = []
    for i, name in enumerate(names):
        area = None if i > 55 else float(rng.uniform(0.5, 1))
        features.append(
            {
                **{"name": name, "cell": f"cell{i % 3}", "factor": "CTCF", "treatment": "", "group": ("TF", "DNase")[i % 2]},
                **{"known": 60, "positives": 0 if area is None else int(rng.integers(1, 60)), "threshold": 0.5},
                **{"auroc": area, "auprc": area and area / 2, "f1": area and area / 3},
            }
        )  # fmt: skip
    keys = ("auroc", "auprc", "f1", "median_auroc", "median_auprc", "median_f1")
    groups = [{"group": group, "labels": 30, "scored": 28, **dict.fromkeys(keys, value)} for group in ("TF", "DNase")]
    for key in ("labels", "positive", "per_class", "confusion", "calibration"):
        del body[key]
    body |= {"answers": "label", "labels_in_all": 60, "labels_scored": 56, "by_group": groups, "features": features}
    (run / "metrics.json").write_text(json.dumps(body))
    return run


def scores(seed, strength, n=120):
    """Labels (n,), the same for every seed, and probabilities (n,) that follow them."""
    labels = np.random.default_rng(99).integers(2, size=n)
    noise = np.random.default_rng(seed).normal(size=n)
    return labels, 1 / (1 + np.exp(-(noise + strength * (labels - 0.5))))


def renamed(run, **names):
    """The run with other names of classes, in every file of it that has them."""
    for path in (run / "metrics.json", run / "predictions.csv", run / "gallery" / "gallery.json"):
        text = path.read_text()
        for old, new in names.items():
            text = text.replace(old, json.dumps(new)[1:-1] if path.suffix == ".json" else new)
        path.write_text(text)
    return run


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Name -> file of the pages that are looked at."""
    folder = tmp_path_factory.mktemp("runs")
    made = {
        "two": write_report(make_run(folder / "two", 2)),
        "three": write_report(make_run(folder / "three", 3)),
        "labels": write_report(labelled_run(folder / "labels")),
        "hostile": write_report(renamed(make_run(folder / "hostile", 2), CDN=HOSTILE, LNSD=LINES)),
    }
    runs = [made_up_run(folder / f"good{s}", *scores(s, 3), model="good", seed=s, val_auroc=0.9) for s in range(3)]
    runs += [
        made_up_run(folder / name, *scores(i, i / 2), model=name) for i, name in enumerate(("zero", "one", HOSTILE[:9]))
    ]
    runs.append(made_up_run(folder / "hostile_model", *scores(7, 2), model=HOSTILE, cost={"parameters": 12_345}))
    compare(runs, folder / "compared", how=Resampling(30))
    return {**made, "compared": folder / "compared" / "compare.html"}


def column(table, place):
    """Texts of a column, without the intervals below values."""
    return table.locator("tbody tr:not([data-last])").evaluate_all(
        "(rows, place) => rows.map(row => row.cells[place].firstChild.textContent)", place
    )


EVERY = ("two", "three", "labels", "hostile", "compared")


# Sorting


class TestSorting:
    def test_a_click_sorts_by_the_number_then_back_then_not(self, visit, pages):
        table = visit(pages["compared"]).locator("table.sortable").first
        head = table.locator("th", has_text="Calibration error")
        place = head.evaluate("head => head.cellIndex")
        before = column(table, place)
        values = sorted(before, key=float)
        assert before not in (values, values[::-1])
        for said, expected in (
            ("descending", values[::-1]),
            ("ascending", values),
            (None, before),
            ("descending", values[::-1]),
        ):
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == said
            assert column(table, place) == expected
        table.locator("th button").first.click()
        assert table.locator("[aria-sort]").evaluate_all("heads => heads.map(head => head.cellIndex)") == [0]
        assert table.locator("th").first.get_attribute("aria-sort") == "ascending"
        names = column(table, 0)
        assert sorted(names[:2]) == sorted([HOSTILE, HOSTILE[:9]])  # they begin with a sign
        assert names[2:] == ["good", "one", "zero"]

    @pytest.mark.parametrize("key", ["Enter", "Space"])
    def test_by_keyboard(self, visit, pages, key):
        page = visit(pages["two"])
        head = page.locator("table.sortable th", has_text="examples")
        head.locator("button").focus()
        page.keyboard.press(key)
        assert head.get_attribute("aria-sort") == "descending"
        found = [int(text) for text in column(page.locator("table.sortable").first, 4)]
        assert found == sorted(found, reverse=True)
        assert page.evaluate("document.activeElement.textContent") == "examples"

    def test_numbers_of_thousands_and_unknown_ones(self, visit, pages):
        page = visit(pages["compared"])
        budget = page.locator("table.sortable").nth(2)
        for title, expected in (("parameters", "12,345"), ("validation AUROC", "0.900")):
            head = budget.locator("th", has_text=title)
            head.locator("button").click()
            found = column(budget, head.evaluate("head => head.cellIndex"))
            assert found[0] == expected
            head.locator("button").click()
            again = column(budget, head.evaluate("head => head.cellIndex"))
            known = [text for text in again if text != "–"]
            assert again == known + ["–"] * (len(again) - len(known))  # unknown ones are last either way

    def test_the_row_that_tells_of_more_stays_last(self, visit, pages):
        table = visit(pages["labels"]).locator("#labels")
        told = table.locator("tr[data-last]").text_content()
        assert told.strip() == "6 more"
        table.locator("th button", has_text="positives").click()
        assert table.locator("tbody tr").last.text_content() == told
        found = [int(row) for row in column(table, 5)]
        assert found == sorted(found, reverse=True)


# Curves


def over(page, chart, x, y):
    """The pointer at (x, y) in 0..1 of the chart's square."""
    chart.scroll_into_view_if_needed()
    svg, data = chart.locator("svg").first, json.loads(chart.locator("script").text_content())
    box = svg.bounding_box()
    scale = box["width"] / 360
    page.mouse.move(
        box["x"] + scale * (data["left"] + data["side"] * x), box["y"] + scale * (data["top"] + data["side"] * (1 - y))
    )


class TestCurves:
    def test_the_pointer_is_told_a_point_of_the_curve(self, visit, pages):
        page = visit(pages["two"])
        labels, chances = read_predictions(
            pages["two"].parent, json.loads((pages["two"].parent / "metrics.json").read_text())
        )
        false_rate, true_rate, threshold = roc_curve(labels == 1, chances[:, 1])
        chart = page.locator(".chart").first
        assert chart.locator(".tip").is_hidden()
        for i in (2, len(threshold) // 2, len(threshold) - 2):
            over(page, chart, false_rate[i], true_rate[i])
            said = chart.locator(".tip").inner_text().split("\n")
            assert said == [
                f"false positive rate {false_rate[i]:.3f}",
                f"true positive rate {true_rate[i]:.3f}",
                f"at a threshold of {float(f'{threshold[i]:.4g}')}",
            ]
        assert chart.locator(".dot").is_visible()
        page.mouse.move(1, 1)
        assert chart.locator(".tip").is_hidden()

    def test_of_several_classes_the_nearest_is_told(self, visit, pages):
        page = visit(pages["three"])
        chart = page.locator(".chart").first
        curves = json.loads(chart.locator("script").text_content())["curves"]
        assert [curve["name"] for curve in curves] == CLASSES[3]
        for curve in curves:
            # A point where no other curve is near.
            others = [p for other in curves if other is not curve for p in zip(other["x"], other["y"], strict=True)]
            far = [min(np.hypot(x - a, y - b) for a, b in others) for x, y in zip(curve["x"], curve["y"], strict=True)]
            i = int(np.argmax(far))
            over(page, chart, curve["x"][i], curve["y"][i])
            assert chart.locator(".tip").inner_text().split("\n")[-1] == f"{curve['y'][i]:.3f} {curve['name']}"

    def test_of_a_comparison_all_models_are_told_best_first(self, visit, pages):
        page = visit(pages["compared"])
        chart = page.locator(".chart").first
        over(page, chart, 0.3, 0.5)
        first, *rows = chart.locator(".tip").inner_text().split("\n")
        assert first == "false positive rate 0.300"
        curves = json.loads(chart.locator("script").text_content())["curves"]
        place = curves[0]["x"].index(0.3)
        expected = {curve["name"]: curve["y"][place] for curve in curves}
        told = {name: float(value) for value, name in (row.split(" ", 1) for row in rows)}
        assert told == pytest.approx(expected, abs=6e-4)
        assert list(told.values()) == sorted(told.values(), reverse=True)
        assert len(told) == 5

    def test_arrow_keys_go_along_and_to_other_curves(self, visit, pages):
        page = visit(pages["three"])
        chart = page.locator(".chart").nth(1)
        chart.focus()
        told = []
        for key in ("ArrowRight", *["ArrowRight"] * 8, "ArrowDown", "End", "Home"):
            page.keyboard.press(key)
            told.append(chart.locator(".tip").inner_text().split("\n"))
        recalls = [float(lines[0].removeprefix("recall ")) for lines in told]
        assert recalls[0] == recalls[-1] == 0
        assert recalls[-2] == 1
        assert recalls[:9] == sorted(recalls[:9])
        assert recalls[8] > 0
        assert {lines[-1].split(" ", 1)[1] for lines in told[:9]} == {CLASSES[3][0]}
        assert {lines[-1].split(" ", 1)[1] for lines in told[9:]} == {CLASSES[3][1]}
        assert chart.locator(".tip").get_attribute("role") == "status"
        page.keyboard.press("Escape")
        assert chart.locator(".tip").is_hidden()
        page.keyboard.press("ArrowRight")
        assert chart.locator(".tip").is_visible()
        page.keyboard.press("Tab")
        assert chart.locator(".tip").is_hidden()

    def test_a_tap_tells_and_the_box_stays_on_a_phone(self, visit, pages):
        page = visit(pages["compared"], **PHONE)
        chart = page.locator(".chart").first
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        for share in (0.25, 0.8):
            page.touchscreen.tap(box["x"] + share * box["width"], box["y"] + 0.4 * box["height"])
            tip = chart.locator(".tip").bounding_box()
            assert tip["x"] >= 0
            assert tip["x"] + tip["width"] <= 360


# Filters


class TestFilters:
    def test_of_the_gallery(self, visit, pages):
        page = visit(pages["two"])
        controls, gallery = page.locator(".filters"), page.locator("#gallery")
        shown = gallery.locator("figure:visible")
        assert (shown.count(), controls.locator("output").text_content()) == (5, "5 of 5 shown")
        controls.get_by_label("predicted class").select_option("CDN")
        assert shown.count() == 2
        assert controls.locator("output").text_content() == "2 of 5 shown"
        assert gallery.locator("h3:visible").all_text_contents() == ["Classified wrongly"]
        controls.get_by_label("search").fill("ETC/passwd")
        assert shown.count() == 1
        assert "../../etc/passwd" in shown.text_content()
        controls.get_by_label("true class").select_option("LNSD")
        assert shown.count() == 1
        controls.get_by_label("search").fill("nobody")
        assert controls.locator("output").text_content() == "0 of 5 shown"
        assert gallery.locator("h3:visible").count() == 0
        controls.get_by_role("button", name="Show all").click()
        assert shown.count() == 5
        assert controls.get_by_label("predicted class").input_value() == ""

    def test_of_labels_and_sorting_together(self, visit, pages):
        page = visit(pages["labels"])
        table = page.locator("#labels")
        rows = table.locator("tr[data-item]:visible")
        assert rows.count() == 50
        page.locator(".filters").get_by_label("group").select_option("DNase")
        page.locator(".filters").get_by_label("search").fill("cell1")
        found = rows.evaluate_all("rows => rows.map(row => [row.cells[4].textContent, row.cells[1].textContent])")
        assert found
        assert set(map(tuple, found)) == {("DNase", "cell1")}
        table.locator("th button", has_text="AUROC").click()
        assert rows.count() == len(found)
        areas = [float(text) for text in rows.evaluate_all("rows => rows.map(row => row.cells[7].dataset.sort)")]
        assert areas == sorted(areas, reverse=True)


# For everybody


@pytest.mark.parametrize("name", ["two", "labels", "compared"])
def test_tab_reaches_everything_in_order_and_shows_where_it_is(visit, pages, name):
    page = visit(pages[name])
    wanted = page.locator(REACHABLE).evaluate_all(
        "found => found.filter(one => one.checkVisibility()).map(one => [...document.querySelectorAll('*')].indexOf(one))"
    )
    assert len(wanted) >= 10
    stops = []
    for _ in range(len(wanted) + 10):
        page.keyboard.press("Tab")
        if (told := page.evaluate(TOLD)) is None:
            break
        assert told["style"] != "none", told
        assert told["width"] >= 2, told
        stops.append(told["place"])
    assert stops == wanted


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", EVERY)
def test_contrast(visit, pages, name, scheme):
    page = visit(pages[name], color_scheme=scheme)
    page.locator("button.sort").first.click()
    if page.locator(".chart").count():
        over(page, page.locator(".chart").first, 0.4, 0.5)
    found = page.evaluate(CONTRAST)
    assert len(found) > 50
    assert [row for row in found if row[0] < row[1]] == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 380) == (scheme == "light")


@pytest.mark.parametrize("name", EVERY)
def test_a_phone_never_scrolls_sideways(visit, pages, name, screenshots):
    page = visit(pages[name], **PHONE)
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]
    page.screenshot(path=screenshots / f"{name}-phone.png", full_page=True)


@pytest.mark.parametrize("name", EVERY)
def test_print_is_light_without_controls_and_nothing_is_cut_off(visit, pages, name, screenshots):
    page = visit(pages[name], color_scheme="dark", viewport={"width": 720, "height": 1000})
    page.emulate_media(media="print")
    assert page.locator(".filters:visible, .tip:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    boxes = page.locator(".scroll, .wide, pre").evaluate_all("all => all.map(one => getComputedStyle(one).overflowX)")
    assert set(boxes) == {"visible"}
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    page.screenshot(path=screenshots / f"{name}-print.png", full_page=True)
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("name", EVERY)
def test_without_scripts_nothing_is_missing(visit, pages, name, screenshots):
    with_them, without = visit(pages[name]), visit(pages[name], java_script_enabled=False)
    for what in ("table", "tbody tr", "figure", "figure img", ".chart .curve", ".legend li", "h2", "h3", "a[href]"):
        counted = without.locator(f"{what}:visible").count()
        assert counted == with_them.locator(f"{what}:visible").count()
        assert counted == without.locator(what).count()
    assert without.locator("button:visible, input:visible, select:visible").count() == 0
    without.screenshot(path=screenshots / f"{name}-without-scripts.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", EVERY)
def test_screenshots(visit, pages, name, scheme, screenshots):
    page = visit(pages[name], color_scheme=scheme)
    if page.locator(".chart").count():
        # By keyboard: a screenshot of the whole page moves the page under the pointer.
        page.locator(".chart").first.focus()
        for key in ("Home", *["ArrowRight"] * 15):
            page.keyboard.press(key)
        assert page.locator(".tip").first.is_visible()
    path = screenshots / f"{name}-{scheme}.png"
    page.screenshot(path=path, full_page=True)
    assert path.stat().st_size > 50_000


# Names from data, and the policy


def test_hostile_names_are_text_everywhere(visit, pages):
    page = visit(pages["hostile"])
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("th", has_text=HOSTILE).first.is_visible()
    data = json.loads(page.locator(".chart script").first.text_content())
    assert [curve["name"] for curve in data["curves"]] == [HOSTILE]
    choice = page.locator(".filters").get_by_label("true class")
    assert choice.locator("option").nth(1).get_attribute("value") in (HOSTILE, LINES)
    choice.select_option(LINES)
    page.locator("table.sortable button.sort").first.click()
    over(page, page.locator(".chart").first, 0.1, 0.9)
    other = visit(pages["compared"])
    over(other, other.locator(".chart").first, 0.3, 0.5)
    assert HOSTILE in other.locator(".chart .tip").first.inner_text()
    assert other.locator("img[src=x]").count() == 0
    third = visit(pages["labels"])
    third.locator(".filters").get_by_label("search").fill("onerror=alert")
    assert third.locator("#labels tr[data-item]:visible").count() <= 1
    assert third.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("name", ["two", "compared"])
def test_the_policy_refuses_everything_else(browser, pages, name):
    # Not under watch: what is refused is told on the console.
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(pages[name].as_uri())
        refused, ran, colour = page.evaluate(REFUSED)
        assert ran is None
        assert colour != "rgb(1, 2, 3)"
        assert set(refused) == {"connect-src", "img-src", "script-src-attr", "script-src-elem", "style-src-elem"}
    finally:
        context.close()
