"""
The settings that a whole sweep recommends, on simulated hosts with drawn handlers: how much the best of a grid serves
more, for every plan, and how long the measuring takes.

The true capacity of every setting is known, so the grid is one without noise, as if repeated for ever.
"""

import statistics
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from functune.analysis.verdict.recommendation import Aim, Recommendation, recommend
from functune.experiments.model import Load, Matrix
from functune.experiments.planned import planned_settings, planned_steps
from functune.plans.registry import PLANS
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.sweep.planner import SearchPlanner, closed_levels
from tests.analysis.simulated import planned
from tests.analysis.simulated_hosts import CORES, ROUTE, Host, truly_best

WARM_UP, WINDOW = 0.3, 1.0
USERS = (1, 2, 4, 8, 16, 32, 64, 128)
EXPERIMENT = msgspec.structs.replace(
    planned(routes=(ROUTE.route,), settings=Matrix(thread_count=(1, 4, 16, 64), process_count=(1, 2)), users=USERS),
    load=Load(users=USERS, warm_up=WARM_UP, measure=WINDOW),
)
GRID = len(list(planned_steps(EXPERIMENT)))
MARGIN = 0.05
"""Settings within it tie, so the simplest of them may serve as much less."""

KINDS: dict[str, Callable[[float, float], Host]] = {
    "waits": lambda total, _: Host(cpu=0.01 * total, wait=0.99 * total),
    "computes": lambda total, _: Host(cpu=total),
    "hashes": lambda total, _: Host(cpu=0.02 * total, outside=0.98 * total),
    "computes and waits": lambda total, share: Host(cpu=share * total, wait=(1 - share) * total),
    "hashes and waits": lambda total, share: Host(cpu=0.0, outside=share * total, wait=(1 - share) * total),
    "does all of it": lambda total, share: Host(
        cpu=share * total / 2, outside=share * total / 2, wait=(1 - share) * total
    ),
    "waits for a pool": lambda total, share: Host(cpu=0.01 * total, wait=0.99 * total, pool=1 + round(8 * share)),
    "awaits": lambda total, _: Host(cpu=0.02 * total, wait=0.98 * total, handler="async def"),
    "computes and awaits": lambda total, share: Host(cpu=share * total, wait=(1 - share) * total, handler="async def"),
}
"""A handler by the seconds of a call and a share."""


def swept(host: Host, *, seed: int) -> list[Measurement]:
    """Every step of a sweep with its search."""
    chance, planner, measured = np.random.default_rng(seed), SearchPlanner(cores=CORES), list[Measurement]()
    while batch := planner.next_trials(EXPERIMENT, measured, []):
        for trial in batch:
            for users in trial.users:
                step = host.measure(
                    trial.setting, users, chance, trial=len(measured), window=WINDOW, repeat=trial.repeat
                )
                measured.append(msgspec.structs.replace(step, experiment=EXPERIMENT.name, phase=trial.phase))
        assert len(measured) <= GRID, "the search measured more than the whole grid"
    return measured


def regrets(host: Host, measured: list[Measurement]) -> dict[str, float]:
    """By plan of the Functions host the share of the best setting's throughput that the recommended one misses."""
    every, levels = planned_settings(EXPERIMENT.settings), closed_levels(EXPERIMENT, measured)
    found = {}
    for name, plan in PLANS.items():
        if not any(map(plan.allows, every)):
            continue
        chosen = recommend(ROUTE, levels, aim=Aim(), cores=CORES, allows=plan.allows)
        assert isinstance(chosen, Recommendation)
        found[name] = 1 - host.capacity(chosen.setting, USERS) / truly_best(host, every, USERS, plan.allows)
    return found


def drawn(kind: str, milliseconds: float, share: float, noise: float) -> Host:
    """A handler of a kind, on a host whose figures scatter."""
    return msgspec.structs.replace(KINDS[kind](milliseconds / 1000, share), noise=noise)


@pytest.fixture(scope="module")
def runs() -> list[tuple[dict[str, float], float]]:
    """Regrets by plan and share of the grid's steps, of ten runs of every kind of handler with 2 % of noise."""
    chance, found = np.random.default_rng(7), []
    for kind in KINDS:
        for seed in range(10):
            milliseconds = float(np.exp(chance.uniform(0, np.log(200))))
            host = drawn(kind, milliseconds, float(chance.uniform(0.03, 0.7)), 0.02)
            measured = swept(host, seed=seed)
            found.append((regrets(host, measured), len(measured) / GRID))
    return found


def test_search_takes_a_quarter_of_the_time_of_the_grid_in_the_mean(
    runs: list[tuple[dict[str, float], float]],
) -> None:
    """Steps are equally long."""
    assert statistics.mean(share for _, share in runs) <= 0.25


def test_regret_is_rare_beyond_5_percent_and_small_in_the_mean(runs: list[tuple[dict[str, float], float]]) -> None:
    for plan in runs[0][0]:
        missed = sorted(found[plan] for found, _ in runs)
        assert statistics.mean(missed) <= 0.01, plan
        assert missed[int(0.95 * len(missed))] <= MARGIN, plan
        assert missed[-1] <= 2 * MARGIN, plan


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (Host(cpu=0.0002, outside=0.0084), {"local": (1, 4), "flex": (1, 4), "premium": (1, 4)}),
        (Host(cpu=0.005, wait=0.045), {"local": (2, 16), "flex": (1, 16), "premium": (2, 16)}),
        (Host(cpu=0.0003, wait=0.05, pool=2), {"local": (2, 4), "flex": (1, 4), "premium": (2, 4)}),
    ],
    ids=["hash", "mixed", "pool of two"],
)
def test_every_plan_gets_the_best_of_the_settings_it_allows(host: Host, expected: dict[str, tuple[int, int]]) -> None:
    """Flex Consumption has one process, also where two serve more."""
    levels = closed_levels(EXPERIMENT, swept(msgspec.structs.replace(host, noise=0.0), seed=0))
    for name, (processes, threads) in expected.items():
        found = recommend(ROUTE, levels, aim=Aim(), cores=CORES, allows=PLANS[name].allows)
        assert isinstance(found, Recommendation)
        assert found.setting == Setting(process_count=processes, thread_count=threads), name
