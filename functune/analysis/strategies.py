"""
The choice: of everything that worked, what to set, by a strategy and under an objective.

A setting enters with one number of users, the fewest with 95 % of the most throughput that keeps the objective: near
the peak the curve is flat, and users beyond only wait. Then the strategy scores each setting. Every score is a
logarithm, so that differences are ratios and no unit matters. What is not shown to be more than 5 % worse than the best
is tied with it, and the simplest of the tied wins.

No score looks at other candidates, so neither their order nor adding a worse one can change which is the best.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from functune.analysis.bounds import threads
from functune.analysis.diagnosis import SAME
from functune.analysis.formatting import plural
from functune.analysis.formatting import setting as setting_in_words
from functune.analysis.objective import Figures, Objective, figures
from functune.analysis.repeats import Spread, ratio
from functune.measurements import Measurement, Setting

ACCEPTED_ERRORS = 0.01
"""Share of failed requests above which a step is no candidate: refusing work is a cheap way to be fast."""
WORSE = 1 / (1 - SAME)
"""How many times worse than the best a candidate may be and still be tied with it."""

type Strategy = Literal["throughput", "latency", "cost", "balanced"]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A setting at a number of users."""

    setting: Setting
    users: int
    figures: Figures
    """Of all its repeats together."""
    repeats: Mapping[int, Figures] = {}
    """Of each repeat; settings measured in the same round share its number."""
    memory_mb: int | None = None
    """Instance memory its cost was computed for; None where no cost was asked for."""

    def __str__(self) -> str:
        memory = "" if self.memory_mb is None else f" with {self.memory_mb} MB"
        return f"{setting_in_words(self.setting)}{memory} at {plural(self.users, 'user')}"


class Tied(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that is not shown to be more than 5 % worse than the best."""

    candidate: Candidate
    worse: float
    """How many times worse its score is; 1 for the best itself."""
    spread: Spread | None
    """The same across repeats; None where there is one repeat, and for the best itself."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What to set, and what else it might be."""

    strategy: Strategy
    chosen: Candidate
    best: Candidate
    """The best score; the chosen one is as good and simpler, or the same."""
    ties: tuple[Tied, ...]
    """The chosen one first, then by simplicity."""
    next_best: Candidate | None
    """The best that is not tied."""
    front: tuple[Candidate, ...]
    """What no other beats in both cost and p95, cheapest first; empty where costs or percentiles are missing."""


class NoChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to choose, why, and what came nearest."""

    reason: str
    nearest: Candidate | None = None


def simplicity(setting: Setting) -> tuple[Any, ...]:
    """
    Sorts the simplest setting first: a process costs a whole interpreter's memory, a thread some of it.

    Then the fewest further settings, and no limit before a limit on what is let in.
    """
    further = len(setting.app_settings), setting.app_settings
    return setting.process_count, threads(setting), *further, setting.per_instance_concurrency or 0


def plainness(candidate: Candidate) -> tuple[Any, ...]:
    """Sorts the simplest candidate first: its setting, then the least memory, then the fewest requests at a time."""
    return *simplicity(candidate.setting), candidate.memory_mb or 0, candidate.users


def candidates(
    steps: Iterable[Measurement],
    *,
    cost: Callable[[Setting, float], float] | None = None,
    memory_mb: int | None = None,
) -> list[Candidate]:
    """
    One candidate for each setting and number of users that worked, from steps of one route.

    Repeats of one round are paired by their number. ``cost`` gives the cost per million requests from a
    setting and its throughput.
    """
    groups: dict[tuple[Setting, int], list[Measurement]] = {}
    for step in steps:
        groups.setdefault((step.setting, step.users), []).append(step)

    def priced(group: Sequence[Measurement]) -> Figures:
        found = figures(group)
        if cost is None or found.throughput == 0:
            return found
        return msgspec.structs.replace(found, cost=cost(group[0].setting, found.throughput))

    found = [
        Candidate(
            setting=setting,
            users=users,
            figures=priced(group),
            repeats={step.repeat: priced([step]) for step in group},
            memory_mb=memory_mb,
        )
        for (setting, users), group in groups.items()
    ]
    return [one for one in found if one.figures.throughput > 0 and one.figures.error_ratio <= ACCEPTED_ERRORS]


def choose(
    offered: Iterable[Candidate],
    *,
    strategy: Strategy = "throughput",
    objective: Objective | None = None,
    weight: float = 0.5,
    generator: np.random.Generator,
) -> Choice | NoChoice:
    """
    The candidate to use by a strategy, among those that keep the objective.

    throughput: the most requests per second. latency: the lowest p95, whatever it serves, so state the rate you need in
    the objective. cost: the least per million requests. balanced: the least w ln(cost) + (1 - w) ln(p95) with
    w = ``weight``, 0 to 1. ``generator`` resamples repeats. Raises ValueError for a weight outside 0 to 1.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"weight is {weight}: allowed is 0 (latency alone) to 1 (cost alone)")
    every = sorted(offered, key=plainness)
    if not every:
        return NoChoice(reason="No step worked: there is nothing to choose from.")
    kept = [one for one in every if objective is None or objective.met(one.figures)]
    if objective is not None and not kept:
        return unsatisfied(every, objective)
    levels = knees(kept)
    scores = {
        index: value for index, one in enumerate(levels) if (value := score(one.figures, strategy, weight)) is not None
    }
    if not scores:
        return NoChoice(reason=f"Nothing can be chosen by {strategy}: it takes {NEEDS[strategy]}.")
    order = sorted(scores, key=lambda index: (scores[index], index))
    best = levels[order[0]]
    ties = [found for index in order if (found := tie(levels[index], best, strategy, weight, generator)) is not None]
    ties.sort(key=lambda tied: plainness(tied.candidate))
    among = [tied.candidate for tied in ties]
    return Choice(
        strategy=strategy,
        chosen=among[0],
        best=best,
        ties=tuple(ties),
        next_best=next((levels[index] for index in order if levels[index] not in among), None),
        front=pareto(levels),
    )


