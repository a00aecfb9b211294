"""The report in Chromium, opened from disk with the network off, as a reader opens it."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from functune.api.runs import plan_run
from functune.report.capacity_page import CAPACITY_PAGE, render_capacity_page
from functune.report.charts.heat_map import contrast_ratio
from functune.report.files import write_report
from functune.report.rows import Row
from functune.run.folder import RunFolder
from tests.chromium import PATIENCE, Tab, chromium, grave_violations
from tests.report.written import full_run

CHARTS = 6 + 4 + 4
"""Cost, throughput, latency, arrivals, time and repeats of the first route; no arrivals, no repeats of the others."""
ONE_ROW_OF_EACH_KIND = """
for (const details of document.querySelectorAll("details")) details.open = true;
for (const body of document.querySelectorAll("tbody")) {
  const seen = new Set();
  for (const row of [...body.rows]) {
    const kind = row.innerHTML.replaceAll(/>[^<]*/g, ">");
    if (seen.has(kind)) row.remove();
    seen.add(kind);
  }
}
"""
"""Rows that differ in their text alone are alike to axe, which takes seconds for hundreds of them."""
NEXT_LABEL = f"""(button) => ({{ label: new Promise((found) => {{
  new MutationObserver(() => found(button.textContent)).observe(button, {{ childList: true }});
  setTimeout(() => found(null), {PATIENCE});
}}) }})"""
"""The next text of a button, which it may have for a moment only."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Tab:
    """A tab without a network."""
    context = browser.new_context(accept_downloads=True, offline=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return Tab(context.new_page())


@pytest.fixture
def used(tab: Tab) -> Iterator[Tab]:
    """The tab, for a test that changes the page."""
    yield tab
    tab.forget()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full run with its report."""
    found = full_run(tmp_path_factory.mktemp("run"))
    write_report(RunFolder.open(found))
    return found


@pytest.fixture(scope="module")
def report(folder: Path) -> str:
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def plan(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    found = plan_run(folder, "daily:40:120", experiment="waits", now="flex:2048:16")
    page = tmp_path_factory.mktemp("planned") / CAPACITY_PAGE
    page.write_text(render_capacity_page(found), encoding="utf-8")
    return page.as_uri()


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False)], ids=["wide", "dark", "phone"])
def test_report_draws_every_chart_and_never_scrolls_sideways(tab: Tab, report: str, width: int, dark: bool) -> None:
    page = tab.show(report, width=width, dark=dark)
    assert tab.requested == [report]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    charts = page.locator("svg.chart >> visible=true").evaluate_all(
        "(charts) => charts.map((svg) => ({"
        "width: svg.getBoundingClientRect().width, height: svg.getBoundingClientRect().height,"
        "marks: [...svg.querySelectorAll('[data-tip]')].filter((mark) => mark.getBBox().width > 0).length }))"
    )
    assert len(charts) == CHARTS
    for chart in charts:
        assert chart["width"] > 240
        assert chart["height"] > 150
        assert chart["marks"] >= 2


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_report_colours_are_resolved_and_readable(tab: Tab, report: str, dark: bool) -> None:
    page = tab.show(report, width=1200, dark=dark)
    background = page.evaluate("getComputedStyle(document.querySelector('figure')).backgroundColor")
    colors = page.evaluate(
        "[...document.querySelectorAll('svg.chart g:not(.mark-rect) > text, figcaption p, .eyebrow, .good, .bad')]"
        ".filter((text) => !text.closest('svg') || !text.closest('figure').querySelector('.legend'))"
        ".map((text) => getComputedStyle(text)[text.closest('svg') ? 'fill' : 'color'])"
    )
    assert len(set(colors)) > 4
    for color in set(colors):
        assert ratio(color, background) >= 4.5, f"{color} on {background}"
    parts = page.evaluate(
        "[0, 1, 2].map((part) => ['--part-', '--part-ink-'].map("
        "(name) => getComputedStyle(document.documentElement).getPropertyValue(name + part).trim()))"
    )
    for fill, ink in parts:
        assert contrast_ratio(hexadecimal(fill), hexadecimal(ink)) >= 4.5, f"{ink} on {fill}"


def ratio(one: str, other: str) -> float:
    """The contrast ratio of two colours as getComputedStyle gives them, e.g. ``rgb(1, 2, 3)``."""
    first, second = (tuple(int(part) for part in color[4:-1].split(", ")) for color in (one, other))
    return contrast_ratio(first, second)


def hexadecimal(color: str) -> tuple[int, ...]:
    """``#0b5cad`` as numbers."""
    return tuple(bytes.fromhex(color.removeprefix("#")))


def test_report_prints_light_and_within_the_paper(tab: Tab, report: str) -> None:
    page = tab.show(report, width=720, dark=True)  # A4 at 96 pixels an inch, less its margins
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("svg.chart >> visible=true").count() == CHARTS


def test_report_copies_the_settings(tab: Tab, report: str) -> None:
    page = tab.show(report, width=1200)
    button = page.get_by_role("button", name="Copy").first
    next_label = button.evaluate_handle(NEXT_LABEL)
    button.click()
    assert next_label.evaluate("(next) => next.label") == "Copied"
    assert page.evaluate("navigator.clipboard.readText()") == '"FUNCTIONS_WORKER_PROCESS_COUNT": "1"'


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (".mark-symbol", "requests/s · 128 users · 1 thread in 1 process"),
        (".mark-rect", " in the handler, "),
    ],
)
def test_report_shows_a_marks_value_on_hover(tab: Tab, report: str, mark: str, said: str) -> None:
    page = tab.show(report, width=1200)
    point = page.locator(f'svg.chart {mark} [data-tip*="{said}"] >> visible=true').last
    point.evaluate("(mark) => mark.scrollIntoView({ block: 'center', behavior: 'instant' })")
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.locator(".tip:not([hidden])")
    tip.wait_for()
    assert tip.inner_text() == point.get_attribute("data-tip")


