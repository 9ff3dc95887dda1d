"""A report opens in a real browser, and its script does what it is for; ``test_pages.py`` has everything else."""

from test_reporting import make_run

from classify.reporting.page import write_report


def test_a_report_opens_and_answers(visit, tmp_path):
    page = visit(write_report(make_run(tmp_path / "run", history=False)))
    head = page.locator("table.sortable th").first
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.locator("table.sortable tbody th").all_text_contents() == ["CDN", "LNSD"]
    chart = page.locator(".chart").first
    chart.focus()
    page.keyboard.press("End")
    assert chart.locator(".tip").inner_text().startswith("false positive rate 1.000")
    page.get_by_label("predicted class").select_option("CDN")
    assert page.locator("#gallery figure:visible").count() == 2
