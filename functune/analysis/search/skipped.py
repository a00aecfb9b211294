"""The settings that an adaptive search skips for a subject, each with the reason."""

import math
from collections.abc import Iterator

import msgspec

from functune.analysis.laws.bounds import usable_cores
from functune.analysis.search.state import SearchState
from functune.experiments.subject import Subject
from functune.formatting import duration, percent, plural, rate
from functune.setting import Setting, words_of


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that need not be measured further for a subject, and why."""

    subject: Subject
    setting: Setting
    reason: str


def skipped_settings(state: SearchState) -> Iterator[Skipped]:
    """The settings that need no further step, and why; only of a search that knows a leader."""
    leader = state.leader
    for setting in state.settings:
        if leader is None or setting == leader:
            continue
        so_far = f"the best so far serves {rate(state.best)}"
        other = state.with_other_threads(setting)
        if other is not None and not state.levels(setting):
            reason = f"an async def handler uses no thread of the pool: as with {other.in_words}"
            yield Skipped(subject=state.subject, setting=setting, reason=reason)
        elif not state.could_win(setting, state.cap(setting)):
            yield Skipped(subject=state.subject, setting=setting, reason=f"{bound_in_words(state, setting)}; {so_far}")
        elif state.visited(setting) and not state.could_win(setting, state.potential(setting)):
            seen = f"it served {rate(max(level.throughput for level in state.levels(setting).values()))}"
            gained = f", and other numbers of users gained {percent(state.gain - 1)} with the best setting"
            more = gained if state.gain > 1 else ""
            yield Skipped(subject=state.subject, setting=setting, reason=f"{seen}{more}; {so_far}")


def bound_in_words(state: SearchState, setting: Setting) -> str:
    """The bound of a setting and its cause: ``cannot exceed 10.0 requests/s (1 thread / 100 ms)``."""
    limit = state.bound(setting, state.users[-1])
    if limit is None or state.demand is None:
        raise TypeError("only a setting with a bound is skipped by it")
    processes = setting.process_count
    match limit.limit:
        case "users":
            cause = f"{plural(state.users[-1], 'user')} / {duration(state.demand.service)}"
        case "threads":
            each = plural(setting.threads, "thread")
            pool = each if processes == 1 else f"{each} x {plural(processes, 'process')}"
            cause = f"{pool} / {duration(state.demand.service)}"
        case "admitted":
            cause = f"{words_of(setting, ['per_instance_concurrency'])} / {duration(state.demand.service)}"
        case "cpu":
            used = usable_cores(state.demand, setting=setting, handler=state.handler, cores=state.cores) or 0.0
            cores = f"{used:g} core{'' if used == 1 else 's'}"
            cause = f"{cores} / {duration(state.demand.cpu or 0.0)} of CPU"
            if state.demand.serial and used < (setting.cores_within(state.cores) or math.inf):
                cause += ", as calls of a process were seen to share one core"
    return f"cannot exceed {rate(limit.throughput)} ({cause})"
