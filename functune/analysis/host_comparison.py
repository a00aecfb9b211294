"""The same routes on other servers: this run's recommended setting compared with a second run."""

from collections.abc import Iterable

import msgspec

from functune.analysis.experiment import ExperimentFindings
from functune.analysis.numbers.levels import Level, levels_of
from functune.experiments.subject import Subject
from functune.run.measurement import Measurement
from functune.setting import Setting


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """The throughput and p95 of one server."""

    setting: Setting
    throughput: float
    p95: float | None
    """Seconds; None below 72 requests."""


class HostComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One subject at one number of users on both."""

    subject: Subject
    users: int
    ours: Served
    theirs: Served

    @property
    def ratio(self) -> float:
        """Their throughput over ours."""
        return self.theirs.throughput / self.ours.throughput


def compare_hosts(findings: ExperimentFindings, elsewhere: Iterable[Measurement]) -> tuple[HostComparison, ...]:
    """
    Every subject and number of users that both runs measured, under any experiment name.

    Ours is the recommended setting; theirs the setting with the most throughput at that number of users.
    """
    recommended = {each.subject: each.setting for each in findings.recommendations}
    ours = {
        (level.subject, level.users): level
        for level in findings.levels
        if level.setting == recommended.get(level.subject) and level.throughput
    }
    theirs: dict[tuple[Subject, int], Level] = {}
    closed = [step for step in elsewhere if step.arrival_rate is None and step.throughput]
    for level in levels_of(closed):
        known = theirs.get((level.subject, level.users))
        if level.counts and (known is None or level.throughput > known.throughput):
            theirs[level.subject, level.users] = level
    return tuple(
        HostComparison(subject=subject, users=users, ours=as_served(level), theirs=as_served(theirs[subject, users]))
        for (subject, users), level in ours.items()
        if (subject, users) in theirs
    )


def as_served(level: Level) -> Served:
    """The throughput and p95 of a level."""
    return Served(setting=level.setting, throughput=level.throughput, p95=level.figures.p95)
