"""Chromium for the tests of pages."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tools.equipment import AXE, BROWSER

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
"""Milliseconds for whatever a test waits for, on a busy machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser without a window; the test is skipped where there is none."""
    program = BROWSER.find()
    if program is None:
        pytest.skip(BROWSER.missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS, timeout=3 * PATIENCE)
        yield browser
        browser.close()


class Tab:
    """A tab that several tests share. It loads a page once, and shows it in windows of several widths and themes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.loaded = ""
        self.said: list[str] = []
        """What the pages said on the console."""
        self.requested: list[str] = []
        """The addresses that the page asked for."""
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))

    def show(self, url: str, *, width: int, dark: bool = False) -> Page:
        """The page in a window of this width, in one of its themes; anything that it says fails the test."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(media="screen", color_scheme="dark" if dark else "light")
        if self.loaded != url:
            self.requested.clear()
            self.page.goto(url)
            self.loaded = url
        assert self.said == []
        return self.page

    def forget(self) -> None:
        """Load the next page in any case: the one that is shown was changed."""
        self.loaded = ""


def grave_violations(page: Page) -> dict[str, list[str]]:
    """The elements with a serious violation by axe's rules, by rule; the test is skipped where there is no axe."""
    script = AXE.find()
    if script is None:
        pytest.skip(AXE.missing)
    page.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'], iframes: false })")
    assert found["passes"] != []
    return {
        each["id"]: [node["html"][:200] for node in each["nodes"]]
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    }
