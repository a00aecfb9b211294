"""
The parts of a request's latency: waiting for a thread or the event loop, running, and host with transport.

The host measures how long a call waited for its handler's first line and how long the handler ran. The remaining
latency is host and transport, both ways.
"""

from collections.abc import Iterable

import msgspec

from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level
from functune.setting import Setting


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """The mean latency of a level in its parts, seconds. They add up to it."""

    setting: Setting
    users: int
    wait: float
    """Waiting for a thread or the event loop."""
    run: float
    """Time in the handler, its own waiting included."""
    rest: float
    """Host, transport and load generator."""

    @property
    def latency(self) -> float:
        """The mean latency."""
        return self.wait + self.run + self.rest


def splits_of(levels: Iterable[Level], *, setting: Setting) -> tuple[Split, ...]:
    """
    The parts of each closed-loop level of a setting, by users; none where the answers do not report times.

    ``levels`` are of one subject.
    """
    own = sorted((level for level in levels if level.setting == setting), key=lambda level: level.users)
    return tuple(found for level in own if (found := split(level, level.figures)) is not None)


def split(level: Level, figures: Figures) -> Split | None:
    """The parts of one level; None where its answers do not report times."""
    if figures.mean is None or figures.wait is None or figures.service is None:
        return None
    run = min(figures.service.mean, figures.mean)
    wait = min(figures.wait.mean, figures.mean - run)
    return Split(setting=level.setting, users=level.users, wait=wait, run=run, rest=figures.mean - run - wait)