def test_report_downloads_its_steps_as_csv(tab: Tab, report: str, tmp_path: Path) -> None:
    page = tab.show(report, width=1200)
    with page.expect_download() as started:
        page.get_by_role("button", name="Download all steps as CSV").click()
    saved = tmp_path / "steps.csv"
    started.value.save_as(saved)
    with saved.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(Row.__struct_fields__)
    assert len(rows) == page.locator("table.sortable tbody tr").count()
    shown = page.locator("table.sortable").first.locator("tbody tr").first.locator("td").all_inner_texts()
    assert float(rows[0]["throughput_per_s"]) == pytest.approx(float(shown[1]), rel=0.01)


def test_table_sorts_by_keyboard_and_says_so(used: Tab, report: str) -> None:
    page = used.show(report, width=1200)
    table = page.locator("table.sortable").first
    head = table.locator("thead th", has_text="p95 ms")
    place = head.evaluate("head => head.cellIndex")

    def column() -> list[float]:
        texts = table.locator(f"tbody tr > *:nth-child({place + 1})").all_inner_texts()
        return [float(text.replace(",", "")) for text in texts if text != "-"]

    before = column()
    assert before != sorted(before)
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert column() == sorted(before)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column() == sorted(before, reverse=True)
    first = table.locator("thead th").first
    first.get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None
    assert column() == before


def test_page_glides_to_a_section_only_where_the_reader_wants_motion(used: Tab, report: str) -> None:
    page = used.show(report, width=1200)
    behavior = "getComputedStyle(document.documentElement).scrollBehavior"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(behavior) == "smooth"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(behavior) == "auto"
    page.emulate_media(reduced_motion="null")


def test_axe_finds_no_serious_violation_in_either_theme(used: Tab, report: str) -> None:
    used.show(report, width=1200).evaluate(ONE_ROW_OF_EACH_KIND)
    for dark in (False, True):
        assert grave_violations(used.show(report, width=1200, dark=dark)) == {}, f"dark: {dark}"


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False), (360, True)])
def test_plan_draws_its_charts_and_never_scrolls_sideways(tab: Tab, plan: str, width: int, dark: bool) -> None:
    page = tab.show(plan, width=width, dark=dark)
    assert tab.requested == [plan]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg.chart >> visible=true").count() == 2


def test_report_says_everything_without_script(browser: Browser, report: str) -> None:
    tab = Tab(browser.new_page(java_script_enabled=False, offline=True))
    page = tab.show(report, width=1200)
    assert tab.requested == [report]
    assert page.get_by_text("Use 1 process, threads unset").first.is_visible()
    assert page.locator("table.sortable").first.is_visible()
    assert page.locator("svg.chart >> visible=true").count() == CHARTS
    assert page.get_by_role("button").count() == 0
    page.locator("details summary").first.click()
    assert page.get_by_text("using 'main.bicep'").first.is_visible()
