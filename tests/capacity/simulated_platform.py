"""A platform that starts instances on demand, simulated request by request: the oracle of the closed forms."""

import heapq
from typing import NamedTuple

import numpy as np

from functune.plans.billing import billed_time


class Seen(NamedTuple):
    """Averages over the time of the simulation."""

    instances: float
    starts: float
    """Per second."""
    billed: float
    """Instances billed as executing."""


class Place:
    """An instance that exists, or did."""

    def __init__(self) -> None:
        self.running = 0
        self.unused_since = 0.0
        self.created: float | None = None
        self.calls: list[float] = []


def serve(rate: float, response: float, *, concurrency: int, idle: float, requests: int, seed: int = 1) -> Seen:
    """
    Poisson arrivals that each take the first instance with a free place, or start one.

    An instance is removed ``idle`` seconds after its last request; a start takes no time.
    """
    arrivals = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, requests)).tolist()
    places: list[Place] = []
    ends: list[tuple[float, int]] = []
    starts, existed = 0, 0.0
    for arrival in arrivals:
        while ends and ends[0][0] <= arrival:
            moment, number = heapq.heappop(ends)
            places[number].running -= 1
            places[number].unused_since = moment
        for place in places:
            if place.created is not None and not place.running and place.unused_since + idle <= arrival:
                existed += place.unused_since + idle - place.created
                place.created = None
        there = (n for n, place in enumerate(places) if place.created is not None and place.running < concurrency)
        gone = (n for n, place in enumerate(places) if place.created is None)
        number = next(there, None)
        if number is None:
            number = next(gone, len(places))
            places += [Place()] if number == len(places) else []
            places[number].created = arrival
            starts += 1
        places[number].running += 1
        places[number].calls.append(arrival)
        heapq.heappush(ends, (arrival + response, number))
    end = arrivals[-1]
    existed += sum(end - place.created for place in places if place.created is not None)
    billed = sum(billed_time(np.array(place.calls), np.full(len(place.calls), response)) for place in places)
    return Seen(instances=existed / end, starts=starts / end, billed=billed / end)
