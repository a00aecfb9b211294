"""
Where the time of a request goes: waiting for a thread or the event loop, running, and host with transport.

The answers say how long a request took to reach the handler's first line (queued) and how long the handler ran. What a
lone user sees of the first is the way there; what comes on top of it under load is waiting. The rest of the latency is
host and transport, both ways.
"""

from collections.abc import Iterable

import msgspec

from functune.analysis.statistics import mean
from functune.measurements import Measurement, Setting


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """The mean latency of a step in its parts, seconds. They add up to it."""

    setting: Setting
    users: int
    wait: float
    """For a thread or the event loop."""
    run: float
    """In the handler, its own waiting included."""
    rest: float
    """Host, transport and load generator."""

    @property
    def latency(self) -> float:
        """The mean latency."""
        return self.wait + self.run + self.rest


def splits(steps: Iterable[Measurement], *, setting: Setting) -> tuple[Split, ...]:
    """
    The parts of each closed-loop step of a setting, by users; none without a single-user step to tell the way from
    waiting, or where the answers do not say how long the handler ran.

    ``steps`` are of one route. A lone user of any setting will do: it meets no queue.
    """
    measured = list(steps)
    alone = mean([time for step in measured if step.users == 1 for time in step.queued_us])
    if alone is None:
        return ()
    found = [split(step, alone) for step in measured if step.setting == setting]
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.users))


def split(step: Measurement, alone: float) -> Split | None:
    """The parts of one step; ``alone`` is the mean way of a lone user's request to its handler, microseconds."""
    latency, queued, run = (mean(sample) for sample in (step.latencies_us, step.queued_us, step.service_times_us))
    if latency is None or queued is None or run is None:
        return None
    run = min(run, latency)
    wait = min(max(queued - alone, 0.0), latency - run)
    return Split(
        setting=step.setting, users=step.users, wait=wait / 1e6, run=run / 1e6, rest=(latency - run - wait) / 1e6
    )
