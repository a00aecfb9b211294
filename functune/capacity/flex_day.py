"""
A day on Flex Consumption: an instance starts for each request that finds no free place.

Instances and bills are the closed forms of ``elastic``, latencies those of the simulated instance, and bursts are a
fluid of requests that wait for the instances to come.
"""

import numpy as np

from functune.capacity.bills import FlexUse, flex_bill
from functune.capacity.configuration import Configuration
from functune.capacity.course import held
from functune.capacity.curve import InstanceCurve
from functune.capacity.day import Conditions, DayCourse, following
from functune.capacity.elastic import Elastic, elastic
from functune.capacity.station_table import StationTable
from functune.capacity.traffic import DAY

RATES = 48
"""The rates at which the instances are computed; the others lie between two of them."""
ITERATIONS = 60
LEAST_RATE = 1e-6
"""Requests per second that stand for none, where a logarithm is needed."""


def flex_day(
    configuration: Configuration, curve: InstanceCurve, table: StationTable, given: Conditions, *, cold: float
) -> DayCourse:
    """
    A day on Flex Consumption: an instance starts for each request that finds no free place, up to the most.

    ``curve`` and ``table`` are those of an instance of the size, and ``cold`` the seconds of a start.
    """
    concurrency, ready = configuration.concurrency or 1, configuration.least
    moments, moment = given.traffic.moments(), given.traffic.moment
    grid = rate_grid(moments)
    response = mean_response(grid, curve, concurrency)
    most = int(given.assumptions["flex-most"])
    idle = given.assumptions["flex-idle"]
    found = elastic(grid, response, curve.sizes, concurrency=concurrency, idle=idle, cold=cold, ready=ready, most=most)
    at = np.interp(np.log(np.maximum(moments, LEAST_RATE)), np.log(grid), np.arange(len(grid)))
    there = np.interp(at, np.arange(len(grid)), found.there.sum(axis=1))
    rate_limit = given.assumptions["flex-scale-out"]
    needed = np.minimum(held(there, idle / moment), ready + most)
    instances, wait = following(needed, moments, table.capacity, cold, rate_limit, moment)
    queue = moments * wait / concurrency
    if queue.any():  # requests that wait for an instance ask for more of them
        needed = np.minimum(held(there + queue, idle / moment), ready + most)
        instances, wait = following(needed, moments, table.capacity, cold, rate_limit, moment)
    growth = np.maximum(np.diff(needed, prepend=needed[0]), 0.0)
    delayed = np.interp(at, np.arange(len(grid)), found.delayed.sum(axis=1)) + growth / moment
    churn = float(np.interp(at, np.arange(len(grid)), found.started.sum(axis=1)).mean())
    return DayCourse(
        instances=instances,
        rows=table.rows,
        row=table.row(moments / table.capacity),
        wait=wait,
        cold_share=np.clip(delayed / np.maximum(moments, LEAST_RATE), 0.0, 1.0),
        starts=churn * DAY + float(growth.sum()) * DAY / given.traffic.seconds,
        bill=flex_bill(flex_use(configuration, found, at, moments), given.prices.flex),
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


def flex_use(configuration: Configuration, found: Elastic, at: np.ndarray, moments: np.ndarray) -> FlexUse:
    """The averages that are billed, over the moments."""
    ready, places = configuration.least, np.arange(len(found.there))
    executing = np.interp(at, places, found.billed[:, ready:].sum(axis=1)).mean()
    ready_executing = np.interp(at, places, found.billed[:, :ready].sum(axis=1)).mean()
    share = np.interp(at, places, found.served[:, :ready].sum(axis=1))
    mean = float(moments.mean())
    ready_rate = float((share * moments).mean())
    return FlexUse(
        memory_mb=configuration.instance.memory_mb,
        executing=float(executing),
        rate=mean - ready_rate,
        ready=ready,
        ready_executing=float(ready_executing),
        ready_rate=ready_rate,
    )
