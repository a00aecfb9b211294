"""
The adaptive search, compared with the whole grid, for all settings and for those of a plan with one process.

The grid measures each of its steps once, which finds the contenders but not the best of them: the highest of many
single measurements is the luckiest one. So the best settings of the grid and the ones that the search has chosen are
measured again, in rounds, and only these new measurements are judged. The best setting is the one with the highest
median over the rounds; the regret is computed in each round, from two measurements seconds apart, and its median is the
figure. The rounds end as soon as they agree on which side of the bound it is. Settings that the grid saw far behind are
no contenders, and where only the chosen one is left, it is the best.

The search measures the deciding steps twice. Its time is compared with that of a grid of two rounds, which is twice
that of the one round measured.
"""

import random
import statistics
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bench import bounds, lab
from bench.figure import Figure
from bench.processes import APPS, ROOT
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.numbers.levels import Level
from functune.analysis.verdict.strategies import NoChoice
from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.plans.advice import choices_for
from functune.plans.registry import PLANS
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from functune.setting import Setting

type Workloads = dict[str, tuple[Path, str]]

WORKLOADS: Workloads = {
    "waiting": (ROOT, "/api/sync/sleep?ms=50"),
    "computing": (ROOT, "/api/sync/cpu?ms=10"),
    "awaiting": (ROOT, "/api/async/sleep?ms=50"),
    "hash": (APPS / "handlers", "/api/hash"),
    "mixed": (APPS / "handlers", "/api/mixed"),
    "two connections": (APPS / "handlers", "/api/two-connections"),
}
"""App and route by name."""
JUDGED = {"premium": "any setting", "flex": "one process"}
"""The plans that are judged, and what they allow."""
REPEATS = 2
"""Times that the search measures the deciding steps."""
CONTENDERS = 3
"""Most settings of the grid that are measured again, the best first; the chosen one comes on top."""
NEAR = 0.8
"""Share of the best single measurement from which a setting is a contender: two of them scatter by less."""
ROUNDS = 5
FEWEST_ROUNDS = 2
WARM_UP = 0.3
WINDOW = 1.0
"""Seconds of a step of grid and search."""
CONTEST_WINDOW = 2.0
"""Seconds of a step that is judged."""


async def search() -> AsyncIterator[Figure]:
    """The adaptive search compared with the whole grid: regret by plan and measuring time on six workloads."""
    async for figure in compared(WORKLOADS):
        yield figure


async def compared(workloads: Workloads) -> AsyncIterator[Figure]:
    """The figures of some workloads."""
    for name, (app, route) in workloads.items():
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            [grid] = await lab.measured([experiment(route, "grid")], folder / "grid", app=app)
            [adaptive] = await lab.measured([experiment(route, "adaptive")], folder / "adaptive", app=app)
            chosen = {plan: chosen_setting(adaptive, plan) for plan in JUDGED}
            entrants = {plan: contenders(grid, PLANS[plan].allows, chosen[plan]) for plan in JUDGED}
            rounds = await contest(entrants, chosen, folder, app=app)
            grid_steps, search_steps = (RunFolder.open(folder / each).measurements() for each in ("grid", "adaptive"))
        for plan, words in JUDGED.items():
            yield Figure(
                bounds.SEARCH_REGRET,
                regrets(columns(rounds, entrants[plan]), chosen=settings_of(entrants[plan]).index(chosen[plan])),
                case=f"{name}, {words}",
                detail=f"chosen {chosen[plan]}; {in_words(rounds, entrants[plan])}",
            )
        yield Figure(
            bounds.SEARCH_TIME,
            (measuring_seconds(search_steps) / (REPEATS * measuring_seconds(grid_steps)),),
            case=name,
            detail=f"{len(search_steps)} steps, {REPEATS} x {len(grid_steps)} steps",
        )


def chosen_setting(findings: ExperimentFindings, plan: str) -> Setting:
    """The setting that is recommended on a plan for the one route."""
    [choice] = choices_for(findings, PLANS[plan]).values()
    assert not isinstance(choice, NoChoice), f"nothing is recommended for {plan}: {choice.reason}"
    return choice.setting


def regrets(rounds: Sequence[Sequence[float]], *, chosen: int) -> tuple[float, ...]:
    """
    By round the share of the best setting's throughput that the setting number ``chosen`` misses.

    The best setting has the highest median over the rounds. A share below 0 is a round that ``chosen`` won.
    """
    middle = medians(rounds)
    best = middle.index(max(middle))
    return tuple(1 - throughputs[chosen] / throughputs[best] for throughputs in rounds)


def medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """By setting the median of its throughputs over the rounds."""
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def agree(shares: Sequence[float]) -> bool:
    """Whether all rounds see the regret on the same side of its bound."""
    return len({bounds.SEARCH_REGRET.holds(share) for share in shares}) == 1


def experiment(route: str, search: Literal["grid", "adaptive"]) -> Experiment:
    """The question that grid and search answer: 8 settings, 4 numbers of users."""
    return Experiment(
        name="search",
        question="Which setting serves the most?",
        workload=Workload(routes=(route,)),
        settings=Matrix(thread_count=(1, 4, 16, 64), process_count=(1, 2)),
        load=Load(
            users=(1, 4, 16, 64),
            warm_up=WARM_UP,
            measure=WINDOW,
            search=search,
            repeats=REPEATS if search == "adaptive" else 1,
        ),
    )


def contenders(grid: ExperimentFindings, allows: Callable[[Setting], bool], chosen: Setting) -> list[Level]:
    """The best levels of the settings to be measured again: those near the best that a plan allows, and the chosen."""
    best = [level for level in best_levels(grid) if allows(level.setting)]
    near = [level for level in best if level.throughput >= NEAR * best[0].throughput][:CONTENDERS]
    return near + [level for level in best if level.setting == chosen and level not in near]


def best_levels(grid: ExperimentFindings) -> list[Level]:
    """The level with the highest throughput of each setting, the best setting first."""
    levels = sorted(grid.levels, key=lambda level: level.setting.simplicity)
    highest = [max(group, key=throughput) for _, group in groupby(levels, key=lambda level: level.setting)]
    return sorted(highest, key=throughput, reverse=True)


async def contest(
    entrants: dict[str, list[Level]], chosen: dict[str, Setting], folder: Path, *, app: Path
) -> list[dict[Setting, float]]:
    """By round the throughputs of the entrants of all plans that have several, each round in an order of its own."""
    several = {plan: levels for plan, levels in entrants.items() if len(levels) > 1}
    every = {level.setting: level for levels in several.values() for level in levels}
    rounds: list[dict[Setting, float]] = []
    while every and len(rounds) < ROUNDS and not (len(rounds) >= FEWEST_ROUNDS and decided(rounds, several, chosen)):
        order = random.Random(len(rounds)).sample(sorted(every, key=lambda setting: setting.simplicity), len(every))
        steps = [again(every[setting], f"again-{number}") for number, setting in enumerate(order)]
        found = await lab.measured(steps, folder / f"round-{len(rounds)}", app=app)
        rounds.append({level.setting: level.throughput for findings in found for level in findings.levels})
    return rounds


def decided(
    rounds: Sequence[dict[Setting, float]], entrants: dict[str, list[Level]], chosen: dict[str, Setting]
) -> bool:
    """Whether the rounds agree for every plan."""
    return all(
        agree(regrets(columns(rounds, levels), chosen=settings_of(levels).index(chosen[plan])))
        for plan, levels in entrants.items()
    )


def columns(rounds: Sequence[dict[Setting, float]], entrants: Sequence[Level]) -> list[list[float]]:
    """By round the throughputs of a plan's entrants, in their order; that of the grid where there is only one."""
    if len(entrants) == 1:
        return [[entrants[0].throughput]]
    return [[found[level.setting] for level in entrants] for found in rounds]


def settings_of(levels: Iterable[Level]) -> list[Setting]:
    """Their settings, in the same order."""
    return [level.setting for level in levels]


def in_words(rounds: Sequence[dict[Setting, float]], entrants: Sequence[Level]) -> str:
    """The medians of the rounds, or that there was nothing to measure again."""
    if len(entrants) == 1:
        return "far ahead in the grid"
    seen = zip(entrants, medians(columns(rounds, entrants)), strict=True)
    return "measured again: " + ", ".join(f"{level.setting} {each:.0f}/s" for level, each in seen)


def again(level: Level, name: str) -> Experiment:
    """An experiment of the one level, on a host of its own."""
    setting = level.setting
    return Experiment(
        name=name,
        question="How much does this setting serve?",
        workload=Workload(routes=(level.subject.route,)),
        settings=Matrix(thread_count=(setting.thread_count or "unset",), process_count=(setting.process_count,)),
        load=Load(users=(level.users,), warm_up=WARM_UP, measure=CONTEST_WINDOW),
    )


def throughput(level: Level) -> float:
    """Successful requests per second."""
    return level.throughput


def measuring_seconds(steps: Iterable[Measurement]) -> float:
    """Warm-up and window of every step, repeats included."""
    return sum(step.warm_up + step.duration for step in steps)
