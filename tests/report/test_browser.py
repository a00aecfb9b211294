"""The report in Chromium, opened from disk as a reader opens it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from functune.report.heat_map import contrast
from functune.report.run_folder import write
from tests.report.written import routes, run_folder, threads

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing: install it (Debian: apt-get install chromium) to test the report"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    (first, first_steps), (second, second_steps) = threads(), routes()
    folder = run_folder(tmp_path_factory.mktemp("run"), [first, second], [*first_steps, *second_steps])
    write(folder)
    return (folder / "report.html").as_uri()


def opened(browser: Browser, report: str, *, width: int, dark: bool = False, script: bool = True) -> Page:
    """The report in a new page; anything it says on the console fails the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
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


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False)], ids=["wide", "dark", "phone"])
def test_report_draws_every_chart_and_never_scrolls_sideways(
    browser: Browser, report: str, width: int, dark: bool
) -> None:
    page = opened(browser, report, width=width, dark=dark)
    scroll_width = page.evaluate("document.documentElement.scrollWidth")
    assert scroll_width <= width
    visible = [chart for chart in page.locator("svg.chart").all() if chart.is_visible()]
    assert len(visible) == 5
    for chart in visible:
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 240
        assert box["height"] > 180
        assert chart.locator(".mark-symbol path").count() >= 2
    page.context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_report_colours_are_resolved_and_readable(browser: Browser, report: str, dark: bool) -> None:
    page = opened(browser, report, width=1200, dark=dark)
    background = page.evaluate("getComputedStyle(document.querySelector('figure')).backgroundColor")
    colors = page.evaluate(
        "[...document.querySelectorAll('svg.chart text, figcaption p, .eyebrow, .good, .bad')]"
        ".map((text) => getComputedStyle(text)[text.closest('svg') ? 'fill' : 'color'])"
    )
    assert len(set(colors)) > 4
    for color in set(colors):
        assert ratio(color, background) >= 4.5, f"{color} on {background}"
    page.context.close()


def ratio(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours as getComputedStyle gives them, e.g. ``rgb(1, 2, 3)``."""
    first, second = (tuple(int(part) for part in color[4:-1].split(", ")) for color in (one, other))
    return contrast(first, second)


def test_report_prints_light_and_within_the_paper(browser: Browser, report: str) -> None:
    page = opened(browser, report, width=720, dark=True)  # A4 at 96 pixels an inch, less its margins
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("svg.chart >> visible=true").count() == 5
    page.context.close()


def test_report_copies_the_settings(browser: Browser, report: str) -> None:
    page = opened(browser, report, width=1200)
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for(timeout=5000)
    assert page.evaluate("navigator.clipboard.readText()") == '"FUNCTIONS_WORKER_PROCESS_COUNT": "1"'
    page.context.close()


def test_report_shows_a_points_value_on_hover(browser: Browser, report: str) -> None:
    page = opened(browser, report, width=1200)
    point = page.locator("svg.chart .mark-symbol path").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.locator(".tip:not([hidden])")
    tip.wait_for(timeout=5000)
    assert " requests/s · " in tip.inner_text()
    page.context.close()


def test_report_says_everything_without_script(browser: Browser, report: str) -> None:
    page = opened(browser, report, width=1200, script=False)
    assert page.get_by_text("Use 1 process, threads unset").first.is_visible()
    assert page.locator("table").first.is_visible()
    assert page.locator("svg.chart >> visible=true").count() == 5
    page.context.close()
