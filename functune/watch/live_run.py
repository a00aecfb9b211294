"""A run that is watched: when its report is drawn again, and what the page says about it."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import msgspec

from functune.errors import RunFolderError
from functune.formatting import plural
from functune.report.links import PAGE
from functune.watch.drawer import Drawer
from functune.watch.run_progress import RunProgress, RunReader, Stamp

LEAST_PAUSE = 5.0
"""Seconds between two drawings at least."""
PAUSE_FACTOR = 5.0
"""A pause lasts this many times as long as the drawing before it, so drawing takes a sixth of a core at most."""
LOOKED_AT = 10.0
"""Seconds since a page last asked after which nobody looks, and nothing is drawn while the run is measured."""


class LiveState(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the page when it asks how far the run is."""

    headline: str
    detail: str
    version: int
    """Counts the drawings; 0 before the first."""
    has_ended: bool


class LiveRun:
    """
    The state that the server shows, and that ``follow`` keeps up to date.

    Requests come from other threads than ``follow``.
    """

    def __init__(self, run: Path, drawer: Drawer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.run = run
        self.drawer = drawer
        self.clock = clock
        self.reader = RunReader(run)
        self.progress = self.reader.read()
        self.lock = Lock()
        self.page = b""
        self.version = 0
        self.drawn: RunProgress | None = None
        """The progress that the page shows."""
        self.tried: Stamp | None = None
        self.problem = ""
        self.next_drawing = 0.0
        self.asked_at = clock()
        self.looked_at: float | None = None

    def follow(self) -> None:
        """Read the progress, and draw the report where it is time to."""
        progress = self.reader.read()
        with self.lock:
            self.progress = progress
        if self.is_due():
            self.draw(progress)

    def is_due(self) -> bool:
        """Whether the report is drawn now."""
        progress = self.progress
        if progress.state != "measured":
            return self.drawn is None or self.drawn.state != progress.state or self.tried != progress.stamp
        if progress.steps == 0 or self.tried == progress.stamp:
            return False
        is_seen = self.looked_at is not None and self.clock() - self.looked_at < LOOKED_AT
        return is_seen and self.clock() >= self.next_drawing

    def draw(self, progress: RunProgress) -> None:
        """Draw the report; that of a finished run is the one in its folder."""
        self.tried = progress.stamp
        began = self.clock()
        page, problem = self.page, ""
        try:
            page = (self.run / PAGE).read_bytes() if progress.state == "finished" else self.drawer.draw()
        except RunFolderError as error:
            problem = str(error)
        took = self.clock() - began
        with self.lock:
            self.next_drawing = self.clock() + max(LEAST_PAUSE, PAUSE_FACTOR * took)
            self.page, self.problem, self.drawn = page, problem, progress
            self.version += not problem

    def ask(self, *, is_visible: bool) -> LiveState:
        """The state for a page that asks."""
        with self.lock:
            self.asked_at = self.clock()
            if is_visible:
                self.looked_at = self.asked_at
            return LiveState(
                headline=headline(self.progress),
                detail=self.problem or detail(self.progress, self.drawn, self.run),
                version=self.version,
                has_ended=self.progress.state != "measured",
            )

    def is_left(self, linger: float) -> bool:
        """Whether the run has ended, and no page has asked for ``linger`` seconds."""
        return self.progress.state != "measured" and self.clock() - self.asked_at >= linger


def headline(progress: RunProgress) -> str:
    """The state of the run in a few words."""
    steps = plural(progress.steps, "step")
    match progress.state:
        case "measured":
            return f"Measuring: {steps} so far" if progress.steps else "Measuring: no step has ended yet"
        case "finished":
            return f"The run has ended: {steps}"
        case "interrupted":
            return f"The run was interrupted after {steps}"


def detail(progress: RunProgress, drawn: RunProgress | None, run: Path) -> str:
    """The steps that the report on the page has, or the command that continues the run."""
    failed = f" {plural(progress.failures, 'trial')} could not be measured." if progress.failures else ""
    match progress.state:
        case "finished":
            return f"This is its report.{failed}"
        case "interrupted":
            return f"{failed} To continue it: functune sweep --resume {shlex.quote(str(run))}".lstrip()
    if not progress.steps:
        return f"The report appears with the first step.{failed}"
    latest = f"Latest: {progress.latest}. " if progress.latest else ""
    shown = "is being drawn" if drawn is None else f"has {plural(drawn.steps, 'step')}"
    return f"{latest}The report below {shown}.{failed}"
