"""
The adaptive search: which steps to measure next, so that few are needed to find the best setting of a matrix.

It is a function of the levels measured so far, so an interrupted search continues where it stopped. A subject
starts with one user on the simplest setting, whose times bound every other setting (see bounds). One process is not
bounded by one core before several of its calls were seen to share it: hashing and numpy release the GIL. Then the first
of these rules that finds a step decides, again and again:

1. the levels around the best of the first setting visited, up to two past it: they show how much other levels gain;
2. a setting not visited yet, the simplest of those with the highest bound first, just beyond its predicted knee;
3. the levels of the leader, and of a setting that would win if its other levels gained as much as the leader's;
4. fewer users with the leader, while they serve as much;
5. the leader and Azure's default setting once more, after everything else, so that luck does not choose.

The leader is the simplest setting within 5 % of the most throughput that keeps the objective. A setting is skipped
when by its bound it can neither beat the leader by 5 % nor tie with the best and be simpler. That is safe where
bounds are too high, and they are: host, transport and switching threads cost time that no handler sees. The error of
the single-user means could make them too low, so three standard errors are added; and a measurement that beats its
bound by more than 5 % raises all bounds by as much.

The threads make no difference to an ``async def`` handler, so of settings that differ in nothing else one is visited.
A route that does not report its times has no bounds. Then every setting is visited, with the most users first.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from functune.analysis.laws.bounds import Bound, Demand, bound, demand_of, usable_cores
from functune.analysis.laws.prediction import weighted_mean
from functune.analysis.numbers.figures import together
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import SAME
from functune.analysis.search.objective import QUANTILES, Objective
from functune.experiments.subject import Subject
from functune.formatting import duration, percent, plural, rate
from functune.run.measurement import Handler
from functune.setting import Setting, words_of

STANDARD_ERRORS = 3
"""The number of standard errors of the single-user means by which bounds are raised."""
KNEE = 1.3
"""Times the predicted knee at which a setting is visited: right at its knee it serves less than at its best."""
UNSEEN = 1.03
"""Times the most of a setting that a level of it may serve that was not measured, however little others gained."""
PAST = 2
"""Levels measured past the best before throughput counts as falling."""


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step to measure, and why."""

    subject: Subject
    setting: Setting
    users: int
    reason: str


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that need not be measured further for a subject, and why."""

    subject: Subject
    setting: Setting
    reason: str


class SearchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The next steps of a search; none when it is done."""

    batch: tuple[NextStep, ...]
    skipped: tuple[Skipped, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A level, and whether it counts."""

    level: Level
    kept: bool | None
    """Whether it worked and keeps the objective; None where its requests are too few to decide."""

    @property
    def throughput(self) -> float:
        """Requests per second."""
        return self.level.throughput


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the search for one subject, all of it from its levels."""

    subject: Subject
    settings: tuple[Setting, ...]
    """Simplest first."""
    users: tuple[int, ...]
    objective: Objective | None
    cores: float | None
    baseline: Setting
    """The setting that the answer is compared with."""
    seen: dict[tuple[Setting, int], Seen]
    demand: Demand | None
    handler: Handler | None
    alone: float | None
    """Mean latency of a single user, seconds."""
    lift: float
    """The factor applied to bounds."""

    def levels(self, setting: Setting) -> dict[int, Seen]:
        """The levels of a setting, by users, ascending."""
        return {n: self.seen[setting, n] for n in sorted(n for one, n in self.seen if one == setting)}

    def kept(self, setting: Setting) -> dict[int, float]:
        """The throughputs of a setting's levels that count, by users."""
        return {n: level.throughput for n, level in self.levels(setting).items() if level.kept}

    def most(self, setting: Setting) -> float:
        """The most throughput of a setting that counts, 0 without any."""
        return max(self.kept(setting).values(), default=0.0)

    @property
    def leader(self) -> Setting | None:
        """The simplest setting within 5 % of the most throughput."""
        best = self.best
        return next((one for one in self.settings if self.most(one) >= (1 - SAME) * best), None) if best else None

    @property
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
        """
        The level at which a setting is visited first: just beyond its predicted knee, where users fill it.

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
        ordered = sorted(self.levels(setting), key=lambda n: first_measured(self.seen[setting, n].level))
        beyond = [n for n in ordered if n >= self.start(setting)] or ordered
        return self.seen[setting, beyond[0]] if beyond else None

    @property
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
        if n is None or (setting, n) in self.seen:
            return None
        limit = self.bound(setting, n)
        if limit is not None and limit.throughput < (1 - SAME) * self.most(setting):
            return None
        return n, f"as much as {plural(fewest, 'user')} with fewer?"

    def next_step(self, *, confirming: bool) -> NextStep | None:
        """The next step to measure; None when the search is done."""
        if self.alone is None and (self.settings[0], 1) not in self.seen:
            return self.step(self.settings[0], 1, "one user alone: its times bound every setting")
        if self.hopeless:
            return None
        return self.explore() or self.settle() or (self.confirm() if confirming else None)

    @property
    def hopeless(self) -> bool:
        """Whether a lone user already breaks an objective on latency: more users only wait longer."""
        broken = [level for (_, users), level in self.seen.items() if users == 1 and level.kept is False]
        return latency_limit(self.objective) is not None and bool(broken) and not self.best

    def explore(self) -> NextStep | None:
        """A step that may change the leader."""
        visited = [one for one in self.settings if self.visited(one)]
        if visited == [self.leader] and (found := self.refine(visited)) is not None:
            return found  # the first setting visited shows how much other levels gain
        different = [one for one in self.settings if one not in visited and self.with_other_threads(one) is None]
        unseen = [one for one in different if self.could_win(one, self.cap(one))]
        if unseen:
            highest = max(map(self.cap, unseen))
            setting = next(one for one in unseen if self.cap(one) >= (1 - SAME) * highest)  # the simplest comes first
            return self.step(setting, self.start(setting), self.expected(setting))
        order = sorted(visited, key=lambda one: (one != self.leader, -self.potential(one), one.simplicity))
        return self.refine([one for one in order if self.could_win(one, self.potential(one))])

    def refine(self, settings: Iterable[Setting]) -> NextStep | None:
        """The next level of the first of these settings whose peak is not known."""
        for setting in settings:
            if (found := self.open_level(setting)) is not None:
                return self.step(setting, *found)
        return None

    def settle(self) -> NextStep | None:
        """A step of the leader with fewer users, where those may serve as much."""
        leader = self.leader
        if leader is None:
            return None
        found = self.below(leader, self.users_of(leader))
        return None if found is None else self.step(leader, *found)

    def confirm(self) -> NextStep | None:
        """The leader's step, measured twice and last of all new ones; then that of the baseline."""
        leader = self.leader
        if leader is not None:
            users = self.users_of(leader)
            if not self.fresh(leader, users, times=2):
                return self.step(leader, users, "the best again, so that luck does not choose")
        if self.baseline in self.settings and self.baseline != leader:
            users = self.users_of(self.baseline)
            if not self.fresh(self.baseline, users, times=1):
                return self.step(self.baseline, users, "the baseline, to compare with")
        return None

    def users_of(self, setting: Setting) -> int:
        """The fewest users with 95 % of a setting's most throughput; its first level where none counts."""
        kept = self.kept(setting)
        return min((n for n in kept if kept[n] >= (1 - SAME) * self.most(setting)), default=self.start(setting))

    def fresh(self, setting: Setting, users: int, *, times: int) -> bool:
        """Whether a step was measured that many times, the last time when no step was new any more."""
        last_new = max(first_measured(seen.level) for seen in self.seen.values())
        found = self.seen.get((setting, users))
        if found is None or len(found.level.repeats) < times:
            return False
        return max(repeat.started_at for repeat in found.level.repeats) >= last_new

    def step(self, setting: Setting, users: int, reason: str) -> NextStep:
        """A step of this subject."""
        return NextStep(subject=self.subject, setting=setting, users=users, reason=reason)

    def expected(self, setting: Setting) -> str:
        """Why a setting is visited."""
        limit = self.bound(setting, self.users[-1])
        return "nothing bounds it" if limit is None else f"may serve up to {rate(limit.throughput)}"

    def skipped(self) -> Iterator[Skipped]:
        """The settings that need no further step, and why; only of a search that knows a leader."""
        leader = self.leader
        for setting in self.settings:
            if leader is None or setting == leader:
                continue
            so_far = f"the best so far serves {rate(self.best)}"
            other = self.with_other_threads(setting)
            if other is not None and not self.levels(setting):
                reason = f"an async def handler uses no thread of the pool: as with {other.in_words}"
                yield Skipped(subject=self.subject, setting=setting, reason=reason)
            elif not self.could_win(setting, self.cap(setting)):
                yield Skipped(subject=self.subject, setting=setting, reason=f"{self.explained(setting)}; {so_far}")
            elif self.visited(setting) and not self.could_win(setting, self.potential(setting)):
                seen = f"it served {rate(max(level.throughput for level in self.levels(setting).values()))}"
                gained = f", and other numbers of users gained {percent(self.gain - 1)} with the best setting"
                more = gained if self.gain > 1 else ""
                yield Skipped(subject=self.subject, setting=setting, reason=f"{seen}{more}; {so_far}")

    def explained(self, setting: Setting) -> str:
        """The bound of a setting and its cause: ``cannot exceed 10.0 requests/s (1 thread / 100 ms)``."""
        limit = self.bound(setting, self.users[-1])
        if limit is None or self.demand is None:
            raise TypeError("only a setting with a bound is skipped by it")
        processes = setting.process_count
        match limit.limit:
            case "users":
                cause = f"{plural(self.users[-1], 'user')} / {duration(self.demand.service)}"
            case "threads":
                each = plural(setting.threads, "thread")
                pool = each if processes == 1 else f"{each} x {plural(processes, 'process')}"
                cause = f"{pool} / {duration(self.demand.service)}"
            case "admitted":
                cause = f"{words_of(setting, ['per_instance_concurrency'])} / {duration(self.demand.service)}"
            case "cpu":
                used = usable_cores(self.demand, setting=setting, handler=self.handler, cores=self.cores) or 0.0
                cores = f"{used:g} core{'' if used == 1 else 's'}"
                cause = f"{cores} / {duration(self.demand.cpu or 0.0)} of CPU"
                if self.demand.serial and used < (self.cores or math.inf):
                    cause += ", as calls of a process were seen to share one core"
        return f"cannot exceed {rate(limit.throughput)} ({cause})"


def next_batch(
    settings: Iterable[Setting],
    users: Iterable[int],
    subject: Subject,
    measured: Iterable[Level],
    *,
    objective: Objective | None = None,
    required: Iterable[tuple[Setting, int]] = (),
    cores: float | None = None,
    confirming: bool = True,
    baseline: Setting | None = None,
) -> SearchPlan:
    """
    The next step to measure for a subject, or all ``required`` steps (setting, users) that are still missing.

    ``measured`` may hold levels of other subjects and settings; they are ignored. ``cores`` is the machine's, None when
    unknown. Conditions on throughput are left to the final choice: the search looks for the most anyway. Without
    ``confirming`` the last of the rules is omitted, for a caller that repeats the deciding steps itself. ``baseline``
    is the setting that the answer is compared with, None for Azure's defaults. Raises ValueError for no settings or no
    users.
    """
    matrix = tuple(sorted(dict.fromkeys(settings), key=lambda one: one.simplicity))
    steps = tuple(sorted(set(users)))
    if not matrix or not steps:
        raise ValueError("a search takes one setting or more, and one number of users or more")
    search = begin_search(subject, matrix, steps, list(measured), objective, cores, baseline)
    missing = tuple(
        search.step(setting, level, "asked for in any case")
        for setting, level in dict.fromkeys(required)
        if (setting, level) not in search.seen
    )
    found = search.next_step(confirming=confirming) if not missing else None
    return SearchPlan(batch=missing or (() if found is None else (found,)), skipped=tuple(search.skipped()))


def begin_search(
    subject: Subject,
    settings: tuple[Setting, ...],
    users: tuple[int, ...],
    measured: Sequence[Level],
    objective: Objective | None,
    cores: float | None,
    baseline: Setting | None,
) -> Search:
    """The state of the search for one subject."""
    own = [
        level for level in measured if level.subject == subject and level.setting in settings and level.share is None
    ]
    limits = without_throughput(objective)
    alone = [level for level in own if level.users == 1]
    needs = demand_of(own, cores=cores)
    handler = next((level.handler for level in own if level.handler is not None), None)
    return Search(
        subject=subject,
        settings=settings,
        users=users,
        objective=limits,
        cores=cores,
        baseline=Setting() if baseline is None else baseline,
        seen={(level.setting, level.users): seen_level(level, limits) for level in own},
        demand=needs,
        handler=handler,
        alone=weighted_mean(alone),
        lift=1.0 if needs is None else margin(alone) * exceeded(own, needs, handler, cores),
    )


def first_measured(level: Level) -> float:
    """When a level was measured first, epoch seconds."""
    return min(repeat.started_at for repeat in level.repeats)


def without_throughput(objective: Objective | None) -> Objective | None:
    """The conditions that more users break; None without any."""
    if objective is None:
        return None
    limits = tuple(each for each in objective.conditions if each.metric != "throughput")
    return Objective(conditions=limits) if limits else None


def seen_level(level: Level, objective: Objective | None) -> Seen:
    """The level, and whether it keeps the objective."""
    worked = level.figures.worked
    return Seen(level=level, kept=objective.met(level.figures) if worked and objective is not None else worked)


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


def latency_limit(objective: Objective | None) -> float | None:
    """The lowest latency limit of an objective, seconds; None where it has none."""
    if objective is None:
        return None
    return min((each.limit for each in objective.conditions if each.metric in QUANTILES), default=None)
