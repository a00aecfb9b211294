"""
The adaptive search, compared with the whole grid.

The grid measures each of its 64 steps once, which finds the contenders but not the best of them: the highest of 64
single measurements is the luckiest one. So the best settings of the grid and the one the search has chosen are measured
again, in rounds, and only these new measurements are judged. The best setting is the one with the highest median over
the rounds; the regret is computed in each round, from two measurements seconds apart, and its median is the figure.
"""

import random
import statistics
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bench import bounds, lab
from bench.figure import Figure
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.numbers.levels import Level
from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement

WORKLOADS = {
    "waiting": "/api/sync/sleep?ms=50",
    "computing": "/api/sync/cpu?ms=10",
    "awaiting": "/api/async/sleep?ms=50",
}
CONTENDERS = 3
"""Settings of the grid that are measured again, the best first; the chosen one comes on top."""
ROUNDS = 5
WARM_UP = 0.3
WINDOW = 1.0
"""Seconds of a step of grid and search."""
CONTEST_WINDOW = 2.0
"""Seconds of a step that is judged."""


async def search() -> AsyncIterator[Figure]:
    """The adaptive search compared with the whole grid of 64 steps: regret and measuring time on three workloads."""
    for name, route in WORKLOADS.items():
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            [grid] = await lab.measured([experiment(route, "grid")], folder / "grid")
            [adaptive] = await lab.measured([experiment(route, "adaptive")], folder / "adaptive")
            [chosen] = adaptive.recommendations
            contest = contenders(grid)
            if chosen.setting not in [level.setting for level in contest]:
                contest += [level for level in best_levels(grid) if level.setting == chosen.setting]
            grid_steps, search_steps = (RunFolder.open(folder / name).measurements() for name in ("grid", "adaptive"))
            rounds = await measured_again(contest, folder / "contest")
        yield Figure(
            bounds.SEARCH_REGRET,
            regrets(rounds, chosen=[level.setting for level in contest].index(chosen.setting)),
            case=name,
            detail=f"chosen {chosen.setting}; measured again: "
            + ", ".join(f"{level.setting} {each:.0f}/s" for level, each in zip(contest, medians(rounds), strict=True)),
        )
        yield Figure(
            bounds.SEARCH_TIME,
            (measuring_seconds(search_steps) / measuring_seconds(grid_steps),),
            case=name,
            detail=f"{len(search_steps)} steps, {len(grid_steps)} steps",
        )


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


def experiment(route: str, search: Literal["grid", "adaptive"]) -> Experiment:
    """The question that grid and search answer: 8 settings, 8 numbers of users."""
    return Experiment(
        name="search",
        question="Which setting serves the most?",
        workload=Workload(routes=(route,)),
        settings=Matrix(thread_count=(1, 4, 16, 64), process_count=(1, 2)),
        load=Load(users=(1, 2, 4, 8, 16, 32, 64, 128), warm_up=WARM_UP, measure=WINDOW, search=search),
    )


def best_levels(grid: ExperimentFindings) -> list[Level]:
    """The level with the highest throughput of each setting, the best setting first."""
    levels = sorted(grid.levels, key=lambda level: level.setting)
    highest = [max(group, key=throughput) for _, group in groupby(levels, key=lambda level: level.setting)]
    return sorted(highest, key=throughput, reverse=True)


def contenders(grid: ExperimentFindings) -> list[Level]:
    """The best levels of the settings that are measured again."""
    return best_levels(grid)[:CONTENDERS]


async def measured_again(contest: Sequence[Level], out: Path) -> list[list[float]]:
    """By round the throughputs of the levels in ``contest``, in its order; each round has a random order of its own."""
    order = [(number, index) for number in range(ROUNDS) for index in shuffled(len(contest), seed=number)]
    every = await lab.measured([again(contest[index], f"round-{n}-{index}") for n, index in order], out)
    found = {place: level.throughput for place, findings in zip(order, every, strict=True) for level in findings.levels}
    return [[found[number, index] for index in range(len(contest))] for number in range(ROUNDS)]


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


def shuffled(count: int, *, seed: int) -> list[int]:
    """The numbers below ``count`` in a random order."""
    return random.Random(seed).sample(range(count), count)


def throughput(level: Level) -> float:
    """Successful requests per second."""
    return level.throughput


def measuring_seconds(steps: Iterable[Measurement]) -> float:
    """Warm-up and window of every step, repeats included."""
    return sum(step.warm_up + step.duration for step in steps)
