"""The live page in Chromium, while steps arrive and when the run ends."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Page

from functune.report.files import write_report
from functune.run.folder import MEASUREMENTS, RunFolder
from functune.run.measuring import being_measured
from functune.watch.drawer import Drawer
from functune.watch.live_run import LiveRun
from functune.watch.server import served
from tests.chromium import chromium
from tests.report.test_browser import ARTIFACTS
from tests.report.written import run_folder, threads
from tools.equipment import AXE

PATIENCE = 60_000
"""Milliseconds for a drawing on a busy machine."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Watched:
    """A run that is followed and served; a test adds steps to it and ends it."""

    def __init__(self, run: Path, lines: list[bytes], *, url: str, measuring: ExitStack) -> None:
        self.run, self.lines, self.url, self.measuring = run, lines, url, measuring

    def measure(self, count: int) -> None:
        """Append steps, as a sweep does."""
        with (self.run / MEASUREMENTS).open("ab") as file:
            file.write(b"".join(self.lines[:count]))
        del self.lines[:count]

    def end(self) -> None:
        """Write the report and let go of the run."""
        write_report(RunFolder.open(self.run))
        self.measuring.close()


@contextmanager
def watching(folder: Path) -> Iterator[Watched]:
    """A run that is measured and watched; the pauses between drawings are a quarter of the real ones."""
    experiment, measured = threads()
    run = run_folder(folder, [experiment], measured)
    lines = (run / MEASUREMENTS).read_bytes().splitlines(keepends=True)
    (run / MEASUREMENTS).write_bytes(b"")
    stop = threading.Event()
    with closing(Drawer(run)) as drawer, ExitStack() as measuring:
        measuring.enter_context(being_measured(run))
        live = LiveRun(run, drawer, clock=lambda: 4 * time.monotonic())

        def follow() -> None:
            while not stop.wait(0.1):
                live.follow()

        following = threading.Thread(target=follow)
        following.start()
        with served(live, 0) as url:
            yield Watched(run, lines, url=url, measuring=measuring)
            stop.set()
            following.join()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with watching(tmp_path / "run") as watched:
        yield watched


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A run with a few steps, which stays as it is."""
    with watching(tmp_path_factory.mktemp("begun") / "run") as watched:
        watched.measure(10)
        yield watched


def opened(browser: Browser, url: str, said: list[str], *, width: int = 1200, dark: bool = False) -> Page:
    """The page in a new tab; what it says on the console goes into ``said``."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    return page


def report_of(page: Page, version: int) -> Frame:
    """The frame with this drawing, once it is the one that is shown."""
    shown = page.wait_for_selector(f'iframe[src$="version={version}"]:not(.coming)', timeout=PATIENCE)
    frame = shown.content_frame() if shown else None
    assert frame is not None
    return frame


def test_page_follows_the_run_and_keeps_the_readers_place(browser: Browser, watched: Watched) -> None:
    said: list[str] = []
    page = opened(browser, watched.url, said)
    page.get_by_text("Measuring: no step has ended yet").wait_for()
    watched.measure(12)
    first = report_of(page, 1)
    assert page.get_by_role("status").inner_text() == "Measuring: 12 steps so far"
    first.locator("details summary").first.click()
    first.locator("table.sortable thead button").nth(1).click()
    heading = first.locator("h3").last
    heading.evaluate("(place) => scrollTo({ top: place.offsetTop - 40, behavior: 'instant' })")
    text, top = heading.inner_text(), heading.evaluate("(place) => place.getBoundingClientRect().top")
    assert first.evaluate("scrollY") > 400
    open_before = first.locator("details[open] summary").all_inner_texts()
    assert open_before

    watched.measure(6)
    second = report_of(page, 2)
    assert page.locator("iframe").count() == 1
    assert second.locator("#steps tbody tr").count() > 0
    assert set(open_before) <= set(second.locator("details[open] summary").all_inner_texts())
    assert second.locator("table.sortable th[aria-sort=ascending]").count() == 1
    same = second.locator("h3", has_text=text).last
    assert same.evaluate("(place) => place.getBoundingClientRect().top") == pytest.approx(top, abs=2)

    watched.end()
    page.get_by_text("The run has ended: 18 steps").wait_for(timeout=PATIENCE)
    report_of(page, 3)
    assert said == []
    page.context.close()


def test_page_waits_while_text_is_selected(browser: Browser, watched: Watched) -> None:
    watched.measure(10)
    page = opened(browser, watched.url, [])
    first = report_of(page, 1)
    first.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    watched.end()
    page.get_by_text("The run has ended: 10 steps").wait_for(timeout=PATIENCE)
    with page.expect_response(lambda answer: "state.json" in answer.url):
        pass  # the next question after the run's end
    assert page.locator("iframe").get_attribute("src") == "report.html?version=1"
    first.evaluate("getSelection().removeAllRanges()")
    report_of(page, 2)
    page.context.close()


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False), (360, True)])
def test_page_fits_and_axe_finds_nothing_serious(browser: Browser, begun: Watched, width: int, dark: bool) -> None:
    script = AXE.find()
    if script is None:
        pytest.skip(AXE.missing)
    said: list[str] = []
    page = opened(browser, begun.url, said, width=width, dark=dark)
    frame = report_of(page, 1)
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"watch-{width}-{'dark' if dark else 'light'}.png")
    for each in (page.main_frame, frame):
        assert each.evaluate("document.documentElement.scrollWidth") <= width
    page.main_frame.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'], iframes: false })")
    assert found["passes"] != []
    assert [each["id"] for each in found["violations"] if each["impact"] in {"serious", "critical"}] == []
    assert said == []
    page.context.close()
