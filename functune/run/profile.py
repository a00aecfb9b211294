"""
profile.json: where the calls of each subject spend their time, by line of the reader's code.

A profile is made after the search, in steps of its own that never count as measurements. Times are in seconds.
"""

from typing import Literal

import msgspec

from functune.experiments.subject import Subject
from functune.setting import Setting

PROFILE = "profile.json"
SPEEDSCOPE = "profile.speedscope.json"

type LineState = Literal["running", "waiting"]
type LineKind = Literal["cpu", "lock", "pool", "network", "file lock", "sleep", "executor", "other"]


class ProfileLine(msgspec.Struct, frozen=True, kw_only=True):
    """
    One line of the reader's code in one step, with its wait or its work.

    It is the innermost frame outside the standard library and the installed packages.
    """

    file: str
    """Relative to the script root, where it lies below it."""
    line: int
    function: str
    """Qualified name."""
    state: LineState
    waits_in: str | None
    """The innermost library call, such as ``Lock.acquire``; None for a line that runs."""
    kind: LineKind
    """``cpu`` for a line that runs, otherwise the kind of its wait."""
    on_loop: bool
    """Whether it holds the event loop meanwhile."""
    seconds: float
    """Summed over all calls of the step; several calls can be at a line at the same time."""
    cpu_seconds: float
    """Thread CPU time; 0 for a wait, and where the system does not report it by thread."""
    stack: tuple[str, ...]
    """The stack in which it was seen most, from the outermost frame of the reader's code inwards."""


class StepProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One step under the sampler."""

    experiment: str
    subject: Subject
    setting: Setting
    users: int
    seconds: float
    """Length of the window."""
    calls: int
    """Requests that ended in the window."""
    samples: int
    """Samples of all worker processes in the window."""
    lines: tuple[ProfileLine, ...]
    """The line with the most time first."""

    @property
    def seconds_a_call(self) -> float:
        """Mean time of a call in seconds, by Little's law; infinite without calls."""
        return self.users * self.seconds / self.calls if self.calls else float("inf")

    def seconds_per_call(self, line: ProfileLine) -> float:
        """Seconds that a call spends at a line, by Little's law: 0 without calls."""
        return line.seconds / self.calls if self.calls else 0.0


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """All profiled steps of a run, in the order they were made."""

    steps: tuple[StepProfile, ...] = ()
    notes: tuple[str, ...] = ()
    """Subjects without a profile, each with the reason."""

    def steps_of(self, experiment: str, subject: Subject) -> tuple[StepProfile, ...]:
        """The steps of a subject."""
        return tuple(each for each in self.steps if (each.experiment, each.subject) == (experiment, subject))
