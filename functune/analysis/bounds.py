"""
Operational bounds: what no setting can exceed, from one single-user step and before any fitting.

A request needs D_c seconds of CPU, during which it holds its worker's GIL, and waits D_w seconds without it. N users
without think time, T threads in each of P processes and K cores then allow (Denning and Buzen, 1978)

    X(N) <= min( N / (D_c + D_w),  P T / (D_c + D_w),  min(P, K) / D_c )

An ``async def`` handler uses no thread of the pool, so the middle term falls away for it. An instance that lets c
requests in at a time has one more, c / (D_c + D_w).
"""

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from functune.analysis.statistics import mean
from functune.measurements import Handler, Measurement, Setting

UNSET_THREADS = 1000
"""What the host injects as PYTHON_THREADPOOL_THREAD_COUNT when nobody sets it."""

type Limit = Literal["users", "threads", "cpu", "admitted"]


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What one request asks for, in seconds, as its handler measured it."""

    service: float
    """D_c + D_w: from the handler's first line to its answer."""
    cpu: float | None
    """D_c: thread CPU time; None when the answers do not say."""

    @property
    def cpu_share(self) -> float | None:
        """D_c / (D_c + D_w), 0 to 1."""
        return None if self.cpu is None or self.service == 0 else min(self.cpu / self.service, 1.0)


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The lowest of the bounds, requests per second, and what it comes from."""

    throughput: float
    limit: Limit


def threads(setting: Setting) -> int:
    """T, with the host's own value where it is left unset."""
    return UNSET_THREADS if setting.thread_count is None else setting.thread_count


def demand(measurements: Iterable[Measurement]) -> Demand | None:
    """
    The demands of a route, as means over all its single-user steps; None without such a step or service times.

    One user meets no queue, so neither setting nor contention is in these times. Means, not medians: they are what
    the operational laws hold for.
    """
    alone = [measurement for measurement in measurements if measurement.users == 1]
    service = mean([time for measurement in alone for time in measurement.service_times_us])
    cpu = mean([time for measurement in alone for time in measurement.cpu_times_us])
    if service is None:
        return None
    return Demand(service=service / 1e6, cpu=None if cpu is None else cpu / 1e6)


def thread_law(demand: Demand, setting: Setting) -> float:
    """T P / S, requests per second: what the threads serve when each waits S seconds per request."""
    return threads(setting) * setting.process_count / demand.service if demand.service else math.inf


def bound(demand: Demand, *, users: float, setting: Setting, handler: Handler | None, cores: float | None) -> Bound:
    """
    The throughput that ``users`` closed-loop clients cannot exceed.

    ``cores`` None leaves the machine out, so that only the GIL of each process limits. A handler of unknown kind is
    taken as ``def``, which the thread pool serves.
    """
    processes = setting.process_count
    limits: dict[Limit, float] = {"users": users / demand.service if demand.service else math.inf}
    if handler != "async def":
        limits["threads"] = thread_law(demand, setting)
    if demand.cpu:
        limits["cpu"] = min(processes, cores or processes) / demand.cpu
    if setting.per_instance_concurrency is not None and demand.service:
        limits["admitted"] = setting.per_instance_concurrency / demand.service
    limit = min(limits, key=limits.__getitem__)
    return Bound(throughput=limits[limit], limit=limit)
