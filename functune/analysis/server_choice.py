"""Which server serves a subject best, where one run measured it on several."""

from collections.abc import Sequence

import msgspec

from functune.analysis.numbers.figures import Price
from functune.analysis.numbers.levels import Level, paired_ratio
from functune.analysis.numbers.repeats import SAME, Spread
from functune.experiments.subject import Subject
from functune.formatting import duration, joined, number_range, rate
from functune.setting import Setting


class ServerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One server with its best level for a subject."""

    host: str
    setting: Setting
    users: int
    throughput: float
    spread: Spread | None
    """The throughput across repeats; None for fewer than two."""
    times_slower: Spread | None
    """The throughput of the fastest server over this one, repeat by repeat; None without two repeats of both."""
    p95: float | None
    """Seconds."""
    memory_mb: float | None
    """Memory of all its processes together, front included."""
    cost: float | None
    """Cost of a million requests on an always busy instance that serves as much. For comparison, not for a budget."""
    cost_spread: Spread | None = None
    """The cost across repeats; None for fewer than two."""
    priced_instance: str = ""
    """The instance that the cost is for, of a plan that can run the server; empty where there is no cost."""
    alone: float | None
    """The median latency of a single user with this setting, seconds."""


class ServerChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The servers for one subject, the fastest first."""

    subject: Subject
    standings: tuple[ServerStanding, ...]
    verdict: str
    """One sentence."""


def choose_server(
    subject: Subject, levels: Sequence[Level], *, seed: int, price: Price | None = None
) -> ServerChoice | None:
    """The servers compared by their most throughput; None where fewer than two of them served the subject."""
    worked = [level for level in levels if level.subject == subject and level.share is None and level.figures.worked]
    hosts = dict.fromkeys(level.setting.host for level in worked if level.setting.host is not None)
    best = sorted((best_of(host, worked) for host in hosts), key=lambda level: -level.throughput)
    if len(best) < 2:
        return None
    standings = tuple(server_standing(level, best[0], worked, seed=seed, price=price) for level in best)
    return ServerChoice(subject=subject, standings=standings, verdict=server_verdict(standings))


def best_of(host: str, worked: Sequence[Level]) -> Level:
    """The level of a host with the most throughput; of equal ones the simplest setting with the fewest users."""
    own = [level for level in worked if level.setting.host == host]
    return min(own, key=lambda level: (-level.throughput, level.setting.simplicity, level.users))


def server_standing(
    level: Level, fastest: Level, worked: Sequence[Level], *, seed: int, price: Price | None
) -> ServerStanding:
    """The standing of a server whose best level is given."""
    alone = next((each for each in worked if each.setting == level.setting and each.users == 1), None)
    slower = paired_ratio(fastest, level, lambda figures: figures.throughput, seed=seed) if level != fastest else None
    return ServerStanding(
        host=level.setting.host or "",
        setting=level.setting,
        users=level.users,
        throughput=level.throughput,
        spread=level.spread,
        times_slower=slower,
        p95=level.figures.p95,
        memory_mb=level.figures.host_memory_mb,
        cost=level.figures.cost,
        cost_spread=level.cost_spread,
        priced_instance=price.instance(level.setting) if price is not None and level.figures.cost is not None else "",
        alone=alone.figures.p50 if alone is not None else None,
    )


def server_verdict(standings: Sequence[ServerStanding]) -> str:
    """
    The servers that the fastest one is shown to beat by more than 5 %, those that it is not shown to beat, and those of
    which single figures say nothing for certain.

    A difference counts where it exceeds 5 % in every repeat, or at the low end of its interval.
    """
    fastest, *others = standings
    repeated = [(each.host, each.times_slower) for each in others if each.times_slower is not None]
    slower = [
        f"{number_range(times.low, times.high)} times as much as {host}"
        for host, times in repeated
        if times.low > 1 + SAME
    ]
    alike = [host for host, times in repeated if times.low <= 1 + SAME]
    once = [f"{rate(each.throughput)} on {each.host}" for each in others if each.times_slower is None]
    parts = [f"{fastest.host} serves {rate(fastest.throughput)}{''.join(f', {each}' for each in slower)}"]
    if alike:
        parts.append(f"the repeats do not show that {joined(alike)} {'serve' if len(alike) > 1 else 'serves'} less")
    if once:
        parts.append(f"measured once: {joined(once)}")
    return f"{'; '.join(parts)}."


def overhead_in_words(standings: Sequence[ServerStanding]) -> str:
    """How much longer one user waits on each server than on the quickest; empty where that is not known of two."""
    known = sorted((each.alone, each.host) for each in standings if each.alone is not None)
    if len(known) < 2:
        return ""
    quickest, host = known[0]
    more = [f"{duration(alone - quickest)} more on {name}" for alone, name in known[1:] if alone > quickest]
    return f"A single user waits {duration(quickest)} on {host}" + (f", {joined(more)}." if more else ".")
