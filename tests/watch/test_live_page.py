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
from tests.chromium import PATIENCE, Tab, chromium, grave_violations
from tests.host.serving import wait_until
from tests.report.written import run_folder, threads


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Watched:
    """A run that is followed and served; a test adds steps to it and ends it."""

    def __init__(self, live: LiveRun, lines: list[bytes], *, url: str, measuring: ExitStack) -> None:
        self.live, self.lines, self.url, self.measuring = live, lines, url, measuring
        self.followed = threading.Lock()

    def follow(self) -> None:
        """Look at the run, as `functune watch` does."""
        with self.followed:
            self.live.follow()

    def measure(self, count: int) -> None:
        """Append steps, as a sweep does."""
        with self.followed, (self.live.run / MEASUREMENTS).open("ab") as file:
            file.write(b"".join(self.lines[:count]))
        del self.lines[:count]

    def end(self) -> None:
        """Write the report and let go of the run."""
        write_report(RunFolder.open(self.live.run))
        self.measuring.close()


@contextmanager
def watching(run: Path, lines: list[bytes]) -> Iterator[Watched]:
    """A run that is measured and watched; the pauses between drawings are a quarter of the real ones."""
    stop = threading.Event()
    # Other tests want all cores, and a drawing at the lowest priority would wait for them.
    with closing(Drawer(run, niceness=0)) as drawer, ExitStack() as measuring:
        measuring.enter_context(being_measured(run))
        live = LiveRun(run, drawer, clock=lambda: 4 * time.monotonic())
        with served(live, 0) as url:
            watched = Watched(live, lines, url=url, measuring=measuring)

            def follow() -> None:
                while not stop.wait(0.1):
                    watched.follow()

            following = threading.Thread(target=follow)
            following.start()
            try:
                yield watched
            finally:
                stop.set()
                following.join()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    experiment, measured = threads()
    run = run_folder(tmp_path / "run", [experiment], measured)
    lines = (run / MEASUREMENTS).read_bytes().splitlines(keepends=True)
    (run / MEASUREMENTS).write_bytes(b"")
    with watching(run, lines) as watched:
        yield watched


@pytest.fixture(scope="module")
def begun(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tab, str]]:
    """A tab, and the address of a run that is measured and stays as it is; its report was drawn before."""
    experiment, measured = threads()
    run = run_folder(tmp_path_factory.mktemp("begun") / "run", [experiment], measured[:10])
    write_report(RunFolder.open(run))
    with closing(Drawer(run)) as drawer:
        live = LiveRun(run, drawer)
        live.follow()
        with being_measured(run), served(live, 0) as url:
            live.follow()
            yield Tab(browser.new_page()), url


def report_of(page: Page, version: int) -> Frame:
    """The frame with this drawing, once it is shown: the pause before it is five times as long as the last took."""
    shown = page.wait_for_selector(f'iframe[src$="version={version}"]:not(.coming)', timeout=5 * PATIENCE)
    frame = shown.content_frame() if shown else None
    assert frame is not None
    return frame


def test_page_follows_the_run_keeps_the_readers_place_and_waits_while_text_is_selected(
    browser: Browser, watched: Watched
) -> None:
    tab = Tab(browser.new_page())
    page = tab.show(watched.url, width=1200)
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

    second.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    watched.end()
    page.get_by_text("The run has ended: 18 steps").wait_for()
    wait_until(lambda: watched.live.version == 3, "drawing of the whole run", timeout=60)
    for _ in range(2):  # the page has read the first answer before it asks for the second
        with page.expect_response(lambda answer: "state.json" in answer.url):
            pass
    assert page.locator("iframe").get_attribute("src") == "report.html?version=2"
    second.evaluate("getSelection().removeAllRanges()")
    report_of(page, 3)
    assert tab.said == []
    page.close()


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False), (360, True)])
def test_page_fits_and_axe_finds_nothing_serious(begun: tuple[Tab, str], width: int, dark: bool) -> None:
    tab, url = begun
    page = tab.show(url, width=width, dark=dark)
    for each in (page.main_frame, report_of(page, 1)):
        assert each.evaluate("document.documentElement.scrollWidth") <= width
    assert grave_violations(page) == {}
    assert tab.said == []
