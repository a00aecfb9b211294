"""
The adaptive search: which steps to measure next, so that few are needed to find the best setting of a matrix.

It is a function of the levels measured so far, so an interrupted search continues where it stopped. A subject
starts with one user on the simplest setting, whose times bound every other setting (see bounds). One process is not
bounded by one core before several of its calls were seen to share it: hashing and numpy release the GIL. Then the first
of these rules that finds a step decides, again and again:

1. the levels around the best of the first setting visited, up to two past it, unless it has reached its bound: they
   show how much other levels gain;
2. a setting not visited yet, the simplest of those with the highest bound first, just beyond its predicted knee;
3. the levels of the leader, and of a setting that would win if its other levels gained as much as the leader's;
4. fewer users with the leader, while they serve as much;
5. the leader and Azure's default setting once more, after everything else, so that luck does not choose.

The leader is the simplest setting within 5 % of the highest throughput that meets the objective. A setting is skipped
when its bound shows that it can neither beat the leader by 5 % nor tie with the best and be simpler.

The threads make no difference to an ``async def`` handler, so of settings that differ in nothing else one is visited.
A route that does not report its times has no bounds. Then every setting is visited, with the most users first.
"""

from collections.abc import Iterable

import msgspec

from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import SAME
from functune.analysis.search.objective import Objective
from functune.analysis.search.skipped import Skipped, skipped_settings
from functune.analysis.search.state import SearchState, search_state
from functune.experiments.subject import Subject
from functune.formatting import rate
from functune.setting import Setting


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step to measure, and why."""

    subject: Subject
    setting: Setting
    users: int
    reason: str


class SearchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The next steps of a search; none when it is done."""

    batch: tuple[NextStep, ...]
    skipped: tuple[Skipped, ...]


class AdaptiveSearch(msgspec.Struct, frozen=True, kw_only=True):
    """The rules, applied to the state of the search for one subject."""

    state: SearchState

    def next_step(self, *, confirming: bool) -> NextStep | None:
        """The next step to measure; None when the search is done."""
        if self.state.alone is None and 1 not in self.state.levels(self.state.settings[0]):
            return self.step(self.state.settings[0], 1, "one user alone: its times bound every setting")
        if self.state.hopeless:
            return None
        return self.explore() or self.settle() or (self.confirm() if confirming else None)

    def explore(self) -> NextStep | None:
        """A step that may change the leader."""
        state = self.state
        visited = [one for one in state.settings if state.visited(one)]
        # The first setting visited shows how much other levels gain.
        shows_gain = visited == [state.leader] and not state.is_at_bound(visited[0])
        if shows_gain and (found := self.refine(visited)) is not None:
            return found
        different = [one for one in state.settings if one not in visited and state.with_other_threads(one) is None]
        unseen = [one for one in different if state.could_win(one, state.cap(one))]
        if unseen:
            highest = max(map(state.cap, unseen))
            setting = next(one for one in unseen if state.cap(one) >= (1 - SAME) * highest)  # the simplest comes first
            return self.step(setting, state.start(setting), self.expected(setting))
        order = sorted(visited, key=lambda one: (one != state.leader, -state.potential(one), one.simplicity))
        return self.refine([one for one in order if state.could_win(one, state.potential(one))])

    def refine(self, settings: Iterable[Setting]) -> NextStep | None:
        """The next level of the first of these settings whose peak is not known."""
        for setting in settings:
            if (found := self.state.open_level(setting)) is not None:
                return self.step(setting, *found)
        return None

    def settle(self) -> NextStep | None:
        """A step of the leader with fewer users, where those may serve as much."""
        leader = self.state.leader
        if leader is None:
            return None
        found = self.state.below(leader, self.state.users_of(leader))
        return None if found is None else self.step(leader, *found)

    def confirm(self) -> NextStep | None:
        """The leader's step, measured twice and last of all new ones; then that of the baseline."""
        leader = self.state.leader
        if leader is not None:
            users = self.state.users_of(leader)
            if not self.state.fresh(leader, users, times=2):
                return self.step(leader, users, "the best again, so that luck does not choose")
        if self.state.baseline in self.state.settings and self.state.baseline != leader:
            users = self.state.users_of(self.state.baseline)
            if not self.state.fresh(self.state.baseline, users, times=1):
                return self.step(self.state.baseline, users, "the baseline, to compare with")
        return None

    def step(self, setting: Setting, users: int, reason: str) -> NextStep:
        """A step of this subject."""
        return NextStep(subject=self.state.subject, setting=setting, users=users, reason=reason)

    def expected(self, setting: Setting) -> str:
        """Why a setting is visited."""
        limit = self.state.bound(setting, self.state.users[-1])
        return "nothing bounds it" if limit is None else f"may serve up to {rate(limit.throughput)}"


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
    state = search_state(subject, matrix, steps, list(measured), objective, cores, baseline)
    search = AdaptiveSearch(state=state)
    missing = tuple(
        search.step(setting, level, "asked for in any case")
        for setting, level in dict.fromkeys(required)
        if level not in state.levels(setting)
    )
    found = search.next_step(confirming=confirming) if not missing else None
    return SearchPlan(batch=missing or (() if found is None else (found,)), skipped=tuple(skipped_settings(state)))
