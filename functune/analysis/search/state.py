"""
The state of an adaptive search for one subject: each setting's levels, its bound, and the throughput it may reach.

Bounds come from the times of a single user (see bounds), and are raised by a factor (see lift).
"""

import math
from collections.abc import Sequence
from functools import cached_property

import msgspec

from functune.analysis.laws.bounds import Bound, Demand, bound, demand_of
from functune.analysis.laws.prediction import weighted_mean
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import SAME
from functune.analysis.search.lift import lift_of
from functune.analysis.search.objective import Objective, latency_limit, without_throughput
from functune.analysis.search.seen import Seen, first_measured, seen_levels
from functune.experiments.subject import Subject
from functune.formatting import plural
from functune.run.measurement import Handler
from functune.setting import Setting

KNEE = 1.3
"""Times the predicted knee at which a setting is visited: right at its knee it serves less than at its best."""
UNSEEN = 1.03
"""Times the most of a setting that a level of it may serve that was not measured, however little others gained."""
AT_BOUND = 0.9
"""Share of its bound from which a setting shows nothing about the gain of other levels."""
PAST = 2
"""Levels measured past the best before throughput counts as falling."""


class SearchState(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """
    The knowledge of a search about one subject, all of it from its levels.

    The rules ask the same of it again and again, so what follows from all levels is computed once.
    """

    subject: Subject
    settings: tuple[Setting, ...]
    """Simplest first."""
    users: tuple[int, ...]
    objective: Objective | None
    cores: float | None
    baseline: Setting
    """The setting that the answer is compared with."""
    seen: dict[Setting, dict[int, Seen]]
    """The levels of each setting that was measured, by users, ascending."""
    demand: Demand | None
    handler: Handler | None
    alone: float | None
    """Mean latency of a single user, seconds."""
    lift: float
    """The factor by which bounds are raised."""

    def levels(self, setting: Setting) -> dict[int, Seen]:
        """The levels of a setting, by users, ascending."""
        return self.seen.get(setting, {})

    @cached_property
    def all_kept(self) -> dict[Setting, dict[int, float]]:
        """The throughputs of the levels that count, by setting and users."""
        return {
            setting: {n: level.throughput for n, level in levels.items() if level.kept}
            for setting, levels in self.seen.items()
        }

    @cached_property
    def all_most(self) -> dict[Setting, float]:
        """The most throughput of each setting that counts, 0 without any."""
        return {setting: max(kept.values(), default=0.0) for setting, kept in self.all_kept.items()}

    @cached_property
    def all_starts(self) -> dict[Setting, int]:
        """The level at which each setting is visited first."""
        return {setting: self.first_level(setting) for setting in self.settings}

    def kept(self, setting: Setting) -> dict[int, float]:
        """The throughputs of a setting's levels that count, by users."""
        return self.all_kept.get(setting, {})

    def most(self, setting: Setting) -> float:
        """The most throughput of a setting that counts, 0 without any."""
        return self.all_most.get(setting, 0.0)

    @cached_property
    def leader(self) -> Setting | None:
        """The simplest setting within 5 % of the most throughput."""
        best = self.best
        return next((one for one in self.settings if self.most(one) >= (1 - SAME) * best), None) if best else None

    @cached_property
    def best(self) -> float:
        """The most throughput of all that counts."""
        return max(map(self.most, self.settings), default=0.0)

    def bound(self, setting: Setting, users: float) -> Bound | None:
        """The throughput that a setting cannot exceed at a number of users; None where nothing bounds it."""
        if self.demand is None:
            return None
        limit = bound(self.demand, users=users, setting=setting, handler=self.handler, cores=self.cores)
        return Bound(throughput=limit.throughput * self.lift, limit=limit.limit)

    def cap(self, setting: Setting) -> float:
        """The throughput the setting cannot exceed at any of the levels; infinite where nothing bounds it."""
        limit = self.bound(setting, self.users[-1])
        return math.inf if limit is None else limit.throughput

    def could_win(self, setting: Setting, throughput: float) -> bool:
        """Whether so much throughput would make a setting the leader: 5 % faster than it, or tied and simpler."""
        leader = self.leader
        if leader is None or setting == leader:
            return True
        if (1 - SAME) * throughput > self.most(leader):
            return True
        return setting.simplicity < leader.simplicity and throughput >= (1 - SAME) * self.best

    def with_other_threads(self, setting: Setting) -> Setting | None:
        """
        The simplest setting that differs in the threads only, where threads make no difference; None for none.

        They make none to an ``async def`` handler that is called alone: the pool runs ``def`` handlers.
        """
        if self.handler != "async def" or self.subject.is_mix or self.subject.background_users:
            return None
        alike = msgspec.structs.replace(setting, thread_count=None)
        same = (one for one in self.settings if msgspec.structs.replace(one, thread_count=None) == alike)
        return None if (simplest := next(same)) == setting else simplest

    def start(self, setting: Setting) -> int:
        """The level at which a setting is visited first."""
        return self.all_starts[setting]

    def first_level(self, setting: Setting) -> int:
        """
        The same, computed: the level just beyond its predicted knee, where users fill it.

        By Little's law the knee is the bound times the latency of a lone user. An objective on latency lowers it to the
        users that the bound serves within the limit. Without bounds it is the last level, where settings differ most.
        """
        if self.demand is None or self.alone is None:
            return self.users[-1]
        limit = bound(self.demand, users=math.inf, setting=setting, handler=self.handler, cores=self.cores)
        wanted = KNEE * limit.throughput * self.alone
        if (longest := latency_limit(self.objective)) is not None:
            wanted = min(wanted, limit.throughput * longest)
        return next((n for n in self.users if n >= (1 - SAME) * wanted), self.users[-1])

    def visited(self, setting: Setting) -> bool:
        """Whether a setting was measured at its first level or beyond, or at one that broke the objective."""
        start = self.start(setting)
        return any(n >= start or level.kept is False for n, level in self.levels(setting).items())

    def first(self, setting: Setting) -> Seen | None:
        """The level at which a setting was visited first; None before that."""
        levels = self.levels(setting)
        ordered = sorted(levels, key=lambda n: first_measured(levels[n].level))
        beyond = [n for n in ordered if n >= self.start(setting)] or ordered
        return levels[beyond[0]] if beyond else None

    @cached_property
    def gain(self) -> float:
        """The factor from the leader's first level to its best: other settings may gain as much."""
        leader = self.leader
        first = self.first(leader) if leader is not None else None
        if leader is None or first is None or not first.throughput:
            return 1.0
        return self.most(leader) / first.throughput

    def potential(self, setting: Setting) -> float:
        """
        The throughput that a visited setting may reach: its first level with the leader's gain, or a little more than
        its most where a level is open.
        """
        first = self.first(setting)
        reach = first.throughput * self.gain if first is not None else 0.0
        most = self.most(setting) * (1.0 if self.open_level(setting) is None else UNSEEN)
        return min(max(most, reach), self.cap(setting))

    def open_level(self, setting: Setting) -> tuple[int, str] | None:
        """The next level of a visited setting that may serve more, and why; None when its peak is known."""
        kept = self.kept(setting)
        if not kept:
            return self.towards_objective(setting)
        best = max(kept, key=lambda n: (kept[n], -n))
        return self.above(setting, best) or self.below(setting, best)

    def towards_objective(self, setting: Setting) -> tuple[int, str] | None:
        """The level that may count, by Little's law N = X R, of a setting without one that does."""
        levels = self.levels(setting)
        broken = [n for n, level in levels.items() if level.kept is False]
        lower = [n for n in self.users if n not in levels and (not broken or n < broken[0])]
        if not lower:
            return None
        if not broken:
            return lower[-1], "too few requests so far to judge the objective"
        limit, throughput = latency_limit(self.objective), levels[broken[0]].throughput
        within = [n for n in lower if limit is None or n <= throughput * limit]
        return (within or lower[:1])[-1], f"{plural(broken[0], 'user')} broke the objective or failed requests"

    def is_at_bound(self, setting: Setting) -> bool:
        """Whether no other level of a setting can serve much more; its bound is a little too high on purpose."""
        return self.most(setting) >= AT_BOUND * self.cap(setting)

    def above(self, setting: Setting, best: int) -> tuple[int, str] | None:
        """The level after the best, up to PAST levels, unless the bound or the objective ends there."""
        levels = self.levels(setting)
        if self.most(setting) * (1 + SAME) >= self.cap(setting):
            return None
        for n in [n for n in self.users if n > best][:PAST]:
            if n not in levels:
                return n, f"{plural(best, 'user')} served the most so far: is that the peak?"
            if levels[n].kept is False:
                return None
        return None

    def below(self, setting: Setting, fewest: int) -> tuple[int, str] | None:
        """The level before, unless it was measured or its bound says that it serves less."""
        n = max((n for n in self.users if n < fewest), default=None)
        if n is None or n in self.levels(setting):
            return None
        limit = self.bound(setting, n)
        if limit is not None and limit.throughput < (1 - SAME) * self.most(setting):
            return None
        return n, f"as much as {plural(fewest, 'user')} with fewer?"

    def users_of(self, setting: Setting) -> int:
        """The fewest users with 95 % of a setting's most throughput; its first level where none counts."""
        kept = self.kept(setting)
        return min((n for n in kept if kept[n] >= (1 - SAME) * self.most(setting)), default=self.start(setting))

    def fresh(self, setting: Setting, users: int, *, times: int) -> bool:
        """Whether a step was measured that many times, the last time when no step was new any more."""
        last_new = max(first_measured(seen.level) for levels in self.seen.values() for seen in levels.values())
        found = self.levels(setting).get(users)
        if found is None or len(found.level.repeats) < times:
            return False
        return max(repeat.started_at for repeat in found.level.repeats) >= last_new

    @property
    def hopeless(self) -> bool:
        """Whether a lone user already breaks an objective on latency: more users only wait longer."""
        is_broken = any(1 in levels and levels[1].kept is False for levels in self.seen.values())
        return latency_limit(self.objective) is not None and is_broken and not self.best


def search_state(
    subject: Subject,
    settings: tuple[Setting, ...],
    users: tuple[int, ...],
    measured: Sequence[Level],
    objective: Objective | None,
    cores: float | None,
    baseline: Setting | None,
) -> SearchState:
    """The state of the search for one subject."""
    own = [
        level for level in measured if level.subject == subject and level.setting in settings and level.share is None
    ]
    limits = without_throughput(objective)
    alone = [level for level in own if level.users == 1]
    needs = demand_of(own, cores=cores)
    handler = next((level.handler for level in own if level.handler is not None), None)
    return SearchState(
        subject=subject,
        settings=settings,
        users=users,
        objective=limits,
        cores=cores,
        baseline=Setting() if baseline is None else baseline,
        seen=seen_levels(own, limits),
        demand=needs,
        handler=handler,
        alone=weighted_mean(alone),
        lift=1.0 if needs is None else lift_of(own, needs, handler, cores),
    )
