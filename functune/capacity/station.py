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
    begins, finishes = hall.by_station(hall.begins), hall.by_station(hall.finishes)
    latencies = finishes - arrivals
    lasted = np.nanmax(finishes, axis=1)
    return Simulated(
        latencies=latencies[:, kept],
        waits=(begins - arrivals)[:, kept],
        in_flight=hall.area / lasted,
        rates=np.isfinite(latencies).sum(axis=1) / lasted,
        means=np.nanmean(latencies, axis=1),
    )


class Hall:
    """
    All stations and their requests.

    Each array is flat. What there is of every request stands request by request, the stations side by side: stations
    are at about the same request, so a step reads a small part of the memory. A request is known by its place there.
    """

    def __init__(self, stations: Sequence[Station], arrivals: np.ndarray, work: np.ndarray, *, refusing: bool) -> None:
        count = len(stations)
        most = max(len(each.responses) for each in stations)
        self.count = count
        self.refusing = refusing
        self.slots = np.array([len(each.responses) for each in stations])
        speeds = np.zeros((count, most + 1))
        for row, each in enumerate(stations):
            speeds[row, 1 : len(each.responses) + 1] = 1 / each.responses
        self.speeds, self.speed_rows = speeds.ravel(), np.arange(count) * (most + 1)
        self.coming = np.concatenate([arrivals, np.full((count, 1), np.inf)], axis=1).T.ravel()
        self.work = work.T.ravel()
        self.ends = np.full((count, most), np.inf)
        """When the request in each slot is finished, on the virtual clock; infinite for a free slot. No gaps."""
        self.end_in, self.slot_rows = self.ends.reshape(-1), np.arange(count) * most
        self.held = np.zeros(count * most, dtype=np.int64)
        """The request in each slot."""
        self.clock, self.virtual, self.area = np.zeros(count), np.zeros(count), np.zeros(count)
        self.inside, self.running = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self.next, self.front = np.arange(count), np.arange(count)
        """The request that comes next to each station, and the one that begins next."""
        self.begins, self.finishes = np.zeros(arrivals.size), np.zeros(arrivals.size)

    def step(self) -> None:
        """The next event of each station: a request leaves or comes, and the one in front may begin."""
        slot = self.slot_rows + self.ends.argmin(axis=1)
        speed = self.speeds.take(self.speed_rows + self.running)
        arrival = self.coming.take(self.next)
        end = self.clock + (self.end_in.take(slot) - self.virtual) / speed  # infinite where nothing runs
        leaving, coming = end <= arrival, arrival < end
        moment = np.minimum(end, arrival)
        if self.refusing and (over := np.isinf(moment)).any():  # no event is left: a refused request never leaves
            moment[over] = self.clock[over]
            leaving &= ~over
        passed = moment - self.clock
        self.area += self.inside * passed
        self.virtual += passed * speed
        self.clock = moment
        self.leave(np.flatnonzero(leaving), slot)
        self.inside += coming
        self.inside -= leaving
        self.next += coming * self.count
        self.enter()
        if self.refusing:
            self.refuse()

    def leave(self, rows: np.ndarray, slots: np.ndarray) -> None:
        """The request in a slot of each of these stations is finished; the one in the last slot moves there."""
        slot = slots.take(rows)
        self.finishes[self.held.take(slot)] = self.clock.take(rows)
        self.running[rows] -= 1
        last = self.slot_rows.take(rows) + self.running.take(rows)
        self.end_in[slot] = self.end_in.take(last)
        self.held[slot] = self.held.take(last)
        self.end_in[last] = np.inf

    def enter(self) -> None:
        """The request in front of each station begins where there is a free slot; one event frees one slot at most."""
        entering = (self.front < self.next) & (self.running < self.slots)
        rows = np.flatnonzero(entering)
        request = self.front.take(rows)
        self.begins[request] = self.clock.take(rows)
        slot = self.slot_rows.take(rows) + self.running.take(rows)
        self.end_in[slot] = self.virtual.take(rows) + self.work.take(request)
        self.held[slot] = request
        self.front += entering * self.count
        self.running += entering

    def refuse(self) -> None:
        """A request that came and did not begin goes elsewhere."""
        rows = np.flatnonzero(self.front < self.next)
        request = self.front.take(rows)
        self.begins[request] = self.finishes[request] = np.nan
        self.front[rows] += self.count
        self.inside[rows] -= 1

    def by_station(self, values: np.ndarray) -> np.ndarray:
        """A value of each request with a row for each station."""
        return np.ascontiguousarray(values.reshape(-1, self.count).T)
