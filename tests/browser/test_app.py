"""The local page in a real browser, served by ``python -m classify app`` itself: a run of pictures and one of several labels.

What is typed, clicked and checked, each without a console message and a request to another origin (``conftest.watched``):

- By keyboard alone: letters pasted, the button reached by Tab and pressed by Enter; verdict, signal and spectrogram, attribution,
  shaded letters. Tab reaches everything in order, with a visible outline.
- A file is chosen, and another dropped; its size and name are told.
- Column heads of ranked labels, records and letters sort, by the script of reports.
- 360 px without sideways scroll, before and after; contrast in light and dark; without scripts the form does the same.
- Names of records stay text; inline scripts and other addresses are refused by the policy.

Screenshots go to the folder ``SPECGEN_SCREENSHOTS``.
"""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from looks import CONTRAST, PHONE, REACHABLE, REFUSED, TOLD
from test_chromatin_task import COMMON, rows, write_table
from toy import SMALL, fasta, script

pytestmark = pytest.mark.slow  # two trainings and two servers, each of which starts torch

HOSTILE = "</script><img/src=x/onerror=alert(1)>"
LETTERS = "".join(np.random.default_rng(3).choice(list("ACGT"), 900))
SITES = "ACG" + "GATTACA" + LETTERS[:50]
RECORDS = [("first", LETTERS), ("short", "ACGT"), (HOSTILE, LETTERS[100:])]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of both runs, and a command that knows the toy network; it trains, since a browser's loop runs in this process."""
    folder = tmp_path_factory.mktemp("app")
    table = write_table(
        folder / "labels.csv", rows(400), ("id", "sequence", "K562|GATA1|None", "HepG2|DNase|None", HOSTILE)
    )
    command = [sys.executable, str(script(folder))]
    labelled = [*COMMON, "--data.train", json.dumps([str(table)]), "--model", "deepbind"]
    for options in (SMALL, labelled):
        subprocess.run(
            [*command, "train", *options, "--runs", str(folder)], check=True, timeout=600, capture_output=True
        )
    return command, {"pictures": folder / "coding/toy_test/default", "labels": folder / "chromatin/deepbind/default"}


@pytest.fixture(scope="module")
def served(runs):
    """Name -> address, each of a process that ends by SIGTERM."""
    command, folders = runs
    few = ["--attribution.steps", "4", "--attribution.limit", "4"]
    servers = {
        name: subprocess.Popen(
            [*command, "app", "--run", str(folder), "--port", str(9200 + i), *few], stdout=subprocess.PIPE, text=True
        )
        for i, (name, folder) in enumerate(folders.items())
    }
    try:
        lines = {name: server.stdout.readline() for name, server in servers.items()}
        assert all("(Ctrl-C ends)" in line for line in lines.values()), lines
        yield {name: line.split()[0] for name, line in lines.items()}
    finally:
        for server in servers.values():
            server.send_signal(signal.SIGTERM)
        codes = [server.wait(timeout=60) for server in servers.values()]
    assert codes == [143, 143]


def asked(page, text):
    """The page's answer to pasted text."""
    page.get_by_label("Letters, FASTA or FASTQ").fill(text)
    page.get_by_role("button", name="Read").click()
    page.locator("#verdict").wait_for()
    return page


