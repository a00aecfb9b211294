"""
A day on Flex Consumption: an instance starts for each request that finds no free place.

Instances and bills follow from the closed forms of ``elastic``, and latencies from the simulated instance. A burst is
a fluid of requests that wait for instances to start.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from functune.capacity.bills import FlexUse, flex_bill
from functune.capacity.configuration import Configuration
from functune.capacity.course import held
from functune.capacity.curve import InstanceCurve
from functune.capacity.day import Conditions, DayCourse, following
from functune.capacity.elastic import Elastic, delayed, elastic
from functune.capacity.station_table import StationTable
from functune.capacity.traffic import DAY

RATES = 48
"""The rates at which the instances are computed; the others lie between two of them."""
ITERATIONS = 60
LEAST_RATE = 1e-6
"""Requests per second that stand for none, where a logarithm is needed."""


def flex_days(
    configuration: Configuration,
    curve: InstanceCurve,
    table: StationTable,
    given: Conditions,
    *,
    colds: Sequence[float],
) -> Iterator[DayCourse]:
    """
    Days on Flex Consumption: an instance starts for each request that finds no free place, up to the most.

    ``curve`` and ``table`` are those of an instance of the size, and ``colds`` the seconds of a start on each day.
    """
    concurrency, ready = configuration.concurrency or 1, configuration.least
    moments, moment = given.traffic.moments(), given.traffic.moment
    grid = rate_grid(moments)
    response = mean_response(grid, curve, concurrency)
    most = int(given.assumptions["flex-most"])
    idle = given.assumptions["flex-idle"]
    found = elastic(grid, response, curve.sizes, concurrency=concurrency, idle=idle, ready=ready, most=most)
    over = Over(moments, grid)
    there = over(found.there.sum(axis=1), at_rest=ready)
    started = over(found.started.sum(axis=1)).mean()
    use = flex_use(configuration, found, over)
    rate_limit = given.assumptions["flex-scale-out"]
    for cold in colds:
        needed = np.minimum(held(there, idle / moment), ready + most)
        instances, wait = following(needed, moments, table.capacity, cold, rate_limit, moment)
        queue = moments * wait / concurrency
        if queue.any():  # requests that wait for an instance ask for more of them
            needed = np.minimum(held(there + queue, idle / moment), ready + most)
            instances, wait = following(needed, moments, table.capacity, cold, rate_limit, moment)
        growth = np.maximum(np.diff(needed, prepend=needed[0]), 0.0)
        late = over(delayed(found, grid, concurrency=concurrency, cold=cold).sum(axis=1)) + growth / moment
        yield DayCourse(
            instances=instances,
            rows=table.rows,
            row=table.row(moments / table.capacity),
            wait=wait,
            cold_share=np.clip(late / np.maximum(moments, LEAST_RATE), 0.0, 1.0),
            starts=DAY * float(started + growth.sum() / given.traffic.seconds),
            bill=flex_bill(use, given.prices.flex),
            billed_seconds=(use.executing + use.ready_executing) / (use.rate + use.ready_rate),
        )


def rate_grid(moments: np.ndarray) -> np.ndarray:
    """Rates from the lowest to the highest of the traffic, in equal ratios."""
    high = float(moments.max())
    positive = moments[moments > 0]
    low = max(float(positive.min()), high * 1e-6)
    return np.geomspace(low * (1 - 1e-9), high * (1 + 1e-9), RATES if high > low * 1.001 else 2)


def mean_response(rates: np.ndarray, curve: InstanceCurve, concurrency: int) -> np.ndarray:
    """
    R at each rate: a request finds N = L R others, of which its instance takes up to c - 1.

    A fixed point, found by repetition; under processor sharing it is the exact mean.
    """
    response = np.full(len(rates), float(curve.response(1.0)))
    for _ in range(ITERATIONS):
        inside = np.minimum(1 + rates * response, concurrency)
        response = (response + curve.response(inside)) / 2
    return response


class Over:
    """Takes what is known at some rates to the moments of the traffic, most of which have the rate of another one."""

    def __init__(self, moments: np.ndarray, grid: np.ndarray) -> None:
        self.moments = moments
        self.rates, self.places = np.unique(moments, return_inverse=True)
        self.grid = np.log(grid)
        self.at = np.log(np.maximum(self.rates, LEAST_RATE))

    def __call__(self, values: np.ndarray, *, at_rest: float = 0.0) -> np.ndarray:
        """The value at each moment, between those of two rates; ``at_rest`` where nothing comes."""
        found: np.ndarray = np.where(self.rates > 0, np.interp(self.at, self.grid, values), at_rest)[self.places]
        return found


def flex_use(configuration: Configuration, found: Elastic, over: Over) -> FlexUse:
    """The averages that are billed, over the moments."""
    ready = configuration.least
    ready_rate = float((over(found.served[:, :ready].sum(axis=1)) * over.moments).mean())
    return FlexUse(
        memory_mb=configuration.instance.memory_mb,
        executing=float(over(found.billed[:, ready:].sum(axis=1)).mean()),
        rate=float(over.moments.mean()) - ready_rate,
        ready=ready,
        ready_executing=float(over(found.billed[:, :ready].sum(axis=1)).mean()),
        ready_rate=ready_rate,
    )
