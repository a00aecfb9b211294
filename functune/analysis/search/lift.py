"""
The factor by which a search raises its bounds, so that no setting is skipped that could win.

It is safe that bounds are too high: host, transport and switching threads cost time that no handler sees. The error of
the single-user means could make them too low, so three standard errors are added; and a measurement that beats its
bound by more than 5 % raises all bounds by as much.
"""

import math
from collections.abc import Sequence

from functune.analysis.laws.bounds import Demand, bound
from functune.analysis.numbers.figures import together
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import SAME
from functune.run.measurement import Handler

STANDARD_ERRORS = 3
"""The number of standard errors of the single-user means by which bounds are raised."""


def lift_of(levels: Sequence[Level], needs: Demand, handler: Handler | None, cores: float | None) -> float:
    """The factor for a subject with these demands, from all of its closed-loop levels."""
    alone = [level for level in levels if level.users == 1]
    return margin(alone) * exceeded(levels, needs, handler, cores)


def margin(alone: Sequence[Level]) -> float:
    """1 plus three relative standard errors of the single-user means; those of the less certain one."""
    samples = together(each.figures.service for each in alone), together(each.figures.cpu for each in alone)
    errors = [each.deviation / math.sqrt(each.count) / each.mean for each in samples if each is not None and each.mean]
    return 1 + STANDARD_ERRORS * max(errors, default=0.0)


def exceeded(levels: Sequence[Level], needs: Demand, handler: Handler | None, cores: float | None) -> float:
    """The factor by which a repeat beat its bound; 1 where none did by more than the noise of 5 %."""
    over = [1.0]
    for level in levels:
        limit = bound(needs, users=level.users, setting=level.setting, handler=handler, cores=cores).throughput
        if math.isfinite(limit):
            over += [repeat.figures.throughput / limit for repeat in level.repeats]
    return most if (most := max(over)) > 1 + SAME else 1.0
