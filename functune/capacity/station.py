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
    """Seconds from arrival until it proceeds; NaN likewise."""
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
    hall = Hall(stations, arrivals, work, refusing=refusing)
    with np.errstate(divide="ignore", invalid="ignore"):  # an empty station has no speed and no end
        for _ in range(2 * requests):  # each request comes and leaves
            hall.step()
    kept = slice(int(requests * WARM_UP), int(requests * (1 - TAIL)))
    latencies = hall.finishes - arrivals
    lasted = np.nanmax(hall.finishes, axis=1)
    return Simulated(
        latencies=latencies[:, kept],
        waits=(hall.begins - arrivals)[:, kept],
        in_flight=hall.area / lasted,
        rates=np.isfinite(latencies).sum(axis=1) / lasted,
        means=np.nanmean(latencies, axis=1),
    )


class Hall:
    """All stations and their requests, as arrays with a row for each station."""

    def __init__(self, stations: Sequence[Station], arrivals: np.ndarray, work: np.ndarray, *, refusing: bool) -> None:
        count = len(stations)
        self.rows = np.arange(count)
        self.slots = np.array([len(each.responses) for each in stations])
        self.speeds = np.zeros((count, int(self.slots.max()) + 1))
        for row, each in enumerate(stations):
            self.speeds[row, 1 : len(each.responses) + 1] = 1 / each.responses
        self.coming = np.concatenate([arrivals, np.full((count, 1), np.inf)], axis=1)
        self.work = work
        self.refusing = refusing
        self.ends = np.full((count, int(self.slots.max())), np.inf)
        """When the request in each slot is finished, on the virtual clock; infinite for a free slot."""
        self.held = np.zeros_like(self.ends, dtype=np.int64)
        """The request in each slot."""
        self.clock, self.virtual, self.area = np.zeros(count), np.zeros(count), np.zeros(count)
        self.arrived, self.begun, self.running, self.gone = (np.zeros(count, dtype=np.int64) for _ in range(4))
        self.begins, self.finishes = np.zeros_like(arrivals), np.zeros_like(arrivals)

    def step(self) -> None:
        """The next event of each station: a request leaves or comes, and the one in front may begin."""
        first = self.ends.argmin(axis=1)
        speed = self.speeds[self.rows, self.running]
        arrival = self.coming[self.rows, self.arrived]
        end = np.where(self.running > 0, self.clock + (self.ends[self.rows, first] - self.virtual) / speed, np.inf)
        leaving = (self.running > 0) & (end <= arrival)
        coming = ~leaving & np.isfinite(arrival)
        moment = np.where(leaving, end, np.where(coming, arrival, self.clock))
        self.area += (self.arrived - self.gone) * (moment - self.clock)
        self.virtual += (moment - self.clock) * speed
        self.clock = moment
        self.leave(self.rows[leaving], first[leaving])
        self.arrived[coming] += 1
        self.enter()
        if self.refusing:
            self.refuse()

    def leave(self, rows: np.ndarray, slots: np.ndarray) -> None:
        """The request in a slot of each of these stations is finished."""
        self.finishes[rows, self.held[rows, slots]] = self.clock[rows]
        self.ends[rows, slots] = np.inf
        self.running[rows] -= 1
        self.gone[rows] += 1

    def enter(self) -> None:
        """The request in front of each station begins where there is a free slot; one event frees one slot at most."""
        rows = self.rows[(self.begun < self.arrived) & (self.running < self.slots)]
        free = self.ends[rows].argmax(axis=1)
        request = self.begun[rows]
        self.begins[rows, request] = self.clock[rows]
        self.ends[rows, free] = self.virtual[rows] + self.work[rows, request]
        self.held[rows, free] = request
        self.begun[rows] += 1
        self.running[rows] += 1

    def refuse(self) -> None:
        """A request that came and did not begin goes elsewhere."""
        rows = self.rows[self.begun < self.arrived]
        self.begins[rows, self.begun[rows]] = self.finishes[rows, self.begun[rows]] = np.nan
        self.begun[rows] += 1
        self.gone[rows] += 1
