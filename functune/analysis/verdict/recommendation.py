"""
The setting to use for a subject, the reason, and how certain it is.

strategies.py chooses it and finds the settings that are tied with it. This module adds its reason and its evidence.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from functune.analysis.numbers.figures import Price
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.memory import settings_killed, settings_too_large
from functune.analysis.numbers.repeats import Spread
from functune.analysis.search.objective import Objective, parse_objective
from functune.analysis.verdict.caveats import caveats, memory_caveats, price_caveats
from functune.analysis.verdict.certainty import certainty
from functune.analysis.verdict.limit import Limit
from functune.analysis.verdict.limit_rules import find_limit
from functune.analysis.verdict.reasons import limit_in_words
from functune.analysis.verdict.strategies import NoChoice, choose
from functune.experiments.model import Experiment, Strategy
from functune.experiments.subject import Subject
from functune.setting import Setting, instance_rank
from functune.shapes import InstanceShape


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The level with which a setting entered the choice."""

    setting: Setting
    """The setting."""
    users: int
    """The users of the level."""
    throughput: float
    """Successful requests per second."""
    p95: float | None
    """Seconds; None below 72 requests."""
    spread: Spread | None
    """The throughput across repeats; None for a single repeat."""


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """The setting to use for one subject."""

    subject: Subject
    """The requests that it is for."""
    strategy: Strategy
    """The strategy that chose it."""
    setting: Setting
    """The setting to use."""
    settings_to_set: dict[str, str | None]
    """App settings, as local.settings.json and ``az functionapp config appsettings set`` take them; None is unset."""
    reason: str
    """The limit of the throughput, in a sentence."""
    certainty: str
    """How certain it is, in a sentence or two; empty where there was nothing to choose."""
    evidence: tuple[Evidence, ...]
    """The level of every setting, the recommended one's first, then by throughput."""
    ties: tuple[Setting, ...]
    """The settings not shown to be more than 5 % worse than the best: the simplest, which is recommended, first."""
    next_best: Evidence | None
    """The best setting that is not tied; None when all are."""
    distance: float | None
    """The relative loss of throughput from the best to the next best: 0.2 is 20 % less."""
    caveats: tuple[str, ...]
    """Reservations, one sentence each."""
    by_size: tuple[Evidence, ...] = ()
    """The setting to use on each instance size that was measured, smallest first; none for one size."""

    @property
    def best(self) -> Evidence:
        """The recommended setting's level."""
        return self.evidence[0]


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """The aim of an experiment, by which settings are compared."""

    strategy: Strategy = "throughput"
    objective: Objective | None = None
    """Must be kept in any case."""
    price: Price | None = None
    """The cost of a million requests; None for no costs."""
    memory_mb: int | None = None
    """Memory of an instance: settings that need more are not recommended. None for no condition."""
    seed: int = 1
    """Seed of the resampling behind intervals."""


def aim_of(experiment: Experiment, price: Price | None = None) -> Aim:
    """The aim of an experiment. Raises UsageError when its objective cannot be read."""
    return Aim(
        strategy=experiment.strategy,
        objective=parse_objective(experiment.objective) if experiment.objective else None,
        price=price,
        memory_mb=experiment.memory_mb,
        seed=experiment.load.seed,
    )


def recommend(
    subject: Subject,
    levels: Iterable[Level],
    *,
    aim: Aim,
    cores: float | None = None,
    limit: Limit | None = None,
    allows: Callable[[Setting], bool] = lambda _: True,
) -> Recommendation | NoChoice:
    """
    The recommendation for a subject, from its closed-loop levels; the reason where there is none.

    ``allows`` excludes settings, such as those that a hosting plan does not have; they still count for the limit.
    ``limit`` is the subject's; None finds it from the levels, where ``cores`` are the machine's.
    """
    own = [level for level in levels if level.subject == subject and level.share is None and level.counts]
    large = settings_too_large(own, aim.memory_mb) | settings_killed(own)
    offered = [level for level in own if allows(level.setting)]
    allowed = [level for level in offered if level.setting not in large]
    if offered and not allowed:
        return NoChoice(reason=f"Every setting used more than {memory_in_words(aim)}.")
    choice = choose(allowed, strategy=aim.strategy, objective=aim.objective, seed=aim.seed)
    if isinstance(choice, NoChoice):
        return choice
    knees = {one.setting: one for one in choice.knees}
    chosen, beaten = choice.chosen, choice.next_best
    ties = tuple(tied.level.setting for tied in choice.ties)
    limit = limit or find_limit(on_instance_of(chosen, own), cores=cores, memory_mb=aim.memory_mb)
    rank = sorted(knees, key=lambda setting: (setting != chosen.setting, -knees[setting].throughput))
    return Recommendation(
        subject=subject,
        strategy=aim.strategy,
        setting=chosen.setting,
        settings_to_set=chosen.setting.settings_to_set(),
        reason=limit_in_words(limit),
        certainty=certainty(choice, seed=aim.seed),
        evidence=tuple(evidence(knees[setting]) for setting in rank),
        ties=ties,
        next_best=evidence(beaten) if beaten else None,
        distance=1 - beaten.throughput / choice.best.throughput if beaten else None,
        caveats=(
            *memory_caveats(large, memory_in_words(aim)),
            *price_caveats(knees, price=aim.price, strategy=aim.strategy),
            *caveats(chosen, allowed, [knees[setting] for setting in ties]),
        ),
        by_size=tuple(best_of_sizes(allowed, aim)),
    )


def best_of_sizes(levels: Iterable[Level], aim: Aim) -> Iterator[Evidence]:
    """The level to use on each of several instance sizes, chosen as on one; none for a size that misses the aim."""
    sizes: dict[InstanceShape | None, list[Level]] = {}
    for level in sorted(levels, key=lambda level: instance_rank(level.setting)):
        sizes.setdefault(level.setting.instance, []).append(level)
    for own in sizes.values() if len(sizes) > 1 else ():
        choice = choose(own, strategy=aim.strategy, objective=aim.objective, seed=aim.seed)
        if not isinstance(choice, NoChoice):
            yield evidence(choice.chosen)


def judged_levels(subject: Subject, levels: Iterable[Level], *, aim: Aim) -> list[Level]:
    """
    The closed-loop levels of a subject that show its limit: those on the instance size to be recommended.

    Void levels are among them. Without a recommendation they are those on the largest size.
    """
    closed = [level for level in levels if level.subject == subject and level.share is None]
    killed = settings_killed(closed)
    own = [level for level in closed if level.setting not in killed]
    large = settings_too_large(own, aim.memory_mb)
    allowed = [level for level in own if level.counts and level.setting not in large]
    choice = choose(allowed, strategy=aim.strategy, objective=aim.objective, seed=aim.seed)
    if not isinstance(choice, NoChoice):
        return on_instance_of(choice.chosen, own)
    return on_instance_of(max(own, key=lambda level: instance_rank(level.setting)), own) if own else []


def on_instance_of(one: Level, levels: Iterable[Level]) -> list[Level]:
    """The levels on the instance size of one."""
    return [level for level in levels if level.setting.instance == one.setting.instance]


def evidence(level: Level) -> Evidence:
    """A level as evidence."""
    return Evidence(
        setting=level.setting,
        users=level.users,
        throughput=level.throughput,
        p95=level.figures.p95,
        spread=level.spread,
    )


def memory_in_words(aim: Aim) -> str:
    """``the 512 MB of an instance``; each setting has its own where the experiment gives instances their limits."""
    return "the memory of an instance" if aim.memory_mb is None else f"the {aim.memory_mb} MB of an instance"