def stops(page, most):
    """Places of what Tab reaches, in its order; each has an outline."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        if (told := page.evaluate(TOLD)) is None:
            break
        assert told["style"] != "none", told
        assert told["width"] >= 2, told
        found.append(told["place"])
    return found


def sizes(page):
    """Width in pixels of each picture as it was decoded; 0 = not at all."""
    return page.locator("figure img").evaluate_all("all => all.map(one => one.naturalWidth)")


def test_a_pasted_sequence_is_read_by_keyboard(visit, served, screenshots):
    page = visit(served["pictures"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.insert_text(f">mine\n{LETTERS}")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Read":
            break
    page.keyboard.press("Enter")
    assert page.locator("#verdict").inner_text() == "mine"
    verdict, *chances = page.locator(".tile b").all_inner_texts()
    assert sum(map(float, chances)) == pytest.approx(1, abs=2e-4)
    assert verdict == ("LNSD", "CDN")[int(np.argmax(list(map(float, chances))))]
    assert page.locator("h2").all_inner_texts() == ["mine", "Signal and spectrogram", "Letters that decided"]
    signal_, window = sizes(page)
    assert min(signal_, window) > 800
    assert page.locator("pre.letters span:is(.up1, .up2, .up3, .up4, .down1, .down2, .down3, .down4)").count() > 10
    shown = page.locator("pre.letters").inner_text()
    assert "".join(line.split()[1] for line in shown.splitlines() if line.strip()) in LETTERS
    assert page.get_by_label("Letters, FASTA or FASTQ").input_value() == f">mine\n{LETTERS}"
    assert page.get_by_role("button", name="Read").is_enabled()
    page.screenshot(path=screenshots / "app-light.png", full_page=True)


@pytest.mark.parametrize("name", ["pictures", "labels"])
def test_tab_reaches_everything_in_order(visit, served, name):
    page = asked(visit(served[name]), LETTERS if name == "pictures" else SITES)
    page.evaluate("document.activeElement.blur(), getSelection().removeAllRanges()")
    wanted = page.locator(REACHABLE + ", textarea").evaluate_all(
        "found => found.filter(one => one.checkVisibility()).map(one => [...document.querySelectorAll('*')].indexOf(one))"
    )
    assert len(wanted) >= 7
    assert stops(page, len(wanted) + 5) == wanted


def test_ranked_labels_sort_by_their_heads(visit, served, screenshots):
    page = asked(visit(served["labels"]), SITES)
    table = page.locator("table.sortable", has_text="probability").first
    assert table.locator("tbody tr").count() == 3
    cell = "rows => rows.map(row => Number(row.cells[{}].dataset.sort))"
    before = table.locator("tbody tr").evaluate_all(cell.format(6))
    assert before == sorted(before, reverse=True)
    head = table.locator("th", has_text="threshold")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    thresholds = table.locator("tbody tr").evaluate_all(cell.format(7))
    assert thresholds == sorted(thresholds, reverse=True)
    head = table.locator("th", has_text="label")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    names = table.locator("tbody th").all_text_contents()
    assert sorted(names) == sorted(["K562|GATA1|None", "HepG2|DNase|None", HOSTILE])
    assert names[1:] == ["HepG2|DNase|None", "K562|GATA1|None"]
    assert page.locator("img[src=x]").count() == 0
    page.screenshot(path=screenshots / "app-labels.png", full_page=True)


def test_records_and_letters_sort_too(visit, served):
    page = asked(visit(served["pictures"]), fasta(RECORDS))
    records, letters = page.locator("table.sortable").first, page.locator("table.sortable").last
    assert records.locator("tbody th").all_text_contents() == [name for name, _ in RECORDS]
    assert page.locator("img[src='x/onerror=alert(1)'], img[src=x]").count() == 0
    head = records.locator("th button", has_text="p(CDN)")
    for _ in range(2):
        head.click()
        assert records.locator("tbody tr").last.locator("th").text_content() == "short"  # it has none
    head.click()
    assert records.locator("tbody th").all_text_contents() == [name for name, _ in RECORDS]
    letters.locator("th button", has_text="log-odds").click()
    values = [float(text) for text in letters.locator("tbody td:last-child").all_text_contents()]
    assert len(values) == 10
    assert values == sorted(values, reverse=True)


DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  document.querySelector("main").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def test_a_file_is_chosen_or_dropped(visit, served, tmp_path):
    (tmp_path / "chosen.fa").write_text(fasta(RECORDS[:1]))
    page = visit(served["pictures"])
    page.get_by_label("Or a file").set_input_files(tmp_path / "chosen.fa")
    assert page.get_by_role("status").inner_text() == "chosen.fa will be read."
    page.evaluate(DROP, ["dropped.fa", fasta([("dropped", LETTERS)])])
    assert page.get_by_role("status").inner_text() == "dropped.fa will be read."
    page.get_by_role("button", name="Read").click()
    assert page.locator("#verdict").inner_text() == "dropped"
    page.evaluate(DROP, ["large.fa", "A" * 5_000_001])
    page.get_by_role("button", name="Read").click()
    assert page.get_by_role("status").inner_text() == "large.fa: expected at most 5,000,000 bytes, got 5,000,001"
    assert page.locator("#verdict").inner_text() == "dropped"  # nothing was sent


@pytest.mark.parametrize("name", ["pictures", "labels"])
def test_a_phone_never_scrolls_sideways(visit, served, name, screenshots):
    page = visit(served[name], **PHONE)
    width = "[document.documentElement.scrollWidth, innerWidth]"
    assert page.evaluate(width) == [360, 360]
    asked(page, fasta(RECORDS) if name == "pictures" else fasta([("a", SITES), (HOSTILE * 3, SITES)]))
    assert page.evaluate(width) == [360, 360]
    page.screenshot(path=screenshots / f"app-{name}-phone.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["pictures", "labels"])
def test_contrast(visit, served, name, scheme, screenshots):
    page = asked(visit(served[name], color_scheme=scheme), fasta(RECORDS) if name == "pictures" else SITES)
    page.locator("button.sort").first.click()
    found = page.evaluate(CONTRAST)
    assert len(found) > 40
    assert [row for row in found if row[0] < row[1]] == []
    page.screenshot(path=screenshots / f"app-{name}-{scheme}.png", full_page=True)


def test_without_scripts_the_form_does_the_same(visit, served):
    page = asked(visit(served["pictures"], java_script_enabled=False), fasta(RECORDS))
    with_them = asked(visit(served["pictures"]), fasta(RECORDS))
    for what in (".tile", "figure img", "tbody tr", "h2", "pre.letters span"):
        assert page.locator(f"{what}:visible").count() == with_them.locator(f"{what}:visible").count() > 0, what
    assert page.locator("button").count() == 1


def test_the_policy_refuses_everything_else(browser, served):
    # Not under watch: what is refused is told on the console.
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(served["pictures"])
        refused, ran, colour = page.evaluate(REFUSED)
        assert ran is None
        assert colour != "rgb(1, 2, 3)"
        assert set(refused) == {"connect-src", "img-src", "script-src-attr", "script-src-elem", "style-src-elem"}
    finally:
        context.close()
