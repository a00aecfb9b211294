"""The latency of arrivals by queueing theory, from times measured without any queue, next to the measured latency."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from functune.analysis.laws.bounds import Demand, demand_of
from functune.analysis.laws.queueing import response, shared_response, utilisation, wait_general
from functune.analysis.numbers.figures import Times, together
from functune.analysis.numbers.levels import Level
from functune.setting import Setting

type Model = Literal["threads", "core", "event loop"]

COMPUTES = 0.5
"""Share of its time in which a handler computes from which its calls share cores rather than wait for a thread."""


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The mean latency of an open-loop level, expected and measured, seconds."""

    setting: Setting
    arrival_rate: float
    """Per second."""
    model: Model
    """Arrivals wait for a thread (M/G/m), share the cores (processor sharing), or wait for nothing on the loop."""
    utilisation: float
    """Share of the time the threads, or the cores, are busy, 0 to 1."""
    expected: float
    measured: float


def predict(level: Level, closed: Iterable[Level], *, cores: float | None) -> Prediction | None:
    """
    The prediction for an open-loop level from the closed-loop levels of its subject.

    Each worker process gets its share of the arrivals and has a queue of its own. The time that a lone user's request
    spends outside of its handler is added. None without a single-user level that reports its times, for more arrivals
    than the setting can serve, where no request was answered, and for a handler that computes where no figure shows
    how many cores a process uses.
    """
    levels = [each for each in closed if each.setting.instance == level.setting.instance]
    alone = [each for each in levels if each.users == 1]
    needs, latency = demand_of(levels, cores=cores), weighted_mean(alone)
    service = together(each.figures.service for each in alone)
    measured, arrival_rate = level.figures.mean, level.arrival_rate
    if needs is None or latency is None or service is None or measured is None or arrival_rate is None:
        return None
    try:
        found = in_handler(level, arrival_rate, needs, service, cores=cores)
    except ValueError:  # the queue grows without end: there is no mean to expect
        return None
    if found is None:
        return None
    model, busy, inside = found
    return Prediction(
        setting=level.setting,
        arrival_rate=arrival_rate,
        model=model,
        utilisation=busy,
        expected=max(latency - needs.service, 0.0) + inside,
        measured=measured,
    )


def in_handler(
    level: Level, arrival_rate: float, needs: Demand, service: Times, *, cores: float | None
) -> tuple[Model, float, float] | None:
    """
    The model of a level, its utilisation, and the mean seconds that a call waits for its handler and is in it.

    None where no model is known. Raises ValueError for more arrivals than the model serves.
    """
    each_process = arrival_rate / level.setting.process_count
    if needs.cpu is None or needs.cpu_share is None:
        return None
    if needs.cpu_share >= COMPUTES:
        computed = computing(level, arrival_rate, needs, cores=cores)
        return None if computed is None else ("core", *computed)
    if level.handler == "async def":
        return "event loop", utilisation(each_process, needs.cpu), needs.service
    pool = level.setting.threads
    waiting = wait_general(each_process, needs.service, pool, service_variation=service.deviation / service.mean)
    return "threads", utilisation(each_process, needs.service, pool), needs.service + waiting


def computing(level: Level, arrival_rate: float, needs: Demand, *, cores: float | None) -> tuple[float, float] | None:
    """
    Utilisation and mean seconds in a handler that computes; None where the cores that a process uses are not known.

    None on an instance too: its quota is no core that calls share, since it stops all of them at once.
    Where each process uses one core, it has its share of the arrivals. Else all threads share the machine's cores, and
    by insensitivity their mean is that of M/M/m. Raises ValueError for more arrivals than the cores serve.
    """
    processes, threads = level.setting.process_count, level.setting.threads
    if level.setting.instance is not None:
        return None
    if level.handler == "async def" or threads == 1 or needs.serial:
        each_core = arrival_rate / min(processes, cores or processes)
        return utilisation(each_core, needs.service), shared_response(each_core, needs.service)
    if needs.serial is None or cores is None:
        return None
    usable = max(int(min(processes * threads, cores)), 1)
    return utilisation(arrival_rate, needs.service, usable), response(arrival_rate, needs.service, usable)


def weighted_mean(levels: Iterable[Level]) -> float | None:
    """The mean latency over the successful requests of several levels, seconds; None without any."""
    known = [(level.figures.mean, level.figures.requests) for level in levels if level.figures.mean is not None]
    total = sum(count for _, count in known)
    return sum(mean * count for mean, count in known) / total if total else None
