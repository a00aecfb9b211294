"""
An instance as a queueing station, by event simulation: requests share it, and those that find it full wait.

Arrivals are Poisson. Up to ``slots`` requests run at a time, and with n of them each proceeds at the speed 1 / R(n),
R being the mean response with n in flight. So the slowing down under the GIL, or on a fraction of a core, is part of
it, which no closed form of laws/queueing has. The others wait, first come, first served, or are refused where another
instance takes them.

Many stations are simulated side by side as the columns of arrays: a step handles the next event of each. A request that
proceeds at changing speeds is finished when a virtual clock, which runs at 1 / R(n), has advanced by its size.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

WARM_UP, TAIL = 0.2, 0.05
"""Shares of the requests that are left out at the start and at the end, where the station fills and empties."""


class Station(NamedTuple):
    """One instance and the requests that reach it."""

    arrival_rate: float
    """Per second."""
    responses: np.ndarray
    """R(1) to R(slots), seconds."""


class Simulated(NamedTuple):
    """The requests of some stations, a row for each; those of the warm-up and of the tail are left out."""

    latencies: np.ndarray
    """Seconds from arrival to answer; NaN for a request that is refused."""
    waits: np.ndarray
    """Seconds from arrival until it proceeds."""
    in_flight: np.ndarray
    """The time average of the requests in each station, over the whole simulation."""
    rates: np.ndarray
    """Requests per second that each station takes, over the whole simulation."""
    means: np.ndarray
    """Mean latency of each station, over the whole simulation."""


def simulate(
    stations: Sequence[Station], sizes: np.ndarray, *, requests: int, seed: int, refusing: bool = False
) -> Simulated:
    """
    Simulate ``requests`` arrivals at each station.

    ``sizes`` are equally likely amounts of work of a request, with a mean of 1. A ``refusing`` station takes no request
    that finds it full.
    """
    generator = np.random.default_rng(seed)
    rates = np.array([each.arrival_rate for each in stations])
    gaps = generator.exponential(1.0, (len(stations), requests))
    work = generator.choice(sizes, (len(stations), requests))
    # A queue shows an error in the rate several times over: all gaps together, and all sizes, have the mean they stand
    # for. What remains is the chance that makes requests wait.
    arrivals = np.cumsum(gaps / gaps.mean() / rates[:, None], axis=1)
    work = work / work.mean()
    with np.errstate(divide="ignore", invalid="ignore"):  # an empty station has no speed and no end
        begun, done, area = run_events(stations, arrivals, work, refusing=refusing)
    kept = slice(int(requests * WARM_UP), int(requests * (1 - TAIL)))
    latencies = done - arrivals
    lasted = np.nanmax(done, axis=1)
    return Simulated(
        latencies=latencies[:, kept],
        waits=(begun - arrivals)[:, kept],
        in_flight=area / lasted,
        rates=np.isfinite(latencies).sum(axis=1) / lasted,
        means=np.nanmean(latencies, axis=1),
    )


def run_events(
    stations: Sequence[Station], arrivals: np.ndarray, work: np.ndarray, *, refusing: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When each request begins and ends, and the integral of the requests in the station; a row for each station."""
    count, requests = arrivals.shape
    slots = np.array([len(each.responses) for each in stations])
    speeds = np.zeros((count, int(slots.max()) + 1))
    for row, each in enumerate(stations):
        speeds[row, 1 : len(each.responses) + 1] = 1 / each.responses
    rows = np.arange(count)
    ends = np.full((count, int(slots.max())), np.inf)
    """On the virtual clock, of the request in each slot."""
    held = np.zeros_like(ends, dtype=np.int64)
    coming = np.concatenate([arrivals, np.full((count, 1), np.inf)], axis=1)
    clock, virtual, area = np.zeros(count), np.zeros(count), np.zeros(count)
    arrived, begun, running = (np.zeros(count, dtype=np.int64) for _ in range(3))
    begins, finishes = np.zeros_like(arrivals), np.zeros_like(arrivals)
    finished = np.zeros(count, dtype=np.int64)
    for _ in range(2 * requests):
        first = ends.argmin(axis=1)
        speed = speeds[rows, running]
        next_arrival = coming[rows, arrived]
        next_end = np.where(running > 0, clock + (ends[rows, first] - virtual) / speed, np.inf)
        leaving = (running > 0) & (next_end <= next_arrival)
        coming_in = ~leaving & np.isfinite(next_arrival)
        moment = np.where(leaving, next_end, np.where(coming_in, next_arrival, clock))
        area += (arrived - finished) * (moment - clock)
        virtual += (moment - clock) * speed
        clock = moment
        left = rows[leaving]
        slot = first[leaving]
        finishes[left, held[left, slot]] = moment[left]
        ends[left, slot] = np.inf
        running[left] -= 1
        finished[left] += 1
        arrived[coming_in] += 1
        entering = rows[(begun < arrived) & (running < slots)]
        free = ends[entering].argmax(axis=1)
        request = begun[entering]
        begins[entering, request] = clock[entering]
        ends[entering, free] = virtual[entering] + work[entering, request]
        held[entering, free] = request
        begun[entering] += 1
        running[entering] += 1
        if refusing:
            refused = rows[begun < arrived]
            finishes[refused, begun[refused]] = np.nan
            begun[refused] += 1
            finished[refused] += 1
    return begins, finishes, area
