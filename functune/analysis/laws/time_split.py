"""
The parts of a request's latency: waiting for a thread or the event loop, running, and host with transport.

The answers report how long a request took to its handler's first line (queued) and how long the handler ran. For a lone
user the first is the way there; the rest of it under load is waiting. The remaining latency is host and transport, both
ways.
"""

from collections.abc import Iterable

import msgspec

from functune.analysis.numbers.figures import Figures, together
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
    The parts of each closed-loop level of a setting, by users; none without a single-user level, which separates the
    way from waiting, or where the answers do not report how long the handler ran.

    ``levels`` are of one subject. The single user may be of any setting: it meets no queue.
    """
    measured = list(levels)
    alone = together(level.figures.queued for level in measured if level.users == 1)
    if alone is None:
        return ()
    own = sorted((level for level in measured if level.setting == setting), key=lambda level: level.users)
    return tuple(found for level in own if (found := split(level, level.figures, alone.mean)) is not None)


def split(level: Level, figures: Figures, alone: float) -> Split | None:
    """The parts of one level; ``alone`` is the mean way of a lone user's request to its handler, seconds."""
    if figures.mean is None or figures.queued is None or figures.service is None:
        return None
    run = min(figures.service.mean, figures.mean)
    wait = min(max(figures.queued.mean - alone, 0.0), figures.mean - run)
    return Split(setting=level.setting, users=level.users, wait=wait, run=run, rest=figures.mean - run - wait)
