"""
A day on plans that share all requests among their instances: Premium, App Service and Container Apps.

Each instance gets an equal part of the arrivals, at random, and its latency is that of the simulated station.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat

import numpy as np
from scipy.ndimage import uniform_filter1d

from functune.capacity.bills import Bill, ReplicaUse, instances_bill, replicas_bill
from functune.capacity.configuration import Configuration
from functune.capacity.course import held
from functune.capacity.curve import InstanceCurve
from functune.capacity.day import Conditions, DayCourse, following
from functune.capacity.station_table import StationTable
from functune.capacity.traffic import DAY

ROUNDING = 1e-6
"""What floating point may take from a whole number."""


def premium_days(
    configuration: Configuration,
    curve: InstanceCurve,
    table: StationTable,
    given: Conditions,
    *,
    colds: Sequence[float],
) -> Iterator[DayCourse]:
    """Instances follow the load; a prewarmed one takes the place of a start, so nothing waits for one."""
    known, moment = given.assumptions, given.traffic.moment
    moments = given.traffic.moments()
    needed = np.ceil(moments / (known["premium-fill"] * table.capacity))
    most = max(known["premium-most"], configuration.least)
    needed = np.clip(held(needed, known["premium-idle"] / moment), configuration.least, most)
    instances, wait = following(needed, moments, table.capacity, 0.0, known["premium-scale-out"], moment)
    instances = np.floor(instances + ROUNDING)
    day = DayCourse(
        instances=instances,
        rows=table.rows,
        row=table.row(moments / (instances * table.capacity)),
        wait=wait,
        cold_share=np.zeros(len(moments)),
        starts=starts_per_day(instances, given),
        bill=instances_bill(float(instances.mean()), configuration.size, given.prices.premium),
    )
    yield from repeat(day, len(colds))


def app_service_days(
    configuration: Configuration,
    curve: InstanceCurve,
    table: StationTable,
    given: Conditions,
    *,
    colds: Sequence[float],
) -> Iterator[DayCourse]:
    """The same instances all day."""
    moments = given.traffic.moments()
    instances = np.full(len(moments), float(configuration.least))
    _, wait = following(instances, moments, table.capacity, 0.0, 1.0, given.traffic.moment)
    day = DayCourse(
        instances=instances,
        rows=table.rows,
        row=table.row(moments / (instances * table.capacity)),
        wait=wait,
        cold_share=np.zeros(len(moments)),
        starts=0.0,
        bill=instances_bill(configuration.least, configuration.size, given.prices.app_service),
    )
    yield from repeat(day, len(colds))


def container_apps_days(
    configuration: Configuration,
    curve: InstanceCurve,
    table: StationTable,
    given: Conditions,
    *,
    colds: Sequence[float],
) -> Iterator[DayCourse]:
    """Replicas follow the mean rate of the last interval; none is left where the least is 0 and nothing comes."""
    known, moment, least = given.assumptions, given.traffic.moment, configuration.least
    moments = given.traffic.moments()
    interval = min(max(1, round(known["container-apps-interval"] / moment)), len(moments))
    seen = uniform_filter1d(moments, interval, mode="nearest", origin=(interval - 1) // 2)
    needed = np.ceil(seen / (known["container-apps-fill"] * table.capacity))
    most = max(known["container-apps-most"], least)
    needed = np.clip(held(needed, known["container-apps-idle"] / moment), max(least, 1), most)
    quiet = np.exp(-moments * known["container-apps-idle"]) if least == 0 else np.zeros(len(moments))
    for cold in colds:
        delay = known["container-apps-interval"] + cold
        instances, wait = following(needed, moments, table.capacity, delay, most / moment, moment)
        instances = np.maximum(np.floor(instances + ROUNDING), 1.0)
        there = np.where(instances == 1, 1 - quiet, instances)
        late = quiet * np.minimum(1 + moments * cold, 1 / np.maximum(quiet, 1e-300))
        yield DayCourse(
            instances=there,
            rows=table.rows,
            row=table.row(moments / (instances * table.capacity)),
            wait=wait,
            cold_share=np.where(instances == 1, late, 0.0),
            starts=starts_per_day(instances, given) + float((moments * quiet).mean()) * DAY,
            bill=replicas_cost(configuration, curve, there, moments, given),
        )


def starts_per_day(instances: np.ndarray, given: Conditions) -> float:
    """The instances added in a day."""
    return float(np.maximum(np.diff(instances), 0.0).sum()) * DAY / given.traffic.seconds


def replicas_cost(
    configuration: Configuration, curve: InstanceCurve, replicas: np.ndarray, moments: np.ndarray, given: Conditions
) -> Bill:
    """
    The bill: a replica of the least number is idle in the seconds in which it has no request.

    It then uses less than 0.01 cores and receives less than 1,000 bytes a second, as the idle rate requires.
    """
    each = moments / np.maximum(replicas, 1e-9)
    quiet = np.exp(-each * (1 + float(curve.response(1.0))))
    idle = np.where(replicas <= configuration.least, replicas * quiet, 0.0)
    use = ReplicaUse(active=float((replicas - idle).mean()), idle=float(idle.mean()), rate=given.traffic.mean)
    return replicas_bill(use, configuration.instance, given.prices.container_apps)
