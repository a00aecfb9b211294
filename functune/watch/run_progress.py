"""How far a run is, from its folder alone; cheap enough to ask several times a second."""

from pathlib import Path
from typing import Literal

import msgspec

from functune.formatting import plural, rate
from functune.report.links import PAGE
from functune.run.folder import CALIBRATIONS, FAILURES, MEASUREMENTS
from functune.run.measurement import Measurement
from functune.run.measuring import is_measured
from functune.run.profile import PROFILE

type RunState = Literal["measured", "finished", "interrupted"]
"""A finished run has a report of everything that it measured."""

DRAWN_FILES = (MEASUREMENTS, FAILURES, CALIBRATIONS, PROFILE)
"""The files that a report is drawn from and that change during a run."""

type Stamp = tuple[tuple[int, int], ...]
"""Size and time of change of each file; another stamp means another report."""


class RunProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is."""

    state: RunState
    steps: int
    """Steps measured so far."""
    failures: int
    """Trials that could not be measured."""
    latest: str
    """The last step in words; empty before the first."""
    stamp: Stamp


class RunReader:
    """Reads the progress of a run, and only what was added to its files since the last time."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.steps = JournalTail(run / MEASUREMENTS)
        self.failures = JournalTail(run / FAILURES)

    def read(self) -> RunProgress:
        """The progress now. Raises FileNotFoundError where the run is gone."""
        measured = is_measured(self.run)  # first: what is written before the lock is let go is then read
        self.steps.read()
        self.failures.read()
        return RunProgress(
            state="measured" if measured else "finished" if has_whole_report(self.run) else "interrupted",
            steps=self.steps.count,
            failures=self.failures.count,
            latest=step_in_words(self.steps.last) if self.steps.last else "",
            stamp=tuple(stamp_of(self.run / name) for name in DRAWN_FILES),
        )


class JournalTail:
    """Counts the finished lines of a file that grows, and keeps the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.last = b""
        self.read_to = 0

    def read(self) -> None:
        """Read what was added; from the start where the file has become shorter, as by a resumed run."""
        size = stamp_of(self.path)[0]
        if size < self.read_to:
            self.count, self.last, self.read_to = 0, b"", 0
        if size == self.read_to:
            return
        with self.path.open("rb") as file:
            file.seek(self.read_to)
            whole, end, _ = file.read().rpartition(b"\n")
        if end:
            lines = whole.split(b"\n")
            self.count += len(lines)
            self.last = lines[-1]
            self.read_to += len(whole) + 1


def stamp_of(file: Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; zeros for a file that does not exist."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def has_whole_report(run: Path) -> bool:
    """Whether the report is newer than everything it is drawn from."""
    drawn = stamp_of(run / PAGE)[1]
    return drawn > 0 and all(drawn >= stamp_of(run / name)[1] for name in DRAWN_FILES)


def step_in_words(line: bytes) -> str:
    """One line of measurements.jsonl; empty for a line of another schema, of which the report says more."""
    try:
        step = msgspec.json.decode(line, type=Measurement)
    except msgspec.DecodeError:
        return ""
    load = plural(step.users, "user") if step.share is None else f"{step.share:.0%} of the capacity"
    return f"{step.experiment}: {step.subject}, {step.setting.in_words}, {load}: {rate(step.throughput)}"
