"""How long a sweep of an app on Azure takes, and the most that it costs there."""

import itertools
import math
from collections.abc import Callable, Sequence

import msgspec

from functune.plans.billing import gigabytes
from functune.plans.price_list import flex_prices
from functune.setting import Setting
from functune.sweep.trials import PlannedTrial

SHORTEST_LATENCY = 0.005
"""Seconds: no call through the internet is answered faster, whatever a single one took."""


class LiveEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """An upper bound, before the free grant, on condition that no more instances run than the load asks for."""

    seconds: float
    most_instances: int
    gb_seconds: float
    executions: float
    cost: float
    currency: str
    prices_of: str


def estimate_live(
    trials: Sequence[PlannedTrial],
    *,
    seconds: Callable[[Setting], float],
    memory: Callable[[Setting], int],
    maximum_instances: int,
    latency: float,
) -> LiveEstimate:
    """
    The estimate for trials on Flex Consumption.

    A closed loop of N users keeps N requests in flight, so N / c instances are busy, and it sends at most N / R a
    second, where R is the ``latency`` of a single call: more users only make calls slower.
    """
    total = gb_seconds = executions = 0.0
    most = 1
    for _, group in itertools.groupby(trials, key=lambda trial: trial.host):
        several = list(group)
        setting = several[0].setting
        size, change = gigabytes(memory(setting)), seconds(setting)
        total += change
        gb_seconds += change * size
        for trial in several:
            total += trial.seconds
            for users, rate, length in steps_of(trial):
                instances = min(math.ceil(users / (setting.per_instance_concurrency or 1)), maximum_instances)
                most = max(most, instances)
                gb_seconds += instances * length * size
                executions += length * (rate or users / max(latency, SHORTEST_LATENCY))
    prices = flex_prices()
    return LiveEstimate(
        seconds=total,
        most_instances=most,
        gb_seconds=gb_seconds,
        executions=executions,
        cost=gb_seconds * prices.gb_second + executions / 1e6 * prices.million_executions,
        currency=prices.currency,
        prices_of=prices.as_of,
    )


def steps_of(trial: PlannedTrial) -> list[tuple[int, float | None, float]]:
    """Users, rate of arrivals and seconds of each step of a trial."""
    load = trial.load
    length = load.warm_up + load.measure
    background = load.background_users
    if load.arrival_rates:
        return [(load.users[0] + background, rate, length) for rate in load.arrival_rates]
    return [(users + background, None, length) for users in load.users]
