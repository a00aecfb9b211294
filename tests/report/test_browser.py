"""The report in Chromium, opened from disk with the network off, as a reader opens it."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from functune.api.runs import plan_run
from functune.report.capacity_page import CAPACITY_PAGE, render_capacity_page
from functune.report.charts.heat_map import contrast_ratio
from functune.report.files import write_report
from functune.report.rows import Row
from functune.run.folder import RunFolder
from tests.chromium import chromium
from tests.report.written import full_run
from tools.equipment import AXE

ROOT = Path(__file__).parent.parent.parent
ARTIFACTS = ROOT / "artifacts"
CHARTS = 6 + 4 + 4
"""Cost, throughput, latency, arrivals, time and repeats of the first route; no arrivals, no repeats of the others."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = full_run(tmp_path_factory.mktemp("run"))
    write_report(RunFolder.open(folder))
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = full_run(tmp_path_factory.mktemp("planned"))
    found = plan_run(folder, "daily:40:120", experiment="waits", now="flex:2048:16")
    (folder / CAPACITY_PAGE).write_text(render_capacity_page(found), encoding="utf-8")
    return (folder / CAPACITY_PAGE).as_uri()


def opened(browser: Browser, report: str, *, width: int, dark: bool = False, script: bool = True) -> Page:
    """A page of a run in a new tab without a network; anything it says on the console fails the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        accept_downloads=True,
        offline=True,
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    said: list[str] = []
    requested: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.goto(report)
    assert said == []
    assert requested == [report]
    return page


def keep(page: Page, name: str) -> None:
    """A picture of the whole page, for people who look at a CI run."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False)], ids=["wide", "dark", "phone"])
def test_report_draws_every_chart_and_never_scrolls_sideways(
    browser: Browser, report: str, width: int, dark: bool
) -> None:
    page = opened(browser, report, width=width, dark=dark)
    keep(page, f"report-{width}-{'dark' if dark else 'light'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    visible = [chart for chart in page.locator("svg.chart").all() if chart.is_visible()]
    assert len(visible) == CHARTS
    for chart in visible:
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 240
        assert box["height"] > 150
        drawn = chart.evaluate(
            "svg => [...svg.querySelectorAll('[data-tip]')].filter(m => m.getBBox().width > 0).length"
        )
        assert drawn >= 2
    page.context.close()


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False), (360, True)])
def test_plan_draws_its_charts_and_never_scrolls_sideways(browser: Browser, plan: str, width: int, dark: bool) -> None:
    page = opened(browser, plan, width=width, dark=dark)
    keep(page, f"plan-{width}-{'dark' if dark else 'light'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert len([chart for chart in page.locator("svg.chart").all() if chart.is_visible()]) == 2
    page.context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_report_colours_are_resolved_and_readable(browser: Browser, report: str, dark: bool) -> None:
    page = opened(browser, report, width=1200, dark=dark)
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
    page.context.close()


def ratio(one: str, other: str) -> float:
    """The contrast ratio of two colours as getComputedStyle gives them, e.g. ``rgb(1, 2, 3)``."""
    first, second = (tuple(int(part) for part in color[4:-1].split(", ")) for color in (one, other))
    return contrast_ratio(first, second)


def hexadecimal(color: str) -> tuple[int, ...]:
    """``#0b5cad`` as numbers."""
    return tuple(bytes.fromhex(color.removeprefix("#")))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_violation(browser: Browser, report: str, dark: bool) -> None:
    script = AXE.find()
    if script is None:
        pytest.skip(AXE.missing)
    context = browser.new_context(
        viewport={"width": 1200, "height": 900}, color_scheme="dark" if dark else "light", bypass_csp=True
    )
    page = context.new_page()
    page.goto(report)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert found["passes"] != []
    grave = {
        each["id"]: [node["html"][:200] for node in each["nodes"]]
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    }
    assert grave == {}
    context.close()


def test_report_prints_light_and_within_the_paper(browser: Browser, report: str) -> None:
    page = opened(browser, report, width=720, dark=True)  # A4 at 96 pixels an inch, less its margins
    page.emulate_media(media="print")
    keep(page, "report-print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("svg.chart >> visible=true").count() == CHARTS
    page.context.close()


def test_report_copies_the_settings(browser: Browser, report: str) -> None:
    page = opened(browser, report, width=1200)
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for(timeout=5000)
    assert page.evaluate("navigator.clipboard.readText()") == '"FUNCTIONS_WORKER_PROCESS_COUNT": "1"'
    page.context.close()


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (".mark-symbol", "requests/s · 128 users · 1 thread in 1 process"),
        (".mark-rect", " in the handler, "),
    ],
)
def test_report_shows_a_marks_value_on_hover(browser: Browser, report: str, mark: str, said: str) -> None:
    page = opened(browser, report, width=1200)
    point = page.locator(f'svg.chart {mark} [data-tip*="{said}"] >> visible=true').last
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.locator(".tip:not([hidden])")
    tip.wait_for(timeout=5000)
    assert tip.inner_text() == point.get_attribute("data-tip")
    page.context.close()


def test_table_sorts_by_keyboard_and_says_so(browser: Browser, report: str) -> None:
    page = opened(browser, report, width=1200)
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
    page.context.close()


def test_report_downloads_its_steps_as_csv(browser: Browser, report: str, tmp_path: Path) -> None:
    page = opened(browser, report, width=1200)
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
    page.context.close()


def test_report_says_everything_without_script(browser: Browser, report: str) -> None:
    page = opened(browser, report, width=1200, script=False)
    assert page.get_by_text("Use 1 process, threads unset").first.is_visible()
    assert page.locator("table.sortable").first.is_visible()
    assert page.locator("svg.chart >> visible=true").count() == CHARTS
    assert page.get_by_role("button").count() == 0
    page.locator("details summary").first.click()
    assert page.get_by_text("using 'main.bicep'").first.is_visible()
    page.context.close()
