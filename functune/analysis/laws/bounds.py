"""
Operational bounds: the throughput that no setting can exceed, from one single-user step and before any fitting.

A request needs D_c seconds of CPU, during which it holds its worker's GIL, and waits D_w seconds without it. N users
without think time, T threads in each of P processes and K cores allow at most (Denning and Buzen, 1978)

    X(N) <= min( N / (D_c + D_w),  P T / (D_c + D_w),  min(P, K) / D_c )

An ``async def`` handler uses no thread of the pool, so the middle term does not apply. An instance that admits c
requests at a time adds the term c / (D_c + D_w).
"""

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from functune.analysis.numbers.figures import together
from functune.analysis.numbers.levels import Level
from functune.run.measurement import Handler
from functune.setting import Setting

type BoundKind = Literal["users", "threads", "cpu", "admitted"]


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """The time that one request needs, in seconds, as its handler measured it."""

    service: float
    """D_c + D_w: from the handler's first line to its answer."""
    cpu: float | None
    """D_c: thread CPU time; None when the answers do not report it."""

    @property
    def cpu_share(self) -> float | None:
        """D_c / (D_c + D_w), 0 to 1."""
        return None if self.cpu is None or self.service == 0 else min(self.cpu / self.service, 1.0)


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The lowest of the bounds, in requests per second, and which one it is."""

    throughput: float
    limit: BoundKind


def demand_of(levels: Iterable[Level]) -> Demand | None:
    """
    The demands of a subject, as means over its single-user levels; None without such a level or service times.

    One user meets no queue, so neither setting nor contention is in these times. The operational laws hold for means.
    """
    alone = [level.figures for level in levels if level.users == 1 and level.share is None]
    service, cpu = together(each.service for each in alone), together(each.cpu for each in alone)
    if service is None:
        return None
    return Demand(service=service.mean, cpu=None if cpu is None else cpu.mean)


def thread_law(demand: Demand, setting: Setting) -> float:
    """T P / S, requests per second: the throughput of the threads when each waits S seconds per request."""
    return setting.threads * setting.process_count / demand.service if demand.service else math.inf


def bound(demand: Demand, *, users: float, setting: Setting, handler: Handler | None, cores: float | None) -> Bound:
    """
    The throughput that ``users`` closed-loop clients cannot exceed.

    With ``cores`` None the machine sets no limit, only the GIL of each process does. A handler of unknown kind counts
    as ``def``, which runs in the thread pool.
    """
    processes = setting.process_count
    limits: dict[BoundKind, float] = {"users": users / demand.service if demand.service else math.inf}
    if handler != "async def":
        limits["threads"] = thread_law(demand, setting)
    if demand.cpu:
        limits["cpu"] = min(processes, cores or processes) / demand.cpu
    if setting.per_instance_concurrency is not None and demand.service:
        limits["admitted"] = setting.per_instance_concurrency / demand.service
    limit = min(limits, key=limits.__getitem__)
    return Bound(throughput=limits[limit], limit=limit)