NEEDS: dict[Strategy, str] = {
    "throughput": "steps that served something",
    "latency": "a p95, which is 72 requests in a step or more",
    "cost": "prices: name the instance memory",
    "balanced": "prices, so name the instance memory, and a p95, which is 72 requests in a step or more",
}


def score(figures: Figures, strategy: Strategy, weight: float = 0.5) -> float | None:
    """The logarithm of what a strategy wants little of; None where the figures lack it."""
    cost = math.log(figures.cost) if figures.cost else None
    p95 = math.log(figures.p95) if figures.p95 else None
    match strategy:
        case "throughput":
            return -math.log(figures.throughput) if figures.throughput else None
        case "latency":
            return p95
        case "cost":
            return cost
        case "balanced":
            return None if cost is None or p95 is None else weight * cost + (1 - weight) * p95


def knees(kept: Iterable[Candidate]) -> list[Candidate]:
    """Of each setting and memory the fewest users with 95 % of its most throughput, in the given order of settings."""
    groups: dict[tuple[Setting, int | None], list[Candidate]] = {}
    for one in kept:
        groups.setdefault((one.setting, one.memory_mb), []).append(one)
    return [knee(group) for group in groups.values()]


def knee(levels: Sequence[Candidate]) -> Candidate:
    """The level with the fewest users that serves 95 % of what the best level does."""
    most = max(level.figures.throughput for level in levels)
    enough = [level for level in levels if level.figures.throughput >= (1 - SAME) * most]
    return min(enough, key=lambda level: level.users)


def tie(
    one: Candidate, best: Candidate, strategy: Strategy, weight: float, generator: np.random.Generator
) -> Tied | None:
    """
    The candidate as tied with the best; None when it is worse by more than 5 %.

    From five repeats in common it is worse when the whole interval of the paired ratio is beyond; from two to four when
    the whole range is; and where there is one, when the ratio itself is.
    """
    if one is best:
        return Tied(candidate=one, worse=1.0, spread=None)
    mine, theirs = (wants(each.repeats, strategy, weight) for each in (one, best))
    spread = ratio(mine, theirs, generator=generator)
    ours, least = (wants({0: each.figures}, strategy, weight)[0] for each in (one, best))
    worse = ours / least
    return Tied(candidate=one, worse=worse, spread=spread) if (spread.low if spread else worse) <= WORSE else None


def wants(repeats: Mapping[int, Figures], strategy: Strategy, weight: float) -> dict[int, float]:
    """What the strategy wants little of, by repeat, where it is known."""
    scores = {repeat: score(figures, strategy, weight) for repeat, figures in repeats.items()}
    return {repeat: math.exp(value) for repeat, value in scores.items() if value is not None}


def pareto(offered: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates that no other beats in both cost and p95, cheapest first; of equals the simplest."""
    known = [
        (one.figures.cost, one.figures.p95, plainness(one), one)
        for one in offered
        if one.figures.cost is not None and one.figures.p95 is not None
    ]
    front: list[Candidate] = []
    lowest = math.inf
    for _, p95, _, one in sorted(known, key=lambda entry: entry[:3]):
        if p95 < lowest:
            lowest = p95
            front.append(one)
    return tuple(front)


def unsatisfied(offered: Sequence[Candidate], objective: Objective) -> NoChoice:
    """That nothing keeps the objective, and what is missing least."""
    nearest = min(offered, key=lambda one: objective.worst(one.figures).miss(one.figures))
    condition = objective.worst(nearest.figures)
    return NoChoice(
        reason=f"Nothing measured keeps {objective}: the nearest is {nearest}, {condition.seen(nearest.figures)}.",
        nearest=nearest,
    )
