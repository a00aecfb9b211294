"""
Operational bounds: the throughput that no setting can exceed, from single-user steps and before any fitting.

A request needs D_c seconds of CPU and D_w seconds without it. N users without think time, T threads in each of P
processes and K cores allow at most (Denning and Buzen, 1978)

    X(N) <= min( N / (D_c + D_w),  P T / (D_c + D_w),  K / D_c )

Python code holds the GIL while it computes, so a process that runs nothing else uses one core, and the last term
becomes min(P, K) / D_c. Hashing, numpy and zlib release the GIL, and no call alone shows which of the two it is. A
``def`` handler gets the lower term only where several calls of a process were seen to share one core (see
``serial_computing``).

An ``async def`` handler uses no thread of the pool, so the term of the threads does not apply, and its CPU time is
that of the one event loop of its process. An instance that admits c requests at a time adds the term c / (D_c + D_w).
"""

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from functune.analysis.numbers.figures import together
from functune.analysis.numbers.levels import Level
from functune.run.measurement import Handler
from functune.setting import Setting, instance_rank

type BoundKind = Literal["users", "threads", "cpu", "admitted"]

SHARED_CORE = (0.8, 1.1)
"""
Cores of a process whose calls share one, the runtime's own computing and the pauses between two holders included.
0.9 to 1.03 was seen under the GIL, 1.75 and more of hashing with two threads.
"""
SEVERAL_CORES = 1.2
"""Cores of a process above which its calls compute outside the GIL; 1.01 to 1.03 against 1.75 and more was seen."""
WANTED = 1.4
"""Cores that the calls in a process would use, if none waited for another, from which they show that one is shared."""
IDLE = 0.25
"""Cores of the machine that have to be idle then: otherwise the calls may share a core because there is no other."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """The time that one request needs, in seconds, as its handler measured it."""

    service: float
    """D_c + D_w: from the handler's first line to its answer."""
    cpu: float | None
    """D_c: thread CPU time; None when the answers do not report it."""
    serial: bool | None = None
    """
    Whether the calls of a process compute one at a time, as under the GIL: False where a process used several cores,
    None where no figure shows it.
    """

    @property
    def cpu_share(self) -> float | None:
        """D_c / (D_c + D_w), 0 to 1."""
        return None if self.cpu is None or self.service == 0 else min(self.cpu / self.service, 1.0)


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The lowest of the bounds, in requests per second, and which one it is."""

    throughput: float
    limit: BoundKind


def demand_of(levels: Iterable[Level], *, cores: float | None = None) -> Demand | None:
    """
    The demands of a subject, as means over its single-user levels; None without such a level or service times.

    One user meets no queue, so neither setting nor contention is in these times. A small instance lengthens them, so
    those of the largest one count. The operational laws hold for means.
    All closed-loop levels show whether calls compute one at a time; ``cores`` are the machine's, None when unknown.
    """
    closed = [level for level in levels if level.share is None]
    alone = [level.figures for level in on_largest_instance(level for level in closed if level.users == 1)]
    service, cpu = together(each.service for each in alone), together(each.cpu for each in alone)
    if service is None:
        return None
    single = Demand(service=service.mean, cpu=None if cpu is None else cpu.mean)
    return msgspec.structs.replace(single, serial=serial_computing(closed, single, cores=cores))


def on_largest_instance(levels: Iterable[Level]) -> list[Level]:
    """The levels on the largest of their instances."""
    every = list(levels)
    largest = max((instance_rank(level.setting) for level in every), default=None)
    return [level for level in every if instance_rank(level.setting) == largest]


def serial_computing(levels: Iterable[Level], single: Demand, *, cores: float | None) -> bool | None:
    """
    Whether the calls of a process compute one at a time; None where no level shows it.

    A process that used several cores refutes it, whatever other levels show. A process shows it that used one core
    where its calls would have used clearly more without each other and the machine had idle cores. A lock around the
    computing looks like the GIL, and limits a process in the same way.
    """
    found = [shown for level in levels if (shown := shows_serial(level, single, cores=cores)) is not None]
    return all(found) if found else None


def shows_serial(level: Level, single: Demand, *, cores: float | None) -> bool | None:
    """The same from one level."""
    figures, processes = level.figures, level.setting.process_count
    if figures.worker_cores is None or single.cpu_share is None:
        return None
    used = figures.worker_cores / processes
    if used > SEVERAL_CORES:
        return False
    by_host = figures.worker_cores + (figures.front_cores or 0.0)
    idle = (cores or 0.0) - by_host - (figures.other_cpu or 0.0) - figures.generator_cpu
    if level.setting.instance is not None:
        idle = min(idle, level.setting.instance.cores - by_host)
    wanted = calls_in_handlers(level) / processes * single.cpu_share
    return True if SHARED_CORE[0] <= used <= SHARED_CORE[1] and wanted >= WANTED and idle >= IDLE else None


def calls_in_handlers(level: Level) -> float:
    """The time average of calls begun and not ended; of the finished ones where the host does not count open calls."""
    figures = level.figures
    if figures.open_calls is not None:
        return figures.open_calls
    return 0.0 if figures.service is None else figures.throughput * figures.service.mean


def thread_law(demand: Demand, setting: Setting) -> float:
    """T P / S, requests per second: the throughput of the threads when each waits S seconds per request."""
    return setting.threads * setting.process_count / demand.service if demand.service else math.inf


def bound(demand: Demand, *, users: float, setting: Setting, handler: Handler | None, cores: float | None) -> Bound:
    """
    The throughput that ``users`` closed-loop clients cannot exceed.

    With ``cores`` None the machine sets no limit. A handler of unknown kind counts as ``def``, which runs in the
    thread pool.
    """
    limits: dict[BoundKind, float] = {"users": users / demand.service if demand.service else math.inf}
    if handler != "async def":
        limits["threads"] = thread_law(demand, setting)
    usable = usable_cores(demand, setting=setting, handler=handler, cores=cores)
    if demand.cpu and usable is not None:
        limits["cpu"] = usable / demand.cpu
    if setting.per_instance_concurrency is not None and demand.service:
        limits["admitted"] = setting.per_instance_concurrency / demand.service
    limit = min(limits, key=limits.__getitem__)
    return Bound(throughput=limits[limit], limit=limit)


def usable_cores(demand: Demand, *, setting: Setting, handler: Handler | None, cores: float | None) -> float | None:
    """The cores that the handlers of a setting can compute on at a time; None where nothing known limits them."""
    allowed = setting.cores_within(cores)
    known = [] if allowed is None else [allowed]
    if handler == "async def" or demand.serial:
        known.append(float(setting.process_count))
    return min(known, default=None)
