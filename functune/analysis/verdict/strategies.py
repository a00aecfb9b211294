"""
The choice: the setting to use, of all that worked, by a strategy and under an objective.

A setting enters with one level: the fewest users with 95 % of its highest throughput that meets the objective. Near
the peak the curve is flat, and users beyond it only wait. Then the strategy scores each setting. Every score is a
logarithm, so that differences are ratios and no unit matters. A setting that is not shown to be more than 5 % worse
than the best is tied with it, and the simplest of the tied settings wins. By throughput and by cost, a setting is also
tied where its highest throughput is not shown to be more than 5 % worse: otherwise it would lose because it enters
with few users.

No score depends on other settings, so neither their order nor an additional worse one can change which is the best.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from functune.analysis.numbers.figures import FAILED_TOO_MUCH, Figures
from functune.analysis.numbers.levels import Level, paired_ratio
from functune.analysis.numbers.repeats import SAME, Spread
from functune.analysis.numbers.statistics import minimum_sample
from functune.analysis.search.objective import Objective
from functune.experiments.model import Strategy
from functune.run.measurement import causes_in_words
from functune.setting import Setting

WORSE = 1 / (1 - SAME)
"""How many times worse than the best a level may be and still be tied with it."""
WEIGHT = 0.5
"""Weight of the cost in the balanced strategy; the rest is the weight of the p95."""
NEEDS_P95 = f"a p95, for which a step needs {minimum_sample(0.95)} requests"


class StrategyRule(msgspec.Struct, frozen=True, kw_only=True):
    """Everything there is to know about a strategy."""

    score: Callable[[Figures], float | None]
    """The logarithm of the figure it minimises; None where the figures lack it."""
    best: str
    """Its aim as a noun phrase: ``the lowest p95``."""
    better: str
    """A sentence about a better setting, with places for the factor and the other setting."""
    needs: str
    """The figures it needs, in words."""
    by_most: bool = False
    """Whether it ranks settings as their most throughput does."""


def logarithm(value: float | None) -> float | None:
    """The natural logarithm; None for nothing and for 0."""
    return math.log(value) if value else None


def balance(figures: Figures) -> float | None:
    """w ln(cost) + (1 - w) ln(p95)."""
    cost, p95 = logarithm(figures.cost), logarithm(figures.p95)
    return None if cost is None or p95 is None else WEIGHT * cost + (1 - WEIGHT) * p95


def slowness(figures: Figures) -> float | None:
    """-ln(X)."""
    found = logarithm(figures.throughput)
    return None if found is None else -found


STRATEGIES: dict[Strategy, StrategyRule] = {
    "throughput": StrategyRule(
        score=slowness,
        best="the most throughput",
        better="it serves {} times as much as {}",
        needs="steps that served something",
        by_most=True,
    ),
    "latency": StrategyRule(
        score=lambda figures: logarithm(figures.p95),
        best="the lowest p95",
        better="its p95 is {} times shorter than that of {}",
        needs=NEEDS_P95,
    ),
    "cost": StrategyRule(
        score=lambda figures: logarithm(figures.cost),
        best="the lowest cost",
        better="it is {} times cheaper than {}",
        needs="prices",
        by_most=True,
    ),
    "balanced": StrategyRule(
        score=balance,
        best="the best balance of cost and p95",
        better="its balance of cost and p95 is {} times better than that of {}",
        needs=f"prices and {NEEDS_P95}",
    ),
}


class Tied(msgspec.Struct, frozen=True, kw_only=True):
    """A level that is not shown to be more than 5 % worse than the best."""

    level: Level
    worse: float
    """How many times worse its score is; 1 for the best itself."""
    spread: Spread | None
    """The same across repeats; None where there is one repeat, and for the best itself."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The chosen level and the alternatives."""

    strategy: Strategy
    chosen: Level
    best: Level
    """The best score; the chosen one is as good and simpler, or the same."""
    ties: tuple[Tied, ...]
    """The chosen one first, then by simplicity."""
    next_best: Level | None
    """The best that is not tied."""
    knees: tuple[Level, ...]
    """The level with which each setting entered, simplest setting first."""


class NoChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is nothing to choose."""

    reason: str


def plainness(level: Level) -> tuple[Any, ...]:
    """Sort key, simplest level first: its setting, then the fewest users."""
    return *level.setting.simplicity, level.users


def choose(
    offered: Iterable[Level],
    *,
    strategy: Strategy = "throughput",
    objective: Objective | None = None,
    seed: int = 1,
) -> Choice | NoChoice:
    """
    The level to use by a strategy, among closed-loop levels of one subject that worked and keep the objective.

    throughput: the most requests per second. latency: the lowest p95 at any throughput, so state the rate you need in
    the objective. cost: the least per million requests. balanced: the least w ln(cost) + (1 - w) ln(p95). ``seed`` is
    that of the resampling of paired ratios.
    """
    offered = list(offered)
    every = sorted((one for one in offered if one.figures.worked), key=plainness)
    if not every:
        return NoChoice(reason=nothing_worked(offered))
    kept = [one for one in every if objective is None or objective.met(one.figures)]
    if objective is not None and not kept:
        return NoChoice(reason=unsatisfied(every, objective))
    levels = knees(kept)
    rule = STRATEGIES[strategy]
    scores = {index: value for index, one in enumerate(levels) if (value := rule.score(one.figures)) is not None}
    if not scores:
        return NoChoice(reason=f"Nothing can be chosen by {strategy}: it needs {rule.needs}.")
    order = sorted(scores, key=lambda index: (scores[index], index))
    best = levels[order[0]]
    most = {one.setting: one for one in sorted(kept, key=lambda one: (one.throughput, -one.users))}
    ties = [found for index in order if (found := tie(levels[index], best, most, rule, seed)) is not None]
    ties.sort(key=lambda tied: plainness(tied.level))
    tied = [each.level for each in ties]
    return Choice(
        strategy=strategy,
        chosen=tied[0],
        best=best,
        ties=tuple(ties),
        next_best=next((levels[index] for index in order if levels[index] not in tied), None),
        knees=tuple(levels),
    )


def nothing_worked(offered: Sequence[Level]) -> str:
    """Why no step worked, with the kinds of failure that were seen."""
    if not offered:
        return "None of its steps was measured."
    seen = sum((Counter(level.figures.errors) for level in offered), Counter[str]())
    ends = sum((Counter(level.figures.worker_ends) for level in offered), Counter[str]())
    found = causes_in_words(seen, ends) if seen else "no answer at all"
    return f"No step worked: each {FAILED_TOO_MUCH}, or all of them ({found})."


def knees(kept: Iterable[Level]) -> list[Level]:
    """The level with the fewest users and 95 % of the most throughput for each setting, in the given order."""
    groups: dict[Setting, list[Level]] = {}
    for one in kept:
        groups.setdefault(one.setting, []).append(one)
    return [knee(group) for group in groups.values()]


def knee(levels: Sequence[Level]) -> Level:
    """The level with the fewest users that serves 95 % of the best level."""
    most = max(level.throughput for level in levels)
    enough = [level for level in levels if level.throughput >= (1 - SAME) * most]
    return min(enough, key=lambda level: level.users)


def tie(one: Level, best: Level, most: Mapping[Setting, Level], rule: StrategyRule, seed: int) -> Tied | None:
    """
    The level as tied with the best; None when it is worse by more than 5 %, and so is the most of its setting.

    From five repeats in common it is worse when the whole interval of the paired ratio is beyond 5 %; from two to four
    when the whole range is; for one repeat when the ratio itself is.
    """
    if one is best:
        return Tied(level=one, worse=1.0, spread=None)
    pairs = [(one, best), (most[one.setting], most[best.setting])] if rule.by_most else [(one, best)]
    for mine, theirs in pairs:
        spread = times_worse(mine, theirs, rule, seed)
        worse = times_worse_once(mine, theirs, rule)
        if (spread.low if spread else worse) <= WORSE:
            return Tied(level=one, worse=worse, spread=spread)
    return None


def times_worse(one: Level, other: Level, rule: StrategyRule, seed: int) -> Spread | None:
    """How many times worse than the other level one is, across paired repeats; None for fewer than two in common."""
    return paired_ratio(one, other, lambda figures: minimised(figures, rule), seed=seed)


def minimised(figures: Figures, rule: StrategyRule) -> float | None:
    """The figure that a strategy minimises; None where it is not known."""
    score = rule.score(figures)
    return None if score is None else math.exp(score)


def times_worse_once(one: Level, other: Level, rule: StrategyRule) -> float:
    """How many times worse than the other level one is, all repeats together. Both have the figure."""
    mine, theirs = (rule.score(level.figures) for level in (one, other))
    if mine is None or theirs is None:
        raise TypeError("levels without the figure of a strategy are not chosen from")
    return math.exp(mine - theirs)


def pareto_front(offered: Sequence[Level]) -> tuple[Level, ...]:
    """The levels that no other beats in both cost and p95, cheapest first; the simplest of equal ones."""
    known = [
        (one.figures.cost, one.figures.p95, plainness(one), one)
        for one in offered
        if one.figures.cost is not None and one.figures.p95 is not None
    ]
    front: list[Level] = []
    lowest = math.inf
    for _, p95, _, one in sorted(known, key=lambda entry: entry[:3]):
        if p95 < lowest:
            lowest = p95
            front.append(one)
    return tuple(front)


def unsatisfied(offered: Sequence[Level], objective: Objective) -> str:
    """That nothing keeps the objective, and the level that misses it least."""
    nearest = min(offered, key=lambda one: objective.worst(one.figures).miss(one.figures))
    condition = objective.worst(nearest.figures)
    return f"No measured setting meets {objective}: the nearest is {nearest}, {condition.seen(nearest.figures)}."
