"""
The lines at which the calls of a subject spend their time, alone and under load.

A line's seconds over the calls of its step are the seconds per call there, by Little's law. The line whose time per
call grows most with the users is the one that the calls wait at.
"""

from collections.abc import Iterable

import msgspec

from functune.experiments.subject import Subject
from functune.run.profile import LineKind, LineState, Profile, ProfileLine, StepProfile
from functune.setting import Setting

SHOWN_LINES_AT_MOST = 10
LEAST_SHARE = 0.01
"""Share of the call time below which a line is not listed."""
GROWTH_THAT_MATTERS = 0.1
"""Share of the call time that a line has to gain under load for the lines to be sorted by their growth."""


class HotLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the reader's code. Times are seconds per call."""

    file: str
    line: int
    function: str
    state: LineState
    waits_in: str | None
    kind: LineKind
    on_loop: bool
    seconds_alone: float | None
    """With one user; None where a single user was not profiled, or none of its calls ended."""
    seconds_loaded: float
    """With the users of the level."""
    share_alone: float | None
    """Share of the time of a call."""
    share_loaded: float
    growth: float | None
    """Seconds per call that the load adds; None where the time alone is not known."""
    stack: tuple[str, ...]


class SubjectProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The hot lines of a subject: the one that grows most first, or the longest where none grows noticeably."""

    experiment: str
    subject: Subject
    setting: Setting
    users: int
    calls: int
    """Calls that ended under load."""
    samples: int
    """Samples taken under load, over all worker processes."""
    lines: tuple[HotLine, ...]

    @property
    def hottest(self) -> HotLine | None:
        """The first line; None without lines."""
        return self.lines[0] if self.lines else None


def profiled_subjects(profile: Profile) -> tuple[SubjectProfile, ...]:
    """Each profiled subject with its hot lines, in the order of the profile; one whose calls never ended is omitted."""
    keys = dict.fromkeys((step.experiment, step.subject) for step in profile.steps)
    found = (profiled_subject(profile.steps_of(*key)) for key in keys)
    return tuple(each for each in found if each is not None)


def profiled_subject(steps: Iterable[StepProfile]) -> SubjectProfile | None:
    """
    The hot lines of one subject; None where no call ended, or no sample was taken, under load.

    The load is the step with the most calls in the handlers of one process: there they meet at the line that limits.
    """
    answered = [step for step in steps if step.calls and step.samples]
    if not answered:
        return None
    alone = next((step for step in answered if step.users == 1), None)
    loaded = max(answered, key=lambda step: (step.setting.calls_inside(step.users), step.users))
    known = {} if alone is None else {place_of(line): line for line in alone.lines}
    lines = [hot_line(line, loaded, known.get(place_of(line)), alone) for line in loaded.lines]
    kept = [line for line in lines if max(line.share_loaded, line.share_alone or 0.0) >= LEAST_SHARE]
    kept.sort(key=lambda line: -line.seconds_loaded)
    if any((line.growth or 0.0) >= GROWTH_THAT_MATTERS * loaded.seconds_a_call for line in kept):
        kept.sort(key=lambda line: -(line.growth or 0.0))
    return SubjectProfile(
        experiment=loaded.experiment,
        subject=loaded.subject,
        setting=loaded.setting,
        users=loaded.users,
        calls=loaded.calls,
        samples=loaded.samples,
        lines=tuple(kept[:SHOWN_LINES_AT_MOST]),
    )


def place_of(line: ProfileLine) -> tuple[object, ...]:
    """The key by which a line of one step is found in another."""
    return line.file, line.line, line.function, line.kind, line.waits_in, line.on_loop


def hot_line(line: ProfileLine, loaded: StepProfile, same: ProfileLine | None, alone: StepProfile | None) -> HotLine:
    """A line under load, and the same one alone."""
    seconds = loaded.seconds_per_call(line)
    before = None if alone is None else alone.seconds_per_call(same) if same is not None else 0.0
    return HotLine(
        file=line.file,
        line=line.line,
        function=line.function,
        state=line.state,
        waits_in=line.waits_in,
        kind=line.kind,
        on_loop=line.on_loop,
        seconds_alone=before,
        seconds_loaded=seconds,
        share_alone=None if before is None or alone is None else share_of_call(before, alone),
        share_loaded=share_of_call(seconds, loaded),
        growth=None if before is None else seconds - before,
        stack=line.stack,
    )


def share_of_call(seconds: float, step: StepProfile) -> float:
    """The share of a call's time, 1 at most: samples every 10 ms may add up to a little more than the call."""
    return min(seconds / step.seconds_a_call, 1.0)
