"""The same routes on other servers: this run's recommended setting beside what a second run measured elsewhere."""

from collections.abc import Iterable

import msgspec

from functune.analysis.pooling import by_step, pooled
from functune.analysis.statistics import percentile
from functune.analysis.subjects import named
from functune.analysis.verdict import Analysis
from functune.measurements import Measurement, Setting


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What one server served."""

    setting: Setting
    throughput: float
    p95: float | None
    """Seconds; None below 72 requests."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """One route at one number of users on both."""

    route: str
    users: int
    ours: Served
    theirs: Served

    @property
    def ratio(self) -> float:
        """Their throughput over ours."""
        return self.theirs.throughput / self.ours.throughput


def beside(analysis: Analysis, elsewhere: Iterable[Measurement]) -> tuple[Beside, ...]:
    """
    Every route and number of users that both runs measured, whatever the experiment was called there.

    Ours is the recommended setting; theirs the setting with the most throughput at that number of users.
    """
    recommended = {each.route: each.setting for each in analysis.recommendations}
    ours = {
        (step.route, step.users): step
        for step in analysis.measurements
        if step.setting == recommended.get(step.route) and step.throughput
    }
    theirs: dict[tuple[str, int], Measurement] = {}
    closed = [named(step) for step in elsewhere if step.arrival_rate is None and step.throughput]
    for step in map(pooled, by_step(closed).values()):
        known = theirs.get((step.route, step.users))
        if known is None or step.throughput > known.throughput:
            theirs[step.route, step.users] = step
    return tuple(
        Beside(route=route, users=users, ours=served(step), theirs=served(theirs[route, users]))
        for (route, users), step in ours.items()
        if (route, users) in theirs
    )


def served(step: Measurement) -> Served:
    """A step as what was served."""
    p95 = percentile(step.latencies_us, 0.95)
    return Served(setting=step.setting, throughput=step.throughput, p95=None if p95 is None else p95 / 1e6)
